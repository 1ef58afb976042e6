import type { DocumentFormat, Feed, Format } from '../feed/feeds.ts';
import type { Head } from '../format/renderer.ts';
import { RENDERERS } from '../format/renderers.ts';
import type { Instant } from '../lib/instant.ts';
import type { Reach } from '../store/delivery-store.ts';

/** A feed in a format at a moment, or a page. */
export interface Document {
  /** For the page of all feeds, the feed of all articles. */
  readonly feed: Feed;
  readonly format: DocumentFormat;
  /** The page of the feed's archive that this document is. Missing for the current document. */
  readonly page?: number;
  readonly bytes: Buffer;
  /** Where the entries are within the bytes, in their order. */
  readonly entries: readonly EntrySpan[];
  /** When an article last came, changed or left. */
  readonly changedAt: Instant;
  /** When time alone will change the document next, if that is known. */
  readonly nextChangeAt?: Instant;
  /** Made for one request, and kept by no cache without asking again: the page of a search. */
  readonly isPassing?: boolean;
  /** What the headers of answers say about the terms: it is a part of the tags. */
  readonly termsInHeaders?: string;
  /** Missing for documents that everybody may have. */
  readonly partner?: PartnerDocument;
  /** What browsers are allowed to load for a page: its Content-Security-Policy. */
  readonly policy?: string;
}

/** What a document of a partner has besides. */
export interface PartnerDocument {
  /** Without parameters. */
  readonly mediaType: string;
  /** Its address, without a key. */
  readonly self: string;
  /** The store's numbers of the articles in it, in their order, without those that are gone. */
  readonly articles: readonly number[];
  /** The newest revision of an article in it, or of one that is gone; 0 where it has none. */
  readonly revision: number;
  /** What of its feed it has. */
  readonly reach: Reach;
}

/** The bytes of an entry within a document, from `start` up to `end`. */
export interface EntrySpan {
  readonly start: number;
  readonly end: number;
  readonly tag: string;
}

/** A rendered article. */
export interface Entry {
  readonly bytes: Buffer;
  /** Four characters that stand for the bytes in entity tags. */
  readonly tag: string;
}

interface DocumentParts {
  readonly head: Head;
  readonly entries: readonly Entry[];
}

/** The bytes of a document: head, entries with separators between them, tail. */
export function joinDocument(format: Format, { head, entries }: DocumentParts): Pick<Document, 'bytes' | 'entries'> {
  const renderer = RENDERERS[format];
  const before = Buffer.from(renderer.head(head));
  const separator = Buffer.byteLength(renderer.separator);
  let end = before.length - separator;
  const spans = entries.map(({ bytes, tag }): EntrySpan => {
    const start = end + separator;
    end = start + bytes.length;
    return { start, end, tag };
  });
  const entryBytes = entries.map(({ bytes }) => bytes);
  return { bytes: joinEntries(before, entryBytes, renderer), entries: spans };
}

/** The bytes of a document of any dialect. */
export function joinEntries(
  head: string | Buffer,
  entries: readonly Buffer[],
  around: { readonly separator: string; readonly tail: string },
): Buffer {
  const separator = Buffer.from(around.separator);
  const between = entries.flatMap((bytes, index) => (index === 0 ? [bytes] : [separator, bytes]));
  return concatenate([typeof head === 'string' ? Buffer.from(head) : head, ...between, Buffer.from(around.tail)]);
}

/** The bytes of the document with only some of its entries: its head, these entries, its tail. */
export function partialDocument({ bytes, entries, format }: Document, some: readonly EntrySpan[]): Buffer {
  if (format === 'html') return bytes; // a page has no entries that its tag could name
  const separator = Buffer.from(RENDERERS[format].separator);
  const before = bytes.subarray(0, entries.at(0)?.start ?? bytes.length);
  const after = bytes.subarray(entries.at(-1)?.end ?? bytes.length);
  const between = some.flatMap(({ start, end }, index) =>
    index === 0 ? [bytes.subarray(start, end)] : [separator, bytes.subarray(start, end)],
  );
  return concatenate([before, ...between, after]);
}

/** Bytes from which on a document gets memory pages of its own. */
const LARGE = 32 * 1024;

/**
 * The buffers in one. A resizable ArrayBuffer gets memory pages of its own: in the allocator's heap, buffers of
 * hundreds of kilobytes that come and go between entries that stay would leave holes of many megabytes.
 */
function concatenate(buffers: readonly Buffer[]): Buffer {
  const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
  const bytes =
    length < LARGE
      ? Buffer.allocUnsafeSlow(length)
      : Buffer.from(new ArrayBuffer(length, { maxByteLength: length }), 0, length);
  let end = 0;
  for (const buffer of buffers) end += buffer.copy(bytes, end);
  return bytes;
}
