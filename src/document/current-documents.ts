import type { Instant } from '../lib/instant.ts';
import { type CacheCounts, createByteCache } from './byte-cache.ts';
import { createPackedDocuments } from './packed-documents.ts';
import type { Representations } from './representation.ts';
import { type HotDocument, MAX_HOT } from './rewarmer.ts';

/** When a document is current. */
export interface Validity {
  /** The document is current from this instant until that one, unless its feed changes. */
  readonly from: Instant;
  readonly until: Instant;
  /** What the document belongs to besides its feed. Missing for current documents in the formats of feeds. */
  readonly edition?: Edition;
}

/** A document in the cache. */
export interface CachedDocument extends Validity {
  readonly representations: Representations;
  until: Instant;
  /** Requests for the document while it was current. */
  requests: number;
}

/** Documents that are current until any of them may have changed. */
export interface Edition {
  isOver: boolean;
}

interface CurrentDocuments {
  /** The document if it is in the cache and current. Counts a request for it. */
  readonly request: (name: string) => Representations | undefined;
  /** The document if it is in the cache, even if it is no longer current. Counts no request. */
  readonly peek: (name: string) => CachedDocument | undefined;
  /** The representations of a document that are known, packed ones as well, even if it is no longer current. */
  readonly recall: (name: string) => Representations | undefined;
  readonly isCurrent: (document: Validity) => boolean;
  readonly set: (name: string, document: CachedDocument) => void;
  /** Marks a document as no longer current. It stays until another replaces it, which may have the same bytes. */
  readonly outdate: (name: string) => void;
  /** The documents of feeds that were requested, the most requested ones first, up to a limit. */
  readonly hot: () => readonly HotDocument[];
  /** Removes the documents that are no longer current. */
  readonly removeOutdated: () => void;
  /** Measures a document again whose representations have grown. Without effect if the cache no longer holds them. */
  readonly measure: (name: string, representations: Representations) => void;
  readonly counts: () => CacheCounts;
}

/**
 * The documents as they are now: evicts the least recently requested ones, and hides those that time has changed.
 *
 * @param packedBytes memory for documents that were evicted, which are kept compressed
 */
export function createCurrentDocuments(maxBytes: number, now: () => Instant, packedBytes = 0): CurrentDocuments {
  const packed = createPackedDocuments(packedBytes);
  const { lru, counts } = createByteCache<CachedDocument>(
    maxBytes,
    ({ representations }) => representations.size(),
    (name, document) => isCurrent(document) && packed.add(name, document),
  );

  function find(name: string): CachedDocument | undefined {
    const known = lru.get(name);
    const validity = known === undefined ? packed.validityOf(name) : undefined;
    if (validity === undefined || !isCurrent(validity)) return known;
    const unpacked = unpack(name);
    if (unpacked !== undefined) set(name, unpacked);
    return unpacked;
  }

  function unpack(name: string): CachedDocument | undefined {
    return packed.unpack(name, (made) => measure(name, made));
  }

  function set(name: string, document: CachedDocument): void {
    packed.delete(name);
    lru.set(name, document);
  }

  function measure(name: string, representations: Representations): void {
    const document = lru.peek(name);
    if (document?.representations !== representations) return;
    lru.delete(name); // lru-cache does not measure a value again that it holds
    lru.set(name, document);
  }

  /** Compares with `from` too: if the clock was set back, the document may show articles that are not published yet. */
  function isCurrent(document: Validity): boolean {
    const { from, until } = document;
    const at = now();
    if (document.edition?.isOver === true) return false;
    return at >= from && at < until;
  }

  return {
    request(name) {
      const document = find(name);
      if (document === undefined || !isCurrent(document)) return undefined;
      document.requests += 1;
      return document.representations;
    },
    peek: (name) => lru.peek(name),
    recall: (name) => (lru.peek(name) ?? unpack(name))?.representations,
    isCurrent,
    set,
    outdate(name) {
      packed.outdate(name);
      const document = lru.peek(name);
      if (document === undefined) return;
      document.until = Number.NEGATIVE_INFINITY;
      document.requests = 0;
    },
    hot() {
      const found: HotDocument[] = [];
      for (const { requests, representations } of lru.values()) {
        const { document, body } = representations;
        if (requests > 0 && document.format !== 'html')
          found.push({ key: document.feed.key, format: document.format, requests, codings: body.codings() });
      }
      return found.sort((one, other) => other.requests - one.requests).slice(0, MAX_HOT);
    },
    removeOutdated() {
      packed.removeOutdated(isCurrent);
      for (const name of [...lru.keys()]) {
        const document = lru.peek(name);
        if (document !== undefined && !isCurrent(document)) lru.delete(name);
      }
    },
    measure,
    counts() {
      const [loose, packedAway] = [counts(), packed.counts()];
      return { ...loose, count: loose.count + packedAway.count, bytes: loose.bytes + packedAway.bytes };
    },
  };
}
