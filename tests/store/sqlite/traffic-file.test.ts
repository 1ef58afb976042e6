import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { openTrafficFile } from '../../../src/store/sqlite/traffic-file.ts';
import {
  FEED_WIDTH,
  type HourCounts,
  MAX_DECLARATIONS,
  MAX_FEEDS,
  OTHER_FEEDS,
  TOTALS_WIDTH,
} from '../../../src/store/traffic-store.ts';
import { dataFolder } from '../../helpers.ts';

const HOUR = 490_000;

interface Numbers {
  readonly whole?: number;
  readonly feeds?: Readonly<Record<string, number>>;
  readonly subscribers?: readonly (readonly [feed: string, service: string, number: number])[];
}

function counts({ whole = 0, feeds = {}, subscribers = [] }: Numbers, hour = HOUR): HourCounts {
  const numbers = (width: number, first: number) => new Float64Array(width).fill(first, 0, 1);
  const declared = new Map<string, Map<string, number>>();
  for (const [feed, service, number] of subscribers) {
    declared.set(feed, (declared.get(feed) ?? new Map<string, number>()).set(service, number));
  }
  return {
    hour,
    totals: numbers(TOTALS_WIDTH, whole),
    feeds: new Map(Object.entries(feeds).map(([feed, requests]) => [feed, numbers(FEED_WIDTH, requests)])),
    subscribers: declared,
  };
}

/** A file, and what was lost of it. */
async function opened(file?: string) {
  const path = file ?? join(await dataFolder(), 'store/traffic.sqlite');
  const losses: string[] = [];
  const traffic = openTrafficFile(path, (reason) => losses.push(reason));
  onTestFinished(traffic.close);
  const requests = (hour = HOUR) =>
    Object.fromEntries([...(traffic.read(hour)?.feeds ?? [])].map(([feed, [first]]) => [feed, first]));
  return { path, losses, requests, ...traffic };
}

test('adds up what two processes have counted, and keeps the highest declaration', async () => {
  const one = await opened();
  const other = await opened(one.path);
  expect(one.read(HOUR)).toBeUndefined();
  one.add([counts({ whole: 3, feeds: { latest: 2 }, subscribers: [['latest', 'Feedly', 7]] })], HOUR);
  other.add(
    [
      counts({
        whole: 4,
        feeds: { latest: 1, 'tag/a': 5 },
        subscribers: [
          ['latest', 'Feedly', 5],
          ['tag/a', 'Feedly', 9],
        ],
      }),
    ],
    HOUR,
  );

  expect(one.read(HOUR)).toEqual(
    counts({
      whole: 7,
      feeds: { latest: 3, 'tag/a': 5 },
      subscribers: [
        ['latest', 'Feedly', 7],
        ['tag/a', 'Feedly', 9],
      ],
    }),
  );
  expect([one.losses, other.losses]).toEqual([[], []]);
});

test.each([-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60])(
  'a row with a number that cannot be counts nothing, and new counts replace it: %s',
  async (wrong) => {
    const { path, read, add, requests } = await opened();
    add([counts({ whole: 3, feeds: { latest: 2, 'tag/a': 5 } })], HOUR);
    const db = new DatabaseSync(path);
    db.prepare("UPDATE feed SET numbers = ? WHERE feed = 'latest'").run(
      new Uint8Array(new Float64Array(FEED_WIDTH).fill(wrong, 1, 2).buffer),
    );
    db.close();

    expect(requests()).toEqual({ 'tag/a': 5 });
    add([counts({ feeds: { latest: 1 } })], HOUR);
    expect(requests()).toEqual({ latest: 1, 'tag/a': 5 });
    expect(read(HOUR)?.totals[0]).toBe(3);
  },
);

test('forgets hours that are too old, and those that a clock invented', async () => {
  const { add, read } = await opened();
  for (const hour of [HOUR + 2, HOUR + 1]) add([counts({ whole: 1 }, hour)], hour); // a clock ahead
  for (const hour of [HOUR - 24, HOUR - 23, HOUR]) add([counts({ whole: 1 }, hour)], HOUR);
  add([], HOUR);

  expect([-24, -23, 0, 1, 2].map((distance) => read(HOUR + distance)?.totals[0])).toEqual([
    undefined,
    1,
    1,
    1,
    undefined,
  ]);
});

test('keeps a thousand feeds and two thousand declarations of an hour, whichever process adds them', async () => {
  const one = await opened();
  const other = await opened(one.path);
  const feeds = (from: number, until: number) =>
    Object.fromEntries(Array.from({ length: until - from }, (_, index) => [`tag/${from + index}`, 1]));
  const subscribers = (from: number, until: number) =>
    Array.from({ length: until - from }, (_, index) => ['latest', `S${from + index}`, 1] as const);
  one.add([counts({ feeds: feeds(0, 900), subscribers: subscribers(0, 1500) })], HOUR);
  other.add([counts({ feeds: feeds(800, 1200), subscribers: subscribers(1000, 3000) })], HOUR);
  one.add([counts({ feeds: { ...feeds(1199, 1200), [OTHER_FEEDS]: 5 } })], HOUR);
  const requests = one.requests();

  expect(Object.keys(requests)).toHaveLength(MAX_FEEDS + 1);
  expect([requests['tag/0'], requests['tag/850'], requests['tag/999'], requests['tag/1000']]).toEqual([
    1,
    2,
    1,
    undefined,
  ]);
  expect(requests[OTHER_FEEDS]).toBe(200 + 1 + 5);
  expect(one.read(HOUR)?.subscribers.get('latest')?.size).toBe(MAX_DECLARATIONS);
});

test('adds nothing while another process writes, and says so', async () => {
  const { path, add, requests, losses } = await opened();
  add([counts({ feeds: { latest: 1 } })], HOUR);
  const db = new DatabaseSync(path);
  db.exec('BEGIN IMMEDIATE');
  expect(add([counts({ feeds: { latest: 1 } })], HOUR)).toBe('busy');
  expect(requests()).toEqual({ latest: 1 });
  db.exec('ROLLBACK');
  db.close();
  expect(add([counts({ feeds: { latest: 1 } })], HOUR)).toBe('added');
  expect([requests(), losses]).toEqual([{ latest: 2 }, []]);
});

test('waits for no other process that creates or writes it', async () => {
  const { path, add, read, losses } = await opened();
  const db = new DatabaseSync(path.replace('store/', ''));
  db.close();
  const one = await opened(path.replace('store/', ''));
  const other = new DatabaseSync(one.path);
  other.exec('BEGIN EXCLUSIVE');
  expect(one.add([counts({ whole: 1 })], HOUR)).toBe('busy');
  expect(one.read(HOUR)).toBeUndefined();
  other.exec('COMMIT');
  other.close();
  expect([one.add([counts({ whole: 1 })], HOUR), one.read(HOUR)?.totals[0], one.losses]).toEqual(['added', 1, []]);
  expect([add([], HOUR), read(HOUR), losses]).toEqual(['added', undefined, []]);
});

test.each(['moved away', 'removed'])('a file that is %s is made anew, by every process', async (how) => {
  const one = await opened();
  const other = await opened(one.path);
  one.add([counts({ feeds: { latest: 1 } })], HOUR);
  other.add([counts({ feeds: { latest: 1 } })], HOUR);
  for (const ending of ['', '-wal', '-shm']) {
    if (how === 'removed') await rm(one.path + ending, { force: true });
    else await rename(one.path + ending, `${one.path}.old${ending}`);
  }
  one.add([counts({ feeds: { latest: 3 } })], HOUR);
  other.add([counts({ feeds: { latest: 4 } })], HOUR);

  expect([one.requests(), other.requests()]).toEqual([{ latest: 7 }, { latest: 7 }]);
});
