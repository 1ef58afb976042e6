/**
 * `node replica.ts FOLDER DATABASE_URL CLOCK_OFFSET`: a replica whose clock is off by some milliseconds. Prints its port, and the
 * position and the checksum of its store for each line on its standard input.
 */
import { createInterface } from 'node:readline';
import { loadPublication } from '../../../src/config/publication.ts';
import { openReplicaFolder } from '../../../src/service/replica-folder.ts';
import { serve } from '../../../src/service/serve.ts';
import { openLog } from '../../../src/telemetry/log.ts';

const [folder = '', databaseUrl = '', offset = '0'] = process.argv.slice(2);
const now = () => Date.now() + Number(offset);
const publication = loadPublication(folder);
const opened = await openReplicaFolder(folder, { databaseUrl, publication, mayOwn: true, now });
const log = openLog(process.stderr, { level: 'warn', isTTY: false });
const service = await serve(opened, { host: '127.0.0.1', port: 0, version: '0.0.0', log, now });
process.stdout.write(`${service.port}\n`);
createInterface({ input: process.stdin }).on('line', () => {
  const state = opened.replica?.state();
  process.stdout.write(`${JSON.stringify({ applied: state?.applied, problem: state?.problem?.message })}\n`);
});
process.once('SIGTERM', () => void service.close().finally(() => process.exit()));
