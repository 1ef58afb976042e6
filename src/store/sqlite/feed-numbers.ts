import type { DatabaseSync } from 'node:sqlite';
import type { FeedKey, NamedKey } from '../../feed/feeds.ts';

/** The store's numbers of feeds. A feed gets its number when an article first names it. */
export function createFeedNumbers(db: DatabaseSync) {
  // Of several spellings of a name, the smallest one wins, so that every store has the same name. The empty name stands
  // for none: a feed whose articles are all erased has none.
  const upsert = db.prepare(`
    INSERT INTO feed (key, name) VALUES (?, ?)
    ON CONFLICT (key) DO UPDATE SET
      name = CASE WHEN name = '' OR excluded.name = '' THEN max(name, excluded.name) ELSE min(name, excluded.name) END
    RETURNING number`);
  const hasLargerName = db.prepare(
    "SELECT 1 FROM feed WHERE key = :key AND :name <> '' AND (name > :name OR name = '')",
  );
  /** By key and name. A number never changes once the transaction that created it is committed. */
  const known = new Map<FeedKey, Map<string, number>>();

  function of({ key, name }: NamedKey): number {
    const byName = known.get(key) ?? new Map<string, number>();
    const found = byName.get(name);
    if (found !== undefined) return found;
    const { number } = upsert.get(key, name) as { number: number };
    known.set(key, byName.set(name, number));
    return number;
  }

  return {
    of,
    json: (feeds: readonly NamedKey[]): string => `[${feeds.map(of).join()}]`,
    /** Whether this spelling of the feed's name would replace the name that the feed has. */
    isRenamed: ({ key, name }: NamedKey): boolean => hasLargerName.get({ key, name }) !== undefined,
    /**
     * Call this after a rollback: the numbers that the transaction created will be given to other feeds. Call it also when
     * names were removed: they are added again with the next article.
     */
    forget: (): void => known.clear(),
  };
}
