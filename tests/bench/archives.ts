import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { articleText } from '../../src/article/stored.ts';
import { loadPublication } from '../../src/config/publication.ts';
import { createArranger } from '../../src/document/arranger.ts';
import { ownKeys } from '../../src/feed/feeds.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Put, Store } from '../../src/store/store.ts';
import { median, percentile, print, printTable, setting } from './figures.ts';
import { SAMPLE, sampleArticles } from './sample.ts';

const ARTICLES = setting('BENCH_ARTICLES', 100_000);
const BATCH = 500;
const MINUTE = 60_000;
const NOW = Date.parse('2026-11-22T00:00:00Z');
const PAGES = 101;
const CHANGES = 200;
const SECTION = 'section/world';

/** Dividing a long history into pages, making pages, and what changes do to them. */
export async function archives(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-archives-'));
  const file = join(folder, 'store.sqlite');
  try {
    const make = await articleMaker();
    const bulk = openSqliteStore(file, { isBulk: true });
    for (let number = 0; number < ARTICLES; number += BATCH)
      await bulk.apply(
        Array.from({ length: BATCH }, (_, index) => make(number + index)),
        () => NOW,
      );
    await bulk.close();
    const store = openSqliteStore(file);
    print(`\nThe archive of ${ARTICLES} articles`);
    await dividing(store);
    await reading(file);
    await changing(store, make);
    await store.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function articleMaker(): Promise<(number: number, title?: string) => Put> {
  const [sample] = await sampleArticles();
  if (sample === undefined) throw new Error('there are no sample articles');
  return (number, title = sample.title) => {
    const article = {
      ...sample,
      id: `bench-${number}`,
      publicId: `tag:bench,2026:${number}`,
      url: `https://fourrivers.example/bench/${number}`,
      title,
      publishedAt: NOW - (2 * ARTICLES - number) * MINUTE,
      sections: [{ name: 'World', slug: 'world' }],
      tags: [{ name: `Topic ${number % 100}`, slug: `topic-${number % 100}` }],
    };
    return { kind: 'put', article: articleText(article), record: '{}', feeds: ownKeys(article) };
  };
}

async function dividing(store: Store): Promise<void> {
  await store.setDocumentSizes({ entries: 50, feeds: [] }, () => NOW);
  await store.markServed();
  const parts: number[] = [];
  for (let after: string | undefined = ''; after !== undefined; ) {
    const start = performance.now();
    after = (await store.divideHistory(after, () => NOW)).next;
    parts.push(performance.now() - start);
  }
  const total = parts.reduce((sum, part) => sum + part, 0);
  print(
    `Dividing the history of all feeds: ${(total / 1000).toFixed(1)} s in ${parts.length} parts, ` +
      `the longest ${Math.max(...parts).toFixed(0)} ms`,
  );
}

async function newestOf(store: Store): Promise<number> {
  const snapshot = await store.snapshot(SECTION, NOW, { limit: 1, tombstonesFor: 0 });
  return snapshot?.archive?.newest ?? 0;
}

/** Each page by a new connection and with no entry in memory. */
async function reading(file: string): Promise<void> {
  const publication = loadPublication(SAMPLE);
  const report = (_id: unknown, _format: unknown, error: unknown) => {
    throw error;
  };
  const rows = [['making a page, milliseconds of processor time', 'median', '95 %', 'kB']];
  for (const format of ['rss', 'atom', 'json'] as const) {
    const store = openSqliteStore(file);
    const newest = await newestOf(store);
    const times: number[] = [];
    let bytes = 0;
    for (let round = -10; round < PAGES; round += 1) {
      const { arrangePage } = createArranger({ store, publication, report, entryBytes: 1 });
      const page = 1 + (Math.abs(round * 7919) % newest);
      const start = process.cpuUsage();
      const document = await arrangePage(SECTION, page, format, NOW);
      const { user, system } = process.cpuUsage(start);
      if (round >= 0) times.push((user + system) / 1000);
      bytes = document?.bytes.length ?? 0;
    }
    await store.close();
    rows.push([format, median(times).toFixed(1), percentile(times, 0.95).toFixed(1), (bytes / 1000).toFixed(0)]);
  }
  printTable(rows);
}

async function changing(store: Store, make: (number: number, title?: string) => Put): Promise<void> {
  const newest = await newestOf(store);
  const pagesAt = async () => {
    const pages = new Map<number, string>();
    for (let page = 1; page <= newest; page += 1) {
      pages.set(page, JSON.stringify(await store.archivePage(SECTION, page, NOW)));
    }
    return pages;
  };
  const rows = [['', 'milliseconds (median)', 'old pages that change']];
  for (const [name, change] of [
    ['a new article', (index: number) => make(ARTICLES + index)],
    ['a correction of an old article', (index: number) => make((index * 331) % (ARTICLES / 2), 'Corrected')],
  ] as const) {
    const before = await pagesAt();
    const times: number[] = [];
    for (let index = 0; index < CHANGES; index += 1) {
      const start = performance.now();
      await store.apply([change(index)], () => NOW);
      times.push(performance.now() - start);
    }
    const after = await pagesAt();
    const changed = [...before].filter(([page, text]) => after.get(page) !== text).length;
    rows.push([`${CHANGES} times ${name}`, median(times).toFixed(2), String(changed)]);
  }
  printTable(rows);
}
