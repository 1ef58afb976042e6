import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { LRUCache } from 'lru-cache';

interface Listing {
  readonly changedAt: number;
  readonly readAt: number;
  /** The names beyond ASCII, by their composed form. */
  readonly names: ReadonlyMap<string, string>;
}

const listings = new LRUCache<string, Listing>({ max: 100 });
/** Milliseconds. If a folder changes again so soon, its time of change may stay the same. */
const SETTLED = 2000;

/**
 * The path of a file below a folder, as its file system has it. Unicode writes é as one character or as two, which are the
 * same (canonical equivalence): keyboards write the first form, file systems and archives of Apple the second.
 *
 * @returns the same path where it is that of a file, and where there is no such file
 */
export function mediaPath(folder: string, path: string): string {
  if (isAscii(path) || normalize(path).startsWith('..') || existsSync(join(folder, path))) return path;
  let found = '';
  for (const name of path.split('/')) found = join(found, nameIn(join(folder, found), name));
  return found;
}

function isAscii(text: string): boolean {
  return /^[\0-\x7F]*$/.test(text);
}

function nameIn(folder: string, name: string): string {
  if (isAscii(name) || existsSync(join(folder, name))) return name;
  try {
    return namesIn(folder).get(name.normalize('NFC')) ?? name;
  } catch {
    return name; // no such folder, or no permission to read it
  }
}

/** The names in a folder. They are kept until the folder changes, because anybody may ask for missing files. */
function namesIn(folder: string): ReadonlyMap<string, string> {
  const { mtimeMs: changedAt } = statSync(folder);
  const known = listings.get(folder);
  if (known?.changedAt === changedAt && known.readAt - changedAt > SETTLED) return known.names;
  const readAt = Date.now();
  const names = new Map(
    readdirSync(folder).flatMap((name) => (isAscii(name) ? [] : [[name.normalize('NFC'), name] as const])),
  );
  listings.set(folder, { changedAt, readAt, names });
  return names;
}
