import type { DatabaseSync } from 'node:sqlite';
import { LATEST } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { ENDINGS, type PartnerStore, type SyndicationEnd } from '../partner-store.ts';
import { checkedHead, HEAD, type HeadRow } from './article-rows.ts';
import { damaged } from './damage.ts';
import { listOf } from './feed-rows.ts';
import { checkedFormer, type FormerRow } from './former-rows.ts';
import { createListedEntries } from './listed-entries.ts';
import type { TableRow } from './lists.ts';
import type { PartnerEventsParts } from './partner-events.ts';
import { createRest } from './rest.ts';
import { createStoryEnds, type End, LISTS_OF_ENDS } from './story-ends.ts';
import { readSyndication } from './syndication-rows.ts';
import { isAfter, type Position } from './timelines.ts';

/** After every number of an article. */
const LAST = Number.POSITIVE_INFINITY;

/** Rows that are read between two looks at the time: about a millisecond's work. */
const PIECE = 250;

/** The store's `syndicationEnds`. */
export function createSyndicationEnds(
  db: DatabaseSync,
  { lists, feeds, storeRow, reading }: PartnerEventsParts,
): PartnerStore['syndicationEnds'] {
  const headByNumber = db.prepare(`SELECT ${HEAD} FROM article WHERE number = ?`);
  const departures = db.prepare('SELECT * FROM former_member WHERE article = ? AND left_at = ? ORDER BY feed');
  const ends = createStoryEnds(db, lists);
  const entriesOf = createListedEntries(db, lists);

  function headOf(number: number): HeadRow {
    const row = headByNumber.get(number) as HeadRow | undefined;
    if (row === undefined) throw damaged(`the article number ${number} is missing`);
    return checkedHead(row);
  }

  /** The row of a correction; undefined where it was made before readers could see the article, or the article is withdrawn. */
  function correctionOf([at, number, revision]: TableRow): SyndicationEnd | undefined {
    const head = headOf(Number(number));
    if (head.revision !== revision)
      throw damaged(`the correction of the article “${head.id}” is that of another revision`);
    if (head.withdrawn !== null || Number(at) < head.published) return undefined;
    return syndicationEnd({ at: Number(at), number: Number(number), head, ending: 'corrected' });
  }

  /** An article that left feeds: of several feeds at a moment, the row that the list has last says it. */
  function departureOf([at, number, feed, revision]: TableRow): SyndicationEnd | undefined {
    const rows = departures.all(Number(number), Number(at)) as unknown as FormerRow[];
    const row = rows.find((one) => one.feed === feed);
    if (row === undefined) throw damaged(`what the feeds had of the article number ${number} is missing`);
    if (row !== rows.at(-1)) return undefined;
    const { left_revision: leftRevision } = checkedFormer(row);
    const { id, public_id: publicId, published: publishedAt, ...head } = headOf(Number(number));
    if (head.revision !== revision) throw damaged(`the article “${id}” is not the one that its feeds had`);
    return {
      number: Number(number),
      id,
      publicId,
      revision: leftRevision,
      publishedAt,
      at: Number(at),
      ending: 'moved',
    };
  }

  /** What happened before a position: as far as every list was read. Undefined as `next` where nothing is left. */
  function piecesBefore(before: Position, after: Instant) {
    const feed = feeds.find(LATEST);
    if (feed === undefined) return { found: [] };
    const syndication = readSyndication(lists, storeRow.list('syndication'));
    const view = { delay: 0, syndication, entryOf: entriesOf(feed) };
    const sources = [
      ...ENDINGS.map((ending) => {
        const read = (row: TableRow) => {
          const end = ends.endOf(row, ending, view);
          return end && syndicationEnd(end);
        };
        return { list: listOf(feed, LISTS_OF_ENDS[ending]), read };
      }),
      { list: storeRow.list('corrections'), read: correctionOf },
      { list: storeRow.list('departures'), read: departureOf },
    ];
    const read = sources.map(({ list, read }) => {
      const rows = lists.down(list, [before.at, before.number]).filter((row) => isAfter(before, positionOf(row)));
      return { rows: [...rows.take(PIECE)], read };
    });
    const ended = read.flatMap(({ rows }) => (rows.length < PIECE ? [] : [positionOf(rows.at(-1) ?? [])]));
    const next = ended.reduce<Position | undefined>(
      (latest, one) => (latest && isAfter(latest, one) ? latest : one),
      undefined,
    );
    const found = read.flatMap(({ rows, read }) =>
      rows
        .filter((row) => Number(row[0]) > after && (next === undefined || !isAfter(next, positionOf(row))))
        .flatMap((row) => read(row) ?? []),
    );
    found.sort((one, other) => other.at - one.at || other.number - one.number);
    return { found, next: next !== undefined && next.at > after ? next : undefined };
  }

  return async (after, at, limit) => {
    const rest = createRest();
    const all: SyndicationEnd[] = [];
    for (let before: Position | undefined = { at, number: LAST }; before !== undefined && all.length < limit; ) {
      await rest();
      const from: Position = before;
      const { found, next } = reading(() => piecesBefore(from, after));
      for (const end of found) if (all.length < limit) all.push(end);
      before = next;
    }
    return all;
  };
}

function positionOf([at, number]: TableRow): Position {
  return { at: Number(at), number: Number(number) };
}

function syndicationEnd({
  at,
  ending,
  number,
  head,
}: Omit<End, 'ending'> & Pick<SyndicationEnd, 'ending'>): SyndicationEnd {
  const { id, public_id: publicId, revision, published: publishedAt } = head;
  return { number, id, publicId, revision, publishedAt, at, ending };
}
