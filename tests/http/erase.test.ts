import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { command } from '../commands/terminal.ts';
import { ask, PUBLICATION, put, record, start } from '../helpers.ts';
import { type Api, clientOf, keyFor, startApi } from './api.ts';

const STORY = record({ title: 'Secret title', tags: ['Rain'], sections: ['World'] });
const PUBLIC_ID = 'tag:news.example,2026:a';

async function withStory(files: Readonly<Record<string, string>> = {}): Promise<Api> {
  const api = await startApi(files);
  await api.put('/a', { body: STORY });
  return api;
}

async function withErased(): Promise<Api> {
  const api = await withStory();
  expect((await api.remove('/a?erase=true')).status).toBe(200);
  return api;
}

describe('DELETE with ?erase=true', () => {
  test('answers with the change and its ETag, and GET shows what is left', async () => {
    const { remove, get } = await withStory();
    const erased = await remove('/a?erase=true');
    const { text, headers } = await get('/a');

    expect([erased.status, erased.headers.etag, JSON.parse(erased.text)]).toEqual([
      200,
      '"2"',
      {
        id: 'a',
        result: 'erased',
        revision: 2,
        status: 'withdrawn',
        publicId: PUBLIC_ID,
        publishedAt: '2026-11-20T10:00:00Z',
        feeds: ['latest', 'section/world', 'tag/rain', 'language/en'],
        adjustments: [],
        warnings: [],
        media: [],
      },
    ]);
    expect(headers.etag).toBe('"2"');
    expect(JSON.parse(text)).toEqual({
      id: 'a',
      publicId: PUBLIC_ID,
      revision: 2,
      status: 'withdrawn',
      erased: true,
      publishedAt: '2026-11-20T10:00:00Z',
      withdrawn: { at: '2026-11-22T12:00:00Z' },
      record: {
        id: 'a',
        publicId: PUBLIC_ID,
        publishedAt: '2026-11-20T10:00:00Z',
        withdrawn: { at: '2026-11-22T12:00:00Z' },
        erased: { feeds: ['latest', 'section/world', 'tag/rain', 'language/en'] },
      },
    });
    const { articles } = JSON.parse((await get('?status=withdrawn')).text);
    expect(articles).toEqual([JSON.parse(text)]);
  });

  test('hides the files that only the article names: they are answered as files that are not there', async () => {
    const body = (...names: string[]) => names.map((name) => `<img src="/media/${name}">`).join('');
    const { port, put: publish, remove } = await startApi({ 'media/a.jpg': 'a', 'media/both.jpg': 'b' });
    await publish('/a', { body: record({ body: body('a.jpg', 'both.jpg') }) });
    await publish('/b', { body: record({ id: 'b', url: '/b', body: body('both.jpg') }) });
    const statuses = () =>
      Promise.all(['a.jpg', 'both.jpg', 'none.jpg'].map(async (name) => (await ask(port, `/media/${name}`)).status));
    expect(await statuses()).toEqual([200, 200, 404]);
    await remove('/a?erase=true');
    expect(await statuses()).toEqual([404, 200, 404]);
  });

  test('says of each feed that the article is withdrawn, as before', async () => {
    const { get, remove } = await withStory();
    await remove('/a');
    const before = await get('/a/feeds');
    await remove('/a?erase=true');
    expect(JSON.parse((await get('/a/feeds')).text)).toEqual(JSON.parse(before.text));
  });

  test.each<[string, number, string | undefined]>([
    ['/a?erase=yes', 400, 'erase'],
    ['/a?erase=true&reason=Wrong', 400, 'reason'],
    ['/a?erase=true&erase=true', 400, 'erase'],
    ['/b?erase=true', 404, undefined],
  ])('%s is %i, and changes nothing', async (address, status, field) => {
    const { remove, get } = await withStory();
    const answer = await remove(address);
    expect([answer.status, JSON.parse(answer.text).problems?.[0]?.field]).toEqual([status, field]);
    expect((await get('/a')).headers.etag).toBe('"1"');
  });

  test.each([
    [{ 'If-Match': '"1"' }, 200],
    [{ 'If-Match': '*' }, 200],
    [{ 'If-Match': '"2"' }, 412],
    [{ 'If-None-Match': '*' }, 412],
  ])('expecting %o is %i', async (headers, status) => {
    const { remove, get } = await withStory();
    expect((await remove('/a?erase=true', { headers })).status).toBe(status);
    expect(JSON.parse((await get('/a')).text).erased).toBe(status === 200 ? true : undefined);
  });

  test('needs a key that may write', async () => {
    const { remove, dataFolder } = await withStory();
    const { key } = await keyFor(dataFolder, 'read');
    expect((await remove('/a?erase=true', { key })).status).toBe(403);
  });

  test('of an erased article, and a withdrawal of it, are unchanged', async () => {
    const { remove, get } = await withErased();
    const before = await get('/a');
    for (const address of ['/a?erase=true', '/a', '/a?reason=Wrong', '/a?erase=false']) {
      expect(JSON.parse((await remove(address)).text)).toMatchObject({ id: 'a', result: 'unchanged', revision: 2 });
    }
    expect((await get('/a')).text).toBe(before.text);
  });

  test('is refused while a file holds the article, and names the file', async () => {
    const { remove, get, dataFolder } = await withStory();
    await put(dataFolder, 'articles/2026/story.md', '---\nid: a\n---\nText');
    const { status, text } = await remove('/a?erase=true');
    const problem = JSON.parse(text);

    expect([status, problem.code, problem.title]).toEqual([
      409,
      'file_holds_article',
      'The file articles/2026/story.md holds the article “a”.',
    ]);
    expect((await get('/a')).text).toContain('Secret title');
    await rm(join(dataFolder, 'articles/2026/story.md'));
    expect((await remove('/a?erase=true')).status).toBe(200);
  });
});

describe('a later record of an erased article', () => {
  const title = 'The article “a” has the id of an article that was erased for good.';
  const ofId = { field: 'id', value: 'a', rule: 'is the id of an article that was erased for good: use another id' };
  const ofPublicId = { field: 'publicId', value: PUBLIC_ID, rule: 'is the identity of the erased article a' };

  test('is refused by PUT, with its id or its public id', async () => {
    const { put: send, get } = await withErased();
    const answers = [
      await send('/a', { body: STORY }),
      await send('/a', { body: STORY, headers: { 'If-Match': '"2"' } }),
      await send('/b', { body: { ...STORY, id: 'b', publicId: PUBLIC_ID } }),
    ];
    expect(answers.map(({ status, text }) => [status, JSON.parse(text).code, JSON.parse(text).problems])).toEqual([
      [409, 'erased_article', [ofId]],
      [409, 'erased_article', [ofId]],
      [409, 'erased_article', [ofPublicId]],
    ]);
    expect((await get('/a')).text).not.toContain('Secret title');
  });

  test('is refused in bulk, and the other lines are not', async () => {
    const { post } = await withErased();
    const body = [STORY, { ...STORY, id: 'b' }].map((one) => JSON.stringify(one)).join('\n');
    const lines = (await post('', { body })).text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));

    expect(lines[0]).toMatchObject({ line: 1, result: 'refused', code: 'erased_article', title, problems: [ofId] });
    expect(lines[1]).toMatchObject({ line: 2, id: 'b', result: 'created' });
  });

  test('is refused in a file, which the log names', async () => {
    const api = await withErased();
    await put(api.dataFolder, 'articles/again.json', JSON.stringify(STORY));
    await expect
      .poll(() => api.lines, { timeout: 30_000 })
      .toEqual([`articles/again.json:1:7: id: ${ofId.rule} (value: a)`]);
    expect((await ask(api.port, '/feeds/latest.json')).text).not.toContain('Secret title');
  });

  test('is refused by an import, which copies its text nowhere', async () => {
    const { dataFolder } = await withErased();
    const list = join(dataFolder, 'list.ndjson');
    const rejected = join(dataFolder, 'rejected.ndjson');
    const report = join(dataFolder, 'report.json');
    await writeFile(list, `${JSON.stringify(STORY)}\n`);
    const args = ['import', '--data', dataFolder, '--rejected', rejected, '--report', report, list];
    const { code, out, err } = await command(args);

    expect([code, out]).toEqual([1, '0 created, 0 updated, 0 unchanged, 1 refused\n']);
    expect(err).toBe(
      `${list}:1: id: ${ofId.rule} (value: a)\nAn erased article stays erased: remove its record from the source.\n`,
    );
    await rm(list);
    const { status, text } = await ask((await start(dataFolder)).port, '/feeds/latest.atom');
    expect([status, text.includes('at:deleted-entry')]).toEqual([200, true]);
    await expect(command(['export', '--data', dataFolder, join(dataFolder, 'all.ndjson')])).resolves.toMatchObject({
      code: 0,
    });
  });
});

test('a start with other addresses leaves an erased article as it is', async () => {
  const { dataFolder, get, close } = await withErased();
  const before = (await get('/a')).text;
  await close();
  await put(dataFolder, 'publication.yaml', PUBLICATION.replace('https://news.example/', 'https://other.example/'));
  const api = await clientOf(dataFolder);

  expect((await api.get('/a')).text).toBe(before);
  expect(api.lines).toEqual([]);
});

test('a reader who knows the feed gets a delta without the text, with the tombstone', async () => {
  const { port, remove, put: send } = await withStory();
  await send('/b', { body: record({ id: 'b', url: '/b' }) });
  const before = await ask(port, '/feeds/latest.atom');
  await remove('/a?erase=true');
  const delta = await ask(port, '/feeds/latest.atom', {
    headers: { 'A-IM': 'feed', 'If-None-Match': before.headers.etag },
  });

  expect(delta.status).toBe(226);
  expect(delta.text).toContain(
    `<at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0" ref="${PUBLIC_ID}"`,
  );
  expect(delta.text).not.toContain('Secret title');
});
