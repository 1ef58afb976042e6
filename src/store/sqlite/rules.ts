import { type FeedKey, type FeedRule, LATEST, type NamedKey, type Selection } from '../../feed/feeds.ts';
import { customFeedChooser } from '../../feed/selection.ts';
import type { Instant } from '../../lib/instant.ts';
import type { FeedToBackfill } from '../store.ts';
import { createBackfill, type NumberedRule } from './backfill.ts';
import { lastRevision, type Statements } from './statements.ts';

/** Entries that come or leave after which a transaction that fills feeds ends: they take seconds, and others wait. */
const MOST_MOVED = 100_000;

/** No article is in one of no feeds. */
const NOTHING: NumberedRule = { groups: [[]], none: [] };

export type Rules = ReturnType<typeof createRules>;

/** Knows the operator's rules, and fills feeds by them. */
export function createRules(sql: Statements) {
  /** The version of the rules by which `choose` tells which of the operator's feeds take an article. */
  let chosenBy: number | undefined;
  let choose: (own: readonly FeedKey[]) => FeedKey[] = () => [];

  function list(): FeedRule[] {
    return sql.rules.all().map(({ id, rule }) => ({ id: String(id), select: JSON.parse(String(rule)) as Selection }));
  }

  /** To be called in a transaction before it asks `withOperators`: another process may have changed the rules. */
  function catchUp(): void {
    const version = Number(sql.rulesVersion.get()?.rules);
    if (version === chosenBy) return;
    choose = customFeedChooser(list());
    chosenBy = version;
  }

  /** The feeds an article is in by itself, and those of the operator's that take it. */
  function withOperators(own: readonly NamedKey[]): readonly NamedKey[] {
    const custom = choose(own.map(({ key }) => key));
    return custom.length === 0 ? own : [...own, ...custom.map((key) => ({ key, name: '' }))];
  }

  /** The store's `backfillFeeds`, in a transaction that its caller opens. */
  function backfillFeeds(feeds: readonly FeedToBackfill[], now: () => Instant): number {
    const fillings = sql.placing.map(createBackfill);
    const revision = lastRevision(sql) + 1;
    const touched: FeedKey[] = [];
    let moved = 0;
    let done = 0;
    for (const { id, select } of feeds) {
      const feed = select === undefined ? sql.forgetFeed.get(id) : sql.setRule.get(id, JSON.stringify(select));
      if (feed !== undefined) {
        const before = moved;
        const rule = select === undefined ? NOTHING : numberedRule(select);
        for (const fill of fillings) moved += fill(Number(feed.number), rule);
        if (moved > before || select === undefined) touched.push(id);
      }
      done += 1;
      if (moved >= MOST_MOVED) break;
    }
    if (done > 0) sql.raiseRulesVersion.run();
    if (touched.length > 0) sql.saveRevision.run(revision);
    const at = now();
    for (const key of touched) sql.touchFeed.run({ at, revision, key });
    return done;
  }

  function numberedRule({ any, all, none }: Selection): NumberedRule {
    const groups = [...all.map((key) => [key]), ...(any.length > 0 ? [any] : [])];
    return { groups: (groups.length > 0 ? groups : [[LATEST]]).map(numbersOf), none: numbersOf(none) };
  }

  function numbersOf(keys: readonly FeedKey[]): number[] {
    return keys.flatMap((key) => {
      const feed = sql.numberOfFeed.get(key);
      return feed === undefined ? [] : [Number(feed.number)];
    });
  }

  return { list, catchUp, withOperators, backfillFeeds };
}
