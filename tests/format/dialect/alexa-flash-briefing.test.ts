import { describe, expect, test } from 'vitest';
import type { Article, Media } from '../../../src/article/article.ts';
import { alexaFlashBriefing } from '../../../src/format/dialect/alexa-flash-briefing.ts';
import { firstSentences, textOf } from '../../../src/format/dialect/text.ts';
import { breaches, feedBreaches } from './rules.ts';
import { dam, document, item, options, pomegranates, radio } from './sample.ts';

const json = alexaFlashBriefing.formats.json;
const briefing = (article: Article, content: 'full' | 'summary' = 'summary') =>
  JSON.parse(json?.entry(item(article, { content }), options({ content })) ?? '');

test('the document is a list of items with the fields of the reference', () => {
  const items = JSON.parse(document(alexaFlashBriefing, 'json'));
  expect(items.map(Object.keys)).toEqual([
    ['uid', 'updateDate', 'titleText', 'mainText', 'redirectionUrl'],
    ['uid', 'updateDate', 'titleText', 'mainText', 'streamUrl', 'redirectionUrl'],
    ['uid', 'updateDate', 'titleText', 'mainText', 'redirectionUrl'],
  ]);
  for (const { updateDate, mainText } of items) {
    expect(updateDate).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.0Z$/);
    expect(mainText.length).toBeLessThan(4500);
  }
});

test('a document without stories is an empty list', () => {
  expect(JSON.parse(document(alexaFlashBriefing, 'json', []))).toEqual([]);
});

test('an item, field by field', () => {
  expect(briefing(radio)).toEqual({
    uid: 'tag:fourrivers.example,2026:en/voice-of-the-river',
    updateDate: '2026-11-14T17:00:00.0Z',
    titleText: radio.title,
    mainText: radio.summary,
    streamUrl: 'https://feeds.fourrivers.example/media/audio/river-at-dawn.mp3',
    redirectionUrl: 'https://fourrivers.example/en/2026/11/voice-of-the-river',
  });
  expect(briefing(dam).updateDate).toBe('2026-11-18T13:05:00.0Z');
});

test('nothing is read that is not text: no tags, no marks of direction', () => {
  const marked = { ...pomegranates, title: '\u200F2 < 3, \u2066<b>\u2069', summary: 'a > b' };
  expect(briefing(marked)).toMatchObject({ titleText: '2 3, b', mainText: 'a b' });
});

test('a long story ends with a whole sentence before 4,500 characters', () => {
  const html = `<p>${'A sentence of some words. '.repeat(400)}</p>`;
  const { mainText } = briefing({ ...dam, html }, 'full');
  expect(mainText).toBe('A sentence of some words. '.repeat(173).trimEnd());
  expect(mainText.length).toBe(4497);
  expect(briefing(dam, 'full').mainText).toBe(textOf(dam.html));
});

test.each([
  ['One. Two.', 9, 'One. Two.'],
  ['One. Two.', 8, 'One.'],
  ['One. Two.', 4, 'One.'],
  ['A sentence that is long', 12, 'A sentence…'],
])('the first sentences of “%s” within %i characters', (text, limit, expected) => {
  expect(firstSentences(text, limit, 'en')).toBe(expected);
});

const sound = (fields: Partial<Media>): Article => ({
  ...radio,
  media: [{ url: 'https://a.example/b.mp3', type: 'audio/mpeg', ...fields }],
});

describe('rules', () => {
  test.each([
    ['keeps', radio, 'summary', []],
    ['keeps: a short text', dam, 'full', []],
    ['keeps: a sound of unknown duration', sound({}), 'summary', []],
    ['keeps: at the limits', sound({ duration: 10 }), 'summary', []],
    ['keeps: at the limits', sound({ duration: 600 }), 'summary', []],
    ['breaks', { ...dam, html: `<p>${'x'.repeat(4500)}</p>` }, 'full', ['text-too-long']],
    ['breaks', sound({ duration: 9 }), 'summary', ['sound-not-played']],
    ['breaks', sound({ duration: 601 }), 'summary', ['sound-not-played']],
    ['breaks', sound({ type: 'audio/ogg' }), 'summary', ['sound-not-played']],
    ['breaks', sound({ url: 'http://a.example/b.mp3' }), 'summary', ['sound-not-played']],
  ] as const)('%s', (_how, article, content, expected) => {
    expect(breaches(alexaFlashBriefing, item(article, { content }))).toEqual(expected);
    const wantsSound = article.media.length > 0 && !expected.some((rule) => rule === 'sound-not-played');
    expect(briefing(article, content).streamUrl !== undefined).toBe(wantsSound);
  });

  test.each([
    [{ entries: 5, age: 7 * 86_400_000 }, []],
    [{ entries: 6, age: 86_400_000 }, ['more-than-five-stories']],
    [{ entries: 5, age: 8 * 86_400_000 }, ['older-than-seven-days']],
    [{ entries: 5 }, ['older-than-seven-days']],
  ])('of the feed: %o', (feed, expected) => {
    expect(feedBreaches(alexaFlashBriefing, feed)).toEqual(expected);
  });
});
