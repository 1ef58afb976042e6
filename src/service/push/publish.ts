import type { Publication } from '../../config/publication.ts';
import type { LogLevel } from '../../config/serve-options.ts';
import { PublisherError } from '../../errors.ts';
import type { Instant } from '../../lib/instant.ts';
import type { Replica } from '../../store/replica.ts';
import type { DataFolder } from '../data-folder.ts';
import { type SiteSettings, siteId } from '../site/open-target.ts';
import type { SiteJob } from '../site/site-messages.ts';
import type { SiteResult } from '../site/write-site.ts';
import type { Receiver } from './receiver.ts';
import { SendError } from './send.ts';

/**
 * Milliseconds from a change until its export. A newsroom saves a story several times in a row, and changes often come in groups. A
 * reader of a static site has a copy that is up to a minute old anyway.
 */
const DEBOUNCE = 1000;
/** Milliseconds until the next export at most: files in `media/` and `redirects.txt` may be replaced without a change of the store. */
const LOOK = 60 * 60_000;
/** Milliseconds until the next export, where time has changed what this one could not write, such as a feed that is being filled. */
const LEFT_OVER = 10_000;
/** The most feeds that a message names: an export finds by itself what has changed. */
const MOST = 50;

interface PublishParts {
  readonly folder: Pick<DataFolder, 'path' | 'storeFile'>;
  readonly replica?: Pick<Replica, 'state' | 'onOwner'> | undefined;
  /** The one in force. */
  readonly publication: () => Publication;
  readonly version: string;
  readonly logLevel?: LogLevel | undefined;
  readonly now: () => Instant;
  /** Brings the site up to date. */
  readonly write: (job: SiteJob, signal: AbortSignal) => Promise<SiteResult>;
}

/**
 * A static site. It is brought up to date as a whole, whichever feeds have changed. What is remembered of a site is on the machine
 * that exports it: of several replicas, the owner does.
 *
 * @throws PublisherError `usage` as `siteId`
 */
export function siteReceiver(settings: SiteSettings, parts: PublishParts): Receiver {
  const { folder, replica, publication, version, logLevel = 'info', now, write } = parts;
  let lost = new AbortController();
  replica?.onOwner((isOwner) => {
    if (isOwner) return;
    lost.abort();
    lost = new AbortController();
  });
  const mayExport = () => replica === undefined || replica.state().isOwner;
  return {
    target: { id: siteId(settings), kind: 'publish' },
    most: MOST,
    debounce: DEBOUNCE,
    repeatAfter: 0,
    readyAt: (at) => (mayExport() ? at : Number.POSITIVE_INFINITY),
    async tell(_message, signal) {
      const clockOffset = now() - Date.now();
      const { path, storeFile } = folder;
      const job = { path, storeFile, publication: publication(), settings, version, clockOffset, logLevel };
      const result = await write(job, AbortSignal.any([signal, lost.signal])).catch(refuse);
      const at = now();
      return { againAt: againAt(result, at), summary: summaryOf(result) };
    },
  };
}

function refuse(error: unknown): never {
  if (error instanceof PublisherError) throw new SendError([error.message, error.hint].filter(Boolean).join(' '));
  if (error instanceof Error && error.name === 'AbortError') throw new SendError('Another replica is the owner now.');
  throw error;
}

function againAt({ nextChangeAt = Number.POSITIVE_INFINITY }: SiteResult, at: Instant): Instant {
  return nextChangeAt > at ? Math.min(nextChangeAt, at + LOOK) : at + LEFT_OVER;
}

function summaryOf({ written, unchanged, removed }: SiteResult): string {
  return `${written} documents written, ${unchanged} unchanged, ${removed} removed`;
}
