import { execFileSync } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { OldAddress } from '../../../src/config/redirects/old-address.ts';
import { openRecordedRedirects, REDIRECTS_FILE } from '../../../src/config/redirects/recorded-redirects.ts';
import type { Problem } from '../../../src/errors.ts';
import { dataFolder } from '../../helpers.ts';

const A: OldAddress = { segments: ['a', 'feed'], query: new Map() };
const TARGET = { key: 'section/a', format: 'rss' };

test.each([
  ['a link to itself', (file: string) => symlink(file, file), 'its symbolic links lead in a circle (ELOOP)'],
  ['a folder', (file: string) => mkdir(file), 'it is not a file'],
  ['a pipe', async (file: string) => void execFileSync('mkfifo', [file]), 'it is not a file'],
])('a file that cannot be read, %s, leaves the redirects as they are and is reported once', async (_, replace, why) => {
  const folder = await dataFolder({ [REDIRECTS_FILE]: '/a/feed/ section/a\n' });
  const file = join(folder, REDIRECTS_FILE);
  const found: Problem[] = [];
  const { table } = openRecordedRedirects(folder, {
    systems: [],
    onProblems: (problems) => found.push(...problems),
  });
  const lookUps = async () => {
    const tables = [await table(), await table(), await table()];
    return tables.map((each) => each.exact(A));
  };
  const before = await lookUps();
  await rm(file);
  await replace(file);
  const unreadable = await lookUps();
  await rm(file, { recursive: true });
  await writeFile(file, '/b/feed/ section/b\n');
  const after = await lookUps();

  expect(before).toEqual([TARGET, TARGET, TARGET]);
  expect(unreadable).toEqual(before);
  expect(after).toEqual([undefined, undefined, undefined]);
  expect(found).toEqual([{ field: '', rule: `cannot be read: ${why}` }]);
});
