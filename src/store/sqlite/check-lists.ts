import type { DatabaseSync } from 'node:sqlite';
import { PublisherError } from '../../errors.ts';
import { createArchiveChecks } from './check-archives.ts';
import { textChecksum } from './checksums.ts';
import { FEED_COLUMNS, feedRow, LIST_NAMES, listOf } from './feed-rows.ts';
import type { Damage } from './found-damage.ts';
import { addHash, hashOf, type Parts } from './list-parts.ts';
import { createLists, type List, STORE_LISTS, type StoreList } from './lists.ts';
import { isDamage } from './readable-rows.ts';
import { createRest } from './rest.ts';
import { isSum, type SourceRow } from './sources.ts';
import { createStoreRow, damagedSources } from './store-row.ts';

const PREFIX = /^The store is damaged: |\.$/g;

/** Checks every part of every list: no row is missing or doubled. */
export async function checkLists(db: DatabaseSync, onDamage: (damage: Damage) => void): Promise<void> {
  const rest = createRest();
  const lists = createLists(db);
  function attempt<Result>(damage: Pick<Damage, 'kind' | 'name'>, work: () => Result): Result | undefined {
    try {
      return work();
    } catch (error) {
      const isKnown = error instanceof PublisherError && error.code === 'store_damaged';
      if (!isKnown && !isDamage(error)) throw error;
      onDamage({ ...damage, problem: (error as Error).message.replaceAll(PREFIX, '') });
      return undefined;
    }
  }

  async function readAll(list: List, damage: Pick<Damage, 'kind' | 'name'>): Promise<void> {
    for (const index of list.parts.parts.keys()) {
      const rows = attempt(damage, () => lists.readPart(list, index));
      if (rows === undefined) return;
      await rest();
    }
  }

  const revision = { kind: 'table', name: 'revision' } as const;
  const storeRow = attempt(revision, () => createStoreRow(db, lists));
  if (storeRow !== undefined && attempt(revision, storeRow.last) !== undefined) {
    for (const name of Object.keys(STORE_LISTS) as StoreList[]) await readAll(storeRow.list(name), revision);
    attempt(revision, () => compareFeeds(db, storeRow.feeds().parts));
    attempt({ kind: 'table', name: 'source' }, () => compareSources(db, storeRow.sources()));
  }
  const feed = attempt({ kind: 'table', name: 'feed' }, () =>
    db.prepare(`SELECT ${FEED_COLUMNS} FROM feed WHERE number = ?`),
  );
  if (feed === undefined) return;
  const archive = attempt({ kind: 'table', name: 'archive_page' }, () => createArchiveChecks(db));
  feed.setReturnArrays(true);
  for (const number of attempt({ kind: 'table', name: 'feed' }, () => numbersOfFeeds(db)) ?? []) {
    const columns = attempt({ kind: 'table', name: 'feed' }, () => feed.get(number)) as unknown as readonly unknown[];
    const row = ifWhole(columns);
    if (row === undefined) continue; // its row is listed already
    for (const name of LIST_NAMES) await readAll(listOf(row, name), { kind: 'feed', name: row.key });
    attempt({ kind: 'feed', name: row.key }, () => archive?.check(row));
    await rest();
  }
}

function numbersOfFeeds(db: DatabaseSync): readonly number[] {
  return db
    .prepare('SELECT number FROM feed')
    .all()
    .map(({ number }) => Number(number));
}

function ifWhole(columns: readonly unknown[] | undefined) {
  try {
    return columns === undefined ? undefined : feedRow(columns);
  } catch {
    return undefined;
  }
}

/** @throws an error of damage where the store counts other feeds than it has */
function compareFeeds(db: DatabaseSync, parts: readonly { readonly count: number; readonly sum: number }[]): void {
  let [count, sum] = [0, 0];
  for (const { number, key } of db.prepare('SELECT number, key FROM feed').all()) {
    count += 1;
    sum = addHash(sum, hashOf([0, 0, Number(number), textChecksum(String(key))]), 1);
  }
  const [expected = { count: 0, sum: 0 }] = parts;
  if (count !== expected.count || sum !== expected.sum)
    throw new RangeError('the list of feeds does not match its checksums');
}

/** @throws an error of damage where the store counts other files of articles than it has */
function compareSources(db: DatabaseSync, counted: Parts): void {
  const rows = db.prepare('SELECT id, checksum FROM source').iterate() as Iterable<unknown> as Iterable<SourceRow>;
  if (!isSum(counted, rows)) throw damagedSources();
}
