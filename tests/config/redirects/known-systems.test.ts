import { describe, expect, test } from 'vitest';
import { meaningsOf, SYSTEMS, type System } from '../../../src/config/redirects/known-systems.ts';
import { oldAddress } from '../../../src/config/redirects/old-address.ts';

/** What an address means in these systems: `section/x.rss`, `category 3.atom`, or `gone`. */
function meant(target: string, systems: readonly System[] = SYSTEMS): string[] {
  const address = oldAddress(target);
  if (address === undefined) return ['not an address'];
  return meaningsOf(address, systems).map((meaning) =>
    meaning === 'gone' ? 'gone' : `${meaning.keys.join(' or ') || meaning.name}.${meaning.format}`,
  );
}

describe('WordPress', () => {
  test.each([
    ['/feed', 'latest.rss'],
    ['/feed/', 'latest.rss'],
    ['//feed//', 'latest.rss'],
    ['/FEED/Atom/', 'latest.atom'],
    ['/feed/rss2/', 'latest.rss'],
    ['/feed/rdf/', 'latest.rss'],
    ['/feed/json', 'latest.json'],
    ['/index.php/feed/', 'latest.rss'],
    ['/?feed=rss2', 'latest.rss'],
    ['/?feed=feed', 'latest.rss'],
    ['/index.php?feed=atom', 'latest.atom'],
    ['/?FEED=ATOM', 'latest.atom'],
    ['/wp-rss2.php', 'latest.rss'],
    ['/wp-atom.php', 'latest.atom'],
    ['/category/world/feed/', 'section/world.rss'],
    ['/category/world/feed/atom/', 'section/world.atom'],
    ['/category/news/world/feed/', 'section/world.rss'],
    ['/category/a/b/c/feed/rss2/', 'section/c.rss'],
    ['/blog/category/news/world/feed/', 'section/world.rss'],
    ['/category/%DA%A9%D9%88%D8%B1%D8%AF/feed/', 'section/کورد.rss'],
    ['/category/%da%a9%d9%88%d8%b1%d8%af/feed/', 'section/کورد.rss'],
    ['/category/کورد/feed/', 'section/کورد.rss'],
    ['/category/world/?feed=atom', 'section/world.atom'],
    ['/category/world/feed/?feed=atom', 'section/world.atom'],
    ['/tag/world/feed/atom/?feed=rss2&_=1', 'tag/world.rss'],
    ['/feed/?feed=atom', 'latest.atom'],
    ['/comments/feed/?feed=rss2', 'gone'],
    ['/2024/05/snow/feed/?feed=rss2', 'gone'],
    ['/tag/world/feed/', 'tag/world.rss'],
    ['/tag/2024/feed/', 'tag/2024.rss'],
    ['/author/ann/feed/rdf/', 'author/ann.rss'],
    ['/?feed=rss2&cat=3', 'category 3.rss'],
    ['/?cat=3&feed=atom', 'category 3.atom'],
    ['/?feed=rss2&category_name=news/world/', 'section/world.rss'],
    ['/?feed=rss2&tag=world', 'tag/world.rss'],
    ['/?feed=rss2&author=7', 'author 7.rss'],
    ['/?feed=rss2&author_name=ann', 'author/ann.rss'],
    ['/world/feed/', 'section/world.rss'],
    ['/comments/feed/', 'gone'],
    ['/comments/feed/atom/', 'gone'],
    ['/?feed=comments-rss2', 'gone'],
    ['/?feed=comments-atom&p=5', 'gone'],
    ['/?feed=rss2&p=5', 'gone'],
    ['/?feed=rss2&s=snow', 'gone'],
    ['/?feed=rss2&m=202405', 'gone'],
    ['/wp-commentsrss2.php', 'gone'],
    ['/2024/feed/', 'gone'],
    ['/2024/05/feed/', 'gone'],
    ['/2024/05/snow/feed/', 'gone'],
    ['/2024/05/09/snow/feed/', 'gone'],
    ['/2024/05/09/snow/feed/atom/', 'gone'],
    ['/blog/2024/05/snow/feed/', 'gone'],
    ['/archives/123/feed/', 'gone'],
    ['/search/snow/feed/rss2/', 'gone'],
  ])('%s', (address, meaning) => {
    expect(meant(address, ['wordpress'])).toEqual([meaning]);
  });

  test.each([
    '/',
    '/world/',
    '/category/world/',
    '/?cat=3',
    '/?feed=sitemap',
    '/feed/xml',
    '/feed/feed/x',
    '/feeds/section/world/feed',
  ])('%s is none of its feeds', (address) => {
    expect(meant(address, ['wordpress'])).toEqual([]);
  });
});

test.each<[System, string, string[]]>([
  ['common', '/rss.xml', ['latest.rss']],
  ['common', '/atom.xml', ['latest.atom']],
  ['common', '/feed.json/', ['latest.json']],
  ['common', '/rss', ['latest.rss']],
  ['common', '/index.rdf', ['latest.rss']],
  ['common', '/feed/atom.xml', ['latest.atom']],
  ['common', '/a/rss.xml', []],
  ['ghost', '/rss/', ['latest.rss']],
  ['ghost', '/tag/world/rss/', ['tag/world.rss']],
  ['ghost', '/author/ann/rss/', ['author/ann.rss']],
  ['ghost', '/world/rss/', ['section/world.rss']],
  ['ghost', '/tag/world/', []],
  ['hugo', '/index.xml', ['latest.rss']],
  ['hugo', '/posts/index.xml', ['section/posts or language/posts.rss']],
  ['hugo', '/ku/index.xml', ['section/ku or language/ku.rss']],
  ['hugo', '/tags/world/index.xml', ['tag/world.rss']],
  ['hugo', '/categories/world/index.xml', ['section/world.rss']],
  ['hugo', '/authors/ann/index.xml', ['author/ann.rss']],
  ['hugo', '/tags/world/', []],
  ['jekyll', '/feed.xml', ['latest.atom']],
  ['jekyll', '/feed/world.xml', ['section/world.atom']],
  ['jekyll', '/feed/by_tag/world.xml', ['tag/world.atom']],
  ['jekyll', '/feed/by_tag/world/x.xml', []],
  ['drupal', '/taxonomy/term/12/feed', ['term 12.rss']],
  ['drupal', '/taxonomy/term/12/all/feed', ['term 12.rss']],
  ['drupal', '/taxonomy/term/world/feed', []],
  ['drupal', '/node/feed', ['latest.rss']],
  ['blogger', '/feeds/posts/default', ['latest.atom']],
  ['blogger', '/feeds/posts/default?alt=rss', ['latest.rss']],
  ['blogger', '/feeds/posts/default/-/World', ['tag/world.atom']],
  ['blogger', '/feeds/comments/default', ['gone']],
  ['blogger', '/feeds/123/comments/default', ['gone']],
  ['blogger', '/feeds/latest.rss', []],
])('%s: %s', (system, address, meanings) => {
  expect(meant(address, [system])).toEqual(meanings);
});

test('no address means anything where no system is switched on', () => {
  for (const address of ['/feed/', '/rss.xml', '/index.xml', '/feed.xml', '/rss/', '/feeds/posts/default'])
    expect(meant(address, []), address).toEqual([]);
});

test('an address that no feed can have is none', () => {
  for (const address of [`/${'a'.repeat(2000)}/feed`, '/%E7/feed', '/%/feed', `${'/a'.repeat(30)}/feed`])
    expect(meant(address), address.slice(0, 20)).toEqual(['not an address']);
});
