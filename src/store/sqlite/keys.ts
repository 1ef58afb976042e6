import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { Scope, StoredKey } from '../store.ts';

const COLUMNS = 'id, name, scope, hash, created, revoked';

/** The API keys. */
export function createKeys(db: DatabaseSync) {
  const insert = db.prepare('INSERT INTO key (id, name, scope, hash, created) VALUES (?, ?, ?, ?, ?)');
  const byId = db.prepare(`SELECT ${COLUMNS} FROM key WHERE id = ?`);
  const all = db.prepare(`SELECT ${COLUMNS} FROM key ORDER BY created, id`);
  const revoke = db.prepare('UPDATE key SET revoked = ? WHERE id = ? AND revoked IS NULL');
  return {
    create({ id, name, scope, hash, createdAt }: StoredKey): void {
      insert.run(id, name, scope, hash, createdAt);
    },
    find(id: string): StoredKey | undefined {
      const row = byId.get(id);
      return row === undefined ? undefined : storedKey(row);
    },
    list: (): StoredKey[] => all.all().map(storedKey),
    revoke: (id: string, at: Instant): boolean => revoke.run(at, id).changes > 0,
  };
}

function storedKey({ id, name, scope, hash, created, revoked }: Readonly<Record<string, unknown>>): StoredKey {
  return omitUndefined({
    id: String(id),
    name: String(name),
    scope: scope as Scope,
    hash: hash as Uint8Array,
    createdAt: Number(created),
    revokedAt: revoked === null ? undefined : Number(revoked),
  });
}
