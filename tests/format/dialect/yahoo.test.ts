import { describe, expect, test } from 'vitest';
import { yahoo } from '../../../src/format/dialect/yahoo.ts';
import { article } from '../../helpers.ts';
import {
  childrenOf,
  documentOf,
  entryOf,
  expectChildren,
  film,
  parseXml,
  rendererOf,
  sampleStories,
  slideshow,
  textOf,
  type XmlElement,
} from './fixtures.ts';

const RFC_822 = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;
const stories = await sampleStories('language/en');
const DOCUMENTS = {
  article: documentOf(yahoo, { stories }),
  slideshow: documentOf(yahoo, { contentType: 'slideshow', stories: [slideshow] }),
  video: documentOf(yahoo, { contentType: 'video', stories: [film] }),
};
const REQUIRED = ['title', 'description', 'guid', 'pubDate', 'link'];
const ITEM = {
  article: [...REQUIRED, 'content:encoded', 'category?', 'updated?'],
  slideshow: [...REQUIRED, 'content:encoded', 'category?', 'updated?', 'media:thumbnail', 'media:content+'],
  video: [...REQUIRED, 'category?', 'updated?', 'media:content', 'media:thumbnail', 'media:keywords?'],
};
const NAMESPACE = {
  article: 'http://search.yahoo.com/mrss/',
  slideshow: 'http://search.yahoo.com/mrss/',
  video: 'https://search.yahoo.com/mrss/',
};

describe.each(['article', 'slideshow', 'video'] as const)('the document of type %s', (contentType) => {
  const document = DOCUMENTS[contentType];
  const rss = parseXml(document);
  const [channel] = rss.children as [XmlElement];
  const items = childrenOf(channel, 'item');

  test('is the golden one', async () => {
    await expect(document).toMatchFileSnapshot(`golden/yahoo-${contentType}.rss`);
  });

  test('has the channel of the table, without <updated>', () => {
    expectChildren(channel, ['title', 'link', 'description', 'lastBuildDate', 'language', 'atom:link', 'item*']);
    expect(rss.attributes['xmlns:media']).toBe(NAMESPACE[contentType]);
  });

  test('has items of the table, with each picture once', () => {
    expect(items.length).toBeGreaterThan(0);
    for (const each of items) {
      expectChildren(each, ITEM[contentType]);
      expect(textOf(each, 'pubDate')).toMatch(RFC_822);
      expect(textOf(each, 'updated') ?? textOf(each, 'pubDate')).toMatch(RFC_822);
      const pictures = [
        ...[...(textOf(each, 'content:encoded') ?? '').matchAll(/<img src="([^"]*)"/g)].map(([, url]) => url),
        ...[...childrenOf(each, 'media:thumbnail'), ...childrenOf(each, 'media:content')].map(
          (media) => media.attributes.url,
        ),
      ];
      expect(new Set(pictures).size).toBe(pictures.length);
    }
  });
});

test('a withdrawn story leaves the feed, because Yahoo knows no mark', () => {
  expect(rendererOf(yahoo, 'rss').takenBack).toBeUndefined();
  expect(yahoo.warning).toMatch(/console/);
});

const picture = { url: '/a.jpg', type: 'image/jpeg', width: 1920, height: 1080, alt: 'A', caption: 'B', credit: 'C' };
const FIGURE =
  '<figure><img src="https://news.example/a.jpg" alt="A" width="1920" height="1080" /><figcaption>B C</figcaption></figure>';
const withPicture = (fields: Parameters<typeof article>[0]) => {
  const story = article(fields);
  return { ...story, image: { ...picture, url: 'https://news.example/a.jpg' } };
};

test('a body begins with the picture of the story, and has it nowhere else', () => {
  const body = '<p>a</p><figure><img src="/a.jpg"><figcaption>again</figcaption></figure><p><img src="/b.jpg"></p>';
  expect(textOf(entryOf(yahoo, withPicture({ body })), 'content:encoded')).toBe(
    `${FIGURE}\n<p>a</p><p><img src="https://news.example/b.jpg" /></p>`,
  );
});

test('a story without a picture of its own begins with the first of its body', () => {
  const body = '<p>a</p><figure><img src="/b.jpg"><figcaption>c</figcaption></figure>';
  expect(textOf(entryOf(yahoo, article({ body })), 'content:encoded')).toBe(
    '<figure><img src="https://news.example/b.jpg" alt="" /><figcaption>c</figcaption></figure>\n<p>a</p>',
  );
});

test.each([
  ['too narrow', { width: 1279 }],
  ['too low', { height: 719 }],
  ['too large', { length: 5 * 1024 * 1024 + 1 }],
])('a picture that does not fit is not written: %s', (_, more) => {
  const story = withPicture({});
  const entry = entryOf(yahoo, { ...story, image: { ...story.image, ...more } });
  expect(textOf(entry, 'content:encoded')).toBe('<p>A body.</p>');
});

test('a summary shows no picture, so that it is in media elements', () => {
  const entry = entryOf(yahoo, withPicture({}), { content: 'summary' });
  expect(textOf(entry, 'content:encoded')).toBe('<p>A body.</p>');
  expect(childrenOf(entry, 'media:thumbnail').map(({ attributes }) => attributes.url)).toEqual([
    'https://news.example/a.jpg',
  ]);
  expect(childrenOf(entry, 'media:content')[0]?.children.map(({ name }) => name)).toEqual([
    ...['media:title', 'media:text', 'media:credit', 'media:description'],
  ]);
});

test.each([
  ['the first section', { sections: ['A', 'B'], tags: ['C'] }, ['A']],
  ['the first tag of a story without sections', { tags: ['C', 'D'] }, ['C']],
  ['nothing', {}, []],
])('the one category is %s', (_, fields, expected) => {
  expect(childrenOf(entryOf(yahoo, article(fields)), 'category').map(({ text }) => text)).toEqual(expected);
});

test('<updated> has no namespace, and is there only after a correction', () => {
  const [updated] = childrenOf(entryOf(yahoo, article({ updatedAt: '2026-11-20T12:00:00Z' })), 'updated');
  expect([updated?.uri, updated?.text]).toEqual(['', 'Fri, 20 Nov 2026 12:00:00 GMT']);
  expect(childrenOf(entryOf(yahoo, article()), 'updated')).toEqual([]);
});

test('the cover of a slideshow is no slide, and the body has no picture', () => {
  const [item] = childrenOf(parseXml(DOCUMENTS.slideshow).children[0] as XmlElement, 'item') as [XmlElement];
  expect(childrenOf(item, 'media:thumbnail')[0]?.attributes).toEqual({
    url: 'https://media.example/1.jpg',
    width: '1920',
    height: '1080',
  });
  expect(childrenOf(item, 'media:content').map(({ attributes }) => attributes.url)).toEqual([
    ...['https://media.example/2.jpg', 'https://media.example/3.webp'],
  ]);
  expect(textOf(item, 'content:encoded')).not.toContain('<img');
});

test('a video has at most ten keywords', () => {
  const tags = Array.from({ length: 12 }, (_, index) => `tag ${index}`);
  const entry = entryOf(yahoo, { ...film, tags: article({ tags }).tags }, { contentType: 'video' });
  expect(textOf(entry, 'media:keywords')?.split(', ')).toEqual(tags.slice(0, 10));
});
