import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { ask, type Running, record } from '../helpers.ts';
import { answersIn, type Raw, speak } from '../raw.ts';
import { sized } from '../soak/sizes.ts';
import { type Api, startApi } from './api.ts';
import { countAnswersWithoutResponse } from './ways.ts';

const FEED = '/feeds/latest.rss';
const BIG = 'x'.repeat(200_000);
/** Times that a client asks and does not read. */
const TIMES_WITHOUT_READING = sized({ short: 15, soak: 50, full: 50 });

interface Question {
  readonly method?: string;
  readonly path?: string;
  readonly version?: string;
}

const said = (more = '', { method = 'GET', path = FEED, version = '1.1' }: Question = {}) =>
  `${method} ${path} HTTP/${version}\r\nHost: a\r\n${more}\r\n`;

/** A service whose feed is in the cache. */
async function serving(body = '<p>Text</p>', fastPath = true): Promise<Running> {
  return fillCache(await startApi({}, { fastPath }), body);
}

async function fillCache(api: Api, body = '<p>Text</p>'): Promise<Running> {
  await api.put('/a', { body: record({ id: 'a', body }) });
  await ask(api.port, FEED);
  await ask(api.port, FEED, { headers: { 'Accept-Encoding': 'gzip' } });
  return api;
}

/** Says something on a connection, and waits until that many answers came in all. */
async function hear(raw: Raw, text: string, count: number): Promise<void> {
  raw.socket.write(text);
  await expect.poll(() => raw.text().match(/HTTP\/1\.1 \d/g)?.length, { interval: 2 }).toBe(count);
}

const withoutDates = (text: string) => text.replaceAll(/^Date: .*$/gm, 'Date: …');
const LAST = 'Connection: close\r\n';

test.each<[string, string, Question]>([
  ['a whole feed', 'Accept-Encoding: identity\r\n', {}],
  ['a compressed feed', 'Accept-Encoding: gzip\r\n', {}],
  ['the head of a feed', '', { method: 'HEAD' }],
  ['a 304', 'If-None-Match: *\r\n', {}],
])('%s is answered without a response', async (_name, more, other) => {
  const { port } = await serving();
  const withoutResponse = countAnswersWithoutResponse();
  const raw = await speak(port);
  for (const count of [1, 2, 3]) await hear(raw, said(more, other), count);

  expect(withoutResponse()).toBe(3);
});

test.each<[string, string]>([
  ['the same again', said() + said() + said(LAST)],
  ['a compressed feed', said('Accept-Encoding: gzip\r\n') + said(`Accept-Encoding: gzip\r\n${LAST}`)],
  ['GET and HEAD', said() + said('', { method: 'HEAD' }) + said() + said(LAST)],
  ['304', said('If-None-Match: *\r\n').repeat(2) + said(`If-None-Match: *\r\n${LAST}`, { method: 'HEAD' })],
  ['412', said('If-Match: "x"\r\n') + said() + said(LAST)],
  ['a reader that takes deltas', said('A-IM: feed\r\n').repeat(2) + said(LAST)],
  ['HTTP/1.0', said() + said('', { version: '1.0' })],
  ['HTTP/1.0 with keep-alive', said() + said('Connection: keep-alive\r\n', { version: '1.0' }) + said(LAST)],
  ['a request with a body', `${said('Content-Length: 4\r\n')}body${said(LAST)}`],
  ['no feed between feeds', said() + said('', { path: '/feeds/nothing.rss' }) + said() + said(LAST)],
])('without the fast path the bytes are the same: %s', async (_name, text) => {
  const [fast, slow] = await Promise.all([serving(), serving('<p>Text</p>', false)]);
  const answers = async ({ port }: Running) => withoutDates(await (await speak(port, text)).closed);
  const [first, expected] = [await answers(fast), await answers(slow)];

  expect(expected).toContain('Date: …');
  // What a Last-Modified of the second of the change says depends on the second.
  const withoutLastModified = (all: string) => all.replaceAll(/^Last-Modified: .*$/gm, 'Last-Modified: …');
  expect(withoutLastModified(first)).toBe(withoutLastModified(expected));
  expect(withoutLastModified(await answers(fast))).toBe(withoutLastModified(expected));
});

test('without the fast path every answer has a response', async () => {
  const { port } = await serving('<p>Text</p>', false);
  const withoutResponse = countAnswersWithoutResponse();
  const raw = await speak(port);
  await hear(raw, said(), 1);
  await hear(raw, said(), 2);

  expect(withoutResponse()).toBe(0);
});

test('where Node names a connection’s response in another way, every answer has a response', async () => {
  const { ServerResponse } = process.getBuiltinModule('node:http');
  const assignSocket = vi.spyOn(ServerResponse.prototype, 'assignSocket').mockImplementation(() => {});
  const api = await startApi({}, { fastPath: true }).finally(() => assignSocket.mockRestore());
  const { port } = await fillCache(api);
  const withoutResponse = countAnswersWithoutResponse();
  const raw = await speak(port);
  await hear(raw, said(), 1);
  await hear(raw, said(), 2);

  expect(withoutResponse()).toBe(0);
});

test('the date of every head is of its second, also where a second ends while the service works', async () => {
  const { port } = await serving();
  const dates: number[][] = [];
  const raw = await speak(port);
  for (let count = 1; count <= 4; count += 1) {
    const before = Math.floor(Date.now() / 1000);
    await hear(raw, said(), count);
    const after = Math.floor(Date.now() / 1000);
    const date = Date.parse([...raw.text().matchAll(/^Date: (.*)\r$/gm)].at(-1)?.[1] ?? '') / 1000;
    dates.push([before, date, after]);
    const end = Date.now() + 700;
    while (Date.now() < end); // Node's timers, which renew its own date, do not run meanwhile
  }

  for (const [before, date, after] of dates) {
    expect(date).toBeGreaterThanOrEqual(before ?? Number.NaN);
    expect(date).toBeLessThanOrEqual(after ?? Number.NaN);
  }
});

test.each<[string, string, number[]]>([
  ['has HTTP/1.0', said('', { version: '1.0' }), [200]],
  ['ends the connection', said(LAST), [200]],
  ['has a body', `${said(`Content-Length: 4\r\n${LAST}`)}body`, [200]],
  ['has a body in chunks', `${said(`Transfer-Encoding: chunked\r\n${LAST}`)}0\r\n\r\n`, [200]],
  ['expects something', said(`Expect: 100-continue\r\n${LAST}`), [100, 200]],
  ['names two hosts', said('Host: b\r\n'), [400]],
  ['has another method', said(LAST, { method: 'DELETE' }), [405]],
])('a request that %s gets a response', async (_name, question, statuses) => {
  const { port } = await serving();
  const withoutResponse = countAnswersWithoutResponse();
  const text = await (await speak(port, question)).closed;

  expect([...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status))).toEqual(statuses);
  expect(withoutResponse()).toBe(0);
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

test('a client that asks on and on and does not read is not written to without end', { tags: ['soak'] }, async () => {
  const { port } = await serving(`<p>${BIG}</p>`);
  const raw = await speak(port);
  raw.socket.pause();
  const before = process.memoryUsage().arrayBuffers;
  for (let time = 0; time < TIMES_WITHOUT_READING; time += 1) {
    raw.socket.write(said().repeat(20));
    await sleep(5);
  }
  // All answers are four megabytes each time.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
  raw.socket.resume();
  const answers = () => raw.text().match(/^HTTP\/1\.1 200/gm)?.length;
  await expect.poll(answers, { interval: 100 }).toBe(20 * TIMES_WITHOUT_READING);
});

test('a service that ends says so in every answer', async () => {
  const { port, close } = await serving();
  const raw = await speak(port);
  await hear(raw, said(), 1);
  await hear(raw, said(), 2);
  const withoutResponse = countAnswersWithoutResponse();
  const closing = close();
  raw.socket.write(said());
  await closing;
  const [, , last] = answersIn(await raw.closed);

  expect(last?.headers).toMatch(/^Connection: close\r$/m);
  expect(withoutResponse()).toBe(0);
});
