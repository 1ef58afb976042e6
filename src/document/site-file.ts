import type { Instant } from '../lib/instant.ts';
import { CODINGS, type Coding } from './content-codings.ts';
import { createEncodedBody, type EncodedBody } from './encoded-body.ts';

/** A file about the publication that is no feed: for crawlers, and for readers that import a list of feeds. */
export interface SiteFile {
  readonly type: string;
  readonly body: EncodedBody;
  readonly etag: (coding: Coding) => string;
  readonly etags: ReadonlySet<string>;
  /** When what it shows last changed; missing where nobody knows. */
  readonly changedAt?: Instant;
}

/**
 * @param digest of the bytes, in letters that tags may have
 * @param onGrow called when the file takes more memory
 */
export function siteFile(
  { type, bytes }: { readonly type: string; readonly bytes: Buffer },
  digest: string,
  onGrow: (body: EncodedBody) => void = () => {},
): SiteFile {
  const tag = digest.slice(0, 16);
  const etag = (coding: Coding) => `"${coding === 'identity' ? tag : `${tag}-${coding}`}"`;
  const body = createEncodedBody(bytes, () => onGrow(body));
  return { type, body, etag, etags: new Set(CODINGS.map(etag)) };
}

/** A file as it is made: its text, and for how long it holds. */
export interface MadeFile {
  readonly type: string;
  readonly bytes: Buffer;
  /** When time alone changes it next, of a file of the newest articles: nobody knows when time changed it last. */
  readonly nextChangeAt?: Instant;
}

/** How a file is made. `version` names its content, where that is known without making it. */
export interface FilePlan {
  readonly version?: string;
  readonly make: () => Promise<MadeFile>;
}

/** What a path below the service's address names. */
export type SiteFileName =
  | { readonly kind: 'opml' | 'index' }
  /** The pages of feeds. */
  | { readonly kind: 'feeds'; readonly number: number }
  | { readonly kind: 'articles'; readonly month: string; readonly number: number }
  /** The news; with a number, a part of them. */
  | { readonly kind: 'news'; readonly number?: number };

/** All stand at the top: a sitemap counts for the addresses below its own folder. */
export function siteFilePath(name: SiteFileName): string {
  switch (name.kind) {
    case 'opml':
      return 'feeds.opml';
    case 'index':
      return 'sitemap.xml';
    case 'feeds':
      return `sitemap-feeds${suffix(name.number)}.xml`;
    case 'articles':
      return `sitemap-${name.month}${suffix(name.number)}.xml`;
    case 'news':
      return name.number === undefined ? 'news-sitemap.xml' : `news-sitemap-${name.number}.xml`;
  }
}

function suffix(number: number): string {
  return number === 1 ? '' : `-${number}`;
}

const FIXED: ReadonlyMap<string, SiteFileName> = new Map([
  ['feeds.opml', { kind: 'opml' }],
  ['sitemap.xml', { kind: 'index' }],
  ['news-sitemap.xml', { kind: 'news' }],
]);
const NUMBERED = /^(?:sitemap-(?<of>feeds|\d{4}-\d\d)|(?<of>news)-sitemap)(?:-(?<number>[1-9]\d{0,6}))?\.xml$/;

/** The file that a path names, by the one spelling that it has. */
export function siteFileNamed(path: string): SiteFileName | undefined {
  const fixed = FIXED.get(path);
  if (fixed !== undefined) return fixed;
  const { of, number } = NUMBERED.exec(path)?.groups ?? {};
  if (of === undefined) return undefined;
  const name: SiteFileName =
    of === 'feeds' || of === 'news'
      ? { kind: of, number: Number(number ?? 1) }
      : { kind: 'articles', month: of, number: Number(number ?? 1) };
  return siteFilePath(name) === path ? name : undefined;
}

/** The files that every publication has. */
export const SITE_FILES: readonly string[] = [...FIXED.keys()];

/** The addresses of the other files, as patterns of Express. */
export const SITE_FILE_PATTERNS: readonly string[] = ['sitemap-:part.xml', 'news-sitemap-:part.xml'];
