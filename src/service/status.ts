import type { Publication } from '../config/publication.ts';
import { seenInPieces } from '../document/seen-feeds.ts';
import { isStoreDamage, PublisherError } from '../errors.ts';
import { describeFeed, LATEST, type NamedKey, shortTitle } from '../feed/feeds.ts';
import type { HealthParts } from '../http/health.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type {
  ArticleCounts,
  FeedTraffic,
  Needs,
  ServiceStatus,
  StatusProblem,
  Traffic,
} from '../pages/service-status.ts';
import type { OpenProblem } from '../publish/open-problems.ts';
import type { DatedArticle, StatusCounts, Store } from '../store/store.ts';
import { type CountedFeed, reportTraffic } from '../telemetry/traffic-report.ts';
import type { DiskWatch } from './disk-watch.ts';
import type { Outbox } from './outbox.ts';
import type { ProblemReports } from './problem-reports.ts';
import { type ProcessLoad, sumLoads } from './process-load.ts';
import type { TrafficKeeper } from './traffic-keeper.ts';

interface StatusParts extends HealthParts {
  /** The one in force. */
  readonly publication: () => Publication;
  readonly version: string;
  readonly store: Pick<Store, 'damage' | 'statusCounts' | 'feedKeys' | 'seenFeeds' | 'fillingFeeds'>;
  readonly problems: Pick<ProblemReports, 'list' | 'counts' | 'catchUp'>;
  readonly disk: Pick<DiskWatch, 'look'>;
  readonly outbox: Pick<Outbox, 'read'>;
  readonly traffic: Pick<TrafficKeeper, 'read'>;
  /** How busy each process is. The processes save what they have counted before they answer. */
  readonly loads: () => Promise<readonly ProcessLoad[]>;
  readonly now: () => Instant;
}

/** Problems that a status has in full. */
const MAX_PROBLEMS = 20;
/** Milliseconds for which the number of feeds is used again. */
const COUNT_LIFETIME = 60_000;

/** Returns a function that reads what `/status` and `GET /api/status` show. Requests at once share one reading. */
export function createStatusReader(parts: StatusParts): () => Promise<ServiceStatus> {
  const countFeeds = createFeedCount(parts);
  let reading: Promise<ServiceStatus> | undefined;

  async function read(): Promise<ServiceStatus> {
    const { publication, version, store, disk, now } = parts;
    const loads = await parts.loads();
    const counted = await parts.traffic.read();
    const { facts, problem } = await disk.look();
    const at = now();
    return omitUndefined({
      at: rfc3339(at),
      publication: publication().title,
      version,
      startedAt: rfc3339(Math.min(...loads.map(({ startedAt }) => startedAt))),
      processes: loads.length,
      outage: await outageOf(parts),
      needs: await needsOf(parts, problem),
      articles: articleCounts(await ifReadable(store.statusCounts(at))),
      feeds: await countFeeds(at),
      fillingFeeds: (await ifReadable(store.fillingFeeds())) || undefined,
      outbox: await ifReadable(parts.outbox.read()),
      traffic: await named(reportTraffic(counted), parts, at),
      load: sumLoads(loads),
      store: facts,
    });
  }

  return () => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };
}

/** Why readers are not served. A damaged store serves what is whole. */
async function outageOf({ check, phase }: HealthParts): Promise<string | undefined> {
  if (phase() !== 'serving') return `The service is ${phase()}.`;
  try {
    await check();
    return undefined;
  } catch (error) {
    if (isStoreDamage(error)) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    return error instanceof PublisherError ? reason : `The store cannot be read: ${reason}.`;
  }
}

async function needsOf({ store, problems, isDegraded }: StatusParts, disk: string | undefined): Promise<Needs> {
  await ifReadable(problems.catchUp());
  return omitUndefined({
    damage: store.damage(),
    disk,
    database: isDegraded?.() === true ? 'The database cannot be reached, and changes get 503.' : undefined,
    problems: problems.list({ before: Number.MAX_SAFE_INTEGER, limit: MAX_PROBLEMS }).map(problemOf),
    problemCount: Object.values(problems.counts()).reduce((sum, count) => sum + count, 0),
  });
}

function problemOf({ source, article, since, code, problems }: OpenProblem): StatusProblem {
  return omitUndefined({
    kind: source.kind,
    path: 'path' in source ? source.path : undefined,
    key: source.kind === 'key' ? source.name : undefined,
    format: 'format' in source ? source.format : undefined,
    article,
    since: rfc3339(since),
    code,
    problems,
  });
}

/** Waits for work on the store. Resolves with undefined where the store cannot be read: the status says so elsewhere. */
async function ifReadable<Result>(work: Promise<Result>): Promise<Result | undefined> {
  try {
    return await work;
  } catch {
    return undefined; // `check` meets the error as well
  }
}

/** Zeros where the store cannot be read. */
function articleCounts(counts: StatusCounts | undefined): ArticleCounts {
  const { nextAppears, nextExpires, newest, ...numbers } = counts ?? {
    visible: 0,
    embargoed: 0,
    expired: 0,
    withdrawn: 0,
  };
  const dated = (one: DatedArticle | undefined) => one && { article: one.id, at: rfc3339(one.at) };
  return omitUndefined({
    ...numbers,
    nextAppears: dated(nextAppears),
    nextExpires: dated(nextExpires),
    newest: newest && { article: newest.id, publishedAt: rfc3339(newest.at) },
  });
}

/** How many feeds readers can get. */
function createFeedCount({ store, publication }: StatusParts): (at: Instant) => Promise<number> {
  let countedAt = Number.NEGATIVE_INFINITY;
  let count = 0;

  async function seen(at: Instant): Promise<number> {
    const retired = new Set(publication().retired.map(({ feed }) => feed));
    const keys = (await store.feedKeys()).filter((key) => !retired.has(key));
    return (await seenInPieces(store, keys, at)).length;
  }

  return async (at) => {
    if (Math.abs(at - countedAt) < COUNT_LIFETIME) return count;
    count = (await ifReadable(seen(at))) ?? 0;
    countedAt = at;
    return count;
  };
}

/** The report with the names of its feeds. */
async function named(
  report: Omit<Traffic, 'feeds'> & { readonly feeds: readonly CountedFeed[] },
  { store, publication }: StatusParts,
  at: Instant,
): Promise<Traffic> {
  const keys = report.feeds.map(({ feed }) => feed);
  const known = (await ifReadable(store.seenFeeds(keys, at))) ?? [];
  const names = new Map(known.map(({ key, name }) => [key, name]));
  return {
    ...report,
    feeds: report.feeds.map((feed) =>
      namedFeed(feed, { key: feed.feed, name: names.get(feed.feed) ?? '' }, publication()),
    ),
  };
}

function namedFeed({ feed, ...numbers }: CountedFeed, named: NamedKey, publication: Publication): FeedTraffic {
  const name = feed === LATEST ? publication.title : shortTitle(named, publication);
  return omitUndefined({ feed, name, language: languageOf(named, publication), ...numbers });
}

/** The language of a feed's name: articles name sections, topics and authors in any language. */
function languageOf({ key, name }: NamedKey, publication: Publication): string | undefined {
  const isKnown = !key.includes('/') || key.startsWith('language/');
  return isKnown ? describeFeed(key, name, publication).language : undefined;
}
