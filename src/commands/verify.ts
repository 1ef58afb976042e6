import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { OPTIONS } from '../config/options.ts';
import { loadWithoutPartners } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import { verifyBackup } from '../service/backup/restore.ts';
import { hasStore, storeFile } from '../service/data-folder.ts';
import { forgetDamage } from '../store/sqlite/damage.ts';
import { isThere, SCHEMA } from '../store/sqlite/database.ts';
import { type VerifiedStore, verifyStore } from '../store/sqlite/verify.ts';
import { optionsHelp, readArguments, usage } from './arguments.ts';
import type { Command } from './command.ts';
import { createDamageReport, type DamageReport, grouped } from './damage-report.ts';
import { progressBar, progressBars, type Terminal } from './terminal.ts';

const HELP = `Usage: feed-publisher verify [options] [BACKUP]

Checks the store of a data folder, or BACKUP, for damage: pages, checksums, records, articles and their feeds. BACKUP is a folder that
the command backup made, whose files are compared with its list first, or a copy of the store alone.
It changes nothing in the store, and a service may use it meanwhile. Lists what is damaged, one line each, and a count. The
exit code is 0 without damage and 1 otherwise. If the store of a data folder is whole, the service takes changes again from its
next start on.

${optionsHelp(OPTIONS.verify)}`;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(OPTIONS.verify, { args, env: terminal.env, allowPositionals: true });
  const [backup, ...others] = positionals;
  if (others.length > 0) throw usage(`“verify” checks one BACKUP, not ${positionals.length}.`);
  const file = backup === undefined ? storeIn(resolve(values.data)) : await storeOf(resolve(backup), terminal);
  const damage = createDamageReport();
  const bar = progressBar(terminal, 'Verifying');
  try {
    const isBackup = backup !== undefined;
    const verified = await verifyStore(file, { isBackup, onDamage: damage.add, progress: bar.update });
    bar.stop();
    if (values.json) terminal.out(asJson(file, verified, damage));
    else printText(verified, damage, terminal);
    if (damage.count() > 0) return 1;
    if (verified.isOutdated) terminal.err(outdated(verified));
    else if (!isBackup) forgetDamage(file);
    return verified.isOutdated ? 1 : 0;
  } finally {
    bar.stop();
  }
}

function storeIn(folder: string): string {
  if (hasStore(folder)) return storeFile(folder);
  loadWithoutPartners(folder); // throws for a mistyped folder
  throw missing(`There is no store in ${folder}, so there is nothing to verify.`, 'Check --data.');
}

/** The store of a backup, after a look at its other files. @throws PublisherError `backup_damaged` */
async function storeOf(backup: string, terminal: Terminal): Promise<string> {
  if (!statSync(backup, { throwIfNoEntry: false })?.isDirectory()) return existing(backup);
  await verifyBackup(backup, progressBars(terminal));
  return storeFile(backup);
}

function existing(file: string): string {
  if (isThere(file)) return file;
  throw missing(`There is no file ${file}, so there is nothing to verify.`, 'Check the name of the backup.');
}

function missing(message: string, hint: string): PublisherError {
  return new PublisherError('store_unavailable', message, { hint });
}

function asJson(file: string, { schema, isOutdated, articles, feeds }: VerifiedStore, damage: DamageReport): string {
  const isWhole = damage.count() === 0 && !isOutdated;
  return JSON.stringify({ file, schema, articles, feeds, isWhole, problems: damage.count(), damage: damage.listed() });
}

function printText({ articles, feeds, isOutdated }: VerifiedStore, damage: DamageReport, { out, err }: Terminal): void {
  for (const line of damage.lines()) out(line);
  if (damage.count() > 0) {
    out(`damage: ${damage.summary()}`);
    err('Stop the service. Restore a backup, or run repair, which keeps what is whole: docs/back-up-and-upgrade.md.');
  } else if (!isOutdated) out(`no damage: ${grouped(articles, 'article')}, ${grouped(feeds, 'feed')}`);
}

function outdated({ schema, articles }: VerifiedStore): string {
  return `The pages and ${grouped(articles, 'article')} of the store are whole, but it has schema ${schema}, and this program needs schema ${SCHEMA}: the rest is not checked. Run migrate, then verify again.`;
}
