import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FORMATS } from '../../src/feed/feeds.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import type { StoredRecord } from '../../src/store/store.ts';
import { ask, dataFolder, put, type Running, record, start } from '../helpers.ts';
import { command, END_OF_INPUT, type Finished } from './terminal.ts';

const STORY = record({ title: 'Secret', sections: ['World'], authors: [{ name: 'Ann Secret' }] });

const PUBLIC_ID = 'tag:news.example,2026:a';

/** A data folder whose store has these records. */
async function newsroom(records: readonly object[] = [STORY], files: Readonly<Record<string, string>> = {}) {
  const folder = await dataFolder({ 'articles/.keep': '', ...files });
  await put(folder, 'in.ndjson', records.map((one) => `${JSON.stringify(one)}\n`).join(''));
  const { code, err } = await imported(folder, join(folder, 'in.ndjson'));
  expect(code, err).toBe(0);
  await rm(join(folder, 'in.ndjson'));
  return folder;
}

function imported(folder: string, file: string, ...options: readonly string[]): Promise<Finished> {
  return command(['import', '--data', folder, '--rejected', join(folder, 'rejected.ndjson'), ...options, file]);
}

async function find(folder: string, id: string): Promise<StoredRecord | undefined> {
  const { store } = openDataFolder(folder);
  try {
    return await store.find(id);
  } finally {
    await store.close();
  }
}

const REWRITTEN = 'The store is rewritten, so that no copy of the text is left in it.\n';

test('several articles are erased at once; a second time says so', async () => {
  const folder = await newsroom([STORY, record({ id: '2026/b', url: '/b' })]);
  const erase = () => command(['erase', '--data', folder, 'a', '2026/b', 'a']);

  expect(await erase()).toEqual({
    code: 0,
    out: ['a', '2026/b']
      .map((id) => `${id} is erased. Readers of Atom and JSON Feed learn that it is withdrawn.\n`)
      .join(''),
    err: REWRITTEN,
    drawn: '',
  });
  expect(await erase()).toMatchObject({ code: 0, out: 'a was erased before.\n2026/b was erased before.\n' });
});

test('an embargoed article has no readers to learn of its end', async () => {
  const folder = await newsroom([record({ id: 'e', embargoUntil: '2999-01-01T00:00:00Z' })]);
  expect(await command(['erase', '--data', folder, 'e'])).toMatchObject({
    code: 0,
    out: 'e is erased. No reader has seen it.\n',
  });
});

test.each<[readonly string[], number, string]>([
  [[], 2, '“erase” needs the ID of an article.\n'],
  [['a', 'z', 'y'], 1, 'There is no article “z”, “y”.\n'],
  [['--ja', 'a'], 2, 'There is no option “--ja”'],
])('erase %j is refused with %i, and nothing is erased', async (args, code, message) => {
  const folder = await newsroom();
  const done = await command(['erase', '--data', folder, ...args]);
  expect([done.code, done.out, done.err.startsWith(message)]).toEqual([code, '', true]);
  expect((await find(folder, 'a'))?.isErased).toBeUndefined();
});

test('a folder without a store is named, and none is created', async () => {
  const folder = await dataFolder();
  const { code, err } = await command(['erase', '--data', folder, 'a']);
  expect([code, err]).toEqual([1, `There is no store in ${folder}, so there is no article to erase.\nCheck --data.\n`]);
});

describe('in a terminal', () => {
  test.each<[string, readonly string[], string | undefined, boolean]>([
    ['the id', ['a'], 'a', true],
    ['something else', ['a'], 'yes', false],
    ['nothing', ['a'], '', false],
    ['Ctrl-D', ['a'], END_OF_INPUT, false],
    ['the number of articles', ['a', 'b'], '2', true],
    ['one of two ids', ['a', 'b'], 'a', false],
    ['nothing, with --yes', ['--yes', 'a'], '', true],
  ])('a person types %s', async (_, args, typed, isErased) => {
    const folder = await newsroom([STORY, record({ id: 'b', url: '/b' })]);
    const { code, err } = await command(['erase', '--data', folder, ...args], typed === undefined ? {} : { typed });
    expect([code, (await find(folder, 'a'))?.isErased === true]).toEqual([isErased ? 0 : 1, isErased]);
    expect(err).toBe(isErased ? REWRITTEN : 'Nothing was erased.\n');
  });
});

describe('while a file holds the article', () => {
  const json = JSON.stringify;
  test.each<[string, string, string]>([
    ['by its id', 'x/story.json', json(STORY)],
    ['by its path', 'a.json', json({ ...STORY, id: undefined })],
    ['in Markdown', 'note.md', '---\nid: a\ntitle: T\n---\nText'],
    ['in Markdown, by its path', 'a.markdown', 'Text'],
    ['in text', 'a.txt', 'Title\n\nText'],
    ['by its public id', 'other.json', json({ ...STORY, id: 'c', publicId: 'tag:news.example,2026:a' })],
    ['with a mistake in the record', 'wrong.json', json({ ...STORY, title: 5 })],
    ['and cannot be read', 'broken.json', '{"title":"T", "id": "a", }'],
    ['and cannot be read, by its path', 'a.json', '{'],
    ['and cannot be read, in Markdown', 'broken.md', '---\nid: a\ntitle: "T\n---\nText'],
    ['and cannot be read, with the line ends of Windows', 'broken.md', '---\r\nid: a\r\ntitle: "T\r\n---\r\nText'],
    ['and cannot be read, with spaces', 'broken.md', '---\ntitle: "T\nid:  a \n---'],
    ['and cannot be read, with the public id alone', 'x.json', '{"publicId":"tag:news.example,2026:a","title":'],
  ])('%s, nothing is erased', async (_, path, content) => {
    const folder = await newsroom([STORY], { 'articles/fine.json': json(record({ id: 'fine', body: 'about "a"' })) });
    await put(folder, `articles/${path}`, content);
    const { code, err } = await command(['erase', '--data', folder, 'a']);

    expect([code, err.split('\n').at(-2)]).toEqual([1, `Delete articles/${path}, then erase the article again.`]);
    expect((await find(folder, 'a'))?.article.title).toBe('Secret');
  });

  test('another file does not matter', async () => {
    const folder = await newsroom([STORY], {
      'articles/ab.json': json(record({ id: 'ab', body: 'about "a"' })),
      'articles/broken.json': '{"id": "ab",',
      'articles/a.docx': 'a',
      'articles/.a.json': json(STORY),
    });
    expect((await command(['erase', '--data', folder, 'a'])).code).toBe(0);
  });

  test('an articles folder that is gone may come back with the file', async () => {
    const folder = await dataFolder({ 'articles/a.json': json(STORY) });
    await (await start(folder)).close();
    await rm(join(folder, 'articles'), { recursive: true });
    const { code, err } = await command(['erase', '--data', folder, 'a']);

    expect(code).toBe(1);
    expect(err).toContain('comes from articles/a.json, but the folder');
    await put(folder, 'articles/.keep', '');
    expect((await command(['erase', '--data', folder, 'a'])).code).toBe(0);
  });
});

describe('the text of an erased article that a source still has, with a mistake,', () => {
  test.each<[string, string]>([
    ['in a field', JSON.stringify({ ...STORY, publishedAt: 'yesterday' })],
    ['in the spelling of its id', JSON.stringify({ ...STORY, id: ' a', publicId: PUBLIC_ID })],
    ['in its JSON', `${JSON.stringify(STORY).slice(0, -1)},}`],
  ])('%s, comes into no file and onto no screen', async (_, line) => {
    const folder = await newsroom();
    expect((await find(folder, 'a'))?.article.publicId).toBe(PUBLIC_ID);
    await command(['erase', '--data', folder, 'a']);
    await put(folder, 'in.ndjson', `${line}\n{"id":"other","title":"Open"}\n`);
    const { code, err } = await imported(folder, join(folder, 'in.ndjson'));

    expect([code, err.includes('Secret')]).toEqual([1, false]);
    expect(await readFile(join(folder, 'rejected.ndjson'), 'utf8')).toBe('{"id":"other","title":"Open"}\n');
  });
});

test('refused records of erased articles are counted apart: nothing can be fixed in them', async () => {
  const folder = await newsroom();
  await command(['erase', '--data', folder, 'a']);
  const rejected = join(folder, 'rejected.ndjson');
  const stay = 'An erased article stays erased: remove its record from the source.';

  await put(folder, 'in.ndjson', `${JSON.stringify(STORY)}\n`);
  expect((await imported(folder, join(folder, 'in.ndjson'))).err.trimEnd().split('\n').at(-1)).toBe(stay);

  await put(folder, 'rejected.ndjson', `${JSON.stringify(STORY)}\n{"id":"other","title":"Open"}\n`);
  const { code, err } = await imported(folder, rejected, '--report', join(folder, 'report.json'));
  expect([code, err.trimEnd().split('\n').slice(-2)]).toEqual([
    1,
    [`Refused records are in ${rejected}: fix them there and import that file.`, stay],
  ]);
  expect(await readFile(rejected, 'utf8')).toBe('{"id":"other","title":"Open"}\n');
  expect(JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'))).toMatchObject({ refused: 2, erased: 1 });
});

/** Every document of these feeds: status, tag and text. */
async function documents({ port }: Running): Promise<Record<string, string>> {
  const answers: Record<string, string> = {};
  for (const feed of ['latest', 'section/world', 'author/ann-secret', 'language/en', 'language/ckb', 'tag/rain']) {
    for (const format of FORMATS) {
      const { status, headers, text } = await ask(port, `/feeds/${feed}.${format}`);
      answers[`${feed}.${format}`] = `${status} ${headers.etag}\n${text}`;
    }
  }
  return answers;
}

describe('an export of an erased article', () => {
  async function exported() {
    const folder = await newsroom([
      STORY,
      record({ id: 'b', url: '/b', sections: ['World'], tags: ['Rain'] }),
      record({ id: 'c', url: '/c', language: 'ckb' }),
      record({ id: 'later', url: '/later', embargoUntil: '2099-01-01T00:00:00Z' }),
    ]);
    await command(['erase', '--data', folder, 'a', 'c', 'later']);
    const file = join(folder, 'all.ndjson');
    await command(['export', '--data', folder, file]);
    return { folder, file };
  }

  test('is a line without text, with which another store serves the same documents and refuses the article', async () => {
    const { folder, file } = await exported();
    const text = await readFile(file, 'utf8');
    const other = await dataFolder({ 'articles/.keep': '' });
    const first = await imported(other, file);
    const again = await imported(other, file);
    const now = () => Date.now() + 86_400_000;
    const [one, two] = [await documents(await start(folder, { now })), await documents(await start(other, { now }))];
    await put(other, 'old.ndjson', `${JSON.stringify(STORY)}\n`);

    expect(text).not.toContain('Secret');
    expect([first.out, again.out]).toEqual([
      '4 created, 0 updated, 0 unchanged, 0 refused\n',
      '0 created, 0 updated, 4 unchanged, 0 refused\n',
    ]);
    expect(two).toEqual(one);
    expect(one['author/ann-secret.atom']).toContain('<at:deleted-entry');
    expect(one['language/ckb.json']).toContain('کوردیی ناوەندی');
    expect((await imported(other, join(other, 'old.ndjson'))).out).toContain('1 refused');
    await command(['export', '--data', other, join(other, 'all.ndjson')]);
    expect(await readFile(join(other, 'all.ndjson'), 'utf8')).toBe(text);
  });

  test('is refused where the article is not erased', async () => {
    const { file } = await exported();
    const other = await newsroom();
    const { code, err } = await imported(other, file);

    expect(code).toBe(1);
    expect(err).toContain(':1: erased: names an article that is not erased here: erase it with the command erase\n');
    expect((await find(other, 'a'))?.article.title).toBe('Secret');
  });
});
