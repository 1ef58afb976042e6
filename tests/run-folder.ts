/**
 * What a run of the tests leaves on the machine stands below one folder, the run's TMPDIR, and every process that it starts
 * names that folder in its environment or its arguments. So it can all be found and removed, however the run ends.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PREFIX = 'feed-publisher-tests-';
/** Milliseconds that a process has to end by itself. nginx ends its workers only on SIGTERM. */
const GRACE = 3000;

/** Makes the folder of a run. Its name has the id of the process that runs the tests. */
export function makeRunFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
  chmodSync(folder, 0o711); // servers below it change to another user
  return folder;
}

/** The folders of runs whose process is gone. */
export function foldersOfDeadRuns(): string[] {
  return readdirSync(tmpdir())
    .filter((name) => name.startsWith(PREFIX) && !isAlive(Number.parseInt(name.slice(PREFIX.length), 10)))
    .map((name) => join(tmpdir(), name));
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
