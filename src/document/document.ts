import { hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import type { Publication } from '../config/publication.ts';
import { describeFeed, type Feed, type FeedKey, type Format } from '../feed/feeds.ts';
import { atom } from '../format/atom.ts';
import { json } from '../format/json.ts';
import type { Head, Renderer } from '../format/renderer.ts';
import { rss } from '../format/rss.ts';
import type { Instant } from '../lib/instant.ts';
import type { EntryRef, FeedSnapshot, Store, StoredArticle, Tombstone } from '../store/store.ts';

/** A feed in a format at a moment. */
export interface Document {
  readonly feed: Feed;
  readonly format: Format;
  readonly bytes: Buffer;
  /** The entries within the bytes, in their order. */
  readonly entries: readonly Part[];
  /** When the document last became another: an article came, changed or left. */
  readonly changedAt: Instant;
  /** When time alone will make it another, where that is known. */
  readonly nextChangeAt?: Instant;
}

/** An entry within a document. */
export interface Part {
  readonly start: number;
  readonly end: number;
  /** Names the entry's bytes in four characters. */
  readonly tag: string;
}

/** An entry as it is kept. */
interface Entry {
  readonly bytes: Buffer;
  readonly tag: string;
}

const RENDERERS: Readonly<Record<Format, Renderer>> = { rss, atom, json };

const DAY = 24 * 60 * 60 * 1000;

/** Entries that are rendered together: more are hardly cheaper, and what is made of them on the way is larger. */
const BATCH = 25;
/** Characters of their bodies at which it is enough. */
const BATCH_TEXT = 200_000;
/** Entries that are read and rendered before others come first, where nobody waits for them: half a millisecond's work. */
const PIECE = 4;
/** Rounds of the event loop that others have in between: a request takes several, and is to meet one piece, not one in each. */
const TURNS = 5;

/** Told of an article that was accepted and yet cannot be rendered; its feeds are served without it. */
export type ReportUnrenderable = (articleId: string, format: Format, error: unknown) => void;

interface ArrangerParts {
  readonly store: Store;
  readonly publication: Publication;
  readonly report: ReportUnrenderable;
  /** Bytes of entries that may be kept. */
  readonly entryBytes: number;
}

/** What is kept in memory to be used again. */
export interface KeptCounts {
  readonly count: number;
  readonly bytes: number;
  /** How many had to go for others. */
  readonly evicted: number;
}

/** Arranges documents of entries, each rendered once for all feeds that show it alike. */
export function createArranger({ store, publication, report, entryBytes }: ArrangerParts) {
  let evicted = 0;
  const kept = new LRUCache<string, Entry>({
    maxSize: entryBytes,
    sizeCalculation: ({ bytes }) => Math.max(1, bytes.length),
    dispose: (_entry, _name, reason) => {
      if (reason === 'evict') evicted += 1;
    },
  });

  /**
   * @param isAwaited whether somebody waits for it by now; until then it is made in pieces, and requests come first
   * @returns undefined where no such feed was ever visible
   */
  async function arrange(
    key: FeedKey,
    format: Format,
    at: Instant,
    isAwaited: () => boolean = () => true,
  ): Promise<Document | undefined> {
    const limit = describeFeed(key, '', publication).entries;
    const snapshot = await store.snapshot(key, at, { limit, tombstonesFor: publication.tombstoneDays * DAY });
    if (snapshot === undefined) return undefined;
    const feed = describeFeed(key, snapshot.name, publication);
    const entries = await entriesOf(snapshot.entries, feed, format, isAwaited);
    if (entries === undefined) return arrange(key, format, at);
    await letOthersFirst(isAwaited);
    return {
      feed,
      format,
      ...joined(format, headOf(feed, snapshot), entries, snapshot.tombstones),
      changedAt: Math.max(snapshot.changedAt, snapshot.entries[0]?.publishedAt ?? 0, snapshot.removedAt ?? 0),
      ...(snapshot.nextChangeAt === undefined ? {} : { nextChangeAt: snapshot.nextChangeAt }),
    };
  }

  function headOf(feed: Feed, { entries, removedAt }: FeedSnapshot): Head {
    const [newest] = entries;
    return {
      feed,
      publication,
      updatedAt: Math.max(0, removedAt ?? 0, ...entries.map((entry) => entry.updatedAt)),
      ...(newest === undefined ? {} : { publishedAt: newest.publishedAt }),
    };
  }

  /** @returns undefined where some of them were changed while others came first, so that they are of no one moment */
  async function entriesOf(
    refs: readonly EntryRef[],
    feed: Feed,
    format: Format,
    isAwaited: () => boolean,
  ): Promise<Entry[] | undefined> {
    const entries = new Map(refs.map((ref) => [ref.number, kept.get(entryName(ref, feed, format))]));
    const missing = refs.filter(({ number }) => entries.get(number) === undefined);
    let hasPaused = false;
    for (let next = 0; next < missing.length; ) {
      const isHurried = isAwaited();
      if (!isHurried) {
        await letOthersFirst(isAwaited);
        hasPaused = true;
      }
      const piece = missing.slice(next, isHurried ? missing.length : next + PIECE);
      next += piece.length;
      const articles = await store.articles(piece.map(({ number }) => number));
      if (hasPaused && !areSame(piece, articles)) return undefined;
      for (const batch of batchesOf(articles)) {
        for (const [stored, text] of rendered(batch, feed, format)) {
          const bytes = ownBytes(text);
          const entry = { bytes, tag: hash('sha256', bytes, 'base64url').slice(0, 4) };
          kept.set(entryName(stored, feed, format), entry);
          entries.set(stored.number, entry);
        }
      }
    }
    return refs.flatMap(({ number }) => entries.get(number) ?? []);
  }

  /** Rendered together, or where that fails each alone, without those that cannot be. */
  function rendered(batch: readonly StoredArticle[], feed: Feed, format: Format): [StoredArticle, string][] {
    const renderer = RENDERERS[format];
    const options = { content: feed.content, feedLanguage: feed.language, feedsUrl: publication.feedsUrl };
    try {
      const texts = renderer.entries(
        batch.map(({ article }) => article),
        options,
      );
      return batch.map((stored, index) => [stored, texts[index] ?? '']);
    } catch {
      return batch.flatMap((stored) => {
        try {
          return [[stored, renderer.entry(stored.article, options)]];
        } catch (error) {
          report(stored.article.id, format, error);
          return [];
        }
      });
    }
  }

  const counts = (): KeptCounts => ({ count: kept.size, bytes: kept.calculatedSize, evicted });
  return { arrange, counts };
}

async function letOthersFirst(isAwaited: () => boolean): Promise<void> {
  for (let turn = 0; turn < TURNS && !isAwaited(); turn += 1) await setImmediate();
}

function areSame(refs: readonly EntryRef[], articles: readonly StoredArticle[]): boolean {
  return refs.length === articles.length && refs.every(({ revision }, index) => articles[index]?.revision === revision);
}

function* batchesOf(articles: readonly StoredArticle[]): Generator<readonly StoredArticle[]> {
  let batch: StoredArticle[] = [];
  let text = 0;
  for (const stored of articles) {
    batch.push(stored);
    text += stored.article.html.length;
    if (batch.length < BATCH && text < BATCH_TEXT) continue;
    yield batch;
    batch = [];
    text = 0;
  }
  if (batch.length > 0) yield batch;
}

/** The text in memory of its own: a slice of Node's pool would hold on to its neighbours when they are forgotten. */
function ownBytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/** What an entry's bytes depend on: the article as it is now, the format, and what of the feed shows in an entry. */
function entryName({ number, revision }: Pick<EntryRef, 'number' | 'revision'>, feed: Feed, format: Format): string {
  return `${number} ${revision} ${format} ${feed.content} ${format === 'rss' ? feed.language : ''}`;
}

function joined(
  format: Format,
  head: Head,
  entries: readonly Entry[],
  tombstones: readonly Tombstone[],
): Pick<Document, 'bytes' | 'entries'> {
  const renderer = RENDERERS[format];
  const separator = Buffer.from(renderer.separator);
  const before = Buffer.from(renderer.head(head));
  let end = before.length - separator.length;
  const parts = entries.map(({ bytes, tag }): Part => {
    const start = end + separator.length;
    end = start + bytes.length;
    return { start, end, tag };
  });
  const between = entries.flatMap(({ bytes }, index) => (index === 0 ? [bytes] : [separator, bytes]));
  return {
    bytes: inOnePiece([before, ...between, Buffer.from(renderer.tail(tombstones))]),
    entries: parts,
  };
}

/** Bytes from which on a document has pages of its own. */
const LARGE = 32 * 1024;

/**
 * The parts in one piece of memory. A large one is in pages of its own: what can be resized is not taken from the
 * allocator's heap, where hundreds of kilobytes that come and go between entries that stay leave holes of many megabytes.
 */
function inOnePiece(parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes =
    length < LARGE
      ? Buffer.allocUnsafeSlow(length)
      : Buffer.from(new ArrayBuffer(length, { maxByteLength: length }), 0, length);
  let end = 0;
  for (const part of parts) end += part.copy(bytes, end);
  return bytes;
}

/** The document with these of its entries alone: its head, they, its tail. */
export function documentOf({ bytes, entries, format }: Document, some: readonly Part[]): Buffer {
  const separator = Buffer.from(RENDERERS[format].separator);
  const before = bytes.subarray(0, entries.at(0)?.start ?? bytes.length);
  const after = bytes.subarray(entries.at(-1)?.end ?? bytes.length);
  const chosen = some.flatMap(({ start, end }, index) =>
    index === 0 ? [bytes.subarray(start, end)] : [separator, bytes.subarray(start, end)],
  );
  return inOnePiece([before, ...chosen, after]);
}
