import type { DatabaseSync } from 'node:sqlite';
import { checkArticle, isWhole, type WholeArticle } from './check-article.ts';
import { checkFeeds } from './check-feeds.ts';
import { checkFormer } from './check-former.ts';
import { checkLists } from './check-lists.ts';
import { createPlaceChecks } from './check-places.ts';
import { checkAudit, checkKeys, checkRevision, checkSettings, checkSources } from './check-rows.ts';
import { checkSchema } from './check-schema.ts';
import type { Damage } from './found-damage.ts';
import { highestKey, ifReadable, isDamage, rowsByNumber } from './readable-rows.ts';
import { createRest } from './rest.ts';

export interface CheckParts {
  readonly onDamage: (damage: Damage) => void;
  readonly progress: (done: number, total: number) => void;
}

export interface CheckedStore {
  readonly articles: number;
  readonly feeds: number;
}

/** Problems that SQLite lists at most. */
const MAX_PAGE_PROBLEMS = 1000;

/**
 * Checks everything that a store keeps, by SQLite's own check of its pages, by checksums, and by what its tables say of each
 * other. Reads one state of the store, whatever other processes write meanwhile.
 */
export async function checkStore(db: DatabaseSync, parts: CheckParts): Promise<CheckedStore> {
  return await inOneState(db, async () => {
    checkPages(db, parts);
    checkSchema(db, (name, problem) => parts.onDamage({ kind: 'table', name, problem }));
    const report = (table: string) => (problem: string) => parts.onDamage({ kind: 'table', name: table, problem });
    checkSettings(db, report('setting'));
    checkKeys(db, report('key'));
    checkSources(db, report('source'));
    await checkAudit(db, report('audit'));
    checkFormer(db, report('former_member'));
    checkRevision(db, report('revision'));
    const feeds = checkFeeds(db, parts.onDamage);
    await checkLists(db, parts.onDamage);
    const places = placeChecks(db, feeds, parts);
    const { articles, areWhole } = await checkArticles(db, parts, places?.check);
    if (areWhole) await places?.checkCounts();
    return { articles, feeds: feeds.numbers.size };
  });
}

/** Undefined where the definitions of the tables are damaged. */
function placeChecks(db: DatabaseSync, feeds: ReturnType<typeof checkFeeds>, { onDamage }: CheckParts) {
  try {
    return createPlaceChecks(db, feeds, onDamage);
  } catch (error) {
    if (!isDamage(error)) throw error;
    onDamage({ kind: 'table', name: 'place', problem: (error as Error).message });
    return undefined;
  }
}

/** Checks what a store of an earlier version has as well: its pages, and its articles by themselves. */
export async function checkOutdated(db: DatabaseSync, parts: CheckParts): Promise<CheckedStore> {
  return await inOneState(db, async () => {
    checkPages(db, parts);
    const feeds = Number(ifReadable(() => db.prepare('SELECT count(*) AS count FROM feed').get())?.count ?? 0);
    const { articles } = await checkArticles(db, parts);
    return { articles, feeds };
  });
}

async function inOneState<Result>(db: DatabaseSync, work: () => Promise<Result>): Promise<Result> {
  db.exec('BEGIN');
  try {
    return await work();
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK');
  }
}

function checkPages(db: DatabaseSync, { onDamage }: CheckParts): void {
  try {
    for (const row of db.prepare(`PRAGMA integrity_check(${MAX_PAGE_PROBLEMS})`).iterate()) {
      if (row.integrity_check === 'ok') continue;
      // The first row has a heading, and a line for each damaged page.
      const text = String(row.integrity_check).replace(/^\*\*\* in database \w+ \*\*\*\n/, '');
      for (const problem of text.split('\n')) onDamage({ kind: 'file', name: '', problem });
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    onDamage({ kind: 'file', name: '', problem: (error as Error).message });
  }
}

/** Returns how many articles can be read, and whether all are whole. */
async function checkArticles(
  db: DatabaseSync,
  { onDamage, progress }: CheckParts,
  checkPlace: (article: WholeArticle) => void = () => {},
): Promise<{ readonly articles: number; readonly areWhole: boolean }> {
  const rest = createRest();
  const last = highestKey(db, 'article', 'number');
  let articles = 0;
  let areWhole = true;
  const rows = rowsByNumber(db, { table: 'article', key: 'number', columns: '*', last }, ({ from, to, reason }) => {
    const numbers = from === to ? `number ${from}` : `numbers ${from} to ${to}`;
    areWhole = false;
    onDamage({ kind: 'table', name: 'article', problem: `the articles with the ${numbers} cannot be read: ${reason}` });
  });
  for (const row of rows) {
    const article = checkArticle(row);
    for (const problem of article.problems) onDamage({ kind: 'article', name: article.name, problem });
    if (isWhole(article)) checkPlace(article);
    else areWhole = false;
    articles += 1;
    progress(article.number, last);
    await rest();
  }
  return { articles, areWhole };
}
