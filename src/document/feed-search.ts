import type { Publication } from '../config/publication.ts';
import { LATEST, type NamedKey, shortTitle } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { memo } from '../lib/memo.ts';
import { kindOf } from '../pages/kinds.ts';
import { type Findable, findable, folded, rank } from '../pages/search.ts';
import { languageName } from '../pages/words.ts';
import type { Store } from '../store/store.ts';
import { createKnownFeeds } from './known-feeds.ts';

interface FindableFeed {
  readonly feed: NamedKey;
  readonly name: Findable;
}

/** Returns a function that finds the feeds whose names answer a text, the best answers first. */
export function createFeedSearch({
  store,
  publication,
}: {
  readonly store: Store;
  readonly publication: Publication;
}): (text: string, at: Instant) => Promise<readonly NamedKey[]> {
  const knownFeeds = createKnownFeeds(store);
  /** Made once for a list: to fold ten thousand names takes longer than a search. */
  const findablesByList = new WeakMap<readonly NamedKey[], readonly FindableFeed[]>();
  const findableOf = memo(
    (line) => {
      const [key = '', title = ''] = line.split('\n');
      const name = key.slice(key.indexOf('/') + 1);
      return kindOf(key) === 'language' ? languageWords(name, publication.language) : findable(title, name);
    },
    { max: 50_000, maxLength: 2000 },
  );

  function findablesOf(feeds: readonly NamedKey[]): readonly FindableFeed[] {
    const known = findablesByList.get(feeds);
    if (known !== undefined) return known;
    const made = feeds
      .filter(({ key }) => key !== LATEST)
      .map((feed) => ({ feed, name: findableOf(`${feed.key}\n${shortTitle(feed, publication)}`) }));
    findablesByList.set(feeds, made);
    return made;
  }

  return async (text, at) => {
    const wanted = folded(text);
    if (wanted === '') return [];
    const found = findablesOf(await knownFeeds(at)).flatMap(({ feed, name }) => {
      const order = rank(name, wanted);
      return order === undefined ? [] : [{ feed, order }];
    });
    return found.toSorted((one, other) => one.order - other.order).map(({ feed }) => feed);
  };
}

/** A language is found by its name in itself, in English and in the publication's language, and by its tag. */
function languageWords(tag: string, ownLanguage: string): Findable {
  const { baseName } = new Intl.Locale(tag);
  const names = ['en', ownLanguage].map((one) => new Intl.DisplayNames([one], { type: 'language' }).of(baseName));
  return findable(languageName(tag), tag, ...names.map((name) => name ?? tag));
}
