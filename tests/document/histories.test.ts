// @module-tag soak
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import { createArranger } from '../../src/document/arranger.ts';
import { createDocumentCache, documentName } from '../../src/document/cache.ts';
import { type FeedKey, FORMATS, type Format } from '../../src/feed/feeds.ts';
import { type Answer, answerTo } from '../../src/http/answer.ts';
import { type Instant, rfc3339 } from '../../src/lib/instant.ts';
import { createPublisher, parseHere } from '../../src/publish/publish.ts';
import { unparsedRecord } from '../../src/publish/unparsed-record.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { newsroom, PUBLICATION, record } from '../helpers.ts';
import { sized } from '../soak/sizes.ts';

/** Validators and freshness of feeds while articles are published, corrected, withdrawn and expire in any order. */

const SEED = 20261122;
const NOON = Date.UTC(2026, 10, 22, 12);
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const FEEDS = ['latest', 'section/x'] as const;
/** With so few entries, articles push others out. */
const publication = parsePublication(`${PUBLICATION}entries: 2\ntombstoneDays: 1\n`, 'publication.yaml');

type Step =
  | { readonly kind: 'put'; readonly records: readonly unknown[] }
  | { readonly kind: 'withdraw'; readonly id: string }
  | { readonly kind: 'masthead' }
  | { readonly kind: 'wait' };

/** Moments around those at which something happens, past and future. */
const moment = fc
  .oneof(
    fc.integer({ min: -60, max: 60 * 60 }),
    fc.integer({ min: -120, max: 240 }).map((minutes) => minutes * 60),
  )
  .map((seconds) => rfc3339(NOON + seconds * SECOND));
/** First publication never changes: such a change would be refused. */
const PUBLISHED = {
  a: '2026-11-22T11:00:00Z',
  b: '2026-11-22T11:59:00Z',
  c: '2026-11-22T12:05:00Z',
  d: '2026-11-22T13:00:00Z',
};
const id = fc.constantFrom('a', 'b', 'c', 'd');
const maybe = <T>(often: number, value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: often, arbitrary: value }, { weight: 6 - often, arbitrary: fc.constant(undefined) });
const story = fc
  .record({
    id,
    title: fc.constantFrom('One', 'Two'),
    sections: fc.constantFrom([], ['X']),
    updatedAt: maybe(3, moment),
    embargoUntil: maybe(1, moment),
    expiresAt: maybe(3, moment),
    withdrawn: maybe(1, fc.record({ at: moment })),
  })
  .map((fields) => record({ ...fields, publishedAt: PUBLISHED[fields.id] }));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(story, { minLength: 1, maxLength: 2 }).map((records) => ({ kind: 'put', records }) as const),
  },
  { weight: 2, arbitrary: id.map((name) => ({ kind: 'withdraw', id: name }) as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'masthead' } as const) },
  { weight: 2, arbitrary: fc.constant({ kind: 'wait' } as const) },
);
/** Milliseconds from one step to the next. */
const pause = fc.oneof(
  fc.integer({ min: 1, max: 3 * SECOND }),
  fc.integer({ min: 1, max: 60 }).map((minutes) => minutes * MINUTE),
  fc.constantFrom(SECOND, DAY),
);
const history = fc.array(fc.tuple(pause, step), { minLength: 2, maxLength: 14 });

/** Seconds. */
const MAX_AGE = 60;

/** A document as a client gets it. */
interface Received {
  readonly at: Instant;
  readonly text: string;
  readonly etag: string;
  /** Last-Modified as in the header. */
  readonly since: string;
  readonly lastModified: Instant;
  /** Until when a cache may serve it without revalidation. */
  readonly staleAt: Instant;
}

interface Room {
  readonly clock: { now: Instant };
  readonly take: (step: Step) => Promise<void>;
  /** The answer to a client that may have the document of a date. Undefined if there is no such feed. */
  readonly ask: (feed: FeedKey, format: Format, since?: string) => Promise<Answer | undefined>;
  /** The document as it is at that moment, without the cache. */
  readonly textAt: (feed: FeedKey, format: Format, at: Instant) => Promise<string | undefined>;
  readonly close: () => Promise<void>;
}

/** A newsroom with its own clock, store, publisher and document cache. */
async function openRoom(): Promise<Room> {
  const clock = { now: NOON };
  const now = () => clock.now;
  const store = openSqliteStore(':memory:');
  await store.markServed();
  const fail = (error: unknown) => {
    throw error;
  };
  const report = (_id: string, _format: Format, error: unknown) => fail(error);
  const { arrange } = createArranger({ store, publication, report, entryBytes: 1_000_000 });
  const externalChanges = { mayHaveExternalChanges: () => false, takeExternallyChangedFeeds: async () => [] };
  const documentCache = createDocumentCache({ arrange, externalChanges, bytes: 10_000_000, now, fail });
  const parse = parseHere(newsroom);
  const publisher = createPublisher({ store, parse, now, announce: documentCache.forget });

  return {
    clock,
    async take(step) {
      if (step.kind === 'put') await publisher.publish(step.records.map(unparsedRecord));
      if (step.kind === 'withdraw') await publisher.withdraw([{ id: step.id }]);
      if (step.kind === 'masthead') {
        await store.touchAllFeeds(now);
        documentCache.forget(FEEDS);
      }
    },
    async ask(feed, format, since) {
      const representations = await documentCache.get(feed, format);
      if (representations === undefined) return undefined;
      const headers = since === undefined ? {} : { 'if-modified-since': since };
      const context = { now: clock.now, maxAge: MAX_AGE, feedsUrl: newsroom.feedsUrl };
      const answer = answerTo({ method: 'GET', headers }, representations, context);
      if ('pending' in answer) throw new Error('nothing has to be compressed');
      return answer;
    },
    textAt: async (feed, format, at) => (await arrange(feed, format, at))?.bytes.toString(),
    async close() {
      await documentCache.close();
      await store.close();
    },
  };
}

function receivedFrom({ headers, body }: Answer, at: Instant): Received {
  const header = (name: string) => headers[headers.indexOf(name) + 1] ?? '';
  const [, fresh] = /max-age=(\d+), stale-while-revalidate=1,/.exec(header('Cache-Control')) ?? [];
  const text = body?.toString() ?? '';
  return {
    at,
    text,
    etag: header('ETag'),
    since: header('Last-Modified'),
    lastModified: Date.parse(header('Last-Modified')),
    staleAt: at + Number(fresh) * SECOND,
  };
}

/** A received document, and the same one as it was received before. */
interface Observation {
  readonly room: Room;
  readonly feed: FeedKey;
  readonly format: Format;
  readonly received: Received;
  readonly before: readonly Received[];
}

/** Checks each document after each step of a history. */
async function follow(
  steps: readonly (readonly [number, Step])[],
  check: (observation: Observation) => Promise<void> | void,
): Promise<void> {
  const room = await openRoom();
  const all = new Map<string, Received[]>();
  for (const [pause, step] of steps) {
    room.clock.now += pause;
    await room.take(step);
    for (const feed of FEEDS) {
      for (const format of FORMATS) {
        const answer = await room.ask(feed, format);
        if (answer === undefined) continue;
        const name = documentName(feed, format);
        const before = all.get(name) ?? [];
        const received = receivedFrom(answer, room.clock.now);
        await check({ room, feed, format, received, before });
        all.set(name, [...before, received]);
      }
    }
  }
  await room.close();
}

const RUNS = { numRuns: sized({ short: 8, soak: 60, full: 5000 }), seed: SEED };

test('a tag differs exactly if the bytes differ, and the bytes are current', async () => {
  await fc.assert(
    fc.asyncProperty(history, (steps) =>
      follow(steps, async ({ room, feed, format, received, before }) => {
        expect(received.text).toBe(await room.textAt(feed, format, received.at));
        for (const { etag, text } of before) expect(etag === received.etag).toBe(text === received.text);
      }),
    ),
    RUNS,
  );
});

test('Last-Modified goes neither back nor ahead, and a client that compares it gets every change', async () => {
  await fc.assert(
    fc.asyncProperty(history, (steps) =>
      follow(steps, async ({ room, feed, format, received, before }) => {
        expect(received.lastModified).toBeLessThanOrEqual(received.at);
        const last = before.at(-1);
        if (last === undefined) return;
        expect(received.lastModified).toBeGreaterThanOrEqual(last.lastModified);
        if (last.text === received.text) return;
        if (received.at - last.at >= 2 * SECOND) expect(received.lastModified).toBeGreaterThan(last.lastModified);
        expect((await room.ask(feed, format, last.since))?.status).toBe(200);
      }),
    ),
    RUNS,
  );
});

test('no document is fresh more than a second after a multiple of maxAge', async () => {
  await fc.assert(
    fc.asyncProperty(history, (steps) =>
      follow(steps, ({ received: { at, staleAt } }) => {
        expect(staleAt).toBeGreaterThan(at);
        expect(staleAt % (MAX_AGE * SECOND)).toBeLessThan(SECOND);
      }),
    ),
    RUNS,
  );
});
