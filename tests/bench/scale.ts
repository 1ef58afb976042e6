/**
 * What one replica, ten, and a CDN carry: a model of the polls of a million subscribers, with costs that are measured first. The model
 * is checked against a real service at small size: docs/scale.md has its figures.
 */
import { join } from 'node:path';
import { figure, print, printTable, setting } from './figures.ts';
import { chances } from './newsroom.ts';
import { cpuSecondsOf, SERVER_CORE, temporaryFolder } from './processes.ts';
import { type Load, openLoad } from './rates.ts';
import { copySample, PATH } from './sample.ts';
import { cost, headersOf, publisherOf, replay, requestsOf, settle, weigh } from './scale/measure.ts';
import { type Kind, pollsOf, type Traffic, trafficOf, type Weights } from './scale/model.ts';
import { clientsOf, READERS } from './scale/readers.ts';
import { type Service, withService, writerOf } from './service.ts';

const SUBSCRIBERS = setting('BENCH_SUBSCRIBERS', 1_000_000);
/** One of so many clients is simulated, and stands for all of them. */
const SAMPLE = 50;
const DAY = 86_400;
/** Stories of a day in the feed, without pattern. */
const STORIES = 200;
const KINDS: readonly Kind[] = ['304', '226', '200 gzip', '200 br', '200 identity'];
/** The check: an hour in so many seconds, and the subscribers and stories in it. */
const [CHECK_SECONDS, CHECK_SUBSCRIBERS, CHECK_STORIES] = [24, 600, 5];
const SEED = 20261130;
/** After a story that everybody wants, a part of the subscribers ask within minutes by hand. Seconds, on average, until they do. */
const [EAGER, EAGER_AFTER] = [0.2, 100];
/** A CDN: places with a cache, feeds that are asked for in each, codings, and seconds for which a copy is fresh. */
const [PLACES, ASKED, CODINGS, FRESH] = [100, 300, 2, 60];
/** Bits of a network connection in a second. */
const GIGABIT = 1e9;

export async function scale(): Promise<void> {
  const load = openLoad();
  const folder = temporaryFolder('scale');
  try {
    const data = await copySample(join(folder.path, 'sample'));
    const work = async (service: Service) => {
      const publish = publisherOf(service, await writerOf(data));
      const made = await costOfMaking(service);
      const weights = await weigh(service, load, publish);
      printWeights(weights, made);
      await checkDay(service, publish, weights);
      await checkCost(service, load, { publish, weights });
      const day = ofDay(weights);
      printDay(day);
      printBreak(day, weights);
      printCdn(day, weights, made);
    };
    await withService(data, work, { core: SERVER_CORE });
  } finally {
    await load.close();
    folder.remove();
  }
}

/** Microseconds of CPU to make a document that is not in memory: the mean of all feeds in two formats. */
async function costOfMaking({ ask, pid }: Service): Promise<number> {
  const list = (await ask('/feeds.opml')).body.toString();
  const feeds = [...list.matchAll(/xmlUrl="[^"]*(\/feeds\/[^"]*)\.rss"/g)].map(([, path]) => path);
  const paths = feeds.flatMap((path) => [`${path}.atom`, `${path}.json`]);
  if (paths.length === 0) throw new Error('the list of feeds names none');
  const before = cpuSecondsOf(pid);
  for (const path of paths) await ask(path, { headers: { 'Accept-Encoding': 'identity' } });
  return ((cpuSecondsOf(pid) - before) * 1e6) / paths.length;
}

function printWeights(weights: Weights, made: number): void {
  print(`\nThe sample feed, as the sections below count it (making a document: ${figure(made)} µs)`);
  printTable([
    ['', 'bytes on the wire', 'CPU µs'],
    ...KINDS.map((kind) => [
      kind === '226' ? '226 of one entry, gzip' : kind,
      figure(kind === '226' ? weights.delta.head + weights.delta.entry : weights.bytes[kind]),
      figure(weights.cpu[kind], 1),
    ]),
  ]);
}

/** An hour of few subscribers, told by the model and answered by the service, in time that passes faster. */
async function checkDay(service: Service, publish: () => Promise<void>, weights: Weights): Promise<void> {
  const chance = chances(SEED);
  const faster = 3600 / CHECK_SECONDS;
  const readers = READERS.map((reader) => ({ ...reader, subscribers: 1, interval: reader.interval / faster }));
  const clients = clientsOf(CHECK_SUBSCRIBERS, chance, readers);
  const changes = Array.from({ length: CHECK_STORIES }, () => chance() * CHECK_SECONDS).sort((a, b) => a - b);
  // Before the first poll, every reader has fetched the feed at the start.
  const polls = [...pollsOf(clients, changes, CHECK_SECONDS)].sort((a, b) => a.at - b.at);
  await settle(service);
  const told = trafficOf(polls, weights);
  const real = await replay(service, publish, { polls, changes });
  print(
    `\nThe model and a service: ${clients.length} programs poll for an hour in ${CHECK_SECONDS} s, ${CHECK_STORIES} stories appear`,
  );
  printTable([
    ['', 'model', 'measured'],
    ...KINDS.map((kind) => [kind, figure(told.answers[kind]), figure(real.answers.get(kind) ?? 0)]),
    ['kB', figure(told.bytes / 1000), figure(real.bytes / 1000)],
  ]);
  print('(after a story, the first to ask for a coding may get identity)');
}

/** The polls of an hour as fast as the service answers them: what an answer of the mix costs. */
async function checkCost(
  service: Service,
  load: Load,
  { publish, weights }: { readonly publish: () => Promise<void>; readonly weights: Weights },
): Promise<void> {
  const { headers } = await service.ask(PATH, { headers: { 'Accept-Encoding': 'gzip' } });
  await publish();
  await settle(service);
  const chance = chances(SEED + 1);
  const clients = clientsOf(CHECK_SUBSCRIBERS, chance).map((client) => ({
    client,
    at: client.phase,
    changes: chance() < 0.5 ? 1 : 0,
  }));
  const told = trafficOf(clients, weights);
  const requests = requestsOf(clients, await headersOf(service, headers.etag ?? ''));
  const measured = await cost(service, load, requests);
  print(
    `CPU of an answer of such a mix, µs: model ${figure((told.cpu / told.total) * 1e6, 1)}, measured ${figure(measured, 1)}`,
  );
}

/** A day of the subscribers, from a sample of them. */
function ofDay(weights: Weights): Traffic {
  const chance = chances(SEED + 2);
  const changes = Array.from({ length: STORIES }, () => chance() * DAY).sort((a, b) => a - b);
  const isSampled = ({ subscribers }: { readonly subscribers: number }) => subscribers === 1;
  const alone = trafficOf(
    pollsOf(clientsOf(SUBSCRIBERS / SAMPLE, chance, READERS.filter(isSampled)), changes, DAY),
    weights,
  );
  const services = trafficOf(
    pollsOf(
      clientsOf(
        SUBSCRIBERS,
        chance,
        READERS.filter((reader) => !isSampled(reader)),
      ),
      changes,
      DAY,
    ),
    weights,
  );
  const answers = { ...services.answers };
  for (const kind of KINDS) answers[kind] += SAMPLE * alone.answers[kind];
  return {
    answers,
    total: services.total + SAMPLE * alone.total,
    bytes: services.bytes + SAMPLE * alone.bytes,
    cpu: services.cpu + SAMPLE * alone.cpu,
    peak: Number.NaN, // of a sample, it would be too high
  };
}

function printDay(day: Traffic): void {
  const rate = day.total / DAY;
  print(`\nA day of ${figure(SUBSCRIBERS)} subscribers, ${STORIES} stories in the feed`);
  printTable([
    ['', 'a day'],
    ...KINDS.map((kind) => [`${kind}, % of the answers`, figure((100 * day.answers[kind]) / day.total, 1)]),
    ['answers a second', figure(rate)],
    ['megabits a second', figure((day.bytes * 8) / DAY / 1e6)],
    ['% of a core', figure((100 * day.cpu) / DAY, 2)],
    ['subscribers that fill one core, millions', figure((SUBSCRIBERS * DAY) / day.cpu / 1e6)],
    ['subscribers that fill a gigabit, millions', figure((SUBSCRIBERS * GIGABIT) / ((day.bytes * 8) / DAY) / 1e6, 1)],
  ]);
}

/** The first second is the worst: each asks at an exponential distance from the story. */
function printBreak(day: Traffic, weights: Weights): void {
  const eager = (SUBSCRIBERS * EAGER) / EAGER_AFTER;
  const polls = day.total / DAY;
  const rate = eager + polls;
  const bytes = rate * weights.bytes['200 gzip'];
  const cores = (rate * weights.cpu['200 gzip']) / 1e6;
  print(
    `\nA story breaks: ${figure(100 * EAGER)} % of the subscribers ask by hand, ${EAGER_AFTER} s later on average; the first second`,
  );
  printTable([
    ['', 'answers a second', 'gigabits a second', 'cores', 'of each of ten replicas: cores'],
    [
      'all get the feed in gzip',
      figure(rate),
      figure((bytes * 8) / GIGABIT, 2),
      figure(cores, 2),
      figure(cores / 10, 3),
    ],
    [
      'in identity, if no coding was ready',
      figure(rate),
      figure((rate * weights.bytes['200 identity'] * 8) / GIGABIT, 2),
      figure((rate * weights.cpu['200 identity']) / 1e6, 2),
      figure((rate * weights.cpu['200 identity']) / 1e7, 3),
    ],
  ]);
}

/** What a CDN asks, whose copies expire on the same second everywhere. */
function printCdn(day: Traffic, weights: Weights, made: number): void {
  const copies = PLACES * ASKED * CODINGS;
  const cold = (copies * weights.cpu['200 gzip'] + ASKED * CODINGS * made) / 1e6;
  const round = (copies * weights.cpu['304']) / 1e6;
  print(`\nA CDN of ${PLACES} places, ${ASKED} feeds asked for in each, in ${CODINGS} codings, fresh for ${FRESH} s`);
  printTable([
    ['', 'requests', 'CPU s', 'gigabytes'],
    ['cold: every copy once', figure(copies), figure(cold, 1), figure((copies * weights.bytes['200 gzip']) / 1e9, 2)],
    [
      `each ${FRESH} s, nothing has changed`,
      figure(copies),
      figure(round, 2),
      figure((copies * weights.bytes['304']) / 1e9, 3),
    ],
    [
      'the same behind one shield',
      figure(ASKED * CODINGS),
      figure(round / PLACES, 3),
      figure((ASKED * CODINGS * weights.bytes['304']) / 1e9, 4),
    ],
    [
      'one feed changes',
      figure(PLACES * CODINGS),
      figure((PLACES * CODINGS * weights.cpu['200 gzip']) / 1e6, 3),
      figure((PLACES * CODINGS * weights.bytes['200 gzip']) / 1e9, 3),
    ],
  ]);
  print(
    `Without a CDN, the feed of ${figure(SUBSCRIBERS)} subscribers alone is ${figure((day.total / DAY) * FRESH)} answers in ${FRESH} s.`,
  );
}
