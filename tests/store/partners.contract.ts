import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { articleText } from '../../src/article/stored.ts';
import { partnerFeedKey } from '../../src/feed/dialects.ts';
import { LATEST, ownKeys } from '../../src/feed/feeds.ts';
import type { ArticleEvent, PartnerSnapshot, PartnerSnapshotOptions } from '../../src/store/partner-store.ts';
import { tieBreaker } from '../../src/store/sqlite/entries.ts';
import type { Put, Store } from '../../src/store/store.ts';
import { article } from '../helpers.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The first moment of the tests. */
const START = Date.UTC(2026, 10, 20);
const OPTIONS: PartnerSnapshotOptions = { limit: 100, delay: 0, retention: DAY };

interface Story {
  readonly id?: string;
  readonly title?: string;
  readonly tags?: readonly string[];
  readonly publishedAt?: number;
  readonly updatedAt?: number;
  readonly expiresAt?: number;
  readonly rightsEnd?: number;
  readonly correctedAt?: number;
  readonly withdrawnAt?: number;
  readonly urgency?: number;
  readonly partners?: readonly string[];
}

function put(story: Story = {}): Put {
  const { id = 'a', title = 'Title', tags = ['x'], publishedAt = START, rightsEnd, correctedAt } = story;
  const date = (moment: number | undefined) => (moment === undefined ? undefined : new Date(moment).toISOString());
  const parsed = article({
    id,
    title,
    tags,
    publishedAt: date(publishedAt),
    updatedAt: date(story.updatedAt),
    expiresAt: date(story.expiresAt),
    ...(story.withdrawnAt === undefined ? {} : { withdrawn: { at: date(story.withdrawnAt) } }),
  });
  const made = {
    ...parsed,
    ...(correctedAt === undefined ? {} : { correction: { note: 'A name was wrong.', at: correctedAt } }),
    ...(rightsEnd === undefined && story.partners === undefined ? {} : { rights: rightsOf(story) }),
    ...(story.urgency === undefined ? {} : { urgency: story.urgency }),
  };
  return { kind: 'put', article: articleText(made), record: JSON.stringify({ id }), feeds: ownKeys(made) };
}

function rightsOf({ rightsEnd, partners }: Story) {
  return { ...(rightsEnd && { endsAt: rightsEnd }), ...(partners && { partners }) };
}

/** The rules for what every store knows for partners. `open` returns an empty store. */
export function partnerContract(name: string, open: () => Promise<Store>, runs: number): void {
  async function served(): Promise<Store> {
    const store = await open();
    await store.markServed();
    return store;
  }

  async function idsOf(store: Store, refs: readonly { readonly number: number }[]): Promise<readonly string[]> {
    return (await store.articles(refs.map(({ number }) => number))).map((stored) => stored.article.id);
  }

  describe(`${name}: feeds as partners see them`, () => {
    test('a story appears when the delay is over, and an earlier correction tells nothing of it', async () => {
      const store = await served();
      await store.apply([put({ id: 'old', publishedAt: START - DAY })], () => START - DAY);
      await store.apply([put({ id: 'new' })], () => START);
      const options = { ...OPTIONS, delay: HOUR };
      const before = await store.partnerSnapshot(LATEST, START + MINUTE, options);
      await store.apply([put({ id: 'new', title: 'Corrected' })], () => START + MINUTE);

      expect(await store.partnerSnapshot(LATEST, START + MINUTE, options)).toEqual(before);
      expect(before).toMatchObject({ changedAt: START - DAY + HOUR, nextChangeAt: START + HOUR });
      const last = await store.partnerSnapshot(LATEST, START + HOUR - 1, options);
      const first = await store.partnerSnapshot(LATEST, START + HOUR, options);
      expect(await idsOf(store, last?.entries ?? [])).toEqual(['old']);
      expect(await idsOf(store, first?.entries ?? [])).toEqual(['new', 'old']);
      expect(first).toMatchObject({ changedAt: START + HOUR, takenBack: [] });
    });

    test('the end of the rights takes a story back from partners, and from nobody else', async () => {
      const store = await served();
      await store.apply([put({ rightsEnd: START + HOUR })], () => START);
      const before = await store.partnerSnapshot(LATEST, START + HOUR - 1, OPTIONS);
      const after = await store.partnerSnapshot(LATEST, START + HOUR, OPTIONS);

      expect([before?.entries.length, before?.takenBack, before?.nextChangeAt]).toEqual([1, [], START + HOUR]);
      expect(after).toMatchObject({
        entries: [],
        takenBack: [{ number: 1, revision: 1, at: START + HOUR, ending: 'rights-ended' }],
        changedAt: START + HOUR,
        nextChangeAt: START + HOUR + DAY,
      });
      expect((await store.snapshot(LATEST, START + HOUR, { limit: 5, tombstonesFor: DAY }))?.entries).toHaveLength(1);
      expect(await store.partnerSnapshot(LATEST, START + HOUR + DAY, OPTIONS)).toMatchObject({
        takenBack: [],
        changedAt: START + HOUR + DAY,
      });
    });

    test.each<[string, Story, number, readonly string[]]>([
      ['withdrawn', { withdrawnAt: START + HOUR }, 0, ['withdrawn']],
      ['withdrawn before it appeared', { withdrawnAt: START + HOUR }, 2 * HOUR, []],
      ['expired', { expiresAt: START + HOUR }, 0, ['expired']],
      ['expired before it appeared', { expiresAt: START + HOUR }, HOUR, []],
      ['expired after its rights', { expiresAt: START + 2 * HOUR, rightsEnd: START + HOUR }, 0, ['rights-ended']],
      ['without rights before it appeared', { expiresAt: START + 3 * HOUR, rightsEnd: START + HOUR }, 2 * HOUR, []],
      ['expired and withdrawn', { expiresAt: START + HOUR, withdrawnAt: START + 2 * HOUR }, 0, ['withdrawn']],
      [
        'expired before it appeared, then withdrawn',
        { expiresAt: START + HOUR, withdrawnAt: START + 3 * HOUR },
        HOUR,
        [],
      ],
      ['under embargo', { publishedAt: START + 5 * HOUR, expiresAt: START + 6 * HOUR }, 0, []],
    ])('a story %s', async (_, story, delay, expected) => {
      const store = await served();
      await store.apply([put(story)], () => START);
      const snapshot = await store.partnerSnapshot(LATEST, START + 4 * HOUR, { ...OPTIONS, delay });
      expect(snapshot?.takenBack.map(({ ending }) => ending)).toEqual(expected);
    });

    test('a partner’s own selection is filled by its rule, and readers have no such feed', async () => {
      const store = await served();
      const key = partnerFeedKey('msn');
      await store.apply([put({ id: 'a', rightsEnd: START + HOUR }), put({ id: 'b', tags: ['y'] })], () => START);
      await store.backfillFeeds([{ id: key, select: { any: ['tag/x'], all: [], none: [] } }], () => START);
      const [outcome] = await store.apply([put({ id: 'c', rightsEnd: START + HOUR })], () => START + SECOND);
      const snapshot = await store.partnerSnapshot(key, START + MINUTE, OPTIONS);

      expect((await idsOf(store, snapshot?.entries ?? [])).toSorted()).toEqual(['a', 'c']);
      expect((await store.partnerSnapshot(key, START + HOUR, OPTIONS))?.takenBack).toHaveLength(2);
      expect(outcome?.touched).toContain(key);
      expect(outcome?.kept?.feeds).not.toContain(key);
      expect(await store.memberships(1)).toContain(key);
      expect(await store.rules()).toEqual([{ id: key, select: { any: ['tag/x'], all: [], none: [] } }]);
      await store.backfillFeeds([{ id: key }], () => START + MINUTE);
      expect((await store.partnerSnapshot(key, START + MINUTE, OPTIONS))?.entries ?? []).toEqual([]);
    });

    test.each<[string, Story]>([
      ['an expiry', { expiresAt: START + HOUR }],
      ['an end of its rights', { rightsEnd: START + HOUR }],
      ['a withdrawal', { withdrawnAt: START + MINUTE }],
    ])('a feed stays known after a correction gives its only story %s before it appeared', async (_, end) => {
      const store = await served();
      await store.apply([put({ id: 'a' })], () => START);
      const options = { ...OPTIONS, delay: HOUR };
      const before = await store.partnerSnapshot('tag/x', START + 2 * HOUR, options);
      await store.apply([put({ id: 'a', ...end })], () => START + 2 * HOUR);
      const after = await store.partnerSnapshot('tag/x', START + 2 * HOUR, options);

      expect(before?.entries).toHaveLength(1);
      expect(after).toMatchObject({ name: 'x', entries: [] });
      expect(after?.changedAt).toBeGreaterThan(before?.changedAt ?? 0);
    });

    test('what shows feeds to readers shows no partner’s selection, also while it is filled', async () => {
      const store = await served();
      const key = partnerFeedKey('msn');
      await store.setDocumentSizes({ entries: 1, feeds: [] }, () => START);
      await store.apply([put({ id: 'a' }), put({ id: 'b' }), put({ id: 'c' })], () => START);
      const at = START + MINUTE;
      const reads = async () => [
        await store.feeds(at),
        await store.feedKeys(),
        await store.seenFeeds([key], at),
        await store.listFeeds({ after: '', limit: 50, at }),
        await store.listFeeds({ after: '', limit: 50, at, kind: 'custom' }),
        await store.feedTotal(key, at),
        await store.usedFeeds('tag', at, { articles: 5, limit: 5 }),
        await store.feedsOfKind('tag', at, 5),
        await store.glance(key, at, { days: [] }),
        await store.articleBlocks(at, 10),
        await store.snapshot(key, at, { limit: 5, tombstonesFor: DAY }),
        await store.archivePage(key, 1, at),
        await store.newerThan(key, 1, at, 5),
        await store.list({ after: 0, limit: 5, at, feed: key }),
        await store.divideHistory('', () => at),
        await store.statusCounts(at),
      ];
      const before = await reads();
      await store.backfillFeeds([{ id: key, select: { any: [], all: [], none: [] } }], () => START, 0);
      expect(await store.fillingFeeds()).toBe(1);
      expect(await reads()).toEqual(before);
      await expect(store.partnerSnapshot(key, at, OPTIONS)).rejects.toMatchObject({ code: 'feed_filling' });
      while ((await store.fillFeeds(() => START)).left > 0);
      expect(await reads()).toEqual(before);
      expect((await store.partnerSnapshot(key, at, OPTIONS))?.entries).toHaveLength(3);
    });

    test('a feed exists for a partner from its first story on', async () => {
      const store = await served();
      await store.apply([put({})], () => START);
      const options = { ...OPTIONS, delay: HOUR };
      const nothing = { name: '', entries: [], takenBack: [], changedAt: 0 };
      const before = await store.partnerSnapshot('tag/x', START + HOUR - 1, options);
      expect(before).toEqual({ ...nothing, nextChangeAt: START + HOUR });
      expect(await store.partnerSnapshot('tag/x', START + HOUR, options)).toMatchObject({ name: 'x' });
      expect(await store.partnerSnapshot('tag/nope', START + HOUR, options)).toBeUndefined();
    });
  });

  describe(`${name}: changes as partners learn of them`, () => {
    test('changes of articles in the order of their revisions', async () => {
      const store = await served();
      await store.apply([put({ id: 'a' }), put({ id: 'b' }), put({ id: 'c', publishedAt: START + DAY })], () => START);
      await store.apply([put({ id: 'a', title: 'New', updatedAt: START + HOUR })], () => START + HOUR);
      await store.apply([{ kind: 'withdraw', id: 'b' }], () => START + 2 * HOUR);

      expect(await store.changedAfter(1, 10)).toEqual([
        { number: 3, revision: 3, at: START + DAY },
        { number: 1, revision: 4, at: START + HOUR },
        { number: 2, revision: 5, at: START + 2 * HOUR },
      ]);
      expect(await store.changedAfter(1, 1)).toHaveLength(1);
      expect(await store.changedAfter(5, 10)).toEqual([]);
    });

    test('what time alone changes, page by page', async () => {
      const store = await served();
      const stories = ['a', 'b', 'c', 'd'].map((id) =>
        put({ id, expiresAt: START + 2 * HOUR, rightsEnd: START + HOUR }),
      );
      await store.apply(stories, () => START);
      const span = { from: START - 1, to: START + 2 * HOUR, delay: HOUR, upTo: 4, limit: 100 };
      const all = await store.changedByTime(span);

      expect(all.map(({ at, number }) => [at - START, number])).toEqual([
        ...[1, 2, 3, 4].map((number) => [HOUR, number]),
        ...[1, 2, 3, 4].map((number) => [2 * HOUR, number]),
      ]);
      const found = [];
      for (let [from, after]: [number, number | undefined] = [span.from, undefined]; ; ) {
        const page = await store.changedByTime({ ...span, from, ...(after === undefined ? {} : { after }), limit: 3 });
        found.push(...page);
        const last = page.at(-1);
        if (last === undefined) break;
        [from, after] = [last.at, last.number];
      }
      expect(found).toEqual(all);
      expect(await store.changedByTime({ ...span, upTo: 2 })).toHaveLength(4);
      expect(await store.changedByTime({ ...span, from: START + 2 * HOUR })).toEqual([]);
      expect(await store.nextChangeByTime(START, HOUR)).toBe(START + HOUR);
      expect(await store.nextChangeByTime(START + HOUR, HOUR)).toBe(START + 2 * HOUR);
      expect(await store.nextChangeByTime(START + 2 * HOUR, HOUR)).toBeUndefined();
    });

    test('many articles of one moment, page by page', async () => {
      const store = await served();
      await store.apply(
        Array.from({ length: 600 }, (_, number) =>
          put({ id: `a${number}`, publishedAt: START + (number < 2 ? 0 : HOUR) }),
        ),
        () => START,
      );
      const numbers: number[] = [];
      let page = await store.changedByTime({ from: START - 1, to: START + DAY, delay: 0, upTo: 599, limit: 130 });
      for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
        numbers.push(...page.map(({ number }) => number));
        const span = { from: last.at, after: last.number, to: START + DAY, delay: 0, upTo: 599, limit: 130 };
        page = await store.changedByTime(span);
      }
      expect(numbers).toEqual(Array.from({ length: 599 }, (_, index) => index + 1));
      await store.apply([put({ id: 'a7', title: 'New', publishedAt: START + HOUR })], () => START);
      const after = await store.changedByTime({ from: START, to: START + DAY, delay: 0, upTo: 1e9, limit: 1e9 });
      expect(after.find(({ number }) => number === 8)?.revision).toBe(601);
    });

    test('what was taken back and corrected, the newest first', async () => {
      const store = await served();
      await store.apply(
        [
          put({ id: 'gone' }),
          put({ id: 'expired', expiresAt: START + 2 * HOUR, rightsEnd: START + 3 * HOUR }),
          put({ id: 'rights', rightsEnd: START + 3 * HOUR }),
          put({ id: 'corrected', correctedAt: START + 4 * HOUR }),
          put({ id: 'plain' }),
          put({ id: 'early', publishedAt: START + DAY, correctedAt: START + HOUR }),
        ],
        () => START,
      );
      await store.apply([{ kind: 'withdraw', id: 'gone' }], () => START + HOUR);
      const ends = await store.syndicationEnds(START, START + 4 * HOUR, 10);

      expect(ends.map(({ id, ending, at }) => [id, ending, at - START])).toEqual([
        ['corrected', 'corrected', 4 * HOUR],
        ['rights', 'rights-ended', 3 * HOUR],
        ['expired', 'expired', 2 * HOUR],
        ['gone', 'withdrawn', HOUR],
      ]);
      expect(ends[3]).toMatchObject({
        publicId: 'tag:news.example,2026:gone',
        revision: 7,
        publishedAt: START,
        number: 1,
      });
      expect(await store.syndicationEnds(START, START + 4 * HOUR, 2)).toEqual(ends.slice(0, 2));
      expect(await store.syndicationEnds(START + 2 * HOUR, START + 3 * HOUR, 9)).toEqual(ends.slice(1, 2));
    });

    test('nothing of an erased story is left but its withdrawal', async () => {
      const store = await served();
      await store.apply([put({ rightsEnd: START + HOUR, correctedAt: START + MINUTE })], () => START);
      await store.apply([{ kind: 'erase', id: 'a' }], () => START + 2 * MINUTE);
      const ends = await store.syndicationEnds(START - DAY, START + DAY, 9);
      expect(ends.map(({ ending }) => ending)).toEqual(['withdrawn']);
      expect(
        await store.changedByTime({ from: START + 2 * MINUTE, to: START + DAY, delay: 0, upTo: 9, limit: 9 }),
      ).toEqual([]);
      expect((await store.partnerSnapshot(LATEST, START + 2 * HOUR, OPTIONS))?.takenBack).toHaveLength(1);
    });
  });

  describe(`${name}: feeds that articles have left`, () => {
    const LEFT = START + HOUR;
    const stay = { publishedAt: START, until: LEFT, leftAt: LEFT, leftRevision: 2 };

    test.each<[string, Story, Story, readonly string[], object]>([
      ['another tag', {}, { tags: ['y'] }, ['tag/x'], stay],
      ['no tag', {}, { tags: [] }, ['tag/x'], stay],
      ['one tag more', {}, { tags: ['x', 'y'] }, [], {}],
      ['another title', {}, { title: 'Corrected' }, [], {}],
      [
        'less urgency',
        { tags: [], urgency: 4 },
        { tags: [], urgency: 6 },
        ['latest', 'language/en'],
        { ...stay, urgency: 4 },
      ],
      ['no urgency', { tags: [], urgency: 3 }, { tags: [] }, ['latest', 'language/en'], { ...stay, urgency: 3 }],
      ['more urgency', { urgency: 4 }, { urgency: 1 }, [], {}],
      ['fewer partners', { tags: [] }, { tags: [], partners: ['a'] }, ['latest', 'language/en'], stay],
      [
        'other partners',
        { tags: [], partners: ['b'] },
        { tags: [], partners: ['a'] },
        ['latest', 'language/en'],
        { ...stay, partners: ['b'] },
      ],
      [
        'partners with strange names, after a text that speaks of rights',
        {
          title: '"urgency":1,"rights":{"partners":["a"]} \\"rights\\":{',
          tags: [],
          partners: ['}', '{"', 'a'],
          urgency: 7,
        },
        { tags: [], partners: ['a'], urgency: 7 },
        ['latest', 'language/en'],
        { ...stay, partners: ['}', '{"', 'a'], urgency: 7 },
      ],
      ['more partners', { partners: ['a'] }, { partners: ['b', 'a'] }, [], {}],
      ['all partners', { partners: ['a'] }, {}, [], {}],
      [
        'another tag and other dates',
        { expiresAt: START + DAY, rightsEnd: START + 2 * HOUR },
        { tags: [] },
        ['tag/x'],
        { ...stay, endsAt: START + 2 * HOUR },
      ],
      [
        'another tag after its withdrawal',
        { withdrawnAt: START + MINUTE },
        { tags: ['y'], withdrawnAt: START + MINUTE },
        ['tag/x'],
        { ...stay, until: START + MINUTE },
      ],
      ['another tag under embargo', { publishedAt: START + DAY }, { publishedAt: START + DAY, tags: ['y'] }, [], {}],
    ])('%s', async (_, before, after, expected, known) => {
      const store = await served();
      await store.apply([put(before)], () => START);
      await store.apply([put(after)], () => LEFT);
      const former = await store.formerMemberships(1);

      expect(former.map(({ feed }) => feed).toSorted()).toEqual(expected.toSorted());
      for (const { feed, ...one } of former) {
        expect(one).toEqual({ leftAt: LEFT, leftRevision: 2, stays: [known] });
        expect(await store.formerMembers(feed, 5)).toEqual([{ feed, ...one, number: 1, revision: 2, changedAt: LEFT }]);
      }
      const ends = await store.syndicationEnds(START, LEFT, 5);
      expect(ends.filter(({ ending }) => ending === 'moved').map(({ at, revision }) => [at, revision])).toEqual(
        expected.length > 0 ? [[LEFT, 2]] : [],
      );
    });

    test('the documents of the feed change for partners alone with each later change of the article, and other processes learn it', async () => {
      const store = await served();
      await store.apply([put({ id: 'stays' }), put({})], () => START);
      await store.apply([put({ tags: ['y'] })], () => LEFT);
      const readers = async (at: number) =>
        (await store.snapshot('tag/x', at, { limit: 5, tombstonesFor: DAY }))?.changedAt;
      const partners = async (at: number) => (await store.partnerSnapshot('tag/x', at, OPTIONS))?.changedAt;
      const before = await readers(LEFT);
      for (const [index, change] of [
        put({ tags: ['y'], title: 'Corrected' }),
        { kind: 'withdraw', id: 'a' } as const,
        { kind: 'erase', id: 'a' } as const,
      ].entries()) {
        const at = LEFT + (index + 1) * MINUTE;
        const [outcome] = await store.apply([change], () => at);
        expect([outcome?.touched.includes('tag/x'), await readers(at), await partners(at)]).toEqual([true, before, at]);
        expect(await store.formerMembers('tag/x', 5)).toMatchObject([
          { revision: outcome?.revision, changedAt: at, leftAt: LEFT },
        ]);
      }
      expect((await store.formerMemberships(2))[0]?.stays).toEqual([{ ...stay, leftRevision: 3 }]);
    });

    test('an article that is back is a former member only for partners that it was for', async () => {
      const store = await served();
      await store.apply([put({ partners: ['a', 'b'] })], () => START);
      await store.apply([put({ tags: [], partners: ['a'] })], () => LEFT);
      await store.apply([put({ partners: ['a'] })], () => LEFT + HOUR);
      expect((await store.formerMemberships(1)).map(({ feed }) => feed).toSorted()).toEqual([
        'language/en',
        'latest',
        'tag/x',
      ]);
      await store.apply([put({ partners: ['c', 'b', 'a'] })], () => LEFT + 2 * HOUR);
      expect(await store.formerMemberships(1)).toEqual([]);
      expect(await store.syndicationEnds(START, LEFT + DAY, 5)).toEqual([]);
    });

    test('partners that lose an article one after the other have a date each', async () => {
      const store = await served();
      await store.apply([put({ partners: ['a', 'b'] })], () => START);
      await store.apply([put({ partners: ['a'] })], () => LEFT);
      await store.apply([put({ partners: ['a'], tags: [] })], () => LEFT + HOUR);
      const [tag] = (await store.formerMemberships(1)).filter(({ feed }) => feed === 'tag/x');
      const second = { until: LEFT + HOUR, leftAt: LEFT + HOUR, leftRevision: 3 };
      expect(tag).toEqual({
        ...{ feed: 'tag/x', leftAt: LEFT + HOUR, leftRevision: 3 },
        stays: [
          { ...stay, partners: ['a', 'b'] },
          { ...stay, ...second, partners: ['a'] },
        ],
      });
    });

    test('the newest changes come first, and old ones are forgotten', async () => {
      const store = await served();
      const ids = ['a', 'b', 'c', 'd'];
      await store.apply(
        ids.map((id) => put({ id })),
        () => START,
      );
      for (const [index, id] of ids.entries()) await store.apply([put({ id, tags: [] })], () => LEFT + index * MINUTE);
      await store.apply([put({ id: 'a', tags: [], title: 'Corrected' })], () => LEFT + HOUR);
      const numbers = async (limit = 9) => (await store.formerMembers('tag/x', limit)).map(({ number }) => number);

      expect([await numbers(), await numbers(2)]).toEqual([
        [1, 4, 3, 2],
        [1, 4],
      ]);
      expect([await store.pruneFormerMembers(LEFT + 2 * MINUTE), await numbers()]).toEqual([1, [1, 4, 3]]);
      expect([await store.pruneFormerMembers(LEFT + DAY), await numbers()]).toEqual([3, []]);
      expect([await store.pruneFormerMembers(LEFT + DAY), await store.formerMemberships(1)]).toEqual([0, []]);
    });

    test('a rule that changes takes no story from partners', async () => {
      const store = await served();
      const key = partnerFeedKey('msn');
      await store.backfillFeeds([{ id: key, select: { any: ['tag/x'], all: [], none: [] } }], () => START);
      await store.apply([put({}), put({ id: 'b' })], () => START);
      await store.apply([put({ id: 'b', tags: ['y'] })], () => LEFT);
      await store.backfillFeeds([{ id: key, select: { any: ['tag/z'], all: [], none: [] } }], () => LEFT);
      expect((await store.formerMembers(key, 5)).map(({ number }) => number)).toEqual([2]);
    });
  });

  describe(`${name}: against a model`, () => {
    test('a partner sees what the model says, at every moment', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 1, maxLength: 14 }),
          fc.nat(3),
          fc.constantFrom(3, 100),
          fc.constantFrom(LATEST, 'tag/x'),
          follow,
        ),
        {
          numRuns: runs,
        },
      );
    }, 600_000);
  });

  async function follow(steps: readonly Step[], delayIndex: number, limit: number, key: string): Promise<void> {
    const delay = [0, 2 * SECOND, MINUTE, HOUR][delayIndex] ?? 0;
    const options = { limit, delay, retention: 90 * SECOND };
    const isInFeed = ({ isTagged }: Modelled) => key === LATEST || isTagged;
    const store = await served();
    const model = new Map<string, Modelled>();
    let now = START + HOUR;
    let last: { readonly view: string; readonly changedAt: number; readonly at: number } | undefined;
    const look = async (at: number) => {
      const snapshot = await store.partnerSnapshot(key, at, options);
      const view = snapshot === undefined ? { entries: [], takenBack: [] } : viewOf(snapshot);
      expect(view).toEqual(modelView([...model.values()].filter(isInFeed), at, options));
      const changedAt = snapshot?.changedAt ?? 0;
      const text = JSON.stringify(view);
      if (last !== undefined) {
        expect(changedAt).toBeGreaterThanOrEqual(last.changedAt);
        // Several changes of one moment have one date, and those of one second share the next second.
        if (text !== last.view && last.changedAt < last.at) expect(changedAt).toBeGreaterThan(last.changedAt);
      }
      last = { view: text, changedAt, at };
      return snapshot;
    };
    for (const { wait, id, ...change } of steps) {
      const until = now + wait;
      for (;;) {
        const snapshot = await look(now);
        const next = snapshot?.nextChangeAt ?? (await store.nextChangeByTime(now, delay));
        if (next === undefined || next > until) break;
        expect(next).toBeGreaterThan(now);
        await look(next - 1);
        const before = last?.view;
        await look(next);
        // With all entries, the moment is exact.
        if (limit > steps.length && snapshot?.nextChangeAt !== undefined) expect(last?.view).not.toBe(before);
        now = next;
      }
      now = until;
      const before = await look(now);
      const known = model.get(id);
      const made = storyOf(change, id, now, known);
      const [outcome] = await store.apply([made.change], () => now);
      if (outcome?.result !== 'created' && outcome?.result !== 'updated' && outcome?.result !== 'withdrawn') continue;
      const number = known?.number ?? model.size + 1;
      const left = leftBy(known, made.story, { at: now, revision: outcome.revision });
      const next = { ...made.story, number, revision: outcome.revision, changedAt: now, left };
      model.set(id, next);
      const isHidden = [known, next].every((story) => story === undefined || story.publishedAt + delay > now);
      if (isHidden) expect(stripped(await store.partnerSnapshot(key, now, options))).toEqual(stripped(before));
      else await look(now);
    }
    await expectFormerMembers(store, [...model.values()]);
    await expectEvents(store, [...model.values()], { from: START + HOUR, to: now + HOUR, delay });
  }
}

/** When a story left the feed of its tag last. It counts until the story is back. */
function leftBy(known: Modelled | undefined, next: Changed, change: Departure): Departure | undefined {
  if (known === undefined || next.isTagged) return undefined;
  const wasSeen = known.publishedAt <= Math.min(change.at, known.withdrawnAt ?? change.at);
  return known.isTagged && wasSeen ? change : known.left;
}

async function expectFormerMembers(store: Store, stories: readonly Modelled[]): Promise<void> {
  const expected = stories.flatMap(({ number, revision, changedAt, left }) =>
    left === undefined ? [] : [{ number, revision, changedAt, leftAt: left.at, leftRevision: left.revision }],
  );
  const found = await store.formerMembers('tag/x', 100);
  expect(found).toHaveLength(expected.length);
  expect([...found].sort((one, other) => one.number - other.number)).toMatchObject(
    expected.sort((one, other) => one.number - other.number),
  );
  expect(found.map(({ changedAt }) => changedAt)).toEqual(
    found
      .map(({ changedAt }) => changedAt)
      .toSorted()
      .reverse(),
  );
  for (const { number, feed, leftAt, leftRevision, stays } of found)
    expect(await store.formerMemberships(number)).toEqual([{ feed, leftAt, leftRevision, stays }]);
}

/** Compares what the store says of all events with what the stories of the model say. */
async function expectEvents(
  store: Store,
  stories: readonly Modelled[],
  { from, to, delay }: { readonly from: number; readonly to: number; readonly delay: number },
): Promise<void> {
  const isInSpan = ({ at }: { readonly at: number }) => at > from && at <= to;
  const eventsOf = (isLeft: boolean) =>
    stories
      .flatMap((story) => {
        const moments = new Set([...momentsOf(story, delay), ...(isLeft && story.left ? [story.left.at] : [])]);
        return [...moments].map((at) => ({ number: story.number, revision: story.revision, at }));
      })
      .filter(isInSpan)
      .sort((one, other) => one.at - other.at || one.number - other.number);
  const found: ArticleEvent[] = [];
  let page: readonly ArticleEvent[] = [{ number: Number.POSITIVE_INFINITY, revision: 0, at: from }];
  for (let last = page[0]; last !== undefined; last = page.at(-1)) {
    page = await store.changedByTime({ from: last.at, after: last.number, to, delay, upTo: 1e9, limit: 2 });
    found.push(...page);
  }
  expect(found).toEqual(eventsOf(true));
  const [first] = eventsOf(false);
  expect(await store.nextChangeByTime(from, delay)).toBe(first?.at ?? (await store.nextChangeByTime(to, delay)));

  const ends = stories.flatMap((story) => [
    ...endOf(story, 0).map(([number, revision, at, ending]) => ({ number, revision, at, ending })),
    ...correctionOf(story),
    ...departureOf(story),
  ]);
  const expected = ends.filter(isInSpan).sort((one, other) => other.at - one.at || other.number - one.number);
  const all = (await store.syndicationEnds(from, to, 100)).map(({ number, revision, at, ending }) => ({
    number,
    revision,
    at,
    ending,
  }));
  const order = (one: object, other: object) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1);
  expect(all.toSorted(order)).toEqual(expected.toSorted(order));
  expect(all.map(({ at }) => at)).toEqual(expected.map(({ at }) => at));
  expect((await store.syndicationEnds(from, to, 2)).map(({ at }) => at)).toEqual(
    expected.slice(0, 2).map(({ at }) => at),
  );
  const changes = stories
    .map(({ number, revision }) => [revision, number])
    .sort((one, other) => Number(one[0]) - Number(other[0]));
  expect((await store.changedAfter(0, 100)).map(({ revision, number }) => [revision, number])).toEqual(changes);
}

/** When time alone changes a story. */
function momentsOf({ publishedAt, expiresAt, rightsEnd, withdrawnAt }: Modelled, delay: number): readonly number[] {
  if (withdrawnAt !== undefined) return withdrawnAt < publishedAt ? [] : [withdrawnAt];
  return [publishedAt + delay, expiresAt, rightsEnd].filter((moment) => moment !== undefined);
}

function departureOf({ number, left }: Modelled) {
  return left === undefined ? [] : [{ number, revision: left.revision, at: left.at, ending: 'moved' }];
}

function correctionOf({ number, revision, publishedAt, correctedAt, withdrawnAt }: Modelled) {
  if (correctedAt === undefined || withdrawnAt !== undefined || correctedAt < publishedAt) return [];
  return [{ number, revision, at: correctedAt, ending: 'corrected' }];
}

/** What a partner knows of a feed: the next change by time is not sent, and an unknown feed is as good as an empty one. */
function stripped(snapshot: PartnerSnapshot | undefined) {
  const { nextChangeAt: _, ...known } = snapshot ?? { name: '', entries: [], takenBack: [], changedAt: 0 };
  return known;
}

function viewOf({ entries, takenBack }: PartnerSnapshot) {
  return {
    entries: entries.map(({ number, revision }) => [number, revision]),
    takenBack: takenBack.map(({ number, revision, at, ending }) => [number, revision, at, ending]),
  };
}

interface Step {
  readonly wait: number;
  readonly id: string;
  readonly isWithdrawal: boolean;
  readonly published: number;
  readonly expires: number | undefined;
  readonly rights: number | undefined;
  readonly corrected: number | undefined;
  readonly isTagged: boolean;
  readonly title: string;
}

const seconds = (most: number) => fc.nat(most).map((count) => count * SECOND);

const step: fc.Arbitrary<Step> = fc.record({
  wait: fc.oneof(seconds(5), seconds(200), fc.nat(1500)),
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
  isWithdrawal: fc.integer({ min: 0, max: 3 }).map((one) => one === 0),
  published: fc.oneof(
    fc.constant(0),
    fc.integer({ min: -70, max: 70 }).map((count) => count * SECOND),
    fc.constant(-HOUR),
  ),
  expires: fc.option(seconds(200), { nil: undefined }),
  rights: fc.option(seconds(200), { nil: undefined }),
  corrected: fc.option(seconds(100), { nil: undefined, freq: 2 }),
  isTagged: fc.integer({ min: 0, max: 3 }).map((one) => one > 0),
  title: fc.constantFrom('One', 'Two'),
});

interface Departure {
  readonly at: number;
  readonly revision: number;
}

interface Modelled {
  readonly number: number;
  readonly revision: number;
  readonly publicId: string;
  readonly publishedAt: number;
  readonly expiresAt?: number | undefined;
  readonly rightsEnd?: number | undefined;
  readonly isTagged: boolean;
  readonly withdrawnAt?: number | undefined;
  readonly correctedAt?: number | undefined;
  readonly changedAt: number;
  readonly left: Departure | undefined;
}

type Changed = Omit<Modelled, 'number' | 'revision' | 'changedAt' | 'left'>;

function storyOf(
  { isWithdrawal, published, expires, rights, corrected, isTagged, title }: Omit<Step, 'wait' | 'id'>,
  id: string,
  now: number,
  known: Modelled | undefined,
) {
  const second = Math.floor(now / SECOND) * SECOND;
  if (isWithdrawal && known !== undefined) {
    const story: Changed = { ...known, withdrawnAt: known.withdrawnAt ?? second };
    return { change: { kind: 'withdraw', id } as const, story };
  }
  const publishedAt = known === undefined || known.publishedAt > now ? second + published : known.publishedAt;
  const story: Changed = {
    publicId: `tag:news.example,2026:${id}`,
    publishedAt,
    expiresAt: expires === undefined ? undefined : Math.max(publishedAt, second) + SECOND + expires,
    rightsEnd: rights === undefined ? undefined : second + rights,
    correctedAt: corrected === undefined ? undefined : second - corrected,
    isTagged,
  };
  const { expiresAt, rightsEnd, correctedAt } = story;
  return {
    change: put(
      JSON.parse(
        JSON.stringify({ id, title, tags: isTagged ? ['x'] : [], publishedAt, expiresAt, rightsEnd, correctedAt }),
      ),
    ),
    story,
  };
}

/** What the partner sees by the words of the contract. */
function modelView(stories: readonly Modelled[], at: number, { limit, delay, retention }: PartnerSnapshotOptions) {
  const LATER = Number.POSITIVE_INFINITY;
  const entries = stories
    .filter(
      ({ publishedAt, expiresAt = LATER, rightsEnd = LATER, withdrawnAt }) =>
        withdrawnAt === undefined && publishedAt + delay <= at && expiresAt > at && rightsEnd > at,
    )
    .toSorted((one, other) => other.publishedAt - one.publishedAt || tieOf(other) - tieOf(one))
    .slice(0, limit)
    .map(({ number, revision }) => [number, revision]);
  const takenBack = stories
    .flatMap((story) => endOf(story, delay))
    .filter(([, , moment]) => moment <= at && moment > at - retention)
    .toSorted((one, other) => other[2] - one[2] || other[0] - one[0]);
  return { entries, takenBack };
}

function tieOf({ publicId }: Modelled): number {
  return tieBreaker(publicId);
}

function endOf(story: Modelled, delay: number): [number, number, number, string][] {
  const { number, revision, publishedAt, expiresAt, rightsEnd, withdrawnAt } = story;
  const appears = publishedAt + delay;
  const first = Math.min(expiresAt ?? Number.POSITIVE_INFINITY, rightsEnd ?? Number.POSITIVE_INFINITY);
  if (first <= appears) return [];
  if (withdrawnAt !== undefined) return withdrawnAt < appears ? [] : [[number, revision, withdrawnAt, 'withdrawn']];
  if (!Number.isFinite(first)) return [];
  return [[number, revision, first, first === expiresAt ? 'expired' : 'rights-ended']];
}
