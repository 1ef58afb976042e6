import type { DatabaseSync } from 'node:sqlite';
import type { PublisherError } from '../../errors.ts';
import { rowChecksum, textChecksum, type Value } from './checksums.ts';
import { damaged } from './damage.ts';
import {
  addRow,
  balance,
  countOf,
  decodeParts,
  encodeParts,
  type ListRow,
  type Parts,
  removeRow,
} from './list-parts.ts';
import { type List, type Lists, listRow, STORE_LISTS, type StoreList } from './lists.ts';

/** The row that the store has once: its revision, and the lists of all articles, audits and feeds. */
interface Columns {
  /** The revision of the last change. */
  last: number;
  /** How often rules and names of feeds have changed. */
  rules: number;
  readonly lists: Readonly<Record<StoreList, Parts>>;
  /** One part: what the numbers and keys of all feeds add up to. */
  readonly feeds: Parts;
  /** One part: what the ids and checksums of all files of articles add up to. */
  readonly sources: Parts;
}

const TITLES: Readonly<Record<StoreList, string>> = {
  articles: 'list of articles',
  withdrawn: 'list of withdrawn articles',
  expiring: 'list of articles that expire',
  singleAudits: 'list of changes to single articles',
  rangeAudits: 'list of changes to many articles',
  syndication: 'list of articles with rights or a correction',
  corrections: 'list of corrections',
  formerFeeds: 'list of feeds that articles have left',
  formerMembers: 'list of articles that have left feeds',
  departures: 'list of departures from feeds',
  mediaUses: 'list of files that articles name',
};

const LIST_NAMES = Object.keys(STORE_LISTS) as readonly StoreList[];

/** Where the lists and the two sums stand in the row. */
const FIRST_LIST = 2;
const FEEDS = FIRST_LIST + LIST_NAMES.length;
const SOURCES = FEEDS + 1;

export type StoreRow = ReturnType<typeof createStoreRow>;

export function createStoreRow(db: DatabaseSync, lists: Lists) {
  const select = db.prepare(`
    SELECT last, rules, articles, withdrawn, expiring, single_audits, range_audits, syndication, corrections,
      former_feeds, former_members, departures, media_uses, feeds, sources, checksum
    FROM revision`);
  select.setReturnArrays(true);
  const update = db.prepare(`
    UPDATE revision SET last = ?, rules = ?, articles = ?, withdrawn = ?, expiring = ?, single_audits = ?, range_audits = ?,
      syndication = ?, corrections = ?, former_feeds = ?, former_members = ?, departures = ?, media_uses = ?, feeds = ?, sources = ?, checksum = ?`);
  /** The row in the current transaction, and after it until another process writes. */
  let kept: Columns | undefined;
  let isWriting = false;
  let isChanged = false;

  /** @throws PublisherError `store_damaged` */
  function checked(): Value[] {
    const rows = select.all() as unknown as Value[][];
    const [columns = []] = rows;
    const values = columns.slice(0, -1);
    if (rows.length !== 1 || rowChecksum(values) !== columns.at(-1)) {
      throw damaged('the row with its revision does not match its checksum');
    }
    return values;
  }

  function read(): Columns {
    const [last, rules, ...blobs] = checked();
    const [articles, withdrawn, expiring, singleAudits, rangeAudits, syndication, corrections, ...more] = blobs;
    const [formerFeeds, formerMembers, departures, mediaUses, feeds, sources] = more;
    return {
      last: Number(last),
      rules: Number(rules),
      lists: {
        articles: decode(articles),
        withdrawn: decode(withdrawn),
        expiring: decode(expiring),
        singleAudits: decode(singleAudits),
        rangeAudits: decode(rangeAudits),
        syndication: decode(syndication),
        corrections: decode(corrections),
        formerFeeds: decode(formerFeeds),
        formerMembers: decode(formerMembers),
        departures: decode(departures),
        mediaUses: decode(mediaUses),
      },
      feeds: decode(feeds),
      sources: decode(sources),
    };
  }

  function current(): Columns {
    kept ??= read();
    return kept;
  }

  function changing(): Columns {
    isChanged = true;
    return current();
  }

  return {
    /** The revision of the last change. */
    last: (): number => (isWriting ? current().last : Number(checked()[0])),
    /** Of the row, whose lists have the sums of all other tables but those of settings and keys. */
    checksum: (): number => rowChecksum(checked()),
    setLast(revision: number): void {
      changing().last = revision;
    },
    rules: (): number => (isWriting ? current().rules : Number(checked()[1])),
    raiseRules(): void {
      changing().rules += 1;
    },
    /** A list as it is in the store. Call it in a transaction, together with what reads the list. */
    list: (name: StoreList): List => listOf(name, decode(checked()[FIRST_LIST + LIST_NAMES.indexOf(name)])),
    /** How many articles the store has. */
    count: (): number => countOf(isWriting ? current().lists.articles : decode(checked()[FIRST_LIST])),
    /** What the numbers and keys of all feeds add up to. */
    feeds: (): Parts => (isWriting ? current().feeds : decode(checked()[FEEDS])),
    /** Whether the list has a row in the current transaction. */
    has: (name: StoreList): boolean => current().lists[name].parts.length > 0,
    add(name: StoreList, row: ListRow): void {
      addRow(changing().lists[name], row);
    },
    remove(name: StoreList, row: ListRow): void {
      const columns = changing();
      if (!removeRow(columns.lists[name], row)) throw damaged(listOf(name, columns.lists[name]).title);
    },
    addFeed(number: number, key: string): void {
      addRow(changing().feeds, [0, 0, number, textChecksum(key)]);
    },
    /** What the ids and checksums of all files of articles add up to. */
    sources: (): Parts => (isWriting ? current().sources : decode(checked()[SOURCES])),
    addSource(id: string, checksum: number): void {
      addRow(changing().sources, sourceRow(id, checksum));
    },
    removeSource(id: string, checksum: number): void {
      if (!removeRow(changing().sources, sourceRow(id, checksum))) throw damagedSources();
    },
    /** Call this after the begin of a transaction that writes. */
    begin(): void {
      isWriting = true;
    },
    /** Call this before the commit. */
    save(): void {
      isWriting = false;
      if (!isChanged) return;
      const row = current();
      const blobs = LIST_NAMES.map((name) => {
        balance(row.lists[name], (index) => lists.readPart(listOf(name, row.lists[name]), index).map(listRow));
        return encodeParts(row.lists[name]);
      });
      const columns = [row.last, row.rules, ...blobs, encodeParts(row.feeds), encodeParts(row.sources)] as const;
      update.run(...columns, rowChecksum(columns));
      isChanged = false;
    },
    /** Call this after a rollback, and when another process has written. */
    forget(): void {
      kept = undefined;
      isChanged = false;
      isWriting = false;
    },
  };
}

/** The row of an article's file, as the sum of all of them counts it. */
export function sourceRow(id: string, checksum: number): ListRow {
  return [0, 0, textChecksum(id), checksum];
}

export function damagedSources(): PublisherError {
  return damaged('the list of the files of articles does not match its checksums');
}

function decode(blob: Value | undefined): Parts {
  return decodeParts(blob as Uint8Array);
}

function listOf(name: StoreList, parts: Parts): List {
  return { name, owner: 0, title: `the ${TITLES[name]} does not match its checksums`, parts };
}
