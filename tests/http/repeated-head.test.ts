import { once } from 'node:events';
import { createServer, type RequestListener, type ServerOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { RepeatedHeadResponse } from '../../src/http/repeated-head.ts';
import { speak } from '../raw.ts';
import { stopClock } from './ways.ts';

const FULL = ['ETag', '"a"', 'Content-Length', '5'];
const UNCHANGED = ['ETag', '"a"', 'Vary', 'Accept-Encoding'];
const WITHOUT_LENGTH = ['ETag', '"a"'];
const LAST = [...FULL, 'Connection', 'close'];

/** Gives the same lists with several statuses, as no two documents do. */
const answer: RequestListener = (request, response) => {
  if (request.url === '/304') response.writeHead(304, UNCHANGED).end();
  else if (request.url === '/226') response.writeHead(226, FULL).end('delta');
  else if (request.url === '/object') response.writeHead(200, { ETag: '"a"', 'Content-Length': 5 }).end('whole');
  else if (request.url === '/close') {
    response.shouldKeepAlive = false;
    response.writeHead(200, FULL).end('whole');
  } else if (request.url === '/chunked') response.writeHead(200, WITHOUT_LENGTH).end('whole');
  else if (request.url === '/last') response.writeHead(200, LAST).end('whole');
  else response.writeHead(200, FULL).end('whole');
};

async function serving(options: ServerOptions): Promise<number> {
  const server = createServer({ keepAliveTimeout: 0, ...options }, answer);
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close().closeAllConnections());
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const ask = (path: string, { method = 'GET', version = '1.1', more = '' } = {}) =>
  `${method} ${path} HTTP/${version}\r\nHost: a\r\n${more}\r\n`;
const close = { more: 'Connection: close\r\n' };

test.each<[string, string]>([
  ['the same again', `${ask('/')}${ask('/')}${ask('/', close)}`],
  ['one list with two statuses', `${ask('/')}${ask('/226')}${ask('/')}${ask('/226', close)}`],
  ['GET and HEAD', `${ask('/')}${ask('/', { method: 'HEAD' })}${ask('/')}${ask('/', close)}`],
  ['304', `${ask('/304')}${ask('/304')}${ask('/304', { method: 'HEAD' })}${ask('/304', close)}`],
  ['a connection that the service ends', `${ask('/')}${ask('/')}${ask('/close')}`],
  ['HTTP/1.0', `${ask('/')}${ask('/', { version: '1.0' })}`],
  [
    'HTTP/1.0 with keep-alive',
    `${ask('/')}${ask('/', { version: '1.0', more: 'Connection: keep-alive\r\n' })}${ask('/304', { version: '1.0', more: 'Connection: keep-alive\r\n' })}`,
  ],
  ['no length', `${ask('/chunked')}${ask('/chunked')}${ask('/chunked', close)}`],
  ['no length, HEAD before GET', `${ask('/chunked', { method: 'HEAD' })}${ask('/chunked')}${ask('/chunked', close)}`],
  ['headers that end the connection', `${ask('/')}${ask('/last')}${ask('/')}`],
  ['headers as an object', `${ask('/object')}${ask('/object')}${ask('/object', close)}`],
])('heads are Node’s to the byte: %s', async (_name, said) => {
  const [own, nodes] = await Promise.all([serving({ ServerResponse: RepeatedHeadResponse }), serving({})]);
  const told = async (port: number) => {
    const raw = await speak(port, said);
    const patience = setTimeout(() => raw.socket.end(), 500);
    const text = await raw.closed;
    clearTimeout(patience);
    return text.replaceAll(/^Date: .*$/gm, 'Date: …');
  };
  const [first, expected] = await Promise.all([told(own), told(nodes)]);
  expect(first).toBe(expected);
  expect(first).toContain('Date: …');
  expect(await told(own)).toBe(expected);
});

test('the date of every head is that of its second, also in a turn that lasts into the next', async () => {
  const seconds: number[][] = [];
  const thisSecond = () => Math.floor(Date.now() / 1000);
  const server = createServer({ ServerResponse: RepeatedHeadResponse }, (request, response) => {
    const before = thisSecond();
    response.writeHead(200, FULL).end('whole');
    seconds.push([before, thisSecond()]);
    if (request.url === '/long') while (thisSecond() === before);
  });
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close().closeAllConnections());
  await once(server, 'listening');
  const raw = await speak((server.address() as AddressInfo).port, `${ask('/long')}${ask('/')}${ask('/')}`);
  await vi.waitUntil(() => seconds.length === 3, 60_000);
  await sleep(50); // a timer of Node's has its turn
  raw.socket.write(`${ask('/')}${ask('/', { version: '1.0' })}`);
  const dates = [...(await raw.closed).matchAll(/^Date: (.*)\r$/gm)].map(([, date]) => Date.parse(date ?? '') / 1000);
  expect(dates).toHaveLength(5);
  for (const [index, date] of dates.entries()) expect(seconds[index], `answer ${index}`).toContain(date);
});

test('a head that was made is not made again within its second', async () => {
  const list = ['X-Name', 'one', 'Content-Length', '0'];
  const server = createServer({ ServerResponse: RepeatedHeadResponse }, (_request, response) => {
    response.writeHead(200, list).end();
    list[1] = 'two'; // only who makes it anew can see that
  });
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close().closeAllConnections());
  await once(server, 'listening');
  stopClock(); // both within one second
  const { port } = server.address() as AddressInfo;
  const raw = await speak(port, `${ask('/')}${ask('/')}${ask('/', close)}`);
  expect([...(await raw.closed).matchAll(/^X-Name: (.*)\r$/gm)].map(([, name]) => name)).toEqual(['one', 'one', 'two']);
});
