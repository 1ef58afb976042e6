import { expect, test } from 'vitest';
import type { Dialect } from '../../src/format/dialect/dialect.ts';
import { createDocumentDates } from '../../src/partner/document-dates.ts';
import { DAY, listing, MINUTE, NOW, partner, room, stories } from './room.ts';

const SECOND = 1000;

test.each<[name: string, steps: readonly [digest: string, feed: number, at: number, expected: number][]]>([
  ['the first one that of its feed', [['a', 5, 9 * SECOND, 5]]],
  [
    'one that is the same keeps its date, whatever changes in its feed',
    [
      ['a', 5, 1 * SECOND, 5],
      ['a', 2 * SECOND, 3 * SECOND, 5],
      ['a', 4 * SECOND, 5 * SECOND, 5],
    ],
  ],
  [
    'another one that of the change',
    [
      ['a', 5, 1 * SECOND, 5],
      ['a', 2 * SECOND, 3 * SECOND, 5],
      ['b', 4 * SECOND, 5 * SECOND, 4 * SECOND],
    ],
  ],
  [
    'one that time alone has changed, its own moment',
    [
      ['a', 5, 1 * SECOND, 5],
      ['a', 2 * SECOND, 3 * SECOND, 5],
      ['b', 2 * SECOND, 9 * SECOND, 9 * SECOND],
    ],
  ],
  [
    'one that is as an earlier one was, another date than that',
    [
      ['a', 5, 1 * SECOND, 5],
      ['b', 2 * SECOND, 3 * SECOND, 2 * SECOND],
      ['a', 4 * SECOND, 5 * SECOND, 4 * SECOND],
    ],
  ],
  [
    'two that differ never one second that a client can have',
    [
      ['a', 5, 1 * SECOND, 5],
      ['b', 5, 9 * SECOND, 9 * SECOND],
      ['c', 8_500, 9_100, 9_001],
      ['d', 9_050, 9_200, 9_050],
    ],
  ],
])('the date of a document: %s', (_name, steps) => {
  const dateOf = createDocumentDates();
  for (const [digest, feedChangedAt, at, expected] of steps)
    expect(dateOf('wire latest json', { digest, feedChangedAt, at })).toBe(expected);
});

test.each<[feed: number, at: number, expected: number]>([
  [5, 9 * SECOND, 9 * SECOND + 1],
  [5, 9_400, 9 * SECOND + 1],
  [9_300, 9_400, 9_300],
  [9_000, 9_000, 9 * SECOND + 1],
])(
  'the first document that time has changed has a later date than any other: %i, %i',
  (feedChangedAt, at, expected) => {
    const dateOf = createDocumentDates();
    expect(dateOf('wire latest json', { digest: 'a', feedChangedAt, at, isAged: true })).toBe(expected);
    expect(dateOf('wire latest json', { digest: 'a', feedChangedAt, at: at + DAY, isAged: true })).toBe(expected);
  },
);

test('a client that sends dates alone learns after a restart which stories have become too old', async () => {
  const own = partner('wire');
  const rules = listing()
    .rules.slice(0, 1)
    .map((rule) => ({
      ...rule,
      breach: ({ article }, at) => (at - article.publishedAt > DAY ? 'is old' : undefined),
    })) as Dialect['rules'];
  const first = await room([own], { dialect: listing(new Map(), { rules }) });
  await first.publish(
    ...stories(['a']),
    ...stories(['b'], { publishedAt: new Date(NOW - DAY + MINUTE).toISOString() }),
  );
  const dateOf = async ({ get }: typeof first.documents) => (await get(own, 'latest', 'json'))?.lastModified ?? 0;
  expect(await first.ids()).toEqual(['a', 'b']);
  const before = await dateOf(first.documents);
  first.clock.now += 2 * 60 * MINUTE;
  const restarted = first.restarted();
  expect((await restarted.get(own, 'latest', 'json'))?.document.bytes.toString()).not.toContain('b');
  const given = Math.min(before, first.clock.now);
  expect(await dateOf(restarted)).toBeGreaterThan(given);
});

test('documents have dates of their own, and one that is forgotten begins again', () => {
  const dateOf = createDocumentDates(2);
  for (const name of ['a', 'b']) dateOf(name, { digest: 'x', feedChangedAt: 5, at: 6 });
  expect(dateOf('a', { digest: 'x', feedChangedAt: 7, at: 8 })).toBe(5);
  dateOf('c', { digest: 'x', feedChangedAt: 7, at: 8 });
  expect(dateOf('b', { digest: 'x', feedChangedAt: 7, at: 8 })).toBe(7);
});

test.each<[string, string, object]>([
  ['that its dialect refuses', '', { title: 'bad' }],
  ['whose rights name others', '', { rights: { partners: ['paper'] } }],
  ['that is not urgent enough', 'select: { urgency: 3 }', { urgency: 9 }],
  ['that is beyond its window', 'feeds: [latest]\nwindow: { entries: 1 }', { publishedAt: '2026-01-01T00:00:00Z' }],
])('a story %s moves no validator of a partner', async (_name, lines, fields) => {
  const own = partner('wire', lines === '' ? undefined : lines);
  const { publish, withdraw, documents, clock } = await room([own, partner('paper')], { dialect: listing() });
  const isRefused = 'title' in fields;
  const feed = own.select === undefined ? 'latest' : 'selection';
  const validators = async () => {
    clock.now += 10 * SECOND;
    const { lastModified, etag } = (await documents.get(own, feed, 'json')) ?? {};
    return [lastModified, etag?.('identity')];
  };
  await publish(...stories(['a'], { urgency: 1 }));
  const before = await validators();
  const never = { id: 'never', url: 'https://news.example/never', publishedAt: new Date(NOW).toISOString(), ...fields };
  await publish(never);
  expect(await validators()).toEqual(before);
  // A corrected story that the dialect refuses is listed as lost: the partner may have had its earlier words.
  await publish(isRefused ? { ...never, id: 'too', url: `${never.url}/too` } : { ...never, summary: 'Corrected.' });
  expect(await validators()).toEqual(before);
  await publish(...stories(['b'], { urgency: 1, publishedAt: new Date(NOW - SECOND).toISOString() }));
  const [lastModified = 0] = (await validators()) as [number];
  expect(lastModified).toBeGreaterThan(before[0] as number);
  await withdraw('a');
  expect((await validators())[0]).toBeGreaterThan(lastModified);
});
