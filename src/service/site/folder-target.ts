import { copyFile, mkdir, readdir, readFile, rename, rm, rmdir, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { MANIFEST_FILE, manifestOf } from '../../document/site-manifest.ts';
import { PublisherError } from '../../errors.ts';
import { isSystemError } from '../../lib/system-reason.ts';
import { takeLock } from './folder-lock.ts';
import type { FileContent, SiteTarget, TargetDocument } from './site-target.ts';

/** In the folder, for the lock and for files that are being written. */
const OWN_FOLDER = '.feed-publisher';

/** A static site in a folder. A file is written under another name, and gets its own name when it is complete. */
export function folderTarget(folder: string): SiteTarget {
  const root = resolve(folder);
  const own = join(root, OWN_FOLDER);
  const made = new Set<string>();
  let last = 0;
  let release: (() => Promise<void>) | undefined;

  function stagedName(): string {
    last += 1;
    return join(own, `${last}.part`);
  }

  async function stage(file: string, content: FileContent, modified: Date): Promise<void> {
    if (Buffer.isBuffer(content)) await writeFile(file, content);
    else await copyFile(content.source, file);
    await utimes(file, modified, modified);
  }

  async function makeFolder(path: string): Promise<void> {
    if (made.has(path)) return;
    await mkdir(path, { recursive: true });
    made.add(path);
  }

  async function write({ files, obsolete, modifiedAt }: TargetDocument): Promise<void> {
    const modified = new Date(modifiedAt);
    const staged: (readonly [from: string, to: string])[] = [];
    try {
      for (const { file, content } of files) {
        const [from, to] = [stagedName(), join(root, file)] as const;
        await makeFolder(dirname(to));
        staged.push([from, to]);
        await stage(from, content, modified);
      }
      // All files of the document change within microseconds: nothing else is done in between.
      for (const [from, to] of staged) await rename(from, to);
    } catch (error) {
      for (const [from] of staged) await rm(from, { force: true }); // a server may serve them
      throw error;
    }
    await remove(obsolete);
  }

  async function remove(files: readonly string[]): Promise<void> {
    const folders = new Set<string>();
    for (const file of files) {
      await rm(join(root, file), { force: true }).catch(unlessTooLong);
      folders.add(dirname(file));
    }
    for (const each of folders) await removeEmpty(each);
  }

  /** Removes a folder that has become empty, and those above it. */
  async function removeEmpty(path: string): Promise<void> {
    for (let each = path; each !== '.'; each = dirname(each)) {
      try {
        await rmdir(join(root, each));
        made.delete(join(root, each));
      } catch {
        return; // it has other files
      }
    }
  }

  return {
    name: root,
    pageEnding: '.html',
    journal: join(own, 'journal'),
    async open() {
      await refuseForeign(root);
      await mkdir(own, { recursive: true });
      release = await takeLock(join(own, 'lock'), root);
      for (const name of await readdir(own)) if (name.endsWith('.part')) await rm(join(own, name), { force: true });
    },
    async read(file) {
      try {
        return await readFile(join(root, file));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    write,
    remove,
    async close() {
      await release?.();
    },
  };
}

/** A file whose name is too long cannot be there. */
function unlessTooLong(error: unknown): void {
  if (!isSystemError(error) || error.code !== 'ENAMETOOLONG') throw error;
}

/** A folder with files of others is probably a mistyped one: nothing is written between them. */
async function refuseForeign(root: string): Promise<void> {
  await mkdir(root, { recursive: true });
  const names = (await readdir(root)).filter((name) => name !== OWN_FOLDER);
  if (names.length === 0) return;
  const text = await readFile(join(root, MANIFEST_FILE), 'utf8').catch(() => '');
  if (manifestOf(text) !== undefined) return;
  throw new PublisherError('unwritable_output', `${root} has files that no export has written, such as ${names[0]}.`, {
    hint: 'Name an empty or a new folder, or the folder of an earlier export --site.',
  });
}
