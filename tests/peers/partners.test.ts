// @module-tag soak
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { OutgoingHttpHeaders } from 'node:http';
import { describe, expect } from 'vitest';
import { type Answer, ask, dataFolder, decoded, put, record, start } from '../helpers.ts';
import { basic, bearer, partnerKey, revoke } from '../http/partners.ts';
import { sized } from '../soak/sizes.ts';
import { startNginx } from './nginx.ts';
import { watchOrigin } from './origin.ts';
import type { Server } from './processes.ts';
import { peerTest } from './programs.ts';
import { startVarnish } from './varnish.ts';

interface Front {
  readonly name: string;
  readonly program: string;
  /** Whether it leaves conditions and codings of partners alone, as docs/deploy.md has it do. */
  readonly passes: boolean;
  readonly start: (originPort: number) => Promise<Server>;
}

const documented: readonly Front[] = [
  {
    name: 'nginx with the lines of docs/deploy.md',
    program: 'nginx',
    passes: true,
    start: (port) => startNginx(port, { site: siteOfDocumentation }),
  },
  {
    name: 'Varnish with the lines of docs/deploy.md',
    program: 'varnishd',
    passes: true,
    start: (port) => startVarnish(port, { lines: linesFor('vcl')[0] ?? '' }),
  },
];
const allFronts: readonly Front[] = [
  ...documented,
  { name: 'nginx that caches every address', program: 'nginx', passes: false, start: (port) => startNginx(port) },
  {
    name: 'nginx that caches every status, by the path alone',
    program: 'nginx',
    passes: false,
    start: (port) => startNginx(port, { ignoresVary: true, isCareless: true }),
  },
  { name: 'Varnish', program: 'varnishd', passes: false, start: (port) => startVarnish(port) },
];
const fronts = sized({ short: documented, soak: allFronts, full: allFronts });

/** The blocks of a language on the page docs/deploy.md. */
function linesFor(language: string): string[] {
  const page = readFileSync(new URL('../../docs/deploy.md', import.meta.url), 'utf8');
  return [...page.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, lines = '']) => lines);
}

/** The configuration of docs/deploy.md with its cache, without TLS. */
function siteOfDocumentation(port: number, originPort: number): string {
  const [site = '', outside = '', inside = ''] = linesFor('nginx');
  const [withTls = ''] = site.split(/\nserver \{\n {4}listen 80;/);
  const plain = withTls
    .replace(/ {4}ssl_.*\n/g, '')
    .replace(/ {4}listen \[.*\n/, '')
    .replace('listen 443 ssl http2', `listen 127.0.0.1:${port}`)
    .replace('127.0.0.1:8080', `127.0.0.1:${originPort}`)
    .replace('    location / {', `${inside}\n$&`);
  const configuration = outside.replace('/var/cache/nginx/feeds', 'cache') + plain;
  expect(configuration).not.toMatch(/\b443\b|\/etc\/|\/var\/|\b8080\b/);
  return configuration;
}

const WIRE = 'name: Wire\ndialect: plain\nfeeds: [latest]\n';
const LONG = `<p>${'The river rose in the night. '.repeat(200)}</p>`;

/** Two partners, a service, and a server in front of it. */
async function publishBehind(front: Front) {
  const folder = await dataFolder({
    'partners/wire.yaml': WIRE,
    'partners/post.yaml': WIRE,
    'articles/a.json': JSON.stringify(record({ body: LONG })),
  });
  let ahead = 0;
  const service = await start(folder, { now: () => Date.now() + ahead });
  ahead = 60_000; // Last-Modified is sent when its second has come
  const origin = await watchOrigin(service.port);
  const { port } = await front.start(origin.port);
  return { folder, origin, port };
}

interface Way {
  readonly name: string;
  /** The status without the right key. */
  readonly refusal: number;
  readonly path: (key: string) => string;
  readonly headers: (key: string) => OutgoingHttpHeaders;
  /** The form of the key in a request. */
  readonly form: (key: string) => string;
}

const HEADER = { refusal: 401, path: () => '/partners/wire/latest.rss' };
const WAYS: readonly Way[] = [
  { ...HEADER, name: 'Bearer', headers: bearer, form: (key) => key },
  { ...HEADER, name: 'Basic', headers: (key) => basic('any', key), form: (key) => btoa(`any:${key}`) },
  {
    name: 'the path',
    refusal: 404,
    path: (key) => `/partners/wire/${key}/latest.rss`,
    headers: () => ({}),
    form: (key) => key,
  },
];

function digestOf({ body }: Answer): string {
  return `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
}

/** Everything of an answer, as text. */
const textOf = (answer: Answer) => `${JSON.stringify(answer.headers)}\n${decoded(answer)}`;

for (const front of fronts) {
  describe(`behind ${front.name}`, () => {
    peerTest(front.program, 'nobody gets what a partner has fetched, whatever the way of the key', async () => {
      const { folder, origin, port } = await publishBehind(front);
      const { key } = await partnerKey(folder, 'wire');
      const { key: other } = await partnerKey(folder, 'post');
      for (const { name, refusal, path, headers, form } of WAYS) {
        const get = (by: string | undefined, more: OutgoingHttpHeaders = {}) =>
          ask(port, by === undefined ? HEADER.path() : path(by), {
            headers: { ...(by === undefined ? {} : headers(by)), ...more },
          });
        const before = origin.exchanges.length;
        const answers: Answer[] = [];
        for (const by of [key, undefined, other, key, `${key}x`, key]) answers.push(await get(by));

        expect(
          answers.map(({ status }) => status),
          name,
        ).toEqual([200, 401, refusal, 200, refusal, 200]);
        expect(origin.exchanges.length - before, name).toBe(answers.length);
        const own = answers.filter(({ status }) => status === 200);
        for (const answer of own) expect(answer.headers['cache-control'], name).toBe('private, no-cache');
        // The key is in the one place of the request to the service where its owner has put it, and in no answer.
        for (const head of origin.heads.slice(-1)) expect(head.split(form(key)), name).toHaveLength(2);
        for (const answer of answers) expect(textOf(answer), name).not.toContain(key);
      }
    });

    peerTest(front.program, 'conditions get their 304, and every coding has its Repr-Digest', async () => {
      const { folder, origin, port } = await publishBehind(front);
      const { key } = await partnerKey(folder, 'wire');
      for (const { name, path, headers } of WAYS) {
        for (const coding of ['identity', 'gzip', 'br']) {
          const get = (more: OutgoingHttpHeaders = {}) =>
            ask(port, path(key), { headers: { ...headers(key), 'Accept-Encoding': coding, ...more } });
          const whole = await get();
          const { etag, 'last-modified': date, 'repr-digest': digest } = whole.headers;
          const conditional = [await get({ 'If-None-Match': etag }), await get({ 'If-Modified-Since': date })];

          expect([whole.status, decoded(whole).includes('The river rose')], name).toEqual([200, true]);
          if (!front.passes) continue;
          expect(whole.headers['content-encoding'] ?? 'identity', name).toBe(coding);
          expect(digest, `${name} ${coding}`).toBe(digestOf(whole));
          expect(
            conditional.map((answer) => [answer.status, answer.headers.etag, answer.headers['repr-digest']]),
            `${name} ${coding}`,
          ).toEqual([
            [304, etag, undefined],
            [304, etag, undefined],
          ]);
          expect(origin.exchanges.slice(-3).map(({ status }) => status)).toEqual([200, 304, 304]);
        }
      }
    });

    peerTest(front.program, 'a revoked key fails at the next request', async () => {
      const { folder, port } = await publishBehind(front);
      for (const { name, refusal, path, headers } of WAYS) {
        const { id, key } = await partnerKey(folder, 'wire');
        const get = (more: OutgoingHttpHeaders = {}) => ask(port, path(key), { headers: { ...headers(key), ...more } });
        const { status, headers: first } = await get();
        await revoke(folder, id);
        const after = [await get(), await get({ 'If-None-Match': first.etag })];

        expect([status, ...after.map((answer) => answer.status)], name).toEqual([200, refusal, refusal]);
      }
    });

    if (!front.passes) return; // the time limits are the same
    peerTest(front.program, 'a poll waits, within the time limits that the server has by default', async () => {
      const { folder, port } = await publishBehind(front);
      const { key } = await partnerKey(folder, 'wire');
      const poll = async (query: string) => {
        const { status, text } = await ask(port, `/partners/wire/changes?${query}`, { headers: bearer(key) });
        expect(status, text).toBe(200);
        return JSON.parse(text);
      };
      const { cursor } = await poll('');
      const wait = sized({ short: 2, soak: 15, full: 59 });
      expect(await poll(`since=${cursor}&wait=${wait}`)).toMatchObject({ items: [], hasMore: false });

      const waiting = poll(`since=${cursor}&wait=59`);
      await put(folder, 'articles/b.json', JSON.stringify(record({ id: 'b', title: 'Another' })));
      expect((await waiting).items).toMatchObject([{ change: 'published', item: { title: 'Another' } }]);
    });
  });
}
