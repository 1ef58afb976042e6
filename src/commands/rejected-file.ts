import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { join, parse as parsePath, resolve } from 'node:path';
import type { Item } from '../ingest/import/item.ts';
import { jsonString } from '../lib/json.ts';
import type { UnparsedRecord } from '../publish/unparsed-record.ts';
import { unwritable } from './arguments.ts';

export interface RejectedFile {
  /** Returns the name of the file, which is final after `close`. */
  readonly file: () => string;
  /** Returns how many records are in the file. */
  readonly count: () => number;
  readonly write: (item: Item) => void;
  /** @param isComplete whether all sources were read and the file has every refused record */
  readonly close: (isComplete: boolean) => void;
}

/**
 * Opens the file of refused records, NDJSON. It gets its name at the end, because it may be the very file that is
 * imported: it then replaces that file. Any other existing file is kept, since somebody may be fixing records in it.
 *
 * @param imported absolute paths
 */
export function openRejected(
  wanted: string,
  { imported, dryRun }: { readonly imported: readonly string[]; readonly dryRun: boolean },
): RejectedFile {
  const growing = `${wanted}.${process.pid}.part`;
  let file = wanted;
  let descriptor: number | undefined;
  let count = 0;
  let length = 0;
  return {
    file: () => file,
    count: () => count,
    write({ content }) {
      const text = 'problems' in content ? content.text : recordText(content);
      if (dryRun || text === undefined) return; // not text, so it cannot be copied
      descriptor ??= openForWriting(growing, wanted);
      length += append(descriptor, `${text.replaceAll('\n', ' ')}\n`, { file: wanted, length });
      count += 1;
    },
    close(isComplete) {
      if (descriptor === undefined) return;
      fsyncSync(descriptor);
      closeSync(descriptor);
      const mayReplace = (name: string) => isComplete && imported.includes(resolve(name));
      const { dir, name, ext } = parsePath(wanted);
      for (let number = 2; existsSync(file) && !mayReplace(file); number += 1)
        file = join(dir, `${name}-${number}${ext}`);
      renameSync(growing, file);
    },
  };
}

/** The record as the file of refused records holds it: with the date that it was given, and with these fields. */
export function recordText({ json, publishedAt }: UnparsedRecord, fields: object = {}): string {
  const text = jsonString(json);
  if (publishedAt === undefined && Object.keys(fields).length === 0) return text;
  return JSON.stringify({ ...(publishedAt === undefined ? {} : { publishedAt }), ...JSON.parse(text), ...fields });
}

/** Returns the bytes of a line that is appended whole: a part of a record could not be imported. */
function append(descriptor: number, line: string, { file, length }: { file: string; length: number }): number {
  const bytes = Buffer.from(line);
  try {
    writeFileSync(descriptor, bytes);
  } catch (error) {
    ftruncateSync(descriptor, length);
    throw unwritable(file, error);
  }
  return bytes.length;
}

function openForWriting(growing: string, file: string): number {
  try {
    return openSync(growing, 'w');
  } catch (error) {
    throw unwritable(file, error);
  }
}
