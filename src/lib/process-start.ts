import { readFileSync } from 'node:fs';

/**
 * When a process of this machine began, in the words of Linux: a later process with the same number has other ones. Undefined where
 * it does not run, or where the system does not tell.
 */
export function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // a name may have spaces and brackets
    const [state = ''] = fields;
    return state === 'Z' || state === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
