import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import {
  type InnerList,
  type Item,
  innerListText,
  isInnerList,
  itemText,
  type Parameters,
  parseDictionary,
} from './structured-fields.ts';

/** Looks up the value of a component: a derived one (`@status`), or a field with its lines joined. Undefined where it is missing. */
export type ComponentValue = (name: string, parameters: Parameters) => string | undefined;

/**
 * The text that is signed (RFC 9421 §2.5). Undefined where a component is missing, occurs twice, or has parameters that
 * change its value: `value` decides what it knows.
 */
export function signatureBase(covered: InnerList, value: ComponentValue): string | undefined {
  const lines = new Map<string, string>();
  for (const item of covered.items) {
    const identifier = itemText(item);
    const found = typeof item.value === 'string' ? value(item.value, item.parameters) : undefined;
    if (found === undefined || lines.has(identifier) || /[\r\n]/.test(found)) return undefined;
    lines.set(identifier, `${identifier}: ${found}`);
  }
  return [...lines.values(), `"@signature-params": ${innerListText(covered)}`].join('\n');
}

/** The members of `Signature-Input` and `Signature` that belong together. */
export interface ParsedSignature {
  readonly covered: InnerList;
  readonly signature: Uint8Array;
}

/** The signatures of a message by their labels; those that are not well-formed are left out. */
export function parseSignatures(input: string, signatures: string): ReadonlyMap<string, ParsedSignature> {
  const inputs = parseDictionary(input) ?? new Map();
  const values = parseDictionary(signatures) ?? new Map();
  const parsed = new Map<string, ParsedSignature>();
  for (const [label, covered] of inputs) {
    const member = values.get(label);
    if (!isInnerList(covered) || member === undefined || isInnerList(member)) continue;
    if (member.value instanceof Uint8Array) parsed.set(label, { covered, signature: member.value });
  }
  return parsed;
}

/** Whether a signature is that of an Ed25519 key over these values (RFC 9421 §3.2, §3.3.6). */
export function isSignedBy(key: KeyObject, { covered, signature }: ParsedSignature, value: ComponentValue): boolean {
  const base = signatureBase(covered, value);
  const alg = covered.parameters.get('alg');
  if (base === undefined || (alg !== undefined && alg !== 'ed25519')) return false;
  return verify(null, Buffer.from(base), key, signature);
}

/** Signs the values of these fields and derived components. Returns the headers of the signature. */
export interface Signer {
  readonly sign: (
    components: ReadonlyMap<string, string>,
    createdAt: number,
  ) => { readonly 'Signature-Input': string; readonly Signature: string };
}

export const LABEL = 'delivery';
/** Says what the signature is for (RFC 9421 §7.2.5): it must not pass for one of another application. */
export const TAG = 'feed-publisher-delivery';

const NONE: Parameters = new Map();

export function createSigner(key: KeyObject, keyId: string): Signer {
  return {
    sign(components, createdAt) {
      const items = [...components.keys()].map((name): Item => ({ value: name, parameters: NONE }));
      const parameters = new Map<string, string | number>([
        ['created', Math.floor(createdAt / 1000)],
        ['keyid', keyId],
        ['alg', 'ed25519'],
        ['tag', TAG],
      ]);
      const covered = { items, parameters };
      const base = signatureBase(covered, (name) => components.get(name));
      if (base === undefined) throw new TypeError('A component of a signature has more than one line.');
      const signature = sign(null, Buffer.from(base), key).toString('base64');
      return { 'Signature-Input': `${LABEL}=${innerListText(covered)}`, Signature: `${LABEL}=:${signature}:` };
    },
  };
}

/** The name of a key: its thumbprint (RFC 7638, RFC 8037 §2). */
export function keyIdOf(key: KeyObject): string {
  const { crv, kty, x } = key.export({ format: 'jwk' });
  return createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
}
