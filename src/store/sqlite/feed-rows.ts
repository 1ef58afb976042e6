import type { DatabaseSync } from 'node:sqlite';
import type { FeedKey } from '../../feed/feeds.ts';
import { type AgedChange, decodeAgedChanges, encodeAgedChanges } from './aged-changes.ts';
import { rowChecksum, type Value } from './checksums.ts';
import { damaged } from './damage.ts';
import {
  addRow,
  balance,
  countOf,
  decodeParts,
  emptyParts,
  encodeParts,
  isBefore,
  type ListRow,
  type Parts,
  removeRow,
} from './list-parts.ts';
import { FEED_LISTS, type FeedList, type List, type Lists, listRow } from './lists.ts';
import type { StoreRow } from './store-row.ts';

/** A feed as its row has it, after its checksum matched. */
export interface FeedRow {
  readonly number: number;
  readonly key: FeedKey;
  name: string;
  declared: number;
  /** The date of the last change. */
  changed: number;
  revision: number;
  visibleFrom: number | null;
  /** JSON. */
  rule: string | null;
  /** How many entries are in pages of the archive that are not open. */
  archived: number;
  /** The number of the newest page that is not open; 0 if there is none. */
  newestPage: number;
  /** The number of the open page; 0 if the archive has no page. */
  openPage: number;
  /** When something changed that every document of the feed shows. */
  headChanged: number;
  /** The revision of the last change that readers could see when it was made. */
  shownRevision: number;
  /** When articles changed last, by their age. */
  agedChanges: readonly AgedChange[];
  readonly lists: Readonly<Record<FeedList, Parts>>;
  /** Whether it is to be saved at the end of the transaction. */
  isChanged: boolean;
  /** The name as it is saved. */
  savedName: string;
  /** Entries that this transaction has added or removed below the open page. Missing until it changes an entry. */
  moved: MovedEntry[] | undefined;
}

/** The key of an entry, and whether it came or left. */
export type MovedEntry = readonly [published: number, tie: number, change: 1 | -1];

/** Keeps the pages of archives in step with the entries of their feeds. */
export interface ArchiveUpdates {
  /** Called before a transaction changes the entries of a feed. */
  readonly before: (feed: FeedRow) => void;
  /** Called before a changed feed is saved. */
  readonly after: (feed: FeedRow) => void;
}

/** The columns of a feed in the order of `feedRow`. */
export const FEED_COLUMNS = `
  number, key, name, declared, changed, revision, visible_from, rule, archived, newest_page, open_page, head_changed,
  shown_revision, aged_changes, entries, expiries, tombstones, coming, pages, rights, checksum`;

export const LIST_NAMES = Object.keys(FEED_LISTS) as readonly FeedList[];

/**
 * Checks and decodes a row of `FEED_COLUMNS`.
 *
 * @throws PublisherError `store_damaged`
 */
export function feedRow(columns: readonly unknown[]): FeedRow {
  const values = columns.slice(0, -1) as Value[];
  const [number, key, name, declared, changed, revision, visibleFrom, rule, ...more] = values;
  const [archived, newestPage, openPage, headChanged, shownRevision, agedChanges, ...blobs] = more;
  if (rowChecksum(values) !== columns.at(-1)) throw damaged(`the feed “${String(key)}” does not match its checksum`);
  const [entries, expiries, tombstones, coming, pages, rights] = blobs.map((blob) => decodeParts(blob as Uint8Array));
  return {
    number,
    key,
    name,
    declared,
    changed,
    revision,
    visibleFrom,
    rule,
    archived,
    newestPage,
    openPage,
    headChanged,
    shownRevision,
    agedChanges: decodeAgedChanges(agedChanges as Uint8Array),
    lists: { entries, expiries, tombstones, coming, pages, rights },
    isChanged: false,
    savedName: name,
    moved: undefined,
  } as FeedRow;
}

function emptyFeed(number: number, key: FeedKey): FeedRow {
  return {
    number,
    key,
    name: '',
    declared: 0,
    changed: 0,
    revision: 0,
    visibleFrom: null,
    rule: null,
    archived: 0,
    newestPage: 0,
    openPage: 0,
    headChanged: 0,
    shownRevision: 0,
    agedChanges: [],
    lists: {
      entries: emptyParts(),
      expiries: emptyParts(),
      tombstones: emptyParts(),
      coming: emptyParts(),
      pages: emptyParts(),
      rights: emptyParts(),
    },
    isChanged: false,
    savedName: '',
    moved: undefined,
  };
}

const TITLES: Readonly<Record<FeedList, string>> = {
  entries: 'list of articles',
  expiries: 'list of articles that expire',
  tombstones: 'list of withdrawn articles',
  coming: 'list of names under embargo',
  pages: 'list of archive pages',
  rights: 'list of articles whose rights end',
};

/** A list of a feed, for `Lists`. */
export function listOf({ number, key, lists }: FeedRow, name: FeedList): List {
  const title = `the ${TITLES[name]} of the feed “${key}” does not match its checksums`;
  return { name, owner: number, title, parts: lists[name] };
}

/** Feeds that are kept from one transaction to the next. */
const MAX_KEPT = 20_000;

export type FeedRows = ReturnType<typeof createFeedRows>;

/**
 * The feeds that a transaction changes. They are changed in memory, and saved once before the commit, with their checksums.
 * They are kept after it: what this process wrote is known to be good.
 */
export function createFeedRows(
  db: DatabaseSync,
  {
    lists,
    storeRow,
    archives,
  }: { readonly lists: Lists; readonly storeRow: StoreRow; readonly archives: ArchiveUpdates },
) {
  const byKey = db.prepare(`SELECT ${FEED_COLUMNS} FROM feed WHERE key = ?`);
  const byNumber = db.prepare(`SELECT ${FEED_COLUMNS} FROM feed WHERE number = ?`);
  const numbers = db.prepare('SELECT number FROM feed');
  const indexed = db.prepare("SELECT count(*) AS count FROM feed INDEXED BY sqlite_autoindex_feed_1 WHERE key >= ''");
  for (const statement of [byKey, byNumber]) statement.setReturnArrays(true);
  const insert = db.prepare("INSERT INTO feed (key, name) VALUES (?, '')");
  const update = db.prepare(`
    UPDATE feed SET name = ?, declared = ?, changed = ?, revision = ?, visible_from = ?, rule = ?, archived = ?,
      newest_page = ?, open_page = ?, head_changed = ?, shown_revision = ?, aged_changes = ?, entries = ?, expiries = ?, tombstones = ?, coming = ?,
      pages = ?, rights = ?, checksum = ?
    WHERE number = ?`);
  const keys = new Map<FeedKey, FeedRow>();
  const known = new Map<number, FeedRow>();
  let changed: FeedRow[] = [];
  /** Whether the index has all feeds, as this transaction found it. */
  let isIndexChecked = false;

  function keep(row: FeedRow): FeedRow {
    keys.set(row.key, row);
    known.set(row.number, row);
    return row;
  }

  function find(key: FeedKey): FeedRow | undefined {
    const kept = keys.get(key);
    if (kept !== undefined) return kept;
    const columns = byKey.get(key) as unknown as readonly unknown[] | undefined;
    if (columns === undefined) return undefined;
    const row = feedRow(columns);
    if (row.key !== key) throw damaged(`the index of feeds has “${row.key}” for “${key}”`);
    return keep(row);
  }

  /** Otherwise a feed whose key is gone from the index would get a second row. */
  function checkIndex(): void {
    if (isIndexChecked) return;
    if (Number(indexed.get()?.count) !== countOf(storeRow.feeds())) throw damaged('the index of feeds lacks a feed');
    isIndexChecked = true;
  }

  function create(key: FeedKey): FeedRow {
    checkIndex();
    const { lastInsertRowid } = insert.run(key);
    const number = Number(lastInsertRowid);
    storeRow.addFeed(number, key);
    return keep(touch(emptyFeed(number, key)));
  }

  function get(number: number): FeedRow {
    const kept = known.get(number);
    if (kept !== undefined) return kept;
    const columns = byNumber.get(number) as unknown as readonly unknown[] | undefined;
    if (columns === undefined) throw damaged(`the feed with the number ${number} is missing`);
    return keep(feedRow(columns));
  }

  /** Saves a feed and its lists. Parts that have grown too large are split first. */
  function saveRow(row: FeedRow): void {
    archives.after(row);
    const { number, key, name, declared, changed, revision, visibleFrom, rule } = row;
    const { archived, newestPage, openPage, headChanged, shownRevision } = row;
    const blobs = LIST_NAMES.map((list) => {
      balance(row.lists[list], (index) => lists.readPart(listOf(row, list), index).map(listRow));
      return encodeParts(row.lists[list]);
    });
    const values = [name, declared, changed, revision, visibleFrom, rule] as const;
    const aged = encodeAgedChanges(row.agedChanges);
    const archive = [archived, newestPage, openPage, headChanged] as const;
    const columns = [...values, ...archive, shownRevision, aged, ...blobs] as const;
    update.run(...columns, rowChecksum([number, key, ...columns]), number);
    Object.assign(row, { isChanged: false, savedName: name, moved: undefined });
  }

  function forget(): void {
    keys.clear();
    known.clear();
    changed = [];
    isIndexChecked = false;
  }

  function touch(row: FeedRow): FeedRow {
    if (!row.isChanged) changed.push(row);
    row.isChanged = true;
    return row;
  }

  /** Notes for the archive that an entry comes or leaves. */
  function noteEntry({ moved, lists: { pages } }: FeedRow, entry: ListRow, change: 1 | -1): void {
    if (moved === undefined) throw new Error('entries change without a call of willChange');
    if (isBefore(entry, pages.high)) moved.push([entry[0], entry[1], change]);
  }

  return {
    /** The feed with this key. Where there is none, the feed gets its number now. */
    of: (key: FeedKey): FeedRow => find(key) ?? create(key),
    find,
    get,
    all: (): FeedRow[] => numbers.all().map(({ number }) => get(Number(number))),
    /** Saves this feed at the end of the transaction. */
    touch,
    /** Call this before a transaction changes the table of entries for this feed: then its parts still match its rows. */
    willChange(row: FeedRow): void {
      if (row.moved !== undefined) return;
      archives.before(row);
      row.moved = [];
    },
    /** @param hash that of the member, if the caller has it already */
    add(row: FeedRow, list: FeedList, member: ListRow, hash?: number): void {
      if (list === 'entries') noteEntry(row, member, 1);
      addRow(row.lists[list], member, hash);
      touch(row);
    },
    remove(row: FeedRow, list: FeedList, member: ListRow): void {
      if (list === 'entries') noteEntry(row, member, -1);
      if (!removeRow(row.lists[list], member)) throw damaged(listOf(row, list).title);
      touch(row);
    },
    /** Call this before the commit. */
    save(): void {
      for (const row of changed) saveRow(row);
      changed = [];
      isIndexChecked = false;
      if (known.size > MAX_KEPT) forget();
    },
    /** Call this after a rollback, and when another process has written. */
    forget,
  };
}
