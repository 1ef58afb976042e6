import { escapeHtml } from '../../lib/text.ts';
import { mediaType } from './media-files.ts';
import type { Insert } from './wordpress-inserted.ts';

/** A file of the site. */
export interface Attachment {
  readonly url: string;
  /** The id of the story that it was uploaded for. */
  readonly parent: string;
  readonly alt: string | undefined;
  readonly caption: string | undefined;
}

/** The parts of an export that the shortcodes of a story refer to. */
export interface Story {
  readonly id: string;
  /** By id. */
  readonly attachments: ReadonlyMap<string, Attachment>;
  /** The pictures that were uploaded for each story, by its id. */
  readonly galleries: ReadonlyMap<string, readonly Attachment[]>;
  /** Returns the HTML of an attachment, unless the story shows too much. */
  readonly insert: Insert;
  /** Receives what a story cannot show: a shortcode or block that only the site could render (`[poll]`), a lost file. */
  readonly onLeftOut: (name: string) => void;
}

type Attributes = ReadonlyMap<string, string>;

const SHORTCODE_TAG = /\[(\/?)([a-z][\w-]*)((?:\s[^[\]]*)?)\](\]?)/gi;
/** Shortcodes that need neither attributes nor content. */
const ALONE = new Set(['gallery', 'audio', 'video', 'playlist']);
const ENCLOSING = new Set(['caption', 'wp_caption', 'embed']);
const ATTRIBUTE = /(?<![\w-])([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s'"]+))/g;

/** With this many open shortcodes, the text closes none of them: it is broken. */
const MAX_OPEN = 100;

/** A shortcode that may be closed further on, and the text since its opening tag. */
interface OpenShortcode {
  readonly source: string;
  readonly name: string;
  readonly attributes: Attributes;
  text: string;
}

/**
 * Replaces the shortcodes in HTML. A shortcode has attributes or encloses a text. Other words in brackets stay: “[sic]”,
 * “[the ratio a=b]”. `[[name]]` is WordPress's escape for a shortcode that is meant as text.
 */
export function withoutShortcodes(html: string, story: Story): string {
  const outermost: OpenShortcode = { source: '', name: '', attributes: new Map(), text: '' };
  const open: OpenShortcode[] = [];
  const names = new Map<string, number>();
  const write = (text: string) => {
    (open.at(-1) ?? outermost).text += text;
  };
  /** Ends the open shortcodes from an index on. A closing tag closes only the one at the index. */
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
    const isText = slash === '/' ? (names.get(name) ?? 0) === 0 : !isAttributeList(attributes, name);
    if (isEscaped || isText) {
      write(source);
    } else if (slash === '/') {
      close(
        open.findLastIndex((one) => one.name === name),
        true,
      );
    } else {
      if (open.length === MAX_OPEN) close(0, false);
      open.push({ source, name, attributes: attributesOf(attributes, name), text: '' });
      names.set(name, (names.get(name) ?? 0) + 1);
    }
  }
  close(0, false);
  return outermost.text + html.slice(end);
}

function single(one: OpenShortcode, story: Story): string {
  const isShortcode = (one.attributes.size > 0 && !ENCLOSING.has(one.name)) || ALONE.has(one.name);
  if (!isShortcode) return one.source;
  if (!ALONE.has(one.name)) story.onLeftOut(`[${one.name}]`);
  return shortcode(one, '', story);
}

/** Whether the text behind the name of a shortcode is nothing but attributes. Other words show that it is text. */
function isAttributeList(text: string, name: string): boolean {
  const rest = text.replace(ATTRIBUTE, '').trim();
  return rest === '' || rest === '/' || (PLAYERS.has(name) && ADDRESS.test(rest));
}

const PLAYERS = new Set(['audio', 'video']);
const ADDRESS = /^https?:\/\/\S+$/i;

function attributesOf(text: string, name: string): Attributes {
  const attributes = new Map<string, string>();
  if (PLAYERS.has(name) && ADDRESS.test(text.trim())) return new Map([['src', text.trim()]]);
  for (const [, key = '', double, single, bare] of text.matchAll(ATTRIBUTE)) {
    attributes.set(key.toLowerCase(), double ?? single ?? bare ?? '');
  }
  return attributes;
}

/**
 * Replaces a shortcode by its picture with a caption, the pictures of its gallery, its player or its link. Any other
 * shortcode is replaced by the text that it encloses: only the plugins of the site know more.
 */
function shortcode({ name, attributes }: OpenShortcode, inner: string, story: Story): string {
  switch (name) {
    case 'caption':
    case 'wp_caption':
      return captioned(inner, attributes.get('caption'));
    case 'gallery':
      return gallery(attributes, story);
    case 'playlist':
      return playlist(attributes.get('ids') ?? '', story);
    case 'embed':
      return /^\s*https?:\/\/\S+\s*$/.test(inner) ? `\n\n${inner.trim()}\n\n` : inner;
    case 'audio':
    case 'video':
      return player(name, attributes);
    default:
      return inner;
  }
}

/** `[caption]<a><img></a> text[/caption]`. Before WordPress 3.4 the text was an attribute. */
function captioned(inner: string, attribute: string | undefined): string {
  const [picture = '', words = ''] =
    /^\s*((?:<a\s[^>]*>\s*)?<img\s[^>]*>(?:\s*<\/a>)?)([\s\S]*)$/i.exec(inner)?.slice(1) ?? [];
  if (picture === '') return inner;
  return figure(picture, words.trim() || attribute?.trim() || '');
}

function figure(picture: string, caption: string): string {
  return `<figure>${picture}${caption === '' ? '' : `<figcaption>${caption}</figcaption>`}</figure>`;
}

function gallery(attributes: Attributes, story: Story): string {
  const { id, galleries, insert } = story;
  const listed = attributes.get('ids') ?? attributes.get('include');
  const pictures = listed === undefined ? (galleries.get(id) ?? []) : attachmentsOf(listed, 'gallery', story);
  const figures: string[] = [];
  for (const picture of pictures) {
    const html = insert(() => pictureHtml(picture));
    if (html === '') break;
    figures.push(html);
  }
  return figures.join('\n');
}

function pictureHtml({ url, alt = '', caption = '' }: Attachment): string {
  return figure(`<img src="${escapeHtml(url)}" alt="${escapeHtml(alt)}">`, escapeHtml(caption));
}

function playlist(ids: string, story: Story): string {
  return attachmentsOf(ids, 'playlist', story)
    .map(({ url }) =>
      story.insert(() => playerHtml(mediaType(undefined, url)?.startsWith('video/') ? 'video' : 'audio', url)),
    )
    .join('');
}

/** The files that a shortcode lists. An export of posts alone has none of them. */
function attachmentsOf(ids: string, shortcode: string, { attachments, onLeftOut }: Story): Attachment[] {
  return ids
    .split(',')
    .map((id) => id.trim())
    .filter((id) => id !== '')
    .flatMap((id) => {
      const attachment = attachments.get(id);
      if (attachment !== undefined) return [attachment];
      onLeftOut(`of the [${shortcode}] files (absent from the export)`);
      return [];
    });
}

/** The pictures among attachments, by the story that they were uploaded for. */
export function picturesByStory(attachments: Iterable<Attachment>): Map<string, Attachment[]> {
  const found = new Map<string, Attachment[]>();
  for (const attachment of attachments) {
    if (!isPicture(attachment.url)) continue;
    const others = found.get(attachment.parent);
    if (others === undefined) found.set(attachment.parent, [attachment]);
    else others.push(attachment);
  }
  return found;
}

function isPicture(url: string): boolean {
  return mediaType(undefined, url)?.startsWith('image/') === true;
}

const SOURCES = ['src', 'mp3', 'm4a', 'ogg', 'wav', 'flac', 'mp4', 'm4v', 'webm', 'ogv'];

function player(name: 'audio' | 'video', attributes: Attributes): string {
  const url = SOURCES.map((source) => attributes.get(source)).find((address) => address !== undefined);
  return url === undefined ? '' : playerHtml(name, url);
}

function playerHtml(name: 'audio' | 'video', url: string): string {
  return `\n\n<${name} controls src="${escapeHtml(url)}"></${name}>\n\n`;
}
