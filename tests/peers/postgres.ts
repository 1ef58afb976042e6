import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { requireProgram } from './programs.ts';

const run = promisify(execFile);

/** A PostgreSQL of its own, on a socket in the folder of the run. */
export interface Cluster {
  /** Creates an empty database and returns its address. */
  readonly createDatabase: () => Promise<string>;
  readonly start: () => Promise<void>;
  /** Ends all its processes at once, as a crash does. */
  readonly crash: () => Promise<void>;
  /** Cuts that part of the connections, at random. Returns how many. */
  readonly cut: (share: number) => Promise<number>;
  readonly query: (statement: string, values?: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>;
  readonly close: () => Promise<void>;
}

/** Milliseconds until a cluster counts as hanging. */
const HANG = 60_000;

/** @param isDurable whether a change is on disk before it is acknowledged, as in production */
export async function startCluster({ isDurable = false } = {}): Promise<Cluster> {
  const [initdb, server] = [await requireProgram('initdb'), await requireProgram('postgres')];
  const folder = await mkdtemp(join(tmpdir(), 'pg-'));
  const user = await unprivilegedUser();
  if (user !== undefined) await chown(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  await run(initdb, ['-D', data, '-U', 'feeds', '-A', 'trust', '-E', 'UTF8', '--no-sync'], { ...user, cwd: folder });
  const settings = [
    'listen_addresses=',
    `unix_socket_directories=${folder}`,
    'max_connections=60',
    `fsync=${isDurable ? 'on' : 'off'}`,
    'shared_buffers=32MB',
  ];
  let running: ReturnType<typeof spawn> | undefined;
  let count = 0;

  const address = (name: string) => `postgresql://feeds@localhost/${name}?host=${encodeURIComponent(folder)}`;

  async function query(statement: string, values: readonly unknown[] = []) {
    const client = new Client({ connectionString: address('postgres') });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(statement, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  async function start(): Promise<void> {
    running = spawn(server, ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
      ...user,
      cwd: folder,
      stdio: 'ignore',
    });
    for (const end = Date.now() + HANG; ; await sleep(50)) {
      try {
        await query('SELECT 1');
        return;
      } catch (error) {
        if (Date.now() > end) throw error;
      }
    }
  }

  async function stop(signal: NodeJS.Signals): Promise<void> {
    const stopping = running;
    running = undefined;
    if (stopping === undefined) return;
    const ended = once(stopping, 'exit');
    stopping.kill(signal);
    await ended;
  }

  await start();
  return {
    async createDatabase() {
      const name = `feeds_${++count}`;
      await query(`CREATE DATABASE ${name}`);
      return address(name);
    },
    start,
    crash: () => stop('SIGQUIT'),
    async cut(share) {
      const rows = await query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'feed-publisher' AND random() < $1`,
        [share],
      );
      return rows.length;
    },
    query,
    async close() {
      await stop('SIGINT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL does not run as root. */
async function unprivilegedUser(): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const [, , uid, gid] = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}
