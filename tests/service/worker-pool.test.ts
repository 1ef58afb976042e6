import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { PublisherError } from '../../src/errors.ts';
import type { ParentMessage, Role, Serving } from '../../src/service/worker-messages.ts';
import { createWorkerPool } from '../../src/service/worker-pool.ts';
import type { WorkerProcess } from '../../src/service/worker-process.ts';

interface FakeWorker extends WorkerProcess {
  readonly serve: () => Promise<void>;
  readonly end: (message: string) => Promise<void>;
}

/** A pool whose processes do what a test says, with a log of everything in its order. */
function setUp() {
  const events: string[] = [];
  const workers: FakeWorker[] = [];
  function spawn(role: Role): WorkerProcess {
    const pid = workers.length + 1;
    const serving = Promise.withResolvers<Serving>();
    const ended = Promise.withResolvers<PublisherError>();
    const worker: FakeWorker = {
      role,
      pid,
      serving: serving.promise,
      ended: ended.promise,
      send: ({ kind }: ParentMessage) => void events.push(`${kind} to ${role} ${pid}`),
      kill: () => void events.push(`kill ${role} ${pid}`),
      async serve() {
        serving.resolve({ port: 80, articles: 1, feeds: 1 });
        await vi.advanceTimersByTimeAsync(0);
      },
      async end(message) {
        ended.resolve(new PublisherError('worker_failed', message));
        await vi.advanceTimersByTimeAsync(0);
      },
    };
    workers.push(worker);
    events.push(`spawn ${role} ${pid}`);
    return worker;
  }
  const pool = createWorkerPool({
    spawn,
    now: () => Date.now(),
    crashed: ({ message }) => events.push(`crashed: ${message}`),
    gaveUp: (reason) => events.push(`gave up: ${reason}`),
  });
  const worker = (pid: number): FakeWorker => {
    const found = workers[pid - 1];
    if (found === undefined) throw new Error(`there is no worker ${pid}`);
    return found;
  };
  return { pool, events, worker };
}

/** A pool with a writer (1) and a reader (2) that serve. */
async function running() {
  const all = setUp();
  const starts = [all.pool.start('writer'), all.pool.start('reader')];
  await all.worker(1).serve();
  await all.worker(2).serve();
  await Promise.all(starts);
  all.pool.keepRunning();
  all.events.length = 0;
  return all;
}

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

describe('a start', () => {
  test('ends with what the worker reports', async () => {
    const { pool, worker } = setUp();
    const start = pool.start('writer');
    expect(pool.serving()).toEqual([]);
    await worker(1).serve();

    expect(await start).toEqual({ port: 80, articles: 1, feeds: 1 });
    expect(pool.serving()).toEqual([worker(1)]);
  });

  test('fails with the error of any process that ends, which is not replaced', async () => {
    const { pool, events, worker } = setUp();
    const writer = pool.start('writer');
    await worker(1).serve();
    await writer;
    const reader = pool.start('reader');
    const failed = expect(reader).rejects.toThrow('no room');
    await worker(1).end('no room');
    await failed;
    await vi.advanceTimersByTimeAsync(60_000);

    expect(events).toEqual(['spawn writer 1', 'spawn reader 2']);
  });
});

describe('a process that ends', () => {
  test('is replaced by one of the same role, later after each crash', async () => {
    const { pool, events, worker } = await running();
    await worker(2).end('first');
    expect(pool.serving()).toEqual([worker(1)]);
    await vi.advanceTimersByTimeAsync(99);
    expect(events).toEqual(['crashed: first']);
    await vi.advanceTimersByTimeAsync(1);
    expect(events).toEqual(['crashed: first', 'spawn reader 3']);
    await worker(3).serve();
    await worker(3).end('second');
    await vi.advanceTimersByTimeAsync(199);
    expect(events.slice(2)).toEqual(['crashed: second']);
    await vi.advanceTimersByTimeAsync(1);
    expect(events.slice(2)).toEqual(['crashed: second', 'spawn reader 4']);
  });

  test('is not replaced after the fifth crash of its slot within a minute; other slots have counts of their own', async () => {
    const { events, worker } = await running();
    await worker(1).end('writer');
    await vi.advanceTimersByTimeAsync(100); // the writer is 3 now
    for (const pid of [2, 4, 5, 6, 7]) {
      await worker(pid).end(`reader ${pid}`);
      await vi.advanceTimersByTimeAsync(800);
    }

    expect(events).toEqual([
      'crashed: writer',
      'spawn writer 3',
      ...[2, 4, 5, 6].flatMap((pid, index) => [`crashed: reader ${pid}`, `spawn reader ${[4, 5, 6, 7][index]}`]),
      'crashed: reader 7',
      'gave up: One process of the service ended 5 times within a minute. The service stops.',
    ]);
  });
});

describe('a stop', () => {
  test('ends the readers before the writer, and restarts nothing', async () => {
    const { pool, events, worker } = await running();
    await worker(2).end('crash');
    await vi.advanceTimersByTimeAsync(100); // the reader is 3 now
    await worker(3).end('crash');
    events.length = 0;
    const stopped = pool.stop(1000);
    await vi.advanceTimersByTimeAsync(500);
    expect(events).toEqual(['stop to writer 1', 'readers-ended to writer 1']);
    await worker(1).end('stopped');
    await stopped;
    await vi.advanceTimersByTimeAsync(10_000);

    expect(events).toEqual(['stop to writer 1', 'readers-ended to writer 1']);
  });

  test('tells the writer that the readers have ended when the last has', async () => {
    const { pool, events, worker } = await running();
    const stopped = pool.stop(1000);
    expect(events).toEqual(['stop to writer 1', 'stop to reader 2']);
    await worker(2).end('stopped');
    expect(events.slice(2)).toEqual(['readers-ended to writer 1']);
    await worker(1).end('stopped');
    await stopped;

    expect(vi.getTimerCount()).toBe(0);
  });

  test('kills the processes that are left when its time is over', async () => {
    const { pool, events, worker } = await running();
    const stopped = pool.stop(1000);
    await vi.advanceTimersByTimeAsync(999);
    expect(events).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(events.slice(2)).toEqual(['kill writer 1', 'kill reader 2']);
    await worker(2).end('killed');
    await worker(1).end('killed');
    await stopped;
  });
});

test('a process that serves only after the stop is not replaced', async () => {
  const { pool, events, worker } = setUp();
  const starts = [pool.start('writer'), pool.start('reader')];
  await worker(1).serve();
  const stopped = pool.stop(1000);
  await worker(2).serve();
  await Promise.all(starts);
  pool.keepRunning();
  await worker(2).end('exited');
  await worker(1).end('exited');
  await stopped;

  expect(events.filter((event) => /crashed|spawn .* 3/.test(event))).toEqual([]);
});
