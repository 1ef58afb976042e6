import { omitUndefined } from '../../lib/omit-undefined.ts';
import { shorten } from '../../lib/text.ts';
import { webUrl } from '../../lib/url.ts';
import { dates, type SourceDate, sourceDate } from './dates.ts';
import { looseText } from './loose-text.ts';
import { imageField, mediaType } from './media-files.ts';
import type { OnOldFeeds } from './old-feeds.ts';
import { authors, identity, language, MAX_SECTIONS, MAX_SUMMARY, MAX_TAGS, terms } from './record-fields.ts';
import { repeatedIds } from './repeated-ids.ts';
import type { ImportReport, SourceRecord, Warn } from './source-record.ts';
import { type Story, storyOf } from './story.ts';
import { readFootnotes } from './wordpress-blocks.ts';
import { storyHtml } from './wordpress-body.ts';
import { WordpressOldFeeds } from './wordpress-old-feeds.ts';
import { meta, metas, readSite, type Site, value } from './wordpress-site.ts';
import { reportUnusedOfPost } from './wordpress-unused.ts';
import { childElements, textContent, type XmlElement } from './xml.ts';
import { documentText } from './xml-encoding.ts';
import { type XmlPart, xmlParts } from './xml-parts.ts';

/** Whether a document with this beginning is a WordPress export (WXR), which is RSS as well. */
export function isWordpress(head: string): boolean {
  const [beforeItems = ''] = head.split(/<item[\s>]/);
  return /["']https?:\/\/wordpress\.org\/export\/[\d.]+\/["']/.test(beforeItems);
}

/**
 * Reads the stories of a WordPress export (WXR 1.0 to 1.2): posts that are published or scheduled and have no password.
 *
 * It reads the export twice, because the pictures, shared blocks and authors of a story may be anywhere in it.
 *
 * @param open opens the export at its beginning
 * @param onSkipped receives the reason for each item that is no such story: `draft`, `of type page`
 * @param charset of the header Content-Type
 * @param onOldFeeds receives the feeds of the site before the first story
 * @throws UnreadableRecord with line and column, after all stories that can be read
 */
export async function* wordpressRecords(
  open: () => AsyncIterable<Uint8Array>,
  onSkipped: (reason: string) => void,
  charset?: string,
  report: ImportReport = SILENT,
  onOldFeeds: OnOldFeeds = () => {},
): AsyncGenerator<SourceRecord> {
  const oldFeeds = new WordpressOldFeeds();
  const site = await readSite(xmlParts(documentText(open(), charset), { ignored: IGNORED }), (part) =>
    oldFeeds.add(part, part.name === 'item' && reasonToSkip(part) === undefined),
  );
  onOldFeeds(oldFeeds.all(site.authors));
  const withOwnId = repeatedIds(report);
  let channelLanguage = '';
  const parts = xmlParts(documentText(open(), charset), {
    ignored: IGNORED,
    onFault: report.warning,
    onIgnored: (tag) => report.unused(`<${tag}>`),
  });
  for await (const part of parts) {
    const { element, problem } = part;
    if (element.name === 'language') channelLanguage = textContent(element);
    if (element.name !== 'item') continue;
    const reason = problem === undefined ? reasonToSkip(element) : undefined;
    if (reason === undefined) {
      const story = storyOfPart(part, { site, channelLanguage, report });
      yield withOwnId(story);
    } else if (!READ_ELSEWHERE.has(value(element, 'wp:post_type'))) onSkipped(reason);
  }
}

const SILENT: ImportReport = { warning: () => {}, note: () => {}, unused: () => {} };

/** Comments may be longer than all stories together. */
const IGNORED = new Set(['wp:comment']);
/** Types of items that stories show. */
const READ_ELSEWHERE = new Set(['wp_block', 'guest-author']);

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

interface PostContext {
  readonly site: Site;
  readonly channelLanguage: string;
  readonly report: ImportReport;
}

/** Reads a part as a story, and reports its faults with the story's title. */
function storyOfPart({ element, faults, problem }: XmlPart, context: PostContext): SourceRecord {
  const { report } = context;
  const { line } = element;
  const found = [...faults];
  const story = postStory(element, context, (rule, field) => found.push({ field, rule, line }));
  for (const fault of found) report.warning(fault, story.record.title);
  reportUnusedOfPost(element, report);
  const problems = problem === undefined ? story.problems : [problem];
  return { ...story, line, ...(problems === undefined ? {} : { problems: problems.map((one) => ({ line, ...one })) }) };
}

/** The elements of an export by the fields of a record. */
const ELEMENTS: ReadonlyMap<string, string> = new Map([
  ['id', '<guid>'],
  ['publicId', '<guid>'],
  ['url', '<link>'],
  ['title', '<title>'],
  ['summary', '<excerpt:encoded>'],
  ['body', '<content:encoded>'],
  ['publishedAt', '<wp:post_date_gmt>'],
  ['updatedAt', '<wp:post_modified_gmt>'],
  ['authors', '<dc:creator>'],
  ['sections', '<category>'],
  ['tags', '<category>'],
  ['image', '_thumbnail_id'],
  ['media', 'enclosure'],
]);

function postStory(item: XmlElement, { site, channelLanguage, report }: PostContext, warn: Warn): Story {
  const link = value(item, 'link');
  const excerpt = looseText(value(item, 'excerpt:encoded'));
  const onMissing = (rule: string) => warn(rule, '<content:encoded>');
  const body = storyHtml(value(item, 'content:encoded'), {
    id: value(item, 'wp:post_id'),
    ...site,
    footnotes: readFootnotes(meta(item, 'footnotes'), onMissing),
    onLeftOut: report.unused,
    onMissing,
  });
  const published = postDate(item, site);
  const updated = wordpressDate(item, 'wp:post_modified', site);
  const times = dates(published, updated);
  const named = categories(item, ['category', '']);
  const record = omitUndefined({
    ...identity(value(item, 'guid') || link),
    url: webUrl(link) ?? (link || undefined),
    title: looseText(value(item, 'title')) || undefined,
    summary: excerpt === '' ? undefined : shorten(excerpt, MAX_SUMMARY),
    body: body || undefined,
    ...times,
    language: language([[channelLanguage, '<language>']], warn),
    authors: authors(byline(item, site), warn, '<dc:creator>'),
    sections: terms(named.slice(0, MAX_SECTIONS), MAX_SECTIONS, warn),
    tags: terms([...categories(item, ['post_tag', 'tag']), ...named.slice(MAX_SECTIONS)], MAX_TAGS, warn),
    image: featuredImage(item, site.attachments, report),
    media: enclosures(item),
  });
  return storyOf(record, { elements: ELEMENTS, times, published, hasId: value(item, 'guid') !== '' });
}

/** The date of publication. `pubDate` is made of the date in UTC, and is of no use if that is missing. */
function postDate(item: XmlElement, site: Site): SourceDate | undefined {
  const date = wordpressDate(item, 'wp:post_date', site);
  if (date !== undefined) return date;
  const text = value(item, 'pubdate');
  return text === '' ? undefined : sourceDate(text, '<pubDate>');
}

/**
 * Reads `2026-11-22 10:46:00` in UTC, else in the time of the site. WordPress writes zeros for a missing date. Stories that
 * came from an older system may have only the time of the site.
 */
function wordpressDate(item: XmlElement, name: string, site: Site): SourceDate | undefined {
  const [utc, local] = [value(item, `${name}_gmt`), value(item, name)].map((text) =>
    text.startsWith('0000') ? '' : text,
  );
  if (utc) return sourceDate(utc, `<${name}_gmt>`);
  if (!local) return undefined;
  const date = sourceDate(local, `<${name}>`);
  if (date.instant === undefined) return date;
  return { ...date, instant: date.instant - site.clockOffset(new Date(date.instant).getUTCMonth()) };
}

/**
 * The names of the byline. A common plugin keeps it in categories of the taxonomy `author`, each with the login of a user
 * or a guest. `dc:creator` is then who made the post.
 */
function byline(item: XmlElement, site: Site): { readonly name: string }[] {
  const listed = childElements(item, 'category').filter(({ attributes }) => attributes.get('domain') === 'author');
  if (listed.length === 0) {
    return childElements(item, 'dc:creator')
      .map(textContent)
      .map((login) => ({ name: site.authors.get(login) ?? login }));
  }
  return listed.map((category) => {
    const login = textContent(category);
    const slug = category.attributes.get('nicename')?.replace(/^cap-/, '') ?? '';
    return { name: site.authors.get(login) ?? site.authors.get(slug) ?? looseText(login) };
  });
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

function featuredImage(
  item: XmlElement,
  attachments: Site['attachments'],
  { unused }: ImportReport,
): Record<string, unknown> | undefined {
  const id = meta(item, '_thumbnail_id');
  const attachment = attachments.get(id);
  if (attachment === undefined) {
    if (/^[1-9]\d*$/.test(id)) unused('of the featured images (absent from the export)');
    return undefined;
  }
  const { url, alt, caption } = attachment;
  return imageField({ url, alt, caption });
}

/** The enclosures that WordPress adds to a story: address, length and type, each on a line. */
function enclosures(item: XmlElement): Record<string, unknown>[] | undefined {
  const found = metas(item, 'enclosure').flatMap((text) => {
    const [address = '', length = '', declared] = text.split('\n', 3).map((line) => line.trim());
    const url = webUrl(address);
    const type = url === undefined ? undefined : mediaType(declared, url);
    if (url === undefined) return [];
    return [
      omitUndefined({
        url,
        type: type ?? 'application/octet-stream',
        length: /^[1-9]\d{0,14}$/.test(length) ? Number(length) : undefined,
      }),
    ];
  });
  return found.length === 0 ? undefined : found;
}
