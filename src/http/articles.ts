import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import type { Publication } from '../config/publication.ts';
import { type Problem, PublisherError } from '../errors.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import { parseJson } from '../lib/json.ts';
import type { Line } from '../lib/lines.ts';
import { membershipsOf, statusOf } from '../publish/membership.ts';
import type { Published, Publisher, Submission } from '../publish/publish.ts';
import {
  type Condition,
  type ListedRecord,
  type Scope,
  STATUSES,
  type Status,
  type Store,
  type StoredRecord,
} from '../store/store.ts';
import { authorize } from './authorization.ts';
import { readBody, readLines } from './body.ts';
import { beginLines, cutOff, respondWithJson } from './respond.ts';

export interface ArticleParts {
  readonly publication: Publication;
  readonly store: Store;
  readonly now: () => Instant;
}

interface ChangeParts {
  readonly store: Store;
  readonly publisher: Publisher;
  /** Milliseconds within which a record, or a line of many, must have come. */
  readonly bodyDeadline: number;
}

type Handler = RequestHandler<{ path: string[] }>;

/** What changes articles: one, one that is taken back, many. */
export type ChangeHandlers = Readonly<Record<'put' | 'withdraw' | 'bulk', Handler>>;

/** Records of a bulk request that are kept in one transaction at most. */
const BULK_BATCH = 200;
/** Articles on a page of the list, and at most. */
const PAGE = 50;
const LARGEST_PAGE = 500;

type Handle = (request: Request<{ path: string[] }>, response: Response) => Promise<void>;

/** The newsroom's side is for those with a key of the scope that it takes. */
export function guard(store: Store): (scope: Scope, handle: Handle) => Handler {
  return (scope, handle) => async (request, response) => {
    await authorize(store, request, scope);
    await handle(request, response);
  };
}

/** What the newsroom may know of its articles. */
export function articleHandlers({ publication, store, now }: ArticleParts) {
  const guarded = guard(store);

  const read = guarded('read', async (request, response) => {
    const path = request.params.path;
    // An id that itself ends in /feeds is asked for with that slash encoded.
    if (path.length > 1 && path.at(-1) === 'feeds') {
      const stored = await find(idIn(path.slice(0, -1)));
      const feeds = await membershipsOf(stored, { store, publication, at: now() });
      return respondWithJson(request, response, { body: { id: stored.article.id, feeds } });
    }
    const stored = await find(idIn(path));
    respondWithJson(request, response, { body: shown(stored, now()), headers: { ETag: etagOf(stored.revision) } });
  });

  const list = guarded('read', async (request, response) => {
    const { cursor, limit, feed, status } = query(request, ['cursor', 'limit', 'feed', 'status']);
    const at = now();
    const { articles, next } = await store.list({
      after: wholeNumber('cursor', cursor, 0, Number.MAX_SAFE_INTEGER),
      limit: wholeNumber('limit', limit, PAGE, LARGEST_PAGE),
      at,
      ...(feed === undefined ? {} : { feed }),
      ...(status === undefined ? {} : { status: statusNamed(status) }),
    });
    respondWithJson(request, response, {
      body: {
        articles: articles.map((listed) => shown(listed, at)),
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

/** The newsroom's way in: articles that come, change and are taken back. */
export function changeHandlers({ store, publisher, bodyDeadline }: ChangeParts): ChangeHandlers {
  const guarded = guard(store);

  const put = guarded('write', async (request, response) => {
    const id = idIn(request.params.path);
    const record = withId(parseJson(await readBody(request, bodyDeadline)), id);
    const condition = conditionOf(request);
    const [result] = await publisher.publish([condition === undefined ? { record } : { record, condition }]);
    const { outcome } = accepted(result);
    if (outcome.result === 'condition-failed') throw conditionFailed(id);
    respondWithJson(request, response, {
      status: outcome.result === 'created' ? 201 : 200,
      body: { id, result: outcome.result, revision: outcome.revision },
      headers: { ETag: etagOf(outcome.revision) },
    });
  });

  const withdraw = guarded('write', async (request, response) => {
    const id = idIn(request.params.path);
    const { reason } = query(request, ['reason']);
    const condition = conditionOf(request);
    const [outcome] = await publisher.withdraw([
      { id, ...(reason === undefined ? {} : { reason }), ...(condition === undefined ? {} : { condition }) },
    ]);
    if (outcome === undefined || outcome.result === 'absent') throw articleNotFound(id);
    if (outcome.result === 'condition-failed') throw conditionFailed(id);
    respondWithJson(request, response, {
      body: { id, result: outcome.result, revision: outcome.revision },
      headers: { ETag: etagOf(outcome.revision) },
    });
  });

  const bulk = guarded('write', async (request, response) => {
    const groups = readLines(request, bodyDeadline); // refuses before the answer begins
    const answer = beginLines(response);
    try {
      for await (const group of groups) {
        for (let start = 0; start < group.length; start += BULK_BATCH) {
          await answer(await publishLines(publisher, group.slice(start, start + BULK_BATCH)));
        }
      }
      response.end();
    } catch (error) {
      if (!(error instanceof PublisherError)) throw error;
      await answer([described(error)]);
      cutOff(response); // rather than ended: its client must not take what came for all of it
    }
  });

  return { put, withdraw, bulk };
}

/** What became of each line, in their order. */
async function publishLines(publisher: Publisher, lines: readonly Line[]): Promise<unknown[]> {
  const read = lines.map((line) => ({ line: line.number, ...readLine(line) }));
  const submissions = read.flatMap((item): Submission[] => ('record' in item ? [{ record: item.record }] : []));
  const results = (await publishOrRefuse(publisher, submissions)).values();
  return read.map((item) => {
    if ('refused' in item) return { line: item.line, ...described(item.refused) };
    const result = results.next().value;
    if (result === undefined) throw new Error('fewer results than records');
    if ('refused' in result) return { line: item.line, ...described(result.refused) };
    const { id, result: became, revision } = result.outcome;
    return { line: item.line, id, result: became, revision };
  });
}

/** The answer has begun: what befalls all of the lines, such as a full disk, is told for each. */
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

function readLine({ bytes }: Line): { record: unknown } | { refused: PublisherError } {
  if (bytes === undefined)
    return { refused: new PublisherError('too_large', 'The line is longer than a record may be.') };
  try {
    return { record: parseJson(bytes) };
  } catch (error) {
    if (error instanceof PublisherError) return { refused: error };
    throw error;
  }
}

function described(error: PublisherError): {
  result: 'refused';
  code: string;
  title: string;
  problems: readonly Problem[];
} {
  return { result: 'refused', code: error.code, title: error.message, problems: error.problems };
}

function shown(stored: ListedRecord, at: Instant) {
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
  return path.join('/').normalize('NFC');
}

/** The record with the id of its address; one that names another is a mistake of somebody's. */
function withId(record: unknown, id: string): unknown {
  if (typeof record !== 'object' || record === null || Array.isArray(record)) return record;
  const own: unknown = Reflect.get(record, 'id');
  if (own === undefined || own === null || String(own).normalize('NFC') === id) return { ...record, id };
  throw new PublisherError('invalid_article', 'The record is another article’s.', {
    problems: [
      { field: 'id', value: String(own).slice(0, 120), rule: `must be ${id}, as in the address, or left out` },
    ],
  });
}

function accepted(result: Published | undefined): Extract<Published, { outcome: unknown }> {
  if (result === undefined) throw new Error('no result for a record');
  if ('refused' in result) throw result.refused;
  return result;
}

/** The tag of an article's revision. */
function etagOf(revision: number): string {
  return `"${revision}"`;
}

/** RFC 9110 §13.1.1 and §13.1.2 for a change: which article it was made for. */
function conditionOf({ headers }: IncomingMessage): Condition | undefined {
  const ifMatch = headers['if-match']?.trim();
  const ifNoneMatch = headers['if-none-match']?.trim();
  if (ifMatch !== undefined && ifNoneMatch === '*') return { revisions: [] }; // there and not there at once
  if (ifMatch === '*') return 'present';
  if (ifMatch !== undefined)
    return { revisions: [...ifMatch.matchAll(/(?<!W\/)"(0|[1-9]\d*)"/g)].map(([, tag]) => Number(tag)) };
  if (ifNoneMatch === undefined) return undefined;
  if (ifNoneMatch === '*') return 'absent';
  throw new PublisherError('invalid_query', 'If-None-Match of a change must be *.', {
    hint: 'With * the article is made only where there is none; If-Match guards a revision.',
  });
}

function conditionFailed(id: string): PublisherError {
  return new PublisherError('precondition_failed', `The article “${id}” is not the one that the request expects.`, {
    hint: 'Get it, look at what changed meanwhile, and send the change with its new ETag.',
  });
}

function articleNotFound(id: string): PublisherError {
  return new PublisherError('article_not_found', `There is no article “${id.slice(0, 120)}”.`);
}

/** The query's parameters. One that is not known is a mistake that would go unnoticed. */
function query<Name extends string>(request: IncomingMessage, known: readonly Name[]): Partial<Record<Name, string>> {
  // Not by `new URL`: of an address in absolute form the host may be none.
  const [, ...behind] = (request.url ?? '').split('?');
  const searchParams = new URLSearchParams(behind.join('?'));
  const unknown = [...searchParams.keys()].find((name) => !known.some((other) => other === name));
  if (unknown !== undefined) {
    throw invalidQuery({ field: unknown, rule: `is not a parameter; known are ${known.join(', ')}` });
  }
  return Object.fromEntries(searchParams) as Partial<Record<Name, string>>;
}

function wholeNumber(field: string, text: string | undefined, otherwise: number, largest: number): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= largest && (field !== 'limit' || value > 0)) return value;
  throw invalidQuery({ field, value: text, rule: `must be a whole number up to ${largest}` });
}

function statusNamed(text: string): Status {
  const status = STATUSES.find((name) => name === text);
  if (status !== undefined) return status;
  throw invalidQuery({ field: 'status', value: text, rule: `must be one of ${STATUSES.join(', ')}` });
}

function invalidQuery(problem: Problem): PublisherError {
  return new PublisherError('invalid_query', 'The query cannot be answered.', { problems: [problem] });
}
