import { mkdir, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { createOtherFiles, otherFileProblem, STAYS_AFTER } from '../../../src/ingest/folder/other-files.ts';
import { dataFolder, put } from '../../helpers.ts';

const WRITTEN = 1_000_000_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  return () => vi.useRealTimers();
});

/** The other files of a folder, at a moment after their last write. */
async function opened(paths: readonly string[], sinceWritten: number) {
  let time = WRITTEN + sinceWritten;
  const advance = (milliseconds: number) => {
    time += milliseconds;
    vi.advanceTimersByTime(milliseconds);
  };
  const folder = await dataFolder();
  const write = async (path: string) => {
    await put(folder, path, '');
    await utimes(join(folder, path), WRITTEN / 1000, WRITTEN / 1000);
  };
  for (const path of paths) await write(path);
  const reports: unknown[] = [];
  const others = createOtherFiles({
    folder,
    now: () => time,
    onFound: (found) => reports.push(['found', ...found]),
    onRemoved: (path) => reports.push([path, 'removed']),
  });
  onTestFinished(others.close);
  return { folder, advance, reports, ...others };
}

const never = () => false;

test('a file is reported once, and its removal once', async () => {
  const { folder, look, listed, reports } = await opened(['a.docx', 'b.html'], STAYS_AFTER);
  await listed('', ['a.docx'], never);
  await look(['a.docx', 'b.html']);
  await listed('', ['a.docx', 'b.html'], never);
  await rm(join(folder, 'a.docx'));
  await look(['a.docx']);
  await listed('', [], never);
  await look(['a.docx', 'b.html']);

  expect(reports).toEqual([
    ['found', 'a.docx'],
    ['found', 'b.html'],
    ['a.docx', 'removed'],
    ['b.html', 'removed'],
    ['found', 'b.html'],
  ]);
});

test.each([0, STAYS_AFTER - 1])('a file that was written %i ms ago may be on its way to another name', async (age) => {
  const { folder, look, advance, reports } = await opened(['a.md.tmp', 'stays.tmp'], age);
  await look(['a.md.tmp', 'stays.tmp', 'gone.tmp']);
  await rename(join(folder, 'a.md.tmp'), join(folder, 'a.md'));
  advance(STAYS_AFTER - 1);
  expect(reports).toEqual([]);
  advance(1);

  await vi.waitFor(() => expect(reports).toEqual([['found', 'stays.tmp']]));
});

test('a closed folder is not looked at again', async () => {
  const { look, close } = await opened(['a.tmp'], 0);
  await look(['a.tmp']);
  close();
  await look(['a.tmp']);

  expect(vi.getTimerCount()).toBe(0);
});

test('the files of a folder that was moved away are removed, those of a changed folder are not', async () => {
  const { folder, look, reports } = await opened(['x/a.pdf', 'x/y/b.pdf', 'xy.pdf'], STAYS_AFTER);
  await look(['x/a.pdf', 'x/y/b.pdf', 'xy.pdf']);
  await look(['x']);
  await rename(join(folder, 'x'), join(folder, 'z'));
  await look(['x']);

  expect(reports).toEqual([
    ['found', 'x/a.pdf', 'x/y/b.pdf', 'xy.pdf'],
    ['x/a.pdf', 'removed'],
    ['x/y/b.pdf', 'removed'],
  ]);
});

test('a file in a folder that cannot be read stays reported', async () => {
  const { listed, reports } = await opened(['x/a.pdf'], STAYS_AFTER);
  await listed('', ['x/a.pdf'], never);
  await listed('', [], (path) => path.startsWith('x/'));
  await listed('other', [], never);

  expect(reports).toEqual([['found', 'x/a.pdf']]);
});

test('a folder is no file, whatever its name', async () => {
  const { folder, look, reports } = await opened([], STAYS_AFTER);
  await mkdir(join(folder, 'a.pdf'));
  await look(['a.pdf']);

  expect(reports).toEqual([]);
});

test.each([
  ['articles/a.DOCX', '.docx', 'is no article: save its text as Markdown (.md) or plain text (.txt)'],
  ['articles/a.html', '.html', 'is no article: save its text as Markdown (.md) or plain text (.txt)'],
  ['articles/a.jpg', '.jpg', 'is no article: move pictures and sound to media/'],
  [
    'articles/README',
    undefined,
    'is no article: articles end in .json, .md, .markdown, .txt. Give it one of these endings, or move it out of articles/',
  ],
])('%s', (path, value, rule) => {
  expect(otherFileProblem(path)).toEqual({ field: '', ...(value === undefined ? {} : { value }), rule });
});
