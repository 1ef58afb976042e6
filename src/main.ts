import { availableParallelism } from 'node:os';
import packageJson from '../package.json' with { type: 'json' };

// More threads than cores compress no faster, and each keeps memory. Node reads this when it starts the first thread.
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(2, Math.min(4, availableParallelism())));
const { run } = await import('./cli.ts');

/** A command that a signal ends has not done its work. These are the exit codes of shells for it. */
const exitAtOnce = (signal: 'SIGINT' | 'SIGTERM'): void => process.exit(signal === 'SIGINT' ? 130 : 143);
let stop = exitAtOnce;
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
    stop = exitAtOnce; // at the second signal
    result.close().then(() => process.exit(0), die);
  };
  void result.ended?.then((code) => process.exit(code));
}
