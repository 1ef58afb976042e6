import { type Article, type Newsroom, parseArticle } from './article.ts';
import { PublisherError } from './errors.ts';
import { type CustomFeed, customKeys, type FeedKey, type NamedKey, ownKeys } from './feeds.ts';
import type { Instant } from './instant.ts';
import type { Change, Outcome, Store } from './store.ts';

export type Publication = { readonly outcome: Outcome } | { readonly refused: PublisherError };

/** The write path: parse, keep, announce. */
export interface Publisher {
  /** Publishes those of the records that can be, in one transaction, and says of each what became of it. */
  readonly publish: (records: readonly unknown[]) => Promise<readonly Publication[]>;
  /**
   * The same for the records a store begins with. Nobody has seen its feeds yet, so they changed when their articles
   * say, not now: replicas that start at different times tell the same dates.
   */
  readonly load: (records: readonly unknown[]) => Promise<readonly Publication[]>;
  /** Takes articles back. */
  readonly withdraw: (ids: readonly string[], reason?: string) => Promise<readonly Outcome[]>;
}

interface PublisherParts {
  readonly store: Store;
  readonly newsroom: Newsroom;
  readonly feeds: readonly CustomFeed[];
  readonly now: () => Instant;
  /** Told which feeds changed, after the change is kept and before it is acknowledged. */
  readonly announce: (touched: readonly FeedKey[]) => void;
}

export function createPublisher({ store, newsroom, feeds, now, announce }: PublisherParts): Publisher {
  async function apply(changes: readonly Change[]): Promise<readonly Outcome[]> {
    const outcomes = await store.apply(changes);
    announce([...new Set(outcomes.flatMap(({ touched }) => touched))]);
    return outcomes;
  }

  async function put(records: readonly unknown[], changedAt: (article: Article) => Instant): Promise<Publication[]> {
    const parsed = records.map((record) => parsedOrRefused(record, newsroom));
    const changes = parsed.flatMap((result, index): Change[] => {
      if (result instanceof PublisherError) return [];
      return [
        {
          kind: 'put',
          article: result,
          record: records[index],
          feeds: feedsFor(result, feeds),
          changedAt: changedAt(result),
        },
      ];
    });
    const outcomes = (await apply(changes)).values();
    return parsed.map((result): Publication => {
      if (result instanceof PublisherError) return { refused: result };
      const outcome = outcomes.next();
      if (outcome.done) throw new Error('the store answered for fewer changes than it was given');
      return { outcome: outcome.value };
    });
  }

  return {
    publish: (records) => put(records, now),
    load: (records) => put(records, (article) => Math.min(now(), article.withdrawn?.at ?? article.updatedAt ?? 0)),
    withdraw: (ids, reason) => {
      const changedAt = now();
      const reasoned = reason === undefined ? {} : { reason };
      return apply(ids.map((id) => ({ kind: 'withdraw', id, changedAt, ...reasoned })));
    },
  };
}

function feedsFor(article: Article, custom: readonly CustomFeed[]): NamedKey[] {
  const own = ownKeys(article);
  const keys = own.map(({ key }) => key);
  return [...own, ...customKeys(keys, custom).map((key) => ({ key, name: '' }))];
}

function parsedOrRefused(record: unknown, newsroom: Newsroom): Article | PublisherError {
  try {
    return parseArticle(record, newsroom);
  } catch (error) {
    if (error instanceof PublisherError) return error;
    throw error;
  }
}
