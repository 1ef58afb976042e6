import { isMissing } from '../import/list-files.ts';
import { FolderWarning } from './folder-warning.ts';

/** Reports failures of watches, each once while it lasts. */
export interface WatchFailures {
  /** Reports a failure that is new. Returns whether it was a failure: that a folder is missing is none. */
  readonly report: (error: unknown) => boolean;
  /** Ends all failures: what fails from now on is reported again. */
  readonly clear: () => void;
}

export function createWatchFailures(fail: (error: unknown) => void): WatchFailures {
  const reported = new Set<string>();

  return {
    report(error) {
      if (isMissing(error)) return false; // its removal is reported as a change
      const key = failureKey(error);
      if (!reported.has(key)) fail(explained(error));
      reported.add(key);
      return true;
    },
    clear: () => reported.clear(),
  };
}

/** Errors with the same key are one failure: after one folder over the limit, no other folder can be watched either. */
export function failureKey(error: unknown): string {
  const { code, path } = detailsOf(error);
  if (code === 'ENOSPC' || code === 'EMFILE') return code;
  return path === undefined ? String(error) : `${code} ${path}`; // the same whether the watch or the read fails
}

const LIMITS: Readonly<Record<string, string>> = {
  ENOSPC: 'raise fs.inotify.max_user_watches above the number of folders in articles/ and media/',
  EMFILE: 'raise fs.inotify.max_user_instances and the limit of open files (ulimit -n)',
};
const UNTIL_THEN = 'Until then, the service checks every file by size and time every 30 seconds.';

/** An error that tells the operator what to do about it. Errors that do not come from a folder stay as they are. */
export function explained(error: unknown): unknown {
  const { code, path, message } = detailsOf(error);
  const remedy = LIMITS[code ?? ''];
  if (remedy !== undefined) {
    return new FolderWarning(
      `The system does not allow more watched folders (${message}): ${remedy}. ${UNTIL_THEN}`,
      error,
    );
  }
  if (path === undefined) return error;
  const help = 'let the service read it';
  return new FolderWarning(
    `The folder ${path} cannot be watched or read (${message}): ${help}. Its articles stay published. ${UNTIL_THEN}`,
    error,
  );
}

interface ErrorDetails {
  readonly code?: string;
  readonly path?: string;
  readonly message?: string;
}

function detailsOf(error: unknown): ErrorDetails {
  return error instanceof Error ? error : {};
}
