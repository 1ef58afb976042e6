import { Parser } from 'htmlparser2';
import { parseSrcset, stringifySrcset } from 'srcset';
import { webUrl } from '../../lib/url.ts';

/** Returns the new address of a picture; undefined if it keeps the old one. */
export type CopyPicture = (address: string) => Promise<string | undefined>;

/** An attribute with addresses of pictures in an HTML text. */
interface PictureAttribute {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  readonly value: string;
}

/** Attributes of `<img>`. Scripts that load pictures late keep the address in one of their own. */
const ADDRESSES = new Set(['src', 'data-src', 'data-lazy-src', 'data-original', 'data-large-file', 'poster']);
const SRCSETS = new Set(['srcset', 'data-srcset', 'data-lazy-srcset']);
const PICTURE_FILE = /\.(?:jpe?g|png|gif|webp|avif)$/i;
/** Of one story. The pictures after them keep their addresses. */
const MAX_PICTURES = 1000;

/**
 * Returns a record whose pictures have new addresses: those of `image`, and those in a body of HTML, which may also link to
 * picture files. Returns the record itself if no picture has a new address.
 *
 * @param site the base of the record's own address
 */
export async function withCopiedPictures(record: unknown, site: string, copy: CopyPicture): Promise<unknown> {
  if (typeof record !== 'object' || record === null) return record;
  const { url, image, body, bodyFormat } = record as Readonly<Record<string, unknown>>;
  const base = typeof url === 'string' ? (webUrl(url, site) ?? site) : site;
  const copyFrom: CopyPicture = async (reference) => {
    const address = reference.startsWith('/media/') ? undefined : webUrl(reference, base);
    return address === undefined ? undefined : await copy(address);
  };
  const isHtml = typeof body === 'string' && (bodyFormat === undefined || bodyFormat === 'html');
  const [newImage, newBody] = await Promise.all([
    copiedImage(image, copyFrom),
    isHtml ? copiedHtml(body, copyFrom) : body,
  ]);
  if (newImage === image && newBody === body) return record;
  return { ...record, ...(newImage === undefined ? {} : { image: newImage }), body: newBody };
}

async function copiedImage(image: unknown, copy: CopyPicture): Promise<unknown> {
  if (typeof image !== 'object' || image === null || !('url' in image) || typeof image.url !== 'string') return image;
  const url = await copy(image.url);
  return url === undefined ? image : { ...image, url };
}

async function copiedHtml(html: string, copy: CopyPicture): Promise<string> {
  const attributes = pictureAttributes(html);
  const values = await Promise.all(attributes.map((attribute) => copiedValue(attribute, copy)));
  const pieces: string[] = [];
  let last = 0;
  for (const [index, { start, end, name, value }] of attributes.entries()) {
    const copied = values[index] ?? value;
    if (copied === value) continue;
    pieces.push(html.slice(last, start), `${name}="${escaped(copied)}"`);
    last = end;
  }
  return pieces.length === 0 ? html : [...pieces, html.slice(last)].join('');
}

function pictureAttributes(html: string): PictureAttribute[] {
  const found: PictureAttribute[] = [];
  let element = '';
  const parser = new Parser({
    onopentagname(name) {
      element = name;
    },
    onattribute(name, value) {
      if (found.length < MAX_PICTURES && isPicture(element, name, value))
        found.push({ start: parser.startIndex, end: parser.endIndex, name, value });
    },
  });
  parser.end(html);
  return found;
}

function isPicture(element: string, name: string, value: string): boolean {
  switch (element) {
    case 'img':
      return ADDRESSES.has(name) || SRCSETS.has(name);
    case 'source':
      return SRCSETS.has(name); // its src is a sound or a video
    case 'video':
      return name === 'poster';
    case 'a':
      return name === 'href' && PICTURE_FILE.test(value.split(/[?#]/, 1)[0] ?? '');
    default:
      return false;
  }
}

async function copiedValue({ name, value }: PictureAttribute, copy: CopyPicture): Promise<string> {
  if (!SRCSETS.has(name)) return (await copy(value.trim())) ?? value;
  const candidates = parseSrcset(value).slice(0, MAX_PICTURES);
  const urls = await Promise.all(candidates.map(({ url }) => copy(url)));
  if (urls.every((url) => url === undefined)) return value;
  return stringifySrcset(candidates.map((candidate, index) => ({ ...candidate, url: urls[index] ?? candidate.url })));
}

function escaped(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
}
