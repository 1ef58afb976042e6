import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { PublisherError } from '../../errors.ts';

/** Milliseconds between two signs of life. */
const HEARTBEAT = 5000;
/** Milliseconds without a sign of life, after which the owner of a lock was killed. */
const SILENCE = 30_000;

/**
 * Takes a lock: a file that exists while its owner works, and whose date its owner renews. So the lock of a killed process ends,
 * also where another machine or container has it. Returns the function that releases the lock.
 *
 * @throws PublisherError `site_busy` while somebody else has the lock
 */
export async function takeLock(file: string, name: string): Promise<() => Promise<void>> {
  const owner = `${process.pid} ${randomBytes(8).toString('hex')}\n`;
  if (!(await create(file, owner))) {
    await removeAbandoned(file, name);
    if (!(await create(file, owner))) throw busy(file, name);
  }
  const timer = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => {}); // whoever removed the file has stopped this export on purpose or by mistake
  }, HEARTBEAT).unref();
  return async () => {
    clearInterval(timer);
    if ((await readFile(file, 'utf8').catch(() => '')) === owner) await rm(file, { force: true });
  };
}

async function create(file: string, owner: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx');
    await handle.writeFile(owner).finally(() => handle.close());
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function removeAbandoned(file: string, name: string): Promise<void> {
  const status = await stat(file).catch(() => undefined);
  if (status === undefined) return;
  if (Date.now() - status.mtimeMs < SILENCE) throw busy(file, name);
  // Renamed first: of two exports that find the lock abandoned, one alone can rename it.
  const abandoned = `${file}.${randomBytes(8).toString('hex')}`;
  await rename(file, abandoned).catch(() => {});
  await rm(abandoned, { force: true });
}

function busy(file: string, name: string): PublisherError {
  return new PublisherError('site_busy', `Another export writes into ${name}: one at a time.`, {
    hint: `Wait until it ends. If it was killed, try again after ${SILENCE / 1000} seconds. The lock is ${file}.`,
  });
}
