import { expect, test } from 'vitest';
import { createKey, verifyKey } from '../../src/publish/api-keys.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';

async function storeWithKey() {
  const store = openSqliteStore(':memory:');
  return { store, ...(await createKey(store, 'Desk', 'write', 5)) };
}

test('the store has a key without its secret', async () => {
  const { store, id, key } = await storeWithKey();
  const [, secret = ''] = /^fp_[0-9a-f]{12}_([A-Za-z0-9_-]{43})$/.exec(key) ?? [];
  const stored = await store.key(id);

  expect(key).toBe(`fp_${id}_${secret}`);
  expect(stored).toEqual({ id, name: 'Desk', scope: 'write', hash: expect.any(Uint8Array), createdAt: 5 });
  expect(stored?.hash).toHaveLength(32);
  expect(Buffer.from(stored?.hash ?? []).includes(Buffer.from(secret, 'base64url'))).toBe(false);
});

test('two keys have nothing in common', async () => {
  const { store, id, key } = await storeWithKey();
  const other = await createKey(store, 'Desk', 'read', 5);
  expect(other.id).not.toBe(id);
  expect(other.key.slice(-43)).not.toBe(key.slice(-43));
});

test('a presented key is verified', async () => {
  const { store, id, key } = await storeWithKey();
  expect(await verifyKey(store, key, 6)).toMatchObject({ id, scope: 'write' });
});

test.each<[string, (key: string) => string]>([
  ['nothing', () => ''],
  ['an unknown key', (key) => key.replace(/_[0-9a-f]{12}_/, '_000000000000_')],
  ['another secret', (key) => `${key.slice(0, -43)}${'A'.repeat(43)}`],
  ['a secret in another case', (key) => `${key.slice(0, -43)}${swapCase(key.slice(-43))}`],
  ['a prefix in another case', (key) => key.replace('fp_', 'FP_')],
  ['a shorter secret', (key) => key.slice(0, -1)],
  ['a longer secret', (key) => `${key}A`],
  ['two keys', (key) => `${key}, ${key}`],
])('%s is no valid key', async (_, presented) => {
  const { store, key } = await storeWithKey();
  expect(await verifyKey(store, presented(key), 6)).toBeUndefined();
});

test('a revoked key is no valid key', async () => {
  const { store, id, key } = await storeWithKey();
  await store.revokeKey(id, 6);
  expect(await verifyKey(store, key, 6)).toBeUndefined();
});

function swapCase(text: string): string {
  return text.replace(/[a-z]/gi, (letter) => (letter < 'a' ? letter.toLowerCase() : letter.toUpperCase()));
}

test('a key is valid until the moment at which it expires', async () => {
  const store = openSqliteStore(':memory:');
  const { id, key } = await createKey(store, 'Desk', 'read', 5, { expiresAt: 100 });
  expect(await verifyKey(store, key, 99)).toMatchObject({ id, expiresAt: 100 });
  expect(await verifyKey(store, key, 100)).toBeUndefined();
});

test('the key of a partner names it', async () => {
  const store = openSqliteStore(':memory:');
  const { key } = await createKey(store, 'production', 'partner', 5, { partner: 'msn' });
  expect(await verifyKey(store, key, 6)).toMatchObject({ scope: 'partner', partner: 'msn' });
});

test('each text takes the same steps, whether or not it is a key', async () => {
  const { store, key } = await storeWithKey();
  const revoked = await createKey(store, 'Revoked', 'read', 5);
  const expired = await createKey(store, 'Expired', 'read', 5, { expiresAt: 6 });
  await store.revokeKey(revoked.id, 6);
  const steps: string[] = [];
  const counting = {
    async key(asked: string) {
      steps.push('look-up');
      return store.key(asked);
    },
  };
  const texts = [key, `${key.slice(0, -43)}${'A'.repeat(43)}`, `fp_000000000000_${'A'.repeat(43)}`, 'x', '', undefined];
  for (const text of [...texts, revoked.key, expired.key]) {
    steps.length = 0;
    await verifyKey(counting, text, 6);
    expect(steps, text).toEqual(['look-up']);
  }
});
