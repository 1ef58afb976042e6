import type { FeedKey } from '../feed/feeds.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { type CacheCounts, createByteCache } from './byte-cache.ts';
import type { CachedDocument, Validity } from './current-documents.ts';
import type { Document } from './document.ts';
import { type DocumentTags, etagOf, etagsOf } from './representation.ts';

/** What is kept of a document whose bytes may have been evicted: enough for a 304 (RFC 9110 §15.4.5). */
interface TagRecord extends Validity, Pick<Document, 'format' | 'page'> {
  readonly key: FeedKey;
  /** The part that the tags of all codings have in common. */
  readonly tag: string;
  readonly lastModified: number;
  /** Bytes of the document without a coding. */
  readonly length: number;
}

interface TagIndex {
  readonly set: (name: string, document: CachedDocument) => void;
  /** The tags of the document, if they are known and still those of the current document. */
  readonly get: (name: string) => DocumentTags | undefined;
  readonly delete: (name: string) => void;
  /** Removes the tags of documents that are no longer current. */
  readonly removeOutdated: () => void;
  readonly counts: () => CacheCounts;
}

/** Bytes that a record takes in memory, without its strings. */
const RECORD_BYTES = 340;

/**
 * The tags of the documents that were made, for as long as each is current. Most requests of readers are revalidations
 * (RFC 9110 §13): with its tags, a document that is not in memory needs neither to be rendered nor to be compressed to
 * answer them.
 *
 * @param maxBytes memory that the tags may take
 * @param isCurrent the rule by which a document in the cache is current
 */
export function createTagIndex(maxBytes: number, isCurrent: (validity: Validity) => boolean): TagIndex {
  const { lru, counts } = createByteCache<TagRecord>(
    maxBytes,
    ({ tag }, name) => RECORD_BYTES + name.length + tag.length,
  );

  return {
    set(name, { representations, from, until, edition }) {
      const { document, tag, lastModified, length } = representations;
      const { feed, format, page } = document;
      const record = {
        key: feed.key,
        format,
        page,
        tag: ownCopy(tag),
        lastModified,
        length,
        from,
        until,
        edition,
      };
      lru.set(name, omitUndefined(record));
    },
    get(name) {
      const record = lru.get(name);
      return record === undefined || !isCurrent(record) ? undefined : tagsOf(record);
    },
    delete: (name) => lru.delete(name),
    removeOutdated() {
      for (const [name, record] of [...lru.entries()]) if (!isCurrent(record)) lru.delete(name);
    },
    counts,
  };
}

function tagsOf({ key, format, page, tag, lastModified, length }: TagRecord): DocumentTags {
  return {
    document: omitUndefined({ feed: { key }, format, page }),
    etag: (coding) => etagOf(tag, coding),
    etags: etagsOf(tag),
    lastModified,
    length,
  };
}

/** A copy that keeps no other string in memory: V8 keeps the parts of a text that was put together or cut out. */
function ownCopy(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
