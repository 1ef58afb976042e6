import { isDeepStrictEqual } from 'node:util';
import { PUBLICATION_FILE, type Publication } from '../config/publication.ts';
import { systemTimers, type Timers } from '../document/timers.ts';
import { type ErrorCode, PublisherError } from '../errors.ts';
import { restartProblems } from '../publish/refresh.ts';
import type { Log } from '../telemetry/log.ts';
import type { PublicationFiles } from './publication-files.ts';

export interface PublicationWatch {
  /** Reads publication.yaml and the partners now, whether they have changed or not. */
  readonly reload: () => void;
  /** Resolves when no publication is being put in force. Begins no other reload, and waits for no file. */
  readonly close: () => Promise<void>;
}

interface PublicationWatchParts {
  /** The publication that the service started with. */
  readonly publication: Publication;
  /** Opened before the service read the publication. */
  readonly files: PublicationFiles;
  /** Reads publication.yaml and the partners. @throws PublisherError `invalid_publication` */
  readonly load: () => Promise<Publication>;
  /** Puts a publication in force. */
  readonly apply: (publication: Publication) => Promise<void>;
  readonly refuse: (error: PublisherError) => void;
  /** Called when the files say what is in force. */
  readonly accept: () => void;
  readonly log: Log;
  readonly fail: (error: unknown) => void;
  readonly timers?: Timers;
}

/** Milliseconds between two looks at the files. One that is the same in two looks is complete: editors write in pieces. */
const INTERVAL = 500;

/**
 * Reads publication.yaml and the partners again when a file has changed. It looks at the names of files, not at files that are
 * open: editors, and the orchestrators of containers, put other files in their places.
 */
export function watchPublication(parts: PublicationWatchParts): PublicationWatch {
  const { files, load, apply, refuse, accept, log, fail, timers = systemTimers } = parts;
  let { publication } = parts;
  /** What the files were when they were read, and at the last look. */
  let read = files.version();
  let seen = read;
  /** The last refusal: the same is reported once. */
  let refusal: string | undefined;
  let running: Promise<void> | undefined;
  let isAsked = false;
  let isClosed = false;
  let isApplying = false;
  const stop = timers.every(INTERVAL, look);

  function look(): void {
    const before = seen;
    seen = files.look();
    if (seen !== read && seen === before) run();
  }

  function run(): void {
    if (isClosed) return;
    running ??= readAll()
      .catch(fail)
      .finally(() => {
        running = undefined;
      });
  }

  async function readAll(): Promise<void> {
    do {
      const isByRequest = isAsked;
      isAsked = false;
      read = files.look();
      await readOnce(isByRequest);
    } while (isAsked && !isClosed);
  }

  async function readOnce(isByRequest: boolean): Promise<void> {
    isApplying = false;
    try {
      const wanted = await load();
      if (isClosed) return;
      const problems = restartProblems(publication, wanted);
      if (problems.length > 0) throw new PublisherError('restart_required', NEEDS_RESTART, { problems });
      if (!isDeepStrictEqual(wanted, publication)) {
        isApplying = true;
        await apply(wanted);
        publication = wanted;
      } else if (isByRequest) log.info({}, `${PUBLICATION_FILE} was read again, and says what is in force already.`);
      refusal = undefined;
      accept();
    } catch (error) {
      if (isClosed && !isApplying) return;
      if (!(error instanceof PublisherError)) throw error;
      const text = JSON.stringify([error.message, error.problems]);
      if (text !== refusal || isByRequest) refuse(error);
      refusal = text;
      if (!BY_FILE.has(error.code)) read = ''; // the store may take it at the next look
    }
  }

  return {
    reload() {
      isAsked = true;
      run();
    },
    async close() {
      isClosed = true;
      stop();
      files.close();
      if (isApplying) await running;
    },
  };
}

/** Errors that another look at the same file meets again. */
const BY_FILE: ReadonlySet<ErrorCode> = new Set(['invalid_publication', 'restart_required']);

const NEEDS_RESTART = 'The publication cannot be put in force while the service runs.';
