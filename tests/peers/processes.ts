import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/** A server program under test. It ends with the test, which removes its folder. */
export type Server = { readonly port: number };

export type Folder = { readonly path: string; readonly remove: () => Promise<void> };

/** Milliseconds after which a server hangs. */
const HANG = 60_000;

/** A new empty folder below the system's temporary folder, and its removal. */
export async function temporaryFolder(name: string): Promise<Folder> {
  const path = await mkdtemp(join(tmpdir(), `feed-publisher-${name}-`));
  // A server's children may still write when it ends: rm tries again.
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }) };
}

/**
 * Starts a server program that keeps its files in the folder, and waits until it accepts connections on the port.
 * Throws with what it printed if it does not.
 *
 * @param env added to this process's environment
 */
export async function startServer(
  program: string,
  args: readonly string[],
  port: number,
  folder: Folder,
  env: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let printed = '';
  const collect = (chunk: Buffer) => {
    printed = (printed + chunk.toString()).slice(-10_000);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  child.on('error', (error) => {
    printed += error.message;
  });
  onTestFinished(async () => {
    await stopProcess(child);
    await folder.remove();
  });
  const deadline = Date.now() + HANG;
  while (Date.now() < deadline && isRunning(child)) {
    if (await accepts(port)) return { port };
    await sleep(20);
  }
  throw new Error(`${program} did not start on port ${port}: ${printed}`);
}

/** Ends exactly this process: SIGTERM, and SIGKILL if it is still there after three seconds. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const killer = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await exited;
  clearTimeout(killer);
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
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
