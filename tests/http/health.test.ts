import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PublisherError } from '../../src/errors.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { serve } from '../../src/service/serve.ts';
import { freePort } from '../free-port.ts';
import { ask, childEnvironment, dataFolder, listen, record, start, toldIn, withoutChanges } from '../helpers.ts';
import { nextHead } from '../raw.ts';
import { startApi } from './api.ts';

const FEED = '/feeds/latest.rss';
const NEWSROOM = { 'articles/a.json': JSON.stringify(record()) };
const METRICS = { host: '127.0.0.1', port: 0, isRequired: true };

describe.each(['/healthz', '/readyz'])('%s', (path) => {
  test('is answered on both ports, never kept', async () => {
    const { port, metricsPort = 0 } = await start(await dataFolder(), { metrics: METRICS });
    for (const where of [port, metricsPort]) {
      const { status, headers, text } = await ask(where, path);
      const head = await ask(where, path, { method: 'HEAD' });

      expect([status, text]).toEqual([200, path === '/healthz' ? 'ok' : 'ready']);
      expect(headers).toMatchObject({ 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
      expect([head.status, head.headers['content-length'], head.text]).toEqual([200, String(text.length), '']);
      expect((await ask(where, path, { method: 'PUT' })).status).toBe(405);
    }
  });
});

test('a service whose store cannot be read lives and is not ready', async () => {
  const openedFolder = openDataFolder(await dataFolder(NEWSROOM));
  let works = true;
  const fails = () => (works ? openedFolder.store.check() : Promise.reject(new Error('the disk is on fire')));
  const { log } = listen();
  const service = await serve(
    { ...openedFolder, store: { ...openedFolder.store, check: fails } },
    { host: '127.0.0.1', port: 0, metrics: METRICS, log, version: '0.0.0' },
  );
  onTestFinished(() => service.close());
  works = false;

  for (const port of [service.port, service.metricsPort ?? 0]) {
    const { status, headers, text } = await ask(port, '/readyz');
    expect([status, headers['retry-after'], headers['cache-control']]).toEqual([503, '5', 'no-store']);
    expect(JSON.parse(text)).toEqual({
      title: 'The store cannot be read.',
      status: 503,
      code: 'not_ready',
      detail: 'Check the disk and restart the service. The cause: the disk is on fire.',
    });
    expect((await ask(port, '/healthz')).status).toBe(200);
  }
  works = true;
  expect((await ask(service.port, '/readyz')).status).toBe(200);
});

test('a damaged store is named as the reason, with what to do', async () => {
  const openedFolder = openDataFolder(await dataFolder(NEWSROOM));
  const hint = 'Replace the file with a backup. SQLite reports: database disk image is malformed.';
  let works = true;
  const damaged = () => Promise.reject(new PublisherError('store_damaged', 'The store is damaged.', { hint }));
  const check = () => (works ? openedFolder.store.check() : damaged());
  const store = { ...openedFolder.store, check };
  const options = { host: '127.0.0.1', port: 0, log: listen().log, version: '0.0.0' };
  const service = await serve({ ...openedFolder, store }, options);
  onTestFinished(() => service.close());
  works = false;
  const { status, text } = await ask(service.port, '/readyz');

  expect([status, JSON.parse(text)]).toEqual([
    503,
    { title: 'The store is damaged.', status: 503, code: 'not_ready', detail: hint },
  ]);
});

test('a service that starts is alive and not ready, on the port of the operator', async () => {
  const openedFolder = openDataFolder(await dataFolder(NEWSROOM));
  const { store } = openedFolder;
  const metricsPort = await freePort();
  let answers: number[] = [];
  const watched = {
    ...store,
    // Asked while the article folder is read, after the operator's port is open.
    sources: async () => {
      answers = [(await ask(metricsPort, '/healthz')).status, (await ask(metricsPort, '/readyz')).status];
      return store.sources();
    },
  };
  const { log } = listen();
  const metrics = { ...METRICS, port: metricsPort };
  const options = { host: '127.0.0.1', port: 0, metrics, log, version: '0.0.0' };
  const service = await serve({ ...openedFolder, store: watched }, options);
  onTestFinished(() => service.close());

  expect(answers).toEqual([200, 503]);
  expect((await ask(metricsPort, '/readyz')).status).toBe(200);
});

/** A connection over which one request after another is sent. */
async function connection(port: number): Promise<{ socket: Socket; send: (head: string) => void; text: () => string }> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  await once(socket, 'connect');
  return { socket, send: (head) => socket.write(`${head}\r\n\r\n`), text: () => text };
}

describe('a service that stops', () => {
  test('says so at once, answers on until nobody sends it any more, and then takes nobody', async () => {
    const running = await start(await dataFolder(NEWSROOM), { metrics: METRICS, shutdownDelay: 1 });
    const { port, metricsPort = 0 } = running;
    await ask(port, FEED);
    const closing = running.close();
    const [ready, other, alive, warm, cold] = await Promise.all([
      ask(port, '/readyz'),
      ask(metricsPort, '/readyz'),
      ask(port, '/healthz'),
      ask(port, FEED, { headers: { Connection: 'keep-alive' } }),
      ask(port, '/feeds/latest.atom', { headers: { Connection: 'keep-alive' } }),
    ]);
    await closing;

    for (const { status, headers, text } of [ready, other]) {
      expect([status, headers['retry-after'], JSON.parse(text).title]).toEqual([503, '5', 'The service is stopping.']);
    }
    expect([alive, warm, cold].map(({ status }) => status)).toEqual([200, 200, 200]);
    expect([ready, warm, cold].map(({ headers }) => headers.connection)).toEqual(['close', 'close', 'close']);
    await expect(ask(port, '/healthz')).rejects.toThrow('ECONNREFUSED');
    await expect(ask(metricsPort, '/healthz')).rejects.toThrow('ECONNREFUSED');
    const messages = withoutChanges(running.told).map(({ msg }) => msg);
    expect(messages.filter((msg) => msg !== 'request')).toEqual(['started', 'stopping', 'stopped']);
  });

  test('finishes a request that it has accepted, while the listener is closed and metrics still tell', async () => {
    const running = await startApi(NEWSROOM, { metrics: METRICS });
    const body = JSON.stringify(record({ id: 'late' }));
    const heard = nextHead();
    const { socket, send, text } = await connection(running.port);
    send(
      `PUT /api/articles/late HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${running.key}\r\nContent-Length: ${body.length}`,
    );
    socket.write(body.slice(0, 10));
    await heard;
    const closing = running.close();
    await expect.poll(() => ask(running.port, '/healthz').catch(String)).toContain('ECONNREFUSED');
    const { status } = await ask(running.metricsPort ?? 0, '/readyz');
    socket.write(body.slice(10));
    await Promise.all([once(socket, 'close'), closing]);
    const { store } = openDataFolder(running.dataFolder);
    const kept = await store.find('late');
    await store.close();

    expect(status).toBe(503);
    expect(text()).toMatch(/^HTTP\/1\.1 201 Created\r\n(?:.+\r\n)*Connection: close\r\n/);
    expect(kept?.article.id).toBe('late');
  });

  test('closes connections that hold no request, and answers the next request on one that came in time', async () => {
    const running = await start(await dataFolder(NEWSROOM));
    const idle = await connection(running.port);
    idle.send(`GET ${FEED} HTTP/1.1\r\nHost: x`);
    const silent = await connection(running.port);
    const busy = await connection(running.port);
    busy.send(`GET ${FEED} HTTP/1.1\r\nHost: x`);
    await expect.poll(() => [idle.text(), busy.text()].every((text) => text.includes('</rss>'))).toBe(true);
    const began = performance.now();
    const closing = running.close();
    busy.send(`GET ${FEED} HTTP/1.1\r\nHost: x`);
    await Promise.all([idle, silent, busy].map(({ socket }) => once(socket, 'close')));
    await closing;

    expect(performance.now() - began).toBeLessThan(10_000); // not after the time that requests have
    expect(idle.text().match(/^HTTP\/1\.1 200 OK\r$/gm)).toHaveLength(1);
    expect(silent.text()).toBe('');
    expect(busy.text().match(/^HTTP\/1\.1 200 OK\r$/gm)).toHaveLength(2);
    expect(busy.text().match(/^Connection: .*(?=\r$)/gm)).toEqual(['Connection: keep-alive', 'Connection: close']);
  });

  test('lets a slow reader have all of its answer', async () => {
    const articles = Array.from({ length: 20 }, (_, index): [string, string] => [
      `articles/${index}.json`,
      JSON.stringify(
        record({ id: `${index}`, url: `https://news.example/${index}`, body: `<p>${'word '.repeat(100_000)}</p>` }),
      ),
    ]);
    const running = await start(await dataFolder(Object.fromEntries(articles)));
    const { headers } = await ask(running.port, FEED, { method: 'HEAD' });
    const length = Number(headers['content-length']);
    const socket = connect(running.port, '127.0.0.1');
    socket.write(`GET ${FEED} HTTP/1.1\r\nHost: x\r\n\r\n`);
    await once(socket, 'readable'); // the answer has begun, and is longer than the system keeps for a reader
    const closing = running.close();
    await sleep(500);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk);
    await closing;
    const received = Buffer.concat(chunks);

    expect(length).toBeGreaterThan(9_000_000);
    expect(received.length - received.indexOf('\r\n\r\n') - 4).toBe(length);
  });

  test('loses no request of twenty clients that never cease', async () => {
    const running = await start(await dataFolder(NEWSROOM));
    const answered: number[] = [];
    const errors: string[] = [];
    async function client(): Promise<void> {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let refused = false; !refused; ) {
        try {
          answered.push(await statusOf(running.port, agent));
        } catch (error) {
          const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
          refused = true;
          errors.push(code);
        }
      }
      agent.destroy();
    }
    const clients = Array.from({ length: 20 }, client);
    await expect.poll(() => answered.length).toBeGreaterThan(500);
    await running.close();
    await Promise.all(clients);

    expect(new Set(answered)).toEqual(new Set([200]));
    expect(errors).toEqual(Array.from({ length: 20 }, () => 'ECONNREFUSED'));
  });
});

/** The status of an answer that came to its end. */
function statusOf(port: number, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: FEED, agent }, (response) => {
      response.on('error', reject);
      response.on('end', () => resolve(response.statusCode ?? 0)).resume();
    });
    asked.on('error', reject).end();
  });
}

describe('the program', () => {
  async function serving(): Promise<{ child: ChildProcess; told: () => string }> {
    const main = join(import.meta.dirname, '../../src/start.js');
    const args = [main, '--data', await dataFolder(NEWSROOM), '--port', '0', '--host', '127.0.0.1'];
    const env = childEnvironment({ METRICS_PORT: 'off', SHUTDOWN_DELAY: '60', PUBLIC_URL: 'https://news.example' });
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    let told = '';
    child.stderr.on('data', (chunk) => {
      told += chunk;
    });
    await once(child.stdout, 'data');
    return { child, told: () => told };
  }

  test.each([
    ['SIGTERM', 'SIGTERM', 143],
    ['SIGTERM', 'SIGINT', 130],
    ['SIGINT', 'SIGTERM', 143],
  ] as const)('that was told to end by %s ends at once at a second signal, %s', async (first, second, code) => {
    const { child, told } = await serving();
    const gone = once(child, 'exit');
    child.kill(first);
    await expect.poll(told).toContain('"stopping"');
    await sleep(600); // sooner, a second signal counts as the first
    child.kill(second);

    expect(await gone).toEqual([code, null]);
    expect(withoutChanges(toldIn(told())).map(({ msg }) => msg)).toEqual(['started', 'stopping']);
  });
});
