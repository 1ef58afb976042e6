import { setImmediate as nextRound } from 'node:timers/promises';
import { type Cancel, systemTimers, type Timers } from '../document/timers.ts';
import type { FeedKey } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { createRest, type Rest } from '../lib/rest.ts';
import type { Position } from './change-cursor.ts';
import { type ChangeReads, type ChangeStore, createChangeReads } from './change-reads.ts';
import type { ChangePage } from './changes.ts';
import { createDeadlines } from './poll-deadlines.ts';
import { createTimeAlarms } from './time-alarms.ts';

/** What polls wait for. Polls with the same key get the same answers. */
export interface Awaited {
  readonly key: string;
  /** The feeds whose changes may be changes for these polls. */
  readonly feeds: readonly FeedKey[];
  /** The delay of the partner. */
  readonly delay: number;
  /** Reads what changed after a position. */
  readonly look: (from: Position, reads: ChangeReads) => Promise<ChangePage>;
}

/** A client that waits for a change. One of these functions is called, once. */
export interface Poll {
  /** Milliseconds for which the client waits. */
  readonly wait: number;
  /** Takes the next changes; none where the time is over. Polls that wait for the same get the same page. */
  readonly answer: (page: ChangePage) => void;
  readonly fail: (error: unknown) => void;
  /** The settings of the service have changed: the client asks as if it had just come, and does not wait. */
  readonly again: () => void;
}

interface LongPollsParts {
  readonly store: ChangeStore;
  readonly now: () => Instant;
  readonly timers?: Timers;
  /** Milliseconds of a monotonic clock. */
  readonly clock?: () => number;
  /** Takes an error that no poll waits for. */
  readonly fail: (error: unknown) => void;
  /** Takes the number of polls that wait, whenever there is one more. */
  readonly onWaiting?: (count: number) => void;
}

export interface LongPolls {
  /** Call it before reading what a poll that waits later has missed so far. */
  readonly version: () => number;
  /** Reads that polls share which come in one round of the event loop, unless the store changes in between. */
  readonly reads: () => ChangeReads;
  /**
   * Lets a poll wait for the changes after a position.
   *
   * @param version the one before the store was read and had nothing
   * @returns a function for a client that leaves
   */
  readonly wait: (awaited: Awaited, position: Position, poll: Poll, version: number) => Cancel;
  /** Looks for changes for the polls that wait for these feeds. */
  readonly changed: (feeds: readonly FeedKey[]) => void;
  /** Has all polls ask again. */
  readonly restart: () => void;
  /** Answers all polls at once, and every later one. */
  readonly end: () => void;
  readonly waiting: () => number;
  /** How often all polls were sent away, by `restart` or by `end`: what they waited for is out of date. */
  readonly restarts: () => number;
}

interface Group {
  readonly awaited: Awaited;
  readonly polls: Set<Waiting>;
  position: Position;
  /** Polls that may join once the group has been looked at again, with their positions. */
  readonly joining: Set<Waiting>;
}

/** Reads that are of one version of the store. */
interface Shared {
  readonly reads: ChangeReads;
  readonly version: number;
}

interface Waiting {
  readonly poll: Poll;
  position: Position;
  group: Group | undefined;
  /** When the wait ends, in the words of `Deadlines`. */
  deadline: number;
}

/** Polls that wait for changes in feeds of partners. A poll costs nothing until one of its feeds changes. */
export function createLongPolls(parts: LongPollsParts): LongPolls {
  const { store, now, timers = systemTimers, clock = () => performance.now(), fail, onWaiting } = parts;
  const groups = createGroups();
  const reads = createArrivals(store, () => version);
  const looks = createLooks({ store, clock, version: () => version, look });
  const deadlines = createDeadlines<Waiting>(timers, clock, (over) => void inSlices(over, clock, giveUp));
  const alarms = createTimeAlarms({
    ...{ store, now, timers, clock, fail },
    ring(feeds, delay) {
      version += 1;
      lookAt(feeds, ({ awaited }) => awaited.delay === delay);
    },
  });
  let version = 0;
  let count = 0;
  let isEnding = false;
  let restarts = 0;

  /** The wait is over. */
  function giveUp(waiting: Waiting): void {
    const { group } = waiting;
    if (group === undefined) return;
    const position = group.polls.has(waiting) ? group.position : waiting.position;
    remove(waiting);
    waiting.poll.answer({ changes: [], position, hasMore: false });
  }

  function lookAt(feeds: Iterable<FeedKey>, isMeant: (group: Group) => boolean = () => true): void {
    for (const group of groups.of(feeds)) if (isMeant(group)) looks.add(group);
  }

  async function look(group: Group, { reads, version: ofReads }: Shared, rest: Rest): Promise<void> {
    const { awaited } = group;
    const joining = [...group.joining];
    try {
      let page = await awaited.look(group.position, reads);
      while (page.changes.length === 0 && page.hasMore) {
        group.position = page.position; // what a poll gets whose time is over meanwhile
        page = await awaited.look(page.position, reads);
      }
      if (!groups.has(group)) return; // its polls have left, or ask again
      if (page.changes.length > 0) return await settle(group, (poll) => poll.answer(page), rest);
      group.position = page.position;
      for (const waiting of joining) if (group.joining.delete(waiting)) admit(waiting, group);
      if (group.joining.size > 0) looks.add(group); // they came after the look
      await alarms.refresh(awaited.delay, ofReads, reads.nextChangeByTime);
    } catch (error) {
      await settle(group, (poll) => poll.fail(error), rest);
    }
  }

  /** Ends the group: each of its polls gets an answer. Polls that were about to join form the next group. */
  async function settle(group: Group, end: (poll: Poll) => void, rest: Rest): Promise<void> {
    forget(group);
    for (const waiting of group.joining) join(waiting, group.awaited, true);
    group.joining.clear();
    for (const waiting of group.polls) {
      remove(waiting);
      end(waiting.poll);
      await rest();
    }
  }

  async function askAgain(asking: readonly Group[]): Promise<void> {
    const rest = createRest(clock);
    for (const group of asking) {
      for (const waiting of group.joining) group.polls.add(waiting);
      group.joining.clear();
      await settle(group, (poll) => poll.again(), rest);
    }
  }

  function join(waiting: Waiting, awaited: Awaited, mayHaveMissed: boolean): void {
    const { group, isNew } = groups.ensure(awaited, waiting.position);
    waiting.group = group;
    const isSame = isNew || isSamePosition(group.position, waiting.position);
    if (isSame) admit(waiting, group);
    else group.joining.add(waiting);
    alarms.watch(awaited.delay, waiting.position.time, version);
    if (!isSame || mayHaveMissed) looks.add(group);
  }

  function admit(waiting: Waiting, group: Group): void {
    waiting.position = group.position; // one object for thousands of polls
    group.polls.add(waiting);
  }

  function remove(waiting: Waiting): void {
    const { group } = waiting;
    if (group === undefined) return;
    waiting.group = undefined;
    deadlines.remove(waiting, waiting.deadline);
    group.polls.delete(waiting);
    group.joining.delete(waiting);
    if (group.polls.size + group.joining.size === 0) forget(group);
    count -= 1;
    if (count === 0) alarms.clear();
  }

  function forget(group: Group): void {
    groups.forget(group);
    looks.delete(group);
  }

  return {
    version: () => version,
    reads,
    wait(awaited, position, poll, before) {
      if (isEnding) {
        poll.answer({ changes: [], position, hasMore: false });
        return () => {};
      }
      const waiting: Waiting = { poll, position, group: undefined, deadline: 0 };
      waiting.deadline = deadlines.add(waiting, poll.wait);
      count += 1;
      onWaiting?.(count);
      join(waiting, awaited, before !== version);
      return () => remove(waiting);
    },
    changed(feeds) {
      version += 1;
      lookAt(feeds);
    },
    restart() {
      version += 1;
      restarts += 1;
      const asking = groups.all();
      for (const group of asking) forget(group);
      void askAgain(asking);
    },
    end() {
      isEnding = true;
      restarts += 1;
      for (const waiting of deadlines.all()) giveUp(waiting);
    },
    waiting: () => count,
    restarts: () => restarts,
  };
}

async function inSlices<Item>(items: Iterable<Item>, clock: () => number, work: (item: Item) => void): Promise<void> {
  const rest = createRest(clock);
  for (const item of items) {
    work(item);
    await rest();
  }
}

/** @param version counts the changes to the store: a poll must not miss one that it was too late for */
function createArrivals(store: ChangeStore, version: () => number): () => ChangeReads {
  let shared: Shared | undefined;
  return () => {
    if (shared?.version === version()) return shared.reads;
    if (shared === undefined) setImmediate(() => (shared = undefined));
    shared = { reads: createChangeReads(store), version: version() };
    return shared.reads;
  };
}

interface LooksParts {
  readonly store: ChangeStore;
  readonly clock: () => number;
  readonly version: () => number;
  readonly look: (group: Group, shared: Shared, rest: Rest) => Promise<void>;
}

/** Looks at one group after the other, with reads that all of them share. */
function createLooks({ store, clock, version, look }: LooksParts) {
  const waiting = new Set<Group>();
  let isWorking = false;

  async function work(): Promise<void> {
    isWorking = true;
    await nextRound(); // the change that led here is acknowledged first
    const rest = createRest(clock);
    let shared: Shared = { reads: createChangeReads(store), version: version() };
    for (const group of waiting) {
      waiting.delete(group);
      if (shared.version !== version()) shared = { reads: createChangeReads(store), version: version() };
      await look(group, shared, rest);
      await rest();
    }
    isWorking = false;
  }

  return {
    add(group: Group): void {
      waiting.add(group);
      if (!isWorking) void work();
    },
    delete: (group: Group) => void waiting.delete(group),
  };
}

/** Groups by what they wait for, and by feeds. */
function createGroups() {
  const byKey = new Map<string, Group>();
  const byFeed = new Map<FeedKey, Set<Group>>();
  return {
    all: () => [...byKey.values()],
    has: (group: Group) => byKey.get(group.awaited.key) === group,
    of: (feeds: Iterable<FeedKey>) => [...feeds].flatMap((key) => [...(byFeed.get(key) ?? [])]),
    ensure(awaited: Awaited, position: Position): { readonly group: Group; readonly isNew: boolean } {
      const known = byKey.get(awaited.key);
      if (known !== undefined) return { group: known, isNew: false };
      const group: Group = { awaited, polls: new Set(), joining: new Set(), position };
      byKey.set(awaited.key, group);
      for (const key of awaited.feeds) byFeed.set(key, (byFeed.get(key) ?? new Set()).add(group));
      return { group, isNew: true };
    },
    forget(group: Group): void {
      const { key, feeds } = group.awaited;
      if (byKey.get(key) === group) byKey.delete(key);
      for (const feed of feeds) {
        const waiting = byFeed.get(feed);
        waiting?.delete(group);
        if (waiting?.size === 0) byFeed.delete(feed);
      }
    },
  };
}

function isSamePosition(one: Position, other: Position): boolean {
  return one.revision === other.revision && one.time === other.time && one.delay === other.delay;
}
