import { hash } from 'node:crypto';
import { setImmediate as pendingEvents } from 'node:timers/promises';
import type { Publication } from '../config/publication.ts';
import type { Feed, Format } from '../feed/feeds.ts';
import type { EntryOptions } from '../format/renderer.ts';
import { RENDERERS } from '../format/renderers.ts';
import type { EntryRef, Store, StoredArticle } from '../store/store.ts';
import { type CacheCounts, createByteCache } from './byte-cache.ts';
import type { Entry } from './document.ts';
import { pause } from './pause.ts';

/** Takes an article that cannot be rendered although it was accepted: its feeds are served without it. */
export type ReportUnrenderable = (articleId: string, format: Format, error: unknown, revision: number) => void;

interface EntryCacheParts {
  readonly store: Pick<Store, 'articles' | 'erasedAfter'>;
  readonly publication: Publication;
  readonly report: ReportUnrenderable;
  /** Bytes of entries that the cache may hold. */
  readonly maxBytes: number;
  /** Milliseconds of a monotonic clock. */
  readonly clock: () => number;
}

export interface Pace {
  /** Whether somebody waits for the entries by now; until then they are made in small pieces, with long pauses. */
  readonly isAwaited: () => boolean;
  /** Whether the event loop may go round in between even then. */
  readonly mayPause: boolean;
  /** Whether new entries are not kept: a walk through an archive would evict those of current documents. */
  readonly isPassing?: boolean;
}

interface EntryCache {
  /**
   * The entries of these articles, without those that cannot be rendered. Undefined if an article changed during a
   * pause: the entries would mix two states of the feed.
   *
   * @param pace how the event loop goes round meanwhile
   */
  readonly entriesOf: (
    refs: readonly EntryRef[],
    feed: Feed,
    format: Format,
    pace: Pace,
  ) => Promise<Entry[] | undefined>;
  /** Forgets the entries of articles that were erased. Returns whether there were such articles since the last call. */
  readonly forgetErased: () => Promise<boolean>;
  readonly counts: () => CacheCounts;
}

/** Entries to read and render between two pauses: half a millisecond's work. */
const PIECE = 4;
/** Milliseconds of work on entries that somebody waits for, until the event loop goes round. */
const SLICE = 10;
/** Entries to render together at most: more are hardly cheaper, and need more memory meanwhile. */
const MAX_BATCH = 25;
/** Characters of their bodies that end a batch. */
const BATCH_TEXT = 200_000;

/** Renders each article once for all feeds that show it alike. */
export function createEntryCache({ store, publication, report, maxBytes, clock }: EntryCacheParts): EntryCache {
  const { lru, counts } = createByteCache<Entry>(maxBytes, ({ bytes }) => Math.max(1, bytes.length));

  /** The revision of the last erasure that was noticed. */
  let lastErasure = 0;

  async function entriesOf(
    refs: readonly EntryRef[],
    feed: Feed,
    format: Format,
    { isAwaited, mayPause, isPassing = false }: Pace,
  ): Promise<Entry[] | undefined> {
    const entries = new Map(refs.map((ref) => [ref.number, lru.get(entryName(ref, feed, format))]));
    const missing = refs.filter(({ number }) => entries.get(number) === undefined);
    const pieces = createPieces(clock);
    let hasPaused = false;
    for (let next = 0; next < missing.length; ) {
      const isUrgent = isAwaited();
      if (!isUrgent) await pause(isAwaited);
      else if (mayPause && pieces.isOverdue()) await pieces.rest();
      hasPaused ||= !isUrgent || pieces.haveRested();
      const size = !isUrgent ? PIECE : mayPause ? pieces.size() : missing.length;
      const piece = missing.slice(next, next + size);
      next += piece.length;
      const articles = await store.articles(piece.map(({ number }) => number));
      if (hasPaused && !areUnchanged(piece, articles)) return undefined;
      for (const batch of batchesOf(articles)) {
        for (const [stored, text] of render(batch, feed, format)) {
          const entry = entryFrom(text);
          if (!isPassing) lru.set(entryName(stored, feed, format), entry);
          entries.set(stored.number, entry);
        }
      }
      pieces.done();
    }
    return refs.flatMap(({ number }) => entries.get(number) ?? []);
  }

  async function forgetErased(): Promise<boolean> {
    const erased = await store.erasedAfter(lastErasure);
    lastErasure = erased.at(-1)?.revision ?? lastErasure;
    if (erased.length === 0) return false;
    const numbers = new Set(erased.map(({ number }) => number));
    for (const name of [...lru.keys()]) if (numbers.has(numberIn(name))) lru.delete(name);
    return true;
  }

  /** Renders the articles together or, if that fails, one by one without those that cannot be rendered. */
  function render(batch: readonly StoredArticle[], feed: Feed, format: Format): [StoredArticle, string][] {
    const options = {
      content: feed.content,
      feedLanguage: feed.language,
      feedsUrl: publication.feedsUrl,
      publisher: publication,
    };
    try {
      return renderTogether(batch, format, options);
    } catch {
      return batch.flatMap((stored) => {
        try {
          return [[stored, RENDERERS[format].entry(stored.article, options)]];
        } catch (error) {
          report(stored.article.id, format, error, stored.revision);
          return [];
        }
      });
    }
  }

  return { entriesOf, forgetErased, counts };
}

/** The size of the next piece of work, by the time that the last one took: a few entries may be megabytes. */
function createPieces(clock: () => number) {
  let size = 1;
  let hasRested = false;
  let sliceBegan = clock();
  let pieceBegan = sliceBegan;
  return {
    size: () => size,
    haveRested: () => hasRested,
    isOverdue: () => clock() - sliceBegan >= SLICE,
    async rest(): Promise<void> {
      hasRested = true;
      await pendingEvents();
      sliceBegan = clock();
      pieceBegan = sliceBegan;
    },
    done(): void {
      const ended = clock();
      if (ended - pieceBegan < SLICE / 4) size = Math.min(MAX_BATCH, 2 * size);
      else if (ended - pieceBegan > SLICE) size = Math.max(1, Math.floor(size / 2));
      pieceBegan = ended;
    },
  };
}

function renderTogether(
  batch: readonly StoredArticle[],
  format: Format,
  options: EntryOptions,
): [StoredArticle, string][] {
  const articles = batch.map(({ article }) => article);
  const texts = RENDERERS[format].entries(articles, options);
  return batch.map((stored, index) => [stored, texts[index] ?? '']);
}

function areUnchanged(refs: readonly EntryRef[], articles: readonly StoredArticle[]): boolean {
  return refs.length === articles.length && refs.every(({ revision }, index) => articles[index]?.revision === revision);
}

function* batchesOf(articles: readonly StoredArticle[]): Generator<readonly StoredArticle[]> {
  let batch: StoredArticle[] = [];
  let text = 0;
  for (const stored of articles) {
    batch.push(stored);
    text += stored.article.html.length;
    if (batch.length < MAX_BATCH && text < BATCH_TEXT) continue;
    yield batch;
    batch = [];
    text = 0;
  }
  if (batch.length > 0) yield batch;
}

/**
 * The bytes get memory of their own: a slice of Node's pool would keep its neighbours in memory when they are evicted.
 */
function entryFrom(text: string): Entry {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return { bytes, tag: hash('sha256', bytes, 'base64url').slice(0, 4) };
}

/** All that an entry's bytes depend on: the article's revision, the format, and the feed as far as entries show it. */
function entryName({ number, revision }: Pick<EntryRef, 'number' | 'revision'>, feed: Feed, format: Format): string {
  return `${number} ${revision} ${format} ${feed.content} ${format === 'rss' ? feed.language : ''}`;
}

/** The article's number in the name of an entry. */
function numberIn(name: string): number {
  return Number(name.slice(0, name.indexOf(' ')));
}
