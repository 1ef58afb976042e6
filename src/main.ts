#!/usr/bin/env node
import packageJson from '../package.json' with { type: 'json' };
import { run } from './cli.ts';

const result = await run(process.argv.slice(2), {
  out: (line) => process.stdout.write(`${line}\n`),
  err: (line) => process.stderr.write(`${line}\n`),
  env: process.env,
  version: packageJson.version,
});

if (typeof result === 'number') {
  process.exitCode = result;
} else {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void result.close().then(() => process.exit(0));
    });
  }
}
