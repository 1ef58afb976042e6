import { describe, expect, test } from 'vitest';
import { reduceBody } from '../../../src/format/dialect/body.ts';
import { COMMON_BODY } from '../../../src/format/dialect/body-rules.ts';
import { DIALECTS_BY_NAME } from '../../../src/format/dialect/registry.ts';
import { feedsmith } from '../../peers/feedsmith.ts';
import { full } from '../fixtures.ts';
import { documentOf, entryOf, erased, item, itemsOf, options, rendererOf, textOf, withdrawn } from './fixtures.ts';

const ofXml = Object.values(DIALECTS_BY_NAME).filter(({ name }) =>
  ['msn', 'smartnews', 'yahoo', 'line'].includes(name),
);

describe.each(ofXml)('$name', (dialect) => {
  test('shows the texts of a story as they are, whatever characters they have', () => {
    const entry = entryOf(dialect, full);
    expect(textOf(entry, 'title')).toBe(full.title);
    expect(textOf(entry, 'guid')).toBe(full.publicId);
    expect(textOf(entry, 'link')).toBe(full.url);
    const html = textOf(entry, 'content:encoded') ?? textOf(entry, 'description') ?? '';
    expect(reduceBody(html, COMMON_BODY)).toContain('a ]]&gt; b ]]&gt; &amp;amp;');
  });

  test('writes the same document each time, and the same entry in every document', () => {
    const entry = rendererOf(dialect, 'rss').entry(item(full), options);
    const document = documentOf(dialect, { stories: [full, full] });
    expect(document.split(entry)).toHaveLength(3);
    expect(documentOf(dialect, { stories: [full, full] })).toBe(document);
  });

  test('is read by a parser that is not ours', () => {
    const [reading] = feedsmith(documentOf(dialect, { stories: [full] }));
    expect(reading).toMatchObject({ id: full.publicId, title: full.title, link: full.url });
  });

  test('has no text of an erased story, and no address', () => {
    const takenBack = [erased(full)];
    const items = itemsOf(documentOf(dialect, { stories: [], takenBack }));
    expect(items.length).toBe(dialect.name === 'yahoo' ? 0 : 1);
    expect(JSON.stringify(items)).not.toMatch(/AT&T|R&D|dams/);
  });

  test('has neither the body nor the summary nor a picture of a withdrawn story', () => {
    const document = documentOf(dialect, { stories: [], takenBack: [withdrawn(full)] });
    const items = JSON.stringify(itemsOf(document));
    expect(items).not.toMatch(/R&D|i\.png|&amp;amp;|m\.mp3/);
  });
});
