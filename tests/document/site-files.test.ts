import { parseOpml } from 'feedsmith';
import { describe, expect, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import type { SiteFileName } from '../../src/document/site-file.ts';
import { createSiteFiles } from '../../src/document/site-files.ts';
import { createPublisher, parseHere } from '../../src/publish/publish.ts';
import { unparsedRecord } from '../../src/publish/unparsed-record.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { readSitemap } from '../format/sitemap-rules.ts';
import { newsroom, PUBLICATION, record } from '../helpers.ts';

const NOW = Date.UTC(2026, 10, 22, 12);
const NOVEMBER: SiteFileName = { kind: 'articles', month: '2026-11', number: 1 };
const OCTOBER: SiteFileName = { kind: 'articles', month: '2026-10', number: 1 };

async function filesOf(settings = '', bytes = 1024 * 1024) {
  const store = openSqliteStore(':memory:');
  const publication = parsePublication(PUBLICATION + settings, 'publication.yaml');
  let reads = 0;
  let onRead = () => {};
  let now = NOW;
  const lists = { feeds: 0, blocks: 0 };
  const counted: typeof store = {
    ...store,
    articles: (numbers) => {
      reads += 1;
      onRead();
      return store.articles(numbers);
    },
    seenFeeds: (keys, at) => {
      lists.feeds += 1;
      return store.seenFeeds(keys, at);
    },
    articleBlocks: (at, size) => {
      lists.blocks += 1;
      return store.articleBlocks(at, size);
    },
  };
  const files = createSiteFiles({ store: counted, publication, now: () => now, bytes });
  const publisher = createPublisher({ store, parse: parseHere(newsroom), announce: () => {}, now: () => NOW });
  const publish = (id: string, publishedAt: string, tag = 'Dams') =>
    publisher.publish([unparsedRecord(record({ id, url: `/${id}`, tags: [tag], publishedAt }))]);
  await publish('old', '2026-10-05T10:00:00Z');
  await publish('new', '2026-11-21T10:00:00Z');
  const textOf = async (name: SiteFileName) => (await files.get(name))?.body.identity.toString() ?? '';
  return {
    files,
    publish,
    textOf,
    reads: () => reads,
    lists: () => [lists.feeds, lists.blocks],
    setNow: (at: number) => {
      now = at;
    },
    whenRead: (act: () => void) => (onRead = act),
    close: store.close,
  };
}

test('a file is made once, however many requests wait for it', async () => {
  const { files, reads, close } = await filesOf();
  const got = await Promise.all(Array.from({ length: 50 }, () => files.get(NOVEMBER)));
  expect(new Set(got.map((file) => file?.body)).size).toBe(1);
  expect(reads()).toBe(1);
  await close();
});

test('a file whose stories are the same is not made again after a publication', async () => {
  const { files, publish, textOf, reads, close } = await filesOf();
  const old = await files.get(OCTOBER);
  await files.get(NOVEMBER);
  await publish('newer', '2026-11-22T11:00:00Z');
  expect((await files.get(OCTOBER))?.body).toBe(old?.body);
  expect(reads()).toBe(2);
  expect(readSitemap(await textOf(NOVEMBER)).entries.map(({ loc }) => loc)).toEqual([
    'https://news.example/new',
    'https://news.example/newer',
  ]);
  await close();
});

test('a request that comes while a file is made sees the changes before it', async () => {
  const { publish, textOf, close } = await filesOf();
  const first = textOf(NOVEMBER);
  await publish('newer', '2026-11-22T11:00:00Z');
  expect(await textOf(NOVEMBER)).toContain('/newer');
  await first;
  await close();
});

test('no file is kept after an erasure', async () => {
  const { files, whenRead, close } = await filesOf();
  await files.get(NOVEMBER);
  expect(files.counts().count).toBe(1);
  files.clear();
  expect(files.counts().count).toBe(0);
  whenRead(files.clear); // one that is being made
  await files.get(NOVEMBER);
  expect(files.counts().count).toBe(0);
  await close();
});

test('files that the cache cannot hold are served all the same', async () => {
  const { textOf, files, close } = await filesOf('', 1);
  expect(readSitemap(await textOf(NOVEMBER)).entries).toHaveLength(1);
  expect(files.counts().count).toBe(0);
  await close();
});

test('without pages, feeds lead to the site, and the sitemaps have the stories alone', async () => {
  const { files, textOf, close } = await filesOf('pages: off\n');
  const { body } = parseOpml(await textOf({ kind: 'opml' }));
  expect(body?.outlines?.[0]).toMatchObject({
    xmlUrl: 'https://feeds.news.example/feeds/latest.rss',
    htmlUrl: 'https://news.example/',
  });
  expect(await files.get({ kind: 'feeds', number: 1 })).toBeUndefined();
  expect(readSitemap(await textOf({ kind: 'index' })).entries.map(({ loc }) => loc)).toEqual([
    'https://feeds.news.example/sitemap-2026-11.xml',
    'https://feeds.news.example/sitemap-2026-10.xml',
  ]);
  await close();
});

test('all addresses of the service stand below its path', async () => {
  const store = openSqliteStore(':memory:');
  const text = PUBLICATION.replace(/feedsUrl:.*/, 'feedsUrl: https://cdn.example/post/');
  const publication = parsePublication(text, 'publication.yaml');
  const files = createSiteFiles({ store, publication, now: () => NOW, bytes: 1024 });
  const index = (await files.get({ kind: 'index' }))?.body.identity.toString() ?? '';
  expect(readSitemap(index).entries.map(({ loc }) => loc)).toEqual(['https://cdn.example/post/sitemap-feeds.xml']);
  const pages = (await files.get({ kind: 'feeds', number: 1 }))?.body.identity.toString() ?? '';
  expect(readSitemap(pages).entries.map(({ loc }) => loc)).toEqual([
    'https://cdn.example/post/',
    'https://cdn.example/post/feeds/latest',
  ]);
  await store.close();
});

describe('what files show of all feeds and articles', () => {
  const NAMES: readonly SiteFileName[] = Array.from({ length: 20 }, (_, index): readonly SiteFileName[] => [
    { kind: 'feeds', number: index + 1 },
    { kind: 'articles', month: '2026-11', number: index + 1 },
  ]).flat();

  test('is read once for all of them, also for those that do not exist, until something changes', async () => {
    const { files, publish, lists, close } = await filesOf();
    const counts: number[][] = [];
    const getAll = async () => {
      const before = lists();
      const found = await Promise.all([...NAMES, ...NAMES].map(files.get));
      counts.push(lists().map((count, index) => count - (before[index] ?? 0)));
      return found.filter((file) => file !== undefined).length;
    };
    expect([await getAll(), await getAll()]).toEqual([4, 4]);
    await publish('newer', '2026-11-22T11:00:00Z');
    expect(await getAll()).toBe(4);
    expect(counts).toEqual([
      [1, 1],
      [0, 0],
      [1, 1],
    ]);
    await close();
  });

  test('is read again when time alone changes it, and after the clock is set back', async () => {
    const { files, publish, textOf, setNow, close } = await filesOf();
    const seen = async (at: number) => {
      setNow(at);
      const texts = [
        await textOf({ kind: 'feeds', number: 1 }),
        await textOf({ kind: 'opml' }),
        await textOf(NOVEMBER),
      ];
      return texts.map((text) => /soon/i.test(text));
    };
    await publish('soon', new Date(NOW + 1000).toISOString(), 'Soon');
    expect(await seen(NOW)).toEqual([false, false, false]);
    expect(await seen(NOW + 999)).toEqual([false, false, false]);
    expect(await seen(NOW + 1000)).toEqual([true, true, true]);
    expect(await seen(NOW + 999)).toEqual([false, false, false]);
    files.clear();
    expect(await seen(NOW + 1000)).toEqual([true, true, true]);
    await close();
  });
});
