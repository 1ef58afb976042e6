import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKey } from '../../src/publish/api-keys.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { startOpponent } from './delivery/servers.ts';
import { figure, median, percentile, print, printTable, setting } from './figures.ts';
import { PUBLICATION, recordOf, writeRecords } from './newsroom.ts';
import { type PollRequest, pollersOf } from './polls.ts';
import { forgetHighest, mainThreadMilliseconds, memoryOf, settled, temporaryFolder } from './processes.ts';
import { ask, launch, putNew, type Service, withService, writerOf } from './service.ts';

const ARTICLES = setting('BENCH_ARTICLES', 100_000);
const PARTNERS = setting('BENCH_PARTNERS', 10_000);
const POLLS = setting('BENCH_POLLS', 5000);
const STORIES = setting('BENCH_STORIES', 300);
const ROUNDS = setting('BENCH_ROUNDS', 5);
/** Rounds before these, whose times are not counted: the first answers of a process are compiled while they are made. */
const WARM_UP = 1;
/** Partners whose feeds are fetched: as many as there are in the smaller newsroom. */
const FETCHED = 10;
/** Partners whose requests wait: each has a key of its own. */
const MANY = 500;
/** Records that are not among the articles. */
const UNUSED = 3_000_000;
const SECTIONS = ['world', 'politics', 'business', 'culture', 'science', 'climate', 'sport', 'opinion'] as const;
const TAGS = 200;

/**
 * What partners with selections of their own cost: until a story is visible, and until all that wait for it have it.
 *
 * @param sections `visible` or `polls`, for one of them alone
 */
export async function partners(sections: readonly string[]): Promise<void> {
  const isWanted = (section: string) => sections.length === 0 || sections.includes(section);
  if (isWanted('visible')) {
    print(
      `\nPublish-to-visible of ${STORIES} stories in a store of ${ARTICLES}, asked: p99 of both below 20: milliseconds`,
    );
    const rows = [['partners', 'PUT p50', 'p99', 'GET p50', 'p99', 'both p50', 'p99', 'most', 'CPU p50', 'p99']];
    for (const count of [FETCHED, PARTNERS]) rows.push([String(count), ...(await visibility(count))]);
    printTable(rows);
  }
  if (!isWanted('polls')) return;
  const many = Math.min(POLLS, MANY);
  print(
    `\nCommit until ${POLLS} long polls are answered, ${ROUNDS} rounds after one that warms up, asked: p99 below 250, memory below 256:`,
  );
  print(
    'milliseconds until the answers, p99 of all and that of the median round, and of CPU for each round; megabytes',
  );
  const one = await polling(1);
  const bare = await pollingOfBare(one.length);
  printTable([
    ['', 'p50', 'p99', 'p99 of a round', 'last', 'CPU', 'memory waiting', 'highest', 'p99 to bare'],
    pollRow('of one partner', one, bare),
    pollRow(`of ${many} partners`, await polling(many), bare),
    pollRow('bare Node', bare, bare),
  ]);
}

/** Partners of which each story of an archive matches a few among thousands. */
function narrow(number: number): string {
  return `select: { all: [section/${SECTIONS[number % SECTIONS.length]}, tag/topic-${number % TAGS}] }`;
}

/** Stories that match the selection of `narrow`. */
function matching(story: number, partner: number) {
  const section = SECTIONS[partner % SECTIONS.length] ?? '';
  return {
    ...recordOf(UNUSED + story),
    id: `new-${story}`,
    sections: [section],
    tags: [`Topic ${partner % TAGS}`],
    publishedAt: new Date(Date.now() - 1000).toISOString(),
  };
}

async function visibility(count: number): Promise<string[]> {
  const figures: { put: number; get: number; cpu: number }[] = [];
  await withPartners(
    { count, articles: ARTICLES, select: narrow, keys: Math.min(FETCHED, count) },
    async (newsroom) => {
      const { service, writer, keys } = newsroom;
      await settled(service.pid);
      for (let story = 0; story < STORIES; story += 1) {
        const partner = story % keys.length;
        const record = matching(story, partner);
        const used = mainThreadMilliseconds(service.pid);
        const began = performance.now();
        await putNew(service, writer, record);
        const published = performance.now();
        const headers = { Authorization: `Bearer ${keys[partner]}` };
        const { status, body } = await service.ask(`/partners/p${partner}/selection.json`, { headers });
        const shown = performance.now();
        if (status !== 200 || !body.includes(record.id))
          throw new Error(`p${partner} does not show ${record.id}: ${status}`);
        const cpu = mainThreadMilliseconds(service.pid) - used;
        if (story >= 2 * keys.length) figures.push({ put: published - began, get: shown - published, cpu });
        await sleep(5);
      }
    },
  );
  const [puts, gets, both] = [
    figures.map(({ put }) => put),
    figures.map(({ get }) => get),
    figures.map(({ put, get }) => put + get),
  ];
  const ranks = [puts, gets, both].flatMap((all) => [median(all), percentile(all, 0.99)]);
  const cpu = figures.map((each) => each.cpu);
  return [...ranks, Math.max(...both), median(cpu), percentile(cpu, 0.99)].map((value) => figure(value, 1));
}

/** How the polls of rounds were answered. */
interface Polled {
  /** Median, 99 % and last of all answers, milliseconds, and the median round's 99 % and CPU. */
  readonly p50: number;
  readonly p99: number;
  readonly ofRound: number;
  readonly last: number;
  readonly cpu: number;
  /** Megabytes, while the polls wait and at the highest. */
  readonly waiting: number;
  readonly highest: number;
  /** Bytes of an answer's body. */
  readonly length: number;
}

async function polling(count: number): Promise<Polled> {
  const select = () => 'select: { any: [section/world] }';
  return await withPartners({ count, articles: 1000, select, keys: count }, async ({ service, writer, keys }) => {
    const requests = Array.from({ length: POLLS }, (_, poll) => ({
      path: `/partners/p${poll % count}/changes`,
      key: keys[poll % count] ?? '',
    }));
    const change = (round: number) =>
      putNew(service, writer, { ...matching(round, 0), sections: ['World'], id: `poll-${round}` });
    return await rounds(service, requests, change);
  });
}

/** What sending costs: a bare Node server, whose requests wait for one with a POST. */
async function pollingOfBare(length: number): Promise<Polled> {
  const server = await startOpponent('polls', String(length), undefined);
  try {
    const requests = Array.from({ length: POLLS }, () => ({ path: '/', key: 'bare' }));
    return await rounds(server, requests, () => ask({ port: server.port, path: '/' }, { method: 'POST' }));
  } finally {
    await server.stop();
  }
}

/** @param change makes the change that the polls of a round wait for */
async function rounds(
  { pid, port }: { readonly pid: number; readonly port: number },
  requests: readonly PollRequest[],
  change: (round: number) => Promise<unknown>,
): Promise<Polled> {
  const times: number[] = [];
  const tails: number[] = [];
  const processor: number[] = [];
  let [waiting, highest] = [0, 0];
  const polls = pollersOf(port, requests);
  for (let round = -WARM_UP; round < ROUNDS; round += 1) {
    const { answers } = await polls.poll(60);
    await settled(pid);
    waiting = Math.max(waiting, memoryOf(pid, 'VmRSS'));
    forgetHighest(pid);
    const used = mainThreadMilliseconds(pid);
    await change(round + WARM_UP);
    const committed = performance.now();
    const own = (await answers).map((moment) => moment - committed);
    highest = Math.max(highest, memoryOf(pid, 'VmHWM'));
    if (round < 0) continue;
    times.push(...own);
    tails.push(percentile(own, 0.99));
    processor.push(mainThreadMilliseconds(pid) - used);
  }
  const length = polls.length();
  polls.close();
  const all = { p50: median(times), p99: percentile(times, 0.99), last: Math.max(...times) };
  return { ...all, ofRound: median(tails), cpu: median(processor), waiting, highest, length };
}

function pollRow(name: string, { p50, p99, ofRound, last, cpu, waiting, highest }: Polled, bare: Polled): string[] {
  const ratio = figure(p99 / bare.p99, 2);
  return [name, ...[p50, p99, ofRound, last, cpu, waiting, highest].map((value) => figure(value)), ratio];
}

interface Newsroom {
  readonly service: Service;
  readonly writer: Readonly<Record<string, string>>;
  /** Of the first partners. */
  readonly keys: readonly string[];
}

interface NewsroomOptions {
  /** How many partners there are. */
  readonly count: number;
  readonly articles: number;
  /** The line of a partner's file that selects its stories. */
  readonly select: (number: number) => string;
  readonly keys: number;
}

/**
 * A service with articles and partners, all of whose feeds are filled. It runs on any core, as its users run it: on a single one, the
 * threads that collect garbage and take checkpoints would hold up the stories, and the figures would be those of the pinning.
 */
async function withPartners<Result>(
  options: NewsroomOptions,
  work: (newsroom: Newsroom) => Promise<Result>,
): Promise<Result> {
  const { count, articles, select } = options;
  const { path: data, remove } = temporaryFolder('partners');
  try {
    await writeFile(join(data, 'publication.yaml'), PUBLICATION);
    await fill(data, articles);
    mkdirSync(join(data, 'partners'));
    for (let number = 0; number < count; number += 1)
      await writeFile(
        join(data, `partners/p${number}.yaml`),
        `name: Partner ${number}\ndialect: plain\n${select(number)}\n`,
      );
    const writer = await writerOf(data);
    const keys = await keysOf(data, options.keys);
    await withService(data, () => filled(data));
    return await withService(data, (service) => work({ service, writer, keys }));
  } finally {
    remove();
  }
}

async function fill(data: string, articles: number): Promise<void> {
  const file = join(data, 'records.ndjson');
  await writeRecords(file, articles);
  const arguments_ = ['import', '--data', data, '--rejected', join(data, 'rejected'), file];
  await once(launch(arguments_, { log: join(data, 'import.log') }), 'exit');
  rmSync(file);
}

async function keysOf(data: string, count: number): Promise<string[]> {
  const { store } = openDataFolder(data);
  const keys: string[] = [];
  for (let number = 0; number < count; number += 1)
    keys.push((await createKey(store, 'bench', 'partner', Date.now(), { partner: `p${number}` })).key);
  await store.close();
  return keys;
}

/** Waits until all feeds of partners are filled, if the start has left any to fill. */
async function filled(data: string): Promise<void> {
  const log = () => readFile(join(data, 'bench.log'), 'utf8');
  await sleep(1000);
  if (!/feeds? .*fill/i.test(await log())) return;
  while (!(await log()).includes('All feeds are filled')) await sleep(200);
}
