import { expect, test } from 'vitest';
import { json } from '../../src/format/json.ts';
import { article } from '../helpers.ts';
import { feedsmith } from '../peers/feedsmith.ts';
import { emptyHead, full, options, richHead } from './fixtures.ts';

test('the entry of the smallest article', () => {
  expect(json.entry(article(), options)).toBe(
    JSON.stringify({
      id: 'tag:news.example,2026:a',
      url: 'https://news.example/a',
      title: 'A title',
      content_html: '<p>A body.</p>',
      summary: 'A body.',
      date_published: '2026-11-20T10:00:00Z',
      authors: [{ name: 'The Test Post', url: 'https://news.example/' }],
      language: 'en',
    }),
  );
});

test('the entry of an article with every field', () => {
  expect(json.entry(full, options)).toBe(
    JSON.stringify({
      id: 'https://news.example/?p=1&q=2',
      url: 'https://news.example/dams?a=1&b=2',
      external_url: 'https://agency.example/?a=1&b=2',
      title: '\u200FAT&T: a < b ]]> ]]> &amp;',
      content_html:
        '<div dir="rtl" lang="ckb"><p>a ]]&gt; b ]]&gt; &amp;amp; <a href="https://news.example/c?d=1&amp;e=2">f</a></p></div>',
      summary: 'R&D "x" ]]> ]]> <b>',
      image: 'https://news.example/i.png?a=1&b=2',
      date_published: '2026-11-20T10:00:00Z',
      date_modified: '2026-11-20T12:00:00Z',
      authors: [
        { name: 'A & <B>', url: 'https://news.example/ab?x=1&y=2', avatar: 'https://news.example/a.png' },
        { name: 'C' },
      ],
      tags: ['R & D', '"T"'],
      language: 'ckb',
      attachments: [
        {
          url: 'https://news.example/m.mp3',
          mime_type: 'audio/mpeg',
          title: '"t" & <u>',
          size_in_bytes: 7,
          duration_in_seconds: 1.5,
        },
        { url: 'https://news.example/v', mime_type: 'application/pdf' },
      ],
    }),
  );
});

test('the entry in a feed of summaries', () => {
  expect(json.entry(full, { ...options, content: 'summary' })).toBe(
    JSON.stringify({
      id: 'https://news.example/?p=1&q=2',
      url: 'https://news.example/dams?a=1&b=2',
      external_url: 'https://agency.example/?a=1&b=2',
      title: '\u200FAT&T: a < b ]]> ]]> &amp;',
      content_text: 'R&D "x" ]]> ]]> <b>',
      summary: 'R&D "x" ]]> ]]> <b>',
      image: 'https://news.example/i.png?a=1&b=2',
      date_published: '2026-11-20T10:00:00Z',
      date_modified: '2026-11-20T12:00:00Z',
      authors: [
        { name: 'A & <B>', url: 'https://news.example/ab?x=1&y=2', avatar: 'https://news.example/a.png' },
        { name: 'C' },
      ],
      tags: ['R & D', '"T"'],
      language: 'ckb',
      attachments: [
        {
          url: 'https://news.example/m.mp3',
          mime_type: 'audio/mpeg',
          title: '"t" & <u>',
          size_in_bytes: 7,
          duration_in_seconds: 1.5,
        },
        { url: 'https://news.example/v', mime_type: 'application/pdf' },
      ],
    }),
  );
});

test.each([
  [
    'without entries',
    emptyHead,
    {
      version: 'https://jsonfeed.org/version/1.1',
      title: 'The Test Post: Kurdî',
      home_page_url: 'https://news.example/',
      feed_url: 'https://feeds.news.example/feeds/section/kurd%C3%AE.json',
      description: 'Kurdî. News for tests.',
      authors: [{ name: 'The Test Post', url: 'https://news.example/' }],
      language: 'en',
    },
  ],
  [
    'with every field',
    richHead,
    {
      version: 'https://jsonfeed.org/version/1.1',
      title: 'R&D <Post>: Kurdî',
      home_page_url: 'https://news.example/?a=1&b=2',
      feed_url: 'https://feeds.news.example/feeds/section/kurd%C3%AE.json',
      description: 'Kurdî. a < b &amp; c',
      icon: 'https://feeds.news.example/icon.png?a=1&b=2',
      favicon: 'https://feeds.news.example/f.png',
      authors: [{ name: 'Desk & Co', url: 'https://news.example/?a=1&b=2' }],
      language: 'en',
    },
  ],
])('the head of a feed %s', (_, head, expected) => {
  expect(json.head(head)).toBe(`${JSON.stringify(expected).slice(0, -1)},\n"items":[\n`);
});

test('a feed without entries is JSON', () => {
  expect(JSON.parse(json.head(emptyHead) + json.tail).items).toEqual([]);
});

test('a document is head, entries and tail, and reads back', () => {
  const document =
    json.head(richHead) + [full, article()].map((each) => json.entry(each, options)).join(json.separator) + json.tail;
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
      authors: ['The Test Post'],
      body: '<p>A body.</p>',
      summary: 'A body.',
    },
  ]);
});

test('withdrawals stand before the items', () => {
  const head = json.head({
    ...emptyHead,
    tombstones: [
      { publicId: 'tag:news.example,2026:a', at: Date.UTC(2026, 10, 20), reason: '"R" & D' },
      { publicId: 'post 17', at: Date.UTC(2026, 10, 19, 1, 2, 3) },
    ],
  });
  const document = JSON.parse(head + json.entry(article(), options) + json.tail);

  expect(document.items).toHaveLength(1);
  expect(document._tombstones).toEqual({
    items: [
      { id: 'tag:news.example,2026:a', date_withdrawn: '2026-11-20T00:00:00Z', reason: '"R" & D' },
      { id: 'post 17', date_withdrawn: '2026-11-19T01:02:03Z' },
    ],
  });
  expect(json.head(emptyHead)).not.toContain('_tombstones');
});
