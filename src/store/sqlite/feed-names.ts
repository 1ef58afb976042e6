import type { DatabaseSync } from 'node:sqlite';
import type { FeedKey, NamedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';

/**
 * The name of a feed at :at. Of several spellings, the smallest one wins, so that every store has the same name. Spellings
 * of articles that are still under embargo do not count: they would announce the article. Readers see a feed that only
 * such articles name as soon as the first of them is visible.
 */
export const NAME = `CASE
  WHEN feed.named AND NOT EXISTS (SELECT 1 FROM coming_name WHERE coming_name.feed = feed.number) THEN feed.name
  ELSE coalesce((
    SELECT min(name) FROM (
      SELECT feed.name AS name WHERE feed.named
      UNION ALL SELECT name FROM coming_name WHERE coming_name.feed = feed.number AND published <= :at)
  ), feed.name)
END`;

/** The spellings of feeds' names in their articles. */
export function createFeedNames(db: DatabaseSync) {
  const rename = db.prepare(`
    UPDATE feed SET name = CASE WHEN named THEN min(name, :name) ELSE :name END, named = 1
    WHERE key = :key AND (NOT named OR name > :name)`);
  const insertComing = db.prepare('INSERT INTO coming_name (article, feed, published, name) VALUES (?, ?, ?, ?)');
  const removeComing = db.prepare('DELETE FROM coming_name WHERE article = ?');
  /** The spellings that the store has. */
  const known = new Map<FeedKey, Set<string>>();

  return {
    /** Names feeds as an article does that readers can see. */
    add(feeds: readonly NamedKey[]): void {
      for (const { key, name } of feeds) {
        const names = known.get(key) ?? new Set();
        if (names.has(name)) continue;
        rename.run({ key, name });
        known.set(key, names.add(name));
      }
    },
    /** Names feeds as an article does that readers can see from `published` on. */
    addComing(article: number, published: Instant, feeds: readonly (NamedKey & { readonly number: number })[]): void {
      for (const { number, name } of feeds) insertComing.run(article, number, published, name);
    },
    removeComing(article: number): void {
      removeComing.run(article);
    },
    /** Call this after a rollback. */
    forget: (): void => known.clear(),
  };
}
