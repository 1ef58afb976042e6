import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pageFacts } from '../../src/ingest/import/pages.ts';
import { feedsIn, isWebPage } from '../../src/ingest/import/web-page.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { site } from '../commands/site.ts';
import { command } from '../commands/terminal.ts';
import { dataFolder } from '../helpers.ts';

/** Returns the cases of a kind: the name and the content of each document, with what is expected of it. */
function cases<Expected>(kind: string): [name: string, bytes: Buffer, expected: Expected][] {
  const folder = join(import.meta.dirname, kind);
  const files = readdirSync(folder);
  return files.flatMap((file): [string, Buffer, Expected][] => {
    const base = file.replace(/\.\w+$/, '');
    const expected = [`${base}.expected.json`, `${base}.json`].find((name) => name !== file && files.includes(name));
    if (file.endsWith('.expected.json') || expected === undefined) return [];
    return [[file, readFileSync(join(folder, file)), JSON.parse(readFileSync(join(folder, expected), 'utf8'))]];
  });
}

interface EncodingCase {
  readonly contentType: string;
  readonly title: string;
}

test.each(cases<EncodingCase>('encoding-in-the-header'))(
  'encoding-in-the-header/%s',
  async (_name, bytes, { contentType, title }) => {
    const folder = await dataFolder();
    const url = await site((_request, response) => void response.setHeader('Content-Type', contentType).end(bytes));
    const { code, out, err } = await command(['import', '--data', folder, url]);
    const { store } = openDataFolder(folder);
    const stored = await store.page(0, 10);
    await store.close();

    expect([code, out, err]).toEqual([0, '1 created, 0 updated, 0 unchanged, 0 refused\n', '']);
    expect(stored.map(({ record }) => record)).toMatchObject([{ title }]);
  },
);

interface PageCase {
  readonly contentType: string;
  readonly link?: string;
  readonly feeds: unknown;
}

test.each(cases<PageCase>('web-page-with-feeds'))('web-page-with-feeds/%s', (_name, bytes, expected) => {
  const type = expected.contentType.split(';')[0] ?? '';
  const page = { url: 'https://harbour.example/start', bytes, type, charset: undefined, validators: {} };

  expect(isWebPage(page)).toBe(true);
  expect(feedsIn({ ...page, link: expected.link ?? '' })).toEqual(expected.feeds);
});

test.each([
  ['in a page', (bytes: Buffer) => feedsIn(downloaded(bytes))],
  ['in a feed', (bytes: Buffer) => pageFacts(downloaded(bytes))],
])('elements left open, and end tags of nothing, take no time %s', (_, read) => {
  const start = performance.now();
  read(Buffer.from(`<html>${'<b>'.repeat(200_000)}${'</i>'.repeat(200_000)}`));
  expect(performance.now() - start).toBeLessThan(5000);
});

function downloaded(bytes: Buffer) {
  return { url: 'https://harbour.example/', bytes, link: '', type: '', charset: undefined, validators: {} };
}

interface FeedCase {
  readonly url: string;
  readonly link?: string;
  readonly next: unknown;
  readonly firstStory: string | null;
}

test.each(cases<FeedCase>('feed-with-pages'))(
  'feed-with-pages/%s',
  (_name, bytes, { url, link = '', next, firstStory }) => {
    const page = { url, bytes, link, type: '', charset: undefined, validators: {} };

    expect(isWebPage(page)).toBe(false);
    expect(pageFacts(page)).toEqual({ next: next ?? undefined, firstStory: firstStory ?? undefined });
  },
);
