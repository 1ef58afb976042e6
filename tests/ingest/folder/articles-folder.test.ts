import { mkdirSync, rmSync, watch, writeFileSync } from 'node:fs';
import { mkdir, rename, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openDataFolder } from '../../../src/service/data-folder.ts';
import { ask, dataFolder, overflow, put, type Running, record, start } from '../../helpers.ts';
import { clientOf } from '../../http/api.ts';
import { sized } from '../../soak/sizes.ts';

vi.mock('node:fs', { spy: true });

/** The articles folder while the service runs: the first response after a write shows the change. */

/** A 1×1 GIF. */
const PIXEL = Buffer.from('R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==', 'base64');

/** A record that names no id: the path of its file is its id. */
function named(title: string, fields: Readonly<Record<string, unknown>> = {}): string {
  const { id: _, ...rest } = record({ title, ...fields });
  return JSON.stringify(rest);
}

async function running(files: Readonly<Record<string, string | Uint8Array>> = {}): Promise<Running> {
  return start(await dataFolder(files));
}

interface Item {
  readonly id: string;
  readonly title: string;
}

async function items({ port }: Running, feed = 'latest'): Promise<Item[]> {
  return JSON.parse((await ask(port, `/feeds/${feed}.json`)).text).items;
}

async function titles(service: Running, feed = 'latest'): Promise<string[]> {
  return (await items(service, feed)).map(({ title }) => title).sort();
}

/** The lines of the log, as soon as there is one. */
async function logged({ lines }: Running): Promise<readonly string[]> {
  await expect.poll(() => lines.length).toBeGreaterThan(0);
  return lines;
}

describe('a file', () => {
  test.each([
    ['json', named('Added')],
    ['md', '---\nurl: /a\npublishedAt: 2026-11-20T10:00:00Z\n---\n# Added\n\nA body.\n'],
    ['markdown', '---\nurl: /a\npublishedAt: 2026-11-20T10:00:00Z\ntitle: Added\n---\nA body.\n'],
    ['txt', 'Added\n\nA standfirst.\n\nERBIL (Four Rivers) - A body.\n'],
    ['JSON', named('Added')],
  ])('that is added as .%s is published', async (ending, content) => {
    const service = await running({ [`a.${ending}`]: content });
    expect(await titles(service)).toEqual([]);
    const file = join(service.dataFolder, `articles/2026-11-20-a.${ending}`);
    await rename(join(service.dataFolder, `a.${ending}`), file);

    expect(await titles(service)).toEqual(['Added']);
    expect(service.lines).toEqual([]);
  });

  test('that changes is published again under the same id', async () => {
    const service = await running({ 'articles/a.json': named('Before') });
    const before = await items(service);
    await put(service.dataFolder, 'articles/a.json', named('After'));
    const after = await items(service);

    expect(before.map(({ title }) => title)).toEqual(['Before']);
    expect(after.map(({ title }) => title)).toEqual(['After']);
    expect(after[0]?.id).toBe(before[0]?.id);
  });

  test('that is removed is withdrawn', async () => {
    const service = await running({ 'articles/a.json': named('A'), 'articles/b.json': named('B') });
    expect(await titles(service)).toEqual(['A', 'B']);
    await rm(join(service.dataFolder, 'articles/a.json'));

    expect(await titles(service)).toEqual(['B']);
  });

  test('that a folder of the same name replaces is withdrawn, and the files in the folder are published', async () => {
    const service = await running({
      'articles/a.md': '---\nurl: /a\ntitle: A\npublishedAt: 2026-11-20T10:00:00Z\n---\nText.',
    });
    expect(await titles(service)).toEqual(['A']);
    await rm(join(service.dataFolder, 'articles/a.md'));
    await put(service.dataFolder, 'articles/a.md/b.json', named('B'));

    expect(await titles(service)).toEqual(['B']);
    expect(service.lines).toEqual([]);
  });

  test('that is removed and restored unchanged gives the same document', async () => {
    const service = await running({ 'articles/a.json': named('A'), 'articles/b.json': named('B') });
    const file = join(service.dataFolder, 'articles/a.json');
    const { headers } = await ask(service.port, '/feeds/latest.rss');
    await rename(file, `${file}.off`);
    expect(await titles(service)).toEqual(['B']);
    await rename(`${file}.off`, file);

    expect((await ask(service.port, '/feeds/latest.rss')).headers.etag).toBe(headers.etag);
  });

  test('that is renamed is a new article if its path is its id', async () => {
    const service = await running({ 'articles/a.json': named('A') });
    const before = await items(service);
    await rename(join(service.dataFolder, 'articles/a.json'), join(service.dataFolder, 'articles/b.json'));
    const after = await items(service);

    expect(before).toMatchObject([{ id: 'tag:news.example,2026:a', title: 'A' }]);
    expect(after).toMatchObject([{ id: 'tag:news.example,2026:b', title: 'A' }]);
  });

  test('that is renamed is the same article if it names its id', async () => {
    const service = await running({ 'articles/a.json': JSON.stringify(record({ id: 'one', title: 'A' })) });
    const before = await ask(service.port, '/feeds/latest.rss');
    await rename(join(service.dataFolder, 'articles/a.json'), join(service.dataFolder, 'articles/b.json'));
    const after = await ask(service.port, '/feeds/latest.rss');

    expect(after.text).toContain('tag:news.example,2026:one');
    expect(after.headers.etag).toBe(before.headers.etag);
    expect(service.lines).toEqual([]);
  });

  test('that is moved to another folder is the same article if it names its id', async () => {
    const service = await running({ 'articles/x/a.json': JSON.stringify(record({ id: 'one', title: 'A' })) });
    await mkdir(join(service.dataFolder, 'articles/y'));
    await rename(join(service.dataFolder, 'articles/x/a.json'), join(service.dataFolder, 'articles/y/a.json'));

    expect(await titles(service)).toEqual(['A']);
    await put(service.dataFolder, 'articles/y/a.json', JSON.stringify(record({ id: 'one', title: 'B' })));
    expect(await titles(service)).toEqual(['B']);
  });

  test('that names a new id is a new article, and the former one is withdrawn', async () => {
    const service = await running({ 'articles/a.json': JSON.stringify(record({ id: 'one' })) });
    await put(service.dataFolder, 'articles/a.json', JSON.stringify(record({ id: 'two' })));

    expect((await items(service)).map(({ id }) => id)).toEqual(['tag:news.example,2026:two']);
  });

  test.each(['.a.json.tmp', 'a.json.tmp', 'a.json~', '.#a.json'])(
    'that is written as %s and renamed is published only when it is complete',
    async (temporary) => {
      const service = await running({ 'articles/a.json': named('Before') });
      await put(service.dataFolder, `articles/${temporary}`, named('After'));
      expect(await titles(service)).toEqual(['Before']);
      await rename(join(service.dataFolder, 'articles', temporary), join(service.dataFolder, 'articles/a.json'));

      expect(await titles(service)).toEqual(['After']);
      expect(service.lines).toEqual([]);
    },
  );

  test('that is renamed to the name of another file replaces it', async () => {
    const service = await running({ 'articles/a.json': named('A'), 'articles/b.json': named('B') });
    await rename(join(service.dataFolder, 'articles/a.json'), join(service.dataFolder, 'articles/b.json'));

    expect(await items(service)).toMatchObject([{ id: 'tag:news.example,2026:b', title: 'A' }]);
  });

  test('that is written again without a change keeps ETag and Last-Modified', async () => {
    const service = await running({ 'articles/a.json': named('A') });
    const before = await ask(service.port, '/feeds/latest.rss');
    await put(service.dataFolder, 'articles/a.json', named('A'));
    const after = await ask(service.port, '/feeds/latest.rss');

    expect([after.headers.etag, after.headers['last-modified']]).toEqual([
      before.headers.etag,
      before.headers['last-modified'],
    ]);
  });

  test('that is touched keeps ETag and Last-Modified', async () => {
    const service = await running({ 'articles/a.json': named('A'), 'articles/b.json': named('B', { tags: ['x'] }) });
    const before = await ask(service.port, '/feeds/tag/x.rss');
    const file = join(service.dataFolder, 'articles/b.json');
    await utimes(file, new Date(), new Date());
    await put(service.dataFolder, 'articles/a.json', named('Changed'));
    expect(await titles(service)).toEqual(['B', 'Changed']);
    const after = await ask(service.port, '/feeds/tag/x.rss');

    expect([after.headers.etag, after.headers['last-modified']]).toEqual([
      before.headers.etag,
      before.headers['last-modified'],
    ]);
  });

  test.each<[string, (folder: string) => Promise<void>]>([
    ['is touched', (folder) => utimes(join(folder, 'articles/a.json'), new Date(), new Date())],
    ['is touched with its folder', (folder) => utimes(join(folder, 'articles'), new Date(), new Date())],
    ['uses a picture that is replaced', (folder) => put(folder, 'media/pixel.gif', Buffer.concat([PIXEL, PIXEL]))],
  ])('that %s does not publish an article again that the API withdrew', async (_, change) => {
    const image = { url: '/media/pixel.gif' };
    const service = await clientOf(
      await dataFolder({ 'articles/a.json': named('A', { image }), 'media/pixel.gif': PIXEL }),
    );
    await service.remove('/a?reason=legal');
    await change(service.dataFolder);
    await put(service.dataFolder, 'articles/b.json', named('B'));

    expect(await titles(service)).toEqual(['B']);
    await put(service.dataFolder, 'articles/a.json', named('A, mended'));
    expect(await titles(service)).toEqual(['A, mended', 'B']);
  });

  test('that is added and removed at once leaves nothing', async () => {
    const service = await running({ 'articles/a.json': named('A') });
    await put(service.dataFolder, 'articles/b.json', named('B'));
    await rm(join(service.dataFolder, 'articles/b.json'));

    expect(await titles(service)).toEqual(['A']);
    expect(service.lines).toEqual([]);
  });

  test.each(['.DS_Store', '.a.json', 'a.json~', 'a.json.swp', '4913', 'notes.docx'])(
    'named %s is ignored',
    async (name) => {
      const service = await running({ 'articles/a.json': named('A'), [`articles/${name}`]: named('B') });
      await put(service.dataFolder, `articles/sub/${name}`, named('C'));

      expect(await titles(service)).toEqual(['A']);
      expect(service.lines).toEqual([]);
    },
  );

  test('with a name in a script other than Latin is published', async () => {
    const service = await running();
    await put(service.dataFolder, 'articles/كوردی/هەواڵ ١.json', named('A'));

    expect(await items(service)).toMatchObject([
      {
        id: `tag:news.example,2026:${encodeURIComponent('كوردی')}/${encodeURIComponent('هەواڵ ١')}`,
        title: 'A',
      },
    ]);
  });

  test('behind a symbolic link is treated alike while the service runs and at its start', async () => {
    const service = await running({ 'elsewhere.json': named('Linked'), 'articles/a.json': named('A') });
    await symlink('../elsewhere.json', join(service.dataFolder, 'articles/link.json'));
    const live = await titles(service);
    const restarted = await titles(await start(service.dataFolder));

    expect(live).toEqual(restarted);
  });
});

describe('a broken file', () => {
  const BROKEN = named('Broken', { publishedAt: 'yesterday' });

  test('is logged with line, column, field, rule and value, and its article stays published', async () => {
    const service = await running({ 'articles/a.json': named('A'), 'articles/b.json': named('B') });
    await put(service.dataFolder, 'articles/a.json', JSON.stringify(JSON.parse(BROKEN), null, 2));

    expect(await titles(service)).toEqual(['A', 'B']);
    expect(await logged(service)).toEqual([
      'articles/a.json:5:18: publishedAt: must be a date that exists, with time and zone, as 2026-11-22T10:46:00+03:00 (RFC 3339 §5.6) (value: yesterday)',
    ]);
  });

  test('that is corrected is published', async () => {
    const service = await running({ 'articles/a.json': BROKEN });
    expect(await titles(service)).toEqual([]);
    await put(service.dataFolder, 'articles/a.json', named('Mended'));

    expect(await titles(service)).toEqual(['Mended']);
  });

  test('that is corrected under another name is published: a broken file keeps no id', async () => {
    const broken = record({ id: 'one', publishedAt: 'yesterday' });
    const service = await running({ 'articles/a.json': JSON.stringify(broken) });
    await rm(join(service.dataFolder, 'articles/a.json'));
    await put(service.dataFolder, 'articles/b.json', JSON.stringify(record({ id: 'one', title: 'Mended' })));

    expect(await titles(service)).toEqual(['Mended']);
  });

  test('does not keep an id from a valid file', async () => {
    const service = await running({
      'articles/a.json': JSON.stringify(record({ id: 'one', publishedAt: 'yesterday' })),
      'articles/b.json': JSON.stringify(record({ id: 'one', title: 'Good' })),
    });

    expect(await titles(service)).toEqual(['Good']);
  });

  test('with a date in the future is logged', async () => {
    const service = await running();
    const file = join(service.dataFolder, 'articles/.b.json');
    await writeFile(file, BROKEN);
    const tomorrow = new Date(Date.now() + 86_400_000);
    await utimes(file, tomorrow, tomorrow);
    await rename(file, join(service.dataFolder, 'articles/b.json'));

    expect(await logged(service)).toEqual([expect.stringMatching(/^articles\/b\.json:\d+:\d+: publishedAt: /)]);
  });

  test('does not delay files that were added with it', async () => {
    const service = await running();
    await Promise.all([
      put(service.dataFolder, 'articles/a.json', named('A')),
      put(service.dataFolder, 'articles/b.json', '{"title": '),
      put(service.dataFolder, 'articles/c.json', BROKEN),
      put(service.dataFolder, 'articles/d.txt', Buffer.from([0xff, 0xfe, 0x41, 0x00])),
      put(service.dataFolder, 'articles/e.md', named('E')),
      put(service.dataFolder, 'articles/f.json', named('F')),
    ]);

    expect(await titles(service)).toEqual(['A', 'F']);
    await expect
      .poll(() => service.lines.map((line) => line.split(':')[0]))
      .toEqual(expect.arrayContaining(['articles/b.json', 'articles/c.json', 'articles/d.txt', 'articles/e.md']));
  });

  test.each([
    ['contains a NUL', '/media/x%00.jpg'],
    ['is too long for a file', `/media/${'x'.repeat(300)}`],
    ['is below a file', '/media/a.txt/x.jpg'],
  ])('is not one that uses a picture whose path %s', async (_, address) => {
    const files = { 'articles/a.json': named('A', { body: `<p>A</p><img src="${address}">` }), 'media/a.txt': '' };
    const service = await running(files);
    await put(service.dataFolder, 'articles/b.json', named('B', { body: `<p>B</p><img src="${address}">` }));

    expect(await titles(service)).toEqual(['A', 'B']);
    expect(service.lines.map((line) => line.split('.', 1)[0])).toEqual([
      'a is published with warnings',
      'b is published with warnings',
    ]);
  });

  test('of more than 8 MiB is refused without being read', async () => {
    const folder = await dataFolder({
      'articles/a.json': named('A'),
      'articles/large.json': '',
      'articles/b.json': '',
    });
    await truncate(join(folder, 'articles/large.json'), 5 * 1024 ** 3);
    await writeFile(join(folder, 'articles/b.json'), named('B').padEnd(8 * 1024 * 1024));
    const service = await start(folder);

    expect(await titles(service)).toEqual(['A', 'B']);
    expect(service.lines).toEqual(['articles/large.json: must not have more than 8388608 bytes']);
  });

  test('that is a folder or a link to itself does not delay files that were added with it', async () => {
    const service = await running();
    await Promise.all([
      mkdir(join(service.dataFolder, 'articles/notes.md')),
      symlink('loop.md', join(service.dataFolder, 'articles/loop.md')),
      put(service.dataFolder, 'articles/a.json', named('A')),
      put(service.dataFolder, 'articles/z.json', named('Z')),
    ]);

    expect(await titles(service)).toEqual(['A', 'Z']);
    expect((await logged(service))[0]).toContain('articles/loop.md');
  });
});

test('a half-written file keeps its former article until it is complete, and nothing is logged', async () => {
  const service = await running({ 'articles/a.json': named('Before') });
  const after = named('After');
  const file = join(service.dataFolder, 'articles/a.json');
  await writeFile(file, after.slice(0, 40));
  expect(await titles(service)).toEqual(['Before']);
  await sleep(100); // longer than the debounce
  expect(await titles(service)).toEqual(['Before']);
  await writeFile(file, after.slice(40), { flag: 'a' });

  expect(await titles(service)).toEqual(['After']);
  expect(service.lines).toEqual([]);
});

test.each(['txt', 'md'])('a .%s with unfinished front matter is not published', async (ending) => {
  const service = await running();
  const file = join(service.dataFolder, `articles/a.${ending}`);
  await writeFile(file, '---\nurl: /a\ntitle: Merger\nembargoUntil: 2026-11-21T00:00:00Z\n');
  expect(await titles(service)).toEqual([]);
  await sleep(200);
  expect(await titles(service)).toEqual([]);
  await writeFile(file, 'publishedAt: 2026-11-20T10:00:00Z\n---\nA body.\n', { flag: 'a' });

  await expect.poll(() => titles(service)).toEqual(['Merger']);
  expect(service.lines).toEqual([]);
});

test('a file whose front matter has no end is logged', async () => {
  const service = await running();
  await put(service.dataFolder, 'articles/a.txt', '---\ntitle: A\n\nERBIL - A body.\n');

  expect(await logged(service)).toEqual(['articles/a.txt:1: front matter must end with a line of three dashes (---)']);
  expect(await titles(service)).toEqual([]);
});

test('a file that is emptied and written again is published only when it is complete', async () => {
  const service = await running({ 'articles/a.txt': 'Before\n\nERBIL - A body.\n' });
  const file = join(service.dataFolder, 'articles/a.txt');
  await writeFile(file, '');
  expect(await titles(service)).toEqual(['Before']);
  await writeFile(file, 'After\n\nERBIL - A body.\n');

  const seen = new Set<string>();
  await expect.poll(async () => seen.add((await titles(service)).join()).has('After')).toBe(true);
  expect([...seen].toSorted()).toEqual(['After', 'Before']);
});

describe('a folder', () => {
  test('that is added with files is published at any depth', async () => {
    const service = await running();
    await put(service.dataFolder, 'articles/a/b/c/deep.json', named('Deep'));
    await put(service.dataFolder, 'articles/a/shallow.json', named('Shallow'));
    expect(await titles(service)).toEqual(['Deep', 'Shallow']);
    await put(service.dataFolder, 'articles/a/b/c/deep.json', named('Deeper'));

    expect(await titles(service)).toEqual(['Deeper', 'Shallow']);
  });

  test('that is moved in is published, and watched', async () => {
    const service = await running({ 'draft/a.json': named('A'), 'draft/sub/b.json': named('B') });
    await rename(join(service.dataFolder, 'draft'), join(service.dataFolder, 'articles/en'));
    expect(await titles(service)).toEqual(['A', 'B']);
    await put(service.dataFolder, 'articles/en/sub/b.json', named('Changed'));

    expect(await titles(service)).toEqual(['A', 'Changed']);
  });

  test.each([
    ['is removed', (folder: string) => rm(join(folder, 'articles/en'), { recursive: true })],
    ['is moved out', (folder: string) => rename(join(folder, 'articles/en'), join(folder, 'en'))],
    ['is hidden', (folder: string) => rename(join(folder, 'articles/en'), join(folder, 'articles/.en'))],
  ])('that %s has its articles withdrawn', async (_, change) => {
    const service = await running({
      'articles/a.json': named('A'),
      'articles/en/b.json': named('B'),
      'articles/en/sub/c.json': named('C'),
    });
    expect(await titles(service)).toEqual(['A', 'B', 'C']);
    await change(service.dataFolder);

    expect(await titles(service)).toEqual(['A']);
  });

  test('that a file of the same name replaces has its articles withdrawn', async () => {
    const service = await running({ 'articles/a.json/b.json': named('B') });
    await rm(join(service.dataFolder, 'articles/a.json'), { recursive: true });
    await put(service.dataFolder, 'articles/a.json', named('A'));

    expect(await titles(service)).toEqual(['A']);
  });

  test('that is named like an article and moved away has its articles withdrawn', async () => {
    const service = await running({ 'articles/a.json': named('A'), 'articles/u.txt/b.json': named('B') });
    await put(service.dataFolder, 'articles/v.json/w/c.json', named('C'));
    expect(await titles(service)).toEqual(['A', 'B', 'C']);
    await rename(join(service.dataFolder, 'articles/u.txt'), join(service.dataFolder, 'u.txt'));
    expect(await titles(service)).toEqual(['A', 'C']);
    await rename(join(service.dataFolder, 'articles/v.json'), join(service.dataFolder, 'v.json'));
    expect(await titles(service)).toEqual(['A']);
  });

  test('that is removed and restored is published again', async () => {
    const service = await running({ 'articles/en/a.json': named('A') });
    await rm(join(service.dataFolder, 'articles/en'), { recursive: true });
    expect(await titles(service)).toEqual([]);
    await put(service.dataFolder, 'articles/en/a.json', named('Again'));

    expect(await titles(service)).toEqual(['Again']);
  });

  test('that is removed and made again at once is published again, and stays watched', async () => {
    const service = await running({ 'articles/en/a.json': named('A') });
    const folder = join(service.dataFolder, 'articles/en');
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    expect(await titles(service)).toEqual([]);
    await put(folder, 'a.json', named('Again'));

    expect(await titles(service)).toEqual(['Again']);
  });

  test('behind a symbolic link is treated alike while the service runs and at its start', async () => {
    const service = await running({ 'elsewhere/b.json': named('Linked'), 'articles/a.json': named('A') });
    await symlink('../elsewhere', join(service.dataFolder, 'articles/link'));
    const live = await titles(service);
    const restarted = await titles(await start(service.dataFolder));

    expect([live, restarted]).toEqual([['A'], ['A']]);
  });

  test('of all articles may be a symbolic link, and another link may replace it', async () => {
    const folder = await dataFolder({ 'one/a.json': named('A'), 'two/b.json': named('B') });
    await symlink('one', join(folder, 'articles'));
    const service = await start(folder);
    await put(folder, 'one/c.json', named('C'));
    expect(await titles(service)).toEqual(['A', 'C']);
    await symlink('two', join(folder, 'next'));
    await rename(join(folder, 'next'), join(folder, 'articles'));

    expect(await titles(service)).toEqual(['B']);
  });

  test('that is renamed keeps the articles that name their ids', async () => {
    const service = await running({ 'articles/en/a.json': JSON.stringify(record({ id: 'one', title: 'A' })) });
    await rename(join(service.dataFolder, 'articles/en'), join(service.dataFolder, 'articles/english'));
    expect(await items(service)).toMatchObject([{ id: 'tag:news.example,2026:one', title: 'A' }]);
    await put(service.dataFolder, 'articles/english/a.json', JSON.stringify(record({ id: 'one', title: 'B' })));

    expect(await titles(service)).toEqual(['B']);
  });

  test('of 1,200 articles that is renamed has none of them withdrawn', async () => {
    const names = Array.from({ length: 1200 }, (_, index) => [`articles/en/${index}.json`, `story-${index}`]);
    const service = await running(
      Object.fromEntries(names.map(([path, id]) => [path, JSON.stringify(record({ id }))])),
    );
    const { store } = openDataFolder(service.dataFolder);
    onTestFinished(() => store.close());
    const before = await store.lastRevision();
    await rename(join(service.dataFolder, 'articles/en'), join(service.dataFolder, 'articles/english'));
    const folders = async () => (await store.sources()).map(({ path }) => path.split('/')[0]);
    await expect.poll(folders).toEqual(Array(1200).fill('english'));

    expect(await store.lastRevision()).toBe(before);
  });

  test('that another folder replaces has its own articles published, and stays watched', async () => {
    const service = await running({
      'articles/en/a.json': named('A'),
      'articles/en/b.json': named('B'),
      'new/b.json': named('New B'),
      'new/c.json': named('C'),
    });
    const { dataFolder: folder } = service;
    await rename(join(folder, 'articles/en'), join(folder, 'old'));
    await rename(join(folder, 'new'), join(folder, 'articles/en'));
    expect(await titles(service)).toEqual(['C', 'New B']);
    await put(folder, 'articles/en/d.json', named('D'));

    expect(await titles(service)).toEqual(['C', 'D', 'New B']);
  });

  test('of all articles may be replaced by another folder', async () => {
    const service = await running({ 'articles/a.json': named('A'), 'new/b.json': named('B') });
    const { dataFolder: folder } = service;
    await rename(join(folder, 'articles'), join(folder, 'old'));
    await rename(join(folder, 'new'), join(folder, 'articles'));

    expect(await titles(service)).toEqual(['B']);
  });

  test.each(['articles', 'media'])('%s that is missing does not stop the start', async (missing) => {
    const folder = await dataFolder(missing === 'articles' ? { 'media/a.txt': '' } : { 'articles/a.json': named('A') });
    const service = await start(folder);
    expect(await titles(service)).toEqual(missing === 'articles' ? [] : ['A']);
    await put(folder, 'articles/b.json', named('B'));

    expect(await titles(service)).toEqual(missing === 'articles' ? ['B'] : ['A', 'B']);
  });
});

test('a folder that cannot be watched is read every half minute, and each refused file is logged once', async () => {
  const { watch: real } = await vi.importActual<typeof import('node:fs')>('node:fs');
  vi.mocked(watch).mockImplementation((...parameters) => {
    if (!String(parameters[0]).endsWith('/en')) return real(...parameters);
    throw Object.assign(new Error('ENOSPC: too many'), { code: 'ENOSPC' });
  });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
  onTestFinished(() => {
    vi.useRealTimers();
    vi.mocked(watch).mockReset();
  });
  const service = await running({
    'articles/en/a.json': named('A'),
    'articles/en/b.json': '{',
    'articles/en/c.json': '{}',
  });
  const lines = [...service.lines];
  await put(service.dataFolder, 'articles/en/a.json', named('Changed'));
  await put(service.dataFolder, 'articles/en/d.json', named('D'));
  expect(await titles(service)).toEqual(['A']);
  vi.advanceTimersByTime(30_000);

  expect(await titles(service)).toEqual(['Changed', 'D']);
  await rm(join(service.dataFolder, 'articles/en/d.json'));
  vi.advanceTimersByTime(30_000);
  expect(await titles(service)).toEqual(['Changed']);
  await put(service.dataFolder, 'articles/last.json', '{');
  await expect.poll(() => service.lines.at(-1)).toContain('articles/last.json');

  expect(lines[0]).toBe(
    'The system does not allow more watched folders (ENOSPC: too many): raise fs.inotify.max_user_watches above the number of folders in articles/ and media/. Until then, the service checks every file by size and time every 30 seconds.',
  );
  expect(service.lines.filter((line) => !line.startsWith('articles/last.json'))).toEqual(lines);
});

describe('an id that two files claim', () => {
  const claim = (title: string) => JSON.stringify(record({ id: 'one', title }));

  test('belongs to the first file at the start, and the other is logged', async () => {
    const service = await running({ 'articles/a.json': claim('A'), 'articles/b.json': claim('B') });

    expect(await titles(service)).toEqual(['A']);
    expect(service.lines).toEqual([
      'articles/b.json:1:7: id: is already the id of articles/a.json: each file needs an id of its own (value: one)',
    ]);
  });

  test('stays with the file that has it', async () => {
    const service = await running({ 'articles/b.json': claim('B') });
    await put(service.dataFolder, 'articles/a.json', claim('A'));

    expect(await titles(service)).toEqual(['B']);
    expect(await logged(service)).toEqual([
      'articles/a.json:1:7: id: is already the id of articles/b.json: each file needs an id of its own (value: one)',
    ]);
  });

  test.each([
    ['is removed', (folder: string) => rm(join(folder, 'articles/a.json'))],
    ['names another id', (folder: string) => put(folder, 'articles/a.json', JSON.stringify(record({ id: 'two' })))],
    ['is moved out', (folder: string) => rename(join(folder, 'articles/a.json'), join(folder, 'a.json'))],
  ])('goes to the other when the file that has it %s', async (_, change) => {
    const service = await running({ 'articles/a.json': claim('A'), 'articles/b.json': claim('B') });
    expect(await titles(service)).toEqual(['A']);
    await change(service.dataFolder);

    expect(await titles(service)).toContain('B');
  });

  test.each([
    ['at once', 0],
    ['one after the other', 150],
  ])('can be swapped between two files %s, and nothing is withdrawn', async (_, pause) => {
    const named = (id: string, title: string) => JSON.stringify(record({ id, title }));
    const service = await running({ 'articles/a.json': named('one', 'A'), 'articles/b.json': named('two', 'B') });
    expect(await titles(service)).toEqual(['A', 'B']);
    await put(service.dataFolder, 'articles/a.json', named('two', 'A'));
    await sleep(pause);
    await put(service.dataFolder, 'articles/b.json', named('one', 'B'));

    await expect
      .poll(async () => (await items(service)).map(({ id, title }) => `${id.slice(-3)} ${title}`).sort())
      .toEqual(['one B', 'two A']);
    expect((await ask(service.port, '/feeds/latest.json')).text).not.toContain('_tombstones');
    expect(service.lines).toEqual([]);
  });

  test('stays published if its file names another id but is invalid', async () => {
    const service = await running({ 'articles/a.json': claim('A') });
    await put(service.dataFolder, 'articles/a.json', JSON.stringify(record({ id: 'two', publishedAt: 'yesterday' })));

    expect(await titles(service)).toEqual(['A']);
    await logged(service);
    expect(await titles(service)).toEqual(['A']);
    await rm(join(service.dataFolder, 'articles/a.json'));
    expect(await titles(service)).toEqual([]);
  });
});

describe('a media file', () => {
  const image = async (service: Running) => {
    const { text } = await ask(service.port, '/feeds/latest.rss');
    return /<media:content ([^>]*?)\/?>/.exec(text)?.[1];
  };

  test.each([
    ['pixel.gif', 'pixel.gif'],
    ['new/folder/pixel.gif', 'new/folder/pixel.gif'],
    ['a%20b.gif', 'a b.gif'],
    ['%D8%A2%D8%A8.gif', 'آب.gif'],
    ['آب.gif', 'آب.gif'],
    ['caf%C3%A9.gif', 'cafe\u0301.gif'],
  ])('/media/%s that is added after its article is in the feed', async (address, file) => {
    const service = await running({ 'articles/a.json': named('A', { image: { url: `/media/${address}` } }) });
    expect(await image(service)).toContain('url="https://news.example/media/');
    await put(service.dataFolder, `media/${file}`, PIXEL);

    expect(await image(service)).toBe(
      `url="https://feeds.news.example${encodeURI(decodeURI(`/media/${address}`))}" type="image/gif" medium="image" fileSize="${PIXEL.length}" width="1" height="1"`,
    );
  });

  test('that an article lacks has the article published when it is added', async () => {
    const service = await running({ 'articles/a.json': named('A', { media: [{ url: '/media/pixel.gif' }] }) });
    expect(await titles(service)).toEqual([]);
    await put(service.dataFolder, 'media/pixel.gif', PIXEL);

    expect(await titles(service)).toEqual(['A']);
  });

  test.each([
    ['is removed', (folder: string) => rm(join(folder, 'media/sub/pixel.gif'))],
    ['is removed with its folder', (folder: string) => rm(join(folder, 'media/sub'), { recursive: true })],
    ['is moved with its folder', (folder: string) => rename(join(folder, 'media/sub'), join(folder, 'media/other'))],
  ])('that %s leaves the feed', async (_, change) => {
    const service = await running({
      'articles/a.json': named('A', { image: { url: '/media/sub/pixel.gif' } }),
      'media/sub/pixel.gif': PIXEL,
    });
    expect(await image(service)).toContain('width="1"');
    await change(service.dataFolder);

    expect(await image(service)).toBe('url="https://news.example/media/sub/pixel.gif" medium="image"');
  });

  test('that grows has its new length in the feed', async () => {
    const service = await running({
      'articles/a.json': named('A', { media: [{ url: '/media/a.mp3' }] }),
      'media/a.mp3': 'short',
    });
    expect((await ask(service.port, '/feeds/latest.rss')).text).toContain('length="5" type="audio/mpeg"');
    await put(service.dataFolder, 'media/a.mp3', 'longer than before');

    expect((await ask(service.port, '/feeds/latest.rss')).text).toContain('length="18" type="audio/mpeg"');
  });
});

describe('many files', { tags: ['soak'] }, () => {
  const MANY = sized({ short: 250, soak: 1000, full: 1000 });
  const many = (folder: string, count: number, title: string) =>
    Promise.all(
      Array.from({ length: count }, (_, index) =>
        put(folder, `articles/wire/${index}.json`, named(`${title} ${index}`, { tags: [`batch ${index % 20}`] })),
      ),
    );
  const allTitles = async (service: Running) => {
    const feeds = await Promise.all(Array.from({ length: 20 }, (_, batch) => titles(service, `tag/batch-${batch}`)));
    return feeds.flat().sort();
  };
  const expected = (count: number, title: string) =>
    Array.from({ length: count }, (_, index) => `${title} ${index}`).sort();

  // A response waits for changed files, but not longer than a second: on a busy machine, many take longer.
  test('that are added at once are all in the responses that follow', async () => {
    const service = await running();
    await many(service.dataFolder, MANY, 'Story');

    await expect.poll(() => allTitles(service)).toEqual(expected(MANY, 'Story'));
  });

  test('that change or are removed at once do so in the responses that follow', async () => {
    const service = await running();
    await many(service.dataFolder, MANY, 'Before');
    await expect.poll(() => allTitles(service)).toEqual(expected(MANY, 'Before'));
    await many(service.dataFolder, MANY, 'After');
    await expect.poll(() => allTitles(service)).toEqual(expected(MANY, 'After'));
    await rm(join(service.dataFolder, 'articles/wire'), { recursive: true });

    await expect.poll(() => allTitles(service)).toEqual([]);
  });

  test('that are added without end delay neither earlier additions nor earlier removals', async () => {
    const service = await running({ 'articles/a.json': named('A') });
    const writer = new AbortController();
    let written = 0;
    const writing = (async () => {
      for (; !writer.signal.aborted; written += 1) {
        await put(service.dataFolder, `articles/wire/${written}.json`, named(`Story ${written}`));
        await sleep(5);
      }
    })();
    try {
      await expect.poll(() => written, { interval: 5 }).toBeGreaterThan(10);
      await expect.poll(() => titles(service)).toEqual(expect.arrayContaining(['A', 'Story 0']));
      await rm(join(service.dataFolder, 'articles/a.json'));
      await expect.poll(() => titles(service)).not.toContain('A'); // a busy system may report the removal a moment later
    } finally {
      writer.abort();
      await writing;
    }
  });

  test('that are written without end keep no reader from a feed, however many readers there are', async () => {
    const service = await running({ 'articles/a.json': named('Story') });
    await titles(service);
    const writer = new AbortController();
    const writing = (async () => {
      // A new file every tenth of a second. Each is written to for longer than a reader waits for it.
      for (let round = 0; !writer.signal.aborted; round += 1) {
        const newest = Math.floor(round / 10);
        const open = Array.from({ length: 12 }, (_, age) => newest - age).filter((index) => index >= 0);
        await Promise.all(open.map((index) => put(service.dataFolder, `articles/wire/${index}.json`, named('Wire'))));
        await sleep(10);
      }
    })();
    try {
      await sleep(200);
      const asked = Array.from({ length: 120 }, () => ask(service.port, '/feeds/latest.json'));
      expect(new Set((await Promise.all(asked)).map(({ status }) => status))).toEqual(new Set([200]));
    } finally {
      writer.abort();
      await writing;
    }
  });

  test('are published even if the system drops their changes', async () => {
    const service = await running({ 'articles/a.json': named('A'), 'articles/en/b.json': named('B') });
    const folder = join(service.dataFolder, 'articles');
    overflow(folder);
    rmSync(join(folder, 'a.json'));
    rmSync(join(folder, 'en'), { recursive: true });
    mkdirSync(join(folder, 'en'));
    writeFileSync(join(folder, 'c.json'), named('C'));
    expect(await titles(service)).toEqual(['C']);
    await put(folder, 'en/b.json', named('B'));

    expect(await titles(service)).toEqual(['B', 'C']);
  });

  test('are published even if one of them cannot be', async () => {
    const service = await running();
    await Promise.all([
      many(service.dataFolder, 100, 'Story'),
      put(service.dataFolder, 'articles/wire/broken.json', '{'),
    ]);

    expect(await allTitles(service)).toEqual(expected(100, 'Story'));
  });
});
