import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Newsroom } from '../../src/article/newsroom.ts';
import { PublisherError } from '../../src/errors.ts';
import { jsonString } from '../../src/lib/json.ts';
import { inOrder, openParsePool } from '../../src/publish/parse-pool.ts';
import { type Loss, LostTask, type ParseThread, startParseThread } from '../../src/publish/parse-thread.ts';
import { parseHere } from '../../src/publish/publish.ts';
import { type ParsedRecord, type UnparsedRecord, unparsedRecord } from '../../src/publish/unparsed-record.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { dataFolder, newsroom, record } from '../helpers.ts';

/** The results of this thread and of a pool, whose texts are bytes, as text. The pool's have checksums, which must be right. */
async function bothWays(records: readonly UnparsedRecord[]) {
  const { newsroom, store } = openDataFolder(await dataFolder());
  const pool = openParsePool(newsroom, { threads: 2 });
  onTestFinished(async () => {
    await pool.close();
    await store.close();
  });
  const here = await parseHere(newsroom)(records);
  const there = await pool.parse(records);
  const readable = (results: readonly (ParsedRecord | Error)[]) =>
    results.map((result) => {
      if (result instanceof Error) return { ...result, message: result.message };
      const { textChecksums, ...rest } = result;
      const texts = { article: rest.article.text, record: rest.record };
      if (textChecksums !== undefined)
        expect(textChecksums).toEqual({ article: crc32(texts.article), record: crc32(texts.record) });
      return {
        ...rest,
        record: jsonString(texts.record),
        article: { ...rest.article, text: jsonString(texts.article) },
      };
    });
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

/** The name of a record for threads that parse nothing. */
const named = (id: string, client = '', connection = ''): UnparsedRecord => ({
  id,
  json: '{}',
  origin: { client, connection },
});
const parsed = (id: string) => ({ id }) as unknown as ParsedRecord;
const nextRound = () => new Promise((resolve) => setImmediate(resolve));

/** A pool whose threads parse nothing: a task is done when the test says so. */
function poolOf(options: { readonly threads: number; readonly perClient?: number; readonly ahead?: number }) {
  let started = 0;
  const running = new Map<string, { readonly done: () => void; readonly lose: (loss: Loss | undefined) => void }>();
  const began: string[] = [];
  const startThread = (): ParseThread => {
    started += 1;
    return {
      parse: (records) =>
        new Promise((resolve, reject) => {
          const names = records.map(({ id = '' }) => id).join('');
          began.push(names);
          running.set(names, {
            done: () => resolve([...names].map(parsed)),
            lose: (loss) => reject(new LostTask(loss, new Error('a defect'))),
          });
        }),
      close: async () => {},
    };
  };
  const pool = openParsePool(newsroom, { ...options, startThread });
  return {
    pool,
    began,
    started: () => started,
    async end(names: string, loss?: Loss | 'not begun') {
      const task = running.get(names);
      running.delete(names);
      if (loss === undefined) task?.done();
      else task?.lose(loss === 'not begun' ? undefined : loss);
      await nextRound();
    },
  };
}

describe('the threads of a pool', () => {
  test('serve clients in turn, and the connections of each', async () => {
    const { pool, began, end } = poolOf({ threads: 1 });
    const all = ['a1', 'a1', 'a1', 'b1', 'b1', 'a2', 'c1'].map((of, index) =>
      pool.parse([named(String(index), of.charAt(0), of.charAt(1))]),
    );
    for (let count = 0; count < all.length; count += 1) await end(began.at(-1) ?? '');
    await Promise.all(all);

    expect(began.join(' ')).toBe('0 1 3 6 5 4 2');
  });

  test('work for one client up to its limit, so that one is free for another client', async () => {
    const { pool, began, end, started } = poolOf({ threads: 2, perClient: 1 });
    const many = Array.from({ length: 5 }, (_, index) => pool.parse([named(String(index), 'many', String(index))]));
    await nextRound();
    expect([began.join(' '), started()]).toEqual(['0', 1]);

    const other = pool.parse([named('x', 'other')]);
    expect([began.join(' '), started()]).toEqual(['0 x', 2]);
    await end('x');
    expect(await other).toEqual([parsed('x')]);
    for (const name of '01234') await end(name);
    expect(await Promise.all(many)).toHaveLength(5);
    expect(began.join(' ')).toBe('0 x 1 2 3 4');
  });

  test('start when they are needed, and have as many tasks as they may', async () => {
    const { pool, began, started } = poolOf({ threads: 2, ahead: 2 });
    expect(started()).toBe(0);
    for (const name of 'abcdef') pool.parse([named(name)]).catch(() => {});
    await nextRound();

    expect([began.join(' '), started()]).toEqual(['a b c d', 2]);
  });

  test('get a hundred records in a task, or a mebibyte', async () => {
    const { pool, began } = poolOf({ threads: 1, ahead: 9 });
    const large = { ...named('x'), json: 'x'.repeat(700_000) };
    pool.parse([...Array.from({ length: 150 }, () => named('a')), large, large]).catch(() => {});
    await nextRound();

    expect(began.map((names) => names.length)).toEqual([100, 51, 1]);
  });
});

describe('a task that ends its thread', () => {
  test.each([
    ['time', 'must not take longer than 120 seconds to clean. Simplify its markup, or publish the story in parts'],
    ['memory', 'must not take more memory than a thread has. Simplify its markup, or publish the story in parts'],
  ] as const)('by its %s is tried again record by record, and the record at fault is refused', async (loss, rule) => {
    const { pool, began, end } = poolOf({ threads: 1, ahead: 2 });
    const results = pool.parse([...'abc'].map((name) => named(name)));
    const behind = pool.parse([named('z')]);
    await nextRound();
    expect(began).toEqual(['abc', 'z']);

    await end('z', 'not begun');
    await end('abc', loss);
    await end('z');
    await end('a');
    await end('b', loss);
    await end('c');
    const [a, b, c] = await results;
    expect([a, c]).toEqual([parsed('a'), parsed('c')]);
    expect(b).toBeInstanceOf(PublisherError);
    expect(b).toMatchObject({
      code: 'invalid_article',
      message: 'The article “b” cannot be published.',
      article: 'b',
      problems: [{ field: 'body', rule }],
    });
    expect(await behind).toEqual([parsed('z')]);
  });

  test('by a defect fails alone', async () => {
    const { pool, end } = poolOf({ threads: 1 });
    const [failing, others] = [pool.parse([named('a')]), pool.parse([named('b')])];
    failing.catch(() => {});
    await end('a', 'defect');
    await end('b');

    await expect(failing).rejects.toThrow('a defect');
    expect(await others).toEqual([parsed('b')]);
  });

  test('is lost with its thread, after its time or by a defect', async () => {
    const { newsroom: real, store } = openDataFolder(await dataFolder());
    onTestFinished(store.close);
    const slow = startParseThread(real, 1); // no thread starts within a millisecond
    const broken = startParseThread({ ...real, url: undefined } as unknown as Newsroom, 60_000);
    onTestFinished(async () => {
      await Promise.all([slow.close(), broken.close()]);
    });
    const lossOf = (task: Promise<unknown>) => task.then(String, ({ loss }) => String(loss));
    const tasks = [slow, slow, broken].map(({ parse }) => lossOf(parse([json(record())])));

    expect(await Promise.all(tasks)).toEqual(['time', 'undefined', 'defect']);
  });
});

test('results come in the order of the calls where the order matters', async () => {
  const order: string[] = [];
  const parse = inOrder(async ([first]) => {
    if (first?.id === 'slow') await sleep(5);
    return first?.id === 'bad' ? Promise.reject(new Error('bad')) : [parsed(first?.id ?? '')];
  });
  const calls = ['slow', 'quick', 'bad', 'last'].map((name) =>
    parse([named(name)]).then(
      () => order.push(name),
      () => order.push(`${name} failed`),
    ),
  );
  await Promise.all(calls);

  expect(order).toEqual(['slow', 'quick', 'bad failed', 'last']);
});
