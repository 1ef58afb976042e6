import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Article } from '../article.ts';
import { PublisherError } from '../errors.ts';
import type { ParseRecords } from '../publish.ts';
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
