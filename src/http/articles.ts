import type { Request, RequestHandler, Response } from 'express';
import { brokenKeyRule, normalKey } from '../config/feed-keys.ts';
import type { Publication } from '../config/publication.ts';
import { excerpt, PublisherError } from '../errors.ts';
import type { FeedKey } from '../feed/feeds.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { composed } from '../lib/text.ts';
import type { PartnerAnswers } from '../partner/documents.ts';
import type { PartnerMembership } from '../partner/memberships.ts';
import { feedMemberships, statusOf } from '../publish/membership.ts';
import type { ApiScope, AuditEntry, ListedRecord, Store, StoredKey, StoredRecord } from '../store/store.ts';
import { authorize, type KeyCheck } from './authorization.ts';
import {
  brokenFeedProblem,
  emptyFeedProblem,
  invalidQuery,
  meantView,
  query,
  queryCursor,
  queryInteger,
  queryStatus,
  queryView,
  VIEWS,
  type View,
} from './query.ts';
import { respondWithJson } from './respond.ts';

export interface ArticleParts {
  readonly publication: Publication;
  readonly store: Store;
  readonly now: () => Instant;
  readonly partnerDocuments?: PartnerAnswers;
}

export type Handler = RequestHandler<{ path: string[] }>;

/** Articles on a page of the list: by default, and at most. */
const PAGE = 50;
const MAX_PAGE = 500;

type Handle = (request: Request<{ path: string[] }>, response: Response, key: StoredKey) => Promise<void>;

/** Wraps a handler so that it runs only for requests with an API key of that scope. */
export function guard({ store, now }: KeyCheck): (scope: ApiScope, handle: Handle) => Handler {
  return (scope, handle) => async (request, response) => {
    await handle(request, response, await authorize({ store, now }, request, scope));
  };
}

/** The handlers that read articles. */
export function articleHandlers({ publication, store, now, partnerDocuments }: ArticleParts) {
  const guarded = guard({ store, now });

  const read = guarded('read', async (request, response) => {
    const { view: named } = query(request, ['view']);
    const { stored, view } = await find(request.params.path, named === undefined ? undefined : queryView(named));
    const { id } = stored.article;
    if (view === 'feeds') {
      const feeds = await feedMemberships(stored, { store, publication, at: now() });
      const partners = await partnersOf(stored);
      return respondWithJson(request, response, { body: omitUndefined({ id, feeds, partners }) });
    }
    if (view === 'history') {
      const history = await store.history(id);
      return respondWithJson(request, response, { body: { id, history: history.map(historyView) } });
    }
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

  /** Undefined where the publication has no partners. */
  async function partnersOf(stored: StoredRecord): Promise<readonly PartnerMembership[] | undefined> {
    if (publication.partners === undefined) return undefined;
    return partnerDocuments?.memberships(stored, new Set(await store.memberships(stored.number)));
  }

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

  /** The article whose id is the whole path; else the one before `/feeds` or `/history`, with that view. */
  async function find(
    path: readonly string[],
    named: View | undefined,
  ): Promise<{ stored: StoredRecord; view?: View }> {
    const stored = await store.find(idIn(path));
    if (stored !== undefined) return omitUndefined({ stored, view: named });
    const view = path.length > 1 && named === undefined ? VIEWS.find((name) => name === path.at(-1)) : undefined;
    const id = idIn(view === undefined ? path : path.slice(0, -1));
    const owner = view === undefined ? undefined : await store.find(id);
    if (owner === undefined) throw articleNotFound(id, await meantAddress(path));
    return omitUndefined({ stored: owner, view });
  }

  /** The view of an article that a mistyped last part probably means: `/history` for `/hystory`. */
  async function meantAddress(path: readonly string[]): Promise<string | undefined> {
    const view = path.length > 1 ? meantView(path.at(-1) ?? '') : undefined;
    const owner = path.slice(0, -1);
    if (view === undefined || (await store.find(idIn(owner))) === undefined) return undefined;
    return `/api/articles/${articlePath(idIn(owner))}/${view}`;
  }

  return { read, list };
}

/** An article as the API returns it. */
function articleView(stored: ListedRecord, at: Instant) {
  const { article, revision, record } = stored;
  return {
    id: article.id,
    publicId: article.publicId,
    revision,
    status: statusOf(article, at),
    ...(stored.isErased === true ? { erased: true } : {}),
    publishedAt: rfc3339(article.publishedAt),
    ...(article.withdrawn === undefined
      ? {}
      : { withdrawn: { ...article.withdrawn, at: rfc3339(article.withdrawn.at) } }),
    record,
  };
}

/** A change as the API returns it. */
function historyView({ what, at, revision, by, status, until, reason }: AuditEntry) {
  const end = until === undefined ? undefined : rfc3339(until);
  return omitUndefined({ what, at: rfc3339(at), revision, by, status, until: end, reason });
}

export function idIn(path: readonly string[]): string {
  return composed(path.join('/'));
}

/** An article's id in an address. A slash that would not arrive as it is written is encoded. */
export function articlePath(id: string): string {
  const parts = id.split('/');
  const isPlain = parts.every((part) => part !== '' && part !== '.' && part !== '..');
  return isPlain ? parts.map(encodeURIComponent).join('/') : encodeURIComponent(id);
}

/** The ETag of an article's revision. */
export function etagOf(revision: number): string {
  return `"${revision}"`;
}

/** @param meant the address that the request probably means */
export function articleNotFound(id: string, meant?: string): PublisherError {
  const hint = meant === undefined ? 'GET /api/articles lists all articles with their ids.' : `Did you mean ${meant}?`;
  return new PublisherError('article_not_found', `There is no article “${excerpt(id)}”.`, { hint });
}
