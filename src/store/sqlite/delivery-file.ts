import { mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { PublisherError } from '../../errors.ts';
import { type Instant, rfc3339 } from '../../lib/instant.ts';
import { isSystemError, systemReason } from '../../lib/system-reason.ts';
import type { Batch, DeliveryStore } from '../delivery-store.ts';
import type { DeliveryExchange, Outgoing } from '../shared-deliveries.ts';
import type { Added } from '../traffic-store.ts';
import {
  BUSY_RETRY,
  IN_MEMORY,
  openAdvice,
  resultCode,
  SQLITE_BUSY,
  SQLITE_CANTOPEN,
  SQLITE_FULL,
  storeError,
} from './database.ts';
import { createDeliveryExchange } from './delivery-exchange.ts';
import { createProcesses } from './delivery-processes.ts';
import { createDeliveryRows } from './delivery-rows.ts';
import { checkDeliveryTables, OtherVersion } from './delivery-schema.ts';

/** Attempts to read a file that another process creates just now. */
const ATTEMPTS = 200;

export interface DeliveryFileParts {
  /** `:memory:`, or where the file is. */
  readonly file: string;
  readonly now: () => Instant;
  /** Since when deliveries have been recorded: where the file is missing since then, they are lost. */
  readonly since: () => Instant | undefined;
  /** Called with the reason, and with the new name of the file, when a file is put aside. */
  readonly onLoss: (reason: string, newName: string) => void;
}

/** The record of deliveries, with what replicas need. */
export interface SharedDeliveryStore extends DeliveryStore {
  readonly exchange: DeliveryExchange;
}

/**
 * The file of deliveries, which all processes of a service share. It is opened when there is something to write or to read;
 * reading creates no file. A file that is damaged, or that this program has not written, is put aside: the time since
 * `since()` is a gap then. If a program of another version does so while this one runs, this one adds nothing any more: two that
 * put each other's files aside would never end.
 */
export function openDeliveryFile({ file, now, since, onLoss }: DeliveryFileParts): SharedDeliveryStore {
  let opened: OpenFile | undefined;
  /** The number of this process in the open file; undefined before it has added anything. */
  let own: number | undefined;
  /** Whether a file was open: one of another version has then taken its place, and its program writes there just now. */
  let wasOpen = false;
  /** Why nothing could be written the last time. */
  let problem: string | undefined;

  function open(): OpenFile {
    if (opened !== undefined && !isReplaced(file, opened)) return opened;
    forget(); // another process has put it aside
    const inode = inodeOf(file);
    try {
      opened = openFile(file, since(), now());
    } catch (error) {
      if (mayWorkLater(error) || (wasOpen && error instanceof OtherVersion)) throw error;
      putAside(inode, error);
      opened = openFile(file, since() ?? 0, now());
    }
    wasOpen = true;
    return opened;
  }

  function forget(): void {
    if (opened !== undefined) closeQuietly(opened);
    opened = undefined;
    own = undefined;
  }

  /** @param inode of the file that is damaged: another process may have put it aside already */
  function putAside(inode: number | undefined, error: unknown): void {
    if (inodeOf(file) !== inode) return;
    const newName = `${file}.damaged-${rfc3339(now()).replaceAll(':', '')}`;
    for (const ending of ['-wal', '-shm', '']) {
      if (statSync(file + ending, { throwIfNoEntry: false }) !== undefined) renameSync(file + ending, newName + ending);
    }
    onLoss(error instanceof Error ? error.message : String(error), newName);
  }

  /** Runs work with the open file, and once more with a new one where it is damaged. */
  function withFile<Result>(work: (file: OpenFile) => Result): Result {
    const current = open();
    try {
      return work(current);
    } catch (error) {
      if (mayWorkLater(error) || file === IN_MEMORY) throw error;
      forget();
      putAside(current.inode, error);
      opened = openFile(file, since() ?? 0, now());
      return work(opened);
    }
  }

  /** Undefined, where there is nothing to read yet. @throws PublisherError `store_unavailable` */
  async function reading<Result>(work: (file: OpenFile) => Result): Promise<Result | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (opened === undefined && file !== IN_MEMORY && inodeOf(file) === undefined) return undefined;
        return withFile(work);
      } catch (error) {
        if (resultCode(error) !== SQLITE_BUSY || attempt === ATTEMPTS) throw unusable(error, file);
        await sleep(BUSY_RETRY); // another process creates the file
      }
    }
  }

  function write(work: (current: OpenFile) => void): Added {
    try {
      withFile((current) => inTransaction(current.db, () => work(current)));
      problem = undefined;
      return 'added';
    } catch (error) {
      problem = adviceFor(error, file);
      if (error instanceof OtherVersion) return 'full';
      if (!mayWorkLater(error)) throw error;
      return resultCode(error) === SQLITE_BUSY ? 'busy' : 'full';
    }
  }

  async function add({ deliveries, through, lost }: Batch): Promise<Added> {
    let id: number | undefined;
    const added = write(({ processes, rows, exchange }) => {
      id = own ?? processes.begin(Math.min(through, now()));
      const numbers = rows.add(deliveries, lost);
      if (exchange.isMember()) exchange.enqueue(numbers);
      processes.save(id, through);
    });
    if (added === 'added') own = id;
    return added;
  }

  async function prune(before: Instant): Promise<number> {
    if (opened === undefined && inodeOf(file) === undefined) return 0;
    let pruned = 0;
    const done = write(({ rows }) => {
      pruned = rows.prune(before);
    });
    return done === 'added' ? pruned : 0;
  }

  const exchange: DeliveryExchange = {
    join: async (membership) => write((current) => current.exchange.join(membership)),
    async leave() {
      if (inodeOf(file) !== undefined) write((leaving) => leaving.exchange.leave());
    },
    async outgoing() {
      let outgoing: Outgoing | undefined;
      write((current) => {
        outgoing = current.exchange.outgoing(now(), since());
      });
      return outgoing;
    },
    known: async () => (await reading((current) => current.exchange.known())) ?? new Map(),
    async take(part, asOf) {
      let isComplete = false;
      const added = write((current) => {
        isComplete = current.exchange.take(part, asOf);
      });
      return { added, isComplete: added === 'added' && isComplete };
    },
  };

  return {
    exchange,
    add,
    deliveries: async (options) => (await reading(({ rows }) => rows.list(options))) ?? [],
    firstWhole: (options) => reading(({ rows }) => rows.firstWhole(options)),
    statuses: async (partner, after) => (await reading(({ rows }) => rows.statuses(partner, after))) ?? new Map(),
    lastUses: async () => (await reading(({ rows }) => rows.lastUses())) ?? new Map(),
    async coverage(after) {
      const first = since();
      const known = await reading((current) => {
        const own = { ...current.processes.coverage(after, now()), ...(first === undefined ? {} : { since: first }) };
        return current.exchange.coverage(own, after, now());
      });
      return known ?? { ...(first === undefined ? {} : { since: first }), ...missingCoverage(first, now()) };
    },
    prune,
    problem: () => problem,
    async close(isComplete = true) {
      const id = own;
      if (id !== undefined) write(({ processes }) => processes.end(id, now(), isComplete));
      forget();
    },
  };
}

/** Without a file: what was delivered since the first recording is lost with it. */
function missingCoverage(since: Instant | undefined, now: Instant) {
  return { through: now, gaps: since === undefined ? [] : [{ from: since, to: now }] };
}

/** Whether another process writes just now, the disk is full, or this user may not use the file for now. */
function mayWorkLater(error: unknown): boolean {
  const code = resultCode(error);
  return code === undefined ? isSystemError(error) : LATER.has(code);
}

/** Why a file cannot be used, and what to do. */
function adviceFor(error: unknown, file: string): string {
  if (isFolder(file)) return 'A folder has this name: move the folder away';
  if (error instanceof OtherVersion) return 'A service of another version uses it: stop that service';
  return openAdvice(error) ?? `The reason: ${systemReason(error)}`;
}

function unusable(error: unknown, file: string): unknown {
  const known = storeError(error);
  const isFiles = known instanceof PublisherError ? known.code !== 'store_damaged' : isSystemError(error);
  if (!isFiles) return known;
  const message = `The record of deliveries cannot be used: ${file}.`;
  return new PublisherError('store_unavailable', message, { hint: `${adviceFor(error, file)}.`, cause: error });
}

function isFolder(file: string): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false; // this user may not look into the folder above it
  }
}

const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const LATER: ReadonlySet<number> = new Set([SQLITE_BUSY, SQLITE_FULL, SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_IOERR]);

function inTransaction(db: DatabaseSync, work: () => void): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    work();
    db.exec('COMMIT');
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function closeQuietly({ db }: OpenFile): void {
  try {
    db.close();
  } catch {
    // Its file is gone.
  }
}

/** Whether another file has replaced the one that is open. */
function isReplaced(file: string, { inode }: OpenFile): boolean {
  return file !== IN_MEMORY && inodeOf(file) !== inode;
}

function inodeOf(file: string): number | undefined {
  try {
    return file === IN_MEMORY ? undefined : statSync(file, { throwIfNoEntry: false })?.ino;
  } catch {
    return undefined; // this user may not look into the folder any more
  }
}

type OpenFile = ReturnType<typeof openFile>;

function openFile(file: string, lostSince: Instant | undefined, now: Instant) {
  if (file !== IN_MEMORY) mkdirSync(dirname(file), { recursive: true });
  const db = new DatabaseSync(file, { timeout: 0 }); // the event loop never waits for another process
  try {
    // NORMAL: what the power takes away, a gap covers, because the moment of the last saving goes with it.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    checkDeliveryTables(db, lostSince, now);
    const [processes, rows] = [createProcesses(db), createDeliveryRows(db)];
    return { db, inode: inodeOf(file), processes, rows, exchange: createDeliveryExchange(db, { processes, rows }) };
  } catch (error) {
    db.close();
    throw error;
  }
}
