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

/** The endings of article files. */
export const ARTICLE_ENDINGS: readonly string[] = Object.keys(READERS);

/** Whether the extension of a path is that of an article file. */
export function isArticleFile(path: string): boolean {
  return extname(path).toLowerCase() in READERS;
}

/** Whether the format shows its end: JSON ends with its last bracket, Markdown and text may end anywhere. */
export function isSelfDelimiting(path: string): boolean {
  return extname(path).toLowerCase() === '.json';
}

/**
 * Reads the bytes of a file as a record, by the extension of its path.
 *
 * @param path below the articles folder, with forward slashes
 * @throws UnreadableRecord if the extension is unknown, or the bytes are not UTF-8 text in its form
 */
export function readArticleFile(bytes: Uint8Array, path: string): RawRecord {
  const extension = extname(path);
  const reader = READERS[extension.toLowerCase()];
  if (reader === undefined)
    throw new UnreadableRecord([{ field: '', rule: `must end in ${ARTICLE_ENDINGS.join(', ')}` }]);
  return reader(decodeUtf8(bytes), { id: path.slice(0, -extension.length).normalize('NFC') });
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UnreadableRecord([{ field: '', rule: 'must be UTF-8 text' }]);
  }
}
