import { resolve } from 'node:path';
import { OPTIONS } from '../config/options.ts';
import { addressSource, findFeed } from '../ingest/import/address.ts';
import type { ImportSource, OnNote } from '../ingest/import/item.ts';
import type { OldFeed } from '../ingest/import/old-feeds.ts';
import type { PictureFolder } from '../ingest/import/picture-folder.ts';
import { findSources } from '../ingest/import/source.ts';
import { rememberRejectedFile, removeErasedSince } from '../service/rejected-files.ts';
import { optionsHelp, readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { adjustmentSummary } from './import-adjustments.ts';
import { type ImportContext, importAll, isLarge, MAX_PRINTED } from './import-items.ts';
import { printOldFeeds, recordOldFeeds } from './import-old-feeds.ts';
import { repeatImport } from './import-repeat.ts';
import { emptyTally, openReport, type Tally } from './import-report.ts';
import {
  type ImportSetup,
  nextSteps,
  noteRemains,
  openFolder,
  pagesOf,
  picturesFor,
  setUpOrCurrent,
  summaryOf,
} from './import-setup.ts';
import { openRejected, type RejectedFile } from './rejected-file.ts';
import type { Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher import [options] PATH|URL…

Publishes the articles of files, folders and addresses: records (JSON, NDJSON, Markdown, plain text), feeds (RSS, Atom,
JSON Feed) and WordPress exports (WXR). Files may be compressed (.gz). An address may be that of a web page: the best feed
that it names is imported. An address cannot be Markdown or plain text.

Articles keep their ids, so readers do not see old stories as new. You can run an import again, also after Ctrl-C: an
article that has not changed is left alone.

${optionsHelp(OPTIONS.import)}`;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(OPTIONS.import, { args, env: terminal.env, allowPositionals: true });
  if (positionals.length === 0) throw usage('“import” needs at least one PATH or URL.');
  const { every, dryRun } = values;
  if (every !== undefined && !positionals.every(isAddress))
    throw usage('--every needs addresses: the service watches its articles folder itself.');
  if (every !== undefined && dryRun) throw usage('--every and --dry-run exclude each other: leave one out.');
  const { stop, exitCode } = stopSignal(terminal);
  if (every !== undefined) {
    const folder = await openFolder(values, false);
    try {
      return await repeatImport(positionals, { values, terminal, folder, stop, every });
    } finally {
      await folder.store.close();
    }
  }
  const notes: string[] = [];
  const sources = await sourcesAt(positionals, { values, stop }, (note) => {
    notes.push(note);
    terminal.err(note);
  });
  if (sources === undefined) {
    terminal.err('Interrupted before anything was read. Nothing was changed.');
    return exitCode();
  }
  const folder = await openFolder(values, isLarge(sources));
  try {
    const tally = await importOnce({ locations: positionals, sources, notes }, { values, terminal, folder, stop });
    if (stop.aborted) return exitCode();
    return tally.refused === 0 ? 0 : 1;
  } finally {
    await folder.store.close();
  }
}

function isAddress(location: string): boolean {
  return /^https?:\/\//i.test(location);
}

/** Codes of shells for a command that a signal ended. */
const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143 };

function stopSignal({ onStop }: Terminal): { readonly stop: AbortSignal; readonly exitCode: () => number } {
  const controller = new AbortController();
  let code = 0;
  onStop((signal) => {
    code = SIGNAL_CODES[signal];
    controller.abort();
  });
  return { stop: controller.signal, exitCode: () => code };
}

/** Returns undefined if the import is stopped while it downloads. */
async function sourcesAt(
  locations: readonly string[],
  { values, stop }: Pick<ImportSetup, 'values' | 'stop'>,
  onNote: OnNote,
): Promise<readonly ImportSource[] | undefined> {
  const find = async (location: string): Promise<readonly ImportSource[]> => {
    if (!isAddress(location)) return findSources(location);
    const { allowPrivate } = values;
    const feed = await findFeed(location, onNote, { allowPrivate, signal: stop });
    return feed === undefined ? [] : [addressSource(feed, { allowPrivate, maxPages: pagesOf(values), signal: stop })];
  };
  try {
    return (await Promise.all(locations.map(find))).flat();
  } catch (error) {
    if (stop.aborted && error === stop.reason) return undefined;
    throw error;
  }
}

interface FoundSources {
  /** As typed. */
  readonly locations: readonly string[];
  readonly sources: readonly ImportSource[];
  /** What the search has found out, for the report. */
  readonly notes: readonly string[];
}

async function importOnce({ locations, sources, notes }: FoundSources, setup: ImportSetup): Promise<Tally> {
  const { values, terminal, stop } = setup;
  const { dryRun } = values;
  const current = await setUpOrCurrent(setup.folder, values);
  if (!dryRun) await rememberRejectedFile(current.store, resolve(values.rejected));
  const revision = await current.store.lastRevision();
  const rejected = openRejected(values.rejected, { imported: sources.map(({ name }) => resolve(name)), dryRun });
  const report = openReport(values.report, { startedAt: Date.now(), sources: locations, dryRun });
  for (const note of notes) report.note(note);
  const tally = emptyTally();
  const oldFeeds: OldFeed[] = [];
  let isRead = false;
  let context: ImportContext | undefined;
  try {
    const pictures = await picturesFor(current, setup, report);
    const onOldFeeds = (found: readonly OldFeed[]) => {
      for (const each of found) oldFeeds.push(each);
    };
    context = { terminal, rejected, report, dryRun, pictures, stop, onOldFeeds };
    await importAll(current, sources, tally, context);
    isRead = !stop.aborted;
    const end = { tally, pictures: pictures?.counts(), finishedAt: Date.now(), isInterrupted: stop.aborted };
    report.close(end);
  } finally {
    report.discard();
    rejected.close(isRead && rejected.count() === tally.refused - tally.erased);
    if (rejected.count() > 0) noteRemains(await removeErasedSince(current, revision), terminal);
    printSummary(tally, rejected, { terminal, dryRun, pictures: context?.pictures });
    if (stop.aborted) terminal.err(dryRun ? 'Interrupted: the rest was not read.' : INTERRUPTED);
  }
  if (!dryRun) await recordOldFeeds(current, oldFeeds, locations);
  await printOldFeeds(current, oldFeeds, { terminal, dryRun });
  return tally;
}

const INTERRUPTED =
  'Interrupted: what was read until then is saved. Run the same command again to go on: articles that are saved already count as unchanged.';

interface SummaryParts {
  readonly terminal: Terminal;
  readonly dryRun: boolean;
  readonly pictures: PictureFolder | undefined;
}

function printSummary(tally: Tally, rejected: RejectedFile, { terminal, dryRun, pictures }: SummaryParts): void {
  const { refused, skipped } = tally;
  const prefix = dryRun ? 'Dry run, nothing was changed: ' : '';
  terminal.out(`${prefix}${summaryOf(tally)}`);
  if (skipped.size > 0)
    terminal.out(`Skipped: ${[...skipped].map(([reason, count]) => `${count} ${reason}`).join(', ')}`);
  const adjusted = adjustmentSummary(tally.adjustments);
  if (adjusted !== undefined) terminal.out(adjusted);
  if (pictures !== undefined) terminal.out(pictureCounts(pictures));
  if (refused === 0) return;
  if (!dryRun) for (const step of nextSteps(tally, rejected)) terminal.err(step);
  if (refused > MAX_PRINTED) terminal.err(`${refused - MAX_PRINTED} more refused records are not shown here.`);
}

function pictureCounts(pictures: PictureFolder): string {
  const { copied, kept, failed, missing } = pictures.counts();
  if (missing !== undefined) return `Pictures: ${missing} to copy, ${kept} copied earlier`;
  return `Pictures: ${copied} copied, ${kept} copied earlier, ${failed} not copied`;
}
