import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { LoadFigures, LoadTask } from '../bench/load.ts';
import { ask, record } from '../helpers.ts';
import { besiege, MANY_FEEDS, NOWHERE, POLITE } from './besieged.ts';

const LOAD = join(import.meta.dirname, '../bench/load.ts');
/** Clients of the flood, each of which asks again as soon as it is answered. */
const CLIENTS = 1500;
const SECONDS = 3;

test('of ten times more than can be prepared the rest is sent away, what is at hand is answered, and the newsroom publishes', {
  timeout: 60_000,
}, async () => {
  const service = await besiege({ files: MANY_FEEDS });
  const published: number[] = [];
  /** What it told the flood, by status. It comes from a process of its own, beside which polite clients are quick. */
  async function flood(): Promise<LoadFigures['statuses']> {
    const child = fork(LOAD, { env: { PATH: process.env.PATH ?? '' } });
    onTestFinished(() => void child.kill('SIGKILL'));
    const request = `GET ${NOWHERE} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const task: LoadTask = { port: service.port, requests: [request], connections: CLIENTS, seconds: SECONDS };
    child.send(task);
    const [figures] = (await once(child, 'message')) as [LoadFigures];
    child.disconnect();
    return figures.statuses;
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

  let told: LoadFigures['statuses'] = {};
  const wrong = await service.politely(siege);
  const { 404: answered = 0, 503: sentAway = 0, ...others } = told;

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
