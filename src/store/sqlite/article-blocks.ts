import type { DatabaseSync } from 'node:sqlite';
import { LATEST } from '../../feed/feeds.ts';
import { type Instant, utcMonth, utcMonthRange } from '../../lib/instant.ts';
import { createLru } from '../../lib/lru.ts';
import type { ArticleBlock, EntryKey, EntrySpan, PlacedEntry } from '../store.ts';
import { damaged } from './damage.ts';
import type { FeedReader } from './feed-reader.ts';
import { listOf } from './feed-rows.ts';
import { addHash, hashOf, partOf } from './list-parts.ts';
import { type List, type Lists, listRow, type TableRow } from './lists.ts';
import type { Reading } from './reading.ts';
import { createRest } from './rest.ts';

/** Months, and parts of the list, whose results are kept. */
const MAX_KEPT = 5000;
/** Articles whose dates are read between two looks at the time: about a millisecond's work. */
const PIECE = 250;
/** How often the blocks are begun with other work in between, if articles keep changing: the last time, they are made at once. */
const ATTEMPTS = 4;

interface Divided {
  /** The moment at which time alone changes the blocks. */
  readonly until: Instant;
  readonly blocks: readonly ArticleBlock[];
}

/** The blocks of a month. They hold while the parts of the list that have it stay the same, from one moment until another. */
interface KeptMonth extends Divided {
  readonly parts: string;
  readonly size: number;
  readonly from: Instant;
}

interface Parts {
  readonly lists: Lists;
  readonly feeds: FeedReader;
  /** Runs work that reads in a transaction. */
  readonly reading: Reading;
}

/** The list of all articles at one revision, whose parts are read once for all months in them. */
interface Source {
  readonly list: List;
  /** Undefined where the list has changed meanwhile. */
  readonly read: (index: number) => readonly TableRow[] | undefined;
}

/** Work in pieces: other work may come between them. Undefined where the articles have changed meanwhile. */
type InPieces<Result> = Generator<void, Result | undefined>;

/** Divides all articles into blocks by their dates. */
export function createArticleBlocks(db: DatabaseSync, { lists, feeds, reading }: Parts) {
  /** Without the checksum, which stands behind the texts: it takes seven times as long. Files of a sitemap have checked dates. */
  const datesByNumber = db.prepare('SELECT revision, published, updated FROM article WHERE number = ?');
  datesByNumber.setReturnArrays(true);
  /** The months in a part, by its checksum: after a change, only the changed part is read again. */
  const monthsByPart = createLru<string, readonly string[]>(MAX_KEPT);
  const kept = createLru<string, KeptMonth>(MAX_KEPT);

  function openSource(): Source | undefined {
    const feed = reading(() => feeds.find(LATEST));
    if (feed === undefined) return undefined;
    let last: { readonly index: number; readonly rows: readonly TableRow[] } | undefined;
    return {
      list: listOf(feed, 'entries'),
      read(index) {
        if (last?.index === index) return last.rows;
        const rows = reading(() => {
          const current = feeds.find(LATEST);
          return current?.revision === feed.revision ? lists.readPart(listOf(current, 'entries'), index) : undefined;
        });
        last = rows && { index, rows };
        return rows;
      },
    };
  }

  /** The numbers of the parts that have each month, up to a moment. */
  function* partsByMonth({ list, read }: Source, at: Instant): InPieces<ReadonlyMap<string, readonly number[]>> {
    const found = new Map<string, number[]>();
    if (list.parts.parts.length === 0) return found;
    for (let index = 0; index <= partOf(list.parts, [at, Number.POSITIVE_INFINITY]); index += 1) {
      const name = nameOf(list, index);
      let months = monthsByPart.get(name);
      if (months === undefined) {
        yield;
        const rows = read(index);
        if (rows === undefined) return undefined;
        months = monthsIn(rows);
        monthsByPart.set(name, months);
      }
      for (const month of months) {
        const known = found.get(month);
        if (known === undefined) found.set(month, [index]);
        else known.push(index);
      }
    }
    return found;
  }

  function* rowsOf(source: Source, month: string, indexes: readonly number[]): InPieces<readonly TableRow[]> {
    const rows: TableRow[] = [];
    const [start, end] = utcMonthRange(month);
    for (const index of indexes) {
      yield;
      const read = source.read(index);
      if (read === undefined) return undefined;
      for (const row of read) if (Number(row[0]) >= start && Number(row[0]) < end) rows.push(row);
    }
    return rows;
  }

  /** Divides the articles of a month. Returns also until when the blocks hold. */
  function* divide(month: string, rows: readonly TableRow[], at: Instant, size: number): InPieces<Divided> {
    const drafts = createDrafts(month, size);
    let until = Number.POSITIVE_INFINITY;
    for (const [index, row] of rows.entries()) {
      if (index % PIECE === 0) yield;
      const [published, expires] = [Number(row[0]), row[4] === null ? Number.POSITIVE_INFINITY : Number(row[4])];
      const next = published > at ? published : expires;
      if (next > at) until = Math.min(until, next);
      if (published > at) break;
      if (expires > at) {
        const updatedAt = updatedOf(row);
        if (updatedAt === undefined) return undefined;
        drafts.add(row, updatedAt);
      } else drafts.expired(expires);
    }
    return { until, blocks: drafts.all() };
  }

  /** Undefined where the article is not the one in the row. */
  function updatedOf([published, , number, revision]: TableRow): Instant | undefined {
    const row = datesByNumber.get(Number(number)) as unknown as readonly number[] | undefined;
    return row !== undefined && row[0] === revision && row[1] === published ? row[2] : undefined;
  }

  function* collect(at: Instant, size: number): InPieces<readonly ArticleBlock[]> {
    const source = openSource();
    if (source === undefined) return [];
    const months = yield* partsByMonth(source, at);
    if (months === undefined) return undefined;
    const blocks: ArticleBlock[] = [];
    for (const [month, indexes] of months) {
      const parts = indexes.map((index) => nameOf(source.list, index)).join();
      let known = kept.get(month);
      if (known?.parts !== parts || known.size !== size || at < known.from || at >= known.until) {
        const rows = yield* rowsOf(source, month, indexes);
        if (rows === undefined) return undefined;
        const divided = yield* divide(month, rows, at, size);
        if (divided === undefined) return undefined;
        known = { parts, size, from: at, ...divided };
        kept.set(month, known);
      }
      blocks.push(...known.blocks);
    }
    return blocks;
  }

  return {
    async all(at: Instant, size: number): Promise<readonly ArticleBlock[]> {
      const rest = createRest();
      for (let attempt = 1; attempt < ATTEMPTS; attempt += 1) {
        const pieces = collect(at, size);
        let piece = pieces.next();
        for (; piece.done !== true; piece = pieces.next()) await rest();
        if (piece.value !== undefined) return piece.value;
      }
      const blocks = reading(() => lastOf(collect(at, size)));
      if (blocks === undefined) throw damaged('articles are not the ones that the feed of all articles has');
      return blocks;
    },
    entriesIn({ first, last, limit }: EntrySpan, at: Instant): PlacedEntry[] {
      const feed = feeds.find(LATEST);
      if (feed === undefined) return [];
      const found: PlacedEntry[] = [];
      for (const row of lists.up(listOf(feed, 'entries'), [first[0], first[1] - HALF])) {
        const key: EntryKey = [Number(row[0]), Number(row[1])];
        if (found.length === limit || key[0] > at || isAfter(key, last)) break;
        if (row[4] === null || Number(row[4]) > at) found.push({ number: Number(row[2]), key });
      }
      return found;
    },
  };
}

/** Ties are whole numbers: the key of an article less this comes before it, and after every other one before. */
const HALF = 0.5;

function isAfter([published, tie]: EntryKey, last: EntryKey): boolean {
  return published > last[0] || (published === last[0] && tie > last[1]);
}

function lastOf<Result>(pieces: InPieces<Result>): Result | undefined {
  let piece = pieces.next();
  while (piece.done !== true) piece = pieces.next();
  return piece.value;
}

function nameOf({ parts: { parts } }: List, index: number): string {
  const { count = 0, sum = 0 } = parts[index] ?? {};
  return `${count} ${sum}`;
}

/** The months of rows that are in the order of their dates. */
function monthsIn(rows: readonly TableRow[]): string[] {
  const months: string[] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const [published] of rows) {
    if (Number(published) < end) continue;
    const month = utcMonth(Number(published));
    [, end] = utcMonthRange(month);
    months.push(month);
  }
  return months;
}

interface Draft {
  articles: number;
  updatedAt: Instant;
  readonly first: EntryKey;
  last: EntryKey;
  sum: number;
}

/** Blocks of a month, filled one after another. */
function createDrafts(month: string, size: number) {
  const drafts: Draft[] = [];
  let expiredAt = 0;
  return {
    add(row: TableRow, updatedAt: Instant): void {
      const key: EntryKey = [Number(row[0]), Number(row[1])];
      let draft = drafts.at(-1);
      if (draft === undefined || draft.articles === size) {
        draft = { articles: 0, updatedAt: expiredAt, first: key, last: key, sum: 0 };
        drafts.push(draft);
      }
      draft.articles += 1;
      draft.updatedAt = Math.max(draft.updatedAt, updatedAt);
      draft.last = key;
      draft.sum = addHash(draft.sum, hashOf(listRow(row)), 1);
    },
    /** An article has left the block that it was in, and the blocks after it begin with others. */
    expired(at: Instant): void {
      expiredAt = Math.max(expiredAt, at);
      const draft = drafts.at(-1);
      if (draft !== undefined) draft.updatedAt = Math.max(draft.updatedAt, at);
    },
    all: (): ArticleBlock[] =>
      drafts.map(({ sum, ...block }, index) => ({
        month,
        number: index + 1,
        ...block,
        version: `${block.articles} ${sum}`,
      })),
  };
}
