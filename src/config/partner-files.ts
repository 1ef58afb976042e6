import { isUtf8 } from 'node:buffer';
import { closeSync, fstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { excerpt, MAX_PROBLEMS, type Problem } from '../errors.ts';
import { openBelowSync } from '../lib/contained-file.ts';
import { systemReason } from '../lib/system-reason.ts';
import { composed, slugOf } from '../lib/text.ts';
import { type KnownFeeds, type Partner, parsePartner } from './partners.ts';
import { brokenIdRule } from './selections.ts';

/** Its name in the data folder. */
export const PARTNERS_FOLDER = 'partners';

const ENDING = '.yaml';
/** Bytes. A partner's file has a few hundred. */
const MOST_BYTES = 1024 * 1024;

/** The path of a partner's file in its data folder: `partners/msn.yaml`. */
export function pathOfPartner(file: string): string {
  return basename(file) === PARTNERS_FOLDER ? PARTNERS_FOLDER : `${PARTNERS_FOLDER}/${basename(file)}`;
}

export interface LoadedPartners {
  /** In the order of their ids. Without those whose files have problems. */
  readonly partners: readonly Partner[];
  /** Of all files, each with the name of its file. */
  readonly problems: readonly Problem[];
}

/**
 * Loads the partners of a data folder. Without a folder `partners/`, there are none.
 *
 * @param known missing where publication.yaml is not valid: nothing is said of the feeds that partners name
 */
export function loadPartners(dataFolder: string, known?: KnownFeeds): LoadedPartners {
  const folder = join(dataFolder, PARTNERS_FOLDER);
  const partners: Partner[] = [];
  const problems: Problem[] = [];
  const found = filesOf(folder);
  if ('rule' in found) return { partners, problems: [{ field: '', rule: found.rule, file: folder }] };
  const nameOf = new Map<string, string>();
  for (const name of found.names) {
    const file = join(folder, name);
    const add = (ofFile: readonly Problem[]) => {
      for (const problem of ofFile) problems.push({ ...problem, file });
    };
    const id = composed(name).slice(0, -ENDING.length);
    const rule = brokenNameRule(name, id, nameOf.get(id));
    nameOf.set(id, name);
    const content = rule === undefined ? contentOf(found.root, name) : { rule };
    if (typeof content !== 'string') {
      add([{ field: '', rule: content.rule }]);
      continue;
    }
    const parsed = parsePartner({ id, text: content, known, isSearching: problems.length < MAX_PROBLEMS });
    if ('id' in parsed) partners.push(parsed);
    else add(parsed);
  }
  return { partners: partners.sort((one, other) => (one.id < other.id ? -1 : 1)), problems };
}

/** What is looked at in a folder of partners: no hidden files, and nothing that editors and desktops leave behind. */
export function isPartnerFileName(name: string): boolean {
  return !/^\.|~$|^#.*#$|\.(?:bak|orig|rej|sw[a-z]|tmp|dpkg-\w+)$|^(?:Thumbs\.db|desktop\.ini|4913)$/i.test(name);
}

/** The names of the files, and the real path of their folder. */
function filesOf(
  folder: string,
): { readonly names: readonly string[]; readonly root: string } | { readonly rule: string } {
  try {
    return { names: readdirSync(folder).filter(isPartnerFileName).sort(), root: realpathSync.native(folder) };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { names: [], root: folder };
    return { rule: `cannot be read: ${systemReason(error)}. Check the folder and its permissions` };
  }
}

function brokenNameRule(name: string, id: string, other: string | undefined): string | undefined {
  const ending = extname(name);
  if (ending !== ENDING) {
    const remedy = /^\.ya?ml$/i.test(ending)
      ? `Name it ${name.slice(0, -ending.length)}${ENDING}`
      : `Move it out of ${PARTNERS_FOLDER}/`;
    return `is no partner: the files of partners end in ${ENDING}. ${remedy}`;
  }
  const rule = brokenIdRule(id);
  if (rule !== undefined) return `has the name ${excerpt(id)}, which is the partner’s id: it ${rule}${nameItAs(id)}`;
  return other === undefined ? undefined : 'has the name of another file, in another form of Unicode: keep one of them';
}

/** The advice to use the valid id that is most like a wrong one, if there is one. */
function nameItAs(id: string): string {
  const valid = slugOf(id);
  return brokenIdRule(valid) === undefined ? `. Name it ${excerpt(valid)}${ENDING}` : '';
}

function contentOf(folder: string, name: string): string | { readonly rule: string } {
  let descriptor: number | undefined;
  try {
    descriptor = openBelowSync(folder, name);
    if (descriptor === undefined)
      return { rule: `is no file in ${PARTNERS_FOLDER}/: put a regular file here, or a link to one in this folder` };
    if (fstatSync(descriptor).size > MOST_BYTES)
      return { rule: `must not be larger than ${MOST_BYTES / 1024} KiB: it describes one partner` };
    const bytes = readFileSync(descriptor);
    return isUtf8(bytes) ? bytes.toString() : { rule: 'must be text in UTF-8: save it in that encoding' };
  } catch (error) {
    return { rule: `cannot be read: ${systemReason(error)}. Check the file and its permissions` };
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
