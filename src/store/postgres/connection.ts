import { Client, type QueryResult, type QueryResultRow } from 'pg';
import { databaseError, databaseUnavailable, isConnectionError } from './errors.ts';
import { CHANNEL } from './schema.ts';

/** Milliseconds until a new connection, or a statement, counts as lost. */
const CONNECT_TIMEOUT = 5000;
const STATEMENT_TIMEOUT = 10_000;
/** Milliseconds that the end of a session may take: a network that drops packets answers nothing. */
const END_TIMEOUT = 1000;
/** Milliseconds until the next attempt: at random up to twice the last limit, so that replicas do not come all at once. */
const FIRST_DELAY = 200;
const MAX_DELAY = 5000;

export interface ConnectionParts {
  readonly url: string;
  /** Prepares a new session. If it rejects, the connection counts as lost. */
  readonly onUp: (session: Session) => Promise<void>;
  /** Called once when a session is lost, or an attempt to have one fails. */
  readonly onDown: (reason: unknown) => void;
  /** Called with the text of a notification. */
  readonly onNotice: (text: string) => void;
}

/** One session of the database. */
export interface Session {
  /** @throws PublisherError `database_unavailable`, `insufficient_storage`, `store_unavailable` */
  readonly query: <Row extends QueryResultRow>(
    statement: string,
    values?: readonly unknown[],
  ) => Promise<QueryResult<Row>>;
}

/** A connection that comes back by itself. */
export interface Connection extends Session {
  readonly isUp: () => boolean;
  /** Resolves when the first attempt is over. */
  readonly firstAttempt: Promise<void>;
  readonly close: () => Promise<void>;
}

/** Keeps a session with the database open. One connection is enough: statements are short, and follow one another. */
export function openConnection({ url, onUp, onDown, onNotice }: ConnectionParts): Connection {
  let client: Client | undefined;
  let isUp = false;
  let isClosed = false;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<unknown> = Promise.resolve();

  async function connect(): Promise<void> {
    const next = createClient(url);
    client = next;
    next.on('error', (error) => lose(next, error));
    next.on('end', () => lose(next, undefined));
    next.on('notification', ({ payload = '' }) => onNotice(payload));
    try {
      await next.connect();
      await next.query(`LISTEN ${CHANNEL}`);
      await onUp({ query: (statement, values) => run(next, statement, values) });
      if (client !== next) return;
      isUp = true;
      failures = 0;
    } catch (error) {
      lose(next, error);
    }
  }

  function lose(lost: Client, reason: unknown): void {
    if (client !== lost) return;
    client = undefined;
    isUp = false;
    destroy(lost);
    if (isClosed) return;
    const limit = Math.min(MAX_DELAY, FIRST_DELAY * 2 ** failures);
    failures += 1;
    timer = setTimeout(() => void connect(), Math.random() * limit).unref();
    onDown(reason);
  }

  /** One statement follows the other: the time limit of each begins with it. */
  function run<Row extends QueryResultRow>(of: Client, statement: string, values: readonly unknown[] = []) {
    const result = running.then(() => runNow<Row>(of, statement, values));
    running = result.catch(() => {});
    return result;
  }

  async function runNow<Row extends QueryResultRow>(of: Client, statement: string, values: readonly unknown[]) {
    if (client !== of) throw databaseUnavailable();
    try {
      return await of.query<Row>(statement, [...values]);
    } catch (error) {
      if (isConnectionError(error)) lose(of, error);
      throw databaseError(error);
    }
  }

  return {
    firstAttempt: connect(),
    isUp: () => isUp,
    async query(statement, values) {
      if (client === undefined || !isUp) throw databaseUnavailable();
      return run(client, statement, values);
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      if (client !== undefined) await endSession(client);
    },
  };
}

/**
 * Opens a session of its own for long work, and closes it afterwards.
 *
 * @param signal ends the session at once: the statement that runs fails
 */
export async function withSession<Result>(
  url: string,
  work: (session: Session) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT, keepAlive: true });
  client.on('error', () => {}); // the statement that runs has it as well
  signal?.addEventListener('abort', () => destroy(client), { once: true });
  const query = async <Row extends QueryResultRow>(statement: string, values: readonly unknown[] = []) => {
    try {
      return await client.query<Row>(statement, [...values]);
    } catch (error) {
      throw databaseError(error);
    }
  };
  try {
    await client.connect();
  } catch (error) {
    throw databaseError(error);
  }
  try {
    return await work({ query });
  } finally {
    await endSession(client);
  }
}

/** Waits until the database knows that the session has ended, but not for one that does not answer. */
async function endSession(client: Client): Promise<void> {
  const limit = setTimeout(() => destroy(client), END_TIMEOUT);
  await client.end().catch(() => {});
  clearTimeout(limit);
}

function createClient(url: string): Client {
  return new Client({
    connectionString: url,
    application_name: 'feed-publisher',
    connectionTimeoutMillis: CONNECT_TIMEOUT,
    query_timeout: STATEMENT_TIMEOUT,
    keepAlive: true,
  });
}

/** Does not wait for an answer: a connection that was cut has none. */
function destroy(client: Client): void {
  client.end().catch(() => {});
  const { connection } = client as unknown as { readonly connection?: { readonly stream?: { destroy: () => void } } };
  connection?.stream?.destroy();
}
