import { Feed } from 'feed';
import type { Article, Image, Media } from '../article/article.ts';
import { httpDate, rfc3339 } from '../lib/instant.ts';
import { joinNames } from '../lib/name-list.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { escapeHtml } from '../lib/text.ts';
import { CREATIVE_COMMONS_MODULE, creativeCommons } from '../terms/creative-commons.ts';
import { licenseLink } from '../terms/license-link.ts';
import { RSL_NAMESPACE, rslItems } from '../terms/rsl.ts';
import { contractElements, historyElements, selfAddress } from './history.ts';
import { authorsOf, type EntryOptions, type Head, type Renderer } from './renderer.ts';
import {
  assertWellFormedEach,
  contentOf,
  contentsOf,
  element,
  forCdata,
  forXmlJs,
  indentation,
  parent,
  startTag,
} from './xml.ts';

const TAIL = '    </channel>\n</rss>\n';

/**
 * RSS 2.0 with the modules that readers and aggregators know. `feed` writes the elements that it writes correctly, this
 * file the others.
 */
export const rss: Renderer = { entry, entries, head, separator: '', tail: TAIL };

const NAMESPACES = {
  'xmlns:atom': 'http://www.w3.org/2005/Atom',
  'xmlns:content': 'http://purl.org/rss/1.0/modules/content/',
  'xmlns:dc': 'http://purl.org/dc/elements/1.1/',
  'xmlns:dcterms': 'http://purl.org/dc/terms/',
  'xmlns:media': 'http://search.yahoo.com/mrss/',
};
/** Feedly's. Validators that do not know it warn of it, so it is declared only where it is used. */
const WEBFEEDS = { 'xmlns:webfeeds': 'http://webfeeds.org/rss/1.0' };
/** Terms in RSL need their namespace at the root (RSL 1.0 §4.7). */
const RSL = { 'xmlns:rsl': RSL_NAMESPACE };

/** The start tags of documents without and with terms in RSL. */
const ROOT = rootWith({});
const ROOT_WITH_RSL = rootWith(RSL);

function rootWith(namespaces: Readonly<Record<string, string>>): string {
  return startTag('rss', { version: '2.0', ...NAMESPACES, ...namespaces });
}

const ITEM_DEPTH = 2;

function entry(article: Article, options: EntryOptions): string {
  return entries([article], options).join('');
}

function entries(articles: readonly Article[], options: EntryOptions): string[] {
  const fromFeed = elementsFromFeed(articles, options.content);
  const rsl = rslItems(options.publisher);
  const items = articles.map((article, index) => {
    // A story with a licence of its own is not under that of the publication.
    const terms = article.license === undefined ? rsl?.(article.url, ITEM_DEPTH + 1) : undefined;
    return item(article, fromFeed[index] ?? '', terms ?? '', options);
  });
  assertWellFormedEach(rsl === undefined ? ROOT : ROOT_WITH_RSL, items);
  return items.map((each) => `${indentation(ITEM_DEPTH)}${each}\n`);
}

function item(article: Article, fromFeed: string, terms: string, options: EntryOptions): string {
  const { content, feedLanguage } = options;
  const foreign = article.language === feedLanguage ? undefined : article.language;
  return parent(
    'item',
    { 'xml:lang': foreign },
    [
      // Not from `feed`: in its CDATA, a reader cannot distinguish plain text from HTML.
      element('title', {}, article.title),
      fromFeed,
      ...(article.updatedAt === undefined ? [] : [element('dcterms:modified', {}, rfc3339(article.updatedAt))]),
      // Not `author`: in RSS 2.0, it is an e-mail address. One, because many readers show only the first or the last.
      element('dc:creator', {}, byline(article, options)),
      ...(foreign === undefined ? [] : [element('dc:language', {}, foreign)]),
      ...[...article.sections, ...article.tags].map(({ name }) => element('category', {}, name)),
      ...(article.source === undefined ? [] : [element('source', { url: article.source.url }, article.source.name)]),
      ...(article.copyright === undefined ? [] : [element('dc:rights', {}, article.copyright)]),
      ...(article.image === undefined ? [] : [imageContent(article.image, content)]),
      ...article.media.map(mediaContent),
      ...(terms === '' ? [] : [terms]),
    ],
    ITEM_DEPTH,
  );
}

function byline(article: Article, options: EntryOptions): string {
  return joinNames(
    authorsOf(article, options).map(({ name }) => name),
    article.language,
  );
}

/** For each article: link, guid, pubDate, description, content:encoded and enclosure, in this order. */
function elementsFromFeed(articles: readonly Article[], content: EntryOptions['content']): string[] {
  const [first] = articles;
  if (first === undefined) return [];
  const feed = new Feed({ title: '', link: first.url, updated: new Date(first.publishedAt) });
  for (const article of articles) {
    feed.addItem({
      title: '',
      id: forXmlJs(article.publicId),
      link: article.url,
      date: new Date(article.publishedAt),
      description: escapeHtml(article.summary),
      ...(content === 'full' ? { content: forCdata(article.html) } : {}),
      ...enclosure(article),
    });
  }
  return contentsOf(feed.rss2(), 'item', { count: articles.length, depth: ITEM_DEPTH });
}

/**
 * The one enclosure that RSS allows: the first sound or film, else the first other file, else the story's picture, else
 * the first further picture. The length is 0 if nobody knows it (RSS Advisory Board, profile).
 */
function enclosure({ media, image }: Article): { enclosure?: { url: string; type: string; length: number } } {
  const file =
    media.find(({ type }) => /^(?:audio|video)\//i.test(type)) ??
    media.find(({ type }) => !/^image\//i.test(type)) ??
    [image, ...media].find((picture) => picture?.type !== undefined);
  if (file?.type === undefined) return {};
  return { enclosure: { url: file.url, type: file.type, length: file.length ?? 0 } };
}

function imageContent(
  { url, type, length, width, height, alt, caption, credit }: Image,
  content: EntryOptions['content'],
): string {
  // In an item without content:encoded, feedparser would take the picture's description for the article.
  const description = content === 'full' ? caption || alt : undefined;
  return mediaElement({ url, type, medium: 'image', fileSize: length, width, height }, [
    ...(credit ? [element('media:credit', { role: 'photographer', scheme: 'urn:ebu' }, credit)] : []),
    ...(description ? [element('media:description', { type: 'plain' }, description)] : []),
  ]);
}

function mediaContent({ url, type, length, width, height, duration, title }: Media): string {
  const medium = /^(image|audio|video)\//.exec(type)?.[1];
  const seconds = duration === undefined ? undefined : Math.round(duration);
  return mediaElement({ url, type, medium, fileSize: length, width, height, duration: seconds }, [
    ...(title ? [element('media:title', { type: 'plain' }, title)] : []),
  ]);
}

function mediaElement(attributes: Parameters<typeof element>[1], children: readonly string[]): string {
  if (children.length === 0) return element('media:content', attributes);
  return parent('media:content', attributes, children, ITEM_DEPTH + 1);
}

function head(head: Head): string {
  const { feed, publication, updatedAt, publishedAt } = head;
  const { title, description, language } = feed;
  const image = publication.logo ?? publication.icon;
  const base = new Feed(
    omitUndefined({
      title: forXmlJs(title),
      description: forXmlJs(description),
      link: publication.url,
      language,
      updated: new Date(updatedAt),
      ttl: Math.max(1, Math.round(publication.maxAge / 60)),
      generator: 'Feed Publisher',
      docs: 'https://www.rssboard.org/rss-specification',
      image: image === undefined ? undefined : forXmlJs(image),
      copyright: publication.copyright === undefined ? undefined : forXmlJs(publication.copyright),
      feed: selfAddress(head, 'rss'),
    }),
  );
  const looks = webfeedsElements(publication);
  const more = [
    ...historyElements(head, 'rss', 'atom:link'),
    ...(publishedAt === undefined ? [] : [element('pubDate', {}, httpDate(publishedAt))]),
    ...licenseElements(publication),
    ...contractElements(head, 'atom:link'),
    ...looks,
  ];
  const children = [contentOf(base.rss2(), 'channel'), ...more].map((child) => `${indentation(2)}${child}\n`);
  const root = rootWith({
    ...(looks.length > 0 && WEBFEEDS),
    ...(rslItems(publication) !== undefined && RSL),
  });
  assertWellFormedEach(root, [`<channel>\n${children.join('')}</channel>`]);
  return `<?xml version="1.0" encoding="utf-8"?>\n${root}\n    <channel>\n${children.join('')}`;
}

function webfeedsElements({ icon, logo, accentColor }: Head['publication']): string[] {
  const named = Object.entries({ icon, logo, accentColor });
  return named.flatMap(([name, value]) => (value === undefined ? [] : [element(`webfeeds:${name}`, {}, value)]));
}

function licenseElements(publication: Head['publication']): string[] {
  const link = licenseLink(publication);
  if (link === undefined) return [];
  const isCommon = publication.terms !== undefined && creativeCommons(link.href) !== undefined;
  const module = { 'xmlns:creativeCommons': CREATIVE_COMMONS_MODULE };
  return [
    element('atom:link', { ...link }),
    ...(isCommon ? [element('creativeCommons:license', module, link.href)] : []),
  ];
}
