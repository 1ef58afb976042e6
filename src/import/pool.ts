import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Article, Newsroom } from '../article.ts';
import { PublisherError } from '../errors.ts';
import { type ParseRecords, parseHere } from '../publish.ts';
import type { Parsed, WorkerNewsroom } from './worker.ts';

export interface ParsePool {
  readonly parse: ParseRecords;
  readonly close: () => Promise<void>;
}

/**
 * Parses in threads beside this one: cleaning HTML is most of the work of an import. Answers come in the order of the
 * questions, so that of two records with one id the later one stays the later one.
 */
export function openParsePool(newsroom: WorkerNewsroom, threads: number): ParsePool {
  const waiting = new Map<number, { resolve: (parsed: Parsed) => void; reject: (error: unknown) => void }>();
  const workers = Array.from({ length: threads }, () => {
    const worker = new Worker(join(import.meta.dirname, 'worker.ts'), { workerData: newsroom });
    worker.on('message', (parsed: Parsed) => {
      waiting.get(parsed.number)?.resolve(parsed);
      waiting.delete(parsed.number);
    });
    worker.on('error', (error) => {
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    });
    return worker;
  });
  let last = 0;
  let before: Promise<unknown> = Promise.resolve();

  return {
    async parse(records) {
      const number = ++last;
      const answer = new Promise<Parsed>((resolve, reject) => {
        waiting.set(number, { resolve, reject });
        workers[number % workers.length]?.postMessage({ number, records });
      });
      const turn = before;
      before = answer.catch(() => {});
      await turn;
      const parsed = await answer;
      return parsed.results.map((result): Article | PublisherError => {
        if ('article' in result) return result.article;
        const { code, message, problems } = result.refusal;
        return new PublisherError(code, message, { problems });
      });
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

/** Characters of a body from which on parsing it here would hold up every other request. */
const LARGE_BODY = 64 * 1024;

/** Parses records here, and those with a large body in a thread that is started for the first of them. */
export function openParser(newsroom: Newsroom, mediaFolder: string): ParsePool {
  const { url, feedsUrl, language } = newsroom;
  const here = parseHere(newsroom);
  let pool: ParsePool | undefined;
  return {
    parse(records) {
      if (!records.some(hasLargeBody)) return here(records);
      pool ??= openParsePool({ url, feedsUrl, language, mediaFolder }, 1);
      return pool.parse(records).catch((error) => {
        pool = undefined; // the thread is dead; the next large body gets another
        throw error;
      });
    },
    close: async () => pool?.close(),
  };
}

function hasLargeBody(record: unknown): boolean {
  const body: unknown = typeof record === 'object' && record !== null ? Reflect.get(record, 'body') : undefined;
  return typeof body === 'string' && body.length >= LARGE_BODY;
}
