import { availableParallelism } from 'node:os';
import { isatty } from 'node:tty';
import packageJson from '../package.json' with { type: 'json' };

// More threads than cores compress no faster, and each keeps memory. Node reads this when it starts the first thread.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(2, Math.min(4, availableParallelism())));

type Signal = 'SIGINT' | 'SIGTERM';

/**
 * Milliseconds in which a second signal counts as the first. Ctrl-C in a terminal reaches every process of `npm start`,
 * and npm passes its own signal on.
 */
const REPEATED_SIGNAL = 500;

/** A command that a signal ends has not done its work. These are the exit codes of shells for it. */
const exitAtOnce = (signal: Signal): void => process.exit(signal === 'SIGINT' ? 130 : 143);
let stop = exitAtOnce;
let lastSignalAt = Number.NEGATIVE_INFINITY;

function receive(signal: Signal): void {
  const now = performance.now();
  if (now - lastSignalAt < REPEATED_SIGNAL) return;
  lastSignalAt = now;
  stop(signal);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => receive(signal));

/** From the first signal on, the next one ends the process. */
function onStop(listener: (signal: Signal) => void): void {
  stop = (signal) => {
    stop = exitAtOnce;
    listener(signal);
  };
}

const [word = ''] = process.argv.slice(2);
const hadTerminal = isatty(0);
let reload: (() => void) | undefined;
let isReloadWanted = false;

/** SIGHUP asks for a reload. If the terminal was closed in which the service runs, it stops the service. */
function hangUp(): void {
  if (hadTerminal && !isatty(0)) receive('SIGTERM');
  else if (reload === undefined) isReloadWanted = true;
  else reload();
}
// From the first moment on: without this, a reload that is asked for during the start would end the service.
if (word === 'serve' || word === '' || word.startsWith('-')) process.on('SIGHUP', hangUp);

function onReload(listener: () => void): void {
  reload = listener;
  if (isReloadWanted) listener();
}

const { printCrash, printWarning, run } = await import('./cli.ts');

const terminal = {
  out: (line: string) => process.stdout.write(`${line}\n`),
  isInteractive: process.stdout.isTTY,
  err: (line: string) => process.stderr.write(`${line}\n`),
  screen: process.stderr,
  onStop,
  onReload,
  input: () => process.stdin,
  env: process.env,
  version: packageJson.version,
};

/** Node itself would print control characters of other people, which a message may have. */
function crash(error: unknown): void {
  printCrash(error, terminal);
  process.exit(1);
}
process.on('uncaughtException', crash);
// With --no-warnings, nothing listens.
if (process.listenerCount('warning') > 0)
  process.removeAllListeners('warning').on('warning', (warning) => printWarning(warning, terminal));

let isServing = false;
/** As shells report a program that SIGPIPE ended: 0 would say that the work was done, and that nothing was found. */
const UNREAD = 141;
// The reader of the output, such as head, has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') crash(error);
  else if (!isServing) process.exit(UNREAD);
});

/** Node ends when it has nothing left to wait for, even if the command has not come to its end: 0 would say that its work was done. */
function endTooEarly(): void {
  terminal.err('The command has ended before its work was done: this is a defect of Feed Publisher. Run it again.');
  process.exitCode = 1;
}
process.once('beforeExit', endTooEarly);
const result = await run(process.argv.slice(2), terminal);
process.off('beforeExit', endTooEarly);

if (typeof result === 'number') process.exitCode = result;
else {
  isServing = true;
  const die = (error: unknown): void => {
    result.fail(error);
    process.exit(1);
  };
  process.off('uncaughtException', crash).once('uncaughtException', die);
  onStop(() => void result.close().then(() => process.exit(0), die));
  void result.ended?.then((code) => process.exit(code));
}
