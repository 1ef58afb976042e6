import type { Timers } from '../../document/timers.ts';
import { PublisherError } from '../../errors.ts';
import type { OutboxStore } from '../../store/outbox-store.ts';

/** Milliseconds between two attempts. */
const RETRY = 1000;

interface SettlingParts {
  readonly store: Pick<OutboxStore, 'settleOutbox'>;
  readonly timers: Pick<Timers, 'after'>;
  /** Whether the process stops: it does not wait for the database then. */
  readonly isClosing: () => boolean;
}

/**
 * Saves how a message was told, and waits for a database that has gone away meanwhile: else the target would get the message once
 * more. To save it twice does no harm.
 */
export function settleWhenBack({ store, timers, isClosing }: SettlingParts): OutboxStore['settleOutbox'] {
  return async (...args) => {
    for (;;) {
      try {
        return await store.settleOutbox(...args);
      } catch (error) {
        const isAway = error instanceof PublisherError && error.code === 'database_unavailable';
        if (!isAway || isClosing()) throw error;
      }
      await new Promise<void>((resolve) => void timers.after(RETRY, resolve));
    }
  };
}
