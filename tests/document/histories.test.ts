import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import { createDocumentCache, documentName } from '../../src/document/cache.ts';
import { createArranger } from '../../src/document/document.ts';
import { type FeedKey, FORMATS, type Format } from '../../src/feed/feeds.ts';
import { type Answer, answerTo } from '../../src/http/answer.ts';
import { type Instant, rfc3339 } from '../../src/lib/instant.ts';
import { createPublisher, parseHere } from '../../src/publish/publish.ts';
import { unparsedRecord } from '../../src/publish/unparsed-record.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { newsroom, PUBLICATION, record } from '../helpers.ts';

/** What feeds say of themselves while articles come, are corrected, expire and are taken back in any order. */

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

/** Around those at which things happen, so that some are past and some still to come. */
const moment = fc
  .oneof(
    fc.integer({ min: -60, max: 60 * 60 }),
    fc.integer({ min: -120, max: 240 }).map((minutes) => minutes * 60),
  )
  .map((seconds) => rfc3339(NOON + seconds * SECOND));
/** First publication stays, or changes would be refused. */
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

/** What a client hears of a document. */
interface Heard {
  readonly at: Instant;
  readonly text: string;
  readonly etag: string;
  /** As it stands in the header. */
  readonly since: string;
  readonly lastModified: Instant;
  /** Until when it may be shown without asking again. */
  readonly staleAt: Instant;
  /** When it says itself that it changed; undefined where it does not say. */
}

interface Room {
  readonly clock: { now: Instant };
  readonly take: (step: Step) => Promise<void>;
  /** What a client is answered that may know the document as of a date; undefined where there is no such feed. */
  readonly ask: (feed: FeedKey, format: Format, since?: string) => Promise<Answer | undefined>;
  /** The document as it is at that moment, whatever is kept. */
  readonly textAt: (feed: FeedKey, format: Format, at: Instant) => Promise<string | undefined>;
  readonly close: () => Promise<void>;
}

/** A newsroom with a clock of its own, and all that stands between it and its readers. */
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
  const externalChanges = { may: () => false, touched: async () => [] };
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
      const context = { now: clock.now, maxAge: 300, feedsUrl: newsroom.feedsUrl };
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

function heardIn({ headers, body }: Answer, at: Instant): Heard {
  const header = (name: string) => headers[headers.indexOf(name) + 1] ?? '';
  const [, fresh, stale] = /max-age=(\d+), stale-while-revalidate=(\d+)/.exec(header('Cache-Control')) ?? [];
  const text = body?.toString() ?? '';
  return {
    at,
    text,
    etag: header('ETag'),
    since: header('Last-Modified'),
    lastModified: Date.parse(header('Last-Modified')),
    staleAt: at + (Number(fresh) + Number(stale)) * SECOND,
  };
}

/** A document as it is heard, and how it was heard before. */
interface Telling {
  readonly room: Room;
  readonly feed: FeedKey;
  readonly format: Format;
  readonly heard: Heard;
  readonly before: readonly Heard[];
}

/** Checks each document after each step of a history. */
async function follow(
  steps: readonly (readonly [number, Step])[],
  check: (telling: Telling) => Promise<void> | void,
): Promise<void> {
  const room = await openRoom();
  const all = new Map<string, Heard[]>();
  for (const [pause, step] of steps) {
    room.clock.now += pause;
    await room.take(step);
    for (const feed of FEEDS) {
      for (const format of FORMATS) {
        const answer = await room.ask(feed, format);
        if (answer === undefined) continue;
        const name = documentName(feed, format);
        const before = all.get(name) ?? [];
        const heard = heardIn(answer, room.clock.now);
        await check({ room, feed, format, heard, before });
        all.set(name, [...before, heard]);
      }
    }
  }
  await room.close();
}

const RUNS = { numRuns: 100, seed: SEED };

test('a tag is another exactly where the bytes are others, and they are those of now', async () => {
  await fc.assert(
    fc.asyncProperty(history, (steps) =>
      follow(steps, async ({ room, feed, format, heard, before }) => {
        expect(heard.text).toBe(await room.textAt(feed, format, heard.at));
        for (const { etag, text } of before) expect(etag === heard.etag).toBe(text === heard.text);
      }),
    ),
    RUNS,
  );
});

test('Last-Modified goes neither back nor ahead, and whoever asks by it hears of every change', async () => {
  await fc.assert(
    fc.asyncProperty(history, (steps) =>
      follow(steps, async ({ room, feed, format, heard, before }) => {
        expect(heard.lastModified).toBeLessThanOrEqual(heard.at);
        const last = before.at(-1);
        if (last === undefined) return;
        expect(heard.lastModified).toBeGreaterThanOrEqual(last.lastModified);
        if (last.text === heard.text) return;
        if (heard.at - last.at >= 2 * SECOND) expect(heard.lastModified).toBeGreaterThan(last.lastModified);
        expect((await room.ask(feed, format, last.since))?.status).toBe(200);
      }),
    ),
    RUNS,
  );
});

test('nothing is fresh, nor shown while it is asked for again, when time has changed it', async () => {
  await fc.assert(
    fc.asyncProperty(history, fc.double({ min: 0, max: 1, noNaN: true }), (steps, part) =>
      follow(steps, async ({ room, feed, format, heard: { at, text, staleAt } }) => {
        if (staleAt <= at) return;
        for (const moment of [at + Math.floor((staleAt - 1 - at) * part), staleAt - 1])
          expect(await room.textAt(feed, format, moment)).toBe(text);
      }),
    ),
    RUNS,
  );
});
