import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createChangeQueue } from '../../../src/ingest/folder/change-queue.ts';

/** Every timer and the clock are fake: no test depends on the speed of the machine. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 1_000_000 });
  return () => vi.useRealTimers();
});

const step = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

/** A queue with a record of what it did. Batches end at once, unless `holdBatches` was called. */
function opened() {
  const batches: (readonly string[])[] = [];
  const withdrawn: (readonly string[])[] = [];
  const failures: unknown[] = [];
  const state = { isBusy: false, batch: async () => {}, withdrawal: async () => {} };
  const queue = createChangeQueue({
    now: Date.now,
    isBusy: () => state.isBusy,
    processBatch: (paths) => {
      batches.push(paths);
      return state.batch();
    },
    withdraw: (removed) => {
      withdrawn.push(removed.map(({ id }) => id));
      return state.withdrawal();
    },
    fail: (error) => failures.push(error),
  });
  onTestFinished(() => void queue.close());
  /** Batches end only when the returned function is called. */
  function holdBatches(): () => void {
    const held = Promise.withResolvers<void>();
    state.batch = () => held.promise;
    return held.resolve;
  }
  return { queue, batches, withdrawn, failures, state, holdBatches };
}

type Opened = ReturnType<typeof opened>;

/** Records when a promise resolves, in milliseconds from now. */
function timeOf(promise: Promise<void>): { readonly value: number | undefined } {
  const started = Date.now();
  const time: { value: number | undefined } = { value: undefined };
  void promise.then(() => {
    time.value = Date.now() - started;
  });
  return time;
}

/** Marks a path every ten milliseconds, as a file that is written without end. */
async function writeFor({ queue }: Opened, path: string, milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 10) {
    queue.markDirty(path);
    await step(10);
  }
}

describe('debounce', () => {
  test('a path joins a batch 25 ms after its last change', async () => {
    const { queue, batches } = opened();
    queue.markDirty('a');
    await step(20);
    queue.markDirty('a');
    await step(24);
    expect(batches).toEqual([]);
    await step(26);

    expect(batches).toEqual([['a']]);
  });

  test('a path that is marked twice is processed once', async () => {
    const { queue, batches } = opened();
    for (const path of ['a', 'b', 'a']) queue.markDirty(path);
    await step(100);

    expect(batches).toEqual([['a', 'b']]);
  });

  test('a path that is written without end delays no other', async () => {
    const queue = opened();
    queue.queue.markDirty('other');
    await writeFor(queue, 'endless', 200);

    expect(queue.batches).toEqual([['other']]);
  });
});

test('a batch has 500 paths at most, and batches run one after the other', async () => {
  const { queue, batches, holdBatches } = opened();
  const end = holdBatches();
  for (let index = 0; index < 1200; index += 1) queue.markDirty(`${index}`);
  await step(1000);
  expect(batches.map(({ length }) => length)).toEqual([500]);
  end();
  await step(100);

  expect(batches.map(({ length }) => length)).toEqual([500, 500, 200]);
  expect(batches.flat()).toEqual(Array.from({ length: 1200 }, (_, index) => `${index}`));
});

test('a path that changes during its batch is processed again', async () => {
  const { queue, batches, holdBatches } = opened();
  const end = holdBatches();
  queue.markDirty('a');
  await step(25);
  queue.markDirty('a');
  await step(100);
  expect(batches).toEqual([['a']]);
  end();
  await step(50);

  expect(batches).toEqual([['a'], ['a']]);
});

describe('a later check', () => {
  test('reads the path at its time, and nobody waits for it until then', async () => {
    const { queue, batches } = opened();
    queue.recheckAt('a', Date.now() + 1000);
    const idle = timeOf(queue.whenIdle());
    expect(queue.hasPending()).toBe(false);
    await step(970);
    expect([batches, idle.value]).toEqual([[], 0]);
    await step(60);

    expect(batches).toEqual([['a']]);
  });

  test('does not delay a path that is dirty already', async () => {
    const { queue, batches } = opened();
    queue.markDirty('a');
    queue.recheckAt('a', Date.now() + 1000);
    await step(50);

    expect(batches).toEqual([['a']]);
  });

  test('comes at once for a path that changes meanwhile', async () => {
    const { queue, batches } = opened();
    queue.recheckAt('a', Date.now() + 1000);
    queue.markDirty('a');
    await step(50);

    expect(batches).toEqual([['a']]);
  });
});

describe('a removed article', () => {
  test('is withdrawn by the batch that missed its file if nothing else is dirty', async () => {
    const { queue, withdrawn, state } = opened();
    state.batch = async () => queue.markRemoved('one');
    queue.markDirty('a');
    await step(25);

    expect(withdrawn).toEqual([['one']]);
  });

  test('that is marked between two batches is withdrawn by the second', async () => {
    const { queue, withdrawn } = opened();
    queue.markRemoved('one');
    queue.markDirty('a');
    await step(100);

    expect(withdrawn).toEqual([['one']]);
  });

  test('waits for dirty paths, which may be its renamed file', async () => {
    const { queue, withdrawn, state } = opened();
    state.batch = async () => {
      state.batch = async () => {};
      queue.markRemoved('one');
      queue.markDirty('b');
    };
    queue.markDirty('a');
    await step(25);
    expect(withdrawn).toEqual([]);
    await step(50);

    expect(withdrawn).toEqual([['one']]);
  });

  test('waits while a new folder is being read', async () => {
    const { queue, withdrawn, state } = opened();
    state.isBusy = true;
    queue.markRemoved('one');
    queue.markDirty('a');
    await step(400);
    expect(withdrawn).toEqual([]);
    state.isBusy = false;
    await step(25);

    expect(withdrawn).toEqual([['one']]);
  });

  test('waits half a second at most for changes that never end', async () => {
    const opening = opened();
    const { queue, withdrawn } = opening;
    queue.markRemoved('one');
    let next = 0;
    const changes = async (milliseconds: number) => {
      for (let passed = 0; passed < milliseconds; passed += 10) {
        queue.markDirty(`${next++}`);
        await step(10);
      }
    };
    await changes(500);
    expect(withdrawn).toEqual([]);
    await changes(100);

    expect(withdrawn).toEqual([['one']]);
  });

  test('does not wait longer for a file that is written without end', async () => {
    const opening = opened();
    await writeFor(opening, 'endless', 1100);
    opening.queue.markRemoved('one');
    await writeFor(opening, 'endless', 490);
    expect(opening.withdrawn).toEqual([]);
    await writeFor(opening, 'endless', 100);

    expect(opening.withdrawn).toEqual([['one']]);
  });
});

describe('a failed batch', () => {
  test('is reported and tried again after a second, with what changed meanwhile', async () => {
    const { queue, batches, failures, state } = opened();
    state.batch = () => Promise.reject(new Error('full'));
    queue.markDirty('a');
    await step(25);
    expect([batches, failures]).toEqual([[['a']], [new Error('full')]]);
    state.batch = async () => {};
    await step(980);
    queue.markDirty('b');
    expect(batches).toEqual([['a']]);
    await step(100);

    expect(batches.slice(1).flat().toSorted()).toEqual(['a', 'b']);
    expect(failures).toHaveLength(1);
  });

  test('keeps no reader waiting until it is tried again', async () => {
    const { queue, state } = opened();
    state.batch = () => Promise.reject(new Error('full'));
    queue.markDirty('a');
    await step(25);
    const idle = timeOf(queue.whenIdle());
    expect(queue.hasPending()).toBe(false);
    await step(0);

    expect(idle.value).toBe(0);
  });

  test('has its removed articles withdrawn by the next try', async () => {
    const { queue, withdrawn, failures, state } = opened();
    state.withdrawal = () => Promise.reject(new Error('full'));
    queue.markRemoved('one');
    queue.markDirty('a');
    await step(25);
    expect([withdrawn, failures.length]).toEqual([[['one']], 1]);
    state.withdrawal = async () => {};
    await step(1100);

    expect(withdrawn).toEqual([['one'], ['one']]);
  });

  test('loses no removed article that is put back while another is being withdrawn', async () => {
    const { queue, withdrawn, state } = opened();
    state.withdrawal = () => Promise.reject(new Error('full'));
    queue.markRemoved('one');
    queue.markDirty('a');
    await step(25);
    const withdrawal = Promise.withResolvers<void>();
    state.withdrawal = () => withdrawal.promise;
    await step(900);
    queue.markRemoved('two');
    queue.markDirty('b');
    await step(200); // the retry puts `one` back while `two` is being withdrawn
    expect(withdrawn).toEqual([['one'], ['two']]);
    withdrawal.resolve();
    await step(100);

    expect(withdrawn).toEqual([['one'], ['two'], ['one']]);
  });
});

describe('whenIdle', () => {
  test('resolves at once if nothing is pending', async () => {
    const { queue } = opened();
    const idle = timeOf(queue.whenIdle());
    await step(0);

    expect([idle.value, queue.hasPending()]).toEqual([0, false]);
  });

  test('waits for the batch of every earlier change', async () => {
    const { queue, holdBatches } = opened();
    const end = holdBatches();
    queue.markDirty('a');
    const idle = timeOf(queue.whenIdle());
    await step(100);
    expect([idle.value, queue.hasPending()]).toEqual([undefined, true]);
    end();
    await step(5);

    expect([idle.value, queue.hasPending()]).toEqual([105, false]);
  });

  test('does not wait for later changes', async () => {
    const { queue, batches, state } = opened();
    queue.markDirty('a');
    const idle = timeOf(queue.whenIdle());
    await step(10);
    queue.markDirty('b');
    state.batch = () => new Promise((resolve) => setTimeout(resolve, batches.length === 1 ? 0 : 500));
    await step(60);

    expect([batches, idle.value]).toEqual([[['a'], ['b']], 30]);
  });

  test('waits for a path that the batch marks, and not for one that is marked during the batch', async () => {
    const { queue, batches, state } = opened();
    const first = Promise.withResolvers<void>();
    const second = Promise.withResolvers<void>();
    state.batch = () => {
      state.batch = () => second.promise;
      queue.markDirtyInBatch('because of a');
      return first.promise;
    };
    queue.markDirty('a');
    const idle = timeOf(queue.whenIdle());
    await step(50);
    queue.markDirty('later');
    first.resolve();
    await step(50);
    expect([batches, idle.value]).toEqual([[['a'], ['because of a', 'later']], undefined]);
    second.resolve();
    await step(5);

    expect(idle.value).toBe(105);
  });

  test('waits for what a folder holds that is being read', async () => {
    const { queue, batches, state } = opened();
    state.isBusy = true;
    const idle = timeOf(queue.whenIdle());
    await step(100);
    expect([idle.value, queue.hasPending()]).toEqual([undefined, true]);
    queue.markDirty('found');
    state.isBusy = false;
    await step(50);

    expect([batches, idle.value]).toEqual([[['found']], expect.any(Number)]);
  });

  test('waits for a withdrawal', async () => {
    const { queue, state } = opened();
    const withdrawal = Promise.withResolvers<void>();
    state.withdrawal = () => withdrawal.promise;
    queue.markRemoved('one');
    queue.markDirty('a');
    const idle = timeOf(queue.whenIdle());
    await step(100);
    expect(idle.value).toBeUndefined();
    withdrawal.resolve();
    await step(5);

    expect(idle.value).toBe(105);
  });

  test.each<[string, (opened: Opened) => void]>([
    ['a batch that takes longer', ({ queue, holdBatches }) => [holdBatches(), queue.markDirty('a')]],
    [
      'a folder that takes longer to read',
      ({ state }) => {
        state.isBusy = true;
      },
    ],
  ])('does not wait longer than a second for %s', async (_, begin) => {
    const opening = opened();
    begin(opening);
    const idle = timeOf(opening.queue.whenIdle());
    await step(995);
    expect(idle.value).toBeUndefined();
    await step(5);

    expect(idle.value).toBe(1000);
  });

  test('does not wait for a file that has been written without end for a second', async () => {
    const opening = opened();
    await writeFor(opening, 'endless', 500);
    const early = timeOf(opening.queue.whenIdle());
    await writeFor(opening, 'endless', 600);
    const late = timeOf(opening.queue.whenIdle());
    await writeFor(opening, 'endless', 10);

    expect(early.value).toBeGreaterThanOrEqual(490);
    expect(early.value).toBeLessThanOrEqual(510);
    expect([late.value, opening.queue.hasPending()]).toEqual([0, false]);
  });

  test('lets readers go on in the order of their calls', async () => {
    const { queue } = opened();
    const order: number[] = [];
    queue.markDirty('a');
    void queue.whenIdle().then(() => order.push(1));
    queue.markDirty('b');
    void queue.whenIdle().then(() => order.push(2));
    await step(100);

    expect(order).toEqual([1, 2]);
  });
});

describe('begin', () => {
  test('runs before every batch, even those of earlier changes', async () => {
    const { queue, batches } = opened();
    const first = Promise.withResolvers<void>();
    queue.markDirty('before');
    const begun = queue.begin(() => first.promise);
    queue.markDirty('meanwhile');
    const idle = timeOf(queue.whenIdle());
    await step(100);
    expect([batches, idle.value, queue.hasPending()]).toEqual([[], undefined, true]);
    first.resolve();
    await begun;
    await step(50);

    expect([batches, idle.value]).toEqual([[['before', 'meanwhile']], expect.any(Number)]);
  });

  test('withdraws what it removed', async () => {
    const { queue, withdrawn } = opened();
    await queue.begin(async () => queue.markRemoved('one'));

    expect(withdrawn).toEqual([['one']]);
  });

  test('that rejects is reported to its caller, and no batch follows', async () => {
    const { queue, batches, failures } = opened();
    await expect(queue.begin(() => Promise.reject(new Error('store')))).rejects.toThrow('store');
    queue.markDirty('a');
    await step(2000);

    expect([batches, failures]).toEqual([[], []]);
  });
});

describe('close', () => {
  test('waits for the current batch and runs no other', async () => {
    const { queue, batches, holdBatches } = opened();
    const end = holdBatches();
    queue.markDirty('a');
    await step(25);
    queue.markDirty('b');
    const closed = timeOf(queue.close());
    await step(100);
    expect(closed.value).toBeUndefined();
    end();
    await step(1000);

    expect([closed.value, batches]).toEqual([100, [['a']]]);
  });

  test('tries no failed batch again', async () => {
    const { queue, batches, state } = opened();
    state.batch = () => Promise.reject(new Error('full'));
    queue.markDirty('a');
    await step(25);
    await queue.close();
    await step(2000);

    expect(batches).toEqual([['a']]);
  });

  test('lets every reader go on', async () => {
    const { queue, holdBatches } = opened();
    const end = holdBatches();
    queue.markDirty('a');
    const idle = timeOf(queue.whenIdle());
    await step(25);
    const closed = queue.close();
    await step(5);
    expect(idle.value).toBe(30);
    end();
    await closed;
  });
});
