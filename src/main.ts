import { availableParallelism } from 'node:os';
import packageJson from '../package.json' with { type: 'json' };

// More threads than cores compress no faster, and each keeps memory. Node reads this when it starts the first thread.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(2, Math.min(4, availableParallelism())));
const { printCrash, printWarning, run } = await import('./cli.ts');

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

const terminal = {
  out: (line: string) => process.stdout.write(`${line}\n`),
  isInteractive: process.stdout.isTTY,
  err: (line: string) => process.stderr.write(`${line}\n`),
  screen: process.stderr,
  onStop,
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

const result = await run(process.argv.slice(2), terminal);

if (typeof result === 'number') process.exitCode = result;
else {
  const die = (error: unknown): void => {
    result.fail(error);
    process.exit(1);
  };
  process.off('uncaughtException', crash).once('uncaughtException', die);
  onStop(() => void result.close().then(() => process.exit(0), die));
  void result.ended?.then((code) => process.exit(code));
}
