import { normalKey } from '../config/feed-keys.ts';
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

/**
 * The feed whose name is spelled like this, as `Section/Middle East` or `tag/C++`, one of another kind with this name, or
 * the nearest one.
 */
export function meantFeed(asked: string, known: readonly FeedKey[]): FeedKey | undefined {
  const key = normalKey(asked);
  if (known.includes(key)) return key;
  const sameName = known.find((each) => nameIn(each) === nameIn(key));
  return sameName ?? nearestFeed(asked, known) ?? nearestFeed(key, known);
}

function nameIn(key: FeedKey): string {
  return key.slice(key.indexOf('/') + 1);
}

/** Characters behind a copied address, the ending of a file, or the last part that other systems give their feeds. */
const ENDINGS = [/[^\p{L}\p{M}\p{N}\p{S}]$/u, /\.[^./]*$/, /\/(?:feed|feeds|rss|rss2|rdf|atom|json|xml|index)$/i];
/** `latest.atom.xml` has two endings, and someone may copy a full stop with it. */
const MAX_ENDINGS = 4;

/** The keys that a path without the ending of a format can mean: as it is, and without its endings. The last is the shortest. */
export function keysIn(path: string): readonly FeedKey[] {
  const keys = [path];
  while (keys.length <= MAX_ENDINGS) {
    const last = keys.at(-1) ?? '';
    const ending = ENDINGS.find((pattern) => pattern.test(last));
    const shorter = ending === undefined ? '' : last.replace(ending, '');
    if (shorter === '') break;
    keys.push(shorter);
  }
  return keys;
}
