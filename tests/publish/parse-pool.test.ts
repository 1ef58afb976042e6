import { expect, onTestFinished, test } from 'vitest';
import { jsonString } from '../../src/lib/json.ts';
import { openParsePool } from '../../src/publish/parse-pool.ts';
import type { ParsedRecord, Unparsed } from '../../src/publish/parsed-record.ts';
import { parseHere } from '../../src/publish/publish.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { dataFolder, record } from '../helpers.ts';

/** The same parsed here and in threads, whose texts are bytes, as text. */
async function bothWays(records: readonly Unparsed[]) {
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

const json = (fields: Readonly<Record<string, unknown>>): Unparsed => ({ json: Buffer.from(JSON.stringify(fields)) });

test('threads make the same of records as this one, in their order, whatever they are', async () => {
  const { here, there } = await bothWays([
    ...Array.from({ length: 250 }, (_, number) =>
      json(record({ id: `story-${number}`, title: 'Bridge '.repeat((number % 9) + 1) })),
    ),
    { record: record({ id: 'object', withdrawn: { at: '2026-11-20T10:00:00Z', reason: 'wrong' } }) },
    json(record({ id: '' })),
    { json: Buffer.from('{"id":') },
    json(record({ id: 'ckb', language: 'ckb', title: 'پردەکە کرایەوە 🌉' })),
  ]);
  expect(there).toEqual(here);
  expect(there).toHaveLength(254);
  expect(there.filter((result) => 'code' in result)).toHaveLength(2);
});

test('so it is where articles are far longer than their records', async () => {
  const lines = Array.from({ length: 2000 }, () => '☂').join('\n\n');
  const { here, there } = await bothWays(
    Array.from({ length: 5 }, (_, number) => json(record({ id: `story-${number}`, body: lines, bodyFormat: 'text' }))),
  );
  expect(there).toEqual(here);
});

test('more feeds than both sides remember are told of again', async () => {
  const topics = (number: number) => Array.from({ length: 100 }, (_, tag) => `Topic ${number * 100 + tag}`);
  const { here, there } = await bothWays([
    ...Array.from({ length: 1200 }, (_, number) => json(record({ id: `story-${number}`, tags: topics(number) }))),
    ...Array.from({ length: 250 }, (_, number) => json(record({ id: `later-${number}`, tags: topics(number % 3) }))),
  ]);

  expect(there).toEqual(here);
});
