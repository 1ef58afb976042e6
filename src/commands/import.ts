import { hash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, parse as parsePath, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeProblems, excerpt, PublisherError } from '../errors.ts';
import { findSources, type ImportSource, type Item } from '../ingest/import/source.ts';
import { jsonString } from '../lib/json.ts';
import { openParsePool } from '../publish/parse-pool.ts';
import { createPublisher, type Published, parseHere, type Submission } from '../publish/publish.ts';
import { publicationInForce, refreshStore, requireReparse } from '../publish/refresh.ts';
import type { UnparsedRecord } from '../publish/unparsed-record.ts';
import { type DataFolder, newsroomOf, openDataFolder } from '../service/data-folder.ts';
import type { Outcome } from '../store/store.ts';
import { publicUrl, unwritable, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { progressBar, type Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher import [options] PATH|URL…

Publishes the articles of files, folders and addresses: records as JSON, NDJSON, Markdown or plain text, an RSS, Atom or
JSON feed, a WordPress export (WXR). An address may serve any of these but Markdown and plain text. Ids are kept: readers
do not see old stories as new. What is there already and the same is left alone, so that an import can be run again.

Options
  --data FOLDER      the data folder                                  (DATA_DIR, data)
  --public-url URL   the address the service is given   (PUBLIC_URL, the one it had last, feedsUrl in publication.yaml)
  --dry-run          tell what would happen, and change nothing
  --rejected FILE    where records that were refused go, to mend and import again   (rejected.ndjson)
                     A file that is there and not imported stays: they go to rejected-2.ndjson then.
`;

/** Records that are parsed and kept together. */
const BATCH = 2000;
/** Batches under way at once: some being parsed while one is kept. */
const AHEAD = 6;
/** From so many bytes on, threads are worth their start. */
const WORTH_THREADS = 2_000_000;
/** Refusals that are told one by one; the file has them all. */
const MOST_TOLD = 50;

/** What became of the records, and of what else was found how many were passed over, by the reason. */
interface Tally extends Record<'created' | 'updated' | 'unchanged' | 'refused', number> {
  readonly passedOver: Map<string, number>;
}

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      data: { type: 'string' },
      'dry-run': { type: 'boolean' },
      'public-url': { type: 'string' },
      rejected: { type: 'string' },
    },
  });
  if (positionals.length === 0) throw usage('There is nothing named to import.');
  const sources = (await Promise.all(positionals.map(findSources))).flat();
  const feedsUrl = publicUrl(values['public-url'] ?? terminal.env.PUBLIC_URL);
  const installation = openDataFolder(values.data ?? (terminal.env.DATA_DIR || 'data'), {
    feedsUrl,
    isBulk: sizeOf(sources) >= WORTH_THREADS,
  });
  try {
    const dryRun = values['dry-run'] ?? false;
    const asItIs = await setUpOrAsItIs(installation, { hasAddress: feedsUrl !== undefined, dryRun });
    const imported = sources.map(({ name }) => resolve(name));
    const rejected = openRejected(values.rejected ?? 'rejected.ndjson', { imported, dryRun });
    const tally: Tally = { created: 0, updated: 0, unchanged: 0, refused: 0, passedOver: new Map() };
    let isRead = false;
    try {
      await importAll(asItIs, sources, tally, { terminal, rejected, dryRun });
      isRead = true;
    } finally {
      rejected.close(isRead && rejected.count() === tally.refused);
      report(tally, rejected, { terminal, dryRun });
    }
    return tally.refused === 0 ? 0 : 1;
  } finally {
    await installation.store.close();
  }
}

/**
 * The installation as the service on its store has it. Only a start of the service brings stored articles up to what
 * publication.yaml says by now: one that runs goes on by what it said before. A new store is set up.
 */
async function setUpOrAsItIs(
  installation: DataFolder,
  { hasAddress, dryRun }: { readonly hasAddress: boolean; readonly dryRun: boolean },
): Promise<DataFolder> {
  const { dataFolder, store, publication: told } = installation;
  const inForce = await publicationInForce(store, told);
  if (inForce === undefined) {
    if (!dryRun) await setUp(installation);
    return installation;
  }
  const publication = hasAddress ? { ...inForce, feedsUrl: told.feedsUrl } : inForce;
  if (publication.feedsUrl !== inForce.feedsUrl && !dryRun) await requireReparse(store);
  return { dataFolder, store, publication, newsroom: newsroomOf(dataFolder, publication) };
}

/** What it would tell of articles that are there is never told: there are none. */
async function setUp({ store, publication, newsroom }: DataFolder): Promise<void> {
  const ignore = () => {};
  const parse = parseHere(newsroom);
  await refreshStore({ store, publication, parse, now: Date.now, progress: ignore, onInvalid: ignore });
}

interface How {
  readonly terminal: Terminal;
  readonly rejected: Rejected;
  readonly dryRun: boolean;
}

async function importAll(
  installation: DataFolder,
  sources: readonly ImportSource[],
  tally: Tally,
  how: How,
): Promise<void> {
  const { store, newsroom } = installation;
  const size = sizeOf(sources);
  const pool = size < WORTH_THREADS ? undefined : openParsePool(newsroom, availableParallelism());
  const parse = pool?.parse ?? parseHere(newsroom);
  try {
    const publisher = createPublisher({
      store: how.dryRun ? { ...store, apply: store.rehearse } : store,
      parse,
      now: Date.now,
      announce: () => {},
    });
    await importItems(sources, size, publisher.publish, tally, how);
  } finally {
    await pool?.close();
  }
}

/** Bytes, as far as they are known. */
function sizeOf(sources: readonly ImportSource[]): number {
  return sources.reduce((sum, { size = 0 }) => sum + size, 0);
}

async function importItems(
  sources: readonly ImportSource[],
  size: number,
  publish: (submissions: readonly Submission[]) => Promise<readonly Published[]>,
  tally: Tally,
  { terminal, rejected, dryRun }: How,
): Promise<void> {
  const bar = progressBar(terminal, 'Importing');
  const began = Date.now();
  const withOwnId = idsOfFiles();
  const resultOf = dryRun ? rehearsedResult() : ({ result }: Outcome) => countable(result);
  const running: Promise<void>[] = [];
  let read = 0;
  let batch: Item[] = [];

  const refuse = (item: Item, error: PublisherError): void => {
    tally.refused += 1;
    rejected.write(item);
    if (tally.refused > MOST_TOLD) return;
    const place = item.line === undefined ? {} : { line: item.line };
    const problems = error.problems.map((problem) => ({ ...problem, ...place }));
    const told = new PublisherError(error.code, error.message, { problems, file: item.file });
    describeProblems(told).forEach(terminal.err);
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
  /** Batches are parsed at the same time, and counted in their order. */
  const keep = async (items: readonly Item[], before: Promise<void> | undefined): Promise<void> => {
    const publishing = publish(
      items.flatMap(({ content }) => ('problems' in content ? [] : [{ ...content, keepWithdrawn: true }])),
    );
    const [publications] = await Promise.all([publishing, before]);
    count(items, publications);
  };

  const advance = (bytes: number): void => {
    read += bytes;
  };
  const passOver = (why: string): void => {
    tally.passedOver.set(why, (tally.passedOver.get(why) ?? 0) + 1);
  };

  try {
    for (const source of sources) {
      for await (const item of source.items(advance, passOver)) {
        batch.push(withOwnId(item));
        if (batch.length < BATCH) continue;
        const kept = keep(batch, running.at(-1));
        kept.catch(() => {}); // told where it is awaited
        running.push(kept);
        batch = [];
        if (running.length >= AHEAD) await running.shift();
      }
    }
  } finally {
    running.push(keep(batch, running.at(-1))); // whatever has ended it: what was read is kept
    await Promise.allSettled(running);
    bar.stop();
  }
  await Promise.all(running);
}

/**
 * An id that a file's path makes is that file's alone. Of two the first has it; the other is refused, or it would take the
 * first one's place. Records that both name it are one article, which the last tells. What many records in one file name
 * is not remembered: there may be millions.
 */
function idsOfFiles(): (item: Item) => Item {
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
  throw new Error(`an import cannot end in ${result}`);
}

/** A rehearsal keeps nothing, so that a record that comes twice has to be remembered to be counted as it will be. */
function rehearsedResult(): (outcome: Outcome, item: Item) => Result {
  const seen = new Map<string, string>();
  return ({ id, result }, { content }) => {
    const text = 'json' in content ? hash('sha256', `${content.publishedAt} ${hash('sha256', content.json)}`) : '';
    const before = seen.get(id);
    seen.set(id, text);
    if (before === undefined) return countable(result);
    return before === text ? 'unchanged' : 'updated';
  };
}

function unreadable({ content }: Item): PublisherError {
  const problems = 'problems' in content ? content.problems : [];
  return new PublisherError('invalid_article', 'This cannot be read.', { problems });
}

interface Rejected {
  /** Its name once it is closed. */
  readonly file: () => string;
  /** How many records are in it. */
  readonly count: () => number;
  readonly write: (item: Item) => void;
  /** @param hasAll whether everything was read, and what was refused of it is in the file */
  readonly close: (hasAll: boolean) => void;
}

/**
 * The file of refused records, one a line. It takes its name when all is read: it may be the very file that is being
 * imported, which it then replaces. Another that is there may be one that somebody mends.
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
      if (dryRun || text === undefined) return; // a file that is no text is where it was
      descriptor ??= openForWriting(growing, wanted);
      writeSync(descriptor, `${text.replaceAll('\n', ' ')}\n`);
      count += 1;
    },
    close(hasAll) {
      if (descriptor === undefined) return;
      fsyncSync(descriptor);
      closeSync(descriptor);
      const mayReplace = (name: string) => hasAll && imported.includes(resolve(name));
      const { dir, name, ext } = parsePath(wanted);
      for (let number = 2; existsSync(file) && !mayReplace(file); number += 1)
        file = join(dir, `${name}-${number}${ext}`);
      renameSync(growing, file);
    },
  };
}

/** The record as a file of refused records holds it: with the date that it was given, and with these fields. */
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

function report(tally: Tally, rejected: Rejected, { terminal, dryRun }: Pick<How, 'terminal' | 'dryRun'>): void {
  const { created, updated, unchanged, refused, passedOver } = tally;
  const would = dryRun ? 'Nothing was changed. It would be: ' : '';
  terminal.out(`${would}${created} created, ${updated} updated, ${unchanged} unchanged, ${refused} refused`);
  if (passedOver.size > 0)
    terminal.out(`Passed over: ${[...passedOver].map(([why, count]) => `${count} ${why}`).join(', ')}`);
  if (refused === 0) return;
  if (!dryRun) terminal.err(whereToMend(refused, rejected));
  if (refused > MOST_TOLD) terminal.err(`${refused - MOST_TOLD} refusals more were not told one by one.`);
}

/** What is no text, or is not read to its end, cannot be copied. */
function whereToMend(refused: number, rejected: Rejected): string {
  const [kept, file] = [rejected.count(), rejected.file()];
  if (kept === 0) return 'Mend what was refused where it is.';
  if (kept === refused) return `Refused records are in ${file}: mend them there and import it.`;
  return `${kept} of ${refused} refused are in ${file}: mend them there and import it, and the others where they are.`;
}
