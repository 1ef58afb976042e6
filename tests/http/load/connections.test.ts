import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseTrust } from '../../../src/http/client.ts';
import { CONNECTION_LIMITS, type ConnectionLimits, createConnections } from '../../../src/http/load/connections.ts';
import { ask, dataFolder, type Running, record, start } from '../../helpers.ts';
import { answersIn, nextHead, type Raw, speak } from '../../raw.ts';
import { startApi } from '../api.ts';

const FEED = '/feeds/latest.rss';
const GET = `GET ${FEED} HTTP/1.1\r\nHost: a\r\n`;

async function service(connections: Partial<ConnectionLimits> = {}): Promise<Running> {
  return start(await dataFolder({ 'articles/a.json': JSON.stringify(record()) }), { connections });
}

/** Says a little again and again until the connection is closed; resolves with what was answered. */
async function trickle({ socket, closed }: Raw, piece: string): Promise<string> {
  const timer = setInterval(() => socket.writable && socket.write(piece), 20);
  onTestFinished(() => clearInterval(timer));
  return closed.finally(() => clearInterval(timer));
}

function problemIn(text: string) {
  const [{ status, headers, body }] = answersIn(text) as [ReturnType<typeof answersIn>[number]];
  expect(headers).toMatch(/^Connection: close\r$/im);
  expect(headers).toMatch(/^Content-Type: application\/problem\+json; charset=utf-8\r$/im);
  expect(headers).toMatch(/^Cache-Control: no-store\r$/im);
  return [status, JSON.parse(body).code];
}

describe('the head of a request', () => {
  test('that trickles is answered with 408 and cut', async () => {
    const { port } = await service({ head: 300 });
    const raw = await speak(port, 'GET / HTTP/1.1\r\nHost: a\r\nX: ');

    expect(problemIn(await trickle(raw, 'x'))).toEqual([408, 'request_timeout']);
  });

  test('that never begins is cut as well', async () => {
    const { port } = await service({ head: 300 });
    const { closed } = await speak(port);

    expect(problemIn(await closed)).toEqual([408, 'request_timeout']);
  });

  test.each([
    [100, 200],
    [101, 431],
  ])('may have %i fields: %i', async (fields, status) => {
    const { port } = await service();
    const lines = Array.from({ length: fields - 2 }, (_, index) => `X-${index}: x\r\n`);
    const raw = await speak(port, `${GET}Connection: close\r\n${lines.join('')}\r\n`);
    const [answer] = answersIn(await raw.closed);

    expect(answer?.status).toBe(status);
    if (status === 431) expect(JSON.parse(answer?.body ?? '').code).toBe('headers_too_large');
  });

  test.each([
    [15_000, 200],
    [17_000, 431],
  ])('may have %i bytes: %i', async (bytes, status) => {
    const { port } = await service();
    const raw = await speak(port, `${GET}Connection: close\r\nX: ${'x'.repeat(bytes)}\r\n\r\n`);
    const [answer] = answersIn(await raw.closed);

    expect(answer?.status).toBe(status);
    if (status === 431) expect(JSON.parse(answer?.body ?? '').code).toBe('headers_too_large');
  });
});

describe('a request that Node would answer itself', () => {
  test.each([
    ['names no host', `GET ${FEED} HTTP/1.1\r\n`, 400, 'malformed_request'],
    ['names two', `${GET}HOST: a\r\n`, 400, 'malformed_request'],
    ['expects miracles', `${GET}Expect: miracles\r\n`, 417, 'expectation_failed'],
  ])('is told what is wrong, counted and logged, one in so many: it %s', async (_, said, status, code) => {
    const files = { 'articles/a.json': JSON.stringify(record()) };
    const { port, told, measure } = await start(await dataFolder(files), { logSample: 2 });
    await ask(port, FEED); // at hand from now on
    for (let time = 0; time < 2; time += 1) {
      const { closed } = await speak(port, `${said}\r\n`);
      expect(problemIn(await closed)).toEqual([status, code]);
    }
    const requests = (await measure()).find(({ name }) => name === 'feed_publisher_requests_total');
    const labels = { route: 'other', method: 'GET', status };

    expect(requests?.values).toContainEqual(expect.objectContaining({ labels, value: 2 }));
    expect(told.filter((line) => line.status === status)).toEqual([
      expect.objectContaining({ msg: 'request', method: 'GET', path: FEED, sample: 2 }),
    ]);
  });

  test('because it expects miracles is refused at once, though its body is still to come', async () => {
    const { port, key } = await startApi();
    const head = `PUT /api/articles/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\n`;
    const raw = await speak(port, `${head}Content-Length: 2\r\nExpect: miracles\r\n\r\n`);
    await expect.poll(raw.text).toContain('\r\n\r\n{');
    raw.socket.write('{}');

    expect(problemIn(await raw.closed)).toEqual([417, 'expectation_failed']);
  });
});

describe('a connection is closed', () => {
  test('when it is idle', async () => {
    const { port } = await service({ idle: 1000 });
    const { closed } = await speak(port, `${GET}\r\n`);

    expect(answersIn(await closed).map(({ status }) => status)).toEqual([200]);
  });

  test('when it is kept open with empty lines', async () => {
    const { port } = await service({ idle: 1000, head: 1000, answer: 1000, stall: 1500 });
    const raw = await speak(port, `${GET}\r\n`);

    expect(answersIn(await trickle(raw, '\r\n')).map(({ status }) => status)).toEqual([200]);
  });

  test.each([
    ['GET', 'Content-Length: 100000', 200],
    ['GET', 'Transfer-Encoding: chunked', 200],
    ['HEAD', 'Content-Length: 100000', 200],
  ])('when the body of a %s trickles (%s), behind its answer', async (method, header, status) => {
    const { port } = await service({ leftover: 300 });
    const raw = await speak(port, `${method} ${FEED} HTTP/1.1\r\nHost: a\r\n${header}\r\n\r\n`);
    const text = await trickle(raw, header.startsWith('T') ? '1\r\nx\r\n' : 'x');

    expect(text.startsWith(`HTTP/1.1 ${status} OK\r\n`)).toBe(true);
  });

  test('when the body of a request that was refused trickles', async () => {
    const { port } = await service({ leftover: 300 });
    const raw = await speak(port, 'POST /api/articles HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n');

    expect(answersIn(await trickle(raw, 'x')).map(({ status }) => status)).toEqual([401]);
  });

  test('not when a body comes whole, however late its answer', async () => {
    const { port } = await service({ leftover: 300 });
    const raw = await speak(port, `${GET}Content-Length: 3\r\n\r\nabc`);
    await sleep(500);
    raw.socket.end(`${GET}\r\n`);

    expect(answersIn(await raw.closed).map(({ status }) => status)).toEqual([200, 200]);
  });
});

describe('a reader of a large answer', () => {
  const LARGE = 'articles/large.json';
  const large = () =>
    JSON.stringify(record({ id: 'large', body: `<p>${'The river rose again. '.repeat(180_000)}</p>` }));

  async function withLarge(connections: Partial<ConnectionLimits>): Promise<Running> {
    return start(await dataFolder({ [LARGE]: large(), 'articles/more.json': large().replace('large', 'more') }), {
      connections,
    });
  }

  test('that stops is cut', async () => {
    const { port } = await withLarge({ stall: 300 });
    const raw = await speak(port, `${GET}\r\n`);
    await once(raw.socket, 'data');
    raw.socket.pause();
    await sleep(2000);
    raw.socket.resume();

    const text = await raw.closed;
    expect(text.length).toBeGreaterThan(0);
    expect(() => answersIn(text)).toThrow('the answer breaks off');
  });

  test('that is slow and goes on has it whole', async () => {
    const { port } = await withLarge({ stall: 1000 });
    const raw = await speak(port, `${GET}Connection: close\r\n\r\n`);
    const timer = setInterval(() => {
      raw.socket.pause();
      setTimeout(() => raw.socket.resume(), 80);
    }, 100);
    onTestFinished(() => clearInterval(timer));

    expect(answersIn(await raw.closed).map(({ status }) => status)).toEqual([200]);
  });
});

describe('connections at once', () => {
  test('are bounded', async () => {
    const { port } = await service({ total: 2 });
    const [first, second] = [await speak(port), await speak(port)];
    const third = connect(port, '127.0.0.1');
    onTestFinished(() => void third.destroy());
    third.on('error', () => {}).write(`${GET}\r\n`);
    await new Promise((resolve) => third.once('close', resolve));

    for (const { socket, closed } of [first, second]) {
      socket.write(`${GET}Connection: close\r\n\r\n`);
      expect(answersIn(await closed).map(({ status }) => status)).toEqual([200]);
    }
  });

  /** A server that is told of connections from these addresses; says which it kept. */
  function keptOf(addresses: readonly string[], trusted?: string): boolean[] {
    const trust = trusted === undefined ? undefined : parseTrust(trusted);
    const connections = createConnections({ ...CONNECTION_LIMITS, perClient: 2 }, trust);
    const server = createServer(connections.options);
    connections.watch(server);
    const sockets = addresses.map((remoteAddress) => {
      const socket = Object.assign(new Duplex({ read() {}, write() {} }), { remoteAddress });
      server.emit('connection', socket);
      return socket;
    });
    const kept = sockets.map(({ destroyed }) => !destroyed);
    for (const socket of sockets) socket.destroy();
    server.emit('close');
    return kept;
  }

  test.each<[addresses: string[], trusted: string | undefined, kept: boolean[]]>([
    [['203.0.113.7', '::ffff:203.0.113.7', '203.0.113.7'], undefined, [true, true, false]],
    [['203.0.113.7', '203.0.113.7', '203.0.113.8', '203.0.113.7'], undefined, [true, true, true, false]],
    [['2001:db8:1:2::1', '2001:db8:1:2::2', '2001:db8:1:2::3'], undefined, [true, true, false]],
    [['127.0.0.1', '127.0.0.1', '127.0.0.1', '::1', '::1', '::1'], undefined, Array(6).fill(true)],
    [['10.0.0.1', '10.0.0.1', '10.0.0.1'], undefined, Array(3).fill(true)],
    [['192.0.2.1', '192.0.2.1', '192.0.2.1'], '192.0.2.0/24', Array(3).fill(true)],
    [['192.0.2.1', '192.0.2.1', '192.0.2.1'], 'loopback', [true, true, false]],
  ])('of one client are bounded: %j, trusting %s', (addresses, trusted, kept) => {
    expect(keptOf(addresses, trusted)).toEqual(kept);
  });

  test('that were closed count no more', async () => {
    const connections = createConnections({ ...CONNECTION_LIMITS, perClient: 1 });
    const server = createServer(connections.options);
    connections.watch(server);
    onTestFinished(() => void server.emit('close'));
    for (let time = 0; time < 3; time += 1) {
      const socket = Object.assign(new Duplex({ read() {}, write() {} }), { remoteAddress: '203.0.113.7' });
      server.emit('connection', socket);
      expect(socket.destroyed).toBe(false);
      socket.destroy();
      await new Promise((resolve) => socket.once('close', resolve));
    }
  });
});

const HEAD = `HEAD ${FEED} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** Sends so many requests, a few hundred at once: more than a thousand do not fit into the request queue. */
async function sayHeads(raw: Raw, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 500) {
    raw.socket.write(HEAD.repeat(500));
    await expect.poll(() => raw.text().match(/^HTTP\/1\.1 /gm)?.length).toBe(sent + 500);
  }
}

test('10,000 requests on one connection are all it is for', async () => {
  const { port } = await service();
  await ask(port, FEED);
  const raw = await speak(port);
  await sayHeads(raw, 9_500);
  raw.socket.write(HEAD.repeat(500));
  const text = await raw.closed;
  const statuses = text.match(/^HTTP\/1\.1 \d{3}/gm) ?? [];

  expect([statuses.length, new Set(statuses)]).toEqual([10_000, new Set(['HTTP/1.1 200'])]);
  expect(text.match(/^Connection: close\r$/gim)).toHaveLength(1);
});

test('what comes behind the last request of a connection is not carried out', async () => {
  const { port, key, get } = await startApi({ 'articles/a.json': JSON.stringify(record()) });
  await ask(port, FEED);
  const put = (id: string) => {
    const body = JSON.stringify(record({ id }));
    return `PUT /api/articles/${id} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  };
  const raw = await speak(port);
  await sayHeads(raw, 9_500);
  raw.socket.write(`${HEAD.repeat(499)}${put('last')}${put('behind')}${put('after')}`);
  const text = await raw.closed;

  expect(text.match(/^HTTP\/1\.1 \d{3}/gm)).toHaveLength(10_000);
  expect(text).toMatch(/HTTP\/1\.1 201 Created\r\n(?:.+\r\n)*Connection: close\r\n/);
  expect([(await get('/last')).status, (await get('/behind')).status, (await get('/after')).status]).toEqual([
    200, 404, 404,
  ]);
});

test('a client that goes on without end behind the last request is cut', async () => {
  const { port } = await service();
  await ask(port, FEED);
  const raw = await speak(port);
  await sayHeads(raw, 9_500);
  raw.socket.write(`${HEAD.repeat(499)}${GET.replace(FEED, '/feeds/latest.json')}\r\n${HEAD.repeat(20_000)}`);
  const text = await raw.closed;

  expect(text.match(/^HTTP\/1\.1 \d{3}/gm)?.length).toBeLessThanOrEqual(10_000);
});

describe('what comes behind', () => {
  test('requests that are worked on is told to be no request behind their answers', async () => {
    const { port } = await service();
    const { closed } = await speak(port, `GET /feeds/latest.atom HTTP/1.1\r\nHost: a\r\n\r\n${GET}\r\nJUNK\r\n\r\n`);

    expect(answersIn(await closed).map(({ status }) => status)).toEqual([200, 200, 400]);
  });

  test('a head that announces a body is told to be none in its place', async () => {
    const { port, key } = await startApi();
    const heard = nextHead();
    const raw = await speak(
      port,
      `PUT /api/articles/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    await heard;
    raw.socket.write('zz\r\n');

    expect(problemIn(await raw.closed)).toEqual([400, 'malformed_request']);
  });

  test('the first lines of many, and breaks their form, cuts the connection', async () => {
    const { port, key } = await startApi();
    const line = `${JSON.stringify(record())}\n`;
    const raw = await speak(
      port,
      `POST /api/articles HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\nTransfer-Encoding: chunked\r\n\r\n${line.length.toString(16)}\r\n${line}\r\n`,
    );
    await expect.poll(raw.text).toContain('"result":"created"');
    raw.socket.write('zz\r\n');
    const text = await raw.closed;

    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(text).not.toMatch(/\r\n0\r\n\r\n$/); // an answer that ends well would say that all was heard
  });
});

describe('a service that ends', () => {
  test('answers what it has heard, says that it closes, and hears what comes late on the same connection', async () => {
    const { port, close } = await service();
    const idle = await speak(port);
    const kept = await speak(port, `${GET}\r\n`);
    const working = await speak(port, 'GET /feeds/latest.json HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3));
    await expect.poll(() => kept.text().length).toBeGreaterThan(0);
    const ended = close();
    kept.socket.write(`${GET}\r\n`);
    await ended;
    const [first, second] = answersIn(await kept.closed);

    expect([first?.status, second?.status]).toEqual([200, 200]);
    expect(first?.headers).toMatch(/^Connection: keep-alive\r$/im);
    expect(second?.headers).toMatch(/^Connection: close\r$/im);
    expect(answersIn(await working.closed).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await idle.closed).toBe('');
  });

  test('takes and answers the connections that wait to be taken', async () => {
    const { port, close } = await service();
    await ask(port, FEED);
    const connecting = Array.from({ length: 300 }, () => speak(port, `${GET}\r\n`));
    await new Promise<void>((asked) => process.nextTick(asked)); // the system has them, the service none of them yet
    await close();
    const answers = await Promise.all(connecting.map(async (raw) => answersIn(await (await raw).closed)));

    expect(new Set(answers.map((all) => all.map(({ status }) => status).join()))).toEqual(new Set(['200']));
    expect(answers.every(([only]) => /^Connection: close\r$/im.test(only?.headers ?? ''))).toBe(true);
  });
});
