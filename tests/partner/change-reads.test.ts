import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createChangeReads } from '../../src/partner/change-reads.ts';
import type { ArticleEvent, TimeSpan } from '../../src/store/partner-store.ts';
import { article } from '../helpers.ts';
import { sized } from '../soak/sizes.ts';
import { type MemoryStore, memoryStore } from './memory-store.ts';

const BEGIN = Date.UTC(2026, 10, 22, 12);
const LIMIT = 50;

/** Stories whose dates are so many seconds after the beginning, and a store that counts its reads of time. */
function storeOf(seconds: readonly number[]): { store: MemoryStore; read: TimeSpan[] } {
  const store = memoryStore();
  for (const [index, second] of seconds.entries()) {
    const publishedAt = new Date(BEGIN + second * 1000).toISOString();
    store.put(article({ id: `a${index}`, url: `https://news.example/${index}`, publishedAt }), BEGIN);
  }
  const read: TimeSpan[] = [];
  const { changedByTime } = store;
  store.changedByTime = (span) => {
    read.push(span);
    return changedByTime(span);
  };
  return { store, read };
}

test('one read answers polls that have begun to wait at different moments and are looked at one after the other', async () => {
  const { store, read } = storeOf([1, 20]);
  const reads = createChangeReads(store);
  const found: (readonly ArticleEvent[])[] = [];
  for (let poll = 0; poll < 500; poll += 1) {
    const span = { from: BEGIN + poll * 60, to: BEGIN + 40_000 + poll, delay: 0, upTo: 9, limit: LIMIT };
    found.push(await reads.changedByTime(span));
  }
  expect(read).toHaveLength(1);
  expect(found.map(({ length }) => length)).toEqual(
    Array.from({ length: 500 }, (_, poll) => (poll * 60 < 1000 ? 2 : poll * 60 < 20_000 ? 1 : 0)),
  );
});

const second = fc.integer({ min: -400, max: 400 });
const spans = fc.array(
  fc.record({
    from: second,
    length: fc.integer({ min: 0, max: 300 }),
    after: fc.option(fc.integer({ min: 0, max: 70 }), { nil: undefined }),
    delay: fc.constantFrom(0, 90_000),
    upTo: fc.integer({ min: 0, max: 70 }),
    limit: fc.constantFrom(1, 3, LIMIT),
  }),
  { minLength: 2, maxLength: 20 },
);

test('a span that is answered from another read has what the store has: however many events, in any order of spans', {
  tags: ['soak'],
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(second, { maxLength: 70 }), spans, async (seconds, asked) => {
      const { store } = storeOf(seconds);
      const reads = createChangeReads(store);
      for (const { from, length, after, ...rest } of asked) {
        const bounds = { from: BEGIN + from * 1000, to: BEGIN + (from + length) * 1000 };
        const span = { ...bounds, ...(after === undefined ? {} : { after }), ...rest };
        expect(await reads.changedByTime(span)).toEqual(await store.changedByTime(span));
      }
    }),
    { numRuns: sized({ short: 40, soak: 1000, full: 20_000 }) },
  );
});

/** Calls a read for each of so many numbers, then for the first and the last one again; returns the numbers that the store was asked for. */
async function askedFor(
  count: number,
  read: (reads: ReturnType<typeof createChangeReads>, number: number) => Promise<unknown>,
): Promise<readonly number[]> {
  const asked: number[] = [];
  const story = article();
  const ask = (number: number): [] => {
    asked.push(number);
    return [];
  };
  const store = {
    ...memoryStore(),
    memberships: async (number: number) => ask(number),
    formerMemberships: async (number: number) => ask(number),
    articles: async (numbers: readonly number[]) => {
      asked.push(...numbers);
      return numbers.map((number) => ({ number, revision: number, article: story }));
    },
  };
  const reads = createChangeReads(store);
  for (let number = 1; number <= count; number += 1) await read(reads, number);
  for (const number of [count, 1]) await read(reads, number);
  return asked.slice(count);
}

test.each([
  ['the feeds of articles', 10_000, (reads, number) => reads.memberships(number)],
  ['the feeds that articles have left', 10_000, (reads, number) => reads.formerMemberships(number)],
  ['articles', 500, (reads, number) => reads.articles([{ number, revision: number }])],
] satisfies [string, number, Parameters<typeof askedFor>[1]][])(
  'an import of a million stories fills no memory with what polls share: %s',
  async (_name, most, read) => {
    expect(await askedFor(most, read)).toEqual([]);
    expect(await askedFor(most + 1, read)).toEqual([1]);
  },
);

test('reads that overlap have all their articles, whatever is forgotten meanwhile', async () => {
  const numbers = Array.from({ length: 700 }, (_, index) => index + 1);
  const story = article();
  const store = {
    ...memoryStore(),
    articles: async (asked: readonly number[]) => asked.map((number) => ({ number, revision: 1, article: story })),
  };
  const reads = createChangeReads(store);
  const events = (some: readonly number[]) => some.map((number) => ({ number, revision: 1 }));
  await reads.articles(events(numbers.slice(0, 40)));
  const found = await Promise.all([reads.articles(events(numbers.slice(0, 50))), reads.articles(events(numbers))]);
  expect(found.map(({ length }) => length)).toEqual([50, 700]);
});
