import type { Instant } from '../../lib/instant.ts';
import { reprDigest } from './digest.ts';
import type { Signer } from './signature.ts';

/** An answer to a partner, before it is sent. */
export interface ProvableAnswer {
  readonly status: number;
  /** One flat list of names and values. */
  readonly headers: readonly string[];
  /** The representation in its content coding, also where the answer has no body: HEAD. Missing for a 304. */
  readonly representation?: Uint8Array | undefined;
  /** The address of the feed without a key. */
  readonly address: string;
}

/** The fields that are signed, where an answer has them. */
const SIGNED = ['content-type', 'content-encoding', 'etag', 'last-modified'];

/**
 * The headers that prove an answer: what it is of (RFC 9110 §8.7), a digest of the representation (RFC 9530), and a signature
 * (RFC 9421) where the operator has a key. A 304 has no digest: it is no representation (RFC 9110 §15.4.5), and its tag
 * names the one that the client has.
 */
export function proofHeaders(
  { status, headers, representation, address }: ProvableAnswer,
  { signer, now }: { readonly signer: Signer | undefined; readonly now: Instant },
): string[] {
  const digest = representation === undefined ? undefined : reprDigest(representation);
  const own = ['Content-Location', address, ...(digest === undefined ? [] : ['Repr-Digest', digest])];
  if (signer === undefined) return own;
  const components = new Map([['@status', String(status)]]);
  for (const name of SIGNED) {
    const value = fieldIn(headers, name);
    if (value !== undefined) components.set(name, value);
  }
  components.set('content-location', address);
  if (digest !== undefined) components.set('repr-digest', digest);
  return [...own, ...Object.entries(signer.sign(components, now)).flat()];
}

function fieldIn(headers: readonly string[], name: string): string | undefined {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() === name) return headers[index + 1];
  }
  return undefined;
}
