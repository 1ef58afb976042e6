import { createLru } from '../lib/lru.ts';
import { feedPathOf } from './target.ts';

/** Every feed in every format, and the spellings that readers make of them. */
const MAX_ADDRESSES = 50_000;
/** Characters before the query. Express answers longer targets each time. */
const MAX_LENGTH = 300;

/** The addresses at which documents were answered. The cache evicts the address that was not requested for longest. */
export interface KnownAddresses {
  /** Remembers that a document was answered at a path, as Express read it from the request target. */
  readonly remember: (path: string, documentName: string) => void;
  /** The name of the document that was answered at a target with this path, whatever its host and query. */
  readonly documentAt: (target: string | undefined) => string | undefined;
  readonly has: (target: string | undefined) => boolean;
}

export function createKnownAddresses(): KnownAddresses {
  const documentNames = createLru<string, string>(MAX_ADDRESSES);
  return {
    remember(path, documentName) {
      const key = keyOf(path);
      if (key !== undefined) documentNames.set(key, documentName);
    },
    documentAt(target) {
      const key = keyOf(target);
      return key === undefined ? undefined : documentNames.get(key);
    },
    has(target) {
      const key = keyOf(target);
      return key !== undefined && documentNames.has(key);
    },
  };
}

/** The path alone: readers add numbers to the query to get past caches, and a feed's answer depends on nothing in it. */
function keyOf(target = ''): string | undefined {
  const query = target.indexOf('?');
  const length = query < 0 ? target.length : query;
  return length <= MAX_LENGTH ? feedPathOf(target) : undefined;
}
