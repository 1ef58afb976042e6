/**
 * What `/status` shows an operator and `GET /api/status` answers, as JSON has it. Dates are RFC 3339, durations are
 * milliseconds, sizes are bytes.
 */
export interface ServiceStatus {
  readonly at: string;
  readonly publication: string;
  readonly version: string;
  /** Of the process that started first. */
  readonly startedAt: string;
  readonly processes: number;
  /** Why readers are not served; missing where they are. */
  readonly outage?: string;
  readonly needs: Needs;
  readonly articles: ArticleCounts;
  /** Feeds that readers can get. */
  readonly feeds: number;
  /** Feeds with new rules that are being filled with their articles; missing where there are none. */
  readonly fillingFeeds?: number;
  /** What other systems know of changes; missing where the service tells nobody. */
  readonly outbox?: readonly OutboxStatus[];
  readonly traffic: Traffic;
  readonly load: Load;
  readonly store: StoreFacts;
}

/** A system that the service tells of changes. */
export interface OutboxStatus {
  /** Such as `varnish:http://10.0.0.7:6081/`. */
  readonly target: string;
  readonly kind: string;
  readonly state: 'up to date' | 'pending' | 'failing';
  /** Since when there is something to tell, or when there will be; missing where nothing is known to come. */
  readonly due?: string;
  /** The next attempt, where one has failed. */
  readonly nextAttempt?: string;
  /** Every document is to be told, and not those of some feeds. */
  readonly isEverything?: boolean;
  /** Attempts in a row that have failed. */
  readonly failures: number;
  readonly failingSince?: string;
  /** Why the last attempt failed. */
  readonly lastError?: string;
}

/** What somebody has to put right. */
export interface Needs {
  /** What is damaged in the store. */
  readonly damage?: string;
  /** Why changes cannot be stored: a disk that is full, or nearly. */
  readonly disk?: string;
  /** Why a replica takes no changes: its database is away. */
  readonly database?: string;
  /** What is refused now, newest first: the first of them, as `GET /api/problems` has them. */
  readonly problems: readonly StatusProblem[];
  /** How many problems there are. */
  readonly problemCount: number;
}

export interface StatusProblem {
  /** A file in articles/, a record over the API, a record in the store, or an article that a format omits. */
  readonly kind: 'file' | 'other_file' | 'key' | 'stored_record' | 'rendering';
  /** The file's path in the data folder; missing for the others. */
  readonly path?: string;
  /** The name of the API key that sent the record. */
  readonly key?: string;
  /** The format that omits the article. */
  readonly format?: string;
  /** The article's id. */
  readonly article?: string;
  readonly since: string;
  readonly code: string;
  /** What is wrong, each with its field, value and rule where the error has them. */
  readonly problems: readonly {
    readonly field?: string;
    readonly value?: string;
    readonly rule: string;
    readonly line?: number;
    readonly column?: number;
  }[];
}

export interface ArticleCounts {
  readonly visible: number;
  readonly embargoed: number;
  readonly expired: number;
  readonly withdrawn: number;
  /** The article that appears next, and the one that expires next. */
  readonly nextAppears?: { readonly article: string; readonly at: string };
  readonly nextExpires?: { readonly article: string; readonly at: string };
  /** The newest visible article. */
  readonly newest?: { readonly article: string; readonly publishedAt: string };
}

/** Answers of the last 24 hours: the hour that is not over yet, and the 23 before it. */
export interface Traffic {
  /** Oldest first; an hour without answers is there, with zeros. */
  readonly hours: readonly TrafficHour[];
  /** Answers by kind, in all hours. */
  readonly answers: AnswerCounts;
  /** Half of all answers were faster, and ninety-nine of a hundred; missing without answers. */
  readonly median?: number;
  readonly p99?: number;
  readonly bytes: BytesSaved;
  /** The feeds with the most requests, most first, at most 20. */
  readonly feeds: readonly FeedTraffic[];
  /** Requests for all other feeds, and how many those are. */
  readonly otherFeeds: { readonly feeds: number; readonly requests: number };
  /** What readers declare, most subscribers first, at most 20 services. */
  readonly services: readonly DeclaredSubscribers[];
  /** The declared subscribers of all services, and how many services there are. */
  readonly subscribers: { readonly subscribers: number; readonly services: number };
}

export interface TrafficHour {
  /** The beginning of the hour. */
  readonly from: string;
  readonly answers: AnswerCounts;
  readonly median?: number;
  readonly p99?: number;
}

/** Answers by their status. */
export interface AnswerCounts {
  /** 200 and 206. */
  readonly whole: number;
  /** 226. */
  readonly delta: number;
  /** 304. */
  readonly unchanged: number;
  /** Other statuses below 400: redirects, and the results of changes. */
  readonly other: number;
  /** 4xx. */
  readonly clientErrors: number;
  /** 5xx. */
  readonly serverErrors: number;
}

/** Bytes of the content of feeds and pages. `sent` and the three savings are what whole, uncompressed documents had been. */
export interface BytesSaved {
  readonly sent: number;
  /** Not sent, because the reader had the document: 304. */
  readonly unchanged: number;
  /** Left out of deltas: 226. */
  readonly delta: number;
  /** Taken away by content codings. */
  readonly coding: number;
}

export interface FeedTraffic {
  /** The key of the feed, such as `section/world`. */
  readonly feed: string;
  /** What the feed is called, with its language where it is known. */
  readonly name: string;
  readonly language?: string;
  readonly requests: number;
  readonly unchanged: number;
  readonly delta: number;
  readonly p99?: number;
  /** Declared subscribers of all services. */
  readonly subscribers: number;
}

export interface DeclaredSubscribers {
  /** As it names itself in its User-Agent. */
  readonly service: string;
  /** For each feed the highest number that it declared, added up. */
  readonly subscribers: number;
  readonly feeds: number;
}

export interface Load {
  /** Requests that wait, and how many may. */
  readonly queues: readonly {
    readonly lane: 'newsroom' | 'feeds' | 'changes' | 'others';
    readonly waiting: number;
    readonly limit: number;
  }[];
  readonly connections: { readonly open: number; readonly limit: number };
  /** Rendered documents and entries in memory. */
  readonly cache: { readonly bytes: number; readonly limit: number; readonly evicted: number };
  /** The longest block of the event loop in the last minute or so, in the process where it was longest. */
  readonly eventLoopDelay: number;
}

export interface StoreFacts {
  readonly revision: number;
  readonly bytes: number;
  /** Of the log of changes beside it. */
  readonly logBytes: number;
  /** Free on its disk. */
  readonly freeBytes: number;
}
