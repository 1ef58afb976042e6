import { Worker } from 'node:worker_threads';
import type { Newsroom } from '../article/newsroom.ts';
import type { PublisherError } from '../errors.ts';
import type { NamedKey } from '../feed/feeds.ts';
import { type ParseReply, packTask, type ReplyResults, unpackResults } from './parse-messages.ts';
import type { ParsedRecord, UnparsedRecord } from './unparsed-record.ts';

/** One result for each record of a task, in their order. */
export type ParseResults = readonly (ParsedRecord | PublisherError)[];

/** A thread that parses records. */
export interface ParseThread {
  /** Parses one task after another. Rejects with a `LostTask` if the thread ends before. */
  readonly parse: (records: readonly UnparsedRecord[]) => Promise<ParseResults>;
  readonly close: () => Promise<void>;
}

/** What ended a thread: a task that took too long, a record that needs more memory than a thread has, or a defect. */
export type Loss = 'time' | 'memory' | 'defect';

/** A task whose thread has ended. */
export class LostTask extends Error {
  /** Undefined for a task that the thread had not begun. */
  readonly loss: Loss | undefined;

  constructor(loss: Loss | undefined, cause: unknown) {
    super('The thread that parses records has ended.', { cause });
    this.loss = loss;
  }
}

/** A task whose reply has not come yet. */
interface PendingTask {
  readonly records: readonly UnparsedRecord[];
  readonly resolve: (results: ParseResults) => void;
  readonly reject: (error: unknown) => void;
}

/** @param timeLimit milliseconds for one task */
export function startParseThread(newsroom: Newsroom, timeLimit: number): ParseThread {
  // V8 lets a heap grow in proportion to its limit, long before it comes near it. The garbage of a task dies young.
  const resourceLimits = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 96 };
  const worker = new Worker(new URL('./parse-worker.ts', import.meta.url), { workerData: newsroom, resourceLimits });
  const pending = new Map<number, PendingTask>(); // the thread works on the first one
  /** The thread's table of feeds. */
  const feeds: NamedKey[] = [];
  let lastNumber = 0;
  let timer: NodeJS.Timeout | undefined;

  /** Each reply, and the first task after a pause, begins the time of a task. */
  function restartTimer(): void {
    clearTimeout(timer);
    if (pending.size > 0) timer = setTimeout(() => lose('time', undefined), timeLimit);
  }

  function lose(loss: Loss, cause: unknown): void {
    clearTimeout(timer);
    const [first, ...others] = pending.values();
    pending.clear();
    void worker.terminate();
    first?.reject(new LostTask(loss, cause));
    for (const { reject } of others) reject(new LostTask(undefined, cause));
  }

  worker.on('message', (reply: ParseReply) => {
    const task = pending.get(reply.number);
    if (task === undefined) return; // the thread was ended
    pending.delete(reply.number);
    restartTimer();
    const results = JSON.parse(reply.results) as ReplyResults;
    if (results.clearsFeeds) feeds.length = 0;
    for (const feed of results.newFeeds) feeds.push(feed);
    task.resolve(unpackResults(results, reply, { records: task.records, feeds }));
  });
  worker.on('error', (error) => lose(isOutOfMemory(error) ? 'memory' : 'defect', error));

  return {
    parse: (records) =>
      new Promise((resolve, reject) => {
        const number = ++lastNumber;
        const task = packTask(number, records);
        pending.set(number, { records, resolve, reject });
        if (pending.size === 1) restartTimer();
        worker.postMessage(task, [task.json.buffer]);
      }),
    async close() {
      clearTimeout(timer);
      await worker.terminate();
    },
  };
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY';
}
