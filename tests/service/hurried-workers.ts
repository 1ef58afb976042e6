/**
 * The service with two workers as `src/start.js` runs it, with less patience than an operator's, so that a test need not
 * wait as long: `node hurried-workers.ts FOLDER WATCH`, the watch in JSON.
 */
import { loadPublication } from '../../src/config/publication.ts';
import { superviseWorkers } from '../../src/service/supervisor.ts';
import { openLog } from '../../src/telemetry/log.ts';

const [dataFolder = '', watch = ''] = process.argv.slice(2);
const { port } = await superviseWorkers({
  workers: 2,
  dataFolder,
  publication: loadPublication(dataFolder),
  settings: { host: '127.0.0.1', port: 0, version: '0.0.0', logLevel: 'error' },
  metrics: undefined,
  log: openLog(process.stderr, { level: 'error' }),
  watch: JSON.parse(watch),
});
process.stdout.write(`at http://localhost:${port}/feeds/latest.rss\n`);
