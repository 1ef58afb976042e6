import { once } from 'node:events';
import { type FSWatcher, watch } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { storeFile } from '../../../src/service/data-folder.ts';
import { anyId, type Load, recordOf } from './load.ts';
import { type Command, runCommand } from './program.ts';
import { whole } from './random.ts';

/** Articles that only imports change. */
const IDS = 40;
/** Records of an import: some are large enough for threads and several transactions. */
const RECORDS = [200, 200, 200, 2400] as const;

interface ImportRun {
  readonly command: Command;
  /** Resolves when the import is gone. If it was complete, the ledger has what it did. */
  readonly finished: Promise<void>;
  /** Resolves when the log (WAL) was written that many times more, or when the import is gone. */
  readonly writes: (count: number) => Promise<void>;
}

/** Runs the command `import` with records of its own articles, and a few of those that are changed in other ways as well. */
export async function runImport({ folder, random, ledger, next }: Load, main: string | undefined): Promise<ImportRun> {
  const last = new Map<string, string>();
  const records = Array.from({ length: RECORDS[whole(random, RECORDS.length)] ?? 0 }, () => {
    const isShared = random() < 0.1;
    const [id, number] = [isShared ? anyId(random) : `i${whole(random, IDS)}`, next()];
    ledger.sent(id, `p${number}`);
    if (!isShared) last.set(id, `p${number}`);
    return JSON.stringify(recordOf(id, number));
  });
  const file = join(folder, 'import.ndjson');
  await writeFile(file, `${records.join('\n')}\n`);
  const watcher = watch(dirname(storeFile(folder)));
  const rejected = join(folder, 'rejected.ndjson');
  const command = runCommand(['import', '--data', folder, '--rejected', rejected, file], main);
  const gone = new AbortController();
  const finished = command.ended.then((ended) => {
    gone.abort();
    watcher.close();
    if (ended === 'SIGKILL') return;
    if (ended !== 0) throw new Error(`import ended with ${ended}: ${command.printed()}${command.said()}`);
    for (const [id, stamp] of last) ledger.mustBe(id, stamp);
  });
  finished.catch(() => {}); // an error shows where it is awaited
  return { command, finished, writes: (count) => logWrites(watcher, count, gone.signal) };
}

async function logWrites(watcher: FSWatcher, count: number, end: AbortSignal): Promise<void> {
  try {
    for (let writes = 0; writes < count && !end.aborted; ) {
      const [, name] = await once(watcher, 'change', { signal: end });
      if (String(name).endsWith('-wal')) writes += 1;
    }
  } catch (error) {
    if (!end.aborted) throw error;
  }
}
