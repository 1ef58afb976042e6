import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDeliveryRecorder, type DeliveryFacts } from '../../src/partner/deliveries.ts';
import type { Batch } from '../../src/store/delivery-store.ts';
import { openDeliveryFile } from '../../src/store/sqlite/delivery-file.ts';
import type { Added } from '../../src/store/traffic-store.ts';

const NOON = Date.parse('2026-11-20T12:00:00Z');
const FACTS: DeliveryFacts = {
  partner: 'herald',
  key: '0123456789ab',
  network: '192.0.2.0/24',
};
const OF_FEED = { feed: 'latest', format: 'rss', revision: 7 };
const WHOLE = { ...OF_FEED, status: 200, bytes: 10, isWhole: true };

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A recorder with a store that answers as told, and remembers what it was given. */
function recording({ maxPending = 3, isWanted = true, answers = [] as (Added | Error)[] } = {}) {
  const batches: Batch[] = [];
  const failures: unknown[] = [];
  const said: string[] = [];
  const store = openDeliveryFile({ file: ':memory:', now: Date.now, since: () => undefined, onLoss: () => {} });
  const recorder = createDeliveryRecorder({
    store: {
      ...store,
      async add(batch) {
        batches.push(batch);
        const answer = answers.shift() ?? 'added';
        if (answer instanceof Error) throw answer;
        return answer === 'added' ? await store.add(batch) : answer;
      },
      async close(isComplete) {
        said.push(isComplete ? 'complete' : 'incomplete');
      },
    },
    now: Date.now,
    isWanted: () => isWanted,
    fail: (error) => failures.push(error),
    onFull: () => said.push('full'),
    maxPending,
  });
  const recorded = async () => (await store.deliveries({ limit: 100 })).map(({ at, status }) => [at - NOON, status]);
  return { ...recorder, batches, failures, said, recorded, coverage: () => store.coverage(0) };
}

test('saves within a second, and no answer waits for it', async () => {
  const { begin, recorded, counts } = recording();
  const end = begin(FACTS);
  vi.advanceTimersByTime(100);
  end(WHOLE);
  end(WHOLE); // once only
  expect(await recorded()).toEqual([]);
  await vi.advanceTimersByTimeAsync(900);
  expect(await recorded()).toEqual([[0, 200]]);
  expect([...counts().deliveries]).toEqual([['herald', 200, 1]]);
  expect(counts().unsavedFor).toBe(0);
});

test('says every second that there is nothing, as long as there are partners', async () => {
  const wanted = recording();
  const other = recording({ isWanted: false });
  await vi.advanceTimersByTimeAsync(1000);
  expect(wanted.batches.map(({ deliveries, through }) => [deliveries.length, through - NOON])).toEqual([
    [0, 500],
    [0, 1000],
  ]);
  expect(other.batches).toEqual([]);
  await other.close();
  expect([other.batches, other.said]).toEqual([[], ['complete']]);
});

test('the record ends before an answer that is under way', async () => {
  const { begin, coverage } = recording();
  await vi.advanceTimersByTimeAsync(400);
  const end = begin(FACTS);
  await vi.advanceTimersByTimeAsync(5000);
  expect((await coverage()).through).toBe(NOON + 400);
  end(WHOLE);
  await vi.advanceTimersByTimeAsync(500);
  expect((await coverage()).through).toBeGreaterThan(NOON + 5400);
});

test.each(['busy', 'full', new Error('disk on fire')] as const)(
  'keeps deliveries while the store is %s',
  async (answer) => {
    const { begin, recorded, failures, said, batches } = recording({ answers: [answer, answer] });
    begin(FACTS)(WHOLE);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await recorded()).toEqual([]);
    begin(FACTS)({ ...OF_FEED, status: 304, bytes: 0, isWhole: true });
    await vi.advanceTimersByTimeAsync(500);
    expect(await recorded()).toEqual([
      [1000, 304],
      [0, 200],
    ]);
    expect(batches).toHaveLength(3);
    expect(failures).toHaveLength(answer instanceof Error ? 2 : 0);
    expect(said).toEqual(answer === 'full' ? ['full'] : []); // once
  },
);

test('beyond the limit it counts what is lost, and that time is a gap', async () => {
  const { begin, recorded, counts, coverage } = recording({ answers: ['full', 'full', 'full'] });
  for (let index = 0; index < 5; index += 1) {
    begin(FACTS)(WHOLE);
    await vi.advanceTimersByTimeAsync(300);
  }
  expect(counts().lost).toBe(2);
  await vi.advanceTimersByTimeAsync(500);
  expect(await recorded()).toEqual([
    [600, 200],
    [300, 200],
    [0, 200],
  ]);
  expect((await coverage()).gaps).toEqual([{ from: NOON + 900, to: NOON + 1200 }]);
});

test('saves many in pieces, and says no more than each piece has', async () => {
  const { begin, save, batches, recorded } = recording({ maxPending: 10_000 });
  for (let index = 0; index < 1200; index += 1) {
    vi.setSystemTime(NOON + index);
    begin(FACTS)(WHOLE);
  }
  await save();
  expect(batches.map(({ deliveries, through }) => [deliveries.length, through - NOON])).toEqual([
    [500, 500],
    [500, 1000],
    [200, 1199],
  ]);
  expect(await recorded()).toHaveLength(100);
});

test('a stop saves the rest, and says whether all is recorded', async () => {
  const one = recording({ answers: ['busy'] });
  one.begin(FACTS)(WHOLE);
  const closing = one.close();
  await vi.advanceTimersByTimeAsync(10);
  await closing;
  expect(await one.recorded()).toEqual([[0, 200]]);
  expect(one.said).toEqual(['complete']);

  const full = recording({ answers: ['full'] });
  full.begin(FACTS)(WHOLE);
  await full.close();
  expect(full.said).toEqual(['full', 'incomplete']);

  const cut = recording();
  cut.begin(FACTS);
  await vi.advanceTimersByTimeAsync(500);
  await cut.close();
  expect(cut.said).toEqual(['incomplete']);
});

test('counts a bounded number of partners apart', () => {
  const { begin, counts } = recording({ maxPending: 1000 });
  for (let index = 0; index < 150; index += 1) begin({ ...FACTS, partner: `p${index}` })(WHOLE);
  const counted = [...counts().deliveries];
  expect(counted).toHaveLength(101);
  expect(counted.at(-1)).toEqual(['other', 200, 50]);
});
