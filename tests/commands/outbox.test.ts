import { expect, test } from 'vitest';
import { storeFile } from '../../src/service/data-folder.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { dataFolder } from '../helpers.ts';
import { command } from './terminal.ts';

const A = { id: 'cloudflare:Z', kind: 'purge' };
const B = { id: 'varnish:http://cdn/', kind: 'purge' };

/** A data folder whose store has two targets, one of which failed. */
async function failing(): Promise<string> {
  const folder = await dataFolder();
  const store = openSqliteStore(storeFile(folder));
  const now = () => Date.UTC(2026, 10, 20);
  const options = { most: 10, tombstonesFor: 0 };
  await store.setOutboxTargets([A, B], '1', now);
  for (const { id } of [A, B]) {
    const message = await store.claimOutbox(id, { ...options, owner: 'me', lease: 1000 }, now);
    const failed = { result: 'failed', reason: 'It answers 429.', retryAt: Date.UTC(2099, 0, 1) } as const;
    const settlement = id === A.id ? failed : ({ result: 'told', repeatAfter: 0 } as const);
    if (message !== undefined) await store.settleOutbox(message, settlement, options, now);
  }
  await store.close();
  return folder;
}

const FAILING =
  'cloudflare:Z: failing since 2026-11-20T00:00:00Z, 1 attempts, the next at 2099-01-01T00:00:00Z. It answers 429.';

test('outbox list shows what each target knows', async () => {
  const folder = await failing();
  expect(await command(['outbox', 'list', '--data', folder])).toMatchObject({
    code: 0,
    out: `${FAILING}\nvarnish:http://cdn/: up to date.\n`,
  });
  const { out } = await command(['outbox', 'list', '--json', '--data', folder]);
  expect(JSON.parse(out)).toEqual({
    targets: [
      {
        ...{ target: A.id, kind: 'purge', state: 'failing', due: '2026-11-20T00:00:00Z', isEverything: true },
        ...{ nextAttempt: '2099-01-01T00:00:00Z', failures: 1, failingSince: '2026-11-20T00:00:00Z' },
        lastError: 'It answers 429.',
      },
      { target: B.id, kind: 'purge', state: 'up to date', failures: 0 },
    ],
  });
});

test('outbox drop and outbox retry change a target', async () => {
  const folder = await failing();
  expect(await command(['outbox', 'drop', A.id, '--data', folder])).toMatchObject({
    code: 0,
    out: 'cloudflare:Z: what it was to be told by now is dropped.\n',
  });
  expect(await command(['outbox', 'list', '--data', folder])).toMatchObject({
    out: 'cloudflare:Z: up to date.\nvarnish:http://cdn/: up to date.\n',
  });
  expect(await command(['outbox', 'retry', '--data', folder])).toMatchObject({
    code: 0,
    out: 'cloudflare:Z: tried at once.\nvarnish:http://cdn/: tried at once.\n',
  });
  expect(await command(['outbox', 'forget', A.id, '--data', folder])).toMatchObject({
    code: 0,
    out: 'cloudflare:Z: forgotten. A service that names it tells it everything after its next start.\n',
  });
  const { out } = await command(['outbox', 'list', '--json', '--data', folder]);
  expect(JSON.parse(out).targets).toMatchObject([{ target: B.id }]);
});

test.each([
  [['list'], 0, 'The service tells no other system of changes.\n', ''],
  [
    ['retry'],
    1,
    '',
    'The outbox has no target: name caches with --purge, or a static site with --site, when you start the service.\n',
  ],
])('without a store: outbox %j', async (args, code, out, err) => {
  const folder = await dataFolder();
  expect(await command(['outbox', ...args, '--data', folder])).toMatchObject({ code, out, err });
});

test.each([
  [[], '“outbox” needs an action: list, retry, drop or forget.'],
  [['delete'], '“outbox” needs an action: list, retry, drop or forget, not “delete”: the nearest is drop.'],
  [['forget'], '“outbox forget” needs the target: “outbox list” shows all.'],
  [['drop'], '“outbox drop” needs the target: “outbox list” shows all.'],
  [['list', 'x'], 'Unexpected argument “x”.'],
])('wrong usage: outbox %j', async (args, message) => {
  const { code, err } = await command(['outbox', ...args]);
  expect(code).toBe(2);
  expect(err).toContain(message);
});

test('an unknown target is named, with the nearest one', async () => {
  const folder = await failing();
  const { code, err } = await command(['outbox', 'drop', 'varnish:http://cdm/', '--data', folder]);
  expect([code, err]).toEqual([
    1,
    'The outbox has no target “varnish:http://cdm/”. Did you mean varnish:http://cdn/?\n',
  ]);
  expect(await command(['outbox', 'drop', 'fastly:x', '--data', folder])).toMatchObject({
    code: 1,
    err: 'The outbox has no target “fastly:x”. Run “outbox list” to see all targets.\n',
  });
});
