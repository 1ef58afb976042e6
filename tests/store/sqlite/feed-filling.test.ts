import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { articleText } from '../../../src/article/stored.ts';
import { type FeedRule, ownKeys, type Selection } from '../../../src/feed/feeds.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import { verifyStore } from '../../../src/store/sqlite/verify.ts';
import type { Change, Put, Store } from '../../../src/store/store.ts';
import { article } from '../../helpers.ts';
import { sized } from '../../soak/sizes.ts';

/** Feeds with new rules that are filled while the service runs. */

const NOON = Date.UTC(2026, 10, 22, 12);
const MINUTE = 60_000;
const ALL = { limit: 1000, tombstonesFor: NOON };
/** One piece of reading or one entry at a time. */
const SLOWLY = { slice: 0, moved: 1 };
/** Marks feeds, and fills none. */
const NONE_AT_ONCE = -1;

function put(id: string, fields: Readonly<Record<string, unknown>> = {}): Put {
  const made = article({ id, publishedAt: new Date(NOON - 100 * MINUTE).toISOString(), ...fields });
  return { kind: 'put', article: articleText(made), record: JSON.stringify({ id }), feeds: ownKeys(made) };
}

function feed(id: string, select: Partial<Selection> = {}): FeedRule {
  return { id, select: { any: [], all: [], none: [], ...select } };
}

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'filling-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'store.sqlite');
}

function open(file = ':memory:'): Store {
  const store = openSqliteStore(file);
  onTestFinished(() => store.close());
  return store;
}

async function fill(store: Store): Promise<void> {
  while ((await store.fillFeeds(() => NOON, SLOWLY)).left > 0);
}

/** What the command verify finds. */
async function damageOf(file: string): Promise<unknown[]> {
  const found: unknown[] = [];
  await verifyStore(file, { isBackup: false, progress: () => {}, onDamage: (damage) => found.push(damage) });
  return found;
}

/** What a feed holds, whatever its dates. */
async function contentOf(store: Store, key: string) {
  const snapshot = await store.snapshot(key, NOON, ALL);
  if (snapshot === undefined) return undefined;
  // A filled feed takes a revision of its own.
  return { ...snapshot, changedAt: 0, entries: snapshot.entries.map((entry) => ({ ...entry, revision: 0 })) };
}

const tagged = (count: number) =>
  Array.from({ length: count }, (_, index) => put(`a${index}`, { tags: index % 2 === 0 ? ['x'] : ['x', 'y'] }));

test('a feed that is being filled is in no list, and to read it is refused with a hint', async () => {
  const store = open();
  await store.apply(tagged(3), () => NOON);
  await store.backfillFeeds([feed('own', { any: ['tag/x'] })], () => NOON, NONE_AT_ONCE);

  expect(await store.fillingFeeds()).toBe(1);
  expect(await store.rules()).toEqual([feed('own', { any: ['tag/x'] })]);
  await expect(store.snapshot('own', NOON, ALL)).rejects.toMatchObject({ code: 'feed_filling', retryAfter: 5 });
  await expect(store.archivePage('own', 1, NOON)).rejects.toMatchObject({ code: 'feed_filling' });
  expect((await store.feeds(NOON)).map(({ key }) => key)).not.toContain('own');
  expect((await store.listFeeds({ after: '', limit: 50, at: NOON })).feeds.map(({ key }) => key)).not.toContain('own');
  expect(await store.seenFeeds(['own'], NOON)).toEqual([]);
  expect(await store.feedTotal('own', NOON)).toBeUndefined();

  await fill(store);
  expect(await store.fillingFeeds()).toBe(0);
  expect(await contentOf(store, 'own')).toMatchObject({ entries: { length: 3 } });
  expect((await store.feeds(NOON)).map(({ key }) => key)).toContain('own');
});

test('a feed of little work is filled at once, within the limit for all of a call', async () => {
  const store = open();
  await store.apply(tagged(10), () => NOON);
  const rules = [feed('one', { any: ['tag/x'] }), feed('other', { any: ['tag/x'] }), feed('third', { any: ['tag/y'] })];
  // To read ten entries and add ten costs 110; the second reads none again.
  expect(await store.backfillFeeds(rules, () => NOON, 220)).toBe(3);
  expect(await store.fillingFeeds()).toBe(1);
  await expect(store.snapshot('third', NOON, ALL)).rejects.toMatchObject({ code: 'feed_filling' });
  expect(await contentOf(store, 'other')).toMatchObject({ entries: { length: 10 } });
});

test('an article that comes, changes or goes meanwhile is where the new rule wants it', async () => {
  const store = open();
  await store.apply(tagged(6), () => NOON);
  await store.backfillFeeds([feed('own', { any: ['tag/x'] })], () => NOON);
  await store.backfillFeeds([feed('own', { any: ['tag/y'] })], () => NOON, NONE_AT_ONCE);
  await store.fillFeeds(() => NOON, SLOWLY);
  const changes: Change[] = [
    put('new', { tags: ['y'] }),
    put('a0', { tags: ['y'] }), // it was in the feed by the old rule, and is by the new one
    put('a1', { tags: ['x'] }), // it leaves
    put('a2', { tags: ['x'], title: 'Corrected' }), // in by the old rule alone
    { kind: 'withdraw', id: 'a3' },
    { kind: 'withdraw', id: 'a4' },
  ];
  await store.apply(changes, () => NOON);
  await fill(store);
  const { entries, tombstones } = (await contentOf(store, 'own')) ?? expect.fail();
  const articles = await store.articles(entries.map(({ number }) => number));
  expect(articles.map(({ article: { id } }) => id).toSorted()).toEqual(['a0', 'a5', 'new']);
  expect(tombstones).toHaveLength(1);
});

test('a filling that was broken off goes on in another process, and what is filled stays', async () => {
  const file = temporaryFile();
  const first = openSqliteStore(file);
  await first.apply(tagged(8), () => NOON);
  await first.backfillFeeds([feed('one', { any: ['tag/x'] }), feed('other', { none: ['tag/y'] })], () => NOON, -1);
  while ((await first.fillFeeds(() => NOON, SLOWLY)).left === 2);
  await first.fillFeeds(() => NOON, SLOWLY);
  await first.close();
  expect(await damageOf(file)).toEqual([]); // half a feed is no damage

  const second = open(file);
  expect(await second.fillingFeeds()).toBe(1);
  await fill(second);
  expect(await contentOf(second, 'one')).toMatchObject({ entries: { length: 8 } });
  expect(await contentOf(second, 'other')).toMatchObject({ entries: { length: 4 } });
});

test('other processes learn that a feed is being filled, and that it is filled', async () => {
  const file = temporaryFile();
  const [one, other] = [open(file), open(file)];
  await one.apply(tagged(4), () => NOON);
  await one.backfillFeeds([feed('own', { any: ['tag/x'] })], () => NOON);
  await other.takeExternallyChangedFeeds();
  await one.backfillFeeds([feed('own', { any: ['tag/y'] })], () => NOON, NONE_AT_ONCE);
  expect(await other.takeExternallyChangedFeeds()).toContain('own');
  await expect(other.snapshot('own', NOON, ALL)).rejects.toMatchObject({ code: 'feed_filling' });
  await fill(one);
  expect(await other.takeExternallyChangedFeeds()).toContain('own');
  expect(await contentOf(other, 'own')).toMatchObject({ entries: { length: 2 } });
});

test('a feed without a rule is gone at once, and its articles leave it later', async () => {
  const file = temporaryFile();
  const store = open(file);
  await store.apply(tagged(4), () => NOON);
  await store.backfillFeeds([feed('own', { any: ['tag/x'] })], () => NOON);
  await store.backfillFeeds([{ id: 'own' }], () => NOON, NONE_AT_ONCE);
  expect(await store.snapshot('own', NOON, ALL)).toBeUndefined();
  expect(await store.rules()).toEqual([]);
  await store.apply([put('a0', { tags: ['z'] })], () => NOON); // it would keep the feed visible
  await fill(store);
  expect(await store.snapshot('own', NOON, ALL)).toBeUndefined();
  expect(await damageOf(file)).toEqual([]);
});

test('whatever changes while feeds are filled, they end as if they had been filled at once', {
  tags: ['soak'],
}, async () => {
  const tag = fc.constantFrom('tag/a', 'tag/b', 'tag/c', 'section/s', 'latest', 'tag/none');
  const keys = fc.array(tag, { maxLength: 2 });
  const select = fc.record({ any: keys, all: keys, none: keys });
  const fields = fc.record({
    tags: fc.subarray(['A', 'B', 'C']),
    sections: fc.subarray(['S']),
    title: fc.constantFrom('One', 'Two'),
    embargoUntil: fc.option(
      fc.constantFrom(-90, -80, 80, 90).map((minute) => new Date(NOON + minute * MINUTE).toISOString()),
      {
        nil: undefined,
      },
    ),
  });
  const id = fc.nat(7).map((number) => `a${number}`);
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant({ kind: 'fill' } as const) },
    { weight: 3, arbitrary: fc.tuple(id, fields).map(([name, values]) => put(name, values)) },
    { weight: 1, arbitrary: id.map((name) => ({ kind: 'withdraw', id: name }) as const) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.nat(2), fc.option(select)).map(([n, rule]) => ({ kind: 'rule', n, rule }) as const),
    },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(id, fields), { minLength: 3, maxLength: 8 }),
      fc.array(step, { maxLength: 25 }),
      async (before, steps) => {
        const [slow, whole] = [openSqliteStore(':memory:'), openSqliteStore(':memory:')];
        const rules = new Map<string, Selection>();
        for (const store of [slow, whole])
          for (const [name, values] of before) await store.apply([put(name, values)], () => NOON);
        for (const one of steps) {
          if (one.kind === 'fill') await slow.fillFeeds(() => NOON, SLOWLY);
          else if (one.kind === 'rule') {
            const name = `f${one.n}`;
            if (one.rule === null) rules.delete(name);
            else rules.set(name, one.rule);
            await slow.backfillFeeds(
              [one.rule === null ? { id: name } : { id: name, select: one.rule }],
              () => NOON,
              NONE_AT_ONCE,
            );
          } else for (const store of [slow, whole]) await store.apply([one], () => NOON);
        }
        await whole.backfillFeeds(
          [...rules].map(([name, rule]) => feed(name, rule)),
          () => NOON,
        );
        await fill(slow);
        for (const name of ['f0', 'f1', 'f2'])
          expect(await contentOf(slow, name)).toEqual(await contentOf(whole, name));
        for (const store of [slow, whole]) await store.close();
      },
    ),
    { numRuns: sized({ short: 15, soak: 200, full: 5000 }) },
  );
});
