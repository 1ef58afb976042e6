import { describe, expect, test } from 'vitest';
import { newsLanguage, newsName, sitemap, sitemapIndex } from '../../src/format/sitemap.ts';
import { readSitemap } from './sitemap-rules.ts';

const AT = Date.UTC(2026, 10, 22, 12, 30);

test('a file of addresses', () => {
  const news = { name: 'The Post', language: 'en', publishedAt: AT, title: 'A <b> & "c"' };
  const text = sitemap([
    { url: 'https://news.example/a?x=1&y=2', modifiedAt: AT, images: ['https://media.example/a.jpg'], news },
    { url: 'https://feeds.news.example/' },
  ]);
  expect(text).toBe(`<?xml version="1.0" encoding="utf-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
<url>
  <loc>https://news.example/a?x=1&amp;y=2</loc>
  <lastmod>2026-11-22T12:30:00Z</lastmod>
  <image:image><image:loc>https://media.example/a.jpg</image:loc></image:image>
  <news:news>
    <news:publication>
      <news:name>The Post</news:name>
      <news:language>en</news:language>
    </news:publication>
    <news:publication_date>2026-11-22T12:30:00Z</news:publication_date>
    <news:title>A &lt;b&gt; &amp; &quot;c&quot;</news:title>
  </news:news>
</url>
<url>
  <loc>https://feeds.news.example/</loc>
</url>
</urlset>
`);
  const { entries, news: read } = readSitemap(text);
  expect(entries).toEqual([
    { loc: 'https://news.example/a?x=1&y=2', lastmod: '2026-11-22T12:30:00Z', images: ['https://media.example/a.jpg'] },
    { loc: 'https://feeds.news.example/', images: [] },
  ]);
  expect(read).toEqual([{ name: 'The Post', language: 'en', date: '2026-11-22T12:30:00Z', title: 'A <b> & "c"' }]);
});

test('an index of files', () => {
  const text = sitemapIndex([{ url: 'https://feeds.news.example/sitemap-2026-11.xml', modifiedAt: AT }]);
  expect(readSitemap(text)).toEqual({
    kind: 'sitemapindex',
    entries: [{ loc: 'https://feeds.news.example/sitemap-2026-11.xml', lastmod: '2026-11-22T12:30:00Z', images: [] }],
    news: [],
  });
});

describe('the limits of the protocol', () => {
  test('an address has fewer than 2,048 characters: longer ones are left out', () => {
    const longest = `https://news.example/${'a'.repeat(2047 - 21)}`;
    const text = sitemap([
      { url: longest },
      { url: `${longest}a` },
      { url: 'https://news.example/b', images: [`${longest}a`] },
    ]);
    expect(readSitemap(text).entries).toEqual([
      { loc: longest, images: [] },
      { loc: 'https://news.example/b', images: [] },
    ]);
  });

  test('a file of the longest addresses and pictures has at most 50 MB', () => {
    const address = (name: string) => `https://news.example/${name}?${'&'.repeat(1990)}`;
    const images = Array.from({ length: 30 }, (_, index) => address(`i${index}`));
    const text = sitemap(Array.from({ length: 1000 }, (_, index) => ({ url: address(`a${index}`), images })));
    expect(Buffer.byteLength(text)).toBeLessThan(50_000_000);
    expect(text.match(/<loc>/g)?.length).toBe(1000);
    expect(text.match(/<image:loc>/g)?.length).toBeGreaterThan(20);
  });

  test('an index has at most 50,000 files', () => {
    const text = sitemapIndex(Array.from({ length: 50_001 }, (_, index) => ({ url: `https://news.example/${index}` })));
    expect(text.match(/<sitemap>/g)?.length).toBe(50_000);
  });
});

test.each([
  ['The Four Rivers Courier', 'The Four Rivers Courier'],
  ['The Post (subscription)', 'The Post'],
  ['Post (Kurdî) Weekly (blog)', 'Post Weekly'],
  ['(Post)', '(Post)'],
])('Google News knows “%s” as “%s”', (title, name) => {
  expect(newsName(title)).toBe(name);
});

test.each([
  ['en', 'en'],
  ['en-GB', 'en'],
  ['ckb', 'ckb'],
  ['ku-Arab', 'ku'],
  ['pt-BR', 'pt'],
  ['zh', 'zh-cn'],
  ['zh-CN', 'zh-cn'],
  ['zh-Hans-HK', 'zh-cn'],
  ['zh-TW', 'zh-tw'],
  ['zh-HK', 'zh-tw'],
  ['zh-Hant', 'zh-tw'],
  ['yue', 'yue'],
  ['und', 'und'],
  ['und-Latn', 'und'],
])('the language %s is %s for Google News', (tag, code) => {
  expect(newsLanguage(tag)).toBe(code);
});
