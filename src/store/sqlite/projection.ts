import { PublisherError } from '../../errors.ts';
import type { Operation, OperationName, Operations, ResultOf, Submit } from '../operations.ts';
import type { AskedBy, LoggedOperation, LogPosition, Performed, Projection } from '../projection.ts';
import { storeError } from './database.ts';
import type { Settings } from './settings.ts';
import type { StoreRow } from './store-row.ts';

/** The setting with the id of the log that the store follows. The names of all settings about the log begin with this one. */
export const LOG = 'log';
/** The setting with position and token of the last operation. */
const POSITION = 'log-position';
/** Settings with these names have results for other processes of this machine. */
export const REPLY = 'log-reply ';

/** Which operations the store with these settings has. */
export function logPosition(settings: Pick<Settings, 'get'>): LogPosition {
  const [position, token = ''] = (settings.get(POSITION) ?? '0').split(' ');
  return { log: settings.get(LOG), position: Number(position), token };
}

/** Runs work in a transaction of its own. `isForeign`: another process has asked for it. */
export type RunTransaction = <Result>(work: () => Result, isForeign?: boolean) => Promise<Result>;

interface ProjectionParts {
  readonly settings: Settings;
  readonly storeRow: StoreRow;
  readonly operations: Operations;
  readonly transaction: RunTransaction;
}

/** Returns a function that makes each operation at once, in a transaction of its own. */
export function submitHere(operations: Operations, transaction: RunTransaction): Submit {
  return (name, now, ...args) => transaction(() => operations[name](now, ...args));
}

/** Refuses operations where the store follows a log: another copy of it would not have them. */
export function unlessFollowing(settings: Pick<Settings, 'get'>, submit: Submit): Submit {
  return (name, now, ...args) => {
    if (settings.get(LOG) !== undefined) throw followsLog();
    return submit(name, now, ...args);
  };
}

function followsLog(): PublisherError {
  return new PublisherError(
    'store_unavailable',
    'The store is that of a replica: it changes through its database alone.',
    {
      hint: 'Give --database-url, or set DATABASE_URL. To use the store without a database, run “store move sqlite” first.',
    },
  );
}

/** The projection of a log that the store is. */
export function createProjection({ settings, storeRow, operations, transaction }: ProjectionParts): Projection {
  const at = () => logPosition(settings);

  function savePosition({ position, token }: Pick<LogPosition, 'position' | 'token'>): void {
    settings.save(POSITION, `${position} ${token}`);
  }

  /** Begins where the store is: another process of this machine may have applied the operation. */
  function performNext(logged: LoggedOperation, askedBy: AskedBy, work: () => unknown): Promise<Performed> {
    const { position, token } = logged;
    return transaction((): Performed => {
      const { position: known } = at();
      if (position <= known) return { kind: 'known' };
      if (position !== known + 1) throw new Error(`operation ${position} does not follow ${known}`);
      const result = work();
      savePosition(logged);
      if (askedBy === 'sibling') settings.save(REPLY + token, JSON.stringify([result ?? null]));
      return { kind: 'performed', result };
    }, askedBy !== 'this-process');
  }

  return {
    at,
    follow: (position) =>
      transaction(() => {
        settings.save(LOG, position.log ?? '');
        savePosition(position);
      }),
    async perform(logged, askedBy) {
      try {
        return await performNext(logged, askedBy, () => run(operations, logged.operation));
      } catch (error) {
        if (isOfThisMachine(storeError(error))) throw error;
        await performNext(logged, askedBy, () => null);
        return { kind: 'failed', error };
      }
    },
    takeReply: (token) =>
      transaction(() => {
        const reply = settings.get(REPLY + token);
        if (reply === undefined) throw new Error('the result of an operation is missing');
        settings.removeValue(REPLY + token, reply);
        const [result]: readonly unknown[] = JSON.parse(reply);
        return result;
      }),
    performHere: submitHere(operations, transaction),
    checksum: () => storeRow.checksum(),
  };
}

function run<Name extends OperationName>(operations: Operations, { name, at, args }: Operation<Name>): ResultOf<Name> {
  return operations[name](() => at, ...args);
}

/** Whether an error comes from this machine, its disk or its copy of the store: another store makes the operation. */
function isOfThisMachine(error: unknown): boolean {
  if (!(error instanceof PublisherError)) return false;
  return ['insufficient_storage', 'store_unavailable', 'store_damaged'].includes(error.code);
}
