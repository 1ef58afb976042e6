import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ask, FAST_PATH, type Running, record } from '../helpers.ts';
import { answersIn, type Raw, speak } from '../raw.ts';
import { startApi } from './api.ts';
import { countRepeats, stopClock } from './ways.ts';

/** What is answered without a response of Node's: see docs/decisions/0012-answers-without-a-response.md. */

const FEED = '/feeds/latest.rss';
const BIG = 'x'.repeat(200_000);

const said = (more = '', { method = 'GET', path = FEED, version = '1.1' } = {}) =>
  `${method} ${path} HTTP/${version}\r\nHost: a\r\n${more}\r\n`;

/** A service whose feed is at hand. */
async function serving(body = '<p>Text</p>'): Promise<Running> {
  const api = await startApi();
  await api.put('/a', { body: record({ id: 'a', body }) });
  await ask(api.port, FEED);
  return api;
}

/** Says something on a connection, and waits until that many answers came in all. */
async function hear(raw: Raw, text: string, count: number): Promise<void> {
  raw.socket.write(text);
  await expect.poll(() => answersIn(raw.text()).length, { interval: 2 }).toBe(count);
}

test.each<[string, string, { method?: string }]>([
  ['all of a feed', 'Accept-Encoding: identity\r\n', {}],
  ['a compressed feed', 'Accept-Encoding: gzip\r\n', {}],
  ['the head of a feed', '', { method: 'HEAD' }],
  ['that nothing changed', 'If-None-Match: *\r\n', {}],
])('%s is told again without a response, to the byte', async (_name, more, other) => {
  const { port } = await serving();
  const repeats = countRepeats();
  const raw = await speak(port);
  const question = said(more, other);
  await hearOf(raw, question, 1);
  stopClock();
  await hearOf(raw, question, 2);
  const before = repeats();
  await hearOf(raw, question, 3);
  await hearOf(raw, question, 4);

  expect(repeats() - before).toBe(FAST_PATH ? 2 : 0);
  const [first, ...others] = raw
    .text()
    .replaceAll(/^Date: .*$/gm, 'Date: …')
    .split(/(?=HTTP\/1\.1 )/);
  expect(others).toEqual([first, first, first]);
});

/** The same where heads may tell the length of what does not come. */
async function hearOf(raw: Raw, text: string, count: number): Promise<void> {
  raw.socket.write(text);
  await expect.poll(() => raw.text().match(/HTTP\/1\.1 /g)?.length, { interval: 2 }).toBe(count);
  await sleep(20); // the rest of it
}

test.each<[string, string, number[]]>([
  ['comes with HTTP/1.0', said('', { version: '1.0' }), [200]],
  ['ends the connection', said('Connection: close\r\n'), [200]],
  ['has a body', `${said('Content-Length: 4\r\nConnection: close\r\n')}body`, [200]],
  ['has a body in chunks', `${said('Transfer-Encoding: chunked\r\nConnection: close\r\n')}0\r\n\r\n`, [200]],
  ['expects something', said('Expect: 100-continue\r\nConnection: close\r\n'), [100, 200]],
  ['names two hosts', said('Host: b\r\n'), [400]],
  ['asks for another method', said('Connection: close\r\n', { method: 'DELETE' }), [405]],
])('a request that %s is answered with a response', async (_name, question, statuses) => {
  const { port } = await serving();
  const raw = await speak(port);
  await hear(raw, said(), 1);
  stopClock();
  await hear(raw, said(), 2);
  const repeats = countRepeats();
  const other = await speak(port, question);
  const text = await other.closed;

  expect([...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status))).toEqual(statuses);
  expect(repeats()).toBe(0);
});

test('a request with a body is followed by the next', async () => {
  const { port } = await serving();
  const raw = await speak(port);
  await hear(raw, said(), 1);
  await hear(raw, `${said('Content-Length: 4\r\n')}body${said()}`, 3);

  expect(answersIn(raw.text()).map(({ status }) => status)).toEqual([200, 200, 200]);
});

test('answers come in the order of their requests, whichever way each is answered', async () => {
  const { port } = await serving();
  const raw = await speak(port);
  await hear(raw, said(), 1);
  const unknown = said('', { path: '/feeds/nothing.rss' });
  const round = said() + unknown + said() + said('If-None-Match: *\r\n') + unknown + unknown + said();
  await hear(raw, round.repeat(20), 141);
  const statuses = answersIn(raw.text()).map(({ status }) => status);

  expect(statuses).toEqual([200, ...Array(20).fill([200, 404, 200, 304, 404, 404, 200]).flat()]);
});

test('a client that asks on and on and does not read is not written to without end', async () => {
  const { port } = await serving(`<p>${BIG}</p>`);
  const raw = await speak(port);
  stopClock();
  raw.socket.pause();
  const before = process.memoryUsage().arrayBuffers;
  for (let time = 0; time < 50; time += 1) {
    raw.socket.write(said().repeat(20));
    await sleep(5);
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000); // all of it were 200 MB
  raw.socket.resume();
  await expect.poll(() => raw.text().match(/^HTTP\/1\.1 200/gm)?.length, { interval: 100 }).toBe(1000);
});

test('a service that ends says so in every answer', async () => {
  const { port, close } = await serving();
  const raw = await speak(port);
  await hear(raw, said(), 1);
  stopClock();
  await hear(raw, said(), 2);
  const repeats = countRepeats();
  const closing = close();
  raw.socket.write(said());
  await closing;
  const [, , last] = answersIn(await raw.closed);

  expect(last?.headers).toMatch(/^Connection: close\r$/m);
  expect(repeats()).toBe(0);
});
