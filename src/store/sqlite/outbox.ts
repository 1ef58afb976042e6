import type { DatabaseSync } from 'node:sqlite';
import type { FeedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import {
  type ClaimOptions,
  isOwnerElsewhere,
  type MessageOptions,
  type OutboxMessage,
  type OutboxRow,
  type OutboxTarget,
  type Settlement,
} from '../outbox-store.ts';
import { createOutboxRows, NOTHING_KNOWN, newRow, type TargetRow } from './outbox-rows.ts';
import { createShownChanges, type KnownState } from './shown-changes.ts';
import type { StoreRow } from './store-row.ts';

interface OutboxParts {
  readonly storeRow: StoreRow;
  /** The feeds of an article, by its number. */
  readonly keysOf: (article: number) => readonly FeedKey[];
}

export type Outbox = ReturnType<typeof createOutbox>;

export type OutboxNotes = ReturnType<typeof createOutboxNotes>;

/** Collects, in a transaction that changes something, when targets have something to be told. */
export function createOutboxNotes(db: DatabaseSync) {
  const rows = createOutboxRows(db);
  let due: Instant | undefined;
  let isEverything = false;

  function noteDue(at: Instant): void {
    if (due === undefined || at < due) due = at;
  }

  function forget(): void {
    due = undefined;
    isEverything = false;
  }

  return {
    /** Readers see a change from this moment on. */
    noteDue,
    /** Every document may have changed. */
    noteEverything(at: Instant): void {
      noteDue(at);
      isEverything = true;
    },
    /** Call this before the commit: without a target, nothing is written. */
    save(): void {
      if (due === undefined) return;
      for (const row of rows.all()) {
        const isLater = row.due !== null && row.due <= due;
        if (isLater && !isEverything) continue;
        if (!isLater) row.due = due;
        if (isEverything) tellEverything(row);
        rows.save(row);
      }
      forget();
    },
    /** Call this after a rollback. */
    forget,
  };
}

function tellEverything(row: TargetRow): void {
  Object.assign(row, { revision: NOTHING_KNOWN, sent_revision: null, sent_at: null, epoch: row.epoch + 1 });
}

/** The rows of the outbox. Every method but `list` is called in a transaction that writes. */
export function createOutbox(db: DatabaseSync, { storeRow, keysOf }: OutboxParts) {
  const rows = createOutboxRows(db);
  const shown = createShownChanges(db, { keysOf });
  const find = (target: string) => rows.all().find((row) => row.target === target);

  function message(row: TargetRow, options: MessageOptions, at: Instant): Omit<OutboxMessage, 'owner'> | undefined {
    const { most, tombstonesFor: listed } = options;
    const isEverything = row.revision === NOTHING_KNOWN;
    const feeds = isEverything ? undefined : shown.since(row, at, { most, listed });
    const isAgain = row.again_at !== null && row.again_at <= at;
    if (feeds?.length === 0 && !isAgain) return undefined;
    const sent = sentState(row);
    return {
      ...{ id: row.target, kind: row.kind, epoch: row.epoch, failures: row.failures, feeds, at },
      revision: storeRow.last(),
      hasRemovals: isEverything || shown.hasRemovals(row, at),
      isRepeat: sent !== undefined && shown.since(sent, at, { most, listed })?.length === 0,
    };
  }

  /** The target knows all up to this state. */
  function know(row: TargetRow, { revision, at }: KnownState): void {
    Object.assign(row, { revision, at, sent_revision: null, sent_at: null });
  }

  /** Sets when there will be something to tell. */
  function schedule(row: TargetRow, from: KnownState, { tombstonesFor: listed }: MessageOptions, repeatAt?: Instant) {
    const hasChanged =
      shown.since({ revision: from.revision, at: from.at }, from.at, { most: 1, listed })?.length !== 0;
    const next = hasChanged ? from.at : shown.nextAfter(from.at, listed);
    const moments = [next, repeatAt, row.again_at ?? undefined].filter((moment) => moment !== undefined);
    row.due = moments.length === 0 ? null : Math.min(...moments);
  }

  function settleTold(
    row: TargetRow,
    told: OutboxMessage,
    { repeatAfter, againAt }: Extract<Settlement, { readonly result: 'told' }>,
    options: MessageOptions,
  ): void {
    release(row);
    row.again_at = againAt ?? null;
    if (row.epoch !== told.epoch) return; // everything is to be told anew since
    const sent = sentState(row);
    if (repeatAfter === 0) know(row, told);
    else if (sent === undefined) setSent(row, told);
    else if (sent.at + repeatAfter <= told.at) {
      know(row, told.isRepeat ? told : sent);
      if (!told.isRepeat) setSent(row, told);
    }
    const repeatAt = row.sent_at === null ? undefined : row.sent_at + repeatAfter;
    schedule(row, told, options, repeatAt);
  }

  return {
    setTargets(
      targets: readonly OutboxTarget[],
      { program, machine }: { readonly program: string; readonly machine: string },
      at: Instant,
    ): void {
      const known = new Map(rows.all().map((row) => [row.target, row]));
      for (const { id, kind } of targets) {
        const row = known.get(id) ?? newRow(id, kind, program, at);
        known.delete(id);
        if (row.program !== program) {
          tellEverything(row);
          Object.assign(row, { program, due: at });
        }
        const isLeased = isOwnerElsewhere(row.owner ?? '', machine);
        Object.assign(row, { kind, not_before: 0 }, isLeased ? {} : { owner: null, lease_until: 0 });
        row.named_by = JSON.stringify([...namedByOthers(row, machine), machine]);
        askNow(row, at);
        rows.save(row);
      }
      for (const row of known.values()) {
        const others = namedByOthers(row, machine);
        if (others.length === 0) rows.remove(row.target);
        else rows.save({ ...row, named_by: JSON.stringify(others) });
      }
    },
    list: (): OutboxRow[] => rows.all().map(outboxRow),
    claim(target: string, { owner, lease, ...options }: ClaimOptions, at: Instant): OutboxMessage | undefined {
      const row = find(target);
      if (row === undefined || row.due === null || row.due > at || row.not_before > at) return undefined;
      if (row.lease_until > at) return undefined;
      const made = message(row, options, at);
      if (made === undefined) {
        const state = { revision: storeRow.last(), at };
        know(row, state);
        schedule(row, state, options);
      } else Object.assign(row, { owner, lease_until: at + lease });
      rows.save(row);
      return made && { ...made, owner };
    },
    renew({ id, owner }: Pick<OutboxMessage, 'id' | 'owner'>, lease: number, at: Instant): boolean {
      const row = find(id);
      if (row === undefined || row.owner !== owner) return false;
      rows.save({ ...row, lease_until: at + lease });
      return true;
    },
    settle(told: OutboxMessage, settlement: Settlement, options: MessageOptions, at: Instant): void {
      const row = find(told.id);
      if (row === undefined || row.owner !== told.owner) return;
      if (settlement.result === 'told') settleTold(row, told, settlement, options);
      else {
        const { reason, retryAt } = settlement;
        const since = row.failing_since ?? at;
        Object.assign(row, { owner: null, lease_until: 0, not_before: retryAt, failures: row.failures + 1 });
        Object.assign(row, { failing_since: since, last_error: reason });
      }
      rows.save(row);
    },
    retry(target: string, at: Instant): boolean {
      const row = find(target);
      if (row === undefined) return false;
      Object.assign(row, { not_before: 0, due: Math.min(row.due ?? at, at) });
      askNow(row, at);
      rows.save(row);
      return true;
    },
    drop(target: string, options: MessageOptions, at: Instant): boolean {
      const row = find(target);
      if (row === undefined) return false;
      const state = { revision: storeRow.last(), at };
      release(row);
      know(row, state);
      if (row.again_at !== null && row.again_at <= at) row.again_at = null;
      schedule(row, state, options);
      rows.save(row);
      return true;
    },
    forget(target: string): boolean {
      const isThere = find(target) !== undefined;
      rows.remove(target);
      return isThere;
    },
  };
}

/** Has a target told now that asked to be told later: its files may have changed as well. */
function askNow(row: TargetRow, at: Instant): void {
  if (row.again_at === null || row.again_at <= at) return;
  Object.assign(row, { again_at: at, due: Math.min(row.due ?? at, at) });
}

/** A store that is on one machine alone was that of all of them before, or the other way round. */
function namedByOthers({ named_by }: TargetRow, machine: string): string[] {
  const names: readonly string[] = machine === '' ? [] : JSON.parse(named_by);
  return names.filter((name) => name !== '' && name !== machine);
}

function release(row: TargetRow): void {
  const free = { owner: null, lease_until: 0, not_before: 0 };
  Object.assign(row, { ...free, failures: 0, failing_since: null, last_error: null });
}

function sentState({ sent_revision: revision, sent_at: at }: TargetRow): KnownState | undefined {
  return revision === null || at === null ? undefined : { revision, at };
}

function setSent(row: TargetRow, { revision, at }: KnownState): void {
  Object.assign(row, { sent_revision: revision, sent_at: at });
}

function outboxRow(row: TargetRow): OutboxRow {
  return omitUndefined({
    id: row.target,
    kind: row.kind,
    due: row.due ?? undefined,
    notBefore: row.not_before,
    isEverything: row.revision === NOTHING_KNOWN && row.sent_at === null,
    leaseUntil: row.lease_until === 0 ? undefined : row.lease_until,
    failures: row.failures,
    failingSince: row.failing_since ?? undefined,
    lastError: row.last_error ?? undefined,
  });
}
