import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { manifestOf, partFile, partOf, type SiteDocument } from '../../../src/document/site-manifest.ts';
import { type DataFolder, openDataFolder } from '../../../src/service/data-folder.ts';
import { folderTarget } from '../../../src/service/site/folder-target.ts';
import { prepareSite } from '../../../src/service/site/prepare-site.ts';
import type { SiteTarget } from '../../../src/service/site/site-target.ts';
import { type SiteResult, type WriteSiteParts, writeSite } from '../../../src/service/site/write-site.ts';
import type { Log } from '../../../src/telemetry/log.ts';
import { listen } from '../../helpers.ts';

/** The moment of exports that are not about time. */
export const NOW = Date.parse('2026-11-30T12:00:00Z');

/** A newsroom that is exported again and again, as by a command that starts each time. */
export interface Exporter {
  readonly folder: string;
  /** Publishes what has changed in articles/. */
  readonly publish: (now?: () => number) => Promise<void>;
  /** The same, and exports. */
  readonly write: (parts?: Partial<WriteSiteParts>) => Promise<SiteResult>;
}

/** @param target the target of each export */
export function exporter(folder: string, target: () => SiteTarget): Exporter {
  async function withFolder<Result>(work: (opened: DataFolder, log: Log) => Promise<Result>): Promise<Result> {
    const opened = openDataFolder(folder);
    try {
      return await work(opened, listen().log.log);
    } finally {
      await opened.store.close();
    }
  }
  const prepare = (opened: DataFolder, log: Log, now: () => number) =>
    prepareSite(opened, { now, log, fail: rethrow, progress: () => {} });
  return {
    folder,
    publish: (now = () => NOW) => withFolder((opened, log) => prepare(opened, log, now)),
    write: (parts = {}) =>
      withFolder(async (opened, log) => {
        const { now = () => NOW } = parts;
        await prepare(opened, log, now);
        return writeSite({ folder: opened, target: target(), version: '1.0.0', now, log, ...parts });
      }),
  };
}

function rethrow(error: unknown): never {
  throw error;
}

export function folderExporter(folder: string, site: string): Exporter {
  return exporter(folder, () => folderTarget(site));
}

/** Every file of a site with its text, decoded. */
export async function textsIn(site: string): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const file of await filesIn(site)) texts[file] = decodedFile(file, await readFile(join(site, file))).toString();
  return texts;
}

export async function filesIn(site: string): Promise<string[]> {
  const entries = await readdir(site, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => join(parentPath, name).slice(site.length + 1)).toSorted();
}

function decodedFile(file: string, bytes: Buffer): Buffer {
  if (file.endsWith('.gz')) return gunzipSync(bytes);
  if (file.endsWith('.br')) return brotliDecompressSync(bytes);
  return file.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes;
}

/** All documents that the manifest of a target lists. */
export async function documentsIn(read: (file: string) => Promise<Buffer | undefined>): Promise<SiteDocument[]> {
  const manifest = manifestOf(String(await read('manifest.json')));
  const documents: SiteDocument[] = [];
  for (const { name } of manifest?.parts ?? []) {
    const part = partOf(String(await read(partFile(name))));
    if (part === undefined) throw new Error(`the part ${name} of the manifest is missing`);
    documents.push(...part.values());
  }
  if (documents.length !== manifest?.documents) throw new Error('the manifest counts other documents than it lists');
  return documents;
}

export interface MemoryTarget extends SiteTarget {
  readonly files: Map<string, Buffer>;
  /** What was done, in its order: the path of each document that was written, and each file that was removed. */
  readonly done: string[];
}

/**
 * A target in memory.
 *
 * @param onWrite called before each document is written
 */
export function memoryTarget(onWrite: (path: string) => Promise<void> = async () => {}): MemoryTarget {
  const files = new Map<string, Buffer>();
  const done: string[] = [];
  return {
    name: 'memory',
    pageEnding: '.html',
    files,
    done,
    open: async () => {},
    read: async (file) => files.get(file),
    async write(document) {
      const path = document.files.at(-1)?.file ?? '';
      await onWrite(path);
      for (const { file, content } of document.files)
        files.set(file, Buffer.isBuffer(content) ? content : Buffer.from('a file'));
      for (const file of document.obsolete) files.delete(file);
      done.push(path);
    },
    async remove(removed) {
      for (const file of removed) {
        if (files.delete(file)) done.push(`-${file}`);
      }
    },
    close: async () => {},
  };
}
