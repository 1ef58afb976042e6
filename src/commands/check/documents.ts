import { LRUCache } from 'lru-cache';
import type { Publication } from '../../config/publication.ts';
import { createArranger } from '../../document/arranger.ts';
import { INDEX } from '../../document/cache.ts';
import { type Document, partialDocument } from '../../document/document.ts';
import type { PageStore } from '../../document/listed-feeds.ts';
import { createPages } from '../../document/pages.ts';
import { type FeedKey, FORMATS, type Format, feedPath, ownKeys } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { kindOf } from '../../pages/kinds.ts';
import type { FeedSnapshot, StoredArticle } from '../../store/store.ts';
import type { CheckedArticle, CheckedDocument } from './checked.ts';
import { selfLinkIn } from './self-link.ts';
import type { Survey } from './survey.ts';

interface DocumentsParts {
  readonly publication: Publication;
  readonly survey: Survey;
  readonly load: (ref: number) => Promise<CheckedArticle | undefined>;
  readonly at: Instant;
  /** Takes an article that a format omits. */
  readonly onUnrenderable: (article: string, format: Format, error: unknown) => void;
}

/** Megabytes of rendered entries that are kept for other feeds. */
const ENTRY_CACHE = 16 * 1024 * 1024;

/** Articles that are kept for the next format and the next feed, and characters of their bodies. */
const KEPT_ARTICLES = 2000;
const KEPT_TEXT = 16 * 1024 * 1024;

/** Renders the documents of a newsroom as the service does, from what the survey found. */
export function createDocuments({ publication, survey, load, at, onUnrenderable }: DocumentsParts) {
  const kept = new LRUCache<number, CheckedArticle>({
    max: KEPT_ARTICLES,
    maxSize: KEPT_TEXT,
    sizeCalculation: ({ article }) => 1 + article.html.length,
  });
  const loadKept = async (ref: number) => {
    const checked = kept.get(ref) ?? (await load(ref));
    if (checked !== undefined) kept.set(ref, checked);
    return checked;
  };
  const store = surveyedStore(survey, loadKept);
  const arranger = createArranger({ store, publication, entryBytes: ENTRY_CACHE, report: onUnrenderable });

  async function checked(feed: FeedKey, format: Format): Promise<CheckedDocument | undefined> {
    const document = await arranger.arrange(feed, format, at);
    if (document === undefined) return undefined;
    const self = selfLinkIn(format, emptied(document));
    return { feed, format, bytes: document.bytes.length, self, path: feedPath(feed, format) };
  }

  return {
    /** An article, which is kept for a while. */
    load: loadKept,
    /** The documents of a feed in all formats. */
    async of(feed: FeedKey): Promise<readonly CheckedDocument[]> {
      const documents = [];
      for (const format of FORMATS) documents.push(await checked(feed, format));
      return documents.filter((document) => document !== undefined);
    },
    /** The feeds that the page of all feeds links to; undefined where the publication has no pages. */
    async linked(): Promise<ReadonlySet<FeedKey> | undefined> {
      if (publication.pages === undefined) return undefined;
      const pages = createPages({ store, publication, report: () => {} });
      const index = await pages.arrange(INDEX, at);
      const links = (index?.bytes.toString() ?? '').matchAll(/<a href="feeds\/([^"?#]+)"/g);
      return new Set([...links].map(([, path = '']) => decodeURIComponent(path)));
    },
  };
}

/** The document without its entries. */
function emptied(document: Document): string {
  return partialDocument(document, []).toString();
}

/** What documents and pages read of a store, from the survey. */
function surveyedStore(
  survey: Survey,
  load: DocumentsParts['load'],
): PageStore & { readonly erasedAfter: () => Promise<[]> } {
  const named = (key: FeedKey) => ({ key, name: survey.feeds().get(key)?.name ?? '' });
  const keysOf = (kind: string) => [...survey.feeds().keys()].filter((key) => kindOf(key) === kind).sort();
  const isSeen = (key: FeedKey) => (survey.feeds().get(key)?.count('visible') ?? 0) > 0;

  async function articles(numbers: readonly number[]): Promise<StoredArticle[]> {
    const found: StoredArticle[] = [];
    for (const number of numbers) {
      const checked = await load(number);
      if (checked !== undefined) found.push({ number, revision: 0, article: checked.article });
    }
    return found;
  }

  return {
    articles,
    erasedAfter: async () => [],
    async snapshot(key, _at, { limit }): Promise<FeedSnapshot | undefined> {
      const entries = survey.feeds().get(key)?.newest(limit) ?? [];
      if (entries.length === 0 && !survey.hasFeed(key)) return undefined;
      return { name: named(key).name, entries, tombstones: [], changedAt: entries[0]?.publishedAt ?? 0 };
    },
    archivePage: async () => undefined, // its documents are those of older articles
    async glance(key, _at, { days }) {
      const [newest] = survey.feeds().get(key)?.newest(1) ?? [];
      const glance = { articles: survey.feeds().get(key)?.count('visible') ?? 0, perDay: days.map(() => 0) };
      return newest === undefined ? glance : { ...glance, newest };
    },
    async usedFeeds(kind, _at, { articles: most, limit }) {
      const used = new Map<FeedKey, number>();
      for (const { article } of await articles(
        (survey.feeds().get('latest')?.newest(most) ?? []).map((ref) => ref.number),
      ))
        for (const { key } of ownKeys(article)) if (kindOf(key) === kind) used.set(key, (used.get(key) ?? 0) + 1);
      const ranked = [...used].sort(([one, uses], [other, others]) => others - uses || (one < other ? -1 : 1));
      return ranked.slice(0, limit).map(([key, count]) => ({ ...named(key), used: count }));
    },
    feedsOfKind: async (kind, _at, limit) => keysOf(kind).filter(isSeen).slice(0, limit).map(named),
    feedKeys: async () => [...survey.feeds().keys()],
    // A feed of the operator's is there without articles.
    seenFeeds: async (keys) => keys.filter((key) => isSeen(key) || kindOf(key) === 'custom').map(named),
    lastRevision: async () => 0,
  };
}
