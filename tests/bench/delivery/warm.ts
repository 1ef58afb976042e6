import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../delivery.ts';
import { figure, median, percentile, print, printTable, setting } from '../figures.ts';
import { FEED_KEYS, operatorFeeds, PUBLICATION, writeRecords } from '../newsroom.ts';
import { cpuSecondsOf, forgetHighest, mainThreadMilliseconds, memoryOf, SERVER_CORE } from '../processes.ts';
import { type Load, requestText } from '../rates.ts';
import { type Service, withService } from '../service.ts';
import { measureImport } from '../store-import.ts';

const OPERATOR_FEEDS = 10_000;
const ARTICLES = 1000;
const REQUESTS = setting('BENCH_REQUESTS', 200_000);
/** Seconds after which no more is asked, unless a number was asked for. */
const LIMIT = process.env.BENCH_REQUESTS === undefined ? 30 : REQUESTS / 100;
const PARTS = 10;
/** Different requests, which come again and again. */
const DIFFERENT = 50_000;
const READERS = 8;
const FORMATS = ['rss', 'atom', 'json'];
const CODINGS = ['identity', 'gzip', 'br', 'zstd'];

/** Milliseconds until a request is sent again that came while the service had too much to do. */
const AGAIN = 1000;
/** Feeds that are asked for once more at the end, of those that are hardly popular. */
const TAIL = 500;

/** Popular ones first. */
const FEEDS = [...FEED_KEYS, ...Array.from({ length: OPERATOR_FEEDS }, (_, number) => `desk-${number}`)];

/** The memory of a service with many feeds, all of which are asked for. */
export async function warm({ folder, load }: Bench): Promise<void> {
  await mkdir(folder);
  await writeFile(join(folder, 'publication.yaml'), PUBLICATION + operatorFeeds(OPERATOR_FEEDS));
  const file = join(folder, 'records.ndjson');
  await writeRecords(file, ARTICLES);
  await measureImport(file, folder);
  await rm(file);
  await withService(folder, (service) => stayWarm(service, load), { core: SERVER_CORE });
}

async function stayWarm(service: Service, load: Load): Promise<void> {
  const { pid, port } = service;
  /** Now, and at its highest since this was asked last. */
  const memory = () => {
    const figures = [memoryOf(pid, 'VmRSS'), memoryOf(pid, 'VmHWM')];
    forgetHighest(pid);
    return figures;
  };
  const rows: string[][] = [['', 'answers', 'a second', 'of them 304', 'RSS MB', 'highest']];
  const note = (name: string, answers: readonly string[]) => {
    const figures = memory();
    rows.push([name, ...answers, ...figures.map((megabytes) => figure(megabytes))]);
    return figures;
  };
  note('at start', ['', '', '']);
  const start = performance.now();
  const tags = await askForEach(service);
  const rate = (FEEDS.length * 1000) / (performance.now() - start);
  note('each feed once', [figure(FEEDS.length), figure(rate), '0']);
  let highest = 0;
  let answered = 0;
  const requests = mix(tags);
  const before = { cpu: cpuSecondsOf(pid), main: mainThreadMilliseconds(pid) };
  for (let part = 0; part < PARTS; part += 1) {
    const rotated = [...requests.slice((part * DIFFERENT) / PARTS), ...requests.slice(0, (part * DIFFERENT) / PARTS)];
    const figures = await load.run({ port, requests: rotated, seconds: LIMIT / PARTS, most: REQUESTS / PARTS });
    const { statuses, answers, seconds, errors } = figures;
    const unchanged = statuses[304] ?? 0;
    if (errors > 0 || unchanged + (statuses[200] ?? 0) < answers) {
      throw new Error(`${errors} errors, answers ${JSON.stringify(statuses)}`);
    }
    const share = figure((part + 1) * (100 / PARTS));
    const [, peak = 0] = note(`mix, ${share} %`, [figure(answers), figure(answers / seconds), figure(unchanged)]);
    highest = Math.max(highest, peak);
    answered += answers;
  }
  const cpu = ((cpuSecondsOf(pid) - before.cpu) * 1e6) / answered;
  const main = ((mainThreadMilliseconds(pid) - before.main) * 1000) / answered;
  print(`\n${FEEDS.length} feeds over ${ARTICLES} articles, then a mix of feeds, formats, codings and conditions,`);
  print(`popular feeds more often: ${REQUESTS} requests, or as many as are answered in ${figure(LIMIT)} s`);
  printTable(rows);
  print(`With all feeds warm ${figure(highest)} MB at its highest; asked: 256 MB`);
  print(`CPU of an answer of the mix: ${figure(cpu)} µs, of them ${figure(main)} µs of the main thread`);
  await askTail(service, tags);
}

/** What a 304 costs the main thread where the document is in memory no more. */
async function askTail({ ask, pid }: Service, tags: readonly string[]): Promise<void> {
  const costs: number[] = [];
  let changed = 0;
  for (let number = 0; number < TAIL; number += 1) {
    const feed = FEED_KEYS.length + number;
    const before = mainThreadMilliseconds(pid);
    const { status } = await ask(pathOf(feed, feed), { headers: { 'If-None-Match': tags[feed] ?? '' } });
    costs.push(mainThreadMilliseconds(pid) - before);
    if (status !== 304) changed += 1;
  }
  print(
    `A 304 of ${TAIL} feeds that are asked for rarely, milliseconds of the main thread: median ${figure(median(costs), 2)}, `,
  );
  print(`p99 ${figure(percentile(costs, 0.99), 2)}; asked: 0.3 (${changed} of them were no 304)`);
}

/** Asks for every feed, in one format and coding each. Returns their tags. */
async function askForEach({ ask }: Service): Promise<string[]> {
  const tags: string[] = [];
  let next = 0;
  const reader = async (): Promise<void> => {
    while (next < FEEDS.length) {
      const feed = next;
      next += 1;
      const coding = CODINGS[Math.floor(feed / FORMATS.length) % CODINGS.length] ?? '';
      let answer = await ask(pathOf(feed, feed), { headers: { 'Accept-Encoding': coding } });
      for (; answer.status === 503; answer = await ask(pathOf(feed, feed), { headers: { 'Accept-Encoding': coding } }))
        await sleep(AGAIN);
      const { status, headers } = answer;
      if (status !== 200) throw new Error(`${pathOf(feed, feed)} answered ${status}`);
      tags[feed] = headers.etag ?? '';
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return tags;
}

function pathOf(feed: number, format: number): string {
  return `/feeds/${FEEDS[feed]}.${FORMATS[format % FORMATS.length]}`;
}

/**
 * Requests in an order without pattern: the feed with rank r is asked for 1/r as often as the first (Zipf), and half of
 * the requests have a tag.
 */
function mix(tags: readonly string[]): string[] {
  return Array.from({ length: DIFFERENT }, () => {
    const feed = Math.floor(FEEDS.length ** Math.random()) - 1;
    const coding = CODINGS[Math.floor(Math.random() * CODINGS.length)] ?? '';
    // The tag that is known is of one format.
    return Math.random() < 0.5
      ? requestText(pathOf(feed, feed), { 'Accept-Encoding': coding, 'If-None-Match': tags[feed] ?? '' })
      : requestText(pathOf(feed, Math.floor(Math.random() * FORMATS.length)), { 'Accept-Encoding': coding });
  });
}
