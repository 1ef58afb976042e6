/** The rules of the sanitizer, for the library and the fast path. */
import { parseSrcset, stringifySrcset } from 'srcset';
import { isWebUrl } from '../lib/url.ts';

/** The allowed elements. Frequent ones first: the fast path searches the list from its start for every tag. */
export const TAGS: readonly string[] = (
  'p a li strong em b i br img ul h2 h3 figure figcaption blockquote div span ol ' +
  'hr h1 h4 h5 h6 section article aside header footer address q cite pre code kbd samp var u s del ins mark ' +
  'small sub sup abbr time bdi bdo wbr ruby rt rp dl dt dd picture source audio video track iframe table ' +
  'caption colgroup col thead tbody tfoot tr td th details summary'
).split(' ');

/** The allowed attributes by element; `*` stands for every element. */
export const ATTRIBUTES: Readonly<Record<string, string[]>> = {
  '*': ['lang', 'dir', 'title'],
  a: ['href', 'hreflang', 'rel'],
  img: ['src', 'srcset', 'sizes', 'alt', 'width', 'height'],
  source: ['src', 'srcset', 'sizes', 'type', 'media', 'width', 'height'],
  audio: ['src', 'controls', 'loop', 'muted', 'preload'],
  video: ['src', 'poster', 'controls', 'loop', 'muted', 'preload', 'width', 'height', 'playsinline'],
  track: ['src', 'kind', 'srclang', 'label', 'default'],
  iframe: ['src', 'width', 'height', 'allow', 'allowfullscreen', 'referrerpolicy', 'loading', 'sandbox'],
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

/**
 * The elements whose text goes with them, if the step before the sanitizer leaves any: those that the library has by
 * default, whatever a browser does not read as HTML, and controls.
 */
export const TEXTLESS: readonly string[] =
  'script style textarea option xmp title noembed noframes noscript plaintext template svg math object button select'.split(
    ' ',
  );

/** Elements without an end tag. */
export const VOID: readonly string[] = ['br', 'hr', 'img', 'source', 'track', 'col', 'wbr'];

/** Attributes that must be http or https addresses. */
export const WEB_ADDRESSES: readonly string[] = ['src', 'poster', 'cite'];

/** Resolves a reference in a body to an absolute address; undefined where it has no valid target. */
export type ResolveUrl = (reference: string) => string | undefined;

/** Most characters that the addresses of one text gain when they are made absolute. */
const MAX_GROWTH = 32 * 1024 * 1024;

/**
 * A `resolve` that counts how much longer the addresses become: a few characters, a hundred thousand times, with a base of
 * four thousand, are more than a string can hold. From the limit on, it resolves nothing.
 */
export function limitGrowth(resolve: ResolveUrl): { readonly resolve: ResolveUrl; readonly isExceeded: () => boolean } {
  let left = MAX_GROWTH;
  return {
    resolve(reference) {
      const address = left < 0 ? undefined : resolve(reference);
      if (address !== undefined) left -= Math.max(0, address.length - reference.length);
      return address;
    },
    isExceeded: () => left < 0,
  };
}

/** Receives an address of a `srcset` that is removed from it. */
type OnRemoved = (address: string) => void;

/** An attribute's value with absolute addresses; undefined where no valid address is left. */
export function absoluteAttribute(
  name: string,
  value: string,
  resolve: ResolveUrl,
  onRemoved?: OnRemoved,
): string | undefined {
  if (name === 'href') return resolve(value);
  if (name === 'srcset') return absoluteSrcset(value, resolve, onRemoved);
  if (!WEB_ADDRESSES.includes(name)) return value;
  if (value.startsWith('#')) return undefined; // the page itself is no picture and no source
  const url = resolve(value);
  return url !== undefined && isWebUrl(url) ? url : undefined;
}

/** Commas that would end a candidate without a descriptor. All other commas are part of the address. */
const TRAILING_COMMAS = /(?<!,),+$/;

function absoluteSrcset(value: string, resolve: ResolveUrl, onRemoved?: OnRemoved): string | undefined {
  try {
    const removed: string[] = [];
    const candidates = parseSrcset(value, { strict: true }).flatMap((candidate) => {
      const url = resolve(candidate.url);
      if (url !== undefined && isWebUrl(url))
        return [{ ...candidate, url: url.replace(TRAILING_COMMAS, encodeURIComponent) }];
      removed.push(candidate.url);
      return [];
    });
    if (candidates.length === 0) return undefined;
    if (onRemoved !== undefined) for (const address of removed) onRemoved(address);
    return stringifySrcset(candidates);
  } catch {
    return undefined; // contradictory descriptors: readers show `src`
  }
}
