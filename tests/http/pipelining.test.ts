import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, linking, makeFolder, type Running, record, serving } from '../helpers.ts';
import { answersToMethods, speak } from '../raw.ts';
import { keyFor, NOW } from './api.ts';

/** Answers go out in the order of their requests, each whole, in every role (RFC 9112 §9.3.2). */
const ROLES = ['writer', 'reader', 'reader without the fast path'] as const;

/** Milliseconds in which the rest of a client's bytes may come behind an error. Slow readers take longer. */
const LEFTOVER = 50;
/** A feed so small that an answer waits for its compression. */
const FEED = '/feeds/tag/small.rss';
const small = (id: string) => JSON.stringify(record({ id, tags: ['Small'] }));
/** A feed of 400 kB, and a media file of 1 MB. */
const LARGE = '/feeds/tag/large.rss';
const MEDIA = '/media/large.mp3';

const closing: (() => Promise<unknown>)[] = [];
const services = new Map<string, Running>();
let key: string;
/** An earlier tag of the feed, for deltas. */
let tag: string;

beforeAll(async () => {
  const large = record({ id: 'large', tags: ['Large'], body: `<p>${'The river rose again. '.repeat(18_000)}</p>` });
  const folder = await makeFolder({
    'articles/a.json': small('a'),
    'articles/large.json': JSON.stringify(large),
    'articles/files.json': linking('large.mp3'),
    'media/large.mp3': new Uint8Array(1_000_000).fill(120),
  });
  closing.push(() => rm(folder, { recursive: true, force: true }));
  ({ key } = await keyFor(folder));
  const socket = join(folder, 'writer');
  const readersEnded = Promise.withResolvers<void>();
  const open = async (name: string, options: Parameters<typeof serving>[1]) => {
    const service = await serving(folder, {
      now: () => NOW,
      connections: { leftover: LEFTOVER },
      logSample: 1,
      ...options,
    });
    services.set(name, service);
    closing.unshift(service.close);
  };
  await open('writer', { part: { role: 'writer', socket, readersEnded: readersEnded.promise }, fastPath: true });
  closing.unshift(async () => readersEnded.resolve());
  await open('reader', { part: { role: 'reader', socket }, fastPath: true });
  await open('reader without the fast path', { part: { role: 'reader', socket }, fastPath: false });
  tag = (await ask(portOf('reader'), FEED)).headers.etag ?? '';
  const answer = await ask(portOf('reader'), '/api/articles/b', {
    method: 'PUT',
    headers: { Authorization: `Bearer ${key}` },
    body: small('b'),
  });
  expect(answer.status).toBe(201);
});

afterAll(async () => {
  for (const close of closing) await close();
});

const portOf = (role: string) => services.get(role)?.port ?? 0;
const get = (more = '', path = FEED, method = 'GET') => `${method} ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const authorized = (more = '') => `Authorization: Bearer ${key}\r\n${more}`;
const put = (id: string, more = '') => {
  const body = small(id);
  return { head: get(authorized(`Content-Length: ${body.length}\r\n${more}`), `/api/articles/${id}`, 'PUT'), body };
};

interface Front {
  readonly said: () => string;
  readonly status: number;
  readonly isHead?: boolean;
}

/** Requests of every kind that can stand in front. */
const FRONTS: Readonly<Record<string, Front>> = {
  'a feed': { said: () => get(), status: 200 },
  'a large feed': { said: () => get('Accept-Encoding: identity\r\n', LARGE), status: 200 },
  'a compressed feed': { said: () => get('Accept-Encoding: gzip\r\n'), status: 200 },
  'the head of a feed': { said: () => get('', FEED, 'HEAD'), status: 200, isHead: true },
  'a 304': { said: () => get('If-None-Match: *\r\n'), status: 304 },
  'a delta': { said: () => get(`A-IM: feed\r\nIf-None-Match: ${tag}\r\n`), status: 226 },
  'a 404': { said: () => get('', '/nothing'), status: 404 },
  'a 405': { said: () => get('', FEED, 'DELETE'), status: 405 },
  'a file': { said: () => get('', MEDIA), status: 200 },
  'an article': { said: () => get(authorized(), '/api/articles/a'), status: 200 },
};
const KINDS = Object.values(FRONTS);
const ALL = [...KINDS, ...KINDS];
/** More bytes than the system takes for a reader that does not read. */
const MANY = [...ALL, ...Array<Front>(8).fill({ said: () => get('', MEDIA), status: 200 }), ...KINDS];

/** Sends requests of these kinds and what stands behind them in one packet. Returns the answers, without their dates. */
async function answersBehind(role: string, fronts: readonly Front[], behind: string | Uint8Array, slowly = false) {
  const raw = await speak(portOf(role));
  if (slowly) raw.socket.pause();
  raw.socket.write(Buffer.concat([Buffer.from(fronts.map(({ said }) => said()).join('')), Buffer.from(behind)]));
  if (slowly) {
    await ask(portOf(role), '/healthz');
    await sleep(3 * LEFTOVER);
    raw.socket.resume();
  }
  return answersToMethods(await raw.closed, (index) => fronts[index]?.isHead === true);
}

const statusesOf = (answers: ReturnType<typeof answersToMethods>) => answers.map(({ status }) => status);
const expected = (fronts: readonly Front[], ...more: readonly number[]) => [
  ...fronts.map(({ status }) => status),
  ...more,
];

const bodies = new Map<string, Promise<string | undefined>>();

/** The bodies that requests of these kinds get, each on a connection of its own. */
function alone(role: string, fronts: readonly Front[]) {
  return Promise.all(fronts.map((front) => mapped(bodies, role + front.said(), () => bodyOf(role, front))));
}

async function bodyOf(role: string, { said, isHead = false }: Front): Promise<string | undefined> {
  const raw = await speak(portOf(role), said().replace(/\r\n\r\n$/, '\r\nConnection: close\r\n\r\n'));
  return answersToMethods(await raw.closed, () => isHead)[0]?.body;
}

function mapped<Value>(map: Map<string, Value>, name: string, make: () => Value): Value {
  const value = map.get(name) ?? make();
  map.set(name, value);
  return value;
}

const JUNK: Readonly<Record<string, readonly [string | Uint8Array, number]>> = {
  'bytes that are no request': ['\x01\x02\x03\r\n\r\n', 400],
  'a head that is too long': [get(`X: ${'x'.repeat(20_000)}\r\n`), 431],
  'a field without a name': [get(': x\r\n'), 400],
  'HTTP/2 without asking': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  'the beginning of TLS': [Buffer.from('160301020001000100000303', 'hex'), 400],
  CONNECT: ['CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  'CONNECT and bytes for elsewhere': ['CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n', 400],
  'CONNECT with half a body': ['CONNECT a:443 HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc', 400],
  'two hosts': [get('Host: b\r\n'), 400],
  'a Connection that names the length': [get('Connection: content-length\r\n'), 400],
  'an expectation that nobody knows': [get('Expect: miracles\r\n'), 417],
};

describe.each(ROLES)('%s', (role) => {
  beforeAll(async () => {
    const identity = { 'Accept-Encoding': 'identity' };
    await ask(portOf(role), LARGE, { headers: identity });
    await ask(portOf(role), FEED, { headers: identity });
    await ask(portOf(role), FEED, { headers: { 'Accept-Encoding': 'gzip' } }); // ready from now on
  });

  describe('an error comes behind the answers before it', () => {
    test.each(Object.entries(FRONTS))('to the same, several times: %s', async (_, front) => {
      const fronts = Array<Front>(5).fill(front);
      const answers = await answersBehind(role, fronts, 'JUNK\r\n\r\n');

      expect(statusesOf(answers)).toEqual(expected(fronts, 400));
      expect(answers.slice(0, -1).map(({ body }) => body)).toEqual(await alone(role, fronts));
    });

    test.each(Object.entries(JUNK))('of all kinds: %s', async (_, [junk, status]) => {
      const answers = await answersBehind(role, ALL, junk);

      expect(statusesOf(answers)).toEqual(expected(ALL, status));
      expect(answers.slice(0, -1).map(({ body }) => body)).toEqual(await alone(role, ALL));
      expect(answers.at(-1)?.headers).toMatch(/^Connection: close\r$/m);
    });

    test('to readers that are slow, whatever it is', async () => {
      const statuses = await Promise.all(
        Object.values(JUNK).map(async ([junk]) => statusesOf(await answersBehind(role, MANY, junk, true))),
      );

      expect(statuses).toEqual(Object.values(JUNK).map(([, status]) => expected(MANY, status)));
    });

    test('to a client that ends its side', async () => {
      const raw = await speak(portOf(role));
      raw.socket.pause();
      raw.socket.end(`${ALL.map(({ said }) => said()).join('')}JUNK\r\n\r\n`);
      await ask(portOf(role), '/healthz');
      raw.socket.resume();
      const answers = answersToMethods(await raw.closed, (index) => ALL[index]?.isHead === true);

      expect(statusesOf(answers)).toEqual(expected(ALL, 400));
    });

    test('to a client that sends a head in part, and ends its side', async () => {
      const raw = await speak(portOf(role));
      raw.socket.end(`${KINDS.map(({ said }) => said()).join('')}GET /feeds`);
      const answers = answersToMethods(await raw.closed, (index) => KINDS[index]?.isHead === true);

      expect(statusesOf(answers)).toEqual(expected(KINDS, 400));
    });
  });

  describe('changes are carried out in the order of their requests', () => {
    /** A thread parses this one, so that it takes longer than a small one. */
    const large = { body: `<p>${'The river <b>rose</b> again. '.repeat(1000)}</p>` };
    const story = (title: string, fields: object = {}) => JSON.stringify(record({ id: 'twice', title, ...fields }));
    const said = (method: string, path: string, body = '', more = '') =>
      get(authorized(`Content-Length: ${body.length}\r\n${more}`), path, method) + body;
    const PATH = '/api/articles/twice';
    const read = () => said('GET', PATH);
    const waits = { more: 'Expect: 100-continue\r\n' };

    test.each<[string, () => readonly string[], string]>([
      ['two versions', () => [said('PUT', PATH, story('First', large)), said('PUT', PATH, story('Last'))], 'Last'],
      [
        'two versions, of which the first waits for 100 Continue',
        () => [said('PUT', PATH, story('First', large), waits.more), said('PUT', PATH, story('Last'))],
        'Last',
      ],
      [
        'a bulk and a version',
        () => [said('POST', '/api/articles', `${story('First', large)}\n`), said('PUT', PATH, story('Last'))],
        'Last',
      ],
      ['a version alone', () => [said('PUT', PATH, story('Alone', large))], 'Alone'],
    ])('%s, and a look at the result', async (_, changes, title) => {
      const text = [...changes(), read(), get('Connection: close\r\n', '/feeds/latest.json')].join('');
      const answers = answersToMethods(await (await speak(portOf(role), text)).closed, () => false);
      const [article, feed] = answers.slice(-2).map(({ body }) => JSON.parse(body));

      expect(statusesOf(answers).every((status) => [100, 200, 201].includes(status))).toBe(true);
      expect(article.record.title).toBe(title);
      expect(feed.items.find(({ id }: { id: string }) => id.endsWith(':twice'))?.title).toBe(title);
    });

    test('a version and its withdrawal', async () => {
      const text = [
        said('PUT', PATH, story('Gone', large)),
        said('DELETE', PATH),
        said('GET', PATH, '', 'Connection: close\r\n'),
      ];
      const answers = answersToMethods(await (await speak(portOf(role), text.join(''))).closed, () => false);

      expect(answers.slice(1).map(({ body }) => JSON.parse(body))).toMatchObject([
        { result: 'withdrawn' },
        { status: 'withdrawn' },
      ]);
    });

    test('a request behind more than a connection may keep waiting is refused, and ends it', async () => {
      const text = said('PUT', PATH, story('Long', large)) + get().repeat(400);
      const answers = answersToMethods(await (await speak(portOf(role), text)).closed, () => false);
      const statuses = statusesOf(answers);

      expect(new Set(statuses.slice(0, -1))).toEqual(new Set([200]));
      expect(answers.at(-1)).toMatchObject({ status: 503, headers: expect.stringMatching(/^Connection: close\r$/im) });
    });
  });

  describe('a broken body is answered in its place', () => {
    const chunked = 'Transfer-Encoding: chunked\r\n';
    const line = () => `${small('a')}\n`;
    const lines = (text: string) =>
      get(authorized(`Content-Length: ${text.length}\r\n`), '/api/articles', 'POST') + text;
    const post = { said: () => lines(line()), status: 200 };

    test('behind a POST and a GET', async () => {
      const fronts = [post, { said: () => get(), status: 200 }];
      const behind = `${get(authorized(chunked), '/api/articles/c', 'PUT')}zz\r\n`;

      expect(statusesOf(await answersBehind(role, fronts, behind))).toEqual([200, 200, 400]);
    });

    test.each([false, true])('behind answers of all kinds, to a slow reader: %s', async (slowly) => {
      const fronts = [post, ...(slowly ? MANY : ALL), post];
      const behind = `${get(authorized(chunked), '/api/articles/c', 'PUT')}2\r\n{}\r\n-1\r\n`;

      expect(statusesOf(await answersBehind(role, fronts, behind, slowly))).toEqual(expected(fronts, 400));
    });

    test('where its client has no key', async () => {
      const behind = `${get(chunked, '/api/articles/c', 'PUT')}zz\r\n`;
      const answers = await answersBehind(role, ALL, behind);

      // 401 if the key was missed before the chunk was.
      expect([expected(ALL, 400), expected(ALL, 401)]).toContainEqual(statusesOf(answers));
    });

    test('also where it is a GET with a body: behind its answer, or in the place of it', async () => {
      const answers = await answersBehind(role, ALL, `${get(chunked)}zz\r\n`);

      expect([expected(ALL, 200, 400), expected(ALL, 400)]).toContainEqual(statusesOf(answers));
    });

    test('and one whose answer has begun is cut off, behind the answers before it', async () => {
      const raw = await speak(portOf(role));
      const fronts = ALL;
      const text = line();
      raw.socket.write(
        `${fronts.map(({ said }) => said()).join('')}${get(authorized(chunked), '/api/articles', 'POST')}${text.length.toString(16)}\r\n${text}\r\n`,
      );
      await expect.poll(raw.text).toContain('"result":"unchanged"');
      raw.socket.write('zz\r\n');
      const all = await raw.closed;
      const begun = all.lastIndexOf('HTTP/1.1 200 OK\r\n');

      expect(statusesOf(answersToMethods(all.slice(0, begun), (index) => fronts[index]?.isHead === true))).toEqual(
        expected(fronts),
      );
      expect(all.slice(begun)).not.toMatch(/\r\n0\r\n\r\n$/); // an answer that ends well would say that all was heard
    });
  });

  describe('100 Continue comes in its turn', () => {
    const expecting = 'Expect: 100-continue\r\n';

    test.each(Object.entries(FRONTS))('behind the same, several times: %s', async (_, front) => {
      const fronts = Array<Front>(3).fill(front);
      const last = get(`${expecting}Connection: close\r\n`);
      const answers = await answersBehind(role, fronts, get(expecting) + get() + last);
      const final = answers.filter(({ status }) => status !== 100);

      expect(statusesOf(final)).toEqual(expected(fronts, 200, 200, 200));
      expect(statusesOf(answers.slice(0, fronts.length))).toEqual(expected(fronts));
      const feeds = Array<Front>(3).fill({ said: () => get(), status: 200 });
      expect(final.map(({ body }) => body)).toEqual(await alone(role, [...fronts, ...feeds]));
    });

    test.each([false, true])('behind answers of all kinds, to a slow reader: %s', async (slowly) => {
      const { head, body } = put('a', expecting);
      const behind = head + body + get(expecting) + get('Connection: close\r\n');
      const fronts = slowly ? MANY : ALL;
      const answers = await answersBehind(role, fronts, behind, slowly);

      expect(statusesOf(answers)).toEqual(expected(fronts, 100, 200, 100, 200, 200));
    });

    test('and lets a client go on that waits for it', async () => {
      const { head, body } = put('a', `${expecting}Connection: close\r\n`);
      const raw = await speak(portOf(role), KINDS.map(({ said }) => said()).join('') + head);
      await expect.poll(raw.text).toContain('HTTP/1.1 100 Continue\r\n\r\n');
      raw.socket.write(body);
      const answers = answersToMethods(await raw.closed, (index) => KINDS[index]?.isHead === true);

      expect(statusesOf(answers)).toEqual(expected(KINDS, 100, 200));
    });

    test('also where the body then is broken', async () => {
      const behind = `${get(authorized(`${expecting}Transfer-Encoding: chunked\r\n`), '/api/articles/c', 'PUT')}zz\r\n`;

      expect(statusesOf(await answersBehind(role, KINDS, behind))).toEqual(expected(KINDS, 100, 400));
    });
  });
});

test('answers that wait are let go where their client leaves behind a CONNECT', async () => {
  const { port, told } = services.get('reader') ?? { port: 0, told: [] };
  const logged = () => told.filter(({ path }) => path === MEDIA);
  const before = logged().length;
  const raw = await speak(port);
  raw.socket.pause();
  raw.socket.write(`${get('', MEDIA).repeat(20)}CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n`);
  await ask(port, '/healthz');
  raw.socket.destroy();
  await raw.closed;

  await expect.poll(() => logged().length - before).toBe(20);
  expect(logged().slice(before)).toContainEqual(expect.objectContaining({ aborted: true }));
});
