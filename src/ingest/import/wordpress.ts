import { omitUndefined } from '../../lib/omit-undefined.ts';
import { shorten } from '../../lib/text.ts';
import { webUrl } from '../../lib/url.ts';
import { dates, type SourceDate, sourceDate } from './dates.ts';
import { looseText } from './loose-text.ts';
import { imageField, mediaType } from './media-files.ts';
import { authors, identity, language, MAX_SUMMARY, terms } from './record-fields.ts';
import type { Attachment } from './shortcodes.ts';
import type { SourceRecord } from './source-record.ts';
import { storyHtml } from './wordpress-body.ts';
import { childElements, textContent, type XmlElement, xmlParts } from './xml.ts';
import { documentText } from './xml-encoding.ts';

/** Whether a document with this beginning is a WordPress export (WXR), which is RSS as well. */
export function isWordpress(head: string): boolean {
  const [beforeItems = ''] = head.split(/<item[\s>]/);
  return /["']https?:\/\/wordpress\.org\/export\/[\d.]+\/["']/.test(beforeItems);
}

/**
 * Reads the stories of a WordPress export (WXR 1.0 to 1.2): posts that are published or scheduled and have no password.
 *
 * It reads the export twice, because the pictures of a story may be anywhere in it.
 *
 * @param open opens the export at its beginning
 * @param onSkipped receives the reason for each item that is no such story: `draft`, `of type page`
 * @param charset the encoding that the HTTP header names
 * @throws UnreadableRecord with line and column, after all complete stories
 */
export async function* wordpressRecords(
  open: () => AsyncIterable<Uint8Array>,
  onSkipped: (reason: string) => void,
  charset?: string,
): AsyncGenerator<SourceRecord> {
  const site = await siteOf(open(), charset);
  let channelLanguage: string | undefined;
  for await (const part of exportParts(open(), charset)) {
    if (part.name === 'language') channelLanguage = language(textContent(part));
    if (part.name !== 'item') continue;
    const reason = reasonToSkip(part);
    if (reason === undefined) yield { record: storyRecord(part, site, channelLanguage), line: part.line };
    else onSkipped(reason);
  }
}

/** Comments may be longer than all stories together. */
const IGNORED = new Set(['wp:comment']);

function exportParts(chunks: AsyncIterable<Uint8Array>, charset: string | undefined): AsyncIterable<XmlElement> {
  return xmlParts(documentText(chunks, charset), { ignored: IGNORED });
}

/** The parts of an export that stories refer to. */
interface Site {
  /** Display names, by login. */
  readonly authors: ReadonlyMap<string, string>;
  readonly attachments: ReadonlyMap<string, Attachment>;
}

async function siteOf(chunks: AsyncIterable<Uint8Array>, charset: string | undefined): Promise<Site> {
  const names = new Map<string, string>();
  const attachments = new Map<string, Attachment>();
  try {
    for await (const part of exportParts(chunks, charset)) {
      if (part.name === 'wp:author') names.set(value(part, 'wp:author_login'), displayName(part));
      const attachment = part.name === 'item' ? attachmentOf(part) : undefined;
      if (attachment !== undefined) attachments.set(value(part, 'wp:post_id'), attachment);
    }
  } catch {
    // The second pass fails at the same position. It reports the error after the stories before it.
  }
  return { authors: names, attachments };
}

function displayName(author: XmlElement): string {
  const full = `${value(author, 'wp:author_first_name')} ${value(author, 'wp:author_last_name')}`.trim();
  return looseText(value(author, 'wp:author_display_name') || full || value(author, 'wp:author_login'));
}

function attachmentOf(item: XmlElement): Attachment | undefined {
  if (value(item, 'wp:post_type') !== 'attachment') return undefined;
  const url = webUrl(value(item, 'wp:attachment_url'));
  if (url === undefined) return undefined;
  return {
    url,
    parent: value(item, 'wp:post_parent'),
    alt: looseText(meta(item, '_wp_attachment_image_alt')) || undefined,
    caption: looseText(value(item, 'excerpt:encoded')) || undefined,
  };
}

function value(element: XmlElement, name: string): string {
  return textContent(childElements(element, name)[0]);
}

function metas(item: XmlElement, key: string): string[] {
  return childElements(item, 'wp:postmeta')
    .filter((entry) => value(entry, 'wp:meta_key') === key)
    .map((entry) => value(entry, 'wp:meta_value'));
}

function meta(item: XmlElement, key: string): string {
  return metas(item, key)[0] ?? '';
}

const PUBLIC = ['publish', 'future'];
/** Most characters of a type or a status in a report; WordPress allows 20. */
const MAX_REASON = 40;

function reasonToSkip(item: XmlElement): string | undefined {
  const type = value(item, 'wp:post_type') || 'post';
  if (type !== 'post') return `of type ${shorten(type, MAX_REASON)}`;
  // An item without a status may be a draft.
  const status = shorten(value(item, 'wp:status'), MAX_REASON) || 'without a status';
  if (!PUBLIC.includes(status)) return status;
  return value(item, 'wp:post_password') === '' ? undefined : 'with a password';
}

function storyRecord(item: XmlElement, site: Site, channelLanguage: string | undefined): Record<string, unknown> {
  const link = value(item, 'link');
  const published = wordpressDate(value(item, 'wp:post_date_gmt'));
  const pubDate = value(item, 'pubdate');
  const excerpt = looseText(value(item, 'excerpt:encoded'));
  const id = value(item, 'wp:post_id');
  return omitUndefined({
    ...identity(value(item, 'guid') || link),
    url: webUrl(link) ?? (link || undefined),
    title: looseText(value(item, 'title')) || undefined,
    summary: excerpt === '' ? undefined : shorten(excerpt, MAX_SUMMARY),
    body: storyHtml(value(item, 'content:encoded'), { id, attachments: site.attachments }) || undefined,
    ...dates(
      published ?? (pubDate === '' ? undefined : sourceDate(pubDate)),
      wordpressDate(value(item, 'wp:post_modified_gmt')),
    ),
    language: channelLanguage,
    authors: authors(
      childElements(item, 'dc:creator')
        .map(textContent)
        .map((login) => ({ name: site.authors.get(login) ?? login })),
    ),
    sections: terms(categories(item, ['category', ''])),
    tags: terms(categories(item, ['post_tag', 'tag'])),
    image: featuredImage(item, site.attachments),
    media: enclosures(item),
  });
}

/** Reads `2026-11-22 10:46:00` as UTC. WordPress writes zeros for a missing date. */
function wordpressDate(text: string): SourceDate | undefined {
  return text === '' || text.startsWith('0000') ? undefined : sourceDate(text);
}

/** WXR 1.0 repeats each category and tag without its taxonomy. */
function categories(item: XmlElement, domains: readonly string[]): string[] {
  const all = childElements(item, 'category');
  const tagged = new Set(all.filter(({ attributes }) => attributes.has('domain')).map(textContent));
  return all
    .filter(({ attributes }) => domains.includes(attributes.get('domain') ?? ''))
    .filter((category) => category.attributes.has('domain') || !tagged.has(textContent(category)))
    .map((category) => looseText(textContent(category)));
}

function featuredImage(item: XmlElement, attachments: Site['attachments']): Record<string, unknown> | undefined {
  const attachment = attachments.get(meta(item, '_thumbnail_id'));
  if (attachment === undefined) return undefined;
  const { url, alt, caption } = attachment;
  return imageField({ url, alt, caption });
}

/** The enclosures that WordPress adds to a story: address, length and type, each on a line. */
function enclosures(item: XmlElement): Record<string, unknown>[] | undefined {
  const found = metas(item, 'enclosure').flatMap((text) => {
    const [address = '', length = '', declared] = text.split('\n').map((line) => line.trim());
    const url = webUrl(address);
    const type = url === undefined ? undefined : mediaType(declared, url);
    if (url === undefined || type === undefined) return [];
    return [omitUndefined({ url, type, length: /^[1-9]\d{0,14}$/.test(length) ? Number(length) : undefined })];
  });
  return found.length === 0 ? undefined : found;
}
