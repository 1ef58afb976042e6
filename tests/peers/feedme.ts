import { once } from 'node:events';
import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';
import { instant, type Reading } from './reading.ts';

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
    id: textOf(item.guid) ?? '',
    title: textOf(item.title) ?? '',
    link: textOf(item.link) ?? '',
    ...dates(item.pubdate, item['dcterms:modified'] ?? item['atom:updated']),
    authors: listOf(item['dc:creator'] ?? item.author).flatMap((author) => textOf(author) ?? []),
    ...texts(item['content:encoded'], item.description),
  };
}

function fromAtom(entry: Element): Reading {
  const link = listOf(entry.link).find((each) => [undefined, 'alternate'].includes(textOf(memberOf(each, 'rel'))));
  return {
    id: textOf(entry.id) ?? '',
    title: textOf(entry.title) ?? '',
    link: textOf(memberOf(link, 'href')) ?? '',
    ...dates(entry.published, entry.updated),
    authors: listOf(entry.author).flatMap((author) => textOf(memberOf(author, 'name')) ?? []),
    ...texts(entry.content, entry.summary),
  };
}

function fromJson(item: Element): Reading {
  return {
    id: textOf(item.id) ?? '',
    title: textOf(item.title) ?? '',
    link: textOf(item.url) ?? '',
    ...dates(item.date_published, item.date_modified),
    authors: listOf(item.authors).flatMap((author) => textOf(memberOf(author, 'name')) ?? []),
    ...texts(item.content_html ?? item.content_text, item.summary),
  };
}

/** feedme gives an element without attributes as its text, one with attributes as an object with a `text`. */
function textOf(value: unknown): string | undefined {
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

function dates(published: unknown, updated: unknown): Pick<Reading, 'published' | 'updated'> {
  const [from, to] = [textOf(published), textOf(updated)];
  return {
    ...(from === undefined ? {} : { published: instant(from) }),
    ...(to === undefined ? {} : { updated: instant(to) }),
  };
}

/** An entry without a body of its own shows its summary as the body. */
function texts(content: unknown, summary: unknown): Pick<Reading, 'body' | 'summary'> {
  const [full, short] = [textOf(content), textOf(summary)];
  if (full === undefined) return { body: short ?? '' };
  return { body: full, ...(short === undefined ? {} : { summary: short }) };
}
