// @module-tag soak
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Article } from '../../src/article/article.ts';
import { articleText } from '../../src/article/stored.ts';
import type { Partner } from '../../src/config/partners.ts';
import { partnerFeedKey } from '../../src/feed/dialects.ts';
import { ownKeys } from '../../src/feed/feeds.ts';
import type { Instant } from '../../src/lib/instant.ts';
import { CURSOR_LENGTH, createCursorSeal, type Position } from '../../src/partner/change-cursor.ts';
import type { ChangeStore } from '../../src/partner/change-reads.ts';
import { createChangeFeed, type PartnerChange } from '../../src/partner/changes.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Change } from '../../src/store/store.ts';
import { article } from '../helpers.ts';
import { sized } from '../soak/sizes.ts';
import { type MemoryStore, memoryStore } from './memory-store.ts';
import { partnerOf } from './partners.ts';

const BEGIN = Date.UTC(2026, 10, 20, 10);
const SECTIONS = ['world', 'sport'] as const;
const seal = createCursorSeal(new Uint8Array(32));

const PARTNERS: readonly Partner[] = [
  partnerOf(),
  partnerOf({ id: 'held', delay: 2500 }),
  partnerOf({ id: 'sport', feeds: [], select: { any: ['section/sport'], all: [], none: [] }, delay: 1000, urgency: 4 }),
  partnerOf({ id: 'both', feeds: ['section/world', 'tag/local'], delay: 500 }),
];

/** Seconds are relative to the moment of the step. */
type Step =
  | { readonly kind: 'pass'; readonly ms: number }
  | {
      readonly kind: 'put';
      readonly story: number;
      readonly published: number;
      readonly expires: number | undefined;
      readonly rightsEnd: number | undefined;
      readonly section: string;
      readonly isLocal: boolean;
      readonly partners: readonly string[] | undefined;
      readonly urgency: number | undefined;
    }
  | { readonly kind: 'withdraw' | 'erase'; readonly story: number }
  | { readonly kind: 'poll'; readonly limit: number };

const story = fc.integer({ min: 0, max: 5 });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 4000 }) }) },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('put' as const),
        story,
        published: fc.integer({ min: -4, max: 5 }),
        expires: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined, freq: 3 }),
        rightsEnd: fc.option(fc.integer({ min: -2, max: 6 }), { nil: undefined, freq: 3 }),
        section: fc.constantFrom(...SECTIONS),
        isLocal: fc.boolean(),
        partners: fc.option(fc.constantFrom(['held'], ['both', 'sport']), { nil: undefined, freq: 2 }),
        urgency: fc.constantFrom(2, 2, 6, undefined),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('withdraw' as const, 'erase' as const), story }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('poll' as const), limit: fc.integer({ min: 1, max: 4 }) }) },
  ),
  { minLength: 5, maxLength: 40 },
);

const world = { kind: 'put', story: 0, published: 0, section: 'world', isLocal: false, urgency: 2 } as const;
const forAll = { ...world, expires: undefined, rightsEnd: undefined, partners: undefined };

/** The second of the withdrawal is before the moment at which the story appears for the partner with half a second's delay. */
const WITHDRAWN_WITHIN_A_SECOND: Step[] = [
  { kind: 'pass', ms: 500 },
  forAll,
  { kind: 'poll', limit: 1 },
  { kind: 'withdraw', story: 0 },
  { ...forAll, partners: ['held'] },
];

/** The story comes back for others in the millisecond in which a partner with half a second's delay would have got it. */
const BACK_FOR_OTHERS: Step[] = [
  forAll,
  { kind: 'withdraw', story: 0 },
  { kind: 'pass', ms: 500 },
  { ...forAll, expires: 1, partners: ['held'] },
  { ...forAll, section: 'sport' },
  { kind: 'pass', ms: 1 },
  { kind: 'withdraw', story: 0 },
  { kind: 'pass', ms: 1 },
];

/** The same for the partner with two and a half seconds' delay. */
const BACK_AND_EXPIRED: Step[] = [
  forAll,
  { kind: 'withdraw', story: 0 },
  { kind: 'pass', ms: 2500 },
  { ...forAll, expires: 1, partners: ['both', 'sport'] },
  { kind: 'pass', ms: 500 },
];

/** What the contract says of a story at a moment: written down again, without looking at how the program decides it. */
function maySee({ article: story }: { article: Article }, partner: Partner, at: Instant): boolean {
  const hasAppeared = story.publishedAt + partner.delay <= at;
  const hasEnded = [story.expiresAt, story.rights?.endsAt].some((end) => end !== undefined && end <= at);
  return hasAppeared && !hasEnded && story.withdrawn === undefined && isFor(story, partner);
}

function isFor(article: Article, { id, feeds, select, urgency: least = 9 }: Partner): boolean {
  const { urgency = 5, rights } = article;
  const keys = ownKeys(article).map(({ key }) => key);
  const isSelected = keys.some((key) => (select?.any ?? feeds).includes(key));
  return isSelected && urgency <= least && (rights?.partners?.includes(id) ?? true);
}

/** A reader that follows the feed of a partner, and keeps what it may keep. */
function readerOf(
  store: ChangeStore,
  partner: Partner,
  { now, seen }: { now: () => Instant; seen: ReadonlySet<string> },
) {
  const feed = createChangeFeed({ store, now, refusalOf: () => undefined });
  const kept = new Map<string, number>();
  const told = new Set<string>();
  let position: Position | undefined;

  function learn({ change, at, stored, reason }: PartnerChange): void {
    const { article: story, revision } = stored;
    const name = `${story.publicId} ${revision} ${change} ${reason ?? ''}`;
    expect(told, 'a transition is told once').not.toContain(name);
    expect(at, 'nothing of the future').toBeLessThanOrEqual(now());
    expect(story.publishedAt + partner.delay, 'no story before its time').toBeLessThanOrEqual(now());
    expect(seen, 'no word of a story that was never there').toContain(story.publicId);
    if (change === 'withdrawn') {
      expect(maySee(stored, partner, now()), 'a licensed story stays').toBe(false);
      kept.delete(story.publicId);
    } else {
      expect(maySee(stored, partner, now())).toBe(true);
      kept.set(story.publicId, revision);
    }
    told.add(name);
  }

  return {
    kept,
    async follow(limit: number): Promise<void> {
      for (let hasMore = true; hasMore; ) {
        position ??= await feed.begin(partner);
        const page = await feed.page(partner, position, limit);
        expect(page.changes.length).toBeLessThanOrEqual(limit);
        for (const change of page.changes) learn(change);
        const cursor = seal.seal(partner.id, { position: page.position, issuedAt: now() });
        expect(cursor).toHaveLength(CURSOR_LENGTH);
        position = seal.open(partner.id, cursor)?.position;
        hasMore = page.hasMore;
      }
    },
    /** The changes of one page, read from a position that the reader keeps. */
    async readOne(limit: number): Promise<void> {
      position ??= await feed.begin(partner);
      const page = await feed.page(partner, position, limit);
      for (const change of page.changes) learn(change);
      position = page.position;
    },
  };
}

/** Nobody knows which ends the story had in earlier revisions. */
function mayHaveSeen({ article: { expiresAt: _, rights, ...story } }: { article: Article }, partner: Partner): boolean {
  const { endsAt: __, ...others } = rights ?? {};
  return maySee({ article: { ...story, rights: others } }, partner, Number.POSITIVE_INFINITY);
}

/** Keeps what each partner has ever been able to see. */
function witnessOf(store: MemoryStore) {
  const seen = new Map(PARTNERS.map((partner) => [partner.id, new Set<string>()]));
  return {
    seen,
    /** No article changes between these moments. */
    look(from: Instant, to: Instant): void {
      for (const partner of PARTNERS)
        for (const row of store.all()) {
          const moment = Math.max(from, row.article.publishedAt + partner.delay);
          if (moment <= to && mayHaveSeen(row, partner)) seen.get(partner.id)?.add(row.article.publicId);
        }
    },
  };
}

function storyOf(
  { story, published, expires, rightsEnd, section, isLocal, partners, urgency }: Extract<Step, { kind: 'put' }>,
  known: Article | undefined,
  at: Instant,
) {
  const second = Math.floor(at / 1000) * 1000;
  const wasSeen = known !== undefined && known.publishedAt <= at;
  const publishedAt = wasSeen ? known.publishedAt : second + published * 1000;
  const date = (seconds: number) =>
    new Date(Math.max(second + Math.max(seconds, wasSeen ? -2 : 1) * 1000, publishedAt + 1000)).toISOString();
  return {
    ...article({
      id: `story-${story}`,
      url: `https://news.example/${story}`,
      sections: [section],
      tags: isLocal ? ['local'] : [],
      publishedAt: new Date(publishedAt).toISOString(),
      ...(expires === undefined ? {} : { expiresAt: date(expires) }),
    }),
    ...(urgency === undefined ? {} : { urgency }),
    rights: {
      ...(rightsEnd === undefined ? {} : { endsAt: Date.parse(date(rightsEnd)) }),
      ...(partners === undefined ? {} : { partners }),
    },
  };
}

/** A store that the feed reads, and the changes to it: each is made in the model as well. */
interface Subject extends AsyncDisposable {
  readonly store: ChangeStore;
  readonly put: (story: Article, at: Instant) => Promise<void>;
  readonly remove: (kind: 'withdraw' | 'erase', id: string, at: Instant) => Promise<void>;
}

async function modelAlone(model: MemoryStore): Promise<Subject> {
  return {
    store: model,
    put: async (story, at) => void model.put(story, at),
    remove: async (kind, id, at) => void model[kind](id, at),
    [Symbol.asyncDispose]: async () => {},
  };
}

async function sqliteBeside(model: MemoryStore): Promise<Subject> {
  const store = openSqliteStore(':memory:');
  const select = { any: ['section/sport'], all: [], none: [] };
  await store.backfillFeeds([{ id: partnerFeedKey('sport'), select }], () => BEGIN);
  const apply = async (change: Change, at: Instant) => {
    await store.apply([change], () => at);
    expect(await store.lastRevision()).toBe(await model.lastRevision());
  };
  return {
    store,
    async put(story, at) {
      model.put(story, at);
      const feeds = ownKeys(story);
      const record = JSON.stringify({ id: story.id });
      await apply({ kind: 'put', article: articleText(story), record, feeds, changedAt: 0 }, at);
    },
    async remove(kind, id, at) {
      model[kind](id, at);
      await apply({ kind, id }, at);
    },
    [Symbol.asyncDispose]: store.close,
  };
}

describe.each([
  { name: 'the model', subjectOf: modelAlone, runs: sized({ short: 20, soak: 1500, full: 200_000 }) },
  { name: 'SQLite', subjectOf: sqliteBeside, runs: sized({ short: 4, soak: 150, full: 20_000 }) },
])('over $name', ({ subjectOf, runs }) => {
  test('a reader ends with what the partner may see from any cursor, and learns nothing early or twice', async () => {
    await fc.assert(
      fc.asyncProperty(steps, (all) => follow(all, subjectOf)),
      { numRuns: runs, examples: [[WITHDRAWN_WITHIN_A_SECOND], [BACK_FOR_OTHERS], [BACK_AND_EXPIRED]] },
    );
  });
});

async function follow(all: readonly Step[], subjectOf: (model: MemoryStore) => Promise<Subject>): Promise<void> {
  let at = BEGIN;
  let changedAt = at;
  const model = memoryStore({ sport: 'sport' });
  await using subject = await subjectOf(model);
  const witness = witnessOf(model);
  const readers = PARTNERS.map((partner) => {
    const seen = witness.seen.get(partner.id) ?? new Set<string>();
    return { partner, reader: readerOf(subject.store, partner, { now: () => at, seen }) };
  });
  const known = new Map<number, Article>();
  for (const step of all) {
    witness.look(changedAt, at);
    if (step.kind === 'pass') at += step.ms;
    else if (step.kind === 'poll') for (const { reader } of readers) await reader.readOne(step.limit);
    else if (step.kind === 'put') {
      if (known.get(step.story)?.url === '') continue; // erased for good
      const next = storyOf(step, known.get(step.story), at);
      known.set(step.story, next);
      await subject.put(next, at);
      changedAt = at;
    } else {
      if (step.kind === 'erase' && known.has(step.story)) known.set(step.story, { ...article(), url: '' });
      await subject.remove(step.kind, `story-${step.story}`, at);
      changedAt = at;
    }
  }
  witness.look(changedAt, at);
  for (const { partner, reader } of readers) {
    await reader.follow(2);
    const visible = model.all().filter((row) => maySee(row, partner, at));
    expect(new Map([...reader.kept].sort())).toEqual(
      new Map(visible.map((row): [string, number] => [row.article.publicId, row.revision]).sort()),
    );
  }
}
