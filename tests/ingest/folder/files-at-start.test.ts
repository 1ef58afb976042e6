import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openArticleFolder } from '../../../src/ingest/folder/articles-folder.ts';
import { createPublisher, parseHere } from '../../../src/publish/publish.ts';
import { openDataFolder } from '../../../src/service/data-folder.ts';
import { serve } from '../../../src/service/serve.ts';
import { type Answer, ask, dataFolder, listen, put, record } from '../../helpers.ts';
import { keyFor } from '../../http/api.ts';

vi.mock('node:fs/promises', { spy: true });

const FIRST = Date.parse('2026-11-20T12:00:00Z');
const SECOND = Date.parse('2026-11-21T12:00:00Z');

/** One life of the service: what it said, and what it answered to what was asked of it. */
async function life<Found>(folder: string, now: number, work: (port: number) => Promise<Found>) {
  const { log, lines } = listen();
  const installation = openDataFolder(folder);
  const service = await serve(installation, { host: '127.0.0.1', port: 0, now: () => now, log, version: '0.0.0' });
  onTestFinished(() => service.close());
  const found = await work(service.port);
  await service.close();
  return { found, lines };
}

interface Told {
  readonly items: readonly { readonly id: string; readonly title: string }[];
  readonly _tombstones?: { readonly items: readonly { readonly id: string; readonly date_withdrawn: string }[] };
}

async function latest(port: number): Promise<{ titles: string[]; withdrawn: string[]; answer: Answer }> {
  const answer = await ask(port, '/feeds/latest.json');
  const { items, _tombstones = { items: [] } } = JSON.parse(answer.text) as Told;
  return {
    answer,
    titles: items.map(({ title }) => title).sort(),
    withdrawn: _tombstones.items.map(({ id, date_withdrawn }) => `${id} ${date_withdrawn}`).sort(),
  };
}

/** A start that is killed as soon as its first change is in the store: nothing can be asked of the store any more. */
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
  const parts = { dataFolder: folder, store, publisher, refuse: ignore, fail: ignore, progress: ignore };
  const articles = openArticleFolder(parts);
  await articles.start().catch(ignore);
  await articles.close().catch(ignore);
  await real.close();
  expect(isKilled).toBe(true);
}

/** Every article's revision: one that was published again has another. */
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

test('what came, changed and went while the service was not running is published and withdrawn at the next start', async () => {
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

test('a file that gave way to a folder of its name is taken back', async () => {
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

test('a file whose size and time are the same is not read again', async () => {
  const folder = await dataFolder(FILES);
  // Whole seconds: a time that is set has no finer part.
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

test('a file that was only touched changes nothing, and is not read a third time', async () => {
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

test('a picture that was replaced while the service was down shows in every format', async () => {
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

test('a picture that was missing and came while the service was down is found', async () => {
  const folder = await dataFolder({ 'articles/a.json': json({ media: [{ url: '/media/a.mp3' }] }) });
  const before = await life(folder, FIRST, latest);
  await put(folder, 'media/a.mp3', 'sound');
  const after = await life(folder, SECOND, latest);

  expect(before.lines).toEqual([expect.stringMatching(/^articles\/a\.json:1:\d+: media\[0\]\.type: is required/)]);
  expect([before.found.titles, after.found.titles]).toEqual([[], ['A title']]);
});

test('a record that was edited without updatedAt has another tag and another date', async () => {
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

test('a file that was renamed and keeps its id is the same article', async () => {
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

test('a folder of many that was renamed while the service was down takes none of them back', async () => {
  const names = Array.from({ length: 1200 }, (_, index) => [`articles/en/${index}.json`, `story-${index}`]);
  const folder = await dataFolder(Object.fromEntries(names.map(([path = '', id]) => [path, json({ id })])));
  await life(folder, FIRST, latest);
  const before = await revisions(folder);
  await rename(join(folder, 'articles/en'), join(folder, 'articles/english'));
  await life(folder, SECOND, latest);

  expect(await revisions(folder)).toEqual(before);
});

test('a kill in the middle of a renaming takes nothing back', async () => {
  const folder = await dataFolder(FILES);
  await life(folder, FIRST, latest);
  const before = await revisions(folder);
  await rename(join(folder, 'articles/a.json'), join(folder, 'articles/z.json'));
  await killedAfterOneChange(folder, SECOND);
  const after = await life(folder, SECOND, latest);

  expect(after.found).toMatchObject({ titles: ['A', 'B', 'C', 'D'], withdrawn: [] });
  expect(await revisions(folder)).toEqual(before);
});

test('a file that was published in the moment of a kill and went before the next start is taken back', async () => {
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
  ['goes', ['B', 'C', 'D'], ['a', 'e']],
])(
  'where a file that names another id in the moment of a kill %s, no former article does',
  async (how, titles, gone) => {
    const folder = await dataFolder(FILES);
    await life(folder, FIRST, latest);
    await put(folder, 'articles/a.json', json({ id: 'e', title: 'E' }));
    await killedAfterOneChange(folder, SECOND);
    const kept = Object.keys(await revisions(folder));
    if (how === 'goes') await rm(join(folder, 'articles/a.json'));
    const { found } = await life(folder, SECOND, latest);

    expect(kept).toContain('e');
    expect(found).toMatchObject({
      titles,
      withdrawn: gone.map((id) => `tag:news.example,2026:${id} 2026-11-21T12:00:00Z`),
    });
  },
);

test('a file whose article was withdrawn in the moment of a kill brings it back when it comes back as it was', async () => {
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

test('a file that is written while it is read, and then the service is killed, is read again', async () => {
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

test('a file that fails to be read in whatever way is told, and all others are served', async () => {
  const folder = await dataFolder(FILES);
  const actual = await vi.importActual<typeof import('node:fs/promises')>('node:fs/promises');
  onTestFinished(() => void vi.mocked(readFile).mockReset());
  vi.mocked(readFile).mockImplementation(async (...parameters) => {
    if (String(parameters[0]).endsWith('/a.json')) throw new RangeError('File size is greater than 2 GiB');
    return actual.readFile(...parameters);
  });
  const { found, lines } = await life(folder, FIRST, latest);

  expect(found.titles).toEqual(['B', 'C', 'D']);
  expect(lines).toEqual(['articles/a.json: File size is greater than 2 GiB']);
});

test('a file that two starts later is what it was brings its article back', async () => {
  const folder = await dataFolder(FILES);
  await life(folder, FIRST, latest);
  await rm(join(folder, 'articles/a.json'));
  const without = await life(folder, SECOND, latest);
  await put(folder, 'articles/a.json', FILES['articles/a.json']);
  const back = await life(folder, SECOND + 1000, latest);

  expect(without.found.titles).toEqual(['B', 'C', 'D']);
  expect(back.found).toMatchObject({ titles: ['A', 'B', 'C', 'D'], withdrawn: [] });
});

test('a file that was broken while the service was down is told at every start, and its article stays', async () => {
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

describe('what the API did', () => {
  const svg = (size: number) => `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}"/>`;

  /** A life in which the API puts an article that has no file, and takes back one that has. */
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
    ['is the same', async () => {}],
    ['was touched', (_, file) => utimes(file, 1_763_700_000, 1_763_700_000)],
    ['was written anew as it was', async (_, file) => writeFile(file, await readFile(file))],
    ['has another name', (folder, file) => rename(file, join(folder, 'articles/z.json'))],
    ['shows a picture that was replaced', (folder) => put(folder, 'media/p.svg', svg(1000))],
  ])('stays, also where the file of what it took back %s', async (_, change) => {
    const { folder, file } = await firstLife();
    await change(folder, file);
    const next = await life(folder, SECOND, latest);

    expect(next.found).toMatchObject({
      titles: ['API', 'B', 'C', 'D'],
      withdrawn: ['tag:news.example,2026:a 2026-11-20T12:00:00Z'],
    });
  });

  test('does not outlast a file that holds another record', async () => {
    const { folder } = await firstLife();
    await put(folder, 'articles/a.json', json({ id: 'a', title: 'A, mended' }));
    const next = await life(folder, SECOND, latest);

    expect(next.found).toMatchObject({ titles: ['A, mended', 'API', 'B', 'C', 'D'], withdrawn: [] });
  });
});
