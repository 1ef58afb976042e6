import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Request, Response } from 'express';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import { documentName } from '../../src/document/cache.ts';
import { represent } from '../../src/document/representation.ts';
import { feedHandlers } from '../../src/http/feeds.ts';
import { createKnownAddresses } from '../../src/http/known-addresses.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { type Answer, ask, dataFolder, PUBLICATION, record, start } from '../helpers.ts';
import { READY_WAY, type Way, watchWays } from './ways.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const NEWSROOM = {
  'publication.yaml': `${PUBLICATION}retired:\n  - { feed: section/sport, movedTo: tag/football }\n  - { feed: ticker }\n`,
  'articles/new.json': JSON.stringify(record({ id: 'new', title: 'New', publishedAt: '2026-11-21T10:00:00Z' })),
  'articles/old.json': JSON.stringify(
    record({ id: 'old', title: 'Old', tags: ['Su ve toprak'], body: '<a href="/media/digits.txt">Digits</a>' }),
  ),
  'articles/late.json': JSON.stringify(record({ id: 'late', title: 'Late', updatedAt: '2026-11-21T12:30:00Z' })),
  'media/digits.txt': '0123456789',
};

async function served(): Promise<number> {
  return (await start(await dataFolder(NEWSROOM), { now: () => NOW })).port;
}

const LINKS = {
  rss: '<https://feeds.news.example/feeds/latest.rss>; rel="self"; type="application/rss+xml"',
  atom: '<https://feeds.news.example/feeds/latest.atom>; rel="self"; type="application/atom+xml"',
  json: '<https://feeds.news.example/feeds/latest.json>; rel="self"; type="application/feed+json"',
};
const FORMATS = ['rss', 'atom', 'json'] as const;

function link(format: (typeof FORMATS)[number]): string {
  const others = FORMATS.filter((other) => other !== format).map((other) => LINKS[other].replace('self', 'alternate'));
  return [LINKS[format], ...others].join(', ');
}

test.each([
  ['rss', 'application/rss+xml; charset=utf-8'],
  ['atom', 'application/atom+xml; charset=utf-8'],
  ['json', 'application/feed+json; charset=utf-8'],
] as const)('latest.%s is answered with these headers and no others', async (format, type) => {
  const { status, headers, body } = await ask(await served(), `/feeds/latest.${format}`);
  const { date, connection, etag, ...rest } = headers;

  expect(status).toBe(200);
  expect(etag).toMatch(/^"[\w-]{16}\.(?:[\w-]{4}){3}"$/);
  expect(rest).toEqual({
    'access-control-allow-origin': '*',
    'access-control-expose-headers': 'ETag, IM, Last-Modified, Link, Retry-After, Content-Length',
    'cache-control': 'public, max-age=60, stale-while-revalidate=1, stale-if-error=86400',
    'content-length': String(body.length),
    'content-type': type,
    'last-modified': 'Sat, 21 Nov 2026 12:30:00 GMT',
    link: link(format),
    vary: 'Accept-Encoding, A-IM',
    'x-content-type-options': 'nosniff',
  });
});

describe.each(['identity', 'br', 'zstd', 'gzip'])('in %s', (coding) => {
  test.each(FORMATS)('a 304 for latest.%s says what its 200 says, but nothing of the content', async (format) => {
    const port = await served();
    const headers = { 'Accept-Encoding': coding };
    const whole = await ask(port, `/feeds/latest.${format}`, { headers });
    const again = await ask(port, `/feeds/latest.${format}`, {
      headers: { ...headers, 'If-None-Match': String(whole.headers.etag), 'Cache-Control': 'no-cache' },
    });
    const { date, ...said } = again.headers;
    const {
      date: _,
      'content-type': type,
      'content-length': length,
      'content-encoding': encoding,
      link,
      ...expected
    } = whole.headers;

    expect([type, length, encoding ?? 'identity']).toEqual([expect.any(String), String(whole.body.length), coding]);
    expect(link).toContain('rel="self"');
    expect(again.status).toBe(304);
    expect(said).toEqual(expected);
    expect(again.body).toHaveLength(0);
  });

  test.each([
    '/feeds/latest.rss',
    '/feeds/latest.atom',
    '/feeds/latest.json',
    '/feeds/tag/su-ve-toprak.rss',
    '/feeds/section/sport.rss',
    '/feeds/ticker.rss',
    '/feeds/unknown.rss',
    '/feeds/%.rss',
    '/feed',
    '/nothing',
    '/media/digits.txt',
    '/media/missing.txt',
  ])('HEAD %s has the status and headers of GET, and no body', async (path) => {
    const port = await served();
    const headers = { 'Accept-Encoding': coding };
    const get = await ask(port, path, { headers });
    const head = await ask(port, path, { method: 'HEAD', headers });

    expect(head.status).toBe(get.status);
    expect({ ...head.headers, date: '' }).toEqual({ ...get.headers, date: '' });
    expect(head.headers['content-length']).toBe(String(get.body.length));
    expect(head.body).toHaveLength(0);
  });
});

test.each([
  ['GET', '/feeds/latest.rss', {}, 200],
  ['HEAD', '/feeds/latest.rss', {}, 200],
  ['GET', '/media/digits.txt', {}, 200],
  ['OPTIONS', '/feeds/latest.rss', {}, 204],
  ['GET', '/media/digits.txt', { Range: 'bytes=0-0' }, 206],
  ['GET', '/feeds/latest.rss', { 'If-None-Match': '*' }, 304],
  ['GET', '/media/digits.txt', { 'If-Modified-Since': 'Fri, 01 Jan 2100 00:00:00 GMT' }, 304],
  ['GET', '/feed', {}, 308],
  ['GET', '/feeds/section/sport.rss', {}, 308],
  ['GET', '/feeds/%.rss', {}, 400],
  ['GET', '/feeds/unknown.rss', {}, 404],
  ['GET', '/nothing', {}, 404],
  ['GET', '/media/missing.txt', {}, 404],
  ['POST', '/feeds/latest.rss', {}, 405],
  ['GET', '/feeds/latest.rss', { 'Accept-Encoding': '*;q=0' }, 406],
  ['GET', '/feeds/ticker.rss', {}, 410],
  ['GET', '/feeds/latest.rss', { 'If-Match': '"other"' }, 412],
] as const)('%s %s %o → %i, open to every page and of no guessed type', async (method, path, headers, status) => {
  const answer = await ask(await served(), path, { method, headers });

  expect([
    answer.status,
    answer.headers['access-control-allow-origin'],
    answer.headers['x-content-type-options'],
    answer.headers['x-powered-by'],
  ]).toEqual([status, '*', 'nosniff', undefined]);
});

test('the newest article comes first, and a correction moves nothing', async () => {
  const { text } = await ask(await served(), '/feeds/latest.json');

  expect(titles(text).slice(0, 1)).toEqual(['New']);
  expect(titles(text).sort()).toEqual(['Late', 'New', 'Old']);
});

test('a newsroom without articles has an empty feed', async () => {
  const folder = await dataFolder();
  const { port } = await start(folder, { now: () => NOW });
  const json = await ask(port, '/feeds/latest.json');
  const atom = await ask(port, '/feeds/latest.atom');

  expect([json.status, atom.status]).toEqual([200, 200]);
  expect(titles(json.text)).toEqual([]);
  expect(json.headers['last-modified']).toBe('Thu, 01 Jan 1970 00:00:00 GMT');
});

test('a query changes neither bytes nor tag', async () => {
  const port = await served();
  const plain = await ask(port, '/feeds/latest.rss');
  const asked = await ask(port, '/feeds/latest.rss?_=1764&utm_source=x');

  expect(asked.headers.etag).toBe(plain.headers.etag);
  expect(asked.body.equals(plain.body)).toBe(true);
});

test('whatever its query, an address that was answered is at hand', async () => {
  const port = await served();
  const ways = watchWays();
  const addresses = [
    '/feeds/latest.rss?_=1',
    '/feeds/latest.rss?_=2',
    '/feeds/latest.rss',
    `/feeds/latest.rss?${'x'.repeat(1000)}`,
  ];
  const answers: Answer[] = [];
  for (const address of addresses) answers.push(await ask(port, address));

  expect(ways()).toEqual<Way[]>(['Express', READY_WAY, READY_WAY, READY_WAY]);
  expect(
    new Set(answers.map(({ status, headers, text }) => JSON.stringify([status, headers.etag, headers.link, text])))
      .size,
  ).toBe(1);
});

test('an address that was answered is at hand in any case of letters, and with a host', async () => {
  const port = await served();
  const ways = watchWays();
  const addresses = [
    '/Feeds/latest.rss',
    '/feeds/latest.rss',
    '/FEEDS/latest.rss?_=1',
    'http://a.example/feeds/latest.rss',
  ];
  const answers: Answer[] = [];
  for (const address of addresses) answers.push(await ask(port, address));

  expect(ways()).toEqual<Way[]>(['Express', READY_WAY, READY_WAY, READY_WAY]);
  expect(new Set(answers.map(({ status, headers, text }) => JSON.stringify([status, headers.etag, text]))).size).toBe(
    1,
  );
});

test('who makes up addresses by the ten thousand has none forgotten that is asked for meanwhile', async () => {
  const representations = represent({
    feed: { key: 'latest', title: 'T', description: 'D', language: 'en', entries: 50, content: 'full' },
    format: 'rss',
    bytes: Buffer.from('<rss/>'),
    entries: [],
    changedAt: NOW,
  });
  const store = openSqliteStore(':memory:');
  onTestFinished(() => store.close());
  const knownAddresses = createKnownAddresses();
  const { feed } = feedHandlers({
    publication: parsePublication(PUBLICATION, 'publication.yaml'),
    store,
    documentCache: { get: async () => representations },
    knownAddresses,
    now: () => NOW,
    refuseOverdrawn: () => {},
    keepSlot: () => {},
    answerOldAddress: async () => false,
  });
  const asked = (url: string) => Object.assign(new IncomingMessage(new Socket()), { method: 'HEAD', url });
  const answer = async (url: string) => {
    const request = Object.assign(asked(url), { path: url, params: { path: ['latest.rss'] } });
    await feed(
      request as unknown as Request<{ path: string[] }>,
      new ServerResponse(request) as unknown as Response,
      () => {},
    );
  };
  const spelt = (number: number) => `/feeds/${number}/latest.rss`;
  await answer('/feeds/latest.rss');
  for (let number = 0; number < 60_000; number += 1) {
    await answer(spelt(number));
    if (number % 1000 === 0) expect(knownAddresses.documentAt(`/feeds/latest.rss?_=${number}`)).toBeDefined();
  }

  expect(knownAddresses.documentAt('/feeds/latest.rss')).toBe(documentName('latest', 'rss'));
  expect([0, 59_999].map((number) => knownAddresses.has(spelt(number)))).toEqual([false, true]);
});

function titles(feed: string): string[] {
  return JSON.parse(feed).items.map((item: { title: string }) => item.title);
}
