import fc from 'fast-check';
import { parseFeed } from 'feedsmith';
import { expect, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import { createArranger } from '../../src/document/arranger.ts';
import { createDocumentCache } from '../../src/document/cache.ts';
import type { Document } from '../../src/document/document.ts';
import type { Representations } from '../../src/document/representation.ts';
import type { FeedKey } from '../../src/feed/feeds.ts';
import { rfc3339 } from '../../src/lib/instant.ts';
import { createPublisher, parseHere } from '../../src/publish/publish.ts';
import { unparsedRecord } from '../../src/publish/unparsed-record.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { newsroom, PUBLICATION, record } from '../helpers.ts';
import { sized } from '../soak/sizes.ts';

/** What a reader has that walks from the current document of a feed to the oldest page of its archive (RFC 5005 §4.2). */

const NOON = Date.UTC(2026, 10, 22, 12);
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const FEEDS = ['latest', 'section/x'] as const;
const ENTRIES = 3;
const publication = parsePublication(`${PUBLICATION}entries: ${ENTRIES}\n`, 'publication.yaml');

type Step =
  | { readonly kind: 'put'; readonly records: readonly unknown[] }
  | { readonly kind: 'withdraw'; readonly id: string }
  | { readonly kind: 'masthead' }
  | { readonly kind: 'wait'; readonly minutes: number };

const id = fc.integer({ min: 0, max: 40 }).map((number) => `a${number}`);
const at = (min: number, max: number) => fc.integer({ min, max }).map((minutes) => rfc3339(NOON + minutes * MINUTE));
const story = fc
  .record(
    {
      id,
      title: fc.constantFrom('One', 'Two'),
      sections: fc.constantFrom([], ['X'], ['x']),
      publishedAt: at(-60, 30),
      expiresAt: at(31, 90),
    },
    { requiredKeys: ['id', 'title', 'sections', 'publishedAt'] },
  )
  .map(record);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('put'), records: fc.array(story, { minLength: 1, maxLength: 8 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('withdraw'), id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('masthead') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait'), minutes: fc.integer({ min: 0, max: 30 }) }) },
);

function openRoom() {
  const clock = { now: NOON };
  const now = () => clock.now;
  const store = openSqliteStore(':memory:');
  const fail = (error: unknown) => {
    throw error;
  };
  const { arrange, arrangePage } = createArranger({ store, publication, report: fail, entryBytes: 1_000_000 });
  const documentCache = createDocumentCache({
    arrange,
    arrangeArchive: (key, page, format, moment) =>
      format === 'html' ? undefined : arrangePage(key, page, format, moment),
    externalChanges: { mayHaveExternalChanges: () => false, takeExternallyChangedFeeds: async () => [] },
    bytes: 10_000_000,
    archiveBytes: 10_000_000,
    now,
    fail,
  });
  const publisher = createPublisher({ store, parse: parseHere(newsroom), now, announce: documentCache.forget });
  return { clock, now, store, arrangePage, documentCache, publisher };
}

/** The ids and the links of a document, as a parser that is not ours reads it. */
function read({ bytes, format }: Document): { readonly ids: string[]; readonly older: string | undefined } {
  const { feed } = parseFeed(bytes.toString());
  if (format === 'json') {
    const { items = [], next_url } = feed as { items?: { id?: string }[]; next_url?: string };
    return { ids: items.map((item) => item.id ?? ''), older: next_url };
  }
  const { entries = [], links = [] } = feed as {
    entries?: { id?: string }[];
    links?: { rel?: string; href?: string }[];
  };
  return { ids: entries.map((entry) => entry.id ?? ''), older: links.find(({ rel }) => rel === 'prev-archive')?.href };
}

test('a page has another name when the embargo of the story ends that gives the feed this name', async () => {
  const { clock, now, store, documentCache, publisher } = openRoom();
  await store.setDocumentSizes({ entries: ENTRIES, feeds: [] }, now);
  await store.markServed();
  const stories = Array.from({ length: 10 }, (_, number) =>
    record({ id: `a${number}`, sections: ['x'], publishedAt: rfc3339(NOON - (number + 1) * MINUTE) }),
  );
  const coming = record({ id: 'b', sections: ['X'], publishedAt: rfc3339(NOON + 10 * MINUTE) });
  await publisher.publish([...stories, coming].map(unparsedRecord));
  const titleAt = async (moment: number) => {
    clock.now = moment;
    const page = await documentCache.get('section/x', 'json', 1);
    return JSON.parse(page?.document.bytes.toString() ?? '').title;
  };
  const end = NOON + 10 * MINUTE;
  expect(await titleAt(NOON)).toBe('The Test Post: x');
  expect(await titleAt(end - 1)).toBe('The Test Post: x');
  expect(await titleAt(end)).toBe('The Test Post: X');
  await documentCache.close();
  await store.close();
});

test('a reader that walks to the first page has exactly the visible articles, and each once in the archive', {
  tags: ['soak'],
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 16 }),
      fc.constantFrom('atom', 'json'),
      async (steps, format) => {
        const { clock, now, store, arrangePage, documentCache, publisher } = openRoom();
        await store.setDocumentSizes({ entries: ENTRIES, feeds: [] }, now);
        await store.markServed();
        let before = new Map<string, Representations>();
        for (const each of steps) {
          clock.now += 2 * SECOND;
          if (each.kind === 'put') await publisher.publish(each.records.map(unparsedRecord));
          if (each.kind === 'withdraw') await publisher.withdraw([{ id: each.id }]);
          if (each.kind === 'masthead') {
            await store.touchAllFeeds(now);
            documentCache.forget(FEEDS);
          }
          if (each.kind === 'wait') clock.now += each.minutes * MINUTE;
          const after: typeof before = new Map();
          for (const key of FEEDS) await expectWalk(key, before, after);
          before = after;
        }
        await documentCache.close();
        await store.close();

        async function expectWalk(
          key: FeedKey,
          known: ReadonlyMap<string, Representations>,
          found: Map<string, Representations>,
        ) {
          const whole = await store.snapshot(key, clock.now, { limit: 1000, tombstonesFor: 0 });
          let representations = await documentCache.get(key, format);
          expect(representations === undefined).toBe(whole === undefined);
          if (whole === undefined || representations === undefined) return;
          const articles = await store.articles(whole.entries.map(({ number }) => number));
          const visible = articles.map(({ article: { publicId } }) => publicId);
          const kept: string[] = [...read(representations.document).ids];
          const archived: string[] = [];
          for (;;) {
            const { older } = read(representations.document);
            if (older === undefined) break;
            const page = Number(/\/archive\/(\d+)\.\w+$/.exec(older)?.[1]);
            representations = await documentCache.get(key, format, page);
            if (representations === undefined) throw new Error(`${older} is missing`);
            const { ids } = read(representations.document);
            archived.push(...ids);
            kept.push(...ids.filter((one) => !kept.includes(one)));
            const name = `${key} ${page}`;
            found.set(name, representations);
            // The cache has what would be made now.
            const fresh = await arrangePage(key, page, format, clock.now);
            expect(representations.document.bytes.toString()).toBe(fresh?.bytes.toString());
            expect(representations.document.changedAt).toBe(fresh?.changedAt);
            const last = known.get(name);
            const isSame = last?.document.bytes.equals(representations.document.bytes) ?? true;
            if (last === undefined) continue;
            // A client that compares dates gets what a client that compares tags gets.
            if (!isSame) expect(representations.lastModified).toBeGreaterThan(last.lastModified);
            expect(representations.etag('identity') === last.etag('identity')).toBe(isSame);
          }
          expect(new Set(archived).size).toBe(archived.length);
          expect(kept).toEqual(visible);
        }
      },
    ),
    { numRuns: sized({ short: 6, soak: 120, full: 5000 }), seed: 20261201, endOnFailure: true },
  );
});
