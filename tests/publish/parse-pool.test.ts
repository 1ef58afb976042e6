import { expect, onTestFinished, test } from 'vitest';
import { jsonString } from '../../src/lib/json.ts';
import { openParsePool } from '../../src/publish/parse-pool.ts';
import { parseHere } from '../../src/publish/publish.ts';
import { type ParsedRecord, type UnparsedRecord, unparsedRecord } from '../../src/publish/unparsed-record.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { dataFolder, record } from '../helpers.ts';

/** The results of this thread and of a pool, whose texts are bytes, as text. */
async function bothWays(records: readonly UnparsedRecord[]) {
  const { newsroom, store } = openDataFolder(await dataFolder());
  const pool = openParsePool(newsroom, 2);
  onTestFinished(async () => {
    await pool.close();
    await store.close();
  });
  const here = await parseHere(newsroom)(records);
  const there = await pool.parse(records);
  const readable = (results: readonly (ParsedRecord | Error)[]) =>
    results.map((result) =>
      result instanceof Error
        ? { ...result, message: result.message }
        : {
            ...result,
            record: jsonString(result.record),
            article: { ...result.article, text: jsonString(result.article.text) },
          },
    );
  return { here: readable(here), there: readable(there) };
}

const json = (fields: Readonly<Record<string, unknown>>): UnparsedRecord => ({
  json: Buffer.from(JSON.stringify(fields)),
});

const { publishedAt: _, ...undated } = record({ id: 'undated' });

test('threads parse records to the same results as this thread, in their order', async () => {
  const { here, there } = await bothWays([
    ...Array.from({ length: 250 }, (_, number) =>
      json(record({ id: `story-${number}`, title: 'Bridge '.repeat((number % 9) + 1) })),
    ),
    unparsedRecord(record({ id: 'string', withdrawn: { at: '2026-11-20T10:00:00Z', reason: 'wrong' } })),
    unparsedRecord(record({ id: 'string-ckb', language: 'ckb', title: 'پردەکە کرایەوە 🌉' })),
    { ...json({ ...record({ title: 'نوێ' }), id: null }), id: 'from-the-address' },
    { ...json(record({ id: 'a' })), id: 'b' },
    { ...unparsedRecord(undated), publishedAt: '2026-11-21T09:00:00Z' },
    { json: Buffer.from(JSON.stringify(record({ id: 'compacted' }), null, 2)), isCompacted: true },
    { json: Buffer.from(`\uFEFF${JSON.stringify(record({ id: 'marked' }), null, 2)}`) },
    json(record({ id: 'hides', body: '<p>a</p><p hidden>b</p>' })),
    json(record({ id: '' })),
    { json: Buffer.from('{"id":') },
    json(record({ id: 'ckb', language: 'ckb', title: 'پردەکە کرایەوە 🌉' })),
  ]);
  expect(there).toEqual(here);
  expect(there).toHaveLength(261);
  expect(there.find((result) => 'adjustments' in result)).toMatchObject({ adjustments: [{ count: 1, value: 'b' }] });
  expect(there.filter((result) => 'code' in result)).toHaveLength(3);
});

test('so do articles that are far longer than their records', async () => {
  const lines = Array.from({ length: 2000 }, () => '☂').join('\n\n');
  const { here, there } = await bothWays(
    Array.from({ length: 5 }, (_, number) => json(record({ id: `story-${number}`, body: lines, bodyFormat: 'text' }))),
  );
  expect(there).toEqual(here);
});

test('more feeds than the table holds are sent again', async () => {
  const topics = (number: number) => Array.from({ length: 100 }, (_, tag) => `Topic ${number * 100 + tag}`);
  const { here, there } = await bothWays([
    ...Array.from({ length: 1200 }, (_, number) => json(record({ id: `story-${number}`, tags: topics(number) }))),
    ...Array.from({ length: 250 }, (_, number) => json(record({ id: `later-${number}`, tags: topics(number % 3) }))),
  ]);

  expect(there).toEqual(here);
});
