import { Feed } from 'feed';
import type { Article } from '../article/article.ts';
import { feedId } from '../feed/feeds.ts';
import { rfc3339 } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { Tombstone } from '../store/store.ts';
import { licenseLink } from '../terms/license-link.ts';
import { contractElements, historyElements, selfAddress } from './history.ts';
import { uriOf } from './public-uri.ts';
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

/** Atom 1.0 (RFC 4287). `feed` writes the elements that it writes correctly, this file the others. */
export const atom: Renderer = { entry, entries, head, separator: '', tail: '</feed>\n' };

const XMLNS = 'http://www.w3.org/2005/Atom';
const ROOT = startTag('feed', { xmlns: XMLNS });
const TOMBSTONES = 'http://purl.org/atompub/tombstones/1.0';

const ENTRY_DEPTH = 1;

/**
 * The first elements of each entry in the output of `feed`, which this file replaces: `feed` writes titles as HTML and
 * links without `rel` and `type`, and rewrites an id, because it passes each through `new URL`.
 */
const PLACEHOLDER = 'urn:feed-publisher:placeholder';
const PLACEHOLDERS = [
  '<title type="html"><![CDATA[]]></title>',
  `<id>${PLACEHOLDER}</id>`,
  `<link href="${PLACEHOLDER}"/>`,
  '',
].join(`\n${indentation(ENTRY_DEPTH + 1)}`);

function entry(article: Article, options: EntryOptions): string {
  return entries([article], options).join('');
}

function entries(articles: readonly Article[], options: EntryOptions): string[] {
  const fromFeed = elementsFromFeed(articles, options);
  const elements = articles.map((article, index) => entryElement(article, fromFeed[index] ?? '', options));
  assertWellFormedEach(ROOT, elements);
  return elements.map((each) => `${indentation(ENTRY_DEPTH)}${each}\n`);
}

/** @param fromFeed updated, content, author, published and rights */
function entryElement(article: Article, fromFeed: string, { feedsUrl }: EntryOptions): string {
  const files = [...(article.image === undefined ? [] : [{ ...article.image, title: undefined }]), ...article.media];
  return parent(
    'entry',
    { 'xml:lang': article.language },
    [
      element('title', TEXT, article.title),
      element('id', {}, uriOf(article.publicId)),
      ...alternates(article),
      element('summary', TEXT, article.summary),
      fromFeed,
      // Scheme and term together are the address of the feed of that section or tag.
      ...article.sections.map(({ name, slug }) =>
        element('category', { term: slug, scheme: `${feedsUrl}feeds/section/`, label: name }),
      ),
      ...article.tags.map(({ name, slug }) =>
        element('category', { term: slug, scheme: `${feedsUrl}feeds/tag/`, label: name }),
      ),
      ...files.map(({ url, type, length, title }) =>
        element('link', { rel: 'enclosure', type, length, title: title || undefined, href: url }),
      ),
      ...(article.license === undefined ? [] : [element('link', { rel: 'license', href: article.license })]),
      // Not `source`: it must repeat the id and date of that feed (RFC 4287 §4.2.11), which a record does not have.
      ...(article.source === undefined
        ? []
        : [element('link', { rel: 'via', href: article.source.url, title: article.source.name })]),
    ],
    ENTRY_DEPTH,
  );
}

/** Plain text, so that a reader that ignores the type shows it right as well. */
const TEXT = { type: 'text' };

/**
 * Links to the article in all its languages. Some readers open the first alternate link and some the last: both are the
 * entry's own. The last has a language, because two alternates must not be alike in type and language (RFC 4287 §4.1.2).
 */
function alternates({ url, language, translations }: Article): string[] {
  const alternate = (href: string, hreflang?: string) =>
    element('link', { rel: 'alternate', type: 'text/html', hreflang, href });
  const others = translations.filter(
    (one, index) =>
      one.language !== language && translations.findIndex((each) => each.language === one.language) === index,
  );
  if (others.length === 0) return [alternate(url)];
  return [alternate(url), ...others.map((other) => alternate(other.url, other.language)), alternate(url, language)];
}

/** For each article: updated, content, author, published and rights, in this order. */
function elementsFromFeed(articles: readonly Article[], options: EntryOptions): string[] {
  const [first] = articles;
  if (first === undefined) return [];
  const feed = new Feed({ title: '', updated: new Date(first.publishedAt) });
  for (const article of articles) {
    feed.addItem({
      title: '',
      id: PLACEHOLDER,
      link: PLACEHOLDER,
      date: new Date(article.updatedAt ?? article.publishedAt),
      published: new Date(article.publishedAt),
      author: authorsOf(article, options).map(({ name, email, url }) =>
        omitUndefined({ name: forXmlJs(name), email: email === undefined ? undefined : forXmlJs(email), link: url }),
      ),
      ...(options.content === 'full' ? { content: forCdata(article.html) } : {}),
      ...(article.copyright === undefined ? {} : { copyright: forXmlJs(article.copyright) }),
    });
  }
  return contentsOf(feed.atom1(), 'entry', { count: articles.length, depth: ENTRY_DEPTH }).map((content) => {
    if (!content.startsWith(PLACEHOLDERS)) throw new Error('The entry does not begin with title, id and link.');
    return content.slice(PLACEHOLDERS.length);
  });
}

function head(head: Head): string {
  const { feed, publication, updatedAt, tombstones, partner } = head;
  const base = new Feed(
    omitUndefined({
      id: forXmlJs(partner?.id ?? feedId(feed.key, publication.url)),
      title: forXmlJs(feed.title),
      description: forXmlJs(feed.description),
      updated: new Date(updatedAt),
      generator: 'Feed Publisher',
      link: publication.url,
      feed: selfAddress(head, 'atom'),
      image: publication.logo === undefined ? undefined : forXmlJs(publication.logo),
      favicon: publication.icon === undefined ? undefined : forXmlJs(publication.icon),
      copyright: publication.copyright === undefined ? undefined : forXmlJs(publication.copyright),
      author: { name: forXmlJs(publication.contact?.name ?? publication.title), link: publication.url },
    }),
  );
  const link = licenseLink(publication);
  const license = link === undefined ? [] : [element('link', { ...link })];
  const more = [
    ...license,
    ...contractElements(head, 'link'),
    ...historyElements(head, 'atom', 'link'),
    ...tombstones.map(deletedEntry),
  ];
  const children = [contentOf(base.atom1(), 'feed'), ...more].map((child) => `${indentation(1)}${child}\n`);
  const root = startTag('feed', { xmlns: XMLNS, 'xml:lang': feed.language });
  assertWellFormedEach(root, [`<feed>\n${children.join('')}</feed>`]);
  return `<?xml version="1.0" encoding="utf-8"?>\n${root}\n${children.join('')}`;
}

/**
 * A withdrawal (RFC 6721): a reader that supports them removes the entry it has. Like every extension element, it stands
 * before the first entry (RFC 4287 §4.1.1).
 */
function deletedEntry({ publicId, at, reason }: Tombstone): string {
  const attributes = { 'xmlns:at': TOMBSTONES, ref: uriOf(publicId), when: rfc3339(at) };
  if (reason === undefined) return element('at:deleted-entry', attributes);
  return parent('at:deleted-entry', attributes, [element('at:comment', {}, reason)], 1);
}
