/** A thread that copies the file of a store; see projected-file.ts. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { LogPosition } from '../projection.ts';
import { logPosition } from './projection.ts';
import { createSettings } from './settings.ts';

export interface ProjectionCopy {
  readonly file: string;
  readonly to: string;
  /** Settings that the copy must not have. */
  readonly without: readonly string[];
  readonly withoutPrefixes: readonly string[];
}

export type ProjectionCopyReply = { readonly position: LogPosition } | { readonly failure: string };

try {
  const { file, to, without, withoutPrefixes } = workerData as ProjectionCopy;
  const db = new DatabaseSync(file, { readOnly: true });
  db.prepare('VACUUM INTO ?').run(to);
  db.close();
  const copy = new DatabaseSync(to);
  const remove = copy.prepare('DELETE FROM setting WHERE name = ?');
  for (const name of without) remove.run(name);
  const removeAll = copy.prepare('DELETE FROM setting WHERE substr(name, 1, length(?1)) = ?1');
  for (const prefix of withoutPrefixes) removeAll.run(prefix);
  const position = logPosition(createSettings(copy));
  copy.close();
  reply({ position });
} catch (error) {
  reply({ failure: error instanceof Error ? error.message : String(error) });
}

function reply(message: ProjectionCopyReply): void {
  parentPort?.postMessage(message);
}
