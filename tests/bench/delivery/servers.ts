import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { ENVIRONMENT, endWithThis, pinned, SERVER_CORE, temporaryFolder } from '../processes.ts';
import { PATH } from '../sample.ts';

export interface Server {
  readonly port: number;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

/**
 * Starts one of opponent.ts.
 *
 * @param core the one it runs on; any where it is undefined
 */
export async function startOpponent(
  kind: 'bare' | 'tuned' | 'cached' | 'naive' | 'polls',
  argument = '',
  core: number | undefined = SERVER_CORE,
): Promise<Server> {
  const child = start(process.execPath, [join(import.meta.dirname, '../opponent.ts'), kind, argument], core);
  if (child.stdout === null) throw new Error(`${kind} has no output`);
  const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), once(child, 'exit')]);
  return running(child, Number(line));
}

/** Serves a file in pages that are never copied (`sendfile`), or as nginx does where nothing is said: by reading it. */
type Nginx = 'sendfile' | 'read';

/**
 * Starts an nginx with one worker that serves a feed's bytes as files. What it sends for `gzip` is the file beside it,
 * whose bytes it does not look at.
 */
export async function startNginx(kind: Nginx, bytes: { identity: Buffer; compressed: Buffer }): Promise<Server> {
  // Started by root, nginx hands its worker to an unprivileged user, who must be able to reach the files.
  const { path: folder, remove } = temporaryFolder('nginx');
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'feeds'), { recursive: true });
  await writeFile(join(folder, PATH), bytes.identity);
  await writeFile(join(folder, `${PATH}.gz`), bytes.compressed);
  const port = await freePort();
  const config = join(folder, 'nginx.conf');
  await writeFile(config, nginxConfiguration(port, kind));
  const child = start('nginx', ['-p', `${folder}/`, '-c', config, '-e', 'error.log']);
  const deadline = Date.now() + 10_000;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error('nginx did not start');
    await sleep(20);
  }
  const server = running(child, port);
  return {
    ...server,
    async stop() {
      await server.stop();
      remove();
    },
  };
}

/** Every path is relative to the prefix: nothing of the system's nginx is read or written. */
function nginxConfiguration(port: number, kind: Nginx): string {
  return `
daemon off;
worker_processes 1;
pid nginx.pid;
error_log error.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  ${kind === 'sendfile' ? 'sendfile on; tcp_nopush on;' : ''}
  keepalive_requests 1000000000;
  types { application/rss+xml rss; }
  charset utf-8;
  gzip_static on;
  gzip_vary on;
  server { listen 127.0.0.1:${port}; root .; }
}
`;
}

function start(command: string, args: readonly string[], core: number | undefined = SERVER_CORE): ChildProcess {
  const [program, rest] = pinned(core, command, args);
  return endWithThis(spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'], env: ENVIRONMENT }));
}

function running(child: ChildProcess, port: number): Server {
  if (child.pid === undefined || Number.isNaN(port)) throw new Error(`${child.spawnargs.join(' ')} did not start`);
  return {
    port,
    pid: child.pid,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
