import { parseFeed } from 'feedsmith';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, ask, makeFolder, PUBLICATION, record, serving } from '../helpers.ts';
import { clientOf, FORMATS, NOW, SECOND, startApi } from './api.ts';

/** So few entries that ten stories make three pages, of the stories 0 to 2, 3 to 5 and 6 to 8. */
const YAML = `${PUBLICATION}entries: 3
feeds:
  - { id: section, title: A feed named section }
  - { id: long, title: Long, entries: 4 }
retired:
  - { feed: section/old, movedTo: section/world }
  - { feed: section/gone }
`;
const MINUTE = 60 * SECOND;
const STORIES = 10;
const iso = (moment: number) => new Date(moment).toISOString();

function story(number: number, fields: object = {}): Readonly<Record<string, unknown>> {
  const publishedAt = iso(NOW - (1000 - number) * MINUTE);
  return record({
    id: `s${number}`,
    url: `/s${number}`,
    title: `Story ${number}`,
    sections: ['World'],
    publishedAt,
    ...fields,
  });
}

const FILES = {
  'publication.yaml': YAML,
  ...Object.fromEntries(
    Array.from({ length: STORIES }, (_, number) => [`articles/s${number}.json`, JSON.stringify(story(number))]),
  ),
};

const numbersIn = (text: string) =>
  [...text.matchAll(/\bs(\d+)<\/guid>|2026:s(\d+)<\/id>|"id":"[^"]*:s(\d+)"/g)].map((found) =>
    Number(found[1] ?? found[2] ?? found[3]),
  );

/** The links of a document to others, by their relations. */
function linksIn({ text }: Answer): Record<string, string> {
  const links = [...text.matchAll(/<(?:atom:)?link rel="((?!alternate)[a-z-]+)" type="[^"]+" href="([^"]+)"\/>/g)];
  const next = /"next_url":"([^"]+)"/.exec(text)?.[1];
  const found = Object.fromEntries(links.map(([, relation = '', href = '']) => [relation, href]));
  return next === undefined ? found : { ...found, next_url: next };
}

describe('a service with archives', () => {
  let port = 0;
  let close = async () => {};
  beforeAll(async () => {
    const service = await serving(await makeFolder(FILES), { now: () => NOW, storeFile: ':memory:' });
    ({ port, close } = service);
  });
  afterAll(() => close());
  const get = (path: string, headers: Readonly<Record<string, string>> = {}) => ask(port, path, { headers });

  test.each(FORMATS)('leads from the current document in %s to the first story, and back', async (format) => {
    const root = 'https://feeds.news.example';
    const page = (number: number) => `${root}/feeds/section/world/archive/${number}.${format}`;
    const answers: Answer[] = [];
    let next: string | undefined = `${root}/feeds/section/world.${format}`;
    while (next !== undefined) {
      const answer: Answer = await get(next.slice(root.length));
      expect(answer.status, next).toBe(200);
      answers.push(answer);
      next = linksIn(answer)[format === 'json' ? 'next_url' : 'prev-archive'];
    }

    expect(answers.map(({ text }) => numbersIn(text))).toEqual([
      [9, 8, 7],
      [8, 7, 6],
      [5, 4, 3],
      [2, 1, 0],
    ]);
    if (format === 'json') {
      expect(answers.map(linksIn)).toEqual([{ next_url: page(3) }, { next_url: page(2) }, { next_url: page(1) }, {}]);
      return;
    }
    const current = `${root}/feeds/section/world.${format}`;
    expect(answers.map(linksIn)).toEqual([
      { 'prev-archive': page(3) },
      { current, 'prev-archive': page(2), 'next-archive': page(4) },
      { current, 'prev-archive': page(1), 'next-archive': page(3) },
      { current, 'next-archive': page(2) },
    ]);
    const archive = '<fh:archive xmlns:fh="http://purl.org/syndication/history/1.0"/>';
    expect(answers.map(({ text }) => text.includes(archive))).toEqual([false, true, true, true]);
    for (const { text } of answers) {
      expect(text).not.toContain('fh:complete');
      expect(parseFeed(text).format).toBe(format);
    }
    const forward = await get(`/feeds/section/world/archive/4.${format}`);
    expect([forward.status, forward.headers.location, forward.headers['cache-control']]).toEqual([
      307,
      `../../../../feeds/section/world.${format}`,
      'no-store',
    ]);
  });

  test.each(FORMATS)('a feed that has everything says so in %s, as far as the format can', async (format) => {
    const { text } = await get(`/feeds/language/en.${format}`);
    const alone = await startApi({ 'publication.yaml': YAML });
    for (const number of [1, 2, 3]) await alone.put(`/s${number}`, { body: story(number) });
    const complete = await ask(alone.port, `/feeds/latest.${format}`);

    expect(text).not.toContain('fh:complete');
    expect(complete.text.includes('<fh:complete xmlns:fh="http://purl.org/syndication/history/1.0"/>')).toBe(
      format !== 'json',
    );
    expect(linksIn(complete)).toEqual({});
    await alone.put('/s4', { body: story(4) });
    expect((await ask(alone.port, `/feeds/latest.${format}`)).text).not.toContain('fh:complete');
  });

  test.each(FORMATS)('a page in %s is cached as every feed is, without deltas', async (format) => {
    const path = `/feeds/latest/archive/2.${format}`;
    const [page, feed] = [await get(path), await get(`/feeds/latest.${format}`)];
    const tag = page.headers.etag ?? '';
    const since = page.headers['last-modified'] ?? '';

    expect(page.headers['cache-control']).toBe(feed.headers['cache-control']);
    expect(page.headers['cache-control']).toMatch(
      /^public, max-age=\d+, stale-while-revalidate=1, stale-if-error=86400$/,
    );
    expect([page.headers.vary, page.headers['content-type']]).toEqual([
      'Accept-Encoding',
      feed.headers['content-type'],
    ]);
    expect(page.headers.link).toContain(`<https://feeds.news.example/feeds/latest/archive/2.${format}>; rel="self"`);
    expect(page.headers.link).toContain(`<https://feeds.news.example/feeds/latest.${format}>; rel="current"`);
    for (const headers of [{ 'If-None-Match': tag }, { 'If-Modified-Since': since }])
      expect((await get(path, headers)).status).toBe(304);
    for (const coding of ['gzip', 'br', 'zstd'])
      expect((await get(path, { 'Accept-Encoding': coding })).headers['content-encoding']).toBe(coding);
    const delta = await get(path, { 'A-IM': 'feed', 'If-None-Match': '"x"' });
    expect([delta.status, delta.headers.im, delta.headers.vary]).toEqual([200, undefined, 'Accept-Encoding']);
    const head = await ask(port, path, { method: 'HEAD' });
    expect([head.status, head.headers.etag, head.text]).toEqual([200, tag, '']);
  });

  test.each([
    ['latest/archive/5', 'The archive of the feed latest has no page “5”.'],
    ['latest/archive/0', 'The archive of the feed latest has no page “0”.'],
    ['latest/archive/01', 'The archive of the feed latest has no page “01”.'],
    ['latest/archive/-1', 'The archive of the feed latest has no page “-1”.'],
    ['latest/archive/1e1', 'The archive of the feed latest has no page “1e1”.'],
    ['latest/archive/1%201', 'The archive of the feed latest has no page “1 1”.'],
    ['latest/archive/99999999999999999999', 'The archive of the feed latest has no page “99999999999999999999”.'],
    ['latest/archive/constructor', 'The archive of the feed latest has no page “constructor”.'],
    ['section/none/archive/1', 'There is no feed section/none.'],
    ['none/archive/1', 'There is no feed none.'],
    ['latest/archive/1/2', 'There is no feed latest/archive/1/2.'],
    ['section/archive', 'There is no feed section/archive.'],
  ])('there is nothing at /feeds/%s', async (path, title) => {
    for (const format of FORMATS) {
      const { status, headers, text } = await get(`/feeds/${path}.${format}`);
      expect([status, headers['cache-control'], JSON.parse(text).title]).toEqual([404, 'no-store', title]);
    }
    const page = await get(`/feeds/${path}`, { Accept: 'text/html' });
    expect([page.status, page.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
  });

  test('the hint leads to where the archive begins', async () => {
    const { text } = await get('/feeds/section/world/archive/9.atom');
    expect(JSON.parse(text).detail).toBe('Begin at /feeds/section/world.atom, and follow its links to older pages.');
  });

  test.each([
    ['/feeds/section/old/archive/1.rss', 308, '../../../../feeds/section/world.rss'],
    ['/feeds/section/old/archive/1', 308, '../../../../feeds/section/world'],
    ['/feeds/section/gone/archive/1.rss', 410, undefined],
    ['/feeds/latest/archive/1.rss/', 308, '../../../../feeds/latest/archive/1.rss'],
    ['/feeds/latest/archive/1/', 308, '../../../../feeds/latest/archive/1'],
    ['/feeds/latest/archive/4', 307, '../../../feeds/latest'],
  ])('%s is answered with %i', async (path, status, location) => {
    const answer = await get(path);
    expect([answer.status, answer.headers.location]).toEqual([status, location]);
  });

  test('a browser that opens a page of an archive gets the page for people', async () => {
    const { status, headers } = await get('/feeds/latest/archive/2.rss', { 'Sec-Fetch-Dest': 'document' });
    expect([status, headers.location]).toEqual([303, '../../../feeds/latest/archive/2']);
    const raw = await get('/feeds/latest/archive/2.rss?format=raw', { 'Sec-Fetch-Dest': 'document' });
    expect([raw.status, raw.headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8']);
  });

  test('a feed whose name is a kind of feeds has an archive, and a feed of its own size', async () => {
    expect(numbersIn((await get('/feeds/section/archive/1.rss')).text)).toEqual([2, 1, 0]);
    expect(numbersIn((await get('/feeds/long/archive/1.rss')).text)).toEqual([3, 2, 1, 0]);
  });
});

describe('a change', () => {
  const pages = [1, 2, 3].flatMap((page) => FORMATS.map((format) => `/feeds/latest/archive/${page}.${format}`));

  /** The addresses that a change alters for a client that has all pages, and those whose Last-Modified moves. */
  async function altered(change: (api: Awaited<ReturnType<typeof clientOf>>) => Promise<unknown>) {
    let now = NOW;
    const api = await clientOf(await makeFolder({ 'articles/.keep': '', 'publication.yaml': YAML }), {
      now: () => now,
    });
    for (let number = 0; number < STORIES; number += 1) await api.put(`/s${number}`, { body: story(number) });
    now += 10 * MINUTE;
    const before = new Map<string, Answer>();
    for (const path of pages) before.set(path, await ask(api.port, path));
    await change(api);
    now += 10 * MINUTE;
    const changed = { tags: [] as string[], dates: [] as string[] };
    for (const path of pages) {
      const headers = before.get(path)?.headers ?? {};
      const byTag = await ask(api.port, path, { headers: { 'If-None-Match': headers.etag } });
      const byDate = await ask(api.port, path, { headers: { 'If-Modified-Since': headers['last-modified'] } });
      if (byTag.status === 200) changed.tags.push(path.slice('/feeds/latest/archive/'.length));
      if (byDate.status === 200) changed.dates.push(path.slice('/feeds/latest/archive/'.length));
    }
    return changed;
  }

  const all = (page: number) => FORMATS.map((format) => `${page}.${format}`);

  test.each<[string, Parameters<typeof altered>[0], readonly number[]]>([
    ['a new story', ({ put }) => put('/new', { body: story(990) }), []],
    [
      'five new stories, which close a page',
      async ({ put }) => {
        for (const number of [990, 991, 992, 993, 994])
          await put(`/n${number}`, { body: story(number, { id: `n${number}` }) });
      },
      [],
    ],
    ['a correction', ({ put }) => put('/s4', { body: story(4, { title: 'Corrected' }) }), [2]],
    ['a withdrawal', ({ remove }) => remove('/s1'), [1]],
    [
      'a story that comes late',
      ({ put }) => put('/late', { body: story(4, { id: 'late', publishedAt: iso(NOW - 996.5 * MINUTE) }) }),
      [2],
    ],
    [
      'a story that is older than all',
      ({ put }) => put('/late', { body: story(0, { id: 'late', publishedAt: '1999-01-01T00:00:00Z' }) }),
      [1],
    ],
    [
      'a story under embargo',
      ({ put }) => put('/later', { body: story(0, { id: 'later', embargoUntil: iso(NOW + 900 * MINUTE) }) }),
      [],
    ],
  ])('%s alters only the pages that have the story', async (_, change, expected) => {
    const names = expected.flatMap(all);
    expect(await altered(change)).toEqual({ tags: names, dates: names });
  });

  test('is in the very next answer, and in the answer of the fast path', async () => {
    const api = await startApi({ 'publication.yaml': YAML });
    for (let number = 0; number < STORIES; number += 1) await api.put(`/s${number}`, { body: story(number) });
    for (const title of ['One', 'Two', 'Three']) {
      for (let round = 0; round < 3; round += 1) await ask(api.port, '/feeds/latest/archive/1.rss');
      await api.put('/s1', { body: story(1, { title }) });
      expect((await ask(api.port, '/feeds/latest/archive/1.rss')).text).toContain(`<title>${title}</title>`);
    }
    await api.remove('/s1');
    expect(numbersIn((await ask(api.port, '/feeds/latest/archive/1.rss')).text)).toEqual([2, 0]);
  });

  test('of the title of the publication alters every page, and its date', async () => {
    const api = await startApi({ 'publication.yaml': YAML });
    for (let number = 0; number < STORIES; number += 1) await api.put(`/s${number}`, { body: story(number) });
    const before = await ask(api.port, '/feeds/latest/archive/1.atom');
    await api.close();
    const { writeFile } = await import('node:fs/promises');
    await writeFile(`${api.dataFolder}/publication.yaml`, YAML.replace('The Test Post', 'Another Post'));
    const again = await clientOf(api.dataFolder, { now: () => NOW + 10 * MINUTE });
    const headers = { 'If-Modified-Since': before.headers['last-modified'] };
    const after = await ask(again.port, '/feeds/latest/archive/1.atom', { headers });
    expect([after.status, after.text.includes('Another Post')]).toEqual([200, true]);
  });
});

test('a store that was filled before its first start gets its archives while it serves', async () => {
  const count = 400;
  const stories = Array.from({ length: count }, (_, number) => JSON.stringify(story(number, { sections: [] })));
  const folder = await makeFolder({
    'publication.yaml': YAML.replace('entries: 3', 'entries: 1'),
    'articles/.keep': '',
    'in.ndjson': stories.join('\n'),
  });
  const { command } = await import('../commands/terminal.ts');
  await command(['import', '--data', folder, `${folder}/in.ndjson`]);
  const { port } = await clientOf(folder, { now: () => NOW });
  await expect
    .poll(async () => (await ask(port, '/feeds/latest.atom')).text, { timeout: 60_000 })
    .toContain('prev-archive');
  expect(linksIn(await ask(port, '/feeds/latest.atom'))['prev-archive']).toBe(
    `https://feeds.news.example/feeds/latest/archive/${count - 1}.atom`,
  );
});
