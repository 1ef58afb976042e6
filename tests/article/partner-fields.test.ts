import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Adjustment } from '../../src/article/adjustments.ts';
import { parseArticle } from '../../src/article/article.ts';
import { withMovedMedia } from '../../src/article/moved-media.ts';
import { recordOf } from '../../src/article/record-of.ts';
import { articleText, withdrawnArticle } from '../../src/article/stored.ts';
import { warningsOf } from '../../src/article/warnings.ts';
import { PublisherError } from '../../src/errors.ts';
import { RENDERERS } from '../../src/format/renderers.ts';
import { rfc3339 } from '../../src/lib/instant.ts';
import { options } from '../format/fixtures.ts';
import { article, dataFolder, newsroom, record } from '../helpers.ts';

const PUBLISHED = '2026-11-20T10:00:00Z';
const CORRECTED = '2026-11-21T10:00:00Z';
const LATER = '2026-12-01T10:00:00Z';

const FULL = {
  image: { url: 'https://news.example/i.jpg', syndicate: false },
  media: [
    {
      url: 'https://news.example/a.mp3',
      type: 'audio/mpeg',
      transcript: { url: '/a.vtt', type: 'text/vtt', language: 'en-gb' },
      chapters: { url: 'https://news.example/a.json' },
      persons: [
        { name: ' Ann  Host ', role: 'host', group: '', url: '/ann', image: 'https://news.example/ann.jpg' },
        { name: 'Bob' },
      ],
    },
  ],
  updatedAt: CORRECTED,
  urgency: 4,
  correction: { note: ' The bridge is\n190 metres long. ' },
  rights: { endsAt: LATER, partners: ['msn', 'kurdî'.normalize('NFD')] },
};

function problems(fields: Record<string, unknown>): string[] {
  try {
    parseArticle(record(fields), newsroom);
  } catch (error) {
    if (error instanceof PublisherError) return error.problems.map(({ field, rule }) => `${field}: ${rule}`);
    throw error;
  }
  return [];
}

test('the fields for partners and podcasts, whole', () => {
  expect(article(FULL)).toMatchObject({
    image: { url: 'https://news.example/i.jpg', syndicate: false },
    media: [
      {
        url: 'https://news.example/a.mp3',
        type: 'audio/mpeg',
        transcript: { url: 'https://news.example/a.vtt', type: 'text/vtt', language: 'en-GB' },
        chapters: { url: 'https://news.example/a.json', type: 'application/json+chapters' },
        persons: [
          { name: 'Ann Host', role: 'host', url: 'https://news.example/ann', image: 'https://news.example/ann.jpg' },
          { name: 'Bob' },
        ],
      },
    ],
    updatedAt: Date.parse(CORRECTED),
    urgency: 4,
    correction: { note: 'The bridge is 190 metres long.', at: Date.parse(CORRECTED) },
    rights: { endsAt: Date.parse(LATER), partners: ['msn', 'kurdî'] },
  });
});

test('a record without them makes the article that it made before', () => {
  for (const field of ['urgency', 'correction', 'rights']) expect(article()).not.toHaveProperty(field);
  expect(article({ rights: {} })).toEqual(article());
  expect(article({ urgency: null, correction: null, rights: null })).toEqual(article());
});

test.each([
  ['at alone', { correction: { note: 'N', at: CORRECTED } }, CORRECTED, CORRECTED],
  ['updatedAt alone', { correction: { note: 'N' }, updatedAt: CORRECTED }, CORRECTED, CORRECTED],
  ['a later update', { correction: { note: 'N', at: CORRECTED }, updatedAt: LATER }, CORRECTED, LATER],
  ['an earlier update', { correction: { note: 'N', at: LATER }, updatedAt: CORRECTED }, LATER, LATER],
])('a correction is an update: %s', (_, fields, at, updatedAt) => {
  const made = article(fields);
  expect(made.correction?.at).toBe(Date.parse(at));
  expect(made.updatedAt).toBe(Date.parse(updatedAt));
});

test.each([
  ['at first publication', { correction: { note: 'N', at: PUBLISHED } }],
  ['under embargo', { correction: { note: 'N', at: CORRECTED }, embargoUntil: LATER }],
])('a correction that nobody needs is ignored and reported: %s', (_, fields) => {
  const made: Adjustment[] = [];
  const parsed = parseArticle(record(fields), newsroom, (one) => made.push(one));
  expect(parsed).not.toHaveProperty('correction');
  expect(parsed).not.toHaveProperty('updatedAt');
  expect(made.map(({ kind, field, value }) => [kind, field, value])).toEqual([
    ['early_update_ignored', 'correction', 'N'],
  ]);
});

test.each([
  ['urgency of 0', { urgency: 0 }, ['urgency: must be a whole number from 1 to 9']],
  ['urgency in words', { urgency: 'high' }, ['urgency: must be a whole number from 1 to 9']],
  [
    'a correction without a moment',
    { correction: { note: 'N' } },
    ['correction.at: is required in a record without updatedAt'],
  ],
  ['a correction without a note', { correction: { at: CORRECTED } }, ['correction.note: is required']],
  ['an empty note', { correction: { note: ' ', at: CORRECTED } }, ['correction.note: must not be empty']],
  ['a text as correction', { correction: 'N' }, ['correction: must be an object']],
  [
    'an unknown field',
    { correction: { txt: 'N', at: CORRECTED } },
    ['correction.note: is required', 'correction.txt: is not a known field. Did you mean at?'],
  ],
  [
    'rights that end before they begin',
    { rights: { endsAt: PUBLISHED } },
    ['rights.endsAt: must be later than publishedAt and embargoUntil'],
  ],
  [
    'the holder of the rights',
    { rights: '© The Post' },
    ['rights: must be an object with endsAt, partners or both. The holder of the rights is copyright'],
  ],
  [
    'a partner by its name',
    { rights: { partners: ['MSN'] } },
    ['rights.partners[0]: must be the id of a partner: the name of its file in partners/, without .yaml'],
  ],
  ['a word for syndicate', { image: { url: '/i.jpg', syndicate: 'yes' } }, ['image.syndicate: must be true or false']],
  [
    'a transcript without a type',
    { media: [{ url: '/a', type: 'audio/mpeg', transcript: { url: '/a.vtt' } }] },
    ['media[0].transcript.type: is required for a file that this service does not hold'],
  ],
  [
    'a person without a name',
    { media: [{ url: '/a', type: 'audio/mpeg', persons: [{ role: 'host' }] }] },
    ['media[0].persons[0].name: is required'],
  ],
  [
    'another word',
    { media: [{ url: '/a', type: 'audio/mpeg', people: [] }] },
    ['media[0].people: is not a known field. Did you mean persons?'],
  ],
])('a mistake is named: %s', (_, fields, rules) => {
  expect(problems(fields)).toEqual(rules);
});

test('numbers are texts where text belongs, and characters are cleaned and reported', () => {
  const made: Adjustment[] = [];
  const media = [{ url: '/a', type: 'audio/mpeg', persons: [{ name: 50, role: 'ho\u0001st', group: 2 }] }];
  const parsed = parseArticle(record({ correction: { note: 1984, at: CORRECTED }, media }), newsroom, (one) =>
    made.push(one),
  );
  expect(parsed.correction?.note).toBe('1984');
  expect(parsed.media[0]?.persons).toEqual([{ name: '50', role: 'host', group: '2' }]);
  expect(made.map(({ kind, field }) => `${kind} ${field}`)).toEqual([
    'number_read_as_text correction.note',
    'number_read_as_text media[0].persons[0].name',
    'characters_removed media[0].persons[0].role',
    'number_read_as_text media[0].persons[0].group',
  ]);
});

test('a record made of the article makes the same article', () => {
  const made = article(FULL);
  expect(parseArticle(JSON.parse(JSON.stringify(recordOf(made))), newsroom)).toEqual(made);
});

test('a withdrawal has the property order of the parser', () => {
  const withdrawn = { at: Date.parse(LATER), reason: 'R' };
  const parsed = article({ ...FULL, copyright: '©', withdrawn: { ...withdrawn, at: rfc3339(withdrawn.at) } });
  expect(JSON.stringify(withdrawnArticle(article({ ...FULL, copyright: '©' }), withdrawn))).toBe(
    JSON.stringify(parsed),
  );
});

test('files in media/ have their types, are served with the story, move with the service, and are missed', async () => {
  const folder = await dataFolder({
    'media/a.mp3': 'a',
    'media/a.vtt': 'WEBVTT',
    'media/c.json': '{}',
    'media/p.png': 'p',
  });
  const local = { ...newsroom, mediaFolder: join(folder, 'media') };
  const fields = (names: readonly string[]) => {
    const [transcript, chapters, image] = names.map((name) => `/media/${name}`);
    const persons = [{ name: 'Ann', image }];
    return record({
      media: [{ url: '/media/a.mp3', transcript: { url: transcript }, chapters: { url: chapters }, persons }],
    });
  };
  const made = parseArticle(fields(['a.vtt', 'c.json', 'p.png']), local);
  const file = (name: string) => `${newsroom.feedsUrl}media/${name}`;
  expect(made.media[0]).toMatchObject({
    transcript: { url: file('a.vtt'), type: 'text/vtt' },
    chapters: { url: file('c.json'), type: 'application/json+chapters' },
    persons: [{ name: 'Ann', image: file('p.png') }],
  });
  expect(articleText(made).media).toEqual(['a.mp3', 'a.vtt', 'c.json', 'p.png']);

  const moved = withMovedMedia(made, { from: newsroom.feedsUrl, to: 'http://localhost:8080/' });
  expect(JSON.stringify(moved)).toBe(JSON.stringify(made).replaceAll(newsroom.feedsUrl, 'http://localhost:8080/'));

  const absent = fields(['a.vtt', 'b.json', 'q.png']);
  expect(warningsOf(parseArticle(absent, local), absent, local).map(({ field }) => field)).toEqual([
    'media[0].chapters.url',
    'media[0].persons[0].image',
  ]);
});

test('an entry of a public feed is the same without them', () => {
  const { urgency: _, correction: __, rights: ___, image, media, ...rest } = FULL;
  const { transcript: _t, chapters: _c, persons: _p, ...sound } = media[0] ?? {};
  const plain = article({ ...rest, image: { url: image.url }, media: [sound] });
  for (const { entry } of Object.values(RENDERERS)) {
    expect(entry(article(FULL), options)).toBe(entry(plain, options));
  }
});
