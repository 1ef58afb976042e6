import type { DatabaseSync } from 'node:sqlite';
import { createArchives } from './archives.ts';
import { createArticleIndexes } from './article-indexes.ts';
import { createArticleRows } from './article-rows.ts';
import { createAudit } from './audit.ts';
import { createAuditTexts } from './audit-texts.ts';
import { createEntries } from './entries.ts';
import { createExternalChanges } from './external-changes.ts';
import { createFeedDates } from './feed-dates.ts';
import { createFeedReader } from './feed-reader.ts';
import { createFeedRows } from './feed-rows.ts';
import { createFormerRows } from './former-rows.ts';
import { createLists } from './lists.ts';
import { createMediaUses } from './media-uses.ts';
import { createOutboxNotes } from './outbox.ts';
import { createReading } from './reading.ts';
import { createRules } from './rules.ts';
import { createSettings } from './settings.ts';
import { createSources } from './sources.ts';
import { createStoreRow } from './store-row.ts';
import { createSyndicationRows } from './syndication-rows.ts';

export type Tables = ReturnType<typeof openTables>;

/** The parts of the store that take part in a transaction. */
export function openTables(db: DatabaseSync) {
  const reading = createReading(db);
  const lists = createLists(db);
  const storeRow = createStoreRow(db, lists);
  const requireComplete = createArticleIndexes(db, { storeRow, reading });
  const settings = createSettings(db);
  const archives = createArchives(db, { lists, settings });
  const feedRows = createFeedRows(db, { lists, storeRow, archives: archives.updates });
  const outboxNotes = createOutboxNotes(db);
  const feedDates = createFeedDates(db, feedRows, outboxNotes.noteDue);
  const feeds = createFeedReader(db, { lists, storeRow });
  const rules = createRules(db, { storeRow, lists, feeds, feedRows, feedDates, archives });
  return {
    reading,
    lists,
    storeRow,
    feeds,
    feedRows,
    feedDates,
    outboxNotes,
    rules,
    settings,
    archives,
    rows: createArticleRows(db, { storeRow, requireComplete }),
    requireComplete,
    entries: createEntries(db, { rules, feedRows, lists, syndication: createSyndicationRows(db, storeRow) }),
    audit: createAudit(db, { storeRow, lists, reading }),
    auditTexts: createAuditTexts(db),
    sources: createSources(db, storeRow),
    formerRows: createFormerRows(db, { storeRow, feedRows }),
    mediaUses: createMediaUses(db, { storeRow, lists }),
    externalChanges: createExternalChanges(db, { storeRow, feedDates }),
  };
}
