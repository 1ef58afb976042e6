import { type FeedKey, LATEST } from '../../feed/feeds.ts';
import { type Articles, articlesWithout, prepareSelection } from './backfill.ts';
import type { FeedReader } from './feed-reader.ts';
import { listOf } from './feed-rows.ts';
import { type Key, LOWEST, partOf } from './list-parts.ts';
import type { Lists, TableRow } from './lists.ts';
import type { Reading } from './reading.ts';
import { ruleText, type StoredRule } from './stored-rule.ts';

/** Articles that are compared before the caller may pause. */
const COMPARED = 2000;

/** The articles of a feed, as far as they are read. */
interface Found {
  readonly articles: number[];
  last: Key;
}

/** A feed whose articles are known, so that a transaction can move them. */
export interface Prepared {
  readonly key: FeedKey;
  readonly rule: string;
  readonly removed: Articles;
  readonly added: Articles;
}

interface SelectionParts {
  readonly feeds: FeedReader;
  readonly lists: Lists;
  readonly reading: Reading;
}

/**
 * Returns a generator that finds what a feed lacks and what it must not have by its rule. It yields after each piece of the
 * work. Feeds that rules name are read once, and kept in `known`.
 */
export function createSelections({ feeds, lists, reading }: SelectionParts) {
  /** Reads a part of a feed. Returns whether that was the last. */
  function readPart(key: FeedKey, found: Found): boolean {
    const feed = feeds.find(key);
    if (feed === undefined) return true;
    const list = listOf(feed, 'entries');
    for (let index = partOf(list.parts, found.last); index < list.parts.parts.length; index += 1) {
      const rows = lists.readPart(list, index).filter((row) => isAfter(row, found.last));
      const [published, tie] = rows.at(-1) ?? [];
      if (published === undefined) continue;
      for (const row of rows) found.articles.push(Number(row[2]));
      found.last = [Number(published), Number(tie)];
      return index === list.parts.parts.length - 1;
    }
    return true;
  }

  function* articlesIn(key: FeedKey): Generator<undefined, Articles> {
    const found: Found = { articles: [], last: LOWEST };
    while (!reading(() => readPart(key, found))) yield;
    return Float64Array.from(found.articles).sort();
  }

  function* readIfUnknown(known: Map<FeedKey, Articles>, key: FeedKey): Generator<undefined, void> {
    if (!known.has(key)) known.set(key, yield* articlesIn(key));
  }

  function* prepare(known: Map<FeedKey, Articles>, key: FeedKey, rule: StoredRule): Generator<undefined, Prepared> {
    const { any, all, none } = rule.select;
    const groups = [...all.map((one) => [one]), ...(any.length > 0 ? [any] : [])];
    const wanted = groups.length > 0 ? groups : [[LATEST]];
    const named = [...new Set([...wanted.flat(), ...none])];
    if (!rule.isRemoved) for (const one of named) yield* readIfUnknown(known, one);
    const numbers = new Map(named.map((one, index) => [one, index]));
    const numbersOf = (keys: readonly FeedKey[]) => keys.map((one) => numbers.get(one) ?? 0);
    const { candidates, isSelected } = prepareSelection(
      { groups: rule.isRemoved ? [[]] : wanted.map(numbersOf), none: numbersOf(none) },
      (index) => known.get(named[index] ?? '') ?? new Float64Array(),
    );
    const selected: number[] = [];
    for (const [index, article] of candidates.entries()) {
      if (index % COMPARED === COMPARED - 1) yield;
      if (isSelected(article)) selected.push(article);
    }
    const before = yield* articlesIn(key);
    const after = Float64Array.from(selected);
    return {
      key,
      rule: ruleText(rule),
      removed: articlesWithout(before, after),
      added: articlesWithout(after, before),
    };
  }

  return prepare;
}

function isAfter([first, second]: TableRow, key: Key): boolean {
  return Number(first) > key[0] || (first === key[0] && Number(second) > key[1]);
}
