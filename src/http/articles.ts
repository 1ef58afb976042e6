import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import type { Publication } from '../config/publication.ts';
import { excerpt, type Problem, PublisherError } from '../errors.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import { composed } from '../lib/text.ts';
import { feedMemberships, statusOf } from '../publish/membership.ts';
import {
  type ListedRecord,
  type Scope,
  STATUSES,
  type Status,
  type Store,
  type StoredKey,
  type StoredRecord,
} from '../store/store.ts';
import { authorize } from './authorization.ts';
import { respondWithJson } from './respond.ts';

export interface ArticleParts {
  readonly publication: Publication;
  readonly store: Store;
  readonly now: () => Instant;
}

export type Handler = RequestHandler<{ path: string[] }>;

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
    const { articles, next } = await store.list({
      after: queryInteger('cursor', cursor, { fallback: 0, min: 0, max: Number.MAX_SAFE_INTEGER }),
      limit: queryInteger('limit', limit, { fallback: PAGE, min: 1, max: MAX_PAGE }),
      at,
      ...(feed === undefined ? {} : { feed }),
      ...(status === undefined ? {} : { status: statusNamed(status) }),
    });
    respondWithJson(request, response, {
      body: {
        articles: articles.map((listed) => articleView(listed, at)),
        ...(next === undefined ? {} : { cursor: String(next) }),
      },
    });
  });

  async function find(id: string): Promise<StoredRecord> {
    const stored = await store.find(id);
    if (stored === undefined) throw articleNotFound(id);
    return stored;
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
    publishedAt: rfc3339(article.publishedAt),
    ...(article.withdrawn === undefined
      ? {}
      : { withdrawn: { ...article.withdrawn, at: rfc3339(article.withdrawn.at) } }),
    record,
  };
}

export function idIn(path: readonly string[]): string {
  return composed(path.join('/'));
}

/** The ETag of an article's revision. */
export function etagOf(revision: number): string {
  return `"${revision}"`;
}

export function articleNotFound(id: string): PublisherError {
  return new PublisherError('article_not_found', `There is no article “${id.slice(0, 120)}”.`);
}

/** The query's parameters. Unknown and repeated ones are refused: they are mistakes that would otherwise go unnoticed. */
export function query<Name extends string>(
  request: IncomingMessage,
  known: readonly Name[],
): Partial<Record<Name, string>> {
  // Without `new URL`: an address in absolute form may have an invalid host.
  const [, ...parts] = (request.url ?? '').split('?');
  const searchParams = new URLSearchParams(parts.join('?'));
  const unknown = [...searchParams.keys()].find((name) => !known.some((other) => other === name));
  if (unknown !== undefined) {
    throw invalidQuery({ field: unknown, rule: `is not a parameter: use ${known.join(', ')}` });
  }
  const repeated = known.find((name) => searchParams.getAll(name).length > 1);
  if (repeated !== undefined) {
    throw invalidQuery({
      field: repeated,
      value: excerpt(searchParams.getAll(repeated).join(', ')),
      rule: 'must be given once',
    });
  }
  return Object.fromEntries(searchParams) as Partial<Record<Name, string>>;
}

interface IntegerRange {
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
}

/** A parameter that is a whole number; the fallback where it is missing. */
export function queryInteger(field: string, text: string | undefined, { fallback, min, max }: IntegerRange): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw invalidQuery({ field, value: text, rule: `must be a whole number from ${min} to ${max}` });
}

function statusNamed(text: string): Status {
  const status = STATUSES.find((name) => name === text);
  if (status !== undefined) return status;
  throw invalidQuery({ field: 'status', value: text, rule: `must be one of ${STATUSES.join(', ')}` });
}

export function invalidQuery(problem: Problem): PublisherError {
  return new PublisherError('invalid_query', 'The query is not valid.', { problems: [problem] });
}
