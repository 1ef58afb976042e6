import { statSync } from 'node:fs';
import { PublisherError } from '../../errors.ts';

/**
 * Remembers which file is open. SQLite writes on into a file that was removed or replaced, and the changes would be gone with
 * the process.
 *
 * @param file of the open store, or `:memory:`
 * @returns a function that throws PublisherError `store_unavailable` where another file, or none, has the name now
 */
export function createReplacedFileCheck(file: string): () => void {
  if (file === ':memory:') return () => {};
  const opened = identityOf(file);
  return () => {
    // Without the path: /readyz gives the message to anybody.
    if (identityOf(file) === opened) return;
    throw new PublisherError('store_unavailable', 'The store is not the file that was opened.', {
      hint: 'Somebody removed or replaced it. No change is made; start the service again, and it uses the file that is there.',
    });
  };
}

function identityOf(file: string): string | undefined {
  const status = statSync(file, { bigint: true, throwIfNoEntry: false });
  return status === undefined ? undefined : `${status.dev}:${status.ino}`;
}
