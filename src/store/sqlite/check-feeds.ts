import type { DatabaseSync } from 'node:sqlite';
import type { FeedKey, FeedRule, Selection } from '../../feed/feeds.ts';
import { customFeedChooser } from '../../feed/selection.ts';
import { isFeedKey, isSelection, jsonOf, matchesChecksum } from './check-rows.ts';
import type { Damage } from './found-damage.ts';
import { type AnyRow, highestKey, rowsByNumber } from './readable-rows.ts';
import { isFilling } from './stored-rule.ts';

/** The whole feeds of a store. */
export interface CheckedFeeds {
  readonly numbers: ReadonlyMap<FeedKey, number>;
  readonly keys: ReadonlyMap<number, FeedKey>;
  /** Those that are being filled: nobody knows what they hold now. */
  readonly filling: ReadonlySet<FeedKey>;
  /** The feeds of an article that is in these by itself: these, and those of the operator's whose rules select it. */
  readonly withCustomFeeds: (own: readonly FeedKey[]) => readonly FeedKey[];
}

/** Checks the rows of feeds and their rules. */
export function checkFeeds(db: DatabaseSync, onDamage: (damage: Damage) => void): CheckedFeeds {
  const numbers = new Map<FeedKey, number>();
  const keys = new Map<number, FeedKey>();
  const filling = new Set<FeedKey>();
  const rules: FeedRule[] = [];
  for (const row of feedRows(db, (problem) => onDamage({ kind: 'table', name: 'feed', problem }))) {
    const problem = feedProblem(row);
    if (problem !== undefined) onDamage({ kind: 'feed', name: String(row.key), problem });
    if (!isFeedKey(row.key)) continue;
    const { number, key, rule } = row as { number: number; key: FeedKey; rule: string | null };
    numbers.set(key, number);
    keys.set(number, key);
    if (problem !== undefined || rule === null) continue;
    if (isFilling({ rule })) filling.add(key);
    else rules.push({ id: key, select: jsonOf(rule) as Selection });
  }
  const choose = customFeedChooser(rules);
  return { numbers, keys, filling, withCustomFeeds: (own) => [...own, ...choose(own)] };
}

/** The rows of feeds that can be read. */
export function feedRows(db: DatabaseSync, report: (problem: string) => void): Iterable<AnyRow> {
  const last = highestKey(db, 'feed', 'number');
  return rowsByNumber(db, { table: 'feed', key: 'number', columns: '*', last }, ({ from, to, reason }) =>
    report(`feeds with numbers from ${from} to ${to} cannot be read: ${reason}`),
  );
}

const COLUMNS = ['number', 'key', 'name', 'declared', 'changed', 'revision', 'visible_from', 'rule'];
const ARCHIVE = ['archived', 'newest_page', 'open_page', 'head_changed', 'shown_revision', 'aged_changes'];
const LISTS = ['entries', 'expiries', 'tombstones', 'coming', 'pages', 'rights'];

/** What is wrong with the row of a feed; undefined if it is whole. */
export function feedProblem(row: AnyRow): string | undefined {
  const { key, name, declared, changed, revision, visible_from: visibleFrom = null, rule = null } = row;
  if (!isFeedKey(key)) return 'its key cannot be that of a feed';
  const hasTypes =
    typeof name === 'string' &&
    [declared, changed, revision].every(Number.isSafeInteger) &&
    (visibleFrom === null || Number.isSafeInteger(visibleFrom));
  if (!hasTypes) return 'its name or its dates cannot be read';
  if (!matchesChecksum(row, [...COLUMNS, ...ARCHIVE, ...LISTS])) return 'its row does not match its checksum';
  if (rule !== null && !isSelection(jsonOf(rule))) return 'its rule cannot be read';
  return undefined;
}
