import { hash, randomBytes } from 'node:crypto';
import { publicFeeds } from '../../document/feed-list.ts';
import { secondOf } from '../../document/representation.ts';
import { MANIFEST_FILE, manifestOf, manifestText, type SiteManifest } from '../../document/site-manifest.ts';
import { PublisherError } from '../../errors.ts';
import { type FeedKey, LATEST } from '../../feed/feeds.ts';
import { FOR_ALL } from '../../http/headers.ts';
import type { Instant } from '../../lib/instant.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import { daysUntil } from '../../pages/days.ts';
import { siteOf } from '../../pages/site.ts';
import { configurationOf } from '../../publish/refresh.ts';
import { createCounters } from '../../telemetry/counters.ts';
import type { Log } from '../../telemetry/log.ts';
import { termsHeaders } from '../../terms/statements.ts';
import { type DataFolder, mediaFolder } from '../data-folder.ts';
import { openDocuments } from '../documents.ts';
import { feedOfArchivePart } from './archive-parts.ts';
import { createFeedParts, feedPart } from './feed-parts.ts';
import { writeFixedPart, writeSitePart } from './general-parts.ts';
import { writeMediaPart } from './media-part.ts';
import { documentCaching, earliest, isCurrent, type SiteRun } from './site-run.ts';
import { openStateFile, type SiteState, type StateFile } from './site-state.ts';
import type { SiteTarget } from './site-target.ts';
import { type ManifestHead, openSiteWriter, writeText } from './site-writer.ts';

export interface WriteSiteParts {
  /** With the publication in force. The store is set up and was served. */
  readonly folder: Pick<DataFolder, 'path' | 'publication' | 'store' | 'newsroom' | 'storeFile'>;
  readonly target: SiteTarget;
  /** Of the program. */
  readonly version: string;
  readonly now: () => Instant;
  readonly log: Log;
  /** Called while feeds are written. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Ends the export early. The next one goes on. */
  readonly signal?: AbortSignal;
  /** Whether another publication is in force: documents would mix both. Then the export ends with an error. */
  readonly hasEnded?: () => Promise<boolean>;
}

export interface SiteResult {
  /** Documents that were written, each in all its codings. */
  readonly written: number;
  /** Documents that the target had already. */
  readonly unchanged: number;
  readonly removed: number;
  /** Bytes that were written, in all codings. */
  readonly bytes: number;
  /** Feeds that are being filled: they stay as they were until the next export. */
  readonly filling: number;
  /** When time alone changes a document next. */
  readonly nextChangeAt?: Instant | undefined;
}

/** Megabytes of entries and documents that are kept for other documents. */
const CACHE_MB = 32;
/** Feeds that are written at once: while one is made, others are compressed or sent. */
const WRITTEN_TOGETHER = 4;
/** Milliseconds between two times at which an export saves how far it is. */
const SAVE_INTERVAL = 2000;
/** The most languages that a page of a feed names. */
const MOST_LANGUAGES = 30;
/** Raise this number when an export writes other files for the same documents. */
const LAYOUT = 1;

/**
 * Brings a static site up to date with the store: writes what has changed since the last export to that target, in an order in
 * which no document leads to one that is not there yet; then removes what readers can see no more; then writes the manifest.
 *
 * @throws PublisherError `site_busy`, `unwritable_output`; the reason of the signal if it ends the export
 */
export async function writeSite(parts: WriteSiteParts): Promise<SiteResult> {
  const { folder, target } = parts;
  const stateFile = openStateFile(target, folder);
  await target.open();
  try {
    return await writeTo(target, stateFile, parts);
  } finally {
    await stateFile.close();
    await target.close();
  }
}

async function writeTo(target: SiteTarget, stateFile: StateFile, given: WriteSiteParts): Promise<SiteResult> {
  const { folder, version, now, log, onProgress = () => {}, signal } = given;
  const { store, publication } = folder;
  const at = now();
  const revision = await store.lastRevision();
  const configuration = hash('sha256', JSON.stringify([LAYOUT, version, configurationOf(publication)]), 'base64url');
  const rest = { generator: `feed-publisher ${version}`, address: publication.feedsUrl, headers: headersOf(folder) };
  const { manifest, digest } = await readManifest(target, rest, at);
  const wanted = { configuration, caching: documentCaching(publication), manifest: digest };
  const before = (await stateFile.isTouchedByOthers()) ? undefined : await readState(stateFile, wanted, revision);
  const isTrusted = before?.caching === wanted.caching && (await stateFile.touched()) === undefined;
  const isSame = before?.configuration === configuration;
  const state: SiteState = before && isSame ? before : { format: 1, ...wanted, run: newRun(), revision: 0, parts: {} };
  if (!isSame) await stateFile.storeRun(state.run);
  if (!isTrusted) await stateFile.touch('', []); // the target counts as touched until this export has come to its end
  const writer = await openSiteWriter({
    target,
    state: stateFile,
    manifest,
    isTrusted,
    now,
    onTooLong: (path) =>
      log.warn({ path }, `The site has no ${path}: its name is longer than the target allows. The service has it.`),
  });
  const partStates = new Map(Object.entries(state.parts));
  const documents = openDocuments(
    { ...folder, newsroom: folder.newsroom },
    {
      log,
      counters: createCounters(),
      fail: () => {}, // nothing is made that nobody waits for
      now: () => at,
      cache: CACHE_MB,
      onExternalChanges: () => {},
      onUnrenderable: () => {},
      // Each export has documents of its own, and looks for changes by itself.
      externalChanges: { mayHaveExternalChanges: () => false, takeExternallyChangedFeeds: async () => [] },
      ...(given.hasEnded === undefined ? {} : { hasEnded: given.hasEnded }),
    },
  );
  const siteRun: SiteRun = {
    ...{ store, publication, at, revision, target, writer },
    documentCache: documents.documentCache,
    parts: partStates,
    throwIfStopped: () => signal?.throwIfAborted(),
  };
  const save = (changes: Partial<SiteState>) =>
    stateFile.save({ ...state, parts: Object.fromEntries(partStates), ...changes });
  try {
    await writeFixedPart(siteRun);
    await writeMediaPart(siteRun, mediaFolder(folder));
    const filling = await writeFeeds(siteRun, state.revision, { onProgress, save: () => save({}) });
    await writeSitePart(siteRun, folder.path);
    const manifestDigest = await writer.end(rest);
    // Without a change, the store needs no transaction.
    const isNew = revision !== state.revision || manifestDigest !== digest;
    const run = isNew ? newRun() : state.run;
    await save({ caching: wanted.caching, run, revision, manifest: manifestDigest });
    if (isNew) await stateFile.storeRun(run);
    await stateFile.forgetTouched();
    const { written, removed, bytes } = writer.counts();
    const nextChangeAt = earliest(partStates.values().map(({ until }) => until));
    return { written, unchanged: writer.documents() - written, removed, bytes, filling, nextChangeAt };
  } catch (error) {
    await save({});
    throw error;
  } finally {
    await documents.documentCache.close();
  }
}

interface FeedsOptions {
  readonly onProgress: (done: number, total: number) => void;
  readonly save: () => Promise<void>;
}

/** Writes the feeds that have changed. Returns how many are being filled. */
async function writeFeeds(run: SiteRun, since: number, { onProgress, save }: FeedsOptions): Promise<number> {
  const { publication, store, at, writer, parts, throwIfStopped } = run;
  const feedParts = createFeedParts(run);
  const gone = new Set(publication.retired.map(({ feed }) => feed));
  const visible = (await publicFeeds({ store, publication }, at)).map(({ key }) => key).filter((key) => !gone.has(key));
  const surroundings = await surroundingsOf(run);
  const hasChanged = await changedFeeds(run, since);
  const known = visible.filter((key) => parts.has(feedPart(key)));
  const added = visible.filter((key) => !parts.has(feedPart(key)));
  const changed = known.filter((key) => hasChanged(key));
  const rewritten = new Set(changed);
  const hasOldPage = (key: FeedKey) => !rewritten.has(key) && parts.get(feedPart(key))?.version !== surroundings;
  const pages = publication.pages === undefined ? [] : known.filter(hasOldPage);
  const total = added.length + changed.length + pages.length;
  let done = 0;
  let filling = 0;
  let savedAt = performance.now();
  const each = async (write: () => Promise<void>) => {
    throwIfStopped();
    if (await isFilling(write)) filling += 1;
    done += 1;
    onProgress(done, total);
    if (performance.now() - savedAt < SAVE_INTERVAL) return;
    savedAt = Number.POSITIVE_INFINITY; // one at a time
    await save();
    savedAt = performance.now();
  };
  const writeEach = (keys: readonly FeedKey[]) =>
    together(keys, (key) => each(() => feedParts.write(key, surroundings)));
  // New feeds come first: pages of the others lead to them.
  await writeEach(added);
  await writeEach(changed);
  await together(pages, (key) => each(() => feedParts.writePage(key, surroundings)));
  const waiting = await fillingFeeds(run, new Set(visible));
  const shown = new Set([...visible, ...waiting]);
  for (const name of writer.parts()) {
    const key = name.startsWith('feeds/') ? name.slice('feeds/'.length) : feedOfArchivePart(name);
    if (key !== undefined && !shown.has(key)) await feedParts.drop(key);
  }
  return filling + waiting.length;
}

/** The operator's feeds that are being filled: lists do not name them, and what the target has of them stays. */
async function fillingFeeds(run: SiteRun, visible: ReadonlySet<FeedKey>): Promise<FeedKey[]> {
  const { store, publication, at } = run;
  if ((await store.fillingFeeds()) === 0) return [];
  const waiting: FeedKey[] = [];
  for (const { id } of publication.feeds) {
    if (visible.has(id)) continue;
    if (await isFilling(async () => void (await store.snapshot(id, at, { limit: 1, tombstonesFor: 0 }))))
      waiting.push(id);
  }
  return waiting;
}

/** Works on several items at a time, in their order. Resolves or rejects when no work is under way any more. */
async function together<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = items.values();
  const failures: unknown[] = [];
  const worker = async () => {
    for (const item of left) {
      if (failures.length > 0) return;
      await work(item).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: WRITTEN_TOGETHER }, worker));
  if (failures.length > 0) throw failures[0];
}

/** A feed that is being filled has no documents: what the target has of it stays. */
async function isFilling(write: () => Promise<void>): Promise<boolean> {
  try {
    await write();
    return false;
  } catch (error) {
    if (error instanceof PublisherError && error.code === 'feed_filling') return true;
    throw error;
  }
}

/** Returns a function that says whether a feed has changed since it was exported. */
async function changedFeeds({ store, at, parts }: SiteRun, since: number): Promise<(key: FeedKey) => boolean> {
  const changes = new Map<number, ReadonlySet<FeedKey>>();
  // Feeds that an interrupted export has finished are newer than the last whole export.
  const revisions = new Set([since, ...parts.values().map(({ revision = since }) => revision)]);
  for (const revision of revisions) changes.set(revision, new Set(await store.feedsChangedAfter(revision)));
  return (key) => {
    const part = parts.get(feedPart(key));
    return !isCurrent(part, at) || changes.get(Math.max(since, part?.revision ?? since))?.has(key) === true;
  };
}

/** Names what the page of every feed shows of other feeds: the days of its chart, and the languages that there are. */
async function surroundingsOf({ store, publication, at }: SiteRun): Promise<string> {
  if (publication.pages === undefined) return '';
  const latest = await store.snapshot(LATEST, at, { limit: 1, tombstonesFor: 0 });
  const newest = latest?.entries[0]?.publishedAt;
  const days = newest === undefined ? [] : daysUntil(newest, publication.timeZone);
  const languages = await store.feedsOfKind('language', at, MOST_LANGUAGES);
  return hash('sha256', JSON.stringify([days.at(0), days.at(-1), languages]), 'base64url').slice(0, 12);
}

/** The manifest of a target. A new target gets an empty one, so that the next export knows the target for its own. */
async function readManifest(
  target: SiteTarget,
  rest: ManifestHead,
  at: Instant,
): Promise<{ readonly manifest: SiteManifest; readonly digest: string }> {
  const text = (await target.read(MANIFEST_FILE))?.toString();
  const known = text === undefined ? undefined : manifestOf(text);
  if (text !== undefined && known !== undefined) return { manifest: known, digest: hash('sha256', text, 'hex') };
  const manifest: SiteManifest = { format: 1, ...rest, documents: 0, bytes: 0, parts: [] };
  const empty = manifestText(manifest);
  await writeText(target, MANIFEST_FILE, { text: empty, modifiedAt: secondOf(at) });
  return { manifest, digest: hash('sha256', empty, 'hex') };
}

/** Undefined where nothing is known that holds: then every document is made, and written. */
async function readState(
  stateFile: StateFile,
  { manifest }: Pick<SiteState, 'manifest'>,
  revision: number,
): Promise<SiteState | undefined> {
  const state = await stateFile.read();
  if (state === undefined || state.revision > revision) return undefined;
  if (state.manifest !== manifest) return undefined; // somebody else has written into the target, or restored it
  return state.run === (await stateFile.storedRun()) ? state : undefined;
}

function newRun(): string {
  return randomBytes(8).toString('hex');
}

/** The headers with which the service answers, for the configuration of a server. */
function headersOf({ publication }: WriteSiteParts['folder']): SiteManifest['headers'] {
  const terms = termsHeaders(publication);
  const policy = publication.pages === undefined ? undefined : siteOf(publication).hosts.policy;
  return omitUndefined({
    all: FOR_ALL,
    feeds: terms,
    pages: policy === undefined ? undefined : { ...terms, 'Content-Security-Policy': policy },
  });
}
