import { describeAdjustment, type OnAdjustment } from '../../article/adjustments.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import { lineText, shorten } from '../../lib/text.ts';
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
import { htmlText } from './loose-text.ts';
import type { MediaFile } from './media-file.ts';
import { mediaType } from './media-files.ts';
import {
  authors,
  identity,
  language,
  MAX_SUMMARY,
  origin,
  type Person,
  type UrlResolver,
  urlResolver,
} from './record-fields.ts';
import { type FeedContext, type Story, storyOf } from './story.ts';
import { childElements, firstElement, hasChildElements, textContent, type XmlElement } from './xml.ts';
import { innerHtml, resolveHtml } from './xml-markup.ts';

/** The elements of Atom by the fields of a record. */
const ELEMENTS: ReadonlyMap<string, string> = new Map([
  ['id', '<id>'],
  ['publicId', '<id>'],
  ['url', '<link>'],
  ['title', '<title>'],
  ['summary', '<summary>'],
  ['body', '<content>'],
  ['publishedAt', '<published>'],
  ['updatedAt', '<updated>'],
  ['authors', '<author>'],
  ['sections', '<category>'],
  ['tags', '<category>'],
  ['image', '<media:content>'],
  ['media', '<link rel="enclosure">'],
  ['source', '<source>'],
  ['copyright', '<rights>'],
]);

/** Reads an entry of Atom 0.3 or 1.0 as a record. */
export function atomStory(entry: XmlElement, { head, address, warn }: FeedContext): Story {
  const resolve = urlResolver(entry.base ?? baseOf(head, address));
  const id = textContent(firstElement(entry, 'atom:id'));
  const link = atomLink(entry, id);
  const url = resolve(link);
  const feed = firstElement(entry, 'atom:source');
  const updated = date(entry.children, ['atom:updated', 'atom:modified', 'dcterms:modified']);
  const published = date(entry.children, [
    'atom:published',
    'atom:issued',
    'atom:created',
    'dc:date',
    'dcterms:issued',
    'dcterms:created',
  ]);
  checkZones([published, updated], warn);
  const texts = atomTexts(entry, (adjustment) => warn(describeAdjustment(adjustment), '', adjustment));
  const times = dates(published, updated);
  const record = omitUndefined({
    ...identity(id || (isUri(link) ? link : url)),
    url: resolve(textContent(firstElement(entry, 'feedburner:origlink'))) ?? url ?? (link || undefined),
    title: constructText(construct(firstElement(entry, 'atom:title'))) || undefined,
    ...texts,
    ...times,
    language: language(
      [
        [(firstElement(entry, 'atom:content') ?? entry).language, 'xml:lang'],
        [textContent(firstElement(entry, 'dc:language')), '<dc:language>'],
      ],
      warn,
    ),
    authors: authors(atomAuthors(entry, feed, head), warn, '<author>'),
    ...categories(entry, warn),
    ...itemFiles(entry, { resolve, warn, body: texts.body, more: contentFile(entry, resolve) }),
    source: atomSource(feed, resolve),
    copyright: atomRights(entry, feed, head),
    license: license(entry, head, resolve),
  });
  return storyOf(record, { elements: ELEMENTS, times, published, head, hasId: id !== '' });
}

/** The address of the story as it is written: its link, else an id that is an address. */
function atomLink(entry: XmlElement, id: string): string {
  const link = alternate(childElements(entry, 'atom:link')) ?? textContent(firstElement(entry, 'atom:link', 'link'));
  return link !== '' || !/^https?:/i.test(id) ? link : id;
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

function atomTexts(
  entry: XmlElement,
  onAdjustment: OnAdjustment,
): { summary?: string | undefined; body?: string; bodyFormat?: string } {
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
    ...(body.html
      ? { body: resolveHtml(body.text, element?.base, onAdjustment) }
      : { body: body.text, bodyFormat: 'text' }),
  };
}

/** The authors of the entry, else of its source, else of the feed (RFC 4287 §4.2.1). */
function atomAuthors(entry: XmlElement, feed: XmlElement | undefined, head: readonly XmlElement[]): readonly Person[] {
  const own = [...atomPeople(entry), ...childElements(entry, 'dc:creator').map(personElement)];
  return firstNamed(
    own,
    feed === undefined ? [] : atomPeople(feed),
    head.filter(({ name }) => name === 'atom:author').map(personElement),
  );
}

/** A sound or a video that is the content of an entry (RFC 4287 §4.1.3.2). */
function contentFile(entry: XmlElement, resolve: UrlResolver): MediaFile[] {
  const content = firstElement(entry, 'atom:content');
  const url = resolve(content?.attributes.get('src'));
  const type = url === undefined ? undefined : mediaType(content?.attributes.get('type'), url);
  return url !== undefined && /^(audio|video)\//.test(type ?? '') ? [{ url, type }] : [];
}

function atomSource(feed: XmlElement | undefined, resolve: UrlResolver): { name: string; url: string } | undefined {
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
