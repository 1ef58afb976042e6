import { type Partner, parsePartner } from '../../src/config/partners.ts';
import { parsePublication } from '../../src/config/publication.ts';
import { partnerFeedKey } from '../../src/feed/dialects.ts';
import type { Format } from '../../src/feed/feeds.ts';
import type { Dialect } from '../../src/format/dialect/dialect.ts';
import { DIALECTS_BY_NAME } from '../../src/format/dialect/registry.ts';
import type { SkippedStory } from '../../src/partner/arranger.ts';
import { createPartnerDocuments } from '../../src/partner/documents.ts';
import { createPublisher, parseHere } from '../../src/publish/publish.ts';
import { unparsedRecord } from '../../src/publish/unparsed-record.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { newsroom, PUBLICATION, record } from '../helpers.ts';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const NOW = Date.UTC(2026, 10, 22, 12);

/** A partner, by the lines of its file that matter to a test. */
export function partner(id: string, lines = 'feeds: [latest]'): Partner {
  const parsed = parsePartner({ id, text: `name: ${id}\ndialect: plain\n${lines}\n` });
  if ('id' in parsed) return parsed;
  throw new Error(JSON.stringify(parsed));
}

/** How often the dialect below has rendered each story. */
type Renders = Map<string, number>;

/** A dialect whose documents are lists of ids, a line each: `a`, and `-a` for a story that is gone. */
export function listing(renders: Renders = new Map(), more: Partial<Dialect> = {}): Dialect {
  return {
    name: 'plain',
    title: 'Lists of ids',
    status: 'live',
    contentTypes: ['article'],
    defaults: { entries: 5, content: 'full' },
    withdrawal: 'leaves the feed',
    rules: [
      {
        id: 'no-bad-titles',
        level: 'refuse',
        evidence: 'T',
        source: 'https://consumer.example/rules',
        read: '2026-11-29',
        asks: 'Titles are good.',
        field: 'title',
        breach: ({ article }) => (article.title === 'bad' ? 'has a bad title' : undefined),
      },
      {
        id: 'no-dull-titles',
        level: 'warn',
        evidence: 'T',
        source: 'https://consumer.example/rules',
        read: '2026-11-29',
        asks: 'Titles are not dull.',
        field: 'title',
        breach: () => 'is dull',
      },
    ],
    formats: {
      json: {
        mediaType: 'application/json',
        head: ({ self, updatedAt }) => `${self} ${new Date(updatedAt).toISOString()}\n`,
        entry({ article: { id, title, url } }) {
          renders.set(id, (renders.get(id) ?? 0) + 1);
          if (title === 'broken') throw new Error('cannot be rendered');
          return url.includes('?') ? `${id} ${url}` : id;
        },
        takenBack: ({ article: { id } }) => `-${id}`,
        separator: '\n',
        tail: '\nend\n',
      },
    },
    ...more,
  };
}

interface RoomOptions {
  readonly dialect?: Dialect;
  readonly bytes?: number;
}

/** A store, and the documents of partners that are made of it. The moment is set by the test. */
export async function room(partners: readonly Partner[], { dialect, bytes = 1_000_000 }: RoomOptions = {}) {
  const publication = { ...parsePublication(PUBLICATION, 'publication.yaml'), partners };
  const clock = { now: NOW };
  const now = () => clock.now;
  const store = openSqliteStore(':memory:');
  await store.markServed();
  const selections = partners.flatMap(({ id, select }) =>
    select === undefined ? [] : [{ id: partnerFeedKey(id), select }],
  );
  await store.backfillFeeds(selections, now);
  const reported: string[] = [];
  const skips: [string, SkippedStory, number][] = [];
  const full: string[] = [];
  const reads = { articles: 0, snapshots: 0 };
  const create = () =>
    createPartnerDocuments({
      store: {
        ...store,
        articles(numbers) {
          reads.articles += numbers.length;
          return store.articles(numbers);
        },
        partnerSnapshot(...args) {
          reads.snapshots += 1;
          return store.partnerSnapshot(...args);
        },
      },
      publication,
      dialects: dialect === undefined ? DIALECTS_BY_NAME : { plain: dialect },
      bytes,
      now,
      catchUp: async () => {},
      report: (article, { format }, error) =>
        reported.push(`${article} ${format} ${error instanceof Error && error.message}`),
      onSkipped: ({ id }, _feed, story, count) => skips.push([id, story, count]),
      onFull: ({ id }, feed) => full.push(`${id} ${feed}`),
    });
  const documents = create();
  const publisher = createPublisher({ store, parse: parseHere(newsroom), now, announce: documents.forget });
  const [first] = partners;

  async function text(own = first, name = 'latest', format: Format = 'json'): Promise<string> {
    const found = own && (await documents.get(own, name, format));
    return found?.document.bytes.toString() ?? 'none';
  }

  return {
    ...{ store, clock, documents, publication, reported, skips, full, reads, text },
    publish: (...records: readonly object[]) =>
      publisher.publish(records.map((fields) => unparsedRecord(record(fields as Record<string, unknown>)))),
    /** The documents of a service that starts now with the same store. */
    restarted: create,
    withdraw: (id: string, reason?: string) =>
      publisher.withdraw([{ id, ...(reason === undefined ? {} : { reason }) }]),
    erase: (id: string) => publisher.erase([{ id }]),
    /** The ids in a document, between its head and its end. */
    async ids(own = first, name = 'latest'): Promise<string[]> {
      return (await text(own, name))
        .split('\n')
        .slice(1, -2)
        .filter((line) => line !== '');
    },
  };
}

/** Stories with these ids, one a minute, of which the last is the newest. */
export function stories(ids: readonly string[], more: object = {}): object[] {
  const last = NOW - MINUTE;
  return ids.map((id, index) => ({
    id,
    url: `https://news.example/${id}`,
    publishedAt: new Date(last - (ids.length - 1 - index) * MINUTE).toISOString(),
    ...more,
  }));
}
