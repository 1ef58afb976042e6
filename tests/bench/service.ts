import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createKey } from '../../src/publish/api-keys.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { START_FLAGS } from '../start-flags.ts';
import { endWithThis, pinned } from './processes.ts';

const MAIN = join(import.meta.dirname, '../../src/start.js');

/**
 * Nothing is turned off that a user has: a client's requests are counted, but so many are allowed that none is refused,
 * and figures are kept for a port that no other service has.
 */
const ENVIRONMENT = { ...process.env, RATE_LIMIT: '999999999:999999999', METRICS_PORT: '0' };

interface LaunchOptions {
  /** The core it runs on; any where it is not said. */
  readonly core?: number | undefined;
  /** The file that takes what it says of its work; this process's own where there is none. */
  readonly log?: string;
}

/** Starts the program as its users do. */
export function launch(args: readonly string[], { core, log }: LaunchOptions = {}): ChildProcess {
  const [command, rest] = pinned(core, process.execPath, [...START_FLAGS, MAIN, ...args]);
  const output = log === undefined ? ('inherit' as const) : openSync(log, 'w');
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', output], env: ENVIRONMENT });
  if (typeof output === 'number') closeSync(output);
  return endWithThis(child);
}

/** Whether the command `serve` knows an option. */
export function serveKnows(option: string): boolean {
  return spawnSync(process.execPath, [MAIN, 'serve', '--help'], { encoding: 'utf8' }).stdout.includes(option);
}

export interface Service {
  /** From the start of the process to the line that says where it is, milliseconds. */
  readonly startedAfter: number;
  readonly pid: number;
  readonly port: number;
  readonly ask: (path: string, question?: Question) => Promise<Answer>;
}

interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** Bytes that came over the wire, head and body. */
  readonly received: number;
}

interface ServiceOptions {
  /** Of `serve`, besides where it listens and what it serves. */
  readonly args?: readonly string[];
  readonly core?: number;
}

/** The real service over a data folder, in a process of its own, for as long as the work takes. */
export async function withService<Result>(
  dataFolder: string,
  work: (service: Service) => Promise<Result>,
  { args = [], core }: ServiceOptions = {},
): Promise<Result> {
  const start = performance.now();
  const log = join(dataFolder, 'bench.log');
  const child = launch(['serve', '--data', dataFolder, '--port', '0', '--host', '127.0.0.1', ...args], { core, log });
  const ended = once(child, 'exit');
  const agent = new Agent({ keepAlive: true });
  try {
    if (child.stdout === null) throw new Error('the service has no output');
    const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended]);
    const startedAfter = performance.now() - start;
    const port = Number(/:(\d+)\//.exec(String(line))?.[1]);
    if (Number.isNaN(port)) throw new Error(`the service did not start:\n${readFileSync(log, 'utf8')}`);
    return await work({
      startedAfter,
      pid: child.pid ?? 0,
      port,
      ask: (path, question = {}) => ask({ port, path, agent }, question),
    });
  } finally {
    agent.destroy();
    child.kill('SIGTERM');
    await ended;
  }
}

/** One request to a server of this machine. */
export function ask(
  where: { readonly port: number; readonly path: string; readonly agent?: Agent },
  { method = 'GET', headers = {}, body }: Question = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let received = () => 0;
    const asked = request({ host: '127.0.0.1', ...where, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          rawHeaders: response.rawHeaders,
          body: Buffer.concat(chunks),
          received: received(),
        }),
      );
    });
    asked.on('socket', (socket) => {
      const before = socket.bytesRead;
      received = () => socket.bytesRead - before;
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** The headers of a client that may write, with a key made for it. */
export async function writerOf(dataFolder: string): Promise<Readonly<Record<string, string>>> {
  const { store } = openDataFolder(dataFolder);
  const { key } = await createKey(store, 'bench', 'write', Date.now());
  await store.close();
  return { Authorization: `Bearer ${key}` };
}

/** Puts a new article. */
export async function putNew(
  { ask }: Service,
  writer: Readonly<Record<string, string>>,
  record: Readonly<Record<string, unknown>> & { readonly id: string },
): Promise<void> {
  const path = `/api/articles/${record.id}`;
  const put = await ask(path, { method: 'PUT', headers: writer, body: JSON.stringify(record) });
  if (put.status !== 201) throw new Error(`PUT of ${record.id} answered ${put.status}: ${put.body}`);
}
