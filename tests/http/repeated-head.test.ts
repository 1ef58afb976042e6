import { once } from 'node:events';
import { createServer, type RequestListener, type ServerOptions } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { RepeatedHeadResponse } from '../../src/http/repeated-head.ts';
import { speak } from '../raw.ts';

const FULL = ['ETag', '"a"', 'Content-Length', '5'];
const UNCHANGED = ['ETag', '"a"', 'Vary', 'Accept-Encoding'];

/** Gives the same lists with several statuses, as no two documents do. */
const answer: RequestListener = (request, response) => {
  if (request.url === '/304') response.writeHead(304, UNCHANGED).end();
  else if (request.url === '/226') response.writeHead(226, FULL).end('delta');
  else if (request.url === '/object') response.writeHead(200, { ETag: '"a"', 'Content-Length': 5 }).end('whole');
  else if (request.url === '/close') {
    response.shouldKeepAlive = false;
    response.writeHead(200, FULL).end('whole');
  } else if (request.url === '/chunked') response.writeHead(200, ['ETag', '"a"']).end('whole');
  else response.writeHead(200, FULL).end('whole');
};

async function serving(options: ServerOptions): Promise<number> {
  const server = createServer({ keepAliveTimeout: 0, ...options }, answer);
  server.maxRequestsPerSocket = 12;
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
  ['headers as an object', `${ask('/object')}${ask('/object')}${ask('/object', close)}`],
  ['the last request of a connection', Array.from({ length: 14 }, () => ask('/')).join('')],
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

test('the date of a repeated head is that of the second', async () => {
  const port = await serving({ ServerResponse: RepeatedHeadResponse });
  const raw = await speak(port, ask('/'));
  await sleep(1100);
  raw.socket.write(ask('/', close));
  const dates = [...(await raw.closed).matchAll(/^Date: (.*)\r$/gm)].map(([, date]) => Date.parse(date ?? ''));
  expect(dates).toHaveLength(2);
  expect((dates[1] ?? 0) - (dates[0] ?? 0)).toBeGreaterThanOrEqual(1000);
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
  while (Date.now() % 1000 > 700) await sleep(10); // both within one second
  const { port } = server.address() as AddressInfo;
  const raw = await speak(port, `${ask('/')}${ask('/')}${ask('/', close)}`);
  expect([...(await raw.closed).matchAll(/^X-Name: (.*)\r$/gm)].map(([, name]) => name)).toEqual(['one', 'one', 'two']);
});
