import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ask, makeFolder, PUBLICATION, type Running, record, serving } from '../helpers.ts';
import { keyFor, NOW } from './api.ts';

const STORY = { url: '/a', sections: ['World'], tags: ['Dams'], publishedAt: '2026-11-20T10:00:00Z' };
const NEWSROOM = {
  'publication.yaml': `${PUBLICATION}entries: 1\nfeeds: [{ id: rivers, title: Rivers, select: { any: [tag/dams] } }]\n`,
  'articles/a.json': JSON.stringify(record({ ...STORY, id: 'a' })),
  'articles/b.json': JSON.stringify(record({ ...STORY, id: 'b', url: '/b' })),
  'articles/c.json': JSON.stringify(record({ ...STORY, id: 'c', url: '/c' })),
};
/** A partner whose own selection has every story. */
const PARTNER = { 'partners/wire.yaml': 'name: Wire\ndialect: plain\nselect: { any: [section/world] }\n' };

/** A newsroom with the partner, and the same one without. */
let newsrooms: readonly { readonly folder: string; readonly service: Running; readonly key: string }[];
beforeAll(async () => {
  newsrooms = await Promise.all(
    [{ ...NEWSROOM, ...PARTNER }, NEWSROOM].map(async (files) => {
      const folder = await makeFolder(files);
      const { key } = await keyFor(folder);
      return { folder, key, service: await serving(folder, { now: () => NOW }) };
    }),
  );
});
afterAll(async () => {
  for (const { folder, service } of newsrooms) {
    await service.close();
    await rm(folder, { recursive: true, force: true });
  }
});

async function answers(path: string, method: string, body?: string) {
  const all = newsrooms.map(async ({ service, key }) => {
    const headers = path.startsWith('/api/') ? { Authorization: `Bearer ${key}` } : {};
    const answer = await ask(service.port, path, { method, headers, ...(body === undefined ? {} : { body }) });
    const { date: _, ...rest } = answer.headers;
    return { status: answer.status, headers: rest, text: answer.text };
  });
  return await Promise.all(all);
}

test.each<[string, number]>([
  ['/feeds/partner/wire.rss', 404],
  ['/feeds/partner/wire.atom', 404],
  ['/feeds/partner/wire.json', 404],
  ['/feeds/partner/wire', 404],
  ['/feeds/partner/wire/', 404],
  ['/feeds/partner/wire/archive/1.atom', 404],
  ['/feeds/partner/wire/archive/1', 404],
  ['/feeds/partner/wir.rss', 404],
  ['/feeds/wire.rss', 404],
  ['/feeds/latest.json', 200],
  ['/feeds/latest/archive/1.json', 200],
  ['/feeds/rivers', 200],
  ['/', 200],
  ['/?q=wire', 200],
  ['/?q=partner', 200],
  ['/feeds.opml', 200],
  ['/sitemap.xml', 200],
  ['/sitemap-feeds.xml', 200],
  ['/sitemap-2026-11.xml', 200],
  ['/news-sitemap.xml', 200],
  ['/api/feeds', 200],
  ['/api/feeds?kind=custom', 200],
  ['/api/articles', 200],
  ['/api/articles?feed=partner/wire', 400],
])('readers and the newsroom get at %s what they get without partners', async (path, status) => {
  for (const method of ['GET', 'HEAD']) {
    const [having, without] = await answers(path, method);
    expect(having?.status).toBe(status);
    expect(having).toEqual(without);
  }
});

test('the answer to a change names no selection of a partner', async () => {
  const [having, without] = await answers(
    '/api/articles/d',
    'PUT',
    JSON.stringify(record({ ...STORY, id: 'd', url: '/d' })),
  );
  expect(having?.status).toBe(201);
  expect(having).toEqual(without);
});
