import type { DatabaseSync } from 'node:sqlite';
import { isPartnerFeed } from '../../feed/dialects.ts';
import { type FeedKey, LATEST } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';

/** A state of the store that somebody knows: all changes up to a revision, and what time has changed up to a moment. */
export interface KnownState {
  readonly revision: number;
  readonly at: Instant;
}

interface ShownChangesParts {
  /** The feeds of an article, by its number. */
  readonly keysOf: (article: number) => readonly FeedKey[];
}

/**
 * What readers see change, by changes and by time. Every article is in the feed `latest`, so that its lists have every end of an
 * embargo, expiry and withdrawal.
 */
export function createShownChanges(db: DatabaseSync, { keysOf }: ShownChangesParts) {
  const changed = db.prepare(
    'SELECT key FROM feed WHERE revision > :revision AND shown_revision > :revision LIMIT :most',
  );
  const latest = db.prepare('SELECT number FROM feed WHERE key = ?');
  const timed = db.prepare(`
    SELECT article FROM entry WHERE feed = :feed AND published > :after AND published <= :at
    UNION SELECT article FROM entry WHERE feed = :feed AND expires > :after AND expires <= :at
    UNION SELECT article FROM tombstone WHERE feed = :feed AND at > :after AND at <= :at
    UNION SELECT article FROM tombstone WHERE feed = :feed AND at > :after - :listed AND at <= :at - :listed
    LIMIT :most`);
  const next = db.prepare(`
    SELECT min(at) AS at FROM (
      SELECT min(published) AS at FROM entry WHERE feed = :feed AND published > :after
      UNION ALL SELECT min(expires) FROM entry WHERE feed = :feed AND expires > :after
      UNION ALL SELECT min(at) FROM tombstone WHERE feed = :feed AND at > :after
      UNION ALL SELECT min(at) + :listed FROM tombstone WHERE feed = :feed AND at > :after - :listed)`);
  const withdrawn = db.prepare('SELECT 1 FROM article WHERE withdrawn IS NOT NULL AND revision > ? LIMIT 1');
  const expired = db.prepare(`
    SELECT 1 FROM article WHERE expires IS NOT NULL AND withdrawn IS NULL AND revision > ? AND expires <= ? LIMIT 1`);
  const ended = db.prepare(`
    SELECT 1 FROM entry WHERE feed = :feed AND expires > :after AND expires <= :at
    UNION ALL SELECT 1 FROM tombstone WHERE feed = :feed AND at > :after AND at <= :at LIMIT 1`);

  const feedOfAll = (): number => Number(latest.get(LATEST)?.number ?? 0);

  return {
    /**
     * The feeds that have changed for readers between a state and now; undefined where there are more.
     *
     * @param most feeds, and articles that time has changed
     * @param listed milliseconds for which a feed lists a withdrawal
     */
    since(
      { revision, at: after }: KnownState,
      at: Instant,
      { most, listed }: { readonly most: number; readonly listed: number },
    ): readonly FeedKey[] | undefined {
      const keys = new Set(changed.all({ revision, most: most + 1 }).map(({ key }) => String(key)));
      const articles = timed.all({ feed: feedOfAll(), after, at, listed, most: most + 1 });
      if (keys.size > most || articles.length > most) return undefined;
      for (const { article } of articles) for (const key of keysOf(Number(article))) keys.add(key);
      const feeds = [...keys].filter((key) => !isPartnerFeed(key)).sort();
      return feeds.length > most ? undefined : feeds;
    },
    /** Whether a story has left the feeds by withdrawal, erasure or expiry between a state and now. */
    hasRemovals({ revision, at: after }: KnownState, at: Instant): boolean {
      return (
        withdrawn.get(revision) !== undefined ||
        expired.get(revision, at) !== undefined ||
        ended.get({ feed: feedOfAll(), after, at }) !== undefined
      );
    },
    /** The next moment after this one at which time alone changes a feed. */
    nextAfter(after: Instant, listed: number): Instant | undefined {
      const moment = next.get({ feed: feedOfAll(), after, listed })?.at ?? undefined;
      return moment === undefined ? undefined : Number(moment);
    },
  };
}
