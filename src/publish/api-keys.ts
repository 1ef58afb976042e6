import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Instant } from '../lib/instant.ts';
import type { Scope, Store, StoredKey } from '../store/store.ts';

/**
 * Creates an API key and stores its hash. The key itself is returned once and cannot be shown again. Its secret has 256
 * random bits, so that a plain hash is safe against a search.
 */
export async function createKey(
  store: Pick<Store, 'createKey'>,
  name: string,
  scope: Scope,
  createdAt: Instant,
): Promise<{ id: string; key: string }> {
  const id = randomBytes(6).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  await store.createKey({ id, name, scope, hash: hashOf(secret), createdAt });
  return { id, key: `fp_${id}_${secret}` };
}

/** Verifies a key that a client presents. Returns undefined where it is malformed, unknown or revoked. */
export async function verifyKey(store: Pick<Store, 'key'>, presented: string): Promise<StoredKey | undefined> {
  const [, id, secret] = /^fp_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/.exec(presented) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  const key = await store.key(id);
  if (key === undefined || key.revokedAt !== undefined) return undefined;
  return timingSafeEqual(hashOf(secret), key.hash) ? key : undefined;
}

function hashOf(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest();
}
