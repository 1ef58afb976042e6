/**
 * Runs the service with two workers as `src/start.js` does, with shorter limits for workers that hang, so that a test does
 * not wait for minutes: `node hurried-workers.ts FOLDER LIMITS`, the limits in JSON.
 */
import { loadPublication } from '../../src/config/publication.ts';
import { superviseWorkers } from '../../src/service/supervisor.ts';
import { openLog } from '../../src/telemetry/log.ts';

const [path = '', heartbeat = ''] = process.argv.slice(2);
const service = await superviseWorkers({
  workers: 2,
  path,
  publication: loadPublication(path),
  settings: { host: '127.0.0.1', port: 0, version: '0.0.0', logLevel: 'error' },
  metrics: undefined,
  log: openLog(process.stderr, { level: 'error' }),
  heartbeat: JSON.parse(heartbeat),
});
process.stdout.write(`at http://localhost:${service?.port}/feeds/latest.rss\n`);
