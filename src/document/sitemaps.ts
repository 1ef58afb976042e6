import type { Article } from '../article/article.ts';
import type { Publication } from '../config/publication.ts';
import type { FeedKey, NamedKey } from '../feed/feeds.ts';
import {
  MOST_ENTRIES,
  MOST_FILES,
  newsLanguage,
  newsName,
  type SitemapEntry,
  sitemap,
  sitemapIndex,
} from '../format/sitemap.ts';
import type { Instant } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { createYieldToLoop } from '../lib/yield-to-loop.ts';
import { feedAddress } from '../pages/addresses.ts';
import type { ArticleBlock, EntryKey, Store } from '../store/store.ts';
import { INDEX } from './cache.ts';
import type { SharedRead } from './shared-read.ts';
import { type FilePlan, type MadeFile, type SiteFileName, siteFilePath } from './site-file.ts';

interface Parts {
  readonly store: Store;
  readonly publication: Publication;
  /** The feeds that readers can get. */
  readonly feeds: SharedRead<readonly NamedKey[]>;
  /** Of `MOST_ENTRIES` articles. */
  readonly blocks: SharedRead<readonly ArticleBlock[]>;
}

export type SitemapName = Exclude<SiteFileName, { readonly kind: 'opml' }>;

/** Milliseconds for which an article is news. */
const NEWS_TIME = 2 * 24 * 60 * 60 * 1000;
/** Articles that are read at once. */
const READ_TOGETHER = 20;
/** Pages of feeds in a file: a few milliseconds' work. */
const MOST_PAGES = 2000;

const HIGHEST = Number.POSITIVE_INFINITY;

/** Makes the sitemaps. Only what readers can see at that moment is read. */
export function createSitemaps({ store, publication, feeds, blocks }: Parts) {
  const { feedsUrl, pages } = publication;
  const newsFrom = newsName(publication.title);

  const addressOf = (name: SiteFileName) => feedsUrl + siteFilePath(name);

  /** The paths of the pages: of all feeds, and of each feed. */
  async function pageKeys(at: Instant): Promise<readonly FeedKey[]> {
    return pages === undefined ? [] : [INDEX, ...(await feeds.get(at)).map(({ key }) => key)];
  }

  async function index(at: Instant): Promise<MadeFile> {
    const newestBlocks = (await blocks.get(at)).toReversed().slice(0, MOST_FILES);
    const files = Math.ceil((await pageKeys(at)).length / MOST_PAGES);
    return xml(
      sitemapIndex([
        ...Array.from({ length: files }, (_, file) => ({ url: addressOf({ kind: 'feeds', number: file + 1 }) })),
        ...newestBlocks.map(({ month, number, updatedAt }) => ({
          url: addressOf({ kind: 'articles', month, number }),
          modifiedAt: updatedAt,
        })),
      ]),
    );
  }

  async function feedPages(number: number, at: Instant): Promise<FilePlan | undefined> {
    const keys = (await pageKeys(at)).slice((number - 1) * MOST_PAGES, number * MOST_PAGES);
    if (keys.length === 0) return undefined;
    const urls = keys.map((key) => feedsUrl + (key === INDEX ? '' : feedAddress(key)));
    return { make: async () => xml(sitemap(urls.map((url) => ({ url })))) };
  }

  async function block(month: string, number: number, at: Instant): Promise<FilePlan | undefined> {
    const found = (await blocks.get(at)).find((each) => each.month === month && each.number === number);
    if (found === undefined) return undefined;
    return {
      version: found.version,
      make: async () => {
        const entries = await store.entriesIn({ ...found, limit: MOST_ENTRIES }, at);
        return xml(sitemap(await read(entries, entryOf)));
      },
    };
  }

  /** Undefined for a part of the news that there is not. */
  async function news(number: number | undefined, at: Instant): Promise<FilePlan | undefined> {
    const all = await newest(at);
    const files = Math.max(1, Math.ceil(all.length / MOST_ENTRIES));
    if (number !== undefined && (number > files || files === 1)) return undefined;
    const nextChangeAt = (all.at(-1)?.key[0] ?? HIGHEST) + NEWS_TIME;
    return {
      make: async () => {
        if (number === undefined && files > 1) {
          const parts = Array.from({ length: files }, (_, file) => addressOf({ kind: 'news', number: file + 1 }));
          return { ...xml(sitemapIndex(parts.map((url) => ({ url })))), nextChangeAt };
        }
        const start = ((number ?? 1) - 1) * MOST_ENTRIES;
        const entries = await read(all.slice(start, start + MOST_ENTRIES), newsEntryOf);
        return { ...xml(sitemap(entries)), nextChangeAt };
      },
    };
  }

  /** The articles of the last two days, newest first. */
  async function newest(at: Instant) {
    const rest = createYieldToLoop();
    const last: EntryKey = [at, HIGHEST];
    const found: { readonly number: number; readonly key: EntryKey }[] = [];
    let first: EntryKey = [at - NEWS_TIME, HIGHEST];
    for (;;) {
      await rest();
      const entries = await store.entriesIn({ first, last, limit: MOST_ENTRIES }, at);
      found.push(...entries);
      const key = entries.at(-1)?.key;
      if (key === undefined || entries.length < MOST_ENTRIES) return found.reverse();
      first = [key[0], key[1] + 1];
    }
  }

  async function read(
    entries: readonly { readonly number: number }[],
    render: (article: Article) => SitemapEntry,
  ): Promise<SitemapEntry[]> {
    const rest = createYieldToLoop();
    const made: SitemapEntry[] = [];
    for (let start = 0; start < entries.length; start += READ_TOGETHER) {
      await rest();
      const numbers = entries.slice(start, start + READ_TOGETHER).map(({ number }) => number);
      for (const { article } of await store.articles(numbers)) made.push(render(article));
    }
    return made;
  }

  function newsEntryOf(article: Article): SitemapEntry {
    const { language, publishedAt, title } = article;
    return { ...entryOf(article), news: { name: newsFrom, language: newsLanguage(language), publishedAt, title } };
  }

  return {
    /** How a file is made. Undefined if there is no such file. */
    async plan(name: SitemapName, at: Instant): Promise<FilePlan | undefined> {
      switch (name.kind) {
        case 'index':
          return { make: () => index(at) };
        case 'feeds':
          return feedPages(name.number, at);
        case 'articles':
          return block(name.month, name.number, at);
        case 'news':
          return news(name.number, at);
      }
    },
  };
}

function xml(text: string): MadeFile {
  return { type: 'application/xml', bytes: Buffer.from(text) };
}

function entryOf({ url, publishedAt, updatedAt, image, media }: Article): SitemapEntry {
  const pictures = media.filter(({ type }) => /^image\//i.test(type)).map((picture) => picture.url);
  const images = [...new Set([...(image === undefined ? [] : [image.url]), ...pictures])];
  return omitUndefined({ url, modifiedAt: updatedAt ?? publishedAt, images });
}
