import type { Newsroom } from '../article/newsroom.ts';
import { excerpt, PublisherError } from '../errors.ts';
import { batchesOf } from '../lib/batches.ts';
import { createFairQueue, type Origin } from '../lib/fair-queue.ts';
import { type Loss, LostTask, type ParseResults, type ParseThread, startParseThread } from './parse-thread.ts';
import type { ParseRecords } from './publish.ts';
import type { UnparsedRecord } from './unparsed-record.ts';

export interface ParsePool {
  readonly parse: ParseRecords;
  readonly close: () => Promise<void>;
}

interface PoolOptions {
  readonly threads: number;
  /** Tasks that a thread may have at once. Those ahead keep a thread busy while this one saves; by default, only one. */
  readonly ahead?: number;
  /** Tasks that the threads may have at once for one client; by default, any number. */
  readonly perClient?: number;
  /** Milliseconds for one task. */
  readonly timeLimit?: number;
  readonly startThread?: typeof startParseThread;
}

/** Records in a task, and bytes. The garbage collector has to copy everything that a thread holds for long. */
const TASK_LIMITS = { count: 100, size: 1024 * 1024 };

/**
 * Milliseconds for a task. The limits of a body (article/body-limits.ts) keep each record to a few seconds on slow machines:
 * this is only a net, for a defect.
 */
const TIME_LIMIT = 120_000;

/** Where records without an origin come from, such as files and imports. */
const NO_ORIGIN: Origin = { client: '', connection: '' };

interface Task {
  readonly origin: Origin;
  readonly records: readonly UnparsedRecord[];
  readonly resolve: (results: ParseResults) => void;
  readonly reject: (error: unknown) => void;
}

/** A place for a thread, which starts with its first task. */
interface Slot {
  thread: ParseThread | undefined;
  readonly running: Set<Task>;
}

/**
 * Parses records in threads. Clients have their turns. A task that ends its thread, because it takes too long or too much
 * memory, is tried again record by record: the record at fault is refused, and all others are parsed.
 */
export function openParsePool(
  newsroom: Newsroom,
  {
    threads,
    ahead = 1,
    perClient = Number.POSITIVE_INFINITY,
    timeLimit = TIME_LIMIT,
    startThread = startParseThread,
  }: PoolOptions,
): ParsePool {
  const queue = createFairQueue<Task>();
  const slots: readonly Slot[] = Array.from({ length: threads }, () => ({ thread: undefined, running: new Set() }));

  function add(records: readonly UnparsedRecord[], origin: Origin): Promise<ParseResults> {
    return new Promise((resolve, reject) => {
      queue.add(origin, { origin, records, resolve, reject });
      dispatch();
    });
  }

  function dispatch(): void {
    for (let slot = freeSlot(slots, ahead); slot !== undefined; slot = freeSlot(slots, ahead)) {
      const task = queue.take((client) => runningOf(client, slots) < perClient);
      if (task === undefined) return;
      slot.running.add(task);
      void run(task, slot);
    }
  }

  async function run(task: Task, slot: Slot): Promise<void> {
    slot.thread ??= startThread(newsroom, timeLimit);
    const { thread } = slot;
    try {
      task.resolve(await thread.parse(task.records));
    } catch (error) {
      if (error instanceof LostTask && slot.thread === thread) slot.thread = undefined; // the next task starts another
      retry(task, error).then(task.resolve, task.reject);
    } finally {
      slot.running.delete(task);
      dispatch();
    }
  }

  async function retry({ origin, records }: Task, error: unknown): Promise<ParseResults> {
    if (!(error instanceof LostTask)) throw error;
    const { loss, cause } = error;
    if (loss === undefined) return add(records, origin);
    if (records.length > 1) return (await Promise.all(records.map((record) => add([record], origin)))).flat();
    if (loss === 'defect') throw cause;
    return records.map(({ id }) => refusal(id, loss, timeLimit));
  }

  return {
    async parse(records) {
      const tasks = batchesOf(records, ({ json }) => json.length, TASK_LIMITS);
      return (await Promise.all(tasks.map((task) => add(task, task[0]?.origin ?? NO_ORIGIN)))).flat();
    },
    async close() {
      queue.clear();
      await Promise.all(slots.map(({ thread }) => thread?.close()));
    },
  };
}

/**
 * Returns a function that parses like this one, with its results in the order of the calls: of two records with one id, the
 * later one stays the later one.
 */
export function inOrder(parse: ParseRecords): ParseRecords {
  let previous: Promise<unknown> = Promise.resolve();
  return (records) => {
    const results = parse(records);
    results.catch(() => {}); // the caller hears of it in its turn
    const inTurn = previous.then(() => results);
    previous = inTurn.catch(() => {});
    return inTurn;
  };
}

/** The slot for the next task: a thread without a task, then one that has not started, then the one with the fewest. */
function freeSlot(slots: readonly Slot[], ahead: number): Slot | undefined {
  const rank = ({ thread, running }: Slot) => running.size + (thread === undefined ? 0.5 : 0);
  const [first] = slots.filter(({ running }) => running.size < ahead).sort((one, other) => rank(one) - rank(other));
  return first;
}

function runningOf(client: string, slots: readonly Slot[]): number {
  let count = 0;
  for (const { running } of slots) for (const { origin } of running) if (origin.client === client) count += 1;
  return count;
}

function refusal(id: string | undefined, loss: Exclude<Loss, 'defect'>, timeLimit: number): PublisherError {
  const name = id === undefined ? 'article' : `article “${excerpt(id)}”`;
  const rule =
    loss === 'time'
      ? `must not take longer than ${timeLimit / 1000} seconds to clean. Simplify its markup, or publish the story in parts`
      : 'must not take more memory than a thread has. Simplify its markup, or publish the story in parts';
  const problems = [{ field: 'body', rule }];
  return new PublisherError('invalid_article', `The ${name} cannot be published.`, { problems, article: id });
}
