import { hash } from 'node:crypto';
import type { Article } from '../article/article.ts';
import type { Partner } from '../config/partners.ts';
import type { Publication } from '../config/publication.ts';
import { type CacheCounts, createByteCache } from '../document/byte-cache.ts';
import { type Feed, type Format, type NamedKey, ownKeys } from '../feed/feeds.ts';
import type { Dialect, DialectItem, DialectOptions, DialectRenderer } from '../format/dialect/dialect.ts';
import type { Instant } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { createYieldToLoop } from '../lib/yield-to-loop.ts';
import type { PartnerEnding, TakenBack } from '../store/partner-store.ts';
import type { EntryRef, Store, StoredArticle } from '../store/store.ts';
import { type LastChange, lastChangeIn } from './last-change.ts';
import { partnerCopy } from './partner-copy.ts';
import { type Audience, dependsOnTime, type Refusal, refusalsOf } from './verdict.ts';

/** A story in the words of a dialect, and what decides whether a partner gets it. */
export interface Story extends Audience {
  /** The newsroom's id. */
  readonly id: string;
  readonly publicId: string;
  /** The feeds that the story names. */
  readonly feeds: readonly NamedKey[];
  /** The entry; missing where the story is left out. */
  readonly bytes?: Buffer;
  /** Why the story is left out. */
  readonly refusals: readonly Refusal[];
  /** The reason of a withdrawal. */
  readonly reason?: string;
  /** When the story was corrected last. */
  readonly correctedAt?: Instant;
}

/** A story that a partner had in a feed, and must remove. */
export interface Gone extends Omit<TakenBack, 'ending'> {
  readonly ending: TakenBack['ending'] | PartnerEnding;
  /** The story has left the partner's feeds: the partner has no licence for its present words. */
  readonly hasLeft?: true;
}

/** How a feed of a partner is rendered in a format. */
export interface Rendering {
  readonly partner: Partner;
  readonly dialect: Dialect;
  readonly format: Format;
  readonly renderer: DialectRenderer;
  readonly feed: Feed;
}

/** The rule that leaves out a story whose rendering fails. */
export const UNRENDERABLE = 'unrenderable';

/** Takes a story that cannot be rendered: feeds are served without it. */
export type ReportUnrenderable = (
  article: string,
  rendering: Pick<Rendering, 'dialect' | 'format'>,
  error: unknown,
  revision: number,
) => void;

interface StoriesParts {
  readonly store: Pick<Store, 'articles' | 'erasedAfter' | 'history'>;
  readonly publication: Publication;
  readonly report: ReportUnrenderable;
  /** Bytes of stories that are kept. */
  readonly maxBytes: number;
}

export interface Stories {
  /**
   * The stories of these references at a moment, as entries. One is missing where the store has another revision by now.
   * The event loop goes round while they are made.
   */
  readonly entries: (refs: readonly EntryRef[], rendering: Rendering, at: Instant) => Promise<(Story | undefined)[]>;
  /** The same for stories that are gone for partners, as the marks that say so. */
  readonly marks: (gone: readonly Gone[], rendering: Rendering) => Promise<(Story | undefined)[]>;
  /** Forgets the stories of articles that were erased. Returns whether there were such articles since the last call. */
  readonly forgetErased: () => Promise<boolean>;
  readonly counts: () => CacheCounts;
}

/** An article as it is in a document. */
interface Version {
  readonly ref: EntryRef;
  readonly last: LastChange;
  readonly at: Instant;
}

/** Stories that are read together. */
const PIECE = 8;
/** Bytes of a story in memory besides its entry. */
const OVERHEAD = 400;
const HOUR = 60 * 60 * 1000;

/** Renders each story once for all partners with equal options. */
export function createStories({ store, publication, report, maxBytes }: StoriesParts): Stories {
  const { lru, counts } = createByteCache<Story>(maxBytes, ({ bytes, refusals }) => {
    return OVERHEAD * (1 + refusals.length) + (bytes?.length ?? 0);
  });
  let lastErasure = 0;

  async function storiesOf<Ref extends EntryRef>(
    refs: readonly Ref[],
    nameOf: (ref: Ref) => string,
    make: (ref: Ref, article: Article, last: LastChange) => Story,
  ): Promise<(Story | undefined)[]> {
    const rest = createYieldToLoop();
    const found = refs.map((ref) => lru.get(nameOf(ref)));
    const missing = refs.flatMap((ref, index) => (found[index] === undefined ? [{ ref, index }] : []));
    for (let next = 0; next < missing.length; next += PIECE) {
      await rest();
      const piece = missing.slice(next, next + PIECE);
      const articles = byNumber(await store.articles(piece.map(({ ref }) => ref.number)));
      for (const { ref, index } of piece) {
        const stored = articles.get(ref.number);
        if (stored === undefined || stored.revision !== ref.revision) continue;
        const last = lastChangeIn(await store.history(stored.article.id), ref.revision);
        const story = make(ref, stored.article, last);
        lru.set(nameOf(ref), story);
        found[index] = story;
      }
    }
    return found;
  }

  function entryOf(article: Article, { ref, last, at }: Version, rendering: Rendering): Story {
    const { partner, dialect, renderer, feed } = rendering;
    const copy = partnerCopy(article, partner);
    const { contentType } = partner;
    const { revision } = ref;
    const { datedAt: changedAt, republishedAt = 0 } = last;
    const updatedAt = Math.max(ref.updatedAt, republishedAt);
    const known = omitUndefined({ updatedAt, changedAt, revision });
    const item: DialectItem = { article: copy, contentType, content: feed.content, ...known };
    try {
      const refusals = refusalsOf(item, dialect, at);
      const entry = refusals.length > 0 ? undefined : renderer.entry(item, optionsOf(rendering, publication));
      return storyOf(article, entry, { refusals, last });
    } catch (error) {
      report(article.id, rendering, error, revision);
      return storyOf(article, undefined, { refusals: [unrenderable(error)], last });
    }
  }

  function markOf(article: Article, { at, revision, hasLeft }: Gone, last: LastChange, rendering: Rendering): Story {
    const { partner, renderer } = rendering;
    const { contentType } = partner;
    const { datedAt: changedAt } = last;
    const copy = partnerCopy(hasLeft === true ? { ...article, title: '' } : article, partner);
    const item = omitUndefined({ article: copy, at, changedAt, revision, contentType });
    try {
      return storyOf(article, renderer.takenBack?.(item, optionsOf(rendering, publication)), { refusals: [], last });
    } catch (error) {
      report(article.id, rendering, error, revision);
      return storyOf(article, undefined, { refusals: [unrenderable(error)], last });
    }
  }

  return {
    entries(refs, rendering, at) {
      const hour = dependsOnTime(rendering.dialect) ? Math.floor(at / HOUR) : '';
      const options = optionsName(rendering);
      const nameOf = ({ number, revision }: EntryRef) => `${number} ${revision} ${options} ${hour}`;
      return storiesOf(refs, nameOf, (ref, article, last) => entryOf(article, { ref, last, at }, rendering));
    },
    marks(gone, rendering) {
      const options = optionsName(rendering);
      const nameOf = ({ number, revision, at, ending, hasLeft }: Gone) =>
        `${number} ${revision} ${options} ${ending} ${at} ${hasLeft === true}`;
      return storiesOf(gone, nameOf, (ref, article, last) => markOf(article, ref, last, rendering));
    },
    async forgetErased() {
      const erased = await store.erasedAfter(lastErasure);
      lastErasure = erased.at(-1)?.revision ?? lastErasure;
      const numbers = new Set(erased.map(({ number }) => number));
      if (numbers.size > 0) for (const name of [...lru.keys()]) if (numbers.has(numberIn(name))) lru.delete(name);
      return numbers.size > 0;
    },
    counts,
  };
}

/** When time alone may change what a dialect refuses; undefined where it cannot. */
export function nextLookAt(dialect: Dialect, at: Instant): Instant | undefined {
  return dependsOnTime(dialect) ? (Math.floor(at / HOUR) + 1) * HOUR : undefined;
}

function byNumber(articles: readonly StoredArticle[]): ReadonlyMap<number, StoredArticle> {
  return new Map(articles.map((stored) => [stored.number, stored]));
}

/** The article's number in the name of a story. */
function numberIn(name: string): number {
  return Number(name.slice(0, name.indexOf(' ')));
}

function storyOf(
  article: Article,
  text: string | undefined,
  { refusals, last }: { readonly refusals: readonly Refusal[]; readonly last: LastChange },
): Story {
  const { id, publicId, rights, urgency, withdrawn } = article;
  const bytes = text === undefined ? undefined : bytesOf(text);
  return omitUndefined({
    ...{ id, publicId, rights, urgency, bytes, refusals },
    feeds: article.language === '' ? [] : ownKeys(article), // an erased article names none
    reason: withdrawn?.reason,
    correctedAt: last.changedAt,
  });
}

/** In memory of their own: a slice of Node's pool would keep its neighbours in memory when they are evicted. */
function bytesOf(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

function unrenderable(error: unknown): Refusal {
  return {
    rule: UNRENDERABLE,
    reason: error instanceof Error ? error.message : String(error),
    asks: 'Every story can be rendered: this is a defect of Feed Publisher.',
    field: '',
    evidence: 'T',
    source: '',
    read: '',
  };
}

function optionsOf({ partner, feed }: Rendering, publication: Publication): DialectOptions {
  return omitUndefined({
    content: feed.content,
    contentType: partner.contentType,
    feedLanguage: feed.language,
    feedsUrl: publication.feedsUrl,
    publisher: publication,
    terms: partner.terms,
    podcast: partner.podcast,
  });
}

/** All that a story depends on besides its article, as one word: partners with equal options share stories. */
function optionsName({ partner, dialect, format, feed }: Rendering): string {
  const { contentType, mediaRights, campaign, copyright, terms, podcast } = partner;
  const options = [
    dialect.name,
    format,
    contentType,
    feed.content,
    feed.language,
    mediaRights,
    campaign,
    copyright,
    terms,
    podcast,
  ];
  return hash('sha256', JSON.stringify(options), 'base64url').slice(0, 22);
}
