import type { DatabaseSync } from 'node:sqlite';
import { type FeedKey, LATEST, type NamedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { encodeAgedChanges } from './aged-changes.ts';

export type FeedWriter = ReturnType<typeof createFeedWriter>;

interface FeedWriterParts {
  readonly at: Instant;
  /** The feeds of the operator's that select an article, by the feeds that it is in by itself. */
  readonly choose: (own: readonly FeedKey[]) => readonly FeedKey[];
}

/** The feeds of a new store: those that were copied, and those that articles name and that are made anew. */
export function createFeedWriter(db: DatabaseSync, { at, choose }: FeedWriterParts) {
  const insert = db.prepare("INSERT INTO feed (key, name, declared) VALUES (?, '', ?) RETURNING number");
  const rename = db.prepare("UPDATE feed SET name = :name WHERE number = :feed AND (name = '' OR name > :name)");
  const insertComing = db.prepare('INSERT INTO coming_name (article, feed, published, name) VALUES (?, ?, ?, ?)');
  // A reader may know the second of the last change: the feed gets a later one, and so do all pages of its archive.
  const changedOf = db.prepare('SELECT changed FROM feed WHERE number = ?');
  const update = db.prepare(`
    UPDATE feed SET revision = :revision, changed = :date, head_changed = :date, aged_changes = :aged
    WHERE number = :feed`);
  const known = db.prepare('SELECT key, number FROM feed').all();
  const numbers = new Map<FeedKey, number>(known.map(({ key, number }) => [String(key), Number(number)]));
  /** Feeds whose readers get other bytes than before, or that are made anew. */
  const touched = new Set<FeedKey>();
  const spelled = new Set<string>();

  function numberOf(key: FeedKey): number {
    const number = numbers.get(key) ?? Number(insert.get(key, key === LATEST ? 1 : 0)?.number);
    if (!numbers.has(key)) touched.add(key);
    numbers.set(key, number);
    return number;
  }

  /** All feeds of an article. */
  function withCustom(own: readonly FeedKey[]): readonly FeedKey[] {
    return [...own, ...choose(own)];
  }

  function date(feed: number, revision: number): void {
    const before = Number(changedOf.get(feed)?.changed);
    const changed = before < at ? at : Math.ceil(before / 1000) * 1000 + 1;
    const aged = encodeAgedChanges([{ age: Number.POSITIVE_INFINITY, date: changed }]);
    update.run({ feed, revision, date: changed, aged });
  }

  return {
    numberOf,
    withCustom,
    /** Names a feed as an article does. An article under embargo names it from the end of the embargo on. */
    name(article: number, publishedAt: Instant, { key, name }: NamedKey): void {
      const feed = numberOf(key);
      if (name === '') return;
      if (publishedAt > at) insertComing.run(article, feed, publishedAt, name);
      else if (!spelled.has(`${feed} ${name}`)) {
        rename.run({ feed, name });
        spelled.add(`${feed} ${name}`);
      }
    },
    /** @param own the feeds that an article is or was in by itself */
    touch(own: readonly FeedKey[]): void {
      for (const key of withCustom(own)) touched.add(key);
    },
    touchAll(): void {
      for (const key of numbers.keys()) touched.add(key);
    },
    isAnyTouched: (): boolean => touched.size > 0,
    dateTouched(revision: number): void {
      for (const key of touched) date(numberOf(key), revision);
    },
    count: (): number => numbers.size,
  };
}
