import { PublisherError } from '../../errors.ts';
import type { Head } from './log.ts';

/** Milliseconds by which the clock of a machine may differ from that of the database. */
const MAX_OFFSET = 1000;
/** Milliseconds by which a measurement may be wrong. */
const OFFSET_ERROR = 50;

/** @throws PublisherError `store_outdated`, `store_too_new` where this program may not follow the log */
export function requireFormat({ format }: Head, own: number): void {
  if (format === own) return;
  const message = `The log in the database is of schema ${format}, but this program needs schema ${own}.`;
  if (format > own)
    throw new PublisherError('store_too_new', message, {
      hint: 'Run a version of this program that is at least as new as the one that wrote the log.',
    });
  throw new PublisherError('store_outdated', message, {
    hint: 'Stop all replicas, then run the command migrate with the same --database-url.',
  });
}

/** The problem of a clock that is too far off; undefined where it is not. */
export function clockProblem(offset = 0): PublisherError | undefined {
  if (Math.abs(offset) <= MAX_OFFSET + OFFSET_ERROR) return undefined;
  const seconds = Math.abs(offset / 1000).toFixed(1);
  return new PublisherError(
    'not_ready',
    `The clock of this machine differs by ${seconds} s from that of the database.`,
    {
      hint: 'Set the clock: run a time service such as chrony.',
    },
  );
}

export function otherVersion(): PublisherError {
  return new PublisherError('not_ready', 'Another version of the program uses the log of this replica.', {
    hint: 'Restart this replica with the same version as the others.',
  });
}

export function otherLog(): PublisherError {
  return new PublisherError('not_ready', 'The log in the database is not the one that this replica has followed.', {
    hint: 'The database was restored from an earlier state, or --database-url names another one. Restart this replica: it keeps its store under another name and takes that of the database.',
  });
}

export function leftBehind(): PublisherError {
  return new PublisherError(
    'not_ready',
    'This replica was away for so long that the log has no longer what it lacks.',
    {
      hint: 'Restart this replica: it takes the newest copy of the store from the database.',
    },
  );
}
