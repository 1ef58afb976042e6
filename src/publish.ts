import { type Article, type Newsroom, parseArticle } from './article.ts';
import { PublisherError } from './errors.ts';
import { type CustomFeed, customFeedChooser, type FeedKey, type NamedKey, ownKeys } from './feeds.ts';
import { type Instant, rfc3339 } from './instant.ts';
import type { Change, Condition, Identity, Outcome, Put, Store } from './store.ts';
import { lineText, shorten } from './text.ts';

/** A record with what is asked of its article. */
export interface Submission {
  readonly record: unknown;
  /** Used where the record has no `publishedAt`, unless the store knows when the article was published. RFC 3339. */
  readonly publishedAt?: string;
  readonly condition?: Condition;
}

/** What became of a submission. */
export type Published = { readonly outcome: Outcome } | { readonly refused: PublisherError };

/** Characters of a reason at most. */
const MAX_REASON = 1000;

/** The write path: parse, keep, announce. */
export interface Publisher {
  /** Publishes those of the records that can be, in one transaction, and says of each what became of it. */
  readonly publish: (submissions: readonly Submission[]) => Promise<readonly Published[]>;
  /**
   * The same for the records a store begins with. Nobody has seen its feeds yet, so they changed when their articles
   * say, not now: replicas that start at different times tell the same dates.
   */
  readonly load: (submissions: readonly Submission[]) => Promise<readonly Published[]>;
  /** Takes articles back. */
  readonly withdraw: (withdrawals: readonly Withdrawal[]) => Promise<readonly Outcome[]>;
}

export interface Withdrawal {
  readonly id: string;
  readonly reason?: string;
  readonly condition?: Condition;
}

interface PublisherParts {
  readonly store: Store;
  readonly parse: ParseRecords;
  readonly feeds: readonly CustomFeed[];
  readonly now: () => Instant;
  /** Told which feeds changed, after the change is kept and before it is acknowledged. */
  readonly announce: (touched: readonly FeedKey[]) => void;
}

/** Parses records, in this thread or in others. */
export type ParseRecords = (records: readonly unknown[]) => Promise<readonly (Article | PublisherError)[]>;

export function createPublisher({ store, parse, feeds, now, announce }: PublisherParts): Publisher {
  const select = selector(feeds);

  async function apply(changes: readonly Change[]): Promise<readonly Outcome[]> {
    const outcomes = await store.apply(changes, now());
    announce([...new Set(outcomes.flatMap(({ touched }) => touched))]);
    return outcomes;
  }

  async function put(
    submissions: readonly Submission[],
    changedAt: (article: Article) => Instant,
  ): Promise<readonly Published[]> {
    const known = await store.identities(submissions.map(({ record }) => idOf(record)));
    const records = submissions.map((submission) => datedRecord(submission, known));
    const parsed = await parse(records);
    const changes = parsed.flatMap((result, index): Put[] => {
      if (result instanceof PublisherError) return [];
      const condition = submissions[index]?.condition;
      const article = withKnownIdentity(result, records[index], known);
      const record = JSON.stringify(records[index]);
      const change = { kind: 'put', article, record, feeds: select(article), changedAt: changedAt(article) } as const;
      return [condition === undefined ? change : { ...change, condition }];
    });
    const outcomes = (await apply(changes)).values();
    return parsed.map((result): Published => {
      if (result instanceof PublisherError) return { refused: result };
      const outcome = outcomes.next();
      if (outcome.done) throw new Error('the store answered for fewer changes than it was given');
      return publishedOf(outcome.value);
    });
  }

  return {
    publish: (submissions) => {
      const at = now();
      return put(submissions, () => at);
    },
    load: (submissions) => {
      const at = now();
      return put(submissions, (article) => Math.min(at, article.withdrawn?.at ?? article.updatedAt ?? 0));
    },
    withdraw: (withdrawals) => {
      const changedAt = now();
      return apply(withdrawals.map((withdrawal) => withdrawalChange(withdrawal, changedAt)));
    },
  };
}

/** A reason is text from outside, and stands in feeds. */
function withdrawalChange({ reason = '', ...rest }: Withdrawal, changedAt: Instant): Change {
  const clean = shorten(lineText(reason), MAX_REASON);
  return { kind: 'withdraw', changedAt, ...rest, ...(clean === '' ? {} : { reason: clean }) };
}

function publishedOf(outcome: Outcome): Published {
  if (outcome.problem === undefined) return { outcome };
  const message = `The article “${outcome.id}” would change its identity.`;
  return { refused: new PublisherError('identity_conflict', message, { problems: [outcome.problem] }) };
}

/** All feeds an article belongs to: those of its own words, and the operator's that choose it. */
export function selector(feeds: readonly CustomFeed[]): (article: Article) => NamedKey[] {
  const choose = customFeedChooser(feeds);
  return (article) => {
    const own = ownKeys(article);
    const custom = choose(own.map(({ key }) => key));
    return [...own, ...custom.map((key) => ({ key, name: '' }))];
  };
}

/** The record with the date that holds where it names none itself. */
function datedRecord({ record, publishedAt }: Submission, known: ReadonlyMap<string, Identity>): unknown {
  if (publishedAt === undefined || typeof record !== 'object' || record === null) return record;
  const identity = known.get(idOf(record));
  return { publishedAt: identity === undefined ? publishedAt : rfc3339(identity.publishedAt), ...record };
}

/** The public id an article has once holds, whatever it would be made of today, unless the record names another. */
function withKnownIdentity(article: Article, record: unknown, known: ReadonlyMap<string, Identity>): Article {
  const identity = known.get(article.id);
  const named = typeof record === 'object' && record !== null && Reflect.get(record, 'publicId') != null;
  return identity === undefined || named ? article : { ...article, publicId: identity.publicId };
}

/** The id of a record that is not parsed yet; empty where it has none. */
export function idOf(record: unknown): string {
  const id = typeof record === 'object' && record !== null ? Reflect.get(record, 'id') : undefined;
  return typeof id === 'string' ? id.normalize('NFC') : '';
}

/** Parses in this thread. */
export function parseHere(newsroom: Newsroom): ParseRecords {
  return async (records) => records.map((record) => parsedOrRefused(record, newsroom));
}

export function parsedOrRefused(record: unknown, newsroom: Newsroom): Article | PublisherError {
  try {
    return parseArticle(record, newsroom);
  } catch (error) {
    if (error instanceof PublisherError) return error;
    throw error;
  }
}
