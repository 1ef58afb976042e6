import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Article } from '../../../src/article/article.ts';
import type { Dialect, DialectOptions } from '../../../src/format/dialect/dialect.ts';
import { ninjs } from '../../../src/format/dialect/ninjs.ts';
import { ninjs22 } from '../../../src/format/dialect/ninjs-2.2.ts';
import { characterCount, textOf, wordCount } from '../../../src/format/dialect/text.ts';
import { full } from '../fixtures.ts';
import { ninjsBreaches } from './ninjs-rules.ts';
import { dam, document, erased, item, options, pomegranates, publication, radio, withdrawn } from './sample.ts';

const VERSIONS = [
  ['3.1', ninjs],
  ['2.2', ninjs22],
] as const;

const entry = (dialect: Dialect, article: Article, own: Partial<DialectOptions> = {}) =>
  JSON.parse(dialect.formats.json?.entry(item(article, own), options(own)) ?? '');
const canceled = (dialect: Dialect, gone: typeof withdrawn) =>
  JSON.parse(dialect.formats.json?.takenBack?.(gone, options()) ?? '');

describe.each(VERSIONS)('ninjs %s', (version, dialect) => {
  test('each item of the document keeps the rules of the schema', () => {
    const { items, ...head } = JSON.parse(document(dialect, 'json'));
    expect(items.map((each: Record<string, unknown>) => ninjsBreaches(each, version))).toEqual([[], [], [], [], []]);
    expect(head.self).toBe('https://feeds.fourrivers.example/partners/example/section/world.json');
  });

  test.each([
    ['every field', full],
    ['no field that may be missing', { ...dam, authors: [], sections: [], tags: [], image: undefined }],
    ['an id that is no URI', { ...dam, publicId: '12 34' }],
    ['a story from right to left that will end', pomegranates],
    ['copy of an agency', { ...dam, source: { name: 'An agency', url: 'https://agency.example/' } }],
  ])('an item keeps the rules of the schema: %s', (_what, article) => {
    const stated = { ...publication, terms: { contentUsage: false, aiTraining: 'no' as const } };
    for (const own of [{}, { content: 'summary' as const }, { terms: 'As in the contract.' }, { publisher: stated }]) {
      expect(ninjsBreaches(entry(dialect, article as Article, own), version)).toEqual([]);
    }
  });

  test('the rules find a property that the schema does not have, and a value of another type', () => {
    const right = entry(dialect, dam);
    expect(ninjsBreaches({ ...right, headline: 'x' }, version)).toEqual(['headline']);
    expect(ninjsBreaches({ ...right, uri: 'a b' }, version)).toEqual(['uri']);
    expect(ninjsBreaches({ ...right, bodies: [{ text: 'x' }] }, version)).toEqual(['bodies']);
    expect(ninjsBreaches(entry(dialect === ninjs ? ninjs22 : ninjs, dam), version).length).toBeGreaterThan(5);
  });

  test('any text stays as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (title) => {
        const read = entry(dialect, { ...dam, title });
        expect(read.headlines).toEqual([{ role: 'main', value: title }]);
      }),
      { numRuns: 50 },
    );
  });
});

test('an item of 3.1, property by property', () => {
  const { bodies, ...rest } = entry(ninjs, dam);
  expect(rest).toEqual({
    uri: 'tag:fourrivers.example,2026:en/dam-levels',
    type: 'text',
    representationType: 'full',
    version: '1795007100',
    firstCreated: '2026-11-18T06:30:00Z',
    versionCreated: '2026-11-18T13:05:00Z',
    contentCreated: '2026-11-18T06:30:00Z',
    pubStatus: 'usable',
    urgency: 3,
    copyrightHolder: 'The Four Rivers Courier',
    copyrightNotice: '© 2026 The Four Rivers Courier',
    usageTerms: 'https://creativecommons.org/licenses/by-nc/4.0/',
    edNote: 'The storage is 41 per cent, not 61.',
    language: 'en',
    descriptions: [{ role: 'summary', contentType: 'text/plain', value: dam.summary }],
    headlines: [{ role: 'main', value: dam.title }],
    people: [
      { name: 'Awat Zerdeştî', rel: 'author', uri: 'https://fourrivers.example/staff/awat-zerdesti' },
      { name: 'Tomas Wrenfield', rel: 'author', uri: 'https://fourrivers.example/staff/tomas-wrenfield' },
    ],
    subjects: [
      {
        name: 'Climate',
        rel: 'section',
        uri: 'https://feeds.fourrivers.example/feeds/section/climate',
        literal: 'climate',
      },
      {
        name: 'Middle East',
        rel: 'section',
        uri: 'https://feeds.fourrivers.example/feeds/section/middle-east',
        literal: 'middle-east',
      },
      ...['water', 'energy', 'agriculture'].map((tag) => ({
        name: tag,
        rel: 'keyword',
        uri: `https://feeds.fourrivers.example/feeds/tag/${tag}`,
        literal: tag,
      })),
    ],
    by: 'Awat Zerdeştî and Tomas Wrenfield',
    renditions: [{ name: 'web', href: 'https://fourrivers.example/en/2026/11/dam-levels', contentType: 'text/html' }],
    associations: [
      {
        uri: 'https://feeds.fourrivers.example/media/dam-levels.png',
        type: 'picture',
        descriptions: [
          { role: 'caption', contentType: 'text/plain', value: dam.image?.caption },
          { role: 'alt', contentType: 'text/plain', value: dam.image?.alt },
        ],
        by: 'Graphic: The Four Rivers Courier',
        renditions: [
          {
            name: 'original',
            href: 'https://feeds.fourrivers.example/media/dam-levels.png',
            contentType: 'image/png',
            width: dam.image?.width,
            height: dam.image?.height,
            sizeInBytes: dam.image?.length,
          },
        ],
        name: 'main-picture',
      },
    ],
    altIds: [{ role: 'newsroom', value: 'en/dam-levels' }],
    standard: { name: 'ninjs', version: '3.1', schema: 'http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json#' },
    expires: '2027-11-18T00:00:00Z',
  });
  const words = textOf(dam.html);
  const counts = { charCount: characterCount(words), wordCount: wordCount(words) };
  expect(bodies).toEqual([{ role: 'main', contentType: 'text/html', ...counts, value: dam.html }]);
  expect(counts.wordCount).toBeGreaterThan(400);
});

test('a summary is a partial representation without a body', () => {
  const read = entry(ninjs, dam, { content: 'summary' });
  expect([read.representationType, read.bodies]).toEqual(['partial', undefined]);
});

test('a sound has its transcript and chapters as renditions, and the people who speak', () => {
  const [, sound] = entry(ninjs, radio).associations;
  expect(sound).toEqual({
    uri: 'https://feeds.fourrivers.example/media/audio/river-at-dawn.mp3',
    type: 'audio',
    headlines: [{ role: 'main', value: 'River at dawn: a studio sketch of the signature tune' }],
    people: [
      { name: 'Samira al-Nahri', rel: 'host', uri: 'https://fourrivers.example/staff/samira-al-nahri' },
      { name: 'Daryan Mehrabi', rel: 'guest' },
    ],
    renditions: [
      {
        name: 'original',
        href: 'https://feeds.fourrivers.example/media/audio/river-at-dawn.mp3',
        contentType: 'audio/mpeg',
        sizeInBytes: radio.media[0]?.length,
        duration: 15,
      },
      {
        name: 'transcript',
        href: 'https://feeds.fourrivers.example/media/audio/river-at-dawn.vtt',
        contentType: 'text/vtt',
      },
      {
        name: 'chapters',
        href: 'https://feeds.fourrivers.example/media/audio/river-at-dawn.json',
        contentType: 'application/json+chapters',
      },
    ],
    name: 'media-1',
  });
});

test('terms of the publication are a link to its document in RSL; a contract or a licence of the story replaces them', () => {
  const publisher = { ...publication, terms: { contentUsage: false, aiTraining: 'no' as const } };
  const rightsInfo = {
    langId: 'https://rslstandard.org/rsl',
    linkedRights: 'https://feeds.fourrivers.example/license.xml',
  };
  expect(entry(ninjs, dam, { publisher }).rightsInfo).toEqual(rightsInfo);
  expect(entry(ninjs22, dam, { publisher }).rightsinfo).toEqual({
    langid: rightsInfo.langId,
    linkedrights: rightsInfo.linkedRights,
  });
  const contract = entry(ninjs, dam, { publisher, terms: 'As in the contract.' });
  expect([contract.rightsInfo, contract.usageTerms]).toEqual([undefined, 'As in the contract.']);
  const licensed = entry(ninjs, { ...dam, license: 'https://license.example/' }, { publisher });
  expect([licensed.rightsInfo, licensed.usageTerms]).toEqual([undefined, 'https://license.example/']);
});

test('a withdrawn story is canceled: its identity, its title and the reason stay, and the text goes', () => {
  expect(canceled(ninjs, withdrawn)).toEqual({
    uri: 'tag:fourrivers.example,2026:en/beekeepers',
    type: 'text',
    version: '1795176000',
    firstCreated: '2026-11-09T06:00:00Z',
    versionCreated: '2026-11-20T12:00:00Z',
    pubStatus: 'canceled',
    edNote: 'The figures were wrong.',
    language: 'en',
    headlines: [{ role: 'main', value: withdrawn.article.title }],
    altIds: [{ role: 'newsroom', value: 'en/beekeepers' }],
    standard: { name: 'ninjs', version: '3.1', schema: 'http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json#' },
  });
  expect(canceled(ninjs22, withdrawn).pubstatus).toBe('canceled');
});

test('of an erased story, its identity and its dates stay', () => {
  const { standard: _, ...rest } = canceled(ninjs, erased);
  expect(rest).toEqual({
    uri: 'tag:fourrivers.example,2026:en/erased',
    type: 'text',
    version: '1795172400',
    firstCreated: '2026-11-01T08:00:00Z',
    versionCreated: '2026-11-20T11:00:00Z',
    pubStatus: 'canceled',
    language: 'en',
    altIds: [{ role: 'newsroom', value: 'en/erased' }],
  });
});

test.each([
  ['<p>One, two.</p><p>Three</p>', 'One, two. Three', 3],
  ['<figure><img src="a" /><figcaption>A <b>caption</b></figcaption></figure><p>Text</p>', 'Text', 1],
  ['<p>half<b>way</b> – 3 &amp; 4</p>', 'halfway – 3 & 4', 3],
  ['<table><tr><td>a</td><td>b</td></tr></table>', 'a b', 2],
  ['<p>not <s>a</s> <del>b</del> c</p>', 'not c', 2],
  ['<audio src="a">No player: <a href="a">listen</a></audio><p>a</p>', 'a', 1],
  ['<p><ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby></p>', '漢', 1],
  ['<p>ئاوی ڕووبار</p>', 'ئاوی ڕووبار', 2],
  ['<p>吾輩は猫である。</p>', '吾輩は猫である。', 5],
  ['', '', 0],
])('the text of %s, and its words', (html, words, count) => {
  expect(textOf(html)).toBe(words);
  expect(wordCount(words)).toBe(count);
});

test('a character outside of the basic plane counts once', () => {
  expect(characterCount('a🌊é')).toBe(3);
});

test('a canceled story has a higher version than the story, also of the same second', () => {
  const updatedAt = Date.parse('2026-11-20T12:00:00Z');
  const last = { ...withdrawn, at: updatedAt, article: { ...withdrawn.article, updatedAt } };
  expect(Number(canceled(ninjs, last).version)).toBeGreaterThan(Number(entry(ninjs, last.article).version));
});

test('no version depends on the revision, which counts the changes of stories that partners cannot see as well', () => {
  const { entry: render } = ninjs.formats.json ?? {};
  expect(render?.({ ...item(dam), revision: 900 }, options())).toBe(render?.(item(dam), options()));
  expect(canceled(ninjs, { ...withdrawn, revision: 900 })).toEqual(canceled(ninjs, withdrawn));
});
