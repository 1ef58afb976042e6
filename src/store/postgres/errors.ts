import { PublisherError } from '../../errors.ts';
import { systemReason } from '../../lib/system-reason.ts';

/** Seconds after which a client may try again. */
const RETRY_AFTER = 5;

/** Conditions in which the database answers, but cannot be used for now. */
const AWAY: ReadonlySet<string> = new Set([
  '25006', // read-only: a standby
  '53300', // too many connections
  '57P01', // shutdown
  '57P02', // crash
  '57P03', // starting up
]);

const NO_DATABASE = '3D000';

/** Whether the connection, and not the statement, is the reason of an error. Nobody knows then what became of a statement. */
export function isConnectionError(error: unknown): boolean {
  const code = sqlState(error);
  return code === undefined || AWAY.has(code) || code.startsWith('08');
}

/** The five characters that PostgreSQL gives each condition. */
function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return 'severity' in error && error.code.length === 5 ? error.code : undefined;
}

/** @param reason why, where it is known */
export function databaseUnavailable(reason?: unknown): PublisherError {
  const because = reason === undefined ? '' : ` (${withoutPassword(systemReason(reason))})`;
  return new PublisherError('database_unavailable', `The database cannot be reached${because}.`, {
    hint: 'Nothing was changed. Replicas that run go on serving readers. Send the change again when the database is back.',
    retryAfter: RETRY_AFTER,
  });
}

/** The database went away while it made the change. */
export function unknownOutcome(): PublisherError {
  return new PublisherError('database_unavailable', 'The database went away while it took the change.', {
    hint: 'The change may have been made. Look at the article, or send the same change again: to send it twice does no harm.',
    retryAfter: RETRY_AFTER,
  });
}

/** Replaces the password in every database address of a text. */
export function withoutPassword(text: string): string {
  return text.replace(/(postgres(?:ql)?:\/\/[^:@/\s]*):[^@/\s]*@/gi, '$1:…@').replace(/(password=)[^\s&]+/gi, '$1…');
}

/** The errors of statements: they are the operator's to solve. */
export function databaseError(error: unknown): unknown {
  if (error instanceof PublisherError) return error;
  if (isConnectionError(error)) return databaseUnavailable(error);
  const code = sqlState(error);
  const reason = withoutPassword(systemReason(error));
  if (code?.startsWith('28'))
    return new PublisherError('store_unavailable', 'The database refuses the user or the password.', {
      hint: `Check both in DATABASE_URL or --database-url, and the rules in pg_hba.conf of the database (${reason}).`,
      cause: error,
    });
  if (code === NO_DATABASE)
    return new PublisherError('store_unavailable', 'The server has no database of this name.', {
      hint: `Check the name at the end of DATABASE_URL or --database-url, or create the database (${reason}).`,
      cause: error,
    });
  if (code?.startsWith('53'))
    return new PublisherError('insufficient_storage', 'The database has no room: no part of the change was kept.', {
      hint: `Make room on the disk of the database and send the change again (${reason}).`,
      cause: error,
    });
  return new PublisherError('store_unavailable', 'The database refuses a statement: no part of the change was kept.', {
    hint: `Check that the user of the database may create and use the schema feed_publisher (${reason}).`,
    cause: error,
  });
}
