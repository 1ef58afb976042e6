import type { Writable } from 'node:stream';
import { pino, stdTimeFunctions } from 'pino';
import type { LogLevel } from '../config/serve-options.ts';
import { describeProblem, type Problem } from '../errors.ts';
import { withoutKeys } from '../lib/redaction.ts';
import { visibleControls } from '../lib/text.ts';

/** Logs a message with fields. An error belongs in the field `err`. */
type LogMessage = (fields: Readonly<Record<string, unknown>>, message: string) => void;

/** What the service reports to its operator. */
export interface Log {
  /** Expected events. */
  readonly info: LogMessage;
  /** A refusal or a missing part. The service goes on, and the operator need not act at once. */
  readonly warn: LogMessage;
  /** A failure that the operator should look into. */
  readonly error: LogMessage;
}

export interface OpenLog {
  readonly log: Log;
  /** Returns how many messages were dropped because the reader of the log was too slow or gone. */
  readonly dropped: () => number;
  /** Resolves when all messages are written, or after a second if the reader does not read. */
  readonly close: () => Promise<void>;
}

interface LogOptions {
  readonly level?: LogLevel;
  /** Whether to write for people instead of JSON. */
  readonly isTTY?: boolean | undefined;
}

/** Bytes that may wait for the reader of the log. */
const MAX_WAITING = 1024 * 1024;
/** Milliseconds that `close` waits for the reader. */
const CLOSE_DEADLINE = 1000;

/**
 * Opens a log on a stream, one JSON object a line. The log never waits: it drops messages if the reader is too slow or
 * gone. pino's own destination is not used, because it writes in a thread that the exit of the program would wait for.
 */
export function openLog(stream: Writable, { level = 'info', isTTY = false }: LogOptions = {}): OpenLog {
  let dropped = 0;
  const drop = () => {
    dropped += 1;
  };
  stream.on('error', drop);

  function write(line: string): void {
    if (stream.writableLength > MAX_WAITING) drop();
    else writeWhole(withoutKeys(line));
  }

  function writeWhole(line: string): void {
    stream.write(isTTY ? forPeople(line) : `${visibleControls(line.trimEnd())}\n`);
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
        impatience = setTimeout(done, CLOSE_DEADLINE);
        stream.write('', () => done());
      });
      clearTimeout(impatience);
      stream.off('error', drop);
    },
  };
}

/** Logs an unexpected error with its stack. */
export function logError(log: Log, error: unknown): void {
  log.error({ err: error }, error instanceof Error ? error.message : String(error));
}

/** A message as pino writes it. */
interface WrittenMessage {
  readonly time: string;
  readonly level: string;
  readonly msg: string;
  readonly pid: number;
  /** The message has them in words. */
  readonly adjustments?: readonly unknown[];
  readonly file?: string;
  readonly problems?: readonly Problem[];
  readonly err?: { readonly stack?: string };
}

/** Returns `time level message key=value`, with problems and the stack on lines of their own below. */
function forPeople(json: string): string {
  const {
    time,
    level,
    msg,
    pid: _,
    adjustments: __,
    file,
    problems = [],
    err,
    ...fields
  }: WrittenMessage = JSON.parse(json);
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  const below = [...problems.map((problem) => describeProblem(problem, file)), ...(err?.stack?.split('\n') ?? [])];
  return [[time, level.padEnd(5), msg, ...pairs].join(' '), ...below.map((row) => `  ${row}`)]
    .map((row) => `${visibleControls(row)}\n`)
    .join('');
}
