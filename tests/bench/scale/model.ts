import type { Client, Reader } from './readers.ts';

/** An answer as the model tells it. */
export type Kind = '304' | '226' | '200 identity' | '200 gzip' | '200 br';

/** What a feed weighs on the wire, in bytes with its head, and costs a service, in microseconds of CPU. */
export interface Weights {
  readonly bytes: Readonly<Record<Exclude<Kind, '226'>, number>>;
  /** Of a delta without entries, and of each entry in it. */
  readonly delta: { readonly head: number; readonly entry: number };
  readonly cpu: Readonly<Record<Kind, number>>;
}

export interface Poll {
  readonly at: number;
  readonly client: Client;
  /** Changes of the feed since the client's last poll. */
  readonly changes: number;
}

export interface Traffic {
  readonly answers: Readonly<Record<Kind, number>>;
  readonly total: number;
  readonly bytes: number;
  /** Seconds of CPU. */
  readonly cpu: number;
  /** Answers in the busiest second. */
  readonly peak: number;
}

/** The polls of clients from second 0 up to `seconds`. Before, each has polled one interval ago. */
export function* pollsOf(clients: readonly Client[], changes: readonly number[], seconds: number): Generator<Poll> {
  for (const client of clients) {
    const { interval } = client.reader;
    for (let at = client.phase; at < seconds; at += interval)
      yield { at, client, changes: countUntil(changes, at) - countUntil(changes, at - interval) };
  }
}

/** How the service answers a poll: what the validators of the reader allow. */
export function answerTo({ validator, wantsDelta, coding }: Reader, changes: number): Kind {
  if (validator !== 'none' && changes === 0) return '304';
  return wantsDelta && validator === 'etag' ? '226' : `200 ${coding}`;
}

/** The answers to all polls, together. */
export function trafficOf(polls: Iterable<Poll>, { bytes, delta, cpu }: Weights): Traffic {
  const answers = { '304': 0, '226': 0, '200 identity': 0, '200 gzip': 0, '200 br': 0 };
  const seconds = new Map<number, number>();
  let [total, sent, busy] = [0, 0, 0];
  for (const { at, client, changes } of polls) {
    const kind = answerTo(client.reader, changes);
    const second = Math.floor(at);
    answers[kind] += 1;
    seconds.set(second, (seconds.get(second) ?? 0) + 1);
    total += 1;
    sent += kind === '226' ? delta.head + changes * delta.entry : bytes[kind];
    busy += cpu[kind] / 1e6;
  }
  let peak = 0;
  for (const count of seconds.values()) peak = Math.max(peak, count);
  return { answers, total, bytes: sent, cpu: busy, peak };
}

/** How many of the moments, which are in order, are not after one. */
function countUntil(moments: readonly number[], at: number): number {
  let [low, high] = [0, moments.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((moments[middle] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}
