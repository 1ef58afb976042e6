import { randomUUID } from 'node:crypto';
import type { Publication } from '../config/publication.ts';
import { type Cancel, systemTimers } from '../document/timers.ts';
import { isStoreDamage } from '../errors.ts';
import { outboxStatus } from '../http/outbox.ts';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import type { OutboxStatus } from '../pages/service-status.ts';
import { type OutboxMessage, outboxOwner } from '../store/outbox-store.ts';
import type { Replica } from '../store/replica.ts';
import type { Store } from '../store/store.ts';
import type { OutboxCounts } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import { Dispatcher } from './push/dispatcher.ts';
import { purgeReceivers } from './push/purge.ts';
import { settleWhenBack } from './push/settling.ts';
import type { ServeSettings } from './service-process.ts';

const DAY = 24 * 60 * 60 * 1000;
/** Attempts in a row after which a failure is an error in the log. */
const MANY = 10;
/** Milliseconds until targets are saved again after an error. */
const RETRY = 10_000;

interface OutboxParts {
  readonly store: Store;
  readonly replica?: Replica | undefined;
  readonly settings: Pick<ServeSettings, 'purge' | 'version'>;
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
  const { store, replica, settings, publication, now, isWriter } = parts;
  const { purge, version } = settings;
  const receivers = isWriter && purge !== undefined ? purgeReceivers(purge, { now, apis: purge.apis }) : [];
  const events = eventsOf(parts);
  let isClosing = false;
  const settleOutbox = settleWhenBack({ store, timers: systemTimers, isClosing: () => isClosing });
  const dispatcher = new Dispatcher({
    store: { ...store, settleOutbox },
    ...{
      receivers,
      now,
      timers: systemTimers,
      random: Math.random,
      owner: outboxOwner(randomUUID(), replica?.deliveries.machine),
    },
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
      await store.setOutboxTargets(targets, `${version} ${publication().feedsUrl}`, now, replica?.deliveries.machine);
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
      if (isWriter) begun = begin();
    },
    read: async () =>
      receivers.length === 0 ? undefined : (await store.outbox()).map((row) => outboxStatus(row, now())),
    async close() {
      isClosing = true;
      stop?.();
      await begun;
      await dispatcher.close();
    },
  };
}

function eventsOf({ counts, log, fail }: OutboxParts) {
  return {
    fail: (error: unknown) => {
      if (!isStoreDamage(error)) fail(error);
    },
    told(message: OutboxMessage, milliseconds: number): void {
      counts.told += 1;
      const { id: target, feeds, revision, isRepeat, failures } = message;
      const fields = { target, feeds: feeds?.length ?? 'all', revision, ms: Math.round(milliseconds) };
      const what = feeds === undefined ? 'everything' : `${feeds.length} feeds`;
      if (failures > 0) log.warn(fields, `${target} was told ${what} after ${failures} attempts that failed.`);
      else if (!isRepeat) log.info(fields, `${target} was told ${what}.`);
    },
    failed({ id: target, failures }: OutboxMessage, reason: string, retryAt: Instant): void {
      counts.failed += 1;
      const advice =
        failures + 1 < MANY ? '' : ' Caches serve old documents meanwhile: check the target and its token.';
      const message = `${target} was not told of changes: ${reason} The next attempt is at ${rfc3339(retryAt)}.${advice}`;
      const fields = { target, reason, failures: failures + 1, retryAt: rfc3339(retryAt) };
      if (failures + 1 < MANY) log.warn(fields, message);
      else log.error(fields, message);
    },
  };
}
