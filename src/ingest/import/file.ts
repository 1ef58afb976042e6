import { extname } from 'node:path';
import { readJson } from './json.ts';
import { readMarkdown } from './markdown.ts';
import { type FileFacts, type RawRecord, UnreadableRecord } from './record.ts';
import { readPlainText } from './text.ts';

const READERS: Readonly<Record<string, (text: string, facts: FileFacts) => RawRecord>> = {
  '.json': readJson,
  '.md': readMarkdown,
  '.markdown': readMarkdown,
  '.txt': readPlainText,
};

/** Whether a file's ending says that it holds an article. */
export function isArticleFile(path: string): boolean {
  return extname(path).toLowerCase() in READERS;
}

/** Whether a file that is broken off cannot be taken for a whole one. */
export function isSelfDelimiting(path: string): boolean {
  return extname(path).toLowerCase() === '.json';
}

/**
 * Reads a file's bytes as a record.
 *
 * @param path the file's path below the articles folder, with forward slashes
 * @throws UnreadableRecord where they are not UTF-8 text in the form that the ending says
 */
export function readArticleFile(bytes: Uint8Array, path: string): RawRecord {
  const ending = extname(path);
  const reader = READERS[ending.toLowerCase()];
  if (reader === undefined)
    throw new UnreadableRecord([{ field: '', rule: `must end in ${Object.keys(READERS).join(', ')}` }]);
  return reader(decode(bytes), { id: path.slice(0, -ending.length).normalize('NFC') });
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UnreadableRecord([{ field: '', rule: 'must be UTF-8 text' }]);
  }
}
