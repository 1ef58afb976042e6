import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { textChecksum } from './checksums.ts';
import { damaged } from './damage.ts';
import { addHash, HIGHEST, hashOf, type ListRow, LOWEST, type Part, type Parts, partOf } from './list-parts.ts';

/** A row as it is in the table: texts stand for their checksums. */
export type TableRow = readonly (number | string | null)[];

type Key = readonly [number, number];

interface ListQuery {
  /** The first two are the key. */
  readonly columns: readonly [string, string, ...string[]];
  readonly from: string;
  readonly where: string;
}

/** The lists of a feed; `:feed` is its number. */
export const FEED_LISTS = {
  entries: {
    columns: ['published', 'tie', 'article', 'revision', 'expires'],
    from: 'entry',
    where: 'feed = :owner',
  },
  expiries: {
    columns: ['expires', 'article'],
    from: 'entry INDEXED BY entry_expires',
    where: 'feed = :owner AND expires IS NOT NULL',
  },
  tombstones: { columns: ['at', 'article', 'revision'], from: 'tombstone', where: 'feed = :owner' },
  coming: { columns: ['published', 'article', 'name'], from: 'coming_name', where: 'feed = :owner' },
  pages: { columns: ['published', 'tie', 'page', 'entries', 'changed'], from: 'archive_page', where: 'feed = :owner' },
  rights: { columns: ['at', 'article', 'revision'], from: 'rights_end', where: 'feed = :owner' },
} as const satisfies Record<string, ListQuery>;

/** The lists of the whole store, each read from the index that its readers use. */
export const STORE_LISTS = {
  articles: {
    columns: ['revision', 'number', 'published', 'expires', 'withdrawn'],
    from: 'article',
    where: ':owner = 0',
  },
  withdrawn: {
    columns: ['revision', 'number'],
    from: 'article INDEXED BY article_withdrawn',
    where: ':owner = 0 AND withdrawn IS NOT NULL',
  },
  expiring: {
    columns: ['revision', 'number', 'expires'],
    from: 'article INDEXED BY article_expires',
    where: ':owner = 0 AND expires IS NOT NULL AND withdrawn IS NULL',
  },
  singleAudits: {
    columns: ['lowest', 'revision'],
    from: 'audit INDEXED BY audit_article',
    where: ':owner = 0 AND lowest = highest',
  },
  rangeAudits: {
    columns: ['highest', 'revision', 'lowest'],
    from: 'audit INDEXED BY audit_range',
    where: ':owner = 0 AND lowest < highest',
  },
  syndication: {
    columns: ['article', 'revision', 'rights_end', 'corrected'],
    from: 'syndication',
    where: ':owner = 0',
  },
  corrections: {
    columns: ['corrected', 'article', 'revision'],
    from: 'syndication INDEXED BY syndication_corrected',
    where: ':owner = 0 AND corrected IS NOT NULL',
  },
  formerFeeds: { columns: ['article', 'feed', 'checksum'], from: 'former_member', where: ':owner = 0' },
  formerMembers: {
    columns: ['feed', 'revision', 'article', 'changed', 'checksum'],
    from: 'former_member INDEXED BY former_member_feed',
    where: ':owner = 0',
  },
  departures: {
    columns: ['left_at', 'article', 'feed', 'revision'],
    from: 'former_member INDEXED BY former_member_left',
    where: ':owner = 0',
  },
  mediaUses: {
    columns: ['path_checksum', 'article'],
    from: 'media_use INDEXED BY media_use_path',
    where: ':owner = 0',
  },
} as const satisfies Record<string, ListQuery>;

export type FeedList = keyof typeof FEED_LISTS;
export type StoreList = keyof typeof STORE_LISTS;

/** A list of a feed, or of the store. */
export interface List {
  readonly name: FeedList | StoreList;
  /** The number of the feed; 0 for the store. */
  readonly owner: number;
  /** Names the list in an error. */
  readonly title: string;
  readonly parts: Parts;
}

export type Lists = ReturnType<typeof createLists>;

/** Lists in which callers look up one article after another, most of them in the same part. */
const LOOKED_UP: ReadonlySet<string> = new Set<StoreList>(['singleAudits', 'rangeAudits']);
/** Parts of each of these lists that stay in memory. */
const MAX_KEPT = 4;

/** A part as it was read and checked. */
interface KeptPart extends Part {
  readonly end: Key;
  readonly rows: readonly TableRow[];
}

/** Reads the rows of a part: a range of the index that has the list. */
export function listQuery(name: FeedList | StoreList): string {
  const { columns, from, where } = { ...FEED_LISTS, ...STORE_LISTS }[name];
  const [first, second] = columns;
  return `
    SELECT ${columns.join(', ')} FROM ${from}
    WHERE ${where} AND ${first} >= :low AND ${first} <= :high
      AND (${first}, ${second}) >= (:low, :lowSecond) AND (${first}, ${second}) < (:high, :highSecond)
    ORDER BY ${first}, ${second}`;
}

/** Reads lists part by part, and checks each part. Call it in a transaction, so that rows and parts are of one moment. */
export function createLists(db: DatabaseSync) {
  const statements = new Map<string, StatementSync>();
  const selectVersion = db.prepare('PRAGMA data_version');
  selectVersion.setReturnArrays(true);
  const kept = new Map<string, readonly KeptPart[]>();
  let keptVersion: number | undefined;

  function statementOf(name: FeedList | StoreList): StatementSync {
    const known = statements.get(name);
    if (known !== undefined) return known;
    const statement = db.prepare(listQuery(name));
    statement.setReturnArrays(true);
    statements.set(name, statement);
    return statement;
  }

  /** The rows of a part, in the order of their keys. @throws PublisherError `store_damaged` */
  function readPart(list: List, index: number): readonly TableRow[] {
    const part = list.parts.parts[index];
    if (part === undefined || !LOOKED_UP.has(list.name)) return readRows(list, index);
    const end = list.parts.parts[index + 1]?.low ?? HIGHEST;
    const known = keptParts(list.name).find((one) => isSame(one, { ...part, end }));
    if (known !== undefined) return known.rows;
    const rows = readRows(list, index);
    kept.set(list.name, [{ ...part, end, rows }, ...keptParts(list.name)].slice(0, MAX_KEPT));
    return rows;
  }

  /** What another connection has written may have other rows: then nothing is kept. */
  function keptParts(name: string): readonly KeptPart[] {
    const [version] = selectVersion.get() as unknown as [number];
    if (version !== keptVersion) kept.clear();
    keptVersion = version;
    return kept.get(name) ?? [];
  }

  function readRows({ name, owner, title, parts: { parts } }: List, index: number): readonly TableRow[] {
    const part = parts[index];
    if (part === undefined) return [];
    const [low, lowSecond] = index === 0 ? LOWEST : part.low;
    const [high, highSecond] = parts[index + 1]?.low ?? HIGHEST;
    const rows = statementOf(name).all({ owner, low, lowSecond, high, highSecond }) as unknown as TableRow[];
    let sum = 0;
    for (const row of rows) sum = addHash(sum, hashOf(listRow(row)), 1);
    if (rows.length !== part.count || sum !== part.sum) throw damaged(title);
    return rows;
  }

  return {
    readPart,
    /** The row with a key, and those before and after it; undefined where there is none. */
    around(
      list: List,
      key: Key,
    ): readonly [before: TableRow | undefined, own: TableRow | undefined, after: TableRow | undefined] {
      const index = partOf(list.parts, key);
      const rows = readPart(list, index);
      const at = rows.findIndex((row) => row[0] === key[0] && row[1] === key[1]);
      const before = at === 0 && index > 0 ? readPart(list, index - 1).at(-1) : rows[at - 1];
      return [before, rows[at], rows[at + 1] ?? readPart(list, index + 1)[0]];
    },
    /** The rows whose keys are not higher, highest first. */
    *down(list: List, from: Key): Generator<TableRow> {
      for (let index = partOf(list.parts, from); index >= 0; index -= 1) {
        for (const row of readPart(list, index).toReversed()) if (!isAfter(row, from)) yield row;
      }
    },
    /** The rows whose keys are higher, lowest first. */
    *up(list: List, after: Key): Generator<TableRow> {
      for (let index = partOf(list.parts, after); index < list.parts.parts.length; index += 1) {
        for (const row of readPart(list, index)) if (isAfter(row, after)) yield row;
      }
    },
  };
}

function isSame(one: Omit<KeptPart, 'rows'>, other: Omit<KeptPart, 'rows'>): boolean {
  const isRange = one.low[0] === other.low[0] && one.low[1] === other.low[1];
  const isEnd = one.end[0] === other.end[0] && one.end[1] === other.end[1];
  return isRange && isEnd && one.count === other.count && one.sum === other.sum;
}

function isAfter(row: TableRow, key: Key): boolean {
  const first = Number(row[0]);
  return first > key[0] || (first === key[0] && Number(row[1]) > key[1]);
}

/** The row as its part counts it. */
export function listRow(row: TableRow): ListRow {
  for (const value of row) if (typeof value === 'string') return row.map(withoutText) as unknown as ListRow;
  return row as ListRow; // most rows have no text, and lists of feeds are long
}

function withoutText(value: number | string | null): number | null {
  return typeof value === 'string' ? textChecksum(value) : value;
}
