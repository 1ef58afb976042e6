import type { Article } from '../article/article.ts';
import { articleText, withdrawnArticle } from '../article/stored.ts';
import type { Publication } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import { ownKeys, type Selection } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { jsonString } from '../lib/json.ts';
import type { FeedToBackfill, Put, Store, StoredRecord } from '../store/store.ts';
import type { ParseRecords } from './publish.ts';
import { type UnparsedRecord, unparsedRecord } from './unparsed-record.ts';

/** Raise this number whenever `parseArticle` makes another article of the same record: all records are then parsed again. */
const PARSER_VERSION = 4;

/** Articles parsed in one transaction, and feeds offered to one backfill. */
const BATCH = 500;

/** The store's settings: the publication of the documents, and the parser version and addresses of all articles. */
const PUBLICATION = 'masthead';
const PARSED_WITH = 'reading';

interface RefreshParts {
  readonly store: Store;
  readonly publication: Publication;
  readonly parse: ParseRecords;
  readonly now: () => Instant;
  readonly progress: (what: string, done: number, total: number) => void;
  /** Receives an article whose record is no longer valid, and its revision. The article stays as it was. */
  readonly onInvalid: (id: string, error: PublisherError, revision: number) => void;
}

/**
 * Updates the store to the publication. A start calls it before it serves.
 *
 * - Changed rules: fills the feeds of these rules.
 * - Changed addresses or language: parses every stored record again.
 * - Any other change: marks every feed as changed.
 *
 * An interrupted update continues at the next start.
 */
export async function refreshStore(parts: RefreshParts): Promise<void> {
  await backfillFeeds(parts);
  await reparseIfNeeded(parts);
  await touchFeedsIfNeeded(parts);
}

/**
 * The publication with which the stored articles were parsed. A running service uses it, whatever publication.yaml says
 * by now, until its next start. Undefined where no start has set the store up yet.
 */
export async function publicationInForce(store: Store, publication: Publication): Promise<Publication | undefined> {
  const parsedWith = await store.setting(PARSED_WITH);
  if (parsedWith === undefined) return undefined;
  return { ...publication, ...addressesIn(parsedWith) };
}

/** Makes the next start parse every stored record again, because some articles were parsed with another publication. */
export async function requireReparse(store: Store): Promise<void> {
  await store.saveSetting(PARSED_WITH, '');
}

function addressesIn(parsedWith: string): Partial<Publication> {
  if (parsedWith === '') return {};
  const [, url, feedsUrl, language]: [number, string, string, string] = JSON.parse(parsedWith);
  return { url, feedsUrl, language };
}

/** Fills feeds that are new or have a new rule, and empties feeds that are removed. */
async function backfillFeeds({ store, publication, now, progress }: RefreshParts): Promise<void> {
  const stored = new Map((await store.rules()).map(({ id, select }) => [id, ruleText(select)]));
  const defined = new Set(publication.feeds.map(({ id }) => id));
  const changed: readonly FeedToBackfill[] = [
    ...[...stored.keys()].filter((id) => !defined.has(id)).map((id) => ({ id })),
    ...publication.feeds.filter(({ id, select }) => stored.get(id) !== ruleText(select)),
  ];
  // The store saves a feed's rule in the transaction that fills the feed: the next start finds the feeds that are left.
  for (let done = 0; done < changed.length; ) {
    done += await store.backfillFeeds(changed.slice(done, done + BATCH), now);
    progress('Filling feeds by their new rules', done, changed.length);
  }
}

function ruleText({ any, all, none }: Selection): string {
  return JSON.stringify([any, all, none]);
}

/** Every document contains a part of the publication, as far as it is about feeds. */
async function touchFeedsIfNeeded({ store, publication, now }: RefreshParts): Promise<void> {
  const { origins: _, auditDays: __, media: ___, ...parts } = publication; // no document contains them
  const current = JSON.stringify(parts);
  const before = await store.setting(PUBLICATION);
  if (current === before) return;
  if (before !== undefined) await store.touchAllFeeds(now);
  await store.saveSetting(PUBLICATION, current);
}

async function reparseIfNeeded(parts: RefreshParts): Promise<void> {
  const { store, publication } = parts;
  const { url, feedsUrl, reservedUrl = feedsUrl, language } = publication;
  const parsedWith = JSON.stringify([PARSER_VERSION, url, reservedUrl, language]);
  if ((await store.setting(PARSED_WITH)) === parsedWith) return;
  // No publication is in force until all records are parsed. If this is interrupted, the next start parses them even where
  // publication.yaml has been changed back by then.
  await requireReparse(store);
  await reparseAll(parts);
  await store.saveSetting(PARSED_WITH, parsedWith);
}

async function reparseAll({ store, parse, now, progress, onInvalid }: RefreshParts): Promise<void> {
  const total = await store.count();
  let done = 0;
  let last = 0;
  for (;;) {
    const page = await store.page(last, BATCH);
    last = page.at(-1)?.number ?? last;
    if (page.length === 0) return;
    const stories = page.filter(({ isErased }) => isErased !== true); // an erased article has nothing to parse
    const records = stories.map(({ record }) => unparsedRecord(record));
    const invalid = new Map<string, PublisherError>();
    const articles = await reparse(stories, records, { parse, onInvalid: (id, error) => invalid.set(id, error) });
    const changes = stories.flatMap(({ revision }, index): Put[] => {
      const [article, record] = [articles[index], records[index]];
      if (article === undefined || record === undefined) return [];
      return [
        {
          kind: 'put',
          article: articleText(article),
          record: record.json,
          feeds: ownKeys(article),
          condition: { revisions: [revision] }, // a change by another process meanwhile is newer than this page
          isReparsed: true,
          actor: { kind: 'start' },
        },
      ];
    });
    for (const { id, revision } of await store.apply(changes, now)) {
      const error = invalid.get(id);
      if (error !== undefined) onInvalid(id, error, revision);
    }
    done += page.length;
    progress('Reading the stored articles again', done, total);
  }
}

async function reparse(
  page: readonly StoredRecord[],
  records: readonly UnparsedRecord[],
  {
    parse,
    onInvalid,
  }: Pick<RefreshParts, 'parse'> & { readonly onInvalid: (id: string, error: PublisherError) => void },
): Promise<Article[]> {
  const results = await parse(records);
  return page.map(({ article: before }, index): Article => {
    const result = results[index];
    if (result instanceof PublisherError) onInvalid(before.id, result);
    if (result === undefined || result instanceof PublisherError) return before;
    const article = { ...(JSON.parse(jsonString(result.article.text)) as Article), publicId: before.publicId };
    // The record of an article that was withdrawn through the API does not contain the withdrawal.
    return before.withdrawn === undefined ? article : withdrawnArticle(article, before.withdrawn);
  });
}
