import { statSync } from 'node:fs';
import { appendFile, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../../errors.ts';
import { systemReason } from '../../lib/system-reason.ts';
import { createYieldToLoop } from '../../lib/yield-to-loop.ts';
import type { System } from './known-systems.ts';
import { oldAddress, pathAndQueryOf } from './old-address.ts';
import { addressIn, createLineReader, type RecordedRedirect, recordedLine } from './recorded-lines.ts';
import { RedirectTable } from './redirect-table.ts';

/** In the data folder: where the old addresses lead that an import has found. Operators may edit it. */
export const REDIRECTS_FILE = 'redirects.txt';

/** Lines that are read before the event loop may go round. */
const PIECE = 200;

interface RecordedRedirects {
  /** The redirects as the file has them now. */
  readonly table: () => Promise<RedirectTable>;
}

interface RecordedRedirectsOptions {
  /** For the table. */
  readonly systems: readonly System[];
  /** Receives the mistakes of a file that was read, and the file. */
  readonly onProblems: (problems: readonly Problem[], file: string) => void;
}

/**
 * Opens the recorded redirects of a data folder. A file that has changed is read again with the next old address that is
 * requested. A line with a mistake is left out.
 */
export function openRecordedRedirects(
  dataFolder: string,
  { systems, onProblems }: RecordedRedirectsOptions,
): RecordedRedirects {
  const file = join(dataFolder, REDIRECTS_FILE);
  let version = '';
  let current = Promise.resolve(new RedirectTable(systems));
  /** Why the file cannot be read; empty if it can. Readers request old addresses all the time: the reason is reported once. */
  let obstacle = '';

  async function read(): Promise<RedirectTable> {
    const table = new RedirectTable(systems);
    const lines = createLineReader(table);
    const pause = createYieldToLoop();
    for (const [index, line] of (await textOf(file)).split('\n').entries()) {
      if (index % PIECE === 0) await pause();
      lines.add(line, index + 1);
    }
    obstacle = '';
    if (lines.problems.length > 0) onProblems(lines.problems, file);
    return table;
  }

  /** Leaves the redirects as they were. The next request tries again: the owner of the file may just be replacing it. */
  function keepTable(before: Promise<RedirectTable>, error: unknown): Promise<RedirectTable> {
    version = '';
    const reason = systemReason(error);
    if (reason !== obstacle) onProblems([{ field: '', rule: `cannot be read: ${reason}` }], file);
    obstacle = reason;
    return before;
  }

  return {
    table() {
      const found = versionOf(file);
      if (found === version) return current;
      version = found;
      const before = current;
      current = read().catch((error: unknown) => keepTable(before, error));
      return current;
    },
  };
}

/** Changes with every change of the file. */
function versionOf(file: string): string {
  try {
    const status = statSync(file, { throwIfNoEntry: false });
    return status === undefined ? '' : `${status.ino} ${status.size} ${status.mtimeMs}`;
  } catch {
    return 'unreadable'; // to read it has the same error
  }
}

async function textOf(file: string): Promise<string> {
  try {
    // To open a pipe waits for a program that writes into it.
    if ((await stat(file)).isFile()) return await readFile(file, 'utf8');
    throw new Error('it is not a file');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

/**
 * Adds redirects to the file of a data folder, behind what it has. An address that the file has already stays as it is there:
 * an operator may have changed it. Returns how many were added.
 *
 * @param heading a comment that says where the redirects come from
 */
export async function recordRedirects(
  dataFolder: string,
  redirects: readonly RecordedRedirect[],
  heading: string,
): Promise<number> {
  const file = join(dataFolder, REDIRECTS_FILE);
  const text = await textOf(file);
  const known = new Set(text.split('\n').map((line) => keyOf(addressIn(line) ?? '')));
  const added: RecordedRedirect[] = [];
  for (const redirect of redirects) {
    const key = keyOf(redirect.from);
    if (known.has(key)) continue;
    known.add(key);
    added.push(redirect);
  }
  if (added.length === 0) return 0;
  const lines = added.map(recordedLine).join('');
  await appendFile(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${heading}${lines}`, { flush: true });
  return added.length;
}

/** An address in the form in which addresses are compared. */
function keyOf(from: string): string {
  const given = pathAndQueryOf(from);
  const address = given === undefined ? undefined : oldAddress(given);
  if (address === undefined) return from;
  return `${address.segments.join('/')}?${JSON.stringify([...address.query].sort())}`;
}
