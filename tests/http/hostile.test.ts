import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type OutgoingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { assertWellFormed } from '../../src/format/xml.ts';
import { type Answer, ask, PUBLICATION, put, record } from '../helpers.ts';
import { feedsmith } from '../peers/feedsmith.ts';
import { secondsOfWork } from '../work.ts';
import { keyFor, startApi } from './api.ts';

const MiB = 1024 * 1024;
/** CPU seconds that the service spends on each of these requests, at most. */
const MOST_WORK = 6;
/** CPU seconds that the service works before it answers a reader meanwhile, at most. */
const MOST_WORK_BEFORE = 2;

interface Hostile {
  readonly method?: string;
  readonly address?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array | Iterable<Uint8Array>;
}

interface Expected {
  readonly status: number;
  readonly code?: string;
  readonly problems?: unknown;
}

/** A record for years to come, so that what is taken does not weigh on the feed that is read meanwhile. */
const body = (fields: Readonly<Record<string, unknown>>) =>
  JSON.stringify(record({ id: undefined, publishedAt: '2076-01-01T00:00:00Z', ...fields }));
const withMember = (member: string) => body({}).replace(/}$/, `,${member}}`);
const lots = (text: string, times: number) => ({ body: body({ body: text.repeat(times) }) });
const invalid = (field: string, rule: string | RegExp): Expected => ({
  status: 422,
  code: 'invalid_article',
  problems: [expect.objectContaining({ field, rule: typeof rule === 'string' ? rule : expect.stringMatching(rule) })],
});
const notJson = (field: string, rule: string): Expected => ({
  status: 400,
  code: 'invalid_json',
  problems: [expect.objectContaining({ field, rule })],
});
const tooLarge: Expected = {
  status: 413,
  code: 'too_large',
  problems: [{ field: 'body', rule: 'the request must not have more than 8388608 bytes' }],
};
const taken: Expected = { status: 201 };
const DEPTH = 'must not be nested deeper than 64 levels';
const ID_PARTS = 'must not have an empty part, “.” or “..” between slashes';
const ID_SIGNS = 'must not have control characters, nor white space at its ends';

function* pieces(count: number): Generator<Uint8Array> {
  for (let index = 0; index < count; index += 1) yield Buffer.alloc(MiB, 'x');
}

// What is merely ugly is cleaned and taken (201); what cannot be is refused with its field and the rule.
const TABLE: Readonly<Record<string, readonly [Hostile, Expected]>> = {
  'tags nested 5,000 deep': [lots('<div>', 5000), invalid('body', 'must not nest elements deeper than 100 levels')],
  'quotations nested 5,000 deep in Markdown': [
    { body: body({ bodyFormat: 'markdown', body: `${'> '.repeat(5000)}x` }) },
    invalid('body', 'must not nest elements deeper than 100 levels'),
  ],
  'lists nested 480 deep in Markdown': [
    {
      body: body({
        bodyFormat: 'markdown',
        body: Array.from({ length: 480 }, (_, depth) => `${' '.repeat(depth * 2)}- x`).join('\n'),
      }),
    },
    invalid('body', 'must not nest elements deeper than 100 levels'),
  ],
  '200,000 unclosed <b>': [lots('<b>', 200_000), invalid('body', 'must not nest elements deeper than 100 levels')],
  '100 MB, announced': [{ headers: { 'Content-Length': 100 * MiB }, body: pieces(100) }, tooLarge],
  '100 MB, in chunks': [{ headers: { 'Transfer-Encoding': 'chunked' }, body: pieces(100) }, tooLarge],
  '100 MB, announced, and waiting to be told to go on': [
    { headers: { 'Content-Length': 100 * MiB, Expect: '100-continue' } },
    tooLarge,
  ],
  'a gzip bomb': [
    { headers: { 'Content-Encoding': 'gzip' }, body: gzipSync(Buffer.alloc(100 * MiB)) },
    { status: 415, code: 'unsupported_media_type' },
  ],
  'a body of 4 MB and a letter': [
    lots('x', 4 * MiB + 1),
    invalid('body', 'must not be longer than 4194304 characters'),
  ],
  'broken UTF-8': [
    { body: Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d]) },
    notJson('', 'must be UTF-8 (RFC 8259 §8.1)'),
  ],
  'UTF-16': [{ body: Buffer.from(body({}), 'utf16le') }, notJson('', 'is not JSON here')],
  'a lone surrogate in a title': [{ body: withMember('"summary":"\\ud800"') }, taken],
  'a name twice': [{ body: withMember('"title":"b"') }, notJson('title', 'stands twice in one object')],
  'a name twice by escapes': [
    { body: withMember('"t\\u0069tle":"b"') },
    notJson('title', 'stands twice in one object'),
  ],
  'a name twice in an object within': [
    { body: withMember('"image":{"url":"/a","url":"/b"}') },
    notJson('url', 'stands twice in one object'),
  ],
  'a name 500,000 times': [
    { body: withMember(Array(500_000).fill('"a":1').join(',')) },
    notJson('', 'must not have more than 10000 names'),
  ],
  '500,000 fields nobody knows': [
    { body: withMember(Array.from({ length: 500_000 }, (_, index) => `"a${index}":1`).join(',')) },
    notJson('', 'must not have more than 10000 names'),
  ],
  'a __proto__': [{ body: withMember('"__proto__":{"title":"x"}') }, invalid('__proto__', 'is not a known field')],
  '__proto__ within': [
    { body: withMember('"image":{"url":"/a","__proto__":{"alt":"x"}}') },
    invalid('image.__proto__', 'is not a known field'),
  ],
  'a constructor': [
    { body: withMember('"constructor":{"prototype":{"title":"x"}}') },
    invalid('constructor', 'is not a known field'),
  ],
  'a toString': [{ body: withMember('"toString":null') }, taken],
  'lists nested 100,000 deep': [
    { body: withMember(`"tags":${'['.repeat(100_000)}${']'.repeat(100_000)}`) },
    notJson('', DEPTH),
  ],
  'objects nested 100,000 deep': [
    { body: withMember(`"image":${'{"url":'.repeat(100_000)}1${'}'.repeat(100_000)}`) },
    notJson('', DEPTH),
  ],
  '8 MB of opening brackets': [{ body: '['.repeat(8 * MiB) }, notJson('', DEPTH)],
  'lists nested 64 deep': [
    { body: withMember(`"tags":${'['.repeat(63)}${']'.repeat(63)}`) },
    invalid('', 'must not be nested deeper than 10 levels'),
  ],
  'a million tags': [{ body: withMember(`"tags":[${Array(1_000_000).fill('"a"').join(',')}]`) }, { status: 201 }],
  'a million tags that are none': [
    { body: withMember(`"tags":[${Array(1_000_000).fill('1').join(',')}]`) },
    { status: 201 },
  ],
  'a number beyond all': [{ body: withMember('"image":{"url":"/a","width":1e999}') }, invalid('image.width', /./)],
  'a title of 1 MB': [{ body: body({ title: 'x'.repeat(MiB) }) }, invalid('title', /1000 characters/)],
  'a title of spaces': [{ body: body({ title: ' '.repeat(4 * MiB) }) }, invalid('title', 'must not be empty')],
  'an address of 1 MB': [{ body: body({ url: `https://a.example/${'x'.repeat(MiB)}` }) }, invalid('url', /4096/)],
  'an e-mail address that backtracks': [
    { body: body({ authors: [{ name: 'A', email: `${'a.'.repeat(100_000)}@` }] }) },
    invalid('authors[0].email', 'must be an e-mail address'),
  ],
  'a language tag of 1 MB': [{ body: body({ language: 'a-'.repeat(500_000) }) }, invalid('language', /BCP 47/)],
  'a date of 1 MB': [
    { body: body({ publishedAt: `2026-11-20T10:00:00.${'1'.repeat(MiB)}!` }) },
    invalid('publishedAt', /3339/),
  ],

  '256 kB of _a in Markdown': [{ body: body({ bodyFormat: 'markdown', body: '_a'.repeat(MiB / 8) }) }, taken],
  '256 kB of [ in Markdown': [{ body: body({ bodyFormat: 'markdown', body: '['.repeat(MiB / 4) }) }, taken],
  '256 kB of * and _ in Markdown': [{ body: body({ bodyFormat: 'markdown', body: '*_a_'.repeat(MiB / 16) }) }, taken],
  '256 kB of Markdown and a letter': [
    { body: body({ bodyFormat: 'markdown', body: 'x'.repeat(MiB / 4 + 1) }) },
    invalid('body', 'must not be longer than 262144 characters in Markdown'),
  ],
  '1 MB of text lines': [{ body: body({ bodyFormat: 'text', body: 'a line of text\n'.repeat(MiB / 15) }) }, taken],
  'half a million text lines': [
    { body: body({ bodyFormat: 'text', body: 'x\n'.repeat(MiB / 2) }) },
    invalid('body', /^must not have more than 100,000 elements\. /),
  ],
  'a million elements': [lots('<b></b>', 500_000), invalid('body', /^must not have more than 100,000 elements\. /)],
  '4 MB of blank lines': [{ body: body({ bodyFormat: 'text', body: `a${'\n \t'.repeat(MiB)}b` }) }, taken],
  '100,000 attributes': [
    { body: body({ body: `<p ${Array.from({ length: 100_000 }, (_, index) => `a${index}="x"`).join(' ')}>x</p>` }) },
    taken,
  ],
  'an attribute of 4 MB': [{ body: body({ body: `<p title="${'x'.repeat(4 * MiB - 100)}">x</p>` }) }, taken],
  'a srcset of 100,000 pictures': [
    {
      body: body({
        body: `<img src="/a" srcset="${Array.from({ length: 100_000 }, (_, index) => `/a ${index + 1}w`).join(',')}">x`,
      }),
    },
    taken,
  ],
  'a srcset of commas': [{ body: body({ body: `<img src="/a" srcset="${','.repeat(MiB)}">x` }) }, taken],
  'a srcset of spaces': [{ body: body({ body: `<img src="/a" srcset="/a${' '.repeat(MiB)}b">x` }) }, taken],
  '100,000 tags side by side': [{ body: body({ body: '<i>a</i>'.repeat(100_000) }) }, taken],
  '100,000 links': [{ body: body({ body: '<a href=x>a'.repeat(100_000) }) }, taken],
  '1 MB of <': [lots('<', MiB), taken],
  '1 MB of </': [{ body: body({ body: `x${'</'.repeat(MiB / 2)}` }) }, taken],
  '1 MB of &': [lots('&', MiB), taken],
  '1 MB of <!--': [{ body: body({ body: `x${'<!--'.repeat(MiB / 4)}` }) }, taken],
  '100,000 paragraphs that close one another': [{ body: body({ body: '<p>a'.repeat(100_000) }) }, taken],

  'an id with NUL': [{ address: '/a%00b', body: body({}) }, invalid('id', ID_SIGNS)],
  'an id with a line feed': [{ address: '/a%0Ab', body: body({}) }, invalid('id', ID_SIGNS)],
  'an id of one dot': [{ address: '/.', body: body({}) }, invalid('id', ID_PARTS)],
  'an id of two dots': [{ address: '/..', body: body({}) }, invalid('id', ID_PARTS)],
  'an id with dots between slashes': [{ address: '/a/../b', body: body({}) }, invalid('id', ID_PARTS)],
  'an id with ..%2f': [{ address: '/..%2f..%2fetc%2fpasswd', body: body({}) }, invalid('id', ID_PARTS)],
  'an id of %2e%2e': [{ address: '/%2e%2e', body: body({}) }, invalid('id', ID_PARTS)],
  'an id of slashes': [{ address: '///', body: body({}) }, invalid('id', ID_PARTS)],
  'an id that ends in a slash': [{ address: '/a/', body: body({}) }, invalid('id', ID_PARTS)],
  'an empty id': [
    { address: '/', body: body({}) },
    { status: 404, code: 'not_found' },
  ],
  'an id of spaces': [{ address: '/%20', body: body({}) }, invalid('id', ID_SIGNS)],
  'an id of 10 kB': [
    { address: `/${'x'.repeat(10_000)}`, body: body({}) },
    invalid('id', 'must have 1 to 512 characters'),
  ],
  'an id of 10 kB in the record': [
    { address: '/a', body: JSON.stringify(record({ id: 'x'.repeat(10_000) })) },
    invalid('id', 'must be a, as in the address, or left out'),
  ],
  'an id of 10 kB to read': [
    { method: 'GET', address: `/${'x'.repeat(10_000)}` },
    { status: 404, code: 'article_not_found' },
  ],
  'an id with NUL to withdraw': [
    { method: 'DELETE', address: '/a%00b' },
    { status: 404, code: 'article_not_found' },
  ],
  'an id that is no UTF-8': [
    { address: '/%ff', body: body({}) },
    { status: 400, code: 'invalid_path' },
  ],
  'an id that is half an escape': [
    { address: '/a%', body: body({}) },
    { status: 400, code: 'invalid_path' },
  ],
  'a list of 10 kB': [
    { method: 'GET', address: `?feed=${'x'.repeat(10_000)}&colour=red` },
    { status: 400, code: 'invalid_query', problems: [expect.objectContaining({ field: 'colour' })] },
  ],
  'a cursor that is no number': [
    { method: 'GET', address: "?cursor=1'%20OR%20'1'='1" },
    { status: 400, code: 'invalid_query', problems: [expect.objectContaining({ field: 'cursor' })] },
  ],
};

/** The service in a process of its own: what it holds up is its own readers, not this test. */
let service: { readonly port: number; readonly key: string };
let child: ReturnType<typeof spawn>;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'feed-publisher-'));
  await put(folder, 'publication.yaml', PUBLICATION);
  await put(folder, 'articles/seed.json', JSON.stringify(record({ id: 'seed', publishedAt: '2020-01-01T00:00:00Z' })));
  const { key } = await keyFor(folder);
  const main = join(import.meta.dirname, '../../src/start.js');
  child = spawn(process.execPath, [main, '--data', folder, '--port', '0', '--host', '127.0.0.1'], {
    env: { ...process.env, METRICS_PORT: 'off' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let out = '';
  for await (const chunk of child.stdout ?? []) {
    out += chunk;
    const port = /:(\d+)\/feeds/.exec(out)?.[1];
    if (port === undefined) continue;
    service = { port: Number(port), key };
    return;
  }
  throw new Error(`the service ended: ${out}`);
});

afterAll(async () => {
  child.kill();
  await once(child, 'close');
  await rm(folder, { recursive: true, force: true });
});

/** CPU seconds of the service until now. */
const work = () => secondsOfWork(child.pid ?? 0);

/** A client that hears an answer even while its own body is still on the way. */
function send({ method = 'PUT', address = '/hostile', headers = {}, body: content }: Hostile): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port: service.port,
        path: `/api/articles${address}`,
        method,
        headers: { Authorization: `Bearer ${service.key}`, ...headers },
        agent: false,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const whole = Buffer.concat(chunks);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: whole, text: whole.toString() });
        });
      },
    );
    asked.on('error', (error) => setTimeout(reject, 200, error)); // an answer may be in before the connection broke
    if (content === undefined || typeof content === 'string' || content instanceof Uint8Array) {
      if (headers.Expect === undefined) asked.end(content);
      else asked.flushHeaders();
      return;
    }
    void (async () => {
      for (const piece of content) {
        if (asked.destroyed) return;
        if (!asked.write(piece)) await Promise.race([once(asked, 'drain'), once(asked, 'close')]).catch(() => {});
      }
      asked.end();
    })();
  });
}

/** Asks for a feed every 50 ms. Ends with the most CPU seconds that the service worked before it answered one. */
function readMeanwhile(): () => Promise<number> {
  const answers: Promise<number>[] = [];
  const timer = setInterval(() => {
    const before = work();
    answers.push(
      ask(service.port, '/feeds/latest.rss').then(({ status }) => (status === 200 ? work() - before : Infinity)),
    );
  }, 50);
  return async () => {
    clearInterval(timer);
    return Math.max(0, ...(await Promise.all(answers)));
  };
}

describe('a hostile request is answered in time while readers go on reading', () => {
  test.each(Object.keys(TABLE))('%s', async (name) => {
    const [hostile, expected] = TABLE[name] ?? [{}, { status: 0 }];
    const worst = readMeanwhile();
    const begin = work();
    const answer = await send({ address: `/case-${Object.keys(TABLE).indexOf(name)}`, ...hostile }).catch(
      (error: Error) => error,
    );
    const took = work() - begin;
    const latency = await worst();

    if (answer instanceof Error) throw answer;
    const { status, headers, text } = answer;
    expect(status, text.slice(0, 500)).toBe(expected.status);
    if (status >= 400) {
      expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
      const { title, code, problems } = JSON.parse(text);
      expect(code).toBe(expected.code);
      expect(title).toMatch(/^.{1,300}$/);
      expect(problems).toEqual(expected.problems);
      expect(text.length, 'an answer nobody could read').toBeLessThan(256 * 1024);
    }
    expect(took).toBeLessThan(MOST_WORK);
    expect(latency).toBeLessThan(MOST_WORK_BEFORE);
  });
});

describe('a reason of a withdrawal', () => {
  test.each([
    ['a header', 'x%0D%0ASet-Cookie:%20a=b%0D%0A%0D%0A<script>'],
    ['what XML forbids', 'a%00%01%08%0B%1F%EF%BF%BEb'],
    ['the end of an element', '</at:comment></at:deleted-entry></feed>'.replaceAll('<', '%3C').replaceAll('>', '%3E')],
    ['broken UTF-8', '%ff%fe'],
  ])('cannot bring in %s', async (_, reason) => {
    const { port, put, remove } = await startApi();
    await put('/a', { body: record() });
    const { status, headers } = await remove(`/a?reason=${reason}`);
    const atom = await ask(port, '/feeds/latest.atom');
    const json = await ask(port, '/feeds/latest.json');

    expect([200, 400, 422]).toContain(status);
    expect(headers).not.toHaveProperty('set-cookie');
    expect([atom.status, feedsmith(atom.text)]).toEqual([200, status === 200 ? [] : [expect.anything()]]);
    expect(atom.headers).not.toHaveProperty('set-cookie');
    expect(() => assertWellFormed(atom.text)).not.toThrow();
    expect(JSON.parse(json.text)._tombstones?.items[0].reason ?? '').not.toMatch(
      /[\u0000-\u0008\u000B\u000C\u000E-\u001F]/,
    );
  });
});

describe('a trickle', () => {
  /** Milliseconds for a whole body of 1,000 bytes. */
  const WITHOUT_DEADLINE = 50_000;

  /** A byte every 50 ms; ends with what the service said, and after how long. */
  async function trickle(head: string): Promise<{ took: number; text: string; feed: Answer }> {
    const api = await startApi({}, { bodyDeadline: 500 });
    const socket = connect(api.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => {});
    const begin = performance.now();
    socket.write(head.replace('KEY', api.key));
    const timer = setInterval(() => socket.write('x'), 50);
    onTestFinished(() => clearInterval(timer));
    const feed = await ask(api.port, '/feeds/latest.rss');
    await once(socket, 'close');
    return { took: performance.now() - begin, text, feed };
  }

  test('ends in the deadline, however long it would go on', async () => {
    const { took, text, feed } = await trickle(
      'PUT /api/articles/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nContent-Length: 1000\r\n\r\n',
    );

    expect(text).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
    expect(text).toMatch(/\r\nConnection: close\r\n/);
    expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n')))).toMatchObject({ status: 408, code: 'request_timeout' });
    expect(feed.status).toBe(200);
    expect(took).toBeGreaterThan(450);
    expect(took).toBeLessThan(WITHOUT_DEADLINE / 2);
  });

  test('within a line of many ends in the deadline as well, behind the answers to those that came', async () => {
    const line = `${JSON.stringify(record())}\n`;
    const { took, text } = await trickle(
      `POST /api/articles HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer KEY\r\nContent-Length: 9999\r\n\r\n${line}`,
    );

    expect(text).toContain('{"line":1,"id":"a","result":"created","revision":1,');
    expect(text).not.toMatch(/\r\n0\r\n\r\n$/); // an answer that ends well would say that all was heard
    expect(took).toBeGreaterThan(450);
    expect(took).toBeLessThan(WITHOUT_DEADLINE / 2);
  });
});

test('a hundred clients that begin a body and send nothing hold nobody up', async () => {
  const sockets = Array.from({ length: 100 }, () => {
    const socket = connect(service.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(
      `PUT /api/articles/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${service.key}\r\nContent-Length: 1000\r\n\r\n{`,
    );
    return socket;
  });
  onTestFinished(() => sockets.forEach((socket) => void socket.destroy()));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const begin = work();
  const { status } = await send({ address: '/meanwhile', body: body({ publishedAt: '2020-01-02T00:00:00Z' }) });

  expect([status, (await ask(service.port, '/feeds/latest.rss')).status]).toEqual([201, 200]);
  expect(work() - begin).toBeLessThan(MOST_WORK_BEFORE);
});
