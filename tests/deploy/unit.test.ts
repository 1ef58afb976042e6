import { expect, test } from 'vitest';
import type { Options } from '../../src/config/option.ts';
import { OPTIONS } from '../../src/config/options.ts';
import { CONNECTION_LIMITS } from '../../src/http/load/connections.ts';
import { START_FLAGS } from '../start-flags.ts';
import { settingOf, textOf } from './files.ts';

const unit = textOf('deploy/feed-publisher.service');

test('the systemd unit starts the service with the flags of npm start', () => {
  expect(settingOf(unit, 'ExecStart').split(' ')).toEqual([
    '/opt/feed-publisher/node_modules/.bin/node',
    ...START_FLAGS,
    'src/start.js',
  ]);
});

test('its variables are those of the service, and its limit of files is enough for all connections', () => {
  const known = new Set(Object.values<Options[string]>(OPTIONS.serve).map(({ variable }) => variable));
  const names = settingOf(unit, 'Environment')
    .split(' ')
    .map((pair) => pair.split('=')[0]);

  expect(names).toEqual(['DATA_DIR', 'HOST', 'TRUST_PROXY']);
  for (const name of names) expect(known).toContain(name);
  expect(Number(settingOf(unit, 'LimitNOFILE'))).toBeGreaterThanOrEqual(CONNECTION_LIMITS.total + 200);
});

test('the lines of nginx on the page are those of the file', () => {
  const file = new Set(
    textOf('deploy/nginx.conf')
      .split('\n')
      .map((line) => line.trim()),
  );
  const blocks = [...textOf('docs/deploy.md').matchAll(/```nginx\n(.*?)```/gs)].map(([, lines = '']) => lines);
  const lines = blocks.flatMap((block) => block.split('\n').map((line) => line.trim()));
  // The page has the cache without browsers first.
  const missing = lines.filter((line) => !file.has(line) && line !== 'proxy_cache_bypass $http_a_im;');

  expect(blocks.length).toBeGreaterThan(3);
  expect(missing).toEqual([]);
});
