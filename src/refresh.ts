import { type Article, articleText, withdrawnArticle } from './article.ts';
import type { Publication } from './config.ts';
import { PublisherError } from './errors.ts';
import type { Selection } from './feeds.ts';
import type { Instant } from './instant.ts';
import { textOf } from './json.ts';
import type { Desk, ParseRecords } from './publish.ts';
import type { Put, Store, StoredRecord } from './store.ts';

/** Raised whenever `parseArticle` makes something else of the same record: stored records are then read again. */
const PARSER_VERSION = 1;

/** Articles read again in one transaction. */
const BATCH = 500;

interface RefreshParts {
  readonly store: Store;
  readonly publication: Publication;
  readonly parse: ParseRecords;
  readonly select: Desk['select'];
  readonly now: () => Instant;
  readonly progress: (done: number, total: number) => void;
  /** Told of an article whose record does not pass any more; it stays as it was. */
  readonly keepAsItWas: (id: string, error: PublisherError) => void;
}

/**
 * Brings stored articles up to what the publication says now: its addresses, its language, its rules for feeds. Costs
 * nothing where none of them changed since the last start.
 */
export async function refreshStore(parts: RefreshParts): Promise<void> {
  const { store, publication } = parts;
  const { url, feedsUrl, language, feeds } = publication;
  const reading = JSON.stringify([PARSER_VERSION, url, feedsUrl, language]);
  const rules = JSON.stringify(feeds.map(({ id, select }) => [id, select]));
  const sameReading = (await store.setting('reading')) === reading;
  const sameRules = (await store.setting('rules')) === rules;
  if (!sameReading || !sameRules) await placeAgain(parts, { reading, rules, sameReading, sameRules });
  await tellNewMasthead(parts);
}

/**
 * The publication by which stored articles were read and placed last. A service that runs goes by it still, whatever
 * publication.yaml says by now; its next start finds what changed. Undefined where nobody has set the store up yet.
 */
export async function publicationInForce(store: Store, publication: Publication): Promise<Publication | undefined> {
  const reading = await store.setting('reading');
  if (reading === undefined) return undefined;
  return { ...publication, ...addressesIn(reading), ...feedsIn(await store.setting('rules')) };
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

function feedsIn(rules = ''): Partial<Publication> {
  if (rules === '') return {};
  const feeds: [string, Selection][] = JSON.parse(rules);
  return { feeds: feeds.map(([id, select]) => ({ id, title: id, select })) };
}

/** What feeds say of themselves stands in every document. */
async function tellNewMasthead({ store, publication, now }: RefreshParts): Promise<void> {
  const masthead = JSON.stringify(publication);
  const before = await store.setting('masthead');
  if (masthead === before) return;
  if (before !== undefined) await store.touchAllFeeds(now());
  await store.saveSetting('masthead', masthead);
}

interface InForce {
  readonly reading: string;
  readonly rules: string;
  readonly sameReading: boolean;
  readonly sameRules: boolean;
}

async function placeAgain(parts: RefreshParts, { reading, rules, sameReading, sameRules }: InForce): Promise<void> {
  const { store, publication } = parts;
  // Until all is done nothing is in force: what is broken off here must be made up for even where the publication is
  // changed back before the next start.
  if (!sameReading) await forgetReading(store);
  if (!sameRules) await store.saveSetting('rules', '');
  await store.declareFeeds(['latest', ...publication.feeds.map(({ id }) => id)]);
  await putAgain(parts, sameReading);
  await store.saveSetting('reading', reading);
  await store.saveSetting('rules', rules);
}

async function putAgain(
  { store, parse, select, now, progress, keepAsItWas }: RefreshParts,
  sameReading: boolean,
): Promise<void> {
  const total = await store.count();
  let done = 0;
  let last = 0;
  for (;;) {
    const page = await store.page(last, BATCH);
    last = page.at(-1)?.number ?? last;
    if (page.length === 0) return;
    const articles = sameReading ? page.map(({ article }) => article) : await readAgain(page, parse, keepAsItWas);
    const changes = page.flatMap(({ record, revision }, index): Put[] => {
      const article = articles[index];
      if (article === undefined) return [];
      // What somebody else changed meanwhile is newer than what was read.
      const condition = { revisions: [revision] };
      const text = articleText(article);
      const feeds = select(article);
      const handedOver = JSON.stringify(record);
      return [{ kind: 'put', article: text, record: handedOver, feeds, changedAt: now(), condition, byNewRules: true }];
    });
    await store.apply(changes, now());
    done += page.length;
    progress(done, total);
  }
}

async function readAgain(page: readonly StoredRecord[], parse: ParseRecords, keepAsItWas: RefreshParts['keepAsItWas']) {
  const parsed = await parse(page.map(({ record }) => ({ record })));
  return page.map(({ article: before }, index): Article => {
    const again = parsed[index];
    if (again instanceof PublisherError) keepAsItWas(before.id, again);
    if (again === undefined || again instanceof PublisherError) return before;
    const article = { ...(JSON.parse(textOf(again.article.text)) as Article), publicId: before.publicId };
    // Taken back through the API, an article's record does not say so.
    return before.withdrawn === undefined ? article : withdrawnArticle(article, before.withdrawn);
  });
}
