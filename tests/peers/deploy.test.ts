import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { describe, expect, onTestFinished } from 'vitest';
import { alertExpressions, dashboardExpressions } from '../deploy/expressions.ts';
import { ROOT, settingOf, textOf } from '../deploy/files.ts';
import { freePort } from '../free-port.ts';
import { ask, dataFolder, PUBLICATION, record, serving, start } from '../helpers.ts';
import { startNginx } from './nginx.ts';
import { startServer, stopProcess, temporaryFolder } from './processes.ts';
import { peerTest, requireProgram, run } from './programs.ts';
import { startVarnish } from './varnish.ts';

/** The files of deploy/, tried with the programs that read them. */

const UNIT = textOf('deploy/feed-publisher.service');
const NEWSROOM = { 'articles/a.json': JSON.stringify(record()) };
/** nobody */
const OTHER_USER = 65_534;

describe('the systemd unit', () => {
  peerTest('systemd-analyze', 'is valid, and leaves the service little of the machine', async () => {
    const folder = await dataFolder();
    const unit = UNIT.replaceAll('/opt/feed-publisher', ROOT).replaceAll('/srv/newsroom', folder);
    const file = join(folder, 'feed-publisher.service');
    await writeFile(file, unit);
    const analyze = await requireProgram('systemd-analyze');

    expect(await run(analyze, ['verify', file])).toEqual({ stdout: '', stderr: '' });
    // Fails above 2.0 of 10.
    await run(analyze, ['security', '--offline=true', '--threshold=20', file]);
  });

  peerTest(
    ['systemd-notify', 'python3'],
    'starts the service, which says when it is ready, that it goes on and that it ends, and reloads on SIGHUP',
    async () => {
      const folder = await dataFolder(NEWSROOM);
      const socket = await listenForMessages();
      const service = await startAsUnit(folder, socket.path);
      await expect.poll(socket.lines).toContain('READY=1');
      const ready = socket.lines().filter((line) => line.startsWith('STATUS='));
      const { status } = await ask(service.port, '/feeds/latest.rss');
      await expect.poll(socket.lines).toContain('WATCHDOG=1');
      await writeFile(join(folder, 'publication.yaml'), PUBLICATION.replace('Test Post', 'Evening Post'));
      service.child.kill('SIGHUP');
      await expect.poll(async () => (await ask(service.port, '/feeds/latest.rss')).text).toContain('Evening Post');
      const exited = once(service.child, 'exit');
      service.child.kill('SIGTERM');

      expect(ready).toEqual([`STATUS=Serving 1 article in 2 feeds at http://127.0.0.1:${service.port}/`]);
      expect(status).toBe(200);
      expect(await exited).toEqual([0, null]);
      await expect.poll(socket.lines).toContain('STOPPING=1');
      expect(service.log().filter(({ level }) => level !== 'info')).toEqual([]);
    },
  );
});

/** A socket for the messages of a service, as systemd has one. */
async function listenForMessages() {
  const folder = await temporaryFolder('notify');
  await chmod(folder.path, 0o755);
  const path = join(folder.path, 'socket');
  const script = join(import.meta.dirname, 'notify_socket.py');
  const child = spawn(await requireProgram('python3'), [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.on('data', (text) => {
    printed += text;
  });
  onTestFinished(async () => {
    await stopProcess(child);
    await folder.remove();
  });
  await expect.poll(() => printed).toContain('listening\n');
  return { path, lines: () => printed.split('\n') };
}

interface Unit {
  readonly child: ChildProcess;
  readonly port: number;
  readonly log: () => { readonly level: string }[];
}

/**
 * Starts the service with the command, the folder and the environment of the unit, as another user if this is root. systemd gives
 * a service nothing of its own environment.
 */
async function startAsUnit(folder: string, socket: string): Promise<Unit> {
  const inPlace = (text: string) => text.replaceAll('/opt/feed-publisher', ROOT).replaceAll('/srv/newsroom', folder);
  const command = inPlace(settingOf(UNIT, 'ExecStart'));
  const [port, metricsPort] = [await freePort(), await freePort()];
  const temporary = join(folder, 'tmp');
  await mkdir(temporary);
  const variables = inPlace(settingOf(UNIT, 'Environment')).split(' ');
  const env = {
    ...Object.fromEntries(variables.map((pair) => pair.split(/=(.*)/s).slice(0, 2))),
    ...{ PORT: `${port}`, METRICS_PORT: `${metricsPort}`, TMPDIR: temporary },
    ...{ PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin', LANG: 'C.UTF-8', USER: 'feeds', HOME: folder },
    // Three messages in this time: the unit has a minute.
    ...{ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '3000000' },
  };
  const user = await otherUser(folder);
  const child = spawn('/bin/sh', ['-c', `WATCHDOG_PID=$$ exec ${command}`], {
    ...{ cwd: inPlace(settingOf(UNIT, 'WorkingDirectory')), env, stdio: ['ignore', 'pipe', 'pipe'] as const },
    ...user,
  });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  onTestFinished(() => stopProcess(child));
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => Promise.reject(new Error(said)))]);
  const log = () =>
    said
      .split('\n')
      .slice(0, -1)
      .map((line): { level: string } => JSON.parse(line));
  return { child, port, log };
}

/** Only root may start a process of another user, and only where that user may read this folder. */
async function otherUser(folder: string): Promise<{ readonly uid?: number; readonly gid?: number }> {
  if (process.getuid?.() !== 0) return {};
  const user = { uid: OTHER_USER, gid: OTHER_USER };
  const { status } = spawnSync('/bin/sh', ['-c', 'test -r src/start.js && node_modules/.bin/node --version'], {
    ...{ cwd: ROOT, ...user },
  });
  if (status !== 0) return {};
  await run('chown', ['-R', `${OTHER_USER}:${OTHER_USER}`, folder]);
  return user;
}

describe('nginx', () => {
  peerTest(['nginx', 'openssl'], 'serves feeds over TLS with deploy/nginx.conf, and keeps them', async () => {
    const { port: origin } = await start(await dataFolder(NEWSROOM));
    const plain = await freePort();
    const certificate = await selfSigned();
    const site = (port: number) =>
      textOf('deploy/nginx.conf')
        .replaceAll(/^ *#.*\n/gm, '')
        .replaceAll(/^ +listen \[::\].*\n/gm, '')
        .replace('listen 443 ssl http2', `listen 127.0.0.1:${port} ssl http2`)
        .replace('listen 80', `listen 127.0.0.1:${plain}`)
        .replace('127.0.0.1:8080', `127.0.0.1:${origin}`)
        .replace('/var/cache/nginx/feeds', 'cache')
        .replaceAll('/etc/nginx/feeds', certificate);
    expect(site(1)).not.toMatch(/\/etc\/|\/var\/|\b8080\b|\b443\b/);
    const { port } = await startNginx(origin, { site });
    const answers = [await askTls(port, '/feeds/latest.rss'), await askTls(port, '/feeds/latest.rss')];
    const moved = await ask(plain, '/feeds/latest.rss', { headers: { Host: 'feeds.example.com' } });

    expect(answers).toEqual([
      [200, 'MISS'],
      [200, 'HIT'],
    ]);
    expect([moved.status, moved.headers.location]).toEqual([301, 'https://feeds.example.com/feeds/latest.rss']);
  });
});

/** A certificate for this test: the paths of both files without their endings. */
async function selfSigned(): Promise<string> {
  const folder = await temporaryFolder('certificate');
  onTestFinished(folder.remove);
  const path = join(folder.path, 'feeds');
  await run('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=feeds.example.com'],
    ...['-keyout', `${path}.key`, '-out', `${path}.crt`],
  ]);
  return path;
}

/** Status, and what the cache did. */
function askTls(port: number, path: string): Promise<[number | undefined, unknown]> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve([response.statusCode, response.headers['x-cache-status']]));
    })
      .on('error', reject)
      .end();
  });
}

describe('Varnish', () => {
  peerTest('varnishd', 'keeps feeds with deploy/varnish.vcl, and serves them while the service is away', async () => {
    const folder = await dataFolder({
      ...NEWSROOM,
      'publication.yaml': `${PUBLICATION}maxAge: 1\n`,
      'partners/wire.yaml': 'name: Wire\ndialect: plain\nfeeds: [latest]\n',
    });
    const service = await serving(folder, {});
    onTestFinished(() => service.close());
    const vcl = textOf('deploy/varnish.vcl')
      .replace('"feeds"', '"127.0.0.1"')
      .replace('"8080"', `"${service.port}"`)
      .replace('.interval = 5s', '.interval = 100ms');
    const { port } = await startVarnish(service.port, { vcl });
    const first = await ask(port, '/feeds/latest.rss');
    await expect.poll(async () => (await ask(port, '/feeds/latest.rss')).headers['x-varnish']).toMatch(/^\d+ \d+$/);
    const partner = [await ask(port, '/partners/wire/latest.rss'), await ask(port, '/partners/wire/latest.rss')];
    await service.close();
    // Older than its time and the second of grace that it has while the service answers.
    const age = async () => Number((await ask(port, '/feeds/latest.rss')).headers.age);
    await expect.poll(age).toBeGreaterThan(2);
    const late = await ask(port, '/feeds/latest.rss');

    expect([first.status, late.status, late.text]).toEqual([200, 200, first.text]);
    expect(partner.map(({ status, headers }) => [status, headers['x-varnish']])).toEqual([
      [401, expect.stringMatching(/^\d+$/)],
      [401, expect.stringMatching(/^\d+$/)],
    ]);
  });
});

describe('Caddy', () => {
  peerTest('caddy', 'passes requests on with deploy/Caddyfile, with the address of the client', async () => {
    const folder = await temporaryFolder('caddy');
    const service = await start(await dataFolder(NEWSROOM), { trustProxy: 'loopback' });
    const port = await freePort();
    const file = join(folder.path, 'Caddyfile');
    await writeFile(file, `{\n\tadmin off\n}\n${textOf('deploy/Caddyfile')}`);
    const env = { FEEDS_HOST: `http://127.0.0.1:${port}`, FEEDS_UPSTREAM: `127.0.0.1:${service.port}` };
    const caddy = await requireProgram('caddy');
    const home = { HOME: folder.path, XDG_DATA_HOME: folder.path, XDG_CONFIG_HOME: folder.path };
    await run(caddy, ['validate', '--adapter', 'caddyfile', '--config', join(ROOT, 'deploy/Caddyfile')], { env: home });
    await startServer(caddy, ['run', '--adapter', 'caddyfile', '--config', file], port, folder, { ...env, ...home });
    const answer = await ask(port, '/feeds/latest.rss', { headers: { 'Accept-Encoding': 'br' } });
    await ask(port, '/feeds/nothing.rss', { headers: { 'X-Forwarded-For': '203.0.113.9' } });

    expect([answer.status, answer.headers['content-encoding']]).toEqual([200, 'br']);
    // Caddy believes no header of an unknown client.
    await expect
      .poll(() => service.told.filter(({ path }) => path === '/feeds/nothing.rss').map(({ client }) => client))
      .toEqual(['127.0.0.1']);
  });
});

describe('Prometheus', () => {
  peerTest('promtool', 'reads every alarm, and everything that the dashboard asks for', async () => {
    const promtool = await requireProgram('promtool');
    const folder = await temporaryFolder('promtool');
    onTestFinished(folder.remove);
    const file = join(folder.path, 'dashboard.json');
    const rules = dashboardExpressions().map(({ expression }, index) => ({
      record: `panel:${index}`,
      expr: expression,
    }));
    await writeFile(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));

    const alarms = await run(promtool, ['check', 'rules', join(ROOT, 'deploy/prometheus-alerts.yaml')]);
    expect(alarms.stdout).toContain(`SUCCESS: ${alertExpressions().length} rules found`);
    expect((await run(promtool, ['check', 'rules', file])).stdout).toContain(`SUCCESS: ${rules.length} rules found`);
    expect(await readFile(file, 'utf8')).not.toContain('$');
  });
});
