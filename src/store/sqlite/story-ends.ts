import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '../../lib/instant.ts';
import { ENDINGS, type Ending } from '../partner-store.ts';
import { checkedHead, HEAD, type HeadRow } from './article-rows.ts';
import { damaged } from './damage.ts';
import { until } from './feed-reader.ts';
import { type FeedRow, listOf } from './feed-rows.ts';
import type { EntryOf } from './listed-entries.ts';
import type { Lists, TableRow } from './lists.ts';
import type { Syndication } from './syndication-rows.ts';

/** The end of a story for the readers of a feed. */
export interface End {
  readonly at: Instant;
  readonly ending: Ending;
  readonly number: number;
  readonly head: HeadRow;
}

/** The feed that is read, and for whom. */
export interface EndsView {
  readonly feed: FeedRow;
  /** Milliseconds after its publication at which a story appears. */
  readonly delay: number;
  readonly syndication: Syndication;
  readonly entryOf: EntryOf;
}

/** Ends of stories that nobody with such a delay ever saw, which one look may pass over: a few milliseconds' work. */
const MAX_PASSED = 2000;

/** The list of a feed that has the ends of each kind. */
export const LISTS_OF_ENDS = { withdrawn: 'tombstones', expired: 'expiries', 'rights-ended': 'rights' } as const;

/**
 * Finds how stories of a feed ended. A withdrawal counts in any case; of an expiry and the end of the rights, the first one
 * counts. Only stories count that had appeared before their end. Call it in a transaction.
 */
export function createStoryEnds(db: DatabaseSync, lists: Lists) {
  const headByNumber = db.prepare(`SELECT ${HEAD} FROM article WHERE number = ?`);

  /** The article of an end. @throws PublisherError `store_damaged` */
  function headOf(number: number, revision: unknown): HeadRow {
    const found = headByNumber.get(number) as HeadRow | undefined;
    if (found === undefined) throw damaged(`the article number ${number} is missing`);
    const head = checkedHead(found);
    if (head.revision !== revision) throw otherArticle(head);
    return head;
  }

  function withdrawalOf(row: TableRow, { delay, syndication }: Omit<EndsView, 'feed'>): End | undefined {
    const [at, number] = [Number(row[0]), Number(row[1])];
    const head = headOf(number, row[2]);
    if (head.withdrawn !== at) throw otherArticle(head);
    const appears = head.published + delay;
    const rightsEnd = syndication(number, head.revision)?.rightsEnd ?? null;
    const isOver = [head.expires, rightsEnd].some((end) => end !== null && end <= appears);
    return isOver || appears > at ? undefined : { at, ending: 'withdrawn', number, head };
  }

  /** The end in a row of a list; undefined where it is not the one that counts. @throws PublisherError `store_damaged` */
  function endOf(row: TableRow, ending: Ending, view: Omit<EndsView, 'feed'>): End | undefined {
    if (ending === 'withdrawn') return withdrawalOf(row, view);
    const { delay, syndication, entryOf } = view;
    const [at, number] = [Number(row[0]), Number(row[1])];
    const early = ending === 'expired' ? syndication(number)?.rightsEnd : undefined;
    if (early != null && early < at) return undefined; // the list of rights has the article
    const { published, revision, expires } = entryOf(number);
    const rightsEnd = syndication(number, revision)?.rightsEnd ?? null;
    const own = ending === 'expired' ? expires : rightsEnd;
    if (own !== at || (row[2] !== undefined && row[2] !== revision)) throw otherArticle(headOf(number, revision));
    const first = Math.min(expires ?? Number.POSITIVE_INFINITY, rightsEnd ?? Number.POSITIVE_INFINITY);
    const counts = ending === 'expired' ? first === at : expires !== at && first === at;
    return counts && first > published + delay ? { at, ending, number, head: headOf(number, revision) } : undefined;
  }

  function* endsIn(ending: Ending, view: EndsView, at: Instant): Generator<End> {
    let passed = 0;
    for (const row of until(lists, listOf(view.feed, LISTS_OF_ENDS[ending]), at)) {
      const end = endOf(row, ending, view);
      if (end !== undefined) yield end;
      else passed += 1;
      if (passed > MAX_PASSED) return;
    }
  }

  function nextIn(ending: Ending, view: EndsView, at: Instant): Instant | undefined {
    const list = listOf(view.feed, LISTS_OF_ENDS[ending]);
    if (list.parts.high[0] <= at) return undefined;
    let passed = 0;
    for (const row of lists.up(list, [at, Number.POSITIVE_INFINITY])) {
      passed += 1;
      if (passed > MAX_PASSED || endOf(row, ending, view) !== undefined) return Number(row[0]);
    }
    return undefined;
  }

  return {
    endOf,
    /** The ends up to a moment, the latest first; those of one moment by the numbers of their articles. */
    *until(view: EndsView, at: Instant): Generator<End> {
      const sources = ENDINGS.map((ending) => endsIn(ending, view, at));
      const heads = sources.map((source) => source.next());
      for (;;) {
        let newest: number | undefined;
        for (const [index, { done, value }] of heads.entries()) {
          if (done === true) continue;
          const best = newest === undefined ? undefined : heads[newest]?.value;
          if (best === undefined || isLater(value, best as End)) newest = index;
        }
        if (newest === undefined) return;
        yield heads[newest]?.value as End;
        heads[newest] = sources[newest]?.next() ?? { done: true, value: undefined };
      }
    },
    /** The moment of the next end of a story that will have appeared by then. */
    next(view: EndsView, at: Instant): Instant | undefined {
      const moments = ENDINGS.map((ending) => nextIn(ending, view, at)).filter((moment) => moment !== undefined);
      return moments.length === 0 ? undefined : Math.min(...moments);
    },
  };
}

function otherArticle({ id }: HeadRow): Error {
  return damaged(`the article “${id}” is not the one that its feeds have`);
}

function isLater(one: End, other: End): boolean {
  return one.at > other.at || (one.at === other.at && one.number > other.number);
}
