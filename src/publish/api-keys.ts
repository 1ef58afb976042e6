import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { PublisherError } from '../errors.ts';
import type { Instant } from '../lib/instant.ts';
import type { Scope, Store, StoredKey } from '../store/store.ts';

/**
 * Makes a key for the API and keeps its hash. The key itself is returned once and can never be shown again. Its secret
 * has 256 random bits, so a plain hash cannot be searched for it.
 */
export async function createKey(
  store: Store,
  name: string,
  scope: Scope,
  createdAt: Instant,
): Promise<{ id: string; key: string }> {
  const id = randomBytes(6).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  await store.createKey({ id, name, scope, hash: hashOf(secret), createdAt });
  return { id, key: `fp_${id}_${secret}` };
}

/**
 * Finds the key of an `Authorization: Bearer` header (RFC 6750 §2.1).
 *
 * @throws PublisherError `unauthorized` without a known key, `forbidden` where its scope does not reach
 */
export async function authorise(store: Store, authorization: string | undefined, scope: Scope): Promise<StoredKey> {
  const [, id = '', secret = ''] = /^Bearer +fp_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/i.exec(authorization ?? '') ?? [];
  const key = id === '' ? undefined : await store.key(id);
  if (key === undefined || key.revokedAt !== undefined || !timingSafeEqual(hashOf(secret), key.hash)) {
    throw new PublisherError('unauthorized', 'This needs a key.', {
      hint: 'Send Authorization: Bearer with a key that “key create” made.',
    });
  }
  if (scope === 'write' && key.scope !== 'write') {
    throw new PublisherError('forbidden', `The key ${key.id} may read, not write.`, {
      hint: 'A key for writing is made by “key create --scope write”.',
    });
  }
  return key;
}

function hashOf(secret: string): Uint8Array {
  return createHash('sha256').update(secret).digest();
}
