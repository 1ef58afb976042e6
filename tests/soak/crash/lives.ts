import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { storeFile } from '../../../src/service/data-folder.ts';
import { processesOf } from '../../run-folder.ts';
import { type Figures, sumOf } from '../figures.ts';
import { runImport } from './import-run.ts';
import { type Load, load } from './load.ts';
import type { Program } from './program.ts';
import { whole } from './random.ts';

/** Changes that are acknowledged before a kill, at most. */
const LONGEST_LIFE = 200;
/** Changes that are acknowledged after a kill that the service survives. */
const AFTERWARDS = 50;
/** Writes to the log (WAL) from the first of an import until a kill, at most: those of the import, and of all. */
const MOST_WRITES = { alone: 30, beside: 150 };
/** Milliseconds from the last of them to the kill, at most: a kill meets the service in any phase of its work. */
const LATEST_KILL = 10;

/** Kills by what was killed. */
export type Kills = Figures;

export interface LifeParts extends Load {
  readonly main: string | undefined;
  /** Inspects a service that is still running after a kill. No change may be under way. */
  readonly inspect: (program: Program) => Promise<void>;
}

interface Life {
  /** Further arguments of the service. */
  readonly args: readonly string[];
  /** From a running service until no process is left. */
  readonly live: (program: Program, parts: LifeParts) => Promise<Kills>;
}

/** All ways in which processes of one store are killed. */
export const LIVES: readonly [Life, ...Life[]] = [
  { args: [], live: killService },
  { args: [], live: killServiceThenImport },
  { args: ['--workers', '2'], live: killOneOfGroup },
  { args: [], live: killService },
  { args: [], live: killServiceThenImport },
  { args: [], live: killImportOrService },
];

async function killService(program: Program, parts: LifeParts): Promise<Kills> {
  const work = load(program, parts, false);
  await enough(parts, 1 + whole(parts.random, LONGEST_LIFE), work.done);
  const atWork = countAtWork(parts);
  await program.kill();
  await work.done;
  return { 'kills of the service': 1, ...atWork };
}

/** Kills the writer, the reader or their supervisor. After the first two, the service must go on by itself. */
async function killOneOfGroup(program: Program, parts: LifeParts): Promise<Kills> {
  const { random } = parts;
  const work = load(program, parts, true);
  await enough(parts, 1 + whole(random, LONGEST_LIFE), work.done);
  const workers = workersOf(program);
  const victim = workers[whole(random, workers.length + 1)];
  if (victim === undefined) {
    const atWork = countAtWork(parts);
    await killGroup(program);
    await work.stop();
    return { 'kills of a supervisor': 1, ...atWork };
  }
  const atWork = countAtWork(parts);
  process.kill(victim.pid, 'SIGKILL');
  await enough(parts, AFTERWARDS, work.done);
  await work.stop();
  await parts.inspect(program);
  await killGroup(program);
  return { [`kills of a ${victim.role}`]: 1, ...atWork };
}

/** Kills a supervisor and waits until its workers have ended, which they do by themselves. */
async function killGroup(program: Program): Promise<void> {
  const workers = workersOf(program);
  await program.kill();
  for (const { pid } of workers) while (isAlive(pid)) await sleep(5);
}

/** The import is the first to open the store that the service has left. */
async function killServiceThenImport(program: Program, parts: LifeParts): Promise<Kills> {
  const kills = await killService(program, parts);
  const { command, finished, writes } = await runImport(parts, parts.main);
  await writes(1 + whole(parts.random, MOST_WRITES.alone));
  await sleep(whole(parts.random, LATEST_KILL));
  const isAtWork = !command.hasEnded();
  await command.kill();
  await finished;
  return sumOf([kills, isAtWork ? { 'kills of an import': 1, 'kills at work': 1 } : {}]);
}

async function killImportOrService(program: Program, parts: LifeParts): Promise<Kills> {
  const { random } = parts;
  const killsImport = random() < 0.5;
  const { command, finished, writes } = await runImport(parts, parts.main);
  await writes(1);
  const work = load(program, parts, true);
  await writes(1 + whole(random, MOST_WRITES.beside));
  await sleep(whole(random, LATEST_KILL));
  const isAtWork = !command.hasEnded();
  if (killsImport) {
    await command.kill();
    await finished;
    await enough(parts, AFTERWARDS, work.done);
    await work.stop();
    await parts.inspect(program);
    await program.kill();
    return isAtWork ? { 'kills of an import beside a service': 1, 'kills at work': 1 } : {};
  }
  await program.kill();
  await work.stop();
  await finished;
  return { [isAtWork ? 'kills of a service beside an import' : 'kills of the service']: 1, 'kills at work': 1 };
}

/** Waits until that many more changes are acknowledged, or the load ends. */
async function enough({ ledger, random }: LifeParts, more: number, done: Promise<void>): Promise<void> {
  const until = ledger.counts().acknowledged + more;
  let isOver = false;
  const counted = async () => {
    while (!isOver && ledger.counts().acknowledged < until) await sleep(1);
    await sleep(whole(random, LATEST_KILL));
  };
  await Promise.race([done, counted()]).finally(() => {
    isOver = true;
  });
}

function countAtWork({ ledger }: LifeParts): Kills {
  return { 'kills at work': ledger.counts().open > 0 ? 1 : 0 };
}

function workersOf({ pid }: Program): { readonly pid: number; readonly role: 'writer' | 'reader' }[] {
  return processesOf('worker\0').flatMap(({ pid: worker, parent, command }) =>
    parent === pid ? [{ pid: worker, role: command.includes('\0writer\0') ? 'writer' : 'reader' }] : [],
  );
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function erasedTexts(folder: string, erased: readonly string[]): Promise<string[]> {
  const files = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name))));
  return erased.filter((text) => files.some((content) => content.includes(text)));
}

/**
 * Describes what is wrong with a store whose processes were killed: what SQLite finds, and texts that were erased. SQLite looks
 * at a copy, so that the next start finds the log.
 */
export async function wrongWithStore({ folder: dataFolder, erased }: Load): Promise<string[]> {
  const file = storeFile(dataFolder);
  const folder = await mkdtemp(join(tmpdir(), 'feed-publisher-copy-'));
  const copy = join(folder, 'publisher.sqlite');
  await copyFile(file, copy);
  await copyFile(`${file}-wal`, `${copy}-wal`).catch(() => {}); // a process that ends by itself leaves none
  const db = new DatabaseSync(copy);
  try {
    const found = db.prepare('PRAGMA integrity_check').all();
    return [
      ...found.map(({ integrity_check: line }) => `integrity_check: ${line}`).filter((line) => !line.endsWith(': ok')),
      ...(await erasedTexts(dirname(file), erased)).map((text) => `the store still has the erased text “${text}”`),
    ];
  } finally {
    db.close();
    await rm(folder, { recursive: true, force: true });
  }
}
