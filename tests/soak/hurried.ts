/**
 * `node hurried.ts FOLDER LIMITS`: the service as `src/start.js` runs it, with shorter time limits, so that a test need not
 * wait as long. LIMITS is JSON.
 */
import { openDataFolder } from '../../src/service/data-folder.ts';
import { serve } from '../../src/service/serve.ts';
import { openLog } from '../../src/telemetry/log.ts';

const [folder = '', limits = '{}'] = process.argv.slice(2);
const options = {
  host: '127.0.0.1',
  port: 0,
  log: openLog(process.stderr),
  version: '0.0.0',
  connections: JSON.parse(limits),
  fastPath: process.env.FAST_PATH !== 'off',
};
const service = await serve(openDataFolder(folder), options);
process.once('SIGTERM', () => void service.close().finally(() => process.exit(0)));
process.stdout.write(`at http://localhost:${service.port}/feeds/latest.rss\n`);
