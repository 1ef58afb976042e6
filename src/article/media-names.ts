import { posix } from 'node:path';
import { composed } from '../lib/text.ts';

/** Files of one story. The rest of its names counts as not named: a body has room for hundreds of thousands. */
export const MAX_NAMES = 5000;
/** Characters of an address, and of a name in it. No file system has longer ones. */
const MAX_PATH = 4096;
const TOO_LONG = /[^/]{256}/;

const FOLDER = '/media/';
/**
 * From the folder to the end of an address, in JSON, in an attribute of HTML or between words. One that is too long is matched in
 * pieces, because V8 may lack the stack for a piece of millions.
 */
const ADDRESS = /\/media\/[^"\\\s<>?#]{1,4096}/g;
const END = /["\\\s<>?#]/;

/**
 * The files below `media/` that a text names, in the form of `mediaName`. The host does not matter: copies of a story may
 * have the address of the site, of the service, or of the time before a move.
 *
 * @param json of an article or a publication, so that no field is forgotten
 */
export function mediaNamesIn(json: string): readonly string[] {
  if (!json.includes(FOLDER)) return [];
  const names = new Set<string>();
  let piece: number | undefined; // where a piece of an address that is too long ends
  for (const { 0: address, index } of json.matchAll(ADDRESS)) {
    const isLong = address.length > MAX_PATH || (piece !== undefined && !END.test(json.slice(piece, index)));
    piece = isLong ? index + address.length : undefined;
    if (isLong) continue;
    for (const path of pathsIn(address)) {
      if (names.size >= MAX_NAMES) return [...names];
      const name = mediaName(path);
      if (name !== undefined) names.add(name);
    }
  }
  return [...names];
}

/** The paths below a folder `media` in an address: the service itself may be below such a folder. */
function pathsIn(address: string): string[] {
  const spellings = address.includes('&amp;') ? [address, address.replaceAll('&amp;', '&')] : [address];
  return spellings.flatMap((spelling) => {
    const path = spelling.replace(/,+$/, ''); // the end of a candidate in srcset
    const paths: string[] = [];
    for (let at = path.indexOf(FOLDER); at >= 0; at = path.indexOf(FOLDER, at + 1)) {
      paths.push(decoded(path.slice(at + FOLDER.length)));
    }
    return paths;
  });
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path; // a percent sign that encodes nothing
  }
}

/**
 * A file below `media/` by one name for all spellings of its path, in Unicode's composed form. Undefined for a path that
 * leads to no file there.
 */
export function mediaName(path: string): string | undefined {
  if (TOO_LONG.test(path)) return undefined;
  const name = posix.normalize(composed(path)).replace(/^\/+/, '');
  return /^\.{0,2}(?:\/|$)|\0/.test(name) ? undefined : name;
}
