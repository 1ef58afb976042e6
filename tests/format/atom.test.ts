import { expect, test } from 'vitest';
import { atom } from '../../src/format/atom.ts';
import { article } from '../helpers.ts';
import { feedsmith } from '../peers/feedsmith.ts';
import { emptyHead, full, options, richHead } from './fixtures.ts';

test('the entry of the smallest article', () => {
  expect(atom.entry(article(), options)).toBe(`    <entry xml:lang="en">
        <title type="text">A title</title>
        <id>tag:news.example,2026:a</id>
        <link rel="alternate" type="text/html" href="https://news.example/a"/>
        <summary type="text">A body.</summary>
        <updated>2026-11-20T10:00:00.000Z</updated>
        <content type="html"><![CDATA[<p>A body.</p>]]></content>
        <author>
            <name>The Test Post</name>
            <uri>https://news.example/</uri>
        </author>
        <published>2026-11-20T10:00:00.000Z</published>
    </entry>
`);
});

test('the entry of an article with every field', () => {
  expect(atom.entry(full, options)).toBe(`    <entry xml:lang="ckb">
        <title type="text">\u200FAT&#x26;T: a &#x3C; b ]]&#x3E; ]]&#x3E; &#x26;amp;</title>
        <id>https://news.example/?p=1&#x26;q=2</id>
        <link rel="alternate" type="text/html" href="https://news.example/dams?a=1&#x26;b=2"/>
        <link rel="alternate" type="text/html" hreflang="ku" href="https://news.example/ku?a=1&#x26;b=2"/>
        <link rel="alternate" type="text/html" hreflang="ckb" href="https://news.example/dams?a=1&#x26;b=2"/>
        <summary type="text">R&#x26;D &#x22;x&#x22; ]]&#x3E; ]]&#x3E; &#x3C;b&#x3E;</summary>
        <updated>2026-11-20T12:00:00.000Z</updated>
        <content type="html"><![CDATA[<div dir="rtl" lang="ckb"><p>a ]]&gt; b ]]&gt; &amp;amp; <a href="https://news.example/c?d=1&amp;e=2">f</a></p></div>]]></content>
        <author>
            <name>A &amp; &lt;B&gt;</name>
            <email>a@news.example</email>
            <uri>https://news.example/ab?x=1&amp;y=2</uri>
        </author>
        <author>
            <name>C</name>
        </author>
        <published>2026-11-20T10:00:00.000Z</published>
        <rights>© A &amp; B</rights>
        <category term="r-d" scheme="https://feeds.news.example/feeds/section/" label="R &#x26; D"/>
        <category term="t" scheme="https://feeds.news.example/feeds/tag/" label="&#x22;T&#x22;"/>
        <link rel="enclosure" type="image/png" length="5" href="https://news.example/i.png?a=1&#x26;b=2"/>
        <link rel="enclosure" type="audio/mpeg" length="7" title="&#x22;t&#x22; &#x26; &#x3C;u&#x3E;" href="https://news.example/m.mp3"/>
        <link rel="enclosure" type="application/pdf" href="https://news.example/v"/>
        <link rel="license" href="https://cc.example/?a=1&#x26;b=2"/>
        <link rel="via" href="https://agency.example/?a=1&#x26;b=2" title="A &#x22;G&#x22; &#x26; &#x3C;C&#x3E;"/>
    </entry>
`);
});

test('the entry in a feed of summaries in its language', () => {
  expect(atom.entry(full, { ...options, content: 'summary', feedLanguage: 'ckb' })).toBe(`    <entry xml:lang="ckb">
        <title type="text">\u200FAT&#x26;T: a &#x3C; b ]]&#x3E; ]]&#x3E; &#x26;amp;</title>
        <id>https://news.example/?p=1&#x26;q=2</id>
        <link rel="alternate" type="text/html" href="https://news.example/dams?a=1&#x26;b=2"/>
        <link rel="alternate" type="text/html" hreflang="ku" href="https://news.example/ku?a=1&#x26;b=2"/>
        <link rel="alternate" type="text/html" hreflang="ckb" href="https://news.example/dams?a=1&#x26;b=2"/>
        <summary type="text">R&#x26;D &#x22;x&#x22; ]]&#x3E; ]]&#x3E; &#x3C;b&#x3E;</summary>
        <updated>2026-11-20T12:00:00.000Z</updated>
        <author>
            <name>A &amp; &lt;B&gt;</name>
            <email>a@news.example</email>
            <uri>https://news.example/ab?x=1&amp;y=2</uri>
        </author>
        <author>
            <name>C</name>
        </author>
        <published>2026-11-20T10:00:00.000Z</published>
        <rights>© A &amp; B</rights>
        <category term="r-d" scheme="https://feeds.news.example/feeds/section/" label="R &#x26; D"/>
        <category term="t" scheme="https://feeds.news.example/feeds/tag/" label="&#x22;T&#x22;"/>
        <link rel="enclosure" type="image/png" length="5" href="https://news.example/i.png?a=1&#x26;b=2"/>
        <link rel="enclosure" type="audio/mpeg" length="7" title="&#x22;t&#x22; &#x26; &#x3C;u&#x3E;" href="https://news.example/m.mp3"/>
        <link rel="enclosure" type="application/pdf" href="https://news.example/v"/>
        <link rel="license" href="https://cc.example/?a=1&#x26;b=2"/>
        <link rel="via" href="https://agency.example/?a=1&#x26;b=2" title="A &#x22;G&#x22; &#x26; &#x3C;C&#x3E;"/>
    </entry>
`);
});

test('the head of a feed without entries', () => {
  expect(atom.head(emptyHead)).toBe(`<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
    <id>https://news.example/feeds/section/kurd%C3%AE</id>
    <title>The Test Post: Kurdî</title>
    <updated>1970-01-01T00:00:00.000Z</updated>
    <generator>Feed Publisher</generator>
    <author>
        <name>The Test Post</name>
        <uri>https://news.example/</uri>
    </author>
    <link rel="alternate" href="https://news.example/"/>
    <link rel="self" href="https://feeds.news.example/feeds/section/kurd%C3%AE.atom"/>
    <subtitle>Kurdî. News for tests.</subtitle>
`);
});

test('the head of a feed with every field', () => {
  expect(atom.head(richHead)).toBe(`<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
    <id>https://news.example/feeds/section/kurd%C3%AE</id>
    <title>R&amp;D &lt;Post&gt;: Kurdî</title>
    <updated>2026-11-20T12:00:00.000Z</updated>
    <generator>Feed Publisher</generator>
    <author>
        <name>Desk &amp; Co</name>
        <uri>https://news.example/?a=1&amp;b=2</uri>
    </author>
    <link rel="alternate" href="https://news.example/?a=1&amp;b=2"/>
    <link rel="self" href="https://feeds.news.example/feeds/section/kurd%C3%AE.atom"/>
    <subtitle>Kurdî. a &lt; b &amp;amp; c</subtitle>
    <logo>https://feeds.news.example/logo.png</logo>
    <icon>https://feeds.news.example/icon.png?a=1&amp;b=2</icon>
    <rights>© R&amp;D</rights>
    <link rel="license" href="https://cc.example/?a=1&#x26;b=2"/>
`);
});

test('a document is head, entries and tail, and reads back', () => {
  const document =
    atom.head(richHead) + [full, article()].map((each) => atom.entry(each, options)).join(atom.separator) + atom.tail;
  expect(feedsmith(document)).toEqual([
    {
      id: full.publicId,
      title: full.title,
      link: full.url,
      published: '2026-11-20T10:00:00Z',
      updated: '2026-11-20T12:00:00Z',
      authors: ['A & <B>', 'C'],
      body: full.html,
      summary: full.summary,
    },
    {
      id: 'tag:news.example,2026:a',
      title: 'A title',
      link: 'https://news.example/a',
      published: '2026-11-20T10:00:00Z',
      updated: '2026-11-20T10:00:00Z',
      authors: ['The Test Post'],
      body: '<p>A body.</p>',
      summary: 'A body.',
    },
  ]);
});

test.each([
  ['without translations', {}, ['html https://news.example/a']],
  [
    'with translations, in their order',
    {
      translations: [
        { language: 'tr', url: '/tr' },
        { language: 'ku', url: '/ku' },
      ],
    },
    [
      'html https://news.example/a',
      'tr https://news.example/tr',
      'ku https://news.example/ku',
      'en https://news.example/a',
    ],
  ],
  [
    'never two with one language',
    {
      translations: [
        { language: 'en', url: '/en' },
        { language: 'ku', url: '/ku' },
        { language: 'ku', url: '/ku2' },
      ],
    },
    ['html https://news.example/a', 'ku https://news.example/ku', 'en https://news.example/a'],
  ],
  [
    'with a translation in its own language only',
    { translations: [{ language: 'en', url: '/b' }] },
    ['html https://news.example/a'],
  ],
])('the alternate links of an article %s', (_, fields, expected) => {
  const links = atom.entry(article(fields), options).match(/<link [^>]*>/g) ?? [];
  expect(links).toEqual(
    expected.map((each) => {
      const [language, href] = each.split(' ');
      const hreflang = language === 'html' ? '' : ` hreflang="${language}"`;
      return `<link rel="alternate" type="text/html"${hreflang} href="${href}"/>`;
    }),
  );
});

test('withdrawals stand between the head and the entries', () => {
  const tombstones = [
    { publicId: 'tag:news.example,2026:a&b', at: Date.UTC(2026, 10, 20), reason: 'R & D' },
    { publicId: 'tag:news.example,2026:c', at: Date.UTC(2026, 10, 19, 1, 2, 3) },
  ];
  expect(atom.head({ ...emptyHead, tombstones })).toBe(
    `${atom.head(emptyHead)}    <at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0" ref="tag:news.example,2026:a&#x26;b" when="2026-11-20T00:00:00Z">
        <at:comment>R &#x26; D</at:comment>
    </at:deleted-entry>
    <at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0" ref="tag:news.example,2026:c" when="2026-11-19T01:02:03Z"/>
`,
  );
});

test('an id that is not a URI becomes its UUID, the same in entry and tombstone', () => {
  const entry = atom.entry({ ...article(), publicId: 'post 17' }, options);
  const head = atom.head({ ...emptyHead, tombstones: [{ publicId: 'post 17', at: 0 }] });
  const [, id] = /<id>([^<]*)<\/id>/.exec(entry) ?? [];

  expect(id).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(head).toContain(`ref="${id}"`);
  expect(atom.entry({ ...article(), publicId: 'post 18' }, options)).not.toContain(id);
});
