import { closeSync, openSync, readSync } from 'node:fs';
import { PublisherError } from '../errors.ts';
import { systemReason } from '../lib/system-reason.ts';

/** Bytes of a file with a secret. */
const LONGEST = 64 * 1024;

type Environment = Readonly<Record<string, string | undefined>>;

/** The variable with the name of a file that has the secret, as containers and service managers hand it over. */
export function secretFileVariable(variable: string): string {
  return `${variable}_FILE`;
}

/**
 * Reads a secret from its variable, or from the file that the variable with `_FILE` names. One line break at the end of the file
 * does not belong to the secret.
 *
 * @returns the secret, and the variable that has it; undefined if neither is set
 * @throws PublisherError `usage` if both are set, and for a file that is empty or cannot be read
 */
export function readSecret(
  variable: string,
  env: Environment,
): { readonly text: string; readonly source: string } | undefined {
  const source = secretFileVariable(variable);
  const [value, file] = [env[variable], env[source]];
  if (value && file)
    throw new PublisherError('usage', `${variable} and ${source} are both set, but a secret has one source.`, {
      hint: `Unset ${variable}, and keep the secret in the file.`,
    });
  if (value) return { text: value, source: variable };
  return file ? { text: secretIn(file, source), source } : undefined;
}

function secretIn(file: string, source: string): string {
  const text = textOf(file, source).replace(/\r?\n$/, '');
  if (text !== '') return text;
  throw new PublisherError('usage', `The file of ${source} is empty: ${file}.`, {
    hint: 'Write the secret into the file.',
  });
}

function textOf(file: string, source: string): string {
  let opened: number | undefined;
  try {
    opened = openSync(file, 'r');
    const bytes = beginningOf(opened, LONGEST + 1);
    if (bytes.length > LONGEST)
      throw new PublisherError('usage', `The file of ${source} is longer than ${LONGEST / 1024} KiB: ${file}.`, {
        hint: 'Check the name of the file: it must have the secret alone.',
      });
    return bytes.toString();
  } catch (error) {
    if (error instanceof PublisherError) throw error;
    throw new PublisherError('usage', `The file of ${source} cannot be read: ${file}: ${systemReason(error)}.`, {
      hint: 'Check the name of the file. The user of the program must be allowed to read it.',
      cause: error,
    });
  } finally {
    if (opened !== undefined) closeSync(opened);
  }
}

/** The first bytes of an open file. A pipe tells no size, and a device such as /dev/zero has no end. */
function beginningOf(descriptor: number, most: number): Buffer {
  const bytes = Buffer.alloc(most);
  let length = 0;
  while (length < most) {
    const read = readSync(descriptor, bytes, length, most - length, null);
    if (read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
}
