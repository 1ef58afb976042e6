import { appendFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openDataFolder } from '../../../src/service/data-folder.ts';
import { ask, dataFolder, put, type Running, record, start } from '../../helpers.ts';

vi.mock('node:fs/promises', { spy: true });

/** Markdown and plain text do not show where they end: half of one is a valid story. */

const HALF = 'Story\n\nA standfirst.\n\nThe first half.\n';
const REST = '\nThe second half.\n';

interface Item {
  readonly title: string;
  readonly content_html: string;
}

async function items({ port }: Running): Promise<Item[]> {
  return JSON.parse((await ask(port, '/feeds/latest.json')).text).items;
}

async function titles(service: Running): Promise<string[]> {
  return (await items(service)).map(({ title }) => title).sort();
}

/** The halves of the story that the feed has. */
async function halves(service: Running): Promise<string[]> {
  const story = (await items(service)).find(({ title }) => title === 'Story');
  return ['first', 'second'].filter((half) => story?.content_html.includes(half));
}

/** Makes a file look as if it was written to just now, at every look, until the returned function is called. */
async function beingWritten(name: string): Promise<() => void> {
  const actual = await vi.importActual<typeof import('node:fs/promises')>('node:fs/promises');
  vi.mocked(stat).mockImplementation((async (path: string) => {
    const status = await actual.stat(path);
    return path.endsWith(name) ? Object.assign(status, { mtimeMs: Date.now() }) : status;
  }) as typeof stat);
  const end = () => void vi.mocked(stat).mockReset();
  onTestFinished(end);
  return end;
}

async function revision(folder: string): Promise<number> {
  const { store } = openDataFolder(folder);
  const last = await store.lastRevision();
  await store.close();
  return last;
}

test.each(['txt', 'md'])(
  'a .%s that is written slowly is published once, a second after its last write',
  async (ending) => {
    const service = await start(await dataFolder());
    const file = join(service.dataFolder, `articles/a.${ending}`);
    const end = await beingWritten(`/a.${ending}`);
    const fields = '---\ntitle: Story\nurl: /a\npublishedAt: 2026-11-20T10:00:00Z\n---\n';
    await writeFile(file, fields + HALF);
    await put(service.dataFolder, 'articles/b.json', JSON.stringify(record({ id: 'b', title: 'Other' })));
    expect(await titles(service)).toEqual(['Other']);
    await appendFile(file, REST);
    expect(await titles(service)).toEqual(['Other']);
    end();

    await expect.poll(() => halves(service)).toEqual(['first', 'second']);
    expect(await revision(service.dataFolder)).toBe(2);
    expect(service.lines).toEqual([]);
  },
);

test('a file that is written again keeps its former article until then', async () => {
  const service = await start(await dataFolder({ 'articles/a.txt': HALF + REST }));
  const end = await beingWritten('/a.txt');
  await writeFile(join(service.dataFolder, 'articles/a.txt'), HALF);
  await put(service.dataFolder, 'articles/b.json', JSON.stringify(record({ id: 'b', title: 'Other' })));
  expect(await titles(service)).toEqual(['Other', 'Story']);
  expect(await halves(service)).toEqual(['first', 'second']);
  end();

  await expect.poll(() => halves(service)).toEqual(['first']);
});

test('a file that is written under a hidden name and renamed is published at once', async () => {
  const service = await start(await dataFolder());
  await beingWritten('/a.txt');
  for (const title of ['Story', 'Mended']) {
    await put(service.dataFolder, 'articles/.a.txt', `${title}\n\nERBIL - A body.\n`);
    await rename(join(service.dataFolder, 'articles/.a.txt'), join(service.dataFolder, 'articles/a.txt'));

    expect(await titles(service)).toEqual([title]);
  }
});

test('a file that was written just before the start is in the first response, unless it is still being written', async () => {
  const folder = await dataFolder({ 'articles/a.txt': HALF + REST, 'articles/b.txt': HALF });
  const end = await beingWritten('/b.txt');
  const service = await start(folder);
  expect((await items(service)).length).toBe(1);
  expect(await halves(service)).toEqual(['first', 'second']);
  end();

  await expect.poll(async () => (await items(service)).length).toBe(2);
});

test('a file that is written again under another name has nothing withdrawn', async () => {
  const text = '---\nid: one\nurl: /one\n---\nStory\n\nERBIL - A body.\n';
  const service = await start(await dataFolder({ 'articles/a.txt': text }));
  const before = await revision(service.dataFolder);
  await writeFile(join(service.dataFolder, 'articles/b.txt'), text);
  await rm(join(service.dataFolder, 'articles/a.txt'));
  const { store } = openDataFolder(service.dataFolder);
  onTestFinished(() => store.close());

  await expect.poll(async () => (await store.sources()).map(({ path }) => path)).toEqual(['b.txt']);
  expect(await store.lastRevision()).toBe(before);
});
