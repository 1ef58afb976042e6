import { type ChildProcess, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where the servers run, and where the load is made. */
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;

/** Of `/proc/PID/stat`: a clock tick in seconds, fixed on Linux. */
const TICK = 0.01;

/** Servers of the system live in sbin, which is not on every user's PATH. */
export const ENVIRONMENT = { ...process.env, PATH: `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin` };

export const CAN_PIN = availableParallelism() > 1 && [SERVER_CORE, LOAD_CORE].every(canPinTo);

function canPinTo(core: number): boolean {
  return spawnSync('taskset', ['-c', String(core), 'true']).status === 0;
}

/** A command with its arguments, as one that runs on that core alone where `taskset` can do it. */
export function pinned(core: number | undefined, command: string, args: readonly string[]): [string, string[]] {
  return core === undefined || !CAN_PIN ? [command, [...args]] : ['taskset', ['-c', String(core), command, ...args]];
}

/** Puts a process that runs already, with all its threads, on that core where `taskset` can do it. */
export function pinToCore(core: number, pid: number): void {
  if (CAN_PIN) spawnSync('taskset', ['-a', '-p', '-c', String(core), String(pid)]);
}

/** A child that does not outlive this process. */
export function endWithThis(child: ChildProcess): ChildProcess {
  const end = () => child.kill('SIGTERM');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return child;
}

/** A new empty folder, which is gone when it is removed or this process ends. */
export function temporaryFolder(name: string): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), `feed-publisher-${name}-`));
  const remove = () => {
    rmSync(path, { recursive: true, force: true });
    process.off('exit', remove);
  };
  process.once('exit', remove);
  return { path, remove };
}

/** Whether a program is installed: it prints its version. */
export function isInstalled(program: string, option = '-v'): boolean {
  return spawnSync(program, [option], { env: ENVIRONMENT }).status === 0;
}

/** A line of /proc/PID/status in megabytes: `VmRSS` now, `VmHWM` at its highest. */
export function memoryOf(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}

/** From now on `VmHWM` is of what comes (proc(5), clear_refs). */
export function forgetHighest(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
}

/** A process and those it started, the oldest first. */
export function processTree(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) => childrenOf(pid, thread));
  return [pid, ...children.flatMap(processTree)];
}

function childrenOf(pid: number, thread: string): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // the thread has ended
  }
}

/** Megabytes of a process and those it started; what they share is counted for each. */
export function memoryOfTree(pid: number): number {
  return processTree(pid).reduce((sum, process) => sum + memoryOf(process, 'VmRSS'), 0);
}

/** CPU seconds that a process has used, all its threads together. */
export function cpuSecondsOf(pid: number): number {
  return cpuSecondsIn(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

/** CPU seconds in a line of `/proc/PID/stat` or `/proc/PID/task/TID/stat`. */
export function cpuSecondsIn(stat: string): number {
  // proc(5): the name in brackets is field 2, utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK;
}

/** Milliseconds that a process's main thread, the one of its event loop, has run so far. */
export function mainThreadMilliseconds(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}

/** Milliseconds in which a service that only waits uses less CPU than `QUIET`, and how often it must in a row. */
const [LOOK, QUIET, LOOKS] = [500, 25, 6];

/**
 * Waits until a service has nothing more to do: it has warmed up and divided the history of its feeds, and all requests wait.
 */
export async function settled(pid: number): Promise<void> {
  for (let quiet = 0; quiet < LOOKS; ) {
    const used = mainThreadMilliseconds(pid);
    await sleep(LOOK);
    quiet = mainThreadMilliseconds(pid) - used < QUIET ? quiet + 1 : 0;
  }
}
