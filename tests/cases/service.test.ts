import { EventEmitter } from 'node:events';
import { type FSWatcher, readdirSync, readFileSync, watch } from 'node:fs';
import { rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ask, dataFolder, linking, put, type Running, record, start } from '../helpers.ts';

vi.mock('node:fs', { spy: true });

import { startApi } from '../http/api.ts';

/** Cases of the service itself: addresses, folders and dates. Each is a folder with its input and what is expected. */

function read<Content>(path: string): Content {
  return JSON.parse(readFileSync(join(import.meta.dirname, path), 'utf8')) as Content;
}

/** The files of a case as article files, by their paths in a data folder. */
function articleFiles(name: string): Record<string, string> {
  const folder = join(import.meta.dirname, name);
  const files = readdirSync(folder).filter((file) => file !== 'expected.json');
  return Object.fromEntries(files.map((file) => [`articles/${file}`, readFileSync(join(folder, file), 'utf8')]));
}

describe('slash-at-the-end', () => {
  const { requests } = read<{ requests: Record<string, string> }>('slash-at-the-end/requests.json');

  test.each(Object.entries(requests))('%s leads to %s', async (line, location) => {
    const [method = '', path = ''] = line.split(' ');
    const { port } = await start(await dataFolder({ 'articles/a.json': JSON.stringify(record()) }));
    const { status, headers } = await ask(port, path, { method });

    expect([status, headers.location]).toEqual([308, location]);
    for (const base of ['https://feeds.example', 'https://news.example/rss']) {
      const { href } = new URL(location, base + path);
      expect(href).toBe(`${base}/feeds/latest.${location.split('.').at(-1)}`);
    }
  });
});

test('numbers-as-ids', async () => {
  const { ids } = read<{ ids: string[] }>('numbers-as-ids/expected.json');
  const { get, post, lines } = await startApi(articleFiles('numbers-as-ids'));
  const { articles }: { articles: { id: string }[] } = JSON.parse((await get('')).text);
  const bulk = await post('', { body: JSON.stringify(record({ id: 41, title: 'Another title' })) });

  expect(lines).toEqual([]);
  expect(articles.map(({ id }) => id).sort()).toEqual(ids);
  expect(JSON.parse(bulk.text.split('\n', 1)[0] ?? '')).toMatchObject({ line: 1, id: '41', result: 'updated' });
});

describe('folder-that-tells-nothing', () => {
  interface Change {
    readonly what: string;
    readonly write?: Record<string, string>;
    readonly remove?: readonly string[];
    readonly titles: readonly string[];
  }
  const { files, changes } = read<{ files: Record<string, string>; changes: readonly Change[] }>(
    'folder-that-tells-nothing/changes.json',
  );

  async function titles({ port }: Running): Promise<string[]> {
    const { items }: { items: { title: string }[] } = JSON.parse((await ask(port, '/feeds/latest.json')).text);
    return items.map(({ title }) => title);
  }

  test('shows each change within forty seconds', async () => {
    const silent = () => Object.assign(new EventEmitter(), { close: () => {} }) as unknown as FSWatcher;
    vi.mocked(watch).mockImplementation(silent);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true });
    onTestFinished(() => {
      vi.mocked(watch).mockReset();
      vi.useRealTimers();
    });
    const service = await start(await dataFolder({ 'media/.keep': '', ...files }));
    const before = Object.keys(files).length;
    expect(await titles(service)).toHaveLength(before);

    for (const { what, write = {}, remove = [], titles: expected } of changes) {
      for (const [path, content] of Object.entries(write)) {
        await put(service.dataFolder, path, content);
        const written = Date.now() / 1000 - 2;
        await utimes(join(service.dataFolder, path), written, written);
      }
      for (const path of remove) await rm(join(service.dataFolder, path), { recursive: true });
      await vi.advanceTimersByTimeAsync(40_000);
      await expect.poll(() => titles(service), { message: what }).toEqual(expected);
    }
  });
});

describe('correction-in-the-future', () => {
  interface Case {
    readonly what: string;
    readonly dates: Record<string, string>;
    readonly refused?: string;
  }
  const { now, cases } = read<{ now: string; cases: readonly Case[] }>('correction-in-the-future/cases.json');

  test.each(cases)('$what', async ({ dates, refused }) => {
    const { port, put: send } = await startApi({}, { now: () => Date.parse(now) });
    const { status, text } = await send('/a', { body: record(dates) });
    const rule = `must not be after now, ${now}: check its year and its zone, and the clock of the system that wrote it`;

    expect(status).toBe(refused === undefined ? 201 : 422);
    if (refused !== undefined)
      expect(JSON.parse(text).problems).toEqual([{ field: 'updatedAt', value: refused, rule }]);
    for (const format of ['rss', 'atom', 'json']) {
      const { text: feed } = await ask(port, `/feeds/latest.${format}`);
      const dated = [...feed.matchAll(/\d{4}-\d\d-\d\dT[\d:]+Z|\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT/g)];
      expect(dated.filter(([date]) => Date.parse(date) > Date.parse(now))).toEqual([]);
    }
  });
});

describe('file-names-in-two-forms', () => {
  interface Files {
    readonly files: readonly { readonly stored: string; readonly asked: readonly string[] }[];
    readonly missing: readonly string[];
  }
  const { files, missing } = read<Files>('file-names-in-two-forms/files.json');
  const names = [...files.map(({ stored }) => stored), ...missing, '.hidd\u00e9n.txt'];
  const media = {
    'articles/files.json': linking(...names),
    ...Object.fromEntries(files.map(({ stored }) => [`media/${stored}`, stored])),
  };
  const hidden = { 'media/.hidd\u00e9n.txt': 'hidden' };

  test('a file is found by each form of its name', async () => {
    const { port } = await start(await dataFolder(media));
    for (const { stored, asked } of files) {
      for (const name of asked) {
        const { status, text } = await ask(port, `/media/${encodeURI(name)}`);
        expect([name, status, text]).toEqual([name, 200, stored]);
      }
    }
  });

  test.each(missing)('%s is no file', async (name) => {
    const { port } = await start(await dataFolder({ ...media, ...hidden }));

    expect((await ask(port, `/media/${encodeURI(name)}`)).status).toBe(404);
  });

  test('a file that comes later is found', async () => {
    const service = await start(
      await dataFolder({ 'articles/files.json': linking('caf\u00e9.txt'), 'media/.keep': '' }),
    );
    const path = `/media/${encodeURI('caf\u00e9.txt')}`;
    expect((await ask(service.port, path)).status).toBe(404);
    await put(service.dataFolder, 'media/cafe\u0301.txt', 'coffee');

    expect((await ask(service.port, path)).text).toBe('coffee');
  });
});

test('hidden-text: the log names what goes, for files and for the API, once', async () => {
  const body = '<p>a</p><p hidden>Ad</p><p hidden>b</p>';
  const { put, post, lines, told } = await startApi({
    'articles/file.json': JSON.stringify(record({ id: 'file', body })),
  });
  await put('/put', { body: record({ id: 'put', body }) });
  await put('/put', { body: record({ id: 'put', body }) }); // changes nothing
  await post('', { body: JSON.stringify(record({ id: 'bulk', body })) });
  const adjustments = [expect.objectContaining({ kind: 'hidden_text_removed', field: 'body', value: 'Ad', count: 2 })];

  expect(lines).toEqual([]);
  expect(told.filter((line) => 'adjustments' in line)).toEqual(
    ['file', 'put', 'bulk'].map((article) => {
      const msg = `${article}: body: removed hidden text: “Ad” (2 times): its page does not show it`;
      return expect.objectContaining({ level: 'info', article, adjustments, msg });
    }),
  );
});
