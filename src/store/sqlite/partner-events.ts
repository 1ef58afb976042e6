import type { DatabaseSync } from 'node:sqlite';
import { LATEST } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import type { ArticleEvent, PartnerStore } from '../partner-store.ts';
import { checkedHead, HEAD, type HeadRow } from './article-rows.ts';
import { damaged } from './damage.ts';
import type { FeedReader } from './feed-reader.ts';
import { createListedEntries } from './listed-entries.ts';
import type { Lists, TableRow } from './lists.ts';
import type { Reading } from './reading.ts';
import { createRest } from './rest.ts';
import type { StoreRow } from './store-row.ts';
import { compare, createTimelines, departuresIn, type Position } from './timelines.ts';

/** Rows that are read between two looks at the time: about a millisecond's work. */
const PIECE = 250;

/** After every number of an article. */
const LAST = Number.POSITIVE_INFINITY;

export interface PartnerEventsParts {
  readonly lists: Lists;
  readonly feeds: FeedReader;
  readonly storeRow: StoreRow;
  /** Runs work that reads in a transaction. */
  readonly reading: Reading;
}

/** The changes to all articles as partners learn of them. */
export function createPartnerEvents(
  db: DatabaseSync,
  { lists, feeds, storeRow, reading }: PartnerEventsParts,
): Pick<PartnerStore, 'changedAfter' | 'changedByTime' | 'nextChangeByTime'> {
  const timelines = createTimelines(lists);
  const entriesOf = createListedEntries(db, lists);
  const headByNumber = db.prepare(`SELECT ${HEAD} FROM article WHERE number = ?`);

  function headOf(number: number): HeadRow {
    const row = headByNumber.get(number) as HeadRow | undefined;
    if (row === undefined) throw damaged(`the article number ${number} is missing`);
    return checkedHead(row);
  }

  function changeOf([revision, number]: TableRow): ArticleEvent {
    const head = headOf(Number(number));
    if (head.revision !== revision) throw damaged(`the article “${head.id}” is not the one of its revision`);
    const at = Math.max(head.updated, head.published, head.withdrawn ?? 0);
    return { number: Number(number), revision: head.revision, at };
  }

  async function changedAfter(revision: number, limit: number): Promise<readonly ArticleEvent[]> {
    const rest = createRest();
    const found: ArticleEvent[] = [];
    for (let last = revision; found.length < limit; ) {
      await rest();
      const piece = reading(() => {
        if (storeRow.last() <= last) return []; // thousands of readers that are at the present ask for nothing else
        const rows = lists.up(storeRow.list('articles'), [last, LAST]);
        return [...rows.take(Math.min(PIECE, limit - found.length)).map(changeOf)];
      });
      found.push(...piece);
      last = piece.at(-1)?.revision ?? last;
      if (piece.length === 0) break;
    }
    return found;
  }

  /** The next events of any list, each once. */
  function piece(from: Position, { to, delay }: { readonly to: Instant; readonly delay: number }): ArticleEvent[] {
    const feed = feeds.find(LATEST);
    if (feed === undefined) return [];
    const entryOf = entriesOf(feed);
    const departures = departuresIn(lists, storeRow.list('departures'), { from, to });
    const lines = [...timelines.all({ feed, delay, from, to }), departures];
    const found = lines.flatMap((events) => [...events.take(PIECE)]);
    found.sort(compare);
    return found
      .filter(({ at, number }, index) => found[index - 1]?.at !== at || found[index - 1]?.number !== number)
      .slice(0, PIECE)
      .map(({ at, number, revision }) => ({ at, number, revision: revision ?? entryOf(number).revision }));
  }

  const changedByTime: PartnerStore['changedByTime'] = async ({ from, after = LAST, to, delay, upTo, limit }) => {
    const rest = createRest();
    const found: ArticleEvent[] = [];
    for (let last: Position = { at: from, number: after }; ; ) {
      await rest();
      const from: Position = last;
      const events = reading(() => piece(from, { to, delay }));
      for (const event of events) if (event.revision <= upTo && found.length < limit) found.push(event);
      const next = events.at(-1);
      if (next === undefined || found.length >= limit) return found;
      last = next;
    }
  };

  function nextChangeByTime(at: Instant, delay: number): Instant | undefined {
    const feed = feeds.find(LATEST);
    if (feed === undefined) return undefined;
    return timelines.next(feed, delay, at);
  }

  return {
    changedAfter,
    changedByTime,
    nextChangeByTime: async (at, delay) => reading(() => nextChangeByTime(at, delay)),
  };
}
