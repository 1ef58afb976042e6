import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, decoded, makeFolder, type Running, serving } from '../helpers.ts';

let folder: string;
let service: Running;
beforeAll(async () => {
  folder = await makeFolder({});
  service = await serving(folder, {});
});
afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true });
});

const NAMES = ['record', 'publication'];

test.each(NAMES)('/schema/%s.json is the file of the package, for any page and any cache', async (name) => {
  const path = `/schema/${name}.json`;
  const answer = await ask(service.port, path);

  expect([answer.status, answer.headers]).toMatchObject([
    200,
    {
      'content-type': 'application/schema+json; charset=utf-8',
      'cache-control': expect.stringMatching(/^public, max-age=\d+/),
      'access-control-allow-origin': '*',
      'x-content-type-options': 'nosniff',
      vary: 'Accept-Encoding',
      etag: expect.stringMatching(/^"[\w-]+"$/),
    },
  ]);
  expect(answer.body.toString()).toBe(readFileSync(join(import.meta.dirname, '../../schema', `${name}.json`), 'utf8'));

  const head = await ask(service.port, path, { method: 'HEAD' });
  // A second may end between both: the date, and with it the time for which a cache may keep the file, is another one then.
  const { date, 'cache-control': caching } = head.headers;
  expect([head.status, head.headers, head.body.length]).toEqual([
    200,
    { ...answer.headers, date, 'cache-control': caching },
    0,
  ]);
  expect(caching).toMatch(/^public, max-age=\d+, stale-while-revalidate=1, stale-if-error=86400$/);

  const again = await ask(service.port, path, { headers: { 'If-None-Match': String(answer.headers.etag) } });
  expect([again.status, again.headers.etag, again.body.length]).toEqual([304, answer.headers.etag, 0]);

  const packed = await ask(service.port, path, { headers: { 'Accept-Encoding': 'gzip' } });
  expect(packed.headers['content-encoding']).toBe('gzip');
  expect(decoded(packed)).toEqual(answer.body);
});

test.each(NAMES)('/schema/%s.json allows no other methods', async (name) => {
  const { status, headers } = await ask(service.port, `/schema/${name}.json`, { method: 'PUT' });
  expect([status, headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS']);
});
