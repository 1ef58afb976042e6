import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { articleText } from '../../../src/article/stored.ts';
import { ownKeys } from '../../../src/feed/feeds.ts';
import { openSqliteStore } from '../../../src/store/sqlite/sqlite-store.ts';
import type { ArchivePage, Change, Put, Store } from '../../../src/store/store.ts';
import { article } from '../../helpers.ts';
import { sized } from '../../soak/sizes.ts';

/** The pages of histories, as the store has them: documents are tested in tests/document. */

const NOON = Date.UTC(2026, 10, 22, 12);
const SECOND = 1000;
const MINUTE = 60 * SECOND;

/** Entries of documents, and so of pages. */
const SIZE = 3;

async function served(entries = SIZE, feeds: readonly (readonly [string, number])[] = []): Promise<Store> {
  const store = openSqliteStore(':memory:');
  onTestFinished(() => store.close());
  await store.setDocumentSizes({ entries, feeds }, () => NOON);
  await store.markServed();
  return store;
}

interface Story {
  readonly id: string;
  /** Minutes from noon. */
  readonly minutes: number;
  readonly title?: string;
  readonly section?: string;
  readonly expires?: number;
}

function put({ id, minutes, title = 'A title', section, expires }: Story): Put {
  const iso = (moment: number) => new Date(NOON + moment * MINUTE).toISOString();
  const made = article({
    id,
    title,
    publishedAt: iso(minutes),
    ...(section === undefined ? {} : { sections: [section] }),
    ...(expires === undefined ? {} : { expiresAt: iso(expires) }),
  });
  return { kind: 'put', article: articleText(made), record: JSON.stringify({ id }), feeds: ownKeys(made) };
}

/** Stories of one minute each, `a1` the oldest. */
const stories = (count: number): Put[] =>
  Array.from({ length: count }, (_, index) => put({ id: `a${index + 1}`, minutes: index - 2000 }));

/** The ids of entries, newest first. */
async function idsOf(store: Store, entries: readonly { readonly number: number }[]): Promise<string[]> {
  const articles = await store.articles(entries.map(({ number }) => number));
  return articles.map(({ article: { id } }) => id);
}

interface Walk {
  readonly current: readonly string[];
  readonly pages: readonly (ArchivePage & { readonly ids: readonly string[] })[];
}

/** Walks from the current document to the oldest page. */
async function walk(store: Store, key: string, at: number, limit = SIZE): Promise<Walk | undefined> {
  const snapshot = await store.snapshot(key, at, { limit, tombstonesFor: 0 });
  if (snapshot?.archive === undefined) return undefined;
  const pages: Walk['pages'][number][] = [];
  for (let number = snapshot.archive.newest; number !== undefined; number = pages.at(-1)?.older) {
    const page = await store.archivePage(key, number, at);
    if (page === undefined) throw new Error(`page ${number} is missing`);
    pages.push({ ...page, ids: await idsOf(store, page.entries) });
    expect(page.newer).toBe(pages.at(-2)?.page ?? snapshot.archive.open);
    expect(page.isOpen).toBe(false);
  }
  return { current: await idsOf(store, snapshot.entries), pages };
}

const contentOf = (found: Walk | undefined) => found?.pages.map(({ page, ids }) => [page, ids]);

describe('the list of the pages of an archive', () => {
  test('has every page that is not open, oldest first, with the date of its last change', async () => {
    const store = await served();
    const at = NOON + 60 * MINUTE;
    await store.apply(stories(14), () => NOON);
    // With another page that time fills, and with no change since.
    await store.apply(
      ['c1', 'c2', 'c3', 'c4'].map((id, index) => put({ id, minutes: 30 + index })),
      () => NOON + MINUTE,
    );
    await store.apply([put({ id: 'a5', minutes: -1996, title: 'Corrected' })], () => NOON + 2 * MINUTE);
    const pages = (await walk(store, 'latest', at))?.pages.toReversed() ?? [];
    expect(pages.length).toBe(5);
    expect(await store.archivePages('latest', at)).toEqual(pages.map(({ page, changedAt }) => ({ page, changedAt })));
    expect(new Set(pages.map(({ changedAt }) => changedAt)).size).toBeGreaterThan(1);
  });

  test('does not count the ends of stories, and is empty for feeds that readers cannot see', async () => {
    const store = await served();
    await store.apply(
      [...stories(7), put({ id: 'a2', minutes: -1999, expires: 5 }), put({ id: 'z', minutes: 99, section: 'Later' })],
      () => NOON,
    );
    const before = await store.archivePages('latest', NOON);
    expect(await store.archivePages('latest', NOON + 6 * MINUTE)).toEqual(before);
    expect((await store.archivePage('latest', 1, NOON + 6 * MINUTE))?.changedAt).toBe(NOON + 5 * MINUTE);
    for (const key of ['section/later', 'section/none']) expect(await store.archivePages(key, NOON)).toEqual([]);
  });
});

describe('a page of an archive', () => {
  test('is made when more entries than a document has are in no page', async () => {
    const store = await served();
    const found: unknown[] = [];
    for (const change of stories(8)) {
      await store.apply([change], () => NOON);
      found.push(contentOf(await walk(store, 'latest', NOON)));
    }
    const first = [1, ['a3', 'a2', 'a1']];
    expect(found).toEqual([
      [],
      [],
      [],
      [first],
      [first],
      [first],
      [[2, ['a6', 'a5', 'a4']], first],
      [[2, ['a6', 'a5', 'a4']], first],
    ]);
  });

  test('stays as it is while new articles come', async () => {
    const store = await served();
    await store.apply(stories(4), () => NOON);
    const before = await store.archivePage('latest', 1, NOON);
    await store.apply(stories(40).slice(4), () => NOON + MINUTE);

    expect(await store.archivePage('latest', 1, NOON + MINUTE)).toEqual(before);
    expect(before).toMatchObject({ page: 1, isOpen: false, newer: 2 });
    expect(before).not.toHaveProperty('older');
  });

  test('is dated by its own changes alone', async () => {
    const store = await served();
    await store.apply(stories(9), () => NOON);
    const dates = async () => (await walk(store, 'latest', NOON + 9 * MINUTE))?.pages.map(({ changedAt }) => changedAt);
    const before = await dates();
    await store.apply([put({ id: 'a5', minutes: 4 - 2000, title: 'New' })], () => NOON + MINUTE);
    const corrected = await dates();
    await store.apply([{ kind: 'withdraw', id: 'a2' }], () => NOON + 2 * MINUTE);

    expect(corrected).toEqual([NOON + MINUTE, before?.[1]]);
    expect(await dates()).toEqual([NOON + MINUTE, NOON + 2 * MINUTE]);
  });

  test('may be empty, and is never another one', async () => {
    const store = await served();
    await store.apply(stories(9), () => NOON);
    for (const id of ['a1', 'a2', 'a3']) await store.apply([{ kind: 'withdraw', id }], () => NOON);

    expect(contentOf(await walk(store, 'latest', NOON))).toEqual([
      [2, ['a6', 'a5', 'a4']],
      [1, []],
    ]);
  });

  test('takes what comes late with an old date, and is divided when it has twice as many', async () => {
    const store = await served();
    await store.apply(stories(9), () => NOON);
    const late = (count: number) =>
      Array.from({ length: count }, (_, index) => put({ id: `l${index}`, minutes: -2000 + index / 10 }));
    await store.apply(late(3), () => NOON);
    const grown = contentOf(await walk(store, 'latest', NOON));
    await store.apply(late(4).slice(3), () => NOON);

    expect(grown).toEqual([
      [2, ['a6', 'a5', 'a4']],
      [1, ['a3', 'a2', 'l2', 'l1', expect.stringMatching(/l0|a1/), expect.stringMatching(/l0|a1/)]],
    ]);
    expect((await walk(store, 'latest', NOON))?.pages.map(({ page, ids }) => [page, ids.length])).toEqual([
      [2, 3],
      [4, 3],
      [1, 4],
    ]);
  });

  test('lacks what has expired, from that moment on', async () => {
    const store = await served();
    await store.apply([...stories(9), put({ id: 'x', minutes: -1999.5, expires: 5 })], () => NOON);
    const page = (at: number) => store.archivePage('latest', 1, at);
    const end = NOON + 5 * MINUTE;

    const before = await page(end - 1);
    const after = await page(end);
    expect([before?.entries.length, before?.nextChangeAt]).toEqual([3, end]);
    expect([after?.entries.length, after?.nextChangeAt, after?.changedAt]).toEqual([2, undefined, end]);
  });

  test('does not know of articles under embargo, and follows from them at their end', async () => {
    const [plain, secretive] = [await served(), await served()];
    const end = NOON + 10 * MINUTE;
    const secret = (index: number) => put({ id: `s${index}`, minutes: 10 + index / 60 });
    for (const change of stories(5)) {
      await plain.apply([change], () => NOON);
      await secretive.apply([change, secret(Number(change.article.id.slice(1)))], () => NOON);
    }
    const last = put({ id: 'z', minutes: -1 });
    for (const store of [plain, secretive]) await store.apply([last], () => NOON);
    expect(await walk(secretive, 'latest', NOON)).toMatchObject({ pages: [{ page: 1 }] });
    expect(contentOf(await walk(secretive, 'latest', NOON))).toEqual(contentOf(await walk(plain, 'latest', NOON)));

    // Nothing is written when the embargoes end: readers work the pages out, and the next change keeps them.
    const derived = await walk(secretive, 'latest', end + 5 * SECOND);
    expect(derived?.pages.map(({ page, changedAt }) => [page, changedAt])).toEqual([
      [3, end + 4 * SECOND],
      [2, end + 1 * SECOND],
      [1, NOON + 1],
    ]);
    await secretive.apply([put({ id: 's5', minutes: 10 + 5 / 60, title: 'New' })], () => end + 5 * SECOND);
    const kept = await walk(secretive, 'latest', end + 5 * SECOND);
    expect(kept?.pages).toEqual(derived?.pages);
  });

  test('shows nothing of its future if the clock is set back', async () => {
    const store = await served();
    await store.apply(stories(9), () => NOON);
    expect((await store.archivePage('latest', 2, NOON - 1996 * MINUTE))?.entries).toHaveLength(2);
  });
});

describe('the archive', () => {
  test('has no page where readers could never see the feed, or where there is no such page', async () => {
    const store = await served();
    await store.apply([...stories(10), put({ id: 's', minutes: 10, section: 'Secret' })], () => NOON);
    for (const [key, page] of [
      ['section/secret', 1],
      ['section/none', 1],
      ['latest', 0],
      ['latest', 5],
      ['latest', -1],
      ['latest', 1e9],
    ] as const)
      expect(await store.archivePage(key, page, NOON), `${key} ${page}`).toBeUndefined();
  });

  test('has an open page with what is in no other one', async () => {
    const store = await served();
    expect((await store.snapshot('latest', NOON, { limit: 3, tombstonesFor: 0 }))?.archive).toEqual({ open: 1 });
    await store.apply(stories(8), () => NOON);
    const page = await store.archivePage('latest', 3, NOON);
    expect(page).toMatchObject({ page: 3, isOpen: true, older: 2 });
    expect(await idsOf(store, page?.entries ?? [])).toEqual(['a8', 'a7']);
  });

  test('follows the sizes of documents', async () => {
    const store = await served(SIZE, [['section/x', 2]]);
    await store.apply(
      stories(5).map(({ article: { id } }, index) => put({ id, minutes: index - 50, section: 'X' })),
      () => NOON,
    );
    expect(contentOf(await walk(store, 'section/x', NOON, 2))).toEqual([
      [2, ['a4', 'a3']],
      [1, ['a2', 'a1']],
    ]);
    expect(contentOf(await walk(store, 'latest', NOON))).toEqual([[1, ['a3', 'a2', 'a1']]]);

    await store.setDocumentSizes({ entries: 1, feeds: [] }, () => NOON);
    expect(contentOf(await walk(store, 'latest', NOON, 1))).toEqual([
      [2, ['a4']],
      [1, ['a3', 'a2', 'a1']],
    ]);
  });

  test('stays complete, however many articles come in one change', async () => {
    const store = await served(1);
    await store.apply(stories(10), () => NOON);
    await store.apply(stories(260).slice(10), () => NOON);
    const found = await walk(store, 'latest', NOON, 1);
    expect([...(found?.current ?? []), ...(found?.pages.flatMap(({ ids }) => ids) ?? [])]).toEqual(
      Array.from({ length: 260 }, (_, index) => `a${260 - index}`),
    );
    expect(await store.divideHistory('', () => NOON)).toEqual({ changed: [] });
  });

  test('of a history before the first reader is divided later, in pieces', async () => {
    const store = openSqliteStore(':memory:');
    onTestFinished(() => store.close());
    await store.apply(stories(701), () => NOON);
    await store.setDocumentSizes({ entries: 1, feeds: [] }, () => NOON);
    expect(await store.divideHistory('', () => NOON)).toEqual({ changed: [] }); // no reader yet
    await store.markServed();
    expect(await walk(store, 'latest', NOON)).toBeUndefined();
    await store.apply([put({ id: 'z', minutes: -2 })], () => NOON); // a change leaves the division to others
    expect(await walk(store, 'latest', NOON)).toBeUndefined();

    const changed: string[] = [];
    let calls = 0;
    for (let after: string | undefined = ''; after !== undefined; calls += 1) {
      const divided = await store.divideHistory(after, () => NOON + MINUTE);
      changed.push(...divided.changed);
      after = divided.next;
      const found = await walk(store, 'latest', NOON + MINUTE);
      expect(found === undefined).toBe(!changed.includes('latest'));
    }
    expect(changed).toEqual(['language/en', 'latest']);
    expect(calls).toBeGreaterThan(5);
    const found = await walk(store, 'latest', NOON + MINUTE);
    expect(found?.pages).toHaveLength(701);
    expect(found?.pages.flatMap(({ ids }) => ids)).toEqual(
      Array.from({ length: 701 }, (_, index) => `a${701 - index}`),
    );
    expect((await store.snapshot('latest', NOON + MINUTE, { limit: 3, tombstonesFor: 0 }))?.changedAt).toBe(
      NOON + MINUTE,
    );
    expect(await store.takeExternallyChangedFeeds()).toEqual([]);
    expect(await store.divideHistory('', () => NOON)).toEqual({ changed: [] });
  });

  test.each([
    ['partner/p', 1],
    ['desk-', 3],
  ])('of 120 feeds %s with nothing to divide is looked at in %d calls', async (name, expected) => {
    const store = await served();
    const select = { any: [], all: [], none: [] };
    const rules = Array.from({ length: 120 }, (_, index) => ({ id: `${name}${index}`, select }));
    await store.backfillFeeds(rules, () => NOON);
    let calls = 0;
    for (let after: string | undefined = ''; after !== undefined; calls += 1)
      after = (await store.divideHistory(after, () => NOON)).next;
    expect(calls).toBe(expected);
  });
});

type Step =
  | { readonly kind: 'put'; readonly stories: readonly Story[] }
  | { readonly kind: 'withdraw'; readonly id: string }
  | { readonly kind: 'erase'; readonly id: string }
  | { readonly kind: 'sizes'; readonly entries: number }
  | { readonly kind: 'rule'; readonly section: string }
  | { readonly kind: 'divide' }
  | { readonly kind: 'wait'; readonly minutes: number };

const story = fc.record(
  {
    id: fc.integer({ min: 0, max: 60 }).map((number) => `a${number}`),
    minutes: fc.integer({ min: -60, max: 20 }),
    title: fc.constantFrom('One', 'Two'),
    section: fc.constantFrom('X', 'Y'),
    expires: fc.integer({ min: 21, max: 60 }),
  },
  { requiredKeys: ['id', 'minutes', 'title'] },
);
const id = story.map((one) => one.id);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('put'), stories: fc.array(story, { minLength: 1, maxLength: 12 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('withdraw', 'erase'), id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sizes'), entries: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rule'), section: fc.constantFrom('x', 'y') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('divide') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait'), minutes: fc.integer({ min: 0, max: 25 }) }) },
);

const FEEDS = ['latest', 'section/x', 'own'];

/** What readers get of a page. */
const bytesOf = ({ page, name, older, newer, entries }: ArchivePage) =>
  JSON.stringify([page, name, older, newer, entries.map(({ number, revision }) => [number, revision])]);

test('whatever happens, pages and document have each visible article, no page shifts, and dates are honest', {
  tags: ['soak'],
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
      const store = openSqliteStore(':memory:');
      let entries = 3;
      let now = NOON;
      const setSizes = () => store.setDocumentSizes({ entries, feeds: [] }, () => now);
      await setSizes();
      await store.markServed();
      /** The pages as they were, with their entries that were visible then. */
      let before = new Map<
        string,
        { readonly bytes: string; readonly changedAt: number; readonly numbers: ReadonlySet<number> }
      >();

      async function take(each: Step): Promise<ReadonlySet<string>> {
        const made = (ids: readonly string[]) => new Set(ids);
        if (each.kind === 'put') {
          const changes: Change[] = each.stories.map(put);
          const outcomes = await store.apply(changes, () => now);
          return made(outcomes.filter(({ touched }) => touched.length > 0).map((outcome) => outcome.id));
        }
        if (each.kind === 'withdraw' || each.kind === 'erase') {
          await store.apply([{ kind: each.kind, id: each.id }], () => now);
          return made([each.id]);
        }
        if (each.kind === 'sizes') {
          entries = each.entries;
          await setSizes();
        } else if (each.kind === 'rule') {
          await store.backfillFeeds(
            [{ id: 'own', select: { any: [`section/${each.section}`], all: [], none: [] } }],
            () => now,
          );
        } else if (each.kind === 'divide') {
          for (let after: string | undefined = ''; after !== undefined; )
            after = (await store.divideHistory(after, () => now)).next;
        } else now += each.minutes * MINUTE;
        return made([]);
      }

      for (const each of steps) {
        const ids = await take(each);
        now += 2 * SECOND;
        const changed = new Set<number>();
        for (const one of ids) {
          const stored = await store.find(one);
          if (stored !== undefined) changed.add(stored.number);
        }
        const after: typeof before = new Map();
        for (const key of FEEDS) {
          const whole = await store.snapshot(key, now, { limit: 1000, tombstonesFor: 0 });
          const found = await walk(store, key, now, entries);
          if (whole === undefined) continue;
          expect(found, `the archive of ${key} is not complete`).toBeDefined();
          const archived = found?.pages.flatMap((page) => page.ids) ?? [];
          expect(new Set(archived).size).toBe(archived.length);
          const visible = await idsOf(store, whole.entries);
          expect([...new Set([...(found?.current ?? []), ...archived])]).toEqual(visible);
          if (found?.pages.length === 0) expect(found.current).toEqual(visible);
          const seen = new Set(whole.entries.map(({ number }) => number));
          const made = (found?.pages ?? []).filter(({ page }) => !before.has(`${key} ${page}`));
          const divided = new Set(made.flatMap((page) => page.entries.map(({ number }) => number)));
          for (const page of found?.pages ?? []) {
            const name = `${key} ${page.page}`;
            const known = before.get(name);
            const numbers = new Set(page.entries.map(({ number }) => number));
            const bytes = bytesOf(page);
            after.set(name, { bytes, changedAt: page.changedAt, numbers });
            if (known === undefined) continue;
            if (known.bytes !== bytes)
              expect(page.changedAt, `${name}: ${known.bytes} ${bytes}`).toBeGreaterThan(known.changedAt);
            const gone = [...known.numbers].filter((number) => !numbers.has(number));
            const come = [...numbers].filter((number) => !known.numbers.has(number));
            // What came or left is what was changed, expired, or went into a page that was made of this one.
            if (each.kind !== 'rule')
              for (const number of come) expect(changed.has(number), `${name} got ${number}`).toBe(true);
            if (each.kind === 'wait') expect(come).toEqual([]);
            if (each.kind === 'rule') continue;
            const stays = gone.filter((number) => seen.has(number) && !changed.has(number));
            expect(
              stays.filter((number) => !divided.has(number)),
              `${name} lost them`,
            ).toEqual([]);
          }
          for (const name of before.keys())
            if (name.startsWith(`${key} `)) expect(after.has(name), `${name} is gone`).toBe(true);
        }
        before = after;
      }
      expect(store.damage()).toBeUndefined();
      await store.close();
    }),
    { numRuns: sized({ short: 20, soak: 400, full: 20_000 }), seed: 20261130, endOnFailure: true },
  );
});
