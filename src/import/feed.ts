import { createHash } from 'node:crypto';
import mime from 'mime';
import { z } from 'zod';
import { compact } from '../compact.ts';
import { cleanHtml } from '../html.ts';
import { type Instant, parseInstant, rfc3339 } from '../instant.ts';
import { lineText, shorten, slugOf } from '../text.ts';
import { isUri, linkTarget, webUrl } from '../url.ts';
import { UnreadableRecord } from './record.ts';
import {
  documentText,
  elementsOf,
  hasElements,
  htmlText,
  looseText,
  markupOf,
  resolved,
  textOf,
  type XmlElement,
  xmlParts,
} from './xml.ts';

/** A story of a source that holds many. */
export interface Imported {
  /** In the form of docs/records.md, with nothing known to be right about it. */
  readonly record: Record<string, unknown>;
  /** Where it stands in the source, from 1. */
  readonly line: number;
}

export interface FeedSource {
  /** Where the feed was found: what relative addresses are resolved against, where the feed does not say it. */
  readonly url?: string;
}

/**
 * The stories of a feed: RSS 0.9 to 2.0, Atom 0.3 and 1.0 one by one as they arrive, JSON Feed 1 and 1.1 when all of
 * it is there. What a feed says of all its stories (language, authors, rights, links) is known for those below it.
 *
 * What a record requires and an item lacks is left to `parseArticle` to refuse; what is optional and cannot be used,
 * as a language that is no BCP 47 tag, is left out.
 *
 * @throws UnreadableRecord with line and column, after all stories that were complete
 */
export async function* feedRecords(chunks: AsyncIterable<Uint8Array>, source: FeedSource): AsyncGenerator<Imported> {
  const text = documentText(chunks);
  const start: string[] = [];
  for (let next = await text.next(); !next.done; next = await text.next()) {
    start.push(next.value);
    if (next.value.trim() !== '') break;
  }
  const whole = chained(start, text);
  const opening = start.at(-1)?.trimStart().at(0);
  if (opening === '{') yield* jsonFeedRecords(whole, source);
  else if (opening === '<') yield* xmlFeedRecords(whole, source);
  else throw new UnreadableRecord([{ field: '', rule: 'must be RSS, Atom or JSON Feed', line: 1 }]);
}

async function* chained(start: readonly string[], rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield* start;
  yield* rest;
}

const HEAD = new Set(
  'link atom:link language dc:language creativecommons:license cc:license atom:author atom:rights'.split(' '),
);
/** A feed has a handful of each; what has more must not fill the memory. */
const MAX_HEAD = 1000;

async function* xmlFeedRecords(text: AsyncIterable<string>, source: FeedSource): AsyncGenerator<Imported> {
  const head: XmlElement[] = [];
  for await (const part of xmlParts(text, source)) {
    if (part.name === 'item') yield { record: rssRecord(part, head, source), line: part.line };
    else if (part.name === 'atom:entry') yield { record: atomRecord(part, head, source), line: part.line };
    else if (HEAD.has(part.name) && head.length < MAX_HEAD) head.push(part);
  }
}

/** Resolves a reference; undefined where it comes to no http or https address. */
type Resolve = (reference: string | undefined) => string | undefined;

function resolver(base: string | undefined): Resolve {
  return (reference) => {
    const trimmed = reference?.trim() ?? '';
    const url = trimmed === '' ? undefined : webUrl(trimmed, base);
    return url !== undefined && url.length <= MAX_ADDRESS ? url : undefined;
  };
}

const MAX_ADDRESS = 4096;

// RSS

function rssRecord(item: XmlElement, head: readonly XmlElement[], source: FeedSource): Record<string, unknown> {
  if (elementsOf(item, 'wp:status').length > 0) {
    const rule = 'must be read as a WordPress export, which tells drafts and pages from stories';
    throw new UnreadableRecord([{ field: '', rule, line: item.line }]);
  }
  const resolve = resolver(item.base ?? linkOf(head, resolver(source.url)) ?? source.url);
  const guid = first(item, 'guid') ?? first(item, 'id', 'atom:id');
  const link = rssLink(item, resolve);
  const published = date(item, ['pubdate', 'dc:date', 'dcterms:issued', 'atom:published', 'dcterms:created']);
  const updated = date(item, ['atom:updated', 'dcterms:modified']);
  return compact({
    ...identity(textOf(guid) || item.attributes.get('rdf:about')?.trim() || link.raw),
    url: link.url ?? (link.raw || undefined),
    title: looseText(textOf(first(item, 'title') ?? first(item, 'dc:title', 'media:title'))) || undefined,
    ...rssTexts(item),
    ...dates(published, updated),
    language: rssLanguage(item, head),
    authors: authors(rssAuthors(item)),
    sections: terms(rssCategories(item).filter(isSection).map(categoryName)),
    tags: terms([
      ...rssCategories(item)
        .filter((category) => !isSection(category))
        .map(categoryName),
      ...elementsOf(item, 'dc:subject').map((subject) => looseText(textOf(subject))),
    ]),
    ...rssFiles(item, resolve),
    source: rssSource(item, resolve),
    copyright: looseText(textOf(first(item, 'dc:rights', 'atom:rights', 'copyright'))) || undefined,
    license: rssLicense(item, head, resolve),
  });
}

function rssLink(item: XmlElement, resolve: Resolve): { raw: string; url: string | undefined } {
  const original = resolve(textOf(first(item, 'feedburner:origlink')));
  const guid = first(item, 'guid');
  const candidates = [
    ...elementsOf(item, 'link').map(textOf),
    alternate(elementsOf(item, 'atom:link')) ?? '',
    guid?.attributes.get('ispermalink')?.toLowerCase() === 'false' || !/^https?:/i.test(textOf(guid))
      ? ''
      : textOf(guid),
  ].filter((candidate) => candidate !== '');
  const raw = candidates.find((candidate) => resolve(candidate) !== undefined) ?? candidates[0] ?? '';
  const url = resolve(raw);
  return { raw: isUri(raw) ? raw : (url ?? raw), url: original ?? url };
}

function linkOf(head: readonly XmlElement[], resolve: Resolve): string | undefined {
  const link = head.find((element) => element.name === 'link' && resolve(textOf(element)) !== undefined);
  return resolve(link === undefined ? alternate(head.filter(({ name }) => name === 'atom:link')) : textOf(link));
}

/** Summary and body: `description` is the body where nothing else is. */
function rssTexts(item: XmlElement): { summary?: string | undefined; body?: string; bodyFormat?: string } {
  const description = first(item, 'description', 'dc:description', 'atom:summary', 'itunes:summary');
  const full =
    first(item, 'content:encoded') ?? first(item, 'xhtml:body', 'xhtml:div', 'atom:content', 'body', 'fullitem');
  const body = full === undefined || rssMarkup(full) === '' ? description : full;
  if (body === undefined) return describedMedia(item);
  const html = rssMarkup(body);
  const about = body === description ? '' : looseText(rssMarkup(description));
  return {
    summary: about === '' || about === looseText(html) ? undefined : shorten(about, MAX_SUMMARY),
    ...(isPlainParagraphs(html) ? { body: html, bodyFormat: 'text' } : { body: against(body.base, html) }),
  };
}

const MAX_SUMMARY = 5000;

/** All that a video platform's feed says of a film. */
function describedMedia(item: XmlElement): { body?: string; bodyFormat?: string } {
  const [description] = [item, ...elementsOf(item, 'media:group')].flatMap((scope) => {
    return elementsOf(scope, 'media:description').map(textOf);
  });
  return description === undefined || description === '' ? {} : { body: description, bodyFormat: 'text' };
}

function rssMarkup(element: XmlElement | undefined): string {
  if (element === undefined) return '';
  return (hasElements(element) ? markupOf(element) : textOf(element)).trim();
}

/** Text that says by blank lines what HTML says by tags. */
function isPlainParagraphs(text: string): boolean {
  return /\n[ \t]*\n/.test(text) && !/<[a-z!/]|&[a-z#]/i.test(text);
}

/** The HTML with its addresses made absolute against an xml:base; without one they are the story's (parseArticle). */
function against(base: string | undefined, html: string): string {
  return base === undefined ? html : cleanHtml(html, (reference) => linkTarget(reference, base));
}

function rssLanguage(item: XmlElement, head: readonly XmlElement[]): string | undefined {
  return language(
    textOf(first(item, 'dc:language')),
    item.attributes.get('xml:lang'),
    textOf(head.find(({ name }) => name === 'language' || name === 'dc:language')),
    item.language,
  );
}

function rssAuthors(item: XmlElement): Person[] {
  const creators = elementsOf(item, 'dc:creator');
  const named = creators.length > 0 ? creators : elementsOf(item, 'author', 'dc:author');
  const people = named.length > 0 ? named : elementsOf(item, 'itunes:author');
  return [...people.map((element) => personOf(looseText(textOf(element)))), ...atomPeople(item)];
}

/** RSS 2.0: `mail@example.com (Name)`; others write the name alone, or before the address. */
function personOf(text: string): Person {
  if (text.length > MAX_NAME) return { name: text };
  const [, mail, name] = /^(\S+@\S+)\s*\((.+)\)$/.exec(text) ?? [];
  if (mail !== undefined && name !== undefined) return { name, email: mail };
  const [, before, address] = /^(.+?)\s*[<(](\S+@\S+)[>)]$/.exec(text) ?? [];
  if (before !== undefined && address !== undefined) return { name: before, email: address };
  return { name: text, email: text };
}

function rssCategories(item: XmlElement): XmlElement[] {
  return elementsOf(item, 'category', 'atom:category');
}

/** Our own feeds and others tell sections from tags by the scheme. */
function isSection({ attributes }: XmlElement): boolean {
  return /\/section\/$/.test(attributes.get('domain') ?? attributes.get('scheme') ?? '');
}

function categoryName(category: XmlElement): string {
  const own = category.children.filter((child) => typeof child === 'string').join('');
  return looseText(category.attributes.get('label') ?? (own.trim() || (category.attributes.get('term') ?? '')));
}

function rssSource(item: XmlElement, resolve: Resolve): { name: string; url: string } | undefined {
  const element = first(item, 'source');
  const name = shorten(looseText(textOf(element)), MAX_NAME);
  const url = resolve(element?.attributes.get('url'));
  return name === '' || url === undefined ? undefined : { name, url };
}

const MAX_NAME = 500;

function rssLicense(item: XmlElement, head: readonly XmlElement[], resolve: Resolve): string | undefined {
  const licences = [...item.children.filter((child) => typeof child !== 'string'), ...head]
    .filter(({ name, attributes }) => name.endsWith(':license') || attributes.get('rel') === 'license')
    .map((element) => element.attributes.get('rdf:resource') ?? element.attributes.get('href') ?? textOf(element));
  return licences.map(resolve).find((url) => url !== undefined);
}

// Pictures, sound and film

interface MediaFile {
  readonly url: string;
  readonly type?: string | undefined;
  readonly length?: number | undefined;
  readonly duration?: number | undefined;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly title?: string | undefined;
  readonly alt?: string | undefined;
  readonly caption?: string | undefined;
  readonly credit?: string | undefined;
}

interface Files {
  readonly image?: Record<string, unknown> | undefined;
  readonly media?: Record<string, unknown>[] | undefined;
}

/** More than a record may have: such an item is refused, however many more there are. */
const MAX_FILES = 100;

function rssFiles(item: XmlElement, resolve: Resolve): Files {
  const groups = elementsOf(item, 'media:group').slice(0, MAX_FILES);
  const contents = [
    ...elementsOf(item, 'media:content')
      .slice(0, MAX_FILES)
      .map((content) => mediaContent(content, [content, item], resolve)),
    ...groups.flatMap((group) =>
      preferred(group)
        .slice(0, MAX_FILES)
        .map((content) => mediaContent(content, [content, group, item], resolve)),
    ),
  ];
  const thumbnails = [item, ...groups, ...elementsOf(item, 'media:content')].flatMap((parent) =>
    elementsOf(parent, 'media:thumbnail').map((thumbnail) => mediaContent(thumbnail, [item], resolve, 'image')),
  );
  const cover = resolve(first(item, 'itunes:image')?.attributes.get('href') ?? textOf(first(item, 'itunes:image')));
  const enclosures = enclosuresOf(item, resolve, duration(textOf(first(item, 'itunes:duration'))));
  return files(
    [...contents, ...enclosures].filter((file) => file !== undefined),
    [
      ...contents.filter(isImage),
      ...thumbnails,
      ...(cover === undefined ? [] : [{ url: cover }]),
      ...enclosures.filter(isImage),
    ],
  );
}

/** All pictures of a group, and of the same sound or film in several qualities the default one. */
function preferred(group: XmlElement): XmlElement[] {
  const contents = elementsOf(group, 'media:content');
  const isPicture = ({ attributes }: XmlElement) =>
    attributes.get('medium') === 'image' || attributes.get('type')?.startsWith('image/') === true;
  const others = contents.filter((content) => !isPicture(content));
  const chosen = others.find(({ attributes }) => attributes.get('isdefault') === 'true') ?? others[0];
  return [...contents.filter(isPicture), ...(chosen === undefined ? [] : [chosen])];
}

/** Media RSS: what is said of an element applies within it, where nothing nearer is said. */
function mediaContent(
  { attributes }: XmlElement,
  scopes: readonly XmlElement[],
  resolve: Resolve,
  medium = attributes.get('medium'),
): MediaFile | undefined {
  const url = resolve(attributes.get('url'));
  if (url === undefined) return undefined;
  const nearest = (name: string) => {
    const element = scopes.map((scope) => first(scope, name)).find((found) => found !== undefined);
    return looseText(textOf(element)) || undefined;
  };
  const type = mediaType(attributes.get('type'), url);
  // A picture's address often has no ending.
  const picture = medium === 'image' && !type?.startsWith('image/');
  const isPicture = picture || type?.startsWith('image/');
  return {
    url,
    type: picture ? 'image/*' : type,
    length: wholeNumber(attributes.get('filesize')),
    duration: duration(attributes.get('duration')),
    width: wholeNumber(attributes.get('width')),
    height: wholeNumber(attributes.get('height')),
    ...(isPicture
      ? { alt: nearest('media:title'), caption: nearest('media:description'), credit: nearest('media:credit') }
      : { title: nearest('media:title') }),
  };
}

function enclosuresOf(item: XmlElement, resolve: Resolve, seconds: number | undefined): MediaFile[] {
  const links = elementsOf(item, 'atom:link').filter(({ attributes }) => attributes.get('rel') === 'enclosure');
  const found = [...elementsOf(item, 'enclosure'), ...links].flatMap(({ attributes }) => {
    const url = resolve(attributes.get('url') ?? attributes.get('href'));
    if (url === undefined) return [];
    const type = mediaType(attributes.get('type'), url);
    const title = attributes.get('title');
    return [{ url, type, length: wholeNumber(attributes.get('length')), title }];
  });
  const played = found.findIndex(({ type }) => /^(audio|video)\//.test(type ?? ''));
  return found.map((file, index) => (index === played ? { ...file, duration: seconds } : file));
}

function isImage(file: MediaFile | undefined): file is MediaFile {
  return file?.type?.startsWith('image/') === true;
}

/** The first picture is the story's, further ones are its sizes; all else is media, each address once. */
function files(all: readonly MediaFile[], pictures: readonly (MediaFile | undefined)[]): Files {
  const picture = pictures.find((file) => file !== undefined);
  const listed = new Set(pictures.map((file) => file?.url));
  const media = all.filter(({ url, type }) => {
    if (type === undefined || listed.has(url)) return false;
    listed.add(url);
    return true;
  });
  return {
    image: picture && imageField(picture),
    media: media.length === 0 ? undefined : media.map(mediaField),
  };
}

function imageField({ url, type, length, width, height, alt, caption, credit }: MediaFile): Record<string, unknown> {
  return compact({
    url,
    type: type === 'image/*' ? undefined : type,
    length,
    width: width !== undefined && width <= MAX_PIXELS ? width : undefined,
    height: height !== undefined && height <= MAX_PIXELS ? height : undefined,
    alt: alt && shorten(alt, MAX_CAPTION),
    caption: caption && shorten(caption, MAX_CAPTION),
    credit: credit && shorten(credit, MAX_NAME),
  });
}

const MAX_PIXELS = 100_000;
const MAX_CAPTION = 2000;

function mediaField({ url, type, length, duration: seconds, title }: MediaFile): Record<string, unknown> {
  return compact({ url, type, length, duration: seconds, title: title ? shorten(title, MAX_NAME) : undefined });
}

/** The type that is said, where it is one, else the one that the address's ending says. */
export function mediaType(declared: string | undefined, url: string): string | undefined {
  const type = declared?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (/^[a-z0-9][a-z0-9!#$^_.+-]*\/[a-z0-9][a-z0-9!#$^_.+-]*$/.test(type)) return type;
  return mime.getType(URL.parse(url)?.pathname ?? '') ?? undefined;
}

/** Nothing is as long as zero: feeds say it where they do not know. */
function wholeNumber(text: string | undefined): number | undefined {
  const number = /^\d{1,15}$/.test(text?.trim() ?? '') ? Number(text) : 0;
  return number > 0 ? number : undefined;
}

/** Seconds, or `[hours:]minutes:seconds`. */
function duration(text: string | undefined): number | undefined {
  if (text === undefined || !/^(?:\d{1,9}:){0,2}\d{1,9}(?:\.\d+)?$/.test(text.trim())) return undefined;
  const seconds = text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return seconds > 0 ? seconds : undefined;
}

// Atom

function atomRecord(entry: XmlElement, head: readonly XmlElement[], source: FeedSource): Record<string, unknown> {
  const site = source.url ?? alternate(head.filter(({ name }) => name === 'atom:link'));
  const resolve = resolver(entry.base ?? site);
  const link = alternate(elementsOf(entry, 'atom:link')) ?? textOf(first(entry, 'atom:link'));
  const url = resolve(link);
  const origin = first(entry, 'atom:source');
  const updated = date(entry, ['atom:updated', 'atom:modified']);
  const published = date(entry, ['atom:published', 'atom:issued', 'atom:created', 'dc:date']);
  return compact({
    ...identity(textOf(first(entry, 'atom:id')) || (isUri(link) ? link : url)),
    url: resolve(textOf(first(entry, 'feedburner:origlink'))) ?? url ?? (link || undefined),
    title: constructText(construct(first(entry, 'atom:title'))) || undefined,
    ...atomTexts(entry),
    ...dates(published, updated),
    language: language((first(entry, 'atom:content') ?? entry).language, textOf(first(entry, 'dc:language'))),
    authors: authors(atomAuthors(entry, origin, head)),
    sections: terms(rssCategories(entry).filter(isSection).map(categoryName)),
    tags: terms([
      ...rssCategories(entry)
        .filter((category) => !isSection(category))
        .map(categoryName),
      ...elementsOf(entry, 'dc:subject').map((subject) => looseText(textOf(subject))),
    ]),
    ...atomFiles(entry, resolve),
    source: atomSource(origin, resolve),
    copyright: atomRights(entry, origin, head),
    license: rssLicense(entry, head, resolve),
  });
}

/** The address of the story among links (RFC 4287 §4.2.7.2), the one for people before others. */
function alternate(links: readonly XmlElement[]): string | undefined {
  const alternates = links.filter(({ attributes }) => ['alternate', ''].includes(attributes.get('rel') ?? ''));
  const link = alternates.find(({ attributes }) => /^$|html/.test(attributes.get('type') ?? '')) ?? alternates[0];
  const href = link?.attributes.get('href')?.trim() ?? '';
  return href === '' ? undefined : resolved(href, link?.base);
}

/** A text construct (RFC 4287 §3.1, Atom 0.3 §3.1) or content: what it says, and as what. */
interface Construct {
  readonly text: string;
  readonly html: boolean;
}

function construct(element: XmlElement | undefined): Construct | undefined {
  if (element === undefined) return undefined;
  const type = element.attributes.get('type')?.split(';')[0]?.trim().toLowerCase() ?? 'text';
  const mode = element.attributes.get('mode')?.toLowerCase();
  const isMarkup = /^(x?html|text\/html|application\/xhtml\+xml)$/.test(type);
  if (hasElements(element)) return { text: markupOf(element).trim(), html: true };
  if (
    mode === 'base64' ||
    (element.name === 'atom:content' && mode === undefined && /^(?!text\/)[^/]+\/(?!xml$)(?!.*\+xml$)/.test(type))
  ) {
    const text = /^(x?html|text|text\/.*|application\/xhtml\+xml)$/.test(type)
      ? decodedBase64(textOf(element))
      : undefined;
    return text === undefined ? undefined : { text, html: isMarkup };
  }
  return { text: textOf(element), html: isMarkup && !type.includes('xhtml') };
}

function decodedBase64(text: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'base64')).trim();
  } catch {
    return undefined; // not a text
  }
}

function constructText(text: Construct | undefined): string {
  if (text === undefined) return '';
  return text.html ? htmlText(text.text) : lineText(text.text);
}

function atomTexts(entry: XmlElement): { summary?: string | undefined; body?: string; bodyFormat?: string } {
  const content = construct(first(entry, 'atom:content'));
  const summary = construct(first(entry, 'atom:summary'));
  const [body, element] =
    content === undefined || content.text === ''
      ? [summary, first(entry, 'atom:summary')]
      : [content, first(entry, 'atom:content')];
  if (body === undefined || body.text === '') return describedMedia(entry);
  const about = body === summary ? '' : constructText(summary);
  return {
    summary: about === '' || about === constructText(body) ? undefined : shorten(about, MAX_SUMMARY),
    ...(body.html ? { body: against(element?.base, body.text) } : { body: body.text, bodyFormat: 'text' }),
  };
}

/** The entry's own, else those of the feed it was taken from, else the feed's (RFC 4287 §4.2.1). */
function atomAuthors(entry: XmlElement, origin: XmlElement | undefined, head: readonly XmlElement[]): Person[] {
  const own = [
    ...atomPeople(entry),
    ...elementsOf(entry, 'dc:creator').map((name) => personOf(looseText(textOf(name)))),
  ];
  if (own.length > 0) return own;
  const inherited = origin === undefined ? [] : atomPeople(origin);
  return inherited.length > 0 ? inherited : head.filter(({ name }) => name === 'atom:author').map(atomPerson);
}

function atomPeople(element: XmlElement): Person[] {
  return elementsOf(element, 'atom:author').map(atomPerson);
}

function atomPerson(author: XmlElement): Person {
  const email = textOf(first(author, 'atom:email')) || undefined;
  return {
    // Some write the name without its element.
    name: textOf(first(author, 'atom:name')) || (hasElements(author) ? email : textOf(author)),
    email,
    url: resolver(author.base)(textOf(first(author, 'atom:uri', 'atom:url'))),
  };
}

function atomFiles(entry: XmlElement, resolve: Resolve): Files {
  const content = first(entry, 'atom:content');
  const outside = resolve(content?.attributes.get('src'));
  const type = outside === undefined ? undefined : mediaType(content?.attributes.get('type'), outside);
  const found = rssFiles(entry, resolve);
  if (outside === undefined || type === undefined || !/^(audio|video)\//.test(type)) return found;
  return { ...found, media: [...(found.media ?? []), { url: outside, type }] };
}

function atomSource(origin: XmlElement | undefined, resolve: Resolve): { name: string; url: string } | undefined {
  const name = shorten(constructText(construct(first(origin, 'atom:title'))), MAX_NAME);
  const links = elementsOf(origin, 'atom:link');
  const self = links.find(({ attributes }) => attributes.get('rel') === 'self')?.attributes.get('href');
  const url = resolve(alternate(links) ?? self ?? textOf(first(origin, 'atom:id')));
  return name === '' || url === undefined ? undefined : { name, url };
}

/** RFC 4287 §4.2.10: the feed's rights are those of an entry that has none. */
function atomRights(
  entry: XmlElement,
  origin: XmlElement | undefined,
  head: readonly XmlElement[],
): string | undefined {
  const rights =
    first(entry, 'atom:rights', 'atom:copyright', 'dc:rights') ??
    first(origin, 'atom:rights') ??
    (origin === undefined ? head.find(({ name }) => name === 'atom:rights') : undefined);
  return constructText(construct(rights)) || undefined;
}

// JSON Feed

/** In characters. A JSON document is whole or nothing, so it has to fit. */
const MAX_JSON = 256 * 1024 * 1024;

async function* jsonFeedRecords(chunks: AsyncIterable<string>, source: FeedSource): AsyncGenerator<Imported> {
  let text = '';
  for await (const chunk of chunks) {
    text += chunk;
    if (text.length > MAX_JSON) throw new UnreadableRecord([{ field: '', rule: 'must not be longer than 256 MB' }]);
  }
  const places = itemPlaces(text);
  const { value, problem } = parseJson(text);
  if (problem !== undefined) {
    for (const { start, end, line } of places) {
      const item = end === undefined ? undefined : parseJson(text.slice(start, end)).value;
      if (item !== undefined) yield { record: jsonRecord(item, {}, source), line };
    }
    throw problem;
  }
  const feed = fieldsOf(value);
  if (!Array.isArray(feed.items)) {
    throw new UnreadableRecord([{ field: 'items', rule: 'must be a list (JSON Feed 1.1)', line: 1 }]);
  }
  for (const [index, item] of feed.items.entries()) {
    yield { record: jsonRecord(item, feed, source), line: places[index]?.line ?? 1 };
  }
}

function parseJson(text: string): { value?: unknown; problem?: UnreadableRecord } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const position = Number(/at position (\d+)/.exec(message)?.[1] ?? text.length);
    const rule = `must be JSON: ${lineText(message).replace(/ in JSON at position .*/, '')}`;
    return { problem: new UnreadableRecord([{ field: '', rule, ...lineAt(text, position) }]) };
  }
}

function lineAt(text: string, position: number): { line: number; column: number } {
  const before = text.slice(0, position);
  return { line: before.split('\n').length, column: position - before.lastIndexOf('\n') };
}

interface ItemPlace {
  readonly start: number;
  readonly line: number;
  /** Absent where the text ends before the item does. */
  end?: number;
}

/** Where the entries of the outermost `items` stand, also in a text that is broken further down. */
function itemPlaces(text: string): ItemPlace[] {
  const places: ItemPlace[] = [];
  let depth = 0;
  let line = 1;
  let key = '';
  let within = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (character === '\n') line += 1;
    else if (character === '"') {
      const end = stringEnd(text, index);
      if (depth === 1) key = text.slice(index + 1, end);
      index = end;
    } else if (character === '{' || character === '[') {
      if (depth === 1) within = key === 'items' && character === '[';
      if (depth === 2 && within) places.push({ start: index, line });
      depth += 1;
    } else if (character === '}' || character === ']') {
      depth -= 1;
      const last = places.at(-1);
      if (depth === 2 && within && last !== undefined) last.end = index + 1;
    }
  }
  return places;
}

function stringEnd(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index += 1) {
    if (text[index] === '\\') index += 1;
    else if (text[index] === '"') return index;
  }
  return text.length;
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function string(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function jsonRecord(value: unknown, feed: Fields, source: FeedSource): Record<string, unknown> {
  const item = fieldsOf(value);
  const resolve = resolver((string(feed.home_page_url) || source.url) ?? (string(feed.feed_url) || undefined));
  const link = string(item.url) || string(item.external_url);
  const html = string(item.content_html);
  const text = string(item.content_text);
  const summary = lineText(string(item.summary));
  const about = shorten(summary, MAX_SUMMARY);
  const body = html || text || summary;
  return compact({
    // Version 1 allowed numbers, to be read as text.
    ...identity(typeof item.id === 'number' ? String(item.id) : string(item.id) || link),
    url: resolve(link) ?? (link || undefined),
    title: string(item.title) || undefined,
    summary: about === '' || body === summary || about === lineText(text) ? undefined : about,
    body: body || undefined,
    bodyFormat: html === '' && body !== '' ? 'text' : undefined,
    ...dates(jsonDate(item.date_published), jsonDate(item.date_modified)),
    language: language(string(item.language), string(feed.language)),
    authors: authors(jsonAuthors(item, resolve) ?? jsonAuthors(feed, resolve) ?? []),
    tags: terms(listOf(item.tags).map(string)),
    ...jsonFiles(item, resolve),
  });
}

function jsonAuthors(fields: Fields, resolve: Resolve): Person[] | undefined {
  const people = Array.isArray(fields.authors) ? fields.authors : fields.author === undefined ? [] : [fields.author];
  if (people.length === 0) return undefined;
  return people.map(fieldsOf).map((author) => ({
    name: string(author.name),
    url: resolve(string(author.url)),
    avatar: resolve(string(author.avatar)),
  }));
}

function jsonFiles(item: Fields, resolve: Resolve): Files {
  const attachments = listOf(item.attachments)
    .map(fieldsOf)
    .flatMap(({ url: address, mime_type, title, size_in_bytes, duration_in_seconds }) => {
      const url = resolve(string(address));
      if (url === undefined) return [];
      return [
        {
          url,
          type: mediaType(string(mime_type), url),
          title: string(title),
          length: wholeNumber(String(size_in_bytes)),
          duration: duration(String(duration_in_seconds)),
        },
      ];
    });
  const picture = resolve(string(item.image)) ?? resolve(string(item.banner_image));
  return files(attachments, [...(picture === undefined ? [] : [{ url: picture }]), ...attachments.filter(isImage)]);
}

// Fields

function first(element: XmlElement | undefined, ...names: readonly string[]): XmlElement | undefined {
  const found = elementsOf(element, ...names);
  return found.find((candidate) => candidate.children.length > 0 || candidate.attributes.size > 0) ?? found[0];
}

/**
 * The identity every consumer of the old feed knows, so that none sees an old story as new: the record's id wherever
 * it can be one, and `publicId` where the id alone would not come out as the same again.
 */
export function identity(guid: string | undefined): { id?: string; publicId?: string } {
  if (guid === undefined || guid === '') return {};
  if (!canBeId(guid)) return { id: `sha256-${createHash('sha256').update(guid).digest('hex')}`, publicId: guid };
  return isUri(guid) ? { id: guid } : { id: guid, publicId: guid };
}

/** The rules of a record's id (docs/records.md). */
function canBeId(guid: string): boolean {
  if (guid.length > 512 || !guid.isWellFormed() || /[\p{Cc}\uFFFE\uFFFF]/u.test(guid)) return false;
  return isUri(guid) || guid.split('/').every((part) => !['', '.', '..'].includes(part));
}

interface Person {
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly url?: string | undefined;
  readonly avatar?: string | undefined;
}

/** Those whose names can stand in an address. */
export function authors(people: readonly Person[]): Record<string, unknown>[] | undefined {
  const usable = people
    .map(({ name, email, ...more }) => ({
      name: lineText(name ?? ''),
      email: isEmail(email) ? email : undefined,
      ...more,
    }))
    .filter(({ name }) => isTerm(name));
  return usable.length === 0 ? undefined : usable.map(compact);
}

const emailAddress = z.email();

function isEmail(text: string | undefined): boolean {
  return emailAddress.safeParse(text).success;
}

/** Names of sections or tags, each once. */
export function terms(names: readonly string[]): string[] | undefined {
  const usable = [...new Set(names.map(lineText))].filter(isTerm);
  return usable.length === 0 ? undefined : usable;
}

function isTerm(name: string): boolean {
  return name.length <= 200 && slugOf(name) !== '';
}

/** The first that is a language tag (BCP 47). */
export function language(...candidates: readonly (string | undefined)[]): string | undefined {
  return candidates.find((tag) => {
    try {
      return tag !== undefined && tag.length <= 35 && Intl.getCanonicalLocales(tag).length > 0;
    } catch {
      return false;
    }
  });
}

/** A date as it stands in the source, and the moment it means, where it means one. */
export interface SourceDate {
  readonly text: string;
  readonly instant: Instant | undefined;
}

/** The first of the elements with a date that can be read, else the first. */
function date(element: XmlElement, names: readonly string[]): SourceDate | undefined {
  const found = names
    .flatMap((name) => elementsOf(element, name))
    .map((candidate) => sourceDate(textOf(candidate)))
    .filter(({ text }) => text !== '');
  return found.find(({ instant }) => instant !== undefined) ?? found[0];
}

export function sourceDate(text: string): SourceDate {
  return { text, instant: readDate(text) };
}

function jsonDate(value: unknown): SourceDate | undefined {
  return string(value) === '' ? undefined : sourceDate(string(value));
}

/** A story that only says when it changed was published then; a change before publication is none. */
export function dates(
  published: SourceDate | undefined,
  updated: SourceDate | undefined,
): { publishedAt?: string | undefined; updatedAt?: string | undefined } {
  const first = published?.instant ?? updated?.instant;
  const last = updated?.instant;
  return {
    // What cannot be read is left as it is, so that it is refused with its text.
    publishedAt: first === undefined ? (published ?? updated)?.text : rfc3339(first),
    updatedAt: first !== undefined && last !== undefined && last > first ? rfc3339(last) : undefined,
  };
}

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');

/** RFC 822 §5.1 and RFC 5322 §4.3, and what else is common enough to have one meaning. */
const ZONES: Readonly<Record<string, string>> = {
  UT: 'Z',
  UTC: 'Z',
  GMT: 'Z',
  Z: 'Z',
  EST: '-05:00',
  EDT: '-04:00',
  CST: '-06:00',
  CDT: '-05:00',
  MST: '-07:00',
  MDT: '-06:00',
  PST: '-08:00',
  PDT: '-07:00',
  WET: '+00:00',
  WEST: '+01:00',
  CET: '+01:00',
  CEST: '+02:00',
  EET: '+02:00',
  EEST: '+03:00',
  MSK: '+03:00',
  JST: '+09:00',
};

const TIME = String.raw`(\d{1,2}):(\d{2})(?::(\d{2}))?(?:[.,]\d+)?\s*(am|pm)?`;
/** `Wed, 02 Oct 2002 13:00:00 GMT`, without weekday, seconds or time as well. */
const RFC_822 = new RegExp(
  String.raw`^[^\d+-]*(\d{1,2})[\s-]+([a-z]{3})[a-z]*\.?,?[\s-]+(\d{2,4})(?:[,\s]+${TIME}\s*(.*))?$`,
  'i',
);
/** `Wed Oct  2 13:00:00 2002`, with a zone before the year as well. */
const ASCTIME = new RegExp(
  String.raw`^(?:[a-z]+,?\s+)?([a-z]{3})[a-z]*\s+(\d{1,2}),?\s+${TIME}\s*([a-z]+\s+)?(\d{4})$`,
  'i',
);
/** RFC 3339 and W3C's profile of ISO 8601, which allows less precise dates. */
const W3C = new RegExp(String.raw`^(\d{4})(?:-?(\d{2})(?:-?(\d{2})(?:[T\s]+${TIME}\s*(.*))?)?)?$`, 'i');

/** The moment a feed's date means; undefined where it means none. Without a zone it is UTC (RFC 5322 §4.3). */
export function readDate(source: string): Instant | undefined {
  if (source.length > 100) return undefined;
  const text = source.replace(/\([^)]*\)/g, '').trim();
  const w3c = W3C.exec(text);
  if (w3c !== null) {
    const [, year, month = '01', day = '01', ...time] = w3c;
    return moment(year, month, day, time);
  }
  const asctime = ASCTIME.exec(text);
  if (asctime !== null) {
    const [, name, day, hours, minutes, seconds, half, zone, year] = asctime;
    return moment(year, monthNumber(name), day, [hours, minutes, seconds, half, zone?.trim()]);
  }
  const [, day, name, year = '', ...time] = RFC_822.exec(text) ?? [];
  return moment(fullYear(year), monthNumber(name), day, time);
}

function monthNumber(name = ''): string {
  return String(MONTHS.indexOf(name.toLowerCase()) + 1);
}

/** RFC 5322 §4.3. */
function fullYear(year: string): string {
  if (year.length === 4) return year;
  return String(Number(year) + (year.length === 2 && Number(year) < 50 ? 2000 : 1900));
}

function moment(year = '', month = '', day = '', time: readonly (string | undefined)[]): Instant | undefined {
  const [hours = '00', minutes = '00', seconds = '00', half, zone = ''] = time;
  const offset = zoneOffset(zone);
  if (offset === undefined) return undefined;
  const hour = half === undefined ? Number(hours) : (Number(hours) % 12) + (half.toLowerCase() === 'pm' ? 12 : 0);
  const two = (number: string | number) => String(number).padStart(2, '0');
  return parseInstant(`${year}-${two(month)}-${two(day)}T${two(hour)}:${minutes}:${seconds}${offset}`);
}

function zoneOffset(zone: string): string | undefined {
  const name = zone.trim().toUpperCase();
  if (name === '') return 'Z';
  const [, sign, hours = '', minutes = '00'] = /^(?:GMT|UTC?)?\s*([+-])(\d{1,2}):?(\d{2})?$/.exec(name) ?? [];
  return sign === undefined ? ZONES[name] : `${sign}${hours.padStart(2, '0')}:${minutes}`;
}
