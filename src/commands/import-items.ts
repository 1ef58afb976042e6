import { hash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { Adjustment } from '../article/adjustments.ts';
import { describeProblems, excerpt, type Problem, PublisherError } from '../errors.ts';
import type { ImportSource, Item, OnAdjusted } from '../ingest/import/item.ts';
import type { OnOldFeeds } from '../ingest/import/old-feeds.ts';
import type { PictureFolder } from '../ingest/import/picture-folder.ts';
import { type CopyPicture, withCopiedPictures } from '../ingest/import/pictures.ts';
import { sourceField } from '../ingest/import/source-record.ts';
import { type JsonText, jsonString, parseJson } from '../lib/json.ts';
import { inOrder, openParsePool } from '../publish/parse-pool.ts';
import { createPublisher, type Published, parseHere, type Submission } from '../publish/publish.ts';
import type { DataFolder } from '../service/data-folder.ts';
import { createErasedRecords, type ErasedRecords } from '../service/rejected-files.ts';
import type { Outcome } from '../store/store.ts';
import { addAdjustments } from './import-adjustments.ts';
import type { ImportReport, Tally } from './import-report.ts';
import { type RejectedFile, recordText } from './rejected-file.ts';
import { counted, type ProgressBar, progressBar, type Terminal } from './terminal.ts';

/** Records that are saved in one transaction. */
const BATCH = 2000;
/** The same if pictures are copied first, which takes long. */
const BATCH_WITH_PICTURES = 50;
/** Batches at once: several are parsed while one is saved. */
const AHEAD = 6;
/** Milliseconds between two drawings of records that are read. */
const SHOWN_EVERY = 100;
/** Bytes from which threads save more time than their start takes. */
const WORTH_THREADS = 2_000_000;
/** Refusals that are printed one by one. Files have all. */
export const MAX_PRINTED = 50;
/** Reasons to skip a story that are counted apart: a source names them itself. */
const MAX_REASONS = 50;

export interface ImportContext {
  readonly terminal: Terminal;
  readonly rejected: RejectedFile;
  readonly report: ImportReport;
  readonly dryRun: boolean;
  /** Copies of the pictures of stories; undefined if pictures keep their addresses. */
  readonly pictures: PictureFolder | undefined;
  /** Ends the import. What was read until then is saved. */
  readonly stop: AbortSignal;
  /** Whether a refusal was reported before, so that it counts alone; never by default. */
  readonly isReported?: (item: Item) => boolean;
  /** Whether a note was made before; never by default. */
  readonly isNoted?: (note: string) => boolean;
  /** Receives the feeds of the system that a source comes from. */
  readonly onOldFeeds: OnOldFeeds;
}

/** Returns the bytes of all sources; undefined if one of them is unknown. */
function sizeOf(sources: readonly ImportSource[]): number | undefined {
  return sources.reduce<number | undefined>(
    (sum, { size }) => (sum === undefined || size === undefined ? undefined : sum + size),
    0,
  );
}

export function isLarge(sources: readonly ImportSource[]): boolean {
  return (sizeOf(sources) ?? 0) >= WORTH_THREADS;
}

/** Publishes the records of sources, and counts them as they are saved. Ends early if the context is stopped. */
export async function importAll(
  { store, newsroom }: DataFolder,
  sources: readonly ImportSource[],
  tally: Tally,
  context: ImportContext,
): Promise<void> {
  const pool = isLarge(sources)
    ? openParsePool(newsroom, { threads: availableParallelism(), ahead: Number.POSITIVE_INFINITY })
    : undefined;
  const parse = pool === undefined ? parseHere(newsroom) : inOrder(pool.parse);
  const bar = progressBar(context.terminal, 'Importing');
  try {
    const { publish } = createPublisher({
      store: context.dryRun ? { ...store, apply: store.rehearse } : store,
      parse,
      now: Date.now,
      announce: () => {},
    });
    const erased = createErasedRecords(store);
    await importItems(sources, { publish, erased, tally, context, bar, site: newsroom.url });
  } finally {
    bar.stop();
    await pool?.close();
  }
}

interface ItemsParts {
  readonly publish: (submissions: readonly Submission[]) => Promise<readonly Published[]>;
  readonly erased: ErasedRecords;
  readonly tally: Tally;
  readonly context: ImportContext;
  readonly bar: ProgressBar;
  readonly site: string;
}

async function importItems(sources: readonly ImportSource[], parts: ItemsParts): Promise<void> {
  const { tally, context } = parts;
  const { stop, pictures } = context;
  const batchSize = pictures === undefined ? BATCH : BATCH_WITH_PICTURES;
  const withOwnId = refuseSharedPathIds();
  const save = createSave(parts, sizeOf(sources));
  const running: Promise<void>[] = [];
  let batch: Item[] = [];
  const note = (text: string) => {
    if (context.isNoted?.(text)) return;
    context.terminal.err(text);
    context.report.note(text);
  };
  // The notes name them already.
  const countAdjusted: OnAdjusted = (made, place) => void addAdjustments(tally.adjustments, [made], () => place);
  const skip = (given: string) => {
    const reason = tally.skipped.has(given) || tally.skipped.size < MAX_REASONS ? given : 'for other reasons';
    tally.skipped.set(reason, (tally.skipped.get(reason) ?? 0) + 1);
  };

  async function readAll(): Promise<void> {
    for (const source of sources) {
      for await (const item of source.items(save.advance, skip, note, countAdjusted, context.onOldFeeds)) {
        if (stop.aborted) return;
        batch.push(withOwnId(item));
        save.countRead();
        if (batch.length < batchSize) continue;
        const saving = save.batch(batch, running.at(-1));
        saving.catch(() => {}); // handled where it is awaited
        running.push(saving);
        batch = [];
        if (running.length >= AHEAD) await running.shift();
      }
    }
  }

  try {
    await unlessStopped(readAll(), stop);
  } finally {
    running.push(save.batch(batch, running.at(-1))); // also after an error: records that were read are saved
    await Promise.allSettled(running);
  }
  await unlessStopped(Promise.all(running), stop);
}

/** A stop ends downloads with its own reason, which is no failure. */
async function unlessStopped(work: Promise<unknown>, stop: AbortSignal): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!stop.aborted || error !== stop.reason) throw error;
  }
}

/** Saves batches and counts their results. */
function createSave({ publish, erased, tally, context, bar, site }: ItemsParts, size: number | undefined) {
  const { pictures, dryRun } = context;
  const resultOf = dryRun ? dryRunResult() : ({ result }: Outcome) => countable(result);
  const began = Date.now();
  let read = 0;
  let records = 0;
  let shownAt = began;

  /** Slow pages and pictures would leave the screen empty until the first batch is saved. */
  const show = (): void => {
    shownAt = Date.now();
    const done = tally.created + tally.updated + tally.unchanged + tally.refused;
    const seconds = (shownAt - began) / 1000;
    const rate = `${done} records, ${Math.round(done / Math.max(seconds, 0.001))} a second`;
    const copied = pictures === undefined ? '' : `, ${counted(pictures.counts().copied, 'picture')} copied`;
    bar.update(read, size, `${done === 0 ? `${counted(records, 'record')} read` : rate}${copied}`);
  };

  const count = (items: readonly Item[], publications: readonly Published[]): void => {
    const results = publications.values();
    for (const item of items) {
      const result = 'problems' in item.content ? undefined : results.next().value;
      if (result === undefined) refuse(item, unreadable(item), { tally, context, erased });
      else if ('refused' in result) refuse(item, result.refused, { tally, context, erased });
      else {
        tally[resultOf(result.outcome, item)] += 1;
        if (result.adjustments.length > 0) noteAdjustments(item, result.adjustments, tally, context);
      }
    }
    show();
  };

  return {
    countRead(): void {
      records += 1;
      if (Date.now() - shownAt >= SHOWN_EVERY) show();
    },
    advance(bytes: number): void {
      read += bytes;
    },
    /** Batches are parsed in parallel, but counted and refused in the order of their records. */
    async batch(items: readonly Item[], before: Promise<void> | undefined): Promise<void> {
      const submissions = items.flatMap(({ file, content, isPrivate }): Promise<Submission>[] => {
        if ('problems' in content) return [];
        const submission: Submission = { ...content, actor: { kind: 'import', source: file } };
        if (pictures === undefined) return [Promise.resolve(submission)];
        const copy: CopyPicture = (address) => pictures.copy(address, isPrivate === true);
        return [withPictures(submission, site, copy).finally(show)];
      });
      const copied = await Promise.all(submissions);
      const publishing = publish(copied.map((content) => ({ ...content, keepWithdrawn: true })));
      const [publications] = await Promise.all([publishing, before]);
      await erased.catchUp();
      count(items, publications);
    },
  };
}

/** Counts the adjustments of an item, and prints the first of each kind. */
function noteAdjustments(
  item: Item,
  adjustments: readonly Adjustment[],
  tally: Tally,
  { terminal, isNoted }: ImportContext,
): void {
  const placeOf = (field: string) => {
    const title = titleOf(item.content);
    const { line } = located({ field, rule: '' }, item);
    return { file: item.file, ...(title === undefined ? {} : { title }), ...(line === undefined ? {} : { line }) };
  };
  for (const text of addAdjustments(tally.adjustments, adjustments, placeOf)) {
    if (isNoted?.(text) !== true) terminal.err(text);
  }
}

async function withPictures(record: Submission, site: string, copy: CopyPicture): Promise<Submission> {
  const parsed = strictlyParsed(record.json);
  const copied = await withCopiedPictures(parsed, site, copy);
  return copied === parsed ? record : { ...record, json: JSON.stringify(copied) };
}

/** Returns undefined for a record that is refused: its JSON breaks a rule, which `JSON.parse` would not notice. */
function strictlyParsed(json: JsonText): unknown {
  try {
    return parseJson(json);
  } catch {
    return undefined;
  }
}

/** Most characters of a JSON text that is parsed for its title alone. */
const MAX_JSON = 16 * 1024 * 1024;

function parsedOrUndefined(json: JsonText | undefined): unknown {
  if (json === undefined || json.length > MAX_JSON) return undefined;
  try {
    return JSON.parse(jsonString(json).replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
}

function refuse(
  item: Item,
  error: PublisherError,
  { tally, context, erased }: Pick<ItemsParts, 'tally' | 'context' | 'erased'>,
): void {
  const { terminal, rejected, report, isReported } = context;
  tally.refused += 1;
  const isErased = error.code === 'erased_article' || isErasedRecord(item, erased); // a file must not get its text again
  if (isErased) tally.erased += 1;
  if (isReported?.(item)) return;
  if (!isErased) rejected.write(item);
  const { file, line } = item;
  const title = isErased ? undefined : titleOf(item.content);
  const problems = error.problems.map((problem) => located(problem, item));
  const position = line === undefined ? {} : { line };
  report.refuse({ file, ...position, ...(title === undefined ? {} : { title }), problems });
  if (tally.refused > MAX_PRINTED) return;
  const refusal = new PublisherError(error.code, error.message, { problems, file });
  for (const text of describeProblems(refusal)) terminal.err(title === undefined ? text : `${text}, in “${title}”`);
}

/** Whether a record with mistakes is that of an erased article: the store has not seen its id. */
function isErasedRecord({ content }: Item, erased: ErasedRecords): boolean {
  if ('problems' in content) return content.text !== undefined && erased.has(content.text, undefined);
  return erased.has(jsonString(content.json), content.id);
}

/** A problem under the name and at the place that the source has for its field. */
function located(problem: Problem, { line, elements, locate, content }: Item): Problem {
  const named = { ...problem, field: sourceField(problem.field, elements) };
  const begin = line === undefined || ('problems' in content && problem.line !== undefined) ? {} : { line };
  return { ...named, ...begin, ...locate?.(problem.field) };
}

/** The title by which an editor knows a story. */
function titleOf(content: Item['content']): string | undefined {
  const record = parsedOrUndefined('json' in content ? content.json : content.text);
  const title = typeof record === 'object' && record !== null && 'title' in record ? record.title : undefined;
  return typeof title === 'string' && title.trim() !== '' ? excerpt(title) : undefined;
}

/**
 * Refuses a second file whose path makes an id that another file of this import has: it would overwrite the first
 * article. Two records that both name an id are one article, and the last one wins. Records that share a file are not
 * remembered: there may be millions.
 */
function refuseSharedPathIds(): (item: Item) => Item {
  const owners = new Map<string, { readonly file: string; readonly isFromPath: boolean }>();
  return (item) => {
    const { file, content, fileId } = item;
    if (fileId === undefined || 'problems' in content) return item;
    const { id, isFromPath } = fileId;
    const owner = owners.get(id);
    if (owner === undefined || !(isFromPath || owner.isFromPath)) {
      if (id !== '') owners.set(id, { file, isFromPath });
      return item;
    }
    if (resolve(owner.file) === resolve(file)) return item;
    const made = owner.isFromPath ? `, made of its path${isFromPath ? ' as well' : ''}` : '';
    const rule = `is the id of ${owner.file} already${made}: name ${isFromPath ? 'one' : 'another'} in the record`;
    const text = recordText(content, { id: undefined });
    return { file, content: { problems: [{ field: 'id', value: excerpt(id), rule }], text } };
  };
}

type Result = 'created' | 'updated' | 'unchanged';

function countable(result: Outcome['result']): Result {
  if (result === 'created' || result === 'updated' || result === 'unchanged') return result;
  throw new Error(`an import cannot have the result ${result}`);
}

/** A dry run saves nothing, so records must be remembered to count a repeated one as the real import would. */
function dryRunResult(): (outcome: Outcome, item: Item) => Result {
  const seen = new Map<string, string>();
  return ({ id, result }, { content }) => {
    const digest = 'json' in content ? hash('sha256', `${content.publishedAt} ${hash('sha256', content.json)}`) : '';
    const before = seen.get(id);
    seen.set(id, digest);
    if (before === undefined) return countable(result);
    return before === digest ? 'unchanged' : 'updated';
  };
}

function unreadable({ content }: Item): PublisherError {
  const problems = 'problems' in content ? content.problems : [];
  return new PublisherError('invalid_article', 'The record cannot be read.', { problems });
}
