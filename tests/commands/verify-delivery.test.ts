import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { proofHeaders } from '../../src/partner/proof/delivery-proof.ts';
import { openSigner, readSigningKey } from '../../src/partner/proof/keys.ts';
import { dataFolder } from '../helpers.ts';
import { command } from './terminal.ts';

const ADDRESS = 'https://feeds.news.example/partners/herald/latest.rss';

/** A folder with a key, its public half and an answer that was signed with it. */
async function signedAnswer() {
  const folder = await dataFolder();
  const [key, publicKey, answer] = ['key.pem', 'public.pem', 'answer.txt'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const created = await command(['signing-key', 'create', key]);
  writeFileSync(publicKey, created.out);
  const headers = proofHeaders(
    { status: 200, headers: [], representation: Buffer.from('a feed'), address: ADDRESS },
    { signer: openSigner(readSigningKey(key)), now: Date.parse('2026-11-20T12:00:00Z') },
  );
  const lines = headers.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${headers[index + 1]}`] : []));
  writeFileSync(answer, ['HTTP/1.1 200 OK', ...lines, '', 'a feed'].join('\r\n'));
  return { folder, key, publicKey, answer, created };
}

test('a key is made, shown and used', async () => {
  const { key, publicKey, answer, created } = await signedAnswer();
  expect(created.code).toBe(0);
  expect(created.out).toMatch(/^-----BEGIN PUBLIC KEY-----\n[^-]+-----END PUBLIC KEY-----\n$/);
  expect(created.out + created.err).not.toContain('PRIVATE');
  expect(statSync(key).mode & 0o777).toBe(0o600);
  expect((await command(['signing-key', 'show', key])).out).toBe(created.out);

  const { code, out, err } = await command(['verify-delivery', answer, '--key', publicKey]);
  expect([code, err]).toEqual([0, '']);
  expect(out.split('\n').map((line) => line.split(':')[0])).toEqual([
    'Proven',
    'Proven',
    'Proven',
    'Not proven',
    'Not proven',
    '',
  ]);
  expect(await command(['verify-delivery', answer])).toMatchObject({
    code: 0,
    out: expect.stringContaining('Not proven: the sender of the answer'),
  });

  writeFileSync(answer, `${readFileSync(answer, 'latin1')}!`);
  const changed = await command(['verify-delivery', answer, '--key', publicKey, '--json']);
  expect([changed.code, JSON.parse(changed.out)]).toEqual([
    1,
    expect.objectContaining({ file: answer, isProven: false, wrong: [expect.stringContaining('Repr-Digest')] }),
  ]);
  const [first] = (await command(['verify-delivery', answer, '--key', publicKey])).out.split('\n');
  expect(first).toMatch(/^Wrong: the content does not fit the Repr-Digest\./);
});

test('a file that has no key names the command that makes one', async () => {
  const { answer } = await signedAnswer();
  const { code, err } = await command(['signing-key', 'show', answer]);
  expect([code, err.split('\n').slice(0, 2)]).toEqual([
    2,
    [
      `${answer} must have the key that “signing-key create” made (Ed25519, PEM).`,
      'Make one with the command signing-key create FILE.',
    ],
  ]);
});

test('a key is never replaced', async () => {
  const { key } = await signedAnswer();
  const before = readFileSync(key);
  expect(await command(['signing-key', 'create', key])).toMatchObject({ code: 2, out: '' });
  expect(readFileSync(key)).toEqual(before);
});

test.each([
  [['signing-key'], '“signing-key” needs an action: create or show.'],
  [['signing-key', 'make', 'a'], '“signing-key” needs an action: create or show, not “make”: the nearest is create.'],
  [['signing-key', 'create'], '“signing-key create” needs the FILE of the private key.'],
  [['signing-key', 'show', 'a', 'b'], 'Unexpected argument “b”.'],
  [['verify-delivery'], '“verify-delivery” needs a FILE: an answer that was saved with its headers.'],
  [['verify-delivery', 'a', 'b'], '“verify-delivery” checks one FILE, not 2.'],
  [['verify-delivery', '/no/such/file'], '/no/such/file cannot be read: there is no such file or folder (ENOENT).'],
  [
    ['verify-delivery', '--key', '/no/such/key', 'a'],
    'The key /no/such/key cannot be read: there is no such file or folder (ENOENT).',
  ],
])('%j is wrong usage', async (args, message) => {
  const { code, err } = await command(args);
  expect([code, err.split('\n')[0]]).toEqual([2, message]);
});

test('a service starts with no signing key but its own', async () => {
  const { folder, key, publicKey } = await signedAnswer();
  const serve = async (file: string) => {
    const { code, err } = await command(['serve', '--data', folder, '--port', '0', '--signing-key', file]);
    return [code, err.split('\n')[0]];
  };
  expect(await serve(publicKey)).toEqual([2, expect.stringContaining(`${publicKey} must have`)]);
  expect(await serve('/no/such/key')).toEqual([
    2,
    'The key /no/such/key cannot be read: there is no such file or folder (ENOENT).',
  ]);
  chmodSync(key, 0o640);
  expect(await serve(key)).toEqual([
    2,
    `Other users may use the signing key ${key}: its rights are 0640, and must be 0600 or 0400.`,
  ]);
  const checked = await command(['check', '--config', '--data', folder], { env: { SIGNING_KEY_FILE: key } });
  expect([checked.code, checked.err]).toEqual([1, expect.stringContaining('Other users may use the signing key')]);
});
