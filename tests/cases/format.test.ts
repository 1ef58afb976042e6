import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { parseArticle } from '../../src/article/article.ts';
import { parsePublication } from '../../src/config/publication.ts';
import { ownKeys } from '../../src/feed/feeds.ts';
import { RENDERERS } from '../../src/format/renderers.ts';
import { newsroom, PUBLICATION } from '../helpers.ts';

/** What the three formats make of records. A case is a folder: records, and the lines of the elements that matter. */

const CASES = [
  'addresses-by-rfc-3986',
  'atom-text-is-plain',
  'commas-in-srcset',
  'enclosure-of-a-gallery',
  'media-of-unknown-length',
  'names-that-differ-by-a-sign',
  'no-author',
  'own-address-first-and-last',
  'several-authors',
  'titles-to-the-letter',
];

const expectation = z.strictObject({
  description: z.string().min(1),
  /** All lines of the elements that these lines begin with, in their order; of links, those with these relations. */
  rss: z.array(z.string()),
  atom: z.array(z.string()),
  /** Members of each item. */
  json: z.array(z.record(z.string(), z.unknown())),
  /** Ids of the articles in these feeds. */
  feeds: z.record(z.string(), z.array(z.string())).default({}),
});

function readCase(name: string) {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(import.meta.dirname, name, file), 'utf8'));
  return {
    records: z.array(z.unknown()).parse(read('input.json')),
    expected: expectation.parse(read('expected.json')),
  };
}

const options = {
  content: 'full' as const,
  feedLanguage: 'en',
  feedsUrl: newsroom.feedsUrl,
  publisher: parsePublication(PUBLICATION, 'publication.yaml'),
};

/** The name of a line's element, with the relation of a link. */
function kindOf(line: string): string {
  return /^<[\w:]+(?: rel="\w+")?/.exec(line)?.[0] ?? '';
}

describe.each(CASES)('%s', (name) => {
  const { records, expected } = readCase(name);
  const articles = records.map((record) => parseArticle(record, newsroom));

  test.each(['rss', 'atom'] as const)('in %s', (format) => {
    const kinds = new Set(expected[format].map(kindOf));
    const lines = RENDERERS[format].entries(articles, options).flatMap((entry) => entry.split('\n'));
    const shown = lines.map((line) => line.trim()).filter((line) => kinds.has(kindOf(line)));
    expect(shown, expected.description).toEqual(expected[format]);
  });

  test('in json', () => {
    const items = RENDERERS.json.entries(articles, options).map((item): unknown => JSON.parse(item));
    expect(items, expected.description).toMatchObject(expected.json);
  });

  test('in feeds', () => {
    for (const [feed, ids] of Object.entries(expected.feeds)) {
      const inFeed = articles.filter((article) => ownKeys(article).some(({ key }) => key === feed));
      expect(
        inFeed.map(({ id }) => id),
        feed,
      ).toEqual(ids);
    }
  });
});
