import { expect, test } from 'vitest';
import { articleText, withdrawnArticle } from '../../../src/article/stored.ts';
import { repeatsWithdrawn } from '../../../src/store/sqlite/withdrawn-record.ts';
import { article, record } from '../../helpers.ts';

const WITHDRAWN = withdrawnArticle(article(), { at: Date.UTC(2026, 10, 21), reason: 'wrong' });
const KNOWN = { public_id: WITHDRAWN.publicId, article: String(articleText(WITHDRAWN).text) };
const STORED = JSON.stringify(record());

const put = (fields: Readonly<Record<string, unknown>>) => ({
  article: articleText(article(fields)),
  record: JSON.stringify(record(fields)),
});

test.each([
  ['the same record', put({}), STORED, true],
  ['the same record in bytes', { ...put({}), record: Buffer.from(STORED) }, STORED, true],
  ['a record with the public id that an export adds', put({ publicId: WITHDRAWN.publicId }), STORED, true],
  ['a record that makes the same article', put({ language: 'en', tags: [] }), STORED, true],
  ['another record', put({ title: 'New' }), STORED, false],
  ['the same record, where the stored one withdrew itself', put({}), JSON.stringify(record({ withdrawn: {} })), false],
])('%s', (_, change, stored, expected) => {
  expect(repeatsWithdrawn(change, KNOWN, stored)).toBe(expected);
});
