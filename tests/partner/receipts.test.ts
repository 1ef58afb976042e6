import { expect, test } from 'vitest';
import type { Article } from '../../src/article/article.ts';
import type { Partner } from '../../src/config/partners.ts';
import { couldHave, receiptsOf } from '../../src/partner/receipts.ts';
import type { Delivery, LostDeliveries } from '../../src/store/delivery-store.ts';
import type { FormerMembership, Stay, SyndicationEnd } from '../../src/store/partner-store.ts';
import { openDeliveryFile } from '../../src/store/sqlite/delivery-file.ts';
import type { AuditEntry } from '../../src/store/store.ts';
import { article } from '../helpers.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** When the story was taken away. Times in this file are minutes before and after it. */
const END = Date.parse('2026-11-20T12:00:00Z');
const minute = (number: number) => END + number * MINUTE;

const HERALD: Partner = {
  id: 'herald',
  name: 'The Herald',
  dialect: 'plain',
  contentType: 'article',
  feeds: ['latest', 'section/world'],
  window: { offset: 0 },
  delay: 0,
  mediaRights: { withoutCredits: [], onlySyndicated: false },
  campaign: {},
  retention: 30 * DAY,
};

const WITHDRAWN: SyndicationEnd = {
  number: 1,
  id: 'a',
  publicId: 'tag:news.example,2026:a',
  revision: 20,
  publishedAt: minute(-60),
  at: END,
  ending: 'withdrawn',
};

function fetched(at: number, fields: Partial<Delivery> = {}): Delivery {
  return {
    at: minute(at),
    partner: 'herald',
    key: 'k1',
    feed: 'latest',
    format: 'rss',
    status: 200,
    bytes: 1,
    isWhole: true,
    revision: 20,
    network: '192.0.2.0/24',
    ...fields,
  };
}

const before = fetched(-30, { revision: 19 });

interface Given {
  readonly end?: Partial<SyndicationEnd>;
  readonly partner?: Partial<Partner>;
  readonly deliveries?: readonly Delivery[];
  readonly lost?: readonly [from: number, to: number];
  readonly members?: readonly string[];
  readonly former?: readonly FormerMembership[];
  readonly article?: Partial<Article>;
  readonly history?: readonly Partial<AuditEntry>[];
  /** Minutes after the end. */
  readonly at?: number;
  readonly deliveryDays?: number;
}

async function receipts(given: Given) {
  const {
    end,
    partner,
    deliveries = [before],
    lost,
    members = ['latest', 'section/world'],
    history = [],
    former = [],
    at = 60,
  } = given;
  const now = minute(at);
  const record = openDeliveryFile({ file: ':memory:', now: () => now, since: () => undefined, onLoss: () => {} });
  const gap: LostDeliveries | undefined = lost && { from: minute(lost[0]), to: minute(lost[1]), count: 1 };
  await record.add({ deliveries, through: now, lost: gap });
  const story = { ...article(), ...given.article };
  const { ends, through } = await receiptsOf(
    [{ ...WITHDRAWN, ...end }],
    {
      store: {
        articles: async () => [{ number: 1, revision: 20, article: story }],
        memberships: async () => members,
        formerMemberships: async () => former,
        history: async () => history as AuditEntry[],
      },
      record,
      partners: [{ ...HERALD, ...partner }],
      deliveryDays: given.deliveryDays ?? 400,
    },
    now,
  );
  await record.close();
  expect(through).toBe(now);
  return ends[0]?.receipts.map(({ partner: _, ...receipt }) => receipt);
}

const seen = (at: number, fields = {}) => [{ state: 'seen', at: minute(at), key: 'k1', feed: 'latest', ...fields }];
const NOT_SEEN = [{ state: 'not seen' }];
const NOT_LISTED = [{ state: 'not listed' }];
const NEVER_FETCHED = [{ state: 'never fetched' }];
const NOT_RECORDED = [{ state: 'not recorded' }];
const DAYS_31 = (31 * DAY) / MINUTE;

const REACH = { storiesFrom: 0, storiesTo: Number.MAX_SAFE_INTEGER, endsFrom: 0, endsFromNumber: 0 };
const reaching = (at: number, reach: Partial<typeof REACH>, fields: Partial<Delivery> = {}) =>
  fetched(at, { revision: 99, reach: { ...REACH, ...reach }, ...fields });

const corrected = (dialect: Partner['dialect'], story: Partial<Article>, more: Partial<Given> = {}): Given => ({
  end: { ending: 'corrected' },
  partner: { dialect },
  article: story,
  deliveries: [before, fetched(5)],
  ...more,
});
const long = { title: 'A title of more than twenty characters', publishedAt: minute(-60) };

test.each<[name: string, given: Given, expected: unknown]>([
  ['kept', corrected('msn', long), seen(5)],
  ['broken', corrected('msn', { ...long, title: 'Short' }), [{ state: 'left out', rule: 'title-too-short' }]],
  ['broken by every story without a sound', corrected('podcast', long), [{ state: 'left out', rule: 'no-episode' }]],
  [
    'broken, and the retention is over',
    corrected('podcast', long, { at: DAYS_31 }),
    [{ state: 'left out', rule: 'no-episode' }],
  ],
  [
    'kept when the story was corrected, and broken by its age since',
    corrected('msn', { ...long, publishedAt: END - 364 * DAY }, { at: DAYS_31, end: { ending: 'corrected' } }),
    seen(5),
  ],
  ['broken by a story that was withdrawn', corrected('podcast', long, { end: {} }), seen(5)],
])('a correction that the rules of a dialect leave out is never seen: a rule is %s', async (_name, given, expected) => {
  expect(await receipts(given)).toEqual(expected);
});

test.each<[name: string, given: Given, expected: unknown]>([
  ['a document with all ends', { deliveries: [before, reaching(5, {})] }, seen(5)],
  ['one whose oldest end it is', { deliveries: [before, reaching(5, { endsFrom: END, endsFromNumber: 1 })] }, seen(5)],
  [
    'one that is full of later ends',
    { deliveries: [before, reaching(5, { endsFrom: END, endsFromNumber: 2 }), reaching(9, { endsFrom: END + 1 })] },
    NOT_LISTED,
  ],
  [
    'the change feed, which is never full',
    { deliveries: [before, reaching(5, { endsFrom: END + 1 }), fetched(9, { feed: 'changes' })] },
    seen(9, { feed: 'changes' }),
  ],
  ['a withdrawal of a story that was too old', { deliveries: [before, reaching(5, { storiesFrom: END })] }, seen(5)],
  ...(['expired', 'rights-ended'] as const).map((ending): [string, Given, unknown] => [
    `the end of a story that is ${ending}, in a document that is full of later ends`,
    { end: { ending }, deliveries: [before, reaching(5, { endsFrom: END + 1 })] },
    NOT_LISTED,
  ]),
  ...(
    [
      ['a document with all stories', {}, seen(5)],
      ['one whose oldest story it is', { storiesFrom: minute(-60) }, seen(5)],
      ['one whose stories are all newer', { storiesFrom: minute(-59) }, NOT_LISTED],
      ['one whose stories are all older', { storiesTo: minute(-61) }, NOT_LISTED],
      ['one that is full of ends', { endsFrom: END + 1 }, seen(5)],
    ] as const
  ).map(([name, reach, expected]): [string, Given, unknown] => [
    `a correction in ${name}`,
    { end: { ending: 'corrected' }, deliveries: [before, reaching(5, reach)] },
    expected,
  ]),
])('what a document has: %s', async (_name, given, expected) => {
  expect(await receipts(given)).toEqual(expected);
});

test.each<[name: string, given: Given, expected: unknown]>([
  ['a whole document of its revision', { deliveries: [before, fetched(5)] }, seen(5)],
  ['the first of several', { deliveries: [fetched(9, { key: 'k2' }), before, fetched(5), fetched(7)] }, seen(5)],
  ['a document of a later revision', { deliveries: [before, fetched(5, { revision: 99 })] }, seen(5)],
  [
    'a document of another feed',
    { deliveries: [before, fetched(5, { feed: 'section/world' })] },
    seen(5, { feed: 'section/world' }),
  ],
  ['the change feed', { deliveries: [before, fetched(5, { feed: 'changes' })] }, seen(5, { feed: 'changes' })],
  ['although a gap is there', { deliveries: [before, fetched(5)], lost: [1, 9] }, seen(5)],
  ['a withdrawal that is dated ahead', { deliveries: [before, fetched(-0.03)] }, seen(-0.03)],
  ['after its retention, from before', { deliveries: [before, fetched(5)], at: DAYS_31 }, seen(5)],
  [
    'the withdrawal before an erasure',
    {
      deliveries: [before, fetched(5)],
      end: { revision: 40 },
      history: [
        { status: 'visible', revision: 10 },
        { status: 'withdrawn', revision: 20 },
        { status: 'withdrawn', revision: 40 },
      ],
    },
    seen(5),
  ],
])('seen: %s', async (_name, given, expected) => {
  expect(await receipts(given)).toEqual(expected);
});

test.each<[name: string, given: Given, expected: unknown]>([
  ['nothing since', {}, NOT_SEEN],
  ['a document of an earlier revision', { deliveries: [before, fetched(5, { revision: 19 })] }, NOT_SEEN],
  ['an answer that broke off', { deliveries: [before, fetched(5, { isWhole: false })] }, NOT_SEEN],
  ['a 304', { deliveries: [before, fetched(5, { status: 304 })] }, NOT_SEEN],
  ['a feed without the story', { deliveries: [before, fetched(5, { feed: 'tag/a' })] }, NOT_SEEN],
  ['another partner', { deliveries: [before, fetched(5, { partner: 'post' })] }, NOT_SEEN],
  [
    'a page of the change feed before the last',
    { deliveries: [before, fetched(5, { feed: 'changes', revision: 0 })] },
    NOT_SEEN,
  ],
  ['a gap before the withdrawal', { lost: [-50, -40] }, NOT_SEEN],
  [
    'fetched before the change that dated the end back',
    { deliveries: [fetched(5, { revision: 19 })], history: [{ status: 'withdrawn', revision: 20, at: minute(10) }] },
    NOT_SEEN,
  ],
  ['a gap before, and no fetch that is known', { deliveries: [], lost: [-50, -40] }, NOT_SEEN],
  ['after its retention', { at: DAYS_31 }, [{ state: 'expired', known: 'not seen' }]],
  [
    'after its retention, although fetched then',
    { deliveries: [before, fetched(DAYS_31 - 1)], at: DAYS_31 },
    [{ state: 'expired', known: 'not seen' }],
  ],
  [
    'withdrawn again after it came back',
    {
      deliveries: [before, fetched(1, { revision: 15 })],
      history: [
        { status: 'withdrawn', revision: 12 },
        { status: 'visible', revision: 16 },
        { status: 'withdrawn', revision: 20 },
      ],
    },
    NOT_SEEN,
  ],
])('not seen: %s', async (_name, given, expected) => {
  expect(await receipts(given)).toEqual(expected);
});

test.each<[name: string, given: Given, expected: unknown]>([
  ['no fetch while it was there', { deliveries: [] }, NEVER_FETCHED],
  ['only before it appeared', { deliveries: [fetched(-70)] }, NEVER_FETCHED],
  ['only before the holdback was over', { partner: { delay: 45 * MINUTE } }, NEVER_FETCHED],
  ['only unchanged', { deliveries: [fetched(-30, { status: 304 })] }, NEVER_FETCHED],
  ['a gap afterwards', { deliveries: [], lost: [5, 6] }, NEVER_FETCHED],
  ['after its retention', { deliveries: [], at: DAYS_31 }, [{ state: 'expired', known: 'never fetched' }]],
])('never fetched: %s', async (_name, given, expected) => {
  expect(await receipts(given)).toEqual(expected);
});

test.each<[name: string, given: Given, expected: unknown]>([
  ['a gap afterwards', { lost: [5, 6] }, NOT_RECORDED],
  ['a gap that begins before', { lost: [-1, 1] }, NOT_RECORDED],
  ['a gap that ends with it', { lost: [-1, 0] }, NOT_RECORDED],
  ['gaps before and after', { deliveries: [], lost: [-50, 5] }, NOT_RECORDED],
  ['after the days of the record', { deliveryDays: 1, at: DAY / MINUTE + 1 }, NOT_RECORDED],
  ['after its retention', { lost: [5, 6], at: DAYS_31 }, [{ state: 'expired', known: 'not recorded' }]],
])('not recorded: %s', async (_name, given, expected) => {
  expect(await receipts(given)).toEqual(expected);
});

test.each(['expired', 'rights-ended'] as const)('%s: every document from that moment on carries it', async (ending) => {
  const end = { ending };
  const early = [{ at: minute(-120), status: 'visible', revision: 20 }] as const;
  expect(
    await receipts({ end, history: early, deliveries: [before, fetched(-1), fetched(5, { revision: 0 })] }),
  ).toEqual(seen(5));
  expect(await receipts({ end, history: early, deliveries: [before, fetched(-1)] })).toEqual(NOT_SEEN);
  expect(
    await receipts({ end, history: early, deliveries: [before, fetched(5, { feed: 'changes', revision: 0 })] }),
  ).toEqual(NOT_SEEN);
  // Dated back by a change: what was delivered before the change does not carry it.
  const late = [{ at: minute(20), status: 'expired', revision: 20 }] as const;
  expect(
    await receipts({
      end,
      history: late,
      deliveries: [before, fetched(5, { revision: 19 }), fetched(25, { revision: 3 })],
    }),
  ).toEqual(seen(25));
  expect(await receipts({ end, history: late, deliveries: [before, fetched(21), fetched(25)] })).toEqual(seen(21));
});

test('a correction has its note, and counts when its revision was fetched', async () => {
  const end = { ending: 'corrected' } as const;
  expect(await receipts({ end, deliveries: [before, fetched(5)] })).toEqual(seen(5));
  expect(await receipts({ end, deliveries: [before, fetched(5, { revision: 19 })] })).toEqual(NOT_SEEN);
});

test.each<[name: string, given: Given]>([
  ['in none of its feeds', { members: ['tag/a'] }],
  ['ended before the holdback was over', { partner: { delay: 2 * HOUR } }],
  ['for other partners', { article: { rights: { partners: ['post'] } } }],
  ['less urgent', { partner: { urgency: 4 } }],
  ['not in its own selection', { partner: { feeds: [], select: { any: ['tag/a'], all: [], none: [] } } }],
])('a partner that could not have the story has no receipt: %s', async (_name, given) => {
  expect(await receipts(given)).toEqual([]);
});

/** The story left a feed at the end, a while after it was published there. */
const left = (feed: string, at = 0, stay: Partial<Stay> = {}): FormerMembership => ({
  feed,
  leftAt: minute(at),
  leftRevision: 20,
  stays: [{ publishedAt: minute(-60), until: minute(at), leftAt: minute(at), leftRevision: 20, ...stay }],
});
const outside = { members: ['tag/a'], former: [left('section/world')] };

test.each<[name: string, given: Given]>([
  ['left its feeds', { ...outside, end: { ending: 'moved' } }],
  ['left its feeds, and is withdrawn later', { ...outside, former: [left('section/world', -10)] }],
  [
    'left its feeds, and expired later',
    { ...outside, former: [left('section/world', -9)], end: { ending: 'expired' } },
  ],
  [
    'goes to other partners',
    { former: [left('section/world')], end: { ending: 'moved' }, article: { rights: { partners: ['x'] } } },
  ],
])('a partner whose story %s has a receipt for the feeds that had it', async (_name, given) => {
  const after = fetched(5, { feed: 'section/world' });
  expect(
    await receipts({ ...given, deliveries: [fetched(-30, { feed: 'section/world', revision: 19 }), after] }),
  ).toEqual(seen(5, { feed: 'section/world' }));
  const other = { deliveries: [fetched(-30, { feed: 'section/world', revision: 19 }), fetched(5)] };
  expect(await receipts({ ...given, ...other })).toEqual(NOT_SEEN);
});

test.each<[name: string, given: Given]>([
  ['moved between its feeds', { members: ['latest'], former: [left('section/world')], end: { ending: 'moved' } }],
  ['left another partner’s feeds', { members: ['tag/a'], former: [left('tag/b')], end: { ending: 'moved' } }],
  [
    'left its last feed later',
    { members: [], former: [left('latest', 9), left('section/world')], end: { ending: 'moved' } },
  ],
  ['left before the holdback was over', { ...outside, end: { ending: 'moved' }, partner: { delay: 61 * MINUTE } }],
  ['was never for it', { members: [], former: [left('latest', 0, { partners: ['x'] })], end: { ending: 'moved' } }],
  ['was withdrawn after the retention', { members: [], former: [left('latest', -60)], partner: { retention: HOUR } }],
  ['was corrected elsewhere', { ...outside, end: { ending: 'corrected' } }],
])('a partner has no receipt of a story that %s', async (_name, given) => {
  expect(await receipts(given)).toEqual([]);
});

test.each<[name: string, partner: Partial<Partner>, members: string[], feeds: string[]]>([
  ['of its feeds', {}, ['latest', 'tag/a', 'partner/herald'], ['latest', 'changes']],
  [
    'of its selection',
    { feeds: [], select: { any: ['latest'], all: [], none: [] } },
    ['latest', 'partner/herald', 'partner/post'],
    ['selection', 'changes'],
  ],
  ['urgent enough', { urgency: 5 }, ['latest'], ['latest', 'changes']],
])('documents that may have a story: %s', (_name, partner, members, feeds) => {
  expect(couldHave({ ...HERALD, ...partner }, WITHDRAWN, { members, former: [], article: article() })).toEqual(feeds);
});

/** A document of a feed that the story left before it ended, and that lists no stories which changed before `endsFrom`. */
const full = (endsFrom: number, fields: Partial<Given> = {}): Given => ({
  members: ['latest'],
  former: [left('section/world', -10)],
  deliveries: [
    fetched(-30, { feed: 'section/world', revision: 19 }),
    reaching(5, { endsFrom: minute(endsFrom) }, { feed: 'section/world' }),
  ],
  ...fields,
});
const inWorld = seen(5, { feed: 'section/world' });

test.each<[name: string, given: Given, expected: unknown]>([
  ...(['expired', 'rights-ended'] as const).flatMap((ending): [string, Given, unknown][] => [
    [`${ending}, when it had left before those`, full(-9, { end: { ending } }), NOT_LISTED],
    [`${ending}, when it left with those or later`, full(-10, { end: { ending } }), inWorld],
    [`${ending}, when it had left all feeds`, full(-9, { end: { ending }, members: [] }), NOT_LISTED],
    [`${ending}, when it is back`, full(-9, { end: { ending }, members: ['latest', 'section/world'] }), inWorld],
  ]),
  ['withdrawn, which is a change', full(-9), inWorld],
  ['withdrawn before those', full(1), NOT_LISTED],
  ['moved, which is a change', full(-10, { end: { ending: 'moved', at: minute(-10) }, members: [] }), inWorld],
])('a full document of a feed that a story left has it if it is %s', async (_name, given, expected) => {
  expect(await receipts(given)).toEqual(expected);
});
