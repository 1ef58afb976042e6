/** `node run-reaper.ts FOLDER`: removes what a run of the tests left, once its parent, which runs them, is done or dead. */
import { removeRun } from './run-folder.ts';

const [folder = ''] = process.argv.slice(2);
const runner = process.ppid;
// Ctrl+C reaches the whole group of processes: this one must outlive it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.once('disconnect', () => void removeRun(folder, runner).finally(() => process.exit()));
