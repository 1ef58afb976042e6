import { describe, expect, test } from 'vitest';
import { smartnews } from '../../../src/format/dialect/smartnews.ts';
import { article } from '../../helpers.ts';
import {
  childrenOf,
  documentOf,
  entryOf,
  erased,
  expectChildren,
  itemsOf,
  parseXml,
  sampleStories,
  textOf,
  withdrawn,
} from './fixtures.ts';

const stories = await sampleStories('latest');
const [first, second] = stories as [(typeof stories)[0], (typeof stories)[0]];
const takenBack = [withdrawn(first), erased(second)];
const document = documentOf(smartnews, { stories: stories.slice(2, 12), takenBack });
const rss = parseXml(document);
const [channel] = rss.children as [typeof rss];

const REQUIRED = ['title', 'link', 'guid', 'pubDate', 'description', 'content:encoded'];
const ITEM = [
  ...REQUIRED,
  ...['media:thumbnail?', 'category?', 'dc:creator', 'dc:language', 'dc:rights?', 'media:status'],
];

describe('the document', () => {
  test('is the golden one', async () => {
    await expect(document).toMatchFileSnapshot('golden/smartnews.rss');
  });

  test('has the channel of the table', () => {
    expectChildren(channel, [
      ...['title', 'link', 'description', 'pubDate', 'language', 'copyright?', 'ttl?', 'snf:logo?', 'item*'],
    ]);
    expect(textOf(channel, 'description')?.length).toBeLessThanOrEqual(30);
    expect(textOf(channel, 'pubDate')).toBe('Sun, 22 Nov 2026 08:00:00 GMT');
    expect(textOf(channel, 'ttl')).toBe('1');
    const [logo] = childrenOf(channel, 'snf:logo');
    expect(logo && textOf(logo, 'url')).toBe('https://feeds.fourrivers.example/media/logo.png');
    expect(rss.attributes['xmlns:snf']).toBe('http://www.smartnews.be/snf');
  });

  test('has items of the table, in several languages', () => {
    const live = childrenOf(channel, 'item').slice(0, -2);
    for (const each of live) {
      expectChildren(each, ITEM);
      expect(textOf(each, 'media:status')).toBe('active');
      expect(childrenOf(each, 'media:status')[0]?.attributes).toEqual({});
    }
    expect(new Set(live.map((each) => textOf(each, 'dc:language'))).size).toBeGreaterThan(1);
  });

  test('has a mark for each withdrawal, with another date, and nothing of what the story said', () => {
    const killed = childrenOf(channel, 'item').slice(-2);
    for (const each of killed) {
      expectChildren(each, [...REQUIRED, 'media:status']);
      expect(textOf(each, 'media:status')).toBe('deleted');
      expect(textOf(each, 'pubDate')).toBe('Sun, 22 Nov 2026 08:00:00 GMT');
      expect(textOf(each, 'content:encoded')).toBe('<p>The publisher has withdrawn this story.</p>');
    }
    expect(killed.map((each) => textOf(each, 'guid'))).toEqual([first.publicId, second.publicId]);
    expect(killed.map((each) => textOf(each, 'title'))).toEqual([first.title, 'This story was withdrawn']);
  });
});

test('the description of a Japanese channel has at most 15 characters', () => {
  const head = { language: 'ja', description: '水と収穫、学校と鉄道、音楽と記憶についての報道' };
  const [japanese] = parseXml(documentOf(smartnews, { stories: [], head })).children;
  expect(japanese && textOf(japanese, 'description')).toBe('水と収穫、学校と鉄道、音楽と…');
});

test('a correction changes the date', () => {
  const corrected = article({ updatedAt: '2026-11-20T12:00:00Z' });
  expect(textOf(entryOf(smartnews, corrected), 'pubDate')).toBe('Fri, 20 Nov 2026 12:00:00 GMT');
});

test('all sections are in one category', () => {
  expect(
    childrenOf(entryOf(smartnews, article({ sections: ['A', 'B & C'] })), 'category').map(({ text }) => text),
  ).toEqual(['A,B & C']);
});

test('a picture of the body is the thumbnail of a story without one of its own', () => {
  const [thumbnail] = childrenOf(entryOf(smartnews, article({ body: '<img src="/a.png">' })), 'media:thumbnail');
  expect(thumbnail?.attributes).toEqual({ url: 'https://news.example/a.png' });
});

test('a story that is withdrawn a second time, after a correction, has a later date', () => {
  const later = article({ updatedAt: '2026-11-22T08:00:00Z' });
  const [killed] = itemsOf(documentOf(smartnews, { stories: [], takenBack: [withdrawn(later)] }));
  expect(killed && textOf(killed, 'pubDate')).toBe('Sun, 22 Nov 2026 08:00:01 GMT');
});
