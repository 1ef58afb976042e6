// @module-tag soak
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Publication, parsePublication } from '../../src/config/publication.ts';
import { createArranger } from '../../src/document/arranger.ts';
import { createDocumentCache, documentName } from '../../src/document/cache.ts';
import { represent } from '../../src/document/representation.ts';
import { type FeedKey, FORMATS, type Format } from '../../src/feed/feeds.ts';
import { type Answer, answerIfReady, answerTo } from '../../src/http/answer.ts';
import { rfc3339 } from '../../src/lib/instant.ts';
import { createPublisher, parseHere } from '../../src/publish/publish.ts';
import { unparsedRecord } from '../../src/publish/unparsed-record.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { newsroom, PUBLICATION, record } from '../helpers.ts';
import { sized } from '../soak/sizes.ts';

/** Tags outlive the documents in memory: a service that has them answers like one without them. */

const SEED = 20261130;
const NOON = Date.UTC(2026, 10, 30, 12);
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const FEEDS = ['latest', 'section/x', 'tag/y'] as const;
const CODINGS = ['identity', 'gzip', 'br', 'zstd', 'gzip, br'];
/** A reload changes the title. */
function publicationOf(generation: number): Publication {
  const text = PUBLICATION.replace(/^title: .*$/m, `title: The Long Tail ${generation % 2}`);
  return parsePublication(`${text}entries: 2\ntombstoneDays: 1\n`, 'publication.yaml');
}

type Step =
  | { readonly kind: 'put'; readonly record: unknown; readonly isExternal: boolean }
  | { readonly kind: 'withdraw'; readonly id: string }
  | { readonly kind: 'clock'; readonly by: number }
  | { readonly kind: 'reload' }
  | {
      readonly kind: 'ask';
      readonly feed: FeedKey;
      readonly format: Format;
      readonly accepted: string;
      readonly validator: 'none' | 'tag' | 'old tag' | 'date' | 'old date' | 'weak tag';
      readonly wantsDelta: boolean;
      readonly method: 'GET' | 'HEAD';
    };
type Question = Extract<Step, { kind: 'ask' }>;

const PUBLISHED = { a: -60, b: -1, c: 5, d: 60 };
const id = fc.constantFrom(...(['a', 'b', 'c', 'd'] as const));
const moment = fc.integer({ min: -30, max: 120 }).map((minutes) => rfc3339(NOON + minutes * MINUTE));
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 1 });
const story = fc
  .record({
    id,
    title: fc.constantFrom('One', 'Two'),
    sections: fc.constantFrom([], ['X']),
    tags: fc.constantFrom([], ['Y']),
    body: fc.constantFrom('<p>Short.</p>', `<p>${'Long enough to be compressed in a thread. '.repeat(400)}</p>`),
    embargoUntil: maybe(moment),
    expiresAt: maybe(moment),
  })
  .map((fields) => record({ ...fields, publishedAt: rfc3339(NOON + PUBLISHED[fields.id] * MINUTE) }));
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('put'), record: story, isExternal: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('withdraw'), id }) },
  {
    weight: 3,
    arbitrary: fc
      .oneof(
        fc.integer({ min: 1, max: 5 * SECOND }),
        fc.integer({ min: -20, max: 60 }).map((minutes) => minutes * MINUTE),
      )
      .map((by) => ({ kind: 'clock', by }) as const),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'reload' } as const) },
  {
    weight: 16,
    arbitrary: fc.record({
      kind: fc.constant('ask'),
      feed: fc.constantFrom(...FEEDS),
      format: fc.constantFrom(...FORMATS),
      accepted: fc.constantFrom(...CODINGS),
      validator: fc.constantFrom('none', 'tag', 'tag', 'old tag', 'date', 'old date', 'weak tag'),
      wantsDelta: fc.boolean(),
      method: fc.constantFrom('GET', 'GET', 'HEAD'),
    }),
  },
);

/** A cache that holds few documents and all tags, over a store that two processes change. */
function openService(store: Store, publication: Publication, now: () => number) {
  const fail = (error: unknown) => {
    throw error;
  };
  const report = (_id: string, _format: Format, error: unknown) => fail(error);
  const { arrange } = createArranger({ store, publication, report, entryBytes: 1_000_000 });
  const cache = createDocumentCache({
    arrange,
    externalChanges: store,
    bytes: 16_000,
    tagBytes: 1_000_000,
    now,
    fail,
  });
  return { cache, arrange };
}

async function openRoom() {
  const folder = mkdtempSync(join(tmpdir(), 'long-tail-'));
  const clock = { now: NOON };
  const now = () => clock.now;
  const [store, other] = [openSqliteStore(join(folder, 'a.db')), openSqliteStore(join(folder, 'a.db'))];
  await store.markServed();
  let generation = 0;
  const open = () => openService(store, publicationOf(generation), now);
  let service = open();
  const publisher = createPublisher({
    store,
    parse: parseHere(newsroom),
    now,
    announce: (keys) => service.cache.forget(keys),
  });
  const elsewhere = createPublisher({ store: other, parse: parseHere(newsroom), now, announce: () => {} });
  const known = new Map<string, Answer[]>();
  const seen = { fromTags: 0, made: 0, ready: 0 };

  function headersOf({ feed, format, accepted, validator, wantsDelta }: Question) {
    const answers = known.get(documentName(feed, format)) ?? [];
    const copy = validator.startsWith('old') ? answers[0] : answers.at(-1);
    const value = (name: string) => copy?.headers[copy.headers.indexOf(name) + 1] ?? '"none"';
    return {
      'accept-encoding': accepted,
      ...(wantsDelta ? { 'a-im': 'feed' } : {}),
      ...(validator.endsWith('tag')
        ? { 'if-none-match': `${validator === 'weak tag' ? 'W/' : ''}${value('ETag')}` }
        : {}),
      ...(validator.endsWith('date') ? { 'if-modified-since': value('Last-Modified') } : {}),
    };
  }

  async function ask(question: Question): Promise<void> {
    await setImmediate(); // a request comes with a round of the event loop
    const { feed, format, method } = question;
    const asked = { method, headers: headersOf(question) };
    const publication = publicationOf(generation);
    const context = { now: clock.now, maxAge: 60, feedsUrl: publication.feedsUrl };
    const name = documentName(feed, format);
    const isHeld = service.cache.getIfReady(name) !== undefined;
    const fast = answerIfReady(asked, service.cache, name, context);
    if (fast === undefined) seen.made += 1;
    else if (isHeld) seen.ready += 1;
    else seen.fromTags += 1;
    const representations = fast === undefined ? await service.cache.get(feed, format) : undefined;
    const answer = await made(fast ?? (representations && answerTo(asked, representations, context)));
    const document = await service.arrange(feed, format, clock.now);
    const expected = await made(document && answerTo(asked, represent(document), context));
    expect(plain(answer), JSON.stringify(question)).toEqual(plain(expected));
    if (answer !== undefined) known.set(name, [...(known.get(name) ?? []), answer]);
  }

  return {
    seen,
    ask,
    async take(one: Step): Promise<void> {
      if (one.kind === 'put') await (one.isExternal ? elsewhere : publisher).publish([unparsedRecord(one.record)]);
      if (one.kind === 'withdraw') await publisher.withdraw([{ id: one.id }]);
      if (one.kind === 'clock') clock.now += one.by;
      if (one.kind === 'ask') await ask(one);
      if (one.kind !== 'reload') return;
      await service.cache.close();
      generation += 1;
      await store.touchAllFeeds(now);
      service = open();
    },
    async close() {
      await service.cache.close();
      await store.close();
      await other.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function made(answer: ReturnType<typeof answerIfReady>): Promise<Answer | undefined> {
  return answer !== undefined && 'pending' in answer ? answer.pending() : answer;
}

function plain(answer: Answer | undefined) {
  if (answer === undefined) return undefined;
  const { status, coding, headers, body, length, uncoded } = answer;
  return { status, coding, headers, body: body?.toString('base64'), length, uncoded };
}

const RUNS = sized({ short: 10, soak: 300, full: 5000 });

test('a service that knows tags of documents that it has no more answers like one that makes every document anew', async () => {
  const seen = { fromTags: 0, made: 0, ready: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60 }), async (steps) => {
      const room = await openRoom();
      try {
        for (const one of steps) await room.take(one);
      } finally {
        await room.close();
      }
      for (const name of ['fromTags', 'made', 'ready'] as const) seen[name] += room.seen[name];
    }),
    { numRuns: RUNS, seed: SEED },
  );
  // Else nothing was compared.
  expect(Math.min(seen.fromTags, seen.made, seen.ready)).toBeGreaterThan(RUNS / 4);
});
