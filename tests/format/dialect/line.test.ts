import { describe, expect, test } from 'vitest';
import { line } from '../../../src/format/dialect/line.ts';
import { article } from '../../helpers.ts';
import {
  childrenOf,
  documentOf,
  entryOf,
  erased,
  expectChildren,
  parseXml,
  sampleStories,
  textOf,
  withdrawn,
} from './fixtures.ts';

const JAPAN = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0900$/;
const stories = await sampleStories('language/en');
const [first, second] = stories as [(typeof stories)[0], (typeof stories)[0]];
const document = documentOf(line, { stories: stories.slice(2), takenBack: [withdrawn(first), erased(second)] });
const rss = parseXml(document);
const [channel] = rss.children as [typeof rss];
const ITEM = [
  ...['guid', 'title', 'link', 'pubDate', 'description', 'enclosure?', 'oa:imgAuthor?', 'oa:lastPubDate'],
  'oa:expireDate?',
];
const ELEMENTS = 'p br strong b em i u h1 h2 blockquote a img iframe ul ol li hr'.split(' ');

describe('the document', () => {
  test('is the golden one', async () => {
    await expect(document).toMatchFileSnapshot('golden/line.rss');
  });

  test('has the channel of the table', () => {
    expectChildren(channel, ['title', 'link', 'description', 'lastBuildDate', 'language', 'item*']);
    expect(textOf(channel, 'lastBuildDate')).toBe('Sun, 22 Nov 2026 17:00:00 +0900');
    expect(rss.attributes['xmlns:oa']).toBe('http://news.line.me/rss/1.0/oa');
  });

  test('has items of the table, whose description is the whole body with the elements of the table', () => {
    for (const each of childrenOf(channel, 'item').slice(0, -2)) {
      expectChildren(each, ITEM);
      expect(textOf(each, 'pubDate')).toMatch(JAPAN);
      expect(textOf(each, 'oa:lastPubDate')).toMatch(JAPAN);
      const html = textOf(each, 'description') ?? '';
      const names = [...html.matchAll(/<([a-z0-9]+)/g)].map(([, name]) => name);
      expect(names.filter((name) => !ELEMENTS.includes(name ?? ''))).toEqual([]);
      expect(names.filter((name) => name === 'a').length).toBeLessThanOrEqual(1);
      expect(html.length).toBeGreaterThan(1000);
    }
  });

  test('marks a withdrawal with oa:delStatus, and keeps the fields of the table', () => {
    const killed = childrenOf(channel, 'item').slice(-2);
    for (const each of killed) {
      expectChildren(each, ['guid', 'title', 'link', 'pubDate', 'description', 'oa:lastPubDate', 'oa:delStatus']);
      expect(textOf(each, 'oa:delStatus')).toBe('1');
      expect(textOf(each, 'oa:lastPubDate')).toBe('Sun, 22 Nov 2026 17:00:00 +0900');
      expect(textOf(each, 'description')).toBe('<p>The publisher has withdrawn this story.</p>');
    }
    expect(killed.map((each) => textOf(each, 'title'))).toEqual([first.title, 'This story was withdrawn']);
  });
});

test.each([
  ['has h2 of lower headings', '<h3>a</h3><h6>b</h6>', '<h2>a</h2><h2>b</h2>'],
  [
    'keeps the first link, and the words of the others',
    '<p><a href="/a">a</a> <a href="/b">b</a></p>',
    '<p><a href="https://news.example/a">a</a> b</p>',
  ],
  [
    'has rows of two cells as item and value',
    '<table><tr><th>When</th><td>At noon</td></tr><tr><th>Where</th><td>Here</td></tr></table>',
    '<p>When: At noon</p><p>Where: Here</p>',
  ],
  [
    'has the headings of columns at each value',
    '<table><tr><th>Year</th><th>Level</th><th>Storage</th></tr><tr><td>2026</td><td>497.6</td><td>41%</td></tr></table>',
    '<p>Year 2026: Level 497.6, Storage 41%</p>',
  ],
  [
    'has a caption as an attribute',
    '<figure><img src="/a.png" alt="b"><figcaption>c &amp; "d"</figcaption></figure>',
    '<p><img src="https://news.example/a.png" alt="b" data-caption="c &amp; &quot;d&quot;" /></p>',
  ],
  [
    'keeps the caption of what is no picture',
    '<figure><blockquote>a</blockquote><figcaption>b</figcaption></figure>',
    '<blockquote>a</blockquote><p>b</p>',
  ],
  [
    'has no other pictures, and not their captions',
    '<p>a</p><figure><img src="/a.svg"><figcaption>c</figcaption></figure>',
    '<p>a</p>',
  ],
  [
    'keeps players of YouTube',
    '<iframe src="https://www.youtube.com/embed/a"></iframe>',
    '<iframe src="https://www.youtube.com/embed/a" allowfullscreen=""></iframe>',
  ],
  [
    'has a link in the place of other players',
    '<iframe src="https://player.vimeo.com/video/1" title="A film"></iframe>',
    '<p><a href="https://player.vimeo.com/video/1">A film</a></p>',
  ],
  [
    'has the host of a player whose title is blank',
    '<iframe src="https://player.vimeo.com/video/1" title=" "></iframe>',
    '<p><a href="https://player.vimeo.com/video/1">player.vimeo.com</a></p>',
  ],
  ['shows readings in parentheses', '<p><ruby>漢<rt>かん</rt></ruby></p>', '<p>漢(かん)</p>'],
  ['has the lines of preformatted text', '<pre>a\nb</pre>', '<p>a<br />b</p>'],
])('the body %s', (_, body, expected) => {
  const html = textOf(entryOf(line, article({ body })), 'description') ?? '';
  expect(html.replace(/ (?:allow|allowfullscreen|width|height)="[^"]*"/g, '')).toBe(
    expected.replace(/ allowfullscreen=""/, ''),
  );
});

test('a long caption is cut', () => {
  const body = `<figure><img src="/a.png"><figcaption>${'a'.repeat(300)}</figcaption></figure>`;
  const caption = /data-caption="([^"]*)"/.exec(textOf(entryOf(line, article({ body })), 'description') ?? '')?.[1];
  expect(caption).toHaveLength(255);
});

test('the enclosure has the caption of the picture, and its author', () => {
  const image = { url: '/a.jpg', type: 'image/jpeg', length: 5, caption: 'A "b"', credit: 'C & D' };
  const entry = entryOf(line, article({ image }));
  expect(childrenOf(entry, 'enclosure')[0]?.attributes).toEqual({
    url: 'https://news.example/a.jpg',
    type: 'image/jpeg',
    length: '5',
    caption: 'A "b" C & D',
  });
  const [author] = childrenOf(entry, 'oa:imgAuthor');
  expect(author?.children.map(({ name, text }) => [name, text])).toEqual([['oa:authorName', 'C & D']]);
});

test('the author of a picture without a credit is the publication', () => {
  const [author] = childrenOf(entryOf(line, article({ image: { url: '/a.jpg' } })), 'oa:imgAuthor');
  expect(author?.children.map(({ name, text }) => [name, text])).toEqual([
    ['oa:authorName', 'The Four Rivers Courier'],
    ['oa:authorUrl', 'https://fourrivers.example/'],
  ]);
});

test('the end of the rights is the date of expiry, if it comes first', () => {
  const story = {
    ...article({ expiresAt: '2027-01-02T00:00:00Z' }),
    rights: { endsAt: Date.parse('2027-01-01T00:00:00Z') },
  };
  expect(textOf(entryOf(line, story), 'oa:expireDate')).toBe('Fri, 01 Jan 2027 09:00:00 +0900');
});
