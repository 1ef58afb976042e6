import { spawn } from 'node:child_process';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { slugOf } from '../../src/lib/text.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { serve } from '../../src/service/serve.ts';
import {
  type Answer,
  ask,
  childEnvironment,
  dataFolder,
  listen,
  PUBLICATION,
  put,
  type Running,
  record,
  serving,
  start,
} from '../helpers.ts';
import { clientOf } from '../http/api.ts';

const ROOT = join(import.meta.dirname, '../..');
const SAMPLE = join(ROOT, 'data');
/** At this time, the sample has embargoed, expired and withdrawn stories. */
const NOW = Date.UTC(2026, 10, 22, 9);
/** The sample's title. */
const TITLE = 'The Four Rivers Courier';
const FORMATS = ['rss', 'atom', 'json'] as const;
const SECOND = 1000;

interface Item {
  readonly id: string;
  readonly title: string;
  readonly language: string;
  readonly authors: readonly { readonly name: string }[];
}

async function itemsOf(port: number, feed = 'latest'): Promise<Item[]> {
  return JSON.parse((await ask(port, `/feeds/${feed}.json`)).text).items;
}

/** Returns the feeds of all articles in `latest`, read from its documents, and the feeds of publication.yaml. */
async function feedsOf(port: number): Promise<string[]> {
  const [items, atom] = await Promise.all([itemsOf(port), ask(port, '/feeds/latest.atom')]);
  const categories = [...atom.text.matchAll(/<category term="([^"]+)" scheme="[^"]+\/feeds\/([^/"]+)\/"/g)];
  // An article without authors has the publication as its author, which is no feed.
  const names = items.flatMap(({ authors }) => authors.map(({ name }) => name));
  const authors = names.filter((name) => name !== TITLE);
  const keys = [
    ...categories.map(([, term = '', kind]) => `${kind}/${encodeURIComponent(term)}`),
    ...items.map(({ language }) => `language/${language.toLowerCase()}`),
    ...authors.map((name) => `author/${encodeURIComponent(slugOf(name))}`),
  ];
  return ['latest', 'kurdish-culture', 'rivers', 'headlines', 'right-to-left', ...new Set(keys)];
}

function withoutTombstones(text: string): string {
  return text.replace(/<at:deleted-entry [^>]*?(?:\/>|>.*?<\/at:deleted-entry>)/gs, '').replace(/"_tombstones":.*/, '');
}

/** Returns everything of an answer that a reader or a cache may compare. */
function comparable({ status, headers, body }: Answer) {
  const { date: _, 'cache-control': caching, ...rest } = headers; // max-age depends on the second of the answer
  return { status, ...rest, caching: caching?.replace(/max-age=\d+/, 'max-age'), body: body.toString('base64') };
}

async function documents(port: number, feeds: readonly string[], coding: string): Promise<Map<string, object>> {
  const answers = new Map<string, object>();
  for (const feed of feeds) {
    for (const format of FORMATS) {
      const path = `/feeds/${feed}.${format}`;
      answers.set(path, comparable(await ask(port, path, { headers: { 'Accept-Encoding': coding } })));
    }
  }
  return answers;
}

/** The sample in memory, as it is at NOW. */
let sample: Running;
beforeAll(async () => {
  sample = await serving(SAMPLE, { storeFile: ':memory:', now: () => NOW });
});
afterAll(() => sample.close());

describe('the sample newsroom', () => {
  test('is served without a warning: 48 articles or more, and a feed for each of six languages', async () => {
    const { port, articles, feeds, lines } = sample;
    const items = await itemsOf(port);
    const languages = ['ar', 'ckb', 'en', 'fa', 'ku', 'tr'];
    const perLanguage = await Promise.all(languages.map((language) => itemsOf(port, `language/${language}`)));

    expect(lines).toEqual([]);
    expect(articles).toBeGreaterThanOrEqual(items.length);
    expect(items.length).toBeGreaterThanOrEqual(48);
    expect(perLanguage.map((list) => [...new Set(list.map(({ language }) => language))])).toEqual(
      languages.map((language) => [language]),
    );
    expect(perLanguage.flat().length).toBeGreaterThanOrEqual(items.length);
    expect((await feedsOf(port)).length).toBeLessThanOrEqual(feeds);
  });

  test.each([
    ['embargoed', 'en/sealed-letters', 'What the town wrote to itself', '614 letters'],
    ['embargoed', 'tr/muhurlu-oda', 'mühürlü odadan', 'dokuma tezgâhı çıktı'],
    ['expired', 'en/ferry-timetable', 'short timetable until 9 November', 'The upstream cable is being replaced'],
    ['withdrawn', 'en/clinic-fridays', 'Riverside clinic to close', 'A staffing plan ends Friday surgeries'],
  ])('keeps the %s %s out of every document', async (status, id, title, summary) => {
    const { port } = sample;
    const found: string[] = [];
    for (const feed of await feedsOf(port)) {
      for (const format of FORMATS) {
        const answer = await ask(port, `/feeds/${feed}.${format}`);
        expect(answer.status, `${feed}.${format}`).toBe(200);
        // A tombstone tells readers to remove the story.
        const text = status === 'withdrawn' ? withoutTombstones(answer.text) : answer.text;
        if ([`:${id}<`, `:${id}"`, title, summary].some((trace) => text.includes(trace)))
          found.push(`${feed}.${format}`);
      }
    }

    expect(found).toEqual([]);
  });

  test.each([
    ['atom', /<at:deleted-entry [^>]*ref="tag:[^"]+:en\/clinic-fridays" when="[^"]+"/],
    ['json', /"_tombstones":\{"items":\[\{"id":"tag:[^"]+:en\/clinic-fridays","date_withdrawn":/],
  ])('has a tombstone of the withdrawn story in latest.%s', async (format, tombstone) => {
    const { port } = sample;
    expect((await ask(port, `/feeds/latest.${format}`)).text).toMatch(tombstone);
  });

  test('shows each of the embargoed stories when its time has come', async () => {
    const ids = async (at: string) => {
      const { port } = await start(SAMPLE, { storeFile: ':memory:', now: () => Date.parse(at) });
      return (await itemsOf(port)).slice(0, 1).map(({ id }) => id);
    };

    expect(await ids('2036-03-21T03:00:00Z')).toEqual([expect.stringMatching(/:en\/sealed-letters$/)]);
    expect(await ids('2037-05-01T05:00:00Z')).toEqual([expect.stringMatching(/:tr\/muhurlu-oda$/)]);
  });

  test('redirects readers of retired feeds, or answers 410', async () => {
    const { port } = sample;
    const moved = await ask(port, '/feeds/section/sport.rss');
    const gone = await ask(port, '/feeds/section/horoscopes.rss');

    expect([moved.status, moved.headers.location, gone.status]).toEqual([308, '../../feeds/tag/football.rss', 410]);
    expect((await ask(port, '/feeds/tag/football.rss')).status).toBe(200);
  });
});

describe('two services on the same articles', () => {
  test('started an hour apart give the same bytes, tags and dates in every coding', async () => {
    const later = await start(SAMPLE, { storeFile: ':memory:', now: () => NOW + 3_600_000 });
    const feeds = await feedsOf(sample.port);

    expect(feeds).toHaveLength(sample.feeds);
    for (const coding of ['identity', 'br', 'zstd', 'gzip']) {
      const some = coding === 'identity' ? feeds : feeds.slice(0, 5); // equal bytes are equal in every coding
      expect(await documents(later.port, some, coding), coding).toEqual(await documents(sample.port, some, coding));
    }
  });

  test('in processes of different time zones and languages give the same bytes, tags and dates', async () => {
    const [first, second] = await Promise.all([
      spawned({ TZ: 'Asia/Baghdad', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' }),
      spawned({ TZ: 'America/St_Johns', LANG: 'C' }),
    ]);
    const feeds = await feedsOf(first);

    expect(await documents(second, feeds, 'identity')).toEqual(await documents(first, feeds, 'identity'));
  });

  test('give the same bytes and tags, whether they saw an article change or were started afterwards', async () => {
    const folder = await dataFolder({
      'articles/a.json': JSON.stringify(record({ title: 'Before' })),
      'articles/b.json': JSON.stringify(record({ id: 'b', tags: ['Rivers'] })),
    });
    const witness = await start(folder, { now: () => NOW });
    expect((await itemsOf(witness.port)).map(({ title }) => title).sort()).toEqual(['A title', 'Before']);
    await put(folder, 'articles/a.json', JSON.stringify(record({ title: 'After', tags: ['rivers', 'new'] })));
    await put(folder, 'articles/c.json', JSON.stringify(record({ id: 'c', publishedAt: '2026-11-21T10:00:00Z' })));
    const newcomer = await start(folder, { now: () => NOW + SECOND });

    for (const path of ['latest', 'tag/rivers', 'tag/new'].flatMap((feed) =>
      FORMATS.map((format) => `/feeds/${feed}.${format}`),
    )) {
      const [seen, read] = await Promise.all([ask(witness.port, path), ask(newcomer.port, path)]);
      expect(seen.text, path).toBe(read.text);
      expect(seen.headers.etag, path).toBe(read.headers.etag);
    }
  });

  test('see a change at the same time', async () => {
    const folder = await dataFolder({ 'articles/a.json': JSON.stringify(record()) });
    const [first, second] = [await start(folder), await start(folder)];
    await put(folder, 'articles/b.json', JSON.stringify(record({ id: 'b', title: 'B' })));
    const [one, other] = await Promise.all([
      ask(first.port, '/feeds/latest.rss'),
      ask(second.port, '/feeds/latest.rss'),
    ]);

    expect(one.text).toContain('<title>B</title>');
    expect(other.headers.etag).toBe(one.headers.etag);
  });

  test('do not render again what they changed before the other changed something else', async () => {
    const folder = await dataFolder();
    const [first, second] = [await clientOf(folder), await clientOf(folder)];
    const made = () => madeBy(first);
    const none = await ask(first.port, '/feeds/tag/own.rss'); // reads all earlier changes
    await first.put('/own', { body: record({ id: 'own', tags: ['Own'] }) });
    const own = await ask(first.port, '/feeds/tag/own.rss');
    await second.put('/other', { body: record({ id: 'other', tags: ['Other'] }) });
    const other = await ask(first.port, '/feeds/tag/other.rss');
    const before = await made();
    const again = await ask(first.port, '/feeds/tag/own.rss');

    expect([none.status, own.status, other.status, before]).toEqual([404, 200, 200, 2]);
    expect([again.headers.etag, await made()]).toEqual([own.headers.etag, 2]);
  });

  test('render popular feeds again when the other changes them, before a reader asks', async () => {
    const folder = await dataFolder({ 'articles/a.json': JSON.stringify(record()) });
    const [first, second] = [await clientOf(folder), await clientOf(folder)];
    const before = await ask(first.port, '/feeds/latest.rss');
    expect(await madeBy(first)).toBe(1);
    await second.put('/b', { body: record({ id: 'b', title: 'B' }) });
    await expect.poll(() => madeBy(first)).toBe(2);
    const after = await ask(first.port, '/feeds/latest.rss');

    expect(before.text).not.toContain('<title>B</title>');
    expect(after.text).toContain('<title>B</title>');
    expect(await madeBy(first)).toBe(2);
  });

  /** Returns how many documents a service has rendered. */
  async function madeBy({ measure }: Running): Promise<number | undefined> {
    const metrics = await measure();
    return metrics.find(({ name }) => name === 'feed_publisher_documents_made_total')?.values[0]?.value;
  }

  async function spawned(env: Readonly<Record<string, string>>): Promise<number> {
    const folder = await dataFolder();
    await cp(SAMPLE, folder, { recursive: true, filter: (path) => path !== join(SAMPLE, 'store') });
    const args = [join(ROOT, 'src/start.js'), '--data', folder, '--port', '0', '--host', '127.0.0.1'];
    const child = spawn(process.execPath, args, {
      env: childEnvironment({
        METRICS_PORT: 'off',
        LOG_LEVEL: 'warn',
        PUBLIC_URL: 'https://feeds.news.example',
        ...env,
      }),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let out = '';
    for await (const chunk of child.stdout) {
      out += chunk;
      const port = /:(\d+)\/feeds/.exec(out)?.[1];
      if (port !== undefined) return Number(port);
    }
    throw new Error(`the service ended: ${out}`);
  }
});

test('a start that fails closes what it has opened: the port of the metrics, and the store once', async () => {
  const path = await dataFolder({ 'articles/a.json': JSON.stringify(record()) });
  const taken = await start(await dataFolder(), { metrics: { host: '127.0.0.1', port: 0, isRequired: true } });
  const metrics = { host: '127.0.0.1', port: taken.metricsPort ?? 0, isRequired: true };
  const other = await start(await dataFolder());
  await taken.close();
  const folder = openDataFolder(path);
  let closed = 0;
  const store = {
    ...folder.store,
    close() {
      closed += 1;
      return folder.store.close();
    },
  };
  const options = { host: '127.0.0.1', port: other.port, metrics, log: listen().log, version: '0.0.0' };
  await expect(serve({ ...folder, store }, options)).rejects.toMatchObject({ code: 'address_unavailable' });
  const again = await start(path, { metrics });

  expect([closed, again.metricsPort, again.articles]).toEqual([1, metrics.port, 1]);
});

describe('a service', () => {
  test('names each broken record with file, line, field, rule and value, and publishes the rest', async () => {
    const folder = await dataFolder({
      'articles/good.json': JSON.stringify(record({ title: 'Good' })),
      'articles/broken.json': '{\n  "title": "X",\n  "url": "https://news.example/x",\n  "body": "<p>x</p>"',
      'articles/colour.md': '---\nurl: /x\ntitle: X\npublishedAt: 2026-11-20T10:00:00Z\ncolour: red\n---\nA body.\n',
      'articles/date.json': JSON.stringify(record({ id: 'date', publishedAt: '20 November 2026' }), null, 2),
      'articles/latin1.txt': Buffer.from('Caf\xe9\n\nA body.\n', 'latin1'),
      'articles/two.json': JSON.stringify(record({ id: 'two', url: 'javascript:alert(1)', title: ' ' }), null, 2),
    });
    const { port, lines, articles } = await start(folder);

    expect((await itemsOf(port)).map(({ title }) => title)).toEqual(['Good']);
    expect(articles).toBe(1);
    expect([...lines].sort()).toEqual([
      expect.stringMatching(/^articles\/broken\.json:4:\d+: /),
      'articles/colour.md:5:9: colour: is not a known field',
      'articles/date.json:6:18: publishedAt: must be a date that exists, with time and zone, as 2026-11-22T10:46:00+03:00 (RFC 3339 §5.6) (value: 20 November 2026)',
      'articles/latin1.txt: must be UTF-8 text',
      'articles/two.json:3:10: url: must be an http or https address of at most 4096 characters (value: javascript:alert(1))',
      'articles/two.json:4:12: title: must not be empty (value: )',
    ]);
  });

  test.each([
    ['entries: 112\nfeeds: [{ id: other, title: Other }]', undefined],
    ['entries: 113\nfeeds: [{ id: other, title: Other }, { id: short, title: Short, entries: 50 }]', 'latest, other'],
    ['feeds: [{ id: other, title: Other }, { id: long, title: Long, entries: 113 }]', 'long'],
  ])('logs which feeds are too large for deltas: %s', async (yaml, large) => {
    const { lines } = await start(await dataFolder({ 'publication.yaml': `${PUBLICATION}${yaml}\n` }));

    expect(lines).toEqual(large === undefined ? [] : [`Feeds of more than 112 entries have no deltas: ${large}.`]);
  });

  test('with a public address of its own has it in every link', async () => {
    const folder = await dataFolder({ 'articles/a.json': JSON.stringify(record()) });
    const { port } = await start(folder, { feedsUrl: 'https://proxy.example/below/' });
    const { headers, text } = await ask(port, '/feeds/latest.json');

    expect(headers.link).toContain('<https://proxy.example/below/feeds/latest.json>; rel="self"');
    expect(JSON.parse(text).feed_url).toBe('https://proxy.example/below/feeds/latest.json');
    expect(text).not.toContain('feeds.news.example');
  });

  test('frees the port and the folder when it stops', async () => {
    const folder = await dataFolder({ 'articles/a.json': JSON.stringify(record()) });
    const { port, close } = await start(folder);
    expect((await ask(port, '/feeds/latest.rss')).status).toBe(200);
    await close();
    await expect(ask(port, '/feeds/latest.rss')).rejects.toThrow('ECONNREFUSED');
    await rm(folder, { recursive: true });
    const again = await start(await dataFolder(), { port });

    expect(again.port).toBe(port);
  });
});
