import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { PARTNERS_FOLDER } from '../config/partner-files.ts';
import { loadPublication, PUBLICATION_FILE, type Publication } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import { deserializeError, type SerializedError } from './worker-messages.ts';

export interface PublicationFile {
  /** The data folder. */
  readonly path: string;
  /** Replaces the address in the file. */
  readonly publicUrl: string | undefined;
}

/** What the thread that reads a publication.yaml answers. */
export type LoadedPublication = { readonly publication: Publication } | { readonly failure: SerializedError };

/** Bytes up to which the files are read in this thread: about ten milliseconds' work. Ten thousand feeds take two seconds. */
const SMALL = 16 * 1024;
/** The most files for which the same is true. */
const FEW = 50;
/** Megabytes of memory that the thread may use: so many, and more for a larger file, up to a limit. A file needs up to 110 times its size. */
const LEAST_MEMORY = 64;
const MEMORY_PER_BYTE = 400 / 1_000_000;
const MOST_MEMORY = 2048;
/** Megabytes for a partner. */
const MEMORY_PER_PARTNER = 0.02;

/**
 * Reads publication.yaml and the partners while requests are answered.
 *
 * @param memoryFor megabytes that may be used for a file with so many bytes
 * @throws PublisherError `invalid_publication`
 */
export async function readPublication(
  { path, publicUrl }: PublicationFile,
  memoryFor = (bytes: number) => Math.min(MOST_MEMORY, LEAST_MEMORY + bytes * MEMORY_PER_BYTE),
): Promise<Publication> {
  const { count, size } = filesOf(path);
  if (count <= FEW && size <= SMALL) return loadPublication(path, publicUrl);
  const thread = new Worker(new URL('./publication-thread.ts', import.meta.url), {
    workerData: { path, publicUrl },
    resourceLimits: { maxOldGenerationSizeMb: Math.ceil(memoryFor(size) + count * MEMORY_PER_PARTNER) },
  });
  const [loaded] = (await once(thread, 'message').catch(rethrowShortage)) as [LoadedPublication];
  if ('failure' in loaded) throw deserializeError(loaded.failure);
  return loaded.publication;
}

/** The number of files of partners, and the bytes of publication.yaml and of the first of these. */
function filesOf(path: string): { readonly count: number; readonly size: number } {
  const names = namesIn(join(path, PARTNERS_FOLDER));
  const files = [PUBLICATION_FILE, ...names.slice(0, FEW).map((name) => join(PARTNERS_FOLDER, name))];
  return { count: names.length, size: files.reduce((sum, file) => sum + sizeOf(join(path, file)), 0) };
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** 0 for a file that cannot be read: to read it has the same error. */
function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

/** The service goes on without the thread. */
function rethrowShortage(error: unknown): never {
  if (!(error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY')) throw error;
  const rule =
    'has so many mistakes, or is nested so deeply, that the memory for a file of its size is not enough: correct it with “check --config”';
  throw new PublisherError('invalid_publication', 'The publication is not valid.', {
    problems: [{ field: '', rule }],
    file: PUBLICATION_FILE,
    cause: error,
  });
}
