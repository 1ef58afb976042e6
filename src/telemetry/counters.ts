import type { Adjustment, AdjustmentKind } from '../article/adjustments.ts';
import type { Coding } from '../document/content-codings.ts';
import type { Document } from '../document/document.ts';
import type { FeedKey } from '../feed/feeds.ts';
import { isChange, type Publisher } from '../publish/publish.ts';
import type { Outcome } from '../store/store.ts';
import type { DocumentAnswer } from './traffic.ts';

/** Methods that have a label of their own. */
const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'other'];

/** Upper bounds of the histogram of durations, seconds. */
export const BOUNDS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Statuses from 100 to 599 (RFC 9110 §15). */
const FIRST_STATUS = 100;
const STATUSES = 500;

/** The answers of one route. */
export interface RouteCounts {
  /** By method and status, one element for each pair: counting a cached answer is one addition. */
  readonly answers: Float64Array;
  /** By duration, each in the first bound that holds it; the last element is above all bounds. */
  readonly durations: Float64Array;
  seconds: number;
}

/** The result of a change. */
type ChangeResult = Outcome['result'];

/** Counts since the service started. They change in place and become text only for a scrape. */
export interface Counters {
  /** By route of the app, and `other`. */
  readonly routes: Map<string, RouteCounts>;
  /** Bytes of content in answers. */
  readonly bytes: Record<Coding, number>;
  /** Bytes of documents that were not sent: to readers that had them, by deltas, and by codings. */
  readonly saved: { unchanged: number; delta: number; coding: number };
  /** Requests for the feeds that have metrics, which are all here from the start. */
  readonly feedRequests: Map<FeedKey, number>;
  readonly changes: Partial<Record<ChangeResult, number>>;
  /** Adjusted stories, by kind of adjustment. */
  readonly adjustments: Map<AdjustmentKind, number>;
  /** Article files that could not be published. */
  refusedFiles: number;
  /** Publications that were put in force while the service ran, and those that were refused. */
  readonly reloads: { applied: number; refused: number };
  readonly outbox: OutboxCounts;
  /** Documents that were arranged. */
  documents: number;
  /** Time from the first query of the store until a document was arranged. */
  documentSeconds: number;
}

/** Attempts to tell other systems of changes. */
export interface OutboxCounts {
  told: number;
  failed: number;
}

/** @param feeds those that have metrics */
export function createCounters(feeds: readonly FeedKey[] = []): Counters {
  return {
    routes: new Map(),
    bytes: { identity: 0, gzip: 0, br: 0, zstd: 0 },
    saved: { unchanged: 0, delta: 0, coding: 0 },
    feedRequests: new Map(feeds.map((feed) => [feed, 0])),
    changes: {},
    adjustments: new Map(),
    refusedFiles: 0,
    reloads: { applied: 0, refused: 0 },
    outbox: { told: 0, failed: 0 },
    documents: 0,
    documentSeconds: 0,
  };
}

/**
 * Returns the counts of a route, which are created at the first call.
 *
 * @param route a route of the app, never a path: each value stays a label for ever
 */
export function routeCounts({ routes }: Counters, route: string): RouteCounts {
  let counts = routes.get(route);
  if (counts === undefined) {
    counts = {
      answers: new Float64Array(METHODS.length * STATUSES),
      durations: new Float64Array(BOUNDS.length + 1),
      seconds: 0,
    };
    routes.set(route, counts);
  }
  return counts;
}

/** Counts an answer. Runs for every answer, so it allocates nothing. */
export function countAnswer(counts: RouteCounts, method: string | undefined, status: number, seconds: number): void {
  const index = methodIndex(method) * STATUSES + status - FIRST_STATUS;
  counts.answers[index] = (counts.answers[index] ?? 0) + 1;
  let bound = 0;
  while (bound < BOUNDS.length && seconds > (BOUNDS[bound] ?? 0)) bound += 1;
  counts.durations[bound] = (counts.durations[bound] ?? 0) + 1;
  counts.seconds += seconds;
}

/** Counts what an answer for a document saved. HEAD saves nothing, because no answer to it has content. */
export function countSavings(
  { saved }: Counters,
  method: string | undefined,
  { status, length, uncoded, body }: DocumentAnswer,
): void {
  if (status === 304) {
    if (method === 'GET') saved.unchanged += length;
  } else if (body !== undefined) {
    saved.delta += length - uncoded;
    saved.coding += uncoded - body.length;
  }
}

/** Counts a request for a feed, if the feed has metrics. */
export function countRequest({ feedRequests }: Counters, feed: FeedKey): void {
  const known = feedRequests.get(feed);
  if (known !== undefined) feedRequests.set(feed, known + 1);
}

function methodIndex(method: string | undefined): number {
  const index = METHODS.indexOf(method ?? '');
  return index < 0 ? METHODS.length - 1 : index;
}

/** Yields the answers by method and status. */
export function* answersOf({ answers }: RouteCounts): Generator<{ method: string; status: number; count: number }> {
  for (const [index, method] of METHODS.entries()) {
    for (let status = 0; status < STATUSES; status += 1) {
      const count = answers[index * STATUSES + status] ?? 0;
      if (count > 0) yield { method, status: status + FIRST_STATUS, count };
    }
  }
}

function countKinds(made: readonly Adjustment[], counts: Map<AdjustmentKind, number>): void {
  for (const kind of new Set(made.map((one) => one.kind))) counts.set(kind, (counts.get(kind) ?? 0) + 1);
}

/** Wraps a function that makes documents so that it counts them. */
export function countDocuments<Parameters extends readonly unknown[]>(
  arrange: (...request: Parameters) => Promise<Document | undefined>,
  counters: Counters,
): (...request: Parameters) => Promise<Document | undefined> {
  return async (...request) => {
    const began = performance.now();
    const document = await arrange(...request);
    if (document !== undefined) counters.documents += 1;
    counters.documentSeconds += (performance.now() - began) / 1000;
    return document;
  };
}

/** Wraps a publisher so that it counts the results of changes, and the stories that were adjusted. */
export function countChanges(publisher: Publisher, { changes, adjustments }: Counters): Publisher {
  const count = (result: ChangeResult) => {
    changes[result] = (changes[result] ?? 0) + 1;
  };
  return {
    async publish(submissions) {
      const published = await publisher.publish(submissions);
      for (const one of published) {
        count('outcome' in one ? one.outcome.result : 'refused');
        if ('outcome' in one && isChange(one.outcome)) countKinds(one.adjustments, adjustments);
      }
      return published;
    },
    async withdraw(withdrawals) {
      const outcomes = await publisher.withdraw(withdrawals);
      for (const { result } of outcomes) count(result);
      return outcomes;
    },
    async erase(erasures) {
      const outcomes = await publisher.erase(erasures);
      for (const { result } of outcomes) count(result);
      return outcomes;
    },
  };
}
