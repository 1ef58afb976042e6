import type { Request, RequestHandler, Response } from 'express';
import { brokenKeyRule, normalKey } from '../config/feed-keys.ts';
import type { Publication } from '../config/publication.ts';
import { type Problem, PublisherError } from '../errors.ts';
import type { FeedKey } from '../feed/feeds.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import type { Line } from '../lib/lines.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { composed } from '../lib/text.ts';
import { feedMemberships, statusOf } from '../publish/membership.ts';
import type { Published, Publisher, Submission } from '../publish/publish.ts';
import type { Actor, ListedRecord, Scope, Store, StoredKey, StoredRecord } from '../store/store.ts';
import { authorize } from './authorization.ts';
import { readBody, readLines } from './body.ts';
import { conditionFailed, conditionOf } from './change-conditions.ts';
import {
  brokenFeedProblem,
  emptyFeedProblem,
  invalidQuery,
  query,
  queryCursor,
  queryInteger,
  queryStatus,
} from './query.ts';
import { beginLines, cutOff, respondWithJson } from './respond.ts';

export interface ArticleParts {
  readonly publication: Publication;
  readonly store: Store;
  readonly now: () => Instant;
}

interface ChangeParts {
  readonly store: Store;
  readonly publisher: Publisher;
  /** Milliseconds within which a record, or one line of a bulk request, must arrive. */
  readonly bodyDeadline: number;
}

type Handler = RequestHandler<{ path: string[] }>;

/** The handlers that change articles: publish one, withdraw one, publish many. */
export type ChangeHandlers = Readonly<Record<'put' | 'withdraw' | 'bulk', Handler>>;

/** Records of a bulk request in one transaction. */
const BULK_BATCH = 200;
/** Articles on a page of the list: by default, and at most. */
const PAGE = 50;
const MAX_PAGE = 500;

type Handle = (request: Request<{ path: string[] }>, response: Response, key: StoredKey) => Promise<void>;

/** Wraps a handler so that it runs only for requests with an API key of that scope. */
export function guard(store: Store): (scope: Scope, handle: Handle) => Handler {
  return (scope, handle) => async (request, response) => {
    await handle(request, response, await authorize(store, request, scope));
  };
}

/** The handlers that read articles. */
export function articleHandlers({ publication, store, now }: ArticleParts) {
  const guarded = guard(store);

  const read = guarded('read', async (request, response) => {
    const path = request.params.path;
    // If the id itself ends in /feeds, the client encodes that slash.
    if (path.length > 1 && path.at(-1) === 'feeds') {
      const stored = await find(idIn(path.slice(0, -1)));
      const feeds = await feedMemberships(stored, { store, publication, at: now() });
      return respondWithJson(request, response, { body: { id: stored.article.id, feeds } });
    }
    const stored = await find(idIn(path));
    respondWithJson(request, response, {
      body: articleView(stored, now()),
      headers: { ETag: etagOf(stored.revision) },
    });
  });

  const list = guarded('read', async (request, response) => {
    const { cursor, limit, feed, status } = query(request, ['cursor', 'limit', 'feed', 'status']);
    const at = now();
    const key = feed === undefined ? undefined : await feedNamed(feed, at);
    const { articles, next } = await store.list({
      after: queryCursor(cursor),
      limit: queryInteger('limit', limit, { fallback: PAGE, min: 1, max: MAX_PAGE }),
      at,
      ...(key === undefined ? {} : { feed: key }),
      ...(status === undefined ? {} : { status: queryStatus(status) }),
    });
    if (articles.length === 0 && key !== undefined) await refuseMistypedFeed(key, at);
    respondWithJson(request, response, {
      body: {
        articles: articles.map((listed) => articleView(listed, at)),
        ...(next === undefined ? {} : { cursor: String(next) }),
      },
    });
  });

  /** @throws PublisherError `invalid_query` for a name that no feed can have */
  async function feedNamed(text: string, at: Instant): Promise<FeedKey> {
    const key = normalKey(text);
    const rule = publication.feeds.some(({ id }) => id === key) ? undefined : brokenKeyRule(key);
    if (rule !== undefined) throw invalidQuery(brokenFeedProblem(key, rule, await knownFeeds(at)));
    return key;
  }

  /** An empty list is the answer for a feed whose articles have another status, and hides a typing mistake. */
  async function refuseMistypedFeed(key: FeedKey, at: Instant): Promise<void> {
    const { articles } = await store.list({ after: 0, limit: 1, at, feed: key });
    const problem = articles.length > 0 ? undefined : emptyFeedProblem(key, await knownFeeds(at));
    if (problem !== undefined) throw invalidQuery(problem);
  }

  async function knownFeeds(at: Instant): Promise<readonly FeedKey[]> {
    const named = (await store.feeds(at)).map(({ key }) => key);
    return [...named, ...publication.feeds.map(({ id }) => id)];
  }

  async function find(id: string): Promise<StoredRecord> {
    const stored = await store.find(id);
    if (stored === undefined) throw articleNotFound(id);
    return stored;
  }

  return { read, list };
}

/** The handlers that publish and withdraw articles. */
export function changeHandlers({ store, publisher, bodyDeadline }: ChangeParts): ChangeHandlers {
  const guarded = guard(store);

  const put = guarded('write', async (request, response, key) => {
    const id = idIn(request.params.path);
    const json = await readBody(request, bodyDeadline);
    const [result] = await publisher.publish([
      omitUndefined({ json, id, condition: conditionOf(request.headers), actor: actorOf(key) }),
    ]);
    const { outcome } = accepted(result);
    if (outcome.result === 'condition-failed') throw conditionFailed(id, outcome.revision, request.headers);
    respondWithJson(request, response, {
      status: outcome.result === 'created' ? 201 : 200,
      body: { id, result: outcome.result, revision: outcome.revision },
      headers: { ETag: etagOf(outcome.revision) },
    });
  });

  const withdraw = guarded('write', async (request, response, key) => {
    const id = idIn(request.params.path);
    const { reason } = query(request, ['reason']);
    const [outcome] = await publisher.withdraw([
      omitUndefined({ id, reason, condition: conditionOf(request.headers), actor: actorOf(key) }),
    ]);
    if (outcome === undefined || outcome.result === 'absent') throw articleNotFound(id);
    if (outcome.result === 'condition-failed') throw conditionFailed(id, outcome.revision, request.headers);
    respondWithJson(request, response, {
      body: { id, result: outcome.result, revision: outcome.revision },
      headers: { ETag: etagOf(outcome.revision) },
    });
  });

  const bulk = guarded('write', async (request, response, key) => {
    const groups = readLines(request, bodyDeadline); // throws before the response begins
    const send = beginLines(response);
    try {
      for await (const group of groups) {
        for (let start = 0; start < group.length; start += BULK_BATCH) {
          await send(await publishLines(publisher, group.slice(start, start + BULK_BATCH), actorOf(key)));
        }
      }
      response.end();
    } catch (error) {
      if (!(error instanceof PublisherError)) throw error;
      await send([refusalView(error)]);
      cutOff(response); // without a proper end, so that the client does not take the results for complete
    }
  });

  return { put, withdraw, bulk };
}

/** Publishes lines, and returns one result for each, in their order. */
async function publishLines(publisher: Publisher, lines: readonly Line[], actor: Actor): Promise<unknown[]> {
  const submissions = lines.flatMap(({ bytes }): Submission[] =>
    bytes === undefined ? [] : [{ json: bytes, isCompacted: true, actor }],
  );
  const results = (await publishOrRefuse(publisher, submissions)).values();
  return lines.map(({ number: line, bytes }) => {
    const result = bytes === undefined ? { refused: LINE_TOO_LARGE } : results.next().value;
    if (result === undefined) throw new Error('the publisher returned fewer results than it received records');
    if ('refused' in result) return { line, ...refusalView(result.refused, line) };
    const { id, result: outcome, revision } = result.outcome;
    return { line, id, result: outcome, revision };
  });
}

const LINE_TOO_LARGE = new PublisherError('too_large', 'The line is longer than a record may be.');

/** The response has begun: an error that concerns all lines, such as a full disk, is reported for each of them. */
async function publishOrRefuse(
  publisher: Publisher,
  submissions: readonly Submission[],
): Promise<readonly Published[]> {
  try {
    return await publisher.publish(submissions);
  } catch (error) {
    if (!(error instanceof PublisherError)) throw error;
    return submissions.map(() => ({ refused: error }));
  }
}

function actorOf({ id, name }: StoredKey): Actor {
  return { kind: 'key', id, name };
}

interface RefusalView {
  readonly result: 'refused';
  readonly code: string;
  readonly title: string;
  readonly problems: readonly Problem[];
}

/** @param line the line of the request: a record is one line, so that a position in it is a column of this line */
function refusalView(error: PublisherError, line?: number): RefusalView {
  const problems = line === undefined ? error.problems : error.problems.map((problem) => ({ ...problem, line }));
  return { result: 'refused', code: error.code, title: error.message, problems };
}

/** An article as the API returns it. */
function articleView(stored: ListedRecord, at: Instant) {
  const { article, revision, record } = stored;
  return {
    id: article.id,
    publicId: article.publicId,
    revision,
    status: statusOf(stored, at),
    publishedAt: rfc3339(article.publishedAt),
    ...(article.withdrawn === undefined
      ? {}
      : { withdrawn: { ...article.withdrawn, at: rfc3339(article.withdrawn.at) } }),
    record,
  };
}

function idIn(path: readonly string[]): string {
  return composed(path.join('/'));
}

function accepted(result: Published | undefined): Extract<Published, { outcome: unknown }> {
  if (result === undefined) throw new Error('the publisher returned no result for a record');
  if ('refused' in result) throw result.refused;
  return result;
}

/** The ETag of an article's revision. */
function etagOf(revision: number): string {
  return `"${revision}"`;
}

function articleNotFound(id: string): PublisherError {
  return new PublisherError('article_not_found', `There is no article “${id.slice(0, 120)}”.`);
}
