import { describe, expect, test } from 'vitest';
import { type Answer, ask, dataFolder, PUBLICATION, put, record, start } from '../helpers.ts';
import { startApi } from './api.ts';
import { READY_WAY, unmemorable, watchWays } from './ways.ts';

const NOON = Date.UTC(2026, 10, 22, 12);
const SECOND = 1000;

const STEADY = { 'articles/steady.json': JSON.stringify(record({ id: 'steady', title: 'Steady' })) };
/** Readable from 12:10:00 until 12:20:00. */
const PASSING = {
  ...STEADY,
  'articles/passing.json': JSON.stringify(
    record({
      id: 'passing',
      title: 'Passing',
      sections: ['Notices'],
      publishedAt: '2026-11-22T11:00:00Z',
      embargoUntil: '2026-11-22T12:10:00Z',
      expiresAt: '2026-11-22T12:20:00Z',
    }),
  ),
};

/** A service whose clock stands where it is put. */
async function clocked(files: Readonly<Record<string, string>>) {
  const clock = { now: NOON };
  const folder = await dataFolder(files);
  const { port } = await start(folder, { now: () => clock.now });
  return { clock, folder, port };
}

function titles({ text }: Answer): string[] {
  return JSON.parse(text).items.map((item: { title: string }) => item.title);
}

describe('freshness', () => {
  test.each([
    // seconds after noon, max-age
    [0, 60],
    [0.999, 60],
    [1, 59],
    [59, 1],
    [59.999, 1],
    [60, 60],
    [599, 1],
    [600, 60],
    [1199.5, 1],
    [100_000, 20],
  ])('%f s after noon: max-age=%i, whatever is under embargo or expires', async (seconds, maxAge) => {
    const { clock, port } = await clocked(PASSING);
    clock.now = NOON + seconds * SECOND;
    const { headers } = await ask(port, '/feeds/latest.rss');

    expect(headers['cache-control']).toBe(`public, max-age=${maxAge}, stale-while-revalidate=1, stale-if-error=86400`);
  });

  test('is that of the moment of asking, for a 304 as for a 200', async () => {
    const { clock, port } = await clocked(PASSING);
    const { headers } = await ask(port, '/feeds/latest.rss');
    clock.now = NOON + 590 * SECOND;
    const again = await ask(port, '/feeds/latest.rss', { headers: { 'If-None-Match': String(headers.etag) } });

    expect(again.status).toBe(304);
    expect(again.headers['cache-control']).toBe('public, max-age=10, stale-while-revalidate=1, stale-if-error=86400');
  });

  test.each([
    [0, 0],
    [60, 60],
    [86_400, 43_200],
  ])('is what publication.yaml says: maxAge %i at noon gives %i', async (maxAge, fresh) => {
    const { port } = await clocked({ ...STEADY, 'publication.yaml': `${PUBLICATION}maxAge: ${maxAge}\n` });
    const { headers } = await ask(port, '/feeds/latest.rss');

    expect(headers['cache-control']).toBe(`public, max-age=${fresh}, stale-while-revalidate=1, stale-if-error=86400`);
  });
});

describe.each(['rss', 'atom', 'json'])('an embargoed article in latest.%s', (format) => {
  const path = `/feeds/latest.${format}`;

  test('appears at the second its embargo ends, and leaves at the second it expires', async () => {
    const { clock, port } = await clocked(PASSING);
    const before = await ask(port, path);
    clock.now = NOON + 600 * SECOND - 1;
    const lastMoment = await ask(port, path);
    clock.now = NOON + 600 * SECOND;
    const visible = await ask(port, path);
    clock.now = NOON + 1200 * SECOND - 1;
    const lastShown = await ask(port, path);
    clock.now = NOON + 1200 * SECOND;
    const after = await ask(port, path);

    const all = [before, lastMoment, visible, lastShown, after];
    expect(all.map(({ text }) => text.includes('Passing'))).toEqual([false, false, true, true, false]);
    expect(all.map(({ text }) => text.includes('Steady'))).toEqual([true, true, true, true, true]);
    expect(all.map(({ headers }) => headers['last-modified'])).toEqual([
      'Fri, 20 Nov 2026 10:00:00 GMT',
      'Fri, 20 Nov 2026 10:00:00 GMT',
      'Sun, 22 Nov 2026 12:10:00 GMT',
      'Sun, 22 Nov 2026 12:10:00 GMT',
      'Sun, 22 Nov 2026 12:20:00 GMT',
    ]);
    const tags = all.map(({ headers }) => headers.etag);
    expect(tags[1]).toBe(tags[0]);
    expect(tags[2]).not.toBe(tags[1]);
    expect(tags[3]).toBe(tags[2]);
    expect(tags[4]).not.toBe(tags[3]);
  });

  test('is told to those who ask by tag and to those who ask by date', async () => {
    const { clock, port } = await clocked(PASSING);
    const conditions = async () => {
      const { headers } = await ask(port, path);
      return [
        { 'If-None-Match': String(headers.etag) },
        { 'If-Modified-Since': String(headers['last-modified']) },
      ] as const;
    };
    const statuses = (asked: readonly Record<string, string>[]) =>
      Promise.all(asked.map(async (headers) => (await ask(port, path, { headers })).status));

    const embargoed = await conditions();
    expect(await statuses(embargoed)).toEqual([304, 304]);
    clock.now = NOON + 600 * SECOND;
    expect(await statuses(embargoed)).toEqual([200, 200]);
    const visible = await conditions();
    expect(await statuses(visible)).toEqual([304, 304]);
    clock.now = NOON + 1200 * SECOND;
    expect(await statuses(visible)).toEqual([200, 200]);
  });

  test('is hidden again when the clock is set back', async () => {
    const { clock, port } = await clocked(PASSING);
    const before = await ask(port, path);
    clock.now = NOON + 700 * SECOND;
    const visible = await ask(port, path);
    clock.now = NOON + 300 * SECOND;
    const hidden = await ask(port, path, { headers: { 'If-None-Match': String(visible.headers.etag) } });

    expect(hidden.status).toBe(200);
    expect(hidden.body.equals(before.body)).toBe(true);
    expect(hidden.headers.etag).toBe(before.headers.etag);
  });
});

test('the feed of a section that only an embargoed article has begins and stays', async () => {
  const { clock, port } = await clocked(PASSING);
  const asked = async (seconds: number) => {
    clock.now = NOON + seconds * SECOND;
    const answer = await ask(port, '/feeds/section/notices.json');
    return [answer.status, answer.status === 200 ? titles(answer) : answer.headers['cache-control']];
  };

  expect(await asked(0)).toEqual([404, 'no-store']);
  expect(await asked(599.999)).toEqual([404, 'no-store']);
  expect(await asked(600)).toEqual([200, ['Passing']]);
  expect(await asked(1200)).toEqual([200, []]);
});

test('an article that was readable is not put under embargo any more: its date is its identity', async () => {
  const { folder, port } = await clocked(STEADY);
  const held = record({ id: 'steady', title: 'Held', embargoUntil: '2026-11-22T13:00:00Z' });
  const before = await ask(port, '/feeds/latest.json');
  await put(folder, 'articles/steady.json', JSON.stringify(held));
  const after = await ask(port, '/feeds/latest.json');

  expect(titles(after)).toEqual(['Steady']);
  expect(after.headers.etag).toBe(before.headers.etag);
});

describe('Last-Modified', () => {
  const change = (folder: string, title: string) =>
    put(folder, 'articles/steady.json', JSON.stringify(record({ id: 'steady', title })));

  test('a change within the second of an earlier one is told to those who ask by date', async () => {
    const { clock, folder, port } = await clocked(STEADY);
    clock.now = NOON + 200;
    await change(folder, 'First');
    const first = await ask(port, '/feeds/latest.json');
    clock.now = NOON + 700;
    await change(folder, 'Second');
    const headers = { 'If-Modified-Since': String(first.headers['last-modified']) };
    const second = await ask(port, '/feeds/latest.json', { headers });

    expect([first.headers['last-modified'], titles(first)]).toEqual(['Sun, 22 Nov 2026 12:00:00 GMT', ['First']]);
    expect([second.status, titles(second)]).toEqual([200, ['Second']]);
  });

  test('is never later than now, and comes to rest in the next second', async () => {
    const { clock, folder, port } = await clocked(STEADY);
    clock.now = NOON + 200;
    await change(folder, 'First');
    const dates: unknown[] = [];
    for (const milliseconds of [200, 999, 1000, 1999, 5000]) {
      clock.now = NOON + milliseconds;
      dates.push((await ask(port, '/feeds/latest.json')).headers['last-modified']);
    }
    const headers = { 'If-Modified-Since': 'Sun, 22 Nov 2026 12:00:01 GMT' };

    expect(dates).toEqual([
      'Sun, 22 Nov 2026 12:00:00 GMT',
      'Sun, 22 Nov 2026 12:00:00 GMT',
      'Sun, 22 Nov 2026 12:00:01 GMT',
      'Sun, 22 Nov 2026 12:00:01 GMT',
      'Sun, 22 Nov 2026 12:00:01 GMT',
    ]);
    expect((await ask(port, '/feeds/latest.json', { headers })).status).toBe(304);
  });

  test.each(['fast path', 'Express'])(
    'is never later than Date, in a turn that lasts into the next second: %s',
    async (way) => {
      const thisSecond = () => Math.floor(Date.now() / SECOND);
      let isLong = false;
      const now = () => {
        const second = thisSecond();
        while (isLong && thisSecond() === second);
        isLong = false;
        return Date.now();
      };
      const { port, put } = await startApi({}, { now });
      const path = way === 'Express' ? unmemorable('/feeds/latest.json') : '/feeds/latest.json';
      const ways = watchWays();
      await put('/a', { body: record({ id: 'a', title: 'First' }) });
      await ask(port, path);
      isLong = true;
      const { headers } = await ask(port, path);

      expect(ways().at(-1)).toBe(way === 'Express' ? way : READY_WAY);
      expect(isLong).toBe(false);
      expect(Date.parse(String(headers['last-modified']))).toBeLessThanOrEqual(Date.parse(String(headers.date)));
    },
  );

  test('of a feed is not moved by an article that is not in it', async () => {
    const { folder, port } = await clocked({
      ...STEADY,
      'articles/dams.json': JSON.stringify(record({ id: 'dams', tags: ['dams'] })),
    });
    const before = await ask(port, '/feeds/tag/dams.json');
    await change(folder, 'Changed');
    const latest = await ask(port, '/feeds/latest.json');
    const after = await ask(port, '/feeds/tag/dams.json');

    expect(latest.headers['last-modified']).toBe('Sun, 22 Nov 2026 12:00:00 GMT');
    expect(after.headers['last-modified']).toBe('Fri, 20 Nov 2026 10:00:00 GMT');
    expect(after.headers.etag).toBe(before.headers.etag);
  });
});
