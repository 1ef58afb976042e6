import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { record } from '../helpers.ts';
import { unmemorable } from './ways.ts';
import { answersIn, speak } from '../raw.ts';
import { type Besieged, besiege, MANY_FEEDS, NOWHERE, POLITE } from '../soak/besieged.ts';

const ROUNDS = 3;

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

const KINDS: readonly ((number: number) => Asked)[] = [
  () => ({ method: 'GET', path: POLITE }),
  () => ({ method: 'GET', path: unmemorable('/feeds/latest.json') }),
  (number) => ({ method: 'GET', path: `/feeds/tag/nothing-${number}.rss` }),
  (number) => ({
    method: 'PUT',
    path: `/api/articles/p${number}`,
    body: JSON.stringify(record({ id: undefined, tags: ['Polite', `Tag ${number}`] })),
  }),
  (number) => ({
    method: 'POST',
    path: '/api/articles',
    body: Array.from({ length: 20 }, (_, line) => `${JSON.stringify(record({ id: `b${number}-${line}` }))}\n`).join(''),
  }),
];

/** A client with one connection, which asks again and again until it is told that this is the last answer. */
async function persistent(service: Besieged, ask: (number: number) => Asked, first: number): Promise<string> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    for (let number = first; ; number += 1) {
      const { status, isLast } = await answered(service, agent, ask(number));
      if (status >= 500 || status === 0) return `${status} of ${JSON.stringify(ask(number)).slice(0, 80)}`;
      if (isLast) return 'told';
    }
  } catch (error) {
    return String(error);
  } finally {
    agent.destroy();
  }
}

/** A client that opens a connection for each request, until it is not answered; resolves with how often it was, and why. */
async function newcomer(service: Besieged, agent: Agent): Promise<{ answers: number; end: string }> {
  for (let answers = 0; ; answers += 1) {
    const end = await answered(service, agent, { method: 'GET', path: POLITE }).then(
      ({ status }) => (status === 200 ? '' : String(status)),
      (error) => String(error.code),
    );
    if (end !== '') return { answers, end };
  }
}

function answered(service: Besieged, agent: Agent, { method, path, body }: Asked) {
  return new Promise<{ status: number; isLast: boolean }>((resolve, reject) => {
    const headers = { Authorization: `Bearer ${service.key}` };
    const asked = request({ host: '127.0.0.1', port: service.port, path, method, agent, headers }, (response) => {
      response.resume();
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, isLast: response.headers.connection === 'close' }),
      );
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

describe('SIGTERM', () => {
  test.each([...Array<number>(ROUNDS).fill(1), 2, 2])(
    'loses no request of clients that ask all the time, workers: %i',
    { timeout: 30_000 },
    async (workers) => {
      const service = await besiege({ args: ['--workers', String(workers)] });
      const clients = KINDS.flatMap((kind, index) =>
        Array.from({ length: 8 }, (_, client) => persistent(service, kind, (index * 8 + client) * 1_000_000)),
      );
      await sleep(300 + Math.random() * 700);
      const code = await service.stop();

      expect(new Set(await Promise.all(clients))).toEqual(new Set(['told']));
      expect(service.complaints()).toEqual([]);
      expect(code).toBe(0);
    },
  );

  test('loses no request on a connection that waits to be taken, whichever process is to take it', {
    timeout: 30_000,
  }, async () => {
    const service = await besiege({ args: ['--workers', '2'] });
    const agent = new Agent();
    const { waiting, stopped } = await service.whileItStands(async () => {
      const waiting = Array.from({ length: 400 }, () => answered(service, agent, { method: 'GET', path: POLITE }));
      await sleep(500);
      return { waiting, stopped: service.stop() };
    });

    expect(new Set((await Promise.all(waiting)).map(({ status }) => status))).toEqual(new Set([200]));
    expect(await stopped).toBe(0);
    expect(service.complaints()).toEqual([]);
  });

  test('loses no request on a connection that waits to be taken, nor on those that come for as long as they are', {
    timeout: 30_000,
  }, async () => {
    const service = await besiege();
    const agent = new Agent();
    const { clients, stopped } = await service.whileItStands(async () => {
      const clients = Array.from({ length: 400 }, () => newcomer(service, agent));
      await sleep(500);
      return { clients, stopped: service.stop() };
    });
    const told = await Promise.all(clients);

    expect(told.filter(({ answers }) => answers === 0)).toEqual([]);
    expect(new Set(told.map(({ end }) => end))).toEqual(new Set(['ECONNREFUSED']));
    expect(await stopped).toBe(0);
    expect(service.complaints()).toEqual([]);
  });

  test('waits for the answers to requests that came together, for a body that is on its way, and for a slow reader', {
    timeout: 30_000,
  }, async () => {
    const body = `<p>${'The river rose again. '.repeat(150_000)}</p>`;
    const service = await besiege({
      files: { ...MANY_FEEDS, 'articles/x.json': JSON.stringify(record({ id: 'x', body, tags: ['Large'] })) },
    });
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const lines = [...Array<string>(150).fill(get(NOWHERE)), get(POLITE)];
    const reader = await speak(service.port, 'GET /feeds/tag/large.json HTTP/1.1\r\nHost: a\r\n\r\n');
    await expect.poll(() => reader.text().length).toBeGreaterThan(0);
    reader.socket.pause();
    const article = JSON.stringify(record({ id: undefined }));
    const upload = await speak(
      service.port,
      `PUT /api/articles/u HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${service.key}\r\nContent-Length: ${article.length}\r\n\r\n${article.slice(0, 10)}`,
    );
    const together = await speak(service.port, lines.join(''));
    await expect.poll(() => together.text().length).toBeGreaterThan(0);
    const stopped = service.stop();
    expect(together.text().match(/^HTTP/gm)?.length).toBeLessThan(lines.length);
    await sleep(500);
    upload.socket.write(article.slice(10));
    reader.socket.resume();

    expect(answersIn(await together.closed).map(({ status }) => status)).toEqual([...Array(150).fill(404), 200]);
    expect(answersIn(await upload.closed).map(({ status }) => status)).toEqual([201]);
    const [large] = answersIn(await reader.closed);
    expect(JSON.parse(large?.body ?? '').items).toHaveLength(1);
    expect(await stopped).toBe(0);
    expect(service.complaints()).toEqual([]);
  });

  test('does not wait for those that say nothing, nor for ever for those that read nothing', {
    timeout: 30_000,
  }, async () => {
    const service = await besiege();
    const silent = await Promise.all(Array.from({ length: 50 }, () => speak(service.port)));
    const halfway = await Promise.all(Array.from({ length: 50 }, () => speak(service.port, 'GET / HTTP/1.1\r\nHo')));
    const begin = performance.now();
    expect(await service.stop()).toBe(0);

    expect(performance.now() - begin).toBeLessThan(5000);
    expect(new Set(await Promise.all([...silent, ...halfway].map(({ closed }) => closed)))).toEqual(new Set(['']));
  });
});
