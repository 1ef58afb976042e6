import { rm } from 'node:fs/promises';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { type Answer, ask, dataFolder, decoded, makeFolder, put, record, serving, start } from '../helpers.ts';
import { NOW } from './api.ts';

const CODINGS = ['br', 'zstd', 'gzip', 'identity'] as const;

async function newsroom() {
  const body = `<p>${'Suyun izinde, آب و باران, ئاو. '.repeat(200)}</p>`;
  return dataFolder({ 'articles/a.json': JSON.stringify(record({ body })) });
}

describe.each(['rss', 'atom', 'json'])('latest.%s', (format) => {
  const path = `/feeds/latest.${format}`;

  test('is the same text in every coding, each smaller than none', async () => {
    const { port } = await start(await newsroom());
    const plain = await ask(port, path);

    for (const coding of CODINGS) {
      const answer = await ask(port, path, { headers: { 'Accept-Encoding': coding } });
      expect(answer.headers['content-encoding'] ?? 'identity').toBe(coding);
      expect(decoded(answer).equals(plain.body), coding).toBe(true);
      expect(answer.body.length < plain.body.length / 4, coding).toBe(coding !== 'identity');
    }
  });

  test('has a strong tag of its own in every coding, and the same one for the same bytes', async () => {
    const { port } = await start(await newsroom());
    const tags = await Promise.all([...CODINGS, ...CODINGS].map((coding) => tagOf(port, path, coding)));

    for (const tag of tags) expect(tag).toMatch(/^"[\x21\x23-\x7e]+"$/);
    expect(new Set(tags).size).toBe(4);
    expect(tags.slice(0, 4)).toEqual(tags.slice(4));
  });

  test('has other tags in every coding when an article changed', async () => {
    const folder = await newsroom();
    const { port } = await start(folder);
    const before = await Promise.all(CODINGS.map((coding) => tagOf(port, path, coding)));
    await put(folder, 'articles/a.json', JSON.stringify(record({ title: 'Another title' })));
    const after = await Promise.all(CODINGS.map((coding) => tagOf(port, path, coding)));

    expect(new Set([...before, ...after]).size).toBe(8);
  });
});

test('the formats of one feed have different tags', async () => {
  const { port } = await start(await newsroom());
  const tags = ['rss', 'atom', 'json'].map((format) => tagOf(port, `/feeds/latest.${format}`, 'identity'));

  expect(new Set(await Promise.all(tags)).size).toBe(3);
});

test('many who ask at once for what nobody asked for yet get the same bytes', async () => {
  const { port } = await start(await newsroom());
  const headers = { 'Accept-Encoding': 'br' };
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(port, '/feeds/latest.rss', { headers })));

  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(new Set(answers.map(({ headers: { etag } }) => etag)).size).toBe(1);
  expect(new Set(answers.map(({ body }) => body.toString('hex'))).size).toBe(1);
});

async function tagOf(port: number, path: string, coding: string): Promise<string | undefined> {
  return (await ask(port, path, { headers: { 'Accept-Encoding': coding } })).headers.etag;
}

const filesOf = (length: number) => ({
  'articles/a.json': JSON.stringify(record({ summary: 'Short.', body: `<p>${'x'.repeat(length)}</p>` })),
});

/** Bytes that a feed in RSS has beside a body of 1000 letters. */
let overhead: number;
beforeAll(async () => {
  const folder = await makeFolder(filesOf(1000));
  const { port, close } = await serving(folder, {});
  overhead = (await ask(port, '/feeds/latest.rss')).body.length - 1000;
  await close();
  await rm(folder, { recursive: true });
});

/** A newsroom whose one feed is that large in RSS. */
function newsroomOf(bytes: number): Promise<string> {
  return dataFolder(filesOf(bytes - overhead));
}

/**
 * The service of such a newsroom, of which nobody asked for anything yet. Its clock stands still: max-age and Last-Modified
 * depend on the second of an answer.
 */
async function serviceOf(bytes: number) {
  const { port } = await start(await newsroomOf(bytes), { now: () => NOW });
  return {
    port,
    get: (accepted: string, method = 'GET', more: Readonly<Record<string, string>> = {}) =>
      ask(port, '/feeds/latest.rss', { method, headers: { 'Accept-Encoding': accepted, ...more } }),
  };
}

function codingOf({ headers }: Answer): string {
  return headers['content-encoding'] ?? 'identity';
}

describe('a document that takes long to compress', () => {
  const LARGE = 100_000;
  /** Milliseconds after which a coding will not come any more. */
  const HANG = 60_000;

  test.each([
    ['br', 'identity'],
    ['gzip, deflate, br, zstd', 'identity'],
    ['zstd;q=0.5', 'identity'],
    ['*', 'identity'],
    ['br, identity;q=0.1', 'identity'],
    ['identity', 'identity'],
    ['br, identity;q=0', 'br'],
    ['gzip;q=0.5, zstd, identity;q=0', 'zstd'],
    ['gzip;q=0.1, *;q=0', 'gzip'],
  ])('is answered to the first who asks with “%s” in %s', async (accepted, coding) => {
    const { get } = await serviceOf(LARGE);
    const first = await get(accepted);

    expect([first.status, codingOf(first)]).toEqual([200, coding]);
    expect(decoded(first)).toHaveLength(LARGE);
    expect(first.headers).toMatchObject({ 'content-length': String(first.body.length), vary: 'Accept-Encoding, A-IM' });
  });

  test.each([
    ['br, gzip', 'gzip'],
    ['br, gzip;q=0.1, identity;q=0.5', 'identity'],
    ['br, gzip;q=0', 'identity'],
    ['br, gzip;q=0.001, identity;q=0', 'gzip'],
    ['br, gzip;q=0, identity;q=0', 'br'],
  ])('and is there in gzip is answered to the first who asks with “%s” in %s', async (accepted, coding) => {
    const { get } = await serviceOf(LARGE);
    await get('gzip, identity;q=0');
    const answer = await get(accepted);

    expect(codingOf(answer)).toBe(coding);
    expect(decoded(answer)).toHaveLength(LARGE);
  });

  test.each(['br', 'zstd', 'gzip'])('is soon answered in %s, as anew to those who have it', async (coding) => {
    const { get } = await serviceOf(LARGE);
    const first = await get(coding);
    const head = await get(coding, 'HEAD');
    const soon = await vi.waitFor(async () => {
      const answer = await get(coding);
      expect(codingOf(answer)).toBe(coding);
      return answer;
    }, HANG);

    expect(codingOf(first)).toBe('identity');
    expect(head.body).toHaveLength(0);
    expect(decoded(soon).equals(first.body)).toBe(true);
    expect(soon.headers.etag).toBe(`${String(first.headers.etag).slice(0, -1)}-${coding}"`);
    for (const { headers } of [first, soon]) {
      const again = await get(coding, 'GET', { 'If-None-Match': String(headers.etag) });
      expect([again.status, again.headers.etag]).toEqual([304, headers.etag]);
    }
  });

  test('is answered in the same way to HEAD', async () => {
    const { get } = await serviceOf(LARGE);
    const head = await get('br', 'HEAD');
    const made = await get('br, identity;q=0');
    const later = await get('br', 'HEAD');

    expect([codingOf(head), head.headers['content-length'], head.body.length]).toEqual(['identity', `${LARGE}`, 0]);
    expect({ ...later.headers, date: '' }).toEqual({ ...made.headers, date: '' });
  });

  test('is waited for up to 32 KiB', async () => {
    const waited = await (await serviceOf(32 * 1024)).get('br');
    const notWaited = await (await serviceOf(32 * 1024 + 1)).get('br');

    expect([codingOf(waited), decoded(waited).length]).toEqual(['br', 32_768]);
    expect([codingOf(notWaited), notWaited.body.length]).toEqual(['identity', 32_769]);
  });

  test('is waited for where what is new in it is small, and its delta is not where that is large', async () => {
    const folder = await newsroomOf(LARGE);
    const { port } = await start(folder);
    const get = (tag?: string) => {
      const condition = tag === undefined ? {} : { 'If-None-Match': tag };
      return ask(port, '/feeds/latest.rss', { headers: { 'Accept-Encoding': 'br', 'A-IM': 'feed', ...condition } });
    };
    const before = await get();
    await put(folder, 'articles/b.json', JSON.stringify(record({ id: 'b' })));
    const small = await get(String(before.headers.etag));
    await put(folder, 'articles/c.json', JSON.stringify(record({ id: 'c', body: `<p>${'y'.repeat(LARGE)}</p>` })));
    const large = await get(String(small.headers.etag));

    expect([small.status, codingOf(small)]).toEqual([226, 'br']);
    expect(decoded(small).length).toBeLessThan(32_768);
    expect([large.status, codingOf(large)]).toEqual([226, 'identity']);
    await vi.waitFor(async () => {
      const soon = await get(String(small.headers.etag));
      expect([soon.status, codingOf(soon)]).toEqual([226, 'br']);
      expect(decoded(soon).equals(large.body)).toBe(true);
    }, HANG);
  });
});
