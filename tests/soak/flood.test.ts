import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { LoadFigures, LoadTask } from '../bench/load.ts';
import { ask, childEnvironment, record } from '../helpers.ts';
import { besiege, MANY_FEEDS, NOWHERE, POLITE } from './besieged.ts';
import { sized } from './sizes.ts';

const LOAD = join(import.meta.dirname, '../bench/load.ts');
/** Clients of the flood. Each asks again as soon as it has its answer. */
const CLIENTS = 1500;
const SECONDS = sized({ short: 1, soak: 3, full: 60 });
/** Articles that the newsroom publishes during the flood, at least. */
const FEWEST_PUBLISHED = 3;

/** The answers to a flood by status. It comes from a process of its own, beside which polite clients are quick. */
async function flood(port: number): Promise<LoadFigures['statuses']> {
  const child = fork(LOAD, { env: childEnvironment() });
  onTestFinished(() => void child.kill('SIGKILL'));
  const request = `GET ${NOWHERE} HTTP/1.1\r\nHost: a\r\n\r\n`;
  const task: LoadTask = { port, requests: [request], connections: CLIENTS, seconds: SECONDS };
  child.send(task);
  const [figures] = (await once(child, 'message')) as [LoadFigures];
  child.disconnect();
  return figures.statuses;
}

test('under ten times more than it can prepare, the service refuses the rest, serves feeds that are ready, and publishes', async () => {
  const service = await besiege({ files: MANY_FEEDS });
  const published: number[] = [];
  const statuses: Record<string, number> = {};
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

  async function floods(): Promise<void> {
    do {
      for (const [status, count] of Object.entries(await flood(service.port))) {
        statuses[status] = (statuses[status] ?? 0) + count;
      }
    } while (published.length < FEWEST_PUBLISHED);
  }

  const wrong = await service.politely(async () => {
    const end = new AbortController();
    const publishing = publishUntil(end.signal);
    await floods().finally(() => end.abort());
    await publishing;
  });
  const { 404: answered = 0, 503: refused = 0, ...others } = statuses;

  expect(wrong).toEqual([]);
  expect(others).toEqual({});
  expect(answered).toBeGreaterThan(0);
  // Each client has one more request under way at the end. On a busy machine, few have an answer by then.
  expect(CLIENTS + refused + answered).toBeGreaterThan(10 * answered);
  expect(refused).toBeGreaterThan(answered);
  expect(new Set(published)).toEqual(new Set([201]));
  expect((await ask(service.port, POLITE)).text.match(/<item>/g)?.length).toBe(Math.min(50, published.length + 1));
  await service.expectRecovered();
  expect(await service.stop()).toBe(0);
});
