import { availableParallelism } from 'node:os';
import packageJson from '../package.json' with { type: 'json' };

// Threads that compress are no faster than cores, and each keeps memory of its own. Said before the first is made.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(2, Math.min(4, availableParallelism())));
const { run } = await import('./cli.ts');

/** A command that is broken off has not done what it was asked: the exit codes of shells say so. */
const breakOff = (signal: 'SIGINT' | 'SIGTERM'): void => process.exit(signal === 'SIGINT' ? 130 : 143);
let stop = breakOff;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(signal));

const result = await run(process.argv.slice(2), {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  screen: process.stderr,
  env: process.env,
  version: packageJson.version,
});

if (typeof result === 'number') process.exitCode = result;
else {
  const die = (error: unknown): void => {
    result.fail(error);
    process.exit(1);
  };
  process.once('uncaughtException', die);
  stop = () => {
    stop = breakOff; // who says it twice does not wait
    result.close().then(() => process.exit(0), die);
  };
  void result.ended?.then((code) => process.exit(code));
}
