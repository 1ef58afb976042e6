import type { Writable } from 'node:stream';
import { type LevelWithSilent, pino, stdTimeFunctions } from 'pino';
import { describeProblem, type Problem } from '../errors.ts';

export const LOG_LEVELS = [
  'trace',
  'debug',
  'info',
  'warn',
  'error',
  'fatal',
  'silent',
] as const satisfies readonly LevelWithSilent[];
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A line with its fields; an error among them stands under `err`. */
type Tell = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** What the service tells its operator. */
export interface Log {
  /** Something happened as it should. */
  readonly info: Tell;
  /** Something was refused or went without; nobody needs to get up. */
  readonly warn: Tell;
  /** Something failed that should not. */
  readonly error: Tell;
}

export interface OpenLog {
  readonly log: Log;
  /** Lines that were not written because nobody took those before. */
  readonly dropped: () => number;
  /** Waits until what was told is written, but not for a reader that does not read. */
  readonly close: () => Promise<void>;
}

interface LogOptions {
  readonly level?: LogLevel;
  /** For a person rather than for a program. */
  readonly isTTY?: boolean | undefined;
}

/** Bytes that may wait for whoever reads the log. */
const MOST_WAITING = 1024 * 1024;
/** Milliseconds that the end of the service waits for them. */
const PATIENCE = 1000;

/**
 * A log on a stream, one JSON object a line. It never waits: what a reader is too slow for is dropped, and a reader that
 * is gone is nobody's error. pino's own destination writes in a thread that the end of the program would wait for.
 */
export function openLog(stream: Writable, { level = 'info', isTTY = false }: LogOptions = {}): OpenLog {
  let dropped = 0;
  const drop = () => {
    dropped += 1;
  };
  stream.on('error', drop);

  function write(line: string): void {
    if (stream.writableLength > MOST_WAITING) drop();
    else stream.write(isTTY ? forPeople(line) : line);
  }

  const options = { level, timestamp: stdTimeFunctions.isoTime, base: { pid: process.pid } };
  const logger = pino({ ...options, formatters: { level: (label) => ({ level: label }) } }, { write });
  return {
    log: {
      info: (fields, message) => logger.info(fields, message),
      warn: (fields, message) => logger.warn(fields, message),
      error: (fields, message) => logger.error(fields, message),
    },
    dropped: () => dropped,
    async close() {
      let impatience: NodeJS.Timeout | undefined;
      await new Promise<void>((done) => {
        impatience = setTimeout(done, PATIENCE);
        stream.write('', () => done());
      });
      clearTimeout(impatience);
      stream.off('error', drop);
    },
  };
}

/** Tells of an error that nobody expected. */
export function tellError(log: Log, error: unknown): void {
  log.error({ err: error }, error instanceof Error ? error.message : String(error));
}

/** A line as it was written above. */
interface Line {
  readonly time: string;
  readonly level: string;
  readonly msg: string;
  readonly pid: number;
  readonly file?: string;
  readonly problems?: readonly Problem[];
  readonly err?: { readonly stack?: string };
}

/** `time level message key=value`, and below it what takes lines of its own. */
function forPeople(json: string): string {
  const { time, level, msg, pid: _, file, problems = [], err, ...fields }: Line = JSON.parse(json);
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const below = [...problems.map((problem) => describeProblem(problem, file)), ...(err?.stack?.split('\n') ?? [])];
  return [[time, level.padEnd(5), msg, ...pairs].join(' '), ...below.map((line) => `  ${line}`)]
    .map((line) => `${harmless(line)}\n`)
    .join('');
}

/** What a client sends must not move the operator's cursor (ECMA-48 §5.3). */
function harmless(line: string): string {
  return line.replace(
    /[\u0000-\u001f\u007f-\u009f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
