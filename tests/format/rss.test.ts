import { expect, test } from 'vitest';
import { rss } from '../../src/format/rss.ts';
import { article } from '../helpers.ts';
import { feedsmith } from '../peers/feedsmith.ts';
import { emptyHead, full, options, richHead } from './fixtures.ts';

test('the entry of the smallest article', () => {
  expect(rss.entry(article(), options)).toBe(`        <item>
            <title>A title</title>
            <link>https://news.example/a</link>
            <guid isPermaLink="false">tag:news.example,2026:a</guid>
            <pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>
            <description><![CDATA[A body.]]></description>
            <content:encoded><![CDATA[<p>A body.</p>]]></content:encoded>
            <dc:creator>The Test Post</dc:creator>
        </item>
`);
});

test('the entry of an article with every field', () => {
  expect(rss.entry(full, options)).toBe(`        <item xml:lang="ckb">
            <title>\u200FAT&#x26;T: a &#x3C; b ]]&#x3E; ]]&#x3E; &#x26;amp;</title>
            <link>https://news.example/dams?a=1&amp;b=2</link>
            <guid isPermaLink="false">https://news.example/?p=1&amp;q=2</guid>
            <pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>
            <description><![CDATA[R&amp;D &quot;x&quot; ]]&gt; ]]&gt; &lt;b&gt;]]></description>
            <content:encoded><![CDATA[<div dir="rtl" lang="ckb"><p>a ]]&gt; b ]]&gt; &amp;amp; <a href="https://news.example/c?d=1&amp;e=2">f</a></p></div>]]></content:encoded>
            <enclosure length="7" type="audio/mpeg" url="https://news.example/m.mp3"/>
            <dcterms:modified>2026-11-20T12:00:00Z</dcterms:modified>
            <dc:creator>A &#x26; &#x3C;B&#x3E; و C</dc:creator>
            <dc:language>ckb</dc:language>
            <category>R &#x26; D</category>
            <category>&#x22;T&#x22;</category>
            <source url="https://agency.example/?a=1&#x26;b=2">A &#x22;G&#x22; &#x26; &#x3C;C&#x3E;</source>
            <dc:rights>© A &#x26; B</dc:rights>
            <media:content url="https://news.example/i.png?a=1&#x26;b=2" type="image/png" medium="image" fileSize="5" width="3" height="2">
                <media:credit role="photographer" scheme="urn:ebu">E &#x26; F</media:credit>
                <media:description type="plain">c &#x3C; &#x22;d&#x22;</media:description>
            </media:content>
            <media:content url="https://news.example/m.mp3" type="audio/mpeg" medium="audio" fileSize="7" duration="2">
                <media:title type="plain">&#x22;t&#x22; &#x26; &#x3C;u&#x3E;</media:title>
            </media:content>
            <media:content url="https://news.example/v" type="application/pdf"/>
        </item>
`);
});

test('the entry in a feed of summaries in its language', () => {
  expect(rss.entry(full, { ...options, content: 'summary', feedLanguage: 'ckb' })).toBe(`        <item>
            <title>\u200FAT&#x26;T: a &#x3C; b ]]&#x3E; ]]&#x3E; &#x26;amp;</title>
            <link>https://news.example/dams?a=1&amp;b=2</link>
            <guid isPermaLink="false">https://news.example/?p=1&amp;q=2</guid>
            <pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>
            <description><![CDATA[R&amp;D &quot;x&quot; ]]&gt; ]]&gt; &lt;b&gt;]]></description>
            <enclosure length="7" type="audio/mpeg" url="https://news.example/m.mp3"/>
            <dcterms:modified>2026-11-20T12:00:00Z</dcterms:modified>
            <dc:creator>A &#x26; &#x3C;B&#x3E; و C</dc:creator>
            <category>R &#x26; D</category>
            <category>&#x22;T&#x22;</category>
            <source url="https://agency.example/?a=1&#x26;b=2">A &#x22;G&#x22; &#x26; &#x3C;C&#x3E;</source>
            <dc:rights>© A &#x26; B</dc:rights>
            <media:content url="https://news.example/i.png?a=1&#x26;b=2" type="image/png" medium="image" fileSize="5" width="3" height="2">
                <media:credit role="photographer" scheme="urn:ebu">E &#x26; F</media:credit>
            </media:content>
            <media:content url="https://news.example/m.mp3" type="audio/mpeg" medium="audio" fileSize="7" duration="2">
                <media:title type="plain">&#x22;t&#x22; &#x26; &#x3C;u&#x3E;</media:title>
            </media:content>
            <media:content url="https://news.example/v" type="application/pdf"/>
        </item>
`);
});

test('the head of a feed without entries', () => {
  expect(rss.head(emptyHead)).toBe(`<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:media="http://search.yahoo.com/mrss/">
    <channel>
        <title>The Test Post: Kurdî</title>
        <link>https://news.example/</link>
        <description>Kurdî. News for tests.</description>
        <lastBuildDate>Thu, 01 Jan 1970 00:00:00 GMT</lastBuildDate>
        <docs>https://www.rssboard.org/rss-specification</docs>
        <generator>Feed Publisher</generator>
        <language>en</language>
        <ttl>1</ttl>
        <atom:link href="https://feeds.news.example/feeds/section/kurd%C3%AE.rss" rel="self" type="application/rss+xml"/>
`);
});

test('the head of a feed with every field', () => {
  expect(rss.head(richHead)).toBe(`<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:media="http://search.yahoo.com/mrss/" xmlns:webfeeds="http://webfeeds.org/rss/1.0">
    <channel>
        <title>R&amp;D &lt;Post&gt;: Kurdî</title>
        <link>https://news.example/?a=1&amp;b=2</link>
        <description>Kurdî. a &lt; b &amp;amp; c</description>
        <lastBuildDate>Fri, 20 Nov 2026 12:00:00 GMT</lastBuildDate>
        <docs>https://www.rssboard.org/rss-specification</docs>
        <generator>Feed Publisher</generator>
        <language>en</language>
        <ttl>2</ttl>
        <image>
            <title>R&amp;D &lt;Post&gt;: Kurdî</title>
            <url>https://feeds.news.example/logo.png</url>
            <link>https://news.example/?a=1&amp;b=2</link>
        </image>
        <copyright>© R&amp;D</copyright>
        <atom:link href="https://feeds.news.example/feeds/section/kurd%C3%AE.rss" rel="self" type="application/rss+xml"/>
        <pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>
        <atom:link rel="license" href="https://cc.example/?a=1&#x26;b=2"/>
        <webfeeds:icon>https://feeds.news.example/icon.png?a=1&#x26;b=2</webfeeds:icon>
        <webfeeds:logo>https://feeds.news.example/logo.png</webfeeds:logo>
        <webfeeds:accentColor>1a5f7a</webfeeds:accentColor>
`);
});

test.each([
  ['en', 'en', false],
  ['en', 'en-GB', true],
  ['ku', 'en', true],
])('an item in %s in a feed in %s states its language: %s', (language, feedLanguage, expected) => {
  const item = rss.entry(article({ language }), { ...options, feedLanguage });
  expect(item.includes(` xml:lang="${language}"`)).toBe(expected);
  expect(item.includes(`<dc:language>${language}</dc:language>`)).toBe(expected);
});

test.each([
  [
    'sound before the picture',
    { image: { url: '/i', type: 'image/png', length: 1 }, media: [{ url: '/m', type: 'audio/mpeg', length: 2 }] },
    '<enclosure length="2" type="audio/mpeg" url="https://news.example/m"/>',
  ],
  [
    'else the picture',
    { image: { url: '/i', type: 'image/png', length: 1 } },
    '<enclosure length="1" type="image/png" url="https://news.example/i"/>',
  ],
  [
    'sound of unknown length before the picture',
    { image: { url: '/i', type: 'image/png', length: 1 }, media: [{ url: '/m', type: 'audio/mpeg' }] },
    '<enclosure length="0" type="audio/mpeg" url="https://news.example/m"/>',
  ],
  [
    'film before other files',
    {
      media: [
        { url: '/p', type: 'application/pdf', length: 1 },
        { url: '/g', type: 'image/png', length: 1 },
        { url: '/m', type: 'Video/mp4' },
      ],
    },
    '<enclosure length="0" type="Video/mp4" url="https://news.example/m"/>',
  ],
  [
    'another file before the picture',
    { image: { url: '/i', type: 'image/png', length: 1 }, media: [{ url: '/p', type: 'application/pdf' }] },
    '<enclosure length="0" type="application/pdf" url="https://news.example/p"/>',
  ],
  [
    'a picture of unknown length',
    { image: { url: '/i', type: 'image/png' } },
    '<enclosure length="0" type="image/png" url="https://news.example/i"/>',
  ],
  [
    'a file of length 0',
    { media: [{ url: '/m', type: 'audio/mpeg', length: 0 }] },
    '<enclosure length="0" type="audio/mpeg" url="https://news.example/m"/>',
  ],
  ['none for a picture of unknown type', { image: { url: '/i' } }, undefined],
])('the enclosure: %s', (_, fields, expected) => {
  expect(
    rss
      .entry(article(fields), options)
      .match(/<enclosure[^>]*>/g)
      ?.join(),
  ).toBe(expected);
});

test('a document is head, entries and tail, and reads back', () => {
  const document =
    rss.head(richHead) + [full, article()].map((each) => rss.entry(each, options)).join(rss.separator) + rss.tail;
  expect(feedsmith(document)).toEqual([
    {
      id: full.publicId,
      title: full.title,
      link: full.url,
      published: '2026-11-20T10:00:00Z',
      updated: '2026-11-20T12:00:00Z',
      authors: ['A & <B> و C'],
      body: full.html,
      summary: full.summary,
    },
    {
      id: 'tag:news.example,2026:a',
      title: 'A title',
      link: 'https://news.example/a',
      published: '2026-11-20T10:00:00Z',
      authors: ['The Test Post'],
      body: '<p>A body.</p>',
      summary: 'A body.',
    },
  ]);
});

test('RSS cannot express withdrawals', () => {
  expect(rss.head({ ...emptyHead, tombstones: [{ publicId: 'tag:news.example,2026:a', at: 0 }] })).toBe(
    rss.head(emptyHead),
  );
});
