import { hash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Article } from '../article/article.ts';
import { articleText, withdrawnArticle } from '../article/stored.ts';
import type { Publication } from '../config/publication.ts';
import { type Problem, PublisherError } from '../errors.ts';
import { partnerFeedKey } from '../feed/dialects.ts';
import { type FeedRule, ownKeys, type Selection } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import { jsonString } from '../lib/json.ts';
import {
  CONFIGURED_AT,
  type FeedToBackfill,
  type LocalSetting,
  type Put,
  type Store,
  type StoredRecord,
} from '../store/store.ts';
import type { ParseRecords } from './publish.ts';
import { type UnparsedRecord, unparsedRecord } from './unparsed-record.ts';

/** Raise this number whenever `parseArticle` makes another article of the same record: all records are then parsed again. */
const PARSER_VERSION = 4;

/** Articles parsed in one transaction, and feeds offered to one backfill. */
const BATCH = 500;
/** Entries to read at a start before the first request, about a second's work. Feeds that need more are filled later. */
const WORK_AT_START = 1_000_000;
/** The same for each of the batches after the first: with ten thousand new feeds, there are twenty. */
const WORK_OF_LATER_BATCH = 100_000;
/** The same for a reload, during which requests are answered: feeds, and entries, of one transaction of about 5 ms. */
const RELOAD = { feeds: 25, entries: 2500 };
/** Milliseconds between two transactions of a reload. */
const PAUSE = 20;

/** The store's settings: the publication of the documents, and the parser version and addresses of all articles. */
const PUBLICATION = 'masthead';
const PARSED_WITH = 'reading';
/** The setting that names the publication in force. */
const CONFIGURATION = 'configuration';
/** The setting that names what the files of this machine said when it looked last: only another change of them counts as one. */
export const FILES_SEEN: LocalSetting = 'publication-seen';
/** The setting with the whole publication in force, as JSON, where machines share the store. */
const SHARED_PUBLICATION = 'publication';

interface RefreshParts {
  readonly store: Store;
  readonly publication: Publication;
  readonly parse: ParseRecords;
  readonly now: () => Instant;
  readonly progress: (what: string, done: number, total: number) => void;
  /** Whether other machines have the same store: they learn of the whole publication from it. */
  readonly isShared?: boolean;
  /** Receives an article whose record is no longer valid, and its revision. The article stays as it was. */
  readonly onInvalid: (id: string, error: PublisherError, revision: number) => void;
}

/**
 * Updates the store to the publication. A start calls it before it serves.
 *
 * - Changed rules of feeds or partners: fills the feeds of these rules. Feeds that would hold up the start are left to `fillFeeds` of the store.
 * - Changed addresses or language: parses every stored record again.
 * - Any other change: marks every feed as changed.
 * - Changed sizes of documents: the store divides histories by them from now on.
 *
 * An interrupted update continues at the next start.
 */
export async function refreshStore(parts: RefreshParts): Promise<void> {
  await backfillFeeds(parts);
  await reparseIfNeeded(parts);
  await configure(parts);
}

/**
 * Why a publication cannot replace another one while the service runs; undefined if it can. Every stored record is parsed
 * with these fields: while that takes its time, documents would mix both publications.
 */
export function restartProblems(before: Publication, after: Publication): Problem[] {
  const rule =
    'takes effect at the next start only, because every stored record is read again with it: restart the service';
  const fields = (['url', 'feedsUrl', 'language'] as const).filter((field) => before[field] !== after[field]);
  return fields.map((field) => ({ field, value: after[field], rule }));
}

/** To name a publication with ten thousand partners takes 30 ms. */
const names = new WeakMap<Publication, string>();

/** The name of a publication: another one has another name. */
export function configurationOf(publication: Publication): string {
  const name = names.get(publication) ?? hash('sha256', publicationText(publication), 'base64url');
  names.set(publication, name);
  return name;
}

/** The name of the publication that is in force, whichever process has put it there. */
export function configurationInForce(store: Pick<Store, 'setting'>): Promise<string | undefined> {
  return store.setting(CONFIGURATION);
}

/**
 * Puts a publication in force while the service runs, in one transaction. Feeds that are new, or have a new rule, are known to
 * the store before, if they are many; feeds that are removed, afterwards: no document shows a feed that its publication does
 * not have.
 *
 * @param onReplaced called when the publication is in force, before the process does anything else
 */
export async function replacePublication(
  { store, publication, now, isShared }: Pick<RefreshParts, 'store' | 'publication' | 'now' | 'isShared'>,
  onReplaced: () => void,
): Promise<void> {
  const { added, changed, removed } = await changedRules(store, publication);
  const pieces = chunks([...added, ...changed], RELOAD.feeds);
  const last = pieces.pop() ?? [];
  for (const piece of pieces) {
    await store.backfillFeeds(piece, now, RELOAD.entries);
    await sleep(PAUSE);
  }
  const configuration = settingsOf(publication, now(), isShared);
  const isVisible = (await store.setting(PUBLICATION)) !== configuration.settings[PUBLICATION];
  await store.configure({ ...configuration, rules: last, most: RELOAD.entries, isVisible }, now);
  onReplaced();
  for (const piece of chunks(removed, RELOAD.feeds)) {
    await store.backfillFeeds(piece, now, RELOAD.entries);
    await sleep(PAUSE);
  }
}

/**
 * The publication with which the stored articles were parsed. A running service uses it, whatever publication.yaml says
 * by now, until its next start. Undefined where no start has set the store up yet.
 */
export async function publicationInForce(
  store: Pick<Store, 'setting'>,
  publication: Publication,
): Promise<Publication | undefined> {
  const parsedWith = await store.setting(PARSED_WITH);
  if (parsedWith === undefined) return undefined;
  return { ...publication, ...addressesIn(parsedWith) };
}

/**
 * The publication that a start or a reload put into the documents, without what no document shows. Undefined where none has.
 */
export async function storedPublication(store: Pick<Store, 'setting'>): Promise<Partial<Publication> | undefined> {
  const stored = await store.setting(PUBLICATION);
  return stored === undefined ? undefined : (JSON.parse(stored) as Partial<Publication>);
}

/** Remembers what the files of this machine say. */
export async function rememberFiles(store: Pick<Store, 'saveSetting'>, files: Publication): Promise<void> {
  await store.saveSetting(FILES_SEEN, configurationOf(files));
}

/** The whole publication in force, where machines share the store. Undefined where none has been put in force yet. */
export async function sharedPublication(store: Pick<Store, 'setting'>): Promise<Publication | undefined> {
  const text = await store.setting(SHARED_PUBLICATION);
  return text === undefined ? undefined : publicationIn(text);
}

/** The one name of an object that stands for a map: JSON has none, and the patterns of redirects have. */
const MAP = '@map';

function publicationText(publication: Publication): string {
  return JSON.stringify(publication, (_, value: unknown) => (value instanceof Map ? { [MAP]: [...value] } : value));
}

function publicationIn(text: string): Publication {
  const publication: Publication = JSON.parse(text, (_, value: unknown) =>
    isMapText(value) ? new Map(value[MAP]) : value,
  );
  return publication;
}

function isMapText(value: unknown): value is { readonly [MAP]: readonly (readonly [unknown, unknown])[] } {
  return typeof value === 'object' && value !== null && MAP in value && Array.isArray(value[MAP]);
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
  const { added, changed, removed } = await changedRules(store, publication);
  const all = [...removed, ...added, ...changed];
  let most = WORK_AT_START;
  // The store saves a feed's rule in the transaction that fills the feed: the next start finds the feeds that are left.
  for (let done = 0; done < all.length; ) {
    done += await store.backfillFeeds(all.slice(done, done + BATCH), now, most);
    most = WORK_OF_LATER_BATCH;
    progress('Reading the new rules of feeds', done, all.length);
  }
}

interface ChangedRules {
  readonly added: readonly FeedToBackfill[];
  readonly changed: readonly FeedToBackfill[];
  readonly removed: readonly FeedToBackfill[];
}

async function changedRules(store: Pick<Store, 'rules'>, publication: Publication): Promise<ChangedRules> {
  const feeds = rulesOf(publication);
  const stored = new Map((await store.rules()).map(({ id, select }) => [id, ruleText(select)]));
  const defined = new Set(feeds.map(({ id }) => id));
  return {
    added: feeds.filter(({ id }) => !stored.has(id)),
    changed: feeds.filter(({ id, select }) => stored.has(id) && stored.get(id) !== ruleText(select)),
    removed: [...stored.keys()].filter((id) => !defined.has(id)).map((id) => ({ id })),
  };
}

/** The feeds that the publication defines, and the partners' own selections. */
function rulesOf({ feeds, partners = [] }: Publication): readonly FeedRule[] {
  return [
    ...feeds,
    ...partners.flatMap(({ id, select }) => (select === undefined ? [] : [{ id: partnerFeedKey(id), select }])),
  ];
}

function ruleText({ any, all, none }: Selection): string {
  return JSON.stringify([any, all, none]);
}

/** Puts the publication in force where another one is. */
async function configure({ store, publication, now, isShared }: RefreshParts): Promise<void> {
  const configuration = settingsOf(publication, now(), isShared);
  const { settings } = configuration;
  const before = await store.setting(PUBLICATION);
  const isSame = before === settings[PUBLICATION] && (await configurationInForce(store)) === settings[CONFIGURATION];
  const isKnown = isShared !== true || (await store.setting(SHARED_PUBLICATION)) !== undefined;
  if (isSame && isKnown) return;
  const isVisible = before !== undefined && before !== settings[PUBLICATION];
  await store.configure({ ...configuration, rules: [], most: 0, isVisible }, now);
}

/** What the store keeps of a publication besides its rules. */
function settingsOf(publication: Publication, at: Instant, isShared = false) {
  const { entries, feeds } = publication;
  const own = feeds.flatMap(({ id, entries: size }) => (size === undefined ? [] : [[id, size] as const]));
  // No document for readers contains these, as far as it is about feeds.
  const { origins, auditDays, deliveryDays, media, redirects, builtInRedirects, partners, ...parts } = publication;
  const settings: Record<string, string> = {
    ...(isShared ? { [SHARED_PUBLICATION]: publicationText(publication) } : {}),
    [PUBLICATION]: JSON.stringify(parts),
    [CONFIGURATION]: configurationOf(publication),
    [CONFIGURED_AT]: String(at),
  };
  return { sizes: { entries, feeds: own }, settings };
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

function chunks<Item>(items: readonly Item[], size: number): (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
