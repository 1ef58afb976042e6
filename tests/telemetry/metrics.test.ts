import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { METHODS } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { serve } from '../../src/service/serve.ts';
import type { ServeOptions, ServiceProcess } from '../../src/service/service-process.ts';
import {
  type Answer,
  ask,
  childEnvironment,
  dataFolder,
  linking,
  listen,
  PUBLICATION,
  put,
  record,
  start,
  toldIn,
} from '../helpers.ts';
import { startApi } from '../http/api.ts';
import { answersIn, nextHead, speak } from '../raw.ts';

const FEED = '/feeds/latest.rss';
const NEWSROOM = { 'articles/a.json': JSON.stringify(record()) };
const ANY_PORT = { host: '127.0.0.1', port: 0, isRequired: true };

/** A service with a metrics port. */
type Measured = Pick<ServiceProcess, 'metricsPort'>;

/** Samples by name and labels in the spelling of the text. */
type Samples = ReadonlyMap<string, number>;

/** Parses Prometheus' text format 0.0.4 strictly. */
function parse(text: string): { samples: Samples; types: ReadonlyMap<string, string> } {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  expect(text.endsWith('\n')).toBe(true);
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '' || /^# HELP [a-zA-Z_:][\w:]* \S.*$/.test(line)) continue;
    const [, typed = '', type = ''] = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram|summary)$/.exec(line) ?? [];
    if (type !== '') {
      expect(types.has(typed), line).toBe(false);
      types.set(typed, type);
      continue;
    }
    const sample =
      /^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)+)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[+-]Inf|Nan|NaN)$/.exec(
        line,
      );
    if (sample === null) throw new Error(`not in the text format: ${line}`);
    const [, name = '', labels, value] = sample;
    const key = labels === undefined ? name : `${name}{${labels}}`;
    expect(types.has(name) || types.get(name.replace(/_(bucket|sum|count)$/, '')) === 'histogram', line).toBe(true);
    expect(samples.has(key), `twice: ${key}`).toBe(false);
    samples.set(key, Number(value));
  }
  return { samples, types };
}

async function scrape({ metricsPort = 0 }: Measured): Promise<Samples> {
  const { status, headers, text } = await ask(metricsPort, '/metrics');
  expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  return parse(text).samples;
}

/** Returns the samples of one metric by their labels. */
function of(samples: Samples, name: string): Record<string, number> {
  const own = [...samples].filter(([key]) => key === name || key.startsWith(`${name}{`));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(name.length).replace(/^\{|\}$/g, ''), value]));
}

/** Waits until that many requests are counted: an answer is counted after its last byte. */
async function scrapeAfter(service: Measured, requests: number): Promise<Samples> {
  const counted = async () => {
    const counts = of(await scrape(service), 'feed_publisher_requests_total');
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  };
  await expect.poll(counted).toBe(requests);
  return scrape(service);
}

describe('requests', () => {
  test('are counted by route, method and status, from the cache and by Express alike', async () => {
    const running = await startApi(NEWSROOM, { metrics: ANY_PORT });
    const { headers } = await ask(running.port, FEED);
    for (let count = 0; count < 4; count += 1) await ask(running.port, FEED);
    await ask(running.port, FEED, { method: 'HEAD' });
    await ask(running.port, FEED, { headers: { 'If-None-Match': headers.etag } });
    await ask(running.port, FEED, { headers: { 'Sec-Fetch-Dest': 'document' } });
    await ask(running.port, `${FEED}?format=raw`);
    await ask(running.port, '/Feeds/nowhere.rss');
    await ask(running.port, '/feed');
    await ask(running.port, '/api/articles', { method: 'PATCH' });
    await running.put('/b', { body: record({ id: 'b' }) });
    await running.get('/b/feeds');
    const samples = await scrapeAfter(running, 14);

    expect(of(samples, 'feed_publisher_requests_total')).toEqual({
      'route="/feeds/*",method="GET",status="200"': 6,
      'route="/feeds/*",method="GET",status="303"': 1,
      'route="/feeds/*",method="HEAD",status="200"': 1,
      'route="/feeds/*",method="GET",status="304"': 1,
      'route="/feeds/*",method="GET",status="404"': 1,
      'route="old-addresses",method="GET",status="308"': 1,
      'route="/api/articles",method="other",status="405"': 1,
      'route="/api/articles/*",method="PUT",status="201"': 1,
      'route="/api/articles/*",method="GET",status="200"': 1,
    });
    expect(of(samples, 'feed_publisher_request_duration_seconds_count')).toEqual({
      'route="/feeds/*"': 10,
      'route="old-addresses"': 1,
      'route="/api/articles"': 1,
      'route="/api/articles/*"': 2,
    });
  });

  test('that are malformed are counted by the status of their answer', async () => {
    const running = await startApi(NEWSROOM, { metrics: ANY_PORT, connections: { head: 1000, leftover: 1000 } });
    const { port } = running;
    const answers = [
      await (await speak(port, 'JUNK\r\n\r\n')).closed,
      await (await speak(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\nJUNK\r\n\r\n')).closed,
      await (await speak(port, `GET / HTTP/1.1\r\nX: ${'x'.repeat(17_000)}`)).closed,
      await (await speak(port, 'GET / HTTP/1.1\r\nHo')).closed,
    ];
    const samples = await scrapeAfter(running, 5);

    expect(of(samples, 'feed_publisher_requests_total')).toEqual({
      'route="/",method="GET",status="200"': 1,
      'route="other",method="other",status="400"': 2,
      'route="other",method="other",status="431"': 1,
      'route="other",method="other",status="408"': 1,
    });
    const bodies = answers.flatMap(answersIn).map(({ body }) => body);
    expect(of(samples, 'feed_publisher_response_bytes_total')['coding="identity"']).toBe(bodies.join('').length);
  });

  test('whose body is broken are counted by their route, as requests that never ended', async () => {
    const running = await startApi(NEWSROOM, { metrics: ANY_PORT });
    const { port, key } = running;
    const heard = nextHead();
    const broken = await speak(
      port,
      `PUT /api/articles/a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    await heard;
    broken.socket.write('zz\r\n');
    await broken.closed;

    expect(of(await scrapeAfter(running, 1), 'feed_publisher_requests_total')).toEqual({
      'route="/api/articles/*",method="PUT",status="499"': 1,
    });
  });

  test('have their durations in a consistent histogram', async () => {
    const running = await start(await dataFolder(NEWSROOM), { metrics: ANY_PORT });
    for (let count = 0; count < 10; count += 1) await ask(running.port, FEED);
    const samples = await scrapeAfter(running, 10);
    const buckets = Object.entries(of(samples, 'feed_publisher_request_duration_seconds_bucket'));
    const sum = samples.get('feed_publisher_request_duration_seconds_sum{route="/feeds/*"}') ?? 0;

    expect(buckets.map(([labels]) => labels)).toEqual(
      ['0.001', '0.0025', '0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '+Inf'].map(
        (bound) => `route="/feeds/*",le="${bound}"`,
      ),
    );
    const counts = buckets.map(([, count]) => count);
    expect(counts).toEqual(counts.toSorted((one, other) => one - other));
    expect(counts.at(-1)).toBe(10);
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThan(10);
  });

  test('to a thousand unknown paths and with every method make no new label', async () => {
    const running = await start(await dataFolder(NEWSROOM), { metrics: ANY_PORT });
    const methods = METHODS.filter((method) => method !== 'CONNECT');
    const paths = Array.from(
      { length: 1000 },
      (_, index) => `/${['x', 'feeds', 'media', 'api/articles'][index % 4]}/${index}`,
    );
    for (const [index, path] of paths.entries()) {
      await ask(running.port, path, { method: methods[index % methods.length] ?? 'GET' });
    }
    const samples = await scrapeAfter(running, 1000);
    const labels = [...samples.keys()].flatMap((key) => [...key.matchAll(/(route|method)="([^"]*)"/g)]);
    const valuesOf = (name: string) =>
      new Set(labels.filter(([, label]) => label === name).map(([, , value]) => value));

    expect([...valuesOf('route')].sort()).toEqual(['/api/articles/*', '/feeds/*', '/media/*', 'other']);
    expect([...valuesOf('method')].sort()).toEqual(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'other']);
  });

  test('have the bytes of their answers counted by content coding', async () => {
    const running = await start(
      await dataFolder({ 'articles/a.json': linking('a.txt'), 'media/a.txt': 'twelve bytes' }),
      {
        metrics: ANY_PORT,
      },
    );
    const bytes = { br: 0, gzip: 0, zstd: 0, identity: 0 };
    for (const coding of ['br', 'gzip', 'zstd', 'identity'] as const) {
      for (const method of ['GET', 'GET', 'HEAD']) {
        const { body } = await ask(running.port, FEED, { method, headers: { 'Accept-Encoding': coding } });
        bytes[coding] += body.length;
      }
    }
    const others: Answer[] = [
      await ask(running.port, '/media/a.txt'),
      await ask(running.port, '/media/a.txt', { method: 'HEAD' }),
      await ask(running.port, '/nowhere'),
      await ask(running.port, '/nowhere', { method: 'HEAD' }),
    ];
    for (const { body } of others) bytes.identity += body.length;

    expect(of(await scrapeAfter(running, 16), 'feed_publisher_response_bytes_total')).toEqual({
      'coding="br"': bytes.br,
      'coding="gzip"': bytes.gzip,
      'coding="zstd"': bytes.zstd,
      'coding="identity"': bytes.identity,
    });
    expect(Object.values(bytes).every((count) => count > 0)).toBe(true);
  });
});

describe('articles', () => {
  test('are counted: changes by result, refused files, the store', async () => {
    const running = await startApi({ ...NEWSROOM, 'articles/bad.json': '{' }, { metrics: ANY_PORT });
    await running.put('/b', { body: record({ id: 'b' }) });
    await running.put('/b', { body: record({ id: 'b' }) });
    await running.put('/b', { body: record({ id: 'b', title: 'Another' }) });
    await running.put('/b', { body: record({ id: 'b' }), headers: { 'If-Match': '"999"' } });
    await running.put('/c', { body: { colour: 'red' } });
    await running.remove('/b');
    await running.remove('/nowhere');
    await put(running.dataFolder, 'articles/late.json', JSON.stringify(record({ id: 'late' })));
    await expect.poll(async () => (await running.get('/late')).status).toBe(200);
    const samples = await scrape(running);

    expect(of(samples, 'feed_publisher_changes_total')).toEqual({
      'result="created"': 3,
      'result="unchanged"': 1,
      'result="updated"': 1,
      'result="condition-failed"': 1,
      'result="refused"': 1,
      'result="withdrawn"': 1,
      'result="absent"': 1,
    });
    expect(samples.get('feed_publisher_refused_files_total')).toBe(1);
    expect(samples.get('feed_publisher_store_revision')).toBe(5);
    expect(samples.get('feed_publisher_articles')).toBe(3);
  });

  test('are counted as rendered documents and entries in the cache', async () => {
    const running = await start(await dataFolder(NEWSROOM), { metrics: ANY_PORT });
    const before = await scrape(running);
    await ask(running.port, FEED);
    await ask(running.port, FEED);
    await ask(running.port, '/feeds/latest.atom');
    const after = await scrape(running);
    const both = (name: string) => [before, after].map((samples) => samples.get(`feed_publisher_${name}`));

    expect(both('documents_made_total')).toEqual([0, 2]);
    expect(both('kept_documents')).toEqual([0, 2]);
    expect(both('kept_entries')).toEqual([0, 2]);
    expect(both('evicted_documents_total')).toEqual([0, 0]);
    expect(both('evicted_entries_total')).toEqual([0, 0]);
    for (const name of ['document_seconds_total', 'kept_documents_bytes', 'kept_entries_bytes']) {
      expect(both(name)[0], name).toBe(0);
      expect(both(name)[1], name).toBeGreaterThan(0);
    }
  });

  test('have no numbers while the store fails; other metrics do', async () => {
    const opened = openDataFolder(await dataFolder(NEWSROOM));
    let works = true;
    const fails = () => (works ? opened.store.lastRevision() : Promise.reject(new Error('the disk is on fire')));
    const store = { ...opened.store, lastRevision: fails };
    const { log } = listen();
    const service = await serve(
      { ...opened, store },
      { host: '127.0.0.1', port: 0, metrics: ANY_PORT, log, version: '1.2.3' },
    );
    onTestFinished(() => service.close());
    works = false;
    const samples = await scrape(service);

    expect(samples.get('feed_publisher_store_revision')).toBeNaN();
    expect(samples.get('feed_publisher_changes_total{result="created"}')).toBe(1);
    expect(samples.get('feed_publisher_build_info{version="1.2.3"}')).toBe(1);
  });
});

test('the overviews are measured: open problems by kind, and the feeds of the operator', async () => {
  const running = await startApi(
    {
      'publication.yaml': `${PUBLICATION}feeds:\n  - { id: rivers, title: Rivers, select: { any: [tag/water] } }\n  - { id: empty, title: Empty, select: { any: [tag/none] } }\n`,
      'articles/a.json': JSON.stringify(record({ tags: ['Water'] })),
      'articles/b.json': JSON.stringify(record({ id: 'b', publishedAt: '2026-11-21T10:00:00Z' })),
      'articles/bad.json': '{',
    },
    { metrics: ANY_PORT },
  );
  await running.put('/c', { body: record({ id: 'c', title: '' }) });
  const samples = await scrape(running);

  expect(of(samples, 'feed_publisher_problems')).toEqual({
    'kind="file"': 1,
    'kind="other_file"': 0,
    'kind="key"': 1,
    'kind="stored_record"': 0,
    'kind="rendering"': 0,
  });
  expect(of(samples, 'feed_publisher_feed_articles')).toEqual({
    'feed="latest"': 2,
    'feed="rivers"': 1,
    'feed="empty"': 0,
  });
  expect(of(samples, 'feed_publisher_feed_newest_timestamp_seconds')).toEqual({
    'feed="latest"': Date.UTC(2026, 10, 21, 10) / 1000,
    'feed="rivers"': Date.UTC(2026, 10, 20, 10) / 1000,
  });
  await running.put('/c', { body: record({ id: 'c', url: 'https://news.example/c' }) });
  expect(of(await scrape(running), 'feed_publisher_problems')['kind="key"']).toBe(0);
});

test('what readers ask for is measured: feeds of the operator, savings, declared subscribers', async () => {
  const running = await startApi(
    {
      'publication.yaml': `${PUBLICATION}feeds: [{ id: rivers, title: Rivers, select: { any: [tag/water] } }]\n`,
      'articles/a.json': JSON.stringify(record({ tags: ['Water'], body: `<p>${'long '.repeat(500)}</p>` })),
    },
    { metrics: ANY_PORT },
  );
  const poll = (path: string, headers: Readonly<Record<string, string>> = {}) => ask(running.port, path, { headers });
  const { headers, body } = await poll('/feeds/rivers.rss', { 'User-Agent': 'Feedly/1.0 (12 subscribers)' });
  await poll('/feeds/rivers', { 'User-Agent': 'A "B\\/1 (3 subscribers)' });
  await poll('/feeds/rivers.rss', { 'If-None-Match': headers.etag ?? '' });
  await poll('/feeds/latest.atom');
  await poll('/feeds/tag/water.json');
  await poll('/feeds/nothing.rss');
  const zipped = await poll('/feeds/rivers.rss', { 'Accept-Encoding': 'gzip' });
  const samples = await scrape(running);

  expect(of(samples, 'feed_publisher_feed_requests_total')).toEqual({ 'feed="latest"': 1, 'feed="rivers"': 4 });
  expect(of(samples, 'feed_publisher_saved_bytes_total')).toEqual({
    'by="unchanged"': body.length,
    'by="delta"': 0,
    'by="coding"': body.length - zipped.body.length,
  });
  expect(of(samples, 'feed_publisher_declared_subscribers')).toEqual({
    'service="Feedly"': 12,
    'service="A \\"B\\\\"': 3,
  });
  expect(of(samples, 'feed_publisher_waiting_requests')).toEqual({
    'queue="newsroom"': 0,
    'queue="feeds"': 0,
    'queue="changes"': 0,
    'queue="others"': 0,
  });
  expect(samples.get('feed_publisher_open_connections')).toBeGreaterThanOrEqual(0);
  expect(samples.get('feed_publisher_disk_free_bytes')).toBeGreaterThan(0);
});

test('a feed of a large publication has metrics only if it is one of the first hundred', async () => {
  const feeds = Array.from({ length: 300 }, (_, number) => `  - { id: f${number}, title: F }\n`).join('');
  const running = await start(await dataFolder({ 'publication.yaml': `${PUBLICATION}feeds:\n${feeds}` }), {
    metrics: ANY_PORT,
  });

  const samples = await scrape(running);
  expect(Object.keys(of(samples, 'feed_publisher_feed_articles'))).toHaveLength(100);
  expect(Object.keys(of(samples, 'feed_publisher_feed_requests_total'))).toHaveLength(100);
});

test('the metrics of Node are there, and every metric has a type and a help', async () => {
  const running = await start(await dataFolder(), { metrics: ANY_PORT });
  const { text } = await ask(running.metricsPort ?? 0, '/metrics');
  const { samples, types } = parse(text);

  expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(10_000_000);
  expect(types.get('nodejs_eventloop_lag_p99_seconds')).toBe('gauge');
  for (const name of types.keys()) expect(text, name).toContain(`# HELP ${name} `);
});

describe('the metrics port', () => {
  test('has metrics, health and status, for GET and HEAD', async () => {
    const { metricsPort = 0 } = await start(await dataFolder(), { metrics: ANY_PORT });
    const answers = await Promise.all([
      ask(metricsPort, '/metrics', { method: 'HEAD' }),
      ask(metricsPort, '/metrics?format=x'),
      ask(metricsPort, '/healthz'),
      ask(metricsPort, '/metrics', { method: 'POST' }),
      ask(metricsPort, '/'),
      ask(metricsPort, '/status'),
      ask(metricsPort, FEED),
      ask(metricsPort, '/toString'),
    ]);

    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 405, 303, 200, 404, 404]);
    expect(answers.map(({ headers }) => headers['cache-control'])).toEqual(answers.map(() => 'no-store'));
    expect([answers[0]?.text, answers[3]?.headers.allow]).toEqual(['', 'GET, HEAD']);
  });

  test('is separate from the port of the feeds, and its requests are not counted', async () => {
    const running = await start(await dataFolder(), { metrics: ANY_PORT });
    await scrape(running);
    await ask(running.metricsPort ?? 0, '/nowhere');

    expect((await ask(running.port, '/metrics')).status).toBe(404);
    expect(of(await scrapeAfter(running, 1), 'feed_publisher_requests_total')).toEqual({
      'route="other",method="GET",status="404"': 1,
    });
  });

  test('may be in use, unless the operator named it', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const address = taken.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const running = await start(await dataFolder(NEWSROOM), { metrics: { ...ANY_PORT, port, isRequired: false } });

    expect([running.metricsPort, (await ask(running.port, FEED)).status]).toEqual([undefined, 200]);
    expect(running.lines).toEqual([
      `The service starts without metrics. Port ${port} is already in use: choose another with --metrics-port.`,
    ]);
    await expect(start(await dataFolder(NEWSROOM), { metrics: { ...ANY_PORT, port } })).rejects.toMatchObject({
      code: 'address_unavailable',
    });
  });

  test.each<[readonly string[], Readonly<Record<string, string>>, ServeOptions['metrics']]>([
    [[], { METRICS_PORT: 'off' }, undefined],
    [['--metrics-port', 'off'], { METRICS_PORT: '0' }, undefined],
    [['--metrics-port', '0'], { METRICS_PORT: 'off' }, ANY_PORT],
    [[], { METRICS_PORT: '0', METRICS_HOST: '::1' }, { ...ANY_PORT, host: '::1' }],
  ])('of the program with %j %j', async (args, env, expected) => {
    const folder = await dataFolder(NEWSROOM);
    const main = join(import.meta.dirname, '../../src/start.js');
    const child = spawn(process.execPath, [main, '--data', folder, '--port', '0', '--host', '127.0.0.1', ...args], {
      env: childEnvironment(env),
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let told = '';
    child.stderr.on('data', (chunk) => {
      told += chunk;
    });
    await expect.poll(() => told).toContain('"msg":"started"}\n');
    const started = toldIn(told).find(({ msg }) => msg === 'started');

    if (expected === undefined) {
      expect(started).not.toHaveProperty('metricsPort');
    } else {
      const { host } = expected;
      const url = `http://${host.includes(':') ? `[${host}]` : host}:${started?.metricsPort}/metrics`;
      expect(parse(await (await fetch(url)).text()).samples.get('feed_publisher_articles')).toBe(1);
    }
  });
});
