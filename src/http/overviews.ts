import type { RequestHandler } from 'express';
import { brokenKeyRule, KIND_SYNONYMS } from '../config/feed-keys.ts';
import type { Publication } from '../config/publication.ts';
import { excerpt } from '../errors.ts';
import { describeFeed, FORMATS, feedPath } from '../feed/feeds.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import { didYouMean, meantWord } from '../lib/nearest-word.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { ServiceStatus } from '../pages/service-status.ts';
import type { OpenProblem, OpenProblems } from '../publish/open-problems.ts';
import { FEED_KINDS, type FeedKind, type ListedFeed, type Store } from '../store/store.ts';
import { type ArticleParts, guard } from './articles.ts';
import { invalidCursor, invalidQuery, query, queryCursor, queryInteger } from './query.ts';
import { respondWithJson } from './respond.ts';

type Handler = RequestHandler<{ path: string[] }>;

/** Feeds or problems on a page: by default, and at most. */
const PAGE = { fallback: 100, min: 1, max: 500 };

/** Lists the feeds that readers can get, with what they can see in each. */
export function feedListHandler({ publication, store, now }: ArticleParts): Handler {
  const retired = new Set(publication.retired.map(({ feed }) => feed));

  return guard({ store, now })('read', async (request, response) => {
    const { cursor, limit, kind } = query(request, ['cursor', 'limit', 'kind']);
    const { feeds, next } = await store.listFeeds({
      after: cursor === undefined ? '' : keyInCursor(cursor),
      limit: queryInteger('limit', limit, PAGE),
      at: now(),
      ...(kind === undefined ? {} : { kind: kindNamed(kind) }),
    });
    const listed = feeds.filter(({ key }) => !retired.has(key)).map((feed) => feedView(feed, publication));
    respondWithJson(request, response, { body: omitUndefined({ feeds: listed, cursor: next }) });
  });
}

function feedView({ key, name, articles, newest }: ListedFeed, publication: Publication) {
  return omitUndefined({
    feed: key,
    title: describeFeed(key, name, publication).title,
    articles,
    newest: newest === undefined ? undefined : rfc3339(newest),
    addresses: Object.fromEntries(FORMATS.map((format) => [format, publication.feedsUrl + feedPath(key, format)])),
  });
}

/** The id of a feed of the operator, which may be gone by now. */
const FEED_ID = /^[\p{Ll}\p{Lo}\p{M}\p{N}-]{1,500}$/u;

/** A cursor is the key of the last feed on the page before. */
function keyInCursor(cursor: string): string {
  if (brokenKeyRule(cursor) === undefined || FEED_ID.test(cursor)) return cursor;
  throw invalidCursor(cursor, ', the name of a feed');
}

function kindNamed(text: string): FeedKind {
  const kind = FEED_KINDS.find((name) => name === text);
  if (kind !== undefined) return kind;
  const meant = meantWord(text, FEED_KINDS, KIND_SYNONYMS);
  const rule = `must be one of ${FEED_KINDS.join(', ')}${didYouMean(meant)}`;
  throw invalidQuery({ field: 'kind', value: excerpt(text), rule });
}

interface StatusParts {
  readonly store: Store;
  readonly now: () => Instant;
  readonly readStatus: () => Promise<ServiceStatus>;
}

/** Shows the state of the service: what `/status` on the operator's port has. */
export function statusHandler({ store, now, readStatus }: StatusParts): Handler {
  return guard({ store, now })('read', async (request, response) => {
    query(request, []);
    respondWithJson(request, response, { body: await readStatus() });
  });
}

interface ProblemListParts {
  readonly store: Store;
  readonly now: () => Instant;
  readonly problems: Pick<OpenProblems, 'list'> & {
    /** Ends the problems of articles that another process has changed. */
    readonly catchUp: () => Promise<void>;
  };
}

/** Lists what is refused now, newest first. */
export function problemListHandler({ store, now, problems }: ProblemListParts): Handler {
  return guard({ store, now })('read', async (request, response) => {
    const { cursor, limit } = query(request, ['cursor', 'limit']);
    const before = queryCursor(cursor, Number.MAX_SAFE_INTEGER);
    const size = queryInteger('limit', limit, PAGE);
    await problems.catchUp();
    const page = problems.list({ before, limit: size + 1 });
    const shown = page.slice(0, size);
    const next = page.length > size ? shown.at(-1)?.sequence : undefined;
    const body = { problems: shown.map(problemView), cursor: next === undefined ? undefined : String(next) };
    respondWithJson(request, response, { body: omitUndefined(body) });
  });
}

function problemView({ source, article, since, code, problems }: OpenProblem) {
  return omitUndefined({ source, article, since: rfc3339(since), code, problems });
}
