import type { Article } from '../article/article.ts';
import { articleText, withdrawnArticle } from '../article/stored.ts';
import type { Publication } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import { ownKeys, type Selection } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { jsonString } from '../lib/json.ts';
import type { FeedToBackfill, Put, Store, StoredRecord } from '../store/store.ts';
import type { ParseRecords } from './publish.ts';

/** Raised whenever `parseArticle` makes something else of the same record: stored records are then read again. */
const PARSER_VERSION = 1;

/** Articles read again in one transaction, and feeds that are offered for one. */
const BATCH = 500;

interface RefreshParts {
  readonly store: Store;
  readonly publication: Publication;
  readonly parse: ParseRecords;
  readonly now: () => Instant;
  readonly progress: (what: string, done: number, total: number) => void;
  /** Told of an article whose record does not pass any more; it stays as it was. */
  readonly keepAsItWas: (id: string, error: PublisherError) => void;
}

/**
 * Brings the store up to what the publication says now: its rules for feeds, which costs what the feeds cost whose rules
 * changed, and its addresses and its language, by which every article is read again. Costs nothing where none of them
 * changed since the last start.
 */
export async function refreshStore(parts: RefreshParts): Promise<void> {
  await backfillFeeds(parts);
  await readAgain(parts);
  await tellNewMasthead(parts);
}

/**
 * The publication by which stored articles were read last. A service that runs goes by it still, whatever
 * publication.yaml says by now; its next start finds what changed. Undefined where nobody has set the store up yet.
 */
export async function publicationInForce(store: Store, publication: Publication): Promise<Publication | undefined> {
  const reading = await store.setting('reading');
  if (reading === undefined) return undefined;
  return { ...publication, ...addressesIn(reading) };
}

/** Articles are read by another publication than the one in force: the next start reads all of them again. */
export async function forgetReading(store: Store): Promise<void> {
  await store.saveSetting('reading', '');
}

function addressesIn(reading: string): Partial<Publication> {
  if (reading === '') return {};
  const [, url, feedsUrl, language]: [number, string, string, string] = JSON.parse(reading);
  return { url, feedsUrl, language };
}

/** Fills feeds that are new or have another rule than they were filled by, and empties those that are gone. */
async function backfillFeeds({ store, publication, now, progress }: RefreshParts): Promise<void> {
  const placed = new Map((await store.rules()).map(({ id, select }) => [id, ruleText(select)]));
  const told = new Set(publication.feeds.map(({ id }) => id));
  const changed: readonly FeedToBackfill[] = [
    ...[...placed.keys()].filter((id) => !told.has(id)).map((id) => ({ id })),
    ...publication.feeds.filter(({ id, select }) => placed.get(id) !== ruleText(select)),
  ];
  // Each feed is filled at once with its rule: where this is broken off, the next start finds what is left to do.
  for (let done = 0; done < changed.length; ) {
    done += await store.backfillFeeds(changed.slice(done, done + BATCH), now);
    progress('Filling feeds by their new rules', done, changed.length);
  }
}

function ruleText({ any, all, none }: Selection): string {
  return JSON.stringify([any, all, none]);
}

/** What feeds say of themselves stands in every document. */
async function tellNewMasthead({ store, publication, now }: RefreshParts): Promise<void> {
  const masthead = JSON.stringify(publication);
  const before = await store.setting('masthead');
  if (masthead === before) return;
  if (before !== undefined) await store.touchAllFeeds(now);
  await store.saveSetting('masthead', masthead);
}

async function readAgain(parts: RefreshParts): Promise<void> {
  const { store, publication } = parts;
  const { url, feedsUrl, language } = publication;
  const reading = JSON.stringify([PARSER_VERSION, url, feedsUrl, language]);
  if ((await store.setting('reading')) === reading) return;
  // Until all is done none is in force: what is broken off here must be made up for even where the publication is changed
  // back before the next start.
  await forgetReading(store);
  await putAgain(parts);
  await store.saveSetting('reading', reading);
}

async function putAgain({ store, parse, now, progress, keepAsItWas }: RefreshParts): Promise<void> {
  const total = await store.count();
  let done = 0;
  let last = 0;
  for (;;) {
    const page = await store.page(last, BATCH);
    last = page.at(-1)?.number ?? last;
    if (page.length === 0) return;
    const articles = await parseAgain(page, parse, keepAsItWas);
    const changes = page.flatMap(({ record, revision }, index): Put[] => {
      const article = articles[index];
      if (article === undefined) return [];
      return [
        {
          kind: 'put',
          article: articleText(article),
          record: JSON.stringify(record),
          feeds: ownKeys(article),
          condition: { revisions: [revision] }, // what somebody else changed meanwhile is newer than what was read
          isReparsed: true,
        },
      ];
    });
    await store.apply(changes, now);
    done += page.length;
    progress('Reading the stored articles again', done, total);
  }
}

async function parseAgain(
  page: readonly StoredRecord[],
  parse: ParseRecords,
  keepAsItWas: RefreshParts['keepAsItWas'],
): Promise<Article[]> {
  const parsed = await parse(page.map(({ record }) => ({ record })));
  return page.map(({ article: before }, index): Article => {
    const again = parsed[index];
    if (again instanceof PublisherError) keepAsItWas(before.id, again);
    if (again === undefined || again instanceof PublisherError) return before;
    const article = { ...(JSON.parse(jsonString(again.article.text)) as Article), publicId: before.publicId };
    // Taken back through the API, an article's record does not say so.
    return before.withdrawn === undefined ? article : withdrawnArticle(article, before.withdrawn);
  });
}
