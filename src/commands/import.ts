import { hash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, parse as parsePath, resolve } from 'node:path';
import { OPTIONS } from '../config/options.ts';
import { describeProblems, excerpt, PublisherError } from '../errors.ts';
import { findSources, type ImportSource, type Item } from '../ingest/import/source.ts';
import { jsonString } from '../lib/json.ts';
import { openParsePool } from '../publish/parse-pool.ts';
import { createPublisher, type Published, parseHere, type Submission } from '../publish/publish.ts';
import { publicationInForce, refreshStore, requireReparse } from '../publish/refresh.ts';
import type { UnparsedRecord } from '../publish/unparsed-record.ts';
import { type DataFolder, newsroomOf, openDataFolder } from '../service/data-folder.ts';
import type { Outcome } from '../store/store.ts';
import { optionsHelp, readArguments, unwritable, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { progressBar, type Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher import [options] PATH|URL…

Publishes the articles of files, folders and addresses: records (JSON, NDJSON, Markdown, plain text), feeds (RSS, Atom,
JSON Feed) and WordPress exports (WXR). An address cannot be Markdown or plain text.

Articles keep their ids, so readers do not see old stories as new. You can run an import again: an article that has not
changed is left alone.

${optionsHelp(OPTIONS.import)}`;

/** Records that are saved in one transaction. */
const BATCH = 2000;
/** Batches at once: several are parsed while one is saved. */
const AHEAD = 6;
/** Bytes from which threads save more time than their start takes. */
const WORTH_THREADS = 2_000_000;
/** Refusals that are printed one by one. The file of refused records has all. */
const MAX_PRINTED = 50;

/** Counts of records by result. */
interface Tally extends Record<'created' | 'updated' | 'unchanged' | 'refused', number> {
  /** Counts of items that are no published story, by reason. */
  readonly skipped: Map<string, number>;
}

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(OPTIONS.import, { args, env: terminal.env, allowPositionals: true });
  if (positionals.length === 0) throw usage('“import” needs at least one PATH or URL.');
  const sources = (await Promise.all(positionals.map(findSources))).flat();
  const { publicUrl, dryRun, sanitizeFastPath } = values;
  const folder = openDataFolder(values.data, {
    feedsUrl: publicUrl,
    isBulk: sizeOf(sources) >= WORTH_THREADS,
    sanitizeFastPath,
  });
  try {
    const current = await setUpOrCurrent(folder, { hasAddress: publicUrl !== undefined, dryRun, sanitizeFastPath });
    const imported = sources.map(({ name }) => resolve(name));
    const rejected = openRejected(values.rejected, { imported, dryRun });
    const tally: Tally = { created: 0, updated: 0, unchanged: 0, refused: 0, skipped: new Map() };
    let isRead = false;
    try {
      await importAll(current, sources, tally, { terminal, rejected, dryRun });
      isRead = true;
    } finally {
      rejected.close(isRead && rejected.count() === tally.refused);
      printSummary(tally, rejected, { terminal, dryRun });
    }
    return tally.refused === 0 ? 0 : 1;
  } finally {
    await folder.store.close();
  }
}

/**
 * Returns the data folder as a service that runs on it sees it: with the addresses and the language of its last start.
 * Only a start of the service applies a changed publication.yaml to stored articles. A new store is set up.
 */
async function setUpOrCurrent(
  folder: DataFolder,
  {
    hasAddress,
    dryRun,
    sanitizeFastPath,
  }: { readonly hasAddress: boolean; readonly dryRun: boolean; readonly sanitizeFastPath: boolean },
): Promise<DataFolder> {
  const { path, store, publication: wanted } = folder;
  const inForce = await publicationInForce(store, wanted);
  if (inForce === undefined) {
    if (!dryRun) await setUp(folder);
    return folder;
  }
  const publication = hasAddress ? { ...inForce, feedsUrl: wanted.feedsUrl } : inForce;
  if (publication.feedsUrl !== inForce.feedsUrl && !dryRun) await requireReparse(store);
  return { path, store, publication, newsroom: newsroomOf(path, publication, sanitizeFastPath) };
}

/** A new store has no articles, so there is no progress or refusal to report. */
async function setUp({ store, publication, newsroom }: DataFolder): Promise<void> {
  const ignore = () => {};
  const parse = parseHere(newsroom);
  await refreshStore({ store, publication, parse, now: Date.now, progress: ignore, onInvalid: ignore });
}

interface ImportContext {
  readonly terminal: Terminal;
  readonly rejected: Rejected;
  readonly dryRun: boolean;
}

async function importAll(
  { store, newsroom }: DataFolder,
  sources: readonly ImportSource[],
  tally: Tally,
  context: ImportContext,
): Promise<void> {
  const size = sizeOf(sources);
  const pool = size < WORTH_THREADS ? undefined : openParsePool(newsroom, availableParallelism());
  const parse = pool?.parse ?? parseHere(newsroom);
  try {
    const publisher = createPublisher({
      store: context.dryRun ? { ...store, apply: store.rehearse } : store,
      parse,
      now: Date.now,
      announce: () => {},
    });
    await importItems(sources, size, publisher.publish, tally, context);
  } finally {
    await pool?.close();
  }
}

/** Returns the bytes of all sources whose size is known. */
function sizeOf(sources: readonly ImportSource[]): number {
  return sources.reduce((sum, { size = 0 }) => sum + size, 0);
}

async function importItems(
  sources: readonly ImportSource[],
  size: number,
  publish: (submissions: readonly Submission[]) => Promise<readonly Published[]>,
  tally: Tally,
  { terminal, rejected, dryRun }: ImportContext,
): Promise<void> {
  const bar = progressBar(terminal, 'Importing');
  const began = Date.now();
  const withOwnId = refuseSharedPathIds();
  const resultOf = dryRun ? dryRunResult() : ({ result }: Outcome) => countable(result);
  const running: Promise<void>[] = [];
  let read = 0;
  let batch: Item[] = [];

  const refuse = (item: Item, error: PublisherError): void => {
    tally.refused += 1;
    rejected.write(item);
    if (tally.refused > MAX_PRINTED) return;
    const position = item.line === undefined ? {} : { line: item.line };
    const problems = error.problems.map((problem) => ({ ...problem, ...position }));
    const located = new PublisherError(error.code, error.message, { problems, file: item.file });
    describeProblems(located).forEach(terminal.err);
  };
  const count = (items: readonly Item[], publications: readonly Published[]): void => {
    const results = publications.values();
    for (const item of items) {
      const result = 'problems' in item.content ? undefined : results.next().value;
      if (result === undefined) refuse(item, unreadable(item));
      else if ('refused' in result) refuse(item, result.refused);
      else tally[resultOf(result.outcome, item)] += 1;
    }
    const done = tally.created + tally.updated + tally.unchanged + tally.refused;
    const seconds = (Date.now() - began) / 1000;
    bar.update(read, size, `${done} records, ${Math.round(done / Math.max(seconds, 0.001))} a second`);
  };
  /** Batches are parsed in parallel, but counted and refused in the order of their records. */
  const save = async (items: readonly Item[], before: Promise<void> | undefined): Promise<void> => {
    const publishing = publish(
      items.flatMap(({ content }) => ('problems' in content ? [] : [{ ...content, keepWithdrawn: true }])),
    );
    const [publications] = await Promise.all([publishing, before]);
    count(items, publications);
  };

  const advance = (bytes: number): void => {
    read += bytes;
  };
  const skip = (reason: string): void => {
    tally.skipped.set(reason, (tally.skipped.get(reason) ?? 0) + 1);
  };

  try {
    for (const source of sources) {
      for await (const item of source.items(advance, skip)) {
        batch.push(withOwnId(item));
        if (batch.length < BATCH) continue;
        const saving = save(batch, running.at(-1));
        saving.catch(() => {}); // handled where it is awaited
        running.push(saving);
        batch = [];
        if (running.length >= AHEAD) await running.shift();
      }
    }
  } finally {
    running.push(save(batch, running.at(-1))); // also after an error: records that were read are saved
    await Promise.allSettled(running);
    bar.stop();
  }
  await Promise.all(running);
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

interface Rejected {
  /** Returns the name of the file, which is final after `close`. */
  readonly file: () => string;
  /** Returns how many records are in the file. */
  readonly count: () => number;
  readonly write: (item: Item) => void;
  /** @param isComplete whether all sources were read and the file has every refused record */
  readonly close: (isComplete: boolean) => void;
}

/**
 * Opens the file of refused records, NDJSON. It gets its name at the end, because it may be the very file that is
 * imported: it then replaces that file. Any other existing file is kept, since somebody may be fixing records in it.
 *
 * @param imported absolute paths
 */
function openRejected(
  wanted: string,
  { imported, dryRun }: { readonly imported: readonly string[]; readonly dryRun: boolean },
): Rejected {
  const growing = `${wanted}.${process.pid}.part`;
  let file = wanted;
  let descriptor: number | undefined;
  let count = 0;
  return {
    file: () => file,
    count: () => count,
    write({ content }) {
      const text = 'problems' in content ? content.text : recordText(content);
      if (dryRun || text === undefined) return; // not text, so it cannot be copied
      descriptor ??= openForWriting(growing, wanted);
      writeSync(descriptor, `${text.replaceAll('\n', ' ')}\n`);
      count += 1;
    },
    close(isComplete) {
      if (descriptor === undefined) return;
      fsyncSync(descriptor);
      closeSync(descriptor);
      const mayReplace = (name: string) => isComplete && imported.includes(resolve(name));
      const { dir, name, ext } = parsePath(wanted);
      for (let number = 2; existsSync(file) && !mayReplace(file); number += 1)
        file = join(dir, `${name}-${number}${ext}`);
      renameSync(growing, file);
    },
  };
}

/** The record as the file of refused records holds it: with the date that it was given, and with these fields. */
function recordText({ json, publishedAt }: UnparsedRecord, fields: object = {}): string {
  const text = jsonString(json);
  if (publishedAt === undefined && Object.keys(fields).length === 0) return text;
  return JSON.stringify({ ...(publishedAt === undefined ? {} : { publishedAt }), ...JSON.parse(text), ...fields });
}

function openForWriting(growing: string, file: string): number {
  try {
    return openSync(growing, 'w');
  } catch (error) {
    throw unwritable(file, error);
  }
}

function printSummary(
  tally: Tally,
  rejected: Rejected,
  { terminal, dryRun }: Pick<ImportContext, 'terminal' | 'dryRun'>,
): void {
  const { created, updated, unchanged, refused, skipped } = tally;
  const prefix = dryRun ? 'Dry run, nothing was changed: ' : '';
  terminal.out(`${prefix}${created} created, ${updated} updated, ${unchanged} unchanged, ${refused} refused`);
  if (skipped.size > 0)
    terminal.out(`Skipped: ${[...skipped].map(([reason, count]) => `${count} ${reason}`).join(', ')}`);
  if (refused === 0) return;
  if (!dryRun) terminal.err(nextStep(refused, rejected));
  if (refused > MAX_PRINTED) terminal.err(`${refused - MAX_PRINTED} more refused records are not shown here.`);
}

/** Records that are not text, or too long to be read to their end, are not in the file. */
function nextStep(refused: number, rejected: Rejected): string {
  const [copied, file] = [rejected.count(), rejected.file()];
  if (copied === 0) return 'Fix the source and import again.';
  if (copied === refused) return `Refused records are in ${file}: fix them there and import that file.`;
  return `${copied} of ${refused} refused records are in ${file}: fix them there and import that file. Fix the others in the source.`;
}
