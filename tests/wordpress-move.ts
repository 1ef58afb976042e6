/**
 * A WordPress site that moves: its export, and forty addresses that its readers may have, with where each of them leads. The
 * structure is that of an export of WordPress 6 with nested categories, slugs that differ from names, and two authors.
 */

const cdata = (text: string) => `<![CDATA[${text}]]>`;

const CATEGORIES = [
  [3, 'cihan', '', 'Cîhan'],
  [4, 'kurdistan', 'cihan', 'Kurdistan'],
  [5, 'kultur-kurdi', 'kurdistan', 'Çand û Huner'],
  [6, '%da%a9%d9%84%d8%aa%d9%88%d9%88%d8%b1', '', 'کلتوور'],
  [7, 'empty', '', 'Nothing Yet'],
] as const;

const TAGS = [
  [11, 'ziman', 'Zimanê Kurdî'],
  [12, 'rivers', 'Rivers'],
] as const;

const AUTHORS = [
  [1, 'lbaran', 'Leyla Baran'],
  [2, 'Azad.K', 'Azad Kendal'],
] as const;

interface Post {
  readonly id: number;
  readonly path: string;
  readonly author: string;
  readonly categories: readonly (readonly [slug: string, name: string])[];
  readonly tags?: readonly (readonly [slug: string, name: string])[];
  readonly status?: string;
}

const POSTS: readonly Post[] = [
  {
    id: 101,
    path: '2024/05/stran/',
    author: 'lbaran',
    categories: [['kultur-kurdi', 'Çand û Huner']],
    tags: [['ziman', 'Zimanê Kurdî']],
  },
  {
    id: 102,
    path: '2024/06/pira/',
    author: 'Azad.K',
    categories: [['kurdistan', 'Kurdistan']],
    tags: [['rivers', 'Rivers']],
  },
  {
    id: 103,
    path: '2024/06/kitteb/',
    author: 'lbaran',
    categories: [['%da%a9%d9%84%d8%aa%d9%88%d9%88%d8%b1', 'کلتوور']],
  },
  { id: 104, path: '2024/07/dinya/', author: 'Azad.K', categories: [['cihan', 'Cîhan']] },
  { id: 105, path: 'x/', author: 'lbaran', categories: [['empty', 'Nothing Yet']], status: 'draft' },
];

/** The guid of a post, as WordPress makes it. */
export const guidOf = (id: number): string => `https://kovar.example/?p=${id}`;

function postItem({ id, path, author, categories, tags = [], status = 'publish' }: Post): string {
  const terms = [
    ...categories.map(([slug, name]) => `<category domain="category" nicename="${slug}">${cdata(name)}</category>`),
    ...tags.map(([slug, name]) => `<category domain="post_tag" nicename="${slug}">${cdata(name)}</category>`),
  ];
  return `<item><title>${cdata(`Post ${id}`)}</title><link>https://kovar.example/${path}</link>
<dc:creator>${cdata(author)}</dc:creator><guid isPermaLink="false">${guidOf(id)}</guid>
<content:encoded>${cdata(`<p>The text of ${id}.</p>`)}</content:encoded>
<wp:post_id>${id}</wp:post_id><wp:post_date_gmt>2024-06-0${id % 100} 10:00:00</wp:post_date_gmt>
<wp:status>${cdata(status)}</wp:status><wp:post_type>${cdata('post')}</wp:post_type>
${terms.join('\n')}</item>`;
}

/** @param home the address of the site, without a slash at its end */
export function wordpressExport(home = 'https://kovar.example'): string {
  const categories = CATEGORIES.map(
    ([id, slug, parent, name]) =>
      `<wp:category><wp:term_id>${id}</wp:term_id><wp:category_nicename>${cdata(slug)}</wp:category_nicename>` +
      `<wp:category_parent>${cdata(parent)}</wp:category_parent><wp:cat_name>${cdata(name)}</wp:cat_name></wp:category>`,
  );
  const tags = TAGS.map(
    ([id, slug, name]) =>
      `<wp:tag><wp:term_id>${id}</wp:term_id><wp:tag_slug>${cdata(slug)}</wp:tag_slug><wp:tag_name>${cdata(name)}</wp:tag_name></wp:tag>`,
  );
  const authors = AUTHORS.map(
    ([id, login, name]) =>
      `<wp:author><wp:author_id>${id}</wp:author_id><wp:author_login>${cdata(login)}</wp:author_login>` +
      `<wp:author_display_name>${cdata(name)}</wp:author_display_name></wp:author>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
  xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:wp="http://wordpress.org/export/1.2/">
<channel><title>Kovar</title><link>${home}</link><language>ku</language><wp:wxr_version>1.2</wp:wxr_version>
<wp:base_site_url>https://kovar.example</wp:base_site_url><wp:base_blog_url>${home}</wp:base_blog_url>
${[...authors, ...categories, ...tags, ...POSTS.map(postItem)].join('\n')}
</channel></rss>`;
}

export const PUBLICATION_AFTER = `title: Kovar
url: https://kovar.example/
feedsUrl: https://feeds.kovar.example/
description: A magazine.
language: ku
`;

interface Led {
  readonly feed: string;
  readonly guids: readonly number[];
}

const LATEST: Led = { feed: 'latest', guids: [104, 103, 102, 101] };
const ART: Led = { feed: 'section/çand-û-huner', guids: [101] };
const LEYLA: Led = { feed: 'author/leyla-baran', guids: [103, 101] };
const AZAD: Led = { feed: 'author/azad-kendal', guids: [104, 102] };
const LANGUAGE: Led = { feed: 'tag/zimanê-kurdî', guids: [101] };
const CULTURE: Led = { feed: 'section/کلتوور', guids: [103] };
const WORLD: Led = { feed: 'section/cîhan', guids: [104] };
const KURDISTAN: Led = { feed: 'section/kurdistan', guids: [102] };

/** Addresses of readers, the feed that each leads to, and its format; without a feed, 410. */
export const OLD_ADDRESSES: readonly (readonly [address: string, led?: Led, format?: 'rss' | 'atom' | 'json'])[] = [
  ['/feed/', LATEST],
  ['/feed', LATEST],
  ['/feed/rss/', LATEST],
  ['/feed/rss2/', LATEST],
  ['/feed/rdf/', LATEST],
  ['/feed/atom/', LATEST, 'atom'],
  ['/?feed=rss2', LATEST],
  ['/?feed=atom', LATEST, 'atom'],
  ['/index.php?feed=rss', LATEST],
  ['/wp-rss2.php', LATEST],
  ['/wp-atom.php', LATEST, 'atom'],
  ['/rss.xml', LATEST],
  ['/feed/?utm_source=newsletter', LATEST],
  ['/category/cihan/kurdistan/kultur-kurdi/feed/', ART],
  ['/category/kultur-kurdi/feed/', ART],
  ['/category/kultur-kurdi/feed/rss2/', ART],
  ['/category/kultur-kurdi/feed/atom/', ART, 'atom'],
  ['/category/Kultur-Kurdi/feed', ART],
  ['/category/kultur-kurdi/?feed=atom', ART, 'atom'],
  ['/?feed=rss2&cat=5', ART],
  ['/?cat=5&feed=atom', ART, 'atom'],
  ['/?feed=rss2&category_name=kultur-kurdi', ART],
  ['/kultur-kurdi/feed/', ART],
  ['/category/cihan/kurdistan/feed/', KURDISTAN],
  ['/category/cihan/feed/', WORLD],
  ['/category/%da%a9%d9%84%d8%aa%d9%88%d9%88%d8%b1/feed/', CULTURE],
  ['/category/%DA%A9%D9%84%D8%AA%D9%88%D9%88%D8%B1/feed/atom/', CULTURE, 'atom'],
  ['/tag/ziman/feed/', LANGUAGE],
  ['/tag/ziman/feed/atom/', LANGUAGE, 'atom'],
  ['/?feed=rss2&tag=ziman', LANGUAGE],
  ['/author/lbaran/feed/', LEYLA],
  ['/author/azad-k/feed/atom/', AZAD, 'atom'],
  ['/?feed=rss2&author=2', AZAD],
  ['/?feed=atom&author_name=lbaran', LEYLA, 'atom'],
  ['/comments/feed/'],
  ['/comments/feed/atom/'],
  ['/?feed=comments-rss2'],
  ['/2024/05/stran/feed/'],
  ['/2024/05/stran/feed/atom/'],
  ['/?feed=rss2&p=101'],
  ['/2024/05/feed/'],
  ['/search/pira/feed/rss2/'],
];
