import type { DocumentFormat, Feed, Format } from '../feed/feeds.ts';
import type { Head } from '../format/renderer.ts';
import { RENDERERS } from '../format/renderers.ts';
import type { Instant } from '../lib/instant.ts';

/** A feed in a format at a moment, or a page. */
export interface Document {
  /** For the page of all feeds, the feed of all articles. */
  readonly feed: Feed;
  readonly format: DocumentFormat;
  readonly bytes: Buffer;
  /** Where the entries are within the bytes, in their order. */
  readonly entries: readonly EntrySpan[];
  /** When an article last came, changed or left. */
  readonly changedAt: Instant;
  /** When time alone will change the document next, if that is known. */
  readonly nextChangeAt?: Instant;
  /** Made for one request, and kept by no cache without asking again: the page of a search. */
  readonly isPassing?: boolean;
  /** What browsers are allowed to load for a page: its Content-Security-Policy. */
  readonly policy?: string;
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
  const separator = Buffer.from(renderer.separator);
  const before = Buffer.from(renderer.head(head));
  let end = before.length - separator.length;
  const spans = entries.map(({ bytes, tag }): EntrySpan => {
    const start = end + separator.length;
    end = start + bytes.length;
    return { start, end, tag };
  });
  const between = entries.flatMap(({ bytes }, index) => (index === 0 ? [bytes] : [separator, bytes]));
  return {
    bytes: concatenate([before, ...between, Buffer.from(renderer.tail)]),
    entries: spans,
  };
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
