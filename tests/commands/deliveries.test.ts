import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { rfc3339 } from '../../src/lib/instant.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { openDeliveryRecord } from '../../src/service/deliveries.ts';
import type { Delivery } from '../../src/store/delivery-store.ts';
import { dataFolder } from '../helpers.ts';
import { command } from './terminal.ts';

const PARTNER = 'name: The Herald\nfeeds: [latest]\ndialect: plain\n';
const NOW = Math.floor(Date.now() / 1000) * 1000;
const MINUTE = 60_000;

function delivery(fields: Partial<Delivery> = {}): Delivery {
  return {
    ...{ at: NOW - MINUTE, partner: 'herald', key: '0123456789ab', feed: 'latest', format: 'rss', status: 200 },
    ...{ bytes: 1000, isWhole: true, revision: 7, network: '192.0.2.0/24' },
    ...fields,
  };
}

/** A data folder whose partner has fetched something. */
async function folderWith(deliveries: readonly Delivery[]): Promise<string> {
  const folder = await dataFolder({ 'partners/herald.yaml': PARTNER, 'partners/post.yaml': PARTNER });
  const opened = openDataFolder(folder);
  const record = await openDeliveryRecord(opened, () => {});
  await record.add({ deliveries, through: NOW, lost: { from: NOW - MINUTE, to: NOW, count: 1 } });
  await record.close();
  await opened.store.close();
  return folder;
}

test('shows what a partner has fetched, newest first, and where nobody recorded', async () => {
  const folder = await folderWith([
    delivery({ at: NOW - 90 * MINUTE, key: 'k2', status: 304, bytes: 0, feed: 'section/world' }),
    delivery({ isWhole: false }),
    delivery({ partner: 'post' }),
  ]);
  const { code, out, err } = await command(['deliveries', 'herald', '--data', folder]);
  const [at, before] = [NOW - MINUTE, NOW - 90 * MINUTE].map(rfc3339);
  expect([code, out]).toEqual([
    0,
    [
      'TIME                  KEY           FEED           FORMAT  STATUS  SENT       BYTES  REVISION  NETWORK',
      `${at}  0123456789ab  latest         rss     200     not whole  1000   7         192.0.2.0/24`,
      `${before}  k2            section/world  rss     304     whole      0      7         192.0.2.0/24`,
      '',
    ].join('\n'),
  ]);
  expect(err).toBe(`Not recorded: from ${at} to ${rfc3339(NOW)}.\n`);

  const recent = await command(['deliveries', 'herald', '--json', '--since', '1h', '--data', folder]);
  expect(
    recent.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual([
    {
      ...{ at, partner: 'herald', key: '0123456789ab', feed: 'latest', format: 'rss', status: 200, bytes: 1000 },
      ...{ whole: false, revision: 7, network: '192.0.2.0/24' },
    },
  ]);
  expect(
    (await command(['deliveries', 'herald', '--limit', '1', '--data', folder])).out.trimEnd().split('\n'),
  ).toHaveLength(2);
});

test('a partner that was removed still has its deliveries; an unknown one has the nearest name', async () => {
  const folder = await folderWith([delivery({ partner: 'gone' })]);
  expect((await command(['deliveries', 'gone', '--data', folder])).out).toContain('192.0.2.0/24');
  expect(await command(['deliveries', 'post', '--data', folder])).toMatchObject({ code: 0, out: '' });
  for (const args of [
    ['deliveries', 'heralt'],
    ['withdrawals', '--partner', 'heralt'],
  ]) {
    const key = `fp_0123456789ab_${'A'.repeat(43)}`; // somebody took the key for the id
    expect((await command([...args.slice(0, -1), key, '--data', folder])).err).toContain('“fp_0123456789ab_***”');
    expect(await command([...args, '--data', folder])).toMatchObject({
      code: 1,
      out: '',
      err: 'There is no partner “heralt”: partners/ has no file of that name. Did you mean herald?\n',
    });
  }
});

test('a data folder that no service has used has nothing, and stays as it is', async () => {
  const folder = await dataFolder({ 'partners/herald.yaml': PARTNER });
  await mkdir(join(folder, 'articles'));
  expect(await command(['deliveries', 'herald', '--data', folder])).toMatchObject({ code: 0, out: '' });
  expect(await command(['withdrawals', '--data', folder])).toMatchObject({ code: 0, out: '' });
});

test.each([
  [['deliveries'], '“deliveries” needs the id of a partner: the name of its file in partners/ without .yaml.'],
  [['deliveries', 'a', 'b'], '“deliveries” shows one PARTNER, not 2.'],
  [
    ['deliveries', 'a', '--since', 'yesterday'],
    '--since must be a time ago, as 90m, 12h or 30d, a day, as 2026-11-01, or a moment, as 2026-11-01T12:00:00Z, not “yesterday”.',
  ],
])('%j is wrong usage', async (args, message) => {
  expect(await command(args)).toMatchObject({
    code: 2,
    err: `${message}\nRun with --help to see commands and options.\n`,
  });
});
