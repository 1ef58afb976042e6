import { createHash, hash } from 'node:crypto';
import { parseDictionary } from './structured-fields.ts';

const known = new WeakMap<Uint8Array, string>();

/** `Repr-Digest` of a representation in its content coding (RFC 9530 §3). Made once for the bytes of a document. */
export function reprDigest(bytes: Uint8Array): string {
  const made = known.get(bytes) ?? `sha-256=:${hash('sha256', bytes, 'base64')}:`;
  known.set(bytes, made);
  return made;
}

/** The algorithms that prove something (RFC 9530 §5), by their names in Node. */
const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
]);

/** Whether a `Repr-Digest` fits; undefined where it has no digest that can be checked. */
export function fitsDigest(header: string, bytes: Uint8Array): boolean | undefined {
  const members = parseDictionary(header) ?? new Map();
  let fits: boolean | undefined;
  for (const [name, algorithm] of ALGORITHMS) {
    const digest = members.get(name);
    if (digest === undefined) continue;
    const actual = createHash(algorithm).update(bytes).digest();
    const isEqual = 'value' in digest && digest.value instanceof Uint8Array && actual.equals(digest.value);
    fits = fits !== false && isEqual;
  }
  return fits;
}
