import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { childEnvironment } from '../../helpers.ts';

const MAIN = join(import.meta.dirname, '../../../src/start.js');

interface Asked {
  readonly status: number;
  readonly text: string;
}

interface Question {
  readonly method?: string;
  readonly body?: string;
  /** Called with each line of the answer as it comes. */
  readonly onLine?: (line: string) => void;
}

/** The service in a process of its own, as an operator runs it, with a client that has a key. */
export interface Program {
  readonly port: number;
  /** Rejects if the service dies before the answer is complete. */
  readonly ask: (path: string, question?: Question) => Promise<Asked>;
  /** Ends the process as a power cut does. Resolves when the process is gone. */
  readonly kill: () => Promise<void>;
  /** What the service wrote to standard error. */
  readonly said: () => string;
}

interface ProgramOptions {
  readonly dataFolder: string;
  readonly key: string;
  /** Another `src/start.js`. */
  readonly main?: string | undefined;
}

/**
 * Starts the service on a free port and waits until it prints its address.
 *
 * @throws Error with what the service printed, if it ends before that
 */
export async function startProgram({ dataFolder, key, main = MAIN }: ProgramOptions): Promise<Program> {
  const args = [main, '--port', '0', '--host', '127.0.0.1', '--data', dataFolder];
  const env = childEnvironment({ METRICS_PORT: 'off', LOG_LEVEL: 'warn' });
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const gone = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await gone;
  };
  onTestFinished(kill);
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const port = await new Promise<number>((resolve, reject) => {
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
      const found = /:(\d+)\/feeds\/.*\n/.exec(out);
      if (found !== null) resolve(Number(found[1]));
    });
    child.once('close', (code) => reject(new Error(`the service ended with ${code}: ${out}${said}`)));
  });
  const agent = new Agent({ keepAlive: true });
  gone.then(
    () => agent.destroy(),
    () => {},
  );
  return { port, kill, said: () => said, ask: (path, question) => ask({ port, key, agent, path }, question) };
}

function ask(
  { port, key, agent, path }: { port: number; key: string; agent: Agent; path: string },
  { method = 'GET', body, onLine = () => {} }: Question = {},
): Promise<Asked> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}` };
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent }, (response) => {
      let text = '';
      let told = 0;
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        for (let end = text.indexOf('\n', told); end >= 0; end = text.indexOf('\n', told)) {
          onLine(text.slice(told, end));
          told = end + 1;
        }
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
