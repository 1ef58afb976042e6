import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, ask, dataFolder, decoded, makeFolder, PUBLICATION, record, serving, start } from '../helpers.ts';
import { clientOf, NOW, SECOND } from './api.ts';

const ALL = `${PUBLICATION}timeZone: Asia/Baghdad
feeds:
  - { id: rivers, title: Rivers, description: About water., select: { any: [tag/water] } }
retired:
  - { feed: section/old, movedTo: section/world }
  - { feed: section/gone }
`;

const FILES = {
  'publication.yaml': ALL,
  'articles/a.json': JSON.stringify(
    record({
      title: 'Snow on the pass',
      sections: ['World'],
      tags: ['Water', 'ژینگە', 'C++'],
      authors: [{ name: 'Iğdır Çelik' }],
      summary: 'A dry winter.',
    }),
  ),
  'articles/b.json': JSON.stringify(record({ id: 'b', url: '/b', title: 'باران', language: 'ckb', tags: ['Water'] })),
};

/** What a page shows to be copied into other files. */
function linesToPaste(text: string): string[] {
  const shown = [...text.replaceAll('<wbr>', '').matchAll(/<pre tabindex="0">([^<]*)<\/pre>/g)].map(
    ([, lines = '']) => lines,
  );
  return shown.map((lines) => lines.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"'));
}

/** The same bytes of time for a browser, and for a reader that accepts anything. */
const BROWSER = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

describe('a service with pages', () => {
  let port = 0;
  let close = async () => {};
  beforeAll(async () => {
    const service = await serving(await makeFolder(FILES), { now: () => NOW, storeFile: ':memory:' });
    ({ port, close } = service);
  });
  afterAll(() => close());
  const get = (path: string, headers: Readonly<Record<string, string>> = {}) => ask(port, path, { headers });

  test.each([
    ['/', 'Feeds · The Test Post'],
    ['/?utm_source=x', 'Feeds · The Test Post'],
    ['/?q=', 'Feeds · The Test Post'],
    ['/?q=%20%09', 'Feeds · The Test Post'],
    ['/feeds/latest', 'Everything, as it appears · The Test Post'],
    ['/feeds/latest?_=1', 'Everything, as it appears · The Test Post'],
    ['/FEEDS/latest', 'Everything, as it appears · The Test Post'],
    ['/feeds/section/world', 'World · The Test Post'],
    ['/feeds/tag/%DA%98%DB%8C%D9%86%DA%AF%DB%95', 'ژینگە · The Test Post'],
    ['/feeds/rivers', 'Rivers · The Test Post'],
    ['/feeds/language/ckb', 'کوردیی ناوەندی · The Test Post'],
  ])('%s is the page “%s”', async (path, title) => {
    const { status, headers, text } = await get(path);

    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(/<title>(.*)<\/title>/.exec(text)?.[1]).toBe(title);
  });

  test.each([
    ['/feeds/latest', 'The Test Post', 'https://feeds.news.example/feeds/latest.rss'],
    ['/feeds/section/world', 'World', 'https://feeds.news.example/feeds/section/world.rss'],
  ])('%s shows its address, and lines for the head of other pages', async (path, title, address) => {
    const { text } = await get(path);
    const shown = /<code class="address" id="address">(.*?)<\/code>/.exec(text)?.[1]?.replaceAll('<wbr>', '');
    expect(shown).toBe(address);
    const lines = (['rss+xml RSS rss', 'atom+xml Atom atom', 'feed+json JSON json'] as const).map((format) => {
      const [type, name, ending] = format.split(' ');
      return `<link rel="alternate" type="application/${type}" title="${title} (${name})" href="${address.replace(/rss$/, ending ?? '')}">`;
    });
    expect(linesToPaste(text)[0]).toBe(lines.join('\n'));
    expect(text).toContain(`https://feedly.com/i/subscription/feed/${encodeURIComponent(address)}`);
  });

  test('the page of all stories has the lines for the robots.txt of the site, and says where they go', async () => {
    const { text } = await get('/feeds/latest');
    const sitemaps = ['sitemap', 'news-sitemap'].map((name) => `Sitemap: https://feeds.news.example/${name}.xml`);
    expect(linesToPaste(text).slice(1)).toEqual([sitemaps.join('\n')]);
    expect(text).toContain('Put these lines into <bdi dir="ltr">https://news.example/robots.txt</bdi>, and');
    expect(linesToPaste((await get('/feeds/section/world')).text)).toHaveLength(1);
  });

  test.each(['/', '/?q=w', '/nothing/here', '/feeds/tag/nothing'])(
    '%s names the feed of all stories in each format for readers and browsers',
    async (path) => {
      const { text } = await get(path, { Accept: 'text/html' });
      const links = [...text.matchAll(/<link rel="alternate" type="([^"]+)" title="([^"]+)" href="([^"]+)">/g)];
      expect(links.map(([, ...parts]) => parts.join(' '))).toEqual([
        'application/rss+xml The Test Post (RSS) https://feeds.news.example/feeds/latest.rss',
        'application/atom+xml The Test Post (Atom) https://feeds.news.example/feeds/latest.atom',
        'application/feed+json The Test Post (JSON) https://feeds.news.example/feeds/latest.json',
      ]);
    },
  );

  test('the page of all feeds leads to them in one file', async () => {
    expect((await get('/')).text).toContain('<a href="feeds.opml" type="text/x-opml">All feeds in one file (OPML)</a>');
  });

  test('a page has the headers of a feed, and a policy that loads nothing from elsewhere', async () => {
    const [page, feed] = [await get('/feeds/latest'), await get('/feeds/latest.rss')];
    const { etag, 'last-modified': date, 'cache-control': caching, link } = page.headers;

    expect(caching).toBe(feed.headers['cache-control']);
    expect(date).toBe(feed.headers['last-modified']);
    expect(etag).toMatch(/^"[\w-]{16}"$/);
    expect(link).toBe(
      [
        '<https://feeds.news.example/feeds/latest.rss>; rel="alternate"; type="application/rss+xml"',
        '<https://feeds.news.example/feeds/latest.atom>; rel="alternate"; type="application/atom+xml"',
        '<https://feeds.news.example/feeds/latest.json>; rel="alternate"; type="application/feed+json"',
      ].join(', '),
    );
    expect(page.headers.vary).toBe('Accept-Encoding');
    expect(page.headers['content-security-policy']).toBe(
      "default-src 'none'; style-src 'self'; img-src 'self'; media-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
  });

  describe.each(['/', '/feeds/rivers', '/?q=water'])('%s', (path) => {
    test('has a tag for each coding, and answers 304 to each of them, and to its date', async () => {
      const plain = await get(path);
      for (const coding of ['br', 'zstd', 'gzip', 'identity']) {
        const answer = await get(path, { 'Accept-Encoding': coding });
        expect(decoded(answer)).toEqual(plain.body);
        expect(answer.headers['content-encoding']).toBe(coding === 'identity' ? undefined : coding);
        expect(answer.headers.etag).toBe(
          plain.headers.etag?.replace(/"$/, coding === 'identity' ? '"' : `-${coding}"`),
        );
        const again = await get(path, { 'If-None-Match': answer.headers.etag ?? '' });
        expect([again.status, again.text, again.headers['cache-control']]).toEqual([
          304,
          '',
          answer.headers['cache-control'],
        ]);
      }
      expect((await get(path, { 'If-Modified-Since': plain.headers['last-modified'] ?? '' })).status).toBe(304);
      expect((await get(path, { 'If-None-Match': '"other"' })).status).toBe(200);
      expect((await get(path, { 'If-Match': '"other"' })).status).toBe(412);
    });

    test('answers HEAD as GET, without its content', async () => {
      const [whole, head] = [await get(path), await ask(port, path, { method: 'HEAD' })];
      const { date: _, connection: __, ...headers } = whole.headers;
      expect([head.status, head.text, head.headers]).toEqual([200, '', expect.objectContaining(headers)]);
    });

    test('allows no other method', async () => {
      const { status, headers } = await ask(port, path, { method: 'POST' });
      expect([status, headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS']);
    });
  });

  test('a search page is asked for again by every cache, and found by no search engine', async () => {
    const { headers, text } = await get('/?q=water');
    expect(headers['cache-control']).toBe('no-cache');
    expect(text).toContain('<meta name="robots" content="noindex">');
    expect((await get('/')).text).not.toContain('noindex');
  });

  test.each([
    ['water', ['tag/water']],
    ['WATER', ['tag/water']],
    ['igdir celik', ['author/i%C4%9Fd%C4%B1r-%C3%A7elik']],
    ['celik igdir', ['author/i%C4%9Fd%C4%B1r-%C3%A7elik']],
    ['ژینگه', ['tag/%DA%98%DB%8C%D9%86%DA%AF%DB%95']],
    ['کوردي', ['language/ckb']],
    ['kurdish', ['language/ckb']],
    ['Sorani', ['language/ckb']],
    ['rivers', ['rivers']],
    ['C++', ['tag/c-plus-plus']],
    ['latest', []],
    ['<script>', []],
  ])('a search for %s finds %j', async (q, feeds) => {
    const { status, text } = await get(`/?q=${encodeURIComponent(q)}`);
    const found = [...text.matchAll(/<h3><a href="feeds\/([^"]+)">/g)].map(([, feed]) => feed);

    expect(status).toBe(200);
    const all = [...(await get('/')).text.matchAll(/<h3><a href="feeds\/([^"]+)">/g)].map(([, feed]) => feed);
    expect(all).toContain('latest');
    expect(found).toEqual(feeds.length > 0 ? feeds : all);
    expect([text.includes('Here are all of them.'), text.includes('Show all feeds')]).toEqual([
      feeds.length === 0,
      feeds.length > 0,
    ]);
    expect(text).not.toContain('<script>');
  });

  test('a search is cut, and every text is one', async () => {
    for (const q of ['%', '%FF', `${'x'.repeat(300)}`, '\u0000', '\uD800']) {
      const { status } = await get(`/?q=${q === '%' || q === '%FF' ? q : encodeURIComponent(q.toWellFormed())}`);
      expect(status).toBe(200);
    }
    expect((await get(`/?q=${'x'.repeat(300)}`)).text).toContain(`value="${'x'.repeat(200)}"`);
  });

  test.each([
    ['/feeds/latest/', 308, '../../feeds/latest'],
    ['/feeds/section/world/', 308, '../../../feeds/section/world'],
    ['/feeds/section/old', 308, '../../feeds/section/world'],
  ])('%s → %i %s', async (path, status, location) => {
    const answer = await get(path);
    expect([answer.status, answer.headers.location]).toEqual([status, location]);
    const target = new URL(location, `http://x${path}`).pathname;
    expect((await get(target)).status).toBe(200);
  });

  test.each([
    ['/feeds/section/gone', 410, 'This feed has ended.', '../../'],
    ['/feeds/section/unknown', 404, 'There is nothing at this address.', '../../'],
    ['/feeds/unknown', 404, 'There is nothing at this address.', '../'],
    ['/feeds/unknown.rss', 404, 'There is nothing at this address.', '../'],
    ['/feeds/', 404, 'There is nothing at this address.', '../'],
    ['/unknown', 404, 'There is nothing at this address.', './'],
  ])('%s tells a person that it is %i', async (path, status, words, home) => {
    const [page, problem] = [await get(path, BROWSER), await get(path, { Accept: '*/*' })];

    expect([page.status, page.headers['content-type']]).toEqual([status, 'text/html; charset=utf-8']);
    expect([page.headers.vary, problem.headers.vary]).toEqual(['Accept', 'Accept']); // a cache has both, under one address
    expect(page.text).toContain(`<h1>${words}</h1>`);
    expect(page.text).toContain(`<a href="${home}">Show all feeds</a>`);
    expect([problem.status, problem.headers['content-type']]).toEqual([
      status,
      'application/problem+json; charset=utf-8',
    ]);
  });

  test.each([
    ['text/html;q=0', 'application/problem+json; charset=utf-8'],
    ['application/rss+xml, */*;q=0.1', 'application/problem+json; charset=utf-8'],
    ['text/html;q=0.5', 'text/html; charset=utf-8'],
  ])('an error for %s is %s', async (Accept, type) => {
    expect((await get('/feeds/unknown', { Accept })).headers['content-type']).toBe(type);
    expect((await get('/api/unknown', { Accept })).headers['content-type']).toBe(
      'application/problem+json; charset=utf-8',
    );
  });

  test('the stylesheet and the script are kept for ever, and an old page still gets them', async () => {
    const { text } = await get('/feeds/section/world');
    const [style = '', script = ''] = [...text.matchAll(/(?:href|src)="(\.\.\/\.\.\/pages\/[^"]+)"/g)].map(
      ([, path = '']) => new URL(path, 'http://x/feeds/section/world').pathname,
    );
    for (const [path, type] of [
      [style, 'text/css; charset=utf-8'],
      [script, 'text/javascript; charset=utf-8'],
    ]) {
      const answer = await get(path ?? '', { 'Accept-Encoding': 'br' });
      expect([answer.status, answer.headers['content-type']]).toEqual([200, type]);
      expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
      expect((await get(path ?? '', { 'If-None-Match': answer.headers.etag ?? '' })).status).toBe(304);
      const old = await get(path?.replace(/-[\w-]{12}\./, '-AAAAAAAAAAAA.') ?? '');
      expect([old.status, old.headers['cache-control'], old.text]).toEqual([
        200,
        'public, max-age=60',
        decoded(answer).toString(),
      ]);
    }
    expect((await get('/pages/other.css')).status).toBe(404);
    expect((await get('/pages/style-x.css')).status).toBe(404);
  });
});

test('with pages: off, there are none', async () => {
  const { port } = await start(await dataFolder({ ...FILES, 'publication.yaml': `${ALL}pages: off\n` }));
  const problem = (answer: Answer) => JSON.parse(answer.text);

  expect(problem(await ask(port, '/', { headers: BROWSER }))).toMatchObject({ status: 404, code: 'not_found' });
  expect((await ask(port, '/pages/style-AAAAAAAAAAAA.css')).status).toBe(404);
  expect(problem(await ask(port, '/feeds/latest', { headers: BROWSER }))).toMatchObject({
    status: 404,
    detail: 'Use the ending of a format: /feeds/latest.rss, /feeds/latest.atom, /feeds/latest.json',
  });
});

test('every page shows a change in the next answer, and the end of an embargo at its instant', async () => {
  const clock = { now: NOW };
  const { port, put, remove } = await clientOf(await dataFolder(FILES), { now: () => clock.now });
  const pages = ['/', '/feeds/latest', '/feeds/tag/water', '/feeds/rivers', '/?q=water'];
  const see = (path: string) => ask(port, path);
  const until = NOW + 60 * SECOND;
  const before = await Promise.all(pages.map(see));
  const body = record({
    id: 'c',
    url: '/c',
    title: 'Rain',
    tags: ['water', 'rainfall'],
    embargoUntil: new Date(until).toISOString(),
  });

  expect((await put('/c', { body })).status).toBe(201);
  expect((await Promise.all(pages.map(see))).map(({ text }) => text)).toEqual(before.map(({ text }) => text));
  clock.now = until - 1;
  expect((await see('/')).text).not.toContain('rainfall');
  clock.now = until;
  const after = await Promise.all(pages.map(see));
  for (const [index, { text, headers }] of after.entries()) {
    expect(text).toContain('>Rain</a>');
    expect(Date.parse(headers['last-modified'] ?? '')).toBe(until);
    expect(headers.etag).not.toBe(before[index]?.headers.etag);
  }
  expect((await see('/')).text).toContain('rainfall');

  await remove('/c');
  const gone = await Promise.all(pages.map(see));
  expect(gone.map(({ text }) => text)).toEqual(before.map(({ text }) => text));
  expect((await see('/feeds/tag/rainfall')).text).toContain('No story yet.');
});
