import { Readable, Writable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { run } from '../../src/cli.ts';

export interface Finished {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Text that was drawn on the screen. */
  readonly drawn: string;
}

interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  /** Whether standard error is a terminal. */
  readonly isTTY?: boolean;
  /** Sends SIGTERM to the command. */
  readonly stop?: AbortSignal;
  /** What a person types; without it, nobody can be asked. */
  readonly typed?: string;
  /** Receives each line as it is printed. */
  readonly onLine?: (line: string) => void;
}

/** Runs a command that ends by itself, in this process. */
export async function command(
  args: readonly string[],
  { env = {}, isTTY = false, stop, typed, onLine = () => {} }: Surroundings = {},
): Promise<Finished> {
  const said = { out: '', err: '' };
  const screen = screenOf(isTTY);
  const result = await run(args, {
    out: (line) => {
      said.out += `${line}\n`;
      onLine(line);
    },
    err: (line) => {
      said.err += `${line}\n`;
      onLine(line);
    },
    screen: screen.stream,
    input: () => keyboard(typed),
    onStop: (listener) => {
      const stopped = () => listener('SIGTERM');
      if (stop?.aborted) stopped();
      else stop?.addEventListener('abort', stopped);
    },
    env,
    version: '0.0.0',
  });
  if (typeof result === 'number') return { code: result, ...said, drawn: screen.drawn() };
  onTestFinished(() => result.close());
  throw new Error(`it serves: ${said.out}`);
}

function keyboard(typed: string | undefined) {
  return Object.assign(Readable.from(typed === undefined ? [] : [`${typed}\n`]), { isTTY: typed !== undefined });
}

/** The parts of a terminal that progress bars use. */
function screenOf(isTTY: boolean) {
  let drawn = '';
  const writable = new Writable({
    write(chunk, _encoding, done) {
      drawn += chunk;
      done();
    },
  });
  const stream = Object.assign(writable, { isTTY, columns: 120, rows: 40 }) as unknown as NodeJS.WriteStream;
  return { stream, drawn: () => drawn };
}
