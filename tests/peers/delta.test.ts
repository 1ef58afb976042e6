import { describe, expect, onTestFinished } from 'vitest';
import { record } from '../helpers.ts';
import { type Api, NOW, SECOND, startApi } from '../http/api.ts';
import { pollWithFeedparser } from './feedparser.ts';
import { openNewsboat } from './newsboat.ts';
import { CONDITIONS, watchOrigin } from './origin.ts';
import { peerTest } from './programs.ts';
import type { Reading } from './reading.ts';

/** Readers that take deltas (RFC 3229, `feed`) and keep what they read, compared with readers that always get the whole feed. */

/** A story. One whose id comes later in the alphabet is newer. */
function story(id: string, title: string) {
  const body = `<p>${'The river rose in the night. '.repeat(20)}</p>`;
  const publishedAt = `2026-11-20T${id.charCodeAt(0) - 87}:00:00Z`;
  return { body: record({ id, title, body, publishedAt, url: `https://news.example/${id}` }) };
}

/** Three changes, one after the other. */
const CHANGES: readonly [string, (api: Api) => Promise<unknown>][] = [
  ['a new story', ({ put }) => put('/d', story('d', 'New'))],
  ['a correction', ({ put }) => put('/b', story('b', 'Corrected'))],
  ['a withdrawal', ({ remove }) => remove('/a')],
];

async function newsroom(format: string) {
  const clock = { now: NOW };
  const api = await startApi({}, { now: () => clock.now });
  for (const id of ['a', 'b', 'c']) await api.put(`/${id}`, story(id, `Story ${id}`));
  const [watched, whole] = [await watchOrigin(api.port), await watchOrigin(api.port, CONDITIONS)];
  const [url, urlOfWhole] = [watched, whole].map(({ port }) => `http://127.0.0.1:${port}/feeds/latest.${format}`);
  if (url === undefined || urlOfWhole === undefined) throw new Error('there are two');
  const make = async (change: (api: Api) => Promise<unknown>) => {
    // libcurl, and so newsboat, drops what is not newer by Last-Modified, and yet keeps its tag.
    clock.now += SECOND;
    await change(api);
  };
  return { watched, whole, url, urlOfWhole, make };
}

function byId(readings: readonly Reading[]): ReadonlyMap<string, Reading> {
  return new Map(readings.map((reading) => [reading.id, reading]));
}

const ID = (id: string) => `tag:news.example,2026:${id}`;

describe.each(['rss', 'atom'])('%s', (format) => {
  peerTest('newsboat', 'newsboat has the articles of one that gets everything', async () => {
    const { watched, whole, url, urlOfWhole, make } = await newsroom(format);
    const [reader, other] = [await openNewsboat(url), await openNewsboat(urlOfWhole)];
    onTestFinished(async () => {
      await reader.remove();
      await other.remove();
    });
    const reload = async () => {
      await reader.reload();
      await other.reload();
    };
    await reload();
    await reload();
    await reload();
    expect(watched.exchanges.map(({ aIm, status }) => [aIm, status])).toEqual([
      [undefined, 200],
      [undefined, 200],
      ['feed', 304],
    ]);

    for (const [name, change] of CHANGES) {
      await make(change);
      await reload();
      expect(watched.exchanges.at(-1), name).toMatchObject({ aIm: 'feed', status: 226 });
      expect(byId(reader.articles()), name).toEqual(byId(other.articles()));
    }
    await reload();
    expect(watched.exchanges.at(-1)?.status).toBe(304);
    expect(byId(reader.articles())).toEqual(byId(other.articles()));
    expect(whole.exchanges.map(({ status }) => status)).toEqual(Array(7).fill(200));
    const titles = reader.articles().map(({ id, title }) => [id, title]);
    // newsboat does not know withdrawals, and keeps what it read.
    expect(titles.sort()).toEqual([
      [ID('a'), 'Story a'],
      [ID('b'), 'Corrected'],
      [ID('c'), 'Story c'],
      [ID('d'), 'New'],
    ]);
  });

  peerTest('feedparser', 'a program with feedparser has the entries of one that gets everything', async () => {
    const { watched, url, urlOfWhole, make } = await newsroom(format);
    const had = new Map<string, Reading>();
    const everything = new Map<string, Reading>();
    let tag: string | undefined;
    const poll = async () => {
      const [news, whole] = await pollWithFeedparser([{ url, tag }, { url: urlOfWhole }]);
      tag = news?.etag ?? tag;
      for (const reading of news?.readings ?? []) had.set(reading.id, reading);
      for (const reading of whole?.readings ?? []) everything.set(reading.id, reading);
      expect(had).toEqual(everything);
      return [news?.status, news?.readings.map(({ id }) => id)];
    };

    const polled = [await poll()];
    for (const [, change] of CHANGES) {
      await make(change);
      polled.push(await poll());
    }
    polled.push(await poll());

    expect(polled).toEqual([
      [200, ['c', 'b', 'a'].map(ID)],
      [226, [ID('d')]],
      [226, [ID('b')]],
      [226, []],
      [304, []],
    ]);
    expect(watched.exchanges.map(({ aIm }) => aIm)).toEqual(Array(5).fill('feed'));
    expect(had.get(ID('b'))?.title).toBe('Corrected');
  });
});
