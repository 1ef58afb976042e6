import type { EntryRef, Status } from '../../store/store.ts';

type Dated = Pick<EntryRef, 'publishedAt' | 'updatedAt'> & { readonly ref: number };

/** What a feed holds: how many articles, and which of them are the newest that readers see. */
export interface FeedTally {
  /** The newsroom's name for the feed. */
  readonly name: string;
  readonly add: (status: Status, article: Dated) => void;
  readonly count: (status: Status) => number;
  /** The newest visible articles, the newest first. */
  readonly newest: (limit: number) => readonly EntryRef[];
}

/** Numbers that are kept of an article: its own, and its two dates. */
const WIDTH = 3;

/** @param limit visible articles that are kept */
export function createFeedTally(name: string, limit: number): FeedTally {
  const counts = new Map<Status, number>();
  /** Without objects: ten thousand feeds keep half a million articles. */
  let kept: number[] = [];

  function entries(): EntryRef[] {
    const found: EntryRef[] = [];
    for (let at = 0; at < kept.length; at += WIDTH) {
      const [number = 0, publishedAt = 0, updatedAt = 0] = kept.slice(at, at + WIDTH);
      found.push({ number, revision: 0, publishedAt, updatedAt });
    }
    return found.sort((one, other) => other.publishedAt - one.publishedAt || other.number - one.number);
  }

  function shrink(): void {
    const newest = entries().slice(0, limit);
    kept = newest.flatMap(({ number, publishedAt, updatedAt }) => [number, publishedAt, updatedAt]);
  }

  return {
    name,
    add(status, { ref, publishedAt, updatedAt }) {
      counts.set(status, (counts.get(status) ?? 0) + 1);
      if (status !== 'visible') return;
      kept.push(ref, publishedAt, updatedAt);
      if (kept.length >= 2 * WIDTH * Math.max(limit, 1)) shrink();
    },
    count: (status) => counts.get(status) ?? 0,
    newest: (most) => entries().slice(0, most),
  };
}
