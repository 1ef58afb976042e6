import { resolve } from 'node:path';
import type { ValuesOf } from '../config/option.ts';
import type { OPTIONS } from '../config/options.ts';
import { openPictureFolder, type PictureFolder } from '../ingest/import/picture-folder.ts';
import { parseHere } from '../publish/publish.ts';
import { publicationInForce, refreshStore, requireReparse } from '../publish/refresh.ts';
import { type DataFolder, hasStore, newsroomOf } from '../service/data-folder.ts';
import { openSharedFolder } from '../service/shared-folder.ts';
import { MAX_PRINTED } from './import-items.ts';
import type { ImportReport, Tally } from './import-report.ts';
import type { RejectedFile } from './rejected-file.ts';
import type { Terminal } from './terminal.ts';

export type ImportValues = ValuesOf<typeof OPTIONS.import>;

/** What the steps of an import need of the command line. */
export interface ImportSetup {
  readonly values: ImportValues;
  readonly terminal: Terminal;
  readonly folder: DataFolder;
  /** Ends the import at the first signal. */
  readonly stop: AbortSignal;
}

/** How many pages of a feed are read. */
export function pagesOf({ all, maxPages }: ImportValues): number {
  return all ? maxPages : 1;
}

/** Opens the data folder of an import. */
export async function openFolder(values: ImportValues, isBulk: boolean): Promise<DataFolder> {
  const { data, publicUrl, databaseUrl, dryRun, sanitizeFastPath } = values;
  return await openSharedFolder(data, {
    databaseUrl,
    feedsUrl: publicUrl,
    isBulk: isBulk && !dryRun,
    // Opening a store creates it, and a dry run writes nothing.
    storeFile: dryRun && !hasStore(resolve(data)) ? ':memory:' : undefined,
    sanitizeFastPath,
  });
}

/**
 * Returns undefined if pictures keep their addresses. A dry run finds earlier copies, and copies none.
 *
 * @param isNoted whether a note was made before; never by default
 */
export async function picturesFor(
  { path }: DataFolder,
  { values, terminal, stop }: ImportSetup,
  report: ImportReport,
  isNoted: (note: string) => boolean = () => false,
): Promise<PictureFolder | undefined> {
  const { media, mediaMb, mediaCount, allowPrivate, dryRun } = values;
  if (!media) return undefined;
  return await openPictureFolder({
    mediaFolder: resolve(path, 'media'),
    limits: { maxMegabytes: mediaMb, maxCount: mediaCount },
    onNote: limitedNotes(terminal, report, isNoted),
    signal: stop,
    allowPrivate,
    dryRun,
  });
}

/** Prints the first notes. The report has all. */
function limitedNotes(
  { err }: Terminal,
  report: ImportReport,
  isNoted: (note: string) => boolean,
): (note: string) => void {
  let count = 0;
  return (note) => {
    if (isNoted(note)) return;
    report.note(note);
    count += 1;
    if (count <= MAX_PRINTED) err(note);
    if (count === MAX_PRINTED) err('More notes on pictures are not shown here. --report FILE writes them.');
  };
}

/**
 * Returns the data folder as a service that runs on it sees it: with the addresses and the language of its last start.
 * Only a start of the service applies a changed publication.yaml to stored articles. A new store is set up.
 */
export async function setUpOrCurrent(
  folder: DataFolder,
  { publicUrl, dryRun, sanitizeFastPath }: ImportValues,
): Promise<DataFolder> {
  const { path, store, publication: wanted } = folder;
  const inForce = await publicationInForce(store, wanted);
  if (inForce === undefined) {
    if (!dryRun) await setUp(folder);
    return folder;
  }
  const publication = publicUrl === undefined ? inForce : { ...inForce, feedsUrl: wanted.feedsUrl };
  if (publication.feedsUrl !== inForce.feedsUrl && !dryRun) await requireReparse(store);
  return { ...folder, publication, newsroom: newsroomOf(path, publication, sanitizeFastPath) };
}

/** A new store has no articles, so there is no progress or refusal to report. */
async function setUp({ store, publication, newsroom }: DataFolder): Promise<void> {
  const ignore = () => {};
  const parse = parseHere(newsroom);
  await refreshStore({ store, publication, parse, now: Date.now, progress: ignore, onInvalid: ignore });
}

export function summaryOf({ created, updated, unchanged, refused }: Tally): string {
  return `${created} created, ${updated} updated, ${unchanged} unchanged, ${refused} refused`;
}

/** What to do about the refused records. */
export function nextSteps({ refused, erased }: Tally, rejected: RejectedFile): string[] {
  const fixable = refused - erased;
  return [
    ...(fixable === 0 ? [] : [fixing(fixable, rejected)]),
    ...(erased === 0 ? [] : ['An erased article stays erased: remove its record from the source.']),
  ];
}

/** Records that are not text, or too long to be read to their end, are not in the file. */
export function fixing(refused: number, rejected: RejectedFile): string {
  const [copied, file] = [rejected.count(), rejected.file()];
  if (copied === 0) return 'Fix the source, or wait until it can be read, and import again.';
  if (copied === refused) return `Refused records are in ${file}: fix them there and import that file.`;
  return `${copied} of ${refused} refused records are in ${file}: fix them there and import that file. Fix the others in the source.`;
}

/** @param remains for each file that may still have text of an erased article, why */
export function noteRemains(remains: readonly string[], terminal: Terminal): void {
  for (const reason of remains) terminal.err(`Text of an erased article may still be in a file: ${reason}.`);
}
