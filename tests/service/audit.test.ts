import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { storeFile } from '../../src/service/data-folder.ts';
import { command } from '../commands/terminal.ts';
import { dataFolder, PUBLICATION, record, start, type Told, put as write } from '../helpers.ts';
import { type Api, clientOf, keyFor, startApi } from '../http/api.ts';

const DAY = 24 * 60 * 60 * 1000;
const BEGIN = Date.UTC(2026, 10, 22, 12);
const FILE = { kind: 'file', path: 'articles/a.json' };

/** What the log has of changes, without time and process. */
function changesIn(told: readonly Told[]): unknown[] {
  return told.filter(({ what }) => what !== undefined).map(({ time: _, pid: __, ...line }) => line);
}

/** What the log has of refused changes. */
function refusalsIn(told: readonly Told[]): unknown[] {
  const refusals = told.filter(({ actor, what }) => actor !== undefined && what === undefined);
  return refusals.map(({ time: _, pid: __, problems = [], msg, ...line }) => ({
    ...line,
    problems: problems.map(({ field }) => field),
  }));
}

async function historyOf({ get }: Api, address = '/a'): Promise<readonly Record<string, unknown>[]> {
  return JSON.parse((await get(`${address}/history`)).text).history;
}

/** Waits until an article has this many changes. */
async function untilChanged(api: Api, count: number): Promise<void> {
  await expect.poll(async () => (await historyOf(api)).length, { timeout: 20_000 }).toBe(count);
}

test('a walk through embargo, correction, removal and republication is in the history and in the log, with who did it', async () => {
  const end = '2026-11-22T13:00:00Z';
  const story = record({ embargoUntil: end, publishedAt: end });
  let now = BEGIN;
  const file = JSON.stringify(story);
  const api = await startApi({ 'articles/a.json': file }, { now: () => now });
  const { put, dataFolder: folder, told } = api;
  const by = { kind: 'key', id: expect.stringMatching(/^\w+$/), name: 'for write' };

  now += 2 * 3_600_000;
  await put('/a', { body: { ...story, title: 'Corrected' } });
  await put('/a', { body: { ...story, title: 'Corrected' } });
  now += 1000;
  await rm(join(folder, 'articles/a.json'));
  await untilChanged(api, 3);
  now += 1000;
  await put('/a', { body: { ...story, title: 'Back' } });
  now += 1000;
  await write(folder, 'articles/a.json', file);
  await untilChanged(api, 5);

  const visible = { status: 'visible' };
  expect(JSON.parse((await api.get('/a/history')).text)).toEqual({
    id: 'a',
    history: [
      { what: 'published', at: '2026-11-22T12:00:00Z', revision: 1, by: FILE, status: 'embargoed', until: end },
      { what: 'corrected', at: '2026-11-22T14:00:00Z', revision: 2, by, ...visible },
      { what: 'withdrawn', at: '2026-11-22T14:00:01Z', revision: 3, by: FILE, status: 'withdrawn' },
      { what: 'republished', at: '2026-11-22T14:00:02Z', revision: 4, by, ...visible },
      { what: 'corrected', at: '2026-11-22T14:00:03Z', revision: 5, by: FILE, ...visible },
    ],
  });
  const info = { level: 'info', article: 'a', ...visible };
  expect(changesIn(told)).toEqual([
    {
      ...info,
      revision: 1,
      what: 'published',
      actor: FILE,
      status: 'embargoed',
      until: end,
      msg: `articles/a.json has published the article “a”, embargoed until ${end}.`,
    },
    { ...info, revision: 2, what: 'corrected', actor: by, msg: 'The key “for write” has corrected the article “a”.' },
    {
      level: 'warn',
      article: 'a',
      revision: 3,
      what: 'withdrawn',
      actor: FILE,
      status: 'withdrawn',
      msg: 'articles/a.json no longer publishes the article “a”: the article is withdrawn.',
    },
    {
      ...info,
      revision: 4,
      what: 'republished',
      actor: by,
      msg: 'The key “for write” has republished the article “a”.',
    },
    { ...info, revision: 5, what: 'corrected', actor: FILE, msg: 'articles/a.json has corrected the article “a”.' },
  ]);
});

test('a file that says that its article is withdrawn publishes it no longer, also at a first start', async () => {
  const file = JSON.stringify(record({ withdrawn: { at: '2026-11-20T10:00:00Z' } }));
  const { told } = await start(await dataFolder({ 'articles/a.json': file }));
  expect(told.filter(({ what }) => what !== undefined)).toMatchObject([
    { level: 'warn', msg: 'articles/a.json no longer publishes the article “a”: the article is withdrawn.' },
  ]);
});

test('a file that names another id, and one that is gone at a start, withdraw their articles by their paths', async () => {
  const folder = await dataFolder({
    'articles/a.json': JSON.stringify(record()),
    'articles/deep/b.json': JSON.stringify(record({ id: 'b' })),
  });
  const first = await start(folder);
  await first.close();
  await write(folder, 'articles/a.json', JSON.stringify(record({ id: 'c' })));
  await rm(join(folder, 'articles/deep/b.json'));
  const { told } = await start(folder);

  expect(
    told
      .filter(({ what }) => what !== undefined)
      .map(({ level, what, article, actor }) => [level, what, article, actor]),
  ).toEqual([
    ['info', 'published', 'c', FILE],
    ['warn', 'withdrawn', expect.stringMatching(/^[ab]$/), expect.objectContaining({ kind: 'file' })],
    ['warn', 'withdrawn', expect.stringMatching(/^[ab]$/), expect.objectContaining({ kind: 'file' })],
  ]);
  const paths = told.flatMap(({ what, article, actor }) => (what === 'withdrawn' ? [[article, actor]] : []));
  expect(paths).toContainEqual(['a', FILE]);
  expect(paths).toContainEqual(['b', { kind: 'file', path: 'articles/deep/b.json' }]);
});

describe('an import beside the service', () => {
  test('is one line of the log and one row a batch, and each article has its history', async () => {
    const folder = await dataFolder({ 'articles/.keep': '' });
    const stories = (title: string, count: number) =>
      Array.from({ length: count }, (_, index) => JSON.stringify(record({ id: `s${index}`, title }))).join('\n');
    await write(folder, 'one.ndjson', stories('A', 300));
    await write(folder, 'two.ndjson', stories('B', 30));
    const api = await clientOf(folder);
    const [one, two] = ['one.ndjson', 'two.ndjson'].map((name) => ({ kind: 'import', source: join(folder, name) }));
    for (const actor of [one, two]) {
      const { code } = await command(['import', '--data', folder, actor?.source ?? '']);
      expect(code).toBe(0);
    }
    await expect.poll(() => changesIn(api.told).length, { timeout: 20_000 }).toBe(2);

    expect(changesIn(api.told)).toEqual([
      {
        level: 'info',
        articles: 300,
        article: 's0',
        lastArticle: 's299',
        revision: 1,
        lastRevision: 300,
        what: { published: 300 },
        actor: one,
        msg: `The import of ${one?.source} has changed 300 articles from “s0” to “s299”: published 300.`,
      },
      expect.objectContaining({ articles: 30, revision: 301, what: { corrected: 30 }, actor: two }),
    ]);
    expect(await historyOf(api, '/s29')).toMatchObject([
      { what: 'published', revision: 30, by: one, status: 'visible' },
      { what: 'corrected', revision: 330, by: two, status: 'visible' },
    ]);
    expect(await historyOf(api, '/s299')).toMatchObject([{ what: 'published', revision: 300, by: one }]);
    const db = new DatabaseSync(storeFile(folder), { readOnly: true });
    expect(db.prepare('SELECT count(*) AS rows FROM audit').get()).toEqual({ rows: 2 });
    db.close();
  });
});

test('a start with another language is one row for all articles', async () => {
  const files = { 'articles/a.json': JSON.stringify(record()), 'articles/b.json': JSON.stringify(record({ id: 'b' })) };
  const folder = await dataFolder(files);
  await (await start(folder)).close();
  await write(folder, 'publication.yaml', PUBLICATION.replace('language: en', 'language: de'));
  const api = await clientOf(folder);
  const changed = { revision: 3, lastRevision: 4, article: 'a', lastArticle: 'b' };

  expect(changesIn(api.told)).toMatchObject([{ ...changed, what: { corrected: 2 }, actor: { kind: 'start' } }]);
  expect((await historyOf(api, '/b')).map(({ what, by }) => [what, by])).toEqual([
    ['published', { kind: 'file', path: 'articles/b.json' }],
    ['corrected', { kind: 'start' }],
  ]);
});

test('a refused change is a warning with its problems and its key, but a condition that fails is not', async () => {
  const file = { 'articles/f.json': JSON.stringify(record({ id: 'f' })) };
  const { key, put, post, remove, told } = await startApi(file);
  expect(key).toMatch(/^fp_/);
  await put('/a', { body: record() });
  await put('/a', { body: record({ title: '', tags: 7 }) });
  await put('/a', { body: record({ publishedAt: '2026-11-19T00:00:00Z' }) });
  await put('/b', { body: '{' });
  await put('/b', { body: 'x'.repeat(9 * 1024 * 1024), headers: { 'Content-Length': 9 * 1024 * 1024 } }).catch(
    () => {},
  );
  await put('/a', { body: record(), headers: { 'If-None-Match': '*' } });
  await put('/a?dry-run', { body: record({ title: '' }) });
  await remove('/unknown');
  await remove('/f?erase=true');
  await post('', {
    body: `${JSON.stringify(record({ id: 'c' }))}\n${JSON.stringify(record({ id: 'd', title: '' }))}\n{`,
  });

  const actor = { kind: 'key', id: expect.stringMatching(/^\w+$/), name: 'for write' };
  const refused = { level: 'warn', actor };
  expect(refusalsIn(told)).toEqual([
    { ...refused, code: 'invalid_article', article: 'a', problems: ['title', 'tags'] },
    { ...refused, code: 'identity_conflict', article: 'a', problems: ['publishedAt'] },
    { ...refused, code: 'invalid_json', article: 'b', problems: [''] },
    { ...refused, code: 'too_large', article: 'b', problems: ['body'] },
    { ...refused, code: 'file_holds_article', article: 'f', problems: ['id'] },
    { ...refused, code: 'invalid_article', article: 'd', problems: ['title'] },
    { ...refused, code: 'invalid_json', problems: [''] },
  ]);
  expect(told.map(({ msg }) => msg)).toContain(
    'A change to the article “a” by the key “for write” is refused: The article “a” would change its identity.',
  );
  expect(JSON.stringify(told)).not.toContain(key);
});

test('a start removes what is older than auditDays', async () => {
  const folder = await dataFolder({
    'publication.yaml': `${PUBLICATION}auditDays: 10\n`,
    'articles/.keep': '',
  });
  await keyFor(folder);
  for (const [days, title] of [
    [0, 'A'],
    [6, 'B'],
  ] as const) {
    const api = await clientOf(folder, { now: () => BEGIN + days * DAY });
    await api.put('/a', { body: record({ title }) });
    await api.close();
  }
  const api = await clientOf(folder, { now: () => BEGIN + 11 * DAY });
  await untilChanged(api, 1);

  expect(await historyOf(api)).toMatchObject([{ what: 'corrected', revision: 2 }]);
});

test('an erasure is in the history and in the log, and takes the reason of the withdrawal with it', async () => {
  const api = await startApi();
  await api.put('/a', { body: record() });
  await api.remove('/a?reason=Private');
  await api.remove('/a?erase=true');
  const history = await historyOf(api);

  expect(history.map(({ what, status }) => [what, status])).toEqual([
    ['published', 'visible'],
    ['withdrawn', 'withdrawn'],
    ['erased', 'withdrawn'],
  ]);
  expect(JSON.stringify([history, api.told])).not.toContain('Private');
  expect(changesIn(api.told)).toMatchObject([
    {},
    {},
    { level: 'info', what: 'erased', revision: 3, msg: 'The key “for write” has erased the article “a”.' },
  ]);
});
