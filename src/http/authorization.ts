import type { IncomingMessage } from 'node:http';
import { PublisherError } from '../errors.ts';
import { verifyKey } from '../publish/api-keys.ts';
import type { Scope, Store, StoredKey } from '../store/store.ts';

/** The result for each request, so that the request queue and the handler share one check. */
const authenticated = new WeakMap<IncomingMessage, Promise<StoredKey | undefined>>();

/**
 * The API key of a request's `Authorization: Bearer` header (RFC 6750 §2.1). The first call for a request looks the key up
 * in the store; later calls return the same result. A key that is revoked meanwhile fails at the next request.
 *
 * @returns undefined without a valid key
 * @throws PublisherError `store_unavailable`
 */
export function authenticate(store: Pick<Store, 'key'>, request: IncomingMessage): Promise<StoredKey | undefined> {
  const known = authenticated.get(request);
  if (known !== undefined) return known;
  const key = bearerKey(store, request.headers.authorization);
  authenticated.set(request, key);
  return key;
}

/**
 * Requires an API key with that scope.
 *
 * @throws PublisherError `unauthorized` without a valid key, `forbidden` where its scope is too small
 */
export async function authorize(store: Pick<Store, 'key'>, request: IncomingMessage, scope: Scope): Promise<StoredKey> {
  const key = await authenticate(store, request);
  if (key === undefined) {
    throw new PublisherError('unauthorized', 'This address needs an API key.', {
      hint: 'Send the header “Authorization: Bearer KEY” with a key that the command “key create” made.',
    });
  }
  if (scope === 'write' && key.scope !== 'write') {
    throw new PublisherError('forbidden', `The key ${key.id} may only read.`, {
      hint: 'Create a key that may write with the command “key create --scope write”.',
    });
  }
  return key;
}

async function bearerKey(store: Pick<Store, 'key'>, authorization = ''): Promise<StoredKey | undefined> {
  const [, presented] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
  return presented === undefined ? undefined : verifyKey(store, presented);
}
