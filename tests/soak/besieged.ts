import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished } from 'vitest';
import type { ConnectionLimits } from '../../src/http/load/connections.ts';
import { ask, dataFolder, PUBLICATION, record, type Told, toldIn } from '../helpers.ts';
import { keyFor } from '../http/api.ts';

const MiB = 1024 * 1024;
/** What polite clients read: a small feed, whatever else is published. */
export const POLITE = '/feeds/tag/polite.rss';
/** As long as a name may be for one like it to be looked for. */
const LONG = 'A tag with a name that is long '.repeat(5);
/** Two thousand feeds, among which the nearest is sought for everybody who asks for one that is not there. */
export const MANY_FEEDS: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from({ length: 50 }, (_, number) => {
    const tags = Array.from({ length: 40 }, (_, tag) => `${LONG}, ${number}, ${tag}`);
    return [`articles/${number}.json`, JSON.stringify(record({ id: `m${number}`, tags }))];
  }),
);
/** The address of such a feed: the dearest answer of a few bytes there is. */
export const NOWHERE = `/feeds/tag/${LONG.trim().toLowerCase().replaceAll(' ', '-')}-wrong.rss`;
/** Room for what the service needs. What is not let go ends it, and garbage does not hide what is held. */
const SMALL_HEAP = '--max-old-space-size=128 --max-semi-space-size=4';
/** Memory that may be held afterwards beyond what was before: pages that nothing stands in and the system has not back. */
const MARGIN = 48 * MiB;

/** The service in a process of its own, and what can be seen of it from outside. */
export interface Besieged {
  readonly port: number;
  readonly key: string;
  readonly folder: string;
  /** Bytes of resident memory. */
  readonly memory: () => number;
  /** Files and connections that are open. */
  readonly open: () => number;
  /** Has it stand still meanwhile, with all its processes. What comes waits in the system. */
  readonly whileItStands: <T>(during: () => Promise<T>) => Promise<T>;
  /** Ends it as an operator does; resolves with its exit code. */
  readonly stop: () => Promise<number | null>;
  /** What it complained of to the operator; that it sent somebody away is no complaint. */
  readonly complaints: () => Told[];
  /** Polite clients who read meanwhile; resolves with what was wrong with their answers. */
  readonly politely: (siege: () => Promise<unknown>) => Promise<string[]>;
  /** Fails unless memory and connections are where they were before, and nothing was said to the operator. */
  /** @param memoryBefore bytes; those of its start where nothing else is said */
  readonly expectRecovered: (memoryBefore?: number) => Promise<void>;
}

interface Options {
  readonly files?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** Less patience than `src/start.js` has. */
  readonly hurried?: Partial<ConnectionLimits>;
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
      ? [
          join(import.meta.dirname, '../../src/start.js'),
          '--data',
          folder,
          '--port',
          '0',
          '--host',
          '127.0.0.1',
          ...args,
        ]
      : [join(import.meta.dirname, 'hurried.ts'), folder, JSON.stringify(hurried)];
  const env = { PATH: process.env.PATH ?? '', NODE_OPTIONS: SMALL_HEAP, METRICS_PORT: 'off' };
  const child = spawn(process.execPath, program, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
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
  // What is made once, by the first that ask, is there before anything is measured.
  for (let time = 0; time < 300; time += 1) await ask(port, POLITE);
  const memory = () => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
  const open = () => readdirSync(`/proc/${pid}/fd`).length;
  const before = { memory: memory(), open: open() };

  const complaints = () => toldIn(said).filter(({ level, msg }) => level !== 'info' && msg !== 'request');

  async function politely(siege: () => Promise<unknown>): Promise<string[]> {
    const wrong: string[] = [];
    let isOver = false;
    let asked = 0;
    const client = async () => {
      while (!isOver) {
        const begin = performance.now();
        const status = await ask(port, POLITE).then((answer) => answer.status, String);
        const took = performance.now() - begin;
        asked += 1;
        if (status !== 200 || took > 5000) wrong.push(`${status} after ${Math.round(took)} ms`);
        await sleep(20);
      }
    };
    const clients = [client(), client(), client()];
    await siege().finally(() => {
      isOver = true;
    });
    await Promise.all(clients);
    return asked < 10 ? [...wrong, `only ${asked} polite requests`] : wrong;
  }

  return {
    port,
    key,
    folder,
    memory,
    open,
    politely,
    complaints,
    async whileItStands(during) {
      process.kill(-pid, 'SIGSTOP');
      return during().finally(() => process.kill(-pid, 'SIGCONT'));
    },
    async stop() {
      child.kill('SIGTERM');
      const [code] = await ended;
      return code;
    },
    async expectRecovered(memoryBefore = before.memory) {
      await expect.poll(open, { timeout: 15_000 }).toBeLessThanOrEqual(before.open);
      await expect.poll(memory, { timeout: 10_000, interval: 200 }).toBeLessThan(memoryBefore + MARGIN);
      expect(complaints()).toEqual([]);
    },
  };
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
