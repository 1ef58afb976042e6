import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Running } from '../helpers.ts';
import { jsonFeedProblems } from './jsonfeed.ts';
import { publishedFeed, type SampleFeed, sampleFeeds, startSample } from './newsroom.ts';
import { peerTest } from './programs.ts';
import { xmllint } from './xmllint.ts';

let service: Running;
let feeds: readonly SampleFeed[];
beforeAll(async () => {
  service = await startSample();
  feeds = await sampleFeeds();
});
afterAll(() => service.close());

for (const format of ['rss', 'atom'] as const) {
  peerTest('xmllint', `libxml2 finds every ${format} document of the sample well-formed`, async () => {
    for (const { key } of feeds) {
      const { text } = await publishedFeed(service.port, key, format);
      await expect(xmllint(text), key).resolves.toBeUndefined();
    }
  });
}

test('every JSON document of the sample keeps to JSON Feed 1.1', async () => {
  for (const { key } of feeds) {
    const { text } = await publishedFeed(service.port, key, 'json');
    expect(jsonFeedProblems(text), key).toEqual([]);
  }
});
