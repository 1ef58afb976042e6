import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import type { Publication } from '../config/publication.ts';
import { excerpt, type Problem, PublisherError } from '../errors.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import type { Line } from '../lib/lines.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { composed } from '../lib/text.ts';
import { feedMemberships, statusOf } from '../publish/membership.ts';
import type { Erasure, Published, Publisher, Submission } from '../publish/publish.ts';
import {
  type Actor,
  type ListedRecord,
  type Outcome,
  type Scope,
  STATUSES,
  type Status,
  type Store,
  type StoredKey,
  type StoredRecord,
} from '../store/store.ts';
import { authorize } from './authorization.ts';
import { readBody, readLines } from './body.ts';
import { conditionFailed, conditionOf } from './change-conditions.ts';
import { beginLines, cutOff, respondWithJson } from './respond.ts';

export interface ArticleParts {
  readonly publication: Publication;
  readonly store: Store;
  readonly now: () => Instant;
}

interface ChangeParts {
  readonly store: Store;
  readonly publisher: Publisher;
  /** Erases articles for good. Throws `file_holds_article`. */
  readonly erase: (erasures: readonly Erasure[]) => Promise<ErasedView>;
  /** Milliseconds within which a record, or one line of a bulk request, must arrive. */
  readonly bodyDeadline: number;
}

/** The results of erasures. */
interface ErasedView {
  readonly outcomes: readonly Outcome[];
  /** Files that no other article names. */
  readonly media: readonly string[];
  /** For each place that may still have text of the articles, why. */
  readonly remains: readonly string[];
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

/** The handlers that publish and withdraw articles. */
export function changeHandlers({ store, publisher, erase, bodyDeadline }: ChangeParts): ChangeHandlers {
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
    const { reason, erase: erases } = query(request, ['reason', 'erase']);
    const change = omitUndefined({ id, condition: conditionOf(request.headers), actor: actorOf(key) });
    const isErasure = erases !== undefined && isErasing(erases, reason);
    const erased = isErasure ? await erase([change]) : undefined;
    const [outcome] = erased?.outcomes ?? (await publisher.withdraw([omitUndefined({ ...change, reason })]));
    if (outcome === undefined || outcome.result === 'absent') throw articleNotFound(id);
    if (outcome.result === 'condition-failed') throw conditionFailed(id, outcome.revision, request.headers);
    const { result, revision } = outcome;
    respondWithJson(request, response, {
      body: { id, result, revision, ...(erased === undefined ? {} : erasureView(erased)) },
      headers: { ETag: etagOf(revision) },
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
    if ('refused' in result) return { line, ...refusalView(result.refused) };
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

/** Whether the article is to be erased. A wrong spelling must not withdraw it instead. */
function isErasing(value: string, reason: string | undefined): boolean {
  if (value !== 'true' && value !== '' && value !== 'false')
    throw invalidQuery({ field: 'erase', value: excerpt(value), rule: 'must be true or false' });
  if (value === 'false') return false;
  if (reason === undefined) return true;
  throw invalidQuery({
    field: 'reason',
    value: excerpt(reason),
    rule: 'must be left out with erase: no reason is kept of an article that is erased',
  });
}

/** What is left to do after an erasure. */
function erasureView({ media, remains }: ErasedView) {
  const warnings = remains.map((reason) => ({ field: '', rule: `text of the article may still be in ${reason}` }));
  return { media, adjustments: [], warnings };
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

function refusalView(error: PublisherError): RefusalView {
  return { result: 'refused', code: error.code, title: error.message, problems: error.problems };
}

/** An article as the API returns it. */
function articleView(stored: ListedRecord, at: Instant) {
  const { article, revision, record } = stored;
  return {
    id: article.id,
    publicId: article.publicId,
    revision,
    status: statusOf(stored, at),
    ...(stored.isErased === true ? { erased: true } : {}),
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

/** The query's parameters. Unknown and repeated ones are refused: they are mistakes that would otherwise go unnoticed. */
function query<Name extends string>(request: IncomingMessage, known: readonly Name[]): Partial<Record<Name, string>> {
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
function queryInteger(field: string, text: string | undefined, { fallback, min, max }: IntegerRange): number {
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

function invalidQuery(problem: Problem): PublisherError {
  return new PublisherError('invalid_query', 'The query is not valid.', { problems: [problem] });
}
