import autocannon from 'autocannon';
import { expect, test } from 'vitest';
import { ask, record } from '../helpers.ts';
import { besiege, MANY_FEEDS, NOWHERE, POLITE } from './service.ts';

/** Clients of the flood, each of which asks again as soon as it is answered. */
const CLIENTS = 1500;
const SECONDS = 3;

test('of ten times more than can be prepared the rest is sent away, what is at hand is answered, and the newsroom publishes', {
  timeout: 60_000,
}, async () => {
  const service = await besiege({ files: MANY_FEEDS });
  const published: number[] = [];
  /** What it told the flood, by status. */
  async function flood(): Promise<Map<string, number>> {
    const url = `http://127.0.0.1:${service.port}${NOWHERE}`;
    // In a thread of its own: what it does to this one would look as if the service were slow.
    const result = await autocannon({ url, connections: CLIENTS, duration: SECONDS, workers: 1, timeout: 30 });
    return new Map(Object.entries(result.statusCodeStats ?? {}).map(([status, { count = 0 }]) => [status, count]));
  }
  async function publishUntil(end: AbortSignal): Promise<void> {
    while (!end.aborted) {
      const { status } = await ask(service.port, `/api/articles/n${published.length}`, {
        method: 'PUT',
        headers: { Authorization: `Bearer ${service.key}` },
        body: JSON.stringify(record({ id: undefined, tags: ['Polite'] })),
      });
      published.push(status);
    }
  }

  async function siege(): Promise<void> {
    const end = new AbortController();
    const publishing = publishUntil(end.signal);
    told = await flood().finally(() => end.abort());
    await publishing;
  }

  let told = new Map<string, number>();
  const wrong = await service.politely(siege);
  const { 404: answered = 0, 503: sentAway = 0, ...others } = Object.fromEntries(told);

  expect(wrong).toEqual([]);
  expect(others).toEqual({});
  expect(answered).toBeGreaterThan(0);
  expect(sentAway + answered).toBeGreaterThan(10 * answered);
  expect(published.length).toBeGreaterThan(2);
  expect(new Set(published)).toEqual(new Set([201]));
  expect((await ask(service.port, POLITE)).text.match(/<item>/g)?.length).toBe(Math.min(50, published.length + 1));
  await service.expectRecovered();
  expect(await service.stop()).toBe(0);
});
