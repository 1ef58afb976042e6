import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '../../lib/instant.ts';

/** Says that a file has deliveries: “FPde”. */
const APPLICATION_ID = 0x46_50_64_65;
/** Changes with the tables. A file of version 1 gets the tables that replicas need. */
const VERSION = 2;

/** The file is of another version of this program. */
export class OtherVersion extends Error {}

/**
 * What a replica knows of the others. `membership` has at most one row: whose record this is, and up to which moment it has what
 * is shared. A delivery is in `outgoing` until it is in the database, from its sending on with the id of its batch. `machine` has the
 * number of the last batch of each, and what it has said of its record.
 */
const SHARING = `
  CREATE TABLE membership (
    only INTEGER PRIMARY KEY CHECK (only = 1), machine TEXT NOT NULL, log TEXT NOT NULL, followed INTEGER NOT NULL,
    has_left INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE outgoing (delivery INTEGER PRIMARY KEY, batch TEXT) STRICT;
  CREATE TABLE machine (id TEXT PRIMARY KEY, number INTEGER NOT NULL, state TEXT) STRICT, WITHOUT ROWID;`;

/** A whole document is looked for by its partner; an answer without one, and most are a 304, costs nothing in that index. */
const SCHEMA = `
  CREATE TABLE process (
    id INTEGER PRIMARY KEY, host TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL,
    begun INTEGER NOT NULL, saved INTEGER NOT NULL, ended INTEGER, clean INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE delivery (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, partner TEXT NOT NULL, key TEXT NOT NULL, feed TEXT NOT NULL,
    format TEXT NOT NULL, status INTEGER NOT NULL, bytes INTEGER NOT NULL, whole INTEGER NOT NULL,
    revision INTEGER NOT NULL, network TEXT NOT NULL, stories_from INTEGER, stories_to INTEGER, ends_from INTEGER,
    ends_number INTEGER
  ) STRICT;
  CREATE INDEX delivery_partner ON delivery (partner, at);
  CREATE INDEX delivery_at ON delivery (at);
  CREATE INDEX delivery_whole ON delivery (partner, at) WHERE status = 200 AND whole = 1;
  CREATE TABLE lost (since INTEGER NOT NULL, until INTEGER NOT NULL, number INTEGER NOT NULL) STRICT;
  CREATE TABLE key_use (key TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  ${SHARING}
  PRAGMA application_id = ${APPLICATION_ID};
  PRAGMA user_version = ${VERSION};`;

/**
 * Creates the tables of a new file.
 *
 * @param lostSince deliveries between that moment and `now` were in an earlier file
 *
 * @throws Error for a file of another program or another version
 */
export function checkDeliveryTables(db: DatabaseSync, lostSince: Instant | undefined, now: Instant): void {
  if (isEmpty(db)) {
    db.exec('BEGIN IMMEDIATE');
    if (isEmpty(db)) {
      db.exec(SCHEMA); // else another process has been faster
      if (lostSince !== undefined)
        db.prepare('INSERT INTO lost (since, until, number) VALUES (?, ?, 0)').run(lostSince, now);
    }
    db.exec('COMMIT');
  }
  if (numberOf(db, 'application_id') === APPLICATION_ID && numberOf(db, 'user_version') === 1) upgrade(db);
  if (numberOf(db, 'application_id') !== APPLICATION_ID) throw new Error('it has no deliveries');
  const version = numberOf(db, 'user_version');
  if (version !== VERSION)
    throw new OtherVersion(`it is of version ${version}, and this program writes version ${VERSION}`);
}

function upgrade(db: DatabaseSync): void {
  db.exec('BEGIN IMMEDIATE');
  if (numberOf(db, 'user_version') === 1) db.exec(`${SHARING} PRAGMA user_version = ${VERSION};`);
  db.exec('COMMIT');
}

function isEmpty(db: DatabaseSync): boolean {
  return numberOf(db, 'user_version') === 0 && numberOf(db, 'schema_version') === 0;
}

function numberOf(db: DatabaseSync, pragma: 'application_id' | 'user_version' | 'schema_version'): number {
  return Number(db.prepare(`PRAGMA ${pragma}`).get()?.[pragma]);
}
