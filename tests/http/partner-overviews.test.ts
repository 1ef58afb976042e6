import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, dataFolder, makeFolder, type Running, record, serving } from '../helpers.ts';
import { keyFor, NOW } from './api.ts';
import { bearer, partnerKey } from './partners.ts';

const HOUR = 60 * 60 * 1000;
const at = (offset: number) => new Date(NOW + offset).toISOString();
const LONG = { title: 'A title of more than twenty letters', body: `<p>${'Many words. '.repeat(50)}</p>` };
const PICTURE = { image: { url: 'https://pictures.example/a.jpg', type: 'image/jpeg', width: 1200, height: 800 } };

let folder = '';
let service: Running;
let key = '';

const story = (id: string, fields: object = {}) =>
  JSON.stringify(record({ id, url: `https://news.example/${id}`, ...LONG, ...PICTURE, ...fields }));

beforeAll(async () => {
  folder = await makeFolder({
    'articles/good.json': story('good', { sections: ['World'], urgency: 3, publishedAt: at(-2 * HOUR) }),
    'articles/short.json': story('short', { title: 'Short', publishedAt: at(-3 * HOUR) }),
    'articles/shorter.json': story('shorter', { title: 'Hm', publishedAt: at(-4 * HOUR), updatedAt: at(-HOUR) }),
    'articles/named.json': story('named', { rights: { partners: ['agency'] }, publishedAt: at(-5 * HOUR) }),
    'articles/new.json': story('new', { publishedAt: at(-60_000) }),
    'articles/later.json': story('later', { publishedAt: at(HOUR) }),
    'articles/over.json': story('over', { rights: { endsAt: at(-HOUR) }, publishedAt: at(-5 * HOUR) }),
    'partners/agency.yaml': 'name: The Agency\ndialect: ninjs\nselect: { any: [section/world], urgency: 2 }\n',
    'partners/late.yaml': 'name: Late\ndialect: plain\nfeeds: [latest]\ndelay: { hours: 1 }\nwindow: { entries: 3 }\n',
    'partners/msn.yaml': 'name: MSN\ndialect: msn\nfeeds: [latest]\n',
  });
  ({ key } = await keyFor(folder, 'read'));
  service = await serving(folder, { now: () => NOW });
});

afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true });
});

const get = async (path: string) => {
  const { status, text } = await ask(service.port, path, { headers: bearer(key) });
  return { status, body: JSON.parse(text) };
};

test('partners are listed with the addresses of their feeds', async () => {
  const base = 'https://feeds.news.example/partners';
  const formats = (feed: string, ...names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, `${base}/${feed}.${name}`]));
  const [agency, late, msn] = [
    {
      ...{ partner: 'agency', name: 'The Agency', dialect: 'ninjs', contentType: 'article' },
      feeds: [{ feed: 'selection', addresses: formats('agency/selection', 'json') }],
      changes: `${base}/agency/changes`,
    },
    {
      ...{ partner: 'late', name: 'Late', dialect: 'plain', contentType: 'article' },
      feeds: [{ feed: 'latest', addresses: formats('late/latest', 'rss', 'atom', 'json') }],
      changes: `${base}/late/changes`,
    },
    {
      ...{ partner: 'msn', name: 'MSN', dialect: 'msn', contentType: 'article' },
      feeds: [{ feed: 'latest', addresses: expect.objectContaining(formats('msn/latest', 'rss')) }],
      changes: `${base}/msn/changes`,
    },
  ];
  expect(await get('/api/partners')).toEqual({ status: 200, body: { partners: [agency, late, msn] } });
  expect(await get('/api/partners?limit=2')).toEqual({
    status: 200,
    body: { partners: [agency, late], cursor: 'late' },
  });
  expect(await get('/api/partners?limit=2&cursor=late')).toEqual({ status: 200, body: { partners: [msn] } });
});

describe('the stories that a partner does not get', () => {
  test('are listed with the rule and since when', async () => {
    const { body } = await get('/api/partners/msn/skipped');
    const own = body.skipped.filter(({ rule }: { rule: string }) => rule === 'title-too-short');
    expect(own.map(({ article, since }: { article: string; since: string }) => [article, since])).toEqual([
      ['short', at(-3 * HOUR).replace('.000', '')],
      ['shorter', at(-HOUR).replace('.000', '')],
    ]);
    expect(own[0]).toEqual({
      ...{ feed: 'latest', article: 'short', revision: expect.any(Number), since: expect.any(String) },
      ...{ rule: 'title-too-short', reason: expect.any(String), field: 'title', asks: expect.any(String) },
      ...{ evidence: 'D', source: expect.stringMatching(/^https:/), read: '2026-11-29' },
    });
    expect((await get('/api/partners/late/skipped')).body).toEqual({ partner: 'late', skipped: [] });
  });

  test('come page by page', async () => {
    const whole = await get('/api/partners/msn/skipped');
    const first = await get('/api/partners/msn/skipped?limit=1');
    const second = await get(`/api/partners/msn/skipped?limit=500&cursor=${first.body.cursor}`);
    expect([...first.body.skipped, ...second.body.skipped]).toEqual(whole.body.skipped);
    expect(second.body).not.toHaveProperty('cursor');
  });

  test('of an unknown partner are an error with the nearest id', async () => {
    expect(await get('/api/partners/mns/skipped')).toMatchObject({
      status: 404,
      body: { code: 'not_found', detail: 'Did you mean msn?' },
    });
    expect((await get('/api/partners/msn/skipped?cursor=x')).body.code).toBe('invalid_query');
  });

  test('are in the log, once', async () => {
    for (let times = 0; times < 2; times += 1) await get('/api/partners/msn/skipped');
    const { key: own } = await partnerKey(folder, 'msn');
    for (const format of ['rss', 'rss'])
      await ask(service.port, `/partners/msn/latest.${format}`, { headers: bearer(own) });
    const lines = service.told.filter(
      ({ partner, rule, article }) => partner === 'msn' && rule === 'title-too-short' && article === 'short',
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: 'info',
      feed: 'latest',
      msg: 'The partner msn does not get article short (msn/title-too-short): The title has 5 characters, fewer than 21.',
    });
  });
});

test.each<[string, object]>([
  [
    'good',
    {
      agency: { feed: 'selection', included: false, rule: 'urgency', reason: 'less urgent than 2' },
      late: {
        feed: 'latest',
        included: true,
        position: 1,
        address: 'https://feeds.news.example/partners/late/latest.rss',
      },
      msn: {
        feed: 'latest',
        included: true,
        position: 2,
        address: 'https://feeds.news.example/partners/msn/latest.rss',
      },
    },
  ],
  [
    'short',
    {
      agency: { included: false, rule: 'selection', reason: 'no feed of the partner has the story' },
      late: {
        feed: 'latest',
        included: true,
        position: 2,
        address: 'https://feeds.news.example/partners/late/latest.rss',
      },
      msn: {
        feed: 'latest',
        included: false,
        rule: 'dialect',
        dialectRule: 'title-too-short',
        reason: expect.any(String),
      },
    },
  ],
  ['named', { late: { feed: 'latest', included: false, rule: 'rights', reason: 'its rights name other partners' } }],
  ['new', { late: { feed: 'latest', included: false, rule: 'delay', reason: 'held back until 2026-11-22T12:59:00Z' } }],
  [
    'later',
    { late: { feed: 'latest', included: false, rule: 'embargo', reason: 'not published before 2026-11-22T13:00:00Z' } },
  ],
  [
    'over',
    {
      late: {
        feed: 'latest',
        included: false,
        rule: 'rights-ended',
        reason: 'its rights ended at 2026-11-22T11:00:00Z',
      },
    },
  ],
])('the feeds of %s name the partners', async (id, expected) => {
  const { body } = await get(`/api/articles/${id}/feeds`);
  const partners = Object.fromEntries(
    body.partners.map(({ partner, ...rest }: { partner: string }) => [partner, rest]),
  );
  expect(Object.keys(partners)).toEqual(['agency', 'late', 'msn']);
  expect(partners).toMatchObject(expected);
  expect(
    body.feeds.map(({ feed }: { feed: string }) => feed).filter((feed: string) => feed.startsWith('partner/')),
  ).toEqual([]);
});

test('a podcast of all stories has one line in the log, and a list of the stories without a sound', async () => {
  const ids = ['a', 'b', 'c', 'd', 'e'];
  const podcasts = await dataFolder({
    'partners/pod.yaml': 'name: Pod\ndialect: podcast\nfeeds: [latest]\n',
    ...Object.fromEntries(
      ids.map((id, index) => [`articles/${id}.json`, story(id, { publishedAt: at(-index * HOUR) })]),
    ),
  });
  const { key: own } = await partnerKey(podcasts, 'pod');
  const { key: reader } = await keyFor(podcasts, 'read');
  const { port, told, close } = await serving(podcasts, { now: () => NOW });
  expect((await ask(port, '/partners/pod/latest.rss', { headers: bearer(own) })).status).toBe(200);
  const { text } = await ask(port, '/api/partners/pod/skipped', { headers: bearer(reader) });
  await close();
  const lines = told.filter(({ rule }) => rule === 'no-episode');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({
    stories: 5,
    msg: 'The partner pod does not get 5 stories, such as article a (podcast/no-episode): The story has no sound or film that podcast apps play.',
  });
  expect(JSON.parse(text).skipped.map(({ article }: { article: string }) => article)).toEqual(ids);
});
