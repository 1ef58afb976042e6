import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordDelivery, wideNetworkOf } from '../../src/http/partner-delivery.ts';
import { respondWithBytes } from '../../src/http/respond.ts';
import type { DeliveryEnd } from '../../src/partner/deliveries.ts';
import { createSigningKey, type PublicKey, readSigningKey } from '../../src/partner/proof/keys.ts';
import { parseSavedAnswer } from '../../src/partner/proof/saved-answer.ts';
import { verifyDelivery } from '../../src/partner/proof/verify-delivery.ts';
import { openDeliveryFile } from '../../src/store/sqlite/delivery-file.ts';
import { command } from '../commands/terminal.ts';
import { type Answer, ask, makeFolder, type Running, record, serving } from '../helpers.ts';
import { speak } from '../raw.ts';
import { keyFor, NOW } from './api.ts';
import { askPartner, bearer, partnerKey } from './partners.ts';

const PARTNER = (name: string, more = 'feeds: [latest]') => `name: ${name}\ndialect: plain\n${more}\n`;
const MINUTE = 60_000;

let folder = '';
let service: Running;
let now = NOW;
let signingKey: PublicKey;
let apiKey = '';
const keys = new Map<string, { readonly id: string; readonly key: string }>();

beforeAll(async () => {
  folder = await makeFolder({
    'articles/a.json': JSON.stringify(record({ id: 'a', tags: ['Sport'] })),
    'partners/wire.yaml': PARTNER('Wire'),
    'partners/paper.yaml': PARTNER('Paper'),
    'partners/late.yaml': PARTNER('Late', 'feeds: [latest]\ndelay: { days: 300 }'),
    'partners/sports.yaml': PARTNER('Sports', 'select: { any: [tag/sport] }'),
    'partners/other.yaml': PARTNER('Other', 'feeds: [tag/other]'),
  });
  signingKey = createSigningKey(join(folder, 'key.pem'));
  ({ key: apiKey } = await keyFor(folder));
  for (const partner of ['wire', 'paper', 'sports']) keys.set(partner, await partnerKey(folder, partner));
  service = await serving(folder, {
    now: () => now,
    signingKey: readSigningKey(join(folder, 'key.pem')),
    metrics: { host: '127.0.0.1', port: 0, isRequired: true },
  });
});

afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true });
});

const keyOf = (partner: string) => keys.get(partner)?.key ?? '';
const fetch = (path: string, headers = {}) => askPartner(service.port, path, keyOf(path.split('/')[0] ?? ''), headers);

async function api(path: string, method = 'GET', body?: unknown): Promise<Answer> {
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  return ask(service.port, `/api/${path}`, { method, headers: bearer(apiKey), ...content });
}

async function deliveriesTo(partner: string) {
  const { deliveries } = JSON.parse((await api(`partners/${partner}/deliveries`)).text);
  return deliveries;
}

async function receiptsFor(article: string): Promise<Record<string, string>> {
  const { withdrawals } = JSON.parse((await api('withdrawals')).text);
  const found = withdrawals.find((one: { article: string }) => one.article === article);
  const receipts: { partner: string; state: string }[] = found?.receipts ?? [];
  return Object.fromEntries(receipts.map(({ partner, state }) => [partner, state]));
}

describe('every answer to a partner is recorded', () => {
  test('with its key, feed, status, bytes, revision and network', async () => {
    const whole = await fetch('wire/latest.rss');
    await fetch('wire/latest.rss', { 'If-None-Match': whole.headers.etag });
    await ask(service.port, `/partners/wire/${keyOf('wire')}/latest.rss`, { method: 'HEAD' });
    await ask(service.port, `/partners/wire/${keyOf('wire')}/${keyOf('wire')}.rss`);
    const common = { at: '2026-11-22T12:00:00Z', partner: 'wire', key: keys.get('wire')?.id, network: '127.0.0.0/24' };
    const feed = { ...common, feed: 'latest', format: 'rss', revision: 1 };
    expect(await deliveriesTo('wire')).toEqual([
      {
        ...common,
        feed: 'unknown',
        format: 'unknown',
        revision: 0,
        status: 404,
        bytes: expect.any(Number),
        whole: true,
      },
      { ...feed, status: 200, bytes: 0, whole: false },
      { ...feed, status: 304, bytes: 0, whole: true },
      { ...feed, status: 200, bytes: whole.body.length, whole: true },
    ]);
  });

  test('not one without a valid key, and no key anywhere', async () => {
    await ask(service.port, '/partners/paper/latest.rss');
    await ask(service.port, '/partners/paper/latest.rss', { headers: bearer(keyOf('wire')) });
    expect(await deliveriesTo('paper')).toEqual([]);
    const file = openDeliveryFile({
      file: join(folder, 'store/deliveries.sqlite'),
      now: () => now,
      since: () => undefined,
      onLoss: () => {},
    });
    const recorded = JSON.stringify(await file.deliveries({ limit: 1000 }));
    await file.close();
    expect(recorded).toContain('127.0.0.0/24');
    for (const { key } of keys.values()) expect(recorded).not.toContain(key);
  });

  test('one that broke off is not whole', async () => {
    const ended = Promise.withResolvers<DeliveryEnd>();
    const length = 64 * 1024 * 1024; // more than the system takes for a client that does not read
    const server = createServer((request, response) => {
      const recorder = { begin: () => ended.resolve };
      const deliver = recordDelivery(request, response, { recorder, partner: 'wire', key: 'k', client: '192.0.2.1' });
      deliver({ feed: 'latest', format: 'rss', revision: 3 });
      respondWithBytes(request, response, { status: 200, headers: {}, body: Buffer.alloc(length) });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { socket } = await speak((server.address() as AddressInfo).port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    socket.destroy();
    const { bytes, ...end } = await ended.promise;
    server.close();
    expect(end).toEqual({ feed: 'latest', format: 'rss', revision: 3, status: 200, isWhole: false });
    expect(bytes).toBeGreaterThan(0);
  });

  test('one that a reload begins anew is one', async () => {
    const ended = Promise.withResolvers<DeliveryEnd>();
    let begun = 0;
    const recorder = {
      begin() {
        begun += 1;
        return ended.resolve;
      },
    };
    const server = createServer((request, response) => {
      const parts = { recorder, partner: 'wire', key: 'k', client: '192.0.2.1' };
      recordDelivery(request, response, parts);
      recordDelivery(request, response, parts)({ feed: 'latest', format: 'rss', revision: 3 });
      respondWithBytes(request, response, { status: 200, headers: {}, body: Buffer.from('whole') });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    await ask((server.address() as AddressInfo).port, '/');
    const end = await ended.promise;
    server.close();
    expect([begun, end]).toEqual([
      1,
      { feed: 'latest', format: 'rss', revision: 3, status: 200, isWhole: true, bytes: 5 },
    ]);
  });

  test.each([
    ['192.0.2.77', '192.0.2.0/24'],
    ['::ffff:192.0.2.77', '192.0.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['fe80::1%eth0', 'fe80::/48'],
    ['unknown', 'unknown'],
    ['', 'unknown'],
  ])('%s is of the network %s', (address, network) => {
    expect(wideNetworkOf(address)).toBe(network);
  });
});

describe('receipts', () => {
  test('of one DELETE: who could have it, who had it, who has seen it go', async () => {
    await api('articles/b', 'PUT', record({ id: 'b', url: '/b', tags: ['Sport'] }));
    await fetch('wire/latest.rss');
    await fetch('sports/selection.rss');
    now += MINUTE;
    await api('articles/b?reason=Wrong', 'DELETE');
    expect(await receiptsFor('b')).toEqual({ wire: 'not seen', paper: 'never fetched', sports: 'not seen' });

    now += MINUTE;
    const { text, status } = await fetch('sports/selection.rss');
    expect([status, text.includes('news.example,2026:b')]).toEqual([200, false]);
    expect(await receiptsFor('b')).toEqual({ wire: 'not seen', paper: 'never fetched', sports: 'seen' });
    const shown = await command([
      'withdrawals',
      '--data',
      folder,
      '--since',
      '2026-11-01',
      '--partner',
      'sports',
      '--json',
    ]);
    expect(
      shown.out
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
        .find(({ article }) => article === 'b'),
    ).toEqual({
      ...{ article: 'b', publicId: 'tag:news.example,2026:b', kind: 'withdrawn', at: '2026-11-22T12:01:00Z' },
      ...{ published: '2026-11-20T10:00:00Z', title: 'A title', url: 'https://news.example/b', reason: 'Wrong' },
      receipts: [
        {
          partner: 'sports',
          state: 'seen',
          at: '2026-11-22T12:02:00Z',
          key: keys.get('sports')?.id,
          feed: 'selection',
        },
      ],
    });

    now += 31 * 24 * 60 * MINUTE;
    expect(await receiptsFor('b')).toEqual({});
    const { withdrawals } = JSON.parse((await api('withdrawals?since=2026-11-01&partner=wire')).text);
    expect(withdrawals.find((one: { article: string }) => one.article === 'b').receipts).toEqual([
      { partner: 'wire', state: 'expired', known: 'not seen' },
    ]);
  });

  test('of a story that expires, and of a correction with a note', async () => {
    const soon = new Date(now + MINUTE).toISOString();
    const before = new Date(now - MINUTE).toISOString();
    await api('articles/c', 'PUT', record({ id: 'c', url: '/c', publishedAt: before, expiresAt: soon }));
    await api('articles/d', 'PUT', record({ id: 'd', url: '/d', publishedAt: before }));
    await fetch('wire/latest.rss');
    now += MINUTE / 2;
    const correction = { note: 'The bridge is open.', at: new Date(now).toISOString() };
    await api('articles/d', 'PUT', record({ id: 'd', url: '/d', publishedAt: before, correction }));
    expect([await receiptsFor('c'), await receiptsFor('d')]).toEqual([
      {},
      { wire: 'not seen', paper: 'never fetched' },
    ]);
    now += MINUTE;
    expect(await receiptsFor('c')).toEqual({ wire: 'not seen', paper: 'never fetched' });
    await fetch('wire/latest.rss');
    expect([await receiptsFor('c'), await receiptsFor('d')]).toEqual([
      { wire: 'seen', paper: 'never fetched' },
      { wire: 'seen', paper: 'never fetched' },
    ]);
  });

  test('the last page of the change feed tells of everything up to there', async () => {
    const before = new Date(now - MINUTE).toISOString();
    await api('articles/e', 'PUT', record({ id: 'e', url: '/e', publishedAt: before }));
    await fetch('paper/changes');
    now += MINUTE;
    await api('articles/e', 'DELETE');
    const first = await fetch('paper/changes?limit=1');
    expect(JSON.parse(first.text).hasMore).toBe(true);
    expect((await receiptsFor('e')).paper).toBe('not seen');
    const last = await fetch('paper/changes');
    expect(JSON.parse(last.text).hasMore).toBe(false);
    expect((await receiptsFor('e')).paper).toBe('seen');
    expect((await fetch('paper/changes?since=x')).status).toBe(400);
    const deliveries = await deliveriesTo('paper');
    expect(deliveries.slice(0, 3).map(({ feed, status }: { feed: string; status: number }) => [feed, status])).toEqual([
      ['changes', 400],
      ['changes', 200],
      ['changes', 200],
    ]);
    expect(deliveries[1].bytes).toBe(last.body.length);
  });

  test('an erasure takes the story away as a withdrawal does, and its title with it', async () => {
    const before = new Date(now - MINUTE).toISOString();
    await api('articles/f', 'PUT', record({ id: 'f', url: '/f', publishedAt: before }));
    await fetch('wire/latest.rss');
    now += MINUTE;
    await api('articles/f', 'DELETE');
    expect((await fetch('wire/latest.rss')).status).toBe(200);
    now += MINUTE;
    await api('articles/f?erase=true', 'DELETE');
    expect((await receiptsFor('f')).wire).toBe('seen'); // the withdrawal, which the erasure did not change
    expect((await fetch('wire/latest.rss')).status).toBe(200);
    const { withdrawals } = JSON.parse((await api('withdrawals')).text);
    const erased = withdrawals.find(({ article }: { article: string }) => article === 'f');
    expect([erased.kind, 'title' in erased, 'url' in erased]).toEqual(['withdrawn', false, false]);
  });

  test('page by page', async () => {
    const all = JSON.parse((await api('withdrawals?since=2026-01-01')).text).withdrawals;
    const seen: unknown[] = [];
    let cursor = '';
    for (let page = 0; page < 20; page += 1) {
      const body = JSON.parse((await api(`withdrawals?since=2026-01-01&limit=1${cursor}`)).text);
      seen.push(...body.withdrawals);
      if (body.cursor === undefined) break;
      cursor = `&cursor=${body.cursor}`;
    }
    expect(seen.length).toBeGreaterThan(2);
    expect(seen).toEqual(all);
  });
});

test('deliveries page by page, and wrong questions', async () => {
  const all = await deliveriesTo('wire');
  const first = JSON.parse((await api('partners/wire/deliveries?limit=2')).text);
  const rest = JSON.parse((await api(`partners/wire/deliveries?cursor=${first.cursor}`)).text);
  expect([...first.deliveries, ...rest.deliveries]).toEqual(all);
  expect(rest.cursor).toBeUndefined();
  for (const [path, status] of [
    ['partners/wir/deliveries', 404],
    ['partners/wire/deliveries?since=yesterday', 400],
    ['withdrawals?cursor=1', 400],
    ['withdrawals?partner=wir', 400],
  ] as const) {
    const answer = await api(path);
    expect([path, answer.status]).toEqual([path, status]);
    if (path.includes('wir/') || path.endsWith('wir')) expect(answer.text).toContain('Did you mean wire?');
  }
});

describe('the operator’s port', () => {
  const page = (path: string) => ask(service.metricsPort ?? 0, path, { headers: { Host: 'localhost' } });

  test('has a page of all partners, and one for each', async () => {
    const list = await page('/partners');
    expect([list.status, list.headers['content-type'], list.headers['cache-control']]).toEqual([
      200,
      'text/html; charset=utf-8',
      'no-store',
    ]);
    expect(list.headers['content-security-policy']).toContain("default-src 'none'");
    const links = [...list.text.matchAll(/href="partners\/([^"]+)"/g)].map(([, id]) => id);
    expect(links).toEqual(['late', 'other', 'paper', 'sports', 'wire']);
    expect((await page('/partners?after=paper')).text).not.toContain('href="partners/paper"');

    const { status, text } = await page('/partners/wire');
    expect([status, text]).toEqual([200, expect.stringContaining('href="../partners"')]);
    for (const part of ['Withdrawals and corrections', keys.get('wire')?.id ?? '', '127.0.0.0/24', 'for wire'])
      expect(text).toContain(part);
    for (const { key } of keys.values()) expect(list.text + text).not.toContain(key);
    expect((await page('/status')).text).toContain('<a href="partners">Partners</a>');
  });

  test('has nothing for an unknown partner, and no page for foreign names', async () => {
    expect(await page('/partners/nobody')).toMatchObject({
      status: 404,
      text: expect.stringContaining('There is no partner “nobody”.'),
    });
    const key = keys.get('wire')?.key ?? '';
    expect((await page(`/partners/${key}`)).text).not.toContain(key);
    const foreign = await ask(service.metricsPort ?? 0, '/partners/wire', { headers: { Host: 'evil.example' } });
    expect(foreign.status).toBe(421);
  });

  test('counts deliveries by partner and status', async () => {
    const { text } = await page('/metrics');
    expect(text).toMatch(/^feed_publisher_deliveries_total\{partner="wire",status="304"\} [1-9]/m);
    expect(text).toMatch(/^feed_publisher_lost_deliveries_total 0$/m);
    expect(text).toMatch(/^feed_publisher_deliveries_saved_seconds \d/m);
  });
});

describe('proof', () => {
  const saved = ({ status, headers, body }: Answer) => {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
    return Buffer.concat([Buffer.from([`HTTP/1.1 ${status}`, ...lines, '', ''].join('\r\n')), body]);
  };
  const verdict = (answer: Answer) => {
    const parsed = parseSavedAnswer(saved(answer));
    if (parsed === undefined) throw new Error('no answer');
    return verifyDelivery(parsed, signingKey);
  };

  test.each(['br', 'gzip', 'zstd', 'identity'])('an answer in %s proves what was delivered', async (coding) => {
    const answer = await fetch('wire/latest.rss', { 'Accept-Encoding': coding });
    expect(answer.headers['content-encoding'] ?? 'identity').toBe(coding);
    expect(answer.headers['content-location']).toBe('https://feeds.news.example/partners/wire/latest.rss');
    expect(verdict(answer)).toMatchObject({ isProven: true });
  });

  test('so do an answer to an address with a key, to HEAD, and a 304', async () => {
    const inPath = await ask(service.port, `/partners/wire/${keyOf('wire')}/latest.rss`);
    expect(verdict(inPath)).toMatchObject({ isProven: true });
    expect(JSON.stringify(inPath.headers)).not.toContain(keyOf('wire'));
    const head = await ask(service.port, `/partners/wire/${keyOf('wire')}/latest.rss`, { method: 'HEAD' });
    expect(head.headers['repr-digest']).toBe(inPath.headers['repr-digest']);
    const unchanged = await fetch('wire/latest.rss', { 'If-None-Match': inPath.headers.etag });
    expect([unchanged.status, unchanged.headers['repr-digest']]).toEqual([304, undefined]);
    expect(verdict(unchanged)).toMatchObject({ isProven: true });
    const changes = await fetch('wire/changes?limit=2');
    expect(changes.headers['content-location']).toBe('https://feeds.news.example/partners/wire/changes?limit=2');
    expect(verdict(changes)).toMatchObject({ isProven: true });
    for (const header of ['signature', 'signature-input', 'content-location'])
      expect([header, (await ask(service.port, '/feeds/latest.rss')).headers[header]]).toEqual([header, undefined]);
  });
});
