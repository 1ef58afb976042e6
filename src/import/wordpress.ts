import { compact } from '../compact.ts';
import { escapeHtml, shorten } from '../text.ts';
import { webUrl } from '../url.ts';
import { authors, dates, type Imported, identity, language, mediaType, sourceDate, terms } from './feed.ts';
import { documentText, elementsOf, looseText, textOf, type XmlElement, xmlParts } from './xml.ts';

/** What an export holds besides published stories, counted by why it was passed over. */
export type Skipped = Readonly<Record<string, number>>;

/** Whether a document that begins like this is a WordPress export (WXR), which is RSS as well. */
export function isWordpress(head: string): boolean {
  const [beforeItems = ''] = head.split(/<item[\s>]/);
  return /["']https?:\/\/wordpress\.org\/export\/[\d.]+\/["']/.test(beforeItems);
}

/**
 * The published stories of a WordPress export (WXR 1.0 to 1.2): posts that are published or scheduled and not behind
 * a password. Pages, drafts and all else are counted by type or status in what the generator returns.
 *
 * The export is read twice, because the pictures a story refers to may stand anywhere in it.
 *
 * @param open opens the export from its beginning
 * @throws UnreadableRecord with line and column, after all stories that were complete
 */
export async function* wordpressRecords(open: () => AsyncIterable<Uint8Array>): AsyncGenerator<Imported, Skipped> {
  const site = await siteOf(open());
  const skipped: Record<string, number> = {};
  let channelLanguage: string | undefined;
  for await (const part of exportParts(open())) {
    if (part.name === 'language') channelLanguage = language(textOf(part));
    if (part.name !== 'item') continue;
    const reason = reasonToSkip(part);
    if (reason === undefined) yield { record: storyRecord(part, site, channelLanguage), line: part.line };
    else skipped[reason] = (skipped[reason] ?? 0) + 1;
  }
  return skipped;
}

/** Comments can be longer than all stories together. */
const IGNORED = new Set(['wp:comment']);

function exportParts(chunks: AsyncIterable<Uint8Array>): AsyncIterable<XmlElement> {
  return xmlParts(documentText(chunks), { ignored: IGNORED });
}

interface Attachment {
  readonly url: string;
  readonly parent: string;
  readonly alt: string | undefined;
  readonly caption: string | undefined;
}

/** What stories refer to. */
interface Site {
  /** Display names by login. */
  readonly authors: ReadonlyMap<string, string>;
  readonly attachments: ReadonlyMap<string, Attachment>;
}

async function siteOf(chunks: AsyncIterable<Uint8Array>): Promise<Site> {
  const names = new Map<string, string>();
  const attachments = new Map<string, Attachment>();
  try {
    for await (const part of exportParts(chunks)) {
      if (part.name === 'wp:author') names.set(value(part, 'wp:author_login'), displayName(part));
      const attachment = part.name === 'item' ? attachmentOf(part) : undefined;
      if (attachment !== undefined) attachments.set(value(part, 'wp:post_id'), attachment);
    }
  } catch {
    // The second reading comes to the same place and says what is wrong, after the stories before it.
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
  return textOf(elementsOf(element, name)[0]);
}

function metas(item: XmlElement, key: string): string[] {
  return elementsOf(item, 'wp:postmeta')
    .filter((entry) => value(entry, 'wp:meta_key') === key)
    .map((entry) => value(entry, 'wp:meta_value'));
}

function meta(item: XmlElement, key: string): string {
  return metas(item, key)[0] ?? '';
}

const PUBLIC = ['publish', 'future'];

/** The type of what is no post, the status of what is not public. */
function reasonToSkip(item: XmlElement): string | undefined {
  const type = value(item, 'wp:post_type') || 'post';
  if (type !== 'post') return type;
  // Without a status nobody can know that it may be read.
  const status = value(item, 'wp:status') || 'no status';
  if (!PUBLIC.includes(status)) return status;
  return value(item, 'wp:post_password') === '' ? undefined : 'password';
}

function storyRecord(item: XmlElement, site: Site, channelLanguage: string | undefined): Record<string, unknown> {
  const link = value(item, 'link');
  const published = wordpressDate(value(item, 'wp:post_date_gmt'));
  const pubDate = value(item, 'pubdate');
  const excerpt = looseText(value(item, 'excerpt:encoded'));
  const id = value(item, 'wp:post_id');
  return compact({
    ...identity(value(item, 'guid') || link),
    url: webUrl(link) ?? (link || undefined),
    title: looseText(value(item, 'title')) || undefined,
    summary: excerpt === '' ? undefined : shorten(excerpt, MAX_SUMMARY),
    body: storyHtml(value(item, 'content:encoded'), id, site.attachments) || undefined,
    ...dates(
      published ?? (pubDate === '' ? undefined : sourceDate(pubDate)),
      wordpressDate(value(item, 'wp:post_modified_gmt')),
    ),
    language: channelLanguage,
    authors: authors(
      elementsOf(item, 'dc:creator')
        .map(textOf)
        .map((login) => ({ name: site.authors.get(login) ?? login })),
    ),
    sections: terms(categories(item, ['category', ''])),
    tags: terms(categories(item, ['post_tag', 'tag'])),
    image: featuredImage(item, site.attachments),
    media: enclosures(item),
  });
}

const MAX_SUMMARY = 5000;
const MAX_CAPTION = 2000;

/** `2026-11-22 10:46:00` in UTC; zeros where WordPress has none. */
function wordpressDate(text: string): ReturnType<typeof sourceDate> | undefined {
  return text === '' || text.startsWith('0000') ? undefined : sourceDate(text);
}

/** WXR 1.0 gives each category a second time without its taxonomy, tags as well. */
function categories(item: XmlElement, domains: readonly string[]): string[] {
  const all = elementsOf(item, 'category');
  const tagged = new Set(all.filter(({ attributes }) => attributes.has('domain')).map(textOf));
  return all
    .filter(({ attributes }) => domains.includes(attributes.get('domain') ?? ''))
    .filter((category) => category.attributes.has('domain') || !tagged.has(textOf(category)))
    .map((category) => looseText(textOf(category)));
}

function featuredImage(item: XmlElement, attachments: Site['attachments']): Record<string, unknown> | undefined {
  const attachment = attachments.get(meta(item, '_thumbnail_id'));
  if (attachment === undefined) return undefined;
  const { url, alt, caption } = attachment;
  return compact({ url, alt: alt && shorten(alt, MAX_CAPTION), caption: caption && shorten(caption, MAX_CAPTION) });
}

/** Sound and film that WordPress puts into its feed: address, length and type on a line each. */
function enclosures(item: XmlElement): Record<string, unknown>[] | undefined {
  const found = metas(item, 'enclosure').flatMap((text) => {
    const [address = '', length = '', declared] = text.split('\n').map((line) => line.trim());
    const url = webUrl(address);
    const type = url === undefined ? undefined : mediaType(declared, url);
    if (url === undefined || type === undefined) return [];
    return [compact({ url, type, length: /^[1-9]\d{0,14}$/.test(length) ? Number(length) : undefined })];
  });
  return found.length === 0 ? undefined : found;
}

/**
 * What WordPress makes of a post when it shows it: blocks without their comments, shortcodes as what they stand for,
 * and in a story of the classic editor a paragraph for each block between blank lines.
 */
function storyHtml(content: string, id: string, attachments: Site['attachments']): string {
  const isBlocks = /<!--\s*wp:/.test(content);
  const html = withoutComments(content.replaceAll('\r\n', '\n')).replace(EMBED_BLOCK, (url) => linked(url));
  const expanded = withoutShortcodes(html, { id, attachments });
  return (isBlocks ? expanded : paragraphs(expanded)).trim();
}

/** Blocks keep their settings in comments; `<!--more-->` and its like stand between paragraphs. */
function withoutComments(html: string): string {
  const [first = '', ...rest] = html.split('<!--');
  const pieces = rest.map((piece) => {
    const end = piece.indexOf('-->');
    const breaks = /^(?:more|nextpage|noteaser)\b/.test(piece) ? '\n\n' : '';
    return end === -1 ? `<!--${piece}` : `${breaks}${piece.slice(end + 3)}`;
  });
  return [first, ...pieces].join('');
}

/** An address alone in the block that shows what is there. */
const EMBED_BLOCK = /(?<=<div class="wp-block-embed__wrapper">\s*)(https?:\/\/[^\s<]+)(?=\s*<\/div>)/g;

/** An address as it stands in HTML. */
function linked(url: string): string {
  return `<a href="${url.replaceAll('"', '%22')}">${url}</a>`;
}

type Attributes = ReadonlyMap<string, string>;

interface Story {
  readonly id: string;
  readonly attachments: Site['attachments'];
}

/**
 * What a reader wants of a shortcode: the picture with its caption, the pictures of a gallery, the player, the link.
 * Of others what they enclose is kept, and themselves are not, for what they would show only the site's plugins know.
 */
function shortcode({ name, attributes }: OpenShortcode, inner: string, story: Story): string {
  switch (name) {
    case 'caption':
    case 'wp_caption':
      return captioned(inner, attributes.get('caption'));
    case 'gallery':
      return gallery(attributes, story);
    case 'embed':
      return /^\s*https?:\/\/\S+\s*$/.test(inner) ? `\n\n${inner.trim()}\n\n` : inner;
    case 'audio':
    case 'video':
      return player(name, attributes);
    default:
      return inner;
  }
}

/** `[caption]<a><img></a> words[/caption]`; before WordPress 3.4 the words were an attribute. */
function captioned(inner: string, attribute: string | undefined): string {
  const [picture = '', words = ''] =
    /^\s*((?:<a\s[^>]*>\s*)?<img\s[^>]*>(?:\s*<\/a>)?)([\s\S]*)$/i.exec(inner)?.slice(1) ?? [];
  if (picture === '') return inner;
  return figure(picture, words.trim() || attribute?.trim() || '');
}

function figure(picture: string, caption: string): string {
  return `<figure>${picture}${caption === '' ? '' : `<figcaption>${caption}</figcaption>`}</figure>`;
}

function gallery(attributes: Attributes, { id, attachments }: Story): string {
  const listed = attributes.get('ids') ?? attributes.get('include');
  const pictures =
    listed === undefined
      ? [...attachments.values()].filter(({ url, parent }) => parent === id && isPicture(url))
      : listed.split(',').flatMap((each) => attachments.get(each.trim()) ?? []);
  return pictures
    .map(({ url, alt = '', caption = '' }) =>
      figure(`<img src="${escapeHtml(url)}" alt="${escapeHtml(alt)}">`, escapeHtml(caption)),
    )
    .join('\n');
}

function isPicture(url: string): boolean {
  return mediaType(undefined, url)?.startsWith('image/') === true;
}

const SOURCES = ['src', 'mp3', 'm4a', 'ogg', 'wav', 'flac', 'mp4', 'm4v', 'webm', 'ogv'];

function player(name: 'audio' | 'video', attributes: Attributes): string {
  const url = SOURCES.map((source) => attributes.get(source)).find((address) => address !== undefined);
  return url === undefined ? '' : `\n\n<${name} controls src="${escapeHtml(url)}"></${name}>\n\n`;
}

const SHORTCODE_TAG = /\[(\/?)([a-z][\w-]*)((?:\s[^[\]]*)?)\](\]?)/gi;
/** Those that mean something without attributes and content. */
const ALONE = new Set(['gallery', 'audio', 'video', 'playlist']);
const ENCLOSING = new Set(['caption', 'wp_caption', 'embed']);
const ATTRIBUTE = /(?<![\w-])([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s'"]+))/g;

/** A shortcode that may be closed further down, and the text since. */
interface OpenShortcode {
  readonly source: string;
  readonly name: string;
  readonly attributes: Attributes;
  text: string;
}

/**
 * The text with shortcodes replaced. They have attributes or enclose something; words in brackets, as “[sic]”, do not,
 * and `[[name]]` is how WordPress writes about one.
 */
function withoutShortcodes(html: string, story: Story): string {
  const outermost: OpenShortcode = { source: '', name: '', attributes: new Map(), text: '' };
  const open: OpenShortcode[] = [];
  const names = new Map<string, number>();
  const write = (text: string) => {
    (open.at(-1) ?? outermost).text += text;
  };
  /** Ends all that are open from here, of which only this one can be closed. */
  const close = (from: number, isClosed: boolean) => {
    while (open.length > from) {
      const last = open.pop() ?? outermost;
      names.set(last.name, (names.get(last.name) ?? 1) - 1);
      write(
        isClosed && open.length === from ? shortcode(last, last.text, story) : `${single(last, story)}${last.text}`,
      );
    }
  };
  let end = 0;
  for (const match of html.matchAll(SHORTCODE_TAG)) {
    const [tag, slash = '', written = '', attributes = '', bracket = ''] = match;
    const isEscaped = bracket === ']' && html[match.index - 1] === '[';
    write(html.slice(end, isEscaped ? match.index - 1 : match.index));
    end = match.index + tag.length - (isEscaped ? 0 : bracket.length);
    const source = html.slice(match.index, match.index + tag.length - bracket.length);
    const name = written.toLowerCase();
    if (isEscaped || (slash === '/' && (names.get(name) ?? 0) === 0)) {
      write(source);
    } else if (slash === '/') {
      close(
        open.findLastIndex((one) => one.name === name),
        true,
      );
    } else {
      open.push({ source, name, attributes: attributesOf(attributes), text: '' });
      names.set(name, (names.get(name) ?? 0) + 1);
    }
  }
  close(0, false);
  return outermost.text + html.slice(end);
}

function single(one: OpenShortcode, story: Story): string {
  const isShortcode = (one.attributes.size > 0 && !ENCLOSING.has(one.name)) || ALONE.has(one.name);
  return isShortcode ? shortcode(one, '', story) : one.source;
}

function attributesOf(text: string): Attributes {
  const attributes = new Map<string, string>();
  for (const [, key = '', double, single, bare] of text.matchAll(ATTRIBUTE)) {
    attributes.set(key.toLowerCase(), double ?? single ?? bare ?? '');
  }
  return attributes;
}

const BLOCKS =
  'address article aside blockquote canvas center dd details div dl dt fieldset figcaption figure footer form h[1-6] ' +
  'header hgroup hr legend li main map math menu nav object ol p pre script section style summary svg table tbody td ' +
  'textarea tfoot th thead tr ul';
const BLOCK_TAG = new RegExp(String.raw`(<\/?(?:${BLOCKS.split(' ').join('|')})(?=[\s/>])[^<>]*>)`, 'i');
/** Blocks that hold paragraphs; within others text is what the block is. */
const FLOW = /^(?:article|aside|blockquote|center|details|div|footer|header|main|section)$/;

/** WordPress's rule for text without paragraphs (wpautop): blank lines part them, single line breaks are kept. */
function paragraphs(html: string): string {
  const open: string[] = [];
  return html
    .split(BLOCK_TAG)
    .map((piece, index) => {
      if (index % 2 === 0) return textPiece(piece, open);
      const [, slash, name = ''] = /^<(\/?)([a-z][a-z0-9]*)/i.exec(piece.toLowerCase()) ?? [];
      if (slash === '/') open.splice(Math.max(0, open.lastIndexOf(name)), open.includes(name) ? open.length : 0);
      else if (name !== 'hr' && !piece.endsWith('/>')) open.push(name);
      return piece;
    })
    .join('');
}

function textPiece(text: string, open: readonly string[]): string {
  const blank = /\n[ \t\u00A0]*(?:\n[ \t\u00A0]*)+/;
  const innermost = open.at(-1);
  const hasParagraphs = innermost === undefined || innermost === 'blockquote' || blank.test(text.trim());
  if (!hasParagraphs || !open.every((name) => FLOW.test(name))) return text;
  return text
    .split(blank)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== '')
    .map((paragraph) => (/^https?:\/\/[^\s<]+$/.test(paragraph) ? linked(paragraph) : paragraph))
    .map((paragraph) => `<p>${withLineBreaks(paragraph)}</p>\n`)
    .join('');
}

function withLineBreaks(paragraph: string): string {
  const lines = paragraph.split('\n').map((line) => line.trim());
  return lines
    .map((line, index) => (index < lines.length - 1 && !/<br\s?\/?>$/.test(line) ? `${line}<br />` : line))
    .join('\n');
}
