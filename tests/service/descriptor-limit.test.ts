import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { limitIn, warnOfFewDescriptors } from '../../src/service/descriptor-limit.ts';
import { childEnvironment, dataFolder, listen, record, type Told, toldIn } from '../helpers.ts';

const ROOT = join(import.meta.dirname, '../..');

const LIMITS = (soft: string) => `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max open files            ${soft.padEnd(20)} 1048576              files     
Max file locks            7                    7                    locks     
`;

test.each([
  ['1024', 1024],
  ['unlimited', Number.POSITIVE_INFINITY],
  ['soon', undefined],
])('the limit %j', (soft, expected) => {
  expect(limitIn(LIMITS(soft))).toBe(expected);
});

test.each([
  [
    1199,
    [
      'A process may open 1199 files, but 1000 connections (--max-connections) need 1200: raise the limit with LimitNOFILE or ulimit -n, or lower --max-connections.',
    ],
  ],
  [1200, []],
  [undefined, []],
])('a limit of %s for 1000 connections', (limit, expected) => {
  const { log, lines } = listen();
  warnOfFewDescriptors(log.log, 1000, limit);

  expect(lines).toEqual(expected);
});

/** Starts the program with so many files, and returns its warnings at the start. */
async function warnings(files: number, env: Readonly<Record<string, string>>): Promise<readonly Told[]> {
  const folder = await dataFolder({ 'articles/a.json': JSON.stringify(record()) });
  const command = `ulimit -n ${files}; exec "$0" src/start.js`;
  const child = spawn('sh', ['-c', command, process.execPath], {
    cwd: ROOT,
    env: childEnvironment({ DATA_DIR: folder, PORT: '0', METRICS_PORT: 'off', HOST: '127.0.0.1', ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let err = '';
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  await once(createInterface(child.stdout), 'line'); // the service is there
  child.kill('SIGTERM');
  await once(child, 'close');
  return toldIn(err).filter(({ level }) => level !== 'info');
}

test.runIf(process.platform === 'linux').each(['1', '2'])(
  'a service of %s processes says once at its start that its limit is too small',
  async (WORKERS) => {
    const found = await warnings(700, { MAX_CONNECTIONS: '600', WORKERS });

    expect(found).toMatchObject([{ level: 'warn', limit: 700, needed: 800 }]);
  },
);
