import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { Scope, StoredKey } from '../store.ts';
import { rowChecksum } from './checksums.ts';
import { damaged } from './damage.ts';

const COLUMNS = 'id, name, scope, hash, created, revoked, checksum';

interface KeyRow {
  readonly id: string;
  readonly name: string;
  readonly scope: string;
  readonly hash: Uint8Array;
  readonly created: number;
  readonly revoked: number | null;
  readonly checksum: number;
}

/** The API keys. */
export function createKeys(db: DatabaseSync) {
  const insert = db.prepare('INSERT INTO key (id, name, scope, hash, created, checksum) VALUES (?, ?, ?, ?, ?, ?)');
  const byId = db.prepare(`SELECT ${COLUMNS} FROM key WHERE id = ?`);
  const all = db.prepare(`SELECT ${COLUMNS} FROM key ORDER BY created, id`);
  const revoke = db.prepare('UPDATE key SET revoked = ?, checksum = ? WHERE id = ?');

  function find(id: string): KeyRow | undefined {
    const row = byId.get(id);
    return row === undefined ? undefined : checked(row, id);
  }

  return {
    create({ id, name, scope, hash, createdAt }: StoredKey): void {
      if (find(id) !== undefined) throw new Error(`there is a key ${id} already`);
      const row = { id, name, scope, hash, created: createdAt, revoked: null };
      insert.run(id, name, scope, hash, createdAt, checksumOf(row));
    },
    find(id: string): StoredKey | undefined {
      const row = find(id);
      return row === undefined ? undefined : storedKey(row);
    },
    list: (): StoredKey[] => all.all().map(checked).map(storedKey),
    revoke(id: string, at: Instant): boolean {
      const row = find(id);
      if (row === undefined || row.revoked !== null) return false;
      return revoke.run(at, checksumOf({ ...row, revoked: at }), id).changes > 0;
    },
  };
}

/** @throws PublisherError `store_damaged` */
function checked(row: object, id: unknown): KeyRow {
  const key = row as KeyRow;
  if (checksumOf(key) !== key.checksum || (typeof id === 'string' && id !== key.id))
    throw damaged(`the API key “${key.name}” does not match its checksum`);
  return key;
}

function checksumOf({ id, name, scope, hash, created, revoked }: Omit<KeyRow, 'checksum'>): number {
  return rowChecksum([id, name, scope, hash, created, revoked]);
}

function storedKey({ id, name, scope, hash, created, revoked }: KeyRow): StoredKey {
  return omitUndefined({
    id,
    name,
    scope: scope as Scope,
    hash,
    createdAt: created,
    revokedAt: revoked ?? undefined,
  });
}
