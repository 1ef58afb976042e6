import type { DatabaseSync } from 'node:sqlite';

export type RevisionCounter = ReturnType<typeof createRevisionCounter>;

/** The store's ever-growing revision number. */
export function createRevisionCounter(db: DatabaseSync) {
  const last = db.prepare('SELECT last FROM revision');
  const save = db.prepare('UPDATE revision SET last = ?');
  return {
    /** The revision of the last change. */
    last: (): number => Number(last.get()?.last),
    save(revision: number): void {
      save.run(revision);
    },
  };
}
