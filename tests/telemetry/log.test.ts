import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { LogLevel } from '../../src/config/serve-options.ts';
import { PublisherError } from '../../src/errors.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { serve } from '../../src/service/serve.ts';
import { logError, openLog } from '../../src/telemetry/log.ts';
import {
  ask,
  childEnvironment,
  dataFolder,
  listen,
  type Running,
  record,
  start,
  type Told,
  toldIn,
} from '../helpers.ts';
import { keyFor, startApi } from '../http/api.ts';
import { nextHead } from '../raw.ts';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** A stream that keeps its text. With `takes` false, it never asks for more. */
function paper(takes = true) {
  let text = '';
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string, _encoding, done) {
      text += chunk;
      if (takes) done();
    },
  });
  return { stream, text: () => text };
}

describe('a log', () => {
  test('has one JSON object a line: level, time, process, fields, message', () => {
    const { stream, text } = paper();
    const { log } = openLog(stream);
    log.info({ port: 8080, title: 'خەبات\u001b[2J\n\u009B\u202E' }, 'started');
    log.warn({ agent: undefined }, 'A file is refused.');

    expect(text().split('\n').length).toBe(3);
    expect(text()).not.toMatch(/[\u007F-\u009F\u202A-\u202E\u2066-\u2069]/);
    expect(toldIn(text())).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(TIME),
        pid: process.pid,
        port: 8080,
        title: 'خەبات\u001b[2J\n\u009B\u202E',
        msg: 'started',
      },
      { level: 'warn', time: expect.stringMatching(TIME), pid: process.pid, msg: 'A file is refused.' },
    ]);
  });

  test('has an error with its stack and its cause under err', () => {
    const { stream, text } = paper();
    const cause = new RangeError('the disk is on fire');
    logError(openLog(stream).log, new PublisherError('store_unavailable', 'No store.', { cause }));
    logError(openLog(stream).log, 'a word');
    const [error, word] = toldIn(text());

    expect(error).toMatchObject({ level: 'error', err: { type: 'PublisherError', code: 'store_unavailable' } });
    expect(JSON.stringify(error?.err)).toMatch(/log\.test\.ts:\d+.*the disk is on fire.*log\.test\.ts:\d+/);
    expect(word).toMatchObject({ level: 'error', err: 'a word', msg: 'a word' });
  });

  test.each<[LogLevel, string[]]>([
    ['debug', ['info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
    ['silent', []],
  ])('at level %s has %j', (level, told) => {
    const { stream, text } = paper();
    const { log } = openLog(stream, { level });
    log.info({}, 'x');
    log.warn({}, 'x');
    log.error({}, 'x');

    expect(toldIn(text()).map((line) => line.level)).toEqual(told);
  });

  test('has for people what cleaning changed in words alone', () => {
    const { stream, text } = paper();
    const { log } = openLog(stream, { isTTY: true });
    log.info({ article: 'a', adjustments: [{ kind: 'attributes_removed' }] }, 'a: body: removed 1 attribute');

    expect(text()).toMatch(/ info {2}a: body: removed 1 attribute article="a"\n$/);
  });

  test('on a terminal is for people, and no client can move the cursor', () => {
    const { stream, text } = paper();
    const { log } = openLog(stream, { isTTY: true });
    log.info({ method: 'GET', path: '/\u009b2J', agent: '\u001b]0;x\u0007\u202E\u2066', ms: 1.5 }, 'request');
    log.warn(
      {
        code: 'invalid_article',
        file: 'articles/a.json',
        problems: [
          { field: 'url', value: 'x', rule: 'must be an address', line: 3, column: 10 },
          { field: '', rule: 'is too long' },
        ],
      },
      'articles/a.json is not published.',
    );
    logError(log, Object.assign(new Error('x'), { stack: 'Error: x\n    at y' }));
    const lines = text()
      .replaceAll(/^\d{4}-\S+Z /gm, '')
      .split('\n');

    expect(lines).toEqual([
      'info  request method="GET" path="/\\u009b2J" agent="\\u001b]0;x\\u0007\\u202e\\u2066" ms=1.5',
      'warn  articles/a.json is not published. code="invalid_article"',
      '  articles/a.json:3:10: url: must be an address (value: x)',
      '  articles/a.json: is too long',
      'error x',
      '  Error: x',
      '      at y',
      '',
    ]);
  });

  test('drops messages beyond a megabyte if nobody reads, and closes without waiting for the reader', async () => {
    const { stream } = paper(false);
    const { log, dropped, close } = openLog(stream);
    for (let count = 0; count < 2000; count += 1) log.warn({ text: 'x'.repeat(1000) }, 'x');

    expect(stream.writableLength).toBeLessThan(1.01 * 1024 * 1024);
    expect(dropped()).toBeGreaterThan(900);
    expect(dropped()).toBeLessThan(1100);
    await close();
  });

  test('waits for a slow reader when it closes', async () => {
    let text = '';
    const stream = new Writable({
      write(chunk, _encoding, done) {
        setTimeout(() => {
          text += chunk;
          done();
        }, 5);
      },
    });
    const { log, close } = openLog(stream);
    for (let count = 0; count < 5; count += 1) log.info({ count }, 'x');
    await close();

    expect(toldIn(text).map(({ count }) => count)).toEqual([0, 1, 2, 3, 4]);
  });
});

const NEWSROOM = { 'articles/a.json': JSON.stringify(record()) };
const FEED = '/feeds/latest.rss';

function requestsOf({ told }: Pick<Running, 'told'>): Told[] {
  return told.filter(({ msg }) => msg === 'request');
}

/** Waits for that many lines of requests: the line of an answer comes after its last byte. */
async function requestLines(running: Pick<Running, 'told'>, count: number): Promise<Told[]> {
  await expect.poll(() => requestsOf(running).length).toBeGreaterThanOrEqual(count);
  return requestsOf(running);
}

describe('the line of a request', () => {
  test('has method, path, status, bytes, milliseconds, client and program, and nothing else', async () => {
    const running = await start(await dataFolder(NEWSROOM));
    const { body } = await ask(running.port, '/nowhere/%F0%9F%97%9E?key=secret', { headers: { 'User-Agent': 'R/1' } });
    const [line] = await requestLines(running, 1);

    expect(line).toEqual({
      level: 'info',
      time: expect.stringMatching(TIME),
      pid: process.pid,
      method: 'GET',
      path: '/nowhere/%F0%9F%97%9E',
      status: 404,
      bytes: body.length,
      ms: expect.any(Number),
      client: '127.0.0.1',
      agent: 'R/1',
      msg: 'request',
    });
  });

  test('holds no secret, in any form of request', async () => {
    const running = await startApi(NEWSROOM);
    const { port, key } = running;
    await running.get('/a?x=secret');
    await running.get('/a', { key: 'secret' });
    await running.remove('/a?reason=secret');
    const targets = [
      'http://name:secret@news.example/feeds/latest.rss?key=secret',
      'HTTPS://secret@news.example',
      '/nowhere#secret',
      '//nowhere/?secret',
      '/%3F?secret',
      '*',
    ];
    for (const target of targets) await raw(port, `OPTIONS ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const lines = await requestLines(running, targets.length + 3);

    expect(lines.slice(3).map(({ path }) => path)).toEqual([
      '/feeds/latest.rss',
      '',
      '/nowhere',
      '//nowhere/',
      '/%3F',
      '*',
    ]);
    expect(JSON.stringify(running.told)).not.toMatch(/secret/);
    expect(JSON.stringify(running.told)).not.toContain(key);
  });

  test('is short, however long the path and the program are', async () => {
    const running = await start(await dataFolder(NEWSROOM));
    await ask(running.port, `/${'a'.repeat(8000)}`, { headers: { 'User-Agent': 'b'.repeat(4000) } });
    const [line] = await requestLines(running, 1);

    expect([line?.path, line?.agent]).toEqual([`/${'a'.repeat(999)}`, 'b'.repeat(200)]);
  });

  test('is there for every change, with the bytes of its answer', async () => {
    const running = await startApi();
    const answers = [
      await running.put('/a', { body: record() }),
      await running.put('/a', { body: record() }),
      await running.post('', { body: `${JSON.stringify(record({ id: 'b' }))}\n{}\n` }),
      await running.remove('/a'),
    ];
    const lines = await requestLines(running, 4);

    expect(lines.map(({ method, status, bytes }) => [method, status, bytes])).toEqual(
      ['PUT', 'PUT', 'POST', 'DELETE'].map((method, index) => [
        method,
        answers[index]?.status,
        answers[index]?.body.length,
      ]),
    );
    expect(lines.every((line) => !('sample' in line))).toBe(true);
  });

  test('has status 499 if the client leaves before the answer', async () => {
    const running = await startApi();
    const heard = nextHead();
    const socket = connect(running.port, '127.0.0.1');
    socket.write(
      `PUT /api/articles/a HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${running.key}\r\nContent-Length: 100\r\n\r\n{`,
    );
    await heard;
    socket.destroy();
    const [line] = await requestLines(running, 1);

    expect(line).toMatchObject({ level: 'info', method: 'PUT', status: 499, bytes: 0, aborted: true });
    expect(running.lines).toEqual([]);
  });

  test('is a warning if the answer fails, beside the error with its stack', async () => {
    const folder = await dataFolder();
    const { key } = await keyFor(folder);
    const opened = openDataFolder(folder);
    const store = { ...opened.store, find: () => Promise.reject(new RangeError('the disk is on fire')) };
    const { log, told } = listen();
    const service = await serve({ ...opened, store }, { host: '127.0.0.1', port: 0, log, version: '0.0.0' });
    onTestFinished(() => service.close());
    await ask(service.port, '/api/articles/a', { headers: { Authorization: `Bearer ${key}` } });
    await requestLines({ told }, 1);

    expect(told.filter(({ level }) => level !== 'info')).toEqual([
      expect.objectContaining({
        level: 'error',
        msg: 'the disk is on fire',
        err: {
          type: 'RangeError',
          message: 'the disk is on fire',
          stack: expect.stringMatching(/^RangeError: the disk is on fire\n {4}at /),
        },
      }),
      expect.objectContaining({ level: 'warn', msg: 'request', path: '/api/articles/a', status: 500 }),
    ]);
  });
});

describe('one in so many answers to feed readers is logged', () => {
  /** Twelve answers of a feed: one by Express, eight from the cache, three not modified. */
  async function twelve(logSample: number): Promise<Running> {
    const running = await start(await dataFolder(NEWSROOM), { logSample });
    let etag = '';
    for (let count = 0; count < 9; count += 1) etag = (await ask(running.port, FEED)).headers.etag ?? '';
    for (let count = 0; count < 3; count += 1) {
      expect((await ask(running.port, FEED, { headers: { 'If-None-Match': etag } })).status).toBe(304);
    }
    await ask(running.port, '/nowhere');
    await requestLines(running, 1);
    return running;
  }

  test.each<[number, number[]]>([
    [1, [200, 200, 200, 200, 200, 200, 200, 200, 200, 304, 304, 304]],
    [5, [200, 304]],
    [6, [200, 304]],
    [9, [200]],
    [12, [304]],
    [13, []],
    [0, []],
  ])('1 in %i: %j', async (logSample, statuses) => {
    const lines = (await twelve(logSample)).told.filter(({ path }) => path === FEED);

    expect(lines.map(({ status }) => status)).toEqual(statuses);
    expect(lines.every(({ sample }) => sample === logSample)).toBe(true);
  });

  test('and one in so many that lead a browser to the page of a feed', async () => {
    const running = await start(await dataFolder(NEWSROOM), { logSample: 3 });
    for (let count = 0; count < 7; count += 1) {
      expect((await ask(running.port, FEED, { headers: { 'Sec-Fetch-Dest': 'document' } })).status).toBe(303);
    }
    await ask(running.port, '/nowhere');
    await requestLines(running, 3);
    const lines = running.told.filter(({ path }) => path === FEED);

    expect(lines.map(({ status, sample }) => [status, sample])).toEqual([
      [303, 3],
      [303, 3],
    ]);
  });

  test('and every answer that is not a success', async () => {
    const running = await start(await dataFolder(NEWSROOM), { logSample: 0 });
    await ask(running.port, FEED);
    await ask(running.port, FEED, { headers: { 'If-Match': '"x"' } });
    await ask(running.port, FEED, { headers: { 'Accept-Encoding': 'identity;q=0' } });
    await ask(running.port, FEED, { method: 'POST' });
    await ask(running.port, '/feeds/nowhere.rss');
    await ask(running.port, '/feed');
    await ask(running.port, '/healthz');

    expect((await requestLines(running, 5)).map(({ status }) => status)).toEqual([412, 406, 405, 404, 308]);
  });

  test('and one in so many malformed requests', async () => {
    const running = await start(await dataFolder(NEWSROOM), { logSample: 3 });
    let bytes = 0;
    for (let count = 0; count < 7; count += 1) {
      bytes = (await raw(running.port, 'JUNK\r\n\r\n')).split('\r\n\r\n')[1]?.length ?? 0;
    }
    const lines = await requestLines(running, 2);

    const line = { level: 'info', time: expect.stringMatching(TIME), pid: process.pid, msg: 'request' };
    const expected = { ...line, status: 400, bytes, client: '127.0.0.1', sample: 3 };
    expect(lines).toEqual([expected, expected]);
  });

  test('with the same fields from the cache and by Express', async () => {
    const running = await start(await dataFolder(NEWSROOM), { logSample: 1 });
    const first = await ask(running.port, FEED, { headers: { 'Accept-Encoding': 'br' } });
    await requestLines(running, 1);
    await ask(running.port, FEED, { headers: { 'Accept-Encoding': 'br' } });
    const [long, short] = (await requestLines(running, 2)).map(({ time, ms, ...rest }) => rest);

    expect(long).toEqual(short);
    expect(long).toMatchObject({ bytes: first.body.length, sample: 1 });
  });
});

/** The program in a process of its own. */
async function serving(stderr: 'pipe' | number, options: readonly string[] = []) {
  const folder = await dataFolder(NEWSROOM);
  const main = join(import.meta.dirname, '../../src/start.js');
  const args = [...options, main, '--data', folder, '--port', '0', '--host', '127.0.0.1'];
  const env = childEnvironment({ METRICS_PORT: 'off', PUBLIC_URL: 'https://news.example' });
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', stderr] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [said] = await once(child.stdout ?? child, 'data');
  return { child, port: Number(/:(\d+)\/feeds/.exec(String(said))?.[1]) };
}

test('an uncaught error is logged with its stack and ends the program with exit code 1', async () => {
  const thrower = "process.on('SIGUSR2', () => { throw new RangeError('the disk is on fire'); });";
  const { child } = await serving('pipe', ['--import', `data:text/javascript,${encodeURIComponent(thrower)}`]);
  let told = '';
  child.stderr?.on('data', (chunk) => {
    told += chunk;
  });
  const gone = once(child, 'close');
  child.kill('SIGUSR2');

  expect(await gone).toEqual([1, null]);
  expect(toldIn(told)).toEqual([
    expect.objectContaining({ what: 'published', actor: { kind: 'file', path: 'articles/a.json' } }),
    expect.objectContaining({ msg: 'started' }),
    expect.objectContaining({
      level: 'error',
      msg: 'the disk is on fire',
      err: expect.objectContaining({ stack: expect.stringMatching(/^RangeError: the disk is on fire\n {4}at /) }),
    }),
  ]);
});

describe('the service goes on if its log cannot be written', () => {
  const NOWHERE = `/${'x'.repeat(1000)}`;

  async function answersAndEnds({ child, port }: Awaited<ReturnType<typeof serving>>, requests: number): Promise<void> {
    for (let count = 0; count < requests; count += 10) {
      const answers = await Promise.all(Array.from({ length: 10 }, () => ask(port, NOWHERE)));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 404));
    }
    expect((await ask(port, FEED)).status).toBe(200);
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    expect(await gone).toEqual([0, null]);
  }

  test('because its reader is gone', async () => {
    const running = await serving('pipe');
    running.child.stderr?.destroy();
    await answersAndEnds(running, 20);
  });

  test('because its reader does not read', async () => {
    await answersAndEnds(await serving('pipe'), 1500);
  });

  test('because the disk is full', async () => {
    await answersAndEnds(await serving(openSync('/dev/full', 'w')), 20);
  });
});

/** Sends raw bytes and returns the bytes of the answer. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  let answer = '';
  for await (const chunk of socket) answer += chunk;
  return answer;
}
