import mime from 'mime';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import { shorten } from '../../lib/text.ts';
import { MAX_NAME } from './record-fields.ts';

/** A picture, a sound or a video, as a source describes it. */
export interface MediaFile {
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

/** The fields of a record that refer to files. */
export interface Files {
  readonly image?: Record<string, unknown> | undefined;
  readonly media?: Record<string, unknown>[] | undefined;
}

export function isImage(file: MediaFile | undefined): file is MediaFile {
  return file?.type?.startsWith('image/') === true;
}

/** The first picture is the story's; further pictures are its other sizes. All other files are media, each address once. */
export function files(all: readonly MediaFile[], pictures: readonly (MediaFile | undefined)[]): Files {
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

function mediaField({ url, type, length, duration: seconds, title }: MediaFile): Record<string, unknown> {
  return omitUndefined({ url, type, length, duration: seconds, title: title ? shorten(title, MAX_NAME) : undefined });
}

/** The declared media type if it is valid, else the type of the address's extension. */
export function mediaType(declared: string | undefined, url: string): string | undefined {
  const type = declared?.split(';')[0]?.trim().toLowerCase() ?? '';
  if (/^[a-z0-9][a-z0-9!#$^_.+-]*\/[a-z0-9][a-z0-9!#$^_.+-]*$/.test(type)) return type;
  return mime.getType(URL.parse(url)?.pathname ?? '') ?? undefined;
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
