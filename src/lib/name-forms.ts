import { readdirSync, statSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import { composed } from './text.ts';

/**
 * Finds files whose names are equal to Unicode and not byte by byte: keyboards write é as one character, file systems and
 * archives of Apple machines as two (canonical equivalence, UAX #15 §1.1).
 */

const BEYOND_ASCII = /[^\0-\x7F]/;

/** Folders whose names are kept. Anybody can ask for files that do not exist, and a folder may have thousands. */
const MAX_FOLDERS = 100;
/** Milliseconds. A folder that changed less long ago may change again without another time. */
const SETTLED = 2000;

interface FolderNames {
  readonly mtimeMs: number;
  /** The names with letters beyond ASCII, by their composed forms. */
  readonly byForm: ReadonlyMap<string, string>;
}

const folders = new LRUCache<string, FolderNames>({ max: MAX_FOLDERS });

/**
 * The path of an existing file or folder that differs from `path` in the forms of its letters only.
 *
 * @param root the folder that the path starts from; the result starts from it as well
 * @returns undefined if there is none, or if the path has no letters with several forms
 */
export async function otherForm(root: string, path: string): Promise<string | undefined> {
  const found: string[] = [];
  for (const name of namesToFind(path)) {
    const other = BEYOND_ASCII.test(name) ? (await namesIn(join(root, ...found))).get(composed(name)) : name;
    if (other === undefined) return undefined;
    found.push(other);
  }
  return found.length === 0 ? undefined : found.join('/');
}

/** The same for the parser of records, which does not wait. */
export function otherFormSync(root: string, path: string): string | undefined {
  const found: string[] = [];
  for (const name of namesToFind(path)) {
    const other = BEYOND_ASCII.test(name) ? namesInSync(join(root, ...found)).get(composed(name)) : name;
    if (other === undefined) return undefined;
    found.push(other);
  }
  return found.length === 0 ? undefined : found.join('/');
}

/** The names of a path, if the path can have another form. */
function namesToFind(path: string): readonly string[] {
  const names = path.split('/');
  const canDiffer = BEYOND_ASCII.test(path) && !names.some((name) => name === '' || name.startsWith('.'));
  return canDiffer ? names : [];
}

async function namesIn(folder: string): Promise<ReadonlyMap<string, string>> {
  try {
    const { mtimeMs } = await stat(folder);
    return knownNames(folder, mtimeMs) ?? keepNames(folder, mtimeMs, await readdir(folder));
  } catch {
    return new Map(); // no such folder, or no permission to read it
  }
}

function namesInSync(folder: string): ReadonlyMap<string, string> {
  try {
    const { mtimeMs } = statSync(folder);
    return knownNames(folder, mtimeMs) ?? keepNames(folder, mtimeMs, readdirSync(folder));
  } catch {
    return new Map(); // no such folder, or no permission to read it
  }
}

function knownNames(folder: string, mtimeMs: number): ReadonlyMap<string, string> | undefined {
  const known = folders.get(folder);
  return known?.mtimeMs === mtimeMs ? known.byForm : undefined;
}

function keepNames(folder: string, mtimeMs: number, names: readonly string[]): ReadonlyMap<string, string> {
  const byForm = new Map(names.flatMap((name) => (BEYOND_ASCII.test(name) ? [[composed(name), name] as const] : [])));
  if (Math.abs(Date.now() - mtimeMs) > SETTLED) folders.set(folder, { mtimeMs, byForm });
  return byForm;
}
