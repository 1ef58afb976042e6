import type { Publication } from '../config/publication.ts';
import type { PublisherError } from '../errors.ts';
import { sharedPublication } from '../publish/refresh.ts';
import type { Log } from '../telemetry/log.ts';
import type { DataFolder } from './data-folder.ts';
import type { Reloading } from './reloading.ts';

interface ReplicaWatchParts {
  readonly log: Log;
  readonly fail: (error: unknown) => void;
  /** Serves a publication that another replica has put in force. */
  readonly reloading: Pick<Reloading, 'follow'>;
  /** Called when this process serves it. */
  readonly onFollowed: (publication: Publication) => void;
}

/** Milliseconds between two lines of the log about a database that is away. */
const REPEATED = 60_000;

/**
 * Follows what the other replicas and the database do: the log tells of the connection, and of a publication by another one.
 *
 * @returns a function that ends it
 */
export function watchReplica(
  { replica, store }: Pick<DataFolder, 'replica' | 'store'>,
  { log, fail, reloading, onFollowed }: ReplicaWatchParts,
): () => void {
  if (replica === undefined) return () => {};
  let lostAt: number | undefined;
  let reported = Number.NEGATIVE_INFINITY;
  let problem: PublisherError | undefined;

  replica.onConnection((lost) => {
    const now = performance.now();
    if (lost === undefined) {
      if (lostAt !== undefined)
        log.info({ seconds: Math.round((now - lostAt) / 1000) }, 'The database is back. Changes are taken again.');
      lostAt = undefined;
      reported = Number.NEGATIVE_INFINITY;
      return;
    }
    lostAt ??= now;
    report(lost.reason);
  });

  function report(reason: string): void {
    if (performance.now() - reported < REPEATED) return;
    reported = performance.now();
    log.error(
      { code: 'database_unavailable', reason },
      `The database cannot be reached (${reason}). Readers are served, and changes get 503. The service tries again.`,
    );
  }

  const timer = setInterval(() => {
    const { problem: found } = replica.state();
    if (found?.message !== problem?.message && found !== undefined)
      log.error({ code: found.code }, `This replica is not ready: ${found.message} ${found.hint ?? ''}`);
    problem = found;
  }, 1000).unref();

  replica.onFailure(fail);
  replica.onForeign(({ name }) => {
    if (name === 'configure') void follow().catch(fail);
  });

  async function follow(): Promise<void> {
    const publication = await sharedPublication(store);
    if (publication === undefined) return;
    if (await reloading.follow(publication)) onFollowed(publication);
  }

  return () => clearInterval(timer);
}
