import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

/** Starts the program as its users do. */
export function launch(args: readonly string[]): ChildProcess {
  const env = { ...process.env, METRICS_PORT: 'off', LOG_LEVEL: 'warn' };
  return spawn(process.execPath, ['--max-semi-space-size=8', MAIN, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

export interface Service {
  /** From the start of the process to the line that says where it is, milliseconds. */
  readonly startedAfter: number;
  readonly pid: number;
  readonly ask: (path: string, question?: Question) => Promise<Answer>;
}

interface Question {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The real service over a data folder, in a process of its own, for as long as the work takes. */
export async function withService<Result>(
  dataFolder: string,
  work: (service: Service) => Promise<Result>,
): Promise<Result> {
  const start = performance.now();
  const child = launch(['serve', '--data', dataFolder, '--port', '0', '--host', '127.0.0.1']);
  const ended = once(child, 'exit');
  const agent = new Agent({ keepAlive: true });
  try {
    if (child.stdout === null) throw new Error('the service has no output');
    const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended]);
    const startedAfter = performance.now() - start;
    const port = Number(/:(\d+)\//.exec(String(line))?.[1]);
    if (Number.isNaN(port)) throw new Error(`the service did not start: ${line}`);
    return await work({
      startedAfter,
      pid: child.pid ?? 0,
      ask: (path, question = {}) => ask({ port, path, agent }, question),
    });
  } finally {
    agent.destroy();
    child.kill('SIGTERM');
    await ended;
  }
}

function ask(
  where: { port: number; path: string; agent: Agent },
  { method = 'GET', headers = {}, body }: Question,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', ...where, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
      );
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

/** A line of /proc/PID/status in megabytes: `VmRSS` now, `VmHWM` at its highest. */
export function memoryOf(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}
