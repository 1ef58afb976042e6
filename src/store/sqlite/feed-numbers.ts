import type { DatabaseSync } from 'node:sqlite';
import type { FeedKey, NamedKey } from '../../feed/feeds.ts';

/** The store's numbers of feeds. A feed gets its number when an article first names it. */
export function createFeedNumbers(db: DatabaseSync) {
  const insert = db.prepare("INSERT OR IGNORE INTO feed (key, name) VALUES (?, '')");
  const select = db.prepare('SELECT number FROM feed WHERE key = ?');
  /** A number never changes once the transaction that created it is committed. */
  const known = new Map<FeedKey, number>();

  function of({ key }: NamedKey): number {
    const found = known.get(key);
    if (found !== undefined) return found;
    insert.run(key);
    const { number } = select.get(key) as { number: number };
    known.set(key, number);
    return number;
  }

  return {
    of,
    json: (feeds: readonly NamedKey[]): string => `[${feeds.map(of).join()}]`,
    /** Call this after a rollback: the numbers that the transaction created will be given to other feeds. */
    forget: (): void => known.clear(),
  };
}
