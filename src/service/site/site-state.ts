import { hash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { relativePath } from '../../lib/relative-path.ts';
import { SITE_SETTINGS, type Store } from '../../store/store.ts';
import type { SiteTarget } from './site-target.ts';

/** Of a page of an archive whose dates alone do not tell whether it has changed. */
const page = z.strictObject({ version: z.string(), until: z.number().optional() });

const partState = z.strictObject({
  /** The revision with which the part was written. */
  revision: z.int().nonnegative().optional(),
  /** What the part was made of, where that is known without making it. */
  version: z.string().optional(),
  /** When time alone changes it next. */
  until: z.number().optional(),
  /** Of an archive, by their numbers. */
  pages: z.record(z.string(), page).optional(),
  /** Of sitemaps, by their paths: what they were made of. */
  files: z.record(z.string(), z.string()).optional(),
});

const state = z.strictObject({
  format: z.literal(1),
  configuration: z.string(),
  caching: z.string(),
  run: z.string(),
  revision: z.int().nonnegative(),
  manifest: z.string(),
  parts: z.record(z.string(), partState),
});

/** A link in the place of the journal leads elsewhere: nothing is written there. */
const APPEND = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

export type PageState = z.infer<typeof page>;
export type PartState = z.infer<typeof partState>;

/**
 * What an export remembers of a target for the next one. It names moments in the future, which would tell readers of embargoes,
 * so it is kept in the data folder and not in the target.
 */
export interface SiteState {
  readonly format: 1;
  /** The publication and the program: with others, every document may differ. */
  readonly configuration: string;
  /** For how long caches may keep documents: storage for objects has it with each. */
  readonly caching: string;
  /** The name of the last export. The store has it as well: one that was restored from a backup has another. */
  readonly run: string;
  /** The changes up to this revision are exported. */
  readonly revision: number;
  /** SHA-256 of the manifest in the target. */
  readonly manifest: string;
  readonly parts: Readonly<Record<string, PartState>>;
}

/** A document that an export was about to write or to remove. */
const touchedDocument = z.strictObject({ part: z.string(), path: relativePath });

/** Who writes the lines that follow. */
const exporterLine = z.object({ exporter: z.string() });

type TouchedDocument = z.infer<typeof touchedDocument>;

export interface StateFile {
  readonly read: () => Promise<SiteState | undefined>;
  readonly save: (state: SiteState) => Promise<void>;
  /** The documents that an interrupted export touched; undefined where the last one came to its end. */
  readonly touched: () => Promise<readonly TouchedDocument[] | undefined>;
  /** Whether an interrupted export of another data folder is among them: what this one remembers is not what the target has. */
  readonly isTouchedByOthers: () => Promise<boolean>;
  /** Notes that documents are about to change. */
  readonly touch: (part: string, paths: readonly string[]) => Promise<void>;
  /** Forgets these notes: everything is as the manifest says. */
  readonly forgetTouched: () => Promise<void>;
  readonly close: () => Promise<void>;
  /** The name of the last export according to the store. */
  readonly storedRun: () => Promise<string | undefined>;
  readonly storeRun: (run: string) => Promise<void>;
}

interface StateFileParts {
  /** The data folder. */
  readonly path: string;
  readonly store: Pick<Store, 'setting' | 'saveSetting'>;
}

/** Opens what is remembered of a target. */
export function openStateFile(
  target: Pick<SiteTarget, 'name' | 'journal'>,
  { path, store }: StateFileParts,
): StateFile {
  const id = hash('sha256', target.name, 'hex').slice(0, 16);
  const file = join(path, 'store', 'site', `${id}.json`);
  const ownJournal = join(path, 'store', 'site', `${id}.journal`);
  const journal = target.journal ?? ownJournal;
  const setting = SITE_SETTINGS + id;
  const exporter = hash('sha256', `${hostname()} ${resolve(path)}`, 'hex').slice(0, 16);
  let notes: Promise<FileHandle> | undefined;
  /** The last line that is being written: one at a time. */
  let last = Promise.resolve();

  async function openJournal(): Promise<FileHandle> {
    await mkdir(dirname(journal), { recursive: true });
    const handle = await open(journal, APPEND, 0o600);
    // The last export may have been killed within a line.
    await handle.appendFile(`\n${JSON.stringify({ exporter })}\n`);
    return handle;
  }

  /** The lines of the journal, as JSON; undefined where there is none. */
  async function notedLines(): Promise<readonly unknown[] | undefined> {
    const texts = [await textOf(journal)];
    if (journal !== ownJournal) texts.push(await textOf(ownJournal)); // of an earlier version of the program
    if (texts.every((text) => text === undefined)) return undefined;
    // A last line without its end belongs to a document that was not touched yet.
    return texts.flatMap((text = '') => text.split('\n').slice(0, -1).map(jsonOf));
  }

  async function close(): Promise<void> {
    const opened = await notes;
    notes = undefined;
    await opened?.close();
  }

  return {
    async read() {
      const parsed = state.safeParse(jsonOf(await textOf(file)));
      return parsed.success ? (parsed.data as SiteState) : undefined;
    },
    async save(saved) {
      await mkdir(dirname(file), { recursive: true });
      const part = `${file}.${process.pid}.part`;
      const handle = await open(part, 'w', 0o600);
      try {
        await handle.writeFile(JSON.stringify(saved));
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(part, file);
    },
    async touched() {
      const lines = await notedLines();
      return lines?.flatMap((line) => {
        const note = touchedDocument.safeParse(line);
        return note.success ? [note.data] : [];
      });
    },
    async isTouchedByOthers() {
      const exporters = (await notedLines())?.map((line) => exporterLine.safeParse(line).data?.exporter) ?? [];
      return exporters.some((other) => other !== undefined && other !== exporter);
    },
    async touch(part, paths) {
      const lines = paths.map((path) => `${JSON.stringify({ part, path })}\n`).join('');
      notes ??= openJournal();
      const opened = await notes;
      const noted = last.then(() => opened.appendFile(lines));
      last = noted.catch(() => {}); // whoever noted it gets the error
      await noted;
    },
    async forgetTouched() {
      await close();
      for (const each of new Set([journal, ownJournal])) await rm(each, { force: true });
    },
    close,
    storedRun: () => store.setting(setting),
    storeRun: (run) => store.saveSetting(setting, run),
  };
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function jsonOf(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
