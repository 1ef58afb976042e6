import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Adjustment, describeAdjustment } from '../../src/article/adjustments.ts';
import { type Article, parseArticle } from '../../src/article/article.ts';
import { dataFolder, newsroom, record } from '../helpers.ts';

function adjusted(fields: Record<string, unknown>, room = newsroom) {
  const adjustments: Adjustment[] = [];
  const article: Article = parseArticle(record(fields), room, (made) => adjustments.push(made));
  return { article, adjustments };
}

/** Kind, field, what was done, value. */
function made({ kind, field, change, value, count }: Adjustment) {
  return count === 1 ? [kind, field, change, value] : [kind, field, change, value, count];
}

const LONG = 'word '.repeat(50).trim();
const CUT = `${'word '.repeat(40).trim()}…`;

test.each([
  ['blank', ['', ' ', '\u200B'], []],
  ['repeated', ['World', 'world', ' WORLD '], ['World']],
  ['of another type', [null, true, {}, ['a']], []],
  ['a number', [1984], ['1984']],
  ['too long', [LONG], [CUT]],
  ['an emoji', ['⚽'], ['⚽']],
  ['a sign', ['$', '€'], ['$', '€']],
  ['with a control character', ['W\u0000orld'], ['World']],
])('a name that is %s does not refuse a story', (_, names, kept) => {
  for (const list of ['sections', 'tags'] as const) {
    const { article, adjustments } = adjusted({ [list]: names });
    expect(article[list].map(({ name }) => name)).toEqual(kept);
    expect(article[list].every(({ slug }) => slug !== '')).toBe(true);
    if (kept.length === names.length && kept.every((name, index) => name === names[index])) {
      expect(adjustments).toEqual([]);
    } else expect(adjustments.every(({ field }) => field.startsWith(`${list}[`))).toBe(true);
  }
});

test('each removal and each change of a name is an adjustment, with its place in the record', () => {
  const tags = ['Water', '', 'water', null, 5, LONG, { name: 'x' }, '\u0001Dam', '\uD83D'];
  const { article, adjustments } = adjusted({ tags });

  expect(article.tags.map(({ name }) => name)).toEqual(['Water', '5', CUT, 'Dam', '\uFFFD']);
  expect(adjustments.map(made)).toEqual([
    ['blank_name_removed', 'tags[1]', 'removed a tag that is blank', ''],
    ['repeated_name_removed', 'tags[2]', 'removed a tag that repeats “Water”', 'water'],
    ['invalid_name_removed', 'tags[3]', 'removed a tag that is no text', ''],
    ['number_read_as_text', 'tags[4]', 'read a number as text', '5'],
    ['long_name_cut', 'tags[5]', 'cut the tag at 200 characters', `${'word '.repeat(24).trim()}…`],
    ['invalid_name_removed', 'tags[6]', 'removed a tag that is no text', '{"name":"x"}'],
    ['characters_removed', 'tags[7]', 'removed 1 control character', 'U+0001'],
    ['broken_characters_replaced', 'tags[8]', 'replaced 1 broken character by �', 'U+D83D'],
  ]);
});

test.each([
  ['sections', 50],
  ['tags', 100],
] as const)('%s above the limit are removed', (list, limit) => {
  const names = Array.from({ length: limit + 2 }, (_, index) => `n${index}`);
  const { article, adjustments } = adjusted({ [list]: names });

  expect(article[list].map(({ name }) => name)).toEqual(names.slice(0, limit));
  const change = `removed a ${list.slice(0, -1)} above the limit of ${limit}`;
  expect(adjustments.map(made)).toEqual([
    ['surplus_name_removed', `${list}[${limit}]`, change, `n${limit}`],
    ['surplus_name_removed', `${list}[${limit + 1}]`, change, `n${limit + 1}`],
  ]);
});

test('a name that is removed takes no place of the limit', () => {
  const tags = Array.from({ length: 150 }, (_, index) => (index % 3 === 0 ? '' : `t${index}`));
  expect(adjusted({ tags }).article.tags).toHaveLength(100);
  expect(adjusted({ tags }).adjustments.every(({ kind }) => kind === 'blank_name_removed')).toBe(true);
});

test('a million mistakes are twenty adjustments and one that counts the others', () => {
  const { adjustments } = adjusted({ tags: new Array(1_000_000).fill('') });
  expect(adjustments).toHaveLength(21);
  expect(adjustments.at(-1)).toMatchObject({ kind: 'blank_name_removed', field: 'tags', count: 999_980 });
});

test('authors without a name are removed, and a byline is cut', () => {
  const authors = [
    null,
    {},
    { name: ' ', url: '/x' },
    { name: null },
    { name: 7 },
    { name: LONG, email: 'a@b.example' },
  ];
  const { article, adjustments } = adjusted({ authors });

  expect(article.authors.map(({ name, email }) => [name, email])).toEqual([
    ['7', undefined],
    [CUT, 'a@b.example'],
  ]);
  expect(adjustments.map(made)).toEqual([
    ['blank_name_removed', 'authors[0]', 'removed an author without a name', ''],
    ['blank_name_removed', 'authors[1]', 'removed an author without a name', ''],
    ['blank_name_removed', 'authors[2]', 'removed an author without a name', ''],
    ['blank_name_removed', 'authors[3]', 'removed an author without a name', ''],
    ['number_read_as_text', 'authors[4].name', 'read a number as text', '7'],
    ['long_name_cut', 'authors[5].name', 'cut the byline at 200 characters', `${'word '.repeat(24).trim()}…`],
  ]);
});

test('authors above the limit are removed', () => {
  const authors = Array.from({ length: 101 }, (_, index) => ({ name: `a${index}` }));
  const { article, adjustments } = adjusted({ authors });
  expect(article.authors).toHaveLength(100);
  expect(adjustments.map(made)).toEqual([
    ['surplus_name_removed', 'authors[100]', 'removed an author above the limit of 100', 'a100'],
  ]);
});

test.each([
  ['publicId', { publicId: 12 }, (article: Article) => article.publicId],
  ['title', { title: 1984 }, (article: Article) => article.title],
  ['summary', { summary: 1.5 }, (article: Article) => article.summary],
  ['body', { body: 7 }, (article: Article) => article.html],
  ['copyright', { copyright: 2026 }, (article: Article) => article.copyright],
  ['image.alt', { image: { url: '/i.png', alt: 1 } }, (article: Article) => article.image?.alt],
  ['image.caption', { image: { url: '/i.png', caption: 2 } }, (article: Article) => article.image?.caption],
  ['image.credit', { image: { url: '/i.png', credit: 3 } }, (article: Article) => article.image?.credit],
  ['source.name', { source: { url: '/s', name: 24 } }, (article: Article) => article.source?.name],
  [
    'withdrawn.reason',
    { withdrawn: { at: '2026-11-21T00:00:00Z', reason: 451 } },
    (article: Article) => article.withdrawn?.reason,
  ],
  [
    'media[0].title',
    { media: [{ url: '/m.mp3', type: 'audio/mpeg', title: 9 }] },
    (article: Article) => article.media[0]?.title,
  ],
])('a number in %s is text', (field, fields, read) => {
  const { article, adjustments } = adjusted(fields);
  const number = JSON.stringify(fields).match(/:([\d.]+)[,}]/)?.[1];
  expect(read(article)).toBe(number);
  expect(adjustments.map(made)).toEqual([['number_read_as_text', field, 'read a number as text', number]]);
});

test.each([
  ['title', { title: 'A\u0000\u0008b' }, 'title', 'removed 2 control characters', 'U+0000, U+0008'],
  ['summary', { summary: 'a\u000Cb' }, 'summary', 'removed 1 control character', 'U+000C'],
  ['image', { image: { url: '/i', alt: 'a\uFFFEb' } }, 'image.alt', 'removed 1 control character', 'U+FFFE'],
  ['authors', { authors: [{ name: 'A\u0085\u0001' }] }, 'authors[0].name', 'removed 1 control character', 'U+0001'],
])('control characters of %s are reported', (_, fields, field, change, value) => {
  expect(adjusted(fields).adjustments.map(made)).toEqual([['characters_removed', field, change, value]]);
});

test.each([
  ['white space', { title: ' A\n b\t', summary: 'a\r\nb', tags: [' a  b '] }],
  ['nulls of fields', { summary: null, image: null }],
  ['an update at publication', { updatedAt: '2026-11-20T10:00:00Z' }],
  ['an embargo that is over at publication', { embargoUntil: '2026-11-19T00:00:00Z' }],
])('%s needs no adjustment', (_, fields) => {
  expect(adjusted(fields).adjustments).toEqual([]);
});

test('an update before the end of the embargo does not count, which is reported', () => {
  const { adjustments } = adjusted({ embargoUntil: '2026-11-22T00:00:00Z', updatedAt: '2026-11-21T00:00:00Z' });
  expect(adjustments.map(made)).toEqual([['early_update_ignored', 'updatedAt', 'ignored', '2026-11-21T00:00:00Z']]);
});

/** Three pixels wide, two high, 73 bytes. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAEElEQVR4nGMQUDCAIAY4CwAV1AJBNIRtCgAAAABJRU5ErkJggg==',
  'base64',
);

test('facts of a picture that its file contradicts are reported', async () => {
  const room = { ...newsroom, mediaFolder: join(await dataFolder({ 'media/p.png': PNG }), 'media') };
  const image = { url: '/media/p.png', type: 'image/png', width: 800, height: 2 };
  const { article, adjustments } = adjusted({ image }, room);
  expect(article.image).toMatchObject({ width: 3, height: 2 });
  expect(adjustments.map(describeAdjustment)).toEqual([
    'image.width: replaced by 3, as the file in media/ has it: “800”: the file itself says so',
  ]);
});

test('a record without a mistake is parsed as it is', () => {
  const authors = [{ name: 'Ann' }, { name: 'Ben' }];
  const { article, adjustments } = adjusted({ authors, sections: ['World'], tags: ['a', 'b'] });
  expect(adjustments).toEqual([]);
  expect(article.authors.map(({ slug }) => slug)).toEqual(['ann', 'ben']);
});
