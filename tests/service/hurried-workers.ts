/**
 * Runs the service with two workers as `src/start.js` does, but checks them when the test says so and not by a clock:
 * `node hurried-workers.ts FOLDER LIMITS`, the limits in JSON. For the message `[role, …]` the supervisor checks its
 * workers once; the answer `checked` follows when the workers of these roles have answered.
 */
import cluster from 'node:cluster';
import { mock } from 'node:test';
import { loadPublication } from '../../src/config/publication.ts';
import type { HeartbeatLimits } from '../../src/service/heartbeat.ts';
import { superviseWorkers } from '../../src/service/supervisor.ts';
import { openLog } from '../../src/telemetry/log.ts';

const [path = '', limits = ''] = process.argv.slice(2);
const heartbeat: HeartbeatLimits = JSON.parse(limits);
mock.timers.enable({ apis: ['setInterval'] });
process.on('message', (roles: string[]) => {
  const awaited = new Set(roles);
  cluster.on('message', function heard({ process: { spawnargs } }) {
    awaited.delete(spawnargs.at(-1) ?? '');
    if (awaited.size > 0) return;
    cluster.off('message', heard);
    process.send?.('checked');
  });
  mock.timers.tick(heartbeat.interval);
});
const service = await superviseWorkers({
  workers: 2,
  path,
  publication: loadPublication(path),
  settings: { host: '127.0.0.1', port: 0, version: '0.0.0', logLevel: 'error' },
  metrics: undefined,
  log: openLog(process.stderr, { level: 'error' }),
  heartbeat,
});
process.stdout.write(`at http://localhost:${service?.port}/feeds/latest.rss\n`);
