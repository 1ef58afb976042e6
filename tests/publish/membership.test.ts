import { expect, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import { type FeedMembership, feedMemberships, statusOf } from '../../src/publish/membership.ts';
import { createPublisher, parseHere } from '../../src/publish/publish.ts';
import { unparsedRecord } from '../../src/publish/unparsed-record.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { article, newsroom, PUBLICATION, record } from '../helpers.ts';

const NOW = Date.UTC(2026, 10, 22);
const publication = parsePublication(
  `${PUBLICATION}feeds:
  - { id: any, title: Any, select: { any: [tag/x, tag/y] } }
  - { id: all, title: All, select: { all: [tag/x, section/world] } }
  - { id: none, title: None, select: { none: [tag/x] } }
  - { id: two, title: Two, entries: 2 }
`,
  'publication.yaml',
);

async function memberships(id: string, ...records: readonly unknown[]): Promise<readonly FeedMembership[]> {
  const store = openSqliteStore(':memory:');
  await publishInto(store, id, records);
  return membershipsIn(store, id);
}

async function publishInto(store: Store, id: string, records: readonly unknown[]): Promise<void> {
  await store.backfillFeeds(publication.feeds, () => NOW);
  const parts = {
    store,
    parse: parseHere(newsroom),
    now: () => NOW,
    announce: () => {},
  };
  const { publish, withdraw } = createPublisher(parts);
  await publish(records.map(unparsedRecord));
  if (id === 'gone') await withdraw([{ id }]);
}

async function membershipsIn(store: Store, id: string): Promise<readonly FeedMembership[]> {
  const stored = await store.find(id);
  if (stored === undefined) throw new Error(`${id} was not published`);
  return feedMemberships(stored, { store, publication, at: NOW });
}

test.each([
  ['visible', {}],
  ['embargoed', { embargoUntil: '2026-11-22T00:00:01Z' }],
  ['visible', { embargoUntil: '2026-11-22T00:00:00Z' }],
  ['embargoed', { publishedAt: '2026-12-01T00:00:00Z', expiresAt: '2026-12-02T00:00:00Z' }],
  ['expired', { expiresAt: '2026-11-22T00:00:00Z' }],
  ['visible', { expiresAt: '2026-11-22T00:00:01Z' }],
  ['withdrawn', { withdrawn: { at: '2026-11-21T00:00:00Z' }, expiresAt: '2026-11-22T00:00:00Z' }],
] as const)('%s: %j', (status, fields) => {
  expect(statusOf(article(fields), NOW)).toBe(status);
});

test('an article has a membership of every feed, with its position or the rule that excludes it', async () => {
  const other = record({ id: 'b', language: 'ku', publishedAt: '2026-11-21T00:00:00Z' });
  expect(await memberships('a', record({ tags: ['X'] }), other)).toEqual([
    { feed: 'all', included: false, rule: 'selection', reason: 'all of: not in section/world' },
    { feed: 'any', included: true, position: 1 },
    { feed: 'language/en', included: true, position: 1 },
    { feed: 'language/ku', included: false, rule: 'selection', reason: 'language is not ku' },
    { feed: 'latest', included: true, position: 2 },
    { feed: 'none', included: false, rule: 'selection', reason: 'none of: in tag/x' },
    { feed: 'tag/x', included: true, position: 1 },
    { feed: 'two', included: true, position: 2 },
  ]);
});

test('a membership names the part of a selection that the article does not meet', async () => {
  const reasons = async (fields: Readonly<Record<string, unknown>>) => {
    const found = await memberships('a', record(fields));
    return found.filter(({ rule }) => rule === 'selection').map(({ feed, reason }) => `${feed}: ${reason}`);
  };
  expect(await reasons({})).toEqual([
    'all: all of: not in tag/x, section/world',
    'any: any of: in none of tag/x, tag/y',
  ]);
  expect(await reasons({ tags: ['x'], sections: ['World'] })).toEqual(['none: none of: in tag/x']);
});

test('a membership names a rule of another service', async () => {
  const store = openSqliteStore(':memory:');
  await publishInto(store, 'a', [record({ tags: ['X'] })]);
  await store.backfillFeeds([{ id: 'any', select: { any: ['tag/y'], all: [], none: [] } }], () => NOW);
  expect((await membershipsIn(store, 'a')).find(({ feed }) => feed === 'any')).toEqual({
    feed: 'any',
    included: false,
    rule: 'selection',
    reason: 'a service that started later has another rule for this feed',
  });
});

test('an article that newer ones have pushed out is beyond the newest', async () => {
  const newer = ['b', 'c'].map((id) => record({ id, publishedAt: '2026-11-21T00:00:00Z' }));
  const found = await memberships('a', record(), ...newer);
  expect(found.find(({ feed }) => feed === 'two')).toEqual({
    feed: 'two',
    included: false,
    rule: 'beyond',
    reason: 'beyond the newest 2',
  });
  expect(found.find(({ feed }) => feed === 'latest')).toEqual({ feed: 'latest', included: true, position: 3 });
});

test.each([
  ['a', { embargoUntil: '2026-12-01T00:00:00Z' }, 'embargo', 'embargo until 2026-12-01T00:00:00Z'],
  ['a', { publishedAt: '2026-12-01T00:00:00Z' }, 'embargo', 'not published before 2026-12-01T00:00:00Z'],
  ['a', { expiresAt: '2026-11-21T00:00:00Z' }, 'expired', 'expired at 2026-11-21T00:00:00Z'],
  ['gone', { id: 'gone' }, 'withdrawn', 'withdrawn at 2026-11-22T00:00:00Z'],
] as const)('%s %j is in no feed, and its own would have it but for the rule', async (id, fields, rule, reason) => {
  const found = await memberships(id, record({ sections: ['World'], ...fields }));
  expect(found.filter(({ included }) => included)).toEqual([]);
  for (const feed of ['latest', 'language/en', 'section/world'])
    expect(found.find((each) => each.feed === feed)).toEqual({ feed, included: false, rule, reason });
});
