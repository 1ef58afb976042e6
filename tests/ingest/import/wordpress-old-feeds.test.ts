import { expect, test } from 'vitest';
import type { OldFeed } from '../../../src/ingest/import/old-feeds.ts';
import { MAX_SECTIONS } from '../../../src/ingest/import/record-fields.ts';
import { wordpressRecords } from '../../../src/ingest/import/wordpress.ts';

/** The feeds that an export with these parts names, as `address … → feed`; those without a story in brackets. */
async function feedsOf(parts: string, home = 'https://kovar.example'): Promise<string[]> {
  const text = `<rss version="2.0" xmlns:wp="http://wordpress.org/export/1.2/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>K</title><wp:base_blog_url>${home}</wp:base_blog_url>${parts}</channel></rss>`;
  const found: OldFeed[] = [];
  const open = async function* () {
    yield new TextEncoder().encode(text);
  };
  const records = wordpressRecords(
    open,
    () => {},
    undefined,
    undefined,
    (feeds) => {
      for (const feed of feeds) found.push(feed);
    },
  );
  for await (const _ of records);
  return found.map(({ addresses, feed, isUsed }) => {
    const line = `${addresses.join(' ')} → ${feed ?? '410'}`;
    return isUsed ? line : `(${line})`;
  });
}

const category = (slug: string, name: string, parent = '', id = '') =>
  `<wp:category><wp:term_id>${id}</wp:term_id><wp:category_nicename>${slug}</wp:category_nicename><wp:category_parent>${parent}</wp:category_parent><wp:cat_name><![CDATA[${name}]]></wp:cat_name></wp:category>`;
const story = (
  categories: string,
  { status = 'publish', link = 'https://kovar.example/2024/05/x/', author = '' } = {},
) =>
  `<item><title>T</title><link>${link}</link><guid>g</guid><wp:post_type>post</wp:post_type><wp:status>${status}</wp:status>${author === '' ? '' : `<dc:creator>${author}</dc:creator>`}${categories}</item>`;
const inCategory = (slug: string, name: string, domain = 'category') =>
  `<category domain="${domain}" nicename="${slug}"><![CDATA[${name}]]></category>`;

const MAIN = '/feed/ → latest';
const GONE = '/comments/feed/ → 410';

test('an export without categories, tags and authors names no feeds', async () => {
  expect(await feedsOf(story(''))).toEqual([]);
});

test('a category has the path of its parents, in whatever order they come', async () => {
  const parts =
    category('c', 'See', 'b', '3') + category('b', 'Bee', 'a') + category('a', 'Aye') + story(inCategory('c', 'See'));

  expect(await feedsOf(parts)).toEqual([
    MAIN,
    '/category/a/b/c/feed/ /?feed=rss2&cat=3 → section/see',
    '(/category/a/b/feed/ → section/bee)',
    '(/category/a/feed/ → section/aye)',
    GONE,
  ]);
});

test('parents in a circle end', async () => {
  expect(await feedsOf(category('a', 'A', 'b') + category('b', 'B', 'a'))).toEqual([
    MAIN,
    '(/category/a/b/a/feed/ → section/a)',
    '(/category/b/a/b/feed/ → section/b)',
    GONE,
  ]);
});

test('the terms of stories are known even if the export does not list them', async () => {
  const categories = inCategory('kultur', 'Çand') + inCategory('av', 'Av', 'post_tag') + inCategory('x', 'X', 'mood');

  expect(
    await feedsOf(story(categories, { author: 'Leyla.B' }) + story(inCategory('draft', 'D'), { status: 'draft' })),
  ).toEqual([
    MAIN,
    '/category/kultur/feed/ → section/çand',
    '/tag/av/feed/ → tag/av',
    '/author/leyla-b/feed/ → author/leyla-b',
    GONE,
  ]);
});

test('terms in the form of newer exports, and several authors of a story', async () => {
  const terms = `<wp:term><wp:term_id>9</wp:term_id><wp:term_taxonomy>category</wp:term_taxonomy><wp:term_slug>n</wp:term_slug><wp:term_name>New</wp:term_name></wp:term>
<wp:term><wp:term_taxonomy>mood</wp:term_taxonomy><wp:term_slug>m</wp:term_slug><wp:term_name>M</wp:term_name></wp:term>
<wp:author><wp:author_id>2</wp:author_id><wp:author_login>azad</wp:author_login><wp:author_display_name>Azad Kendal</wp:author_display_name></wp:author>`;

  expect(await feedsOf(terms + story(inCategory('cap-azad', 'azad', 'author')))).toEqual([
    MAIN,
    '(/category/n/feed/ /?feed=rss2&cat=9 → section/new)',
    '/author/azad/feed/ /?feed=rss2&author=2 → author/azad-kendal',
    GONE,
  ]);
});

test('a category that is only a tag here, because its stories have so many, leads to the tag', async () => {
  const many = Array.from({ length: MAX_SECTIONS + 2 }, (_, index) => inCategory(`c${index}`, `C${index}`)).join('');
  const feeds = await feedsOf(story(many) + story(inCategory(`c${MAX_SECTIONS + 1}`, `C${MAX_SECTIONS + 1}`)));

  expect(feeds.slice(MAX_SECTIONS)).toEqual([
    `/category/c${MAX_SECTIONS - 1}/feed/ → section/c${MAX_SECTIONS - 1}`,
    `/category/c${MAX_SECTIONS}/feed/ → tag/c${MAX_SECTIONS}`,
    `/category/c${MAX_SECTIONS + 1}/feed/ → section/c${MAX_SECTIONS + 1}`,
    GONE,
  ]);
});

test('slugs in other scripts can be read, and signs with a meaning in addresses are encoded', async () => {
  const slugs = ['%da%a9%d9%88%d8%b1%d8%af', 'çand', 'a b', 'a/b', 'a#b', 'a?b', '{a}', '%', '%E7', 'a%0ab'];
  const feeds = await feedsOf(slugs.map((slug, index) => category(slug, `N${index}`)).join(''));

  expect(feeds.slice(1, -1)).toEqual([
    '(/category/کورد/feed/ → section/n0)',
    '(/category/çand/feed/ → section/n1)',
    '(/category/a%20b/feed/ → section/n2)',
    '(/category/a%2Fb/feed/ → section/n3)',
    '(/category/a%23b/feed/ → section/n4)',
    '(/category/a%3Fb/feed/ → section/n5)',
    '(/category/%7Ba%7D/feed/ → section/n6)',
    '(/category/%25/feed/ → section/n7)',
    '(/category/%25E7/feed/ → section/n8)',
    '(/category/a%0Ab/feed/ → section/n9)',
  ]);
});

test('a slug or a name that shows nothing names no feed', async () => {
  expect(
    await feedsOf(category('', 'A') + category('a', '') + category('b', '\u200D') + category('x'.repeat(601), 'X')),
  ).toEqual([]);
});

test.each([
  ['https://kovar.example/', 'https://kovar.example/a-story/', ['/feed/ → latest'], ['/{story}/feed/ → 410']],
  ['https://kovar.example/', 'https://kovar.example/2024/a-story/', ['/feed/ → latest'], []],
  ['https://kovar.example/', 'https://kovar.example/?p=7', ['/feed/ → latest'], []],
  [
    'https://kovar.example/blog',
    'https://kovar.example/blog/a-story',
    ['/blog/feed/ → latest'],
    ['/blog/{story}/feed/ → 410'],
  ],
])('of a site at %s, stories at %s show where their comments are', async (home, link, first, last) => {
  const feeds = await feedsOf(category('a', 'A') + story('', { link }), home);

  expect([feeds.slice(0, 1), feeds.slice(3)]).toEqual([first, last]);
});

test('stories below the paths of their categories show where their comments are', async () => {
  const at = (path: string) => story('', { link: `https://kovar.example/blog/${path}` });
  const parts =
    category('world', 'World') +
    category('europe', 'Europe', 'world') +
    category('%d8%b3', 'S') +
    ['world/a/', 'world/b', 'world/europe/c/', '%d8%b3/d/', 'archives/5/', '2024/05/e/', 'other/f/', 'world/7/']
      .map(at)
      .join('');

  expect((await feedsOf(parts, 'https://kovar.example/blog')).slice(4)).toEqual([
    '/blog/comments/feed/ → 410',
    '/blog/world/{story}/feed/ → 410',
    '/blog/world/europe/{story}/feed/ → 410',
    '/blog/س/{story}/feed/ → 410',
  ]);
});

test('stories below thousands of paths are not more patterns than a data folder may have', async () => {
  const names = Array.from({ length: 510 }, (_, index) => `c${index}`);
  const parts = names.map(
    (name) => category(name, name) + story('', { link: `https://kovar.example/${name}/a-story/` }),
  );

  expect((await feedsOf(parts.join(''))).filter((line) => line.includes('{story}'))).toHaveLength(500);
});

test('a category of scheduled stories alone has no story that readers can see', async () => {
  const parts =
    story(inCategory('soon', 'Soon'), { status: 'future', author: 'azad' }) + story(inCategory('now', 'Now'));

  expect(await feedsOf(parts)).toEqual([
    MAIN,
    '(/category/soon/feed/ → section/soon)',
    '(/author/azad/feed/ → author/azad)',
    '/category/now/feed/ → section/now',
    GONE,
  ]);
});
