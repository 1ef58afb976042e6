/** A thread that parses records; see pool.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Article } from '../article.ts';
import { type ErrorCode, type Problem, PublisherError } from '../errors.ts';
import { mediaIn } from '../media.ts';
import { parsedOrRefused } from '../publish.ts';

/** What a thread is told of the newsroom once: functions cannot be sent. */
export interface WorkerNewsroom {
  readonly url: string;
  readonly feedsUrl: string;
  readonly language: string;
  readonly mediaFolder: string;
}

export interface Task {
  readonly number: number;
  readonly records: readonly unknown[];
}

/** A refusal as it can be sent between threads. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly problems: readonly Problem[];
}

export interface Parsed {
  readonly number: number;
  readonly results: readonly ({ readonly article: Article } | { readonly refusal: Refusal })[];
}

const { mediaFolder, ...rest } = workerData as WorkerNewsroom;
const newsroom = { ...rest, media: mediaIn(mediaFolder) };

parentPort?.on('message', ({ number, records }: Task) => {
  const results = records.map((record) => {
    const result = parsedOrRefused(record, newsroom);
    if (!(result instanceof PublisherError)) return { article: result };
    const { code, message, problems } = result;
    return { refusal: { code, message, problems } };
  });
  parentPort?.postMessage({ number, results } satisfies Parsed);
});
