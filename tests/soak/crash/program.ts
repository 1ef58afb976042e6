import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { childEnvironment } from '../../helpers.ts';

const MAIN = join(import.meta.dirname, '../../../src/start.js');
/** Milliseconds after which a request hangs. No answer takes so long, on a busy machine either. */
const HANG = 120_000;

export interface Asked {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

interface Question {
  readonly method?: string;
  readonly body?: string;
  /** Called with each line of an answer with 200 as it comes. */
  readonly onLine?: (line: string) => void;
}

/** Rejects if the service dies before the answer is complete. */
export type Ask = (path: string, question?: Question) => Promise<Asked>;

/** A command of the program in a process of its own. */
export interface Command {
  readonly pid: number;
  /** Ends the process as a power cut does. Resolves when the process is gone. */
  readonly kill: () => Promise<void>;
  /** Ends the process as an operator does. Resolves when the process is gone. */
  readonly stop: () => Promise<void>;
  readonly hasEnded: () => boolean;
  /** Resolves when the process is gone and all its output has come: with its exit code, or with the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** What the process wrote to standard output and to standard error. */
  readonly printed: () => string;
  readonly said: () => string;
}

/** The service as an operator runs it, with a client that has a key. */
export interface Program extends Command {
  readonly port: number;
  readonly ask: Ask;
}

interface ProgramOptions {
  readonly dataFolder: string;
  readonly key: string;
  /** Another `src/start.js`. */
  readonly main?: string | undefined;
  readonly args?: readonly string[];
}

/** The service has ended before it served. */
export class NotStarted extends Error {
  readonly ended: number | NodeJS.Signals;
  readonly said: string;

  constructor(ended: number | NodeJS.Signals, { printed, said }: Command) {
    super(`the service ended with ${ended}: ${printed()}${said()}`);
    this.ended = ended;
    this.said = said();
  }
}

/**
 * Starts the service on a free port and waits until it prints its address.
 *
 * @throws NotStarted
 */
export async function startProgram({ dataFolder, key, main, args = [] }: ProgramOptions): Promise<Program> {
  const command = runCommand(['--port', '0', '--host', '127.0.0.1', '--data', dataFolder, ...args], main);
  const port = await new Promise<number>((resolve, reject) => {
    command.child.stdout?.on('data', () => {
      const found = /:(\d+)\/feeds\/.*\n/.exec(command.printed());
      if (found !== null) resolve(Number(found[1]));
    });
    command.ended.then((ended) => reject(new NotStarted(ended, command)), reject);
  });
  const { ask, close } = clientOf(port, key);
  command.ended.then(close, close);
  return { ...command, port, ask };
}

/** Runs a command of the program. */
export function runCommand(args: readonly string[], main = MAIN): Command & { readonly child: ChildProcess } {
  // Without it, the name for tests in publication.yaml would become another local address at each start.
  const env = childEnvironment({ METRICS_PORT: 'off', LOG_LEVEL: 'warn', PUBLIC_URL: 'https://feeds.news.example' });
  const child = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const gone = once(child, 'exit');
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals]>;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await gone;
  };
  const kill = () => end('SIGKILL');
  onTestFinished(kill);
  const texts = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    texts.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    texts.err += chunk;
  });
  return {
    child,
    pid: child.pid ?? 0,
    kill,
    stop: () => end('SIGTERM'),
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    ended: closed.then(([code, signal]) => code ?? signal),
    printed: () => texts.out,
    said: () => texts.err,
  };
}

/** A client with a key, whose connections stay open. */
export function clientOf(port: number, key: string): { readonly ask: Ask; readonly close: () => void } {
  const agent = new Agent({ keepAlive: true });
  return { ask: (path, question) => ask({ port, key, agent, path }, question), close: () => agent.destroy() };
}

function ask(
  { port, key, agent, path }: { port: number; key: string; agent: Agent; path: string },
  { method = 'GET', body, onLine }: Question = {},
): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}` };
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent, timeout: HANG }, (response) => {
      const { statusCode: status = 0 } = response;
      const chunks: Buffer[] = [];
      const lines = status === 200 && onLine !== undefined ? linesTo(onLine) : undefined;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        lines?.(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        const whole = Buffer.concat(chunks);
        resolve({ status, headers: response.headers, body: whole, text: whole.toString() });
      });
    });
    asked.on('timeout', () => asked.destroy(new Error(`${method} ${path} has no answer after ${HANG / 1000} s`)));
    asked.on('error', reject);
    asked.end(body);
  });
}

/** Takes chunks, and hands over each line when it is complete. */
function linesTo(onLine: (line: string) => void): (chunk: Buffer) => void {
  const decoder = new TextDecoder();
  let begun = '';
  return (chunk) => {
    const lines = (begun + decoder.decode(chunk, { stream: true })).split('\n');
    begun = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  };
}
