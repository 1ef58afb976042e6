import type { Coding } from '../document/content-codings.ts';
import type { Document } from '../document/document.ts';
import type { FeedKey, Format } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import type { Publisher } from '../publish/publish.ts';
import type { Outcome } from '../store/store.ts';

/** Methods that are counted by their names. */
const METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'other'];

/** Bounds of durations that are told apart, seconds. */
export const BOUNDS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** HTTP knows statuses from 100 to 599. */
const FIRST_STATUS = 100;
const STATUSES = 500;

/** The answers of one route. */
export interface RouteCounts {
  /** By method and status. A place for each, as a warm answer costs no more than an addition. */
  readonly answers: Float64Array;
  /** By duration, each in the first bound that holds it; the last are beyond all. */
  readonly durations: Float64Array;
  seconds: number;
}

/** What became of a change that somebody asked for. */
type ChangeResult = Outcome['result'];

/** What is counted since the service started. It is added to in place, and made into text when somebody asks. */
export interface Counters {
  /** By the addresses of the list of routes, and `other`. */
  readonly routes: Map<string, RouteCounts>;
  /** Bytes of content that was answered with. */
  readonly bytes: Record<Coding, number>;
  readonly changes: Partial<Record<ChangeResult, number>>;
  /** Files that could not be published. */
  refusedFiles: number;
  /** Documents that were arranged, and how long that took from the first question to the store on. */
  documents: number;
  documentSeconds: number;
}

export function createCounters(): Counters {
  return {
    routes: new Map(),
    bytes: { identity: 0, gzip: 0, br: 0, zstd: 0 },
    changes: {},
    refusedFiles: 0,
    documents: 0,
    documentSeconds: 0,
  };
}

/** @param route one of the list of routes: whatever it is called with is a label for good */
export function countsOf({ routes }: Counters, route: string): RouteCounts {
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

/** Counts an answer: additions, and nothing that would have to be collected as garbage. */
export function countAnswer(counts: RouteCounts, method: string | undefined, status: number, seconds: number): void {
  const place = placeOf(method) * STATUSES + status - FIRST_STATUS;
  counts.answers[place] = (counts.answers[place] ?? 0) + 1;
  let bound = 0;
  while (bound < BOUNDS.length && seconds > (BOUNDS[bound] ?? 0)) bound += 1;
  counts.durations[bound] = (counts.durations[bound] ?? 0) + 1;
  counts.seconds += seconds;
}

function placeOf(method: string | undefined): number {
  const place = METHODS.indexOf(method ?? '');
  return place < 0 ? METHODS.length - 1 : place;
}

/** The answers that were given, by method and status. */
export function* answersOf({ answers }: RouteCounts): Generator<{ method: string; status: number; count: number }> {
  for (const [place, method] of METHODS.entries()) {
    for (let status = 0; status < STATUSES; status += 1) {
      const count = answers[place * STATUSES + status] ?? 0;
      if (count > 0) yield { method, status: status + FIRST_STATUS, count };
    }
  }
}

type Arrange = (
  ...question: [key: FeedKey, format: Format, at: Instant, isAwaited?: () => boolean]
) => Promise<Document | undefined>;

/** The same, and counts the documents it arranges. */
export function countDocuments(arrange: Arrange, counters: Counters): Arrange {
  return async (...question) => {
    const began = performance.now();
    const document = await arrange(...question);
    if (document !== undefined) counters.documents += 1;
    counters.documentSeconds += (performance.now() - began) / 1000;
    return document;
  };
}

/** The same publisher, which counts what became of every change. */
export function countChanges(publisher: Publisher, { changes }: Counters): Publisher {
  const count = (result: ChangeResult) => {
    changes[result] = (changes[result] ?? 0) + 1;
  };
  return {
    async publish(submissions) {
      const published = await publisher.publish(submissions);
      for (const one of published) count('outcome' in one ? one.outcome.result : 'refused');
      return published;
    },
    async withdraw(withdrawals) {
      const outcomes = await publisher.withdraw(withdrawals);
      for (const { result } of outcomes) count(result);
      return outcomes;
    },
  };
}
