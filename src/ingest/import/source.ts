import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { PublisherError } from '../../errors.ts';
import { rfc3339 } from '../../lib/instant.ts';
import { isSystemError, systemReason } from '../../lib/system-reason.ts';
import { idOf } from '../../publish/unparsed-record.ts';
import { type Content, contentOf, LONGEST_TEXT, listedItems, problemsIn, readUpTo } from './content.ts';
import { isArticleFile, readArticleFile } from './file.ts';
import type { ImportSource, Item, OnProgress } from './item.ts';
import { filesBelow } from './list-files.ts';
import { UnreadableRecord } from './record.ts';

/**
 * Finds the sources at a path: a record, a list of records, a feed, a WordPress export, or the files of a folder. Files
 * ending in .gz are decompressed. A file or folder below it that cannot be read becomes a source with one problem.
 *
 * @throws PublisherError `usage` if there is no such path
 */
export async function findSources(location: string): Promise<ImportSource[]> {
  const status = await stat(location).catch((cause: Error) => {
    const hint =
      'Check the path and its permissions. npm runs commands in the folder of the program: give absolute paths. ' +
      'An address begins with https:// or http://.';
    throw new PublisherError('usage', `Nothing can be read from ${location}: ${systemReason(cause)}.`, { hint, cause });
  });
  if (!status.isDirectory()) return [fileSource(location, basename(location), status.size)];
  const unreadable: ImportSource[] = [];
  const files = await filesBelow(location, '', (folder, error) => {
    unreadable.push(unreadableSource(join(location, folder), error));
  });
  const sizes = await Promise.all(
    files.map((file) =>
      stat(join(location, file)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return [...files.map((file, index) => fileSource(join(location, file), file, sizes[index] ?? 0)), ...unreadable];
}

function unreadableSource(folder: string, error: unknown): ImportSource {
  return {
    name: folder,
    size: 0,
    async *items() {
      yield unreadable(folder, error);
    },
  };
}

/** The item of a file or folder that the system fails to read, from its beginning or further on. Throws other errors. */
function unreadable(file: string, error: unknown): Item {
  const isDamaged = error instanceof Error && 'code' in error && /^Z_/.test(String(error.code));
  if (!isDamaged && !isSystemError(error)) throw error;
  const rule = isDamaged
    ? 'must be a whole gzip file: it is damaged or incomplete'
    : `cannot be read: ${systemReason(error)}`;
  return { file, content: { problems: [{ field: '', rule }] } };
}

/** @param path gives the id of a record that names none */
function fileSource(file: string, path: string, size: number): ImportSource {
  return {
    name: file,
    size,
    async *items(onProgress, onSkipped, onNote, onAdjusted, onOldFeeds) {
      try {
        yield* itemsOf(file, path, { size, onProgress, onSkipped, onNote, onAdjusted, onOldFeeds });
      } catch (error) {
        yield unreadable(file, error); // after the items that were read
      }
    },
  };
}

const COMPRESSED = /\.gz$/i;

function itemsOf(file: string, path: string, content: Omit<Content, 'open' | 'path'>): AsyncIterable<Item> {
  const isCompressed = COMPRESSED.test(path);
  const [size, open, name] = isCompressed
    ? [undefined, unzippedFile, path.replace(COMPRESSED, '')]
    : [content.size, plainFile, path];
  const listed = listedItems(file, name, { ...content, size, path: name, open: (onRead) => open(file, onRead) });
  if (listed !== undefined) return listed;
  if (!isArticleFile(name)) return unknownFormat(file);
  return articleFile(file, name, open(file, content.onProgress));
}

async function* plainFile(file: string, onRead: OnProgress): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    onRead(chunk.length);
    yield chunk;
  }
}

async function* unzippedFile(file: string, onRead: OnProgress): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: 1 << 18 });
  pipeline(Readable.from(plainFile(file, onRead)), gunzip, () => {}); // the loop below throws its error
  for await (const chunk of gunzip) yield chunk;
}

async function* unknownFormat(file: string): AsyncGenerator<Item> {
  const rule = 'must end in .json, .ndjson, .md, .txt, .xml, .rss or .atom, and may end in .gz after that';
  yield { file, content: { problems: [{ field: '', rule }] } };
}

async function* articleFile(file: string, path: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Item> {
  const [bytes, status] = await Promise.all([readUpTo(LONGEST_TEXT, chunks), stat(file)]);
  try {
    if (bytes === undefined) throw new UnreadableRecord([{ field: '', rule: TOO_LONG_FOR_TEXT }]);
    const { record, dateIsOptional, idIsFromPath = false, locate } = readArticleFile(bytes, path);
    const modified = rfc3339(Math.floor(status.mtimeMs));
    const fileId = { id: idOf(record), isFromPath: idIsFromPath };
    yield { file, locate, fileId, content: contentOf(record, dateIsOptional ? modified : undefined) };
  } catch (error) {
    yield { file, content: { problems: problemsIn(error) } };
  }
}

const TOO_LONG_FOR_TEXT = `must not be longer than ${LONGEST_TEXT} bytes`;
