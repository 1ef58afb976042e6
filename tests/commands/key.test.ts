import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
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

test('a key is revoked by the whole key as well, which no message repeats', async () => {
  const folder = await dataFolder();
  const { key, id } = await createdKey(folder, '--name', 'Found in a log');
  const revoke = async (text: string) => {
    const { code, err } = await command(['key', 'revoke', '--data', folder, text]);
    return [code, err];
  };
  expect(await revoke('Found in a log')).toEqual([
    1,
    `“Found in a log” is the name of a key. Its ID is ${id}: key revoke ${id}\n`,
  ]);
  expect(await revoke(key.replace(id, 'misspelt'))).toEqual([
    1,
    'No active key is like this one. “key list” shows all keys.\n',
  ]);
  expect(await revoke(key)).toEqual([0, `The key ${id} is revoked. The API refuses it now.\n`]);
  expect(await revoke(key)).toEqual([1, `No active key “${id}”. “key list” shows all keys.\n`]);
});

test('the list has the keys of one partner', async () => {
  const file = 'name: MSN\ndialect: msn\nfeeds: [latest]\n';
  const folder = await dataFolder({ 'partners/msn.yaml': file, 'partners/wire.yaml': file });
  await createdKey(folder, '--name', 'Content system');
  const { id } = await createdKey(folder, '--name', 'Desk', '--partner', 'msn');
  const list = async (partner: string) => {
    const { code, out, err } = await command(['key', 'list', '--data', folder, '--partner', partner]);
    return [code, out, err];
  };
  expect(await list('msn')).toEqual([0, expect.stringMatching(new RegExp(`^${id}  partner msn  [^\n]*Desk\n$`)), '']);
  expect(await list('wire')).toEqual([0, '', 'The partner wire has no keys.\n']);
  expect(await list('mns')).toEqual([1, '', expect.stringContaining('Did you mean msn?')]);
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

describe('keys of partners', () => {
  const PARTNERS = {
    'partners/msn.yaml': 'name: MSN\ndialect: plain\nfeeds: [latest]\n',
    'partners/wire.yaml': 'name: Wire\ndialect: plain\nfeeds: [latest]\n',
  };
  const create = (folder: string, ...args: readonly string[]) => command(['key', 'create', '--data', folder, ...args]);

  test('open the feeds of the partner at once, several at a time, and are listed with it', async () => {
    const folder = await dataFolder(PARTNERS);
    const service = await start(folder);
    const { port } = service;
    const api = await createdKey(folder, '--name', 'one');
    const one = await createdKey(folder, '--partner', 'msn', '--name', 'one');
    const two = await createdKey(folder, '--partner', 'msn', '--name', 'two', '--expires', '90d');
    const other = await createdKey(folder, '--partner', 'wire', '--name', 'one', '--expires', '2099-01-01');
    const statuses = async () => {
      const answers = await Promise.all(
        [api, one, two, other].map(({ key }) =>
          ask(port, '/partners/msn/latest.rss', { headers: { Authorization: `Bearer ${key}` } }),
        ),
      );
      return answers.map(({ status }) => status);
    };
    const before = await statuses();
    const revoked = await command(['key', 'revoke', '--data', folder, one.id]);
    const after = await statuses();
    await service.close();
    const listed = await command(['key', 'list', '--data', folder]);

    expect([before, after]).toEqual([
      [401, 200, 200, 401],
      [401, 401, 200, 401],
    ]);
    expect(revoked).toMatchObject({
      code: 0,
      err: `The key ${one.id} is revoked. The feeds of the partner msn refuse it now.\n`,
    });
    const rows = [
      `${api.id}  write         created \\S+Z  one`,
      `${one.id}  partner msn   created \\S+Z  revoked \\S+Z  last used \\S+Z  one`,
      `${two.id}  partner msn   created \\S+Z  expires \\S+Z  last used \\S+Z  two`,
      `${other.id}  partner wire  created \\S+Z  expires 2099-01-01T00:00:00Z  never used  one`,
    ];
    for (const row of rows) expect(listed.out).toMatch(new RegExp(`^${row}$`, 'm'));
    expect(listed.out.trim().split('\n')).toHaveLength(4);
    for (const { key } of [api, one, two, other]) expect(listed.out).not.toContain(key.slice(16));
  });

  test.each<[string, readonly string[], number, string]>([
    [
      'a mistyped partner',
      ['--partner', 'mns', '--name', 'x'],
      1,
      'There is no partner “mns”: partners/ has no file of that name. Did you mean msn?\n',
    ],
    [
      'an unknown partner',
      ['--partner', 'nobody', '--name', 'x'],
      1,
      'There is no partner “nobody”: partners/ has no file of that name.\n',
    ],
    [
      'a scope',
      ['--partner', 'msn', '--name', 'x', '--scope', 'read'],
      2,
      'A key of a partner has no --scope: it opens the feeds of the partner, and nothing else.\n',
    ],
    [
      'an end that is over',
      ['--partner', 'msn', '--name', 'x', '--expires', '2020-01-01'],
      2,
      '--expires must be in the future: 2020-01-01T00:00:00Z is over.\n',
    ],
    [
      'an end that is none',
      ['--partner', 'msn', '--name', 'x', '--expires', '2026-02-30'],
      2,
      '--expires must be a day, as 2027-01-01, a moment, as 2027-01-01T09:00:00Z, or a number of days, as 90d, not “2026-02-30”.\n',
    ],
  ])('%s is refused', async (_, args, code, message) => {
    const folder = await dataFolder(PARTNERS);
    const { err, ...result } = await create(folder, ...args);
    expect(result).toEqual({ code, out: '', drawn: '' });
    expect(err.startsWith(message)).toBe(true);
    expect((await command(['key', 'list', '--data', folder])).out).toBe('');
  });

  test('without partners, the message says so', async () => {
    expect((await create(await dataFolder(), '--partner', 'msn', '--name', 'x')).err).toBe(
      'There is no partner “msn”: partners/ has no file of that name.\n',
    );
  });

  test('have a name once among the active keys of their partner', async () => {
    const folder = await dataFolder(PARTNERS);
    const { id } = await createdKey(folder, '--partner', 'msn', '--name', 'Desk');
    expect(await create(folder, '--partner', 'msn', '--name', 'Desk')).toMatchObject({
      code: 1,
      err: `The active key ${id} of the partner msn has the name “Desk” already: choose another name, or revoke that key first.\n`,
    });
    await createdKey(folder, '--partner', 'wire', '--name', 'Desk');
    await createdKey(folder, '--name', 'Desk');
  });
});
