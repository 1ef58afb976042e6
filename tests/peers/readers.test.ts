import { expect, test } from 'vitest';
import type { Article } from '../../src/article/article.ts';
import type { Content, Format } from '../../src/feed/feeds.ts';
import { publishedFeed, type SampleFeed, sampleFeeds, startSample } from './newsroom.ts';
import { peerTest } from './programs.ts';
import { readers } from './readers.ts';
import { comparable, instant, type Reading } from './reading.ts';

test('the service publishes the feeds that the files of the sample name', async () => {
  const service = await startSample();
  expect(service.feeds).toBe((await sampleFeeds()).length);
});

for (const { name, programs, formats, read, shows } of readers) {
  for (const format of formats) {
    peerTest(programs, `${name} reads the articles out of every ${format} feed of the sample`, async () => {
      const { port } = await startSample();
      for (const feed of await sampleFeeds()) {
        const readings = await read(await publishedFeed(port, feed.key, format));
        const expected = expectedReadings(feed, format).map((reading) => shows(reading, format));
        expect(readings.map(comparable), feed.key).toEqual(expected.map(comparable));
      }
    });
  }
}

function expectedReadings({ articles, content }: SampleFeed, format: Format): readonly Reading[] {
  return articles.map((article) => ({
    id: article.publicId,
    title: article.title,
    link: article.url,
    published: instant(article.publishedAt),
    ...expectedUpdate(article, format),
    authors: article.authors.map(({ name }) => name),
    ...expectedTexts(article, content, format),
  }));
}

/** An Atom entry always says when it was updated (RFC 4287 §4.1.2), the others only when it was. */
function expectedUpdate({ publishedAt, updatedAt }: Article, format: Format): Pick<Reading, 'updated'> {
  const updated = format === 'atom' ? (updatedAt ?? publishedAt) : updatedAt;
  return updated === undefined ? {} : { updated: instant(updated) };
}

/** Where an entry carries the summary alone, it is what readers show as its body. */
function expectedTexts(
  { html, summary }: Article,
  content: Content,
  format: Format,
): Pick<Reading, 'body' | 'summary'> {
  if (content === 'full') return { body: html, summary };
  return format === 'json' ? { body: summary, summary } : { body: summary };
}
