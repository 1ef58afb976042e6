import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Instant } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { Scope, Store, StoredKey } from '../store/store.ts';

/**
 * Creates a key and stores its hash. The key itself is returned once and cannot be shown again. Its secret has 256 random
 * bits, so that a plain hash is safe against a search.
 */
export async function createKey(
  store: Pick<Store, 'createKey'>,
  name: string,
  scope: Scope,
  createdAt: Instant,
  limits: { readonly expiresAt?: Instant | undefined; readonly partner?: string | undefined } = {},
): Promise<{ id: string; key: string }> {
  const id = randomBytes(6).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  await store.createKey(omitUndefined({ id, name, scope, hash: hashOf(secret), createdAt, ...limits }));
  return { id, key: `fp_${id}_${secret}` };
}

const KEY = /^fp_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/;
/** Stands in for the parts of a text that is no key, and for the hash of an unknown key: no secret has it. */
const NO_ID = '';
const NO_SECRET = 'A'.repeat(43);
const NO_HASH = new Uint8Array(32);

/**
 * Verifies a key that a client presents. Returns undefined where it is missing, malformed, unknown, revoked or expired.
 * Every one of these takes the same steps as a valid key: a look-up, for which the store does the same as well, a hash, a comparison. So the time of an answer does
 * not tell which keys there are.
 */
export async function verifyKey(
  store: Pick<Store, 'key'>,
  presented: string | undefined,
  at: Instant,
): Promise<StoredKey | undefined> {
  const [, id = NO_ID, secret = NO_SECRET] = KEY.exec(presented ?? '') ?? [];
  const key = await store.key(id);
  const isSame = timingSafeEqual(hashOf(secret), key?.hash ?? NO_HASH);
  return isSame && key !== undefined && isActive(key, at) ? key : undefined;
}

/** Whether a key is neither revoked nor expired. */
export function isActive({ revokedAt, expiresAt }: StoredKey, at: Instant): boolean {
  return revokedAt === undefined && (expiresAt === undefined || at < expiresAt);
}

function hashOf(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest();
}
