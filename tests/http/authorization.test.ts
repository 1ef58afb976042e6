import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { authenticate, authorize } from '../../src/http/authorization.ts';
import { createKey } from '../../src/publish/api-keys.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { ApiScope } from '../../src/store/store.ts';

async function storeWithKey(scope: ApiScope = 'read') {
  const store = openSqliteStore(':memory:');
  return { store, check: { store, now: () => 6 }, ...(await createKey(store, 'Desk', scope, 5)) };
}

function requestWith(authorization: string | undefined): IncomingMessage {
  const request = new IncomingMessage(new Socket());
  if (authorization !== undefined) request.headers.authorization = authorization;
  return request;
}

test.each<[ApiScope, ApiScope, string | undefined]>([
  ['read', 'read', undefined],
  ['write', 'read', undefined],
  ['write', 'write', undefined],
  ['read', 'write', 'forbidden'],
])('a key with scope %s, for scope %s: %s', async (has, wanted, code) => {
  const { check, id, key } = await storeWithKey(has);
  const result = authorize(check, requestWith(`Bearer ${key}`), wanted);
  if (code === undefined) expect(await result).toMatchObject({ id, scope: has });
  else await expect(result).rejects.toMatchObject({ code, message: `The key ${id} may only read.` });
});

test.each<[string, (key: string) => string]>([
  ['in lower case', (key) => `bearer ${key}`],
  ['with more than one space', (key) => `Bearer   ${key}`],
])('the scheme %s is the scheme (RFC 9110 §11.1)', async (_, header) => {
  const { check, id, key } = await storeWithKey();
  expect(await authorize(check, requestWith(header(key)), 'read')).toMatchObject({ id });
});

test.each<[string, (key: string) => string | undefined]>([
  ['no header', () => undefined],
  ['an empty one', () => ''],
  ['no scheme', (key) => key],
  ['another scheme', (key) => `Basic ${key}`],
  ['no key', () => 'Bearer '],
  ['an unknown key', (key) => `Bearer ${key.replace(/_[0-9a-f]{12}_/, '_000000000000_')}`],
  ['another secret', (key) => `Bearer ${key.slice(0, -43)}${'A'.repeat(43)}`],
  ['a shorter secret', (key) => `Bearer ${key.slice(0, -1)}`],
  ['a longer secret', (key) => `Bearer ${key}A`],
  ['two keys', (key) => `Bearer ${key}, Bearer ${key}`],
])('%s gives no access', async (_, header) => {
  const { check, key } = await storeWithKey('write');
  await expect(authorize(check, requestWith(header(key)), 'read')).rejects.toMatchObject({
    code: 'unauthorized',
    message: 'This address needs an API key.',
  });
});

test('a request is authenticated once, and a revoked key fails at the next request', async () => {
  const { store, id, key } = await storeWithKey('write');
  const lookups: string[] = [];
  const counting = {
    now: () => 6,
    store: {
      key: (asked: string) => {
        lookups.push(asked);
        return store.key(asked);
      },
    },
  };
  const request = requestWith(`Bearer ${key}`);
  expect(await authenticate(counting, request)).toMatchObject({ id });
  await store.revokeKey(id, 6);
  expect(await authorize(counting, request, 'read')).toMatchObject({ id });
  expect(await authorize(counting, request, 'write')).toMatchObject({ id });
  expect(lookups).toEqual([id]);
  for (const scope of ['read', 'write'] as const) {
    const next = authorize(counting, requestWith(`Bearer ${key}`), scope);
    await expect(next).rejects.toMatchObject({ code: 'unauthorized' });
  }
  expect(lookups).toHaveLength(3);
});
