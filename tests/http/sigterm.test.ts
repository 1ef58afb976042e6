import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { record } from '../helpers.ts';
import { answersIn, speak } from '../raw.ts';
import { type Besieged, besiege, MANY_FEEDS, NOWHERE, POLITE } from '../soak/besieged.ts';
import { sized } from '../soak/sizes.ts';
import { unmemorable } from './ways.ts';

/** Rounds with one process, and with two. */
const ROUNDS = sized({ short: [1, 2], soak: [1, 1, 2, 2], full: [...Array(50).fill(1), ...Array(50).fill(2)] });
/** Answers after which the service is ended, at most. */
const LATEST_END = sized({ short: 500, soak: 2000, full: 2000 });
/** Milliseconds that the service gives requests under way when it ends (GRACE in http/load/connections.ts). */
const GRACE = 10_000;

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

/** A client with one connection, which asks again and again until an answer says that it is the last. */
async function persistent(
  service: Besieged,
  ask: (number: number) => Asked,
  { first, heard }: { readonly first: number; readonly heard: () => void },
): Promise<string> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    for (let number = first; ; number += 1) {
      const { status, isLast } = await answered(service, agent, ask(number)).answer;
      if (status >= 500 || status === 0) return `${status} of ${JSON.stringify(ask(number)).slice(0, 80)}`;
      if (isLast) return 'told';
      heard();
    }
  } catch (error) {
    return String(error);
  } finally {
    agent.destroy();
  }
}

/** A client that opens a connection for each request, until one gets no answer. Ends with the number of answers and the reason. */
function newcomer(service: Besieged, agent: Agent) {
  const first = answered(service, agent, { method: 'GET', path: POLITE });
  async function untilRefused(): Promise<{ answers: number; end: string }> {
    let { answer } = first;
    for (let answers = 0; ; answers += 1) {
      const end = await answer.then(
        ({ status }) => (status === 200 ? '' : String(status)),
        (error) => String(error.code),
      );
      if (end !== '') return { answers, end };
      ({ answer } = answered(service, agent, { method: 'GET', path: POLITE }));
    }
  }
  return { sent: first.sent, end: untilRefused() };
}

interface Answered {
  readonly status: number;
  readonly isLast: boolean;
}

/** Asks once. `sent` resolves when the system has the connection and the whole request. */
function answered(service: Besieged, agent: Agent, { method, path, body }: Asked) {
  const headers = { Authorization: `Bearer ${service.key}` };
  const asked = request({ host: '127.0.0.1', port: service.port, path, method, agent, headers });
  const { promise: answer, resolve, reject } = Promise.withResolvers<Answered>();
  asked.on('error', reject).once('response', (response) => {
    response.resume();
    response.on('error', reject);
    response.on('end', () =>
      resolve({ status: response.statusCode ?? 0, isLast: response.headers.connection === 'close' }),
    );
  });
  const sent = new Promise<void>((done) => asked.once('finish', done));
  asked.end(body);
  return { answer, sent };
}

describe('SIGTERM', () => {
  test.each(ROUNDS)(
    'loses no request of clients that ask all the time, workers: %i',
    { tags: ['soak'] },
    async (workers) => {
      const service = await besiege({ args: ['--workers', String(workers)] });
      const due = Math.random() * LATEST_END;
      const { promise: isDue, resolve } = Promise.withResolvers<void>();
      let answers = 0;
      const heard = () => {
        answers += 1;
        if (answers > due) resolve();
      };
      const clients = KINDS.flatMap((kind, index) =>
        Array.from({ length: 8 }, (_, client) =>
          persistent(service, kind, { first: (index * 8 + client) * 1_000_000, heard }),
        ),
      );
      await Promise.race([isDue, Promise.all(clients)]);
      const code = await service.stop();

      expect(new Set(await Promise.all(clients))).toEqual(new Set(['told']));
      expect(service.complaints()).toEqual([]);
      expect(code).toBe(0);
    },
  );

  test('loses no request on a connection that waits to be accepted, whichever process accepts it', async () => {
    const service = await besiege({ args: ['--workers', '2'] });
    const agent = new Agent();
    const { waiting, stopped } = await service.whileSuspended(async () => {
      const waiting = Array.from({ length: 400 }, () => answered(service, agent, { method: 'GET', path: POLITE }));
      await Promise.all(waiting.map(({ sent }) => sent));
      return { waiting, stopped: service.stop() };
    });
    const answers = await Promise.all(waiting.map(({ answer }) => answer));

    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await stopped).toBe(0);
    expect(service.complaints()).toEqual([]);
  });

  test('loses no request on a connection that waits to be accepted, nor on connections that come meanwhile', async () => {
    const service = await besiege();
    const agent = new Agent();
    const { clients, stopped } = await service.whileSuspended(async () => {
      const clients = Array.from({ length: 400 }, () => newcomer(service, agent));
      await Promise.all(clients.map(({ sent }) => sent));
      return { clients, stopped: service.stop() };
    });
    const ends = await Promise.all(clients.map(({ end }) => end));

    expect(ends.filter(({ answers }) => answers === 0)).toEqual([]);
    expect(new Set(ends.map(({ end }) => end))).toEqual(new Set(['ECONNREFUSED']));
    expect(await stopped).toBe(0);
    expect(service.complaints()).toEqual([]);
  });

  test('waits for the answers to requests that came together, for a body that is on its way, and for a slow reader', async () => {
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
    await once(together.socket, 'data');
    const stopped = service.stop();
    expect(together.text().match(/^HTTP/gm)?.length).toBeLessThan(lines.length);
    await sleep(500); // by then, a service that does not wait has ended
    upload.socket.write(article.slice(10));
    reader.socket.resume();

    expect(answersIn(await together.closed).map(({ status }) => status)).toEqual([...Array(150).fill(404), 200]);
    expect(answersIn(await upload.closed).map(({ status }) => status)).toEqual([201]);
    const [large] = answersIn(await reader.closed);
    expect(JSON.parse(large?.body ?? '').items).toHaveLength(1);
    expect(await stopped).toBe(0);
    expect(service.complaints()).toEqual([]);
  });

  test('does not wait for connections without a whole request', async () => {
    const service = await besiege();
    const silent = await Promise.all(Array.from({ length: 50 }, () => speak(service.port)));
    const halfway = await Promise.all(Array.from({ length: 50 }, () => speak(service.port, 'GET / HTTP/1.1\r\nHo')));
    const begin = performance.now();
    expect(await service.stop()).toBe(0);

    expect(performance.now() - begin).toBeLessThan(GRACE);
    expect(new Set(await Promise.all([...silent, ...halfway].map(({ closed }) => closed)))).toEqual(new Set(['']));
  });
});
