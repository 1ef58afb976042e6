import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { articleText } from '../../src/article/stored.ts';
import { loadPublication } from '../../src/config/publication.ts';
import { ownKeys } from '../../src/feed/feeds.ts';
import { reprDigest } from '../../src/partner/proof/digest.ts';
import { createKey } from '../../src/publish/api-keys.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import {
  type Answer,
  article,
  ask,
  decoded,
  makeFolder,
  PUBLICATION,
  type Running,
  record,
  serving,
} from '../helpers.ts';
import { NOW } from './api.ts';
import { bearer, partnerKey, revoke, told } from './partners.ts';

const PARTNERS = {
  'partners/wire.yaml': 'name: The Wire\ndialect: plain\nfeeds: [latest]\n',
  'partners/ninjs.yaml': 'name: Sport by wire\ndialect: ninjs\nselect:\n  any: [section/sport]\n',
  'partners/gone.yaml': 'name: Soon gone\ndialect: plain\nfeeds: [section/nothing]\n',
};
/** Requests that the service works on at once, at most. */
const LANE = 16;

let folder: string;
let service: Running;
let now = NOW;
const keys = new Map<string, string>();

beforeAll(async () => {
  folder = await makeFolder({ 'articles/.keep': '', 'publication.yaml': PUBLICATION, ...PARTNERS });
  const { store } = openDataFolder(folder);
  for (const partner of ['wire', 'ninjs', 'gone'])
    keys.set(partner, (await createKey(store, partner, 'partner', NOW, { partner })).key);
  keys.set('newsroom', (await createKey(store, 'newsroom', 'write', NOW)).key);
  await store.close();
  service = await serving(folder, { now: () => now, logSample: 1, connections: { idle: 900, answer: 900 } });
});

afterAll(async () => {
  await service.close();
  await rm(folder, { recursive: true, force: true });
});

function changes(partner: string, query = '', { method = 'GET', headers = {} } = {}): Promise<Answer> {
  const authorization = { Authorization: `Bearer ${keys.get(partner)}` };
  return ask(service.port, `/partners/${partner}/changes${query}`, {
    method,
    headers: { ...authorization, ...headers },
  });
}

interface Page {
  readonly items: readonly Record<string, unknown>[];
  readonly cursor: string;
  readonly next: string;
  readonly hasMore: boolean;
}

const pageOf = (answer: Answer): Page => JSON.parse(decoded(answer).toString());

async function cursorOf(partner: string): Promise<string> {
  for (let since = ''; ; ) {
    const { cursor, hasMore } = pageOf(await changes(partner, since));
    if (!hasMore) return cursor;
    since = `?since=${cursor}`;
  }
}

/** Publishes, corrects or withdraws an article, a second after what was before. */
async function edit(
  method: 'PUT' | 'DELETE',
  id: string,
  fields: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  now += 1000;
  const headers = { Authorization: `Bearer ${keys.get('newsroom')}` };
  const body = JSON.stringify(record({ id, url: `https://news.example/${id}`, ...fields }));
  const { status, text } = await ask(service.port, `/api/articles/${id}`, {
    method,
    headers,
    ...(method === 'PUT' ? { body } : {}),
  });
  expect(text === '' || status < 300, text).toBe(true);
}

test('a partner follows its feed from the beginning to the present', async () => {
  await edit('PUT', 'a', { sections: ['Sport'] });
  await edit('PUT', 'b');
  const first = await changes('wire', '?limit=1');
  const { next, items } = pageOf(first);

  expect(first.status).toBe(200);
  expect(first.headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'private, no-store',
    vary: 'Authorization, Accept-Encoding',
  });
  expect(items).toMatchObject([{ change: 'published', item: { id: 'tag:news.example,2026:a' } }]);
  const { origin, pathname, search, searchParams } = new URL(next);
  expect([origin, pathname]).toEqual(['https://feeds.news.example', '/partners/wire/changes']);
  expect([...searchParams.keys()]).toEqual(['since', 'limit']);

  await edit('DELETE', 'a');
  const second = pageOf(await changes('wire', search));
  expect(second).toMatchObject({ items: [{ change: 'published', id: 'tag:news.example,2026:b' }], hasMore: true });
  const third = pageOf(await changes('wire', `?since=${second.cursor}`));
  expect(third).toMatchObject({ items: [{ change: 'withdrawn', reason: 'withdrawn' }], hasMore: false });
});

test('a partner of ninjs gets ninjs, its own selection alone, and JSON Feed where it asks for it', async () => {
  const since = await cursorOf('ninjs');
  await edit('PUT', 'c', { sections: ['Sport'], title: 'A match' });
  await edit('PUT', 'd', { sections: ['World'] });

  const uri = 'tag:news.example,2026:c';
  expect(pageOf(await changes('ninjs', `?since=${since}`)).items).toMatchObject([{ id: uri, item: { uri } }]);
  expect(pageOf(await changes('ninjs', `?since=${since}&format=json`)).items).toMatchObject([
    { id: uri, item: { id: uri, title: 'A match' } },
  ]);
});

describe('a request that waits', () => {
  test('gets the change at once, holds up no other request, and survives the limits on idle connections', async () => {
    const since = await cursorOf('wire');
    const others = await cursorOf('gone');
    const untouched = changes('gone', `?since=${others}&wait=1`);
    const waiting = Array.from({ length: 3 * LANE }, () => changes('wire', `?since=${since}&wait=60`));
    await untouched; // longer than a connection may be idle here
    expect((await ask(service.port, '/feeds/latest.json')).status).toBe(200);
    await edit('PUT', 'e', { title: 'Breaking' });

    const answers = await Promise.all(waiting);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    for (const answer of answers) expect(pageOf(answer).items).toMatchObject([{ id: 'tag:news.example,2026:e' }]);
    expect(pageOf(await untouched)).toMatchObject({ items: [], hasMore: false });
    // The log does not take the wait for the work of the service.
    const logged = service.told.find(({ path, waited }) => path === '/partners/gone/changes' && waited !== undefined);
    expect(logged?.waited).toBeGreaterThanOrEqual(1000);
  });

  test('shares the bytes of its answer, in each coding, and has an address and a digest of its own', async () => {
    const [one, other] = [await cursorOf('wire'), await cursorOf('wire')];
    const asked = [one, other, one].flatMap((since) =>
      ['identity', 'gzip'].map((coding) => ({ query: `?since=${since}&wait=60`, coding })),
    );
    const waiting = asked.map(({ query, coding }) =>
      changes('wire', query, { headers: { 'Accept-Encoding': coding } }),
    );
    await changes('wire');
    await edit('PUT', 'shared', { body: `<p>${'A long story. '.repeat(200)}</p>` });
    const answers = await Promise.all(waiting);

    expect(one).not.toBe(other);
    expect(new Set(answers.map((answer) => decoded(answer).toString())).size).toBe(1);
    expect(answers.map(({ headers }) => headers['content-encoding'] ?? 'identity')).toEqual(
      asked.map(({ coding }) => coding),
    );
    expect(answers.map(({ headers }) => headers['content-location'])).toEqual(
      asked.map(({ query }) => `https://feeds.news.example/partners/wire/changes${query}`),
    );
    expect(new Set(answers.map(({ headers }) => headers['repr-digest'])).size).toBe(2);
    for (const [index, { headers, text }] of answers.entries())
      if (asked[index]?.coding === 'identity') expect(headers['repr-digest']).toBe(reprDigest(Buffer.from(text)));
  });

  test('learns of a change that another process makes', async () => {
    const since = await cursorOf('wire');
    const waiting = changes('wire', `?since=${since}&wait=60`);
    await changes('wire');
    const { store } = openDataFolder(folder);
    const made = article({ id: 'imported', url: 'https://news.example/imported' });
    const change = {
      kind: 'put',
      article: articleText(made),
      record: '{"id":"imported"}',
      feeds: ownKeys(made),
    } as const;
    await store.apply([change], () => now);
    await store.close();

    expect(pageOf(await waiting).items).toMatchObject([{ change: 'published', id: 'tag:news.example,2026:imported' }]);
  });

  test('may name its key in the address, and finds none in the answer', async () => {
    const key = keys.get('wire') ?? '';
    const since = await cursorOf('wire');
    const waiting = ask(service.port, `/partners/wire/${key}/changes?since=${since}&wait=60`);
    await changes('wire'); // the other has arrived by now
    await edit('PUT', 'f');
    const { status, text, headers } = await waiting;

    expect(status).toBe(200);
    expect(text + JSON.stringify(headers)).not.toContain(key.slice(3, 15));
    expect(new URL(pageOf(await changes('wire', `?since=${since}&wait=60`)).next).searchParams.get('wait')).toBe('60');
  });

  test.each<[string, (key: { readonly id: string }) => Promise<void>]>([
    ['is revoked', ({ id }) => revoke(folder, id)],
    [
      'expires',
      async () => {
        now += 10_000;
      },
    ],
  ])('gets nothing if its key %s meanwhile', async (_, end) => {
    const key = await partnerKey(folder, 'wire', { expiresAt: now + 10_000 });
    const since = await cursorOf('wire');
    const ask = () => changes('wire', `?since=${since}&wait=60`, { headers: bearer(key.key) });
    const waiting = ask();
    const other = changes('wire', `?since=${since}&wait=60`);
    await changes('wire'); // came after these, so that both wait
    await end(key);
    await edit('PUT', `after-${key.id}`);

    const [answer, next] = [await waiting, await ask()];
    expect(pageOf(await other).items).toHaveLength(1);
    expect(told(answer)).toEqual(told(next));
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([401, 'unauthorized']);
  });

  test('is answered by the publication that comes into force meanwhile', async () => {
    const [of, gone] = [await cursorOf('wire'), await cursorOf('gone')];
    const kept = changes('wire', `?since=${of}&wait=5`);
    const ended = changes('gone', `?since=${gone}&wait=5`);
    await changes('wire');
    await rm(`${folder}/partners/gone.yaml`);
    await service.reload(loadPublication(folder));

    expect(pageOf(await kept)).toMatchObject({ items: [], hasMore: false });
    expect((await ended).status).toBe(401);
  });
});

test('a large page is coded as the client wants it; HEAD has the headers alone', async () => {
  await edit('PUT', 'long', { body: `<p>${'A long story. '.repeat(200)}</p>` });
  const coded = await changes('wire', '', { headers: { 'Accept-Encoding': 'gzip' } });
  const head = await changes('wire', '?wait=60', { method: 'HEAD' });

  expect(coded.headers['content-encoding']).toBe('gzip');
  expect(pageOf(coded).items.length).toBeGreaterThan(1);
  expect(head).toMatchObject({ status: 200, text: '' });
  expect(Number(head.headers['content-length'])).toBeGreaterThan(1000);
});

test('what is wrong with a request is said, and where to begin again', async () => {
  const problem = async (partner: string, query: string) => {
    const { status, headers, text } = await changes(partner, query);
    const { code, detail, problems } = JSON.parse(text);
    expect(headers['cache-control']).toBe('private, no-store');
    return { status, code, detail, field: problems?.[0].field };
  };
  const detail = 'Begin again at /partners/wire/changes, without “since”.';
  const foreign = await cursorOf('ninjs');
  const old = await cursorOf('wire');

  expect(await problem('wire', '?since=123')).toMatchObject({
    status: 400,
    code: 'invalid_query',
    detail,
    field: 'since',
  });
  expect(await problem('wire', `?since=${foreign}`)).toMatchObject({ status: 400, code: 'invalid_query', detail });
  expect(await problem('wire', '?limit=0')).toMatchObject({ status: 400, field: 'limit' });
  expect(await problem('wire', '?wait=61')).toMatchObject({ status: 400, field: 'wait' });
  expect(await problem('wire', '?format=rss')).toMatchObject({ status: 400, field: 'format' });
  expect(await problem('wire', '?cursor=1')).toMatchObject({ status: 400, field: 'cursor' });
  now += 31 * 86_400_000;
  expect(await problem('wire', `?since=${old}`)).toMatchObject({ status: 410, code: 'cursor_expired', detail });
});

test('a stop answers all requests that wait', async () => {
  const since = await cursorOf('wire');
  const waiting = Array.from({ length: 5 }, () => changes('wire', `?since=${since}&wait=60`));
  await changes('wire');
  await service.close();

  for (const answer of await Promise.all(waiting)) {
    expect(pageOf(answer)).toMatchObject({ items: [], hasMore: false });
    expect(answer.headers.connection).toBe('close');
  }
});
