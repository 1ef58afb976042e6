import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { open, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openContained, openContainedSync, placeOf, placeOfSync } from '../../src/lib/contained-file.ts';
import { dataFolder } from '../helpers.ts';

/** The text of a file by both ways to open it; undefined if it is refused, the code of an error of the system. */
async function textsOf(folder: string, path: string): Promise<readonly (string | undefined)[]> {
  const file = await openContained(folder, path).catch(codeOf);
  if (typeof file === 'string') return [file, opened(() => openContainedSync(folder, path))];
  const text = file === undefined ? undefined : await readFile(file.path, 'utf8');
  await file?.handle.close();
  return [text, opened(() => openContainedSync(folder, path))];
}

function opened(open: () => number | undefined): string | undefined {
  try {
    const descriptor = open();
    if (descriptor === undefined) return undefined;
    const text = readFileSync(descriptor, 'utf8');
    closeSync(descriptor);
    return text;
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

/** A folder `media` with files and links, beside files that it must not show. */
async function withLinks(): Promise<string> {
  const folder = await dataFolder({
    'media/a.txt': 'a',
    'media/sub/b.txt': 'b',
    'media-secret/s.txt': 'secret',
    'secret/s.txt': 'secret',
  });
  const links = [
    ['media/inside.txt', 'a.txt'],
    ['media/absolute.txt', join(folder, 'media/sub/b.txt')],
    ['media/chain.txt', 'inside.txt'],
    ['media/folder', 'sub'],
    ['media/around.txt', '../media/a.txt'],
    ['media/out.txt', '../secret/s.txt'],
    ['media/out-absolute.txt', join(folder, 'secret/s.txt')],
    ['media/out-chain.txt', 'out.txt'],
    ['media/out-folder', '../secret'],
    ['media/out-parent', '..'],
    ['media/neighbour.txt', '../media-secret/s.txt'],
    ['media/itself', '.'],
    ['media/loop', 'loop'],
    ['media/descriptor', '/proc/self/environ'],
    ['linked-media', 'media'],
    ['secret/back', '../media'],
  ] as const;
  for (const [name, target] of links) await symlink(target, join(folder, name));
  return folder;
}

test.each([
  ['a.txt', 'a'],
  ['sub/b.txt', 'b'],
  ['inside.txt', 'a'],
  ['absolute.txt', 'b'],
  ['chain.txt', 'a'],
  ['folder/b.txt', 'b'],
  ['around.txt', 'a'],
  ['itself/itself/a.txt', 'a'],
  ['out-folder/back/a.txt', 'a'],
  ['out.txt', undefined],
  ['out-absolute.txt', undefined],
  ['out-chain.txt', undefined],
  ['out-folder/s.txt', undefined],
  ['out-parent/secret/s.txt', undefined],
  ['itself/out-chain.txt', undefined],
  ['neighbour.txt', undefined],
  ['../secret/s.txt', undefined],
  ['../media-secret/s.txt', undefined],
  ['sub', undefined],
  ['descriptor', undefined],
  ['loop', 'ELOOP'],
  ['none.txt', 'ENOENT'],
])('%s is %s, whether or not the folder is a link', async (path, expected) => {
  const folder = await withLinks();

  expect(await textsOf(join(folder, 'media'), path)).toEqual([expected, expected]);
  expect(await textsOf(join(folder, 'linked-media'), path)).toEqual([expected, expected]);
});

test('a FIFO is refused, and waited for by nobody', async () => {
  const folder = await dataFolder({ 'a.txt': 'a' });
  expect(spawnSync('mkfifo', [join(folder, 'fifo')]).status).toBe(0);

  expect(await textsOf(folder, 'fifo')).toEqual([undefined, undefined]);
});

describe.each([
  ['where the system tells', undefined],
  ['where it does not', '/no/such/folder'],
])('a link that is replaced after a file was opened through it, %s,', (_name, descriptors) => {
  test('does not let the file outside pass', async () => {
    const folder = await realpath(await withLinks());
    const link = join(folder, 'media/out.txt');
    const handle = await open(link);
    const descriptor = openSync(link, 'r');
    await rm(link);
    await symlink('a.txt', link);
    const places = [(await placeOf(handle, link, descriptors))?.real, placeOfSync(descriptor, link, descriptors)];
    await handle.close();
    closeSync(descriptor);

    const known = descriptors === undefined && process.platform === 'linux' ? join(folder, 'secret/s.txt') : undefined;
    expect(places).toEqual([known, known]);
  });
});

test('without the help of the system, a file that stays has its place', async () => {
  const folder = realpathSync(await withLinks());
  const link = join(folder, 'media/chain.txt');
  const handle = await open(link);
  const descriptor = openSync(link, 'r');
  const place = await placeOf(handle, link, '/no/such/folder');
  const file = join(folder, 'media/a.txt');

  expect([place, placeOfSync(descriptor, link, '/no/such/folder')]).toEqual([{ real: file, path: file }, file]);
  await handle.close();
  closeSync(descriptor);
});

test.runIf(process.platform === 'linux')('an open file is read even if its name has another one by now', async () => {
  const folder = await withLinks();
  const file = await openContained(join(folder, 'media'), 'a.txt');
  await rename(join(folder, 'media/a.txt'), join(folder, 'media/moved.txt'));
  await writeFile(join(folder, 'elsewhere'), 'secret');
  await symlink('../elsewhere', join(folder, 'media/a.txt'));

  expect(await readFile(file?.path ?? '', 'utf8')).toBe('a');
  await file?.handle.close();
});
