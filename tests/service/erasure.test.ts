import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FORMATS } from '../../src/feed/feeds.ts';
import { command } from '../commands/terminal.ts';
import { ask, dataFolder, put, record, start } from '../helpers.ts';
import { keyFor, NOW } from '../http/api.ts';

/** Each stands once in the story, in no address and in no id. */
const SECRETS = {
  titles: ['Zebra title one', 'Zebra title two', 'Zebra title three'],
  bodies: ['Walrus body one', 'Walrus body two', 'Walrus body three'],
  reason: 'Okapi reason',
  author: 'Quokka Author',
  caption: 'Lemur caption',
  file: 'tapir-file',
  url: 'ibis-address',
  tag: 'Gecko Tag',
};
const ALL_SECRETS = Object.values(SECRETS).flat();

/** Fields of one version of the story; the first has another author and tag, which the later versions correct. */
function version(number: number) {
  return record({
    id: 'a',
    url: `/${SECRETS.url}`,
    title: SECRETS.titles[number],
    body: `<p>${SECRETS.bodies[number]}</p>${'<p>More of it.</p>'.repeat(number === 1 ? 2000 : 1)}<p><img src="/media/a.jpg" alt=""></p>`,
    authors: [{ name: number === 0 ? `${SECRETS.author} Junior` : SECRETS.author }],
    image: { url: '/media/b.jpg', caption: SECRETS.caption },
    tags: [SECRETS.tag],
    sections: ['World'],
  });
}

/** The files below a folder that have one of the texts, with the text. */
async function filesWith(folder: string, texts: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder, { recursive: true })) {
    const file = join(folder, name);
    if (!(await stat(file)).isFile()) continue;
    const bytes = await readFile(file);
    for (const text of texts) if (bytes.includes(text)) found.push(`${name}: ${text}`);
  }
  return found;
}

const OTHER = record({
  id: 'b',
  url: '/b',
  title: 'The other story',
  sections: ['World'],
  body: '<img src="/media/a.jpg">Other',
});

interface Newsroom {
  readonly folder: string;
  readonly api: (method: string, path: string, body?: unknown) => ReturnType<typeof ask>;
  readonly feed: (address: string) => ReturnType<typeof ask>;
  readonly stop: () => Promise<void>;
}

/** A newsroom with the story as it is after two corrections, a withdrawal with a reason, and a refused import. */
async function newsroomWithStory(workers: boolean): Promise<Newsroom> {
  const folder = await dataFolder({
    'articles/.keep': '',
    'articles/b.json': JSON.stringify(OTHER),
    [`articles/${SECRETS.file}.json`]: JSON.stringify(version(0)),
    'media/a.jpg': 'a',
    'media/b.jpg': 'b',
    'in.ndjson': `${JSON.stringify({ ...version(2), publishedAt: 'yesterday' })}\n{"id":"c"}\n`,
  });
  const { key } = await keyFor(folder);
  const services = workers ? await pair(folder) : await alone(folder);
  const asking = (port: number) => (method: string, path: string, body?: unknown) =>
    ask(port, `/api/articles/${path}`, {
      method,
      headers: { Authorization: `Bearer ${key}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const api = asking(services.port);
  const feed = (address: string) => ask(services.port, `/feeds/${address}`);
  await feed('latest.atom'); // fills the caches
  for (const number of [1, 2]) expect((await api('PUT', 'a', version(number))).status).toBe(200);
  for (const format of FORMATS) expect((await feed(`latest.${format}`)).text).toContain(SECRETS.bodies[2]);
  await api('DELETE', `a?reason=${encodeURIComponent(SECRETS.reason)}`);
  expect((await feed('latest.atom')).text).toContain(SECRETS.reason);
  await rm(join(folder, 'articles', `${SECRETS.file}.json`));
  const rejected = join(folder, 'refused', 'list.ndjson');
  await put(folder, 'refused/.keep', '');
  await command(['import', '--data', folder, '--rejected', rejected, join(folder, 'in.ndjson')]);
  expect((await filesWith(folder, SECRETS.titles)).length).toBeGreaterThan(1);
  expect(await readFile(rejected, 'utf8')).toContain(SECRETS.bodies[2]);
  await rm(join(folder, 'in.ndjson'));
  return { folder, api, feed, stop: services.close };
}

async function alone(folder: string) {
  const service = await start(folder, { now: () => NOW });
  return { port: service.port, close: service.close };
}

async function pair(folder: string) {
  const socket = join(folder, 'writer');
  const readersEnded = Promise.withResolvers<void>();
  const writer = await start(folder, {
    now: () => NOW,
    part: { role: 'writer', socket, readersEnded: readersEnded.promise },
  });
  const reader = await start(folder, { now: () => NOW, part: { role: 'reader', socket } });
  const close = async () => {
    await reader.close();
    readersEnded.resolve();
    await writer.close();
  };
  onTestFinished(close);
  return { port: reader.port, close };
}

async function tombstonesIn({ feed }: Newsroom, key: string): Promise<string[]> {
  const atom = (await feed(`${key}.atom`)).text.match(/<at:deleted-entry[^>]*>/g) ?? [];
  const json = JSON.parse((await feed(`${key}.json`)).text)._tombstones?.items ?? [];
  return [...atom, ...json.map((item: unknown) => JSON.stringify(item))];
}

const TOMBSTONES = [
  '<at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0" ref="tag:news.example,2026:a" when="2026-11-22T12:00:00Z"/>',
  '{"id":"tag:news.example,2026:a","date_withdrawn":"2026-11-22T12:00:00Z"}',
];

describe.each([
  ['one process', false],
  ['a writer and a reader', true],
])('%s', (_, workers) => {
  test.each([
    ['the API', true],
    ['the command', true],
    ['the command without a service', false],
  ])(
    'erased by %s, a story leaves no text in any file of the data folder, and its tombstone stays',
    async (way, isRunning) => {
      const newsroom = await newsroomWithStory(workers);
      const { folder, api } = newsroom;
      if (!isRunning) await newsroom.stop();
      if (way === 'the API') {
        const { status, text } = await api('DELETE', 'a?erase=true');
        expect([status, JSON.parse(text)]).toMatchObject([
          200,
          { id: 'a', result: 'erased', warnings: [], media: ['media/b.jpg'] },
        ]);
      } else {
        const { code, out } = await command(['erase', '--data', folder, 'a']);
        expect(code, out).toBe(0);
        expect(out).toContain('  media/b.jpg\n');
        expect(out).not.toContain('media/a.jpg');
      }

      expect(await filesWith(folder, ALL_SECRETS)).toEqual([]);
      expect(await readFile(join(folder, 'refused', 'list.ndjson'), 'utf8')).toBe('{"id":"c"}\n');
      if (!isRunning) return;
      for (const key of ['latest', 'section/world', 'tag/gecko-tag', 'author/quokka-author']) {
        expect(await tombstonesIn(newsroom, key), key).toEqual(TOMBSTONES);
        for (const format of FORMATS) {
          const { text } = await newsroom.feed(`${key}.${format}`);
          expect(ALL_SECRETS.filter((secret) => text.includes(secret))).toEqual([]);
        }
      }
      expect((await newsroom.feed('latest.rss')).text).not.toContain('2026:a');
      expect((await newsroom.feed('latest.rss')).text).toContain('The other story');
    },
    30_000,
  );
});
