import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';
import { datesOf, type Reading, textOfHtml, textsOf } from './reading.ts';

const require = createRequire(import.meta.url);

// feedme's types describe a default export that its CommonJS module does not have.
const FeedMe: new (buffer: boolean) => Writable & { done(): Document | undefined } = require('feedme');

// feedme's JSON parser refuses strings of more than 64 kB, and a long article is one.
const clarinet: { MAX_BUFFER_LENGTH: number } = createRequire(require.resolve('feedme'))('clarinet');
clarinet.MAX_BUFFER_LENGTH = Number.POSITIVE_INFINITY;

type Document = { readonly type: string; readonly items: readonly Element[] };
type Element = { readonly [name: string]: unknown };

/**
 * The document as feedme (RSS, Atom and JSON Feed) understood it. It stands beside feedsmith because it shares nothing
 * with it: its XML comes from sax, its JSON from clarinet. @extractus/feed-extractor was tried and is no witness: it
 * drops the markup and the authors, decodes entities twice and reads the title "007" as 7.
 */
export async function feedme(text: string): Promise<readonly Reading[]> {
  const parser = new FeedMe(true);
  parser.end(text);
  await once(parser, 'finish');
  const document = parser.done();
  if (document === undefined) throw new Error('feedme read no feed');
  if (document.type === 'json') return document.items.map(fromJson);
  if (document.type === 'atom') return document.items.map(fromAtom);
  return document.items.map(fromRss);
}

function fromRss(item: Element): Reading {
  return {
    id: textOrUndefined(item.guid) ?? '',
    title: textOrUndefined(item.title) ?? '',
    link: textOrUndefined(item.link) ?? '',
    ...datesOf(textOrUndefined(item.pubdate), textOrUndefined(item['dcterms:modified'])),
    authors: listOf(item['dc:creator'] ?? item.author).flatMap((author) => textOrUndefined(author) ?? []),
    ...textsOf(textOrUndefined(item['content:encoded']), htmlText(item.description)),
  };
}

function fromAtom(entry: Element): Reading {
  const link = listOf(entry.link).find((each) =>
    [undefined, 'alternate'].includes(textOrUndefined(memberOf(each, 'rel'))),
  );
  return {
    id: textOrUndefined(entry.id) ?? '',
    title: plainText(entry.title) ?? '',
    link: textOrUndefined(memberOf(link, 'href')) ?? '',
    ...datesOf(textOrUndefined(entry.published), textOrUndefined(entry.updated)),
    authors: listOf(entry.author).flatMap((author) => textOrUndefined(memberOf(author, 'name')) ?? []),
    ...textsOf(textOrUndefined(entry.content), plainText(entry.summary)),
  };
}

function fromJson(item: Element): Reading {
  return {
    id: textOrUndefined(item.id) ?? '',
    title: textOrUndefined(item.title) ?? '',
    link: textOrUndefined(item.url) ?? '',
    ...datesOf(textOrUndefined(item.date_published), textOrUndefined(item.date_modified)),
    authors: listOf(item.authors).flatMap((author) => textOrUndefined(memberOf(author, 'name')) ?? []),
    ...textsOf(textOrUndefined(item.content_html ?? item.content_text), textOrUndefined(item.summary)),
  };
}

/** The text of an Atom text construct (RFC 4287 §3.1). */
function plainText(construct: unknown): string | undefined {
  return memberOf(construct, 'type') === 'html' ? htmlText(construct) : textOrUndefined(construct);
}

function htmlText(element: unknown): string | undefined {
  const html = textOrUndefined(element);
  return html === undefined ? undefined : textOfHtml(html);
}

/** feedme gives an element without attributes as its text, one with attributes as an object with a `text`. */
function textOrUndefined(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const text = memberOf(value, 'text');
  return typeof text === 'string' ? text : undefined;
}

/** feedme gives an element that stands once as itself, and one that is repeated as an array. */
function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
