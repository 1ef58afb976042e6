import type { DatabaseSync } from 'node:sqlite';
import type { Article } from '../../article/article.ts';
import { mediaNamesIn } from '../../article/media-names.ts';
import { urlHash } from '../../article/stored.ts';
import type { FeedKey } from '../../feed/feeds.ts';
import { ownFeedsOf, type WholeArticle } from './check-article.ts';
import type { CheckedFeeds } from './check-feeds.ts';
import { jsonOf, matchesChecksum } from './check-rows.ts';
import { type ArticleHead, textChecksum } from './checksums.ts';
import { isInFeeds, tieBreaker } from './entries.ts';
import type { Damage } from './found-damage.ts';
import { type AnyRow, ifReadable, isDamage } from './readable-rows.ts';
import { createRest } from './rest.ts';

/** Checks that each article stands in exactly the lists that it belongs to. */
export function createPlaceChecks(db: DatabaseSync, feeds: CheckedFeeds, onDamage: (damage: Damage) => void) {
  const selectPlace = db.prepare('SELECT * FROM place WHERE article = ?');
  const selectEntry = db.prepare('SELECT * FROM entry WHERE feed = ? AND published = ? AND tie = ? AND article = ?');
  const selectTombstone = db.prepare('SELECT * FROM tombstone WHERE feed = ? AND at = ? AND article = ?');
  const selectRights = db.prepare('SELECT revision FROM rights_end WHERE feed = ? AND at = ? AND article = ?');
  const selectSyndication = db.prepare('SELECT * FROM syndication WHERE article = ?');
  const selectMedia = db.prepare(
    'SELECT path, path_checksum FROM media_use INDEXED BY media_use_article WHERE article = ?',
  );
  const expected = {
    entry: new Map<FeedKey, number>(),
    tombstone: new Map<FeedKey, number>(),
    rights_end: new Map<FeedKey, number>(),
  };
  let syndicated = 0;
  const count = (list: keyof typeof expected, key: FeedKey) =>
    expected[list].set(key, (expected[list].get(key) ?? 0) + 1);

  function check(checked: WholeArticle): void {
    try {
      for (const problem of problemsOf(checked)) onDamage({ kind: 'article', name: checked.name, problem });
    } catch (error) {
      if (!isDamage(error)) throw error;
      onDamage({
        kind: 'article',
        name: checked.name,
        problem: `its feeds cannot be read: ${(error as Error).message}`,
      });
    }
  }

  function* problemsOf({ number, head, article: { text, value }, record }: WholeArticle): Generator<string> {
    const place = selectPlace.get(number);
    const own = ownFeedsOf(value, record.value, head.erased === 1);
    const isListed = isInFeeds(value);
    if (isListed && place === undefined) yield 'it has no place in feeds';
    if (!isListed && place !== undefined)
      yield 'it was withdrawn before readers could see it, but has a place in feeds';
    if (isListed && place !== undefined) {
      const problem = placeProblem(place, head, value) ?? feedsProblem(place, own);
      if (problem !== undefined) yield problem;
      const keys = feeds.withCustomFeeds(own);
      yield* listProblems(number, place, head, keys);
      yield* syndicationProblems(number, value, head, keys);
    }
    if (head.withdrawn !== null) return; // its files are not served
    const listed = selectMedia.all(number);
    const isWhole = listed.every(({ path, path_checksum: sum }) => sum === textChecksum(String(path)));
    const paths = listed.map(({ path }) => String(path));
    if (!isWhole || !isSameSet(mediaNamesIn(text), paths)) yield 'the store lists other files of it than it names';
  }

  function feedsProblem(place: AnyRow, own: readonly FeedKey[]): string | undefined {
    const numbers = jsonOf(place.feeds);
    const keys = Array.isArray(numbers) ? numbers.map((feed) => feeds.keys.get(Number(feed)) ?? '') : [];
    return isSameSet(keys, own) ? undefined : 'its place names other feeds than the article';
  }

  function* listProblems(
    number: number,
    { published, tie }: AnyRow,
    { withdrawn, expires, revision }: ArticleHead,
    keys: readonly FeedKey[],
  ): Generator<string> {
    const list = withdrawn === null ? 'entry' : 'tombstone';
    for (const key of new Set(keys)) {
      const feed = feeds.numbers.get(key) ?? 0;
      const row =
        withdrawn === null
          ? selectEntry.get(feed, Number(published), Number(tie), number)
          : selectTombstone.get(feed, withdrawn, number);
      if (row !== undefined) count(list, key);
      if (row === undefined) yield `it is missing in the list of the feed ${key}`;
      else if ((row.revision ?? revision) !== revision || (withdrawn === null && row.expires !== expires))
        yield `the list of the feed ${key} has other dates of it`;
    }
  }

  function* syndicationProblems(
    number: number,
    { rights, correction }: Article,
    { withdrawn, revision }: ArticleHead,
    keys: readonly FeedKey[],
  ): Generator<string> {
    const [rightsEnd, corrected] = [rights?.endsAt ?? null, correction?.at ?? null];
    if (rightsEnd === null && corrected === null) return;
    syndicated += 1;
    const row = selectSyndication.get(number);
    if (row?.rights_end !== rightsEnd || row.corrected !== corrected || row.revision !== revision)
      yield 'the store has other rights or another correction of it';
    if (withdrawn !== null || rightsEnd === null) return;
    for (const key of new Set(keys)) {
      const listed = selectRights.get(feeds.numbers.get(key) ?? 0, rightsEnd, number);
      if (listed !== undefined) count('rights_end', key);
      if (listed?.revision !== revision) yield `the list of the feed ${key} has other rights of it`;
    }
  }

  /** Call this after the check of all articles, if all are whole: a list that is longer has rows of no article. */
  async function checkCounts(): Promise<void> {
    const rest = createRest();
    checkSyndicated();
    for (const list of ['entry', 'tombstone', 'rights_end'] as const) {
      const rowsOf = db.prepare(`SELECT count(*) AS count FROM ${list} WHERE feed = ?`);
      const total = db.prepare(`SELECT count(*) AS count FROM ${list}`);
      let sum = 0;
      try {
        for (const [key, feed] of feeds.numbers) {
          const actual = Number(rowsOf.get(feed)?.count);
          const surplus = actual - (expected[list].get(key) ?? 0);
          if (surplus > 0 && !feeds.filling.has(key))
            onDamage({ kind: 'feed', name: key, problem: `its list (${list}) has ${surplus} rows of no article` });
          sum += actual;
          await rest();
        }
        const others = Number(total.get()?.count) - sum;
        if (others > 0) onDamage({ kind: 'table', name: list, problem: `${others} rows are of no feed` });
      } catch (error) {
        if (!isDamage(error)) throw error;
        onDamage({ kind: 'table', name: list, problem: `rows cannot be read: ${(error as Error).message}` });
      }
    }
  }

  function checkSyndicated(): void {
    const found = ifReadable(() => Number(db.prepare('SELECT count(*) AS count FROM syndication').get()?.count));
    if (found === undefined) onDamage({ kind: 'table', name: 'syndication', problem: 'its rows cannot be read' });
    else if (found > syndicated)
      onDamage({ kind: 'table', name: 'syndication', problem: `${found - syndicated} rows are of no article` });
  }

  return { check, checkCounts };
}

const PLACE_COLUMNS = ['article', 'published', 'tie', 'expires', 'feeds', 'url_hash', 'revision'];

/** What is wrong with the place of an article; undefined if it is whole. Tombstones of early versions have no tie. */
function placeProblem(place: AnyRow, head: ArticleHead, { url, publicId }: Article): string | undefined {
  const { published, expires, withdrawn, revision } = head;
  if (!matchesChecksum({ ...place, revision }, PLACE_COLUMNS)) return 'its place does not match its checksum';
  const isSameTie = withdrawn !== null || place.tie === tieBreaker(publicId);
  if (place.published !== published || place.expires !== expires || !isSameTie) return 'its place has other dates';
  const isSameUrl = place.url_hash === (withdrawn === null ? urlHash(url) : null);
  return isSameUrl ? undefined : 'its place has the hash of another address';
}

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  const set = new Set(one);
  return set.size === new Set(other).size && other.every((item) => set.has(item));
}
