import type { Instant } from '../lib/instant.ts';
import { type CacheCounts, createByteCache } from './byte-cache.ts';
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

/** The documents as they are now: evicts the least recently requested ones, and hides those that time has changed. */
export function createCurrentDocuments(maxBytes: number, now: () => Instant): CurrentDocuments {
  const { lru, counts } = createByteCache<CachedDocument>(maxBytes, ({ representations }) => representations.size());

  /** Compares with `from` too: if the clock was set back, the document may show articles that are not published yet. */
  function isCurrent(document: Validity): boolean {
    const { from, until } = document;
    const at = now();
    if (document.edition?.isOver === true) return false;
    return at >= from && at < until;
  }

  return {
    request(name) {
      const document = lru.get(name);
      if (document === undefined || !isCurrent(document)) return undefined;
      document.requests += 1;
      return document.representations;
    },
    peek: (name) => lru.peek(name),
    isCurrent,
    set: (name, document) => lru.set(name, document),
    outdate(name) {
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
      for (const name of [...lru.keys()]) {
        const document = lru.peek(name);
        if (document !== undefined && !isCurrent(document)) lru.delete(name);
      }
    },
    measure(name, representations) {
      const document = lru.peek(name);
      if (document?.representations !== representations) return;
      lru.delete(name); // lru-cache does not measure a value again that it holds
      lru.set(name, document);
    },
    counts,
  };
}
