import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ask, dataFolder, record, start } from '../helpers.ts';
import { command } from './terminal.ts';

async function createdKey(folder: string, ...args: readonly string[]): Promise<{ key: string; id: string }> {
  const { code, out, err } = await command(['key', 'create', '--data', folder, ...args]);
  expect([code, err]).toEqual([0, 'Save this key now. It is not shown again.\n']);
  expect(out).toMatch(/^fp_[0-9a-f]{12}_[\w-]{43}\n$/);
  const key = out.trim();
  return { key, id: key.split('_')[1] ?? '' };
}

test('a key is shown when it is created and never again, and the store does not hold it', async () => {
  const folder = await dataFolder();
  const { key, id } = await createdKey(folder, '--name', 'Content system');
  const other = await createdKey(folder, '--name', 'Reader', '--scope', 'read');
  const listed = await command(['key', 'list', '--data', folder]);
  const files = await readdir(join(folder, 'store'));
  const bytes = await Promise.all(files.map((file) => readFile(join(folder, 'store', file), 'latin1')));
  const secret = key.slice(key.lastIndexOf(id) + id.length + 1);

  expect(other.key).not.toBe(key);
  expect(listed.out.trim().split('\n').sort()).toEqual(
    [
      expect.stringMatching(
        new RegExp(`^${id}  write  created \\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ  Content system$`),
      ),
      expect.stringMatching(new RegExp(`^${other.id}  read   created .*Z  Reader$`)),
    ].sort((one) => (String(one).includes(id) === id < other.id ? -1 : 1)),
  );
  expect(listed.out + listed.err).not.toContain(secret);
  expect(bytes.join('')).toContain(id);
  expect(bytes.join('')).not.toContain(secret);
});

test('a running service knows a new key, and forgets a revoked one, at once', async () => {
  const folder = await dataFolder();
  const { port } = await start(folder);
  const put = (key: string) =>
    ask(port, '/api/articles/a', {
      method: 'PUT',
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify(record()),
    });
  const { key, id } = await createdKey(folder, '--name', 'Content system');
  const reader = await createdKey(folder, '--name', 'Reader', '--scope', 'read');
  const before = [
    await put(key),
    await put(reader.key),
    await put(key.replace(/.$/, (sign) => (sign === 'A' ? 'B' : 'A'))),
  ];
  const revoked = await command(['key', 'revoke', '--data', folder, id]);
  const after = await put(key);
  const listed = await command(['key', 'list', '--data', folder]);

  expect(before.map(({ status }) => status)).toEqual([201, 403, 401]);
  expect(revoked).toEqual({ code: 0, out: '', err: `The key ${id} is revoked. The API refuses it now.\n`, drawn: '' });
  expect([after.status, JSON.parse(after.text).code]).toEqual([401, 'unauthorized']);
  expect(listed.out).toMatch(new RegExp(`^${id}  write  created \\S+Z  revoked \\S+Z  Content system$`, 'm'));
});

test('revoking an unknown or revoked key has exit code 1', async () => {
  const folder = await dataFolder();
  const { id } = await createdKey(folder, '--name', 'Once');
  await command(['key', 'revoke', '--data', folder, id]);

  for (const name of [id, 'nobody']) {
    expect(await command(['key', 'revoke', '--data', folder, name])).toEqual({
      code: 1,
      out: '',
      err: `No active key “${name}”. “key list” shows all keys.\n`,
      drawn: '',
    });
  }
});

test('without keys the list is empty', async () => {
  expect(await command(['key', 'list', '--data', await dataFolder()])).toEqual({
    code: 0,
    out: '',
    err: '',
    drawn: '',
  });
});

test('two active keys cannot have one name, but a name is free again when its key is revoked', async () => {
  const folder = await dataFolder();
  const create = (name: string) => command(['key', 'create', '--data', folder, '--name', name]);
  const { id } = await createdKey(folder, '--name', 'Content  system ');
  const again = await create('Content system');
  const listed = await command(['key', 'list', '--data', folder]);
  await command(['key', 'revoke', '--data', folder, id]);
  const later = await create('Content system');

  expect(again).toEqual({
    code: 1,
    out: '',
    err: `The active key ${id} has the name “Content system” already: choose another name, or revoke that key first.\n`,
    drawn: '',
  });
  expect(listed.out.trim().split('\n')).toEqual([expect.stringMatching(/ {2}Content system$/)]);
  expect(later.code).toBe(0);
});
