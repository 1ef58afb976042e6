import type { Publication } from '../config/publication.ts';
import { type FeedKey, LATEST, type NamedKey } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { memo } from '../lib/memo.ts';
import { slugOf } from '../lib/text.ts';
import { kindOf } from '../pages/kinds.ts';
import { type Findable, findable, folded, rank } from '../pages/search.ts';
import { languageName } from '../pages/words.ts';
import type { Store } from '../store/store.ts';
import { seenInPieces } from './seen-feeds.ts';

interface FindableFeed {
  readonly key: FeedKey;
  readonly words: Findable;
}

export interface FoundFeeds {
  /** Of all feeds that were found. */
  readonly count: number;
  /** The best answers, the best one first. */
  readonly best: readonly NamedKey[];
}

type SearchStore = Pick<Store, 'feedKeys' | 'seenFeeds' | 'lastRevision'>;

/**
 * Returns a function that finds the feeds whose names answer a text. Names are looked for in the keys
 * of feeds, which hold them: to read the names of ten thousand feeds after each change would take a tenth of a second.
 */
export function createFeedSearch({
  store,
  publication,
}: {
  readonly store: SearchStore;
  readonly publication: Publication;
}): (text: string, at: Instant, limit: number) => Promise<FoundFeeds> {
  const onlySeen = createSeenFilter(store);
  const titles = new Map(publication.feeds.map(({ id, title }) => [id, title]));
  /** Made once for a list: to fold ten thousand names takes longer than a search. */
  const known = new WeakMap<readonly FeedKey[], readonly FindableFeed[]>();
  /** Made at the first search: a memo of this size takes milliseconds, which the first page of all feeds must not wait for. */
  let wordsOf: ((key: FeedKey) => Findable) | undefined;

  function readWords(key: FeedKey): Findable {
    const name = key.slice(key.indexOf('/') + 1);
    if (kindOf(key) === 'language') return languageWords(name, publication.language);
    return findable(name, titles.get(key) ?? '');
  }

  function findables(keys: readonly FeedKey[]): readonly FindableFeed[] {
    const made = known.get(keys);
    if (made !== undefined) return made;
    wordsOf ??= memo(readWords, { max: 50_000, maxLength: 2000 });
    const words = wordsOf;
    const list = keys.flatMap((key) => (key === LATEST ? [] : [{ key, words: words(key) }]));
    known.set(keys, list);
    return list;
  }

  return async (text, at, limit) => {
    // As it is, and as it is in keys: that of C++ is c-plus-plus.
    const wanted = [...new Set([folded(text), folded(slugOf(text))])].filter((each) => each !== '');
    const orders = new Map<FeedKey, number>();
    for (const { key, words } of findables(await store.feedKeys())) {
      const order = Math.min(...wanted.map((each) => rank(words, each) ?? Number.POSITIVE_INFINITY));
      if (Number.isFinite(order)) orders.set(key, order);
    }
    const found = await onlySeen([...orders.keys()], at);
    const ordered = found.toSorted((one, other) => (orders.get(one) ?? 0) - (orders.get(other) ?? 0));
    return { count: found.length, best: await store.seenFeeds(ordered.slice(0, limit), at) };
  };
}

/**
 * Returns a function that keeps those feeds that readers can see. While the store has the same revision, a feed that was seen
 * once stays so: to read ten thousand feeds takes 70 ms.
 */
function createSeenFilter(store: SearchStore): (keys: readonly FeedKey[], at: Instant) => Promise<readonly FeedKey[]> {
  let seen = new Set<FeedKey>();
  let revision = -1;
  let latest = 0;

  return async (keys, at) => {
    const current = await store.lastRevision();
    if (current !== revision || at < latest) seen = new Set();
    [revision, latest] = [current, at];
    const known = seen; // a search during the next revision begins another set
    const unknown = keys.filter((key) => !known.has(key));
    for (const { key } of await seenInPieces(store, unknown, at)) known.add(key);
    return keys.filter((key) => known.has(key));
  };
}

/** Names by which people know a language, where `Intl` has another one: ckb is Central Kurdish there. */
const OTHER_NAMES: ReadonlyMap<string, readonly string[]> = new Map([
  ['ckb', ['Sorani', 'سۆرانی']],
  ['fa', ['Farsi']],
  ['kmr', ['Kurmanji', 'Kurdî']],
  ['ku', ['Kurmanji']],
]);

/** A language is found by its name in itself, in English and in the publication's language, by other names, and by its tag. */
function languageWords(tag: string, ownLanguage: string): Findable {
  const { baseName, language } = new Intl.Locale(tag);
  const names = ['en', ownLanguage].map((one) => new Intl.DisplayNames([one], { type: 'language' }).of(baseName));
  return findable(languageName(tag), tag, ...names.map((name) => name ?? tag), ...(OTHER_NAMES.get(language) ?? []));
}
