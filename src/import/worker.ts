/** A thread that parses records; see pool.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Newsroom } from '../article.ts';
import { type ErrorCode, type Problem, PublisherError } from '../errors.ts';
import type { CustomFeed } from '../feeds.ts';
import { mediaIn } from '../media.ts';
import { type Candidate, parsedOrRefused, selector } from '../publish.ts';

/** What a thread is told once: functions cannot be sent. */
export interface ThreadDesk {
  readonly newsroom: Omit<Newsroom, 'media'>;
  readonly mediaFolder: string;
  readonly feeds: readonly CustomFeed[];
}

export interface Task {
  readonly number: number;
  readonly records: readonly ({ readonly record: unknown } | Range)[];
  /** The JSON of all records that are handed over unread, which are ranges of it. */
  readonly json: Uint8Array;
}

export interface Range {
  readonly start: number;
  readonly end: number;
}

/** A refusal as it can be sent between threads. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly problems: readonly Problem[];
}

export interface Parsed {
  readonly number: number;
  readonly results: readonly (Candidate | { readonly refusal: Refusal })[];
}

const { newsroom, mediaFolder, feeds } = workerData as ThreadDesk;
const desk = { newsroom: { ...newsroom, media: mediaIn(mediaFolder) }, select: selector(feeds) };

parentPort?.on('message', ({ number, records, json }: Task) => {
  const results = records.map((raw) => {
    const unparsed = 'record' in raw ? raw : { json: json.subarray(raw.start, raw.end) };
    const result = parsedOrRefused(unparsed, desk);
    if (!(result instanceof PublisherError)) return result;
    const { code, message, problems } = result;
    return { refusal: { code, message, problems } };
  });
  parentPort?.postMessage({ number, results } satisfies Parsed);
});
