import { omitUndefined } from '../../lib/omit-undefined.ts';
import { shorten } from '../../lib/text.ts';
import { isUri } from '../../lib/url.ts';
import { dates } from './dates.ts';
import { alternate, atomPeople, categories, date, license, personOf } from './item-elements.ts';
import { describedMedia, itemFiles } from './item-media.ts';
import { looseText } from './loose-text.ts';
import { UnreadableRecord } from './record.ts';
import {
  authors,
  identity,
  language,
  MAX_SUMMARY,
  origin,
  type Person,
  type ResolveUrl,
  urlResolver,
} from './record-fields.ts';
import { childElements, firstElement, hasChildElements, textContent, type XmlElement } from './xml.ts';
import { innerHtml, resolveHtml } from './xml-markup.ts';

/**
 * Reads an item of RSS 0.9 to 2.0 as a record.
 *
 * @param head elements of the feed that apply to all its items
 * @param address of the feed
 * @throws UnreadableRecord for an item of a WordPress export, which may be a draft
 */
export function rssRecord(
  item: XmlElement,
  head: readonly XmlElement[],
  address: string | undefined,
): Record<string, unknown> {
  if (childElements(item, 'wp:status').length > 0) {
    const rule = 'must be in a WordPress export (WXR) that declares its namespace: export it from WordPress again';
    throw new UnreadableRecord([{ field: '', rule, line: item.line }]);
  }
  const resolve = urlResolver(item.base ?? linkOf(head, urlResolver(address)) ?? address);
  const guid = firstElement(item, 'guid') ?? firstElement(item, 'id', 'atom:id');
  const link = rssLink(item, resolve);
  const published = date(item, ['pubdate', 'dc:date', 'dcterms:issued', 'atom:published', 'dcterms:created']);
  const updated = date(item, ['atom:updated', 'dcterms:modified']);
  return omitUndefined({
    ...identity(textContent(guid) || item.attributes.get('rdf:about')?.trim() || link.raw),
    url: link.url ?? (link.raw || undefined),
    title:
      looseText(textContent(firstElement(item, 'title') ?? firstElement(item, 'dc:title', 'media:title'))) || undefined,
    ...rssTexts(item),
    ...dates(published, updated),
    language: rssLanguage(item, head),
    authors: authors(rssAuthors(item)),
    ...categories(item),
    ...itemFiles(item, resolve),
    source: rssSource(item, resolve),
    copyright: looseText(textContent(firstElement(item, 'dc:rights', 'atom:rights', 'copyright'))) || undefined,
    license: license(item, head, resolve),
  });
}

function rssLink(item: XmlElement, resolve: ResolveUrl): { raw: string; url: string | undefined } {
  const original = resolve(textContent(firstElement(item, 'feedburner:origlink')));
  const guid = firstElement(item, 'guid');
  const candidates = [
    ...childElements(item, 'link').map(textContent),
    alternate(childElements(item, 'atom:link')) ?? '',
    guid?.attributes.get('ispermalink')?.toLowerCase() === 'false' || !/^https?:/i.test(textContent(guid))
      ? ''
      : textContent(guid),
  ].filter((candidate) => candidate !== '');
  const raw = candidates.find((candidate) => resolve(candidate) !== undefined) ?? candidates[0] ?? '';
  const url = resolve(raw);
  return { raw: isUri(raw) ? raw : (url ?? raw), url: original ?? url };
}

function linkOf(head: readonly XmlElement[], resolve: ResolveUrl): string | undefined {
  const link = head.find((element) => element.name === 'link' && resolve(textContent(element)) !== undefined);
  return resolve(link === undefined ? alternate(head.filter(({ name }) => name === 'atom:link')) : textContent(link));
}

/** The summary and the body. Without a fuller element, `description` is the body. */
function rssTexts(item: XmlElement): { summary?: string | undefined; body?: string; bodyFormat?: string } {
  const description = firstElement(item, 'description', 'dc:description', 'atom:summary', 'itunes:summary');
  const full =
    firstElement(item, 'content:encoded') ??
    firstElement(item, 'xhtml:body', 'xhtml:div', 'atom:content', 'body', 'fullitem');
  const body = full === undefined || rssMarkup(full) === '' ? description : full;
  if (body === undefined) return describedMedia(item);
  const html = rssMarkup(body);
  const about = body === description ? '' : looseText(rssMarkup(description));
  return {
    summary: about === '' || about === looseText(html) ? undefined : shorten(about, MAX_SUMMARY),
    ...(isPlainParagraphs(html) ? { body: html, bodyFormat: 'text' } : { body: resolveHtml(html, body.base) }),
  };
}

function rssMarkup(element: XmlElement | undefined): string {
  if (element === undefined) return '';
  return (hasChildElements(element) ? innerHtml(element) : textContent(element)).trim();
}

/** Whether a text separates paragraphs by blank lines and has no markup. */
function isPlainParagraphs(text: string): boolean {
  return /\n[ \t]*\n/.test(text) && !/<[a-z!/]|&[a-z#]/i.test(text);
}

function rssLanguage(item: XmlElement, head: readonly XmlElement[]): string | undefined {
  return language(
    textContent(firstElement(item, 'dc:language')),
    item.attributes.get('xml:lang'),
    textContent(head.find(({ name }) => name === 'language' || name === 'dc:language')),
    item.language,
  );
}

function rssAuthors(item: XmlElement): Person[] {
  const creators = childElements(item, 'dc:creator');
  const named = creators.length > 0 ? creators : childElements(item, 'author', 'dc:author');
  const people = named.length > 0 ? named : childElements(item, 'itunes:author');
  return [...people.map((element) => personOf(looseText(textContent(element)))), ...atomPeople(item)];
}

function rssSource(item: XmlElement, resolve: ResolveUrl): { name: string; url: string } | undefined {
  const element = firstElement(item, 'source');
  return origin(looseText(textContent(element)), resolve(element?.attributes.get('url')));
}
