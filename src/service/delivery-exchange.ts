import type { Instant } from '../lib/instant.ts';
import type { Replica } from '../store/replica.ts';
import type { DeliveryExchange, Outgoing } from '../store/shared-deliveries.ts';
import { isDatabaseAway } from './unless-damaged.ts';

/** Milliseconds between two rounds: with the time until a process saves, a delivery is in the database at most a second late. */
const INTERVAL = 500;

interface SharingParts {
  readonly exchange: DeliveryExchange;
  readonly replica: Pick<Replica, 'state' | 'deliveries'>;
  readonly now: () => Instant;
}

interface ExchangeParts extends SharingParts {
  /** Whether there are partners. */
  readonly isWanted: () => boolean;
  readonly fail: (error: unknown) => void;
}

export interface RunningExchange {
  /** Sends and takes what there is, if the database can be reached. */
  readonly round: () => Promise<void>;
  /** Sends the rest, if the database can be reached. */
  readonly close: () => Promise<void>;
}

/**
 * Takes what all replicas have delivered. Returns whether this machine has all of it: else another process writes just now.
 *
 * @throws PublisherError `database_unavailable`
 */
export async function takeShared({ exchange, replica, now }: SharingParts): Promise<boolean> {
  const { deliveries: shared } = replica;
  const [log, { machine }] = [shared.log(), shared];
  if (log === undefined || (await exchange.join({ machine, log })) !== 'added') return false;
  for (;;) {
    const asOf = now();
    const part = await shared.read(await exchange.known());
    const { added, isComplete } = await exchange.take(part, asOf);
    if (added !== 'added' || isComplete) return isComplete;
  }
}

/** Gives what this machine delivers to the other replicas, and takes what they deliver. No answer waits for it. */
export function startDeliveryExchange(parts: ExchangeParts): RunningExchange {
  const { exchange, replica, isWanted, fail } = parts;
  /** Whether the database knows that this machine records. */
  let isRecording = false;
  let running: Promise<void> | undefined;
  /** The message of the last round, if it failed: it is reported once, and not twice a second. */
  let failure: string | undefined;
  let isClosed = false;

  async function runRound(): Promise<void> {
    if (!(isWanted() || isRecording) || !replica.state().isConnected) return;
    if (!(await takeShared(parts))) return;
    let outgoing: Outgoing | undefined;
    do {
      outgoing = await exchange.outgoing();
      if (outgoing === undefined) return;
      await replica.deliveries.send(outgoing);
      isRecording = outgoing.state?.isRecording ?? true;
      if (outgoing.batch !== undefined && !(await takeShared(parts))) return;
    } while (outgoing.state === undefined);
  }

  function round(): Promise<void> {
    running ??= runRound()
      .then(
        () => {
          failure = undefined;
        },
        (error: unknown) => {
          const message = error instanceof Error ? error.message : String(error);
          if (message !== failure && !isDatabaseAway(error)) fail(error);
          failure = message;
        },
      )
      .finally(() => {
        running = undefined;
      });
    return running;
  }

  const timer = setInterval(() => {
    if (!isClosed) void round();
  }, INTERVAL).unref();

  return {
    round,
    async close() {
      isClosed = true;
      clearInterval(timer);
      await running;
      await round();
    },
  };
}
