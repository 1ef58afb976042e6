import { describe, expect, test } from 'vitest';
import type { Article } from '../../../src/article/article.ts';
import { FORMATS } from '../../../src/feed/feeds.ts';
import type { DialectRenderer } from '../../../src/format/dialect/dialect.ts';
import { DIALECTS_BY_NAME } from '../../../src/format/dialect/registry.ts';
import { full } from '../fixtures.ts';
import { documentOf, erased, item, options, parseXml, withdrawn } from './fixtures.ts';

const hostile: Article = {
  ...full,
  urgency: 1,
  correction: { note: 'N & <m> ]]>', at: full.publishedAt },
  rights: { endsAt: full.publishedAt + 1e9 },
  media: full.media.map((media) => ({
    ...media,
    transcript: { url: 'https://a.example/t?a=1&b=2', type: 'text/vtt' },
    persons: [{ name: 'P & <q> "r"', role: 'a"b', url: 'https://a.example/?p=1&q=2' }],
  })),
};

const CASES = Object.values(DIALECTS_BY_NAME).flatMap((dialect) =>
  FORMATS.flatMap((format) => {
    const renderer = dialect.formats[format];
    return renderer === undefined ? [] : [[dialect.name, format, dialect, renderer] as const];
  }),
);

/** The document as an independent parser reads it. Throws if it is not well-formed. */
function read(text: string, { mediaType }: DialectRenderer): string {
  return JSON.stringify(mediaType.endsWith('json') ? JSON.parse(text) : parseXml(text));
}

describe.each(CASES)('%s as %s', (_name, format, dialect, renderer) => {
  const takenBack = [withdrawn(hostile), erased({ ...hostile, publicId: 'tag:a.example,2026:other' })];
  const stories = [hostile];

  test('is well-formed whatever characters a story has, and shows them as they are', () => {
    const text = read(documentOf(dialect, { format, stories, takenBack }), renderer);
    expect(text).toContain(JSON.stringify(hostile.publicId).slice(1, -1));
    if (dialect.name !== 'alexa-flash-briefing') expect(text).toContain(JSON.stringify(hostile.title).slice(1, -1));
  });

  test('is well-formed without stories', () => {
    read(documentOf(dialect, { format, stories: [] }), renderer);
  });

  test('has the same bytes each time, and for each entry whatever stands beside it', () => {
    const entry = renderer.entry(item(hostile), options);
    const others = documentOf(dialect, { format, stories: [hostile, { ...hostile, publicId: 'urn:b' }], takenBack });
    expect(others).toContain(entry);
    expect(documentOf(dialect, { format, stories, takenBack })).toBe(
      documentOf(dialect, { format, stories, takenBack }),
    );
  });

  test('has nothing of the texts and files of a story that was withdrawn, but its title', () => {
    const text = read(documentOf(dialect, { format, stories: [], takenBack }), renderer);
    expect(text).not.toMatch(/R&D|&amp;amp;|i\.png|m\.mp3|t\?a=1|P & <q>|N & <m>/);
  });

  test('has no text of a story that was erased', () => {
    const marks = [erased(hostile)];
    expect(read(documentOf(dialect, { format, stories: [], takenBack: marks }), renderer)).not.toMatch(/AT&T|dams/);
  });
});
