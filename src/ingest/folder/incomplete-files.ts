import { isSelfDelimiting } from '../import/file.ts';
import type { ArticleFile } from './article-file.ts';

/**
 * Decides which files may be half written. Markdown and text do not show where they end: half of one is a valid story,
 * perhaps without its embargo.
 */
export interface IncompleteFiles {
  /** Reports that a rename gave a file its name: its writer completed it under another name. */
  readonly renamed: (path: string) => void;
  /** Reports that a file was written to under its name. */
  readonly written: (path: string) => void;
  /** Removes and returns the paths of files that were incomplete, with the time to read each again. */
  readonly takeRechecks: () => ReadonlyMap<string, number>;
  /** Whether a file that was just read may grow. If so, it is kept for `takeRechecks`. */
  readonly mayGrow: (file: Pick<ArticleFile, 'path' | 'modified'>) => boolean;
  readonly forget: (path: string) => void;
}

/** Milliseconds since its last write after which a file without a visible end counts as complete. */
export const COMPLETE_AFTER = 1000;

/** @param now milliseconds since 1970, by the clock that dates files */
export function createIncompleteFiles(now: () => number): IncompleteFiles {
  const renamed = new Set<string>();
  let rechecks = new Map<string, number>();

  return {
    renamed: (path) => renamed.add(path),
    written: (path) => renamed.delete(path),
    takeRechecks() {
      const taken = rechecks;
      rechecks = new Map();
      return taken;
    },
    mayGrow({ path, modified }) {
      if (isSelfDelimiting(path) || renamed.has(path)) return false;
      // A date that is further from now, in the past or the future, is of another clock or of an earlier write.
      if (Math.abs(now() - modified) >= COMPLETE_AFTER) return false;
      rechecks.set(path, modified + COMPLETE_AFTER);
      return true;
    },
    forget: (path) => renamed.delete(path),
  };
}
