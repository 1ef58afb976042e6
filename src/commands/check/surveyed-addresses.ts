import type { Newsroom } from '../../article/newsroom.ts';
import { urlHash } from '../../article/stored.ts';
import { createAddressIndex } from './address-index.ts';
import type { CheckedArticle } from './checked.ts';
import { pageOf, relativeLinks } from './links.ts';

/** The addresses of all articles, and what does not go together with them. */
export interface SurveyedAddresses {
  /** Articles whose address another article had, which readers know. */
  readonly movedAddresses: () => AsyncIterable<{ readonly before: CheckedArticle; readonly now: CheckedArticle }>;
  /** Articles with the same address, in groups. */
  readonly sameAddresses: () => AsyncIterable<readonly CheckedArticle[]>;
  /** Relative links that lead to no article. */
  readonly lostLinks: () => AsyncIterable<{ readonly checked: CheckedArticle; readonly link: string }>;
}

interface Addresses extends SurveyedAddresses {
  /** Adds an article that has its address. */
  readonly add: (checked: CheckedArticle) => void;
  /** Adds an article that readers knew, and that is gone or goes at the next start. */
  readonly addFormer: (checked: CheckedArticle) => void;
  readonly addLinks: (checked: CheckedArticle) => void;
}

interface AddressesParts {
  readonly newsroom: Newsroom;
  readonly load: (ref: number) => Promise<CheckedArticle | undefined>;
}

/** Articles with one address that are compared. A content system may give all of them the same. */
const MOST_ALIKE = 100;

/** Compares addresses by their hashes, and those with the same hash as they are. */
export function createAddresses({ newsroom, load }: AddressesParts): Addresses {
  const own = createAddressIndex();
  const former = createAddressIndex();
  const links = createAddressIndex();

  async function* movedAddresses() {
    for (const [formerRef, refs] of former.joined(own)) {
      const before = await load(formerRef);
      for (const ref of refs.slice(0, MOST_ALIKE)) {
        const now = await load(ref);
        if (before === undefined || now === undefined || now.status === 'expired') continue;
        if (before.article.url === now.article.url && before.article.id !== now.article.id) yield { before, now };
      }
    }
  }

  async function* sameAddresses() {
    for (const refs of own.repeated()) {
      const loaded = (await Promise.all(refs.slice(0, MOST_ALIKE).map(load))).filter((each) => each !== undefined);
      const seen = loaded.filter(({ status }) => status !== 'expired');
      for (const group of Map.groupBy(seen, ({ article }) => article.url).values()) if (group.length > 1) yield group;
    }
  }

  async function* lostLinks() {
    for (const ref of links.missingIn(own)) {
      const checked = await load(ref);
      if (checked === undefined) continue;
      for (const link of relativeLinks(checked, newsroom)) if (!own.has(urlHash(pageOf(link)))) yield { checked, link };
    }
  }

  return {
    add: ({ article, ref }) => own.add(urlHash(pageOf(article.url)), ref),
    addFormer: ({ article, ref }) => former.add(urlHash(pageOf(article.url)), ref),
    addLinks(checked) {
      for (const link of relativeLinks(checked, newsroom)) links.add(urlHash(pageOf(link)), checked.ref);
    },
    movedAddresses,
    sameAddresses,
    lostLinks,
  };
}
