import { rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadPublication } from '../../src/config/publication.ts';
import { storeFile } from '../../src/service/data-folder.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { type Answer, ask, decoded, makeFolder, put, type Running, record, serving } from '../helpers.ts';
import { keyFor, NOW, SECOND } from './api.ts';
import { askPartner, basic, bearer, partnerKey, told } from './partners.ts';

const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const BODY = `<p>${'A long story of many words. '.repeat(200)}</p>`;
const PICTURE = { url: 'https://pictures.example/a.jpg', type: 'image/jpeg', width: 1200, height: 800 };

let folder = '';
let service: Running;
let now = NOW;
const keys: Record<string, string> = {};

beforeAll(async () => {
  folder = await makeFolder({
    'partners/wire.yaml': 'name: Wire\ndialect: plain\nfeeds: [latest]\ncampaign: { utm_source: wire }\n',
    'partners/late.yaml': 'name: Late\ndialect: plain\nselect: { any: [section/world] }\ndelay: { hours: 1 }\n',
    'partners/msn.yaml': 'name: MSN\ndialect: msn\nfeeds: [latest]\n',
    'partners/agency.yaml': 'name: Agency\ndialect: ninjs\nfeeds: [latest]\n',
    'partners/slow.yaml': 'name: Slow\ndialect: plain\nfeeds: [latest]\nrate: 2\n',
  });
  ({ key: keys.write = '' } = await keyFor(folder));
  for (const name of ['wire', 'late', 'msn', 'agency', 'slow']) {
    ({ key: keys[name] = '' } = await partnerKey(folder, name));
  }
  service = await serving(folder, { now: () => now });
});

afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true });
});

const api = (method: string, id: string, body?: object) =>
  ask(service.port, `/api/articles/${id}`, {
    method,
    headers: bearer(keys.write ?? ''),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const story = (id: string, fields: object = {}) =>
  api('PUT', id, {
    ...record({ id, url: `https://news.example/${id}`, title: 'A title of more than twenty letters', body: BODY }),
    image: PICTURE,
    ...fields,
  });
const get = (partner: string, feed: string, headers = {}) =>
  askPartner(service.port, `${partner}/${feed}`, keys[partner] ?? '', headers);

describe('an answer to a partner', () => {
  beforeAll(async () => {
    await story('first', { sections: ['World'] });
  });

  test('has the headers of private documents, and leads nowhere but to itself', async () => {
    const answer = await get('wire', 'latest.rss');
    expect(told(answer).headers).toEqual({
      'cache-control': 'private, no-cache',
      connection: 'close',
      'content-length': String(answer.body.length),
      'content-location': 'https://feeds.news.example/partners/wire/latest.rss',
      'content-type': 'application/rss+xml; charset=utf-8',
      etag: expect.stringMatching(/^"[\w-]{16}"$/),
      'last-modified': 'Sun, 22 Nov 2026 12:00:00 GMT',
      link: '<https://feeds.news.example/partners/wire/latest.rss>; rel="self"; type="application/rss+xml"',
      'referrer-policy': 'no-referrer',
      'repr-digest': expect.stringMatching(/^sha-256=:/),
      vary: 'Accept-Encoding, Authorization',
      'x-content-type-options': 'nosniff',
    });
    expect(answer.text).toContain('<link>https://news.example/first?utm_source=wire</link>');
    expect(answer.text).toContain('href="https://feeds.news.example/partners/wire/latest.rss"');
  });

  test.each(['rss', 'atom', 'json'])('in %s is the same with each way to give the key', async (format) => {
    const key = keys.wire ?? '';
    const answers = await Promise.all([
      get('wire', `latest.${format}`),
      ask(service.port, `/partners/wire/latest.${format}`, { headers: basic('wire', key) }),
      ask(service.port, `/partners/wire/${key}/latest.${format}`),
    ]);
    const [first, ...others] = answers.map(told);
    expect(first?.status).toBe(200);
    for (const answer of others) expect(answer).toEqual(first);
  });

  test.each(['br', 'zstd', 'gzip'])('comes in %s, with a tag of its own', async (coding) => {
    const plain = await get('wire', 'latest.rss');
    const answer = await get('wire', 'latest.rss', { 'Accept-Encoding': coding });
    expect([answer.status, answer.headers['content-encoding'], decoded(answer).toString()]).toEqual([
      200,
      coding,
      plain.text,
    ]);
    expect(answer.headers.etag).toBe(plain.headers.etag?.replace(/"$/, `-${coding}"`));
  });

  test('to a client with the current document is a 304 with the validators', async () => {
    const { headers } = await get('wire', 'latest.rss');
    const byTag = await get('wire', 'latest.rss', { 'If-None-Match': headers.etag });
    const byDate = await get('wire', 'latest.rss', { 'If-Modified-Since': headers['last-modified'] });
    for (const answer of [byTag, byDate]) {
      expect(told(answer)).toEqual({
        status: 304,
        headers: {
          'cache-control': 'private, no-cache',
          connection: 'close',
          'content-location': 'https://feeds.news.example/partners/wire/latest.rss',
          etag: headers.etag,
          'last-modified': headers['last-modified'],
          'referrer-policy': 'no-referrer',
          vary: 'Accept-Encoding, Authorization',
          'x-content-type-options': 'nosniff',
        },
        text: '',
      });
    }
  });

  test('to HEAD is that to GET without its content', async () => {
    const whole = await get('wire', 'latest.atom');
    const head = await ask(service.port, '/partners/wire/latest.atom', {
      method: 'HEAD',
      headers: bearer(keys.wire ?? ''),
    });
    expect(told(head)).toEqual({ ...told(whole), text: '' });
  });

  test('is whole where readers would get a delta', async () => {
    const { headers, text } = await get('wire', 'latest.rss');
    const answer = await get('wire', 'latest.rss', {
      'A-IM': 'feed',
      'If-None-Match': `${headers.etag?.slice(0, -2)}A"`,
    });
    expect([answer.status, answer.text, answer.headers.im]).toEqual([200, text, undefined]);
  });
});

describe('one DELETE', () => {
  test.each<[string, string, (id: string) => string]>([
    ['wire', 'latest.atom', (id) => `ref="tag:news.example,2026:${id}" when=`],
    ['msn', 'latest.rss', () => '<mi:expirationDate>'],
    ['agency', 'latest.json', () => '"pubStatus":"canceled"'],
  ])('reaches %s with the next conditional poll', async (partner, feed, mark) => {
    const id = `gone-${partner}`;
    await story(id);
    const before = await get(partner, feed);
    expect(before.text).toContain(`https://news.example/${id}`);
    const validators = [
      { 'If-None-Match': before.headers.etag },
      { 'If-Modified-Since': before.headers['last-modified'] },
    ];
    now += SECOND;
    await api('DELETE', id);
    for (const validator of validators) {
      const after = await get(partner, feed, validator);
      expect(after.status).toBe(200);
      expect(after.text).toContain(mark(id));
    }
    now = NOW;
  });
});

test('a holdback is over for a partner at its moment, and readers of feeds never meet its selection', async () => {
  const at = NOW + HOUR;
  now = at;
  await story('held', { sections: ['World'], publishedAt: new Date(at).toISOString() });
  now = at + HOUR - 1;
  const before = await get('late', 'selection.json');
  now = at + HOUR;
  const after = await get('late', 'selection.json', { 'If-None-Match': before.headers.etag });
  now = NOW;

  const titles = ({ text }: Answer) => JSON.parse(text).items.map(({ url }: { url: string }) => url);
  expect(titles(before)).toEqual(['https://news.example/first']);
  expect(titles(after)).toEqual(['https://news.example/held', 'https://news.example/first']);
  expect(Date.parse(after.headers['last-modified'] ?? '')).toBe(at + HOUR);
  expect((await ask(service.port, '/feeds/partner/late.json')).status).toBe(404);
});

test('a partner with a rate gets 429 for more documents, and 304s all the same', async () => {
  await api('PUT', 'rate', record({ id: 'rate' }));
  const { headers } = await get('slow', 'latest.rss');
  const second = await get('slow', 'latest.atom');
  const third = await get('slow', 'latest.rss');
  const unchanged = await get('slow', 'latest.rss', { 'If-None-Match': headers.etag });
  const changed = await get('slow', 'latest.rss', { 'If-None-Match': '"another"' });
  const wrong = await get('slow', 'nothing.rss');
  const other = await partnerKey(folder, 'slow', { name: 'another key' });

  expect([second, third, unchanged, changed, wrong].map(({ status }) => status)).toEqual([200, 429, 304, 429, 429]);
  expect(third.headers).toMatchObject({ 'retry-after': '30', 'cache-control': 'private, no-store' });
  expect(JSON.parse(third.text)).toMatchObject({
    title: 'This key sent too many requests.',
    code: 'too_many_requests',
  });
  expect((await askPartner(service.port, 'slow/latest.rss', other.key)).status).toBe(200);
  expect((await get('wire', 'latest.rss')).status).toBe(200);
});

test('a change of a file, and one by another process, are in the next answer', async () => {
  await put(folder, 'articles/file.json', JSON.stringify(record({ id: 'file', url: 'https://news.example/file' })));
  const first = await get('wire', 'latest.json');
  const store = openSqliteStore(storeFile(folder));
  await store.apply([{ kind: 'withdraw', id: 'file' }], () => NOW);
  await store.close();
  const second = await get('wire', 'latest.json');

  expect([first, second].map(({ text }) => text.includes('https://news.example/file'))).toEqual([true, false]);
});

test('a reload changes what a partner gets, and its date; a partner that is removed gets nothing more', async () => {
  const before = await get('wire', 'latest.rss');
  now = NOW + MINUTE;
  await put(folder, 'partners/wire.yaml', 'name: Wire\ndialect: summary\nfeeds: [latest]\n');
  await unlink(join(folder, 'partners/slow.yaml'));
  await service.reload(loadPublication(folder));
  const after = await get('wire', 'latest.rss', { 'If-Modified-Since': before.headers['last-modified'] });
  const removed = await get('slow', 'latest.rss');
  const other = await get('agency', 'latest.json');
  now = NOW;

  expect([before.text.includes('content:encoded>'), after.text.includes('content:encoded>')]).toEqual([true, false]);
  expect([after.status, after.headers['last-modified']]).toEqual([200, 'Sun, 22 Nov 2026 12:01:00 GMT']);
  expect([removed.status, other.status]).toEqual([401, 200]);
});
