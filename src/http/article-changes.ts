import type { Request, Response } from 'express';
import type { Adjustment } from '../article/adjustments.ts';
import type { Article } from '../article/article.ts';
import type { ArticleText } from '../article/stored.ts';
import { type ErrorCode, excerpt, type Problem, PublisherError } from '../errors.ts';
import { batchesOf } from '../lib/batches.ts';
import type { Origin } from '../lib/fair-queue.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import { jsonString } from '../lib/json.ts';
import type { Line } from '../lib/lines.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { statusOf } from '../publish/membership.ts';
import type { Accepted, Erasure, Published, Publisher, Submission } from '../publish/publish.ts';
import type { Actor, KeptArticle, Outcome, Store, StoredKey } from '../store/store.ts';
import { articleNotFound, articlePath, etagOf, guard, type Handler, idIn } from './articles.ts';
import { readBody, readLines } from './body.ts';
import { conditionFailed, conditionOf } from './change-conditions.ts';
import { connectionName } from './connection-names.ts';
import { invalidQuery, query } from './query.ts';
import { beginLines, cutOff, respondWithJson } from './respond.ts';

interface ChangeParts {
  readonly store: Store;
  readonly publisher: Publisher;
  /** Erases articles for good. Throws `file_holds_article`. */
  readonly erase: (erasures: readonly Erasure[]) => Promise<Erased>;
  /** Returns the results that `publisher.publish` would have, and keeps nothing. */
  readonly rehearse: Publisher['publish'];
  /** The public address of the service, ending in a slash. */
  readonly feedsUrl: string;
  readonly now: () => Instant;
  /** Milliseconds within which a record, or one line of a bulk request, must arrive. */
  readonly bodyDeadline: number;
  /** Receives each record that is refused before the publisher sees it, with its id where it is known. */
  readonly onRefused?: (key: Actor, id: string | undefined, error: PublisherError) => Promise<void>;
}

/** The results of erasures. */
interface Erased {
  readonly outcomes: readonly Outcome[];
  /** Files that no other article names. */
  readonly media: readonly string[];
  /** For each place that may still have text of the articles, why. */
  readonly remains: readonly string[];
}

/** The handlers that change articles: publish one, withdraw one, publish many. */
export type ChangeHandlers = Readonly<Record<'put' | 'withdraw' | 'bulk', Handler>>;

/** Codes of a body that is not read because of what it is. */
const UNREAD: ReadonlySet<ErrorCode> = new Set(['too_large', 'unsupported_media_type']);

/** Records of a bulk request in one transaction, and their bytes: a transaction holds up everything else. */
const BULK_BATCH = { count: 100, size: 512 * 1024 };

/** The handlers that publish and withdraw articles. */
export function changeHandlers(parts: ChangeParts): ChangeHandlers {
  const { store, publisher, erase, rehearse, feedsUrl, now, bodyDeadline, onRefused } = parts;
  const guarded = guard({ store, now });

  const put = guarded('write', async (request, response, key) => {
    const isDryRun = switchIn(query(request, ['dry-run']), 'dry-run');
    const id = idIn(request.params.path);
    const json = await readBody(request, bodyDeadline).catch(async (error: unknown) => {
      const isRefused = !isDryRun && error instanceof PublisherError && UNREAD.has(error.code);
      if (isRefused) await onRefused?.(actorOf(key), id, error);
      throw error;
    });
    const condition = conditionOf(request.headers);
    const submission = omitUndefined({ json, id, condition, actor: actorOf(key), origin: originOf(request, key) });
    const [result] = await (isDryRun ? rehearse : publisher.publish)([submission]);
    const accepted = acceptedIn(result);
    const { outcome } = accepted;
    if (outcome.result === 'condition-failed') throw conditionFailed(id, outcome.revision, request.headers);
    if (isDryRun) return respondWithJson(request, response, { body: rehearsalView(accepted, now()) });
    const isNew = outcome.result === 'created';
    respondWithJson(request, response, {
      status: isNew ? 201 : 200,
      body: changeView(outcome, now(), accepted),
      headers: { ETag: etagOf(outcome.revision), ...(isNew ? { Location: addressOf(id, feedsUrl) } : {}) },
    });
  });

  const withdraw = guarded('write', async (request, response, key) => {
    const id = idIn(request.params.path);
    const { reason, ...switches } = query(request, ['reason', 'erase']);
    const change = omitUndefined({ id, condition: conditionOf(request.headers), actor: actorOf(key) });
    const erased = isErasure(switches, reason) ? await erase([change]) : undefined;
    const [outcome] = erased?.outcomes ?? (await publisher.withdraw([omitUndefined({ ...change, reason })]));
    if (outcome === undefined || outcome.result === 'absent') throw articleNotFound(id);
    if (outcome.result === 'condition-failed') throw conditionFailed(id, outcome.revision, request.headers);
    const body = changeView(outcome, now(), erased && { adjustments: [], warnings: remainsOf(erased) });
    respondWithJson(request, response, {
      body: erased === undefined ? body : { ...body, media: erased.media },
      headers: { ETag: etagOf(outcome.revision) },
    });
  });

  const bulk = guarded('write', (request, response, key) =>
    publishAll(request, response, { ...parts, actor: actorOf(key), origin: originOf(request, key) }),
  );

  return { put, withdraw, bulk };
}

type BulkParts = Pick<ChangeParts, 'publisher' | 'now' | 'bodyDeadline' | 'onRefused'> & {
  readonly actor: Actor;
  readonly origin: Origin;
};

/** Answers one line for each line of the request, while the request still comes, and a line of totals at its end. */
async function publishAll(request: Request<{ path: string[] }>, response: Response, parts: BulkParts): Promise<void> {
  query(request, []); // a mistyped dry run must not publish
  const groups = readLines(request, parts.bodyDeadline); // throws before the response begins
  const send = beginLines(response);
  const totals: Record<TotalName, number> = {
    created: 0,
    updated: 0,
    unchanged: 0,
    refused: 0,
    adjusted: 0,
    warned: 0,
  };
  try {
    for await (const group of groups) {
      if (group.some(({ bytes }) => bytes === undefined))
        await parts.onRefused?.(parts.actor, undefined, LINE_TOO_LARGE);
      for (const batch of batchesOf(group, ({ bytes }) => bytes?.length ?? 0, BULK_BATCH)) {
        const views = await publishLines(batch, parts);
        for (const view of views) count(view, totals);
        await send(views);
      }
    }
    await send([{ totals }]);
    response.end();
  } catch (error) {
    if (!(error instanceof PublisherError)) throw error;
    await send([refusalView(error)]);
    cutOff(response); // without a proper end, so that the client does not take the results for complete
  }
}

type TotalName = 'created' | 'updated' | 'unchanged' | 'refused' | 'adjusted' | 'warned';
type LineView = { readonly line: number } & (ChangeView | RefusalView);

function count(view: LineView, totals: Record<TotalName, number>): void {
  const { result } = view;
  if (result === 'created' || result === 'updated' || result === 'unchanged' || result === 'refused')
    totals[result] += 1;
  if (!('adjustments' in view)) return;
  if (view.adjustments.length > 0) totals.adjusted += 1;
  if (view.warnings.length > 0) totals.warned += 1;
}

/** Publishes lines, and returns one result for each, in their order. */
async function publishLines(
  lines: readonly Line[],
  { publisher, now, actor, origin }: Omit<BulkParts, 'bodyDeadline'>,
): Promise<LineView[]> {
  const submissions = lines.flatMap(({ bytes }): Submission[] =>
    bytes === undefined ? [] : [{ json: bytes, isCompacted: true, actor, origin }],
  );
  const results = (await publishOrRefuse(publisher, submissions)).values();
  return lines.map(({ number: line, bytes }) => {
    const result = bytes === undefined ? { refused: LINE_TOO_LARGE } : results.next().value;
    if (result === undefined) throw new Error('the publisher returned fewer results than it received records');
    if ('refused' in result) return { line, ...refusalView(result.refused, line) };
    return { line, ...changeView(result.outcome, now(), result) };
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

/** A change as the API answers it. */
interface ChangeView {
  readonly id: string;
  readonly result: Outcome['result'];
  readonly revision: number;
  readonly adjustments: readonly Adjustment[];
  readonly warnings: readonly Problem[];
}

function changeView(
  { id, result, revision, kept, sameAddress }: Outcome,
  at: Instant,
  { adjustments, warnings }: Pick<Accepted, 'adjustments' | 'warnings'> = { adjustments: [], warnings: [] },
): ChangeView {
  const all = sameAddress === undefined ? warnings : [...warnings, sameAddressWarning(sameAddress)];
  return { id, result, revision, ...(kept === undefined ? {} : stateView(kept, at)), adjustments, warnings: all };
}

/** Whether a DELETE is to erase the article. */
function isErasure(values: Partial<Record<string, string>>, reason: string | undefined): boolean {
  if (!switchIn(values, 'erase')) return false;
  if (reason === undefined) return true;
  const rule = 'must be left out with erase: no reason is kept of an article that is erased';
  throw invalidQuery({ field: 'reason', value: excerpt(reason), rule });
}

/** The places that may still have text of an erased article. */
function remainsOf({ remains }: Erased): readonly Problem[] {
  return remains.map((reason) => ({ field: '', rule: `text of the article may still be in ${reason}` }));
}

function sameAddressWarning(other: string): Problem {
  return {
    field: 'url',
    rule: `is the address of the article “${excerpt(other)}” as well: readers may take both for one story`,
  };
}

/** Whether readers can see the article now, by which id and in which feeds. */
function stateView(kept: KeptArticle, at: Instant) {
  const { publicId, feeds } = kept;
  const publishedAt = rfc3339(kept.publishedAt);
  const status = statusOf(kept, at);
  return { status, ...(status === 'embargoed' ? { until: publishedAt } : {}), publicId, publishedAt, feeds };
}

/** The answer to a dry run: the result that the change would have, and the cleaned story. */
function rehearsalView(accepted: Accepted, at: Instant) {
  const { outcome, article } = accepted;
  return { ...changeView(outcome, at, accepted), dryRun: true, article: storyView(article, outcome.kept) };
}

function storyView({ text }: ArticleText, kept: KeptArticle | undefined) {
  const article = JSON.parse(jsonString(text)) as Article;
  const { publishedAt, updatedAt, embargoUntil, expiresAt, withdrawn, correction, rights } = article;
  const date = (at: Instant | undefined) => (at === undefined ? undefined : rfc3339(at));
  return omitUndefined({
    ...article,
    publicId: kept?.publicId ?? article.publicId,
    publishedAt: rfc3339(publishedAt),
    updatedAt: date(updatedAt),
    embargoUntil: date(embargoUntil),
    expiresAt: date(expiresAt),
    withdrawn: withdrawn && { ...withdrawn, at: rfc3339(withdrawn.at) },
    correction: correction && { ...correction, at: rfc3339(correction.at) },
    rights: rights && omitUndefined({ ...rights, endsAt: date(rights.endsAt) }),
  });
}

interface RefusalView {
  readonly result: 'refused';
  readonly code: string;
  readonly title: string;
  readonly problems: readonly Problem[];
}

/** @param line the line of the request that has the record; its problems are on that line */
function refusalView({ code, message: title, problems }: PublisherError, line?: number): RefusalView {
  return {
    result: 'refused',
    code,
    title,
    problems: line === undefined ? problems : problems.map((problem) => ({ ...problem, line })),
  };
}

function acceptedIn(result: Published | undefined): Accepted {
  if (result === undefined) throw new Error('the publisher returned no result for a record');
  if ('refused' in result) throw result.refused;
  return result;
}

/** The records of each key, and of each of its connections, are parsed in turn. */
function originOf({ socket }: Request<{ path: string[] }>, { id }: StoredKey): Origin {
  return { client: id, connection: connectionName(socket) };
}

function actorOf({ id, name }: StoredKey): Actor {
  return { kind: 'key', id, name };
}

/** The absolute address of an article in the API. */
function addressOf(id: string, feedsUrl: string): string {
  return new URL(`api/articles/${articlePath(id)}`, feedsUrl).href;
}

/** Whether a parameter without a value, or with the value `true`, is in the query. */
function switchIn(values: Partial<Record<string, string>>, name: string): boolean {
  const value = values[name];
  if (value === undefined || value === 'false') return false;
  if (value === '' || value === 'true') return true;
  throw invalidQuery({ field: name, value, rule: 'must be true or false, or have no value' });
}
