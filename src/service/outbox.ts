import { randomUUID } from 'node:crypto';
import type { Publication } from '../config/publication.ts';
import { type Cancel, systemTimers } from '../document/timers.ts';
import { isStoreDamage } from '../errors.ts';
import { outboxStatus } from '../http/outbox.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import type { OutboxStatus } from '../pages/service-status.ts';
import type { OutboxMessage, OutboxRow, OutboxTarget } from '../store/outbox-store.ts';
import type { Store } from '../store/store.ts';
import type { OutboxCounts } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import type { DataFolder } from './data-folder.ts';
import { Dispatcher } from './push/dispatcher.ts';
import { siteReceiver } from './push/publish.ts';
import { purgeReceivers } from './push/purge.ts';
import type { Receiver } from './push/receiver.ts';
import type { ServeSettings } from './service-process.ts';
import { exportInProcess } from './site/site-process.ts';

const DAY = 24 * 60 * 60 * 1000;
/** Attempts in a row after which a failure is an error in the log. */
const MANY = 10;
/** Milliseconds until targets are saved again after an error. */
const RETRY = 10_000;

/** What to do where attempts go on failing, by the kind of the target. */
const ADVICE: Readonly<Record<string, string>> = {
  purge: 'Caches serve old documents meanwhile: check the target and its token.',
  publish: 'Readers of the site get old documents meanwhile: check the folder, or the storage and its key.',
};

interface OutboxParts {
  readonly folder: Pick<DataFolder, 'path' | 'storeFile' | 'replica'> & { readonly store: Store };
  readonly settings: Pick<ServeSettings, 'purge' | 'site' | 'version' | 'logLevel'>;
  readonly publication: () => Publication;
  readonly counts: OutboxCounts;
  readonly log: Log;
  readonly now: () => Instant;
  readonly fail: (error: unknown) => void;
  /** A reader tells nobody. */
  readonly isWriter: boolean;
}

export interface Outbox {
  /** Call this when the store may have changed. */
  readonly wake: () => void;
  /** Tells what is due from now on. Returns at once, and throws nothing: requests are answered by then. */
  readonly start: () => void;
  /** Undefined where the service tells nobody. */
  readonly read: () => Promise<readonly OutboxStatus[] | undefined>;
  readonly close: () => Promise<void>;
}

/** Tells other systems of changes, in the process that writes them. */
export function openOutbox(parts: OutboxParts): Outbox {
  const { settings, publication, now, isWriter } = parts;
  const { store, replica } = parts.folder;
  const receivers = isWriter ? receiversOf(parts) : [];
  const events = eventsOf(parts);
  const dispatcher = new Dispatcher({
    ...{ store, receivers, now, timers: systemTimers, random: Math.random, owner: randomUUID() },
    ...events,
    // On one machine, every process looks for changes before it answers: what is on disk is in the next answer of all.
    appliedEverywhere: replica?.appliedEverywhere ?? (async () => {}),
    tombstonesFor: () => publication().tombstoneDays * DAY,
  });
  let begun: Promise<void> | undefined;
  let stop: Cancel | undefined;

  /** Has the store keep the targets. A disk that is full stops no start: it is tried again. */
  async function begin(): Promise<void> {
    if (store.damage() !== undefined) return;
    try {
      const known = await store.outbox();
      if (receivers.length === 0 && known.length === 0) return; // no transaction
      const targets = receivers.map(({ target }) => target);
      await store.setOutboxTargets(targets, `${settings.version} ${publication().feedsUrl}`, now, replica?.id);
      if (replica !== undefined) warnOfOthers(await store.outbox(), targets, parts.log);
      if (receivers.length > 0) dispatcher.wake();
    } catch (error) {
      events.fail(error);
      stop = systemTimers.after(RETRY, () => {
        begun = begin();
      });
    }
  }

  return {
    wake: () => (receivers.length === 0 ? undefined : dispatcher.wake()),
    start() {
      if (!isWriter) return;
      begun = begin();
      // The owner has more to tell.
      void begun.then(() => replica?.onOwner(() => dispatcher.wake()));
    },
    read: async () =>
      receivers.length === 0 ? undefined : (await store.outbox()).map((row) => outboxStatus(row, now())),
    async close() {
      stop?.();
      await begun;
      await dispatcher.close();
    },
  };
}

function receiversOf({ folder, settings, publication, now }: OutboxParts): Receiver[] {
  const { purge, site, version, logLevel } = settings;
  const { replica } = folder;
  const shared = { folder, replica, publication, version, logLevel, now };
  return [
    ...(purge === undefined ? [] : purgeReceivers(purge, { now, apis: purge.apis })),
    ...(site === undefined ? [] : [siteReceiver(site, { ...shared, write: exportInProcess })]),
  ];
}

/** Only those replicas tell a target that name it: where others fail, nobody would. */
function warnOfOthers(rows: readonly OutboxRow[], targets: readonly OutboxTarget[], log: Log): void {
  const own = new Set(targets.map(({ id }) => id));
  const others = rows.map(({ id }) => id).filter((id) => !own.has(id));
  if (others.length === 0) return;
  const advice =
    'Start all replicas with the same --purge and --site. If no replica names it any more, run “outbox forget”.';
  log.warn(
    { targets: others },
    `Other replicas name targets that this one does not tell: ${others.join(', ')}. ${advice}`,
  );
}

function eventsOf({ counts, log, fail }: OutboxParts) {
  return {
    fail: (error: unknown) => {
      if (!isStoreDamage(error)) fail(error);
    },
    told(message: OutboxMessage, milliseconds: number, summary?: string): void {
      counts.told += 1;
      const { id: target, feeds, revision, isRepeat, failures } = message;
      const fields = { target, feeds: feeds?.length ?? 'all', revision, ms: Math.round(milliseconds) };
      const what = feeds === undefined ? 'was told everything' : `was told ${feeds.length} feeds`;
      const news = summary === undefined ? what : `is up to date (${summary})`;
      if (failures > 0) log.warn(fields, `${target} ${news} after ${failures} attempts that failed.`);
      else if (!isRepeat) log.info(fields, `${target} ${news}.`);
    },
    failed({ id: target, kind, failures }: OutboxMessage, reason: string, retryAt: Instant): void {
      counts.failed += 1;
      const advice = failures + 1 < MANY ? '' : ` ${ADVICE[kind] ?? ''}`;
      const message = `${target} was not told of changes: ${reason} The next attempt is at ${rfc3339(retryAt)}.${advice}`;
      const fields = { target, reason, failures: failures + 1, retryAt: rfc3339(retryAt) };
      if (failures + 1 < MANY) log.warn(fields, message);
      else log.error(fields, message);
    },
  };
}
