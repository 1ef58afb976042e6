import type { Article } from '../article/article.ts';
import type { Newsroom } from '../article/newsroom.ts';
import type { ArticleText } from '../article/stored.ts';
import { excerpt, type Problem, PublisherError } from '../errors.ts';
import type { FeedKey } from '../feed/feeds.ts';
import { type BatchLimits, batchesOf } from '../lib/batches.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import { jsonString } from '../lib/json.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { lineText, shorten } from '../lib/text.ts';
import { NEVER_YIELD, type YieldToLoop } from '../lib/yield-to-loop.ts';
import type { Actor, Change, Condition, Erase, Outcome, Put, Store } from '../store/store.ts';
import type { ParsedRecord, UnparsedRecord } from './unparsed-record.ts';

/** A record to publish. A known article that readers could see keeps its date: `publishedAt` does not replace it. */
export interface Submission extends UnparsedRecord {
  readonly condition?: Condition;
  /** Leaves a withdrawn article withdrawn unless the record differs. */
  readonly keepWithdrawn?: boolean;
  readonly actor?: Actor;
  /** The file that the record comes from. */
  readonly source?: NonNullable<Put['source']>;
}

/** The result of one submission. */
export type Published = Accepted | { readonly refused: PublisherError };

/** A record that was published, or whose condition failed. */
export interface Accepted {
  readonly outcome: Outcome;
  readonly adjustments: NonNullable<ParsedRecord['adjustments']>;
  readonly warnings: readonly Problem[];
  /** The article as the parser made it. */
  readonly article: ArticleText;
}

/** Whether a put changed the article. */
export function isChange({ result }: Outcome): boolean {
  return result === 'created' || result === 'updated';
}

/** Bytes of one record. More than the longest allowed body needs in the most wasteful spelling of JSON. */
export const MAX_RECORD_BYTES = 8 * 1024 * 1024;
/** Characters of the reason for a withdrawal. */
const MAX_REASON = 1000;

/** The write path: parse, save, announce. */
export interface Publisher {
  /**
   * Publishes the valid records in one transaction, or in several if the publisher has a limit for one. Returns one result
   * for each record, in their order.
   */
  readonly publish: (submissions: readonly Submission[]) => Promise<readonly Published[]>;
  /** Withdraws articles in one transaction. */
  readonly withdraw: (withdrawals: readonly Withdrawal[]) => Promise<readonly Outcome[]>;
  /** Erases the texts of articles in one transaction. The files of the store may still have them: see `overwriteErased`. */
  readonly erase: (erasures: readonly Erasure[]) => Promise<readonly Outcome[]>;
}

/** An article to erase for good. */
export type Erasure = Omit<Erase, 'kind'>;

export interface Withdrawal {
  readonly id: string;
  readonly reason?: string;
  readonly condition?: Condition;
  readonly actor?: Actor;
  /** No file holds the article any more. */
  readonly forgetSource?: boolean;
}

interface PublisherParts {
  readonly store: Store;
  readonly parse: ParseRecords;
  readonly now: () => Instant;
  /** Receives the feeds that changed, after the change is on disk and before it is acknowledged. */
  readonly announce: (touched: readonly FeedKey[]) => void;
  /** Shares the thread with other work; by default, there is none. */
  readonly yieldToLoop?: YieldToLoop;
  /** Records in one transaction, and characters of their articles; by default, there is no limit. */
  readonly transaction?: BatchLimits;
}

const NO_LIMITS: BatchLimits = { count: Number.POSITIVE_INFINITY, size: Number.POSITIVE_INFINITY };

/** Parses records, in this thread or in others. Returns one result for each record, in their order. */
export type ParseRecords = (records: readonly UnparsedRecord[]) => Promise<readonly (ParsedRecord | PublisherError)[]>;

export function createPublisher(parts: PublisherParts): Publisher {
  const { store, parse, now, announce, yieldToLoop = NEVER_YIELD, transaction = NO_LIMITS } = parts;

  async function apply(changes: readonly Change[]): Promise<readonly Outcome[]> {
    await yieldToLoop();
    const outcomes = await store.apply(changes, now);
    announce([...new Set(outcomes.flatMap(({ touched }) => touched))]);
    return outcomes;
  }

  async function publish(submissions: readonly Submission[]): Promise<readonly Published[]> {
    const results = await parse(await withKnownDates(submissions, store, now));
    const parsed = results.map((result) => (result instanceof PublisherError ? result : unlessInFuture(result, now())));
    const changes = parsed.flatMap((result, index): Put[] => {
      if (result instanceof PublisherError) return [];
      const { condition, keepWithdrawn, actor, source } = submissions[index] ?? {};
      const options = omitUndefined({ condition, keepWithdrawn, actor, source });
      const { adjustments: _, warnings: __, ...put } = result;
      return [{ kind: 'put', ...put, changedAt: changeDate(result.article), ...options }];
    });
    const applied: Outcome[] = [];
    for (const batch of batchesOf(changes, ({ article }) => article.text.length, transaction))
      applied.push(...(await apply(batch)));
    const outcomes = applied.values();
    return parsed.map((result): Published => {
      if (result instanceof PublisherError) return { refused: result };
      const outcome = outcomes.next();
      if (outcome.done) throw new Error('the store returned fewer outcomes than it received changes');
      return publishedOf(outcome.value, result, now());
    });
  }

  return {
    publish,
    withdraw: (withdrawals) => apply(withdrawals.map(withdrawalChange)),
    erase: (erasures) => apply(erasures.map((erasure) => ({ kind: 'erase', ...erasure }))),
  };
}

/**
 * Replaces the date of a submission by the date that readers know. A date of the future is known to no reader: it is the
 * end of an embargo, which may move.
 */
async function withKnownDates(
  submissions: readonly Submission[],
  store: Pick<Store, 'identities'>,
  now: () => Instant,
): Promise<readonly UnparsedRecord[]> {
  const ids = submissions.flatMap(({ id, publishedAt }) => (publishedAt === undefined ? [] : (id ?? [])));
  if (ids.length === 0) return submissions;
  const known = await store.identities(ids);
  const at = now();
  return submissions.map((submission) => {
    const { id, publishedAt } = submission;
    const date = publishedAt === undefined || id === undefined ? undefined : known.get(id)?.publishedAt;
    return date === undefined || date > at ? submission : { ...submission, publishedAt: rfc3339(date) };
  });
}

/** A reason comes from outside and appears in feeds. */
function withdrawalChange({ reason = '', ...rest }: Withdrawal): Change {
  const clean = shorten(lineText(reason), MAX_REASON);
  return { kind: 'withdraw', ...rest, ...(clean === '' ? {} : { reason: clean }) };
}

/**
 * The date of the article's last change. The feeds of a store that has served no reader are dated by it, not by the clock:
 * replicas that are filled at different times then have the same dates.
 */
function changeDate({ withdrawn, updatedAt }: ArticleText): Instant {
  return withdrawn?.at ?? updatedAt ?? 0;
}

/**
 * Refuses what has happened in the future. A withdrawn article would leave its feeds today, and its tombstone would appear
 * later. A correction would date its entry and feed for as long as it is ahead, against RFC 4287 §4.2.15.
 */
function unlessInFuture(parsed: ParsedRecord, at: Instant): ParsedRecord | PublisherError {
  const { id, withdrawn, updatedAt, correctedAt } = parsed.article;
  const problems: Problem[] = [];
  const check = (field: string, date: Instant | undefined, advice: string) => {
    if (date === undefined || date <= at) return;
    problems.push({ field, value: rfc3339(date), rule: `must not be after now, ${rfc3339(at)}: ${advice}` });
  };
  const advice = 'check its year and its zone, and the clock of the system that wrote it';
  const ofCorrection = correctedAt === undefined ? '' : '. The moment of the correction counts as well';
  check('updatedAt', updatedAt, advice + ofCorrection);
  check('withdrawn.at', withdrawn?.at, 'use expiresAt for a future date');
  if (problems.length === 0) return parsed;
  return new PublisherError('invalid_article', `The article “${id}” cannot be published.`, { problems, article: id });
}

function publishedOf(outcome: Outcome, parsed: ParsedRecord, at: Instant): Published {
  const { adjustments = [], article } = parsed;
  if (outcome.problem === undefined) return { outcome, adjustments, warnings: warningsOf(parsed, at), article };
  if (outcome.isErased === true) return { refused: erasedArticleError(outcome.id, outcome.problem) };
  const message = `The article “${outcome.id}” would change its identity.`;
  const details = { problems: [outcome.problem], article: outcome.id };
  return { refused: new PublisherError('identity_conflict', message, details) };
}

function erasedArticleError(id: string, problem: Problem): PublisherError {
  const message = `The article “${excerpt(id)}” has the id of an article that was erased for good.`;
  const hint = 'Publish it with another id and another publicId if it may be published again.';
  return new PublisherError('erased_article', message, { problems: [problem], hint, article: id });
}

const DAY = 86_400_000;

/** The parser's warnings, and those that depend on the clock. */
function warningsOf({ article, warnings = [] }: ParsedRecord, at: Instant): readonly Problem[] {
  const { publishedAt } = article;
  if (publishedAt <= at + DAY || hasEmbargo(article)) return warnings;
  const rule = 'is more than a day ahead: no reader sees the story before. Use embargoUntil if this is meant';
  return [...warnings, { field: 'publishedAt', value: rfc3339(publishedAt), rule }];
}

function hasEmbargo({ text }: ArticleText): boolean {
  return (JSON.parse(jsonString(text)) as Pick<Article, 'embargoUntil'>).embargoUntil !== undefined;
}

/** Parses in this thread. The parser loads with the first record: most starts have no new record. */
export function parseHere(newsroom: Newsroom): ParseRecords {
  return async (records) => {
    if (records.length === 0) return [];
    const { parseRecord } = await import('./parse-record.ts');
    return records.map((record) => parseRecord(record, newsroom));
  };
}
