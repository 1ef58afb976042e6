import type { FeedKey } from '../feed/feeds.ts';
import { nearestIndex, type Spelling, spelling } from '../lib/nearest-word.ts';

/** Made once for a list: to read each letter of ten thousand keys takes longer than the search. */
const spellingsByList = new WeakMap<readonly FeedKey[], readonly (readonly Spelling[])[]>();

/**
 * Returns the known feed that a mistyped address probably means, or undefined if none is near enough. A feed is known
 * by its key and, one step further away, by the name in it: `world` means `section/world`.
 *
 * @param known the same list for as long as the feeds are the same
 */
export function nearestFeed(asked: string, known: readonly FeedKey[]): FeedKey | undefined {
  let spellings = spellingsByList.get(known);
  if (spellings === undefined) {
    spellings = known.map((key) => [spelling(key), spelling(key.slice(key.indexOf('/') + 1), 1)]);
    spellingsByList.set(known, spellings);
  }
  const index = nearestIndex(asked, spellings);
  return index === undefined ? undefined : known[index];
}
