import { hash } from 'node:crypto';
import { secondOf } from '../../document/representation.ts';
import {
  FORM_CODINGS,
  filesOf,
  MANIFEST_FILE,
  manifestText,
  type PartDocuments,
  type PartSummary,
  partFile,
  partOf,
  partText,
  type SiteManifest,
} from '../../document/site-manifest.ts';
import { PublisherError } from '../../errors.ts';
import type { Instant } from '../../lib/instant.ts';
import { createPartWriter, type PartWriter } from './part-writer.ts';
import type { StateFile } from './site-state.ts';
import type { SiteTarget } from './site-target.ts';

export interface WriterCounts {
  /** Documents, without the manifest. */
  readonly written: number;
  readonly removed: number;
  /** Bytes that were written, in all codings. */
  readonly bytes: number;
}

export interface SiteWriter {
  readonly open: (part: string) => Promise<PartWriter>;
  readonly has: (part: string) => boolean;
  readonly parts: () => readonly string[];
  /** Removes all documents of a part at the end of the export. */
  readonly drop: (part: string) => Promise<void>;
  /** Removes what is to be removed, and writes the manifest. Returns the SHA-256 of the manifest. */
  readonly end: (rest: ManifestHead) => Promise<string>;
  readonly counts: () => WriterCounts;
  /** How many documents all parts have. */
  readonly documents: () => number;
}

/** What a manifest says besides its documents. */
export type ManifestHead = Pick<SiteManifest, 'generator' | 'address' | 'headers'>;

interface SiteWriterParts {
  readonly target: SiteTarget;
  readonly state: Pick<StateFile, 'touch' | 'touched'>;
  /** The parts of the manifest in the target. */
  readonly manifest: Pick<SiteManifest, 'parts'>;
  /** Whether the files of the target are those that the manifest lists. If not, every document that is made is written. */
  readonly isTrusted: boolean;
  readonly now: () => Instant;
  /** Takes a file that the target cannot have, because its name is too long. */
  readonly onTooLong: (path: string) => void;
}

/**
 * Writes a static site, part by part. What is removed goes last, and the manifest after that. After an interrupted export, the
 * writer goes on with the parts that this one has finished.
 */
export async function openSiteWriter(parts: SiteWriterParts): Promise<SiteWriter> {
  const { target, state, isTrusted } = parts;
  const now = () => secondOf(parts.now());
  const summaries = new Map(parts.manifest.parts.map((part) => [part.name, part]));
  const toRemove = new Set<string>();
  const counts = { written: 0, removed: 0, bytes: 0 };
  /** The documents that an interrupted export touched, by their parts. */
  const touched = Map.groupBy((await state.touched()) ?? [], ({ part }) => part);
  for (const name of touched.keys()) await recover(name);

  async function recover(name: string): Promise<void> {
    const text = (await target.read(partFile(name)))?.toString();
    const documents = text === undefined ? undefined : partOf(text);
    if (text !== undefined && documents !== undefined) summaries.set(name, summaryOf(name, documents, text));
  }

  async function documentsOf(name: string): Promise<PartDocuments> {
    if (!summaries.has(name)) return new Map();
    const documents = partOf((await target.read(partFile(name)))?.toString() ?? '');
    if (documents !== undefined) return documents;
    if (touched.has(name)) return new Map(); // an interrupted export has removed its documents, then the list
    throw new PublisherError('unwritable_output', `${target.name} has lost a list of its files: ${partFile(name)}.`, {
      hint: 'Empty the target, then export again: without the list, the text of a withdrawn story could stay there.',
    });
  }

  async function removeLater(part: string, documents: PartDocuments, listed: PartDocuments): Promise<void> {
    const removed = [...documents.values()].filter(({ path }) => !listed.has(path));
    if (removed.length === 0) return;
    const paths = removed.map(({ path }) => path);
    await state.touch(part, paths);
    for (const file of removed.flatMap(filesOf)) toRemove.add(file);
    counts.removed += removed.length;
  }

  async function drop(name: string, known: PartDocuments): Promise<void> {
    await removeLater(name, known, new Map());
    if (summaries.delete(name)) toRemove.add(partFile(name));
  }

  async function open(name: string): Promise<PartWriter> {
    const known = await documentsOf(name);
    return createPartWriter(known, {
      ...parts,
      touch: (path) => state.touch(name, [path]),
      onWritten(bytes) {
        counts.written += 1;
        counts.bytes += bytes;
      },
      async finish(listed) {
        if (listed.size === 0) return drop(name, known);
        // A feed that changes meanwhile is listed again: what was missing before may be there now.
        for (const file of [...listed.values()].flatMap(filesOf)) toRemove.delete(file);
        await removeLater(name, known, listed);
        const text = partText(listed);
        const summary = summaryOf(name, listed, text);
        if (!isTrusted || summaries.get(name)?.sha256 !== summary.sha256)
          await writeText(target, partFile(name), { text, modifiedAt: now() });
        summaries.set(name, summary);
      },
    });
  }

  /** Removes what an interrupted export has left and this one has not listed, also single codings of a document. */
  async function addLeftovers(): Promise<void> {
    for (const [part, documents] of touched) {
      const listed = await documentsOf(part);
      const kept = new Set([...listed.values()].flatMap(filesOf));
      for (const path of new Set(documents.map((document) => document.path)))
        for (const file of filesOf({ path, codings: FORM_CODINGS })) if (!kept.has(file)) toRemove.add(file);
    }
  }

  const sumOf = (of: (part: PartSummary) => number) => summaries.values().reduce((sum, part) => sum + of(part), 0);
  const documents = () => sumOf((part) => part.documents);

  return {
    open,
    has: (part) => summaries.has(part),
    parts: () => [...summaries.keys()],
    drop: async (name) => drop(name, await documentsOf(name)),
    async end(rest) {
      await addLeftovers();
      await target.remove([...toRemove]);
      const bytes = sumOf((part) => part.bytes);
      const text = manifestText({ format: 1, ...rest, documents: documents(), bytes, parts: [...summaries.values()] });
      const before = await target.read(MANIFEST_FILE);
      if (before?.toString() !== text) await writeText(target, MANIFEST_FILE, { text, modifiedAt: now() });
      return hash('sha256', text, 'hex');
    },
    counts: () => ({ ...counts }),
    documents,
  };
}

/** Writes a file of the manifest. Caches must ask for it each time: it says what is new. */
export async function writeText(
  target: Pick<SiteTarget, 'write'>,
  file: string,
  { text, modifiedAt }: { readonly text: string; readonly modifiedAt: Instant },
): Promise<void> {
  const content = Buffer.from(text);
  const sha256 = hash('sha256', content, 'hex');
  const files = [{ file, coding: 'identity' as const, content, sha256 }];
  const type = 'application/json; charset=utf-8';
  await target.write({ type, caching: 'no-cache', modifiedAt, files, obsolete: [] });
}

function summaryOf(name: string, documents: PartDocuments, text: string): PartSummary {
  const bytes = documents.values().reduce((total, document) => total + document.bytes, 0);
  return { name, documents: documents.size, bytes, sha256: hash('sha256', text, 'hex') };
}
