import { hash } from 'node:crypto';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeProblems, type ErrorCode, PublisherError } from '../errors.ts';
import { type FoundFeed, feedPages, findFeed } from '../ingest/import/address.ts';
import type { Validators } from '../ingest/import/download.ts';
import type { Item } from '../ingest/import/item.ts';
import type { OldFeed } from '../ingest/import/old-feeds.ts';
import { rfc3339 } from '../lib/instant.ts';
import { rememberRejectedFile, removeErasedSince } from '../service/rejected-files.ts';
import { mergeAdjustments } from './import-adjustments.ts';
import { importAll } from './import-items.ts';
import { recordOldFeeds } from './import-old-feeds.ts';
import { emptyTally, openReport, type Tally } from './import-report.ts';
import {
  fixing,
  type ImportSetup,
  noteRemains,
  pagesOf,
  picturesFor,
  setUpOrCurrent,
  summaryOf,
} from './import-setup.ts';
import { openRejected } from './rejected-file.ts';

interface RepeatSetup extends ImportSetup {
  /** Milliseconds from an import to the next. */
  readonly every: number;
}

/** An address that is imported again and again. */
interface Followed {
  /** As typed. */
  readonly given: string;
  /** Where the feed is, which a web page at the given address may have named. */
  address: string;
  /** Whether that may be in a private network. */
  mayBePrivate: boolean;
  validators: Validators;
  /** In a row. */
  failures: number;
  /** By `performance.now`. */
  dueAt: number;
  /** Whether all pages were read, so that reading may end at a page without news. */
  hasBeenRead: boolean;
  /** Visits after which pictures were missing that a later visit may copy. */
  pictureFailures: number;
  /** When all pages are read again for these pictures, by `performance.now`; Infinity if none is missing. */
  picturesDueAt: number;
  /** Digests of refused records that were reported: a feed shows them until they are fixed. */
  readonly reported: Set<string>;
  /** The notes that were printed. */
  readonly noted: Set<string>;
}

/** Longest pause after failures, in milliseconds, unless the interval or the server's Retry-After is longer. */
const MAX_BACKOFF = 60 * 60 * 1000;
const MAX_RETRY_AFTER = 24 * 60 * 60;
const MAX_REPORTED = 100_000;
/** Failures that may pass by themselves. */
const PASSING: readonly ErrorCode[] = ['unreachable_source', 'too_large', 'store_unavailable', 'insufficient_storage'];

/** Imports addresses again and again until it is stopped. Returns the exit code. */
export async function repeatImport(addresses: readonly string[], setup: RepeatSetup): Promise<number> {
  const { stop, terminal } = setup;
  const feeds = addresses.map(follow);
  while (!stop.aborted) {
    for (const feed of feeds) {
      if (feed.dueAt <= performance.now() && !stop.aborted) await visit(feed, setup);
    }
    const pause = Math.min(...feeds.map(({ dueAt }) => dueAt)) - performance.now();
    await sleep(Math.max(0, pause), undefined, { signal: stop }).catch(() => {});
  }
  terminal.err('Stopped. What was imported until then is saved.');
  return 0;
}

function follow(address: string): Followed {
  return {
    given: address,
    address,
    mayBePrivate: true,
    validators: {},
    failures: 0,
    dueAt: 0,
    hasBeenRead: false,
    pictureFailures: 0,
    picturesDueAt: Number.POSITIVE_INFINITY,
    reported: new Set(),
    noted: new Set(),
  };
}

async function visit(feed: Followed, setup: RepeatSetup): Promise<void> {
  const { stop, terminal, every, values } = setup;
  const { allowPrivate } = values;
  try {
    const { address, mayBePrivate } = feed;
    const readsAll = !feed.hasBeenRead || feed.picturesDueAt <= performance.now();
    const validators = readsAll ? {} : feed.validators;
    const found = await findFeed(address, terminal.err, { allowPrivate, mayBePrivate, signal: stop, validators });
    if (found !== undefined) {
      const { failure, isMissingPictures } = await importPages(feed, found, setup, readsAll);
      planPictures(feed, { isMissingPictures, readsAll, every });
      feed.hasBeenRead = failure === undefined;
      if (failure !== undefined) throw failure;
      feed.address = found.address;
      feed.mayBePrivate = found.mayBePrivate;
      feed.validators = found.page.validators;
    }
    feed.failures = 0;
    feed.dueAt = performance.now() + every;
  } catch (error) {
    if (stop.aborted && error === stop.reason) return;
    if (!(error instanceof PublisherError) || !PASSING.includes(error.code)) throw error;
    feed.failures += 1;
    const pause = backoff(feed.failures, every, error.retryAfter);
    feed.dueAt = performance.now() + pause;
    feed.address = feed.given; // the page may name another feed by now
    feed.mayBePrivate = true;
    feed.validators = {};
    const message = [...describeProblems(error), error.hint].filter((text) => text !== undefined).join(' ');
    terminal.err(`${rfc3339(Date.now())} ${message} The next attempt is in ${Math.round(pause / 1000)} s.`);
  }
}

function backoff(failures: number, every: number, retryAfter = 0): number {
  const pause = Math.min(every * 2 ** (failures - 1), Math.max(every, MAX_BACKOFF));
  return Math.max(pause, Math.min(retryAfter, MAX_RETRY_AFTER) * 1000);
}

interface PicturePlan {
  readonly isMissingPictures: boolean;
  readonly readsAll: boolean;
  readonly every: number;
}

/** Plans the next attempt at missing pictures. News does not wait for it: visits between go on as usual. */
function planPictures(feed: Followed, { isMissingPictures, readsAll, every }: PicturePlan): void {
  const isPlanned = feed.picturesDueAt !== Number.POSITIVE_INFINITY;
  if (isPlanned && !readsAll) return;
  feed.pictureFailures = isMissingPictures ? feed.pictureFailures + 1 : 0;
  const pause = isMissingPictures ? backoff(feed.pictureFailures, every) : Number.POSITIVE_INFINITY;
  feed.picturesDueAt = performance.now() + pause;
}

interface PagesRead {
  /** Of a page that cannot be downloaded. */
  readonly failure: PublisherError | undefined;
  /** Whether a later import may copy pictures that this one has not copied. */
  readonly isMissingPictures: boolean;
}

/** Imports the pages of a feed: all, or only as far as a page has news. */
async function importPages(
  feed: Followed,
  found: FoundFeed,
  setup: RepeatSetup,
  readsAll: boolean,
): Promise<PagesRead> {
  const { values, terminal, stop } = setup;
  const startedAt = Date.now();
  const current = await setUpOrCurrent(setup.folder, values);
  await rememberRejectedFile(current.store, resolve(values.rejected));
  const revision = await current.store.lastRevision();
  const rejected = openRejected(values.rejected, { imported: [], dryRun: false });
  const report = openReport(values.report, { startedAt, sources: [feed.given], dryRun: false });
  const total = emptyTally();
  const oldFeeds: OldFeed[] = [];
  let failure: PublisherError | undefined;
  const isWorthALine = () => total.created + total.updated + rejected.count() > 0 || !feed.hasBeenRead;
  try {
    const pictures = await picturesFor(current, setup, report, once(feed));
    const context = {
      terminal,
      rejected,
      report,
      dryRun: false,
      pictures,
      stop,
      isReported: reporter(feed),
      isNoted: once(feed, withoutNumbers),
      onOldFeeds: (found: readonly OldFeed[]) => {
        for (const each of found) oldFeeds.push(each);
      },
    };
    const options = { allowPrivate: values.allowPrivate, maxPages: pagesOf(values), signal: stop };
    for await (const page of feedPages(found, options, terminal.err)) {
      const tally = emptyTally();
      await importAll(current, [page], tally, context);
      add(total, tally);
      failure = page.failure;
      if (stop.aborted || (!readsAll && tally.created + tally.updated === 0)) break;
    }
    await recordOldFeeds(current, oldFeeds, [feed.given]);
    if (isWorthALine())
      report.close({
        tally: total,
        pictures: pictures?.counts(),
        finishedAt: Date.now(),
        isInterrupted: stop.aborted,
      });
    return { failure, isMissingPictures: pictures?.isWorthRetrying() ?? false };
  } finally {
    report.discard();
    rejected.close(false);
    if (rejected.count() > 0) noteRemains(await removeErasedSince(current, revision), terminal);
    if (isWorthALine()) terminal.out(`${rfc3339(startedAt)} ${found.address}: ${summaryOf(total)}`);
    if (rejected.count() > 0) terminal.err(fixing(rejected.count(), rejected));
  }
}

function add(total: Tally, { created, updated, unchanged, refused, erased, skipped, adjustments }: Tally): void {
  total.created += created;
  total.updated += updated;
  total.unchanged += unchanged;
  total.refused += refused;
  total.erased += erased;
  for (const [reason, count] of skipped) total.skipped.set(reason, (total.skipped.get(reason) ?? 0) + count);
  mergeAdjustments(total.adjustments, adjustments);
}

function reporter({ reported }: Followed): (item: Item) => boolean {
  return ({ file, content }) => {
    const digest = hash('sha256', 'json' in content ? content.json : JSON.stringify([file, content]));
    if (reported.has(digest)) return true;
    if (reported.size < MAX_REPORTED) reported.add(digest);
    return false;
  };
}

/** Returns whether a note was made before. */
function once({ noted }: Followed, keyOf = (note: string) => note): (note: string) => boolean {
  return (note) => {
    const text = keyOf(note);
    if (noted.has(text)) return true;
    if (noted.size < MAX_REPORTED) noted.add(text);
    return false;
  };
}

/** A note without the numbers of lines and elements, which change. Those in a title tell stories apart. */
function withoutNumbers(note: string): string {
  return note.replace(/“[^”]*”|\d+/g, (part) => (part.startsWith('“') ? part : ''));
}
