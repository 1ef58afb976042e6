import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { Scope, StoredKey } from '../store.ts';
import { rowChecksum } from './checksums.ts';
import { damaged } from './damage.ts';

const COLUMNS = 'id, name, scope, hash, created, revoked, expires, partner, checksum';

interface KeyRow {
  readonly id: string;
  readonly name: string;
  readonly scope: string;
  readonly hash: Uint8Array;
  readonly created: number;
  readonly revoked: number | null;
  readonly expires: number | null;
  readonly partner: string | null;
  readonly checksum: number;
}

export type Keys = ReturnType<typeof createKeys>;

/** The API keys. */
export function createKeys(db: DatabaseSync) {
  const insert = db.prepare(`
    INSERT INTO key (id, name, scope, hash, created, expires, partner, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
  const byId = db.prepare(`SELECT ${COLUMNS} FROM key WHERE id = ?`);
  const all = db.prepare(`SELECT ${COLUMNS} FROM key ORDER BY created, id`);
  const revoke = db.prepare('UPDATE key SET revoked = ?, checksum = ? WHERE id = ?');

  /** A key that opens nothing: no secret has its hash. */
  const nobody = db.prepare(`
    SELECT '000000000000' AS id, 'production' AS name, 'partner' AS scope, zeroblob(32) AS hash, 1795348800000 AS created,
      NULL AS revoked, NULL AS expires, 'nobody' AS partner, 0 AS checksum`);

  function find(id: string): KeyRow | undefined {
    const row = byId.get(id);
    return row === undefined ? undefined : checked(row, id);
  }

  return {
    create({ id, name, scope, hash, createdAt, ...rest }: StoredKey): void {
      if (find(id) !== undefined) throw new Error(`there is a key ${id} already`);
      const [expires, partner] = [rest.expiresAt ?? null, rest.partner ?? null];
      const row = { id, name, scope, hash, created: createdAt, revoked: null, expires, partner };
      insert.run(id, name, scope, hash, createdAt, expires, partner, checksumOf(row));
    },
    /** An unknown key takes the steps of a known one, so that the time does not tell which ids there are. */
    find(id: string): StoredKey | undefined {
      const row = find(id);
      if (row !== undefined) return storedKey(row);
      const none = nobody.get() as unknown as KeyRow;
      checksumOf(none);
      storedKey(none);
      return undefined;
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

function checksumOf(row: Omit<KeyRow, 'checksum'>): number {
  const { id, name, scope, hash, created, revoked, expires, partner } = row;
  return rowChecksum([id, name, scope, hash, created, revoked, expires, partner]);
}

function storedKey({ id, name, scope, hash, created, revoked, expires, partner }: KeyRow): StoredKey {
  return omitUndefined({
    id,
    name,
    scope: scope as Scope,
    hash,
    createdAt: created,
    revokedAt: revoked ?? undefined,
    expiresAt: expires ?? undefined,
    partner: partner ?? undefined,
  });
}
