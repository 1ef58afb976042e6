import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { storeFile } from '../../src/service/data-folder.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { dataFolder } from '../helpers.ts';
import { command } from './terminal.ts';

const MAIN = join(import.meta.dirname, '../../src/start.js');

test.each<[string, readonly string[]]>([
  [
    'serve',
    [
      ...[
        '--port',
        '--host',
        '--data',
        '--public-url',
        '--workers',
        '--cache-mb',
        '--metrics-port',
        '--trust-proxy',
        '--rate-limit',
        '--max-connections',
        '--signing-key',
        '--purge',
        '--soft-purge',
        '--site',
        '--fast-path',
        '--database-url',
        '--sanitize-fast-path',
      ],
    ],
  ],
  [
    'import',
    [
      '--data',
      '--database-url',
      '--public-url',
      '--dry-run',
      '--all',
      '--max-pages',
      '--every',
      '--media',
      '--media-mb',
      '--media-count',
      '--allow-private',
      '--rejected',
      '--report',
      '--sanitize-fast-path',
    ],
  ],
  ['export', ['--site', '--data', '--public-url', '--json']],
  ['outbox', ['--data', '--database-url', '--json']],
  ['key', ['--name', '--scope', '--partner', '--expires', '--data', '--database-url']],
  ['init', ['--title', '--url', '--language']],
  ['deliveries', ['--since', '--limit', '--data', '--json']],
  ['withdrawals', ['--partner', '--since', '--data', '--json']],
  ['verify-delivery', ['--key', '--json']],
  ['healthcheck', ['--live', '--metrics-port', '--port', '--host']],
  ['backup', ['--data']],
  ['restore', ['--data']],
  ['migrate', ['--data', '--database-url', '--no-backup']],
  ['store', ['--data', '--database-url']],
])('%s --help has its usage and every option', async (name, options) => {
  const { code, out, err } = await command([name, '--help']);
  const short = await command([name, '-h']);

  expect([code, err]).toEqual([0, '']);
  expect(out.startsWith(`Usage: feed-publisher ${name} `)).toBe(true);
  expect(new Set(out.slice(out.indexOf('Options')).match(/--[a-z-]+/g))).toEqual(new Set(options));
  expect(short).toEqual({ code, out, err, drawn: '' });
});

test('--help names every command', async () => {
  const { code, out } = await command(['--help']);

  expect(code).toBe(0);
  expect(out.match(/^ {2}[a-z-]+(?= {2})/gm)?.map((name) => name.trim())).toEqual([
    'serve',
    'init',
    'import',
    'export',
    'erase',
    'key',
    'outbox',
    'verify',
    'repair',
    'backup',
    'restore',
    'check',
    'deliveries',
    'withdrawals',
    'verify-delivery',
    'signing-key',
    'healthcheck',
    'migrate',
    'store',
  ]);
});

test.each<readonly [readonly string[], string]>([
  [['import'], '“import” needs at least one PATH or URL.'],
  [
    ['import', '/nowhere/at-all'],
    'Nothing can be read from /nowhere/at-all: there is no such file or folder (ENOENT).',
  ],
  [['import', '--rejected'], '--rejected needs a value: --rejected FILE.'],
  [['import', '--colour', 'x'], 'There is no option “--colour”.'],
  [['export', 'one', 'two'], '“export” writes one FILE, not 2.'],
  [['export', '--dry-run'], 'There is no option “--dry-run”.'],
  [['backup'], '“backup” needs the FOLDER of the new backup.'],
  [['backup', 'one', 'two'], 'Unexpected argument “two”: quote a FOLDER that has spaces.'],
  [['restore'], '“restore” needs the FOLDER of a backup.'],
  [['restore', 'one', 'two'], 'Unexpected argument “two”: quote a FOLDER that has spaces.'],
  [['erase'], '“erase” needs the ID of an article.'],
  [['key'], '“key” needs an action: create, list or revoke.'],
  [['key', 'make'], '“key” needs an action: create, list or revoke, not “make”: the nearest is create.'],
  [['key', 'create'], '“key create” needs a --name, so that you can tell keys apart.'],
  [
    ['key', 'create', '--name', 'x', '--scope', 'admin'],
    '--scope must be one of read, write, not “admin”: did you mean write?',
  ],
  [['key', 'revoke'], '“key revoke” needs the ID of a key. “key list” shows all IDs.'],
  [['key', 'revoke', 'one', 'two'], 'Unexpected argument “two”.'],
  [['key', 'list', 'all'], 'Unexpected argument “all”.'],
  [['key', 'create', 'x', '--name', 'y'], 'Unexpected argument “x”.'],
  [['key', 'create', '--name', ' \n '], '“key create” needs a --name, so that you can tell keys apart.'],
  [['store'], '“store” needs to know what to do: store move database, or store move sqlite.'],
  [['store', 'move', 'sqlite'], '“store move” needs the address of the database: --database-url (DATABASE_URL).'],
  [
    ['serve', '--database-url', 'mysql://feeds:secret@db/feeds'],
    '--database-url must be an address such as postgresql://user:password@host/name. Its value is a secret, which no message shows.',
  ],
  [['migrate', 'up'], 'Unexpected argument “up”: this command takes options only.'],
  [['serve', 'now'], 'Unexpected argument “now”: this command takes options only.'],
  [['serve', '--port', '65536'], '--port must be a whole number from 0 to 65535, not “65536”.'],
  [['serve', '--cache-mb', '0'], '--cache-mb must be a whole number from 1 to 1000000, not “0”.'],
  [['serve', '--cache-mb', '1.5'], '--cache-mb must be a whole number from 1 to 1000000, not “1.5”.'],
  [
    ['serve', '--trust-proxy', 'true'],
    '--trust-proxy (TRUST_PROXY) must be a number of proxies, or a list of addresses, networks, loopback, linklocal and uniquelocal, not “true”.',
  ],
  [
    ['serve', '--rate-limit', '5/s'],
    '--rate-limit must be PER_MINUTE, PER_MINUTE:BURST (as 300:300) or off, not “5/s”.',
  ],
  [
    ['serve', '--max-connections', 'off'],
    '--max-connections must be TOTAL or TOTAL:PER_CLIENT, as 10000:256 or 10000:off, not “off”.',
  ],
  [['publish'], 'There is no command “publish”: the nearest is import.'],
])('%j is wrong use: exit code 2', async (args, message) => {
  const folder = await dataFolder();
  const { code, out, err } = await command(args, { env: { DATA_DIR: folder } });

  expect([code, out]).toEqual([2, '']);
  expect(err.startsWith(message), err).toBe(true);
  expect(err).not.toContain('    at ');
  expect(existsSync(join(folder, 'store'))).toBe(false);
});

test.each([
  ['import', '/dev/null'],
  ['export'],
  ['erase', 'a'],
  ['key', 'list'],
  ['backup', '/nowhere/x'],
  ['migrate'],
])('%s of a folder that is not a data folder is reported, and creates nothing there', async (...args) => {
  const folder = join(await dataFolder(), 'mistyped');
  const { code, out, err } = await command([...args, '--data', folder]);

  expect([code, out, existsSync(folder)]).toEqual([1, '', false]);
  expect(err).toContain(folder);
});

test.each([['export'], ['import', '--rejected']])(
  '%s to a file that cannot be written is reported, with exit code 1',
  async (...args) => {
    const folder = await dataFolder({ 'in.ndjson': '{"id": "refused"}\n' });
    await openSqliteStore(storeFile(folder)).close();
    const file = join(folder, 'mistyped/all.ndjson');
    const last = args[0] === 'import' ? [join(folder, 'in.ndjson')] : [];
    // In a process of its own, which an unhandled rejection would end.
    const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args, file, ...last, '--data', folder], {
      encoding: 'utf8',
    });

    expect(status).toBe(1);
    expect(stderr).toContain(`${file} cannot be written: there is no such file or folder (ENOENT).\n`);
    expect(stderr).not.toContain('triggerUncaughtException');
  },
);

test.each([
  ['key', 'list'],
  ['key', 'revoke', 'nobody'],
  ['key', 'bogus'],
  ['key', 'create'],
  ['migrate'],
  ['verify'],
  ['repair'],
  ['backup', '/nowhere/x'],
  ['export'],
  ['erase', 'a'],
  ['import', '--dry-run', '/dev/null'],
])('%s %s creates no store where there is none', async (...args) => {
  const folder = await dataFolder();
  await command([...args, '--data', folder]);

  expect(readdirSync(folder)).toEqual(['publication.yaml']);
});

test('an export of a data folder without a store is refused, and keeps the last good copy', async () => {
  const folder = await dataFolder({ 'all.ndjson': 'the last good one' });
  const { code, out, err } = await command(['export', '--data', folder, join(folder, 'all.ndjson')]);

  expect([code, out]).toEqual([1, '']);
  expect(err).toBe(
    `There is no store in ${folder}, so there are no articles to export.\nCheck --data. The first start of the service and the first import create a store.\n`,
  );
  expect(readFileSync(join(folder, 'all.ndjson'), 'utf8')).toBe('the last good one');
});

describe('a file that the system refuses is reported with the reason and what to do', () => {
  test('publication.yaml', async () => {
    const folder = await dataFolder();
    await rm(join(folder, 'publication.yaml'));
    await mkdir(join(folder, 'publication.yaml'));
    const { code, err } = await command(['export', '--data', folder]);

    expect([code, err]).toEqual([
      1,
      `The publication cannot be read from ${folder}/publication.yaml.\nThe reason: it is a folder, not a file (EISDIR). Check the file and its permissions.\n`,
    ]);
  });

  test('the store, as a folder', async () => {
    const folder = await dataFolder({ 'store/publisher.sqlite/x': '' });
    const { code, err } = await command(['export', '--data', folder]);

    expect([code, err]).toEqual([
      1,
      `The store ${storeFile(folder)} is a folder, not a file.\nMove it away, and put a backup in its place.\n`,
    ]);
  });

  test('the folder of the store, as a file', async () => {
    const folder = await dataFolder({ store: '' });
    const { code, err } = await command(['key', 'create', '--name', 'x', '--data', folder]);

    expect([code, err]).toEqual([
      1,
      `The store ${storeFile(folder)} cannot be opened.\nThe reason: a part of its path is a file, not a folder (ENOTDIR). Check the folder of the store and its permissions.\n`,
    ]);
  });
});
