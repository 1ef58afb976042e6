import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDataFolder, storeFile } from '../../src/service/data-folder.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { median, percentile, print, printTable, setting } from './figures.ts';
import { FEED_KEYS, operatorFeeds, PUBLICATION, recordOf, writeRecords } from './newsroom.ts';
import { memoryOf, settled } from './processes.ts';
import { putNew, type Service, withService, writerOf } from './service.ts';
import { measureImport, measureKeeping, measureParsing } from './store-import.ts';

const ARTICLES = setting('BENCH_ARTICLES', 100_000);
/** The smaller store, beside which the cost of a change is shown. */
const FEW = 10_000;
const FILES = 10_000;
/** Articles the store alone is measured with. */
const MOST_KEPT = 200_000;
const OPERATOR_FEEDS = 10_000;
const CHANGES = 500;
/** Records from this number on are in no store. */
const UNUSED = 10_000_000;
const STARTS = 5;
const READS = 101;
const SERVING = 5000;
const READERS = 4;
const DAY = 86_400_000;

/** A newsroom's store of many articles: filling it, starting on it, changing and reading it. */
export async function storing(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'feed-publisher-bench-'));
  try {
    print(`\n${availableParallelism()} cores (${cpus()[0]?.model}), Node ${process.versions.node}`);
    const many = await importing(join(folder, 'many'), ARTICLES);
    await reading(many, ARTICLES);
    await starting(many, ARTICLES);
    const few = await dataFolder(join(folder, 'few'));
    await fill(few, FEW);
    await changing([
      { data: few, articles: FEW },
      { data: many, articles: ARTICLES },
    ]);
    await startingOnFiles(join(folder, 'files'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function dataFolder(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'publication.yaml'), PUBLICATION);
  return folder;
}

async function importing(folder: string, count: number): Promise<string> {
  const data = await dataFolder(folder);
  const file = join(folder, 'records.ndjson');
  const bytes = await writeRecords(file, count);
  const { seconds, cpu, memory } = await measureImport(file, data);
  await rm(file);
  const { cleaning, parsing } = measureParsing(data);
  const keepingData = await dataFolder(join(folder, 'keeping'));
  const keeping = await measureKeeping(keepingData, Math.min(count, MOST_KEPT));
  await rm(keepingData, { recursive: true });

  const { size } = await stat(storeFile(data));
  print(`\nImporting ${count} records of ${Math.round(bytes / count)} bytes into an empty store of ${megabytes(size)}`);
  printTable([
    ['', 'records/s', 'seconds'],
    ['the command import', rate(count / seconds), seconds.toFixed(1)],
    ...[...cpu].map(([kind, used]) => [`  CPU of ${kind}`, '', used.toFixed(1)]),
    ['cleaning alone, one core', rate(cleaning), (count / cleaning).toFixed(1)],
    ['parsing with cleaning, one core', rate(parsing), (count / parsing).toFixed(1)],
    ['keeping parsed articles, one core', rate(keeping), (count / keeping).toFixed(1)],
  ]);
  print(`Memory of the command at its highest: ${memory.toFixed(0)} MB`);
  return data;
}

async function fill(data: string, count: number): Promise<void> {
  const file = join(data, 'records.ndjson');
  await writeRecords(file, count);
  await measureImport(file, data);
  await rm(file);
}

async function reading(data: string, count: number): Promise<void> {
  const store = openSqliteStore(storeFile(data));
  const references: number[] = [];
  const articles: number[] = [];
  for (let read = 0; read < READS; read += 1) {
    const key = `section/${['world', 'culture', 'sport'][read % 3]}`;
    let start = performance.now();
    const snapshot = await store.snapshot(key, Date.now(), { limit: 50, tombstonesFor: 30 * DAY });
    references.push(performance.now() - start);
    start = performance.now();
    await store.articles(snapshot?.entries.map(({ number }) => number) ?? []);
    articles.push(performance.now() - start);
  }
  await store.close();
  print(`\nThe newest 50 of a section among ${count} articles, milliseconds (median of ${READS})`);
  printTable([
    ['which they are', 'their articles'],
    [median(references).toFixed(2), median(articles).toFixed(2)],
  ]);
}

async function starting(data: string, count: number): Promise<void> {
  const lines: number[] = [];
  const feeds: number[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    const began = performance.now();
    await withService(data, async (service) => {
      await get(service, '/feeds/latest.rss');
      feeds.push(performance.now() - began);
      lines.push(service.startedAfter);
    });
  }
  const { idle, answered, serving } = await withService(data, async (service) => ({
    idle: memoryOf(service.pid, 'VmRSS'),
    answered: await serveForAWhile(service),
    serving: memoryOf(service.pid, 'VmRSS'),
  }));
  print(`\nStarting on a store of ${count} articles, milliseconds (median of ${STARTS}), and memory, MB`);
  printTable([
    ['', 'start line', 'first feed', 'at start', `after ${answered} GETs`],
    ['serve', ...[lines, feeds].map((figures) => median(figures).toFixed(0)), idle.toFixed(0), serving.toFixed(0)],
  ]);
}

/** Asks for all feeds in all formats, in an order without pattern. Returns how many answers came. */
async function serveForAWhile(service: Service): Promise<number> {
  const until = performance.now() + SERVING;
  let answered = 0;
  const reader = async (): Promise<void> => {
    while (performance.now() < until) {
      const key = FEED_KEYS[Math.floor(Math.random() * FEED_KEYS.length)];
      await get(service, `/feeds/${key}.${['rss', 'atom', 'json'][answered % 3]}`);
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return answered;
}

interface Newsroom {
  readonly data: string;
  readonly articles: number;
}

async function changing(newsrooms: readonly Newsroom[]): Promise<void> {
  const rows: string[][] = [];
  for (const { data, articles } of newsrooms) {
    await writeFile(join(data, 'publication.yaml'), PUBLICATION + operatorFeeds(OPERATOR_FEEDS));
    const first = await withService(data, async ({ startedAfter }) => {
      await filled(data);
      return startedAfter;
    });
    const { puts, gets, touched, next } = await change(data);
    rows.push([
      `${articles} articles`,
      ...[puts, gets].flatMap((figures) => [median(figures).toFixed(1), percentile(figures, 0.99).toFixed(1)]),
      median(touched).toFixed(0),
      (first / 1000).toFixed(1),
      (next / 1000).toFixed(1),
    ]);
  }
  print(`\n${CHANGES} new articles, one by one, with ${OPERATOR_FEEDS} operator feeds, milliseconds`);
  printTable([
    ['', 'PUT p50', 'PUT p99', 'then GET p50', 'GET p99', 'feeds touched', 'first start, s', 'next start, s'],
    ...rows,
  ]);
}

/** Waits until the service has filled all feeds. */
async function filled(data: string): Promise<void> {
  for (let left = 1; left > 0; ) {
    const { store } = openDataFolder(data);
    left = await store.fillingFeeds();
    await store.close();
    if (left > 0) await sleep(100);
  }
}

/** Puts articles one by one and asks, when each is acknowledged, for a feed it is in. */
async function change(data: string) {
  const headers = await writerOf(data);
  const { store } = openDataFolder(data);
  const puts: number[] = [];
  const gets: number[] = [];
  const touched: number[] = [];
  const next = await withService(data, async (service) => {
    await settled(service.pid);
    const began = Date.now();
    for (let number = 0; number < CHANGES; number += 1) {
      const id = `breaking-${number}`;
      const title = `Breaking ${number}.`;
      // Of articles of one second the newest 50 are not the last 50 that came.
      const publishedAt = new Date(began - (CHANGES - number) * 1000).toISOString();
      const record = { ...recordOf(UNUSED + number), id, title, publishedAt, updatedAt: undefined };
      let start = performance.now();
      await putNew(service, headers, record);
      puts.push(performance.now() - start);
      const stored = await store.find(id);
      const feeds = stored === undefined ? [] : await store.memberships(stored.number);
      touched.push(feeds.length);
      const path = `/feeds/${feeds[number % feeds.length]}.${['rss', 'atom', 'json'][number % 3]}`;
      start = performance.now();
      const feed = await get(service, path);
      gets.push(performance.now() - start);
      if (!feed.includes(title)) throw new Error(`${path} is without ${id}`);
    }
    return service.startedAfter;
  });
  await store.close();
  return { puts, gets, touched, next };
}

async function startingOnFiles(folder: string): Promise<void> {
  const data = await dataFolder(folder);
  for (let number = 0; number < FILES; number += 1) {
    const below = join(data, 'articles', String(number % 100));
    if (number < 100) await mkdir(below, { recursive: true });
    await writeFile(join(below, `${number}.json`), JSON.stringify(recordOf(number)));
  }
  const startedAfter = () => withService(data, async (service) => service.startedAfter);
  const first = await startedAfter();
  const lines: number[] = [];
  for (let start = 0; start < STARTS; start += 1) lines.push(await startedAfter());
  print(`\nStarting with ${FILES} article files, milliseconds to the start line (unchanged: median of ${STARTS})`);
  printTable([
    ['all new', 'unchanged'],
    [first.toFixed(0), median(lines).toFixed(0)],
  ]);
}

async function get(service: Service, path: string): Promise<string> {
  const { status, body } = await service.ask(path);
  if (status !== 200) throw new Error(`${path} answered ${status}`);
  return body.toString();
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

function rate(perSecond: number): string {
  return Math.round(perSecond).toString();
}
