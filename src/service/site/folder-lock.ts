import { randomBytes } from 'node:crypto';
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { PublisherError } from '../../errors.ts';
import { startOf } from '../../lib/process-start.ts';

/** Milliseconds between two signs of life. */
const HEARTBEAT = 5000;
/** Milliseconds without a sign of life, after which the owner of a lock was killed. */
const SILENCE = 30_000;

/**
 * Takes a lock: a file that exists while its owner works, and whose date its owner renews. So the lock of a killed process ends,
 * also where another machine or container had it; on this machine, it ends at once. Returns the function that releases the lock.
 *
 * @throws PublisherError `site_busy` while somebody else has the lock
 */
export async function takeLock(file: string, name: string): Promise<() => Promise<void>> {
  const owner = [process.pid, startOf(process.pid), hostname(), randomBytes(8).toString('hex')].join(' ');
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
    if ((await ownerOf(file)) === owner) await rm(file, { force: true });
  };
}

/** The lock appears with its owner: a process that is killed in between leaves none that nobody owns. */
async function create(file: string, owner: string): Promise<boolean> {
  const part = `${file}.${randomBytes(8).toString('hex')}.part`;
  await writeFile(part, owner);
  try {
    await link(part, file);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST' || code === 'ENOENT') return false; // the owner of the lock removes what others began
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw error;
    return await createWithoutLink(file, owner);
  } finally {
    await rm(part, { force: true });
  }
}

/** For file systems without hard links. */
async function createWithoutLink(file: string, owner: string): Promise<boolean> {
  try {
    await writeFile(file, owner, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function removeAbandoned(file: string, name: string): Promise<void> {
  const status = await stat(file).catch(() => undefined);
  if (status === undefined) return;
  const owner = await ownerOf(file);
  const isSilent = Date.now() - status.mtimeMs >= SILENCE;
  if (!isSilent && !wasKilled(owner)) throw busy(file, name);
  const abandoned = `${file}.${randomBytes(8).toString('hex')}`;
  await rename(file, abandoned).catch(() => {});
  const removed = await ownerOf(abandoned);
  // Of two exports that find the lock abandoned, the slower one may have renamed the new lock of the other.
  if (removed !== owner && removed !== '') await link(abandoned, file).catch(() => {});
  await rm(abandoned, { force: true });
  if (removed !== owner) throw busy(file, name);
}

/** Empty where there is no lock. */
function ownerOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

/** Whether the owner was a process of this machine that runs no more. */
function wasKilled(owner: string): boolean {
  const [pid, started, host] = owner.split(' ');
  if (host !== hostname() || started === '') return false;
  return startOf(Number(pid)) !== started;
}

function busy(file: string, name: string): PublisherError {
  return new PublisherError('site_busy', `Another export writes into ${name}: one at a time.`, {
    hint: `Wait until it ends. If it was killed, try again after ${SILENCE / 1000} seconds. The lock is ${file}.`,
  });
}
