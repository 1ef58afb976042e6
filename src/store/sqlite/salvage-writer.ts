import type { DatabaseSync } from 'node:sqlite';
import { mediaNamesIn } from '../../article/media-names.ts';
import { urlHash } from '../../article/stored.ts';
import { LATEST } from '../../feed/feeds.ts';
import { defineMigrationFunctions } from './database.ts';
import { isInFeeds, tieBreaker } from './entries.ts';
import { SEAL } from './migrations.ts';
import type { SalvagedArticle } from './rebuilt-article.ts';
import type { FeedWriter } from './salvage-feeds.ts';

export type SalvageWriter = ReturnType<typeof createSalvageWriter>;

/** What the next changes to the new store count on. */
interface Counters {
  /** The last revision that the old store gave. */
  readonly revision: number;
  readonly rules: number;
  /** The highest number of an article, lost ones and those in the history included. */
  readonly highestNumber: number;
}

/** Writes articles into a new store. The lists of feeds are made of the articles anew; checksums follow at the end. */
export function createSalvageWriter(db: DatabaseSync, feeds: FeedWriter) {
  const insertArticle = db.prepare(`
    INSERT OR IGNORE INTO article
      (number, id, public_id, revision, published, updated, expires, withdrawn, erased, article, record)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const insertPlace = db.prepare(
    'INSERT INTO place (article, published, tie, expires, feeds, url_hash) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const insertEntry = db.prepare('INSERT INTO entry (feed, published, tie, article, expires) VALUES (?, ?, ?, ?, ?)');
  const insertTombstone = db.prepare('INSERT INTO tombstone (feed, at, article) VALUES (?, ?, ?)');
  const insertRights = db.prepare('INSERT INTO rights_end (feed, at, article) VALUES (?, ?, ?)');
  const insertSyndication = db.prepare('INSERT INTO syndication (article, rights_end, corrected) VALUES (?, ?, ?)');
  const insertMedia = db.prepare('INSERT OR IGNORE INTO media_use (path, article) VALUES (?, ?)');
  /** The numbers of articles that are not what they were. */
  const renewed: number[] = [];

  function addPlace({ number, article, feeds: own }: SalvagedArticle): void {
    if (!isInFeeds(article)) return;
    const { publishedAt, expiresAt = null, withdrawn, publicId, url, rights, correction } = article;
    const [rightsEnd, corrected] = [rights?.endsAt ?? null, correction?.at ?? null];
    const keys = own.map(({ key }) => key);
    const tie = tieBreaker(publicId);
    for (const feed of feeds.withCustom(keys).map(feeds.numberOf)) {
      if (withdrawn === undefined) insertEntry.run(feed, publishedAt, tie, number, expiresAt);
      if (withdrawn === undefined && rightsEnd !== null) insertRights.run(feed, rightsEnd, number);
      if (withdrawn !== undefined) insertTombstone.run(feed, withdrawn.at, number);
    }
    if (rightsEnd !== null || corrected !== null) insertSyndication.run(number, rightsEnd, corrected);
    const hash = withdrawn === undefined ? urlHash(url) : null;
    insertPlace.run(number, publishedAt, tie, expiresAt, `[${keys.map(feeds.numberOf).join()}]`, hash);
    for (const feed of own) feeds.name(number, publishedAt, feed);
  }

  function giveRevisions(last: number): number {
    const row = db
      .prepare('SELECT max((SELECT max(revision) FROM article), (SELECT max(revision) FROM feed)) AS highest')
      .get();
    let revision = Math.max(last, Number(row?.highest ?? 0));
    const update = db.prepare('UPDATE article SET revision = ? WHERE number = ?');
    for (const number of renewed) {
      revision += 1;
      update.run(revision, number);
    }
    return revision;
  }

  return {
    /** Returns false where another article has one of its ids. */
    add(salvaged: SalvagedArticle): boolean {
      const { number, head, text, record, feeds: own } = salvaged;
      const revision = salvaged.revision ?? -number; // its new one follows when all others are known
      const columns = [head.published, head.updated, head.expires, head.withdrawn, head.erased, text, record] as const;
      const { changes } = insertArticle.run(number, head.id, head.public_id, revision, ...columns);
      if (changes === 0) return false;
      if (salvaged.revision === undefined) {
        renewed.push(number);
        feeds.touch(own.map(({ key }) => key));
      }
      addPlace(salvaged);
      const media = head.erased === 1 ? [] : mediaNamesIn(text);
      for (const path of media) insertMedia.run(path, number);
      return true;
    },
    finish({ revision: last, rules, highestNumber }: Counters): void {
      feeds.numberOf(LATEST); // every store has it
      let revision = giveRevisions(last);
      if (feeds.isAnyTouched()) revision += 1;
      feeds.dateTouched(revision);
      db.prepare('UPDATE revision SET last = ?, rules = ?').run(revision, rules);
      db.exec("DELETE FROM sqlite_sequence WHERE name = 'article'");
      db.prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('article', ?)").run(highestNumber);
      defineMigrationFunctions(db);
      db.exec(SEAL);
    },
  };
}
