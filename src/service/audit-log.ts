import type { PublisherError } from '../errors.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import type { Publisher } from '../publish/publish.ts';
import type { Actor, AuditRow, Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';
import { unlessDamaged } from './unless-damaged.ts';

/** Writes a line into the log for each row of the audit, whichever process made the changes. */
export interface AuditLog {
  /** Logs the rows that are new since the last call. It never rejects. */
  readonly catchUp: () => Promise<void>;
}

interface AuditLogParts {
  readonly store: Pick<Store, 'auditAfter' | 'lastRevision'>;
  readonly log: Log;
  /** Receives the error of a store that cannot be read. The next call logs the rows. */
  readonly fail: (error: unknown) => void;
}

/** Rows that are read together. */
const PAGE = 500;

/** Logs the changes that follow the call. */
export async function openAuditLog({ store, log, fail }: AuditLogParts): Promise<AuditLog> {
  let last = (await unlessDamaged(store.lastRevision())) ?? 0;
  let running = Promise.resolve();

  async function logNewRows(): Promise<void> {
    for (;;) {
      const rows = await store.auditAfter(last, PAGE);
      for (const row of rows) {
        if (row.lastRevision === row.revision) logChange(log, row);
        else logBatch(log, row);
        last = row.lastRevision;
      }
      if (rows.length < PAGE) return;
    }
  }

  return {
    catchUp() {
      running = running.then(logNewRows).catch(fail);
      return running;
    },
  };
}

/** Wraps a publisher so that its changes are in the log before they are acknowledged. */
export function logChanges(publisher: Publisher, { catchUp }: AuditLog): Publisher {
  const logged = async <Result>(result: Promise<Result>): Promise<Result> => {
    try {
      return await result;
    } finally {
      await catchUp();
    }
  };
  return {
    publish: (submissions) => logged(publisher.publish(submissions)),
    withdraw: (withdrawals) => logged(publisher.withdraw(withdrawals)),
    erase: (erasures) => logged(publisher.erase(erasures)),
  };
}

/** Logs a record, or the erasure of an article, that the newsroom's API has refused. */
export function logRefusal(
  log: Log,
  key: Extract<Actor, { kind: 'key' }>,
  article: string | undefined,
  { code, message, problems }: PublisherError,
): void {
  const subject = article === undefined ? 'a record' : `the article “${article}”`;
  log.warn(
    { code, article, problems: problems.length === 0 ? undefined : problems, actor: key },
    `A change to ${subject} by the key “${key.name}” is refused: ${message}`,
  );
}

function logChange(log: Log, row: AuditRow): void {
  const { id, what, revision, by: actor, status } = row;
  const fields = { article: id, revision, what, actor, status, until: dateOf(row.until) };
  if (!isWithdrawalByFile(row)) log.info(fields, `${inWords(actor)} has ${what} the article “${id}”${detailsOf(row)}.`);
  else log.warn(fields, `${fileOf(actor)} no longer publishes the article “${id}”: the article is withdrawn.`);
}

/** Whether articles are withdrawn because a file is gone, names another id or says so. Somebody may have removed it by mistake. */
function isWithdrawalByFile({ counts, by }: AuditRow): boolean {
  return counts.has('withdrawn') && (by?.kind === 'file' || by?.kind === 'start');
}

/** After an interrupted start, the file is not known any more. */
function fileOf(actor: Actor | undefined): string {
  return actor?.kind === 'file' ? actor.path : 'The folder articles/';
}

function logBatch(log: Log, row: AuditRow): void {
  const { id, lastId, revision, lastRevision, counts, by: actor } = row;
  const articles = lastRevision - revision + 1;
  const changes = [...counts].map(([what, count]) => `${what} ${count}`);
  const write = isWithdrawalByFile(row) ? log.warn : log.info;
  write(
    { articles, article: id, lastArticle: lastId, revision, lastRevision, what: Object.fromEntries(counts), actor },
    `${inWords(actor)} has changed ${articles} articles from “${id}” to “${lastId}”: ${changes.join(', ')}.`,
  );
}

function detailsOf({ status, until }: AuditRow): string {
  if (until !== undefined) return `, embargoed until ${rfc3339(until)}`;
  return status === 'expired' ? ', which has expired' : '';
}

function dateOf(instant: Instant | undefined): string | undefined {
  return instant === undefined ? undefined : rfc3339(instant);
}

function inWords(actor: Actor | undefined): string {
  switch (actor?.kind) {
    case 'key':
      return `The key “${actor.name}”`;
    case 'file':
      return actor.path;
    case 'import':
      return `The import of ${actor.source}`;
    case 'command':
      return `The command ${actor.name}`;
    case 'start':
      return 'The start of the service';
    case undefined:
      return 'The service';
  }
}
