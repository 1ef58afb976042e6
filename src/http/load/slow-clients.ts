import type { Socket } from 'node:net';

/** Bytes a second at which a client must take an answer. */
const SLOWEST_READER = 8 * 1024;

/** Milliseconds. */
export interface PatienceLimits {
  /** Time for a request's head to arrive. */
  readonly head: number;
  /** Time for which a connection without a request stays open. */
  readonly idle: number;
  /** Time to take an answer, beside the time that its length allows. */
  readonly answer: number;
  /** Time in which a client must have taken some of the bytes that wait for it. */
  readonly stall: number;
}

/** What the last sweep saw of a connection. */
interface Progress {
  /** Bytes ever written to it, and when a sweep first saw that number. Milliseconds, as all times here. */
  readonly written: number;
  readonly writtenAt: number;
  /** Bytes ever read from it. */
  readonly read: number;
  /** When a sweep last saw bytes move in either direction. */
  readonly movedAt: number;
}

/** What a sweep sees. */
interface Observation {
  readonly now: number;
  readonly written: number;
  readonly read: number;
  /** Bytes that wait for the client to read. */
  readonly waiting: number;
  /** Whether a request of the connection still waits for its answer. */
  readonly isBusy: boolean;
}

/** The parts of a socket that a sweep needs. */
export type SweptSocket = Pick<Socket, 'writableLength' | 'bytesWritten' | 'bytesRead' | 'destroy' | 'setTimeout'>;

/** Watches one connection from sweep to sweep. */
export interface ClientWatch {
  /** Destroys the connection if its client is too slow. */
  readonly sweep: (now: number, isBusy: boolean) => void;
}

/** @param now milliseconds of a monotonic clock */
export function watchClient(socket: SweptSocket, limits: PatienceLimits, now: number): ClientWatch {
  let progress: Progress = { written: 0, writtenAt: now, read: 0, movedAt: now };
  let hasStallTimer = false;

  /** While bytes wait for the client, Node closes the connection if the system takes none of them for that long. */
  function setStallTimer(isNeeded: boolean): void {
    if (hasStallTimer !== isNeeded) socket.setTimeout(isNeeded ? limits.stall : 0);
    hasStallTimer = isNeeded;
  }

  return {
    sweep(at, isBusy) {
      const { writableLength: waiting, bytesWritten: written, bytesRead: read } = socket;
      const seen = { now: at, waiting, written, read, isBusy };
      progress = nextProgress(progress, seen);
      if (isTooSlow(progress, seen, limits)) socket.destroy();
      else setStallTimer(waiting > 0);
    },
  };
}

function nextProgress(before: Progress, { now, written, read }: Observation): Progress {
  const writtenAt = before.written === written ? before.writtenAt : now;
  const movedAt = before.written === written && before.read === read ? before.movedAt : now;
  return { written, writtenAt, read, movedAt };
}

/** Whether to cut a connection: its client reads too slowly, or keeps the connection open with less than a request. */
function isTooSlow(
  { written, writtenAt, movedAt }: Progress,
  { now, waiting, isBusy }: Observation,
  { head, idle, answer }: PatienceLimits,
): boolean {
  const age = now - writtenAt;
  if (waiting > 0) return age > answer + (waiting / SLOWEST_READER) * 1000;
  if (isBusy) return false;
  // Before the first answer Node's own limit on the head decides.
  const isIdle = written > 0 && now - movedAt > idle;
  return isIdle || age > idle + head + answer;
}
