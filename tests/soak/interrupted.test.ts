// @module-tag soak
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { childEnvironment, dataFolder } from '../helpers.ts';
import { processesOf } from '../run-folder.ts';
import { sized } from './sizes.ts';

const ROOT = join(import.meta.dirname, '../..');
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs');
/** A file whose service runs for seconds. */
const FILE = 'tests/soak/loris.test.ts';
const SIGNALS = sized<readonly NodeJS.Signals[]>({
  short: ['SIGKILL'],
  soak: ['SIGINT', 'SIGTERM'],
  full: ['SIGINT', 'SIGTERM', 'SIGKILL'],
});

test.each(SIGNALS)('a run of tests that %s ends leaves neither processes nor files', async (signal) => {
  const folder = await dataFolder();
  const before = readdirSync(folder);
  const env = childEnvironment({ TMPDIR: folder });
  const child = spawn(process.execPath, [VITEST, 'run', FILE], { cwd: ROOT, env, stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const gone = once(child, 'exit');
  const service = () => processesOf(folder).find(({ command }) => command.includes('hurried.ts'));
  await expect.poll(service).toBeDefined();
  child.kill(signal);
  await gone;

  await expect.poll(() => processesOf(folder)).toEqual([]);
  await expect.poll(() => readdirSync(folder)).toEqual(before);
});
