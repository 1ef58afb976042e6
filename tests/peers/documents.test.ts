import { expect, test } from 'vitest';
import { jsonFeedProblems } from './jsonfeed.ts';
import { publishedFeed, sampleFeeds, startSample } from './newsroom.ts';
import { peerTest } from './programs.ts';
import { xmllint } from './xmllint.ts';

for (const format of ['rss', 'atom'] as const) {
  peerTest('xmllint', `libxml2 finds every ${format} document of the sample well-formed`, async () => {
    const { port } = await startSample();
    for (const { key } of await sampleFeeds()) {
      const { text } = await publishedFeed(port, key, format);
      await expect(xmllint(text), key).resolves.toBeUndefined();
    }
  });
}

test('every JSON document of the sample keeps to JSON Feed 1.1', async () => {
  const { port } = await startSample();
  for (const { key } of await sampleFeeds()) {
    const { text } = await publishedFeed(port, key, 'json');
    expect(jsonFeedProblems(text), key).toEqual([]);
  }
});
