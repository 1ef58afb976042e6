import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { articleText } from '../../src/article/stored.ts';
import { ownKeys } from '../../src/feed/feeds.ts';
import type { OutboxMessage, Settlement } from '../../src/store/outbox-store.ts';
import type { Put, Store } from '../../src/store/store.ts';
import { article } from '../helpers.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** The first moment of the tests. */
const START = Date.UTC(2026, 10, 20);
const OPTIONS = { most: 20, tombstonesFor: HOUR };
const CLAIM = { ...OPTIONS, owner: 'me', lease: 30 * SECOND };
const CDN = { id: 'varnish:http://cdn/', kind: 'purge' };
const REPEAT = 10 * SECOND;
const TOLD: Settlement = { result: 'told', repeatAfter: REPEAT };
const ONCE = { result: 'told', repeatAfter: 0 } as const satisfies Settlement;

interface Story {
  readonly id?: string;
  readonly title?: string;
  readonly tags?: readonly string[];
  readonly publishedAt?: number;
  readonly expiresAt?: number;
  readonly withdrawnAt?: number;
}

function put({
  id = 'a',
  title = 'Title',
  tags = ['x'],
  publishedAt = START,
  expiresAt,
  withdrawnAt,
}: Story = {}): Put {
  const date = (moment: number | undefined) => (moment === undefined ? undefined : new Date(moment).toISOString());
  const made = article({
    ...{ id, title, tags, publishedAt: date(publishedAt), expiresAt: date(expiresAt) },
    ...(withdrawnAt === undefined ? {} : { withdrawn: { at: date(withdrawnAt) } }),
  });
  return { kind: 'put', article: articleText(made), record: JSON.stringify({ id }), feeds: ownKeys(made) };
}

/** The feeds of a story with these tags. */
function feedsOf(...tags: readonly string[]): string[] {
  return ['language/en', 'latest', ...tags.map((tag) => `tag/${tag}`)];
}

/** The rules for the outbox of every store. `open` returns an empty store. */
export function outboxContract(name: string, open: () => Promise<Store>, runs: number): void {
  /** A store whose target knows everything at `START`. */
  async function known(...changes: readonly Put[]): Promise<Store> {
    const store = await open();
    await store.markServed();
    if (changes.length > 0) await store.apply(changes, () => START);
    await store.setOutboxTargets([CDN], '1', () => START);
    await tell(store, START, ONCE);
    return store;
  }

  const claim = (store: Store, at: number, owner = 'me') => store.claimOutbox(CDN.id, { ...CLAIM, owner }, () => at);

  async function tell(store: Store, at: number, settlement: Settlement = ONCE): Promise<OutboxMessage | undefined> {
    const message = await claim(store, at);
    if (message !== undefined) await store.settleOutbox(message, settlement, OPTIONS, () => at);
    return message;
  }

  async function due(store: Store): Promise<number | undefined> {
    return (await store.outbox())[0]?.due;
  }

  describe(`${name}: outbox`, () => {
    test('without a target nothing is kept', async () => {
      const store = await open();
      await store.apply([put()], () => START);
      expect(await store.outbox()).toEqual([]);
      expect(await claim(store, START)).toBeUndefined();
    });

    test('a new target is told everything, and again by another program', async () => {
      const store = await open();
      const all = { ...CDN, owner: 'me', feeds: undefined, hasRemovals: true, isRepeat: false, failures: 0 };
      await store.setOutboxTargets([CDN], '1', () => START);
      expect(await store.outbox()).toEqual([{ ...CDN, due: START, notBefore: 0, isEverything: true, failures: 0 }]);
      expect(await tell(store, START)).toMatchObject({ ...all, revision: 0, at: START });
      expect(await store.outbox()).toEqual([{ ...CDN, notBefore: 0, isEverything: false, failures: 0 }]);
      await store.setOutboxTargets([CDN], '1', () => START);
      expect(await tell(store, START)).toBeUndefined();
      await store.setOutboxTargets([CDN], '2', () => START);
      expect(await tell(store, START)).toMatchObject(all);
    });

    test('only the given targets are kept', async () => {
      const store = await known();
      const other = { id: 'fastly:S', kind: 'purge' };
      await store.setOutboxTargets([other], '1', () => START);
      expect((await store.outbox()).map(({ id }) => id)).toEqual([other.id]);
    });

    test('a change is told at once, with the feeds that it touches', async () => {
      const store = await known();
      await store.apply([put({ tags: ['x', 'y'] })], () => START + 5);
      expect(await due(store)).toBe(START + 5);
      expect(await tell(store, START + 5)).toMatchObject({ feeds: feedsOf('x', 'y'), revision: 1, hasRemovals: false });
      expect(await due(store)).toBeUndefined();
    });

    test('many changes are one message', async () => {
      const store = await known();
      await store.apply([put({ id: 'a' })], () => START + 5);
      await store.apply([put({ id: 'b', tags: ['y'] }), put({ id: 'c', tags: ['z'] })], () => START + 6);
      expect(await due(store)).toBe(START + 5);
      expect(await tell(store, START + 7)).toMatchObject({ feeds: feedsOf('x', 'y', 'z'), revision: 3 });
      expect(await tell(store, START + 8)).toBeUndefined();
    });

    test('a message about too many feeds is about everything', async () => {
      const store = await known();
      const tags = Array.from({ length: OPTIONS.most - 1 }, (_, index) => `t${index}`);
      await store.apply([put({ tags: tags.slice(1) })], () => START);
      expect((await tell(store, START + 1))?.feeds).toHaveLength(OPTIONS.most);
      await store.apply([put({ tags })], () => START + 2);
      expect(await tell(store, START + 3)).toMatchObject({ feeds: undefined });
      expect(await due(store)).toBeUndefined();
    });

    test('a story under embargo is told at its end, and not before', async () => {
      const store = await known();
      const end = START + HOUR;
      await store.apply([put({ publishedAt: end })], () => START);
      expect(await due(store)).toBe(end);
      expect(await tell(store, end - 1)).toBeUndefined();
      expect(await tell(store, end)).toMatchObject({ feeds: feedsOf('x'), hasRemovals: false });
    });

    test('the message follows an embargo that is changed', async () => {
      const store = await known();
      const later = START + 2 * HOUR;
      await store.apply([put({ publishedAt: START + HOUR })], () => START);
      await store.apply([put({ publishedAt: later })], () => START + 1);
      expect(await tell(store, START + HOUR)).toBeUndefined();
      expect(await due(store)).toBe(later);
      await store.apply([put({ publishedAt: START + 90 * MINUTE })], () => START + HOUR);
      expect(await due(store)).toBe(START + 90 * MINUTE);
      expect(await tell(store, START + 90 * MINUTE)).toMatchObject({ feeds: feedsOf('x') });
      expect(await due(store)).toBeUndefined();
    });

    test('what became true while nobody told is told later', async () => {
      const store = await known();
      const stories = [
        put({ id: 'a', tags: ['x'], publishedAt: START + HOUR }),
        put({ id: 'b', tags: ['y'], publishedAt: START + 2 * HOUR }),
      ];
      await store.apply(stories, () => START);
      expect(await tell(store, START + 24 * HOUR)).toMatchObject({ feeds: feedsOf('x', 'y') });
    });

    test('a story under embargo that is withdrawn is never told', async () => {
      const store = await known();
      await store.apply([put({ publishedAt: START + HOUR })], () => START);
      await store.apply([{ kind: 'withdraw', id: 'a' }], () => START + 1);
      expect(await tell(store, START + 3 * HOUR)).toBeUndefined();
      expect(await due(store)).toBeUndefined();
    });

    test('an expiry is told at its moment, as a removal', async () => {
      const store = await known(put({ expiresAt: START + HOUR }));
      expect(await due(store)).toBe(START + HOUR);
      expect(await tell(store, START + HOUR)).toMatchObject({ feeds: feedsOf('x'), hasRemovals: true });
      expect(await due(store)).toBeUndefined();
    });

    test.each([['withdraw'], ['erase']] as const)('a story that is gone is told as a removal: %s', async (kind) => {
      const store = await known(put());
      await store.apply([{ kind, id: 'a' }], () => START + MINUTE);
      expect(await tell(store, START + MINUTE)).toMatchObject({ feeds: feedsOf('x'), hasRemovals: true });
    });

    test('the end of the time for which a feed lists a withdrawal is told', async () => {
      const store = await known(put());
      await store.apply([{ kind: 'withdraw', id: 'a' }], () => START + MINUTE);
      await tell(store, START + MINUTE);
      expect(await due(store)).toBe(START + MINUTE + OPTIONS.tombstonesFor);
      expect(await tell(store, START + MINUTE + OPTIONS.tombstonesFor)).toMatchObject({ feeds: feedsOf('x') });
    });

    test('another publication, and what changes all feeds, is told', async () => {
      const store = await known(put());
      await store.touchAllFeeds(() => START + MINUTE);
      expect(await tell(store, START + MINUTE)).toMatchObject({ feeds: feedsOf('x') });
      const sizes = { entries: 10, feeds: [] };
      await store.configure({ rules: [], most: 0, sizes, isVisible: false, settings: {} }, () => START + HOUR);
      expect(await tell(store, START + HOUR)).toMatchObject({ feeds: undefined });
    });

    test('a feed that the operator defines is told when it is filled', async () => {
      const store = await known(put());
      const select = { any: ['tag/x'], all: [], none: [] };
      await store.backfillFeeds(
        [
          { id: 'own', select },
          { id: 'partner/wire', select },
        ],
        () => START + MINUTE,
      );
      expect(await tell(store, START + MINUTE)).toMatchObject({ feeds: ['own'] });
    });

    test('a message is told again after a while, with all that has changed since', async () => {
      const store = await known();
      const moment = START + MINUTE;
      await store.apply([put({ id: 'a', tags: ['x'] })], () => moment);
      expect(await tell(store, moment, TOLD)).toMatchObject({ feeds: feedsOf('x'), isRepeat: false });
      expect(await due(store)).toBe(moment + REPEAT);
      expect(await claim(store, moment + REPEAT - 1)).toBeUndefined();
      await store.apply([put({ id: 'b', tags: ['y'] })], () => moment + 5 * SECOND);
      expect(await tell(store, moment + 5 * SECOND, TOLD)).toMatchObject({ feeds: feedsOf('x', 'y'), isRepeat: false });
      expect(await due(store)).toBe(moment + REPEAT);
      expect(await tell(store, moment + REPEAT, TOLD)).toMatchObject({ feeds: feedsOf('x', 'y'), isRepeat: false });
      expect(await tell(store, moment + 2 * REPEAT, TOLD)).toMatchObject({ feeds: feedsOf('y'), isRepeat: true });
      expect(await due(store)).toBeUndefined();
    });

    test('one process tells a message, and another one when the lease is over', async () => {
      const store = await known();
      await store.apply([put()], () => START);
      const first = await claim(store, START);
      expect(await claim(store, START + CLAIM.lease - 1, 'other')).toBeUndefined();
      const second = await claim(store, START + CLAIM.lease, 'other');
      expect(second).toMatchObject({ owner: 'other', feeds: first?.feeds });
      if (first !== undefined) await store.settleOutbox(first, ONCE, OPTIONS, () => START + CLAIM.lease);
      expect((await store.outbox())[0]?.leaseUntil).toBe(START + 2 * CLAIM.lease);
      if (second !== undefined) await store.settleOutbox(second, ONCE, OPTIONS, () => START + CLAIM.lease);
      expect(await due(store)).toBeUndefined();
    });

    test('a start ends the leases of the process before it', async () => {
      const store = await known();
      await store.apply([put()], () => START);
      await claim(store, START, 'killed');
      await store.setOutboxTargets([CDN], '1', () => START + 1);
      expect(await claim(store, START + 1)).toMatchObject({ feeds: feedsOf('x') });
    });

    test('a lease is renewed while it is held, and not after another process has claimed the message', async () => {
      const store = await known();
      await store.apply([put()], () => START);
      const first = await claim(store, START);
      if (first === undefined) throw new Error('nothing was due');
      const renewedAt = START + CLAIM.lease - 1;
      expect(await store.renewOutbox(first, CLAIM.lease, () => renewedAt)).toBe(true);
      expect(await claim(store, renewedAt + CLAIM.lease - 1, 'other')).toBeUndefined();
      expect(await claim(store, renewedAt + CLAIM.lease, 'other')).toMatchObject({ owner: 'other' });
      expect(await store.renewOutbox(first, CLAIM.lease, () => renewedAt + CLAIM.lease)).toBe(false);
      expect((await store.outbox())[0]?.leaseUntil).toBe(renewedAt + 2 * CLAIM.lease);
      expect(await store.renewOutbox({ id: 'none', owner: 'me' }, CLAIM.lease, () => START)).toBe(false);
    });

    test('a target is told again at the moment that it has asked for, although no feed has changed', async () => {
      const store = await known(put());
      const again: Settlement = { ...ONCE, againAt: START + 2 * HOUR };
      await store.apply([put({ title: 'Another', tags: ['x'] })], () => START + MINUTE);
      expect(await tell(store, START + MINUTE, again)).toMatchObject({ feeds: feedsOf('x') });
      expect(await due(store)).toBe(START + 2 * HOUR);
      expect(await tell(store, START + 2 * HOUR - 1)).toBeUndefined();
      expect(await due(store)).toBe(START + 2 * HOUR);
      expect(await tell(store, START + 2 * HOUR)).toMatchObject({ feeds: [], revision: 2 });
      expect(await due(store)).toBeUndefined();
    });

    test('a change before that moment is told first, and the moment is the new one', async () => {
      const store = await known(put());
      await store.apply([put({ title: 'Another' })], () => START);
      await tell(store, START, { ...ONCE, againAt: START + HOUR });
      await store.apply([put({ title: 'A third' })], () => START + MINUTE);
      expect(await due(store)).toBe(START + MINUTE);
      expect(await tell(store, START + MINUTE, { ...ONCE, againAt: START + 3 * HOUR })).toMatchObject({ revision: 3 });
      expect(await due(store)).toBe(START + 3 * HOUR);
      await store.dropOutbox(CDN.id, OPTIONS, () => START + 3 * HOUR);
      expect(await due(store)).toBeUndefined();
    });

    test('a start, and a retry by the operator, tell at once what a target has asked for later', async () => {
      const store = await known(put());
      const again = { ...ONCE, againAt: START + HOUR };
      await store.retryOutbox(CDN.id, () => START);
      expect(await tell(store, START)).toBeUndefined();
      await store.apply([put({ title: 'Another' })], () => START);
      await tell(store, START, again);
      await store.retryOutbox(CDN.id, () => START + MINUTE);
      expect(await tell(store, START + MINUTE, again)).toMatchObject({ feeds: [] });
      await store.setOutboxTargets([CDN], '1', () => START + 2 * MINUTE);
      expect(await tell(store, START + 2 * MINUTE, again)).toMatchObject({ feeds: [] });
      expect(await due(store)).toBe(START + HOUR);
    });

    test('a machine removes the targets that it alone has named', async () => {
      const store = await open();
      const [shared, own] = [CDN, { id: 'site:/srv/site', kind: 'publish' }];
      const ids = async () => (await store.outbox()).map(({ id }) => id);
      await store.setOutboxTargets([shared, own], '1', () => START, 'one');
      await store.setOutboxTargets([shared], '1', () => START, 'two');
      expect(await ids()).toEqual([own.id, shared.id]);
      await store.setOutboxTargets([], '1', () => START, 'two');
      expect(await ids()).toEqual([own.id, shared.id]);
      await store.setOutboxTargets([shared], '1', () => START, 'one');
      expect(await ids()).toEqual([shared.id]);
      await store.setOutboxTargets([shared], '1', () => START, 'two');
      await store.setOutboxTargets([], '1', () => START);
      expect(await ids()).toEqual([]);
    });

    test('a target that no service names any more can be forgotten', async () => {
      const store = await known();
      await store.setOutboxTargets([CDN], '1', () => START, 'gone for ever');
      expect(await store.forgetOutbox(CDN.id)).toBe(true);
      expect(await store.outbox()).toEqual([]);
      expect(await store.forgetOutbox(CDN.id)).toBe(false);
    });

    test('a change while a message is being told is told next', async () => {
      const store = await known();
      await store.apply([put()], () => START);
      const message = await claim(store, START);
      await store.apply([put({ id: 'b', tags: ['y'] })], () => START + 1);
      if (message !== undefined) await store.settleOutbox(message, ONCE, OPTIONS, () => START + 2);
      expect(await tell(store, START + 2)).toMatchObject({ feeds: feedsOf('y') });
    });

    test('everything that is noted while a message is being told is not lost', async () => {
      const store = await known();
      await store.apply([put()], () => START);
      const message = await claim(store, START);
      const sizes = { entries: 10, feeds: [] };
      await store.configure({ rules: [], most: 0, sizes, isVisible: false, settings: {} }, () => START + 1);
      if (message !== undefined) await store.settleOutbox(message, ONCE, OPTIONS, () => START + 2);
      expect(await tell(store, START + 2)).toMatchObject({ feeds: undefined });
    });

    test('an attempt that fails is made again, at its time or when the operator asks', async () => {
      const store = await known();
      await store.apply([put()], () => START);
      const failed: Settlement = { result: 'failed', reason: 'It answers 503.', retryAt: START + MINUTE };
      await tell(store, START, failed);
      const row = { ...CDN, due: START, notBefore: START + MINUTE, isEverything: false, failures: 1 };
      expect(await store.outbox()).toEqual([{ ...row, failingSince: START, lastError: 'It answers 503.' }]);
      expect(await claim(store, START + MINUTE - 1)).toBeUndefined();
      await tell(store, START + MINUTE, { ...failed, retryAt: START + HOUR });
      expect(await store.outbox()).toMatchObject([{ failures: 2, failingSince: START }]);
      expect(await store.retryOutbox(CDN.id, () => START + 2 * MINUTE)).toBe(true);
      expect(await tell(store, START + 2 * MINUTE)).toMatchObject({ feeds: feedsOf('x'), failures: 2 });
      expect(await store.outbox()).toEqual([{ ...CDN, notBefore: 0, isEverything: false, failures: 0 }]);
      expect(await store.retryOutbox('none', () => START)).toBe(false);
    });

    test('a message that is dropped is not told, and later ones are', async () => {
      const store = await known();
      await store.apply([put({ tags: ['x'] }), put({ id: 'b', tags: ['y'], publishedAt: START + HOUR })], () => START);
      expect(await store.dropOutbox(CDN.id, OPTIONS, () => START + 1)).toBe(true);
      expect(await due(store)).toBe(START + HOUR);
      expect(await tell(store, START + HOUR)).toMatchObject({ feeds: feedsOf('y') });
      expect(await store.dropOutbox('none', OPTIONS, () => START)).toBe(false);
    });

    test('a rehearsal and a refused change are not told', async () => {
      const store = await known();
      await store.rehearse([put({ publishedAt: START + HOUR })], () => START);
      await store.apply([{ ...put(), condition: 'present' }], () => START);
      expect(await due(store)).toBeUndefined();
      await store.saveSetting('other', 'value');
      expect(await due(store)).toBeUndefined();
    });

    test('a cache that forgets the feeds of messages is never stale', async () => {
      const ids = fc.constantFrom('a', 'b', 'c');
      const moment = fc.integer({ min: -3, max: 12 }).map((steps) => steps * 10 * MINUTE);
      const step = fc.record({
        id: ids,
        tags: fc.subarray(['x', 'y']),
        published: moment,
        expires: fc.option(moment, { nil: undefined }),
        kind: fc.constantFrom('put', 'put', 'withdraw', 'erase', 'wait'),
        wait: fc.integer({ min: 1, max: 60 }).map((minutes) => minutes * MINUTE + 1),
      });
      const keys = feedsOf('x', 'y');
      const listed = { limit: 50, tombstonesFor: OPTIONS.tombstonesFor };
      const property = fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        const store = await known();
        const read = async (key: string, at: number) => {
          const snapshot = await store.snapshot(key, at, listed);
          return snapshot && [snapshot.changedAt, snapshot.entries, snapshot.tombstones];
        };
        const copies = new Map<string, unknown>();
        let at = START;
        for (const { id, tags, published, expires, kind, wait } of steps) {
          const expiresAt = expires === undefined ? undefined : START + published + Math.abs(expires) + SECOND;
          const story = put({
            id,
            tags,
            title: `${at}`,
            publishedAt: START + published,
            ...(expiresAt && { expiresAt }),
          });
          if (kind === 'put') await store.apply([story], () => at);
          else if (kind !== 'wait') await store.apply([{ kind, id }], () => at);
          else at += wait;
          const message = await tell(store, at);
          for (const key of message === undefined ? [] : (message.feeds ?? keys)) copies.delete(key);
          for (const key of keys) {
            const fresh = await read(key, at);
            if (!copies.has(key)) copies.set(key, fresh);
            expect(copies.get(key), key).toEqual(fresh);
          }
        }
        await store.close();
      });
      await fc.assert(property, { numRuns: runs });
    });
  });
}
