import { beforeEach, describe, expect, test } from 'vitest';
import type { Partner } from '../../src/config/partners.ts';
import { type ChangePage, createChangeFeed, feedKeysOf } from '../../src/partner/changes.ts';
import { createLongPolls, type LongPolls } from '../../src/partner/long-polls.ts';
import { manualTimers, settle } from '../document/manual-timers.ts';
import { article } from '../helpers.ts';
import { type MemoryStore, memoryStore } from './memory-store.ts';
import { partnerOf } from './partners.ts';

const BEGIN = Date.UTC(2026, 10, 22, 12);
const world = partnerOf({ id: 'world', feeds: ['section/world'] });
const sport = partnerOf({ id: 'sport', feeds: ['section/sport'] });
const held = partnerOf({ id: 'held', delay: 90_000 });

/** What became of a poll. */
interface Outcome {
  page?: ChangePage;
  isAgain?: boolean;
  error?: unknown;
  leave: () => void;
}

let store: MemoryStore;
let polls: LongPolls;
let timers: ReturnType<typeof manualTimers>;
let elapsed: number;
/** Milliseconds by which somebody has set the clock. */
let shift: number;
let looks: string[];
const now = () => BEGIN + elapsed + shift;

beforeEach(() => {
  store = memoryStore();
  timers = manualTimers();
  elapsed = 0;
  shift = 0;
  looks = [];
  polls = createLongPolls({
    store,
    now,
    timers,
    clock: () => elapsed,
    fail: (error) => {
      throw error;
    },
  });
});

async function pass(milliseconds: number): Promise<void> {
  elapsed += milliseconds;
  timers.pass(milliseconds);
  await settle();
}

/** Lets a partner poll from the present on. */
async function poll(partner: Partner, wait = 30_000, between: () => void = () => {}): Promise<Outcome> {
  const feed = createChangeFeed({ store, now, refusalOf: () => undefined, clock: () => elapsed });
  const version = polls.version();
  const page = await feed.page(partner, await feed.begin(partner), 500);
  between();
  const outcome: Outcome = { leave: () => {} };
  outcome.leave = polls.wait(
    {
      key: partner.id,
      feeds: feedKeysOf(partner),
      delay: partner.delay,
      look: (position, reads) => {
        looks.push(partner.id);
        return feed.page(partner, position, 100, reads);
      },
    },
    page.position,
    {
      wait,
      answer: (answered) => {
        outcome.page = answered;
      },
      again: () => {
        outcome.isAgain = true;
      },
      fail: (error) => {
        outcome.error = error;
      },
    },
    version,
  );
  await settle();
  return outcome;
}

function publish(id: string, section: string, publishedAt = now()): void {
  const fields = { id, url: `https://news.example/${id}`, sections: [section] };
  polls.changed(store.put(article({ ...fields, publishedAt: new Date(publishedAt).toISOString() }), now()));
}

const titlesIn = ({ page }: Outcome) => page?.changes.map(({ change, stored }) => `${change} ${stored.article.id}`);

describe('a poll that waits', () => {
  test('is answered by a change to one of its feeds, and others are not even looked at', async () => {
    const one = await poll(world);
    const other = await poll(sport);

    publish('a', 'world');
    await settle();

    expect(titlesIn(one)).toEqual(['published a']);
    expect(other.page).toBeUndefined();
    expect(looks).toEqual(['world']);
  });

  test('waits until its time is over, and goes on where it stopped', async () => {
    const one = await poll(world, 10_000);
    await pass(9_999);
    expect(one.page).toBeUndefined();

    await pass(101);

    expect(titlesIn(one)).toEqual([]);
    expect(one.page?.hasMore).toBe(false);
    expect(polls.waiting()).toBe(0);
  });

  test('is answered once, when it was too late for a change between its look and its wait', async () => {
    const one = await poll(world, 30_000, () => publish('a', 'world'));

    expect(titlesIn(one)).toEqual(['published a']);
    await pass(60_000);
    expect(looks).toEqual(['world']);
  });

  test('learns of the end of an embargo in that very moment', async () => {
    publish('a', 'world', BEGIN + 5000);
    const one = await poll(world);

    await pass(4999);
    expect(one.page).toBeUndefined();
    await pass(1);
    expect(titlesIn(one)).toEqual(['published a']);
  });

  test('learns of a story when its holdback ends, also if the story came while it waited', async () => {
    publish('late', 'world', BEGIN + 10_000_000);
    const one = await poll(held, 600_000);
    publish('a', 'world');
    await settle();
    expect(one.page).toBeUndefined();

    await pass(30_000);
    await pass(30_000);
    await pass(29_999);
    expect(one.page).toBeUndefined();
    await pass(1);
    expect(titlesIn(one)).toEqual(['published a']);
  });

  test('learns of time that a change to a feed that nobody waited for has set', async () => {
    const first = await poll(sport, 60_000);
    publish('a', 'world', BEGIN + 3000);
    await settle();
    const one = await poll(world, 60_000);

    await pass(3000);

    expect(titlesIn(one)).toEqual(['published a']);
    expect(first.page).toBeUndefined();
  });

  test('notices within half a minute that the clock was set', async () => {
    publish('a', 'world', BEGIN + 86_400_000);
    const one = await poll(world, 60_000);
    shift = 86_400_000;

    await pass(30_000);

    expect(titlesIn(one)).toEqual(['published a']);
  });

  test('is forgotten when its client leaves', async () => {
    const one = await poll(world);
    one.leave();
    publish('a', 'world');
    await pass(60_000);

    expect(one.page).toBeUndefined();
    expect(looks).toEqual([]);
    expect(polls.waiting()).toBe(0);
  });

  test('gets the error of a read', async () => {
    const one = await poll(world);
    store.changedAfter = () => Promise.reject(new Error('the disk is gone'));
    publish('a', 'world');
    await settle();

    expect(one.error).toEqual(new Error('the disk is gone'));
    expect(polls.waiting()).toBe(0);
  });
});

test('a thousand polls of a partner get one page, which was read once', async () => {
  const all: Outcome[] = [];
  for (let one = 0; one < 1000; one += 1) all.push(await poll(world));
  looks = [];

  publish('a', 'world');
  await settle();

  expect(looks).toEqual(['world']);
  expect(new Set(all.map(({ page }) => page)).size).toBe(1);
  expect(titlesIn(all[0] as Outcome)).toEqual(['published a']);
  expect(polls.waiting()).toBe(0);
});

test('polls that come at different times wait together', async () => {
  const one = await poll(world);
  await pass(1000);
  publish('b', 'sport');
  const other = await poll(world);
  looks = [];

  publish('a', 'world');
  await settle();

  expect(looks).toEqual(['world']);
  expect(one.page).toBe(other.page);
  expect(titlesIn(one)).toEqual(['published a']);
});

test('with other settings, polls ask again; at the end, all are answered and none waits any more', async () => {
  const one = await poll(world);
  polls.restart();
  await settle();
  expect(one).toMatchObject({ isAgain: true });

  const other = await poll(world);
  polls.end();
  expect(titlesIn(other)).toEqual([]);
  const late = await poll(world);
  expect(titlesIn(late)).toEqual([]);
  expect(polls.waiting()).toBe(0);
});

test('polls that come together share their reads, unless the store has changed in between', async () => {
  const reads = polls.reads();
  expect(polls.reads()).toBe(reads);

  publish('a', 'world');
  const since = polls.reads();
  expect(since).not.toBe(reads);
  expect(await since.changedAfter(0, 10)).toHaveLength(1);

  await settle();
  expect(polls.reads()).not.toBe(since);
});
