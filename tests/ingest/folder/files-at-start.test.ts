import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openArticleFolder } from '../../../src/ingest/folder/articles-folder.ts';
import { createPublisher, parseHere } from '../../../src/publish/publish.ts';
import { openDataFolder } from '../../../src/service/data-folder.ts';
import { serve } from '../../../src/service/serve.ts';
import { type Answer, ask, dataFolder, listen, put, record } from '../../helpers.ts';
import { keyFor } from '../../http/api.ts';
import { folderReports } from './reports.ts';

vi.mock('node:fs/promises', { spy: true });

const FIRST = Date.parse('2026-11-20T12:00:00Z');
const SECOND = Date.parse('2026-11-21T12:00:00Z');

/** Runs the service until `work` is done. Returns the result of `work` and the lines of the log. */
async function life<Found>(folder: string, now: number, work: (port: number) => Promise<Found>) {
  const { log, lines } = listen();
  const openedFolder = openDataFolder(folder);
  const service = await serve(openedFolder, { host: '127.0.0.1', port: 0, now: () => now, log, version: '0.0.0' });
  onTestFinished(() => service.close());
  const found = await work(service.port);
  await service.close();
  return { found, lines };
}

interface FeedDocument {
  readonly items: readonly { readonly id: string; readonly title: string }[];
  readonly _tombstones?: { readonly items: readonly { readonly id: string; readonly date_withdrawn: string }[] };
}

async function latest(port: number): Promise<{ titles: string[]; withdrawn: string[]; answer: Answer }> {
  const answer = await ask(port, '/feeds/latest.json');
  const { items, _tombstones = { items: [] } } = JSON.parse(answer.text) as FeedDocument;
  return {
    answer,
    titles: items.map(({ title }) => title).sort(),
    withdrawn: _tombstones.items.map(({ id, date_withdrawn }) => `${id} ${date_withdrawn}`).sort(),
  };
}

/** Starts the folder and kills it after its first change of the store: from then on the store rejects everything. */
async function killedAfterOneChange(folder: string, now: number): Promise<void> {
  const { store: real, newsroom } = openDataFolder(folder);
  let isKilled = false;
  const store = new Proxy(real, {
    get(target, name) {
      const method = Reflect.get(target, name) as (...parameters: unknown[]) => unknown;
      return async (...parameters: unknown[]) => {
        if (isKilled) throw new Error('killed');
        const result = await method(...parameters);
        const [changes] = parameters;
        isKilled = name === 'apply' && Array.isArray(changes) && changes.length > 0;
        return result;
      };
    },
  });
  const parse = parseHere(newsroom);
  const publisher = createPublisher({ store, parse, now: () => now, announce: () => {} });
  const ignore = () => {};
  const parts = { dataFolder: folder, store, publisher, reports: folderReports(ignore), progress: ignore };
  const articles = openArticleFolder(parts);
  await articles.start().catch(ignore);
  await articles.close().catch(ignore);
  await real.close();
  expect(isKilled).toBe(true);
}

/** The revision of every article, by id. A new publication gives a new revision. */
async function revisions(folder: string): Promise<Record<string, number>> {
  const { store } = openDataFolder(folder);
  const found = await store.page(0, 1000);
  await store.close();
  return Object.fromEntries(found.map(({ article, revision }) => [article.id, revision]));
}

function json(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(record(fields));
}

const FILES = {
  'articles/a.json': json({ id: 'a', title: 'A' }),
  'articles/deep/b.md': '---\nurl: /b\npublishedAt: 2026-11-20T10:00:00Z\ntitle: B\n---\nText.\n',
  'articles/2026-11-19-c.txt': 'C\nText.\nMore text.\n',
  'articles/d.json': json({ id: 'd', title: 'D' }),
};

test('files that were added, changed or removed while the service was down are published or withdrawn at its start', async () => {
  const folder = await dataFolder(FILES);
  const before = await life(folder, FIRST, latest);
  const numbers = await revisions(folder);
  await put(folder, 'articles/a.json', json({ id: 'a', title: 'A, mended' }));
  await put(folder, 'articles/new/e.json', json({ id: 'e', title: 'E' }));
  await rm(join(folder, 'articles/deep'), { recursive: true });
  await rm(join(folder, 'articles/2026-11-19-c.txt'));
  const after = await life(folder, SECOND, latest);

  expect(before.found).toMatchObject({ titles: ['A', 'B', 'C', 'D'], withdrawn: [] });
  expect(after.found).toMatchObject({
    titles: ['A, mended', 'D', 'E'],
    withdrawn: [
      'tag:news.example,2026:2026-11-19-c 2026-11-21T12:00:00Z',
      'tag:news.example,2026:deep/b 2026-11-21T12:00:00Z',
    ],
  });
  expect((await revisions(folder)).d).toBe(numbers.d);
  expect([before.lines, after.lines]).toEqual([[], []]);
});

test('a file that a folder of the same name replaced is withdrawn', async () => {
  const folder = await dataFolder(FILES);
  await life(folder, FIRST, latest);
  await rm(join(folder, 'articles/a.json'));
  await put(folder, 'articles/a.json/e.json', json({ id: 'e', title: 'E' }));
  const { found, lines } = await life(folder, SECOND, latest);

  expect(found).toMatchObject({
    titles: ['B', 'C', 'D', 'E'],
    withdrawn: ['tag:news.example,2026:a 2026-11-21T12:00:00Z'],
  });
  expect(lines).toEqual([]);
});

test('a file with the same size and time is not read again', async () => {
  const folder = await dataFolder(FILES);
  // Whole seconds, because `utimes` sets no finer time.
  for (const path of Object.keys(FILES)) await utimes(join(folder, path), 1_763_600_000, 1_763_600_000);
  await life(folder, FIRST, latest);
  const before = await revisions(folder);
  for (const path of Object.keys(FILES)) {
    const file = join(folder, path);
    const { size } = await stat(file);
    await writeFile(file, Buffer.alloc(size, 0xff));
    await utimes(file, 1_763_600_000, 1_763_600_000);
  }
  const { found, lines } = await life(folder, SECOND, latest);

  expect(lines).toEqual([]);
  expect(found).toMatchObject({ titles: ['A', 'B', 'C', 'D'], withdrawn: [] });
  expect(await revisions(folder)).toEqual(before);
});

test('a file that was only touched changes nothing, and is read only once more', async () => {
  const folder = await dataFolder(FILES);
  const before = await life(folder, FIRST, latest);
  const numbers = await revisions(folder);
  await utimes(join(folder, 'articles/a.json'), 1_763_700_000, 1_763_700_000);
  const touched = await life(folder, SECOND, latest);
  await writeFile(join(folder, 'articles/a.json'), Buffer.alloc(Buffer.byteLength(FILES['articles/a.json']), 0xff));
  await utimes(join(folder, 'articles/a.json'), 1_763_700_000, 1_763_700_000);
  const third = await life(folder, SECOND, latest);

  expect(await revisions(folder)).toEqual(numbers);
  expect(touched.found.answer.headers.etag).toBe(before.found.answer.headers.etag);
  expect(touched.found.answer.headers['last-modified']).toBe(before.found.answer.headers['last-modified']);
  expect(third.lines).toEqual([]);
});

test('a picture that was replaced while the service was down is new in every format', async () => {
  const svg = (size: number) => `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}"/>`;
  const folder = await dataFolder({
    'articles/a.json': json({ image: { url: '/media/p.svg' } }),
    'media/p.svg': svg(10),
  });
  const ask3 = (port: number) =>
    Promise.all(['rss', 'atom', 'json'].map((format) => ask(port, `/feeds/latest.${format}`)));
  const before = await life(folder, FIRST, ask3);
  await put(folder, 'media/p.svg', svg(1000));
  const after = await life(folder, SECOND, ask3);

  expect(before.found[0]?.text).toContain(`length="${svg(10).length}"`);
  expect(after.found[0]?.text).toContain(`length="${svg(1000).length}"`);
  expect(after.found[0]?.headers.etag).not.toBe(before.found[0]?.headers.etag);
  expect(after.found[0]?.headers['last-modified']).toBe('Sat, 21 Nov 2026 12:00:00 GMT');
});

test('a missing media file that was added while the service was down is found', async () => {
  const folder = await dataFolder({ 'articles/a.json': json({ media: [{ url: '/media/a.mp3' }] }) });
  const before = await life(folder, FIRST, latest);
  await put(folder, 'media/a.mp3', 'sound');
  const after = await life(folder, SECOND, latest);

  expect(before.lines).toEqual([expect.stringMatching(/^articles\/a\.json:1:\d+: media\[0\]\.type: is required/)]);
  expect([before.found.titles, after.found.titles]).toEqual([[], ['A title']]);
});

test('a record that was edited without updatedAt has a new ETag and Last-Modified', async () => {
  const folder = await dataFolder(FILES);
  const before = await life(folder, FIRST, latest);
  await put(folder, 'articles/a.json', json({ id: 'a', title: 'A, mended' }));
  const after = await life(folder, SECOND, latest);
  const third = await life(folder, SECOND + 86_400_000, latest);
  const headers = ({ found }: typeof before) => [found.answer.headers['last-modified'], found.answer.headers.etag];

  expect(headers(before)[0]).toBe('Fri, 20 Nov 2026 10:00:00 GMT');
  expect(headers(after)[0]).toBe('Sat, 21 Nov 2026 12:00:00 GMT');
  expect(headers(after)[1]).not.toBe(headers(before)[1]);
  expect(headers(third)).toEqual(headers(after));
});

test('a renamed file that names its id is the same article', async () => {
  const folder = await dataFolder(FILES);
  const before = await life(folder, FIRST, latest);
  await rename(join(folder, 'articles/a.json'), join(folder, 'articles/z.json'));
  const after = await life(folder, SECOND, latest);
  await rm(join(folder, 'articles/z.json'));
  const third = await life(folder, SECOND, latest);

  expect(after.found).toMatchObject({ titles: before.found.titles, withdrawn: [] });
  expect(after.found.answer.headers.etag).toBe(before.found.answer.headers.etag);
  expect(third.found.titles).toEqual(['B', 'C', 'D']);
});

test('a folder of 1,200 articles that was renamed while the service was down has none of them withdrawn', async () => {
  const names = Array.from({ length: 1200 }, (_, index) => [`articles/en/${index}.json`, `story-${index}`]);
  const folder = await dataFolder(Object.fromEntries(names.map(([path = '', id]) => [path, json({ id })])));
  await life(folder, FIRST, latest);
  const before = await revisions(folder);
  await rename(join(folder, 'articles/en'), join(folder, 'articles/english'));
  await life(folder, SECOND, latest);

  expect(await revisions(folder)).toEqual(before);
});

test('a kill while a renamed file is read has nothing withdrawn', async () => {
  const folder = await dataFolder(FILES);
  await life(folder, FIRST, latest);
  const before = await revisions(folder);
  await rename(join(folder, 'articles/a.json'), join(folder, 'articles/z.json'));
  await killedAfterOneChange(folder, SECOND);
  const after = await life(folder, SECOND, latest);

  expect(after.found).toMatchObject({ titles: ['A', 'B', 'C', 'D'], withdrawn: [] });
  expect(await revisions(folder)).toEqual(before);
});

test('a file that was published just before a kill and removed before the next start is withdrawn', async () => {
  const folder = await dataFolder(FILES);
  await life(folder, FIRST, latest);
  await put(folder, 'articles/e.json', json({ id: 'e', title: 'E' }));
  await killedAfterOneChange(folder, SECOND);
  const kept = Object.keys(await revisions(folder));
  await rm(join(folder, 'articles/e.json'));
  const { found } = await life(folder, SECOND, latest);

  expect(kept).toContain('e');
  expect(found).toMatchObject({
    titles: ['A', 'B', 'C', 'D'],
    withdrawn: ['tag:news.example,2026:e 2026-11-21T12:00:00Z'],
  });
});

test.each([
  ['stays', ['B', 'C', 'D', 'E'], ['a']],
  ['is removed', ['B', 'C', 'D'], ['a', 'e']],
])(
  'a file that names a new id just before a kill and then %s has its former article withdrawn',
  async (how, titles, gone) => {
    const folder = await dataFolder(FILES);
    await life(folder, FIRST, latest);
    await put(folder, 'articles/a.json', json({ id: 'e', title: 'E' }));
    await killedAfterOneChange(folder, SECOND);
    const kept = Object.keys(await revisions(folder));
    if (how === 'is removed') await rm(join(folder, 'articles/a.json'));
    const { found } = await life(folder, SECOND, latest);

    expect(kept).toContain('e');
    expect(found).toMatchObject({
      titles,
      withdrawn: gone.map((id) => `tag:news.example,2026:${id} 2026-11-21T12:00:00Z`),
    });
  },
);

test('a file whose article was withdrawn just before a kill publishes it again when it is restored unchanged', async () => {
  const folder = await dataFolder(FILES);
  await life(folder, FIRST, latest);
  await rename(join(folder, 'articles/a.json'), join(folder, 'a.json'));
  const before = await revisions(folder);
  await killedAfterOneChange(folder, SECOND);
  const after = await revisions(folder);
  await rename(join(folder, 'a.json'), join(folder, 'articles/a.json'));
  const { found } = await life(folder, SECOND, latest);

  expect(after.a).not.toBe(before.a);
  expect(found).toMatchObject({ titles: ['A', 'B', 'C', 'D'], withdrawn: [] });
});

test('a file that is written to during its read, just before a kill, is read again', async () => {
  const folder = await dataFolder(FILES);
  await life(folder, FIRST, latest);
  const file = join(folder, 'articles/a.json');
  await writeFile(file, json({ id: 'a', title: 'A, mended' }));
  const actual = await vi.importActual<typeof import('node:fs/promises')>('node:fs/promises');
  vi.mocked(readFile).mockImplementationOnce(async (...parameters) => {
    const bytes = await actual.readFile(...parameters);
    await writeFile(file, json({ id: 'a', title: 'A, mended again' }));
    return bytes;
  });
  await killedAfterOneChange(folder, SECOND);
  const { found } = await life(folder, SECOND, latest);

  expect(found.titles).toEqual(['A, mended again', 'B', 'C', 'D']);
});

test('a file that cannot be read for any reason is logged, and all others are served', async () => {
  const folder = await dataFolder(FILES);
  const actual = await vi.importActual<typeof import('node:fs/promises')>('node:fs/promises');
  onTestFinished(() => void vi.mocked(readFile).mockReset());
  vi.mocked(readFile).mockImplementation(async (...parameters) => {
    if (String(parameters[0]).endsWith('/a.json')) throw new RangeError('File size is greater than 2 GiB');
    return actual.readFile(...parameters);
  });
  const { found, lines } = await life(folder, FIRST, latest);

  expect(found.titles).toEqual(['B', 'C', 'D']);
  expect(lines).toEqual(['articles/a.json: cannot be read: File size is greater than 2 GiB']);
});

test('a file that is removed and restored two starts later has its article published again', async () => {
  const folder = await dataFolder(FILES);
  await life(folder, FIRST, latest);
  await rm(join(folder, 'articles/a.json'));
  const without = await life(folder, SECOND, latest);
  await put(folder, 'articles/a.json', FILES['articles/a.json']);
  const back = await life(folder, SECOND + 1000, latest);

  expect(without.found.titles).toEqual(['B', 'C', 'D']);
  expect(back.found).toMatchObject({ titles: ['A', 'B', 'C', 'D'], withdrawn: [] });
});

test('a file that became invalid while the service was down is logged at every start, and its article stays', async () => {
  const folder = await dataFolder(FILES);
  await life(folder, FIRST, latest);
  await put(folder, 'articles/a.json', '{"id": "a", ');
  const broken = await life(folder, SECOND, latest);
  const again = await life(folder, SECOND, latest);
  await put(folder, 'articles/a.json', json({ id: 'a', title: 'A, mended' }));
  const mended = await life(folder, SECOND, latest);

  for (const { found, lines } of [broken, again]) {
    expect(found).toMatchObject({ titles: ['A', 'B', 'C', 'D'], withdrawn: [] });
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.every((line) => line.startsWith('articles/a.json:1:'))).toBe(true);
  }
  expect(mended).toMatchObject({ found: { titles: ['A, mended', 'B', 'C', 'D'] }, lines: [] });
});

describe('a change by the API', () => {
  const svg = (size: number) => `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}"/>`;

  /** Runs the service while the API puts an article without a file and withdraws one that has a file. */
  async function firstLife() {
    const folder = await dataFolder({
      ...FILES,
      'articles/a.json': json({ id: 'a', title: 'A', image: { url: '/media/p.svg' } }),
      'media/p.svg': svg(10),
    });
    const { key } = await keyFor(folder);
    const headers = { authorization: `Bearer ${key}` };
    await life(folder, FIRST, async (port) => {
      await ask(port, '/api/articles/api', { method: 'PUT', headers, body: json({ id: 'api', title: 'API' }) });
      await ask(port, '/api/articles/a?reason=wrong', { method: 'DELETE', headers });
    });
    return { folder, file: join(folder, 'articles/a.json') };
  }

  test.each<[string, (folder: string, file: string) => Promise<void>]>([
    ['is unchanged', async () => {}],
    ['was touched', (_, file) => utimes(file, 1_763_700_000, 1_763_700_000)],
    ['was written again without a change', async (_, file) => writeFile(file, await readFile(file))],
    ['was renamed', (folder, file) => rename(file, join(folder, 'articles/z.json'))],
    ['uses a picture that was replaced', (folder) => put(folder, 'media/p.svg', svg(1000))],
  ])('stays if the file of the withdrawn article %s', async (_, change) => {
    const { folder, file } = await firstLife();
    await change(folder, file);
    const next = await life(folder, SECOND, latest);

    expect(next.found).toMatchObject({
      titles: ['API', 'B', 'C', 'D'],
      withdrawn: ['tag:news.example,2026:a 2026-11-20T12:00:00Z'],
    });
  });

  test('ends when the file holds a different record', async () => {
    const { folder } = await firstLife();
    await put(folder, 'articles/a.json', json({ id: 'a', title: 'A, mended' }));
    const next = await life(folder, SECOND, latest);

    expect(next.found).toMatchObject({ titles: ['A, mended', 'API', 'B', 'C', 'D'], withdrawn: [] });
  });
});
