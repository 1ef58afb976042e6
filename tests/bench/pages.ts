import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { articleText } from '../../src/article/stored.ts';
import { loadPublication } from '../../src/config/publication.ts';
import { INDEX } from '../../src/document/cache.ts';
import type { Document } from '../../src/document/document.ts';
import { createPages } from '../../src/document/pages.ts';
import { ownKeys } from '../../src/feed/feeds.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { median, print, printTable, processorTime } from './figures.ts';
import { SAMPLE, sampleArticles } from './sample.ts';

const ROUNDS = 20;
/** New processes for each figure of a first page. */
const PROCESSES = 9;
const BATCH = 500;
const MINUTE = 60_000;
const NOW = Date.parse('2026-11-22T00:00:00Z');
/** Articles, and minutes between two of them. */
const ARTICLES = 20_000;
const EVERY = 20;
/** Tags and authors that the articles have in turn, two of the tags each. With sections and languages, the larger newsroom has 10,000 feeds. */
const NEWSROOMS = [
  { name: '100 feeds', tags: 70, authors: 20 },
  { name: '10,000 feeds', tags: 7000, authors: 2980 },
];

/** Milliseconds and kilobytes of pages, in newsrooms of few and of many feeds. */
export async function pages(): Promise<void> {
  print(`\nMaking a page, of ${ARTICLES} articles, milliseconds of processor time (median)`);
  const rows = [
    [
      '',
      'the first / of a service',
      'before it has warmed up',
      '/ after a publication',
      'kB',
      'a search',
      'a feed',
      'kB',
    ],
  ];
  for (const { name, ...names } of NEWSROOMS) {
    const folder = await mkdtemp(join(tmpdir(), 'bench-pages-'));
    const file = join(folder, 'store.sqlite');
    const store = openSqliteStore(file, { isBulk: true });
    await fill(store, names);
    rows.push([name, ...(await measure(file, store))]);
    await store.close();
    rmSync(folder, { recursive: true });
  }
  printTable(rows);
}

async function fill(store: Store, names: { readonly tags: number; readonly authors: number }): Promise<void> {
  const [sample] = await sampleArticles();
  if (sample === undefined) throw new Error('there are no sample articles');
  const named = (word: string, number: number) => ({ name: `${word} ${number}`, slug: `${word}-${number}` });
  const articleOf = (number: number) => ({
    ...sample,
    id: `bench-${number}`,
    publicId: `tag:bench,2026:${number}`,
    url: `https://fourrivers.example/bench/${number}`,
    publishedAt: NOW - number * EVERY * MINUTE,
    tags: [named('topic', number % (names.tags / 2)), named('theme', number % (names.tags / 2))],
    authors: [named('author', number % names.authors)],
  });
  for (let number = 0; number < ARTICLES; number += BATCH) {
    const articles = Array.from({ length: BATCH }, (_, index) => articleOf(number + index));
    await store.apply(
      articles.map((article) => ({
        kind: 'put',
        article: articleText(article),
        record: '{}',
        feeds: ownKeys(article),
      })),
      () => NOW,
    );
  }
}

async function measure(file: string, store: Store): Promise<string[]> {
  const publication = loadPublication(SAMPLE);
  const report = (_: unknown, error: unknown) => {
    throw error;
  };
  const kept = createPages({ store, publication, report });
  const firsts = [firstPage(file, 'warm'), firstPage(file, 'cold')].map((time) => time.toFixed(1));
  const figures: Record<'after' | 'search' | 'feed', number[]> = { after: [], search: [], feed: [] };
  let [index, feed]: (Document | undefined)[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const [{ article } = { article: undefined }] = await store.articles([1 + round]);
    if (article === undefined) throw new Error('there is no article');
    const changed = { ...article, title: `${article.title} ${round}` };
    const put = { kind: 'put', article: articleText(changed), record: '{}', feeds: ownKeys(changed) } as const;
    await store.apply([put], () => NOW);
    figures.after.push(await processorTime(async () => (index = await kept.arrange(INDEX, NOW))));
    figures.search.push(await processorTime(() => kept.search('topic 7', NOW)));
    figures.feed.push(await processorTime(async () => (feed = await kept.arrange('latest', NOW))));
  }
  const kilobytes = (document: Document | undefined) => ((document?.bytes.length ?? 0) / 1000).toFixed(0);
  const [after, search, feedTime] = Object.values(figures).map((times) => median(times).toFixed(1));
  return [...firsts, after ?? '', kilobytes(index), search ?? '', feedTime ?? '', kilobytes(feed)];
}

const FIRST_PAGE = join(import.meta.dirname, 'first-page.ts');

/** The first page of a process, whose code no earlier page has loaded and compiled. */
function firstPage(file: string, state: 'warm' | 'cold'): number {
  const args = [FIRST_PAGE, file, String(NOW), state];
  const times = Array.from({ length: PROCESSES }, () => Number(execFileSync(process.execPath, args)));
  return median(times);
}
