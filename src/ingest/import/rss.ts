import { describeAdjustment, type OnAdjustment } from '../../article/adjustments.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import { shorten } from '../../lib/text.ts';
import { isUri } from '../../lib/url.ts';
import { dates } from './dates.ts';
import {
  alternate,
  atomPeople,
  baseOf,
  categories,
  checkZones,
  date,
  firstNamed,
  license,
  personElement,
} from './item-elements.ts';
import { describedMedia, itemFiles } from './item-media.ts';
import { htmlText, looseText } from './loose-text.ts';
import { UnreadableRecord } from './record.ts';
import { authors, identity, language, MAX_SUMMARY, origin, type UrlResolver, urlResolver } from './record-fields.ts';
import type { Warn } from './source-record.ts';
import { type FeedContext, type Story, storyOf } from './story.ts';
import { childElements, firstElement, hasChildElements, textContent, type XmlElement } from './xml.ts';
import { innerHtml, resolveHtml } from './xml-markup.ts';

/** The elements of RSS by the fields of a record. */
const ELEMENTS: ReadonlyMap<string, string> = new Map([
  ['id', '<guid>'],
  ['publicId', '<guid>'],
  ['url', '<link>'],
  ['title', '<title>'],
  ['summary', '<description>'],
  ['body', '<description>'],
  ['publishedAt', '<pubDate>'],
  ['updatedAt', '<atom:updated>'],
  ['authors', '<author>'],
  ['sections', '<category>'],
  ['tags', '<category>'],
  ['image', '<media:content>'],
  ['media', '<enclosure>'],
  ['source', '<source>'],
  ['copyright', '<dc:rights>'],
]);

/**
 * Reads an item of RSS 0.9 to 2.0 as a record.
 *
 * @throws UnreadableRecord for an item of a WordPress export, which may be a draft
 */
export function rssStory(item: XmlElement, { head, address, warn }: FeedContext): Story {
  if (childElements(item, 'wp:status').length > 0) {
    const rule = 'must be in a WordPress export (WXR) that declares its namespace: export it from WordPress again';
    throw new UnreadableRecord([{ field: '', rule, line: item.line }]);
  }
  const resolve = urlResolver(item.base ?? baseOf(head, address));
  const guid = firstElement(item, 'guid') ?? firstElement(item, 'id', 'atom:id');
  const link = rssLink(item, resolve);
  const published = date(item.children, ['pubdate', 'dc:date', 'dcterms:issued', 'atom:published', 'dcterms:created']);
  const updated = date(item.children, ['atom:updated', 'dcterms:modified']);
  checkZones([published, updated], warn);
  const texts = rssTexts(item, (adjustment) => warn(describeAdjustment(adjustment), '', adjustment));
  const times = dates(published, updated);
  const record = omitUndefined({
    ...identity(textContent(guid) || item.attributes.get('rdf:about')?.trim() || link.raw),
    url: link.url ?? (link.raw || undefined),
    title: titles(item).find((title) => title !== ''),
    ...texts,
    ...times,
    language: rssLanguage(item, head, warn),
    authors: rssAuthors(item, warn),
    ...categories(item, warn),
    ...itemFiles(item, { resolve, warn, body: texts.body }),
    source: rssSource(item, resolve),
    copyright: looseText(textContent(firstElement(item, 'dc:rights', 'atom:rights', 'copyright'))) || undefined,
    license: license(item, head, resolve),
  });
  return storyOf(record, { elements: ELEMENTS, times, published, head, hasId: textContent(guid) !== '' });
}

function titles(item: XmlElement): string[] {
  return ['title', 'dc:title', 'media:title'].map((name) => looseText(textContent(firstElement(item, name))));
}

function rssLink(item: XmlElement, resolve: UrlResolver): { raw: string; url: string | undefined } {
  const original = resolve(textContent(firstElement(item, 'feedburner:origlink')));
  const guid = firstElement(item, 'guid');
  const permalink = guid?.attributes.get('ispermalink')?.trim().toLowerCase();
  const address = /^https?:/i.test(textContent(guid)) || permalink === 'true' ? textContent(guid) : '';
  const candidates = [
    ...childElements(item, 'link').map(textContent),
    alternate(childElements(item, 'atom:link')) ?? '',
    permalink === 'false' ? '' : address,
    firstElement(item, 'enclosure')?.attributes.get('url') ?? '',
    item.attributes.get('rdf:about') ?? '',
    address, // not the story's own address, but the only one
  ].filter((candidate) => candidate !== '');
  const raw = candidates.find((candidate) => resolve(candidate) !== undefined) ?? candidates[0] ?? '';
  const url = resolve(raw);
  return { raw: isUri(raw) ? raw : (url ?? raw), url: original ?? url };
}

/** The summary and the body. Without a fuller element, `description` is the body. */
function rssTexts(
  item: XmlElement,
  onAdjustment: OnAdjustment,
): { summary?: string | undefined; body?: string; bodyFormat?: string } {
  const description = firstElement(item, 'description', 'dc:description', 'atom:summary', 'itunes:summary');
  const full =
    firstElement(item, 'content:encoded') ??
    firstElement(item, 'xhtml:body', 'xhtml:div', 'atom:content', 'body', 'fullitem');
  const body = full === undefined || rssMarkup(full) === '' ? description : full;
  if (body === undefined) return describedMedia(item);
  const html = rssMarkup(body);
  const about = body === description ? '' : descriptionText(rssMarkup(description));
  return {
    summary: about === '' || about === looseText(html) ? undefined : shorten(about, MAX_SUMMARY),
    ...(isPlainParagraphs(html)
      ? { body: html, bodyFormat: 'text' }
      : { body: resolveHtml(html, body.base, onAdjustment) }),
  };
}

function rssMarkup(element: XmlElement | undefined): string {
  if (element === undefined) return '';
  return (hasChildElements(element) ? innerHtml(element) : textContent(element)).trim();
}

/** The text of a description, which is HTML as soon as it has an element of HTML. */
function descriptionText(source: string): string {
  return /<\/[a-z][a-z1-6]*>|<(?:br|img|p|div|iframe)[\s/>]/i.test(source) ? htmlText(source) : looseText(source);
}

/** Whether a text separates paragraphs by blank lines and has no markup. */
function isPlainParagraphs(text: string): boolean {
  return /\n[ \t]*\n/.test(text) && !/<[a-z!/]|&[a-z#]/i.test(text);
}

function rssLanguage(item: XmlElement, head: readonly XmlElement[], warn: Warn): string | undefined {
  return language(
    [
      [textContent(firstElement(item, 'dc:language')), '<dc:language>'],
      [item.attributes.get('xml:lang'), 'xml:lang'],
      [textContent(head.find(({ name }) => name === 'language' || name === 'dc:language')), '<language>'],
      [item.language, 'xml:lang'],
    ],
    warn,
  );
}

function rssAuthors(item: XmlElement, warn: Warn): Record<string, unknown>[] | undefined {
  const lists = [['dc:creator'], ['author', 'dc:author'], ['itunes:author']].map((names) => {
    const elements = childElements(item, ...names);
    return { people: elements.map(personElement), tag: elements[0]?.tag };
  });
  const named = firstNamed(...lists.map(({ people }) => people));
  const tag = lists.find(({ people }) => people === named)?.tag ?? 'author';
  return authors([...named, ...atomPeople(item)], warn, `<${tag}>`);
}

function rssSource(item: XmlElement, resolve: UrlResolver): { name: string; url: string } | undefined {
  const element = firstElement(item, 'source');
  return origin(looseText(textContent(element)), resolve(element?.attributes.get('url')));
}
