import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Article } from '../../src/article/article.ts';
import { articleText } from '../../src/article/stored.ts';
import { loadPublication } from '../../src/config/publication.ts';
import type { SiteFileName } from '../../src/document/site-file.ts';
import { createSiteFiles } from '../../src/document/site-files.ts';
import { ownKeys } from '../../src/feed/feeds.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { print, printTable, processorTime, setting } from './figures.ts';
import { SAMPLE, sampleArticles } from './sample.ts';

const BATCH = 500;
const MINUTE = 60_000;
const NOW = Date.parse('2026-11-22T00:00:00Z');
const ARTICLES = setting('BENCH_ARTICLES', 100_000);
/** Minutes between two articles: a million take 19 years. */
const EVERY = 10;
/** With sections and languages, 10,000 feeds. */
const FEEDS = { tags: 6990, authors: 2980 };
const CACHE = 16 * 1024 * 1024;

/** Processor time that the list of feeds and the sitemaps take, and for how long they hold up the event loop. */
export async function siteFiles(): Promise<void> {
  print(`\nThe list of feeds and the sitemaps, of ${ARTICLES} articles in 10,000 feeds`);
  const folder = await mkdtemp(join(tmpdir(), 'bench-site-files-'));
  const store = openSqliteStore(join(folder, 'store.sqlite'), { isBulk: true });
  const [sample] = await sampleArticles();
  if (sample === undefined) throw new Error('there are no sample articles');
  for (let number = 1; number <= ARTICLES; number += BATCH) {
    await add(
      store,
      Array.from({ length: Math.min(BATCH, ARTICLES - number + 1) }, (_, index) => articleOf(sample, number + index)),
    );
  }
  const files = createSiteFiles({ store, publication: loadPublication(SAMPLE), now: () => NOW, bytes: CACHE });
  const oldest = new Date(NOW - ARTICLES * EVERY * MINUTE).toISOString().slice(0, 7);
  const rows = [['', 'processor time, ms', 'longest block, ms', 'kB']];
  const old: SiteFileName = { kind: 'articles', month: oldest, number: 1 };
  const asked: readonly (readonly [string, SiteFileName])[] = [
    ['the index, the first time', { kind: 'index' }],
    ['a file of stories', { kind: 'articles', month: '2026-11', number: 1 }],
    ['the oldest file', old],
    ['the news', { kind: 'news' }],
    ['the list of feeds', { kind: 'opml' }],
  ];
  for (const [title, name] of asked) rows.push([title, ...(await measure(files, name))]);
  let extra = 0;
  const afterPublication: readonly (readonly [string, SiteFileName])[] = [
    ['the index after a publication', { kind: 'index' }],
    ['the oldest file after a publication', old],
    ['the list of feeds after a publication', { kind: 'opml' }],
  ];
  for (const [title, name] of afterPublication) {
    await add(store, [
      {
        ...articleOf(sample, 0),
        id: `extra-${extra}`,
        publicId: `extra-${extra}`,
        url: `https://fourrivers.example/extra/${extra}`,
      },
    ]);
    extra += 1;
    rows.push([title, ...(await measure(files, name))]);
  }
  printTable(rows);
  await store.close();
  rmSync(folder, { recursive: true });
}

async function measure(files: ReturnType<typeof createSiteFiles>, name: SiteFileName): Promise<string[]> {
  await new Promise((resolve) => setTimeout(resolve, 100)); // what came before must not count
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  let file: Awaited<ReturnType<typeof files.get>>;
  const took = await processorTime(async () => {
    file = await files.get(name);
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.disable();
  const bytes = file?.body.identity.length ?? 0;
  return [took.toFixed(1), (delay.max / 1e6).toFixed(1), (bytes / 1024).toFixed(0)];
}

function articleOf(sample: Article, number: number): Article {
  const named = (word: string, index: number) => ({ name: `${word} ${index}`, slug: `${word}-${index}` });
  return {
    ...sample,
    id: `bench-${number}`,
    publicId: `tag:bench,2026:${number}`,
    url: `https://fourrivers.example/bench/${number}`,
    publishedAt: NOW - number * EVERY * MINUTE,
    tags: [named('topic', number % FEEDS.tags)],
    authors: [named('author', number % FEEDS.authors)],
  };
}

async function add(store: Store, articles: readonly Article[]): Promise<void> {
  await store.apply(
    articles.map((article) => ({ kind: 'put', article: articleText(article), record: '{}', feeds: ownKeys(article) })),
    () => NOW,
  );
}
