import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { childEnvironment } from '../../helpers.ts';

const FOLLOWER = join(import.meta.dirname, '../../../src/store/postgres/follower.ts');
/** A command that needs an operation of the log, whose database has just gone away. */
const COMMAND = `
  import { Follower } from ${JSON.stringify(FOLLOWER)};
  const none = () => {};
  const follower = new Follower({
    projection: { at: () => ({ position: 0 }) },
    database: { query: () => Promise.reject(new Error('away')) },
    ...{ replica: '', own: '', onForeign: none, onFailure: none, onOutrun: none },
  });
  await follower.reach(1);
  console.log('goes on');
  await follower.close();
`;

test('a process that waits for the log does not end while it tries again', () => {
  const args = ['--input-type=module', '--eval', COMMAND];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    env: childEnvironment(),
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'goes on\n', stderr: '' });
});
