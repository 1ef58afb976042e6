import mime from 'mime';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import { shorten } from '../../lib/text.ts';
import type { MediaFile } from './media-file.ts';
import { differentPictures, withoutSizeQuery } from './picture-sizes.ts';
import { limited, MAX_NAME } from './record-fields.ts';
import type { Warn } from './source-record.ts';

/** The fields of a record that refer to files. */
export interface Files {
  readonly image?: Record<string, unknown> | undefined;
  readonly media?: Record<string, unknown>[] | undefined;
}

export function isImage(file: MediaFile | undefined): file is MediaFile {
  return file?.type?.startsWith('image/') === true;
}

/** The media type of a file that nothing is known of. */
const UNKNOWN_TYPE = 'application/octet-stream';
const MAX_MEDIA = 50;

interface StoryFiles {
  /** Sounds, videos and other files. Pictures among them count as pictures. */
  readonly media: readonly MediaFile[];
  /** In the order in which they may be the story's picture. The same picture may come in several sizes. */
  readonly pictures: readonly MediaFile[];
  /** A picture that the body shows is not repeated. */
  readonly body: unknown;
}

/**
 * The first picture is the story's, in its largest size. The other pictures and all other files are media, each address
 * once.
 */
export function files({ media, pictures, body }: StoryFiles, warn: Warn, element: string): Files {
  const [picture, ...others] = withoutAvatars(differentPictures(pictures));
  const html = typeof body === 'string' ? body.replaceAll('&amp;', '&') : '';
  const pictureUrls = new Set(pictures.map(({ url }) => url));
  const further = others.filter(({ url }) => !isShownIn(html, withoutSizeQuery(url)));
  const rest = [...byAddress(media).values()].filter(({ url }) => !pictureUrls.has(url));
  const all = limited([...further, ...rest], MAX_MEDIA, warn, element);
  return {
    image: picture && imageField(picture),
    media: all.length === 0 ? undefined : all.map(mediaField),
  };
}

/** Whether HTML has the whole address, and not only a longer one that begins with it. */
function isShownIn(html: string, address: string): boolean {
  for (let at = html.indexOf(address); at >= 0; at = html.indexOf(address, at + 1)) {
    if (/^[?#"'\s<>,)]?$/.test(html.charAt(at + address.length))) return true;
  }
  return false;
}

/** The pictures without that of the author, which some blogs put first; all if there is no other. */
function withoutAvatars(pictures: readonly MediaFile[]): readonly MediaFile[] {
  const others = pictures.filter(({ url }) => !/^https?:\/\/[^/]*\bgravatar\.com\/avatar\//.test(url));
  return others.length === 0 ? pictures : others;
}

/** The files by their addresses. Several elements may describe one file: the first value of each field counts. */
function byAddress(files: readonly MediaFile[]): ReadonlyMap<string, MediaFile> {
  const found = new Map<string, MediaFile>();
  for (const file of files)
    found.set(file.url, { ...omitUndefined(file), ...omitUndefined(found.get(file.url) ?? file) });
  return found;
}

/** The `image` field of a record. Longer texts are shortened, and impossible sizes omitted. */
export function imageField({
  url,
  type,
  length,
  width,
  height,
  alt,
  caption,
  credit,
}: MediaFile): Record<string, unknown> {
  return omitUndefined({
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

function mediaField({ url, type, length, duration: seconds, title, caption, alt }: MediaFile): Record<string, unknown> {
  const name = title || caption || alt;
  return omitUndefined({
    url,
    type: type === undefined || type === 'image/*' ? UNKNOWN_TYPE : type,
    length,
    duration: seconds,
    title: name ? shorten(name, MAX_NAME) : undefined,
  });
}

/** The declared media type if it is valid, else the type of the address's extension. */
export function mediaType(declared: string | undefined, url: string): string | undefined {
  const type = declared?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (/^[a-z0-9][a-z0-9!#$^_.+-]*\/[a-z0-9][a-z0-9!#$^_.+-]*$/.test(type)) return type;
  const byEnding = mime.getType(URL.parse(url)?.pathname ?? '') ?? undefined;
  // A file of any type may come from a script.
  return byEnding === 'application/x-httpd-php' ? undefined : byEnding;
}

/** Undefined for other text, and for zero: feeds write zero for an unknown length. */
export function positiveInteger(text: string | undefined): number | undefined {
  const number = /^\d{1,15}$/.test(text?.trim() ?? '') ? Number(text) : 0;
  return number > 0 ? number : undefined;
}

/** Reads seconds, or `[hours:]minutes:seconds`, as seconds; undefined for other text and for zero. */
export function duration(text: string | undefined): number | undefined {
  if (text === undefined || !/^(?:\d{1,9}:){0,2}\d{1,9}(?:\.\d+)?$/.test(text.trim())) return undefined;
  const seconds = text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return seconds > 0 ? seconds : undefined;
}
