import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ContentType } from '../../../src/feed/dialects.ts';
import { FORMATS } from '../../../src/feed/feeds.ts';
import type { Dialect } from '../../../src/format/dialect/dialect.ts';
import { DIALECTS_BY_NAME } from '../../../src/format/dialect/registry.ts';
import { film, slideshow } from './fixtures.ts';
import { dam, document, item, pomegranates, radio } from './sample.ts';

/** A moment after the stories of the sample. */
const NOW = Date.UTC(2026, 10, 22, 12);

const STORIES = { article: [dam, radio, pomegranates], slideshow: [slideshow], video: [film] };

/** Dialects whose own tests write longer documents, with more stories of the sample. */
const LONGER = ['msn', 'smartnews', 'yahoo', 'line'];

const CASES = Object.values(DIALECTS_BY_NAME).flatMap((dialect) =>
  dialect.contentTypes.flatMap((contentType) =>
    FORMATS.filter((format) => dialect.formats[format] !== undefined).map((format) => {
      const type = dialect.contentTypes.length === 1 ? '' : `-${contentType}`;
      return { file: `${dialect.name}${type}.${format}`, dialect, contentType, format };
    }),
  ),
);

/** The stories that the dialect does not refuse. */
function storiesFor({ rules, defaults: { content } }: Dialect, contentType: ContentType) {
  const refusals = rules.filter(({ level }) => level === 'refuse');
  return STORIES[contentType].filter((story) =>
    refusals.every(({ breach }) => breach(item(story, { contentType, content }), NOW) === undefined),
  );
}

test('every golden document is that of a dialect', () => {
  const files = readdirSync(join(import.meta.dirname, 'golden'));
  const known = CASES.map(({ file }) => file);
  expect(files.filter((file) => !known.includes(file))).toEqual([]);
});

test.each(CASES.filter(({ dialect }) => !LONGER.includes(dialect.name)))(
  'the golden document $file',
  async ({ file, dialect, contentType, format }) => {
    const stories = storiesFor(dialect, contentType);
    expect(stories.length).toBeGreaterThan(0);
    await expect(document(dialect, format, stories, { contentType })).toMatchFileSnapshot(`golden/${file}`);
  },
);
