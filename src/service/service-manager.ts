import { spawn } from 'node:child_process';
import { systemReason } from '../lib/system-reason.ts';
import type { Log } from '../telemetry/log.ts';

/** The program that hands messages to systemd. Node has no sockets of the kind that systemd listens at. */
const PROGRAM = 'systemd-notify';
/** Milliseconds between two requests for more time to start, and the time that each asks for. */
const STARTING = { every: 30_000, more: 120_000 };
/** Messages within the time after which the service counts as hanging, so that one may come late. */
const MESSAGES_A_PERIOD = 3;

/** Sends the state of the service to systemd (https://www.freedesktop.org/software/systemd/man/sd_notify.html). */
export interface ServiceManager {
  /** The service serves. From now on, systemd hears in time that the event loop goes round. */
  readonly ready: (status: string) => void;
  /** The service ends. */
  readonly stopping: () => void;
}

interface ServiceManagerParts {
  /** The environment that systemd has given: `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

/** Connects the service to systemd. Without `NOTIFY_SOCKET`, no state is sent. */
export function openServiceManager({ env, log }: ServiceManagerParts): ServiceManager {
  const { NOTIFY_SOCKET } = env;
  if (!NOTIFY_SOCKET) return { ready: () => {}, stopping: () => {} };
  let isReported = false;
  let isUnderWay = false;

  function fail(reason: string): void {
    if (isReported) return;
    isReported = true;
    const effect = 'It will count the service as failed, and end it.';
    log.warn(
      { reason },
      `systemd cannot be told how the service is, because ${PROGRAM} fails. ${effect} Install systemd, or write Type=exec and no WatchdogSec in the unit.`,
    );
  }

  function tell(...lines: readonly string[]): void {
    isUnderWay = true;
    const child = spawn(PROGRAM, lines, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (text) => {
      said += text;
    });
    child.once('error', (error) => fail(systemReason(error)));
    child.once('close', (code) => {
      isUnderWay = false;
      if (code !== 0) fail(said.trim() || `exit code ${code}`);
    });
  }

  const tellEvery = (interval: number, ...lines: readonly string[]) =>
    setInterval(() => isUnderWay || tell(...lines), interval).unref();

  const moreTime = `EXTEND_TIMEOUT_USEC=${STARTING.more * 1000}`;
  let timer: NodeJS.Timeout | undefined = tellEvery(STARTING.every, moreTime);
  return {
    ready(status) {
      clearInterval(timer);
      tell('READY=1', `STATUS=${status}`);
      const period = watchdogPeriod(env);
      timer = period === undefined ? undefined : tellEvery(period / MESSAGES_A_PERIOD, 'WATCHDOG=1');
    },
    stopping() {
      clearInterval(timer);
      tell('STOPPING=1', 'STATUS=Finishing requests');
    },
  };
}

/**
 * Milliseconds without a message after which systemd ends the service; undefined if it does not. The variable may be meant for a
 * process above: `src/start.js` may have started this one.
 */
function watchdogPeriod({ WATCHDOG_USEC, WATCHDOG_PID = '' }: ServiceManagerParts['env']): number | undefined {
  const isMeant = ['', `${process.pid}`, `${process.ppid}`].includes(WATCHDOG_PID);
  const period = Number(WATCHDOG_USEC) / 1000;
  return isMeant && period > 0 ? period : undefined;
}
