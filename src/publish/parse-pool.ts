import { Worker } from 'node:worker_threads';
import type { Newsroom } from '../article/article.ts';
import type { PublisherError } from '../errors.ts';
import type { NamedKey } from '../feed/feeds.ts';
import { type ParseReply, packTask, type ReplyResults, unpackResults } from './parse-messages.ts';
import { type ParseRecords, parseHere } from './publish.ts';
import type { ParsedRecord, UnparsedRecord } from './unparsed-record.ts';

/** Records in a task. The garbage collector has to copy everything that a thread holds for long. */
const TASK_SIZE = 100;

export interface ParsePool {
  readonly parse: ParseRecords;
  readonly close: () => Promise<void>;
}

type Results = readonly (ParsedRecord | PublisherError)[];

/** A task whose reply has not come yet. */
interface PendingTask {
  readonly records: readonly UnparsedRecord[];
  readonly resolve: (results: Results) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Parses records in threads, because sanitizing HTML is most of the work of an import. Results come in the order of the
 * calls, so that of two records with one id the later one stays the later one.
 */
export function openParsePool(newsroom: Newsroom, threads: number): ParsePool {
  const pending = new Map<number, PendingTask>();
  const workers = Array.from({ length: threads }, () => startWorker(newsroom, pending));
  let lastNumber = 0;
  let previous: Promise<unknown> = Promise.resolve();

  function send(records: readonly UnparsedRecord[]): Promise<Results> {
    return new Promise((resolve, reject) => {
      const number = ++lastNumber;
      pending.set(number, { records, resolve, reject });
      const task = packTask(number, records);
      workers[number % workers.length]?.postMessage(task, [task.json.buffer]);
    });
  }

  return {
    async parse(records) {
      const tasks = Array.from({ length: Math.ceil(records.length / TASK_SIZE) }, (_, index) =>
        send(records.slice(index * TASK_SIZE, (index + 1) * TASK_SIZE)),
      );
      const results = Promise.all(tasks);
      const earlier = previous;
      previous = results.catch(() => {});
      await earlier;
      return (await results).flat();
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function startWorker(newsroom: Newsroom, pending: Map<number, PendingTask>): Worker {
  // V8 lets a heap grow in proportion to its limit, long before it comes near it. The garbage of a task dies young.
  const resourceLimits = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 96 };
  const worker = new Worker(new URL('./parse-worker.ts', import.meta.url), { workerData: newsroom, resourceLimits });
  /** The thread's table of feeds. */
  const feeds: NamedKey[] = [];
  worker.on('message', (reply: ParseReply) => {
    const task = pending.get(reply.number);
    const results = JSON.parse(reply.results) as ReplyResults;
    if (results.clearsFeeds) feeds.length = 0;
    for (const feed of results.newFeeds) feeds.push(feed);
    task?.resolve(unpackResults(results, reply, { records: task.records, feeds }));
    pending.delete(reply.number);
  });
  worker.on('error', (error) => {
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  });
  return worker;
}

/** Bytes or characters of a record from which on it is parsed in a thread: here, it would delay every other request. */
const LARGE_RECORD = 64 * 1024;

/** Parses records in this thread, and large ones in a thread that starts with the first of them. */
export function openParser(newsroom: Newsroom): ParsePool {
  const here = parseHere(newsroom);
  let pool: ParsePool | undefined;
  return {
    parse(records) {
      if (!records.some(({ json }) => json.length >= LARGE_RECORD)) return here(records);
      pool ??= openParsePool(newsroom, 1);
      return pool.parse(records).catch((error) => {
        pool = undefined; // the thread is dead; the next large record starts another
        throw error;
      });
    },
    close: async () => pool?.close(),
  };
}
