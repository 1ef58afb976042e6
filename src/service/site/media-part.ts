import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import mime from 'mime';
import { mediaName } from '../../article/media-names.ts';
import { namedMedia } from '../../config/named-media.ts';
import { openContained } from '../../lib/contained-file.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { PartWriter } from './part-writer.ts';
import type { SiteRun } from './site-run.ts';

const MEDIA_PART = 'media';
const FOR_A_DAY = 'public, max-age=86400';

/**
 * Copies the files of media/ that the service would serve: those that visible stories and the publication name, or all. Files are
 * looked at in every export, because a file may be replaced without a change of the store.
 */
export async function writeMediaPart(run: SiteRun, folder: string): Promise<void> {
  const { writer, parts, revision, throwIfStopped } = run;
  const before = parts.get(MEDIA_PART);
  const isPublic = visibility(run);
  const part = await writer.open(MEDIA_PART);
  const files: Record<string, string> = {};
  for await (const path of filesBelow(folder)) {
    throwIfStopped();
    const name = mediaName(path);
    if (name === undefined || files[name] !== undefined || !(await isPublic(name))) continue;
    const version = await copy(part, { folder, path, name, before: before?.files?.[name] });
    if (version !== undefined) files[name] = version;
  }
  await part.finish();
  if (Object.keys(files).length > 0) parts.set(MEDIA_PART, omitUndefined({ revision, files }));
  else parts.delete(MEDIA_PART);
}

/** The rule of `mediaHandler`. */
function visibility({ publication, store, at }: SiteRun): (name: string) => Promise<boolean> {
  if (publication.media === 'public') return async () => true;
  const own = namedMedia(publication);
  return async (name) => own.has(name) || (await store.isMediaVisible(name, at));
}

interface Copied {
  readonly folder: string;
  readonly path: string;
  readonly name: string;
  /** The version of the file that the last export copied. */
  readonly before: string | undefined;
}

/** Returns the version of the file; undefined where it is gone, or outside of the folder. */
async function copy(part: PartWriter, { folder, path, name, before }: Copied): Promise<string | undefined> {
  const file = await openContained(folder, path).catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { size, mtimeMs, ino } = await file.handle.stat();
    const version = `${ino} ${size} ${mtimeMs}`;
    const target = `media/${name}`;
    if (version === before && part.known.has(target)) part.keep(target);
    else {
      const type = typeOf(name);
      await part.put({ path: target, type, caching: FOR_A_DAY, body: { source: file.path, size }, changedAt: mtimeMs });
    }
    return version;
  } finally {
    await file.handle.close();
  }
}

/** The type by the ending of a name, as Express has it. */
function typeOf(name: string): string {
  const type = mime.getType(name) ?? 'application/octet-stream';
  return /^text\/|^application\/json$/.test(type) ? `${type}; charset=utf-8` : type;
}

/** The regular files and links below a folder, without hidden ones, by their paths there. */
async function* filesBelow(folder: string): AsyncGenerator<string> {
  const folders = [folder];
  for (let current = folders.pop(); current !== undefined; current = folders.pop()) {
    for (const entry of await entriesOf(current)) {
      if (entry.name.startsWith('.')) continue;
      const path = join(current, entry.name);
      if (entry.isDirectory()) folders.push(path);
      else yield relative(folder, path);
    }
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
