import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type PurgeSettings, purgeTargets } from '../../src/config/purge-targets.ts';
import { feedTag } from '../../src/feed/cache-tags.ts';
import { ask, childEnvironment, dataFolder, record, start, toldIn } from '../helpers.ts';
import { keyFor, startApi } from '../http/api.ts';
import { START_FLAGS } from '../start-flags.ts';

interface Purged {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What a cache answers: a status, and headers. */
type Reply = (purged: Purged) => Promise<number> | number | readonly [number, Record<string, string>];

/** A cache that notes what it is told. */
async function cache(reply: Reply = () => 200) {
  const purges: Purged[] = [];
  const waiting: (() => void)[] = [];
  const server = createServer(async (request, response) => {
    const body = (await request.toArray()).join('');
    const purged = { method: request.method, url: request.url, headers: request.headers, body };
    const replied = await reply(purged);
    purges.push(purged);
    const [status, headers = {}] = typeof replied === 'number' ? [replied] : replied;
    response.writeHead(status, headers).end('Said.');
    for (const wake of waiting.splice(0)) wake();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    url,
    purges,
    /** Waits until it was told so often in all. */
    async told(count: number): Promise<readonly Purged[]> {
      while (purges.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
      return purges.slice(0, count);
    },
  };
}

function purging(url: string, more: Partial<PurgeSettings> = {}): { purge: PurgeSettings } {
  return { purge: { targets: purgeTargets.read(`varnish:${url}`) ?? [], ...more } };
}

const tagsOf = (...keys: readonly string[]) => [...keys.map(feedTag), 'feed-lists'].join(' ');
const keyOf = ({ headers }: Purged) => headers['xkey-purge'] ?? headers['xkey-softpurge'];

test('a start purges everything, and a change the feeds that it touches', async () => {
  const varnish = await cache();
  const api = await startApi({}, { ...purging(varnish.url, { tokens: { varnish: 'secret' } }), now: Date.now });
  await varnish.told(1);
  await api.put('/a', { body: record({ id: 'a', sections: ['World'] }) });
  const [all, change] = await varnish.told(2);

  expect(all?.headers['xkey-purge']).toBe('feeds');
  expect(change).toMatchObject({ method: 'PURGE', url: '/', body: '' });
  expect(change?.headers['xkey-purge']).toBe('feeds'); // within the time in which everything is told once more
  expect(change?.headers.authorization).toBe('Bearer secret');
  expect(JSON.stringify(api.told)).not.toContain('secret');
});

test('a second start of the same program purges only what has changed', async () => {
  const varnish = await cache();
  const folder = await dataFolder({ 'articles/a.json': JSON.stringify(record()) });
  const first = await start(folder, purging(varnish.url));
  await varnish.told(1);
  await first.close();
  // As ten seconds later, so that nothing is told once more.
  const second = await start(folder, { ...purging(varnish.url), now: () => Date.now() + 11_000 });
  await varnish.told(2);
  await second.close();
  const third = await start(folder, { ...purging(varnish.url), now: () => Date.now() + 22_000 });
  const { key } = await keyFor(folder);
  const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
  const body = JSON.stringify(record({ id: 'b', sections: ['World'] }));
  await ask(third.port, '/api/articles/b', { method: 'PUT', headers, body });
  const purges = await varnish.told(3);

  expect(purges.map(keyOf)).toEqual(['feeds', 'feeds', tagsOf('language/en', 'latest', 'section/world')]);
});

test('a cache that refuses is told again, and everybody can see why', async () => {
  let isAway = true;
  const varnish = await cache(() => (isAway ? [503, { 'Retry-After': '1' }] : 200));
  const api = await startApi({}, { ...purging(varnish.url), now: Date.now });
  const target = `varnish:${varnish.url}`;
  const { host } = new URL(varnish.url);
  const headers = { Authorization: `Bearer ${api.key}` };
  const shown = async () => JSON.parse((await ask(api.port, '/api/outbox', { headers })).text).targets;
  await varnish.told(1);
  await expect.poll(shown).toMatchObject([{ target, state: 'failing', lastError: `${host} answers 503: Said.` }]);
  expect((await api.readStatus()).outbox).toEqual(await shown());
  const metrics = (name: string) =>
    api.measure().then((all) => all.find((metric) => metric.name === `feed_publisher_outbox_${name}`)?.values);
  expect(await metrics('failing')).toEqual([{ labels: {}, value: 1 }]);
  isAway = false;
  await varnish.told(2);
  await expect.poll(shown).toMatchObject([{ target, state: 'up to date', failures: 0 }]);
  const result = (value: string) => ({ labels: { result: value } });
  expect(await metrics('attempts_total')).toMatchObject([
    { ...result('told'), value: 1 },
    { ...result('failed'), value: 1 },
  ]);
  expect(api.lines.filter((line) => line.startsWith(target))).toEqual([
    expect.stringContaining(`${target} was not told of changes: ${host} answers 503: Said. The next attempt is at `),
    `${target} was told everything after 1 attempts that failed.`,
  ]);
});

test('with several processes, a cache is purged when every one of them shows the change', async () => {
  const folder = await dataFolder({ 'articles/a.json': JSON.stringify(record()) });
  const { key } = await keyFor(folder);
  let port = 0;
  let titles: readonly string[] = [];
  const old: string[][] = [];
  /** What many connections get, which the system spreads over the processes. */
  const ofAll = async () => {
    const answers = await Promise.all(Array.from({ length: 24 }, () => ask(port, '/feeds/latest.json')));
    return answers.map(({ text }) => String(JSON.parse(text).items[0].title));
  };
  const varnish = await cache(async () => {
    const expected = titles.at(-1);
    if (expected !== undefined) old.push((await ofAll()).filter((title) => title !== expected));
    return 200;
  });
  const args = [...START_FLAGS, join(import.meta.dirname, '../../src/start.js')];
  const options = ['--data', folder, '--host', '127.0.0.1', '--port', '0', '--workers', '3', '--rate-limit', 'off'];
  const env = childEnvironment({ METRICS_PORT: 'off', PURGE: `varnish:${varnish.url}` });
  const child = spawn(process.execPath, [...args, ...options], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let log = '';
  child.stderr.on('data', (text) => {
    log += text;
  });
  port = await new Promise<number>((resolve, reject) => {
    child.stdout.on('data', (text) => resolve(Number(/:(\d+)\/feeds/.exec(String(text))?.[1])));
    child.once('exit', () => reject(new Error(log)));
  });
  await varnish.told(1);
  const headers = { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' };
  for (let change = 1; change <= 5; change += 1) {
    titles = [...titles, `Title ${change}`];
    const body = JSON.stringify(record({ title: `Title ${change}` }));
    expect((await ask(port, '/api/articles/a', { method: 'PUT', headers, body })).status).toBe(200);
    await varnish.told(varnish.purges.length + 1);
  }

  expect(old.length).toBeGreaterThanOrEqual(5);
  expect(old.flat()).toEqual([]);
  expect(new Set(toldIn(log).flatMap(({ msg, role }) => (msg === 'started' ? [role] : [])))).toEqual(
    new Set(['writer', 'reader']),
  );
});
