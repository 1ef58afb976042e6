import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { childEnvironment } from '../../helpers.ts';

/** A replica in a process of its own. */
export interface ReplicaProcess {
  readonly port: () => number;
  readonly isUp: () => boolean;
  /** The position of the last operation that it has made. */
  readonly applied: () => Promise<number>;
  readonly kill: () => Promise<void>;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** Warnings and errors of its log. */
  readonly log: () => string;
}

interface ReplicaProcessOptions {
  readonly folder: string;
  readonly url: string;
  /** Milliseconds by which its clock is off. */
  readonly offset: number;
}

export function replicaProcess({ folder, url, offset }: ReplicaProcessOptions): ReplicaProcess {
  let child: ChildProcess | undefined;
  let port = 0;
  let lines: AsyncIterator<string> | undefined;
  let log = '';

  async function nextLine(): Promise<string> {
    const next = await lines?.next();
    if (next === undefined || next.done === true) throw new Error(`the replica has ended: ${log.slice(-2000)}`);
    return next.value;
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null) return;
    const ended = once(ending, 'exit');
    ending.kill(signal);
    await ended;
  }

  return {
    port: () => port,
    isUp: () => child !== undefined,
    log: () => log,
    async start() {
      const started = spawn(process.execPath, [join(import.meta.dirname, 'replica.ts'), folder, url, String(offset)], {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: childEnvironment(),
      });
      started.stderr.on('data', (chunk: Buffer) => {
        log = (log + chunk.toString()).slice(-20_000);
      });
      started.stdin.on('error', () => {});
      lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]();
      port = Number(await nextLine());
      child = started;
    },
    async applied() {
      child?.stdin?.write('\n');
      const { applied }: { readonly applied: number } = JSON.parse(await nextLine());
      return applied;
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
  };
}
