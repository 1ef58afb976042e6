import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { foldersOfDeadRuns, makeRunFolder, removeRun } from './run-folder.ts';

/**
 * Modules as Node has compiled them, without types, for the processes and threads that tests start. It outlives a run: a
 * process writes to it when it ends, and the processes of vitest end after the folder of the run has gone.
 */
const COMPILE_CACHE = join(import.meta.dirname, '../node_modules/.cache/feed-publisher-tests');

/** Gives a run a folder for all its temporary files, which vanishes with it, also where the run is killed. */
export async function setup(): Promise<() => Promise<void>> {
  for (const folder of foldersOfDeadRuns()) await removeRun(folder);
  const { TMPDIR, NODE_COMPILE_CACHE } = process.env;
  const folder = makeRunFolder();
  const reaper = fork(join(import.meta.dirname, 'run-reaper.ts'), [folder], { detached: true, stdio: 'ignore' });
  reaper.unref();
  reaper.channel?.unref();
  process.env.TMPDIR = folder;
  process.env.NODE_COMPILE_CACHE = COMPILE_CACHE;
  return async () => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    if (NODE_COMPILE_CACHE === undefined) delete process.env.NODE_COMPILE_CACHE;
    else process.env.NODE_COMPILE_CACHE = NODE_COMPILE_CACHE;
    reaper.ref();
    const gone = once(reaper, 'exit');
    reaper.disconnect();
    await gone;
  };
}
