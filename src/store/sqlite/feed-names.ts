import type { DatabaseSync } from 'node:sqlite';
import type { FeedKey, NamedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';

/**
 * The name of a feed at :at. Of several spellings, the smallest one wins, so that every store has the same name. Spellings
 * of articles that are still under embargo do not count: they would announce the article. The empty name stands for none: a
 * feed has none before the first of its articles is visible, and after all of them are erased.
 */
export const NAME = `CASE
  WHEN NOT EXISTS (SELECT 1 FROM coming_name WHERE coming_name.feed = feed.number) THEN feed.name
  ELSE coalesce((
    SELECT min(name) FROM (
      SELECT feed.name AS name WHERE feed.name <> ''
      UNION ALL SELECT name FROM coming_name WHERE coming_name.feed = feed.number AND published <= :at)
  ), '')
END`;

/** The spellings of feeds' names in their articles. */
export function createFeedNames(db: DatabaseSync) {
  const rename = db.prepare("UPDATE feed SET name = :name WHERE key = :key AND (name = '' OR name > :name)");
  const insertComing = db.prepare('INSERT INTO coming_name (article, feed, published, name) VALUES (?, ?, ?, ?)');
  const removeComing = db.prepare('DELETE FROM coming_name WHERE article = ?');
  // A language is named by its tag, not by an article. An article whose embargo began before the store had coming names
  // gave its name at once, as visible articles do.
  const removeUnused = db.prepare(`
    UPDATE feed SET name = ''
    WHERE name <> '' AND key NOT LIKE 'language/%'
      AND NOT EXISTS (
        SELECT 1 FROM entry
        WHERE entry.feed = feed.number AND (
          published <= :at
          OR NOT EXISTS (
            SELECT 1 FROM coming_name WHERE coming_name.feed = entry.feed AND coming_name.article = entry.article)))
      AND NOT EXISTS (
        SELECT 1 FROM tombstone JOIN article ON article.number = tombstone.article
        WHERE tombstone.feed = feed.number AND NOT article.erased)
    RETURNING key`);
  /** The spellings that the store has. */
  const known = new Map<FeedKey, Set<string>>();

  return {
    /** Names feeds as an article does that readers can see. */
    add(feeds: readonly NamedKey[]): void {
      for (const { key, name } of feeds) {
        const names = known.get(key) ?? new Set();
        if (name === '' || names.has(name)) continue;
        rename.run({ key, name });
        known.set(key, names.add(name));
      }
    },
    /** Names feeds as an article does that readers can see from `published` on. */
    addComing(article: number, published: Instant, feeds: readonly (NamedKey & { readonly number: number })[]): void {
      for (const { number, name } of feeds) if (name !== '') insertComing.run(article, number, published, name);
    },
    removeComing(article: number): void {
      removeComing.run(article);
    },
    /**
     * Removes the names of feeds that no visible article names any more but erased ones: they may be of the erased text,
     * such as its author. Their addresses stay, because readers learn of the withdrawal there. Returns the feeds that had
     * a name.
     */
    removeUnused(at: Instant): FeedKey[] {
      const keys = removeUnused.all({ at }).map(({ key }) => String(key));
      if (keys.length > 0) known.clear();
      return keys;
    },
    /** Call this after a rollback, and when another process has removed names: the next article adds them again. */
    forget: (): void => known.clear(),
  };
}
