import type { Instant } from '../../lib/instant.ts';
import { type Change, ERASED, type Outcome } from '../store.ts';
import type { Archives } from './archives.ts';
import type { Audit } from './audit.ts';
import { conditionHolds } from './conditions.ts';
import { erase } from './erase.ts';
import type { ChangedLeftFeed, FeedDates, Touch } from './feed-dates.ts';
import type { OutboxNotes } from './outbox.ts';
import { put } from './put.ts';
import type { Settings } from './settings.ts';
import type { StoreRow } from './store-row.ts';
import type { Applied, ChangeParts, Transaction } from './transaction.ts';
import { withdraw } from './withdraw.ts';

interface ApplyParts extends ChangeParts {
  readonly archives: Archives;
  readonly audit: Audit;
  readonly storeRow: StoreRow;
  readonly settings: Settings;
  readonly feedDates: FeedDates;
  readonly outboxNotes: OutboxNotes;
}

/** Applies changes in a transaction that the caller has begun. */
export function applyChanges(parts: ApplyParts, changes: readonly Change[], now: () => Instant): Outcome[] {
  const { archives, audit, storeRow, settings, entries, sources, feedDates } = parts;
  const before = storeRow.last();
  const transaction: Transaction = { at: now(), revision: before };
  archives.setMoment(transaction.at);
  entries.catchUp();
  const auditing = audit.begin(transaction.at);
  const touches: Touch[] = [];
  const left: ChangedLeftFeed[] = [];
  const outcomes = changes.map((change): Outcome => {
    const {
      seenFrom = 0,
      seen,
      renamed = [],
      former = [],
      audited,
      ...outcome
    } = applyChange(parts, change, transaction);
    if (outcome.result !== 'refused' && outcome.result !== 'condition-failed') sources.update(change);
    if (outcome.result === 'erased') settings.save(ERASED, String(outcome.revision));
    if (audited !== undefined) auditing.add(audited, outcome.revision, change.actor);
    const changedAt = change.kind === 'put' ? change.changedAt : undefined;
    if (seen === undefined) touches.push({ keys: outcome.touched, seenFrom, changedAt });
    else for (const { keys, seenFrom: from } of seen) touches.push({ keys, seenFrom: from, changedAt });
    if (renamed.length > 0) touches.push({ keys: renamed, seenFrom: 0, changedAt });
    if (former.length === 0) return outcome;
    for (const feed of former) left.push({ ...feed, revision: outcome.revision });
    return { ...outcome, touched: [...outcome.touched, ...former.map(({ key }) => key)] };
  });
  auditing.end();
  if (transaction.revision > before) storeRow.setLast(transaction.revision);
  // At the end: until the commit, readers may be served the feeds as they were.
  const end = now();
  archives.setMoment(end);
  feedDates.apply(touches, { at: end, wasServed: settings.wasServed() }, end, transaction.revision);
  feedDates.applyToLeft(left, end);
  const coming = nextMoment(outcomes, end);
  if (coming !== undefined) parts.outboxNotes.noteDue(coming);
  return outcomes;
}

/** The next moment after this one at which time changes what readers see of the articles. */
function nextMoment(outcomes: readonly Outcome[], after: Instant): Instant | undefined {
  let next = Number.POSITIVE_INFINITY;
  for (const { kept } of outcomes) {
    if (kept === undefined) continue;
    for (const moment of [kept.publishedAt, kept.expiresAt, kept.withdrawn?.at])
      if (moment !== undefined && moment > after && moment < next) next = moment;
  }
  return next === Number.POSITIVE_INFINITY ? undefined : next;
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
