import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { storeFile } from '../../src/service/data-folder.ts';
import { damageFile } from '../../src/store/sqlite/damage.ts';
import { freePort } from '../free-port.ts';
import { ask, dataFolder, start } from '../helpers.ts';
import { command } from './terminal.ts';

/** A service with a metrics port. */
async function startService() {
  const folder = await dataFolder();
  const service = await start(folder, { metrics: { host: '127.0.0.1', port: 0, isRequired: true } });
  return { folder, port: `${service.port}`, metricsPort: `${service.metricsPort}` };
}

const HINT =
  'Start the service, or give this command its --metrics-port and METRICS_HOST. The log of the service says why it stopped.\n';

test('a ready service: exit code 0, by the metrics port, and by the port of the service where there is no other', async () => {
  const { port, metricsPort } = await startService();
  const byMetrics = await command(['healthcheck', '--metrics-port', metricsPort]);
  const byService = await command(['healthcheck'], { env: { METRICS_PORT: 'off', PORT: port, HOST: '127.0.0.1' } });
  const live = await command(['healthcheck', '--live'], { env: { METRICS_PORT: metricsPort } });

  const said = { code: 0, err: '', drawn: '' };
  expect(byMetrics).toEqual({ ...said, out: `The service is ready: http://127.0.0.1:${metricsPort}/readyz.\n` });
  expect(byService).toEqual({ ...said, out: `The service is ready: http://127.0.0.1:${port}/readyz.\n` });
  expect(live).toEqual({ ...said, out: `The service answers at http://127.0.0.1:${metricsPort}/healthz.\n` });
});

test('a service whose store is damaged: exit code 1 with the reason; it is alive all the same', async () => {
  const { folder, metricsPort } = await startService();
  await writeFile(damageFile(storeFile(folder)), JSON.stringify({ problem: 'The store is damaged: a test says so.' }));
  const { code, out, err } = await command(['healthcheck', '--metrics-port', metricsPort]);
  const live = await command(['healthcheck', '--live', '--metrics-port', metricsPort]);

  expect([code, out]).toEqual([1, '']);
  expect(err).toBe(
    'The service is not ready: The store is damaged: a test says so. No change is made to it.\nStop the service and run the command verify. Then run the command repair, or restore a backup: docs/back-up-and-upgrade.md has the steps.\n',
  );
  expect(live.code).toBe(0);
});

test('no service: exit code 1, and what to do', async () => {
  const port = await freePort();

  expect(await command(['healthcheck', '--metrics-port', `${port}`])).toEqual({
    code: 1,
    out: '',
    err: `The service does not answer at http://127.0.0.1:${port}/readyz: nothing listens there.\n${HINT}`,
    drawn: '',
  });
});

test.each([
  [200, 'Welcome'],
  [404, 'nothing here'],
  [503, '{"code": "not_ready", "title": {}}'],
  [503, '{"code": "overloaded"}'],
  [503, 'null'],
])('another program that answers %i %j: exit code 1', async (status, text) => {
  const server = createServer((_request, response) => response.writeHead(status).end(text)).listen(0, '127.0.0.1');
  await new Promise((listening) => server.once('listening', listening));
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;

  expect(await command(['healthcheck'], { env: { METRICS_PORT: `${port}` } })).toEqual({
    code: 1,
    out: '',
    err: `http://127.0.0.1:${port}/readyz answers ${status}, and not as this service does.\nAnother program may have the port: give this command the --metrics-port and METRICS_HOST of the service.\n`,
    drawn: '',
  });
});

test.each([
  ['that changes the protocol', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'],
  ['that closes at once', ''],
  ['that breaks off', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nready'],
])('a server %s: exit code 1', async (_name, answer) => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const { code, out, err } = await command(['healthcheck', '--metrics-port', `${port}`]);

  expect([code, out]).toEqual([1, '']);
  expect(err).toBe(
    `The service does not answer at http://127.0.0.1:${port}/readyz: the connection was closed without a whole answer.\n${HINT}`,
  );
});

test.each(['[::1]', 'fe80::1%eth0', 'a b'])('METRICS_HOST %j is wrong usage', async (host) => {
  const { code, err } = await command(['healthcheck', '--metrics-port', '9'], { env: { METRICS_HOST: host } });

  expect([code, err.split('\n')[0]]).toEqual([
    2,
    `METRICS_HOST must be a name or an IP address without brackets and zone, not “${host}”.`,
  ]);
});

test('METRICS_HOST is the address that is asked', async () => {
  const { metricsPort } = await startService();
  const { out, err } = await command(['healthcheck'], {
    env: { METRICS_HOST: '127.0.0.2', METRICS_PORT: metricsPort },
  });

  expect(out).toBe('');
  expect(err).toContain(`http://127.0.0.2:${metricsPort}/readyz: nothing listens there.`);
  expect((await ask(Number(metricsPort), '/readyz')).text).toBe('ready');
});

test.each([
  ['::', 'http://127.0.0.1:9/readyz'],
  ['0.0.0.0', 'http://127.0.0.1:9/readyz'],
  ['localhost', 'http://127.0.0.1:9/readyz'],
  ['::1', 'http://[::1]:9/readyz'],
])('a service that listens on %s is asked at %s', async (host, address) => {
  const { err } = await command(['healthcheck'], { env: { METRICS_HOST: host, METRICS_PORT: '9' } });

  expect(err).toContain(`The service does not answer at ${address}: `);
});
