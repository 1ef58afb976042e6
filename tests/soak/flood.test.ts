// @module-tag soak
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { LoadFigures, LoadTask } from '../bench/load.ts';
import { ask, childEnvironment, record } from '../helpers.ts';
import { answersIn, type Raw, speak } from '../raw.ts';
import { type Besieged, besiege, MANY_FEEDS, NOWHERE, POLITE } from './besieged.ts';
import { sized } from './sizes.ts';

const LOAD = join(import.meta.dirname, '../bench/load.ts');
/** Clients of the flood. Each asks again as soon as it has its answer. */
const CLIENTS = 1500;
/** Clients whose requests come at once. */
const AT_ONCE = sized({ short: 600, soak: CLIENTS, full: CLIENTS });
/** Requests for addresses that were never answered which may wait (`src/http/load/request-queue.ts`). */
const QUEUE = 250;
const SECONDS = sized({ short: 1, soak: 3, full: 60 });
/** Articles that the newsroom publishes during the flood, at least. */
const FEWEST_PUBLISHED = 3;

/** The statuses of answers to requests that all wait for a service before it reads the first. */
async function statusesAtOnce(service: Besieged): Promise<Record<string, number>> {
  const clients: Raw[] = [];
  while (clients.length < AT_ONCE) clients.push(await speak(service.port));
  const request = `GET ${NOWHERE} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
  await service.whileSuspended(() =>
    Promise.all(clients.map(({ socket }) => new Promise((written) => socket.write(request, written)))),
  );
  const statuses: Record<string, number> = {};
  for (const answers of await Promise.all(clients.map(({ closed }) => closed))) {
    for (const { status } of answersIn(answers)) statuses[status] = (statuses[status] ?? 0) + 1;
  }
  return statuses;
}

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

test('of many requests that come at once, the service refuses all that do not fit into its queue', async () => {
  const service = await besiege({ files: MANY_FEEDS });
  const { 404: answered = 0, 503: refused = 0, ...others } = await statusesAtOnce(service);

  expect(others).toEqual({});
  expect(answered + refused).toBe(AT_ONCE);
  expect(answered).toBeGreaterThan(0);
  // Each answer costs as much work as many refusals: few are given before the last request is read.
  expect(answered).toBeLessThan(1.5 * QUEUE);
  await service.expectRecovered();
  expect(await service.stop()).toBe(0);
});

test('under a flood of more than it can prepare, the service serves feeds that are ready, and publishes', async () => {
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
  const { 404: answered = 0, 503: _refused, ...others } = statuses;

  expect(wrong).toEqual([]);
  expect(others).toEqual({});
  expect(answered).toBeGreaterThan(0);
  expect(new Set(published)).toEqual(new Set([201]));
  expect((await ask(service.port, POLITE)).text.match(/<item>/g)?.length).toBe(Math.min(50, published.length + 1));
  await service.expectRecovered();
  expect(await service.stop()).toBe(0);
});
