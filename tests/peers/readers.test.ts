// @module-tag soak
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Article } from '../../src/article/article.ts';
import type { Content, Format } from '../../src/feed/feeds.ts';
import type { Running } from '../helpers.ts';
import { sized } from '../soak/sizes.ts';
import { publishedFeed, type SampleFeed, sampleFeeds, samplePublication, startSample } from './newsroom.ts';
import { peerTest } from './programs.ts';
import { readers } from './readers.ts';
import { authorsShown, comparable, instant, type Reading } from './reading.ts';

let service: Running;
let allFeeds: readonly SampleFeed[];
beforeAll(async () => {
  service = await startSample();
  allFeeds = await sampleFeeds();
});
afterAll(() => service.close());

test('the service publishes the feeds that the files of the sample name', () => {
  expect(service.feeds).toBe(allFeeds.length);
});

/** A reader that is a program starts once for each feed: a short run has a full feed, one of summaries, one right to left. */
const FEEDS_FOR_PROGRAMS = sized({
  short: ['latest', 'headlines', 'kurdish-culture'],
  soak: undefined,
  full: undefined,
});

for (const { name, programs, formats, read, shows } of readers) {
  const keys = programs.length > 0 ? FEEDS_FOR_PROGRAMS : undefined;
  const which = keys === undefined ? 'every' : `${keys.length}`;
  for (const format of formats) {
    peerTest(programs, `${name} reads the articles out of ${which} ${format} feed(s) of the sample`, async () => {
      const feeds = allFeeds.filter(({ key }) => keys?.includes(key) ?? true);
      expect(feeds.length).toBeGreaterThanOrEqual(keys?.length ?? 1);
      const documents = await Promise.all(feeds.map(({ key }) => publishedFeed(service.port, key, format)));
      const readings = await read(documents);
      expect(readings).toHaveLength(feeds.length);
      for (const [index, feed] of feeds.entries()) {
        const expected = expectedReadings(feed, format).map((reading) => shows(reading, format));
        expect(readings[index]?.map(comparable), feed.key).toEqual(expected.map(comparable));
      }
    });
  }
}

function expectedReadings({ articles, content }: SampleFeed, format: Format): readonly Reading[] {
  const { title } = samplePublication();
  return articles.map((article) => ({
    id: article.publicId,
    title: article.title,
    link: article.url,
    published: instant(article.publishedAt),
    ...expectedUpdate(article, format),
    authors: authorsShown(article, title, format),
    ...expectedTexts(article, content, format),
  }));
}

/** An Atom entry always has a date of update (RFC 4287 §4.1.2). Other entries have one only after an update. */
function expectedUpdate({ publishedAt, updatedAt }: Article, format: Format): Pick<Reading, 'updated'> {
  const updated = format === 'atom' ? (updatedAt ?? publishedAt) : updatedAt;
  return updated === undefined ? {} : { updated: instant(updated) };
}

/** Readers show the summary as the body of an entry that has no other text. */
function expectedTexts(
  { html, summary }: Article,
  content: Content,
  format: Format,
): Pick<Reading, 'body' | 'summary'> {
  if (content === 'full') return { body: html, summary };
  return format === 'json' ? { body: summary, summary } : { body: summary };
}
