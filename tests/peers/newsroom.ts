import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Article, parseArticle } from '../../src/article/article.ts';
import { loadPublication, type Publication } from '../../src/config/publication.ts';
import { type Content, type FeedKey, type Format, feedPath, ownKeys } from '../../src/feed/feeds.ts';
import { customFeedChooser } from '../../src/feed/selection.ts';
import { isArticleFile, readArticleFile } from '../../src/ingest/import/file.ts';
import { filesBelow } from '../../src/ingest/import/list-files.ts';
import { ask, type Running, serving } from '../helpers.ts';

/** The newsroom in the repository. */
const SAMPLE = fileURLToPath(new URL('../../data', import.meta.url));

/** At this moment the sample has stories under embargo, an expired story and a withdrawn one. */
const NOW = Date.parse('2026-11-22T09:00:00Z');

/** A feed of the sample according to its files. Tests compare it with what readers find in the published documents. */
export interface SampleFeed {
  readonly key: FeedKey;
  readonly content: Content;
  /** The newest first. */
  readonly articles: readonly Article[];
}

export function samplePublication(): Publication {
  return loadPublication(SAMPLE);
}

/** Starts a service of the sample, with an operator's port. The caller closes it. */
export function startSample(): Promise<Running> {
  const metrics = { host: '127.0.0.1', port: 0, isRequired: true };
  return serving(SAMPLE, { storeFile: ':memory:', now: () => NOW, metrics });
}

/** Every feed of the sample, worked out from the files alone. */
export async function sampleFeeds(): Promise<readonly SampleFeed[]> {
  const publication = samplePublication();
  const seen = (await sampleArticles()).filter(({ publishedAt }) => publishedAt <= NOW);
  const keysOf = new Map(seen.map((article) => [article, sampleKeys(article)]));
  const keys = new Set(['latest', ...publication.feeds.map(({ id }) => id), ...[...keysOf.values()].flat()]);

  function sampleKeys(article: Article): FeedKey[] {
    const own = ownKeys(article).map(({ key }) => key);
    return [...own, ...customFeedChooser(publication.feeds)(own)];
  }

  return [...keys].map((key) => {
    const custom = publication.feeds.find(({ id }) => id === key);
    return {
      key,
      content: custom?.content ?? 'full',
      articles: seen
        .filter((article) => keysOf.get(article)?.includes(key))
        .filter(({ withdrawn, expiresAt }) => withdrawn === undefined && (expiresAt ?? Number.POSITIVE_INFINITY) > NOW)
        .sort((one, other) => other.publishedAt - one.publishedAt)
        .slice(0, custom?.entries ?? publication.entries),
    };
  });
}

async function sampleArticles(): Promise<readonly Article[]> {
  const newsroom = { ...samplePublication(), mediaFolder: join(SAMPLE, 'media') };
  const folder = join(SAMPLE, 'articles');
  const paths = (await filesBelow(folder)).filter(isArticleFile);
  return Promise.all(
    paths.map(async (path) => {
      const { record } = readArticleFile(await readFile(join(folder, path)), path);
      return parseArticle(record, newsroom);
    }),
  );
}

/** A published document: its text, and the loopback address that serves it. */
export interface Published {
  readonly url: string;
  readonly text: string;
}

export async function publishedFeed(port: number, key: FeedKey, format: Format): Promise<Published> {
  const path = `/${feedPath(key, format)}`;
  const { status, text } = await ask(port, path);
  if (status !== 200) throw new Error(`${path} answered ${status}: ${text}`);
  return { url: `http://127.0.0.1:${port}${path}`, text };
}
