import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { storeFile } from '../../src/service/data-folder.ts';
import { damageFile, forgetDamage } from '../../src/store/sqlite/damage.ts';
import { ask, dataFolder, put, type Running, record, serving, start } from '../helpers.ts';
import { FORMATS, keyFor, NOW } from '../http/api.ts';

const OPTIONS = { now: () => NOW };
const DAMAGE = 'The store is damaged: the text of the article “b” does not match its checksum.';

/** A service with three articles, `b` in a feed of its own, and a key that may write. */
async function newsroom() {
  const folder = await dataFolder({ 'articles/.keep': '', 'media/.keep': '' });
  const { key } = await keyFor(folder);
  const first = await serving(folder, OPTIONS);
  const api = clientOf(key);
  for (const id of ['a', 'b', 'c']) {
    const body = record({ id, url: `https://news.example/${id}`, title: `The title of ${id}`, tags: [id] });
    expect((await api(first, `/api/articles/${id}`, { method: 'PUT', body })).status).toBe(201);
  }
  await first.close();
  return { folder, api };
}

function clientOf(key: string) {
  return (
    service: Pick<Running, 'port'>,
    path: string,
    { method = 'GET', body }: { method?: string; body?: unknown } = {},
  ) =>
    ask(service.port, path, {
      method,
      headers: { Authorization: `Bearer ${key}` },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
}

/** Changes one letter of the article `b`, as a disk may do it. */
function damage(folder: string): void {
  const db = new DatabaseSync(storeFile(folder));
  db.exec(`UPDATE article SET article = replace(article, 'The title of b', 'The title of d') WHERE id = 'b'`);
  db.close();
}

function mend(folder: string): void {
  const db = new DatabaseSync(storeFile(folder));
  db.exec(`UPDATE article SET article = replace(article, 'The title of d', 'The title of b') WHERE id = 'b'`);
  db.close();
}

const statusOf = async (answer: Promise<{ status: number }>) => (await answer).status;

function codeOf({ text }: { text: string }): string {
  return JSON.parse(text).code;
}

function titleOf({ text }: { text: string }): string {
  return JSON.parse(text).title;
}

/** The lines of the log about the store. */
function linesAbout(service: Running): string[] {
  return service.told.flatMap(({ level, msg }) => (level === 'error' ? [msg] : []));
}

test('what is damaged is answered with 503, the rest is served on, and no change is made from then on', async () => {
  const { folder, api } = await newsroom();
  const service = await start(folder, OPTIONS);
  const cached = await ask(service.port, '/feeds/latest.rss');
  damage(folder);

  // The damage is not known yet. Documents that were made before show the article as it was.
  expect(await statusOf(ask(service.port, '/readyz'))).toBe(200);
  expect(
    await statusOf(
      api(service, '/api/articles/c', { method: 'PUT', body: record({ id: 'c', url: '/c', tags: ['c'] }) }),
    ),
  ).toBe(200);
  const answers = await Promise.all(FORMATS.map((format) => ask(service.port, `/feeds/tag/b.${format}`)));
  const [known, ...unknown] = answers; // the entry for RSS was rendered before
  expect([known?.status, known?.text]).toEqual([200, expect.stringContaining('The title of b')]);
  expect(unknown.map((answer) => [answer.status, codeOf(answer)])).toEqual(unknown.map(() => [503, 'store_damaged']));
  expect(codeOf(await api(service, '/api/articles/b'))).toBe('store_damaged');
  expect(await statusOf(api(service, '/api/articles/a'))).toBe(200);
  expect(await statusOf(ask(service.port, '/feeds/tag/a.atom'))).toBe(200);
  expect(await statusOf(ask(service.port, '/feeds/tag/c.json'))).toBe(200);
  expect(cached.status).toBe(200);

  const ready = await ask(service.port, '/readyz');
  expect([ready.status, titleOf(ready)]).toEqual([503, 'The store is damaged.']);
  const refused = [
    await api(service, '/api/articles/a', { method: 'PUT', body: record({ id: 'a', title: 'New' }) }),
    await api(service, '/api/articles/a', { method: 'DELETE' }),
    await api(service, '/api/articles/a?erase=true', { method: 'DELETE' }),
  ];
  expect(refused.map((answer) => [answer.status, codeOf(answer)])).toEqual(refused.map(() => [503, 'store_damaged']));
  const bulk = await api(service, '/api/articles', { method: 'POST', body: JSON.stringify(record({ id: 'd' })) });
  expect(bulk.text).toContain('store_damaged');
  await put(folder, 'articles/e.json', JSON.stringify(record({ id: 'e', url: '/e', tags: ['a'] })));
  expect((await ask(service.port, '/feeds/tag/a.json')).status).toBe(200);
  expect(JSON.parse((await api(service, '/api/articles/a')).text).record.title).toBe('The title of a');

  // Once, and not once a request.
  expect(linesAbout(service)).toEqual([expect.stringMatching(new RegExp(`^${DAMAGE} .*verify.*repair`))]);
});

test('only the API and the operator learn what is damaged: it may be under embargo', async () => {
  const { folder, api } = await newsroom();
  damage(folder);
  const service = await start(folder, OPTIONS);
  const found = await api(service, '/api/articles/b');
  const readers = await Promise.all(['/feeds/tag/b.json', '/readyz'].map((path) => ask(service.port, path)));

  expect([found.status, titleOf(found)]).toEqual([503, DAMAGE]);
  await expect(service.check()).rejects.toMatchObject({ message: expect.stringContaining(DAMAGE) });
  expect(readers.map((answer) => [answer.status, titleOf(answer)])).toEqual(
    readers.map(() => [503, 'The store is damaged.']),
  );
  expect(readers.map(({ text }) => text)).toEqual(readers.map(() => expect.not.stringContaining('“b”')));
});

test('documents that were made before are served on, whatever is damaged', async () => {
  const { folder } = await newsroom();
  const service = await start(folder, OPTIONS);
  const before = await ask(service.port, '/feeds/latest.rss');
  const db = new DatabaseSync(storeFile(folder));
  db.exec('UPDATE revision SET last = 1; UPDATE feed SET changed = 1; DELETE FROM entry; DROP TABLE place');
  db.close();
  const answers = await Promise.all([1, 2, 3].map(() => ask(service.port, '/feeds/latest.rss')));

  expect(answers.map(({ status, text }) => [status, text])).toEqual(answers.map(() => [200, before.text]));
  expect(await statusOf(ask(service.port, '/feeds/latest.json'))).toBe(503);
  expect(linesAbout(service)).toHaveLength(1);
});

test('damage is remembered over a restart, until it is mended and forgotten', async () => {
  const { folder, api } = await newsroom();
  damage(folder);
  const first = await serving(folder, OPTIONS);
  expect(codeOf(await ask(first.port, '/feeds/latest.atom'))).toBe('store_damaged');
  await first.close();
  mend(folder);
  const second = await serving(folder, OPTIONS);

  expect(linesAbout(second)).toEqual([expect.stringContaining(DAMAGE)]);
  expect(await statusOf(ask(second.port, '/readyz'))).toBe(503);
  expect(await statusOf(ask(second.port, '/feeds/latest.atom'))).toBe(200);
  const body = record({ id: 'a', url: 'https://news.example/a', title: 'New', tags: ['a'] });
  expect(codeOf(await api(second, '/api/articles/a', { method: 'PUT', body }))).toBe('store_damaged');
  await second.close();
  forgetDamage(storeFile(folder));
  const third = await start(folder, OPTIONS);
  expect(await statusOf(ask(third.port, '/readyz'))).toBe(200);
  expect(await statusOf(api(third, '/api/articles/a', { method: 'PUT', body }))).toBe(200);
  expect(linesAbout(third)).toEqual([]);
});

test('damage that a reader process finds stops the changes of the writer', async () => {
  const { folder, api } = await newsroom();
  const socket = join(folder, 'writer');
  const readersEnded = Promise.withResolvers<void>();
  const writer = await start(folder, {
    ...OPTIONS,
    part: { role: 'writer', socket, readersEnded: readersEnded.promise },
  });
  const reader = await serving(folder, { ...OPTIONS, part: { role: 'reader', socket } });
  onTestFinished(async () => {
    await reader.close();
    readersEnded.resolve();
  });
  damage(folder);
  expect(codeOf(await ask(reader.port, '/feeds/tag/b.json'))).toBe('store_damaged');

  expect(existsSync(damageFile(storeFile(folder)))).toBe(true);
  for (const service of [reader, writer]) {
    expect(await statusOf(ask(service.port, '/readyz'))).toBe(503);
    const answer = await api(service, '/api/articles/a', { method: 'DELETE' });
    expect([answer.status, codeOf(answer)]).toEqual([503, 'store_damaged']);
    await expect(service.check()).rejects.toMatchObject({ code: 'store_damaged' });
  }
  expect([linesAbout(reader).length, linesAbout(writer).length]).toEqual([1, 0]);
});

test.each([
  ['revision', 'last + 1'],
  ['feed', 'changed + 1'],
  ['entry', 'revision + 1'],
  ['article', 'updated + 1'],
  ['place', 'tie + 1'],
  ['audit', 'at + 1'],
  ['setting', "value || ' '"],
  ['source', "signature || ' '"],
])('a service whose table %s is damaged starts, and logs only that', async (table, value) => {
  const { folder } = await newsroom();
  const db = new DatabaseSync(storeFile(folder));
  db.exec(`UPDATE ${table} SET ${value.split(' ')[0]} = ${value}`);
  db.close();
  const service = await start(folder, OPTIONS);
  await ask(service.port, '/feeds/latest.json');

  expect(await statusOf(ask(service.port, '/healthz'))).toBe(200);
  const isFound = (await statusOf(ask(service.port, '/readyz'))) === 503;
  expect(linesAbout(service)).toEqual(isFound ? [expect.stringMatching(/^The store is damaged: .*verify/)] : []);
});
