import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { ask, dataFolder, put, record, start } from '../helpers.ts';
import { CREDENTIALS, startS3 } from '../service/site/s3-server.ts';
import { command } from './terminal.ts';

const PAPER = `title: The Test Post
url: https://www.harbour.news/
feedsUrl: https://feeds.harbour.news/
description: News for tests.
language: en
`;

const newsroom = () =>
  dataFolder({ 'publication.yaml': PAPER, 'articles/a.json': JSON.stringify(record({ url: '/a', tags: ['Rivers'] })) });

test('export --site publishes the files of articles/ and writes them, and again what has changed', async () => {
  const folder = await newsroom();
  const site = join(folder, 'site');
  const args = ['export', '--data', folder, '--site', site];
  const first = await command(args);
  expect({ ...first, out: first.out.replace(/\d+ documents/, 'N documents') }).toEqual({
    code: 0,
    out: `N documents written, 0 unchanged, 0 removed in ${site}\n`,
    err: '',
    drawn: '',
  });
  expect(await readFile(join(site, 'feeds/tag/rivers.rss'), 'utf8')).toContain(
    'https://feeds.harbour.news/feeds/tag/rivers.rss',
  );
  const second = await command(args);
  expect(second.out).toBe(`0 documents written, ${/^\d+/.exec(first.out)?.[0]} unchanged, 0 removed in ${site}\n`);
  await put(
    folder,
    'articles/b.json',
    JSON.stringify(record({ id: 'b', url: '/b', embargoUntil: '2999-01-01T00:00:00Z' })),
  );
  const third = await command([...args, '--json']);
  expect(JSON.parse(third.out)).toEqual({
    written: 0,
    unchanged: Number(/^\d+/.exec(first.out)?.[0]),
    removed: 0,
    bytes: 0,
    filling: 0,
    nextChangeAt: '2999-01-01T00:00:00Z',
  });
  expect((await command(args)).out).toMatch(
    /\nTime alone changes a document next at 2999-01-01T00:00:00Z: export again then\.\n$/,
  );
});

test('export --site runs beside a service on the same data folder', async () => {
  const folder = await newsroom();
  const service = await start(folder);
  const site = join(folder, 'site');
  const { headers } = await ask(service.port, '/feeds/latest.rss');
  expect((await command(['export', '--data', folder, '--site', site])).code).toBe(0);
  const after = await ask(service.port, '/feeds/latest.rss', { headers: { 'accept-encoding': 'identity' } });
  expect([after.headers.etag, after.headers['last-modified']]).toEqual([headers.etag, headers['last-modified']]);
  expect(await readFile(join(site, 'feeds/latest.rss'))).toEqual(after.body);
  await put(folder, 'articles/b.json', JSON.stringify(record({ id: 'b', url: '/b', title: 'Another' })));
  expect((await ask(service.port, '/feeds/latest.rss')).text).toContain('Another');
  expect((await command(['export', '--data', folder, '--site', site])).code).toBe(0);
  expect(await readFile(join(site, 'feeds/latest.rss'), 'utf8')).toContain('Another');
  expect(service.lines).toEqual([]);
});

test('export --site s3:// takes its keys from the environment', async () => {
  const folder = await newsroom();
  const server = await startS3('paper');
  const env = {
    AWS_ENDPOINT_URL: server.endpoint,
    AWS_REGION: CREDENTIALS.region,
    AWS_ACCESS_KEY_ID: CREDENTIALS.keyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secret,
  };
  const { code, out } = await command(['export', '--data', folder, '--site', 's3://paper/x'], { env });
  expect([code, out]).toEqual([
    0,
    expect.stringMatching(/ documents written, 0 unchanged, 0 removed in s3:\/\/paper\/x\/\n$/),
  ]);
  expect(server.objects.get('x/feeds/latest.rss')?.bytes.toString()).toContain('https://feeds.harbour.news/');
  const without = await command(['export', '--data', folder, '--site', 's3://paper/x']);
  expect([without.code, without.err]).toEqual([
    2,
    expect.stringContaining('For --site s3://…, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.'),
  ]);
});

test('export --site says why it cannot write', async () => {
  const folder = await newsroom();
  await put(folder, 'mine/index.html', 'mine');
  const site = join(folder, 'mine');
  const foreign = await command(['export', '--data', folder, '--site', site]);
  expect(foreign.code).toBe(1);
  expect(foreign.err).toContain(`${site} has files that no export has written, such as index.html.`);
  const file = await command(['export', '--data', folder, '--site', join(folder, 'publication.yaml')]);
  expect(file.code).toBe(1);
  expect(file.err).toContain('publication.yaml cannot be written: there is a file of this name already (EEXIST).');
});

test.each([
  [['--site', 'x', 'y.ndjson'], '“export --site” writes no FILE: leave “y.ndjson” out.'],
  [['--json'], '--json does nothing without --site'],
  [['--public-url', 'https://feeds.harbour.news'], '--public-url does nothing without --site'],
])('export %j is refused', async (args, message) => {
  const { code, err } = await command(['export', ...args]);
  expect([code, err]).toEqual([2, expect.stringContaining(message)]);
});

test('an example address is exported as it is, with a note', async () => {
  const folder = await dataFolder({ 'articles/a.json': JSON.stringify(record()) });
  const { code, err } = await command(['export', '--data', folder, '--site', join(folder, 'site')]);
  expect(code).toBe(0);
  expect(err).toContain('The documents have the address https://feeds.news.example/, a name for examples');
});

test('an export that is stopped says how to go on', async () => {
  const folder = await newsroom();
  const stop = new AbortController();
  stop.abort();
  const { code, err } = await command(['export', '--data', folder, '--site', join(folder, 'site')], {
    stop: stop.signal,
  });
  expect([code, err]).toEqual([143, 'Interrupted. Run the same command again to go on.\n']);
  const { store } = openDataFolder(folder);
  await store.close(); // the command has let go of the store
});
