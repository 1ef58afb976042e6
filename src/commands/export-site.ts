import { resolve } from 'node:path';
import { hasReservedAddress } from '../config/local-address.ts';
import type { ValuesOf } from '../config/option.ts';
import type { OPTIONS } from '../config/options.ts';
import { rfc3339 } from '../lib/instant.ts';
import { isSystemError } from '../lib/system-reason.ts';
import { type DataFolder, openDataFolder } from '../service/data-folder.ts';
import { siteTarget } from '../service/site/open-target.ts';
import { prepareSite } from '../service/site/prepare-site.ts';
import type { SiteTarget } from '../service/site/site-target.ts';
import { type SiteResult, writeSite } from '../service/site/write-site.ts';
import { type OpenLog, openLog } from '../telemetry/log.ts';
import { unwritable } from './arguments.ts';
import { siteSettings } from './site-settings.ts';
import { counted, progressBar, progressBars, type Terminal } from './terminal.ts';

export type ExportValues = ValuesOf<typeof OPTIONS.export>;

/** Codes of shells for a command that a signal ended. */
const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143 };

/**
 * Writes the feeds, pages and files of a data folder for a server that knows nothing of this program.
 *
 * @returns the exit code
 * @throws PublisherError `site_busy`, `unwritable_output`, `unreachable_target`, and those of `openDataFolder`
 */
export async function exportSite(site: string, values: ExportValues, terminal: Terminal): Promise<number> {
  const target = await siteTarget(siteSettings(site, values), resolve(values.data));
  const stop = new AbortController();
  let code = 0;
  terminal.onStop((signal) => {
    code = SIGNAL_CODES[signal];
    stop.abort();
  });
  const log = openLog(terminal.screen, { level: 'warn', isTTY: terminal.screen.isTTY });
  const folder = openDataFolder(resolve(values.data), { feedsUrl: values.publicUrl });
  try {
    if (hasReservedAddress(folder.publication)) terminal.err(reservedNote(folder));
    const result = await writeUpToDate(folder, target, { terminal, log, signal: stop.signal });
    terminal.out(values.json ? jsonOf(result) : `${summaryOf(result)} in ${target.name}`);
    if (!values.json) for (const line of notesOn(result)) terminal.out(line);
    return 0;
  } catch (error) {
    if (!stop.signal.aborted) throw isSystemError(error) ? unwritable(target.name, error) : error;
    terminal.err('Interrupted. Run the same command again to go on.');
    return code;
  } finally {
    await folder.store.close();
    await log.close();
  }
}

interface Surroundings {
  readonly terminal: Terminal;
  readonly log: OpenLog;
  readonly signal: AbortSignal;
}

async function writeUpToDate(folder: DataFolder, target: SiteTarget, parts: Surroundings): Promise<SiteResult> {
  const { terminal, signal, log: opened } = parts;
  const { log } = opened;
  const fail = (error: unknown) => log.error({ err: error }, error instanceof Error ? error.message : String(error));
  await prepareSite(folder, { now: Date.now, log, fail, progress: progressBars(terminal) });
  signal.throwIfAborted();
  const bar = progressBar(terminal, 'Exporting');
  try {
    const onProgress = (done: number, total: number) => bar.update(done, total);
    return await writeSite({ folder, target, version: terminal.version, now: Date.now, log, onProgress, signal });
  } finally {
    bar.stop();
  }
}

function reservedNote({ publication: { feedsUrl } }: DataFolder): string {
  return `The documents have the address ${feedsUrl}, a name for examples that no reader can open. Set feedsUrl in publication.yaml, or --public-url.`;
}

function summaryOf({ written, unchanged, removed }: SiteResult): string {
  return `${counted(written, 'document')} written, ${unchanged} unchanged, ${removed} removed`;
}

function notesOn({ filling, nextChangeAt }: SiteResult): string[] {
  return [
    ...(filling === 0 ? [] : [`${counted(filling, 'feed')} with new rules stay as they were: export again.`]),
    ...(nextChangeAt === undefined
      ? []
      : [`Time alone changes a document next at ${rfc3339(nextChangeAt)}: export again then.`]),
  ];
}

function jsonOf({ nextChangeAt, ...counts }: SiteResult): string {
  return JSON.stringify({ ...counts, ...(nextChangeAt === undefined ? {} : { nextChangeAt: rfc3339(nextChangeAt) }) });
}
