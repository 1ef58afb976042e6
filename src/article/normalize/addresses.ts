/** The addresses of pictures and media, also of those that a page loads late by a script. */
import { parseSrcset } from 'srcset';
import { isWebUrl } from '../../lib/url.ts';
import { absoluteAttribute, type ResolveUrl } from '../sanitize-rules.ts';

/** The attributes of an element, by their names in lower case. */
export type Attributes = Readonly<Record<string, string>>;

/** Attributes whose value a script puts into `src`: all that end in `src`, and the names that some plugins use. */
const LAZY_SRC =
  /^(?:(?:data|lazy|nitro)-?[a-z0-9-]*src|data-(?:original|lazy|lazyload|lazy-original|echo|breeze|defer|splide-lazy|flickity-lazyload))$/;
const LAZY_SRCSET = /^(?:(?:data|lazy|nitro)-?[a-z0-9-]*srcset|data-original-set)$/;
/** Attributes that often name a file of the same picture. They count where nothing else has an address. */
const SAME_PICTURE =
  /^data-(?:(?:large|orig|medium)-file|large_image|(?:img|image|full|large|file|photo|picture)(?:-?(?:url|full|large))?|url|uri|hi-?res)$/;
/** Names of smaller or other pictures. */
const OTHER_PICTURE = /thumb|low|small|placeholder|preview|blur|tiny|lqip|error|fallback|avatar/;

/** Whether a script may put the attribute's value into `src` or `srcset`. */
export function isLazyName(name: string): boolean {
  return LAZY_SRC.test(name) || LAZY_SRCSET.test(name);
}

/** Where a picture, sound or film is, as written. */
export interface MediaAddresses {
  readonly src?: string;
  readonly srcset?: string;
  /** Whether a script would have loaded it. */
  readonly isLazy: boolean;
}

/** The valid addresses of an element: those that a script would put in their places go before those in `src`, `srcset`. */
export function mediaAddresses(attributes: Attributes, resolve: ResolveUrl): MediaAddresses {
  const own = attributes.src !== undefined && isValid('src', attributes.src, resolve) ? attributes.src : undefined;
  const ownSet =
    attributes.srcset !== undefined && isValid('srcset', attributes.srcset, resolve) ? attributes.srcset : undefined;
  // Beside an address, a value that is only a word is more likely the number or the name of something.
  const lazy = valuesOf(attributes, LAZY_SRC).find(
    (value) => isAddress(value, resolve) && (own === undefined || /[/.]/.test(value)),
  );
  const lazySet =
    valuesOf(attributes, LAZY_SRCSET).find((value) => isList(value, resolve)) ??
    valuesOf(attributes, LAZY_SRC).find((value) => SEVERAL.test(value) && isList(value, resolve));
  const src = lazy ?? (lazySet === undefined ? own : undefined);
  const srcset = lazySet ?? ownSet;
  return {
    ...(src !== undefined && { src }),
    ...(srcset !== undefined && { srcset }),
    isLazy: lazy !== undefined || lazySet !== undefined,
  };
}

/** The addresses of an `img`, which must have one in `src`; undefined where there is none. */
export function pictureAddresses(
  attributes: Attributes,
  resolve: ResolveUrl,
): (MediaAddresses & { readonly src: string }) | undefined {
  const found = mediaAddresses(attributes, resolve);
  const src =
    found.src ??
    (found.srcset === undefined ? undefined : bestCandidate(found.srcset, resolve)) ??
    valuesOf(attributes, SAME_PICTURE).find((value) => isAddress(value, resolve));
  return src === undefined ? undefined : { ...found, src };
}

/** The values of the attributes with a name of this kind. */
function valuesOf(attributes: Attributes, kind: RegExp): string[] {
  return Object.entries(attributes).flatMap(([name, value]) =>
    kind.test(name) && !OTHER_PICTURE.test(name) ? [value] : [],
  );
}

function isValid(name: string, value: string, resolve: ResolveUrl): boolean {
  return absoluteAttribute(name, value, resolve) !== undefined;
}

/** A width or density behind an address, as in `srcset`. */
const SEVERAL = /\s[\d.]+[wx]\s*(?:,|$)/;

/** Whether the value is one address: no template, no JSON, no list. */
function isAddress(value: string, resolve: ResolveUrl): boolean {
  return !/[{}<>"`[\]]/.test(value) && !SEVERAL.test(value) && isValid('src', value, resolve);
}

/** Whether the value is a list of addresses: no template, no JSON. */
function isList(value: string, resolve: ResolveUrl): boolean {
  return !/[{}<>"`]/.test(value) && isValid('srcset', value, resolve);
}

/** The widest picture that an article needs. */
const WIDE_ENOUGH = 1600;

/** The candidate of a `srcset` for readers that know only `src`; undefined where none has a valid address. */
export function bestCandidate(srcset: string, resolve: ResolveUrl): string | undefined {
  const distance = ({ width = 1 }: { readonly width?: number }) => Math.abs(width - WIDE_ENOUGH);
  return candidatesOf(srcset, resolve).toSorted((one, other) => distance(one) - distance(other))[0]?.url;
}

function candidatesOf(srcset: string, resolve: ResolveUrl): { url: string; width?: number }[] {
  try {
    return parseSrcset(srcset, { strict: true }).filter(({ url }) => {
      const address = resolve(url);
      return address !== undefined && isWebUrl(address);
    });
  } catch {
    return []; // contradictory descriptors
  }
}
