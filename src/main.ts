#!/usr/bin/env node
import packageJson from '../package.json' with { type: 'json' };
import { run } from './cli.ts';

let stop = (): void => {
  process.exit(0); // nothing was acknowledged yet
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop());

const result = await run(process.argv.slice(2), {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  screen: process.stderr,
  env: process.env,
  version: packageJson.version,
});

if (typeof result === 'number') process.exitCode = result;
else stop = () => void result.close().finally(() => process.exit(0));
