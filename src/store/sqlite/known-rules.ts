import { isPartnerFeed } from '../../feed/dialects.ts';
import type { FeedKey, FeedRule, NamedKey } from '../../feed/feeds.ts';
import { customFeedChooser } from '../../feed/selection.ts';
import type { FeedToBackfill } from '../store.ts';
import type { FeedReader } from './feed-reader.ts';
import type { FeedRow, FeedRows } from './feed-rows.ts';
import type { StoreRow } from './store-row.ts';
import { changedRule, readRule, ruleText, type StoredRule } from './stored-rule.ts';

/** The custom feeds of an article. */
interface CustomFeeds {
  /** Those whose rules select it. */
  readonly selected: readonly FeedKey[];
  /** Those that may hold it: also by an earlier rule, as long as the feed is being filled. */
  readonly held: readonly FeedKey[];
}

const NONE: CustomFeeds = { selected: [], held: [] };

interface KnownRulesParts {
  readonly storeRow: StoreRow;
  readonly feeds: FeedReader;
  readonly feedRows: FeedRows;
}

/** The rules of the custom feeds as the store has them, in memory. */
export function createKnownRules({ storeRow, feeds, feedRows }: KnownRulesParts) {
  /** The rules of a version of the store, in the order in which the feeds came. */
  let known: { version: number; readonly rules: Map<FeedKey, StoredRule> } | undefined;
  /** Made of the known rules when an article needs it. */
  let choose: ((own: readonly FeedKey[]) => CustomFeeds) | undefined;

  function readAll(): Map<FeedKey, StoredRule> {
    // Those that articles name have a kind before a slash.
    const own = feeds.all().filter(([key]) => !key.includes('/') || isPartnerFeed(key));
    const rows = own.map(([key, number]) => feeds.get(number, key)).toSorted((one, other) => one.number - other.number);
    return new Map(rows.flatMap(({ key, rule }) => (rule === null ? [] : [[key, readRule(rule)]])));
  }

  function current(): Map<FeedKey, StoredRule> {
    const version = storeRow.rules();
    if (known?.version === version) return known.rules;
    choose = undefined;
    known = { version, rules: readAll() };
    return known.rules;
  }

  function list(): FeedRule[] {
    return [...current()].flatMap(([id, { select, isRemoved }]) => (isRemoved ? [] : [{ id, select }]));
  }

  /** Call this in a transaction before `withCustomFeeds`: another process may have changed the rules. */
  function catchUp(): void {
    choose = chooserOf(current());
  }

  function chooserOf(rules: ReadonlyMap<FeedKey, StoredRule>): (own: readonly FeedKey[]) => CustomFeeds {
    if (choose !== undefined) return choose;
    const all = [...rules].map(([id, { select }]) => ({ id, select }));
    const earlier = [...rules].flatMap(([id, { filling = [] }]) => filling.map((select) => ({ id, select })));
    const selected = customFeedChooser(all);
    const heldBefore = customFeedChooser(earlier);
    if (earlier.length === 0)
      return (own) => {
        const keys = selected(own);
        return { selected: keys, held: keys };
      };
    return (own) => {
      const keys = selected(own);
      return { selected: keys, held: [...new Set([...keys, ...heldBefore(own)])] };
    };
  }

  function customFeeds(own: readonly NamedKey[]): CustomFeeds {
    return choose?.(own.map(({ key }) => key)) ?? NONE;
  }

  /** Sets or removes a rule. The feed is to be filled from now on. Undefined where there is no such feed. */
  function changeRule({ id, select }: FeedToBackfill): FeedRow | undefined {
    const feed = select === undefined ? feedRows.find(id) : feedRows.of(id);
    if (feed === undefined || (select === undefined && feed.rule === null && feed.declared === 0)) return undefined;
    saveRule(feed, changedRule(feed.rule, select));
    return Object.assign(feed, select === undefined ? { declared: 0, visibleFrom: null } : { declared: 1 });
  }

  /** The feed holds what its rule selects. The number of a feed without a rule stays: other processes know it. */
  function finish(feed: FeedRow): void {
    if (feed.rule === null) return;
    const { select, isRemoved } = readRule(feed.rule);
    saveRule(feed, isRemoved ? undefined : { select, isRemoved });
    if (isRemoved) feed.visibleFrom = null; // an article may have left it meanwhile
  }

  function saveRule(feed: FeedRow, rule: StoredRule | undefined): void {
    feedRows.touch(feed).rule = rule === undefined ? null : ruleText(rule);
    if (rule === undefined) known?.rules.delete(feed.key);
    else known?.rules.set(feed.key, rule);
  }

  /** Call this after `saveRule`, and before the commit. This process needs to read no rule again that it wrote itself. */
  function raiseVersion(): void {
    storeRow.raiseRules();
    if (known !== undefined) known.version = storeRow.rules();
    choose = undefined;
  }

  return {
    list,
    catchUp,
    customFeeds,
    changeRule,
    finish,
    raiseVersion,
    /** The rules of the feeds that are being filled. */
    filling: (): [FeedKey, StoredRule][] => [...current()].filter(([, { filling }]) => filling !== undefined),
    /** Call this after a rollback: the rules in memory may be those of the transaction. */
    forget(): void {
      known = undefined;
      choose = undefined;
    },
  };
}
