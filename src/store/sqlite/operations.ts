import type { DatabaseSync } from 'node:sqlite';
import type { Operations } from '../operations.ts';
import { applyChanges } from './changes.ts';
import { createConfiguration } from './configuration.ts';
import { createEntryMoves } from './feed-filling.ts';
import type { createHistoryDivision } from './history-division.ts';
import type { Keys } from './keys.ts';
import type { Outbox } from './outbox.ts';
import type { Tables } from './tables.ts';

interface OperationParts {
  readonly tables: Tables;
  readonly division: ReturnType<typeof createHistoryDivision>;
  readonly keys: Keys;
  readonly outbox: Outbox;
}

/** All that changes the store, as functions to call in a transaction. */
export function createOperations(db: DatabaseSync, { tables, division, keys, outbox }: OperationParts): Operations {
  const { rules, settings, audit, formerRows } = tables;
  const { changeSizes } = division;
  return {
    apply: (now, changes) => applyChanges(tables, changes, now),
    backfillFeeds: (now, feeds, most) => rules.backfillFeeds(feeds, now, most ?? Number.POSITIVE_INFINITY),
    moveEntries: createEntryMoves(db, tables),
    endFilling: () => rules.raiseVersion(),
    ...createConfiguration({ ...tables, changeSizes }),
    markServed: () => settings.markServed(),
    setDocumentSizes: (now, sizes) => changeSizes(sizes, now),
    divideFeed: (now, feed) => division.divide(feed, now),
    pruneAudit: (_now, before) => audit.prune(before),
    pruneFormerMembers: (_now, before) => formerRows.prune(before),
    saveSetting: (_now, name, value) => settings.save(name, value),
    keepSetting: (_now, name, value) => settings.keep(name, value),
    setOutboxTargets: (now, targets, program, machine) => outbox.setTargets(targets, { program, machine }, now()),
    claimOutbox: (now, target, options) => outbox.claim(target, options, now()),
    renewOutbox: (now, message, lease) => outbox.renew(message, lease, now()),
    settleOutbox: (now, message, settlement, options) => outbox.settle(message, settlement, options, now()),
    retryOutbox: (now, target) => outbox.retry(target, now()),
    dropOutbox: (now, target, options) => outbox.drop(target, options, now()),
    forgetOutbox: (_now, target) => outbox.forget(target),
    createKey: (_now, key) => keys.create(key),
    revokeKey: (_now, id, at) => keys.revoke(id, at),
  };
}
