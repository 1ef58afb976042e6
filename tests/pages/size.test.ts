import { describe, expect, test } from 'vitest';
import type { Article } from '../../src/article/article.ts';
import { parsePublication } from '../../src/config/publication.ts';
import { describeFeed } from '../../src/feed/feeds.ts';
import { assetsOf } from '../../src/pages/assets.ts';
import { daysUntil } from '../../src/pages/days.ts';
import { feedPage } from '../../src/pages/feed-page.ts';
import { GROUPS, type Group, type GroupKind, type IndexPage, indexPage } from '../../src/pages/index-page.ts';
import { type ListedFeed, type NamedFeed, STORIES } from '../../src/pages/listed-feed.ts';
import { siteOf } from '../../src/pages/site.ts';
import { fairShare } from '../../src/pages/within-bytes.ts';
import { article, PUBLICATION } from '../helpers.ts';

const publication = parsePublication(PUBLICATION, 'p');
const site = siteOf(publication);
const NEWEST = Date.UTC(2026, 10, 21);
const calendar = { newest: NEWEST, days: daysUntil(NEWEST, 'UTC') };
const perDay = calendar.days.map((_, index) => index % 5);

function named(kind: GroupKind, word: string, count: number): NamedFeed[] {
  return Array.from({ length: count }, (_, index) => ({
    key: kind === 'custom' ? `${word}-${index}` : `${kind}/${word}-${index}`,
    title: `${word} ${index}`,
  }));
}

function listed(feed: NamedFeed): ListedFeed {
  const newest = {
    title: 'سێ هەزار کیسە لە کەناری سیروان. '.repeat(30),
    url: `https://news.example/${feed.key.length}`,
    language: 'ckb',
    publishedAt: NEWEST,
  };
  return { ...feed, articles: 1000, perDay, newest };
}

const SHOWN = { section: 15, language: 12, tag: 10, author: 10, custom: 10 };
const KINDS = Object.keys(GROUPS) as GroupKind[];

describe.each([
  'topic',
  'agriculture-and-water',
  'کشتوکاڵ',
  'ئاو-و-کشتوکاڵ-لە-کوردستان',
  'ئ'.repeat(190), // as long as a name may be
  '水'.repeat(190),
  '"'.repeat(190),
])('the page of all feeds has less than 150 kB, whatever their names, such as %s', (word) => {
  const latest = listed({ key: 'latest', title: '' });
  const pageWith = (groups: readonly Group[], search?: IndexPage['search']) =>
    indexPage({ calendar, latest: search ? undefined : latest, languages: 6, groups, search }, site);

  test.each([
    ['as names', named],
    ['whole', (kind: GroupKind, ...rest: [string, number]) => named(kind, ...rest).map(listed)],
  ])('where feeds that a reader has to open stand there %s', (_, more) => {
    const groups = KINDS.map((kind) => ({
      kind,
      feeds: named(kind, word, SHOWN[kind]).map(listed),
      more: more(kind, word, 100 - SHOWN[kind]),
    }));
    const text = pageWith(groups);

    expect(Buffer.byteLength(text)).toBeLessThan(150_000);
    for (const kind of KINDS) expect(text).toMatch(new RegExp(`id="${GROUPS[kind].id}"[^]*?<li class="feed">`));
    expect(text.match(/<summary>/g)).toHaveLength(KINDS.length);
  });

  test.each(KINDS)('where a search finds 60 feeds of one kind: %s', (kind) => {
    const groups = [{ kind, feeds: named(kind, word, 60).map(listed), more: [] }];
    const text = pageWith(groups, { text: word, found: 60 });

    expect(Buffer.byteLength(text)).toBeLessThan(150_000);
    expect(text).toContain('<li class="feed">');
  });
});

const STORY = '<p>The river rose in the night, and nobody had seen it coming.</p>\n'.repeat(55);

function pageOf(bodies: readonly string[]): string {
  const articles = bodies.map((body, index) =>
    article({ id: `a${index}`, url: `https://news.example/${index}`, body, summary: 'Water.' }),
  );
  return pageWith(articles, 'section/world', 'World');
}

function pageWith(articles: readonly Article[], key: string, name: string): string {
  const feed = describeFeed(key, name, publication);
  const own = { key: feed.key, title: name, articles: articles.length, perDay };
  const report = (_: number, error: unknown) => expect.fail(String(error));
  return feedPage({ feed, listed: own, calendar, articles, languages: [], report }, site);
}

const READ_ON = '<p lang="en" dir="ltr"><a href="https://news.example/';

test('twenty ordinary stories are whole', () => {
  const text = pageOf(Array.from({ length: STORIES }, () => STORY));
  expect(text.match(/nobody had seen/g)).toHaveLength(STORIES * 55);
  expect(text).not.toContain(READ_ON);
  expect(Buffer.byteLength(text)).toBeLessThan(100_000);
});

test('a page stays below 100 kB: the longest stories are cut, and lead to the site', () => {
  const long = STORY.repeat(200);
  const text = pageOf([long, ...Array.from({ length: STORIES - 2 }, () => STORY.slice(0, 2000)), long]);
  expect(Buffer.byteLength(text)).toBeLessThan(100_000);
  expect(Buffer.byteLength(text)).toBeGreaterThan(80_000);
  expect(text.split(READ_ON)).toHaveLength(3);
  expect(text.match(/<article class="entry">/g)).toHaveLength(STORIES);
});

test('a page of nothing but long stories shows the beginning of each', () => {
  const text = pageOf(Array.from({ length: STORIES }, () => STORY.repeat(200)));
  expect(Buffer.byteLength(text)).toBeLessThan(100_000);
  expect(text.split(READ_ON)).toHaveLength(STORIES + 1);
});

const LONG = ['"'.repeat(190), 'ئ'.repeat(190), '水'.repeat(190), 'name '.repeat(38)];

test.each(LONG)('a page stays below 100 kB, whatever stands around its stories: %s', (word) => {
  const texts = (count: number) => Array.from({ length: count }, (_, index) => `${word} ${index}`);
  const address = (index: number) => `https://news.example/${encodeURIComponent(word).slice(0, 4000)}/${index}`;
  const languages = ['ku', 'ckb', 'ar', 'fa', 'tr'];
  const articles = Array.from({ length: STORIES }, (_, index) =>
    article({
      id: `a${index}`,
      url: address(index),
      title: word.repeat(5),
      summary: word.repeat(26),
      body: STORY,
      authors: texts(100).map((name) => ({ name })),
      sections: texts(50),
      image: { url: address(1), alt: word.repeat(10), caption: word.repeat(10), credit: word.repeat(2) },
      source: { name: word.repeat(2), url: address(2) },
      media: texts(50).map((title, at) => ({ url: `${address(at)}.mp3`, type: 'audio/mpeg', title: title + word })),
      translations: texts(100).map((_, at) => ({ language: languages[at % 5], url: address(at) })),
    }),
  );
  const text = pageWith(articles, `section/${word}`, word);

  expect(Buffer.byteLength(text)).toBeLessThan(100_000);
  expect(text).toContain('<article class="entry">');
  expect(text).not.toContain('This is the first story of this feed.'); // there are more stories in the feed than on the page
});

test('a list around a story is whole where there is room, and says where it is not', () => {
  const authors = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ name: `Reporter Number ${index}` }));
  const bylineOf = (count: number) => {
    const text = pageWith([article({ authors: authors(count) })], 'section/world', 'World');
    return /<p class="byline">.*<\/p>/.exec(text)?.[0] ?? '';
  };

  expect(bylineOf(20).match(/rel="author"/g)).toHaveLength(20);
  expect(bylineOf(20)).not.toContain('…');
  expect(bylineOf(100)).toContain(' and …');
});

test.each([
  [[1, 2, 3], 6, Number.POSITIVE_INFINITY],
  [[], 6, Number.POSITIVE_INFINITY],
  [[10, 1, 10], 11, 5],
  [[10, 10, 10], 9, 3],
  [[10], 0, 0],
  [[10], -5, 0],
])('of texts of %j bytes, %i bytes have room for %i of each', (lengths, bytes, share) => {
  expect(fairShare(lengths, bytes)).toBe(share);
});

test('the stylesheet has less than 12 kB, and only the accent colour is written into it', () => {
  const [one, other] = ['1a5f7a', 'ffcc00'].map((accentColor) => assetsOf({ accentColor }).style);
  expect(one?.bytes.length).toBeLessThan(12_000);
  expect(other?.bytes.toString()).toBe(one?.bytes.toString().replace('#1a5f7a', '#ffcc00'));
  expect(other?.path).not.toBe(one?.path);
  expect(assetsOf({}).style).toEqual(one);
});
