import { omitUndefined } from '../../lib/omit-undefined.ts';
import { lineText, shorten } from '../../lib/text.ts';
import { isUri } from '../../lib/url.ts';
import { dates } from './dates.ts';
import { alternate, atomPeople, atomPerson, categories, date, license, personOf } from './item-elements.ts';
import { describedMedia, itemFiles } from './item-media.ts';
import { htmlText, looseText } from './loose-text.ts';
import { type Files, mediaType } from './media-files.ts';
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
 * Reads an entry of Atom 0.3 or 1.0 as a record.
 *
 * @param head elements of the feed that apply to all its entries
 * @param address of the feed
 */
export function atomRecord(
  entry: XmlElement,
  head: readonly XmlElement[],
  address: string | undefined,
): Record<string, unknown> {
  const site = address ?? alternate(head.filter(({ name }) => name === 'atom:link'));
  const resolve = urlResolver(entry.base ?? site);
  const link = alternate(childElements(entry, 'atom:link')) ?? textContent(firstElement(entry, 'atom:link'));
  const url = resolve(link);
  const feed = firstElement(entry, 'atom:source');
  const updated = date(entry, ['atom:updated', 'atom:modified']);
  const published = date(entry, ['atom:published', 'atom:issued', 'atom:created', 'dc:date']);
  return omitUndefined({
    ...identity(textContent(firstElement(entry, 'atom:id')) || (isUri(link) ? link : url)),
    url: resolve(textContent(firstElement(entry, 'feedburner:origlink'))) ?? url ?? (link || undefined),
    title: constructText(construct(firstElement(entry, 'atom:title'))) || undefined,
    ...atomTexts(entry),
    ...dates(published, updated),
    language: language(
      (firstElement(entry, 'atom:content') ?? entry).language,
      textContent(firstElement(entry, 'dc:language')),
    ),
    authors: authors(atomAuthors(entry, feed, head)),
    ...categories(entry),
    ...atomFiles(entry, resolve),
    source: atomSource(feed, resolve),
    copyright: atomRights(entry, feed, head),
    license: license(entry, head, resolve),
  });
}

/** A text construct (RFC 4287 §3.1, Atom 0.3 §3.1) or the content of an entry. */
interface Construct {
  readonly text: string;
  readonly html: boolean;
}

function construct(element: XmlElement | undefined): Construct | undefined {
  if (element === undefined) return undefined;
  const type = element.attributes.get('type')?.split(';')[0]?.trim().toLowerCase() ?? 'text';
  const mode = element.attributes.get('mode')?.toLowerCase();
  const isMarkup = /^(x?html|text\/html|application\/xhtml\+xml)$/.test(type);
  if (hasChildElements(element)) return { text: innerHtml(element).trim(), html: true };
  if (
    mode === 'base64' ||
    (element.name === 'atom:content' && mode === undefined && /^(?!text\/)[^/]+\/(?!xml$)(?!.*\+xml$)/.test(type))
  ) {
    const text = /^(x?html|text|text\/.*|application\/xhtml\+xml)$/.test(type)
      ? decodeBase64(textContent(element))
      : undefined;
    return text === undefined ? undefined : { text, html: isMarkup };
  }
  return { text: textContent(element), html: isMarkup && !type.includes('xhtml') };
}

function decodeBase64(text: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'base64')).trim();
  } catch {
    return undefined; // not text
  }
}

function constructText(text: Construct | undefined): string {
  if (text === undefined) return '';
  return text.html ? htmlText(text.text) : lineText(text.text);
}

function atomTexts(entry: XmlElement): { summary?: string | undefined; body?: string; bodyFormat?: string } {
  const content = construct(firstElement(entry, 'atom:content'));
  const summary = construct(firstElement(entry, 'atom:summary'));
  const [body, element] =
    content === undefined || content.text === ''
      ? [summary, firstElement(entry, 'atom:summary')]
      : [content, firstElement(entry, 'atom:content')];
  if (body === undefined || body.text === '') return describedMedia(entry);
  const about = body === summary ? '' : constructText(summary);
  return {
    summary: about === '' || about === constructText(body) ? undefined : shorten(about, MAX_SUMMARY),
    ...(body.html ? { body: resolveHtml(body.text, element?.base) } : { body: body.text, bodyFormat: 'text' }),
  };
}

/** The authors of the entry, else of its source, else of the feed (RFC 4287 §4.2.1). */
function atomAuthors(entry: XmlElement, feed: XmlElement | undefined, head: readonly XmlElement[]): Person[] {
  const own = [
    ...atomPeople(entry),
    ...childElements(entry, 'dc:creator').map((name) => personOf(looseText(textContent(name)))),
  ];
  if (own.length > 0) return own;
  const inherited = feed === undefined ? [] : atomPeople(feed);
  return inherited.length > 0 ? inherited : head.filter(({ name }) => name === 'atom:author').map(atomPerson);
}

function atomFiles(entry: XmlElement, resolve: ResolveUrl): Files {
  const content = firstElement(entry, 'atom:content');
  const outside = resolve(content?.attributes.get('src'));
  const type = outside === undefined ? undefined : mediaType(content?.attributes.get('type'), outside);
  const found = itemFiles(entry, resolve);
  if (outside === undefined || type === undefined || !/^(audio|video)\//.test(type)) return found;
  return { ...found, media: [...(found.media ?? []), { url: outside, type }] };
}

function atomSource(feed: XmlElement | undefined, resolve: ResolveUrl): { name: string; url: string } | undefined {
  const name = constructText(construct(firstElement(feed, 'atom:title')));
  const links = childElements(feed, 'atom:link');
  const self = links.find(({ attributes }) => attributes.get('rel') === 'self')?.attributes.get('href');
  const url = resolve(alternate(links) ?? self ?? textContent(firstElement(feed, 'atom:id')));
  return origin(name, url);
}

/** The rights of the entry, else of its source, else of the feed (RFC 4287 §4.2.10). */
function atomRights(entry: XmlElement, feed: XmlElement | undefined, head: readonly XmlElement[]): string | undefined {
  const rights =
    firstElement(entry, 'atom:rights', 'atom:copyright', 'dc:rights') ??
    firstElement(feed, 'atom:rights') ??
    (feed === undefined ? head.find(({ name }) => name === 'atom:rights') : undefined);
  return constructText(construct(rights)) || undefined;
}
