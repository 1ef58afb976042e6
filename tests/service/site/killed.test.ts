// @module-tag soak
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { childEnvironment, dataFolder, record } from '../../helpers.ts';
import { sized } from '../../soak/sizes.ts';
import { filesIn, folderExporter, textsIn } from './site.ts';

const MAIN = join(import.meta.dirname, '../../../src/start.js');
/** Of the files of a whole site, after how many the export is killed. */
const KILLED_AT = sized({
  short: [150],
  soak: [1, 20, 90, 150, 250, 340],
  full: [1, 5, 20, 50, 90, 150, 200, 250, 300, 340],
});

const stories = Object.fromEntries(
  Array.from({ length: 30 }, (_, number) => [
    `articles/s${number}.json`,
    JSON.stringify(
      record({
        id: `s${number}`,
        url: `https://www.harbour.news/s${number}`,
        sections: [`Section ${number % 3}`],
        publishedAt: new Date(Date.parse('2020-11-01T00:00:00Z') + number * 3_600_000).toISOString(),
      }),
    ),
  ]),
);

const PAPER = `title: The Harbour News
url: https://www.harbour.news/
feedsUrl: https://feeds.harbour.news/
description: News for tests.
language: en
entries: 5
`;

test.each(KILLED_AT)('an export that is killed after %i files goes on', { timeout: 120_000 }, async (files) => {
  const folder = await dataFolder({ 'publication.yaml': PAPER, ...stories });
  const site = join(folder, 'site');
  const child = spawn(process.execPath, [MAIN, 'export', '--data', folder, '--site', site], {
    env: childEnvironment(),
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  const isThere = async () => (await filesIn(site).catch(() => [])).length >= files || child.exitCode !== null;
  while (!(await isThere())) await sleep(2);
  child.kill('SIGKILL');
  await ended;
  await folderExporter(folder, site).write({ version: '0.1.0', now: Date.now });
  const whole = join(folder, 'whole');
  await folderExporter(folder, whole).write({ version: '0.1.0', now: Date.now });
  expect(await textsIn(site)).toEqual(await textsIn(whole));
});

test('what the interrupted export of another data folder has left is removed', async () => {
  const files = { 'publication.yaml': PAPER, ...stories };
  const secret = record({
    id: 'secret',
    url: 'https://www.harbour.news/secret',
    title: 'Secret',
    sections: ['Secret'],
  });
  const one = await dataFolder({ ...files, 'articles/secret.json': JSON.stringify(secret) });
  const other = await dataFolder(files);
  const site = join(await dataFolder(), 'site');
  await folderExporter(other, site).write();

  const controller = new AbortController();
  const onProgress = (done: number, total: number) => {
    if (done === total - 1) controller.abort();
  };
  await expect(folderExporter(one, site).write({ signal: controller.signal, onProgress })).rejects.toThrow();
  const left = Object.values(await textsIn(site)).filter((text) => text.includes('>Secret<'));
  expect(left).not.toEqual([]);

  await folderExporter(other, site).write();
  const whole = join(other, 'whole');
  await folderExporter(other, whole).write();
  expect(await textsIn(site)).toEqual(await textsIn(whole));
});
