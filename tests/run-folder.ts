/**
 * What a run of the tests leaves on the machine stands below one folder, the run's TMPDIR, and every process that it starts
 * names that folder in its environment or its arguments. So it can all be found and removed, however the run ends.
 */
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statfsSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RUN } from './soak/sizes.ts';

const PREFIX = 'feed-publisher-tests-';
/** Milliseconds that a process has to end by itself. nginx ends its workers only on SIGTERM. */
const GRACE = 3000;

/** A file system in memory, on Linux. */
const MEMORY = '/dev/shm';
/** Bytes that it must have free: many times what a run needs at once. */
const ROOM = 4 * 1024 ** 3;

/**
 * Whether this run keeps its files in memory. There, no change waits for the disk, which takes a third of the time of tests of
 * the store. A soak is on the disk, and so is a run whose TMPDIR is set.
 */
function isInMemory(): boolean {
  if (RUN !== 'short' || process.env.TMPDIR !== undefined) return false;
  try {
    accessSync(MEMORY, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= ROOM && !isNoexec(MEMORY); // tests run programs that they write
  } catch {
    return false;
  }
}

function isNoexec(folder: string): boolean {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  return mounts.some((line) => line.split(' ')[1] === folder && /\bnoexec\b/.test(line));
}

/** Makes the folder of a run. Its name has the id of the process that runs the tests. */
export function makeRunFolder(): string {
  const folder = mkdtempSync(join(isInMemory() ? MEMORY : tmpdir(), `${PREFIX}${process.pid}-`));
  chmodSync(folder, 0o711); // servers below it change to another user
  return folder;
}

/** The folders of runs whose process is gone. */
export function foldersOfDeadRuns(): string[] {
  return [tmpdir(), MEMORY].filter(existsSync).flatMap((parent) =>
    readdirSync(parent)
      .filter((name) => name.startsWith(PREFIX) && !isAlive(Number.parseInt(name.slice(PREFIX.length), 10)))
      .map((name) => join(parent, name)),
  );
}

/** Ends the processes of a run, but for children of `except`, and removes its folder. */
export async function removeRun(folder: string, except?: number): Promise<void> {
  const left = () => processesOf(folder).filter(({ parent }) => parent !== except);
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    for (const { pid } of left()) send(pid, signal);
    for (const end = Date.now() + GRACE; left().length > 0 && Date.now() < end; ) await sleep(20);
  }
  for (const mounted of mountsBelow(folder)) spawnSync('umount', ['--lazy', mounted]);
  spawnSync('rm', ['-rf', folder]); // a test makes paths that are too long for Node
}

export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** Its arguments, with a NUL after each. */
  readonly command: string;
}

/** The processes that name the folder. None where the system has no /proc. */
export function processesOf(folder: string): Process[] {
  if (!existsSync('/proc/self/environ')) return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.flatMap((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      const isNamed = command.includes(folder) || readFileSync(`/proc/${pid}/environ`, 'utf8').includes(folder);
      const [, state, parent] = /\) (\w) (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      return isNamed && state !== 'Z' ? [{ pid: Number(pid), parent: Number(parent), command }] : [];
    } catch {
      return []; // it has ended, or belongs to another user
    }
  });
}

function mountsBelow(folder: string): string[] {
  if (!existsSync('/proc/mounts')) return [];
  const points = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((mount) => mount.split(' ')[1] ?? '');
  return points.filter((point) => point.startsWith(folder));
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended
  }
}
