import { stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { Problem } from '../../errors.ts';
import { ARTICLE_ENDINGS } from '../import/file.ts';
import { isMissing, isWithin } from '../import/list-files.ts';

/** Files below the articles folder that are no article. Each is reported once. */
export interface OtherFiles {
  /** Looks at paths that may have changed. */
  readonly look: (paths: readonly string[]) => Promise<void>;
  /**
   * Takes the list of all such files below a folder.
   *
   * @param isUnknown whether a path may exist although it is not in the list
   */
  readonly listed: (folder: string, paths: readonly string[], isUnknown: (path: string) => boolean) => Promise<void>;
  /** From now on, no path is looked at again by itself. */
  readonly close: () => void;
}

interface OtherFilesParts {
  /** The absolute path of the articles folder. */
  readonly folder: string;
  /** Milliseconds since 1970, by the clock that dates files. */
  readonly now: () => number;
  /** Receives the files that are new. */
  readonly onFound: (paths: readonly string[]) => void;
  /** Receives a file that was reported and is not there any more. */
  readonly onRemoved: (path: string) => void;
}

/** Milliseconds since its last write after which a file is reported: programs save by way of files with other endings. */
export const STAYS_AFTER = 10_000;
/** Files that are looked at together. */
const TOGETHER = 64;

export function createOtherFiles({ folder, now, onFound, onRemoved }: OtherFilesParts): OtherFiles {
  const known = new Set<string>();
  /** Files that were written a short time ago. They are not in the change queue: there, they would delay withdrawals. */
  const fresh = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  async function look(paths: readonly string[]): Promise<void> {
    const found: string[] = [];
    for (let start = 0; start < paths.length; start += TOGETHER) {
      const group = paths.slice(start, start + TOGETHER);
      const times = await Promise.all(group.map((path) => lastWrite(join(folder, path))));
      for (const [index, path] of group.entries()) {
        const time = times[index];
        if (time === 'missing') removeWithin(path);
        else if (time === undefined || known.has(path)) continue;
        else if (Math.abs(now() - time) < STAYS_AFTER) lookLater(path);
        else found.push(path);
      }
    }
    add(found);
  }

  function lookLater(path: string): void {
    if (isClosed) return;
    fresh.add(path);
    timer ??= setTimeout(() => {
      timer = undefined;
      const paths = [...fresh];
      fresh.clear();
      void look(paths);
    }, STAYS_AFTER).unref();
  }

  function add(found: readonly string[]): void {
    for (const path of found) known.add(path);
    if (found.length > 0) onFound(found);
  }

  /** Removes a file, or the files of a folder that was moved away. */
  function removeWithin(path: string): void {
    if (known.has(path)) remove(path);
    else for (const other of known) if (isWithin(path, other)) remove(other);
  }

  function remove(path: string): void {
    known.delete(path);
    onRemoved(path);
  }

  return {
    look,
    async listed(below, paths, isUnknown) {
      const present = new Set(paths);
      for (const path of known) if (isWithin(below, path) && !present.has(path) && !isUnknown(path)) remove(path);
      await look(paths.filter((path) => !known.has(path)));
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

const TEXTS = new Set(['.doc', '.docx', '.htm', '.html', '.odt', '.pages', '.pdf', '.rtf']);
const MEDIA = new Set(
  '.aac .avif .bmp .gif .heic .jpeg .jpg .m4a .mov .mp3 .mp4 .oga .ogg .opus .png .svg .tif .tiff .wav .webm .webp'.split(
    ' ',
  ),
);

/** Why a file is no article, and what to do. */
export function otherFileProblem(path: string): Problem {
  const ending = extname(path).toLowerCase();
  return { field: '', ...(ending === '' ? {} : { value: ending }), rule: `is no article: ${remedyFor(ending)}` };
}

function remedyFor(ending: string): string {
  if (TEXTS.has(ending)) return 'save its text as Markdown (.md) or plain text (.txt)';
  if (MEDIA.has(ending)) return 'move pictures and sound to media/';
  return `articles end in ${ARTICLE_ENDINGS.join(', ')}. Give it one of these endings, or move it out of articles/`;
}

/** When a file was last written; undefined where the path is a folder, or the service may not look at it. */
async function lastWrite(file: string): Promise<number | 'missing' | undefined> {
  try {
    const status = await stat(file);
    return status.isFile() ? status.mtimeMs : undefined;
  } catch (error) {
    return isMissing(error) ? 'missing' : undefined;
  }
}
