import type { Article, Image, Media, Person } from '../../article/article.ts';
import { type Instant, rfc3339 } from '../../lib/instant.ts';
import { joinNames } from '../../lib/name-list.ts';
import { RSL_NAMESPACE, rslAddress } from '../../terms/rsl.ts';
import { uriOf } from '../public-uri.ts';
import { authorsOf } from '../renderer.ts';
import type { DialectHead, DialectItem, DialectOptions, TakenBackItem } from './dialect.ts';
import { entryOptions } from './public-formats.ts';
import { characterCount, textOf, wordCount } from './text.ts';
import { endOf } from './validity.ts';

/** IPTC's ninjs 3.1: news in JSON (iptc.org/std/ninjs). Properties stand in the order of its schema. */

export type Json = string | number | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

const SECOND = 1000;

const STANDARD = { name: 'ninjs', version: '3.1', schema: 'http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json#' };

export function ninjsItem(
  { article, content, updatedAt, changedAt = updatedAt }: DialectItem,
  options: DialectOptions,
): JsonObject {
  const { publisher, terms } = options;
  const authors = authorsOf(article, entryOptions(options));
  const end = endOf(article);
  return present({
    uri: uriOf(article.publicId),
    type: 'text',
    representationType: content === 'full' ? 'full' : 'partial',
    version: versionOf(Math.max(updatedAt, changedAt)),
    firstCreated: rfc3339(article.publishedAt),
    versionCreated: rfc3339(updatedAt),
    contentCreated: rfc3339(article.publishedAt),
    pubStatus: 'usable',
    urgency: article.urgency,
    // Nobody knows who holds the rights to the copy of an agency.
    copyrightHolder: article.source === undefined ? publisher.title : undefined,
    copyrightNotice: article.copyright ?? publisher.copyright,
    usageTerms: terms ?? article.license ?? publisher.license,
    edNote: article.correction?.note,
    language: article.language,
    descriptions: [text('summary', article.summary)],
    bodies: content === 'full' ? [body(article.html)] : undefined,
    headlines: [{ role: 'main', value: article.title }],
    people: article.authors.map(({ name, url }) => present({ name, rel: 'author', uri: url })),
    subjects: subjects(article, options),
    infoSources: article.source === undefined ? undefined : [{ name: article.source.name, uri: article.source.url }],
    by: joinNames(
      authors.map(({ name }) => name),
      article.language,
    ),
    renditions: [{ name: 'web', href: article.url, contentType: 'text/html' }],
    associations: associations(article),
    altIds: altIds(article),
    standard: STANDARD,
    expires: end === undefined ? undefined : rfc3339(end),
    rightsInfo: article.license === undefined ? rightsInfo(options) : undefined,
  });
}

/**
 * The version of a moment: seconds since 1970. The revision of the article would tell how many others the newsroom has changed
 * meanwhile, also of those that are under embargo or held back.
 */
function versionOf(moment: Instant): string {
  return String(Math.ceil(moment / SECOND));
}

/** The item of a story that partners have to remove. It has no text but its title and the reason. */
export function canceledItem({ article, at, changedAt = 0 }: TakenBackItem): JsonObject {
  const { publicId, publishedAt, updatedAt = publishedAt, withdrawn, language, title } = article;
  return present({
    uri: uriOf(publicId),
    type: 'text',
    // Later than the version that it takes back, which may be of the same second.
    version: versionOf(Math.max(at, updatedAt + SECOND, changedAt + SECOND)),
    firstCreated: rfc3339(publishedAt),
    versionCreated: rfc3339(at),
    pubStatus: 'canceled',
    edNote: withdrawn?.reason,
    language: language === '' ? undefined : language,
    headlines: title === '' ? undefined : [{ role: 'main', value: title }],
    altIds: altIds(article),
    standard: STANDARD,
  });
}

/** What a list of items says of itself. ninjs has no list: these are its own properties, as far as they fit. */
export function listHead(head: DialectHead): JsonObject {
  const { title, description, language, id, self, updatedAt, publication, terms } = head;
  return present({
    uri: id,
    self,
    title,
    description,
    language,
    versionCreated: rfc3339(updatedAt),
    copyrightHolder: publication.title,
    copyrightNotice: publication.copyright,
    usageTerms: terms ?? publication.license,
  });
}

/** The object without what is missing, and without empty lists. */
function present(draft: Readonly<Record<string, Json | undefined>>): JsonObject {
  const kept: Record<string, Json> = {};
  for (const [name, value] of Object.entries(draft)) {
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) kept[name] = value;
  }
  return kept;
}

function text(role: string, value: string): Json {
  return { role, contentType: 'text/plain', value };
}

function body(html: string): Json {
  const words = textOf(html);
  const counts = { charCount: characterCount(words), wordCount: wordCount(words) };
  return { role: 'main', contentType: 'text/html', ...counts, value: html };
}

/** Sections and tags. Their URIs are the addresses of their feeds without a format, as the schemes of Atom's categories. */
function subjects({ sections, tags }: Article, { feedsUrl }: DialectOptions): Json[] {
  const named = (rel: string, folder: string, terms: Article['sections']) =>
    terms.map(({ name, slug }) => ({
      name,
      rel,
      uri: `${feedsUrl}feeds/${folder}/${encodeURIComponent(slug)}`,
      literal: slug,
    }));
  return [...named('section', 'section', sections), ...named('keyword', 'tag', tags)];
}

/** The newsroom's own id, and the public one where it is no URI. */
function altIds({ id, publicId }: Article): Json[] {
  const ids = [{ role: 'newsroom', value: id }];
  return uriOf(publicId) === publicId ? ids : [...ids, { role: 'guid', value: publicId }];
}

function associations({ image, media }: Article): Json[] {
  const files = media.map((each, index) => mediaObject(each, index + 1));
  return image === undefined ? files : [picture(image), ...files];
}

function picture({ url, alt, caption, credit, ...facts }: Image): Json {
  return present({
    uri: url,
    type: 'picture',
    descriptions: [...(caption ? [text('caption', caption)] : []), ...(alt ? [text('alt', alt)] : [])],
    by: credit || undefined,
    renditions: [rendition({ url, ...facts })],
    name: 'main-picture',
  });
}

const KINDS = new Map([
  ['image', 'picture'],
  ['audio', 'audio'],
  ['video', 'video'],
]);

function mediaObject(media: Media, number: number): Json {
  const { url, title, transcript, chapters, persons = [] } = media;
  return present({
    uri: url,
    type: KINDS.get(media.type.split('/')[0]?.toLowerCase() ?? ''),
    headlines: title ? [{ role: 'main', value: title }] : undefined,
    people: persons.map(personObject),
    renditions: [
      rendition(media),
      ...(transcript === undefined ? [] : [{ name: 'transcript', href: transcript.url, contentType: transcript.type }]),
      ...(chapters === undefined ? [] : [{ name: 'chapters', href: chapters.url, contentType: chapters.type }]),
    ],
    name: `media-${number}`,
  });
}

function personObject({ name, role, url }: Person): Json {
  return present({ name, rel: role, uri: url });
}

function rendition({ url, type, width, height, length, duration }: Pick<Image, 'url'> & Partial<Media>): Json {
  return present({ name: 'original', href: url, contentType: type, width, height, sizeInBytes: length, duration });
}

/** The terms of the publication, unless a contract takes their place. */
function rightsInfo({ publisher, terms }: DialectOptions): Json | undefined {
  const linkedRights = terms === undefined ? rslAddress(publisher) : undefined;
  return linkedRights === undefined ? undefined : { langId: RSL_NAMESPACE, linkedRights };
}
