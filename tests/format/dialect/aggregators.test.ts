import { describe, expect, test } from 'vitest';
import type { Article } from '../../../src/article/article.ts';
import { appleNews } from '../../../src/format/dialect/apple-news.ts';
import type { Dialect } from '../../../src/format/dialect/dialect.ts';
import { feedly } from '../../../src/format/dialect/feedly.ts';
import { flipboard } from '../../../src/format/dialect/flipboard.ts';
import { googleNews } from '../../../src/format/dialect/google-news.ts';
import { newsbreak } from '../../../src/format/dialect/newsbreak.ts';
import { rss } from '../../../src/format/rss.ts';
import { childrenOf, expectChildren, parseXml, textOf } from './fixtures.ts';
import { breaches, feedBreaches } from './rules.ts';
import { dam, document, head, item, options, pomegranates, publication, radio } from './sample.ts';

/** The elements of a channel and of an item, in the order of the consumer's table. */
const TABLES: readonly [Dialect, readonly string[], readonly string[]][] = [
  [
    flipboard,
    ['title', 'link', 'description', 'language', 'atom:link', 'item*'],
    ['title', 'link', 'description', 'pubDate', 'guid', 'dc:creator', 'enclosure?', 'category*'],
  ],
  [
    newsbreak,
    ['title', 'link', 'description', 'language', 'atom:link', 'copyright?', 'item*'],
    [
      ...['title', 'link', 'guid', 'pubDate', 'dcterms:modified?', 'dc:creator', 'category*', 'description'],
      ...['content:encoded', 'media:content?'],
    ],
  ],
  [
    appleNews,
    ['title', 'language', 'link', 'description', 'atom:link', 'item*'],
    ['title', 'link', 'description', 'guid', 'pubDate', 'dc:creator'],
  ],
  [
    googleNews,
    ['title', 'link', 'description', 'language', 'atom:link', 'copyright?', 'item*'],
    [
      ...['title', 'link', 'guid', 'pubDate', 'dcterms:issued?', 'dc:creator', 'category*', 'description'],
      ...['content:encoded', 'media:content?'],
    ],
  ],
];

const RFC_822 = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

describe.each(TABLES.map(([dialect, ...rest]) => [dialect.name, dialect, ...rest] as const))(
  '%s',
  (_name, dialect, channelTable, itemTable) => {
    const text = document(dialect, 'rss');
    const channel = parseXml(text).children[0] ?? parseXml(text);

    test('has the elements of the table', () => {
      expectChildren(channel, channelTable);
      const items = childrenOf(channel, 'item');
      expect(items).toHaveLength(3);
      for (const each of items) {
        expectChildren(each, itemTable);
        expect(textOf(each, 'pubDate')).toMatch(RFC_822);
        expect(textOf(each, 'link')).toMatch(/^https:\/\/fourrivers\.example\//);
        expect(childrenOf(each, 'guid')[0]?.attributes).toEqual({ isPermaLink: 'false' });
      }
    });

    test('names its own address, without a key', () => {
      expect(childrenOf(channel, 'atom:link')[0]?.attributes).toEqual({
        rel: 'self',
        type: 'application/rss+xml',
        href: 'https://feeds.fourrivers.example/partners/example/section/world.rss',
      });
    });

    test('knows no mark of a withdrawn story, which leaves the feed', () => {
      expect(dialect.formats.rss?.takenBack).toBeUndefined();
    });
  },
);

const ROOT = '<rss xmlns:content="c" xmlns:dc="d" xmlns:dcterms="t" xmlns:media="m" xmlns:atom="a">';

function entryOf(dialect: Dialect, article: Article, content: 'full' | 'summary' = 'full') {
  const root = parseXml(`${ROOT}${dialect.formats.rss?.entry(item(article, { content }), options({ content }))}</rss>`);
  return root.children[0] ?? root;
}

describe('flipboard', () => {
  const enclosure = (article: Article) => childrenOf(entryOf(flipboard, article), 'enclosure')[0]?.attributes;
  const picture = { url: 'https://a.example/i.jpg', type: 'image/jpeg', width: 800, height: 500, length: 9 };
  const film = { url: 'https://a.example/f.mp4', type: 'video/mp4', length: 99 };
  const { image: _, ...bare } = radio;

  test('a standfirst of 300 characters is the description, and the beginning of the body stands for a shorter one', () => {
    const long = 'x'.repeat(300);
    expect(textOf(entryOf(flipboard, { ...dam, summary: long }), 'description')).toBe(long);
    const short = textOf(entryOf(flipboard, { ...dam, summary: 'Short.' }), 'description') ?? '';
    expect(short).toMatch(/^The jetty of the fishermen's club now ends in mid-air\./);
    expect(short.length).toBeGreaterThanOrEqual(300);
    expect(textOf(entryOf(flipboard, { ...dam, summary: 'Short.' }, 'summary'), 'description')).toBe('Short.');
  });

  test('a film is the enclosure, else the first picture that is large enough', () => {
    const small = { ...picture, height: 499 };
    expect(enclosure({ ...dam, image: picture })).toEqual({ url: picture.url, type: 'image/jpeg', length: '9' });
    expect(enclosure({ ...dam, image: picture, media: [film] })).toEqual({
      url: film.url,
      type: 'video/mp4',
      length: '99',
    });
    expect(enclosure({ ...dam, image: small })).toBeUndefined();
    const other = { url: 'https://a.example/2.png', type: 'image/png' };
    expect(enclosure({ ...dam, image: small, media: [other] })).toEqual({ ...other, length: '0' });
  });

  test.each<[string, Article, 'full' | 'summary', readonly string[]]>([
    ['kept', { ...dam, image: picture }, 'full', []],
    ['no picture', bare, 'full', ['no-picture']],
    ['a small picture', { ...radio, image: { ...picture, height: 499 } }, 'full', ['no-picture']],
    ['a film alone', { ...radio, image: { ...picture, height: 499 }, media: [film] }, 'full', []],
    ['a short text', { ...dam, image: picture, summary: 'a', html: '<p>b</p>' }, 'full', ['description-too-short']],
    ['a short summary', { ...dam, image: picture, summary: 'a' }, 'summary', ['description-too-short']],
  ])('rules of a story: %s', (_what, article, content, expected) => {
    expect(breaches(flipboard, item(article, { content }))).toEqual(expected);
  });

  test.each([
    [{ entries: 20 }, []],
    [{ entries: 19 }, ['fewer-than-twenty-stories']],
    [{ publication: { ...publication, url: 'https://www.a.example/', feedsUrl: 'https://feeds.a.example/' } }, []],
    [{ publication: { ...publication, url: 'https://a.example/', feedsUrl: 'https://a.example/feeds/' } }, []],
    [{ publication: { ...publication, url: 'https://a.example/', feedsUrl: 'https://b.example/' } }, ['another-host']],
    [
      { publication: { ...publication, url: 'https://a.example/', feedsUrl: 'https://feeda.example/' } },
      ['another-host'],
    ],
  ])('rules of the feed: %#', (feed, expected) => {
    expect(feedBreaches(flipboard, feed)).toEqual(expected);
  });
});

describe('newsbreak', () => {
  const { image: _, ...bare } = { ...dam, html: '<p>a</p>' };

  test.each<[string, Article, 'full' | 'summary', readonly string[]]>([
    ['kept', dam, 'full', []],
    ['kept in American English', { ...dam, language: 'en-US' }, 'full', []],
    ['a summary', dam, 'summary', ['summary-only']],
    ['no picture', bare, 'full', ['no-picture']],
    ['another language', pomegranates, 'full', ['not-english']],
    ['a language that begins alike', { ...dam, language: 'enm' }, 'full', ['not-english']],
  ])('rules: %s', (_what, article, content, expected) => {
    expect(breaches(newsbreak, item(article, { content }))).toEqual(expected);
  });
});

describe('apple-news', () => {
  test('the description is the whole body, with bold and italic words and without tables', () => {
    const html = '<h2>a</h2><p><b>b</b> <u>c</u></p><table><tr><th>d</th><td>e</td></tr></table><ul><li>f</li></ul>';
    expect(textOf(entryOf(appleNews, { ...dam, html }), 'description')).toBe(
      '<p>a</p><p><b>b</b> c</p><p>d: e</p><p>f</p>',
    );
    expect(textOf(entryOf(appleNews, dam, 'summary'), 'description')).toBe(`<p>${dam.summary}</p>`);
    expect(textOf(entryOf(appleNews, pomegranates), 'description')).toMatch(/^<div dir="rtl" lang="ckb"><p>/);
  });

  test('the language of the channel has a region', () => {
    const text = `${appleNews.formats.rss?.head(head('rss', { language: 'en' }))}${appleNews.formats.rss?.tail}`;
    const channel = parseXml(text).children[0] ?? parseXml(text);
    expect(textOf(channel, 'language')).toBe('en-US');
  });

  test.each([
    [60, []],
    [61, ['title-too-long']],
  ])('a title of %i characters: rules broken %j', (length, expected) => {
    expect(breaches(appleNews, item({ ...dam, title: 'x'.repeat(length) }))).toEqual(expected);
  });
});

describe('google-news', () => {
  test('the date of a corrected story is that of the correction', () => {
    const entry = entryOf(googleNews, dam);
    expect(textOf(entry, 'pubDate')).toBe('Wed, 18 Nov 2026 13:05:00 GMT');
    expect(textOf(entry, 'dcterms:issued')).toBe('2026-11-18T06:30:00Z');
    expect(textOf(entryOf(googleNews, radio), 'dcterms:issued')).toBeUndefined();
  });

  const picture = (side: number) => ({ url: 'https://a.example/i.jpg', width: 1000, height: side });

  test.each<[string, Article, readonly string[]]>([
    ['kept', { ...dam, image: picture(800), html: `<p>${'x'.repeat(1024 * 1024 - 7)}</p>` }, []],
    [
      'a large body',
      { ...dam, image: picture(800), html: `<p>${'x'.repeat(1024 * 1024 - 6)}</p>` },
      ['article-too-large'],
    ],
    ['a small picture', { ...dam, image: picture(799), html: '<p>a</p>' }, ['picture-too-small']],
  ])('rules: %s', (_what, article, expected) => {
    expect(breaches(googleNews, item(article))).toEqual(expected);
  });

  test.each([
    [60, []],
    [61, ['more-than-sixty-stories']],
  ])('a feed of %i stories: rules broken %j', (entries, expected) => {
    expect(feedBreaches(googleNews, { entries })).toEqual(expected);
  });
});

describe('feedly', () => {
  test('the channel has Feedly’s elements besides those of the plain feed', () => {
    const text = document(feedly, 'rss', []);
    const channel = parseXml(text).children[0] ?? parseXml(text);
    const own = channel.children.filter(({ name }) => name.startsWith('webfeeds:'));
    expect(own.map(({ name }) => name)).toEqual([
      ...['webfeeds:icon', 'webfeeds:logo', 'webfeeds:accentColor', 'webfeeds:cover', 'webfeeds:related'],
    ]);
    expect(own.at(-2)?.attributes).toEqual({ image: 'https://feeds.fourrivers.example/media/logo.png' });
    expect(own.at(-1)?.attributes).toEqual({ layout: 'card', target: 'browser' });
  });

  test('a publication without looks has the namespace once as well', () => {
    const { icon: _i, logo: _l, accentColor: _a, ...plain } = publication;
    const text = feedly.formats.rss?.head(head('rss', { publication: plain })) ?? '';
    expect(text.split('xmlns:webfeeds=')).toHaveLength(2);
    expect(feedly.formats.rss?.head(head('rss')).split('xmlns:webfeeds=')).toHaveLength(2);
  });

  const url = 'https://a.example/i.jpg?a=1&b=2';
  const image = { url, alt: 'An "i"' };
  const bodyOf = (html: string) => textOf(entryOf(feedly, { ...dam, image, html }), 'content:encoded');
  const CLASS = 'class="webfeedsFeaturedVisual"';

  test.each([
    [
      'is marked in the body',
      '<p><img src="https://a.example/o.jpg" /><img alt="i" src="https://a.example/i.jpg?a=1&amp;b=2" /></p>',
      `<p><img src="https://a.example/o.jpg" /><img ${CLASS} alt="i" src="https://a.example/i.jpg?a=1&amp;b=2" /></p>`,
    ],
    [
      'stands before a body without it',
      '<p>a</p>',
      `<p><img ${CLASS} src="https://a.example/i.jpg?a=1&amp;b=2" alt="An &quot;i&quot;" /></p><p>a</p>`,
    ],
  ])('the picture of the story %s', (_how, html, expected) => {
    expect(bodyOf(html)).toBe(expected);
  });

  test('a story without a picture has the item of the plain feed', () => {
    const { image: _, ...bare } = dam;
    const readers = {
      content: 'full',
      feedLanguage: 'en',
      feedsUrl: publication.feedsUrl,
      publisher: publication,
    } as const;
    expect(feedly.formats.rss?.entry(item(bare), options())).toBe(rss.entry(bare, readers));
  });
});
