import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { s3Target } from '../../../src/service/site/s3-target.ts';
import { dataFolder, linking, put, record } from '../../helpers.ts';
import { CREDENTIALS, type S3Server, startS3 } from './s3-server.ts';
import { documentsIn, exporter, NOW } from './site.ts';

const SITE = 's3://paper/feeds-of-it';
const PREFIX = 'feeds-of-it/';

async function newsroom(server: Pick<S3Server, 'endpoint'>, options: Partial<typeof CREDENTIALS> = {}) {
  const folder = await dataFolder({
    'articles/a.json': JSON.stringify(record({ id: 'a', authors: [{ name: 'Çand û Huner' }], tags: ['A&B (c)'] })),
    'articles/files.json': linking('pictures/a b+c.png'),
    'media/pictures/a b+c.png': 'a picture',
  });
  const { endpoint } = server;
  const lockFolder = join(folder, 'store/site');
  return exporter(folder, () => s3Target(SITE, { ...CREDENTIALS, endpoint, lockFolder, ...options }));
}

test('storage gets every document with its type, its codings and its caching', async () => {
  const server = await startS3('paper');
  const { write } = await newsroom(server);
  const { written } = await write();
  const documents = await documentsIn(async (file) => server.objects.get(PREFIX + file)?.bytes);
  expect(documents).toHaveLength(written);
  const keys = new Set(server.objects.keys());
  for (const { path, type, codings } of documents) {
    const object = server.objects.get(PREFIX + path);
    expect([object?.type, object?.coding], path).toEqual([type, undefined]);
    for (const coding of codings) {
      const ending = { br: '.br', zstd: '.zst', gzip: '.gz' }[coding];
      const encoded = server.objects.get(PREFIX + path + ending);
      expect([encoded?.type, encoded?.coding], path + ending).toEqual([type, coding]);
      if (coding === 'gzip') expect(gunzipSync(encoded?.bytes ?? '').equals(object?.bytes ?? Buffer.of())).toBe(true);
      keys.delete(PREFIX + path + ending);
    }
    keys.delete(PREFIX + path);
  }
  expect([...keys].filter((key) => !key.startsWith(`${PREFIX}manifest`))).toEqual([]);
  expect(server.objects.get(`${PREFIX}feeds/latest`)?.type).toBe('text/html; charset=utf-8');
  expect(server.objects.get(`${PREFIX}feeds/author/çand-û-huner.rss`)?.caching).toBe(
    'public, max-age=60, stale-while-revalidate=1, stale-if-error=86400',
  );
  expect(server.objects.get(`${PREFIX}media/pictures/a b+c.png`)?.bytes.toString()).toBe('a picture');
});

test('the next export sends only what has changed, and deletes what was withdrawn', async () => {
  const server = await startS3('paper');
  const { write, folder } = await newsroom(server);
  await write();
  server.requests.length = 0;
  await write();
  expect(server.requests.filter((request) => !request.startsWith('GET'))).toEqual([]);
  await rm(join(folder, 'articles/files.json'));
  await put(
    folder,
    'articles/b.json',
    JSON.stringify(record({ id: 'b', url: 'https://news.example/b', title: 'Another' })),
  );
  const { written } = await write({ now: () => NOW + 60_000 });
  const puts = server.requests.filter(
    (request) => request.startsWith('PUT') && !/\.(gz|br|zst)$|manifest/.test(request),
  );
  expect(puts).toHaveLength(written);
  expect(server.objects.has(`${PREFIX}media/pictures/a b+c.png`)).toBe(false);
  const changes = server.requests.filter((request) => !request.startsWith('GET'));
  expect(changes.at(-1)).toBe(`PUT ${PREFIX}manifest.json`);
  expect(changes.findLastIndex((request) => request.startsWith('DELETE'))).toBe(changes.length - 2);
});

test('a storage that is busy is asked again', async () => {
  const server = await startS3('paper');
  const { write } = await newsroom(server);
  server.failures = 2;
  const { written } = await write();
  expect(await documentsIn(async (file) => server.objects.get(PREFIX + file)?.bytes)).toHaveLength(written);
});

test('a storage that refuses is named with its reason', async () => {
  const server = await startS3('other');
  await expect((await newsroom(server)).write()).rejects.toMatchObject({
    code: 'unreachable_target',
    message: 's3://paper/feeds-of-it/ cannot be used: the list of objects was refused: NoSuchBucket.',
  });
  await expect((await newsroom(server, { secret: 'another' })).write()).rejects.toThrow('SignatureDoesNotMatch');
});

test('a prefix with objects of others is refused', async () => {
  const server = await startS3('paper');
  const mine = { bytes: Buffer.from('mine'), type: undefined, coding: undefined, caching: undefined };
  server.objects.set(`${PREFIX}index.html`, mine);
  await expect((await newsroom(server)).write()).rejects.toThrow(
    's3://paper/feeds-of-it/ has objects that no export has written.',
  );
  expect([...server.objects.keys()]).toEqual([`${PREFIX}index.html`]);
});

test.each(['s3:/paper', 's3://', 's3://paper/../x', 's3://Pa_per'])('%s is no address of storage', (site) => {
  expect(() => s3Target(site, { ...CREDENTIALS, endpoint: undefined, lockFolder: '/tmp' })).toThrow('--site must be');
});
