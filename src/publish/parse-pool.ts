import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Newsroom } from '../article/article.ts';
import { PublisherError } from '../errors.ts';
import type { NamedKey } from '../feed/feeds.ts';
import type { Parsed, Range, Results, Task } from './parse-worker.ts';
import { handedOver, type ParsedRecord, type Unparsed } from './parsed-record.ts';
import { type ParseRecords, parseHere } from './publish.ts';

/** Records that are handed to a thread at once. What a thread holds for long, its collector of garbage moves about. */
const TASK = 100;

export interface ParsePool {
  readonly parse: ParseRecords;
  readonly close: () => Promise<void>;
}

/**
 * Parses in threads beside this one: cleaning HTML is most of the work of an import. Answers come in the order of the
 * questions, so that of two records with one id the later one stays the later one.
 */
export function openParsePool(newsroom: Newsroom, threads: number): ParsePool {
  const waiting = new Map<number, Waiting>();
  const workers = Array.from({ length: threads }, () => {
    // V8 lets a heap grow in proportion to its limit, long before it is near it. A batch's garbage dies young.
    const resourceLimits = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 96 };
    const worker = new Worker(join(import.meta.dirname, 'parse-worker.ts'), { workerData: newsroom, resourceLimits });
    const feeds: NamedKey[] = [];
    worker.on('message', ({ number, results, texts }: Parsed) => {
      const asked = waiting.get(number);
      const parsed = JSON.parse(results) as Results;
      if (parsed.beginsAnew) feeds.length = 0;
      feeds.push(...parsed.newFeeds);
      asked?.resolve(candidates(parsed, { feeds, texts, records: asked.records }));
      waiting.delete(number);
    });
    worker.on('error', (error) => {
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    });
    return worker;
  });
  let last = 0;
  let before: Promise<unknown> = Promise.resolve();

  function ask(records: readonly Unparsed[]): Promise<Answers> {
    return new Promise((resolve, reject) => {
      const number = ++last;
      waiting.set(number, { records, resolve, reject });
      const task = packed(number, records);
      workers[number % workers.length]?.postMessage(task, [task.json.buffer]);
    });
  }

  return {
    async parse(records) {
      const tasks = Array.from({ length: Math.ceil(records.length / TASK) }, (_, index) =>
        ask(records.slice(index * TASK, (index + 1) * TASK)),
      );
      const answers = Promise.all(tasks);
      const turn = before;
      before = answers.catch(() => {});
      await turn;
      return (await answers).flat();
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

type Answers = readonly (ParsedRecord | PublisherError)[];

interface Waiting {
  readonly records: readonly Unparsed[];
  readonly resolve: (answers: Answers) => void;
  readonly reject: (error: unknown) => void;
}

interface Told extends Pick<Parsed, 'texts'> {
  readonly records: readonly Unparsed[];
  /** All that the thread has told of. */
  readonly feeds: readonly NamedKey[];
}

function candidates({ results }: Results, { records, feeds, texts }: Told): Answers {
  return records.map((raw, index) => {
    const result = results[index];
    if (result === undefined) throw new Error('a thread answered for fewer records than it was given');
    if ('refusal' in result) {
      const { code, message, problems } = result.refusal;
      return new PublisherError(code, message, { problems });
    }
    const { article, text, feeds: places, ...rest } = result;
    return {
      ...rest,
      record: handedOver(raw),
      article: { ...article, text: texts.subarray(text.start, text.end) },
      feeds: places.flatMap((place) => feeds[place] ?? []),
    };
  });
}

/** Bytes move between threads in one piece, and are not copied there. */
function packed(number: number, records: readonly Unparsed[]): Task & { readonly json: Uint8Array<ArrayBuffer> } {
  const size = records.reduce((sum, raw) => sum + ('json' in raw ? raw.json.length : 0), 0);
  const json = new Uint8Array(size);
  let end = 0;
  const ranges = records.map((raw): { record: unknown } | Range => {
    if ('record' in raw) return { record: raw.record };
    const start = end;
    json.set(raw.json, start);
    end += raw.json.length;
    return { start, end };
  });
  return { number, records: ranges, json };
}

/** Characters of a body from which on parsing it here would hold up every other request. */
const LARGE_BODY = 64 * 1024;

/** Parses records here, and those with a large body in a thread that is started for the first of them. */
export function openParser(newsroom: Newsroom): ParsePool {
  const here = parseHere(newsroom);
  let pool: ParsePool | undefined;
  return {
    parse(records) {
      if (!records.some(hasLargeBody)) return here(records);
      pool ??= openParsePool(newsroom, 1);
      return pool.parse(records).catch((error) => {
        pool = undefined; // the thread is dead; the next large body gets another
        throw error;
      });
    },
    close: async () => pool?.close(),
  };
}

function hasLargeBody(raw: Unparsed): boolean {
  if ('json' in raw) return raw.json.length >= LARGE_BODY;
  const { record } = raw;
  const body: unknown = typeof record === 'object' && record !== null ? Reflect.get(record, 'body') : undefined;
  return typeof body === 'string' && body.length >= LARGE_BODY;
}
