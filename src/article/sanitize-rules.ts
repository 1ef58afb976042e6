/** What may stay of a body, whoever cleans it. */
import { parseSrcset, stringifySrcset } from 'srcset';
import { isWebUrl } from '../lib/url.ts';

/** The frequent ones first: the list is gone through from its beginning for every tag. */
export const TAGS: readonly string[] = (
  'p a li strong em b i br img ul h2 h3 figure figcaption blockquote div span ol ' +
  'hr h1 h4 h5 h6 section article aside header footer address q cite pre code kbd samp var u s del ins mark ' +
  'small sub sup abbr time bdi bdo wbr ruby rt rp dl dt dd picture source audio video track iframe table ' +
  'caption colgroup col thead tbody tfoot tr td th details summary'
).split(' ');

export const ATTRIBUTES: Readonly<Record<string, string[]>> = {
  '*': ['lang', 'dir', 'title'],
  a: ['href', 'hreflang', 'rel'],
  img: ['src', 'srcset', 'sizes', 'alt', 'width', 'height'],
  source: ['src', 'srcset', 'sizes', 'type', 'media', 'width', 'height'],
  audio: ['src', 'controls', 'loop', 'muted', 'preload'],
  video: ['src', 'poster', 'controls', 'loop', 'muted', 'preload', 'width', 'height', 'playsinline'],
  track: ['src', 'kind', 'srclang', 'label', 'default'],
  iframe: ['src', 'width', 'height', 'allowfullscreen'],
  ol: ['start', 'reversed', 'type'],
  li: ['value'],
  td: ['colspan', 'rowspan', 'headers'],
  th: ['colspan', 'rowspan', 'headers', 'scope', 'abbr'],
  col: ['span'],
  colgroup: ['span'],
  blockquote: ['cite'],
  q: ['cite'],
  del: ['cite', 'datetime'],
  ins: ['cite', 'datetime'],
  time: ['datetime'],
  details: ['open'],
};

/** Elements that have no end. */
export const VOID: readonly string[] = ['br', 'hr', 'img', 'source', 'track', 'col', 'wbr'];

/** Elements that are nothing without their address, so they go where it was no good. */
export const NEEDS_ADDRESS = new Set(['img', 'iframe', 'source', 'track']);

export const WEB_ADDRESSES: readonly string[] = ['src', 'poster', 'cite'];

/** The absolute address a reference in a body means; undefined where it means none. */
export type Resolve = (reference: string) => string | undefined;

/** An attribute's value, every address in it absolute; undefined where there is nothing left of it. */
export function absoluteAttribute(name: string, value: string, resolve: Resolve): string | undefined {
  if (name === 'href') return resolve(value);
  if (name === 'srcset') return absoluteSrcset(value, resolve);
  if (!WEB_ADDRESSES.includes(name)) return value;
  const url = resolve(value);
  return url !== undefined && isWebUrl(url) ? url : undefined;
}

function absoluteSrcset(value: string, resolve: Resolve): string | undefined {
  try {
    const candidates = parseSrcset(value, { strict: true }).flatMap((candidate) => {
      const url = resolve(candidate.url);
      return url !== undefined && isWebUrl(url) ? [{ ...candidate, url: url.replaceAll(',', '%2C') }] : [];
    });
    return candidates.length === 0 ? undefined : stringifySrcset(candidates);
  } catch {
    return undefined; // contradictory descriptors: `src` is what is left to show
  }
}
