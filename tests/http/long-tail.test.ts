import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { ask, dataFolder, FAST_PATH, put, record, start } from '../helpers.ts';

/** Feeds of one story each, which are more than the memory of the service holds. */
const FEEDS = Array.from({ length: 30 }, (_, number) => `/feeds/tag/topic-${number}.rss`);

function story(number: number, title: string): string {
  const body = `<p>${randomBytes(15_000).toString('base64')}</p>`;
  return JSON.stringify(record({ id: `story-${number}`, title, tags: [`Topic ${number}`], body }));
}

test.skipIf(!FAST_PATH)('a document that was evicted is not made again to answer 304', async () => {
  const files = FEEDS.map((_, number) => [`articles/${number}.json`, story(number, 'Before')]);
  const folder = await dataFolder(Object.fromEntries(files));
  const { port, measure } = await start(folder, { cache: 1 });
  const made = async () =>
    (await measure()).find(({ name }) => name === 'feed_publisher_documents_made_total')?.values[0]?.value;
  const tags: string[] = [];
  for (const feed of FEEDS) tags.push(String((await ask(port, feed)).headers.etag));
  const askAgain = async () => {
    const statuses: number[] = [];
    for (const [index, feed] of FEEDS.entries())
      statuses.push((await ask(port, feed, { headers: { 'If-None-Match': String(tags[index]) } })).status);
    return statuses;
  };

  expect(await made()).toBe(FEEDS.length);
  expect(new Set(await askAgain())).toEqual(new Set([304]));
  expect(await made()).toBe(FEEDS.length);
  expect((await ask(port, String(FEEDS[0]))).status).toBe(200);
  expect(await made(), 'the first document was evicted').toBe(FEEDS.length + 1);

  await put(folder, 'articles/3.json', story(3, 'After'));
  expect((await askAgain()).map((status) => status === 200)).toEqual(FEEDS.map((_, number) => number === 3));
  expect(await made()).toBe(FEEDS.length + 2);
});
