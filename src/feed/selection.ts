import type { FeedKey, FeedRule, Selection } from './feeds.ts';

/**
 * Returns a function from the keys of the feeds that an article is in by itself (`ownKeys`) to the ids of the
 * operator's feeds that select the article. It looks feeds up by a key that they require: an article is compared only
 * with feeds that may select it, even among ten thousand.
 */
export function customFeedChooser(feeds: readonly FeedRule[]): (own: readonly FeedKey[]) => FeedKey[] {
  if (feeds.length === 0) return () => [];
  const wanted = new Map<FeedKey, number>();
  for (const { select } of feeds) {
    for (const key of new Set([...select.all, ...select.any])) wanted.set(key, (wanted.get(key) ?? 0) + 1);
  }
  const byKey = new Map<FeedKey, FeedRule[]>();
  const withoutKey: FeedRule[] = [];
  for (const feed of feeds) {
    const keys = keysToLookUp(feed.select, wanted);
    if (keys === undefined) withoutKey.push(feed);
    for (const key of new Set(keys)) {
      const sameKey = byKey.get(key);
      if (sameKey === undefined) byKey.set(key, [feed]);
      else sameKey.push(feed);
    }
  }
  return (own) => {
    const keys = new Set(own);
    const candidates = new Set([...withoutKey, ...own.flatMap((key) => byKey.get(key) ?? [])]);
    return [...candidates].filter(({ select }) => selects(select, keys)).map(({ id }) => id);
  };
}

/**
 * Keys such that the feed selects only articles with at least one of them, and few other feeds want the same ones: one that all
 * its articles have, or the keys of its `any`. Undefined if the feed selects articles without any particular key.
 *
 * @param wanted how many feeds want each key
 */
function keysToLookUp({ any, all }: Selection, wanted: ReadonlyMap<FeedKey, number>): readonly FeedKey[] | undefined {
  const choices = [...all.map((key) => [key]), ...(any.length > 0 ? [any] : [])];
  const mostOf = (keys: readonly FeedKey[]) => keys.reduce((most, key) => Math.max(most, wanted.get(key) ?? 0), 0);
  return choices.toSorted((one, other) => mostOf(one) - mostOf(other))[0];
}

function selects({ any, all, none }: Selection, keys: ReadonlySet<FeedKey>): boolean {
  return (
    (any.length === 0 || any.some((key) => keys.has(key))) &&
    all.every((key) => keys.has(key)) &&
    !none.some((key) => keys.has(key))
  );
}
