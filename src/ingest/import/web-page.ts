import { Parser } from 'htmlparser2';
import { lineText, shorten } from '../../lib/text.ts';
import { MAX_ADDRESS } from '../../lib/url.ts';
import type { Download } from './download.ts';

/** A feed that a web page names. */
export interface NamedFeed {
  readonly url: string;
  /** Empty without one. */
  readonly title: string;
}

/** Bytes at the beginning of a document that show whether it is a page. */
const HEAD = 4096;
/** Bytes of a page that are searched. Links to feeds stand in its head. */
const MAX_SEARCHED = 2 * 1024 * 1024;
/** With this many open elements the search ends: the parser compares each end tag with all of them. */
export const MAX_OPEN = 500;
const MAX_FEEDS = 50;
const MAX_TITLE = 200;

/** What may stand before the root of a document. A DOCTYPE may declare entities, as those of older drawings do. */
const PROLOGUE = /^(?:\uFEFF|\s+|<\?[^>]*>|<!--[\s\S]*?-->|<!doctype(?! html)[^>[]*(?:\[[^\]]*\]\s*)?>)+/i;
const FEED_ROOT = /^<(?:\w+:)?(?:rss|feed|rdf|entry)[\s>]/i;

/** The beginning of a document from its root element on, with a byte as each character; all without a prologue. */
export function rootOf(bytes: Buffer): string {
  return bytes.toString('latin1', 0, HEAD).replace(/^ï»¿/, '').replace(PROLOGUE, '');
}

/** Whether an answer is a web page. Some servers call their feeds HTML, so the content decides first. */
export function isWebPage({ type, bytes }: Pick<Download, 'type' | 'bytes'>): boolean {
  const start = rootOf(bytes);
  if (FEED_ROOT.test(start) || /^[[{]/.test(start)) return false;
  return /^<(?:!doctype html|html)[\s>]/i.test(start) || type === 'text/html' || type === 'application/xhtml+xml';
}

/** Media types of feeds, by preference. */
const FEED_TYPES: ReadonlyMap<string, number> = new Map([
  ['application/rss+xml', 0],
  ['application/atom+xml', 0],
  ['application/feed+json', 0],
  ['application/rdf+xml', 1],
  ['application/xml', 2],
  ['text/xml', 2],
  ['application/json', 3],
]);
/** Most `application/json` alternates are records of a content system, or embeds, not feeds. */
const NOT_A_FEED = 3;

interface FoundFeed extends NamedFeed {
  readonly rank: number;
}

/**
 * Finds the feeds that a page names by `<link rel="alternate">` and by the `Link` header: the best one first. That is the
 * first of a feed type in the order of the page. Feeds of comments come last.
 */
export function feedsIn({ url, bytes, charset, link }: Download): NamedFeed[] {
  const found: FoundFeed[] = linkHeader(link).flatMap(({ target, rel, parameters }) =>
    foundFeed({ rel, href: target, type: parameters.get('type'), title: parameters.get('title') }, url),
  );
  let base = url;
  let open = 0;
  const parser = new Parser({
    onopentagname() {
      open += 1;
      if (open > MAX_OPEN) parser.pause();
    },
    onclosetag() {
      open -= 1;
    },
    onopentag(name, { href, rel, type, title }) {
      if (name === 'base') base = URL.parse(href ?? '', url)?.href ?? base;
      if (name === 'link' && found.length < MAX_FEEDS) found.push(...foundFeed({ rel, href, type, title }, base));
    },
  });
  parser.end(new TextDecoder(charset).decode(bytes.subarray(0, MAX_SEARCHED)));
  const seen = new Set<string>();
  return found
    .toSorted((one, other) => one.rank - other.rank)
    .filter((feed) => !seen.has(feed.url) && seen.add(feed.url))
    .map(({ url, title }) => ({ url, title }));
}

interface Link {
  readonly rel: string | undefined;
  readonly href: string | undefined;
  readonly type: string | undefined;
  readonly title: string | undefined;
}

function foundFeed({ rel = '', href = '', type = '', title = '' }: Link, base: string): FoundFeed[] {
  const relations = rel.toLowerCase().split(/\s+/);
  const rank = FEED_TYPES.get(type.split(';', 1)[0]?.trim().toLowerCase() ?? '');
  if (!relations.includes('alternate') || relations.includes('stylesheet') || rank === undefined) return [];
  const address = href
    .trim()
    .replace(/^feed:(?:\/\/)?(?=https?:)/i, '')
    .replace(/^feed:/i, 'http:');
  const url = URL.parse(address, base);
  if (url === null || !/^https?:$/.test(url.protocol) || url.href.length > MAX_ADDRESS) return [];
  if (rank === NOT_A_FEED && !/feed/i.test(url.pathname)) return [];
  const isOfComments = /comment/i.test(`${title} ${url.pathname}`);
  return [
    { url: url.href, title: shorten(lineText(title), MAX_TITLE), rank: rank + (isOfComments ? FEED_TYPES.size : 0) },
  ];
}

/** A link of the header `Link` (RFC 8288). */
interface HeaderLink {
  readonly target: string;
  readonly rel: string;
  /** By names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const LINK = /<([^<>]*)>((?:\s*;\s*[\w*-]+(?:\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]*))?)*)/g;
const PARAMETER = /;\s*([\w*-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?/g;
const MAX_HEADER = 16 * 1024;

export function linkHeader(header: string): HeaderLink[] {
  return [...header.slice(0, MAX_HEADER).matchAll(LINK)].map(([, target = '', rest = '']) => {
    const parameters = new Map<string, string>();
    for (const [, name = '', quoted, plain = ''] of rest.matchAll(PARAMETER)) {
      if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), quoted ?? plain);
    }
    return { target, rel: parameters.get('rel') ?? '', parameters };
  });
}
