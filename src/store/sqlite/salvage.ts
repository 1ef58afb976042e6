import type { DatabaseSync } from 'node:sqlite';
import { readEvidence } from './article-remains.ts';
import { copyFormer } from './check-former.ts';
import {
  AUDIT_COLUMNS,
  auditRows,
  isWholeAudit,
  isWholeKey,
  isWholeSetting,
  KEY_COLUMNS,
  SETTING_COLUMNS,
} from './check-rows.ts';
import { SET_NO_SIZES } from './migrations.ts';
import { highestKey, ifReadable } from './readable-rows.ts';
import { copyArticles, type LostArticle, type SalvageParts } from './salvage-articles.ts';
import { createFeedWriter } from './salvage-feeds.ts';
import { copyFeeds, copyRows, copySources, createCopyRow, lastRevision, readSources } from './salvage-tables.ts';
import { createSalvageWriter } from './salvage-writer.ts';

/** What a repair kept and lost. */
export interface Salvaged {
  readonly articles: number;
  readonly feeds: number;
  readonly keys: number;
  /** Ids of articles whose record was damaged and made from the article, or the other way round. */
  readonly rebuilt: readonly string[];
  readonly lostReasons: readonly string[];
  readonly lost: readonly LostArticle[];
  readonly lostFeeds: readonly string[];
  readonly lostKeys: readonly string[];
  /** Rows of other tables. */
  readonly lostRows: readonly string[];
}

/** The smallest row of an article: a damaged number cannot claim more rows than fit into the file. */
const MIN_ROW = 16;

/** Copies what is whole of a damaged store into a new one without rows. */
export async function salvage(from: DatabaseSync, to: DatabaseSync, parts: SalvageParts): Promise<Salvaged> {
  const lostRows: string[] = [];
  to.exec('BEGIN; DELETE FROM setting; DELETE FROM feed');
  const copy = createCopyRow(to);
  const feeds = copyFeeds(from, copy);
  const last = lastNumber(from);
  const audit = function* () {
    for (const row of auditRows(from, () => {})) if (isWholeAudit(row)) yield row;
  };
  const evidence = readEvidence(from, last, audit());
  const { revision, rules, lostChanges } = lastRevision(from, audit());
  if (lostChanges !== undefined) lostRows.push(lostChanges);
  const feedWriter = createFeedWriter(to, { at: parts.at, choose: feeds.choose });
  const writer = createSalvageWriter(to, feedWriter);
  const report = (row: string) => lostRows.push(row);
  copyRows(from, copy, { table: 'setting', key: 'name', columns: SETTING_COLUMNS, isWhole: isWholeSetting }, report);
  to.exec(SET_NO_SIZES);
  const lostKeys: string[] = [];
  const keys = copyRows(from, copy, { table: 'key', key: 'id', columns: KEY_COLUMNS, isWhole: isWholeKey }, (key) =>
    lostKeys.push(key),
  );
  const sources = readSources(from, report);
  const articles = await copyArticles(from, writer, { ...parts, evidence, last, sources, feeds, feedWriter });
  const areWhole = sources.areWhole && parts.arePagesWhole;
  copySources(copy, { ...sources, areWhole }, { withdrawn: articles.withdrawn, forgotten: forgottenIn(articles.lost) });
  copyFormer({ from, to }, copy, report);
  let highestNumber = last;
  for (const row of auditRows(from, (problem) => report(`audit: ${problem}`))) {
    if (isWholeAudit(row)) copy('audit', AUDIT_COLUMNS, row);
    else report(`audit: the change with the revision ${row.revision}`);
    highestNumber = Math.max(highestNumber, isWholeAudit(row) ? Number(row.highest) : 0);
  }
  if (articles.isAnyFeedTouched) feedWriter.touchAll();
  writer.finish({ revision, rules: rules + 1, highestNumber });
  to.exec('COMMIT');
  return {
    articles: articles.count,
    feeds: feedWriter.count(),
    keys,
    rebuilt: articles.rebuilt,
    lostReasons: articles.lostReasons,
    lost: articles.lost,
    lostFeeds: feeds.lost,
    lostKeys,
    lostRows,
  };
}

/** The articles whose files the store forgets: to be read again at the next start, or refused for ever. */
function forgottenIn(lost: readonly LostArticle[]): ReadonlySet<string> {
  return new Set(lost.flatMap(({ id, state, isSealed }) => (state === 'listed' || isSealed ? (id ?? []) : [])));
}

function lastNumber(from: DatabaseSync): number {
  const { bytes = 0 } =
    ifReadable(() => {
      const size = (pragma: string) => Number(Object.values(from.prepare(`PRAGMA ${pragma}`).get() ?? {})[0]);
      return { bytes: size('page_count') * size('page_size') };
    }) ?? {};
  return Math.min(highestKey(from, 'article', 'number'), Math.floor(bytes / MIN_ROW));
}
