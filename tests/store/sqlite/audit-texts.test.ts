import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { AUDIT_COLUMNS, checkedAudit } from '../../../src/store/sqlite/audit-rows.ts';
import { createAuditTexts } from '../../../src/store/sqlite/audit-texts.ts';
import { rowChecksum } from '../../../src/store/sqlite/checksums.ts';

interface Row {
  readonly actor: unknown;
  readonly runs: readonly { readonly article: number; readonly count: number; [field: string]: unknown }[];
}

function openRows(rows: readonly Row[]) {
  const db = new DatabaseSync(':memory:');
  onTestFinished(() => db.close());
  db.exec(`CREATE TABLE audit (revision INTEGER PRIMARY KEY, at INTEGER NOT NULL, lowest INTEGER NOT NULL,
    highest INTEGER NOT NULL, actor TEXT, runs TEXT NOT NULL, checksum INTEGER NOT NULL) STRICT;
    CREATE INDEX audit_range ON audit (highest, lowest) WHERE lowest < highest`);
  const insert = db.prepare(`INSERT INTO audit (${AUDIT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`);
  for (const [index, { actor, runs }] of rows.entries()) {
    const last = runs.map(({ article, count }) => article + count - 1);
    const first = runs.map(({ article }) => article);
    const text = actor === null ? null : JSON.stringify(actor);
    const columns = [index, 0, Math.min(...first), Math.max(...last), text, JSON.stringify(runs)] as const;
    insert.run(...columns, rowChecksum(columns));
  }
  return {
    db,
    rows: () => db.prepare(`SELECT ${AUDIT_COLUMNS} FROM audit ORDER BY revision`).all().map(checkedAudit).map(parsed),
  };
}

function parsed({ actor, runs }: Readonly<{ actor: string | null; runs: string }>): unknown {
  return { actor: actor === null ? null : JSON.parse(actor), runs: JSON.parse(runs) };
}

const what = 'withdrawn';
const key = { kind: 'key', id: 'k', name: 'CMS' };
const importOf = (source: string) => ({ kind: 'import', source });

test.each<[string, Row, Row]>([
  [
    'a reason',
    { actor: key, runs: [{ article: 2, count: 1, what, reason: 'Secret' }] },
    { actor: key, runs: [{ article: 2, count: 1, what }] },
  ],
  [
    'the file of the article',
    { actor: { kind: 'file', path: 'articles/secret.md' }, runs: [{ article: 2, count: 1, what }] },
    { actor: { kind: 'file', path: '' }, runs: [{ article: 2, count: 1, what }] },
  ],
  [
    'the imported file of the article alone',
    {
      actor: importOf('secret.md'),
      runs: [
        { article: 2, count: 1, what },
        { article: 3, count: 1, what, source: 'b.md' },
      ],
    },
    {
      actor: importOf(''),
      runs: [
        { article: 2, count: 1, what },
        { article: 3, count: 1, what, source: 'b.md' },
      ],
    },
  ],
  [
    'its own source in a row of another',
    {
      actor: importOf('a.md'),
      runs: [
        { article: 1, count: 1, what },
        { article: 2, count: 1, what, source: 's.md' },
      ],
    },
    {
      actor: importOf('a.md'),
      runs: [
        { article: 1, count: 1, what },
        { article: 2, count: 1, what, source: '' },
      ],
    },
  ],
])('%s is erased', (_, row, erased) => {
  const { db, rows } = openRows([row]);
  createAuditTexts(db).eraseTexts(2);
  expect(rows()).toEqual([erased]);
});

test.each<[string, Row]>([
  ['the source of many articles', { actor: importOf('all.ndjson'), runs: [{ article: 1, count: 500, what }] }],
  [
    'the reason of another article',
    {
      actor: key,
      runs: [
        { article: 1, count: 1, what, reason: 'Wrong' },
        { article: 3, count: 1, what },
      ],
    },
  ],
  ['a row without an actor', { actor: null, runs: [{ article: 2, count: 1, what }] }],
  [
    'a row of others',
    { actor: { kind: 'file', path: 'articles/b.md' }, runs: [{ article: 9, count: 1, what, reason: 'r' }] },
  ],
])('%s stays', (_, row) => {
  const { db, rows } = openRows([row]);
  createAuditTexts(db).eraseTexts(2);
  expect(rows()).toEqual([row]);
});
