import type { DatabaseSync } from 'node:sqlite';
import type { FeedKey } from '../../feed/feeds.ts';
import type { Instant } from '../../lib/instant.ts';
import { textChecksum } from './checksums.ts';
import { type FeedRow, type FeedRows, listOf } from './feed-rows.ts';
import { LOWEST } from './list-parts.ts';
import type { Lists } from './lists.ts';

/**
 * The name of a feed at a moment. Of several spellings, the smallest one wins, so that every store has the same name.
 * Spellings of articles that are still under embargo do not count: they would announce the article. The empty name stands for
 * none: a feed has none before the first of its articles is visible, and after all of them are erased.
 */
export function nameAt(lists: Lists, feed: FeedRow, at: Instant): string {
  return namedAt(lists, feed, at).name;
}

interface Named {
  readonly name: string;
  /** The end of the embargo that gave the feed this name; 0 where none did. */
  readonly since: Instant;
  /** The end of the embargo that gives it another name. */
  readonly until?: Instant;
}

/** The name of a feed at a moment, and from when until when it has this name if only time passes. */
export function namedAt(lists: Lists, feed: FeedRow, at: Instant): Named {
  let { name } = feed;
  let since = 0;
  if (feed.lists.coming.parts.length === 0) return { name, since };
  for (const [published, , coming] of lists.up(listOf(feed, 'coming'), LOWEST)) {
    if (name !== '' && !isSmaller(String(coming), name)) continue;
    if (Number(published) > at) return { name, since, until: Number(published) };
    name = String(coming);
    since = Number(published);
  }
  return { name, since };
}

/** In the order of UTF-8, whatever the names have. */
function isSmaller(one: string, other: string): boolean {
  return one !== other && Buffer.compare(Buffer.from(one), Buffer.from(other)) < 0;
}

interface NameParts {
  readonly feedRows: FeedRows;
}

/** The spellings of feeds' names in their articles. */
export function createFeedNames(db: DatabaseSync, { feedRows }: NameParts) {
  const insertComing = db.prepare('INSERT INTO coming_name (article, feed, published, name) VALUES (?, ?, ?, ?)');
  const removeComing = db.prepare('DELETE FROM coming_name WHERE article = ? RETURNING feed, published, name');
  // A language is named by its tag, not by an article. An article whose embargo began before the store had coming names
  // gave its name at once, as visible articles do.
  const unused = db.prepare(`
    SELECT number FROM feed
    WHERE name <> '' AND key NOT LIKE 'language/%'
      AND NOT EXISTS (
        SELECT 1 FROM entry
        WHERE entry.feed = feed.number AND (
          published <= :at
          OR NOT EXISTS (
            SELECT 1 FROM coming_name WHERE coming_name.feed = entry.feed AND coming_name.article = entry.article)))
      AND NOT EXISTS (
        SELECT 1 FROM tombstone JOIN article ON article.number = tombstone.article
        WHERE tombstone.feed = feed.number AND NOT article.erased)`);

  return {
    /** Names a feed as an article does that readers can see. */
    add(feed: FeedRow, name: string): void {
      if (name === '' || feed.name === name) return;
      if (feed.name === '' || isSmaller(name, feed.name)) feedRows.touch(feed).name = name;
    },
    /** Names a feed as an article does that readers can see from `published` on. */
    addComing(article: number, published: Instant, feed: FeedRow, name: string): void {
      if (name === '') return;
      insertComing.run(article, feed.number, published, name);
      feedRows.add(feed, 'coming', [published, article, textChecksum(name)]);
    },
    removeComing(article: number): void {
      for (const { feed, published, name } of removeComing.all(article)) {
        const member = [Number(published), article, textChecksum(String(name))] as const;
        feedRows.remove(feedRows.get(Number(feed)), 'coming', member);
      }
    },
    /**
     * Removes the names of feeds that no visible article names any more but erased ones: they may be of the erased text,
     * such as its author. Their addresses stay, because readers learn of the withdrawal there. Returns the feeds that had
     * a name.
     */
    removeUnused(at: Instant): FeedKey[] {
      feedRows.save(); // the query reads their names
      const feeds = unused.all({ at }).map(({ number }) => feedRows.get(Number(number)));
      for (const feed of feeds) feedRows.touch(feed).name = '';
      return feeds.map(({ key }) => key);
    },
  };
}
