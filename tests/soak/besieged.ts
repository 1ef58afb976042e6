import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import type { ConnectionLimits } from '../../src/http/load/connections.ts';
import { ask, childEnvironment, dataFolder, PUBLICATION, record, type Told, toldIn } from '../helpers.ts';
import { keyFor } from '../http/api.ts';
import { START_FLAGS } from '../start-flags.ts';
import { secondsOfWork } from '../work.ts';

const START = join(import.meta.dirname, '../../src/start.js');
const MiB = 1024 * 1024;
/** Polite clients read this feed. It stays small, whatever else is published. */
export const POLITE = '/feeds/tag/polite.rss';
/** As long as a name may be for the service to look for a similar one. */
const LONG = 'A tag with a name that is long '.repeat(5);
/** Two thousand feeds. For each unknown address the service looks for the nearest of them. */
export const MANY_FEEDS: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from({ length: 50 }, (_, number) => {
    const tags = Array.from({ length: 40 }, (_, tag) => `${LONG}, ${number}, ${tag}`);
    return [`articles/${number}.json`, JSON.stringify(record({ id: `m${number}`, tags }))];
  }),
);
/** An unknown address with a similar feed: the answer that costs the service most for its few bytes. */
export const NOWHERE = `/feeds/tag/${LONG.trim().toLowerCase().replaceAll(' ', '-')}-wrong.rss`;
/** Enough for the service. A leak ends it, and garbage does not hide retained memory. */
const SMALL_HEAP = '--max-old-space-size=128 --max-semi-space-size=4';
/** Of the flags of `npm start`, those that return memory. NODE_OPTIONS may not have them. */
const MEMORY_FLAGS = START_FLAGS.filter((flag) => /^--(?:heap-growing-percent|expose-gc)/.test(flag));
/** Resident memory that may remain afterwards: free pages that the system has not taken back. */
const MARGIN = 48 * MiB;
/** Open files of the thread that takes checkpoints, which may have started meanwhile: three of the store, and those of Node. */
const FILES_OF_CHECKPOINTS = 8;
/** Polite requests that a siege must meet, or it proves nothing. */
const FEWEST_POLITE = 10;
/**
 * CPU seconds that the service may spend on others before it answers a polite client. On a busy machine an answer may take
 * any time, but it costs no more work.
 */
const MOST_WORK = 5;
/** Milliseconds after which a request hangs. */
const HANG = 60_000;

/** The service in a process of its own, as it looks from outside. */
export interface Besieged {
  readonly port: number;
  readonly key: string;
  readonly folder: string;
  /** Bytes of resident memory. */
  readonly memory: () => number;
  /** Number of open files and connections. */
  readonly open: () => number;
  /** Suspends all processes of the service meanwhile. Connections and requests wait in the system. */
  readonly whileSuspended: <T>(during: () => Promise<T>) => Promise<T>;
  /** Ends the service as an operator does. Resolves with its exit code. */
  readonly stop: () => Promise<number | null>;
  /** Warnings and errors in the log, without those of refused requests and records. */
  readonly complaints: () => Told[];
  /** Polite clients read during the siege. Resolves with a description of each answer that was wrong or late. */
  readonly politely: (siege: () => Promise<unknown>) => Promise<string[]>;
  /**
   * Fails unless memory and connections are back to what they were, and nothing was logged.
   *
   * @param memoryBefore bytes; those at the start by default
   */
  readonly expectRecovered: (memoryBefore?: number) => Promise<void>;
}

interface Options {
  readonly files?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Limits that differ from those of `src/start.js`. */
  readonly hurried?: Partial<ConnectionLimits>;
}

/** The service opens the files of its figures within ten seconds, and keeps them open. */
const FIGURES = /\/traffic\.sqlite/;

/** What a process has open. A file that is closed meanwhile is left out. */
function openFiles(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${name}`);
    } catch {
      return [];
    }
  });
}

export async function besiege({ files = {}, args = [], hurried }: Options = {}): Promise<Besieged> {
  const folder = await dataFolder({
    'publication.yaml': PUBLICATION,
    'articles/a.json': JSON.stringify(record({ tags: ['Polite'] })),
    ...files,
  });
  const { key } = await keyFor(folder);
  const program =
    hurried === undefined
      ? [START, '--data', folder, '--port', '0', '--host', '127.0.0.1', ...args]
      : [join(import.meta.dirname, 'hurried.ts'), folder, JSON.stringify(hurried)];
  const env = childEnvironment({ NODE_OPTIONS: SMALL_HEAP, METRICS_PORT: 'off' });
  const child = spawn(process.execPath, [...MEMORY_FLAGS, ...program], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the service did not begin');
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const port = await portOf(child.stdout);
  // The first requests fill the caches.
  for (let time = 0; time < 300; time += 1) await ask(port, POLITE);
  await ask(port, '/'); // it loads the pages, which the service would load a second after its start
  const memory = () => residentMemory(pid);
  const open = () => openFiles(pid).filter((path) => !FIGURES.test(path)).length;
  const before = { memory: memory(), open: open() };

  const complaints = () =>
    toldIn(said).filter(({ level, msg }) => level !== 'info' && msg !== 'request' && !/ is refused: /.test(msg));

  return {
    port,
    key,
    folder,
    memory,
    open,
    politely: (siege) => politely({ port, pid }, siege),
    complaints,
    async whileSuspended(during) {
      process.kill(-pid, 'SIGSTOP');
      return during().finally(() => process.kill(-pid, 'SIGCONT'));
    },
    async stop() {
      child.kill('SIGTERM');
      const [code] = await ended;
      return code;
    },
    async expectRecovered(memoryBefore = before.memory) {
      await expect.poll(open).toBeLessThanOrEqual(before.open + FILES_OF_CHECKPOINTS);
      await expect.poll(memory, { interval: 200 }).toBeLessThan(memoryBefore + MARGIN);
      expect(complaints()).toEqual([]);
    },
  };
}

/** Three clients read until the siege is over. */
async function politely(
  { port, pid }: { port: number; pid: number },
  siege: () => Promise<unknown>,
): Promise<string[]> {
  const wrong: string[] = [];
  let isOver = false;
  let asked = 0;
  const client = async () => {
    while (!isOver) {
      const begin = { at: performance.now(), work: secondsOfWork(pid) };
      const status = await ask(port, POLITE).then((answer) => answer.status, String);
      const [took, work] = [performance.now() - begin.at, secondsOfWork(pid) - begin.work];
      asked += 1;
      if (status !== 200 || work > MOST_WORK || took > HANG) {
        wrong.push(`${status} after ${Math.round(took)} ms and ${work} s of work`);
      }
      await sleep(20);
    }
  };
  const clients = [client(), client(), client()];
  await siege().finally(() => {
    isOver = true;
  });
  await Promise.all(clients);
  return asked < FEWEST_POLITE ? [...wrong, `only ${asked} polite requests`] : wrong;
}

function residentMemory(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

function portOf(stdout: NodeJS.ReadableStream): Promise<number> {
  return new Promise((resolve, reject) => {
    let out = '';
    stdout.on('data', (chunk) => {
      out += String(chunk);
      const port = /:(\d+)\/feeds/.exec(out)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
    stdout.once('end', () => reject(new Error(`the service ended: ${out}`)));
  });
}
