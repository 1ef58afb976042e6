import { Feed } from 'feed';
import type { Article } from '../article.ts';
import { compact } from '../compact.ts';
import { FORMATS, feedId, feedPath, MEDIA_TYPES } from '../feeds.ts';
import { escapeHtml } from '../text.ts';
import type { EntryOptions, Head, Renderer } from './renderer.ts';
import {
  assertWellFormed,
  element,
  escapeXml,
  forCdata,
  forXmlJs,
  indentation,
  innerOf,
  parent,
  startTag,
} from './xml.ts';

/** Atom 1.0 (RFC 4287). `feed` writes what it writes right, this file the rest. */
export const atom: Renderer = { entry, head, separator: '', tail: '</feed>\n' };

const XMLNS = 'http://www.w3.org/2005/Atom';

/** `feed` sends an id through `new URL`, which can rewrite it and so make it another; the true one is put in after. */
const STAND_IN = 'urn:feed-publisher:id';

function entry(article: Article, options: EntryOptions): string {
  const files = [...(article.image === undefined ? [] : [{ ...article.image, title: undefined }]), ...article.media];
  const xml = parent(
    'entry',
    { 'xml:lang': article.language },
    [
      entryCore(article, options),
      // Scheme and term together are the address of that section's or tag's feed.
      ...article.sections.map(({ name, slug }) =>
        element('category', { term: slug, scheme: `${options.feedsUrl}feeds/section/`, label: name }),
      ),
      ...article.tags.map(({ name, slug }) =>
        element('category', { term: slug, scheme: `${options.feedsUrl}feeds/tag/`, label: name }),
      ),
      ...files.map(({ url, type, length, title }) =>
        element('link', { rel: 'enclosure', type, length, title: title || undefined, href: url }),
      ),
      ...article.translations.map(({ language, url }) =>
        element('link', { rel: 'alternate', hreflang: language, type: 'text/html', href: url }),
      ),
      ...(article.license === undefined ? [] : [element('link', { rel: 'license', href: article.license })]),
      // `source` would have to repeat that feed's id and date (RFC 4287 §4.2.11), which nobody handed over.
      ...(article.source === undefined
        ? []
        : [element('link', { rel: 'via', href: article.source.url, title: article.source.name })]),
    ],
    1,
  );
  assertWellFormed(`${startTag('feed', { xmlns: XMLNS })}${xml}</feed>`);
  return `${indentation(1)}${xml}\n`;
}

/** title, id, link, updated, summary, content, author, published and rights. */
function entryCore(article: Article, { content }: EntryOptions): string {
  const feed = new Feed({ title: '', updated: new Date(article.publishedAt) });
  feed.addItem({
    title: escapeHtml(article.title),
    id: STAND_IN,
    link: article.url,
    date: new Date(article.updatedAt ?? article.publishedAt),
    published: new Date(article.publishedAt),
    description: escapeHtml(article.summary),
    author: article.authors.map(({ name, email, url }) =>
      compact({ name: forXmlJs(name), email: email === undefined ? undefined : forXmlJs(email), link: url }),
    ),
    ...(content === 'full' ? { content: forCdata(article.html) } : {}),
    ...(article.copyright === undefined ? {} : { copyright: forXmlJs(article.copyright) }),
  });
  return innerOf(feed.atom1(), 'entry').replace(
    `<id>${STAND_IN}</id>`,
    () => `<id>${escapeXml(article.publicId)}</id>`,
  );
}

function head({ feed, publication, updatedAt }: Head): string {
  const core = new Feed(
    compact({
      id: forXmlJs(feedId(feed.key, publication.url)),
      title: forXmlJs(feed.title),
      description: forXmlJs(feed.description),
      updated: new Date(updatedAt),
      generator: 'Feed Publisher',
      link: publication.url,
      feed: `${publication.feedsUrl}${feedPath(feed.key, 'atom')}`,
      image: publication.logo === undefined ? undefined : forXmlJs(publication.logo),
      favicon: publication.icon === undefined ? undefined : forXmlJs(publication.icon),
      copyright: publication.copyright === undefined ? undefined : forXmlJs(publication.copyright),
      author: { name: forXmlJs(publication.contact?.name ?? publication.title), link: publication.url },
    }),
  );
  const alternates = FORMATS.filter((format) => format !== 'atom').map((format) =>
    element('link', {
      rel: 'alternate',
      type: MEDIA_TYPES[format],
      href: `${publication.feedsUrl}${feedPath(feed.key, format)}`,
    }),
  );
  const license =
    publication.license === undefined ? [] : [element('link', { rel: 'license', href: publication.license })];
  const lines = [innerOf(core.atom1(), 'feed'), ...alternates, ...license].map((line) => `${indentation(1)}${line}\n`);
  const root = startTag('feed', { xmlns: XMLNS, 'xml:lang': feed.language });
  const document = `<?xml version="1.0" encoding="utf-8"?>\n${root}\n${lines.join('')}`;
  assertWellFormed(`${document}${atom.tail}`);
  return document;
}
