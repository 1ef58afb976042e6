import { expect, test } from 'vitest';
import type { FeedRule } from '../../src/feed/feeds.ts';
import { createPublisher, type ParseRecords, type Published, parseHere } from '../../src/publish/publish.ts';
import { unparsedRecord } from '../../src/publish/unparsed-record.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { newsroom, record } from '../helpers.ts';

const NOW = Date.UTC(2026, 10, 22);
const OWN: FeedRule = { id: 'own', select: { any: ['tag/x'], all: [], none: [] } };

function desk(parse: ParseRecords = parseHere(newsroom)) {
  const store = openSqliteStore(':memory:');
  const clock = { now: NOW };
  const announced: (readonly string[])[] = [];
  const announce = (touched: readonly string[]) => announced.push(touched);
  const { publish, withdraw } = createPublisher({ store, parse, now: () => clock.now, announce });
  const snapshot = (key = 'latest') => store.snapshot(key, NOW, { limit: 50, tombstonesFor: 0 });
  return {
    store,
    clock,
    announced,
    withdraw,
    publish: (...records: readonly unknown[]) => publish(records.map(unparsedRecord)),
    submit: publish,
    titles: async (key?: string) => {
      const numbers = (await snapshot(key))?.entries.map(({ number }) => number) ?? [];
      return (await store.articles(numbers)).map(({ article }) => article.title);
    },
    changedAt: async () => (await snapshot())?.changedAt,
  };
}

/** The result of each record, or the code of its refusal with the fields. */
function resultsOf(publications: readonly Published[]): readonly string[] {
  return publications.map((each) =>
    'outcome' in each
      ? each.outcome.result
      : [each.refused.code, ...each.refused.problems.map(({ field }) => field)].join(' '),
  );
}

/** What a published record has besides its outcome, where nothing was adjusted. */
const ACCEPTED = { adjustments: [], warnings: [], article: expect.anything() };
/** The article of `record()` as the store keeps it. */
const KEPT = {
  publicId: 'tag:news.example,2026:a',
  publishedAt: Date.parse('2026-11-20T10:00:00Z'),
  feeds: ['latest', 'language/en'],
};

test('a record is published in the feeds of its words and in the operator’s', async () => {
  const { publish, titles, announced, store } = desk();
  await store.backfillFeeds([OWN], () => NOW);
  const touched = ['latest', 'tag/x', 'language/en', 'own'];
  const feeds = touched;
  expect(await publish(record({ tags: ['x'] }))).toEqual([
    { ...ACCEPTED, outcome: { id: 'a', result: 'created', revision: 1, touched, kept: { ...KEPT, feeds } } },
  ]);
  expect(announced).toEqual([touched]);
  expect(await titles('own')).toEqual(['A title']);
});

test('a publisher that shares its thread saves a few records at a time, and returns their results in order', async () => {
  const store = openSqliteStore(':memory:');
  const batches: string[] = [];
  const apply: typeof store.apply = (changes, now) => {
    batches.push(changes.map((change) => ('article' in change ? change.article.id : '')).join(''));
    return store.apply(changes, now);
  };
  let yields = 0;
  const yieldToLoop = async () => {
    yields += 1;
  };
  const transaction = { count: 3, size: 5000 };
  const parse = parseHere(newsroom);
  const parts = { parse, now: () => NOW, announce: () => {}, yieldToLoop, transaction };
  const { publish } = createPublisher({ ...parts, store: { ...store, apply } });
  const ofLength = (id: string, length: number) =>
    unparsedRecord(record({ id, url: `/${id}`, body: 'x'.repeat(length), title: id === 'e' ? '' : 'A title' }));
  const small = [...'abcdefg'].map((id) => ofLength(id, 10));
  const results = await publish([...small, ofLength('h', 9000), ofLength('a', 3000), ofLength('a', 3000)]);

  expect(batches).toEqual(['abc', 'dfg', 'h', 'a', 'a']);
  expect(yields).toBe(batches.length);
  expect(resultsOf(results).join()).toBe(
    'created,created,created,created,invalid_article title,created,created,created,updated,unchanged',
  );
});

test('the store keeps the record as it was received', async () => {
  const { publish, store } = desk();
  const received = record({ tags: [' X '], language: 'EN' });
  await publish(received);
  expect((await store.find('a'))?.record).toEqual(received);
});

test('what cannot be published is refused, the rest is published', async () => {
  const { publish, titles } = desk();
  const results = await publish(record({ id: 'a' }), record({ id: 'b', title: '' }), 5, record({ id: 'c' }));
  expect(results.map((result) => ('refused' in result ? result.refused.problems : result.outcome.id))).toEqual([
    'a',
    [{ field: 'title', value: '', rule: 'must not be empty' }],
    [expect.objectContaining({ field: '' })],
    'c',
  ]);
  expect(await titles()).toHaveLength(2);
});

test.each([
  ['two records of one public id', { id: 'tag:news.example,2026:a' }, 'identity_conflict publicId'],
  ['a language with an extension', { id: 'b', language: 'en-u-nu-latn' }, 'created'],
  ['HTML too deep to read', { id: 'b', body: '<div>'.repeat(20_000) }, 'invalid_article body'],
])('%s do not take the others with them', async (_, fields, result) => {
  const { publish } = desk();
  expect(resultsOf(await publish(record({ id: 'a' }), record(fields), record({ id: 'c' })))).toEqual([
    'created',
    result,
    'created',
  ]);
});

test('a failure of the parser rejects the whole batch', async () => {
  const { publish, titles, announced } = desk(async () => {
    throw new Error('thread');
  });
  await expect(publish(record())).rejects.toThrow('thread');
  expect([await titles(), announced]).toEqual([[], []]);
});

test('each feed is announced once, after the change is kept', async () => {
  const { publish, store, announced } = desk();
  await publish(record({ id: 'a' }), record({ id: 'b' }));
  expect(announced).toEqual([['latest', 'language/en']]);
  const seen: unknown[] = [];
  const announce = () =>
    seen.push(store.snapshot('latest', NOW, { limit: 50, tombstonesFor: 0 }).then((feed) => feed?.entries.length));
  const other = createPublisher({ store, parse: parseHere(newsroom), now: () => NOW, announce });
  await other.publish([unparsedRecord(record({ id: 'c' }))]);
  expect(await Promise.all(seen)).toEqual([3]);
});

test('what moves is announced to the feeds it left as well', async () => {
  const { publish, announced, store } = desk();
  await store.backfillFeeds([OWN], () => NOW);
  await publish(record({ tags: ['x'] }));
  await publish(record({ tags: ['y'] }));
  expect(announced[1]?.toSorted()).toEqual(['language/en', 'latest', 'own', 'tag/x', 'tag/y']);
});

test('what is published changes its feeds now, and what is published again as it is does not', async () => {
  const { publish, store, changedAt, clock } = desk();
  await store.markServed();
  await publish(record());
  expect(await changedAt()).toBe(NOW);
  clock.now += 1000;
  expect(await publish(record())).toEqual([
    { ...ACCEPTED, outcome: { id: 'a', result: 'unchanged', revision: 1, touched: [], kept: KEPT } },
  ]);
  expect(await changedAt()).toBe(NOW);
});

test('what takes long to be parsed changes its feeds when it is kept, not when it came', async () => {
  const parsed = Promise.withResolvers<void>();
  const parse = parseHere(newsroom);
  const { publish, store, changedAt, clock } = desk(async (records) => {
    if (JSON.stringify(records).includes('Long')) await parsed.promise;
    return parse(records);
  });
  await store.markServed();
  clock.now = NOW + 100;
  const long = publish(record({ id: 'a', title: 'Long' }));
  clock.now = NOW + 200;
  await publish(record({ id: 'b' }));
  expect(await changedAt()).toBe(NOW + 200);
  clock.now = NOW + 2200;
  parsed.resolve();
  await long;

  expect(await changedAt()).toBe(NOW + 2200);
});

test.each([
  ['when nothing says', {}, 0],
  ['when it was corrected', { updatedAt: '2026-11-20T12:00:00Z' }, Date.UTC(2026, 10, 20, 12)],
  [
    'when it was withdrawn',
    { updatedAt: '2026-11-20T12:00:00Z', withdrawn: { at: '2026-11-21T00:00:00Z' } },
    Date.UTC(2026, 10, 21),
  ],
])('what a store without readers is given changed its feeds %s', async (_, fields, expected) => {
  const { publish, store } = desk();
  await publish(record(fields));
  // Tombstones stay for a year, so that none expires during the test.
  const options = { limit: 50, tombstonesFor: 365 * 86_400_000 };
  expect((await store.snapshot('latest', NOW, options))?.changedAt).toBe(expected);
});

test('a correction and a withdrawal in the future are refused, each with its field', async () => {
  const { publish } = desk();
  const later = '2026-11-22T00:00:01Z';
  const results = await publish(
    record({ updatedAt: later }),
    record({ updatedAt: later, withdrawn: { at: later } }),
    record({ updatedAt: '2026-11-22T00:00:00Z' }),
  );

  expect(resultsOf(results)).toEqual([
    'invalid_article updatedAt',
    'invalid_article updatedAt withdrawn.at',
    'created',
  ]);
});

test('but not what is published once it has readers', async () => {
  const { publish, store, changedAt, clock } = desk();
  await publish(record({ id: 'a', updatedAt: '2026-11-20T12:00:00Z' }));
  await store.markServed();
  clock.now += 5000;
  await publish(record({ id: 'b', updatedAt: '2026-11-20T11:00:00Z' }));

  expect(await changedAt()).toBe(NOW + 5000);
});

test('an article is withdrawn with its reason, at a whole second', async () => {
  const { publish, withdraw, store, announced, titles, clock } = desk();
  await store.backfillFeeds([OWN], () => NOW);
  await publish(record({ tags: ['x'] }));
  clock.now += 999;
  expect(await withdraw([{ id: 'a', reason: 'error' }, { id: 'b' }])).toEqual([
    {
      id: 'a',
      result: 'withdrawn',
      revision: 2,
      touched: expect.arrayContaining(['latest', 'own']),
      kept: { ...KEPT, withdrawn: expect.anything(), feeds: expect.arrayContaining(['latest', 'own']) },
    },
    { id: 'b', result: 'absent', revision: 0, touched: [] },
  ]);
  expect(announced[1]?.toSorted()).toEqual(['language/en', 'latest', 'own', 'tag/x']);
  expect(await titles()).toEqual([]);
  expect((await store.articles([1]))[0]?.article.withdrawn).toEqual({ at: NOW, reason: 'error' });
});

test('a condition goes with its record, whichever before it was refused', async () => {
  const { submit, withdraw } = desk();
  const results = await submit([
    unparsedRecord(record({ title: '' })),
    { ...unparsedRecord(record({ id: 'b' })), condition: 'present' },
    { ...unparsedRecord(record({ id: 'c' })), condition: 'absent' },
  ]);
  expect(resultsOf(results)).toEqual(['invalid_article title', 'condition-failed', 'created']);
  expect(await withdraw([{ id: 'c', condition: { revisions: [9] } }])).toMatchObject([{ result: 'condition-failed' }]);
});

test.each([
  ['another date', { publishedAt: '2026-11-20T11:00:00Z' }, 'identity_conflict publishedAt'],
  ['an embargo after all', { embargoUntil: '2026-12-01T00:00:00Z' }, 'identity_conflict publishedAt'],
  ['another public id', { publicId: 'tag:news.example,2020:other' }, 'identity_conflict publicId'],
])('an article that was readable is refused %s, and stays as it was', async (_, fields, result) => {
  const { publish, titles, announced } = desk();
  await publish(record());
  expect(resultsOf(await publish(record({ title: 'New', ...fields })))).toEqual([result]);
  expect(await titles()).toEqual(['A title']);
  expect(announced[1]).toEqual([]);
});

test('an article that readers could not see may get another date, and keeps its public id', async () => {
  const { publish, store } = desk();
  await publish(record({ publishedAt: '2026-12-31T23:00:00Z' }));
  expect(resultsOf(await publish(record({ publishedAt: '2027-01-01T01:00:00Z' })))).toEqual(['updated']);
  expect((await store.find('a'))?.article.publicId).toBe('tag:news.example,2026:a');
});

const { publishedAt: _, ...undated } = record();

test.each([
  ['used where the record has none', undated, '2026-11-21T09:00:00Z', Date.UTC(2026, 10, 21, 9)],
  ['not where it has one', record(), '2026-11-21T09:00:00Z', Date.UTC(2026, 10, 20, 10)],
])('the date besides a record is %s', async (_, received, publishedAt, expected) => {
  const { submit, store } = desk();
  await submit([{ ...unparsedRecord(received), id: 'a', publishedAt }]);
  expect((await store.find('a'))?.article.publishedAt).toBe(expected);
});

test('an embargo of a record without a date may be moved and lifted until it ends', async () => {
  const { submit, store, clock } = desk();
  const dated = async (fields: object, publishedAt: string) => {
    await submit([{ ...unparsedRecord({ ...undated, ...fields }), id: 'a', publishedAt }]);
    return (await store.find('a'))?.article.publishedAt;
  };
  expect(await dated({ embargoUntil: '2027-01-01T00:00:00Z' }, '2026-11-21T08:00:00Z')).toBe(Date.UTC(2027, 0, 1));
  expect(await dated({ embargoUntil: '2026-12-01T00:00:00Z' }, '2026-11-21T09:00:00Z')).toBe(Date.UTC(2026, 11, 1));
  clock.now = Date.UTC(2026, 11, 1) - 1;
  expect(await dated({}, '2026-11-21T10:00:00Z')).toBe(Date.UTC(2026, 10, 21, 10));
  expect(await dated({ title: 'New' }, '2026-11-21T11:00:00Z')).toBe(Date.UTC(2026, 10, 21, 10));
});

test('the end of an embargo that is over stays the date of a record without one', async () => {
  const { submit, store, clock } = desk();
  const publishedAt = '2026-11-21T09:00:00Z';
  await submit([{ ...unparsedRecord({ ...undated, embargoUntil: '2026-12-01T00:00:00Z' }), id: 'a', publishedAt }]);
  clock.now = Date.UTC(2026, 11, 1);

  expect(resultsOf(await submit([{ ...unparsedRecord(undated), id: 'a', publishedAt }]))).toEqual(['updated']);
  expect((await store.find('a'))?.article.publishedAt).toBe(Date.UTC(2026, 11, 1));
});

test('the date besides a record stays the first one', async () => {
  const { submit, store } = desk();
  await submit([{ ...unparsedRecord(undated), id: 'a', publishedAt: '2026-11-21T09:00:00Z' }]);
  const again = await submit([
    { ...unparsedRecord({ ...undated, title: 'New' }), id: 'a', publishedAt: '2026-11-21T10:00:00Z' },
  ]);
  expect(resultsOf(again)).toEqual(['updated']);
  expect((await store.find('a'))?.article).toMatchObject({ title: 'New', publishedAt: Date.UTC(2026, 10, 21, 9) });
});
