import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseArticle } from '../../src/article/article.ts';
import type { Newsroom } from '../../src/article/newsroom.ts';
import { type Problem, PublisherError } from '../../src/errors.ts';
import { rfc3339 } from '../../src/lib/instant.ts';
import { article, dataFolder, newsroom, record } from '../helpers.ts';

/** Three pixels wide, two high, 73 bytes. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAEElEQVR4nGMQUDCAIAY4CwAV1AJBNIRtCgAAAABJRU5ErkJggg==',
  'base64',
);

function problems(value: unknown, room: Newsroom = newsroom): readonly Problem[] {
  try {
    parseArticle(value, room);
  } catch (error) {
    if (error instanceof PublisherError && error.code === 'invalid_article') return error.problems;
    throw error;
  }
  return [];
}

const ADDRESS = 'must be an http or https address of at most 4096 characters';
const DATE = 'must be a date that exists, with time and zone, as 2026-11-22T10:46:00+03:00 (RFC 3339 §5.6)';
const LANGUAGE = 'must be a language tag, as en, ckb or pt-BR (BCP 47)';
const TYPE = 'must be a media type, as audio/mpeg (RFC 6838)';

describe('a field is refused with its value and the rule it breaks', () => {
  test.each([
    ['html', 4_194_304, 'must not be longer than 4194304 characters'],
    ['text', 4_194_304, 'must not be longer than 4194304 characters'],
    ['markdown', 262_144, 'must not be longer than 262144 characters in Markdown'],
  ])('a body in %s of more than %i units of UTF-16', (bodyFormat, limit, rule) => {
    const value = `${'😀'.repeat(59)}…`;
    const refused = [{ field: 'body', value, rule }];
    expect(problems(record({ bodyFormat, body: '😀'.repeat(limit / 2) }))).toEqual([]);
    expect(problems(record({ bodyFormat, body: `${'😀'.repeat(limit / 2)}x` }))).toEqual(refused);
    expect(problems(record({ bodyFormat, body: 'ا'.repeat(limit) }))).toEqual([]);
  });

  test.each([
    ['id', 5, '5', 'must be text'],
    ['id', '', '', 'must have 1 to 512 characters'],
    ['id', 'x'.repeat(513), `${'x'.repeat(119)}…`, 'must have 1 to 512 characters'],
    ['id', ' a', 'a', 'must not have control characters, nor white space at its ends'],
    ['id', 'a\u0001', 'a\u0001', 'must not have control characters, nor white space at its ends'],
    ['id', 'a\uFFFE', 'a\uFFFE', 'must not have control characters, nor white space at its ends'],
    ['id', 'a//b', 'a//b', 'must not have an empty part, “.” or “..” between slashes'],
    ['id', '../a', '../a', 'must not have an empty part, “.” or “..” between slashes'],
    ['id', 'a/./b', 'a/./b', 'must not have an empty part, “.” or “..” between slashes'],
    ['url', 'javascript:alert(1)', 'javascript:alert(1)', ADDRESS],
    ['url', 'https://', 'https://', ADDRESS],
    ['url', '', '', ADDRESS],
    ['url', `https://a.example/${'x'.repeat(4096)}`, `https://a.example/${'x'.repeat(101)}…`, ADDRESS],
    ['title', true, 'true', 'must be text'],
    ['title', 1e21, '1e+21', 'must be text'],
    ['title', ' \n\u0000', '\u0000', 'must not be empty'],
    ['title', 'x'.repeat(1001), `${'x'.repeat(119)}…`, 'must not be longer than 1000 characters'],
    ['summary', ['a'], '["a"]', 'must be text'],
    ['summary', 'x'.repeat(5001), `${'x'.repeat(119)}…`, 'must not be longer than 5000 characters'],
    ['body', {}, '{}', 'must be text'],
    ['bodyFormat', 'pdf', 'pdf', 'must be one of html, markdown, text'],
    ['language', 'english please', 'english please', LANGUAGE],
    ['language', '', '', LANGUAGE],
    ['authors', 'Ann', 'Ann', 'must be a list: put square brackets around it'],
    ['sections', 'World', 'World', 'must be a list: put square brackets around it'],
    ['publishedAt', '2026-11-22T10:46:59', '2026-11-22T10:46:59', DATE],
    ['publishedAt', '2026-02-30T10:00:00Z', '2026-02-30T10:00:00Z', DATE],
    ['publishedAt', 1_700_000_000, '1700000000', 'must be text'],
    ['updatedAt', 'now', 'now', DATE],
    ['embargoUntil', 'later', 'later', DATE],
    ['expiresAt', '2026-11-31T00:00:00Z', '2026-11-31T00:00:00Z', DATE],
    ['withdrawn', true, 'true', 'must be an object'],
    ['image', 'a.png', 'a.png', 'must be an object'],
    ['media', {}, '{}', 'must be a list: put square brackets around it'],
    ['copyright', 'x'.repeat(1001), `${'x'.repeat(119)}…`, 'must not be longer than 1000 characters'],
    ['license', 'CC BY', undefined, undefined],
    ['license', 'urn:x', 'urn:x', ADDRESS],
  ])('%s: %o', (field, value, shortened, rule) => {
    const expected =
      rule === undefined
        ? []
        : [shortened === undefined ? expect.objectContaining({ field, rule }) : { field, value: shortened, rule }];
    expect(problems(record({ [field]: value }))).toEqual(expected);
  });

  test.each([
    ['authors[0].name', { authors: [{ name: true }] }, 'true', 'must be text'],
    ['authors[2].url', { authors: [null, { name: ' ' }, { name: 'b', url: 'ftp://b' }] }, 'ftp://b', ADDRESS],
    ['authors[1].url', { authors: [{ name: 'a' }, { name: 'b', url: 'ftp://b' }] }, 'ftp://b', ADDRESS],
    ['authors[0].email', { authors: [{ name: 'a', email: 'a at b' }] }, 'a at b', 'must be an e-mail address'],
    ['authors[0].avatar', { authors: [{ name: 'a', avatar: 'data:x' }] }, 'data:x', ADDRESS],
    ['withdrawn.at', { withdrawn: { at: 'x' } }, 'x', DATE],
    ['image.url', { image: { url: '' } }, '', ADDRESS],
    ['image.type', { image: { url: '/i', type: 'png' } }, 'png', TYPE],
    ['image.width', { image: { url: '/i', width: 0 } }, '0', 'must be a whole number from 1 to 100000'],
    ['image.height', { image: { url: '/i', height: 1.5 } }, '1.5', 'must be a whole number from 1 to 100000'],
    ['image.length', { image: { url: '/i', length: -1 } }, '-1', 'must be a whole number from 0 to 9007199254740991'],
    ['media[0].url', { media: [{ url: 'javascript:x', type: 'audio/mpeg' }] }, 'javascript:x', ADDRESS],
    ['media[0].type', { media: [{ url: '/m', type: 'audio' }] }, 'audio', TYPE],
    ['media[0].duration', { media: [{ url: '/m', type: 'audio/mpeg', duration: -1 }] }, '-1', 'must not be negative'],
    [
      'media[0].duration',
      { media: [{ url: '/m', type: 'audio/mpeg', duration: '5' }] },
      '5',
      'must be a number of seconds',
    ],
    ['source.url', { source: { name: 'a', url: 'x:y' } }, 'x:y', ADDRESS],
    ['translations[0].language', { translations: [{ language: '?', url: '/t' }] }, '?', LANGUAGE],
  ])('%s of %o', (field, fields, value, rule) => {
    expect(problems(record(fields))).toEqual([{ field, value, rule }]);
  });

  test.each([
    ['withdrawn.at', { withdrawn: {} }, 'is required'],
    ['source.name', { source: { url: 'https://a.example/' } }, 'is required'],
    ['image.url', { image: {} }, 'is required'],
    ['media[0].type', { media: [{ url: '/m' }] }, 'is required for a file that this service does not hold'],
    ['expiresAt', { expiresAt: '2026-11-20T10:00:00Z' }, 'must be later than publishedAt and embargoUntil'],
    [
      'expiresAt',
      { embargoUntil: '2026-11-22T00:00:00Z', expiresAt: '2026-11-21T00:00:00Z' },
      'must be later than publishedAt and embargoUntil',
    ],
    ['body', { body: '<script>x</script>' }, 'must have something left to show after cleaning'],
    ['body', { body: ' \u0001 ' }, 'must have something left to show after cleaning'],
    ['colour', { colour: 'red' }, 'is not a known field'],
    ['__proto__', JSON.parse('{"__proto__": {"title": "x"}}'), 'is not a known field'],
    ['authors[0].mail', { authors: [{ name: 'a', mail: 'x' }] }, 'is not a known field. Did you mean email?'],
    ['image.src', { image: { url: '/i', src: '/i' } }, 'is not a known field. Did you mean url?'],
  ])('%s without a value: %o', (field, fields, rule) => {
    expect(problems(record(fields))).toEqual([{ field, rule }]);
  });

  test.each([undefined, null, 'text', 5, []])('a value that is no record: %o', (value) => {
    expect(problems(value).map(({ field }) => field)).toEqual(['']);
  });

  test('all problems are reported at once', () => {
    expect(problems({ id: 'a', title: '', publishedAt: 'x', colour: 1, sections: 'b' })).toEqual([
      { field: 'url', rule: 'is required' },
      { field: 'title', value: '', rule: 'must not be empty' },
      { field: 'body', rule: 'is required' },
      { field: 'sections', value: 'b', rule: 'must be a list: put square brackets around it' },
      { field: 'publishedAt', value: 'x', rule: DATE },
      { field: 'colour', rule: 'is not a known field' },
    ]);
  });

  test('the error names the article', () => {
    expect(() => parseArticle(record({ id: 'x/"y"', url: 5 }), newsroom)).toThrow(
      'The article “x/"y"” cannot be published.',
    );
    expect(() => parseArticle({}, newsroom)).toThrow('The article cannot be published.');
  });
});

describe('what would break a parser is refused like anything else', () => {
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  let nested: unknown = 'x';
  for (let depth = 0; depth < 100_000; depth += 1) nested = [nested];

  test.each([
    ['a list within itself, as YAML can say it', { tags: cyclic }],
    ['a hundred thousand lists within each other', { tags: nested }],
    ['twenty thousand quotations within each other', { bodyFormat: 'markdown', body: `${'>'.repeat(20_000)} a` }],
    ['five thousand list items within each other', { bodyFormat: 'markdown', body: `${'- '.repeat(5000)} a` }],
  ])('%s', (_, fields) => {
    expect(problems(record(fields))).not.toEqual([]);
  });
});

test('the smallest record, whole', () => {
  expect(article()).toEqual({
    id: 'a',
    publicId: 'tag:news.example,2026:a',
    url: 'https://news.example/a',
    title: 'A title',
    summary: 'A body.',
    html: '<p>A body.</p>',
    language: 'en',
    direction: 'ltr',
    authors: [],
    sections: [],
    tags: [],
    publishedAt: Date.UTC(2026, 10, 20, 10),
    media: [],
    translations: [],
  });
});

test('a null is the same as a field that is not there', () => {
  const optional = [
    'summary',
    'bodyFormat',
    'language',
    'authors',
    'sections',
    'tags',
    'updatedAt',
    'embargoUntil',
    'expiresAt',
    'withdrawn',
    'image',
    'media',
    'source',
    'copyright',
    'license',
    'translations',
  ];
  expect(article(Object.fromEntries(optional.map((field) => [field, null])))).toEqual(article());
  expect(article({ authors: [{ name: 'A', url: null }] })).toEqual(article({ authors: [{ name: 'A' }] }));
  expect(problems(record({ title: null }))).toEqual([{ field: 'title', value: 'null', rule: 'is required' }]);
});

test('every field, whole', () => {
  expect(
    article({
      id: 'world/Dams & rivers',
      url: '/dams and rivers?a=1&b=2',
      title: ' Dams\n& <rivers> ',
      summary: ' Water\tfell. ',
      language: 'EN-gb',
      authors: [
        { name: 'Şîlan  Demir', url: '/staff/şîlan', email: 's@news.example', avatar: '/s.png' },
        { name: 'B' },
      ],
      sections: ['Middle East', 'MIDDLE  EAST', 'World'],
      tags: ['Water', 'water'],
      updatedAt: '2026-11-20T14:00:00+03:00',
      expiresAt: '2027-01-01T00:00:00Z',
      withdrawn: { at: '2026-11-21T00:00:00Z', reason: 'a\nb' },
      image: { url: '/i.png', type: 'image/png', length: 5, width: 3, height: 2, alt: 'a', caption: 'c', credit: 'd' },
      media: [{ url: '/m.mp3', type: 'audio/mpeg', length: 0, duration: 1.5, title: 't' }],
      source: { name: 'Agency', url: 'https://bücher.example/' },
      copyright: '© A',
      license: 'https://creativecommons.org/licenses/by/4.0/',
      translations: [{ language: 'KU', url: '/ku' }],
    }),
  ).toEqual({
    id: 'world/Dams & rivers',
    publicId: 'tag:news.example,2026:world/Dams%20%26%20rivers',
    url: 'https://news.example/dams%20and%20rivers?a=1&b=2',
    title: 'Dams & <rivers>',
    summary: 'Water fell.',
    html: '<p>A body.</p>',
    language: 'en-GB',
    direction: 'ltr',
    authors: [
      {
        name: 'Şîlan Demir',
        slug: 'şîlan-demir',
        url: 'https://news.example/staff/%C5%9F%C3%AElan',
        email: 's@news.example',
        avatar: 'https://news.example/s.png',
      },
      { name: 'B', slug: 'b' },
    ],
    sections: [
      { name: 'Middle East', slug: 'middle-east' },
      { name: 'World', slug: 'world' },
    ],
    tags: [{ name: 'Water', slug: 'water' }],
    publishedAt: Date.UTC(2026, 10, 20, 10),
    updatedAt: Date.UTC(2026, 10, 20, 11),
    expiresAt: Date.UTC(2027, 0, 1),
    withdrawn: { at: Date.UTC(2026, 10, 21), reason: 'a b' },
    image: {
      url: 'https://news.example/i.png',
      type: 'image/png',
      length: 5,
      width: 3,
      height: 2,
      alt: 'a',
      caption: 'c',
      credit: 'd',
    },
    media: [{ url: 'https://news.example/m.mp3', type: 'audio/mpeg', length: 0, duration: 1.5, title: 't' }],
    source: { name: 'Agency', url: 'https://xn--bcher-kva.example/' },
    copyright: '© A',
    license: 'https://creativecommons.org/licenses/by/4.0/',
    translations: [{ language: 'ku', url: 'https://news.example/ku' }],
  });
});

test.each([
  ['a', 'tag:news.example,2026:a'],
  ['en/2026/11/a-b', 'tag:news.example,2026:en/2026/11/a-b'],
  ['a:1 ?#%', 'tag:news.example,2026:a:1%20%3F%23%25'],
  ['کورد', 'tag:news.example,2026:%DA%A9%D9%88%D8%B1%D8%AF'],
  ['e\u0301', 'tag:news.example,2026:%C3%A9'],
  ['http://Example.com', 'http://Example.com'],
  ['https://news.example/?p=1&q=2', 'https://news.example/?p=1&q=2'],
  ['tag:old.example,1999:x', 'tag:old.example,1999:x'],
  ['urn:uuid:6F1B0000-0000-4000-8000-000000000000', 'urn:uuid:6F1B0000-0000-4000-8000-000000000000'],
])('the id %s is %s to the public', (id, publicId) => {
  expect(article({ id }).publicId).toBe(publicId);
});

test('the year of a public id is that of first publication in UTC', () => {
  expect(article({ publishedAt: '2026-01-01T01:00:00+03:00' }).publicId).toBe('tag:news.example,2025:a');
  expect(article({ embargoUntil: '2027-01-01T00:00:00Z' }).publicId).toBe('tag:news.example,2027:a');
});

test.each([
  [
    'an embargo that ends later is first publication',
    { embargoUntil: '2026-11-21T00:00:00Z' },
    '2026-11-21T00:00:00Z',
    undefined,
  ],
  ['one that ended before is not', { embargoUntil: '2026-11-19T00:00:00Z' }, '2026-11-20T10:00:00Z', undefined],
  ['an update counts', { updatedAt: '2026-11-20T10:00:01Z' }, '2026-11-20T10:00:00Z', '2026-11-20T10:00:01Z'],
  [
    'an update at publication does not count',
    { updatedAt: '2026-11-20T10:00:00.9Z' },
    '2026-11-20T10:00:00Z',
    undefined,
  ],
  [
    'an update before publication does not count',
    { updatedAt: '2026-11-19T00:00:00Z' },
    '2026-11-20T10:00:00Z',
    undefined,
  ],
  [
    'an update under embargo does not count',
    { embargoUntil: '2026-11-22T00:00:00Z', updatedAt: '2026-11-21T00:00:00Z' },
    '2026-11-22T00:00:00Z',
    undefined,
  ],
])('%s', (_, fields, published, updated) => {
  const { publishedAt, updatedAt } = article(fields);
  expect(rfc3339(publishedAt)).toBe(published);
  expect(updatedAt === undefined ? undefined : rfc3339(updatedAt)).toBe(updated);
});

test.each([
  ['https://کوردستان.example/هەواڵ', 'https://xn--mgbfohl0ji98e.example/%D9%87%DB%95%D9%88%D8%A7%DA%B5'],
  ['https://news.example/two words', 'https://news.example/two%20words'],
  ['/a', 'https://news.example/a'],
  ['HTTP://NEWS.EXAMPLE', 'http://news.example/'],
])('the address %s is %s', (url, expected) => {
  expect(article({ url }).url).toBe(expected);
});

test.each([
  [
    'html',
    '<p>a<script>b</script> <a href="c?d=1&e=2">f',
    '<p>a <a href="https://news.example/c?d=1&amp;e=2">f</a></p>',
  ],
  ['html', 'a&#1;b&#xFFFE;c', 'abc'],
  [
    'markdown',
    '# A\n\n[b](c) <img src="d.png" onerror="x()">',
    '<h1>A</h1>\n<p><a href="https://news.example/c">b</a> <img src="https://news.example/d.png" /></p>',
  ],
  ['text', 'a < b\nc', '<p>a &lt; b</p>\n<p>c</p>'],
])('a body in %s: %s', (bodyFormat, body, expected) => {
  expect(article({ bodyFormat, body }).html).toBe(expected);
});

test('addresses in a body are against the story, not the site', () => {
  const { html } = article({ url: 'https://other.example/x/y', body: '<a href="z">a</a><a href="#n">b</a>' });
  expect(html).toBe('<a href="https://other.example/x/z">a</a><a href="https://other.example/x/y#n">b</a>');
});

test.each([
  ['ckb', 'rtl', '<div dir="rtl" lang="ckb"><p>A body.</p></div>', '\u200FA title'],
  ['ku', 'ltr', '<p>A body.</p>', 'A title'],
])('a story in %s is written %s', (language, direction, html, title) => {
  expect(article({ language })).toMatchObject({ language, direction, html, title });
});

test('the language is the newsroom’s where the record has none', () => {
  expect(parseArticle(record(), { ...newsroom, language: 'ar' })).toMatchObject({ language: 'ar', direction: 'rtl' });
});

test.each([
  ['the record’s', { summary: 'S' }, 'S'],
  ['else the body’s words', { body: '<p>One <b>two</b></p><p>three</p>' }, 'One two three'],
  ['cut at a word', { body: `<p>${'word '.repeat(100)}</p>` }, `${'word '.repeat(56).trim()}…`],
  ['where it is empty as well', { summary: ' \n' }, 'A body.'],
  ['else the title', { body: '<figure><img src="/a.png"><figcaption>c</figcaption></figure>' }, 'A title'],
])('the summary is %s', (_, fields, expected) => {
  expect(article(fields).summary).toBe(expected);
});

test('a body whose relative addresses would become too long together is refused', () => {
  const url = `https://harbour.example/${'a'.repeat(4000)}/`;
  for (const tag of ['<a href="b">c</a>', '<img src="b">', '<img srcset="b 1x">', '<menu><a href="b">c</a></menu>']) {
    const body = tag.repeat(Math.floor((256 * 1024) / tag.length));
    expect(() => parseArticle(record({ url, body }), newsroom)).toThrow(
      expect.objectContaining({ problems: [expect.objectContaining({ field: 'body' })] }),
    );
  }
  expect(parseArticle(record({ url, body: '<a href="b">c</a>' }), newsroom).html).toContain(`${url}b`);
});

describe('media of the service', () => {
  async function room(): Promise<Newsroom> {
    const folder = await dataFolder({ 'media/a b.png': PNG, 'media/c.mp3': 'sound' });
    return { ...newsroom, mediaFolder: join(folder, 'media') };
  }

  test.each([
    ['/media/a b.png', 'https://feeds.news.example/media/a%20b.png'],
    ['/media/a%20b.png', 'https://feeds.news.example/media/a%20b.png'],
    ['https://feeds.news.example/media/a%20b.png', 'https://feeds.news.example/media/a%20b.png'],
  ])('the facts of %s come from the file', async (url, expected) => {
    const image = { url, type: 'image/jpeg', width: 9, length: 9 };
    expect(parseArticle(record({ image }), await room()).image).toEqual({
      url: expected,
      type: 'image/png',
      length: 73,
      width: 3,
      height: 2,
    });
  });

  test('a type is optional', async () => {
    expect(parseArticle(record({ media: [{ url: '/media/c.mp3' }] }), await room()).media).toEqual([
      { url: 'https://feeds.news.example/media/c.mp3', type: 'audio/mpeg', length: 5 },
    ]);
  });

  test.each([
    ['/media/none.png', 'https://news.example/media/none.png'],
    ['/media/../publication.yaml', 'https://news.example/publication.yaml'],
    ['/media/%2e%2e%2fpublication.yaml', 'https://news.example/media/%2e%2e%2fpublication.yaml'],
    ['/media/%', 'https://news.example/media/%25'],
  ])('%s is a path of the site like any other', async (url, expected) => {
    expect(parseArticle(record({ image: { url } }), await room()).image).toEqual({ url: expected });
  });

  test('a body may show it', async () => {
    const { html } = parseArticle(record({ body: '<img src="/media/a b.png"><img src="/media/x.png">' }), await room());
    expect(html).toBe(
      '<img src="https://feeds.news.example/media/a%20b.png" /><img src="https://news.example/media/x.png" />',
    );
  });
});

test('the record is not changed', () => {
  const input = record({ authors: [{ name: ' A ', url: null }], tags: ['B', 'b'] });
  const before = structuredClone(input);
  parseArticle(input, newsroom);
  expect(input).toEqual(before);
});
