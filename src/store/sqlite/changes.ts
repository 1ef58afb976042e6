import type { Instant } from '../../lib/instant.ts';
import { type Change, ERASED, type Outcome } from '../store.ts';
import type { Audit } from './audit.ts';
import { conditionHolds } from './conditions.ts';
import { erase } from './erase.ts';
import { type FeedDates, feedMoments, type Touch } from './feed-dates.ts';
import { put } from './put.ts';
import type { Settings } from './settings.ts';
import type { StoreRow } from './store-row.ts';
import type { Applied, ChangeParts, Transaction } from './transaction.ts';
import { withdraw } from './withdraw.ts';

interface ApplyParts extends ChangeParts {
  readonly audit: Audit;
  readonly storeRow: StoreRow;
  readonly settings: Settings;
  readonly feedDates: FeedDates;
}

/** Applies changes in a transaction that the caller has begun. */
export function applyChanges(parts: ApplyParts, changes: readonly Change[], now: () => Instant): Outcome[] {
  const { audit, storeRow, settings, entries, sources, feedDates } = parts;
  const before = storeRow.last();
  const transaction: Transaction = { at: now(), revision: before };
  entries.catchUp();
  const auditing = audit.begin(transaction.at);
  const touches: Touch[] = [];
  const outcomes = changes.map((change): Outcome => {
    const { seenFrom = 0, renamed = [], audited, ...outcome } = applyChange(parts, change, transaction);
    if (outcome.result !== 'refused' && outcome.result !== 'condition-failed') sources.update(change);
    if (outcome.result === 'erased') settings.save(ERASED, String(outcome.revision));
    if (audited !== undefined) auditing.add(audited, outcome.revision, change.actor);
    const changedAt = change.kind === 'put' ? change.changedAt : undefined;
    touches.push({ keys: outcome.touched, seenFrom, changedAt });
    if (renamed.length > 0) touches.push({ keys: renamed, seenFrom: 0, changedAt });
    return outcome;
  });
  auditing.end();
  if (transaction.revision > before) storeRow.setLast(transaction.revision);
  // At the end: until the commit, readers may be served the feeds as they were.
  const end = now();
  feedDates.apply(feedMoments(touches, { at: end, wasServed: settings.wasServed() }), end, transaction.revision);
  return outcomes;
}

function applyChange(parts: ChangeParts, change: Change, transaction: Transaction): Applied {
  const id = change.kind === 'put' ? change.article.id : change.id;
  const known = parts.rows.find(id);
  if (!conditionHolds(change.condition, known?.revision))
    return { id, result: 'condition-failed', revision: known?.revision ?? 0, touched: [] };
  if (change.kind === 'put') return put(parts, change, known, transaction);
  if (change.kind === 'erase') return erase(parts, change, known, transaction);
  return withdraw(parts, change, known, transaction);
}
