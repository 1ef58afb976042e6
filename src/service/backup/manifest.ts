import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { PublisherError } from '../../errors.ts';
import { relativePath } from '../../lib/relative-path.ts';
import { systemReason } from '../../lib/system-reason.ts';
import { SCHEMA } from '../../store/sqlite/database.ts';

/** The list of everything in a backup. It is written last: a folder without it is no backup. */
export const MANIFEST_FILE = 'manifest.json';

const FORMAT = 'feed-publisher-backup';
/** Changes with the form of a backup. */
const VERSION = 1;

/** Permissions of a file, as in `chmod`. */
const mode = z.int().min(0).max(0o777);

const fileSchema = z.strictObject({
  path: relativePath,
  size: z.int().min(0),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  mode,
  /** Milliseconds since 1970. */
  modified: z.number(),
});

const manifestSchema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  /** The version of the program that made the backup. */
  program: z.string(),
  /** The schema of the store. */
  schema: z.int().min(0),
  /** When the store was as it is in the backup: RFC 3339. */
  at: z.string(),
  folders: z.array(z.strictObject({ path: relativePath, mode })),
  files: z.array(fileSchema),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type BackedUpFile = z.infer<typeof fileSchema>;

/** Returns the text of a manifest. */
export function manifestText(parts: Omit<Manifest, 'format' | 'version'>): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION, ...parts } satisfies Manifest)}\n`;
}

/**
 * Reads the manifest of a backup.
 *
 * @throws PublisherError `backup_damaged` for a folder that is no whole backup, `store_too_new`
 */
export function readManifest(folder: string): Manifest {
  const parsed = manifestSchema.safeParse(contentOf(folder));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = issue?.path.join('.') ?? '';
    throw unusable(folder, `its ${MANIFEST_FILE} is not that of a backup (${place}: ${issue?.message})`);
  }
  const { schema, program } = parsed.data;
  if (schema <= SCHEMA) return parsed.data;
  const message = `The backup ${folder} has a store with schema ${schema}, but this program needs schema ${SCHEMA}.`;
  throw new PublisherError('store_too_new', message, {
    hint: `Version ${program} made the backup: restore it with that version or a newer one.`,
  });
}

function contentOf(folder: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, MANIFEST_FILE), 'utf8'));
  } catch (error) {
    const reason = error instanceof SyntaxError ? 'it is no whole JSON' : systemReason(error);
    throw unusable(folder, `its ${MANIFEST_FILE} cannot be read: ${reason}`);
  }
}

function unusable(folder: string, reason: string): PublisherError {
  return new PublisherError('backup_damaged', `${folder} is no backup: ${reason}.`, {
    hint: 'Give the folder that the command backup made. A folder whose name ends in .part-… is a backup that was broken off: use another one.',
  });
}
