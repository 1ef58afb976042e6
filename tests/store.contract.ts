import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Article } from '../src/article/article.ts';
import { articleText, erasedArticle } from '../src/article/stored.ts';
import { type FeedRule, type NamedKey, ownKeys, type Selection } from '../src/feed/feeds.ts';
import { customFeedChooser } from '../src/feed/selection.ts';
import { jsonString } from '../src/lib/json.ts';
import type {
  Actor,
  Change,
  Condition,
  FeedList,
  FeedListOptions,
  Listed,
  ListedFeed,
  ListOptions,
  Outcome,
  Put,
  SnapshotOptions,
  Store,
  StoredKey,
  StoredRecord,
  Withdraw,
} from '../src/store/store.ts';
import { STATUSES } from '../src/store/store.ts';
import { article } from './helpers.ts';
import { sized } from './soak/sizes.ts';

const DAY = Date.UTC(2026, 10, 20);
const MINUTE = 60_000;
const NOW = DAY + 24 * 60 * MINUTE;
const YEAR = 365 * 24 * 60 * MINUTE;
/** Fifty entries, and every withdrawal. */
const FIFTY: SnapshotOptions = { limit: 50, tombstonesFor: YEAR };

/** A moment of the test's day, as records write it. */
function at(minutes: number): string {
  return new Date(DAY + minutes * MINUTE).toISOString();
}

function put(fields: Readonly<Record<string, unknown>>, changedAt = 0): Put {
  const made = article({ publishedAt: at(0), ...fields });
  return putOf(made, ownKeys(made), changedAt);
}

function putOf(made: Article, feeds: readonly NamedKey[], changedAt = 0): Put {
  return { kind: 'put', article: articleText(made), record: JSON.stringify({ id: made.id }), feeds, changedAt };
}

interface Withdrawn extends Withdraw {
  /** When `applyAll` applies the withdrawal. */
  readonly made: number;
}

function withdraw(id: string, made: number, reason?: string): Withdrawn {
  return { kind: 'withdraw', id, made, ...(reason === undefined ? {} : { reason }) };
}

/** Applies changes, each in a transaction of its own. */
async function applyAll(store: Store, changes: readonly (Put | Withdrawn)[]): Promise<void> {
  for (const change of changes) await store.apply([change], () => (change.kind === 'put' ? NOW : change.made));
}

function feed(id: string, select: Partial<Selection> = {}): FeedRule {
  return { id, select: { any: [], all: [], none: [], ...select } };
}

/** Outcomes with sorted feeds: a store may return them in any order. */
function inOrder(outcomes: readonly Outcome[]): readonly Outcome[] {
  return decisions(outcomes).map((outcome) => ({ ...outcome, touched: outcome.touched.toSorted() }));
}

/** The outcomes without what tests of their own are about: the article that is kept, and others with the same address. */
function decisions(outcomes: readonly Outcome[]): readonly Outcome[] {
  return outcomes.map(({ kept: _, sameAddress: __, ...outcome }) => outcome);
}

/** The rules for every store. `open` returns an empty store, `openTwice` two connections to one store, `openBroken` a store that fails. `isReplicated`: the connections are replicas, whose changes have one moment, and an order that they agree on. */
export function storeContract(
  name: string,
  open: () => Promise<Store>,
  openTwice: () => Promise<readonly [Store, Store]>,
  openBroken: () => Promise<Store>,
  { isReplicated = false }: { readonly isReplicated?: boolean } = {},
): void {
  /** A store with these changes, each applied in a transaction of its own. */
  async function holding(...changes: readonly (Put | Withdrawn)[]): Promise<Store> {
    const store = await open();
    await applyAll(store, changes);
    return store;
  }

  async function idsIn(store: Store, key: string, moment = NOW, limit = 50): Promise<readonly string[] | undefined> {
    const snapshot = await store.snapshot(key, moment, { ...FIFTY, limit });
    if (snapshot === undefined) return undefined;
    const stored = await store.articles(snapshot.entries.map(({ number }) => number));
    return stored.map((each) => each.article.id);
  }

  describe(`${name}: changes`, () => {
    test('each changed article gets the next revision', async () => {
      const store = await open();
      expect(inOrder(await store.apply([put({ id: 'a' }), put({ id: 'b', tags: ['x'] })], () => NOW))).toEqual([
        { id: 'a', result: 'created', revision: 1, touched: ['language/en', 'latest'] },
        { id: 'b', result: 'created', revision: 2, touched: ['language/en', 'latest', 'tag/x'] },
      ]);
      expect(inOrder(await store.apply([put({ id: 'a', title: 'New' })], () => NOW))).toEqual([
        { id: 'a', result: 'updated', revision: 3, touched: ['language/en', 'latest'] },
      ]);
      expect(inOrder(await store.apply([withdraw('b', NOW)], () => NOW))).toEqual([
        { id: 'b', result: 'withdrawn', revision: 4, touched: ['language/en', 'latest', 'tag/x'] },
      ]);
    });

    test('an outcome has the article as the store has it, also where nothing changed', async () => {
      const store = await open();
      const feeds = ['latest', 'tag/x', 'language/en'];
      const kept = { publicId: 'tag:news.example,2026:a', publishedAt: 1_795_132_800_000, feeds };
      const [created] = await store.apply([put({ id: 'a', tags: ['x'] })], () => NOW);
      const [same] = await store.apply([put({ id: 'a', tags: ['x'] })], () => NOW);
      const [withdrawn] = await store.apply([withdraw('a', NOW)], () => NOW);
      const [again] = await store.apply([withdraw('a', NOW)], () => NOW);
      const [unknown] = await store.apply([withdraw('b', NOW)], () => NOW);

      expect([created?.kept, same?.kept]).toEqual([kept, kept]);
      expect([withdrawn?.kept, again?.kept]).toMatchObject(Array(2).fill({ ...kept, withdrawn: {} }));
      expect(unknown).not.toHaveProperty('kept');
    });

    test('a put without a difference changes nothing', async () => {
      const store = await holding(put({ id: 'a' }, 5));
      const before = await store.snapshot('latest', NOW, FIFTY);
      expect(decisions(await store.apply([put({ id: 'a' }, NOW)], () => NOW))).toEqual([
        { id: 'a', result: 'unchanged', revision: 1, touched: [] },
      ]);
      expect(await store.snapshot('latest', NOW, FIFTY)).toEqual(before);
    });

    test('nor does a put of a withdrawn article without a difference', async () => {
      const withdrawn = { at: at(5) };
      const store = await holding(put({ withdrawn }));
      expect(decisions(await store.apply([put({ withdrawn })], () => NOW))).toEqual([
        { id: 'a', result: 'unchanged', revision: 1, touched: [] },
      ]);
    });

    test('nor one of an article that was withdrawn before its embargo ended', async () => {
      const fields = { embargoUntil: at(60), withdrawn: { at: at(5) } };
      const store = await holding(put(fields));
      expect(decisions(await store.apply([put(fields)], () => NOW))).toEqual([
        { id: 'a', result: 'unchanged', revision: 1, touched: [] },
      ]);
    });

    test('but the store keeps the newer record: it may name a value that was a default', async () => {
      const store = await holding(put({}), { ...put({}), record: '{"id":"a","language":"en"}' });
      expect(await store.find('a')).toMatchObject({ revision: 1, record: { id: 'a', language: 'en' } });
    });

    test('a put in bytes is the same as in text', async () => {
      const bytes = ({ article: { text, ...dates }, record, ...rest }: Put): Put => ({
        ...rest,
        article: { ...dates, text: Buffer.from(jsonString(text)) },
        record: Buffer.from(jsonString(record)),
      });
      const story = { title: 'پردەکە 🌉', language: 'ckb' };
      const [text, store] = [await holding(put(story)), await holding(bytes(put(story)))];
      expect(await store.find('a')).toEqual(await text.find('a'));
      const outcomes = await store.apply(
        [put(story), bytes(put(story)), bytes(put({ ...story, title: 'نوێ' }))],
        () => NOW,
      );
      expect(outcomes.map(({ result }) => result)).toEqual(['unchanged', 'unchanged', 'updated']);
      expect(await store.find('a')).toMatchObject({ article: { title: 'نوێ' }, record: { id: 'a' } });
    });

    test('an article that only moves between feeds is changed', async () => {
      const made = article();
      const [one, other] = [
        { key: 'own', name: '' },
        { key: 'other', name: '' },
      ];
      const store = await holding(putOf(made, [one]));
      expect(inOrder(await store.apply([putOf(made, [other], NOW)], () => NOW))).toEqual([
        { id: 'a', result: 'updated', revision: 2, touched: ['other', 'own'] },
      ]);
      expect(await idsIn(store, 'own')).toEqual([]);
      expect(await idsIn(store, 'other')).toEqual(['a']);
    });

    test('a change of words moves it', async () => {
      const store = await holding(put({ id: 'b', sections: ['One'] }), put({ sections: ['One'] }));
      const [outcome] = await store.apply([put({ sections: ['Two'] }, NOW)], () => NOW);
      expect(outcome?.touched.toSorted()).toEqual(['language/en', 'latest', 'section/one', 'section/two']);
      expect(await idsIn(store, 'section/one')).toEqual(['b']);
      expect(await idsIn(store, 'section/two')).toEqual(['a']);
    });

    test('a batch is stored completely or not at all', async () => {
      const store = await holding(put({ id: 'a' }));
      const wrong = { ...put({ id: 'c' }), changedAt: Number.NaN };
      const changes = [put({ id: 'a', title: 'New' }), put({ id: 'b', tags: ['x'] }), wrong];
      await expect(store.apply(changes, () => NOW)).rejects.toThrow();
      expect(await idsIn(store, 'latest')).toEqual(['a']);
      expect(await store.snapshot('tag/x', NOW, FIFTY)).toBeUndefined();
      expect((await store.articles([1]))[0]).toMatchObject({ revision: 1, article: { title: 'A title' } });
      expect(await store.apply([put({ id: 'c' })], () => NOW)).toMatchObject([{ result: 'created', revision: 2 }]);
    });

    test('an article may change twice in a batch', async () => {
      const store = await open();
      const outcomes = await store.apply([put({ title: 'One' }), put({ title: 'Two' }), withdraw('a', NOW)], () => NOW);
      expect(outcomes.map(({ result, revision }) => `${result} ${revision}`)).toEqual([
        'created 1',
        'updated 2',
        'withdrawn 3',
      ]);
    });

    test('an empty list of changes is allowed', async () => {
      expect(await (await open()).apply([], () => NOW)).toEqual([]);
    });

    test('numbers are never reused, and stay with their article', async () => {
      const store = await holding(put({ id: 'a' }), put({ id: 'b' }), put({ id: 'a', title: 'New' }));
      const stored = await store.articles([2, 99, 1]);
      expect(stored.map(({ number, revision, article: { id } }) => [number, revision, id])).toEqual([
        [2, 2, 'b'],
        [1, 3, 'a'],
      ]);
    });

    test('an article comes back as it was put', async () => {
      const made = article({
        title: 'هەواڵ "😀" & <b>',
        authors: [{ name: 'A', url: '/a' }],
        media: [{ url: '/m', type: 'audio/mpeg', duration: 1.5 }],
      });
      const store = await holding(putOf(made, ownKeys(made)));
      expect((await store.articles([1]))[0]?.article).toEqual(made);
    });
  });

  describe(`${name}: the identity of an article`, () => {
    const refused = (field: string, value: string, rule: string) => [
      { id: 'a', result: 'refused', revision: 1, touched: [], problem: { field, value, rule } },
    ];

    test('stays once it was visible', async () => {
      const store = await holding(put({}));
      const rule = 'must stay 2026-11-20T00:00:00Z, the date of first publication (an embargo counts as its end)';
      expect(await store.apply([put({ publishedAt: at(1), title: 'New' })], () => NOW)).toEqual(
        refused('publishedAt', '2026-11-20T00:01:00Z', rule),
      );
      expect(await store.apply([put({ embargoUntil: at(60) })], () => NOW)).toEqual(
        refused('publishedAt', '2026-11-20T01:00:00Z', rule),
      );
      expect(await store.apply([put({ publicId: 'tag:x.example,2020:other' })], () => NOW)).toEqual(
        refused('publicId', 'tag:x.example,2020:other', 'must stay tag:news.example,2026:a'),
      );
      expect(await store.find('a')).toMatchObject({ revision: 1, article: { title: 'A title', publishedAt: DAY } });
    });

    test('stays when the article is withdrawn or expired', async () => {
      const store = await holding(put({ id: 'w' }), withdraw('w', NOW), put({ id: 'e', expiresAt: at(1) }));
      const results = await store.apply(
        [put({ id: 'w', publishedAt: at(1) }), put({ id: 'e', publishedAt: at(1) })],
        () => NOW,
      );
      expect(results.map(({ result }) => result)).toEqual(['refused', 'refused']);
    });

    test('is not opened by a withdrawal before it was visible', async () => {
      const store = await holding(put({ publishedAt: at(10) }));
      const rule = 'must not be before 2026-11-20T00:10:00Z, the date of first publication';
      const early = put({ publishedAt: at(10), withdrawn: { at: at(9) } });
      expect(await store.apply([early], () => NOW)).toEqual(refused('withdrawn.at', '2026-11-20T00:09:00Z', rule));
      expect(await store.apply([withdraw('a', NOW), early], () => NOW)).toMatchObject([
        { result: 'withdrawn' },
        { result: 'refused', problem: { rule } },
      ]);
      expect((await store.snapshot('latest', NOW, FIFTY))?.tombstones).toHaveLength(1);
    });

    test('lets an article be withdrawn at the second of its publication', async () => {
      const store = await holding(put({ publishedAt: at(10) }));
      const change = put({ publishedAt: at(10), withdrawn: { at: at(10) } });
      expect(await store.apply([change], () => NOW)).toMatchObject([{ result: 'updated' }]);
      expect((await store.snapshot('latest', NOW, FIFTY))?.tombstones).toHaveLength(1);
    });

    test('can change until readers can see the article', async () => {
      const store = await open();
      await store.apply([put({ publishedAt: at(60) })], () => DAY);
      const other = { publishedAt: at(30), publicId: 'tag:x.example,2020:other' };
      expect(await store.apply([put(other)], () => DAY + 60 * MINUTE - 1)).toMatchObject([{ result: 'updated' }]);
      expect(await store.apply([put({ ...other, publishedAt: at(31) })], () => DAY + 30 * MINUTE)).toMatchObject([
        { result: 'refused' },
      ]);
    });

    test('is no other article’s', async () => {
      const store = await holding(put({}));
      const changes = [put({ id: 'b' }), put({ id: 'tag:news.example,2026:a' }), put({ id: 'c' })];
      const [before, same, after] = await store.apply(changes, () => NOW);
      expect([before?.result, after?.result]).toEqual(['created', 'created']);
      expect(same).toEqual({
        id: 'tag:news.example,2026:a',
        result: 'refused',
        revision: 0,
        touched: [],
        problem: { field: 'publicId', value: 'tag:news.example,2026:a', rule: 'is the identity of the article a' },
      });
    });

    test('keeps a known public id instead of a derived one', async () => {
      const store = await holding(put({ publicId: 'urn:known:1' }));
      const change = put({ publicId: 'tag:moved.example,2026:a', title: 'New' });
      const made = { ...change, hasDerivedPublicId: true };
      expect(await store.apply([change, made], () => NOW)).toMatchObject([
        { result: 'refused' },
        { result: 'updated' },
      ]);
      expect(await store.apply([made], () => NOW)).toMatchObject([{ result: 'unchanged' }]);
      expect((await store.find('a'))?.article).toMatchObject({ publicId: 'urn:known:1', title: 'New' });
      expect(await store.apply([{ ...made, article: articleText(article({ id: 'b' })) }], () => NOW)).toMatchObject([
        { id: 'b', result: 'created' },
      ]);
    });

    test('half of a surrogate pair, which the id of a refused record may have, is not U+FFFD', async () => {
      const store = await holding(put({ id: 'a\uFFFD' }));
      const broken = ['a\uD800', 'a\uDC00', '\uD800'];

      expect(await store.revisions(broken)).toEqual(new Map());
      expect(await store.identities(broken)).toEqual(new Map());
      for (const id of broken) expect([await store.find(id), await store.history(id)]).toEqual([undefined, []]);
      expect(
        inOrder(
          await store.apply(
            broken.map((id) => withdraw(id, NOW)),
            () => NOW,
          ),
        ),
      ).toEqual(broken.map((id) => ({ id, result: 'absent', revision: 0, touched: [] })));
      expect(store.damage()).toBeUndefined();
      expect(await store.revisions(['a\uFFFD'])).toEqual(new Map([['a\uFFFD', 1]]));
    });

    test('is returned for known articles', async () => {
      const store = await holding(put({}), put({ id: 'b', publishedAt: at(1) }), withdraw('b', NOW));
      expect(await store.identities(['b', 'x', 'a'])).toEqual(
        new Map([
          ['b', { publicId: 'tag:news.example,2026:b', publishedAt: DAY + MINUTE }],
          ['a', { publicId: 'tag:news.example,2026:a', publishedAt: DAY }],
        ]),
      );
    });
  });

  test(`${name}: the revisions of known articles are returned`, async () => {
    const store = await holding(put({}), put({ id: 'b' }), withdraw('a', NOW));
    expect(await store.revisions(['b', 'x', 'a'])).toEqual(
      new Map([
        ['b', 2],
        ['a', 3],
      ]),
    );
  });

  describe(`${name}: a condition`, () => {
    const missing: readonly Change[] = [];
    const there = [put({})];
    const changed = [put({}), put({ title: 'New' })];
    const withdrawn = [put({}), withdraw('a', NOW)];

    test.each<[string, readonly Change[], Condition, boolean]>([
      ['absent, missing', missing, 'absent', true],
      ['absent, there', there, 'absent', false],
      ['absent, withdrawn', withdrawn, 'absent', false],
      ['present, missing', missing, 'present', false],
      ['present, there', there, 'present', true],
      ['present, withdrawn', withdrawn, 'present', true],
      ['revision 1, missing', missing, { revisions: [1] }, false],
      ['revision 1, there', there, { revisions: [1] }, true],
      ['revision 1, changed', changed, { revisions: [1] }, false],
      ['one of many revisions, changed', changed, { revisions: [7, 2, 1] }, true],
      ['no revision, there', there, { revisions: [] }, false],
    ])('%s', async (_, before, condition, holds) => {
      const store = await open();
      for (const change of before) await store.apply([change], () => NOW);
      const stored = await store.find('a');
      const changes = [{ ...put({ title: 'Newer' }), condition }, put({ id: 'b' })];
      const [outcome, other] = await store.apply(changes, () => NOW);
      expect(other?.result).toBe('created');
      if (holds) return expect(outcome?.result).toBe(before.length === 0 ? 'created' : 'updated');
      expect(outcome).toEqual({ id: 'a', result: 'condition-failed', revision: stored?.revision ?? 0, touched: [] });
      expect(await store.find('a')).toEqual(stored);
    });

    test('holds for a withdrawal as well', async () => {
      const store = await holding(put({}));
      const change = { ...withdraw('a', NOW), condition: { revisions: [9] } };
      expect(await store.apply([change], () => NOW)).toMatchObject([{ result: 'condition-failed', revision: 1 }]);
      expect(await store.apply([{ ...change, condition: { revisions: [1] } }], () => NOW)).toMatchObject([
        { result: 'withdrawn' },
      ]);
    });

    test('is of the article as the batch has left it', async () => {
      const twice = { ...put({}), condition: 'absent' } as const;
      const outcomes = await (await open()).apply(
        [twice, { ...twice, article: articleText(article({ title: 'B' })) }],
        () => NOW,
      );
      expect(outcomes.map(({ result }) => result)).toEqual(['created', 'condition-failed']);
    });
  });

  test(`${name}: a rehearsal returns the outcomes of changes, and changes nothing`, async () => {
    const store = await holding(put({}));
    const changes = [
      put({ title: 'New', tags: ['x'] }),
      put({ id: 'b', tags: ['y'] }),
      { ...put({ id: 'b' }), condition: 'absent' } as const,
      put({ id: 'c', publicId: 'tag:news.example,2026:a' }),
      withdraw('a', NOW),
      withdraw('d', NOW),
    ];
    const before = [await store.snapshot('latest', NOW, FIFTY), await store.feeds(NOW), await store.find('a')];
    const rehearsed = await store.rehearse(changes, () => NOW);
    expect([await store.snapshot('latest', NOW, FIFTY), await store.feeds(NOW), await store.find('a')]).toEqual(before);
    expect(await store.count()).toBe(1);
    expect(await store.apply(changes, () => NOW)).toEqual(rehearsed);
  });

  describe(`${name}: withdrawal`, () => {
    test('removes an article from its feeds, with the date', async () => {
      const store = await holding(put({ id: 'a' }), put({ id: 'b' }), withdraw('a', NOW - 5000, 'error'));
      expect(await store.snapshot('latest', NOW, FIFTY)).toMatchObject({
        entries: [{ number: 2 }],
        changedAt: NOW - 5000,
        removedAt: NOW - 5000,
      });
      expect((await store.articles([1]))[0]?.article.withdrawn).toEqual({ at: NOW - 5000, reason: 'error' });
    });

    test('has happened only from its moment on', async () => {
      const store = await holding(put({ id: 'a' }), withdraw('a', NOW));
      expect((await store.snapshot('latest', NOW - 1, FIFTY))?.removedAt).toBeUndefined();
      expect((await store.snapshot('latest', NOW, FIFTY))?.removedAt).toBe(NOW);
    });

    test('leaves an empty feed, not none', async () => {
      const store = await holding(put({ tags: ['x'] }), withdraw('a', NOW));
      expect(await idsIn(store, 'tag/x')).toEqual([]);
      expect(await store.feeds(NOW)).toContainEqual({ key: 'tag/x', name: 'x' });
    });

    test('a second time changes nothing', async () => {
      const store = await holding(put({}), withdraw('a', NOW));
      expect(decisions(await store.apply([withdraw('a', NOW + 1)], () => NOW))).toEqual([
        { id: 'a', result: 'unchanged', revision: 2, touched: [] },
      ]);
      expect((await store.snapshot('latest', NOW + 1, FIFTY))?.removedAt).toBe(NOW);
    });

    test('of an unknown article changes nothing', async () => {
      expect(await (await open()).apply([withdraw('a', NOW)], () => NOW)).toEqual([
        { id: 'a', result: 'absent', revision: 0, touched: [] },
      ]);
    });

    test('before readers could see the article leaves no trace', async () => {
      const store = await holding(
        put({ id: 'b' }),
        put({ id: 'a', embargoUntil: at(60), tags: ['x'] }),
        withdraw('a', DAY + 30 * MINUTE),
      );
      expect((await store.snapshot('latest', NOW, FIFTY))?.removedAt).toBeUndefined();
      expect(await store.snapshot('tag/x', NOW, FIFTY)).toBeUndefined();
    });

    test('by the record is the same', async () => {
      const store = await holding(put({ withdrawn: { at: at(5) } }));
      expect(await idsIn(store, 'latest')).toEqual([]);
      expect((await store.snapshot('latest', NOW, FIFTY))?.removedAt).toBe(DAY + 5 * MINUTE);
    });

    test('by the record, from before publication on, leaves no trace', async () => {
      const store = await holding(put({ publishedAt: at(10), withdrawn: { at: at(9) }, tags: ['x'] }));
      expect(await store.snapshot('tag/x', NOW, FIFTY)).toBeUndefined();
      expect(await store.find('a')).toMatchObject({ article: { withdrawn: { at: DAY + 9 * MINUTE } } });
    });

    test('by the record, with a date of the future, removes the article now and adds the tombstone then', async () => {
      const store = await open();
      await store.apply([put({ withdrawn: { at: at(60) } })], () => DAY);
      const later = DAY + 60 * MINUTE;
      expect(await store.snapshot('latest', later - 1, FIFTY)).toMatchObject({
        entries: [],
        tombstones: [],
        nextChangeAt: later,
      });
      expect(await store.snapshot('latest', later, FIFTY)).toMatchObject({
        entries: [],
        tombstones: [{ at: later }],
        removedAt: later,
      });
    });

    test('ends when the article is published again', async () => {
      const store = await holding(put({}), withdraw('a', NOW - 2));
      expect(inOrder(await store.apply([put({}, NOW - 1)], () => NOW))).toEqual([
        { id: 'a', result: 'updated', revision: 3, touched: ['language/en', 'latest'] },
      ]);
      expect(await idsIn(store, 'latest')).toEqual(['a']);
      expect(await store.snapshot('latest', NOW, FIFTY)).toMatchObject({ changedAt: NOW - 1 });
      expect((await store.snapshot('latest', NOW, FIFTY))?.removedAt).toBeUndefined();
    });
  });

  describe(`${name}: erasure`, () => {
    const TEXTS = {
      title: 'Erased title',
      body: '<p>Erased body</p>',
      sections: ['World'],
      authors: [{ name: 'Ann' }],
    };
    const erase = (id: string, more: object = {}): Change => ({ kind: 'erase', id, ...more });
    const tombstone = (minutes: number) => ({
      id: 'a',
      publicId: 'tag:news.example,2026:a',
      publishedAt: '2026-11-20T00:00:00Z',
      withdrawn: { at: at(minutes).replace('.000', '') },
      erased: { feeds: ['author/ann', 'language/en', 'latest', 'section/world'] },
    });
    const sorted = (stored: StoredRecord | undefined) => {
      const { erased, ...rest } = (stored?.record ?? {}) as { erased: { feeds: string[] } };
      return { ...rest, erased: { feeds: erased.feeds.toSorted() } };
    };

    test('withdraws an article and leaves its ids, its dates and its feeds', async () => {
      const store = await holding(put({ id: 'b', sections: ['World'] }), put(TEXTS));
      const outcome = await store.apply([erase('a')], () => DAY + 5 * MINUTE + 400);
      const stored = await store.find('a');

      expect(inOrder(outcome)).toMatchObject([
        { id: 'a', result: 'erased', revision: 3, touched: ['author/ann', 'language/en', 'latest', 'section/world'] },
      ]);
      expect(outcome[0]?.kept).toMatchObject({ withdrawn: { at: DAY + 5 * MINUTE } });
      expect(stored).toMatchObject({ number: 2, revision: 3, isErased: true, article: { title: '', html: '' } });
      expect(sorted(stored)).toEqual(tombstone(5));
      expect(JSON.stringify([stored, await store.page(0, 50)])).not.toMatch(/Erased title|Erased body|Ann/);
      for (const key of ['latest', 'section/world', 'author/ann']) {
        const expected = [{ publicId: 'tag:news.example,2026:a', at: DAY + 5 * MINUTE }];
        expect((await store.snapshot(key, NOW, FIFTY))?.tombstones, key).toEqual(expected);
      }
    });

    test('of a withdrawn article keeps the date of the withdrawal and drops the reason', async () => {
      const store = await holding(put(TEXTS), withdraw('a', DAY + 5 * MINUTE, 'A reason'));
      const [outcome] = await store.apply([erase('a')], () => NOW);

      expect(outcome).toMatchObject({ result: 'erased', touched: expect.arrayContaining(['latest', 'section/world']) });
      expect(sorted(await store.find('a'))).toEqual(tombstone(5));
      expect((await store.snapshot('latest', NOW, FIFTY))?.tombstones).toEqual([
        { publicId: 'tag:news.example,2026:a', at: DAY + 5 * MINUTE },
      ]);
    });

    test('of an article that readers could never see leaves no trace in feeds', async () => {
      const store = await holding(put({ ...TEXTS, embargoUntil: at(60) }));
      await store.apply([erase('a')], () => DAY + 5 * MINUTE);

      expect((await store.find('a'))?.record).toMatchObject({ erased: { feeds: [] } });
      expect((await store.snapshot('latest', NOW, FIFTY))?.tombstones).toEqual([]);
      expect(await store.snapshot('section/world', NOW, FIFTY)).toBeUndefined();
    });

    test('takes the names of feeds that no other article has, also of feeds that it has left, until another has it', async () => {
      const names = async () =>
        Object.fromEntries((await store.feeds(NOW)).map(({ key, name: shown }) => [key, shown]));
      const store = await holding(
        put({ id: 'b', sections: ['World'] }),
        put({ ...TEXTS, tags: ['Left'] }),
        put({ ...TEXTS, tags: ['Stays'] }),
      );
      await store.apply([put({ ...TEXTS, id: 'c', authors: [{ name: 'Ben' }] })], () => NOW);
      await store.apply([erase('a')], () => NOW);
      expect(await names()).toMatchObject({
        'section/world': 'World',
        'author/ben': 'Ben',
        'author/ann': '',
        'tag/left': '',
        'tag/stays': '',
        'language/en': 'English',
      });
      await store.apply([put({ id: 'd', tags: ['Stays'], authors: [{ name: 'Ann' }] })], () => NOW);
      expect(await names()).toMatchObject({ 'author/ann': 'Ann', 'tag/stays': 'Stays', 'tag/left': '' });
    });

    test.each<[string, number, string | undefined]>([
      ['before its embargo ends', 5, undefined],
      ['after its embargo has ended', 15, ''],
    ])('%s takes the names that the article alone gave its feeds', async (_, minutes, left) => {
      const store = await open();
      await store.apply([put({ ...TEXTS, embargoUntil: at(10) })], () => DAY);
      await store.apply([erase('a')], () => DAY + minutes * MINUTE);
      for (const key of ['section/world', 'author/ann']) {
        expect((await store.snapshot(key, NOW, FIFTY))?.name, key).toBe(left);
      }
      await store.apply([put({ ...TEXTS, id: 'b' })], () => NOW);
      expect(await store.snapshot('author/ann', NOW, FIFTY)).toMatchObject({ name: 'Ann', entries: [{ number: 2 }] });
    });

    test.each([5, 15])(
      'leaves the name that another article under embargo gives the feed, at minute %i',
      async (minutes) => {
        const store = await open();
        const other = put({ id: 'b', sections: ['WORLD'], embargoUntil: at(20) });
        await store.apply([put({ ...TEXTS, embargoUntil: at(10) }), other], () => DAY);
        await store.apply([erase('a')], () => DAY + minutes * MINUTE);
        const nameAt = async (minute: number) =>
          (await store.snapshot('section/world', DAY + minute * MINUTE, FIFTY))?.name;
        expect(await nameAt(19)).toBe(minutes < 10 ? undefined : '');
        expect(await nameAt(20)).toBe('WORLD');
      },
    );

    test('takes a spelling that came with the end of an embargo, and leaves that of another article', async () => {
      const store = await open();
      const spelled = (id: string, spelling: string) => put({ id, sections: [spelling], embargoUntil: at(10) });
      await store.apply([spelled('a', 'WORLD'), spelled('b', 'World')], () => DAY);
      expect((await store.snapshot('section/world', DAY + 10 * MINUTE, FIFTY))?.name).toBe('WORLD');
      await store.apply([erase('a')], () => DAY + 15 * MINUTE);
      expect((await store.snapshot('section/world', NOW, FIFTY))?.name).toBe('World');
    });

    test('of a visible article takes its name from a feed that otherwise has only articles under embargo', async () => {
      const store = await holding(put(TEXTS));
      const embargoed = put({ id: 'b', sections: ['WORLD'], embargoUntil: at(60) });
      await store.apply([embargoed, erase('a')], () => DAY + 5 * MINUTE);
      expect((await store.snapshot('section/world', DAY + 59 * MINUTE, FIFTY))?.name).toBe('');
      expect((await store.snapshot('section/world', DAY + 60 * MINUTE, FIFTY))?.name).toBe('WORLD');
      await store.apply([put({ id: 'c', sections: ['World'] })], () => NOW);
      expect((await store.snapshot('section/world', NOW, FIFTY))?.name).toBe('WORLD');
    });

    test('of an article under embargo changes no date of its feeds, only that of a feed that loses its name', async () => {
      const store = await open();
      await store.apply([put({ ...TEXTS, id: 'b' }), put({ id: 'c', tags: ['Left'] })], () => DAY);
      await store.apply([put({ id: 'c' })], () => DAY + MINUTE);
      await store.apply([put({ ...TEXTS, embargoUntil: at(60) })], () => DAY + 2 * MINUTE);
      const dates = async () => {
        const keys = ['latest', 'section/world', 'author/ann', 'tag/left'];
        const snapshots = await Promise.all(keys.map((key) => store.snapshot(key, DAY + 30 * MINUTE, FIFTY)));
        return snapshots.map((snapshot) => snapshot?.changedAt);
      };
      const before = await dates();
      const [outcome] = await store.apply([erase('a')], () => DAY + 20 * MINUTE);
      expect(outcome?.touched).toEqual(expect.arrayContaining(['latest', 'tag/left']));
      expect(await dates()).toEqual([...before.slice(0, 3), DAY + 20 * MINUTE]);
    });

    test('hides the media of the article, but not those that another one names', async () => {
      const files = (...names: string[]) => names.map((name) => `<img src="/media/${name}">`).join('');
      const store = await holding(
        put({ ...TEXTS, body: files('a.jpg', 'both.jpg') }),
        put({ id: 'b', body: files('both.jpg') }),
      );
      const visible = () => Promise.all(['a.jpg', 'both.jpg'].map((path) => store.isMediaVisible(path, NOW)));
      expect(await visible()).toEqual([true, true]);
      await store.apply([erase('a')], () => NOW);
      expect(await visible()).toEqual([false, true]);
    });

    test('is known to a second process, which names a feed again', async () => {
      const [one, other] = await openTwice();
      await one.apply([put(TEXTS)], () => NOW);
      await other.apply([put({ ...TEXTS, title: 'More' })], () => NOW);
      await one.apply([erase('a')], () => NOW);
      await other.apply([put({ ...TEXTS, id: 'b' })], () => NOW);
      expect(await one.snapshot('author/ann', NOW, FIFTY)).toMatchObject({ name: 'Ann', entries: [{ number: 2 }] });
    });

    test('a second time, or a withdrawal after it, changes nothing', async () => {
      const store = await holding(put(TEXTS));
      await store.apply([erase('a')], () => NOW);
      const before = await store.find('a');
      const again = await store.apply([erase('a'), withdraw('a', NOW, 'A reason')], () => NOW);

      expect(again).toMatchObject(Array(2).fill({ id: 'a', result: 'unchanged', revision: 2, touched: [] }));
      expect(await store.find('a')).toEqual(before);
    });

    test('of an unknown article changes nothing, nor one whose condition fails', async () => {
      const store = await holding(put(TEXTS));
      expect(await store.apply([erase('z'), erase('a', { condition: { revisions: [7] } })], () => NOW)).toMatchObject([
        { id: 'z', result: 'absent', revision: 0 },
        { id: 'a', result: 'condition-failed', revision: 1 },
      ]);
      expect(await store.erasedAfter(0)).toEqual([]);
    });

    test('refuses every record with the id or the public id', async () => {
      const store = await holding(put(TEXTS), put({ id: 'b' }));
      await store.apply([erase('a')], () => NOW);
      const publicId = 'tag:news.example,2026:a';
      const changes = [
        put(TEXTS),
        { ...put(TEXTS), keepWithdrawn: true },
        { ...put(TEXTS), source: { path: 'a.json', signature: '1', media: [] } },
        { ...put(TEXTS), isReparsed: true },
        put({ id: 'c', publicId }),
      ];
      const outcomes = await store.apply(changes, () => NOW);

      expect(outcomes.map(({ result, isErased, problem }) => [result, isErased, problem?.field])).toEqual([
        ...Array(4).fill(['refused', true, 'id']),
        ['refused', true, 'publicId'],
      ]);
      expect(await store.sources()).toEqual([]);
      const [taken] = await store.apply([put({ id: 'd', publicId: 'tag:news.example,2026:b' })], () => NOW);
      expect(taken).toMatchObject({ result: 'refused', problem: { field: 'publicId' } });
      expect(taken).not.toHaveProperty('isErased');
    });

    test('forgets the file of the article', async () => {
      const store = await holding({ ...put(TEXTS), source: { path: 'a.json', signature: '1', media: [] } });
      await store.apply([erase('a')], () => NOW);
      expect(await store.sources()).toEqual([]);
    });

    test('is carried over by the tombstone, where the article is unknown or erased', async () => {
      const store = await holding(put({ id: 'b' }));
      const feeds = ['latest', 'section/world'].map((key) => ({ key, name: '' }));
      const remains = { id: 'a', publicId: 'p', publishedAt: DAY, withdrawn: { at: DAY + MINUTE } };
      const change: Put = {
        kind: 'put',
        article: articleText(erasedArticle(remains)),
        record: '{"id":"a"}',
        feeds,
        isErased: true,
      };
      const live: Put = { ...change, article: articleText(erasedArticle({ ...remains, id: 'b' })) };
      const outcomes = await store.apply([change, change, live], () => NOW);

      expect(outcomes.map(({ result }) => result)).toEqual(['created', 'unchanged', 'refused']);
      expect(outcomes[2]?.problem?.field).toBe('erased');
      expect(await store.find('a')).toMatchObject({ isErased: true });
      expect(await store.find('b')).not.toHaveProperty('isErased');
      expect((await store.snapshot('section/world', NOW, FIFTY))?.tombstones).toEqual([
        { publicId: 'p', at: DAY + MINUTE },
      ]);
    });

    test('is listed: among the withdrawn articles, and for the caches of other processes', async () => {
      const store = await holding(put(TEXTS), put({ id: 'b' }), withdraw('b', NOW), put({ id: 'c' }));
      await store.apply([erase('a'), erase('c')], () => NOW);
      const listed = await store.list({ after: 0, limit: 50, status: 'withdrawn', at: NOW });

      expect(listed.articles.map(({ article, isErased }) => [article.id, isErased])).toEqual([
        ['b', undefined],
        ['a', true],
        ['c', true],
      ]);
      expect(await store.erasedAfter(0)).toEqual([
        { number: 1, revision: 5 },
        { number: 3, revision: 6 },
      ]);
      expect(await store.erasedAfter(5)).toEqual([{ number: 3, revision: 6 }]);
    });

    test('is complete once the files of the store are overwritten', async () => {
      const [store] = await openTwice();
      await store.apply([put(TEXTS), put({ id: 'b' })], () => NOW);
      expect(await store.overwriteErased()).toBeUndefined();
      await store.apply([erase('a')], () => NOW);
      const [reason, again, meanwhile] = await Promise.all([
        store.overwriteErased(),
        store.overwriteErased(),
        store.apply([put({ id: 'c' })], () => NOW),
      ]);
      expect([reason, again, meanwhile[0]?.result]).toEqual([undefined, undefined, 'created']);
      expect(await idsIn(store, 'latest')).toHaveLength(2);
    });

    test('finds the texts that other articles have', async () => {
      const store = await holding(put({ body: '<img src="/media/a.jpg">' }), put({ id: 'b', title: 'Rain' }));
      const texts = ['/media/a.jpg', 'Rain', 'Snow', "'"];
      expect([...(await store.textsInUse(texts))].sort()).toEqual(['/media/a.jpg', 'Rain']);
      expect(await store.textsInUse([])).toEqual(new Set());
    });
  });

  describe(`${name}: a put that leaves alone what was withdrawn`, () => {
    const again = (fields: Readonly<Record<string, unknown>> = {}, record = '{"id":"a"}'): Put => ({
      ...put(fields, NOW),
      record,
      keepWithdrawn: true,
    });

    test('changes nothing where the record is the same', async () => {
      const store = await holding(put({}), withdraw('a', NOW - 1));
      const before = [await store.find('a'), await store.snapshot('latest', NOW, FIFTY)];
      // The same record may be read as something else, where the publication has changed.
      const outcomes = await store.apply([again(), again({ language: 'ku' })], () => NOW);
      expect(outcomes).toMatchObject(Array(2).fill({ id: 'a', result: 'unchanged', revision: 2, touched: [] }));
      expect([await store.find('a'), await store.snapshot('latest', NOW, FIFTY)]).toEqual(before);
    });

    test('however the record is spaced', async () => {
      const store = await holding(put({}), withdraw('a', NOW - 1));
      const [outcome] = await store.apply([again({}, '\n{ "id" : "\\u0061" }')], () => NOW);
      expect(outcome).toMatchObject({ result: 'unchanged', revision: 2 });
    });

    test('nor where the record has what an export adds, in another order, or the value of a default', async () => {
      const store = await holding({ ...put({}), record: '{"id":"a","title":"A"}' }, withdraw('a', NOW - 1, 'wrong'));
      const publicId = 'tag:news.example,2026:a';
      const changes = [
        again({ language: 'ku' }, JSON.stringify({ title: 'A', id: 'a', publicId })),
        again({}, '{"id":"a","title":"A","language":"en"}'),
        again({ withdrawn: { at: new Date(NOW - 1).toISOString(), reason: 'wrong' } }, '{"id":"a","withdrawn":{}}'),
        again({}, '{"id":"a","publicId":"tag:news.example,2026:a"}'),
      ];
      const outcomes = await store.apply(changes, () => NOW);
      expect(outcomes).toMatchObject(Array(4).fill({ id: 'a', result: 'unchanged', revision: 2, touched: [] }));
      expect(await store.find('a')).toMatchObject({ record: { id: 'a', title: 'A' } });
    });

    test('publishes an article whose own record withdrew it, if the new record does not', async () => {
      const withdrawn = { at: at(5) };
      const store = await holding({ ...put({ withdrawn }), record: JSON.stringify({ id: 'a', withdrawn }) });
      expect(await store.apply([again()], () => NOW)).toMatchObject([{ result: 'updated' }]);
      expect(await idsIn(store, 'latest')).toEqual(['a']);
    });

    test('is every put from a known file, until no file holds the article', async () => {
      const source = (signature: string) => ({ path: 'a.json', signature, media: [] });
      const fromFile = (signature: string, title = 'A title') => ({
        ...put({ title }, NOW),
        record: JSON.stringify({ id: 'a', title }),
        source: source(signature),
      });
      const store = await holding(fromFile('1'), withdraw('a', NOW - 1));
      const results = async (...changes: readonly Change[]) =>
        (await store.apply(changes, () => NOW)).map(({ result }) => result);
      expect(await results(fromFile('2'))).toEqual(['unchanged']);
      expect(await store.sources()).toEqual([{ id: 'a', ...source('2') }]);
      expect(await results(fromFile('3', 'Mended'), withdraw('a', NOW - 1), fromFile('4', 'Mended'))).toEqual([
        'updated',
        'withdrawn',
        'unchanged',
      ]);
      expect(await results({ ...withdraw('a', NOW), forgetSource: true }, fromFile('5', 'Mended'))).toEqual([
        'unchanged',
        'updated',
      ]);
    });

    test('publishes another record, and what is there or new', async () => {
      const store = await holding(put({}), withdraw('a', NOW - 1));
      const changes = [
        again({ title: 'Other' }, '{"id":"a","new":1}'),
        again({ title: 'New' }),
        { ...again({ id: 'b' }), record: '{}' },
      ];
      expect((await store.apply(changes, () => NOW)).map(({ result }) => result)).toEqual([
        'updated',
        'updated',
        'created',
      ]);
      expect((await idsIn(store, 'latest'))?.toSorted()).toEqual(['a', 'b']);
    });
  });

  describe(`${name}: a tombstone`, () => {
    const HOUR = 60 * MINUTE;
    const hour = { limit: 50, tombstonesFor: HOUR };
    const gone = DAY + HOUR;
    const stone = { publicId: 'tag:news.example,2026:a', at: gone };

    test.each([
      [gone - 1, [], DAY, gone],
      [gone, [stone], gone, gone + HOUR],
      [gone + HOUR - 1, [stone], gone, gone + HOUR],
      [gone + HOUR, [], gone + HOUR, undefined],
      [gone + 2 * HOUR, [], gone + HOUR, undefined],
    ])('is there for its time, at %d', async (moment, tombstones, changedAt, nextChangeAt) => {
      // Another's change is earlier, so that what the feed says of itself is about the withdrawal alone.
      const store = await holding(put({ id: 'b' }, DAY), put({}, DAY), withdraw('a', gone));
      const snapshot = await store.snapshot('latest', moment, hour);
      expect(snapshot?.tombstones).toEqual(tombstones);
      expect(snapshot?.nextChangeAt).toBe(nextChangeAt);
      if (moment >= gone) expect(snapshot?.changedAt).toBe(changedAt);
    });

    test('has its reason, at a whole second', async () => {
      const store = await holding(put({}), withdraw('a', gone + 999, 'a mistake'));
      expect((await store.snapshot('latest', NOW, FIFTY))?.tombstones).toEqual([{ ...stone, reason: 'a mistake' }]);
    });

    test('stands before older ones, in each feed the article was in and in no other', async () => {
      const store = await holding(
        put({ tags: ['x'] }),
        put({ id: 'b', tags: ['y'] }),
        withdraw('b', gone + 1000),
        withdraw('a', gone),
      );
      const ids = async (key: string) =>
        (await store.snapshot(key, NOW, FIFTY))?.tombstones.map(({ publicId }) => publicId.slice(-1));
      expect([await ids('latest'), await ids('tag/x'), await ids('tag/y')]).toEqual([['b', 'a'], ['a'], ['b']]);
    });

    test('is missing where withdrawals are not listed', async () => {
      const store = await holding(put({}), withdraw('a', gone));
      expect(await store.snapshot('latest', gone, { limit: 50, tombstonesFor: 0 })).toMatchObject({
        tombstones: [],
        removedAt: gone,
      });
    });

    test('is one of the 500 newest: a folder that is emptied does not fill a document', async () => {
      const ids = Array.from({ length: 501 }, (_, index) => `a${index}`);
      const store = await open();
      await store.apply(
        ids.map((id) => put({ id })),
        () => NOW,
      );
      for (const [index, id] of ids.entries()) await store.apply([withdraw(id, 0)], () => NOW + index * 1000);
      const tombstones = (await store.snapshot('latest', NOW + 501_000, FIFTY))?.tombstones ?? [];
      expect([tombstones.length, tombstones[0]?.at, tombstones.at(-1)?.at]).toEqual([500, NOW + 500_000, NOW + 1000]);
    });

    test('goes when the article is published again', async () => {
      const store = await holding(put({}), withdraw('a', gone), put({ title: 'Again' }));
      expect((await store.snapshot('latest', NOW, FIFTY))?.tombstones).toEqual([]);
    });

    test('is missing for an article that readers could not see', async () => {
      const store = await holding(put({ embargoUntil: at(60) }), withdraw('a', gone - 1000));
      expect((await store.snapshot('latest', NOW, FIFTY))?.tombstones ?? []).toEqual([]);
    });
  });

  describe(`${name}: a snapshot`, () => {
    test('of an unknown feed', async () => {
      expect(await (await open()).snapshot('tag/x', NOW, FIFTY)).toBeUndefined();
    });

    test('of a feed of the operator’s without articles', async () => {
      const store = await open();
      await store.backfillFeeds([feed('own')], () => NOW);
      expect(await store.snapshot('own', NOW, FIFTY)).toEqual({ name: '', entries: [], tombstones: [], changedAt: 0 });
    });

    test('has the dates, newest first', async () => {
      const store = await holding(put({ id: 'a' }, 7), put({ id: 'b', publishedAt: at(1), updatedAt: at(3) }, 5));
      expect(await store.snapshot('latest', NOW, FIFTY)).toEqual({
        name: '',
        entries: [
          { number: 2, revision: 2, publishedAt: DAY + MINUTE, updatedAt: DAY + 3 * MINUTE },
          { number: 1, revision: 1, publishedAt: DAY, updatedAt: DAY },
        ],
        tombstones: [],
        changedAt: 7,
      });
    });

    test('goes by first publication, not by correction', async () => {
      const store = await holding(put({ id: 'a', updatedAt: at(9) }), put({ id: 'b', publishedAt: at(1) }));
      expect(await idsIn(store, 'latest')).toEqual(['b', 'a']);
    });

    test.each([
      [0, []],
      [1, ['c']],
      [2, ['c', 'b']],
      [3, ['c', 'b', 'a']],
      [4, ['c', 'b', 'a']],
    ])('holds at most %d', async (limit, expected) => {
      const store = await holding(
        put({ id: 'a' }),
        put({ id: 'c', publishedAt: at(2) }),
        put({ id: 'b', publishedAt: at(1) }),
      );
      expect(await idsIn(store, 'latest', NOW, limit)).toEqual(expected);
    });

    test('sorts articles of one second in the same order, whichever came first', async () => {
      const ids = Array.from({ length: 20 }, (_, index) => `article-${index}`);
      const forth = await holding(...ids.map((id) => put({ id })));
      const back = await holding(...ids.toReversed().map((id) => put({ id })));
      expect(await idsIn(forth, 'latest')).toEqual(await idsIn(back, 'latest'));
      expect(await idsIn(forth, 'latest', NOW, 7)).toEqual(await idsIn(back, 'latest', NOW, 7));
    });

    test('has the same name of a feed, whichever spelling came first', async () => {
      const articles = [
        put({ id: 'a', sections: ['World'] }),
        put({ id: 'b', sections: ['WORLD'], publishedAt: at(1) }),
      ];
      const forth = await (await holding(...articles)).snapshot('section/world', NOW, FIFTY);
      const back = await (await holding(...articles.toReversed())).snapshot('section/world', NOW, FIFTY);
      expect(forth?.name).toBe(back?.name);
    });

    test('is of its own feed alone', async () => {
      const store = await holding(put({ id: 'a', tags: ['x'] }), put({ id: 'b', language: 'ku' }));
      expect(await idsIn(store, 'tag/x')).toEqual(['a']);
      expect(await idsIn(store, 'language/ku')).toEqual(['b']);
      expect(await store.snapshot('tag/x', NOW, FIFTY)).toMatchObject({ name: 'x' });
    });

    const opens = DAY + 60 * MINUTE;

    test.each([
      [opens - 1, ['b'], opens],
      [opens, ['a', 'b'], undefined],
      [opens + 1, ['a', 'b'], undefined],
    ])('of an embargo, at %d', async (moment, ids, nextChangeAt) => {
      const store = await holding(put({ id: 'b' }), put({ id: 'a', embargoUntil: at(60) }));
      expect(await idsIn(store, 'latest', moment)).toEqual(ids);
      expect((await store.snapshot('latest', moment, FIFTY))?.nextChangeAt).toBe(nextChangeAt);
      expect((await store.snapshot('latest', moment, FIFTY))?.removedAt).toBeUndefined();
    });

    test.each([
      [opens - 1, ['a', 'b'], opens, undefined],
      [opens, ['b'], undefined, opens],
      [opens + 1, ['b'], undefined, opens],
    ])('of an expiry, at %d', async (moment, ids, nextChangeAt, removedAt) => {
      const store = await holding(put({ id: 'b' }), put({ id: 'a', publishedAt: at(1), expiresAt: at(60) }));
      const snapshot = await store.snapshot('latest', moment, FIFTY);
      expect(await idsIn(store, 'latest', moment)).toEqual(ids);
      expect([snapshot?.nextChangeAt, snapshot?.removedAt]).toEqual([nextChangeAt, removedAt]);
    });

    test('names the first of many moments', async () => {
      const store = await holding(
        put({ id: 'a', embargoUntil: at(30) }),
        put({ id: 'b', embargoUntil: at(20), expiresAt: at(25) }),
        put({ id: 'c', expiresAt: at(40) }),
      );
      const next = async (minutes: number) =>
        (await store.snapshot('latest', DAY + minutes * MINUTE, FIFTY))?.nextChangeAt;
      const moments = [await next(0), await next(20), await next(25), await next(30), await next(40)];
      expect(moments).toEqual([20, 25, 30, 40, undefined].map((minutes) => minutes && DAY + minutes * MINUTE));
    });

    test('waits for the expiry of an article beyond its limit as well: the feed has that date', async () => {
      const store = await holding(put({ id: 'a', expiresAt: at(40) }), put({ id: 'b', publishedAt: at(1) }));
      expect((await store.snapshot('latest', DAY + MINUTE, { ...FIFTY, limit: 1 }))?.nextChangeAt).toBe(
        DAY + 40 * MINUTE,
      );
    });

    test('of a feed whose only article is under embargo is missing until the embargo ends', async () => {
      const store = await holding(put({ tags: ['x'], embargoUntil: at(60) }));
      expect(await idsIn(store, 'tag/x', opens - 1)).toBeUndefined();
      expect(await idsIn(store, 'tag/x', opens)).toEqual(['a']);
    });

    test('of a feed whose only article expired is empty', async () => {
      const store = await holding(put({ tags: ['x'], expiresAt: at(60) }));
      expect(await idsIn(store, 'tag/x', opens)).toEqual([]);
    });

    test.each<[string, readonly Change[], Put]>([
      ['is given other words', [], put({ id: 'a', tags: ['y'], title: 'New' })],
      ['moves', [], { ...put({ tags: ['x'] }), feeds: [] }],
      ['was withdrawn and comes back elsewhere', [withdraw('a', DAY + 5 * MINUTE)], put({ tags: ['y'] })],
    ])('of a feed whose only article %s is empty, from when it was visible', async (_, between, change) => {
      const store = await holding(put({ tags: ['x'] }));
      await store.apply([...between, change], () => NOW);
      expect([await idsIn(store, 'tag/x'), await idsIn(store, 'tag/x', DAY)]).toEqual([[], []]);
      expect(await idsIn(store, 'tag/x', DAY - 1)).toBeUndefined();
      expect(await store.feeds(NOW)).toContainEqual({ key: 'tag/x', name: 'x' });
    });

    test('of a feed that articles left before readers could see them, or by a new publication, is missing', async () => {
      const store = await open();
      const before = [put({ tags: ['x'], embargoUntil: at(60) }), put({ id: 'b', tags: ['y'] })];
      await store.apply(before, () => DAY);
      await store.apply([put({ embargoUntil: at(60) }), { ...put({ id: 'b' }), isReparsed: true }], () => DAY);
      expect([await idsIn(store, 'tag/x'), await idsIn(store, 'tag/y')]).toEqual([undefined, undefined]);
    });

    test('has the date of the last removal', async () => {
      const store = await holding(
        put({ id: 'a', expiresAt: at(10) }),
        put({ id: 'b' }),
        withdraw('b', DAY + 20 * MINUTE),
        put({ id: 'c', expiresAt: at(30) }),
      );
      const removed = async (minutes: number) =>
        (await store.snapshot('latest', DAY + minutes * MINUTE, FIFTY))?.removedAt;
      const moments = [await removed(9), await removed(10), await removed(20), await removed(30)];
      expect(moments).toEqual([undefined, 10, 20, 30].map((minutes) => minutes && DAY + minutes * MINUTE));
    });

    test('changed when the latest of its changes was made, in whatever order they came', async () => {
      const store = await holding(put({ id: 'a' }, NOW - 1), put({ id: 'b' }, 5));
      expect((await store.snapshot('latest', NOW, FIFTY))?.changedAt).toBe(NOW - 1);
    });
  });

  describe(`${name}: the moment of a change`, () => {
    const SECOND = 1000;
    /** Changes with no date of their own, made one after the other at these moments. */
    async function changedAfter(moments: readonly number[]): Promise<number | undefined> {
      const store = await open();
      for (const moment of moments) await changeAt(store, moment);
      return changedAt(store);
    }
    async function changeAt(store: Store, moment: number): Promise<void> {
      const title = `After ${await store.lastRevision()}`;
      await store.apply([undated({ publishedAt: '2000-01-01T00:00:00Z', title })], () => moment);
    }
    function undated(fields: Readonly<Record<string, unknown>>): Put {
      const { changedAt: _, ...rest } = put(fields);
      return rest;
    }
    async function changedAt(store: Store, key = 'latest'): Promise<number | undefined> {
      return (await store.snapshot(key, NOW, FIFTY))?.changedAt;
    }
    /** The second that Last-Modified shows for it. */
    const secondOf = (moment: number) => Math.ceil(moment / SECOND) * SECOND;

    test.each<[string, number[], number]>([
      ['is its own', [300], 300],
      ['in another second as well', [300, 1001], 1001],
      ['within the second of another is the next, which no reader has seen yet', [300, 400], 1001],
      ['shares that with others', [300, 400, 900], 1001],
      ['and when that has begun, moves on', [300, 400, 1001], 2001],
      ['at the very moment of another is later', [0, 0], 1],
      ['at the full second that shows another is later', [-500, 0], 1],
      ['at the full second after that is its own', [-1000, 0], 0],
      ['by a clock that was set back is after every second that was served', [10_300, 5000], 11_001],
      ['and the next by it again', [10_300, 5000, 5100], 12_001],
    ])('%s', async (_, moments, expected) => {
      expect(await changedAfter(moments.map((moment) => NOW + moment))).toBe(NOW + expected);
    });

    test('is later than every second that was served before it was on disk, and at most two seconds ahead', {
      tags: ['soak'],
    }, async () => {
      const steps = fc.array(
        fc.record({ pause: fc.integer({ min: 0, max: 1500 }), keeping: fc.integer({ min: 0, max: 999 }) }),
        { minLength: 2, maxLength: 8 },
      );
      await fc.assert(
        fc.asyncProperty(steps, fc.nat(999), async (made, start) => {
          const store = await open();
          let clock = NOW + start;
          let before = 0;
          for (const { pause, keeping } of made) {
            clock += pause;
            await changeAt(store, clock);
            const after = (await changedAt(store)) ?? 0;
            expect(secondOf(after)).toBeLessThan(clock + 2 * SECOND);
            clock += keeping; // until then readers are answered from what was there before
            const served = Math.min(secondOf(before), Math.floor(clock / SECOND) * SECOND);
            expect(secondOf(after)).toBeGreaterThan(served);
            before = after;
          }
          await store.close();
        }),
        { numRuns: sized({ short: 25, soak: 200, full: 5000 }) },
      );
    });

    test.skipIf(isReplicated)(
      'is the end of its transaction; what was withdrawn is dated by its beginning',
      async () => {
        const store = await holding(put({}), put({ id: 'b' }));
        const clock = [NOW + 300, NOW + 2400];
        await store.apply([withdraw('a', 0)], () => clock.shift() ?? expect.fail('asked a third time'));
        expect(await store.snapshot('latest', NOW + 3000, FIFTY)).toMatchObject({
          changedAt: NOW + 2400,
          tombstones: [{ at: NOW }],
        });
      },
    );

    test('is what the change says until there are readers', async () => {
      const store = await holding(put({}, 5));
      expect(await changedAt(store)).toBe(5);
      await store.apply([put({ id: 'b' }, NOW + 9)], () => NOW - 5000);
      expect(await changedAt(store), 'but not in the future').toBe(NOW - 5000);
      await store.markServed();
      await store.markServed(); // as every start of a service
      await store.apply([put({ id: 'c' }, 6)], () => NOW);
      expect(await changedAt(store)).toBe(NOW);
    });

    test('is for every process that of one with readers, from the moment it has them', async () => {
      const [one, other] = await openTwice();
      await one.apply([put({ id: 'a' }, 5)], () => NOW);
      await other.markServed();
      await one.apply([put({ id: 'b' }, 6)], () => NOW);
      expect(await changedAt(one)).toBe(NOW);
    });

    test('names the feeds that it touched by its revision, in every process', async () => {
      const [one, other] = await openTwice();
      await one.apply([put({ id: 'a', tags: ['x'] }), put({ id: 'b', tags: ['y'] })], () => DAY);
      const revision = await one.lastRevision();
      expect((await one.feedsChangedAfter(0)).toSorted()).toEqual(['language/en', 'latest', 'tag/x', 'tag/y']);
      expect(await one.feedsChangedAfter(revision)).toEqual([]);
      await one.apply([put({ id: 'b', tags: ['z'] })], () => DAY + MINUTE);
      for (const store of [one, other])
        expect((await store.feedsChangedAfter(revision)).toSorted()).toEqual([
          'language/en',
          'latest',
          'tag/y',
          'tag/z',
        ]);
      await other.apply([put({ id: 'c', embargoUntil: at(60), tags: ['x'] })], () => DAY + MINUTE);
      expect(await one.feedsChangedAfter(revision + 1)).toContain('tag/x');
    });

    test('is hidden from readers who see the article neither before nor after, and other processes notice it', async () => {
      const [one, other] = await openTwice();
      await one.apply([undated({ id: 'a', publishedAt: at(0), tags: ['x'] })], () => DAY + 1000);
      await other.takeExternallyChangedFeeds();
      const embargoed = { id: 'b', embargoUntil: at(60), tags: ['x'] };
      const ways: readonly Change[] = [
        put(embargoed, 7),
        undated({ ...embargoed, title: 'Corrected' }),
        undated({ ...embargoed, embargoUntil: at(61), tags: ['x', 'y'] }),
        withdraw('b', 0),
        put(embargoed),
      ];
      for (const way of ways) {
        const [outcome] = await one.apply([way], () => DAY + 30 * MINUTE);
        expect(outcome?.touched).toContain('tag/x');
        expect(await other.takeExternallyChangedFeeds()).toContain('tag/x');
        expect([await changedAt(one), await changedAt(one, 'tag/x')]).toEqual([DAY + 1000, DAY + 1000]);
      }
    });

    test.each<[string, string, number]>([
      ['whose embargo is lifted', at(10), 30],
      ['whose embargo ends by then', at(60), 60],
    ])('is one of an article %s', async (_, embargoUntil, minutes) => {
      const store = await holding();
      await store.apply([put({ embargoUntil: at(60) })], () => DAY + 20 * MINUTE);
      const change: Change = undated({ embargoUntil, title: 'New' });
      expect(await store.apply([change], () => DAY + minutes * MINUTE)).toMatchObject([{ result: 'updated' }]);
      expect(await changedAt(store)).toBe(DAY + minutes * MINUTE);
    });

    test('is not one of a story that leaves a feed under embargo, although readers see it elsewhere at once', async () => {
      const store = await holding(put({ id: 'b', tags: ['x', 'y'] }));
      await store.apply([put({ embargoUntil: at(60), tags: ['x'] })], () => DAY + 20 * MINUTE);
      const before = await changedAt(store, 'tag/x');
      await store.apply([undated({ publishedAt: at(0), tags: ['y'] })], () => DAY + 30 * MINUTE);
      expect(await changedAt(store, 'tag/x')).toBe(before);
      expect(await changedAt(store, 'tag/y')).toBe(DAY + 30 * MINUTE);
    });

    test('excludes an embargoed article that spells the name of a feed otherwise, until its embargo ends', async () => {
      const store = await holding();
      await store.apply([undated({ sections: ['World'] })], () => DAY + 1000);
      const change: Change = undated({ id: 'b', sections: ['WORLD'], publishedAt: at(60) });
      await store.apply([change], () => DAY + 30 * MINUTE);
      const snapshotAt = (moment: number) => store.snapshot('section/world', moment, FIFTY);
      expect(await snapshotAt(DAY + 60 * MINUTE - 1)).toMatchObject({ name: 'World', changedAt: DAY + 1000 });
      expect(await snapshotAt(DAY + 60 * MINUTE)).toMatchObject({ name: 'WORLD' });
    });
  });

  describe(`${name}: the name of a feed`, () => {
    const spelled = (id: string, spelling: string, opensAt: string) =>
      put({ id, sections: [spelling], embargoUntil: opensAt });
    const early = spelled('early', 'World', at(10));
    const late = spelled('late', 'WORLD', at(20));

    test.each<[string, readonly Change[], readonly [number, string][]]>([
      [
        'counts from the end of each embargo on',
        [early, late],
        [
          [10, 'World'],
          [20, 'WORLD'],
        ],
      ],
      [
        'in whatever order they come',
        [late, early],
        [
          [10, 'World'],
          [20, 'WORLD'],
        ],
      ],
      [
        'wherever an embargo is moved',
        [early, late, spelled('late', 'WORLD', at(30))],
        [
          [20, 'World'],
          [30, 'WORLD'],
        ],
      ],
      [
        'and never where it is withdrawn before',
        [early, late, withdraw('late', 0)],
        [
          [10, 'World'],
          [40, 'World'],
        ],
      ],
      ['also after an early one is withdrawn', [late, early, withdraw('early', 0)], [[20, 'WORLD']]],
    ])('of embargoed articles %s', async (_, changes, expected) => {
      const store = await open();
      for (const change of changes) await store.apply([change], () => DAY + MINUTE);
      expect(await store.snapshot('section/world', DAY + MINUTE, FIFTY)).toBeUndefined();
      for (const [minutes, spelling] of expected) {
        const moment = DAY + minutes * MINUTE;
        expect(await store.snapshot('section/world', moment, FIFTY)).toMatchObject({ name: spelling });
        expect(await store.feeds(moment)).toContainEqual({ key: 'section/world', name: spelling });
        const { feeds } = await store.listFeeds({ after: 'section/a', limit: 1, at: moment });
        expect(feeds).toMatchObject([{ key: 'section/world', name: spelling }]);
      }
    });

    test('stays when the article that gave it is withdrawn after readers saw it, whatever is still embargoed', async () => {
      const store = await open();
      for (const change of [late, early]) await store.apply([change], () => DAY + MINUTE);
      await store.apply([withdraw('early', 0)], () => DAY + 15 * MINUTE);
      expect(await store.snapshot('section/world', DAY + 19 * MINUTE, FIFTY)).toMatchObject({ name: 'World' });
    });
  });

  describe(`${name}: media`, () => {
    const image = { url: 'https://feeds.news.example/media/a.jpg' };
    const isVisible = (store: Store, minutes: number, path = 'a.jpg') =>
      store.isMediaVisible(path, DAY + minutes * MINUTE);

    test('are visible while an article is that names them', async () => {
      const store = await open();
      const change = put({ image, embargoUntil: at(10), expiresAt: at(20) });
      await store.apply([change, put({ id: 'b', body: '<a href="/media/b.pdf">B</a>' })], () => DAY);
      expect(await Promise.all([0, 9, 10, 19, 20].map((minutes) => isVisible(store, minutes)))).toEqual([
        false,
        false,
        true,
        true,
        false,
      ]);
      expect(await isVisible(store, 0, 'b.pdf')).toBe(true);
      expect(await isVisible(store, 0, 'c.pdf')).toBe(false);
      await store.apply([put({ id: 'c', image, expiresAt: at(30) })], () => DAY);
      expect(await isVisible(store, 0)).toBe(true);
      expect(await isVisible(store, 29)).toBe(true);
    });

    test.each<[string, Change]>([
      ['is withdrawn', withdraw('a', 0)],
      ['names another file by now', put({ id: 'a', image: { url: 'https://feeds.news.example/media/b.jpg' } })],
      ['names none by now', put({ id: 'a' })],
    ])('are hidden when their article %s', async (_, change) => {
      const store = await holding(put({ id: 'a', image }));
      expect(await store.isMediaVisible('a.jpg', NOW)).toBe(true);
      await store.apply([change], () => NOW);
      expect(await store.isMediaVisible('a.jpg', NOW)).toBe(false);
      await store.apply([put({ id: 'a', image, title: 'Again' })], () => NOW);
      expect(await store.isMediaVisible('a.jpg', NOW)).toBe(true);
    });

    test('are visible in every process as soon as a change is made', async () => {
      const [one, other] = await openTwice();
      await one.apply([put({ id: 'a', image })], () => NOW);
      expect(await other.isMediaVisible('a.jpg', NOW)).toBe(true);
      await one.apply([withdraw('a', 0)], () => NOW);
      expect(await other.isMediaVisible('a.jpg', NOW)).toBe(false);
    });
  });

  describe(`${name}: the list of feeds`, () => {
    test('has the feeds that were visible by then, latest, and the custom feeds', async () => {
      const store = await open();
      await store.backfillFeeds([feed('own', { all: ['tag/none'] })], () => NOW);
      await store.apply(
        [put({ id: 'a', tags: ['now'] }), put({ id: 'b', tags: ['Later'], embargoUntil: at(60) })],
        () => NOW,
      );
      const keys = async (moment: number) => (await store.feeds(moment)).map(({ key }) => key).toSorted();
      expect(await keys(DAY - 1)).toEqual(['latest', 'own']);
      expect(await keys(DAY)).toEqual(['language/en', 'latest', 'own', 'tag/now']);
      expect(await keys(DAY + 60 * MINUTE)).toEqual(['language/en', 'latest', 'own', 'tag/later', 'tag/now']);
      expect(await store.feeds(NOW)).toContainEqual({ key: 'tag/later', name: 'Later' });
    });

    test('agrees with the snapshots', async () => {
      const store = await holding(put({ tags: ['x'] }));
      await store.backfillFeeds([feed('own', { any: ['tag/x'] })], () => NOW);
      for (const moment of [DAY - 1, DAY]) {
        const listed = (await store.feeds(moment)).map(({ key }) => key).toSorted();
        const seen = ['language/en', 'latest', 'own', 'tag/x'].map(async (key) =>
          (await store.snapshot(key, moment, { ...FIFTY, limit: 1 })) ? [key] : [],
        );
        expect(listed).toEqual((await Promise.all(seen)).flat());
      }
    });
  });

  describe(`${name}: the totals of feeds`, () => {
    /** Articles of every status, in feeds that a cursor has to pass. */
    async function ofEveryStatus(): Promise<Store> {
      const store = await holding(
        put({ id: 'a', sections: ['World'], tags: ['x'] }),
        put({ id: 'b', sections: ['World'], publishedAt: at(1) }),
        put({ id: 'embargoed', sections: ['World'], tags: ['later'], embargoUntil: at(60) }),
        put({ id: 'expiring', sections: ['World'], tags: ['short'], expiresAt: at(30) }),
        put({ id: 'gone', sections: ['World'], tags: ['x'] }),
        withdraw('gone', NOW),
      );
      await store.backfillFeeds([feed('own', { any: ['tag/x'] }), feed('nothing', { all: ['tag/none'] })], () => NOW);
      return store;
    }

    async function pagesOf(store: Store, options: Omit<FeedListOptions, 'after'>): Promise<ListedFeed[][]> {
      const pages: ListedFeed[][] = [];
      for (let after: string | undefined = ''; after !== undefined; ) {
        const { feeds, next }: FeedList = await store.listFeeds({ ...options, after });
        pages.push([...feeds]);
        after = next;
      }
      return pages;
    }

    test('have every article that readers can see at a moment, and the date of the newest', async () => {
      const store = await ofEveryStatus();
      for (const moment of [DAY - 1, DAY, DAY + 30 * MINUTE, DAY + 60 * MINUTE, DAY + 30 * MINUTE]) {
        const expected: ListedFeed[] = [];
        for (const { key, name } of (await store.feeds(moment)).toSorted((a, b) => (a.key < b.key ? -1 : 1))) {
          const { articles } = await store.list({ after: 0, limit: 500, feed: key, status: 'visible', at: moment });
          const [newest] = articles.map(({ article: { publishedAt } }) => publishedAt).toSorted((a, b) => b - a);
          expected.push({ key, name, articles: articles.length, ...(newest === undefined ? {} : { newest }) });
        }

        const { feeds, next } = await store.listFeeds({ after: '', limit: 500, at: moment });
        expect([feeds, next]).toEqual([expected, undefined]);
        for (const { key, name: _, ...total } of expected) expect(await store.feedTotal(key, moment)).toEqual(total);
      }
    });

    test('are of the feed as the last change left it', async () => {
      const store = await ofEveryStatus();
      const [before] = [await store.feedTotal('section/world', NOW)];
      await store.apply([put({ id: 'c', sections: ['World'], publishedAt: at(61) })], () => NOW);
      const after = await store.feedTotal('section/world', NOW);
      await store.apply([{ kind: 'withdraw', id: 'c' }], () => NOW);

      expect(before).toEqual({ articles: 3, newest: DAY + 60 * MINUTE });
      expect(after).toEqual({ articles: 4, newest: DAY + 61 * MINUTE });
      expect(await store.feedTotal('section/world', NOW)).toEqual(before);
    });

    test('come on pages that leave out no feed and repeat none, whatever their size', async () => {
      const store = await ofEveryStatus();
      const { feeds } = await store.listFeeds({ after: '', limit: 500, at: NOW });
      for (const limit of [1, 2, 3, 7]) {
        const pages = await pagesOf(store, { limit, at: NOW });
        expect(pages.flat()).toEqual(feeds);
        expect(pages.slice(0, -1).every((page) => page.length === limit)).toBe(true);
      }
    });

    test.each<[FeedListOptions['kind'], readonly string[]]>([
      ['latest', ['latest']],
      ['custom', ['nothing', 'own']],
      ['section', ['section/world']],
      ['tag', ['tag/later', 'tag/short', 'tag/x']],
      ['author', []],
      ['language', ['language/en']],
    ])('of the kind %s are those of its feeds', async (kind, expected) => {
      const store = await ofEveryStatus();
      const pages = await pagesOf(store, { limit: 2, at: NOW, ...(kind === undefined ? {} : { kind }) });
      expect(pages.flat().map(({ key }) => key)).toEqual(expected);
    });

    test('by their status are those of the lists at every moment, with what comes next', async () => {
      const store = await ofEveryStatus();
      const all = async () => (await store.page(0, 500)).map(({ article }) => article);
      const moments = [-1, 0, 10, 20, 30, 40, 50, 60, 90, 120, 1000].flatMap((minutes) =>
        [-1, 0, 1].map((ms) => DAY + minutes * MINUTE + ms),
      );
      for (const change of [put({ id: 'more', embargoUntil: at(90) }), withdraw('more', NOW)]) {
        await store.apply([change], () => NOW);
        for (const moment of [...moments, NOW]) {
          const numbers = STATUSES.map(async (status): Promise<[string, number]> => {
            const { articles } = await store.list({ after: 0, limit: 500, status, at: moment });
            return [status, articles.length];
          });
          const told = (await all()).filter(({ withdrawn }) => withdrawn === undefined);
          const { nextAppears, nextExpires, newest, ...counts } = await store.statusCounts(moment);
          const first = (dates: readonly number[]) => (dates.length === 0 ? undefined : Math.min(...dates));
          const snapshot = await store.snapshot('latest', moment, { limit: 1, tombstonesFor: 0 });
          const [shown] = await store.articles((snapshot?.entries ?? []).map(({ number }) => number));

          expect(counts).toEqual(Object.fromEntries(await Promise.all(numbers)));
          expect(nextAppears?.at).toBe(
            first(told.map(({ publishedAt }) => publishedAt).filter((date) => date > moment)),
          );
          expect(nextExpires?.at).toBe(
            first(told.flatMap(({ expiresAt = 0 }) => (expiresAt > moment ? [expiresAt] : []))),
          );
          expect(newest?.id).toBe(shown?.article.id);
          for (const dated of [nextAppears, nextExpires]) {
            const article = dated && (await store.find(dated.id))?.article;
            if (article !== undefined) expect([article.publishedAt, article.expiresAt]).toContain(dated?.at);
          }
        }
      }
    });

    test('are, at a glance, those of the visible articles alone: in all, the newest, and day by day', async () => {
      const store = await ofEveryStatus();
      const days = [0, 10, 40, 60].map((minutes) => [DAY + minutes * MINUTE, DAY + (minutes + 20) * MINUTE] as const);
      const until = DAY + 100 * MINUTE;
      for (const moment of [DAY - 1, DAY, DAY + 30 * MINUTE, DAY + 60 * MINUTE, DAY + 30 * MINUTE]) {
        for (const { key } of await store.feeds(until)) {
          const { articles } = await store.list({ after: 0, limit: 500, feed: key, status: 'visible', at: moment });
          const dates = articles.map(({ article: { publishedAt } }) => publishedAt);
          const perDay = days.map(([from, to]) => dates.filter((date) => date >= from && date < to).length);
          const snapshot = await store.snapshot(key, moment, { limit: 1, tombstonesFor: 0 });
          const { newest, ...counts } = await store.glance(key, moment, { days });
          expect([counts, newest]).toEqual([{ articles: dates.length, perDay }, snapshot?.entries[0]]);
        }
      }
      expect(await store.glance('tag/unknown', NOW, { days })).toEqual({
        articles: 0,
        perDay: [0, 0, 0, 0],
      });
    });

    test('are of the feeds that readers can see at a moment, by their keys', async () => {
      const store = await ofEveryStatus();
      const keys = await store.feedKeys();
      expect(keys).toContain('tag/later');
      for (const moment of [DAY - 1, DAY, DAY + 60 * MINUTE]) {
        expect(await store.seenFeeds(keys, moment)).toEqual(await store.feeds(moment));
      }
      expect(await store.seenFeeds(['tag/unknown', 'tag/x'], DAY)).toEqual([{ key: 'tag/x', name: 'x' }]);
      expect(await store.feedKeys()).toBe(keys);
    });

    test('rank the feeds of the newest visible articles, and list those of a kind that hold one', async () => {
      const store = await ofEveryStatus();
      const used = async (moment: number, articles = 9) =>
        (await store.usedFeeds('tag', moment, { articles, limit: 9 })).map(({ key, used }) => `${key} ${used}`);
      const tags = async (moment: number) => (await store.feedsOfKind('tag', moment, 9)).map(({ key }) => key);

      expect(await used(DAY - 1)).toEqual([]);
      expect(await used(DAY)).toEqual(['tag/x 1', 'tag/short 1'].toSorted());
      expect(await used(DAY + 60 * MINUTE)).toEqual(['tag/later 1', 'tag/x 1']);
      expect(await used(DAY + 60 * MINUTE, 1)).toEqual(['tag/later 1']);
      expect(await store.usedFeeds('section', DAY + 60 * MINUTE, { articles: 9, limit: 9 })).toEqual([
        { key: 'section/world', name: 'World', used: 3 },
      ]);
      expect(await store.usedFeeds('tag', DAY + 60 * MINUTE, { articles: 9, limit: 1 })).toHaveLength(1);
      expect([await tags(DAY - 1), await tags(DAY), await tags(DAY + 60 * MINUTE)]).toEqual([
        [],
        ['tag/short', 'tag/x'],
        ['tag/later', 'tag/x'],
      ]);
    });

    test('list the feeds of a kind as the last change left them, at any moment and up to any limit', async () => {
      const store = await ofEveryStatus();
      const tags = async (moment: number, limit: number) =>
        (await store.feedsOfKind('tag', moment, limit)).map(({ name }) => name);

      expect([await tags(DAY, 1), await tags(DAY, 9), await tags(DAY, 1)]).toEqual([
        ['short'],
        ['short', 'x'],
        ['short'],
      ]);
      await store.apply([put({ id: 'b', tags: ['new'], publishedAt: at(1) })], () => NOW);
      expect(await tags(DAY + MINUTE, 9)).toEqual(['new', 'short', 'x']);
      await store.apply([put({ id: 'b', tags: ['New'], publishedAt: at(1) })], () => NOW);
      expect(await tags(DAY + MINUTE, 9)).toEqual(['New', 'short', 'x']);
      await store.apply([{ kind: 'withdraw', id: 'a' }], () => NOW);
      expect(await tags(DAY + MINUTE, 9)).toEqual(['New', 'short']);
      expect(await tags(DAY + 30 * MINUTE, 9)).toEqual(['New']);
      expect(await tags(DAY + MINUTE, 9)).toEqual(['New', 'short']);
      await store.apply([put({ id: 'late', tags: ['last'], embargoUntil: at(40) })], () => NOW);
      expect([await tags(DAY + 39 * MINUTE, 9), await tags(DAY + 40 * MINUTE, 9)]).toEqual([['New'], ['last', 'New']]);
    });

    test('are missing for a feed that readers could never see', async () => {
      const store = await ofEveryStatus();
      expect(await store.feedTotal('tag/nothing', NOW)).toBeUndefined();
      expect(await store.feedTotal('tag/later', DAY)).toBeUndefined();
    });
  });

  describe(`${name}: custom feeds`, () => {
    const all = [
      put({ id: 'xy', tags: ['x', 'y'], sections: ['S'] }),
      put({ id: 'y', tags: ['y'] }),
      put({ id: 'ku', tags: ['x'], language: 'ku' }),
      put({ id: 'later', tags: ['x'], embargoUntil: at(60) }),
      put({ id: 'over', tags: ['y'], expiresAt: at(10) }),
      put({ id: 'gone', tags: ['x'] }),
      put({ id: 'unseen', tags: ['x'], embargoUntil: at(60) }),
      withdraw('unseen', DAY + MINUTE),
      withdraw('gone', DAY + MINUTE),
    ];
    const many = Array.from({ length: 200 }, (_, number) => `tag/t${number}`);
    const moment = DAY + 30 * MINUTE;

    /** The articles of a feed by status: visible, embargoed, expired, withdrawn. */
    async function inside(store: Store, key: string): Promise<string> {
      const entries = async (then: number) => (await idsIn(store, key, then))?.toSorted().join(' ') ?? 'none';
      const { tombstones } = (await store.snapshot(key, moment, FIFTY)) ?? { tombstones: [] };
      const gone = tombstones.map(({ publicId }) => publicId.replace(/.*:/, ''));
      return [await entries(DAY), await entries(moment), await entries(DAY + 60 * MINUTE), gone].join(' | ');
    }

    test.each<[Partial<Selection>, string]>([
      [{}, 'ku over xy y | ku xy y | ku later xy y | gone'],
      [{ any: ['latest'] }, 'ku over xy y | ku xy y | ku later xy y | gone'],
      [{ none: ['latest'] }, ' |  |  | '],
      [{ any: ['tag/x'] }, 'ku xy | ku xy | ku later xy | gone'],
      [{ any: ['tag/x', 'tag/y', 'tag/x'] }, 'ku over xy y | ku xy y | ku later xy y | gone'],
      [{ any: ['tag/unknown', 'section/s'] }, 'xy | xy | xy | '],
      [{ any: ['tag/unknown'] }, ' |  |  | '],
      [{ all: ['tag/x'] }, 'ku xy | ku xy | ku later xy | gone'],
      [{ all: ['tag/x', 'tag/y'] }, 'xy | xy | xy | '],
      [{ all: ['latest', 'language/en', 'tag/x'] }, 'xy | xy | later xy | gone'],
      [{ all: ['tag/x', 'tag/unknown'] }, ' |  |  | '],
      [{ none: ['tag/x'] }, 'over y | y | y | '],
      [{ none: ['tag/unknown'] }, 'ku over xy y | ku xy y | ku later xy y | gone'],
      [{ any: ['tag/x', 'tag/y'], all: ['language/en'], none: ['section/s'] }, 'over y | y | later y | gone'],
      [{ any: ['tag/x'], all: ['tag/x'], none: ['tag/x'] }, ' |  |  | '],
      [{ any: ['tag/y', ...many], none: many }, 'over xy y | xy y | xy y | '],
      [{ any: ['tag/x'], all: many, none: many }, ' |  |  | '],
    ])('hold what their rules select: %j', async (select, expected) => {
      const store = await holding(...all);
      expect(await store.backfillFeeds([feed('own', select)], () => NOW)).toBe(1);
      expect(await inside(store, 'own')).toBe(expected);
      const before = await open();
      await before.backfillFeeds([feed('own', select)], () => NOW);
      await applyAll(before, all);
      expect(await inside(before, 'own')).toBe(expected);
    });

    test('hold the same articles, whichever came first, the rule or the article', { tags: ['soak'] }, async () => {
      const key = fc.constantFrom(
        'latest',
        'tag/a',
        'tag/b',
        'tag/c',
        'section/s',
        'section/t',
        'language/ku',
        'tag/none',
      );
      const keys = fc.array(key, { maxLength: 3 });
      const rules = fc.array(fc.record({ any: keys, all: keys, none: keys }), { minLength: 4, maxLength: 4 });
      const minute = fc.option(
        fc.nat(120).map((minutes) => at(minutes)),
        { nil: undefined },
      );
      const fields = fc.record({
        tags: fc.subarray(['A', 'B', 'C']),
        sections: fc.subarray(['S', 'T']),
        language: fc.constantFrom('en', 'ku'),
        embargoUntil: minute,
        expiresAt: fc.option(
          fc.nat(120).map((minutes) => at(121 + minutes)),
          { nil: undefined },
        ),
        withdrawn: fc.option(
          fc.nat(120).map((minutes) => ({ at: at(minutes) })),
          { nil: undefined },
        ),
      });
      const steps = fc.array(fc.tuple(fc.nat(7), fields, fc.boolean()), { maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(rules, rules, steps, async (selections, before, made) => {
          const feeds = selections.map((select, number) => feed(`f${number}`, select));
          const changes = made.flatMap(([number, values, isTakenBack]): Change[] => {
            const id = `a${number}`;
            return [put({ id, ...values }), ...(isTakenBack ? [withdraw(id, DAY + 30 * MINUTE)] : [])];
          });
          const [one, other] = [await open(), await open()];
          await one.backfillFeeds(feeds, () => NOW);
          await other.backfillFeeds(
            [...before.map((select, number) => feed(`f${number}`, select)), feed('old')],
            () => NOW,
          );
          // Before anything is visible, so that no change is refused.
          for (const store of [one, other]) await store.apply(changes, () => DAY - 1);
          await other.backfillFeeds([...feeds, { id: 'old' }], () => NOW);

          const choose = customFeedChooser(feeds);
          for (const { number, article: stored } of await one.page(0, 50)) {
            const members = (await one.memberships(number)).toSorted();
            expect((await other.memberships(number)).toSorted()).toEqual(members);
            const own = ownKeys(stored).map((each) => each.key);
            if (members.length > 0) expect(members).toEqual([...own, ...choose(own)].toSorted());
          }
          for (const { id } of feeds) {
            for (const then of [DAY, moment, NOW]) {
              const { changedAt: _, ...held } = (await one.snapshot(id, then, FIFTY)) ?? expect.fail(id);
              expect(await other.snapshot(id, then, FIFTY)).toMatchObject(held);
            }
          }
          for (const store of [one, other]) await store.close();
        }),
        { numRuns: sized({ short: 25, soak: 200, full: 5000 }) },
      );
    });

    test('take what changes by the same rules', async () => {
      const store = await holding(put({ id: 'a', tags: ['x'] }));
      await store.backfillFeeds([feed('own', { any: ['tag/x'] })], () => NOW);
      const outcomes = await store.apply([put({ id: 'b', tags: ['x'] }), put({ id: 'a', tags: ['y'] })], () => NOW);
      expect(outcomes.map(({ touched }) => touched.includes('own'))).toEqual([true, true]);
      expect(await idsIn(store, 'own')).toEqual(['b']);
      await store.backfillFeeds([feed('own', { any: ['tag/y'] })], () => NOW);
      expect((await store.rehearse([put({ id: 'b', tags: ['y'] })], () => NOW))[0]?.touched).toContain('own');
      await store.apply([put({ id: 'c', tags: ['x'] }), put({ id: 'd', tags: ['y'] })], () => NOW);
      expect((await idsIn(store, 'own'))?.toSorted()).toEqual(['a', 'd']);
    });

    test('change when an article enters or leaves, and the article does not', async () => {
      const store = await holding(put({ id: 'a', tags: ['x'] }), put({ id: 'b', tags: ['y'] }));
      const changed = async () => [
        ...(await Promise.all(
          ['f', 'g', 'latest'].map(async (key) => (await store.snapshot(key, NOW, FIFTY))?.changedAt),
        )),
        await store.lastRevision(),
      ];
      await store.backfillFeeds([feed('f', { any: ['tag/x'] }), feed('g', { any: ['tag/none'] })], () => NOW - 9000);
      expect(await changed()).toEqual([NOW - 9000, 0, 0, 3]);
      await store.backfillFeeds([feed('f', { all: ['tag/x'] }), feed('g', { any: ['tag/unknown'] })], () => NOW - 8000);
      expect(await changed()).toEqual([NOW - 9000, 0, 0, 3]);
      await store.backfillFeeds([feed('f'), feed('g', { any: ['tag/y'] })], () => NOW - 7000);
      expect(await changed()).toEqual([NOW - 7000, NOW - 7000, 0, 4]);
      await store.backfillFeeds([feed('f', { any: ['tag/x'] })], () => NOW - 6000);
      expect(await changed()).toEqual([NOW - 6000, NOW - 7000, 0, 5]);
      expect((await store.page(0, 50)).map(({ revision }) => revision)).toEqual([1, 2]);
    });

    test('that only articles under embargo enter or leave keep their dates, and other processes notice it', async () => {
      const [one, other] = await openTwice();
      await one.apply([put({ id: 'a', tags: ['x'], embargoUntil: at(60) }), put({ id: 'b', tags: ['y'] })], () => DAY);
      await one.backfillFeeds([feed('own', { any: ['tag/y'] })], () => DAY + 1000);
      for (const [minutes, any] of [
        [10, ['tag/x', 'tag/y']],
        [20, ['tag/y']],
      ] as const) {
        await other.takeExternallyChangedFeeds();
        await one.backfillFeeds([feed('own', { any })], () => DAY + minutes * MINUTE);
        expect((await one.snapshot('own', DAY + minutes * MINUTE, FIFTY))?.changedAt).toBe(DAY + 1000);
        expect(await other.takeExternallyChangedFeeds()).toContain('own');
      }
      await one.backfillFeeds([feed('own')], () => DAY + 60 * MINUTE);
      expect((await one.snapshot('own', DAY + 60 * MINUTE, FIFTY))?.changedAt).toBe(DAY + 60 * MINUTE);
    });

    test('are listed with their rules', async () => {
      const store = await open();
      expect([await store.rules(), await store.backfillFeeds([], () => NOW)]).toEqual([[], 0]);
      const [f, g] = [feed('f', { any: ['tag/x'] }), feed('g', { all: ['tag/y'], none: ['tag/x'] })];
      await store.backfillFeeds([f, g], () => NOW);
      expect(await store.rules()).toEqual([f, g]);
      await store.backfillFeeds([{ id: 'f' }, feed('g'), { id: 'unknown' }], () => NOW);
      expect(await store.rules()).toEqual([feed('g')]);
    });

    test('are filled a few at a time, each with its rule', async () => {
      const store = await holding(...all);
      const feeds = Array.from({ length: 20 }, (_, number) => feed(`f${number}`, { any: ['tag/x'] }));
      for (let done = 0; done < feeds.length; ) {
        const more = await store.backfillFeeds(feeds.slice(done), () => NOW);
        expect(more).toBeGreaterThan(0);
        done += more;
        expect(await store.rules()).toEqual(feeds.slice(0, done));
      }
      expect(await idsIn(store, 'f19')).toEqual(await idsIn(store, 'tag/x'));
    });

    test('are filled and emptied together or, where it fails, not at all', async () => {
      const store = await holding(put({ tags: ['x'] }));
      await store.backfillFeeds([feed('f', { any: ['tag/x'] }), feed('g')], () => NOW);
      const before = [await store.rules(), await store.feeds(NOW), await store.lastRevision()];
      const placing = store.backfillFeeds([{ id: 'g' }, feed('f', { none: ['tag/x'] }), feed('h')], () => {
        throw new Error('no clock');
      });
      await expect(placing).rejects.toThrow();
      expect([await store.rules(), await store.feeds(NOW), await store.lastRevision()]).toEqual(before);
      await store.apply([put({ id: 'b', tags: ['x'] })], () => NOW);
      expect((await idsIn(store, 'f'))?.toSorted()).toEqual(['a', 'b']);
    });

    test('without a rule are forgotten with their articles', async () => {
      const store = await holding(put({ tags: ['x'] }), put({ id: 'b' }), put({ id: 'c' }), withdraw('c', NOW));
      await store.backfillFeeds([feed('own'), feed('other')], () => NOW);
      await store.apply([put({ tags: ['y'] }), withdraw('b', NOW)], () => NOW);
      await store.backfillFeeds([{ id: 'own' }], () => NOW);
      expect(await store.snapshot('own', NOW, FIFTY)).toBeUndefined();
      expect((await store.feeds(NOW)).map(({ key }) => key)).not.toContain('own');
      const others = ['language/en', 'latest', 'other'];
      expect((await store.memberships(1)).toSorted()).toEqual([...others, 'tag/y']);
      expect((await store.memberships(2)).toSorted()).toEqual(others);
    });

    test('are forgotten although an article was in them and left', async () => {
      const store = await holding(put({ tags: ['x'] }));
      await store.backfillFeeds([feed('own', { any: ['tag/x'] })], () => NOW);
      await store.apply([put({ tags: ['y'] })], () => NOW);
      await store.backfillFeeds([{ id: 'own' }], () => NOW);
      expect(await store.snapshot('own', NOW, FIFTY)).toBeUndefined();
    });

    test('that return start empty', async () => {
      const store = await holding(put({ tags: ['x'] }), put({ id: 'b', tags: ['y'] }));
      await store.backfillFeeds([feed('own', { any: ['tag/x'] })], () => NOW);
      await store.backfillFeeds([{ id: 'own' }], () => NOW);
      await store.apply([put({ id: 'c', tags: ['x'] })], () => NOW);
      expect(await store.snapshot('own', NOW, FIFTY)).toBeUndefined();
      await store.backfillFeeds([feed('own', { any: ['tag/y'] })], () => NOW);
      expect(await idsIn(store, 'own')).toEqual(['b']);
    });
  });

  test(`${name}: latest is there from the beginning, and empty`, async () => {
    const store = await open();
    expect(await store.feeds(NOW)).toEqual([{ key: 'latest', name: '' }]);
    expect(await idsIn(store, 'latest')).toEqual([]);
  });

  test(`${name}: all feeds are touched without a change to an article`, async () => {
    const store = await holding(put({ tags: ['x'] }, 5), put({ id: 'b' }, NOW));
    await store.touchAllFeeds(() => NOW - 1);
    const changed = async (key: string) => (await store.snapshot(key, NOW, FIFTY))?.changedAt;
    expect([await changed('tag/x'), await changed('latest')]).toEqual([NOW - 1, NOW + 1]); // the second after its last
    expect((await store.find('b'))?.revision).toBe(2);
    expect(await store.lastRevision()).toBe(3);
    expect(await store.apply([put({ id: 'c' })], () => NOW)).toMatchObject([{ revision: 4 }]);
  });

  test.each<[string, (store: Store) => Promise<unknown>]>([
    ['snapshot', (store) => store.snapshot('latest', NOW, FIFTY)],
    ['articles', (store) => store.articles([1])],
    ['feeds', (store) => store.feeds(NOW)],
    ['rules', (store) => store.rules()],
    ['backfillFeeds', (store) => store.backfillFeeds([feed('own')], () => NOW)],
    ['find', (store) => store.find('a')],
    ['identities', (store) => store.identities(['a'])],
    ['list', (store) => store.list({ after: 0, limit: 1, at: NOW })],
    ['page', (store) => store.page(0, 50)],
    ['sources', (store) => store.sources()],
    ['setting', (store) => store.setting('a')],
    ['key', (store) => store.key('a')],
    ['apply', (store) => store.apply([put({ id: 'c' })], () => NOW)],
    ['rehearse', (store) => store.rehearse([put({ id: 'c' })], () => NOW)],
  ])(`${name}: a damaged store says so: %s`, async (_, ask) => {
    await expect(ask(await openBroken())).rejects.toMatchObject({ name: 'PublisherError', code: 'store_damaged' });
  });

  describe(`${name}: articles`, () => {
    const visible = put({ id: 'visible', tags: ['x'] });
    const embargoed = put({ id: 'embargoed', embargoUntil: at(60), tags: ['x'] });
    const expired = put({ id: 'expired', expiresAt: at(10) });
    const all = [visible, embargoed, expired, put({ id: 'gone', tags: ['x'] }), withdraw('gone', DAY + MINUTE)];
    const options: ListOptions = { after: 0, limit: 50, at: DAY + 30 * MINUTE };
    const listed = async (store: Store, asked: Partial<ListOptions>) =>
      (await store.list({ ...options, ...asked })).articles.map(({ revision, article: { id } }) => `${revision} ${id}`);

    test('are found by their id, with their record', async () => {
      const store = await holding(visible, put({ title: '"ا"' }));
      expect(await store.find('a')).toEqual({
        number: 2,
        revision: 2,
        article: article({ publishedAt: at(0), title: '"ا"' }),
        record: { id: 'a' },
      });
      expect(await store.find('x')).toBeUndefined();
    });

    test('keep their record when they are withdrawn', async () => {
      const store = await holding(put({}), withdraw('a', NOW));
      expect((await store.find('a'))?.record).toEqual({ id: 'a' });
    });

    test.each<[Partial<ListOptions>, readonly string[]]>([
      [{}, ['1 visible', '2 embargoed', '3 expired', '5 gone']],
      [{ limit: 2 }, ['1 visible', '2 embargoed']],
      [{ after: 2, limit: 2 }, ['3 expired', '5 gone']],
      [{ after: 3 }, ['5 gone']],
      [{ after: 5 }, []],
      [{ status: 'visible' }, ['1 visible']],
      [{ status: 'visible', at: DAY + 5 * MINUTE }, ['1 visible', '3 expired']],
      [{ status: 'visible', at: DAY + 60 * MINUTE }, ['1 visible', '2 embargoed']],
      [{ status: 'embargoed' }, ['2 embargoed']],
      [{ status: 'embargoed', at: DAY + 60 * MINUTE }, []],
      [{ status: 'expired' }, ['3 expired']],
      [{ status: 'expired', at: DAY + 10 * MINUTE }, ['3 expired']],
      [{ status: 'withdrawn' }, ['5 gone']],
      [{ feed: 'tag/x' }, ['1 visible', '2 embargoed', '5 gone']],
      [{ feed: 'tag/x', status: 'embargoed' }, ['2 embargoed']],
      [{ feed: 'tag/x', after: 1, limit: 1 }, ['2 embargoed']],
      [{ feed: 'tag/unknown' }, []],
    ])('are listed: %j', async (asked, expected) => {
      expect(await listed(await holding(...all), asked)).toEqual(expected);
    });

    test('stand in the list by their last change', async () => {
      const store = await holding(put({}), put({ id: 'b' }), put({ title: 'New' }));
      expect(await listed(store, {})).toEqual(['2 b', '3 a']);
    });

    test('stand on pages by their first', async () => {
      const store = await holding(
        put({}),
        put({ id: 'b' }),
        put({ id: 'c' }),
        put({ title: 'New' }),
        withdraw('b', NOW),
      );
      const page = async (after: number, limit: number) =>
        (await store.page(after, limit)).map(({ number, article: { id } }) => `${number} ${id}`);
      expect([await page(0, 2), await page(2, 2), await page(3, 2)]).toEqual([['1 a', '2 b'], ['3 c'], []]);
      expect(await store.count()).toBe(3);
    });

    test('that are large are fewer to a page and to a list, and none is passed over', async () => {
      const large = JSON.stringify({ text: 'x'.repeat(3_000_000) });
      const store = await holding(...['a', 'b', 'c', 'd', 'e'].map((id) => ({ ...put({ id }), record: large })));
      const pages: string[][] = [];
      for (let last = 0; ; ) {
        const page = await store.page(last, 500);
        last = page.at(-1)?.number ?? 0;
        if (page.length === 0) break;
        pages.push(page.map(({ article: { id } }) => id));
      }
      const lists: string[][] = [];
      for (let next: number | undefined = 0; next !== undefined; ) {
        const list: Listed = await store.list({ ...options, after: next, limit: 500 });
        next = list.next;
        lists.push(list.articles.map(({ article: { id } }) => id));
      }

      expect([pages.flat(), lists.flat()]).toEqual([
        ['a', 'b', 'c', 'd', 'e'],
        ['a', 'b', 'c', 'd', 'e'],
      ]);
      expect(Math.max(...[...pages, ...lists].map(({ length }) => length))).toBeLessThan(5);
    });

    test('are listed without their text', async () => {
      const store = await holding(put({ expiresAt: at(10) }), put({ id: 'b' }), withdraw('b', NOW, 'Wrong'));
      expect((await store.list(options)).articles).toEqual([
        {
          revision: 1,
          article: { id: 'a', publicId: 'tag:news.example,2026:a', publishedAt: DAY, expiresAt: DAY + 10 * MINUTE },
          record: { id: 'a' },
        },
        expect.objectContaining({ revision: 3, record: { id: 'b' } }),
      ]);
    });

    test('that a feed shows before another are counted, up to a limit', async () => {
      const store = await holding(
        put({}),
        put({ id: 'b', publishedAt: at(1), tags: ['x'] }),
        put({ id: 'c', publishedAt: at(2) }),
        put({ id: 'later', embargoUntil: at(60) }),
        put({ id: 'expired', publishedAt: at(1), expiresAt: at(10) }),
      );
      const newer = (key: string, number: number, moment = DAY + 30 * MINUTE, limit = 50) =>
        store.newerThan(key, number, moment, limit);
      expect([await newer('latest', 1), await newer('latest', 2), await newer('latest', 3)]).toEqual([2, 1, 0]);
      expect(await newer('latest', 1, DAY + 5 * MINUTE)).toBe(3);
      expect(await newer('latest', 1, DAY + 60 * MINUTE)).toBe(3);
      expect(await newer('latest', 1, NOW, 2)).toBe(2);
      expect([await newer('tag/x', 2), await newer('tag/unknown', 2)]).toEqual([0, 0]);
    });

    test('of one second are counted in the order of the feed', async () => {
      const ids = Array.from({ length: 9 }, (_, index) => `article-${index}`);
      const store = await holding(...ids.map((id) => put({ id })));
      const entries = (await store.snapshot('latest', NOW, FIFTY))?.entries ?? [];
      const counted = entries.map(({ number }) => store.newerThan('latest', number, NOW, 50));
      expect(await Promise.all(counted)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    });

    test('know their feeds, visible or not', async () => {
      const store = await holding(...all);
      const expected = ['language/en', 'latest', 'tag/x'];
      expect((await store.memberships(1)).toSorted()).toEqual(expected);
      expect((await store.memberships(2)).toSorted()).toEqual(expected);
      expect((await store.memberships(4)).toSorted()).toEqual(expected);
      expect(await store.memberships(99)).toEqual([]);
    });
  });

  describe(`${name}: the file of an article`, () => {
    const from = (path: string, fields: Readonly<Record<string, unknown>>, signature = '1'): Put => ({
      ...put(fields),
      source: { path, signature, media: [] },
    });
    const kept = async (store: Store) =>
      (await store.sources()).map(({ id, path, signature }) => `${id}: ${path} ${signature}`).toSorted();

    test('is kept with it, whether or not the article has changed', async () => {
      const store = await open();
      const source = { path: 'ا/a.md', signature: '1', media: ['ا.png', 'b'] };
      expect(await store.sources()).toEqual([]);
      await store.apply([{ ...put({}), source }, from('b.md', { id: 'b' })], () => NOW);
      expect((await store.sources()).find(({ id }) => id === 'a')).toEqual({ id: 'a', ...source });
      expect(await store.apply([from('a.md', {}, '2')], () => NOW)).toMatchObject([
        { result: 'unchanged', revision: 1 },
      ]);
      expect(await kept(store)).toEqual(['a: a.md 2', 'b: b.md 1']);
    });

    test('holds one: what it held before has none from then on', async () => {
      const store = await holding(from('a.md', { id: 'one' }), from('a.md', { id: 'two' }, '2'));
      expect(await kept(store)).toEqual(['one:  1', 'two: a.md 2']);
      await store.apply([from('a.md', { id: 'three' }, '3')], () => NOW);
      expect(await kept(store)).toEqual(['one:  1', 'three: a.md 3', 'two:  2']);
      await store.apply([from('a.md', { id: 'one' }, '4')], () => NOW);
      expect(await kept(store)).toEqual(['one: a.md 4', 'three:  3', 'two:  2']);
    });

    test('changes where two files swap their articles at once', async () => {
      const store = await holding(from('a.md', { id: 'one' }), from('b.md', { id: 'two' }));
      await store.apply([from('a.md', { id: 'two' }, '2'), from('b.md', { id: 'one' }, '2')], () => NOW);
      expect(await kept(store)).toEqual(['one: b.md 2', 'two: a.md 2']);
    });

    test('is not kept where the change is not made', async () => {
      const store = await holding(from('a.md', {}));
      const changes: Change[] = [
        from('b.md', { publishedAt: at(1) }),
        { ...from('c.md', { title: 'New' }), condition: 'absent' },
        { ...withdraw('a', NOW), forgetSource: true, condition: 'absent' },
      ];
      expect((await store.apply(changes, () => NOW)).map(({ result }) => result)).toEqual([
        'refused',
        'condition-failed',
        'condition-failed',
      ]);
      await store.rehearse([from('d.md', { title: 'New' }), { ...withdraw('a', NOW), forgetSource: true }], () => NOW);
      expect(await kept(store)).toEqual(['a: a.md 1']);
    });

    test('stays the file of the article after other changes, until it is forgotten', async () => {
      const store = await holding(from('a.md', {}), put({ title: 'New' }), withdraw('a', NOW));
      const forget = { ...withdraw('a', NOW), forgetSource: true };
      expect(await kept(store)).toEqual(['a: a.md 1']);
      expect(await store.apply([forget, { ...forget, id: 'x' }], () => NOW)).toMatchObject([
        { result: 'unchanged' },
        { result: 'absent' },
      ]);
      expect(await store.sources()).toEqual([]);
    });
  });

  test(`${name}: a setting is what it was last`, async () => {
    const store = await open();
    expect(await store.setting('a')).toBeUndefined();
    await store.saveSetting('a', '1');
    await store.saveSetting('b', '');
    await store.saveSetting('a', '2');
    expect([await store.setting('a'), await store.setting('b')]).toEqual(['2', '']);
  });

  test(`${name}: a setting that is kept is the one that was saved first`, async () => {
    const store = await open();
    const kept = await Promise.all([store.keepSetting('a', '1'), store.keepSetting('a', '2')]);
    await store.saveSetting('b', '3');
    expect([...kept, await store.setting('a'), await store.keepSetting('b', '4')]).toEqual(['1', '1', '1', '3']);
  });

  test(`${name}: keys are listed in the order of their creation, and revoked once`, async () => {
    const store = await open();
    const key = (id: string, createdAt: number): StoredKey => ({
      id,
      name: 'Desk',
      scope: 'read',
      hash: Uint8Array.of(1, 2, 255),
      createdAt,
    });
    const write = { ...key('b', 1), scope: 'write' as const };
    await store.createKey(key('a', 2));
    await store.createKey(write);
    expect(await store.keys()).toEqual([write, key('a', 2)]);
    expect([await store.revokeKey('a', 5), await store.revokeKey('a', 6), await store.revokeKey('x', 7)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(await store.key('a')).toEqual({ ...key('a', 2), revokedAt: 5 });
    expect(await store.key('x')).toBeUndefined();
    await expect(store.createKey(write)).rejects.toThrow();
  });

  describe(`${name}: the audit`, () => {
    const KEY: Actor = { kind: 'key', id: 'k1', name: 'desk' };
    const FILE: Actor = { kind: 'file', path: 'articles/a.json' };
    const START: Actor = { kind: 'start' };
    const imported = (source: string): Actor => ({ kind: 'import', source });
    const by = <Made extends Change>(actor: Actor, change: Made): Made => ({ ...change, actor });
    const clock = (minutes: number) => () => DAY + minutes * MINUTE;

    test('has each change of an article with its actor, its status and the reason of a withdrawal', async () => {
      const store = await open();
      const steps: readonly Change[] = [
        by(KEY, put({ embargoUntil: at(5) })),
        by(KEY, put({ embargoUntil: at(5) })), // unchanged
        by(FILE, put({ publishedAt: at(5), title: 'B' })),
        { kind: 'withdraw', id: 'a', reason: 'Wrong.', actor: FILE },
        { kind: 'withdraw', id: 'a', actor: KEY }, // withdrawn already
        by(KEY, put({ publishedAt: at(5), title: 'C' })),
        by(KEY, put({ publishedAt: at(5), title: 'D', expiresAt: at(6) })),
        by(KEY, put({ publishedAt: at(5), title: 'D', withdrawn: { at: at(7), reason: 'Old.' } })),
        put({ publishedAt: at(5), title: 'E', withdrawn: { at: at(7), reason: 'Old.' } }),
      ];
      for (const [minute, step] of steps.entries()) await store.apply([step], clock(minute + 3));
      await store.apply([by(KEY, put({ publicId: 'urn:other' })), by(KEY, put({ id: 'b' }))], clock(20)); // the first is refused

      const until = DAY + 5 * MINUTE;
      expect(await store.history('a')).toEqual([
        { what: 'published', at: clock(3)(), revision: 1, by: KEY, status: 'embargoed', until },
        { what: 'corrected', at: clock(5)(), revision: 2, by: FILE, status: 'visible' },
        { what: 'withdrawn', at: clock(6)(), revision: 3, by: FILE, status: 'withdrawn', reason: 'Wrong.' },
        { what: 'republished', at: clock(8)(), revision: 4, by: KEY, status: 'visible' },
        { what: 'corrected', at: clock(9)(), revision: 5, by: KEY, status: 'expired' },
        { what: 'withdrawn', at: clock(10)(), revision: 6, by: KEY, status: 'withdrawn', reason: 'Old.' },
        { what: 'corrected', at: clock(11)(), revision: 7, status: 'withdrawn' },
      ]);
      expect((await store.history('b')).map(({ revision }) => revision)).toEqual([8]);
      expect(await store.history('unknown')).toEqual([]);
    });

    test('has nothing of a rehearsal, nor of a transaction that failed', async () => {
      const store = await holding(by(KEY, put({})));
      await store.rehearse([by(KEY, put({ title: 'B' }))], () => NOW);
      const failing = () => {
        throw new Error('no clock');
      };
      await expect(store.apply([by(KEY, put({ title: 'C' }))], failing)).rejects.toThrow('no clock');

      expect((await store.history('a')).map(({ what, revision }) => [what, revision])).toEqual([['published', 1]]);
      expect(await store.auditAfter(1, 10)).toEqual([]);
    });

    test('has one row for the consecutive changes of an import, and of a start', async () => {
      const store = await open();
      const stories = (title: string) => Array.from({ length: 50 }, (_, index) => put({ id: `a${index}`, title }));
      const bySource = stories('A').map((change, index) => by(imported(index < 30 ? 'one.xml' : 'two.xml'), change));
      await store.apply([...bySource, by(imported('two.xml'), put({ id: 'late', publishedAt: at(9) }))], clock(1));
      await store.apply(
        stories('B').map((change) => by(START, change)),
        clock(2),
      );
      await store.apply([...stories('B').map((change) => by(imported('x'), change))], clock(3)); // unchanged
      const mixed = [by(imported('x'), put({ id: 'a0', title: 'C' })), by(KEY, put({ id: 'a1', title: 'C' }))];
      await store.apply([...mixed, by(imported('x'), put({ id: 'a2', title: 'C' }))], clock(4));

      const row = { status: 'visible' } as const;
      const alone = (id: string, revision: number) => ({ id, lastId: id, revision, lastRevision: revision });
      expect(await store.auditAfter(0, 10)).toEqual([
        {
          ...row,
          what: 'published',
          at: clock(1)(),
          by: imported('one.xml'),
          id: 'a0',
          lastId: 'late',
          revision: 1,
          lastRevision: 51,
          counts: new Map([['published', 51]]),
        },
        {
          ...row,
          what: 'corrected',
          at: clock(2)(),
          by: START,
          id: 'a0',
          lastId: 'a49',
          revision: 52,
          lastRevision: 101,
          counts: new Map([['corrected', 50]]),
        },
        ...[imported('x'), KEY, imported('x')].map((actor, index) => ({
          ...row,
          what: 'corrected',
          at: clock(4)(),
          by: actor,
          ...alone(`a${index}`, 102 + index),
          counts: new Map([['corrected', 1]]),
        })),
      ]);
      expect(await store.history('a40')).toEqual([
        { ...row, what: 'published', at: clock(1)(), by: imported('two.xml'), revision: 41 },
        { ...row, what: 'corrected', at: clock(2)(), by: START, revision: 92 },
      ]);
      expect(await store.history('late')).toEqual([
        {
          what: 'published',
          at: clock(1)(),
          by: imported('two.xml'),
          revision: 51,
          status: 'embargoed',
          until: DAY + 9 * MINUTE,
        },
      ]);
    });

    test('is read on from a revision, in pages', async () => {
      const store = await holding(...['a', 'b', 'c'].map((id) => put({ id })));
      const [first, second] = await store.auditAfter(0, 2);

      expect([first?.id, second?.id]).toEqual(['a', 'b']);
      expect((await store.auditAfter(second?.lastRevision ?? 0, 2)).map(({ id }) => id)).toEqual(['c']);
    });

    test('gives up to a thousand entries of an article, the newest', async () => {
      const store = await open();
      const versions = Array.from({ length: 1005 }, (_, version) => put({ title: `${version}` }));
      await store.apply(
        versions.slice(0, 500).map((change) => by(imported('x'), change)),
        () => NOW,
      );
      await store.apply(versions.slice(500), () => NOW);

      const revisions = (await store.history('a')).map(({ revision }) => revision);
      expect(revisions).toEqual(Array.from({ length: 1000 }, (_, index) => index + 6));
    });

    test('forgets what is older, by the time of the change', async () => {
      const store = await open();
      await store.apply([put({ id: 'future' })], clock(10_000)); // its clock was wrong
      await store.apply(
        Array.from({ length: 1500 }, (_, index) => put({ id: `old${index}` })),
        clock(1),
      );
      await store.apply([put({ id: 'new' })], clock(2));
      const removed: number[] = [];
      do removed.push(await store.pruneAudit(clock(2)()));
      while (removed.at(-1) !== 0);

      expect(removed.reduce((sum, count) => sum + count, 0)).toBe(1500);
      expect(removed.length).toBeGreaterThan(2); // in more than one transaction
      expect((await store.auditAfter(0, 10)).map(({ id }) => id)).toEqual(['future', 'new']);
      expect([await store.history('old7'), (await store.history('new')).length]).toEqual([[], 1]);
      await store.pruneAudit(clock(20_000)());
      await store.apply([put({ id: 'next' })], clock(3));
      expect((await store.auditAfter(1502, 10)).map(({ id, revision }) => [id, revision])).toEqual([['next', 1503]]);
    });

    test('agrees with the outcomes of any changes by anyone', { tags: ['soak'] }, async () => {
      const ids = ['a', 'b', 'c', 'd', 'e'];
      const change = fc.record({
        id: fc.constantFrom(...ids),
        title: fc.constantFrom('A', 'B'),
        isWithdrawal: fc.boolean(),
        actor: fc.constantFrom(KEY, FILE, START, imported('x'), imported('y')),
      });
      const batches = fc.array(fc.array(change, { minLength: 1, maxLength: 12 }), { maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(batches, async (made) => {
          const store = await open();
          const expected = new Map<string, unknown[]>(ids.map((id) => [id, []]));
          for (const batch of made) {
            const changes = batch.map(
              ({ id, title, isWithdrawal, actor }): Change =>
                isWithdrawal ? { kind: 'withdraw', id, actor } : by(actor, put({ id, title })),
            );
            const outcomes = await store.apply(changes, () => NOW);
            for (const [index, { id, result, revision }] of outcomes.entries()) {
              if (['created', 'updated', 'withdrawn'].includes(result))
                expected.get(id)?.push([revision, changes[index]?.actor, result === 'withdrawn']);
            }
          }
          for (const id of ids) {
            const history = await store.history(id);
            expect(history.map(({ revision, by, what }) => [revision, by, what === 'withdrawn'])).toEqual(
              expected.get(id),
            );
          }
          let last = 0;
          for (const { revision, lastRevision } of await store.auditAfter(0, 1000)) {
            expect(revision).toBe(last + 1);
            last = lastRevision;
          }
          expect(last).toBe(await store.lastRevision());
          await store.close();
        }),
        { numRuns: sized({ short: 15, soak: 100, full: 2000 }) },
      );
    });
  });

  describe(`${name}: an address`, () => {
    const same = (outcomes: readonly Outcome[]) => outcomes.map(({ id, sameAddress }) => [id, sameAddress]);
    const url = (path: string) => `https://news.example/${path}`;

    test('that another article has is noted with the id of the first one, also in a rehearsal', async () => {
      const store = await open();
      const puts = [put({ id: 'a' }), put({ id: 'b', url: url('b') }), put({ id: 'c' }), put({ id: 'd' })];
      const expected = [
        ['a', undefined],
        ['b', undefined],
        ['c', 'a'],
        ['d', 'a'],
      ];

      expect(same(await store.rehearse(puts, () => NOW))).toEqual(expected);
      expect(same(await store.apply(puts, () => NOW))).toEqual(expected);
      expect(same(await store.apply(puts, () => NOW))).toEqual([['a', 'c'], ...expected.slice(1)]); // unchanged
    });

    test('is free once the other article is withdrawn or has moved, and taken again once it is back', async () => {
      const store = await holding(put({ id: 'a' }));
      const other = put({ id: 'b' });
      expect(same(await store.apply([other], () => NOW))).toEqual([['b', 'a']]);
      await store.apply([withdraw('a', NOW)], () => NOW);
      expect(same(await store.apply([other], () => NOW))).toEqual([['b', undefined]]);
      expect(same(await store.apply([put({ id: 'a', title: 'B' })], () => NOW))).toEqual([['a', 'b']]);
      expect(same(await store.apply([put({ id: 'a', url: url('a2') }), other], () => NOW))).toEqual([
        ['a', undefined],
        ['b', undefined],
      ]);
      const withdrawn = put({ id: 'c', withdrawn: { at: at(1) } });
      expect(same(await store.apply([withdrawn, other], () => NOW))).toEqual([
        ['c', undefined],
        ['b', undefined],
      ]);
    });
  });

  describe(`${name}: two connections`, () => {
    test('see each other’s articles, and notice which feeds changed', async () => {
      const [one, other] = await openTwice();
      expect([await other.lastRevision(), other.mayHaveExternalChanges()]).toEqual([0, false]);
      await one.apply([put({ tags: ['x'] })], () => NOW);
      await nextTurn();
      expect([one.mayHaveExternalChanges(), other.mayHaveExternalChanges()]).toEqual([false, true]);
      expect((await other.takeExternallyChangedFeeds()).toSorted()).toEqual(['language/en', 'latest', 'tag/x']);
      expect(other.mayHaveExternalChanges()).toBe(false);
      expect([await other.lastRevision(), await idsIn(other, 'tag/x')]).toEqual([1, ['a']]);
      expect(await other.takeExternallyChangedFeeds()).toEqual([]);
      await one.apply([put({ id: 'b' }), withdraw('b', NOW)], () => NOW);
      expect((await other.takeExternallyChangedFeeds()).toSorted()).toEqual(['language/en', 'latest']);
      expect(await other.lastRevision()).toBe(3);
    });

    test('do not notice their own changes, before or after those of the other', async () => {
      const [one, other] = await openTwice();
      await one.apply([put({ id: 'a', tags: ['x'] })], () => NOW);
      await one.touchAllFeeds(() => NOW);
      expect(await one.takeExternallyChangedFeeds()).toEqual([]);
      await other.apply([put({ id: 'b', tags: ['y'], language: 'ku' })], () => NOW);
      expect((await one.takeExternallyChangedFeeds()).toSorted()).toEqual(['language/ku', 'latest', 'tag/y']);
      await one.apply([put({ id: 'a', title: 'New', tags: ['x'] })], () => NOW);
      expect(await one.takeExternallyChangedFeeds()).toEqual([]);
    });

    test('notice a change of the other after a change of their own', async () => {
      const [one, other] = await openTwice();
      await one.apply([put({ id: 'a', tags: ['x'] })], () => NOW);
      await other.apply([put({ id: 'b', tags: ['y'] })], () => NOW);
      await other.apply([put({ id: 'c', tags: ['z'] })], () => NOW);
      expect(await other.takeExternallyChangedFeeds()).toEqual(
        expect.arrayContaining(['language/en', 'latest', 'tag/x']),
      );
      expect(await other.takeExternallyChangedFeeds()).toEqual([]);
      expect((await one.takeExternallyChangedFeeds()).toSorted()).toEqual(['language/en', 'latest', 'tag/y', 'tag/z']);
    });

    test('notice a change of the other after a failed change of their own', async () => {
      const [one, other] = await openTwice();
      const key: StoredKey = { id: 'k', name: '', scope: 'read', hash: Uint8Array.of(1), createdAt: 1 };
      await one.createKey(key);
      await one.apply([put({ tags: ['x'] })], () => NOW);
      await expect(other.createKey(key)).rejects.toThrow();
      await other.rehearse([put({ title: 'New' })], () => NOW);
      expect((await other.takeExternallyChangedFeeds()).toSorted()).toEqual(['language/en', 'latest', 'tag/x']);
    });

    test('notice a change in every request that comes after it', async () => {
      const [one, other] = await openTwice();
      const server = createServer().listen(0, '127.0.0.1');
      onTestFinished(() => void server.close());
      await once(server, 'listening');
      const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
      onTestFinished(() => void client.destroy());
      const [served] = await once(server, 'connection');
      const heard = once(served, 'data').then(() => other.mayHaveExternalChanges());
      await nextTurn(); // after the events of this poll
      expect(other.mayHaveExternalChanges()).toBe(false);
      await one.apply([put({})], () => NOW);
      client.write('a request');

      expect(await heard).toBe(true);
    });

    test('notice which custom feeds changed and which were removed, empty ones too', async () => {
      const [one, other] = await openTwice();
      await one.apply([put({ tags: ['x'] })], () => NOW);
      const before = [feed('same'), feed('other', { any: ['tag/x'] }), feed('empty', { any: ['tag/none'] })];
      await one.backfillFeeds([feed('gone'), ...before], () => NOW);
      await other.takeExternallyChangedFeeds();
      const after = [feed('same', { any: ['tag/x'] }), feed('other', { none: ['tag/x'] }), { id: 'empty' }];
      await one.backfillFeeds([{ id: 'gone' }, ...after], () => NOW);
      expect((await other.takeExternallyChangedFeeds()).toSorted()).toEqual(['empty', 'gone', 'other']);
      expect([await idsIn(other, 'gone'), await idsIn(other, 'other')]).toEqual([undefined, []]);
    });

    test('add articles to custom feeds by the current rules, whichever connection set them', async () => {
      const [one, other] = await openTwice();
      await one.backfillFeeds([feed('f', { any: ['tag/x'] }), feed('g')], () => NOW);
      await other.apply([put({ id: 'a', tags: ['x'] })], () => NOW);
      await one.backfillFeeds([feed('f', { none: ['tag/x'] }), { id: 'g' }], () => NOW);
      await other.apply([put({ id: 'b', tags: ['x'] }), put({ id: 'c' })], () => NOW);
      expect([await idsIn(one, 'f'), await idsIn(one, 'g')]).toEqual([['c'], undefined]);
      await one.backfillFeeds([feed('g', { any: ['tag/x'] })], () => NOW);
      await other.apply([put({ id: 'd', tags: ['x'] })], () => NOW);
      expect((await idsIn(other, 'g'))?.toSorted()).toEqual(['a', 'b', 'd']);
    });

    test('do not notice changes that changed nothing', async () => {
      const [one, other] = await openTwice();
      await one.apply([put({})], () => NOW);
      await other.takeExternallyChangedFeeds();
      await one.apply([put({}), withdraw('x', NOW)], () => NOW);
      await one.rehearse([put({ title: 'New' })], () => NOW);
      await one.saveSetting('a', '1');
      expect([await other.takeExternallyChangedFeeds(), await other.lastRevision()]).toEqual([[], 1]);
    });

    test('write one after the other', async () => {
      const [one, other] = await openTwice();
      const changes = Array.from({ length: 20 }, (_, index) =>
        [one, other][index % 2]?.apply([put({ id: `a${index}`, tags: [`t${index % 3}`] })], () => NOW),
      );
      const revisions = (await Promise.all(changes)).flatMap((outcomes) => outcomes?.map(({ revision }) => revision));
      const inOrder = isReplicated ? revisions.toSorted((a, b) => Number(a) - Number(b)) : revisions;
      expect(inOrder).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
      expect(await idsIn(one, 'tag/t1')).toEqual(await idsIn(other, 'tag/t1'));
      expect([await one.count(), await other.count()]).toEqual([20, 20]);
    });
  });
}
