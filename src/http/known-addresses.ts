import { LRUCache } from 'lru-cache';

/** Every feed in every format, and the spellings that readers make of them. */
const MAX_ADDRESSES = 50_000;
/** Characters. Express answers longer addresses each time. */
const MAX_LENGTH = 300;

/** The addresses at which documents were answered. The cache evicts the address that was not requested for longest. */
export interface KnownAddresses {
  /** Remembers that a document was answered at a request target (RFC 9112 §3.2). Its query is ignored. */
  readonly remember: (target: string, documentName: string) => void;
  /** The name of the document that was answered there. */
  readonly documentAt: (target: string) => string | undefined;
  readonly has: (target: string) => boolean;
}

export function createKnownAddresses(): KnownAddresses {
  const documentNames = new LRUCache<string, string>({ max: MAX_ADDRESSES });
  return {
    remember(target, documentName) {
      if (target.length <= MAX_LENGTH) documentNames.set(withoutQuery(target), documentName);
    },
    documentAt: (target) => documentNames.get(withoutQuery(target)),
    has: (target) => documentNames.has(withoutQuery(target)),
  };
}

/** Readers add numbers to the query to get past caches. A feed's answer depends on nothing in it. */
function withoutQuery(target: string): string {
  const end = target.indexOf('?');
  return end < 0 ? target : target.slice(0, end);
}
