import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { storeFile } from '../../src/service/data-folder.ts';
import { damageFile } from '../../src/store/sqlite/damage.ts';
import { SCHEMA } from '../../src/store/sqlite/database.ts';
import {
  type Answer,
  ask,
  childEnvironment,
  dataFolder,
  PUBLICATION,
  put,
  type Running,
  record,
  serving,
  start,
} from '../helpers.ts';
import { command } from './terminal.ts';

const ERASED_SINCE = 'If you have erased an article since, erase it again: the backup had its text.\n';
const DAY = 86_400_000;
const MAIN = join(import.meta.dirname, '../../src/start.js');

const FILES = {
  'articles/2026/a.json': JSON.stringify(record({ sections: ['World'] })),
  'articles/b.md': '---\ntitle: Bridge\nurl: /b\npublishedAt: 2026-11-21T10:00:00Z\n---\nIt reopens.\n',
  'media/a.gif': Buffer.from('R0lGODlhAQABAAAAACwAAAAAAQABAAA=', 'base64'),
  'media/empty.txt': '',
  'partners/wire.yaml': 'name: Wire\ndialect: plain\nfeeds: [latest]\n',
  'redirects.txt': '/old-feed latest\n',
  'rejected.ndjson': '{}\n',
};
const KEPT = ['articles/2026/a.json', 'articles/b.md', 'media/a.gif', 'media/empty.txt', 'partners/wire.yaml'];

/** A newsroom that a service has served, and an empty place for its backup. */
async function newsroom(): Promise<{ readonly folder: string; readonly target: string; readonly other: string }> {
  const folder = await dataFolder(FILES);
  chmodSync(join(folder, 'partners/wire.yaml'), 0o600);
  chmodSync(join(folder, 'partners'), 0o700);
  utimesSync(join(folder, 'articles/b.md'), 1_760_000_000, 1_760_000_000);
  const service = await serving(folder, {});
  await service.close();
  const place = await dataFolder();
  return { folder, target: join(place, 'backups/monday'), other: join(place, 'restored') };
}

const backUp = (folder: string, target: string) => command(['backup', target, '--data', folder]);
const restore = (backup: string, folder: string) => command(['restore', backup, '--data', folder]);

function filesIn(folder: string): string[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return paths.filter((path) => statSync(join(folder, path)).isFile()).sort();
}

const modeOf = (...path: string[]) => statSync(join(...path)).mode & 0o777;

const ADDRESSES = ['latest', 'section/world'].flatMap((feed) =>
  ['rss', 'atom', 'json'].map((format) => `/feeds/${feed}.${format}`),
);

/** The bytes and tags of all feeds. */
async function documentsOf({ port }: Running): Promise<string> {
  const answers = await Promise.all(ADDRESSES.map((path) => ask(port, path)));
  return JSON.stringify(answers.map(({ status, text, headers: { etag } }: Answer) => [status, text, etag]));
}

describe('a backup', () => {
  test('has everything that belongs to a newsroom, and a list of it with sizes and digests', async () => {
    const { folder, target } = await newsroom();
    const { code, out, err } = await backUp(folder, target);
    const manifest = JSON.parse(readFileSync(join(target, 'manifest.json'), 'utf8'));

    const paths = [...KEPT, 'publication.yaml', 'redirects.txt', 'store/deliveries.sqlite', 'store/publisher.sqlite'];
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^The backup of .* is .*\/backups\/monday: 9 files, \d+ MB\.\n$/);
    expect(filesIn(target)).toEqual(['manifest.json', ...paths].sort());
    expect(manifest).toMatchObject({
      format: 'feed-publisher-backup',
      version: 1,
      program: '0.0.0',
      schema: SCHEMA,
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    });
    expect(manifest.files.map(({ path }: { path: string }) => path)).toEqual(paths.sort());
    for (const { path, size, sha256 } of manifest.files) {
      const bytes = readFileSync(join(target, path));
      expect([path, size, sha256]).toEqual([path, bytes.length, createHash('sha256').update(bytes).digest('hex')]);
    }
    expect([modeOf(target), modeOf(target, 'manifest.json')]).toEqual([0o700, 0o600]);
    expect(readdirSync(join(target, '..'))).toEqual(['monday']);
  });

  test('restored while changes happened: feeds as they were at one moment, byte for byte, and a store without damage', async () => {
    const { folder, target, other } = await newsroom();
    const service = await start(folder);
    const key = (await command(['key', 'create', '--name', 'cms', '--data', folder])).out.split('\n')[0] ?? '';
    const headers = { Authorization: `Bearer ${key.trim()}`, 'Content-Type': 'application/json' };
    const change = (id: number) => {
      const body = JSON.stringify(record({ id: `story/${id}`, url: `/s/${id}`, sections: ['World'] }));
      return ask(service.port, `/api/articles/story/${id}`, { method: 'PUT', headers, body });
    };
    for (let id = 0; id < 50; id += 1) expect((await change(id)).status).toBe(201);
    const states = [await documentsOf(service)];
    let isDone = false;
    const backup = backUp(folder, target).finally(() => {
      isDone = true;
    });
    for (let id = 50; !isDone || id < 60; id += 1) {
      expect((await change(id)).status).toBe(201);
      states.push(await documentsOf(service));
    }
    expect(await backup).toMatchObject({ code: 0, err: '' });
    const running = await restore(target, folder);
    expect([running.code, running.err]).toEqual([
      1,
      `${folder} is not empty: it has articles. A restore overwrites nothing.\nStop the service that uses this folder, then move the folder away, or give another one with --data.\n`,
    ]);
    await service.close();

    expect(await restore(target, other)).toMatchObject({ code: 0, err: ERASED_SINCE });
    expect(await command(['verify', '--data', other])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^no damage: /),
    });
    const restored = await documentsOf(await start(other));
    expect(states.indexOf(restored)).toBeGreaterThanOrEqual(0);
    expect(states.indexOf(restored)).toBeLessThan(states.length - 1);
  });

  test('restored: every file has its bytes, its mode and its date, and the key of a CMS still opens the API', async () => {
    const { folder, target, other } = await newsroom();
    const key = (await command(['key', 'create', '--name', 'cms', '--data', folder])).out.split('\n')[0]?.trim() ?? '';
    const before = await serving(folder, {});
    const documents = await documentsOf(before);
    await before.close();
    await backUp(folder, target);
    mkdirSync(other);
    const { code, out } = await restore(target, other);
    const after = await start(other);

    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/\/restored is as it was at 2\d{3}-.*Z: 9 files, \d+ MB\.\n$/),
    ]);
    for (const path of [...KEPT, 'redirects.txt', 'publication.yaml'])
      expect([path, readFileSync(join(other, path))]).toEqual([path, readFileSync(join(folder, path))]);
    expect(modeOf(other, 'partners')).toBe(0o700);
    expect(modeOf(other, 'partners/wire.yaml')).toBe(0o600);
    expect(statSync(join(other, 'articles/b.md')).mtimeMs).toBe(1_760_000_000_000);
    expect(readdirSync(other)).not.toContain('restore.part');
    expect(await documentsOf(after)).toBe(documents);
    const headers = { Authorization: `Bearer ${key}` };
    expect((await ask(after.port, '/api/articles', { headers })).status).toBe(200);
    expect(after.lines).toEqual([]);
  });

  test('has the deliveries to partners', async () => {
    const { folder, target, other } = await newsroom();
    const key = (await command(['key', 'create', '--name', 'w', '--partner', 'wire', '--data', folder])).out;
    const service = await serving(folder, {});
    const headers = { Authorization: `Bearer ${key.split('\n')[0]?.trim()}` };
    expect((await ask(service.port, '/partners/wire/latest.rss', { headers })).status).toBe(200);
    await service.close();
    const deliveries = await command(['deliveries', 'wire', '--json', '--data', folder]);
    await backUp(folder, target);
    await restore(target, other);

    expect(deliveries.out.split('\n').length).toBe(2);
    expect(await command(['deliveries', 'wire', '--json', '--data', other])).toEqual(deliveries);
  });

  test('takes a link to another place in its folder as a file, and names one that leads out', async () => {
    const { folder, target } = await newsroom();
    symlinkSync('a.gif', join(folder, 'media/b.gif'));
    symlinkSync('/etc/hostname', join(folder, 'media/out.txt'));
    symlinkSync('nowhere', join(folder, 'media/broken.txt'));
    const { code, err } = await backUp(folder, target);

    expect([code, err]).toEqual([
      0,
      'media/out.txt is left out: it is neither a file nor a link to a file in its folder.\n',
    ]);
    expect(filesIn(join(target, 'media'))).toEqual(['a.gif', 'b.gif', 'empty.txt']);
    expect(readFileSync(join(target, 'media/b.gif'))).toEqual(FILES['media/a.gif']);
  });

  test('names what it cannot take: a link to itself, a link to a folder, a pipe, a name that is not UTF-8', async () => {
    const { folder, target } = await newsroom();
    const media = join(folder, 'media');
    symlinkSync('itself', join(media, 'itself'));
    symlinkSync('.', join(media, 'all'));
    execFileSync('mkfifo', [join(media, 'pipe')]);
    writeFileSync(Buffer.concat([Buffer.from(`${media}/K`), Buffer.of(0xf6), Buffer.from('ln.gif')]), 'a picture');
    mkdirSync(Buffer.concat([Buffer.from(`${media}/B`), Buffer.of(0xe4), Buffer.from('r')]));
    const { code, err } = await backUp(folder, target);

    expect([code, err.split('\n')]).toEqual([
      0,
      [
        'media/B\ufffdr is left out: its name is not UTF-8. Rename it, and back up again.',
        'media/K\ufffdln.gif is left out: its name is not UTF-8. Rename it, and back up again.',
        'media/all is left out: it is neither a file nor a link to a file in its folder.',
        'media/itself is left out: it is neither a file nor a link to a file in its folder.',
        'media/pipe is left out: it is neither a file nor a link to a file in its folder.',
        '',
      ],
    ]);
    expect(filesIn(join(target, 'media'))).toEqual(['a.gif', 'empty.txt']);
  });

  test('is refused where a link leads into the data folder, or into a folder that belongs to it', async () => {
    const { folder } = await newsroom();
    const disk = await dataFolder();
    const place = await dataFolder();
    renameSync(join(folder, 'media'), join(disk, 'pictures'));
    symlinkSync(join(disk, 'pictures'), join(folder, 'media'));
    symlinkSync(join(folder, 'articles'), join(place, 'link'));
    const errors = await Promise.all(
      [join(place, 'link/monday'), join(disk, 'pictures/monday')].map(async (name) => (await backUp(folder, name)).err),
    );

    expect(errors).toEqual([
      expect.stringContaining(`The backup ${place}/link/monday would be in the data folder ${folder}.\n`),
      expect.stringContaining(`The backup ${disk}/pictures/monday would be in the data folder ${folder}.\n`),
    ]);
  });

  test('of folders that are links has what they lead to', async () => {
    const { folder, target } = await newsroom();
    const disk = await dataFolder();
    renameSync(join(folder, 'media'), join(disk, 'pictures'));
    symlinkSync(join(disk, 'pictures'), join(folder, 'media'));

    expect(await backUp(folder, target)).toMatchObject({ code: 0, err: '' });
    expect(filesIn(join(target, 'media'))).toEqual(['a.gif', 'empty.txt']);
  });

  test('is refused where a folder is, in the data folder, and of a store that is known to be damaged', async () => {
    const { folder, target } = await newsroom();
    mkdirSync(target, { recursive: true });
    const existing = await backUp(folder, target);
    const inside = await backUp(folder, join(folder, 'backup'));
    writeFileSync(damageFile(storeFile(folder)), '{}');
    const damaged = await backUp(folder, `${target}-2`);

    expect(existing.err).toBe(
      `${target} is there already, and a backup replaces nothing.\nChoose a new name, such as one with the date.\n`,
    );
    expect(inside.err).toContain(`The backup ${folder}/backup would be in the data folder ${folder}.\n`);
    expect(damaged.err).toContain(
      `The store ${storeFile(folder)} is known to be damaged: its backup would not be whole.`,
    );
    expect([existing.code, inside.code, damaged.code]).toEqual([1, 1, 1]);
    expect([existsSync(join(folder, 'backup')), existsSync(`${target}-2`)]).toEqual([false, false]);
  });

  test('that is stopped, or fails, leaves nothing', async () => {
    const { folder, target } = await newsroom();
    const stopped = await command(['backup', target, '--data', folder], { stop: AbortSignal.abort() });
    truncateSync(storeFile(folder), 4096 * 3);
    const failed = await backUp(folder, target);

    expect([stopped.code, stopped.err]).toEqual([1, 'The backup was stopped: what was written of it is removed.\n']);
    expect(failed.code).toBe(1);
    expect(readdirSync(join(target, '..'))).toEqual([]);
  });

  test('of a folder without a store is refused', async () => {
    const folder = await dataFolder();

    expect(await backUp(folder, join(await dataFolder(), 'x'))).toMatchObject({
      code: 1,
      err: `There is no store in ${folder}, so there is nothing to back up.\nCheck --data. The first start of the service and the first import create a store.\n`,
    });
  });
});

describe('a restore', () => {
  /** A backup without a newsroom. */
  async function backup() {
    const { folder, target, other } = await newsroom();
    await backUp(folder, target);
    return { folder, target, other };
  }

  test.each([
    ['a file', 'publication.yaml', 'Move the folder away, or give another one with --data.\n'],
    [
      'a store',
      'store/publisher.sqlite',
      'Stop the service that uses this folder, then move the folder away, or give another one with --data.\n',
    ],
    [
      'a broken-off restore',
      'restore.part/x',
      'A restore was broken off here. Empty the folder, then restore again.\n',
    ],
  ])('overwrites no folder that has %s', async (_name, path, hint) => {
    const { target, other } = await backup();
    await put(other, path, 'mine');
    const { code, err } = await restore(target, other);

    expect([code, err]).toEqual([
      1,
      `${other} is not empty: it has ${path.split('/')[0]}. A restore overwrites nothing.\n${hint}`,
    ]);
    expect(filesIn(other)).toEqual([path]);
  });

  test('finds what is changed, cut off and missing, names each file, and restores nothing', async () => {
    const { target, other } = await backup();
    writeFileSync(join(target, 'articles/b.md'), FILES['articles/b.md'].replace('Bridge', 'Bridle'));
    truncateSync(join(target, 'store/publisher.sqlite'), 8192);
    rmSync(join(target, 'media/a.gif'));
    const { size } = JSON.parse(readFileSync(join(target, 'manifest.json'), 'utf8')).files.find(
      ({ path }: { path: string }) => path === 'store/publisher.sqlite',
    );
    const err = [
      `${target}/articles/b.md: is damaged: its SHA-256 is not that of the manifest`,
      `${target}/media/a.gif: cannot be read: there is no such file or folder (ENOENT)`,
      `${target}/store/publisher.sqlite: has 8192 bytes, but the manifest says ${size}`,
      'Use another backup.',
      '',
    ].join('\n');

    expect(await restore(target, other)).toMatchObject({ code: 1, out: '', err });
    expect(existsSync(other)).toBe(false);
    expect(await command(['verify', target])).toMatchObject({ code: 1, out: '', err });
  });

  test('keeps an empty folder empty when it fails', async () => {
    const { target, other } = await backup();
    mkdirSync(join(other, 'lost+found'), { recursive: true });
    rmSync(join(target, 'media/a.gif'));
    const { code } = await restore(target, other);

    expect([code, readdirSync(other)]).toEqual([1, ['lost+found']]);
  });

  test('reads no pipe, and no file outside of the backup', { timeout: 5000 }, async () => {
    const { target, other } = await backup();
    rmSync(join(target, 'media/a.gif'));
    execFileSync('mkfifo', [join(target, 'media/a.gif')]);
    rmSync(join(target, 'media/empty.txt'));
    symlinkSync('/dev/zero', join(target, 'media/empty.txt'));
    const { code, err } = await restore(target, other);

    expect([code, err, existsSync(other)]).toEqual([
      1,
      [
        `${target}/media/a.gif: cannot be read: it is no file of the backup`,
        `${target}/media/empty.txt: cannot be read: it is no file of the backup`,
        'Use another backup.',
        '',
      ].join('\n'),
      false,
    ]);
  });

  test.skipIf(process.platform !== 'linux')('gives back folders to which nobody may write', async () => {
    const { folder, target, other } = await newsroom();
    for (const name of ['articles/2026', 'articles', 'media']) chmodSync(join(folder, name), 0o555);
    await backUp(folder, target);
    const args = [process.execPath, MAIN, 'restore', target, '--data', other];
    const asOthers = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-all', '--', ...args] : args;
    const [program = '', ...rest] = asOthers;
    const { status, stderr } = spawnSync(program, rest, { env: childEnvironment(), encoding: 'utf8' });

    expect([status, stderr]).toEqual([0, ERASED_SINCE]);
    expect(['articles', 'articles/2026', 'media', 'store'].map((name) => modeOf(other, name))).toEqual([
      0o555,
      0o555,
      0o555,
      modeOf(folder, 'store'),
    ]);
    for (const base of [folder, target, other])
      for (const name of ['articles', 'articles/2026', 'media']) chmodSync(join(base, name), 0o755);
  });

  test('does nothing with a folder that is no backup', async () => {
    const { target, other } = await backup();
    const manifest = readFileSync(join(target, 'manifest.json'), 'utf8');
    const errors: string[] = [];
    const texts = [
      undefined,
      manifest.slice(0, -20),
      manifest.replace('"version":1', '"version":2'),
      manifest.replace('articles/b.md', '../b.md'),
      manifest.replace('articles/b.md', '/b.md'),
      manifest.replace(/"schema":\d+/, `"schema":${SCHEMA + 1}`),
    ];
    for (const text of texts) {
      rmSync(join(target, 'manifest.json'));
      if (text !== undefined) writeFileSync(join(target, 'manifest.json'), text);
      const { code, err } = await restore(target, other);
      expect([code, existsSync(other)]).toEqual([1, false]);
      errors.push(err.split('\n')[0]?.replaceAll(target, 'BACKUP') ?? '');
      writeFileSync(join(target, 'manifest.json'), manifest);
    }
    expect(errors).toEqual([
      'BACKUP is no backup: its manifest.json cannot be read: there is no such file or folder (ENOENT).',
      'BACKUP is no backup: its manifest.json cannot be read: it is no whole JSON.',
      'BACKUP is no backup: its manifest.json is not that of a backup (version: Invalid input: expected 1).',
      expect.stringMatching(/^BACKUP is no backup: .* \(files\.\d+\.path: must be a path below the folder\)\.$/),
      expect.stringMatching(/^BACKUP is no backup: .* \(files\.\d+\.path: must be a path below the folder\)\.$/),
      `The backup BACKUP has a store with schema ${SCHEMA + 1}, but this program needs schema ${SCHEMA}.`,
    ]);
  });

  test('of a whole backup is possible: verify says so', async () => {
    const { target } = await backup();

    expect(await command(['verify', target])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^no damage: 2 articles, \d feeds\n$/),
      err: '',
    });
    expect(globSync('**/*-{wal,shm}', { cwd: target })).toEqual([]);
  });

  test('by root gives the files to the owner of the data folder', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('only root can give files away');
    const { target, other } = await backup();
    mkdirSync(other);
    chownSync(other, 65_534, 65_534);
    await restore(target, other);
    const owners = readdirSync(other, { recursive: true, encoding: 'utf8' }).map(
      (path) => statSync(join(other, path)).uid,
    );

    expect(new Set(owners)).toEqual(new Set([65_534]));
  });
});

test('an old backup, restored, says what to do', async () => {
  const { folder, target, other } = await newsroom();
  const db = new DatabaseSync(storeFile(folder));
  db.exec(`PRAGMA user_version = ${SCHEMA - 1}`);
  db.close();
  await backUp(folder, target);
  const { code, err } = await restore(target, other);

  expect([code, err]).toEqual([
    0,
    `Its store has schema ${SCHEMA - 1}: run migrate before you start the service.\n${ERASED_SINCE}`,
  ]);
  expect(readFileSync(join(other, 'publication.yaml'), 'utf8')).toBe(PUBLICATION);
  expect(statSync(other).mtimeMs).toBeLessThan(Date.now() + DAY);
});
