import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { rfc3339 } from '../../src/lib/instant.ts';
import { createPublisher, parseHere } from '../../src/publish/publish.ts';
import { unparsedRecord } from '../../src/publish/unparsed-record.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { newsroom, record } from '../helpers.ts';
import { sized } from '../soak/sizes.ts';

/** The blocks of sitemaps, while articles are published, corrected, are withdrawn and expire in any order of their dates. */

const DAY = 24 * 60 * 60 * 1000;
const NOW = Date.UTC(2026, 10, 22, 12);
const SIZE = 3;
/** The days at which articles are dated, apart from one another so that their order is certain. */
const DAYS = [-400, -399, -75, -70, -60, -41, -25, -23, -22, -21, -20, -9, -3, -1, 0, 1, 2];

interface Story {
  readonly title: string;
  /** Days from now. */
  readonly expires: number | undefined;
}

type Step =
  | { readonly kind: 'put'; readonly day: number; readonly story: Story }
  | { readonly kind: 'withdraw'; readonly day: number }
  | { readonly kind: 'wait'; readonly days: number };

const day = fc.constantFrom(...DAYS);
const story = fc.record({
  title: fc.constantFrom('Water', 'Snow'),
  expires: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.integer({ min: 1, max: 6 })),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put'), day, story }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('withdraw'), day }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait'), days: fc.integer({ min: 0, max: 2 }) }) },
);

const idOf = (offset: number) => `s${offset}`;
const dateOf = (offset: number) => rfc3339(NOW + offset * DAY - DAY / 4);

function publisherOf(store: Store, now: () => number) {
  return createPublisher({ store, parse: parseHere(newsroom), announce: () => {}, now });
}

async function put(publisher: ReturnType<typeof publisherOf>, offset: number, { title, expires }: Story) {
  const dated = dateOf(offset);
  const fields = {
    id: idOf(offset),
    url: `/${idOf(offset)}`,
    title,
    publishedAt: dated,
    ...(offset > 0 ? { embargoUntil: dated } : {}),
    ...(expires === undefined ? {} : { expiresAt: rfc3339(NOW + expires * DAY) }),
  };
  await publisher.publish([unparsedRecord(record(fields))]);
}

/** The ids in each block, by its month. */
async function shown(store: Store, at: number) {
  const blocks = await store.articleBlocks(at, SIZE);
  return Promise.all(
    blocks.map(async ({ month, number, articles, first, last }) => {
      const entries = await store.entriesIn({ first, last, limit: SIZE }, at);
      expect(entries.length).toBe(articles);
      const found = await store.articles(entries.map((entry) => entry.number));
      return [month, number, ...found.map(({ article }) => article.id)];
    }),
  );
}

/** What the blocks have to be: each month in threes, in the order of publication. */
function expected(stories: ReadonlyMap<number, Story>, now: number) {
  const visible = [...stories]
    .filter(
      ([offset, { expires }]) =>
        Date.parse(dateOf(offset)) <= now && (expires === undefined || NOW + expires * DAY > now),
    )
    .toSorted(([one], [other]) => one - other)
    .map(([offset]) => offset);
  const months = Map.groupBy(visible, (offset) => dateOf(offset).slice(0, 7));
  return [...months].flatMap(([month, offsets]) =>
    Array.from({ length: Math.ceil(offsets.length / SIZE) }, (_, index) => [
      month,
      index + 1,
      ...offsets.slice(index * SIZE, (index + 1) * SIZE).map(idOf),
    ]),
  );
}

test('blocks have exactly the visible articles, month by month, whatever happened before', {
  tags: ['soak'],
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 40 }), async (steps) => {
      const store = openSqliteStore(':memory:');
      let now = NOW;
      const publisher = publisherOf(store, () => now);
      const stories = new Map<number, Story>();
      for (const each of steps) {
        if (each.kind === 'wait') now += each.days * DAY;
        else if (each.kind === 'put') {
          await put(publisher, each.day, each.story);
          stories.set(each.day, each.story);
        } else {
          await store.apply([{ kind: 'withdraw', id: idOf(each.day) }], () => now);
          stories.delete(each.day);
        }
        expect(await shown(store, now)).toEqual(expected(stories, now));
      }
      await store.close();
    }),
    { numRuns: sized({ short: 8, soak: 120, full: 3000 }), seed: 20261130, endOnFailure: true },
  );
});

test('a new article gives only its own block another version, and a correction the block that has it', async () => {
  const store = openSqliteStore(':memory:');
  const publisher = publisherOf(store, () => NOW);
  const past = DAYS.filter((offset) => offset < -1);
  for (const offset of past) await put(publisher, offset, { title: 'Water', expires: undefined });
  const versions = async () =>
    new Map(
      (await store.articleBlocks(NOW, SIZE)).map(({ month, number, version }) => [`${month} ${number}`, version]),
    );
  const changed = (one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>) =>
    [...other].flatMap(([name, version]) => (one.get(name) === version ? [] : [name]));

  const before = await versions();
  await put(publisher, -1, { title: 'Water', expires: undefined });
  const after = await versions();
  expect(changed(before, after)).toEqual(['2026-11 2']);
  await put(publisher, -400, { title: 'Snow', expires: undefined });
  expect(changed(after, await versions())).toEqual(['2025-10 1']);
  await store.close();
});

test('blocks do not depend on the order in which the store was filled', async () => {
  const filled = async (offsets: readonly number[]) => {
    const store = openSqliteStore(':memory:');
    const publisher = publisherOf(store, () => NOW);
    for (const offset of offsets) await put(publisher, offset, { title: 'Water', expires: undefined });
    const blocks = await shown(store, NOW);
    await store.close();
    return blocks;
  };
  expect(await filled(DAYS)).toEqual(await filled(DAYS.toReversed()));
});

test('articles may change while blocks are made', async () => {
  const store = openSqliteStore(':memory:');
  const publisher = publisherOf(store, () => NOW);
  for (const offset of DAYS) await put(publisher, offset, { title: 'Water', expires: undefined });
  let time = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => {
    time += 1000; // it is always time for other work
    return time;
  });
  try {
    for (const title of ['Snow', 'Ice', 'Rain', 'Hail']) {
      const making = shown(store, NOW);
      for (const offset of DAYS) await put(publisher, offset, { title, expires: undefined });
      await making;
    }
  } finally {
    clock.mockRestore();
  }
  const stories = new Map(DAYS.map((offset) => [offset, { title: 'Hail', expires: undefined }]));
  expect(await shown(store, NOW)).toEqual(expected(stories, NOW));
  await store.close();
});
