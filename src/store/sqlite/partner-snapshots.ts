import type { DatabaseSync } from 'node:sqlite';
import type { FeedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import {
  type Ending,
  MOST_TAKEN_BACK,
  type PartnerSnapshot,
  type PartnerSnapshotOptions,
  type TakenBack,
} from '../partner-store.ts';
import { dateWithDelay } from './aged-changes.ts';
import { namedAt } from './feed-names.ts';
import { type FeedReader, until } from './feed-reader.ts';
import { listOf } from './feed-rows.ts';
import { createListedEntries } from './listed-entries.ts';
import type { Lists, TableRow } from './lists.ts';
import type { Snapshots } from './snapshot.ts';
import type { StoreRow } from './store-row.ts';
import { createStoryEnds, type End, type EndsView } from './story-ends.ts';
import { readSyndication, type Syndication } from './syndication-rows.ts';

/** Stories without rights, and expired ones, that are passed over for older ones: 20 milliseconds' work. */
const MAX_OVER = 20_000;

/** Stories that are looked at for the next one that will appear. */
const MAX_LOOKED_AT = 1000;

interface PartnerSnapshotParts {
  readonly lists: Lists;
  readonly feeds: FeedReader;
  readonly snapshots: Pick<Snapshots, 'entryOf'>;
  readonly storeRow: StoreRow;
}

/** A feed at a moment, for a partner. */
interface View extends EndsView {
  readonly at: Instant;
}

/** Reads feeds as partners see them. Call it in a transaction. */
export function createPartnerSnapshots(
  db: DatabaseSync,
  { lists, feeds, snapshots, storeRow }: PartnerSnapshotParts,
): (key: FeedKey, at: Instant, options: PartnerSnapshotOptions) => PartnerSnapshot | undefined {
  const ends = createStoryEnds(db, lists);
  const entriesOf = createListedEntries(db, lists);

  function rightsOf(row: TableRow, syndication: Syndication): Instant | null {
    return syndication(Number(row[2]), Number(row[3]))?.rightsEnd ?? null;
  }

  /** When an entry appears for the partner; undefined where it ends before that. */
  function appearance(row: TableRow, { delay, syndication }: View): Instant | undefined {
    const appears = Number(row[0]) + delay;
    const isOver = (end: unknown) => end != null && Number(end) <= appears;
    return isOver(row[4]) || isOver(rightsOf(row, syndication)) ? undefined : appears;
  }

  /** The newest entries, and when the newest one appeared. */
  function entriesIn(view: View, limit: number): { readonly rows: TableRow[]; readonly appeared: Instant | undefined } {
    const { feed, at, delay, syndication } = view;
    const rows: TableRow[] = [];
    let appeared: Instant | undefined;
    let over = 0;
    for (const row of until(lists, listOf(feed, 'entries'), at - delay)) {
      if ((rows.length === limit && appeared !== undefined) || over > MAX_OVER) break;
      appeared ??= appearance(row, view);
      const isOver = (end: unknown) => end != null && Number(end) <= at;
      if (isOver(row[4]) || isOver(rightsOf(row, syndication))) over += 1;
      else if (rows.length < limit) rows.push(row);
    }
    return { rows, appeared };
  }

  /** When the next entry appears. */
  function nextAppearance(view: View): Instant | undefined {
    const { feed, at, delay } = view;
    const entries = listOf(feed, 'entries');
    if (entries.parts.high[0] <= at - delay) return undefined;
    let looked = 0;
    for (const row of lists.up(entries, [at - delay, Number.POSITIVE_INFINITY])) {
      looked += 1;
      const appears = appearance(row, view);
      if (appears !== undefined) return appears;
      if (looked === MAX_LOOKED_AT) return Number(row[0]) + delay;
    }
    return undefined;
  }

  /** The stories that partners lost within the retention, and the last one before it. */
  function takenBackIn({ at, ...view }: View, retention: number) {
    const found: End[] = [];
    for (const end of ends.until(view, at)) {
      if (end.at <= at - retention || found.length === MOST_TAKEN_BACK) return { found, before: end };
      found.push(end);
    }
    return { found };
  }

  return (key, at, { limit, delay, retention }) => {
    const feed = feeds.find(key);
    if (feed === undefined) return undefined;
    feeds.requireFilled(feed);
    const syndication = readSyndication(lists, storeRow.list('syndication'));
    const view = { feed, at, delay, syndication, entryOf: entriesOf(feed) };
    const { rows, appeared } = entriesIn(view, limit);
    const { found, before } = takenBackIn(view, retention);
    const isSeen = feed.declared !== 0 || (feed.visibleFrom !== null && feed.visibleFrom + delay <= at);
    const opensAt = nextAppearance(view);
    if (!isSeen && appeared === undefined && found.length === 0 && before === undefined) return unseen(opensAt);
    const named = namedAt(lists, feed, at - delay);
    const forgotten = before !== undefined && before.at <= at - retention ? before.at + retention : undefined;
    return omitUndefined({
      name: named.name,
      entries: rows.map(snapshots.entryOf),
      takenBack: found.map(takenBack),
      changedAt: latest(
        dateWithDelay(feed.agedChanges, delay),
        appeared,
        named.since === 0 ? undefined : named.since + delay,
        found[0]?.at,
        forgotten,
      ),
      nextChangeAt: earliest(
        opensAt,
        ends.next(view, at),
        after(named.until, delay),
        after(found.at(-1)?.at, retention),
      ),
    });
  };
}

/** A feed whose first story has not appeared: as if there were none. Whoever keeps it looks again when the story appears. */
function unseen(nextChangeAt: Instant | undefined): PartnerSnapshot | undefined {
  return nextChangeAt === undefined ? undefined : { name: '', entries: [], takenBack: [], changedAt: 0, nextChangeAt };
}

function takenBack({ at, ending, head, number }: End & { readonly ending: Ending }): TakenBack {
  const { revision, published: publishedAt, updated: updatedAt } = head;
  return { number, revision, publishedAt, updatedAt, at, ending };
}

function after(moment: Instant | undefined, milliseconds: number): Instant | undefined {
  return moment === undefined ? undefined : moment + milliseconds;
}

function latest(...moments: readonly (Instant | undefined)[]): Instant {
  return Math.max(0, ...moments.filter((moment) => moment !== undefined));
}

function earliest(...moments: readonly (Instant | undefined)[]): Instant | undefined {
  const known = moments.filter((moment) => moment !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
