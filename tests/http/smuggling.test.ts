import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeFolder, type Running, record, serving } from '../helpers.ts';
import { answersIn, speak } from '../raw.ts';
import { keyFor, NOW } from './api.ts';

/**
 * Every role answers the same: a service of one process with its fast path and without, and the reader and the writer of
 * a service of several.
 */
const ROLES = ['with the fast path', 'without it', 'reader', 'writer'] as const;

const closing: (() => Promise<unknown>)[] = [];
const services = new Map<string, Running>();
let key: string;

beforeAll(async () => {
  const folder = await makeFolder({ 'articles/.keep': '' });
  const alone = await makeFolder({ 'articles/.keep': '' });
  closing.push(...[folder, alone].map((path) => () => rm(path, { recursive: true, force: true })));
  ({ key } = await keyFor(folder));
  const socket = join(folder, 'writer');
  const readersEnded = Promise.withResolvers<void>();
  const open = async (name: string, path: string, options: Parameters<typeof serving>[1]) => {
    const service = await serving(path, { now: () => NOW, ...options });
    services.set(name, service);
    closing.unshift(service.close);
  };
  await open('writer', folder, { part: { role: 'writer', socket, readersEnded: readersEnded.promise } });
  closing.unshift(async () => readersEnded.resolve());
  await open('reader', folder, { part: { role: 'reader', socket } });
  // Both hold the same store, and so the same key.
  await open('with the fast path', folder, { fastPath: true });
  await open('without it', folder, { fastPath: false });
});

afterAll(async () => {
  for (const close of closing) await close();
});

const FEED = '/feeds/latest.rss';
const portOf = (role: string) => services.get(role)?.port ?? 0;
const withBody = (head: string, body: string) => `${head}\r\n\r\n${body}`;
const put = (id: string, more: readonly string[] = [], body = JSON.stringify(record({ id }))) =>
  withBody(
    [
      `PUT /api/articles/${id} HTTP/1.1`,
      'Host: a',
      `Authorization: Bearer ${key}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...more,
    ].join('\r\n'),
    body,
  );
const head = (method: string, path: string, more: readonly string[]) =>
  [`${method} ${path} HTTP/1.1`, 'Host: a', `Authorization: Bearer ${key}`, ...more].join('\r\n');

/** The answers to these bytes until the service closes the connection. */
async function answersTo(role: string, said: string) {
  const { closed } = await speak(portOf(role), Buffer.from(said, 'latin1'));
  return answersIn(await closed);
}

/** The statuses of these articles, by the writer. */
async function statusesOf(ids: readonly string[]): Promise<(number | undefined)[]> {
  const all = await Promise.all(
    ids.map((id) => answersTo('writer', `${head('GET', `/api/articles/${id}`, ['Connection: close'])}\r\n\r\n`)),
  );
  return all.map(([answer]) => answer?.status);
}

let serial = 0;
/** Ids that no other test uses. */
let victim: string;
let smuggled: string;

beforeEach(() => {
  serial += 1;
  victim = `victim-${serial}`;
  smuggled = `smuggled-${serial}`;
});

describe.each(ROLES)('%s: a Connection that names a field of the message is refused', (role) => {
  test.each<[string, readonly string[]]>([
    ['the length', ['Connection: content-length']],
    ['the length, in capitals', ['Connection: CONTENT-LENGTH']],
    ['the length behind keep-alive', ['Connection: keep-alive,\t Content-Length ,x']],
    ['the length in a second field', ['Connection: keep-alive', 'connection: content-length']],
    ['the length behind a space that is none', ['Connection: \xa0content-length']],
    ['the transfer coding', ['Connection: close, transfer-encoding']],
    ['a condition', ['Connection: if-match', 'If-Match: "7"']],
    ['another condition', ['Connection: If-None-Match', 'If-None-Match: *']],
    ['a condition by date', ['Connection: if-unmodified-since']],
    ['a condition by date, the other', ['Connection: if-modified-since']],
    ['a condition of ranges', ['Connection: if-range']],
    ['the coding of the content', ['Connection: content-encoding', 'Content-Encoding: gzip']],
    ['the type of the content', ['Connection: content-type']],
    ['any field of the content', ['Connection: content-anything']],
    ['the key', ['Connection: authorization']],
    ['the host', ['Connection: host']],
    ['the host among many', [`Connection: ${'x,'.repeat(2000)}host`]],
  ])('%s', async (_, fields) => {
    const [answer, ...others] = await answersTo(role, put(victim, fields));

    expect(others).toEqual([]);
    expect(answer?.headers).toMatch(/^Connection: close\r$/m);
    expect([answer?.status, JSON.parse(answer?.body ?? '{}')]).toEqual([
      400,
      expect.objectContaining({
        code: 'malformed_request',
        title: expect.stringMatching(/^Connection must not name /),
      }),
    ]);
    expect(await statusesOf([victim])).toEqual([404]);
  });

  test.each<[string, string]>([
    ['a feed that is ready', `GET ${FEED}`],
    ['the head of a feed', `HEAD ${FEED}`],
    ['an address that does not exist', 'GET /nothing'],
    ['a health check', 'GET /healthz'],
    ['an expectation', `GET ${FEED}`],
  ])('for %s', async (name, line) => {
    await answersTo(role, `GET ${FEED} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    const expects = name === 'an expectation' ? 'Expect: 100-continue\r\n' : '';
    const raw = await speak(portOf(role), `${line} HTTP/1.1\r\nHost: a\r\n${expects}Connection: if-none-match\r\n\r\n`);

    expect((await raw.closed).replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '')).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('and a whole request in the body of another is not carried out', async () => {
    await answersTo(role, put(victim, ['Connection: close']));
    const inner = put(smuggled);
    for (const method of ['DELETE', 'PUT', 'POST', 'GET']) {
      const path = method === 'POST' ? '/api/articles' : `/api/articles/${victim}`;
      const fields = [`Content-Length: ${inner.length}`, 'Connection: content-length'];
      const answers = await answersTo(role, withBody(head(method, path, fields), inner));
      expect([method, ...answers.map(({ status }) => status)]).toEqual([method, 400]);
    }
    expect(await statusesOf([victim, smuggled])).toEqual([200, 404]);
  });
});

describe.each(ROLES)('%s: a Connection that names something else changes nothing', (role) => {
  test.each<[string, readonly string[]]>([
    ['an upgrade', ['Connection: close, Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk']],
    ['TE', ['Connection: TE, close', 'TE: trailers']],
    ['a field nobody knows', ['Connection: close, x-hop, if', 'X-Hop: 1', 'If: 1']],
    ['Keep-Alive', ['Connection: Keep-Alive, close', 'Keep-Alive: timeout=5, max=100']],
    ['nothing', ['Connection: , ,close,', 'Proxy-Connection: keep-alive']],
    ['Trailer', ['Connection: close, trailer', 'Trailer: Content-Length']],
  ])('%s', async (_, fields) => {
    const answers = await answersTo(role, put(victim, fields));

    expect(answers.map(({ status }) => status)).toEqual([201]);
    expect(await statusesOf([victim])).toEqual([200]);
  });
});

describe.each(ROLES)('%s: the end of a body is where its head says', (role) => {
  const chunked = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
  const CLOSE = 'Connection: close';

  test.each<[string, (inner: string) => string, number[]]>([
    [
      'a withdrawal with a body',
      (inner) => withBody(head('DELETE', `/api/articles/${victim}`, [`Content-Length: ${inner.length}`, CLOSE]), inner),
      [404],
    ],
    [
      'a withdrawal with a body in chunks',
      (inner) =>
        withBody(head('DELETE', `/api/articles/${victim}`, ['Transfer-Encoding: chunked', CLOSE]), chunked(inner)),
      [404],
    ],
    [
      'a GET with a body',
      (inner) => withBody(head('GET', FEED, [`Content-Length: ${inner.length}`, CLOSE]), inner),
      [200],
    ],
    [
      'a GET of the API with a body in chunks',
      (inner) =>
        withBody(head('GET', `/api/articles/${victim}`, ['Transfer-Encoding: chunked', CLOSE]), chunked(inner)),
      [404],
    ],
    [
      'a withdrawal with a body that it does not wait for',
      (inner) =>
        withBody(
          head('DELETE', `/api/articles/${victim}`, [`Content-Length: ${inner.length}`, 'Expect: 100-continue', CLOSE]),
          inner,
        ),
      [100, 404],
    ],
    [
      'two equal lengths',
      (inner) =>
        withBody(head('DELETE', `/api/articles/${victim}`, Array(2).fill(`Content-Length: ${inner.length}`)), inner),
      [400],
    ],
    [
      'two lengths',
      (inner) => withBody(head('DELETE', '/api/articles/a', ['Content-Length: 0', 'Content-Length: 5']), inner),
      [400],
    ],
    [
      'a list of lengths',
      (inner) => withBody(head('DELETE', '/api/articles/a', ['Content-Length: 0, 0']), inner),
      [400],
    ],
    [
      'a length with a sign',
      (inner) => withBody(head('DELETE', '/api/articles/a', ['Content-Length: +0']), inner),
      [400],
    ],
    ['no length', (inner) => withBody(head('DELETE', '/api/articles/a', ['Content-Length:']), inner), [400]],
    [
      'a length and chunks',
      (inner) =>
        withBody(
          head('DELETE', '/api/articles/a', ['Content-Length: 0', 'Transfer-Encoding: chunked']),
          chunked(inner),
        ),
      [400],
    ],
    [
      'a coding twice',
      (inner) =>
        withBody(
          head('DELETE', '/api/articles/a', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']),
          chunked(inner),
        ),
      [400],
    ],
    [
      'a coding before the chunks',
      (inner) => withBody(head('DELETE', '/api/articles/a', ['Transfer-Encoding: gzip, chunked']), chunked(inner)),
      [400],
    ],
    [
      'a coding that looks like chunks',
      (inner) => withBody(head('DELETE', '/api/articles/a', ['Transfer-Encoding: xchunked']), chunked(inner)),
      [400],
    ],
    [
      'chunks with a parameter',
      (inner) => withBody(head('DELETE', '/api/articles/a', ['Transfer-Encoding: chunked;q=1']), chunked(inner)),
      [400],
    ],
    [
      'chunks in quotes',
      (inner) => withBody(head('DELETE', '/api/articles/a', ['Transfer-Encoding: "chunked"']), chunked(inner)),
      [400],
    ],
    ['identity', (inner) => withBody(head('DELETE', '/api/articles/a', ['Transfer-Encoding: identity']), inner), [400]],
    [
      'chunks in HTTP/1.0',
      (inner) =>
        withBody(
          head('DELETE', '/api/articles/a', ['Transfer-Encoding: chunked']).replace('HTTP/1.1', 'HTTP/1.0'),
          chunked(inner),
        ),
      [400],
    ],
    [
      'a length behind a space before its colon',
      (inner) => withBody(head('DELETE', '/api/articles/a', [`Content-Length : ${inner.length}`]), inner),
      [400],
    ],
    [
      'a length on a folded line',
      (inner) => withBody(head('DELETE', '/api/articles/a', [`X: x\r\n Content-Length: ${inner.length}`]), inner),
      [400],
    ],
  ])('%s', async (_, said, statuses) => {
    const answers = await answersTo(role, said(put(smuggled)));

    expect(answers.map(({ status }) => status)).toEqual(statuses);
    expect(await statusesOf([smuggled])).toEqual([404]);
  });

  test('chunks in any letters, with extensions and trailers', async () => {
    const body = JSON.stringify(record({ id: victim }));
    const lines = ['Transfer-Encoding: Chunked', 'Trailer: If-Match, Authorization', CLOSE];
    const trailers = 'If-Match: "7"\r\nAuthorization: none\r\n\r\n';
    const said = withBody(
      head('PUT', `/api/articles/${victim}`, lines),
      `${body.length.toString(16)};a=b\r\n${body}\r\n0\r\n${trailers}`,
    );

    expect((await answersTo(role, said)).map(({ status }) => status)).toEqual([201]);
    expect(await statusesOf([victim])).toEqual([200]);
  });

  test.each<[string, string, number]>([
    ['an address in absolute form', 'http://elsewhere.example:99/api/articles/VICTIM', 201],
    ['an address with CR and LF in escapes', '/api/articles/VICTIM%0D%0AX:%20y%0D%0A', 422],
    ['an address with bytes that are not ASCII', '/api/articles/VICTIM\xc3\xa9', 400],
  ])('%s', async (_, address, status) => {
    const said = put(victim, [CLOSE], JSON.stringify(record({ id: undefined }))).replace(
      `/api/articles/${victim}`,
      address.replace('VICTIM', victim),
    );

    expect((await answersTo(role, said)).map((answer) => answer.status)).toEqual([status]);
  });
});

test('the writer carries out one request of each connection, whatever bytes follow it', async () => {
  const socket = connect(join(services.get('writer')?.dataFolder ?? '', 'writer'));
  await once(socket, 'connect');
  socket.write(put(victim) + put(smuggled));
  const [answered] = await once(socket, 'data');
  socket.end();

  expect(String(answered)).toMatch(/^HTTP\/1\.1 201 /);
  expect(await text(socket)).not.toContain('HTTP/1.1');
  expect(await statusesOf([victim, smuggled])).toEqual([200, 404]);
});
