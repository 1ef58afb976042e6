import type { Newsroom } from '../article/article.ts';
import type { ArticleText } from '../article/stored.ts';
import { PublisherError } from '../errors.ts';
import type { FeedKey } from '../feed/feeds.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { lineText, shorten } from '../lib/text.ts';
import type { Change, Condition, Identity, Outcome, Put, Store } from '../store/store.ts';
import type { ParsedRecord, Unparsed } from './parsed-record.ts';

/** A record with what is asked of its article. */
export type Submission = Unparsed & {
  /** Used where the record has no `publishedAt`, unless the article was visible: its date is known. RFC 3339. */
  readonly publishedAt?: string;
  readonly condition?: Condition;
  /** Does not publish what was taken back again, unless the record is another. */
  readonly keepWithdrawn?: boolean;
  /** The file that it comes from. */
  readonly source?: Put['source'];
};

/** What became of a submission. */
export type Published = { readonly outcome: Outcome } | { readonly refused: PublisherError };

/** Of one record as it is handed over. Longer than the longest body that is allowed, in JSON's most wasteful spelling. */
export const MAX_RECORD_BYTES = 8 * 1024 * 1024;
/** Characters of a reason at most. */
const MAX_REASON = 1000;

/** The write path: parse, keep, announce. */
export interface Publisher {
  /** Publishes those of the records that can be, in one transaction, and says of each what became of it. */
  readonly publish: (submissions: readonly Submission[]) => Promise<readonly Published[]>;
  /** Takes articles back. */
  readonly withdraw: (withdrawals: readonly Withdrawal[]) => Promise<readonly Outcome[]>;
}

export interface Withdrawal {
  readonly id: string;
  readonly reason?: string;
  readonly condition?: Condition;
  /** No file holds the article any more. */
  readonly forgetSource?: boolean;
}

interface PublisherParts {
  readonly store: Store;
  readonly parse: ParseRecords;
  readonly now: () => Instant;
  /** Told which feeds changed, after the change is kept and before it is acknowledged. */
  readonly announce: (touched: readonly FeedKey[]) => void;
}

/** Parses records, in this thread or in others. */
export type ParseRecords = (records: readonly Unparsed[]) => Promise<readonly (ParsedRecord | PublisherError)[]>;

export function createPublisher({ store, parse, now, announce }: PublisherParts): Publisher {
  async function apply(changes: readonly Change[]): Promise<readonly Outcome[]> {
    const outcomes = await store.apply(changes, now);
    announce([...new Set(outcomes.flatMap(({ touched }) => touched))]);
    return outcomes;
  }

  async function publish(submissions: readonly Submission[]): Promise<readonly Published[]> {
    const read = await parse(await withDates(submissions));
    const parsed = read.map((result) => (result instanceof PublisherError ? result : unlessAhead(result, now())));
    const changes = parsed.flatMap((result, index): Put[] => {
      if (result instanceof PublisherError) return [];
      const { condition, keepWithdrawn, source } = submissions[index] ?? {};
      const asked = omitUndefined({ condition, keepWithdrawn, source });
      return [{ kind: 'put', ...result, changedAt: toldChange(result.article), ...asked }];
    });
    const outcomes = (await apply(changes)).values();
    return parsed.map((result): Published => {
      if (result instanceof PublisherError) return { refused: result };
      const outcome = outcomes.next();
      if (outcome.done) throw new Error('the store answered for fewer changes than it was given');
      return publishedOf(outcome.value);
    });
  }

  /**
   * Records without a date of their own get the one they came with, or the one that readers know. A date to come is
   * known to nobody: it is the end of an embargo, which may be moved or lifted.
   */
  async function withDates(submissions: readonly Submission[]): Promise<readonly Unparsed[]> {
    const undated = submissions.flatMap((submission) =>
      'record' in submission && submission.publishedAt !== undefined ? [idOf(submission.record)] : [],
    );
    const known = undated.length === 0 ? new Map<string, Identity>() : await store.identities(undated);
    const at = now();
    const seen = new Map([...known].filter(([, { publishedAt }]) => publishedAt <= at));
    return submissions.map((submission) => datedRecord(submission, seen));
  }

  return {
    publish,
    withdraw: (withdrawals) => apply(withdrawals.map(withdrawalChange)),
  };
}

/** A reason is text from outside, and stands in feeds. */
function withdrawalChange({ reason = '', ...rest }: Withdrawal): Change {
  const clean = shorten(lineText(reason), MAX_REASON);
  return { kind: 'withdraw', ...rest, ...(clean === '' ? {} : { reason: clean }) };
}

/**
 * When an article says that it was changed. While nobody has seen the feeds of a store they changed then, not now: replicas
 * that are filled at different times tell the same dates.
 */
function toldChange({ withdrawn, updatedAt }: ArticleText): Instant {
  return withdrawn?.at ?? updatedAt ?? 0;
}

/** Withdrawn tomorrow, an article would be gone today, and told of tomorrow: withdrawals are of now. */
function unlessAhead(candidate: ParsedRecord, at: Instant): ParsedRecord | PublisherError {
  const { id, withdrawn } = candidate.article;
  if (withdrawn === undefined || withdrawn.at <= at) return candidate;
  const rule = `must not be after now, ${rfc3339(at)}: use expiresAt for a moment to come`;
  const problems = [{ field: 'withdrawn.at', value: rfc3339(withdrawn.at), rule }];
  return new PublisherError('invalid_article', `The article “${id}” cannot be published.`, { problems });
}

function publishedOf(outcome: Outcome): Published {
  if (outcome.problem === undefined) return { outcome };
  const message = `The article “${outcome.id}” would change its identity.`;
  return { refused: new PublisherError('identity_conflict', message, { problems: [outcome.problem] }) };
}

/** The record with the date that holds where it names none itself. */
function datedRecord(submission: Submission, known: ReadonlyMap<string, Identity>): Unparsed {
  if ('json' in submission) return { json: submission.json };
  const { record, publishedAt } = submission;
  if (publishedAt === undefined || typeof record !== 'object' || record === null) return { record };
  const identity = known.get(idOf(record));
  return { record: { publishedAt: identity === undefined ? publishedAt : rfc3339(identity.publishedAt), ...record } };
}

/** The id of a record that is not parsed yet; empty where it has none. */
export function idOf(record: unknown): string {
  const id = typeof record === 'object' && record !== null ? Reflect.get(record, 'id') : undefined;
  return typeof id === 'string' ? id.normalize('NFC') : '';
}

/** Parses in this thread. What that takes is loaded for the first record: a start has none, where nothing is new. */
export function parseHere(newsroom: Newsroom): ParseRecords {
  return async (records) => {
    if (records.length === 0) return [];
    const { parsedOrRefused } = await import('./parse-record.ts');
    return records.map((record) => parsedOrRefused(record, newsroom));
  };
}
