import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../figures.ts';
import { recordOf } from '../newsroom.ts';
import { cpuSecondsOf } from '../processes.ts';
import { type Load, requestText } from '../rates.ts';
import { PATH } from '../sample.ts';
import { putNew, type Service } from '../service.ts';
import { answerTo, type Kind, type Poll, type Weights } from './model.ts';
import type { Reader } from './readers.ts';

/** Seconds of each round of the load, and rounds of which the median counts. */
const [SECONDS, ROUNDS] = [0.6, 5];
/** Milliseconds in which the codings of a changed document are made that were made before. */
const SETTLED = 1000;

type Headers = Readonly<Record<string, string>>;

/** Publishes a story now. */
export type Publish = () => Promise<void>;

export function publisherOf(service: Service, writer: Headers): Publish {
  let number = 0;
  return async () => {
    number += 1;
    const publishedAt = new Date().toISOString();
    await putNew(service, writer, { ...recordOf(number), id: `scale-${number}`, publishedAt, updatedAt: undefined });
  };
}

/** Has the feed in all codings ready. */
export async function settle({ ask }: Service): Promise<void> {
  for (let time = 0; time < 3; time += 1) {
    for (const coding of ['identity', 'gzip', 'br']) await ask(PATH, { headers: { 'Accept-Encoding': coding } });
    await sleep(SETTLED);
  }
}

/** What each kind of answer weighs and costs, one after the other at full load. */
export async function weigh(service: Service, load: Load, publish: Publish): Promise<Weights> {
  const { ask } = service;
  await settle(service);
  const old = await tagOf(service, 'gzip');
  await publish();
  await settle(service);
  const older = await received(service, { 'Accept-Encoding': 'gzip', 'A-IM': 'feed', 'If-None-Match': old });
  await publish();
  await settle(service);
  const oldest = await received(service, { 'Accept-Encoding': 'gzip', 'A-IM': 'feed', 'If-None-Match': old });
  const kinds = await headersOf(service, old);
  const bytes: Record<string, number> = {};
  const cpu: Record<string, number> = {};
  for (const [kind, headers] of kinds) {
    bytes[kind] = (await ask(PATH, { headers })).received;
    cpu[kind] = await cost(service, load, [requestText(PATH, headers)]);
  }
  const of = (figures: Record<string, number>, kind: Kind) => figures[kind] ?? Number.NaN;
  const whole = (figures: Record<string, number>) => ({
    '304': of(figures, '304'),
    '200 identity': of(figures, '200 identity'),
    '200 gzip': of(figures, '200 gzip'),
    '200 br': of(figures, '200 br'),
  });
  return {
    bytes: whole(bytes),
    delta: { head: 2 * older - oldest, entry: oldest - older },
    cpu: { ...whole(cpu), '226': of(cpu, '226') },
  };
}

async function received({ ask }: Service, headers: Headers): Promise<number> {
  return (await ask(PATH, { headers })).received;
}

async function tagOf({ ask }: Service, coding: string): Promise<string> {
  return (await ask(PATH, { headers: { 'Accept-Encoding': coding } })).headers.etag ?? '';
}

/** The headers with which each kind of answer is asked for. */
export async function headersOf(service: Service, old: string): Promise<ReadonlyMap<Kind, Headers>> {
  const current = await tagOf(service, 'gzip');
  return new Map<Kind, Headers>([
    ['304', { 'Accept-Encoding': 'gzip', 'If-None-Match': current }],
    ['226', { 'Accept-Encoding': 'gzip', 'A-IM': 'feed', 'If-None-Match': old }],
    ['200 identity', { 'Accept-Encoding': 'identity' }],
    ['200 gzip', { 'Accept-Encoding': 'gzip' }],
    ['200 br', { 'Accept-Encoding': 'br' }],
  ]);
}

/** Microseconds of CPU of all threads of the service for an answer, at full load: the median of some rounds. */
export async function cost({ port, pid }: Service, load: Load, requests: readonly string[]): Promise<number> {
  const costs: number[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const before = cpuSecondsOf(pid);
    const { answers, errors } = await load.run({ port, requests, seconds: SECONDS });
    if (errors > 0) throw new Error(`${errors} connections failed`);
    if (round > 0) costs.push(((cpuSecondsOf(pid) - before) * 1e6) / answers);
  }
  return median(costs);
}

/** What a real service answered to polls. */
export interface Real {
  readonly answers: Map<Kind, number>;
  bytes: number;
}

/**
 * Sends polls at their moments, each reader with the validators of its last copy, while stories are published.
 *
 * @param polls in order of time, seconds from now
 * @param changes the same for stories
 */
export async function replay(
  service: Service,
  publish: Publish,
  { polls, changes }: { readonly polls: readonly Poll[]; readonly changes: readonly number[] },
): Promise<Real> {
  const real: Real = { answers: new Map(), bytes: 0 };
  const copies = new Map<Poll['client'], Headers>();
  for (const client of new Set(polls.map((poll) => poll.client)))
    copies.set(
      client,
      validators(client.reader, (await service.ask(PATH, { headers: askedBy(client.reader) })).headers),
    );
  const begun = performance.now();
  const until = (at: number) => sleep(Math.max(0, at * 1000 - (performance.now() - begun)));
  const publishing = (async () => {
    for (const at of changes) {
      await until(at);
      await publish();
    }
  })();
  for (const { at, client } of polls) {
    await until(at);
    const { reader } = client;
    const answer = await service.ask(PATH, { headers: { ...askedBy(reader), ...copies.get(client) } });
    const coding = answer.headers['content-encoding'] ?? 'identity';
    const kind = answer.status === 200 ? `200 ${coding}` : `${answer.status}`;
    real.answers.set(kind as Kind, (real.answers.get(kind as Kind) ?? 0) + 1);
    real.bytes += answer.received;
    copies.set(client, validators(reader, answer.headers));
  }
  await publishing;
  return real;
}

function askedBy({ coding, wantsDelta }: Reader): Headers {
  return { 'Accept-Encoding': coding, ...(wantsDelta ? { 'A-IM': 'feed' } : {}) };
}

function validators({ validator }: Reader, headers: Readonly<Record<string, unknown>>): Headers {
  if (validator === 'none') return {};
  return validator === 'etag'
    ? { 'If-None-Match': String(headers.etag) }
    : { 'If-Modified-Since': String(headers['last-modified']) };
}

/** The requests of polls as they would be sent, for the load generator. */
export function requestsOf(polls: readonly Poll[], headers: ReadonlyMap<Kind, Headers>): string[] {
  return polls.map(({ client, changes }) => requestText(PATH, headers.get(answerTo(client.reader, changes)) ?? {}));
}
