import { writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Article } from '../article/article.ts';
import { OPTIONS } from '../config/options.ts';
import { loadWithoutPartners } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import { rfc3339 } from '../lib/instant.ts';
import { jsonString } from '../lib/json.ts';
import { visibleControls } from '../lib/text.ts';
import { parseHere } from '../publish/publish.ts';
import { hasStore, newsroomOf, storeFile } from '../service/data-folder.ts';
import { requireRoom } from '../service/disk-room.ts';
import { forgetDamage } from '../store/sqlite/damage.ts';
import { SCHEMA } from '../store/sqlite/database.ts';
import { type LockedStore, lockStore } from '../store/sqlite/repair.ts';
import type { Salvaged } from '../store/sqlite/salvage.ts';
import type { LostArticle } from '../store/sqlite/salvage-articles.ts';
import { optionsHelp, readArguments, unwritable } from './arguments.ts';
import type { Command } from './command.ts';
import { createDamageReport, type DamageReport, grouped } from './damage-report.ts';
import { progressBar, type Terminal } from './terminal.ts';
import { typedAnswer } from './typed-answer.ts';

const HELP = `Usage: feed-publisher repair [options]

Keeps what is whole of a damaged store. Stop the service first. The command writes a new store beside the damaged one and puts
it in its place; the damaged one stays under another name. It lists what is lost in a file. Articles that came from files in
articles/ are read again from there at the next start. A backup is better if you have one that is new enough.

${optionsHelp(OPTIONS.repair)}`;

export const command: Command = { help: HELP, run };

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readArguments(OPTIONS.repair, { args, env: terminal.env });
  const folder = resolve(values.data);
  const publication = loadWithoutPartners(folder);
  if (!hasStore(folder)) throw noStore(folder);
  const file = storeFile(folder);
  const store = lockStore(file);
  try {
    const damage = await damageOf(store, terminal);
    if (damage.count() === 0) {
      if (store.schema === SCHEMA) forgetDamage(file);
      return 0;
    }
    requireRoom(store.room(), {
      work: `A repair of ${file}`,
      hint: 'Make room on this disk, or move the folder of the store to another one. Nothing was changed.',
    });
    if (!values.yes && !(await isConfirmed(terminal))) {
      terminal.err('Nothing was repaired.');
      return 1;
    }
    const at = Date.now();
    const date = rfc3339(at).replaceAll(/[-:]/g, '');
    const kept = `${file}.damaged-${date}`;
    const bar = progressBar(terminal, 'Repairing');
    const parse = parseHere(newsroomOf(folder, publication));
    const salvaged = await store
      .repair({ at, progress: bar.update, parse: parsedBy(parse), arePagesWhole: damage.arePagesWhole() }, kept)
      .finally(bar.stop);
    forgetDamage(file);
    return report(salvaged, { list: `${file}.lost-${date}.txt`, kept }, terminal);
  } finally {
    store.close();
  }
}

function noStore(folder: string): PublisherError {
  return new PublisherError('store_unavailable', `There is no store in ${folder}, so there is nothing to repair.`, {
    hint: 'Check --data.',
  });
}

function parsedBy(parse: ReturnType<typeof parseHere>): (record: string) => Promise<Article | undefined> {
  return async (json) => {
    const [parsed] = await parse([{ json }]);
    if (parsed === undefined || parsed instanceof PublisherError) return undefined;
    return JSON.parse(jsonString(parsed.article.text)) as Article;
  };
}

/** Finds what is damaged, and prints it. */
async function damageOf(store: LockedStore, terminal: Terminal): Promise<DamageReport> {
  const damage = createDamageReport();
  const bar = progressBar(terminal, 'Verifying');
  const { articles, feeds } = await store.check({ onDamage: damage.add, progress: bar.update }).finally(bar.stop);
  for (const line of damage.lines()) terminal.out(line);
  if (damage.count() > 0) terminal.out(`damage: ${damage.summary()}`);
  else {
    const found =
      store.schema === SCHEMA ? `${grouped(articles, 'article')}, ${grouped(feeds, 'feed')}` : outdated(store);
    terminal.out(`no damage: ${found}. Nothing was changed.`);
  }
  return damage;
}

function outdated({ schema }: LockedStore): string {
  return `the store has schema ${schema}, so only its pages and articles were checked. Run migrate`;
}

/** Without a terminal, the command line is the confirmation. */
async function isConfirmed({ input, screen }: Terminal): Promise<boolean> {
  const keyboard = input?.();
  if (keyboard?.isTTY !== true) return true;
  const question =
    'A repair loses what is damaged; the damaged store is kept under another name. Type repair to begin: ';
  return (await typedAnswer(question, keyboard, screen)) === 'repair';
}

interface ReportFiles {
  /** The list of what is lost. */
  readonly list: string;
  /** The damaged store. */
  readonly kept: string;
}

/** Returns the exit code. */
function report(salvaged: Salvaged, { list, kept }: ReportFiles, { out, err }: Terminal): number {
  const { articles, feeds, keys, rebuilt, lost, lostReasons, lostFeeds, lostKeys, lostRows } = salvaged;
  out(`kept: ${grouped(articles, 'article')}, ${grouped(feeds, 'feed')}, ${grouped(keys, 'key')}`);
  if (rebuilt.length > 0) out(`rebuilt: ${grouped(rebuilt.length, 'article')} from the text that was whole`);
  const lines = [
    ...lost.map(lostLine),
    ...lostReasons.map(
      (id) => `article\t${visibleControls(id)}\tis withdrawn as before; if it had a reason, that is lost`,
    ),
    ...lostFeeds.map((feed) => `feed\t${feed}\tits settings are lost; its articles are not`),
    ...lostKeys.map((key) => `key\t${key}\tcreate another one`),
    ...lostRows.map((row) => `row\t${row}`),
  ];
  err(
    `The damaged store is ${basename(kept)}. Delete it when you do not need it any more: it may have text of erased articles.`,
  );
  if (lines.length === 0) {
    out('lost: nothing');
    return 0;
  }
  write(list, lines, out);
  const gone = lost.filter(({ isSealed }) => isSealed).length;
  const parts = [
    ...(lost.length > gone ? [grouped(lost.length - gone, 'article')] : []),
    ...(gone > 0 ? [`the text of ${grouped(gone, 'withdrawn or erased article')}`] : []),
    ...(lostReasons.length > 0 ? [`the reason of ${grouped(lostReasons.length, 'withdrawal')}`] : []),
    ...(lostFeeds.length > 0 ? [`the settings of ${grouped(lostFeeds.length, 'feed')}`] : []),
    ...(lostKeys.length > 0 ? [grouped(lostKeys.length, 'key')] : []),
    ...(lostRows.length > 0 ? ['rows of other tables'] : []),
  ];
  out(`lost: ${parts.join(', ')}; see ${list}`);
  return 1;
}

const STATES: Readonly<Record<LostArticle['state'], string>> = {
  listed: 'lost',
  gone: 'was withdrawn or erased, and its ids are lost: keep its record away',
  uncertain: 'lost; whether it was withdrawn is not known',
};

function lostLine({ number, id, state, file, isSealed }: LostArticle): string {
  const what = isSealed
    ? 'was withdrawn or erased; its text is lost, and nothing can be published under its id'
    : STATES[state];
  const source = file === undefined || isSealed ? '' : sourceNote(state, join('articles', file));
  return ['article', visibleControls(id ?? `number ${number}`), `${what}${source}`].join('\t');
}

function sourceNote(state: LostArticle['state'], file: string): string {
  if (state === 'listed') return `; the next start reads it again from ${file}`;
  return `; change ${file} to publish it again`;
}

/** Where the disk is full, the list goes to the terminal: nothing else knows what is lost. */
function write(file: string, lines: readonly string[], out: Terminal['out']): void {
  try {
    writeFileSync(file, `${lines.join('\n')}\n`, { flush: true });
  } catch (error) {
    for (const line of lines) out(line);
    throw unwritable(file, error);
  }
}
