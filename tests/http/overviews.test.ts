import { rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { articleText } from '../../src/article/stored.ts';
import { ownKeys } from '../../src/feed/feeds.ts';
import { openDataFolder, storeFile } from '../../src/service/data-folder.ts';
import type { Put } from '../../src/store/store.ts';
import {
  article,
  ask,
  dataFolder,
  makeFolder,
  PUBLICATION,
  put,
  type Running,
  record,
  serving,
  start,
} from '../helpers.ts';
import { writeSealed } from '../store/sealed.ts';
import { FORMATS, keyFor, NOW, startApi } from './api.ts';

const json = (fields: Readonly<Record<string, unknown>>) => JSON.stringify(record(fields));

interface Listed {
  readonly source: Readonly<Record<string, string>>;
  readonly article?: string;
  readonly since: string;
  readonly code: string;
  readonly problems: readonly Readonly<Record<string, unknown>>[];
}

describe('GET /api/feeds', () => {
  let service: Running;
  let key: string;
  let folder: string;

  beforeAll(async () => {
    folder = await makeFolder({
      'publication.yaml': `${PUBLICATION}entries: 2
feeds:
  - { id: rivers, title: Rivers, select: { any: [tag/water] } }
  - { id: empty, title: Nothing yet, select: { any: [tag/nothing] } }
retired:
  - { feed: tag/old }
`,
      'articles/a.json': json({ id: 'a', url: 'https://news.example/a', sections: ['World'], tags: ['Water', 'old'] }),
      'articles/b.json': json({
        id: 'b',
        url: 'https://news.example/b',
        sections: ['World'],
        publishedAt: '2026-11-21T00:00:00Z',
      }),
      'articles/c.json': json({
        id: 'c',
        url: 'https://news.example/c',
        sections: ['World'],
        publishedAt: '2026-11-19T00:00:00Z',
      }),
      'articles/later.json': json({ id: 'later', tags: ['آب'], embargoUntil: '2026-12-24T00:00:00Z' }),
      'articles/over.json': json({ id: 'over', tags: ['over'], expiresAt: '2026-11-21T00:00:00Z' }),
    });
    key = (await keyFor(folder, 'read')).key;
    service = await serving(folder, { now: () => NOW });
  });

  afterAll(async () => {
    await service.close();
    await rm(folder, { recursive: true });
  });

  const get = (query: string, authorization = `Bearer ${key}`) =>
    ask(service.port, `/api/feeds${query}`, { headers: { Authorization: authorization } });
  const addresses = (feed: string) =>
    Object.fromEntries(FORMATS.map((format) => [format, `https://feeds.news.example/feeds/${feed}.${format}`]));

  test('has each feed that readers can get, with the whole number of articles that they can see', async () => {
    const { status, headers, text } = await get('');

    expect([status, headers['content-type'], headers['cache-control']]).toEqual([
      200,
      'application/json; charset=utf-8',
      'no-store',
    ]);
    const newest = '2026-11-21T00:00:00Z';
    expect(JSON.parse(text)).toEqual({
      feeds: [
        { feed: 'empty', title: 'Nothing yet', articles: 0, addresses: addresses('empty') },
        {
          feed: 'language/en',
          title: 'The Test Post: English',
          articles: 3,
          newest,
          addresses: addresses('language/en'),
        },
        { feed: 'latest', title: 'The Test Post', articles: 3, newest, addresses: addresses('latest') },
        {
          feed: 'rivers',
          title: 'Rivers',
          articles: 1,
          newest: '2026-11-20T10:00:00Z',
          addresses: addresses('rivers'),
        },
        {
          feed: 'section/world',
          title: 'The Test Post: World',
          articles: 3,
          newest,
          addresses: addresses('section/world'),
        },
        { feed: 'tag/over', title: 'The Test Post: over', articles: 0, addresses: addresses('tag/over') },
        {
          feed: 'tag/water',
          title: 'The Test Post: Water',
          articles: 1,
          newest: '2026-11-20T10:00:00Z',
          addresses: addresses('tag/water'),
        },
      ],
    });
    for (const { addresses } of JSON.parse(text).feeds) {
      const { pathname } = new URL(addresses.rss);
      expect((await ask(service.port, pathname)).status, pathname).toBe(200);
    }
  });

  test('comes on pages', async () => {
    const seen: string[] = [];
    for (let query = '?limit=2'; query !== ''; ) {
      const { feeds, cursor } = JSON.parse((await get(query)).text);
      seen.push(...feeds.map(({ feed }: { feed: string }) => feed));
      query = cursor === undefined ? '' : `?limit=2&cursor=${encodeURIComponent(cursor)}`;
    }
    expect(seen).toEqual(['empty', 'language/en', 'latest', 'rivers', 'section/world', 'tag/over', 'tag/water']);
  });

  test.each([
    ['latest', ['latest']],
    ['custom', ['empty', 'rivers']],
    ['section', ['section/world']],
    ['author', []],
  ])('of one kind: %s', async (kind, expected) => {
    const { feeds } = JSON.parse((await get(`?kind=${kind}`)).text);
    expect(feeds.map(({ feed }: { feed: string }) => feed)).toEqual(expected);
  });

  test.each([
    ['?kind=sections', 'kind', 'must be one of latest, custom, section, tag, author, language. Did you mean section?'],
    ['?limit=0', 'limit', 'must be a whole number from 1 to 500'],
    ['?limit=501', 'limit', 'must be a whole number from 1 to 500'],
    [
      '?cursor=a/b',
      'cursor',
      'must be the cursor of the page before, the name of a feed: take it from “cursor” in that answer, or leave it out for the first page',
    ],
    ['?colour=red', 'colour', 'is not a parameter: use cursor, limit, kind'],
  ])('says what is wrong with %s', async (query, field, rule) => {
    const { status, text } = await get(query);
    expect([status, JSON.parse(text).problems]).toEqual([400, [expect.objectContaining({ field, rule })]]);
  });

  test('needs a key', async () => {
    expect((await get('', '')).status).toBe(401);
  });
});

describe('GET /api/problems', () => {
  async function listOf(port: number, key: string, query = ''): Promise<{ problems: Listed[]; cursor?: string }> {
    const { status, text } = await ask(port, `/api/problems${query}`, { headers: { Authorization: `Bearer ${key}` } });
    expect(status, text).toBe(200);
    return JSON.parse(text);
  }

  const since = '2026-11-22T12:00:00Z';

  test('has files that are refused until they are published or removed', async () => {
    const bad = '---\nid: b\ntitle: B\nurl: https://news.example/b\npublishedAt: 2026-02-30T10:00:00Z\n---\nText.\n';
    const api = await startApi({
      'articles/a.json': json({ id: 'a', publicId: 'one' }),
      'articles/b.md': bad,
      'articles/same.json': json({ id: 'a' }),
      'articles/x/broken.json': '{"title":',
      'articles/x/taken.json': json({ id: 'taken', publicId: 'one' }),
    });
    const problems = async () => (await listOf(api.port, api.key)).problems;
    const found = await problems();

    expect(
      Object.fromEntries(found.map(({ source, ...rest }) => [source.path, { kind: source.kind, ...rest }])),
    ).toEqual({
      'articles/b.md': {
        kind: 'file',
        article: 'b',
        since,
        code: 'invalid_article',
        problems: [
          expect.objectContaining({ field: 'publishedAt', value: '2026-02-30T10:00:00Z', line: 5, column: 14 }),
        ],
      },
      'articles/same.json': expect.objectContaining({ article: 'a', code: 'identity_conflict' }),
      'articles/x/broken.json': expect.objectContaining({
        problems: [expect.objectContaining({ line: 1, column: expect.any(Number) })],
      }),
      'articles/x/taken.json': expect.objectContaining({ article: 'taken', code: 'identity_conflict' }),
    });
    await put(api.dataFolder, 'articles/b.md', bad.replace('02-30', '02-20'));
    const written = Date.now() / 1000 - 5;
    await utimes(join(api.dataFolder, 'articles/b.md'), written, written);
    await rename(join(api.dataFolder, 'articles/x'), join(api.dataFolder, 'x'));
    await rm(join(api.dataFolder, 'articles/same.json'));

    await expect.poll(problems).toEqual([]);
    expect(api.told.flatMap(({ level, msg }) => (msg.includes('is gone') ? [`${level} ${msg}`] : [])).sort()).toEqual([
      'info articles/b.md is published now: the problem is gone.',
      'info articles/same.json was removed: the problem is gone.',
      'info articles/x/broken.json was removed: the problem is gone.',
      'info articles/x/taken.json was removed: the problem is gone.',
    ]);
  });

  test('a file that is refused while its article stays published says so', async () => {
    const api = await startApi({ 'articles/a.json': json({ id: 'a' }) });
    await put(api.dataFolder, 'articles/a.json', json({ id: 'a', title: '' }));
    await expect.poll(async () => (await listOf(api.port, api.key)).problems).toHaveLength(1);

    expect(api.told.find(({ file }) => file !== undefined)).toMatchObject({
      level: 'warn',
      msg: 'articles/a.json is refused: the article “a” keeps its earlier version.',
      code: 'invalid_article',
      file: 'articles/a.json',
    });
  });

  test('has files that are no article, which the log names once, until they are removed', async () => {
    const folder = await dataFolder({
      'articles/notes.docx': 'x',
      'articles/page.html': 'x',
      'articles/.hidden.docx': 'x',
    });
    for (const name of ['notes.docx', 'page.html', '.hidden.docx'])
      await utimes(join(folder, 'articles', name), 1e9, 1e9);
    const { key } = await keyFor(folder);
    const api = await start(folder, { now: () => NOW });
    const rule = 'is no article: save its text as Markdown (.md) or plain text (.txt)';
    const problem = (path: string, value: string) => ({
      source: { kind: 'other_file', path },
      since,
      code: 'not_an_article',
      problems: [{ field: '', value, rule }],
    });

    expect((await listOf(api.port, key)).problems).toEqual([
      problem('articles/page.html', '.html'),
      problem('articles/notes.docx', '.docx'),
    ]);
    await put(folder, 'late.pdf', 'x');
    await utimes(join(folder, 'late.pdf'), 1e9, 1e9);
    await rename(join(folder, 'late.pdf'), join(folder, 'articles/late.pdf'));
    await rename(join(folder, 'articles/notes.docx'), join(folder, 'notes.docx'));
    await expect
      .poll(async () => (await listOf(api.port, key)).problems.map(({ source }) => source.path))
      .toEqual(['articles/late.pdf', 'articles/page.html']);

    expect(api.lines).toEqual([
      '2 files in articles/ are not published, because they are no articles: articles/notes.docx, articles/page.html. Save texts as Markdown (.md) or plain text (.txt), move pictures and sound to media/, and move other files out of articles/.',
      `articles/late.pdf is not published: it ${rule}.`,
    ]);
    expect(api.told).toContainEqual(
      expect.objectContaining({ level: 'info', msg: 'articles/notes.docx was removed: the problem is gone.' }),
    );
  });

  test('has records that the API refused, by id and key, until the id is accepted or withdrawn', async () => {
    const api = await startApi();
    const other = await keyFor(api.dataFolder);
    const problems = async () =>
      (await listOf(api.port, api.key)).problems.map(({ article, code, source }) => [
        article,
        code,
        source.id === other.id,
      ]);
    await api.put('/2026/a', { body: record({ id: undefined, title: '' }) });
    await api.put('/2026/a', { body: '{"title":', key: other.key });
    await api.put('/b', { body: record({ id: 'c' }) });
    await api.put('/large', { body: 'x'.repeat(9_000_000) });
    await api.put('/packed', { body: 'x', headers: { 'Content-Encoding': 'gzip' } });
    await api.put('/d', { body: record({ id: 'd' }), headers: { 'If-Match': '"9"' } }); // no fault of the record
    await api.post('', {
      body: `${json({ id: 'e', title: '' })}\n${json({ title: '', id: undefined })}\n${json({ id: 'f' })}\n`,
    });

    expect(await problems()).toEqual([
      [undefined, 'invalid_article', false],
      ['e', 'invalid_article', false],
      ['packed', 'unsupported_media_type', false],
      ['large', 'too_large', false],
      ['b', 'invalid_article', false],
      ['2026/a', 'invalid_json', true],
      ['2026/a', 'invalid_article', false],
    ]);
    await api.put('/2026/a', { body: record({ id: undefined }) });
    await api.put('/f', { body: record({ id: 'f', publishedAt: '2026-11-01T00:00:00Z' }) });
    await put(api.dataFolder, 'articles/e.json', json({ id: 'e', url: 'https://news.example/e' }));
    await expect.poll(problems).toEqual([
      ['f', 'identity_conflict', false],
      [undefined, 'invalid_article', false],
      ['packed', 'unsupported_media_type', false],
      ['large', 'too_large', false],
      ['b', 'invalid_article', false],
    ]);
    await api.remove('/f');
    await api.put('/f', { body: record({ id: 'f', title: '' }) });
    await api.remove('/f'); // it was withdrawn before
    expect((await problems())[0]).toEqual([undefined, 'invalid_article', false]);
    expect(api.told.flatMap(({ msg }) => (msg.includes('is gone') ? [msg] : []))).toEqual([
      'The article “2026/a” is published now: the problem is gone.',
      'The article “2026/a” is published now: the problem is gone.',
      'The article “e” is published now: the problem is gone.',
      'The article “f” is withdrawn now: the problem is gone.',
      'The article “f” is withdrawn now: the problem is gone.',
    ]);
  });

  test('a refused record that nobody wants any more is gone with a DELETE, even of an article that never existed', async () => {
    const api = await startApi();
    const problems = async () => (await listOf(api.port, api.key)).problems.map(({ article, code }) => [article, code]);
    for (const id of ['never', 'withdrawn', 'erased', 'kept']) {
      if (id !== 'never') await api.put(`/${id}`, { body: record({ id, url: `/${id}` }) });
      if (id === 'withdrawn') await api.remove(`/${id}`);
      if (id === 'erased') await api.remove(`/${id}?erase=true`);
      await api.put(`/${id}`, { body: record({ id, title: id === 'erased' ? 'T' : '' }) });
    }
    expect(await problems()).toEqual([
      ['kept', 'invalid_article'],
      ['erased', 'erased_article'],
      ['withdrawn', 'invalid_article'],
      ['never', 'invalid_article'],
    ]);

    expect((await api.remove('/never')).status).toBe(404);
    await api.remove('/withdrawn');
    await api.remove('/erased?erase');
    await api.remove('/kept', { headers: { 'If-Match': '"99"' } }); // nothing is withdrawn
    expect(await problems()).toEqual([['kept', 'invalid_article']]);
    expect(api.told.flatMap(({ msg }) => (msg.includes('is gone') ? [msg] : []))).toEqual([
      'The article “never” is not to be published any more: the problem is gone.',
      'The article “withdrawn” is withdrawn now: the problem is gone.',
      'The article “erased” is erased now: the problem is gone.',
    ]);
  });

  test('a change by another process ends the problem of its article', async () => {
    const api = await startApi();
    await api.put('/a', { body: record({ title: '' }) });
    await api.put('/b', { body: record({ id: 'b', title: '' }) });
    const { store } = openDataFolder(api.dataFolder);
    await store.apply([changeOf('b')], () => NOW);
    await store.close();

    expect((await listOf(api.port, api.key)).problems.map(({ article }) => article)).toEqual(['a']);
  });

  test('has stored records that are not valid any more, and articles that cannot be rendered', async () => {
    const folder = await dataFolder({ 'articles/.keep': '' });
    const { key } = await keyFor(folder);
    const first = await serving(folder, { now: () => NOW });
    for (const id of ['a', 'b']) {
      const body = json({ id, url: `https://news.example/${id}` });
      await ask(first.port, `/api/articles/${id}`, {
        method: 'PUT',
        headers: { Authorization: `Bearer ${key}` },
        body,
      });
    }
    await first.close();
    writeSealed(
      storeFile(folder),
      `UPDATE article SET record = json_set(record, '$.title', '') WHERE id = 'a';
      UPDATE article SET article = json_remove(article, '$.authors') WHERE id = 'b'`,
    );
    // Another language has every stored record parsed again. That makes b whole: it is broken afterwards.
    await put(folder, 'publication.yaml', PUBLICATION.replace('language: en', 'language: fr'));
    const service = await start(folder, { now: () => NOW });
    expect((await listOf(service.port, key)).problems).toEqual([
      {
        source: { kind: 'stored_record' },
        article: 'a',
        since,
        code: 'invalid_article',
        problems: [expect.objectContaining({ field: 'title' })],
      },
    ]);
    writeSealed(storeFile(folder), `UPDATE article SET article = json_set(article, '$.authors', NULL) WHERE id = 'b'`);
    await ask(service.port, '/feeds/latest.rss');

    expect((await listOf(service.port, key)).problems[0]).toEqual({
      source: { kind: 'rendering', format: 'rss' },
      article: 'b',
      since,
      code: 'unrenderable_article',
      problems: [{ field: '', rule: expect.stringMatching(/^cannot be rendered as rss: \S/) }],
    });
    for (const id of ['a', 'b']) {
      const body = json({ id, url: `https://news.example/${id}`, title: 'New' });
      await ask(service.port, `/api/articles/${id}`, {
        method: 'PUT',
        headers: { Authorization: `Bearer ${key}` },
        body,
      });
    }
    expect((await listOf(service.port, key)).problems).toEqual([]);
  });

  test('comes on pages, newest first, to a key that may read; a reader process forwards the request', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const folder = await dataFolder(Object.fromEntries(names.map((name) => [`articles/${name}.json`, '{'])));
    const { key } = await keyFor(folder, 'read');
    const socket = join(folder, 'writer');
    const readersEnded = Promise.withResolvers<void>();
    const writer = await start(folder, { part: { role: 'writer', socket, readersEnded: readersEnded.promise } });
    const reader = await serving(folder, {
      part: { role: 'reader', socket },
      onUnrenderable: writer.addUnrenderable,
    });
    const whole = await listOf(writer.port, key);
    const seen: unknown[] = [];
    for (let query = '?limit=2'; query !== ''; ) {
      const { problems, cursor } = await listOf(reader.port, key, query);
      seen.push(...problems);
      query = cursor === undefined ? '' : `?limit=2&cursor=${cursor}`;
    }
    expect([whole.problems.length, whole.cursor, seen]).toEqual([5, undefined, whole.problems]);
    const wrong = await Promise.all(
      ['?cursor=x', '?limit=501', '?kind=file'].map((query) =>
        ask(reader.port, `/api/problems${query}`, { headers: { Authorization: `Bearer ${key}` } }),
      ),
    );
    expect(wrong.map(({ status }) => status)).toEqual([400, 400, 400]);
    expect((await ask(reader.port, '/api/problems')).status).toBe(401);

    const { store } = openDataFolder(folder);
    await store.apply([changeOf('whole')], Date.now);
    await store.close();
    writeSealed(storeFile(folder), `UPDATE article SET article = json_set(article, '$.authors', NULL)`);
    await ask(reader.port, '/feeds/latest.atom');
    expect((await listOf(reader.port, key)).problems[0]).toMatchObject({
      source: { kind: 'rendering', format: 'atom' },
      article: 'whole',
    });
    await reader.close();
    readersEnded.resolve();
  });
});

/** A change that another process could make. */
function changeOf(id: string): Put {
  const made = article({ id });
  return { kind: 'put', article: articleText(made), record: json({ id }), feeds: ownKeys(made) };
}
