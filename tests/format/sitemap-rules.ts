import { SaxesParser, type SaxesTagNS } from 'saxes';

/**
 * The rules of the published schemas that our sitemaps use: sitemaps.org's sitemap.xsd and siteindex.xsd (0.9), Google's
 * sitemap-image.xsd (1.1) and sitemap-news.xsd (0.9), with the limits that Google sets. The schemas themselves are on the web.
 */

interface Node {
  readonly name: string;
  readonly children: Node[];
  text: string;
}

const PREFIXES: Readonly<Record<string, string>> = {
  'http://www.sitemaps.org/schemas/sitemap/0.9': '',
  'http://www.google.com/schemas/sitemap-image/1.1': 'image:',
  'http://www.google.com/schemas/sitemap-news/0.9': 'news:',
};
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;
const NEWS = ['news:publication', 'news:publication_date', 'news:title'];

export interface SitemapSeen {
  readonly kind: 'urlset' | 'sitemapindex';
  readonly entries: readonly { readonly loc: string; readonly lastmod?: string; readonly images: readonly string[] }[];
}

/** Parses a sitemap or an index. @throws Error where it breaks a rule */
export function readSitemap(
  text: string,
): SitemapSeen & { readonly news: readonly Readonly<Record<string, string>>[] } {
  const root = parse(text);
  if (root.name !== 'urlset' && root.name !== 'sitemapindex') throw new Error(`the root is ${root.name}`);
  require(Buffer.byteLength(text) <= 50 * 1024 * 1024, 'a file has at most 50 MB');
  require(root.children.length <= 50_000, 'a file has at most 50,000 addresses');
  const [entry, allowed] =
    root.name === 'urlset' ? ['url', /^(?:loc|lastmod|image:image|news:news)$/] : ['sitemap', /^(?:loc|lastmod)$/];
  const news: Record<string, string>[] = [];
  const entries = root.children.map((child) => {
    require(child.name === entry, `${child.name} in ${root.name}`);
    for (const { name } of child.children) require(allowed.test(name), `${name} in ${child.name}`);
    const [loc, ...more] = named(child, 'loc');
    require(loc !== undefined &&
      more.length === 0 &&
      loc.length >= 12 &&
      loc.length < 2048 &&
      URL.canParse(loc), `loc ${loc}`);
    const dates = named(child, 'lastmod');
    require(dates.length <= 1 && dates.every((date) => DATE_TIME.test(date)), `lastmod ${dates}`);
    const images = child.children.filter(({ name }) => name === 'image:image');
    for (const image of images)
      require(image.children.map(({ name }) => name).join() === 'image:loc', 'only image:loc');
    news.push(...child.children.filter(({ name }) => name === 'news:news').map(newsOf));
    const [lastmod] = dates;
    return {
      loc: loc ?? '',
      ...(lastmod === undefined ? {} : { lastmod }),
      images: images.flatMap((image) => named(image, 'image:loc')),
    };
  });
  require(news.length <= 1000, 'a file has at most 1,000 stories for Google News');
  return { kind: root.name, entries, news };
}

function newsOf(node: Node): Record<string, string> {
  require(node.children.map(({ name }) => name).join() === NEWS.join(), 'the elements of news:news in their order');
  const [publication, date, title] = node.children;
  const inner = publication?.children.map(({ name }) => name) ?? [];
  require(inner.join() === 'news:name,news:language', 'name and language of a publication');
  const [name = '', language = ''] = publication?.children.map((child) => child.text) ?? [];
  require(/^(?:zh-cn|zh-tw|[a-z]{2,3})$/.test(language), `language ${language}`);
  require(DATE_TIME.test(date?.text ?? ''), `publication_date ${date?.text}`);
  return { name, language, date: date?.text ?? '', title: title?.text ?? '' };
}

function named(node: Node, name: string): string[] {
  return node.children.filter((child) => child.name === name).map(({ text }) => text);
}

function require(holds: boolean, rule: string): asserts holds {
  if (!holds) throw new Error(`The sitemap breaks a rule: ${rule}.`);
}

function parse(text: string): Node {
  const parser = new SaxesParser({ xmlns: true });
  const top: Node = { name: '', children: [], text: '' };
  const open = [top];
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ uri, local }: SaxesTagNS) => {
    const node: Node = { name: `${PREFIXES[uri] ?? `{${uri}}`}${local}`, children: [], text: '' };
    open.at(-1)?.children.push(node);
    open.push(node);
  });
  parser.on('text', (part) => {
    const node = open.at(-1);
    if (node !== undefined) node.text += part;
  });
  parser.on('closetag', () => open.pop());
  parser.write(text).close();
  const [root] = top.children;
  if (root === undefined) throw new Error('The sitemap is empty.');
  return root;
}
