import { expect, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import { describeFeed } from '../../src/feed/feeds.ts';
import { assetsOf } from '../../src/pages/assets.ts';
import { daysUntil } from '../../src/pages/days.ts';
import { fairShare, feedPage } from '../../src/pages/feed-page.ts';
import { GROUPS, type GroupKind, indexPage } from '../../src/pages/index-page.ts';
import { type ListedFeed, type NamedFeed, STORIES } from '../../src/pages/listed-feed.ts';
import { siteOf } from '../../src/pages/site.ts';
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

test.each([
  ['topic', 5],
  ['agriculture-and-water', 5],
  ['کشتوکاڵ', 5],
  ['ئاو-و-کشتوکاڵ-لە-کوردستان', 0],
])('the page of all feeds has less than 150 kB, however many there are of names such as %s', (word, lists) => {
  const shown = { section: 15, language: 12, tag: 10, author: 10, custom: 10 };
  const kinds = Object.keys(GROUPS) as GroupKind[];
  const groups = kinds.map((kind) => ({
    kind,
    feeds: named(kind, word, shown[kind]).map(listed),
    more: named(kind, word, 100 - shown[kind]),
  }));
  const latest = listed({ key: 'latest', title: '' });
  const text = indexPage({ calendar, latest, languages: 6, groups, search: undefined }, site);

  expect(Buffer.byteLength(text)).toBeLessThan(150_000);
  for (const kind of kinds) expect(text).toContain(`id="${GROUPS[kind].id}"`);
  expect((text.match(/<ul class="names">\n<li>/g) ?? []).length).toBe(lists);
});

const STORY = '<p>The river rose in the night, and nobody had seen it coming.</p>\n'.repeat(55);

function pageOf(bodies: readonly string[]): string {
  const articles = bodies.map((body, index) =>
    article({ id: `a${index}`, url: `https://news.example/${index}`, body, summary: 'Water.' }),
  );
  const feed = describeFeed('section/world', 'World', publication);
  const own = { key: feed.key, title: 'World', articles: articles.length, perDay };
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
