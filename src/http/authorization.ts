import type { IncomingMessage } from 'node:http';
import { PublisherError } from '../errors.ts';
import type { Instant } from '../lib/instant.ts';
import { verifyKey } from '../publish/api-keys.ts';
import type { ApiScope, Store, StoredKey } from '../store/store.ts';

/** What checks keys. */
export interface KeyCheck {
  readonly store: Pick<Store, 'key'>;
  readonly now: () => Instant;
}

/** The result for each request, so that the request queue and the handler share one check. */
const authenticated = new WeakMap<IncomingMessage, Promise<StoredKey | undefined>>();

/**
 * The API key of a request's `Authorization: Bearer` header (RFC 6750 §2.1). The first call for a request looks the key up
 * in the store; later calls return the same result. A key that is revoked meanwhile fails at the next request. A partner's
 * key is no API key.
 *
 * @returns undefined without a valid key
 * @throws PublisherError `store_unavailable`
 */
export function authenticate(check: KeyCheck, request: IncomingMessage): Promise<StoredKey | undefined> {
  const known = authenticated.get(request);
  if (known !== undefined) return known;
  const key = apiKey(check, request.headers.authorization);
  authenticated.set(request, key);
  return key;
}

/**
 * Requires an API key with that scope.
 *
 * @throws PublisherError `unauthorized` without a valid key, `forbidden` where its scope is too small
 */
export async function authorize(check: KeyCheck, request: IncomingMessage, scope: ApiScope): Promise<StoredKey> {
  const key = await authenticate(check, request);
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

async function apiKey({ store, now }: KeyCheck, authorization: string | undefined): Promise<StoredKey | undefined> {
  const presented = bearerToken(authorization);
  if (presented === undefined) return undefined;
  const key = await verifyKey(store, presented, now());
  return key?.partner === undefined && key?.scope !== 'partner' ? key : undefined;
}

/** The token of an `Authorization` header with the scheme Bearer. */
export function bearerToken(authorization = ''): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization)?.[1];
}
