import { isUtf8 } from 'node:buffer';
import { Parser } from 'htmlparser2';
import { innerBase } from '../../lib/url.ts';
import type { Download } from './download.ts';
import { linkHeader, MAX_OPEN } from './web-page.ts';

/** Where a feed goes on. */
export interface NextPage {
  readonly url: string;
  /** Whether nothing but the software of the site tells that there may be such a page. */
  readonly isGuess: boolean;
}

/** The parts of a page of a feed that lead to others. */
export interface PageFacts {
  readonly next: NextPage | undefined;
  /** The id of the first story, to recognise a page that comes again; undefined without stories. */
  readonly firstStory: string | undefined;
}

/** Relations to the older part of a feed: paged and archived feeds (RFC 5005 §3 and §4). */
const OLDER = ['next', 'prev-archive'];

/** Finds out how a feed goes on: by its links, the `Link` header, `next_url` of JSON Feed, or `?paged=` of WordPress. */
export function pageFacts(page: Download): PageFacts {
  const isJson = /^[\s\uFEFF]*\{/.test(page.bytes.toString('utf8', 0, 1024));
  const { reference, isWordpress, firstStory } = isJson ? jsonFacts(page) : xmlFacts(page);
  const linked = linkHeader(page.link).find(({ rel }) => isOlder(rel))?.target;
  const url = webAddress(reference ?? linked, page.url);
  if (url !== undefined) return { next: { url, isGuess: false }, firstStory };
  const guess = isWordpress && firstStory !== undefined ? pagedAddress(page.url) : undefined;
  return { next: guess === undefined ? undefined : { url: guess, isGuess: true }, firstStory };
}

function isOlder(rel: string): boolean {
  return rel
    .toLowerCase()
    .split(/\s+/)
    .some((relation) => OLDER.includes(relation));
}

interface DocumentFacts {
  readonly reference?: string | undefined;
  readonly isWordpress: boolean;
  readonly firstStory: string | undefined;
}

function jsonFacts({ bytes }: Download): DocumentFacts {
  try {
    if (!isUtf8(bytes)) return { isWordpress: false, firstStory: undefined };
    const { next_url, items } = Object(JSON.parse(bytes.toString().replace(/^\uFEFF/, ''))) as {
      readonly next_url?: unknown;
      readonly items?: unknown;
    };
    const first: unknown = Array.isArray(items) ? items[0] : undefined;
    return {
      reference: typeof next_url === 'string' ? next_url : undefined,
      isWordpress: false,
      firstStory: first === undefined ? undefined : JSON.stringify(Object(first).id ?? first),
    };
  } catch {
    return { isWordpress: false, firstStory: undefined }; // the import reports why it is not JSON
  }
}

/**
 * Looks for links, the generator and the first story of RSS or Atom. All of these are ASCII in every encoding but UTF-16,
 * so that a page need not be decoded.
 */
function xmlFacts({ bytes, url }: Download): DocumentFacts {
  const open: string[] = [];
  /** The bases of the open root and channel. */
  const bases: (string | undefined)[] = [];
  let reference: string | undefined;
  let generator = '';
  const stories: { id: string; other: string }[] = [];
  /** How many elements are open around the story that is open; 0 without one. */
  let storyDepth = 0;
  const parser = new Parser(
    {
      onopentag(qualifiedName, attributes) {
        const name = localName(qualifiedName);
        const outer = bases[Math.min(open.length, bases.length) - 1] ?? url;
        const own = attributes['xml:base'];
        const base = own === undefined ? outer : (innerBase(own, outer) ?? outer);
        if (open.length < 2) bases.splice(open.length, Number.POSITIVE_INFINITY, base);
        if (storyDepth === 0 && name === 'link' && isOlder(attributes.rel ?? ''))
          reference ??= URL.parse(attributes.href?.trim() ?? '', base)?.href;
        open.push(name);
        if (open.length > MAX_OPEN) parser.pause();
        if (storyDepth > 0 || !isStory(name)) return;
        storyDepth = open.length;
        if (stories.length < 2) stories.push({ id: '', other: '' });
      },
      ontext(text) {
        const name = open.at(-1);
        if (storyDepth === 0 && name === 'generator') generator += text;
        const [story] = stories;
        if (story === undefined || stories.length > 1 || open.length !== storyDepth + 1) return;
        if (name === 'guid' || name === 'id') story.id += text;
        else if (name === 'link' || name === 'title') story.other += text;
      },
      onclosetag() {
        if (open.length === storyDepth) storyDepth = 0;
        open.pop();
      },
    },
    { xmlMode: true },
  );
  const isUtf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  parser.end(bytes.toString(isUtf16 ? 'utf16le' : 'latin1'));
  return {
    reference,
    isWordpress: /wordpress\.(?:org|com)/i.test(generator),
    firstStory: stories[0] === undefined ? undefined : stories[0].id.trim() || stories[0].other.trim(),
  };
}

function localName(qualifiedName: string): string {
  return qualifiedName.slice(qualifiedName.indexOf(':') + 1).toLowerCase();
}

function isStory(name: string): boolean {
  return name === 'item' || name === 'entry';
}

function webAddress(reference: string | undefined, base: string): string | undefined {
  const url = reference === undefined ? null : URL.parse(reference, base);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  url.hash = '';
  return url.href;
}

/** Most pages of WordPress have the number in the query, whatever the form of their addresses is. */
function pagedAddress(address: string): string {
  const url = new URL(address);
  const page = Number(url.searchParams.get('paged') ?? 1);
  url.searchParams.set('paged', String(Number.isInteger(page) && page > 0 ? page + 1 : 2));
  return url.href;
}
