import { expect, test } from 'vitest';
import { authorise, createKey } from '../../src/publish/api-keys.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Scope } from '../../src/store/store.ts';

async function desk(scope: Scope = 'read') {
  const store = openSqliteStore(':memory:');
  return { store, ...(await createKey(store, 'Desk', scope, 5)) };
}

test('a key is kept without its secret', async () => {
  const { store, id, key } = await desk('write');
  const [, secret = ''] = /^fp_[0-9a-f]{12}_([A-Za-z0-9_-]{43})$/.exec(key) ?? [];
  const kept = await store.key(id);

  expect(key).toBe(`fp_${id}_${secret}`);
  expect(kept).toEqual({ id, name: 'Desk', scope: 'write', hash: expect.any(Uint8Array), createdAt: 5 });
  expect(kept?.hash).toHaveLength(32);
  expect(Buffer.from(kept?.hash ?? []).includes(Buffer.from(secret, 'base64url'))).toBe(false);
});

test('two keys have nothing in common', async () => {
  const { store, id, key } = await desk();
  const other = await createKey(store, 'Desk', 'read', 5);
  expect(other.id).not.toBe(id);
  expect(other.key.slice(-43)).not.toBe(key.slice(-43));
});

test.each<[Scope, Scope, string | undefined]>([
  ['read', 'read', undefined],
  ['write', 'read', undefined],
  ['write', 'write', undefined],
  ['read', 'write', 'forbidden'],
])('a key that may %s, for %s: %s', async (has, wanted, code) => {
  const { store, id, key } = await desk(has);
  const answer = authorise(store, `Bearer ${key}`, wanted);
  if (code === undefined) expect(await answer).toMatchObject({ id, scope: has });
  else await expect(answer).rejects.toMatchObject({ code, message: `The key ${id} may read, not write.` });
});

test.each<[string, (key: string) => string]>([
  ['in lower case', (key) => `bearer ${key}`],
  ['with more than one space', (key) => `Bearer   ${key}`],
])('the scheme %s is the scheme (RFC 9110 §11.1)', async (_, header) => {
  const { store, id, key } = await desk();
  expect(await authorise(store, header(key), 'read')).toMatchObject({ id });
});

test.each<[string, (key: string) => string | undefined]>([
  ['no header', () => undefined],
  ['an empty one', () => ''],
  ['no scheme', (key) => key],
  ['another scheme', (key) => `Basic ${key}`],
  ['no key', () => 'Bearer '],
  ['an unknown key', (key) => `Bearer ${key.replace(/_[0-9a-f]{12}_/, '_000000000000_')}`],
  ['another secret', (key) => `Bearer ${key.slice(0, -43)}${'A'.repeat(43)}`],
  ['a secret in another case', (key) => `Bearer ${swapped(key.slice(0, -43))}${swapped(key.slice(-43))}`],
  ['a shorter secret', (key) => `Bearer ${key.slice(0, -1)}`],
  ['a longer secret', (key) => `Bearer ${key}A`],
  ['two keys', (key) => `Bearer ${key}, Bearer ${key}`],
])('%s is no access', async (_, header) => {
  const { store, key } = await desk('write');
  await expect(authorise(store, header(key), 'read')).rejects.toMatchObject({
    code: 'unauthorized',
    message: 'This needs a key.',
  });
});

test('a key that was revoked opens nothing, whatever its scope', async () => {
  const { store, id, key } = await desk('read');
  await store.revokeKey(id, 6);
  for (const scope of ['read', 'write'] as const)
    await expect(authorise(store, `Bearer ${key}`, scope)).rejects.toMatchObject({ code: 'unauthorized' });
});

function swapped(text: string): string {
  return text.replace(/[a-z]/gi, (letter) => (letter < 'a' ? letter.toLowerCase() : letter.toUpperCase()));
}
