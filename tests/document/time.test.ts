import { describe, expect, test } from 'vitest';
import { httpDate } from '../../src/lib/instant.ts';
import { ask, PUBLICATION, record, start } from '../helpers.ts';
import { type Api, clientOf, FORMATS, SECOND, startApi } from '../http/api.ts';
import { feedsmith } from '../peers/feedsmith.ts';

const DAY = 86_400 * SECOND;
const at = (text: string) => Date.parse(`2026-11-${text}Z`);
const ID = (id: string) => `tag:news.example,2026:${id}`;

/** A feed as received at a moment, in the same form for all formats. */
interface Received {
  readonly status: number;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  readonly maxAge: number;
  readonly stale: number;
  readonly ids: readonly string[];
  readonly published: readonly (string | undefined)[];
  readonly modified: readonly (string | undefined)[];
  /** Empty for RSS, which cannot express it. */
  readonly withdrawn: readonly string[];
  readonly text: string;
}

async function receive(port: number, format: (typeof FORMATS)[number], feed = 'latest'): Promise<Received> {
  const { status, headers, text } = await ask(port, `/feeds/${feed}.${format}`);
  const found = status === 200 ? feedsmith(text) : [];
  const caching = /^public, max-age=(\d+), stale-while-revalidate=(\d+), stale-if-error=86400$/.exec(
    headers['cache-control'] ?? '',
  );
  return {
    status,
    etag: headers.etag,
    lastModified: headers['last-modified'],
    maxAge: Number(caching?.[1]),
    stale: Number(caching?.[2]),
    ids: found.map(({ id }) => id),
    published: found.map(({ published }) => published),
    modified: found.map(({ updated }) => updated),
    withdrawn: status === 200 ? tombstones(format, text) : [],
    text,
  };
}

function tombstones(format: (typeof FORMATS)[number], text: string): string[] {
  if (format === 'rss') return [];
  if (format === 'atom') {
    return [...text.matchAll(/<at:deleted-entry xmlns:at="[^"]+" ref="([^"]+)" when="([^"]+)"/g)].map(
      ([, id, when]) => `${id} ${when}`,
    );
  }
  const list: { id: string; date_withdrawn: string }[] = JSON.parse(text)._tombstones?.items ?? [];
  return list.map(({ id, date_withdrawn }) => `${id} ${date_withdrawn}`);
}

const story = (fields: Readonly<Record<string, unknown>> = {}) => {
  const { id: _, ...rest } = record(fields);
  return rest;
};

/** The service with a clock that the test moves. */
async function timed(now: number): Promise<Api & { clock: { now: number } }> {
  const clock = { now };
  return { ...(await startApi({}, { now: () => clock.now })), clock };
}

describe.each(FORMATS)('an article in %s', (format) => {
  test('comes out of its embargo, is corrected, and expires', async () => {
    const { port, clock, put } = await timed(at('22T12:00:00'));
    const fields = { embargoUntil: '2026-11-22T13:00:00Z', expiresAt: '2026-11-22T15:00:00Z', title: 'Story' };
    // An article that is always there, and newer than the story, shows the order.
    await put('/old', { body: story({ publishedAt: '2026-11-22T11:00:00Z', title: 'Old' }) });
    await put('/story', { body: story(fields) });
    const look = (moment: number) => {
      clock.now = moment;
      return receive(port, format);
    };

    const long = await look(at('22T12:00:30'));
    expect([long.status, long.ids, long.maxAge, long.stale]).toEqual([200, [ID('old')], 30, 1]);
    const before = await look(at('22T12:59:59'));
    expect(before).toEqual({ ...long, maxAge: 1 });
    expect(before.lastModified).toBe(httpDate(at('22T12:00:00')));
    expect(await look(at('22T13:00:00') - 1)).toEqual(before);

    const out = await look(at('22T13:00:00'));
    expect(out).toMatchObject({
      status: 200,
      lastModified: httpDate(at('22T13:00:00')),
      maxAge: 60,
      stale: 1,
      ids: [ID('story'), ID('old')],
      published: ['2026-11-22T13:00:00Z', '2026-11-22T11:00:00Z'],
      withdrawn: [],
    });
    expect(out.etag).not.toBe(long.etag);
    expect(await look(at('22T13:00:01'))).toEqual({ ...out, maxAge: 59 });

    clock.now = at('22T14:00:00');
    await put('/story', { body: story({ ...fields, title: 'Corrected', updatedAt: '2026-11-22T14:00:00Z' }) });
    const corrected = await look(at('22T14:00:00'));
    expect(corrected).toMatchObject({
      lastModified: httpDate(at('22T14:00:00')),
      ids: out.ids,
      published: out.published,
    });
    expect(corrected.modified[0]).toBe('2026-11-22T14:00:00Z');
    expect(corrected.etag).not.toBe(out.etag);
    expect(await look(at('22T14:00:01'))).toEqual({ ...corrected, maxAge: 59 });

    // A correction of the older one does not move it before the newer.
    clock.now = at('22T14:30:00');
    await put('/old', {
      body: story({ publishedAt: '2026-11-22T11:00:00Z', title: 'Old', updatedAt: '2026-11-22T14:30:00Z' }),
    });
    const both = await look(at('22T14:30:00'));
    expect([both.ids, both.published]).toEqual([out.ids, out.published]);
    expect(both.lastModified).toBe(httpDate(at('22T14:30:00')));

    const last = await look(at('22T14:59:59'));
    expect(last).toEqual({ ...both, maxAge: 1 });
    const expired = await look(at('22T15:00:00'));
    expect(expired).toMatchObject({
      status: 200,
      lastModified: httpDate(at('22T15:00:00')),
      maxAge: 60,
      stale: 1,
      ids: [ID('old')],
      withdrawn: [],
    });
    expect([long.etag, both.etag]).not.toContain(expired.etag);
    expect(await look(at('22T15:00:01'))).toEqual({ ...expired, maxAge: 59 });
  });
});

describe.each(FORMATS)('a feed in %s', (format) => {
  test('has a tombstone for a withdrawn article for 30 days', async () => {
    const { port, clock, put, remove } = await timed(at('22T12:00:00'));
    await put('/kept', { body: story({ publishedAt: '2026-11-20T09:00:00Z' }) });
    await put('/wrong', { body: story() });
    const look = (moment: number) => {
      clock.now = moment;
      return receive(port, format);
    };
    const end = at('22T12:30:00') + 30 * DAY;

    const before = await look(at('22T12:29:59'));
    expect([before.ids, before.withdrawn]).toEqual([[ID('wrong'), ID('kept')], []]);
    clock.now = at('22T12:30:00');
    await remove('/wrong?reason=Wrong');
    const gone = await look(at('22T12:30:00'));
    expect(gone).toMatchObject({
      status: 200,
      lastModified: httpDate(at('22T12:30:00')),
      maxAge: 60,
      stale: 1,
      ids: [ID('kept')],
      withdrawn: format === 'rss' ? [] : [`${ID('wrong')} 2026-11-22T12:30:00Z`],
    });
    expect(gone.etag).not.toBe(before.etag);
    expect(await look(at('22T12:30:01'))).toEqual({ ...gone, maxAge: 59 });
    expect(await look(end - SECOND)).toEqual({ ...gone, maxAge: 1 });

    const forgotten = await look(end);
    expect(forgotten).toMatchObject({ ids: [ID('kept')], withdrawn: [], maxAge: 60, stale: 1 });
    // RSS has no tombstones: its document has not changed.
    expect(forgotten.etag === gone.etag).toBe(format === 'rss');
    expect(await look(end + SECOND)).toEqual({ ...forgotten, maxAge: 59 });
    if (format !== 'rss') expect(forgotten.lastModified).toBe(httpDate(end));
  });

  test('whose only article is under embargo begins to exist with it', async () => {
    const { port, clock, put } = await timed(at('22T12:00:00'));
    await put('/a', { body: story({ embargoUntil: '2026-11-22T13:00:00Z', tags: ['secret'] }) });
    const status = async (moment: number) => {
      clock.now = moment;
      return (await receive(port, format, 'tag/secret')).status;
    };

    expect([
      await status(at('22T12:59:59')),
      await status(at('22T13:00:00') - 1),
      await status(at('22T13:00:00')),
      await status(at('22T13:00:01')),
    ]).toEqual([404, 404, 200, 200]);
  });

  test('gives 304 to a client with its tag or its date, until the second of the change', async () => {
    const { port, clock, put } = await timed(at('22T12:00:00'));
    await put('/a', { body: story({ expiresAt: '2026-11-22T13:00:00Z' }) });
    clock.now += 60_000;
    const { etag = '', lastModified = '' } = await receive(port, format);
    const statuses = async (moment: number) => {
      clock.now = moment;
      const path = `/feeds/latest.${format}`;
      const byTag = await ask(port, path, { headers: { 'If-None-Match': etag } });
      const byDate = await ask(port, path, { headers: { 'If-Modified-Since': lastModified } });
      return [byTag.status, byDate.status];
    };

    expect(await statuses(at('22T12:59:59'))).toEqual([304, 304]);
    expect(await statuses(at('22T13:00:00'))).toEqual([200, 200]);
  });
});

/** Articles that come or leave at every hour. */
const MOMENTS = {
  a: { embargoUntil: '2026-11-22T13:00:00Z' },
  b: { publishedAt: '2026-11-22T14:00:00Z', expiresAt: '2026-11-22T16:00:00Z' },
  c: { expiresAt: '2026-11-22T15:00:00Z' },
  d: { publishedAt: '2026-11-22T17:00:00Z' },
};

async function week(now: number) {
  const service = await timed(now);
  for (const [id, fields] of Object.entries(MOMENTS)) await service.put(`/${id}`, { body: story(fields) });
  const ids = async (moment: number) => {
    service.clock.now = moment;
    const all = await Promise.all(FORMATS.map((format) => receive(service.port, format)));
    expect(new Set(all.map((one) => one.ids.join())).size, 'the formats agree').toBe(1);
    return all[0]?.ids.map((id) => id.slice(-1)).join('');
  };
  return { ...service, ids };
}

/** What is visible from each hour on. */
const HOURS: readonly [number, string][] = [
  [at('22T12:00:00'), 'c'],
  [at('22T13:00:00'), 'ac'],
  [at('22T14:00:00'), 'bac'],
  [at('22T15:00:00'), 'ba'],
  [at('22T16:00:00'), 'a'],
  [at('22T17:00:00'), 'da'],
];

describe('a clock', () => {
  test('that goes steadily shows each change at its second', async () => {
    const { ids } = await week(at('22T12:00:00'));
    for (const [index, [hour, visible]] of HOURS.entries()) {
      if (index > 0) expect(await ids(hour - 1), `before ${httpDate(hour)}`).toBe(HOURS[index - 1]?.[1]);
      expect(await ids(hour), httpDate(hour)).toBe(visible);
    }
  });

  test('that jumps over several changes, forwards and back, shows the articles of that moment', async () => {
    const { ids } = await week(at('22T12:00:00'));
    for (const hop of [0, 3, 1, 5, 0, 4, 2, 2, 5, 1, 3, 0]) {
      const [hour, visible] = HOURS[hop] ?? [0, ''];
      expect(await ids(hour + 59 * 60 * SECOND), httpDate(hour)).toBe(visible);
    }
  });

  test.each(HOURS)('without requests until %i gives the same bytes as with requests', async (hour) => {
    const slept = await week(at('22T12:00:00'));
    const asked = await week(at('22T12:00:00'));
    for (const [earlier] of HOURS) if (earlier <= hour) await asked.ids(earlier);
    slept.clock.now = hour;
    asked.clock.now = hour;

    for (const format of FORMATS) expect(await receive(slept.port, format)).toEqual(await receive(asked.port, format));
  });

  test('that was set back hides articles that are not published yet, and Last-Modified is never in the future', async () => {
    const { ids, port, clock } = await week(at('22T12:00:00'));
    await ids(at('22T14:30:00'));
    clock.now = at('22T12:30:00');

    for (const format of FORMATS) {
      const { ids: visible, lastModified = '' } = await receive(port, format);
      expect(visible).toEqual([ID('c')]);
      expect(Date.parse(lastModified)).toBeLessThanOrEqual(clock.now);
    }
  });

  test('that is set back after a withdrawal shows its tombstone when that second comes again', async () => {
    const { port, clock, put, remove } = await timed(at('22T12:00:00'));
    await put('/a', { body: story() });
    await remove('/a');
    clock.now -= 5 * SECOND;
    expect((await receive(port, 'atom')).ids).toEqual([]);
    clock.now += 5 * SECOND;

    expect((await receive(port, 'atom')).withdrawn).toEqual([`${ID('a')} 2026-11-22T12:00:00Z`]);
    expect((await receive(port, 'json')).withdrawn).toEqual([`${ID('a')} 2026-11-22T12:00:00Z`]);
  });
});

test('a record with a future withdrawal is refused, and changes no feed', async () => {
  const { port, clock, put } = await timed(at('22T12:00:00'));
  await put('/a', { body: story() });
  const withdrawn = { at: '2026-11-22T13:00:01Z' };
  clock.now = at('22T13:00:00') + 999;
  const ofShown = await put('/a', { body: story({ withdrawn }) });
  const ofEmbargoed = await put('/b', {
    body: story({ embargoUntil: '2026-11-22T13:00:01Z', tags: ['secret'], withdrawn }),
  });

  expect([ofShown.status, ofEmbargoed.status]).toEqual([422, 422]);
  expect(JSON.parse(ofShown.text)).toMatchObject({
    code: 'invalid_article',
    problems: [
      {
        field: 'withdrawn.at',
        value: '2026-11-22T13:00:01Z',
        rule: 'must not be after now, 2026-11-22T13:00:00Z: use expiresAt for a future date',
      },
    ],
  });
  expect((await receive(port, 'json')).ids).toEqual([ID('a')]);
  expect((await receive(port, 'json', 'tag/secret')).status).toBe(404);
  clock.now = at('22T13:00:01');
  expect((await put('/a', { body: story({ withdrawn }) })).status).toBe(200);
  expect((await receive(port, 'json')).withdrawn).toEqual([`${ID('a')} 2026-11-22T13:00:01Z`]);
});

test('if an article beyond the newest ones expires, a service that saw it and one that starts later give the same document', async () => {
  const clock = { now: at('22T12:00:00') };
  const api = await startApi({ 'publication.yaml': `${PUBLICATION}entries: 1\n` }, { now: () => clock.now });
  await api.put('/new', { body: story({ publishedAt: '2026-11-21T10:00:00Z' }) });
  await api.put('/old', { body: story({ expiresAt: '2026-11-22T13:00:00Z' }) });
  for (const format of FORMATS) await receive(api.port, format);
  clock.now = at('22T13:00:01');
  const second = await start(api.dataFolder, { now: () => clock.now });

  for (const format of FORMATS) expect(await receive(second.port, format)).toEqual(await receive(api.port, format));
});

describe('a restart', () => {
  test.each(HOURS)('at %i gives the same bytes, tags and dates', async (hour) => {
    const before = await week(at('22T12:00:00'));
    before.clock.now = at('22T12:10:00');
    await before.put('/x', { body: story({ title: 'X' }) });
    await before.remove('/x?reason=Wrong');
    before.clock.now = hour + 30 * 60 * SECOND;
    const answers = await Promise.all(FORMATS.map((format) => receive(before.port, format)));
    await before.close();
    const after = await clientOf(before.dataFolder, { now: () => before.clock.now });

    expect(await Promise.all(FORMATS.map((format) => receive(after.port, format)))).toEqual(answers);
  });
});
