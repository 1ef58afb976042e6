import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { foldersOfDeadRuns, makeRunFolder, removeRun } from './run-folder.ts';

/** Gives a run a folder for all its temporary files, which vanishes with it, also where the run is killed. */
export async function setup(): Promise<() => Promise<void>> {
  for (const folder of foldersOfDeadRuns()) await removeRun(folder);
  const { TMPDIR } = process.env;
  const folder = makeRunFolder();
  const reaper = fork(join(import.meta.dirname, 'run-reaper.ts'), [folder], { detached: true, stdio: 'ignore' });
  reaper.unref();
  reaper.channel?.unref();
  process.env.TMPDIR = folder;
  return async () => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    reaper.ref();
    const gone = once(reaper, 'exit');
    reaper.disconnect();
    await gone;
  };
}
