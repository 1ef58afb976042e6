import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, dataFolder, makeFolder, PUBLICATION, record, serving, start } from '../helpers.ts';
import { FORMATS, NOW } from './api.ts';

/** A browser that opens a feed's address lands on the feed's page; every other client gets the feed. */

const ALL = `${PUBLICATION}feeds:
  - { id: rivers, title: Rivers, select: { any: [tag/cafe] } }
retired:
  - { feed: section/old, movedTo: section/world }
  - { feed: section/gone }
`;
const FILES = {
  'publication.yaml': ALL,
  'articles/a.json': JSON.stringify(record({ title: 'Ça', sections: ['World'], tags: ['Café'] })),
  'articles/b.json': JSON.stringify(record({ id: 'b', url: '/b', title: 'Rain' })),
  'articles/hidden.json': JSON.stringify(
    record({ id: 'hidden', url: '/h', tags: ['Deal'], embargoUntil: '2026-12-24T10:00:00Z' }),
  ),
};

type Headers = Readonly<Record<string, string | string[]>>;

/** The headers with which Chromium opens an address that a person typed or clicked. */
const BROWSER = {
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Encoding': 'gzip, deflate, br, zstd',
  'Sec-Fetch-Site': 'none',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-User': '?1',
  'Sec-Fetch-Dest': 'document',
};
const { 'Sec-Fetch-Dest': _, ...READER } = BROWSER;

const TYPES = { rss: 'application/rss+xml', atom: 'application/atom+xml', json: 'application/feed+json' };

describe('a service with pages', () => {
  let port = 0;
  let close = async () => {};
  beforeAll(async () => {
    ({ port, close } = await serving(await makeFolder(FILES), { now: () => NOW, storeFile: ':memory:' }));
  });
  afterAll(() => close());
  const get = (path: string, headers: Headers = {}, method = 'GET') => ask(port, path, { headers, method });
  /** An answer without its date. */
  const seen = async (path: string, headers: Headers, method = 'GET') => {
    const { status, headers: all, text } = await get(path, headers, method);
    const { date, connection, ...rest } = all;
    return { status, headers: rest, text };
  };

  test.each([
    ['/feeds/latest.rss', '/feeds/latest'],
    ['/feeds/latest.atom', '/feeds/latest'],
    ['/feeds/latest.json', '/feeds/latest'],
    ['/feeds/latest.rss?utm_source=x', '/feeds/latest'],
    ['/feeds/latest.rss?format=html', '/feeds/latest'],
    ['/feeds/latest.rss?format=rawer', '/feeds/latest'],
    ['/feeds/latest.rss?reformat=raw', '/feeds/latest'],
    ['/feeds/latest.rss?a?format=raw', '/feeds/latest'],
    ['/FEEDS/latest.rss', '/feeds/latest'],
    ['/feeds/rivers.rss', '/feeds/rivers'],
    ['/feeds/section/world.atom', '/feeds/section/world'],
    ['/feeds/tag/caf%C3%A9.json', '/feeds/tag/caf%C3%A9'],
    ['/feeds/tag/cafe%CC%81.rss', '/feeds/tag/caf%C3%A9'],
    ['/feeds/language/en.rss', '/feeds/language/en'],
  ])('a browser that opens %s lands on %s, below the path of a proxy, too', async (path, page) => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await seen(path, BROWSER, method);
      const { location = '', ...headers } = answer.headers;
      expect([answer.status, answer.text, headers]).toEqual([
        303,
        '',
        {
          'access-control-allow-origin': '*',
          'access-control-expose-headers': 'ETag, IM, Last-Modified, Link, Retry-After, Content-Length',
          'x-content-type-options': 'nosniff',
          'cache-control': 'no-store',
          'content-length': '0',
          vary: 'Sec-Fetch-Dest',
        },
      ]);
      expect(new URL(location, `https://proxy.example/press${path}`).href).toBe(`https://proxy.example/press${page}`);
    }
    expect((await get(page, BROWSER)).headers['content-type']).toBe('text/html; charset=utf-8');
  });

  /** A condition is for an answer with content (RFC 9110 §13.2.1), and so is a choice of codings. */
  test.each<Headers>([
    { 'If-None-Match': '*' },
    { 'If-Modified-Since': 'Fri, 01 Jan 2100 00:00:00 GMT' },
    { 'If-Match': '"other"' },
    { 'A-IM': 'feed' },
    { 'Accept-Encoding': '*;q=0' },
    { Range: 'bytes=0-9' },
    { 'Sec-Purpose': 'prefetch;prerender' },
  ])('so does one that sends %o', async (more) => {
    expect((await get('/feeds/latest.rss', { ...BROWSER, ...more })).status).toBe(303);
  });

  /** The value is one token of Structured Fields (RFC 8941 §3.3.4), which is compared exactly. */
  test.each<[string, string | string[]]>([
    ['in a frame', 'iframe'],
    ['in a frame of a frameset', 'frame'],
    ['as an object', 'object'],
    ['as an embedded file', 'embed'],
    ['as a picture', 'image'],
    ['by a program of a page', 'empty'],
    ['by a manifest', 'manifest'],
    ['with another case', 'Document'],
    ['with a parameter', 'document;a=1'],
    ['with a text instead of a token', '"document"'],
    ['with two lines', ['document', 'document']],
    ['with two values', 'empty, document'],
    ['with no value', ''],
  ])('a feed that is requested %s is answered as without the header, to the byte', async (_name, dest) => {
    for (const format of FORMATS) {
      for (const method of ['GET', 'HEAD']) {
        const path = `/feeds/section/world.${format}`;
        const answer = await seen(path, { ...READER, 'Sec-Fetch-Dest': dest }, method);
        expect(answer).toEqual(await seen(path, READER, method));
        expect([answer.status, answer.headers.vary]).toEqual([200, 'Accept-Encoding, A-IM']);
      }
    }
  });

  test.each([
    ['/feeds/unknown.rss', 404],
    ['/feeds/tag/deal.rss', 404], // that of a story under embargo
    ['/feeds/tag/deal.json?format=raw', 404],
    ['/feeds/section/old.rss', 308],
    ['/feeds/section/gone.rss', 410],
    ['/feeds/latest.rss/', 308],
    ['/feeds/latest', 200],
    ['/feeds/latest?format=raw', 200],
    ['/feeds/%.rss', 400],
    ['/', 200],
    ['/feed', 308],
    ['/rss.xml', 308],
    ['/media/a.png', 404],
    ['/healthz', 200],
  ])('%s is answered as without the header', async (path, status) => {
    for (const method of ['GET', 'HEAD']) {
      const answer = await seen(path, BROWSER, method);
      expect(answer).toEqual(await seen(path, READER, method));
      expect(answer.status).toBe(status);
    }
  });

  test('another method than GET and HEAD is answered as without the header', async () => {
    for (const method of ['OPTIONS', 'POST', 'PUT', 'DELETE']) {
      expect(await seen('/feeds/latest.rss', BROWSER, method)).toEqual(await seen('/feeds/latest.rss', READER, method));
    }
  });

  describe.each(FORMATS)('latest.%s?format=raw', (format) => {
    const path = `/feeds/latest.${format}`;
    const raw = `${path}?format=raw`;

    test('is the feed as plain text, for a browser and for anybody', async () => {
      const feed = await seen(path, {});
      const expected = {
        ...feed,
        headers: {
          ...feed.headers,
          'content-type': 'text/plain; charset=utf-8',
          'cache-control': feed.headers['cache-control']?.replace('public', 'private'),
          vary: 'Accept-Encoding',
        },
      };
      expect(feed.headers['content-type']).toBe(`${TYPES[format]}; charset=utf-8`);
      expect(await seen(raw, {})).toEqual(expected);
      expect(await seen(raw, { 'Sec-Fetch-Dest': 'document' })).toEqual(expected);
      expect(await seen(`${path}?_=17&format=raw`, {})).toEqual(expected);
      expect(await seen(raw, {}, 'HEAD')).toEqual({ ...expected, text: '' });
      expect(await seen(path, {})).toEqual(feed);
    });

    test('has a tag for each coding, and answers 304 to each of them, and to its date', async () => {
      for (const coding of ['br', 'zstd', 'gzip', 'identity']) {
        const answer = await get(raw, { ...BROWSER, 'Accept-Encoding': coding });
        expect(answer.headers['content-encoding']).toBe(coding === 'identity' ? undefined : coding);
        const { etag = '', 'last-modified': date = '', vary, 'cache-control': caching } = answer.headers;
        for (const condition of [{ 'If-None-Match': etag }, { 'If-Modified-Since': date }]) {
          const again = await get(raw, { ...BROWSER, 'Accept-Encoding': coding, ...condition });
          expect([again.status, again.text, again.headers]).toEqual([
            304,
            '',
            expect.objectContaining({ etag, 'last-modified': date, vary, 'cache-control': caching }),
          ]);
        }
      }
      expect((await get(raw, { 'If-Match': '"other"' })).status).toBe(412);
    });

    test('has no deltas', async () => {
      const { etag = '' } = (await get(path)).headers;
      const [, name = ''] = /\.([\w-]{4})/.exec(etag) ?? []; // that of the newest entry
      const headers = { 'A-IM': 'feed', 'If-None-Match': `"${'A'.repeat(16)}.${name}"` };
      expect((await get(path, headers)).status).toBe(226);
      expect(await seen(raw, headers)).toEqual(await seen(raw, {}));
      expect((await get(raw, { 'A-IM': 'feed', 'If-None-Match': etag })).status).toBe(304);
    });
  });

  test('a page leads to its feed as it is', async () => {
    for (const [page, feed] of [
      ['/feeds/rivers', '/feeds/rivers.rss'],
      ['/feeds/tag/caf%C3%A9', '/feeds/tag/caf%C3%A9.rss'],
    ] as const) {
      const { text } = await get(page);
      const [, href = ''] = /<a href="([^"]*)" rel="nofollow">See the raw feed<\/a>/.exec(text) ?? [];
      const { pathname, search } = new URL(href, `http://a.example${page}`);
      expect(pathname + search).toBe(`${feed}?format=raw`);
    }
  });
});

test('with pages: off, a browser gets the feed', async () => {
  const folder = await dataFolder({ ...FILES, 'publication.yaml': `${ALL}pages: off\n` });
  const { port } = await start(folder, { now: () => NOW });
  for (const [path, type] of [
    ['/feeds/latest.rss', 'application/rss+xml'],
    ['/feeds/latest.rss', 'application/rss+xml'],
    ['/feeds/latest.rss?format=raw', 'text/plain'],
  ] as const) {
    const { status, headers } = await ask(port, path, { headers: BROWSER });
    expect([status, headers['content-type'], headers.location]).toEqual([200, `${type}; charset=utf-8`, undefined]);
  }
});
