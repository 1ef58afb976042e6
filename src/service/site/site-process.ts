import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PublisherError } from '../../errors.ts';
import { systemReason } from '../../lib/system-reason.ts';
import { deserializeError } from '../worker-messages.ts';
import { isSiteReply, type SiteJob, type SiteOrder, type SiteReply } from './site-messages.ts';
import type { SiteResult } from './write-site.ts';

/** Milliseconds in which the process saves how far it is, when it is to stop. */
const STOP_GRACE = 2000;

const START = join(import.meta.dirname, '../../start.js');

/**
 * Brings a static site up to date in a process of its own, at a lower priority: an export reads, renders and compresses for
 * seconds or hours, and the threads that compress are those of a process. Its memory is free again afterwards.
 *
 * @throws PublisherError as `writeSite`, and `worker_failed` if the process ends before its work; the reason of the signal
 */
export async function exportInProcess(job: SiteJob, signal: AbortSignal): Promise<SiteResult> {
  signal.throwIfAborted();
  // A publication has maps, which JSON would lose.
  const child = fork(START, ['site-worker'], {
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  let reply: SiteReply | undefined;
  let kill: NodeJS.Timeout | undefined;
  const send = (order: SiteOrder) => void child.send(order, () => {}); // a process that has ended is noticed by its end
  child.on('message', (message: unknown) => {
    if (!isSiteReply(message)) return;
    if (message.kind === 'ready') send({ kind: 'write', job });
    else reply = message;
  });
  const stop = () => {
    send({ kind: 'stop' });
    kill = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE);
  };
  signal.addEventListener('abort', stop);
  try {
    // `close` comes after the last message; a process that could not be started has an error alone.
    const [code, name]: unknown[] = await once(child, 'close').catch(refuse);
    signal.throwIfAborted();
    return resultOf(reply, name === null ? `exited with code ${code}` : `was ended by ${name}`);
  } finally {
    clearTimeout(kill);
    signal.removeEventListener('abort', stop);
  }
}

function refuse(cause: unknown): never {
  const message = `The process that exports the site could not be started: ${systemReason(cause)}.`;
  throw new PublisherError('worker_failed', message, { cause });
}

function resultOf(reply: SiteReply | undefined, end: string): SiteResult {
  if (reply?.kind === 'written') return reply.result;
  if (reply?.kind === 'failed') throw deserializeError(reply.error);
  throw new PublisherError('worker_failed', `The process that exports the site ${end}.`);
}
