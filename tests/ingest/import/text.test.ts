import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseArticle } from '../../../src/article/article.ts';
import { readPlainText } from '../../../src/ingest/import/text.ts';
import { newsroom } from '../../helpers.ts';

const facts = { id: 'wire/a b' };
const defaults = { id: 'wire/a b', url: '/wire/a%20b', bodyFormat: 'text' };

describe('a story in the form of a wire desk', () => {
  test.each([
    [
      'headline, standfirst, paragraphs',
      'H\nS\nDOHUK (Agency) - P.\nQ.\n',
      { title: 'H', summary: 'S', body: 'DOHUK (Agency) - P.\nQ.\n' },
    ],
    [
      'separated by blank lines',
      '\nH\n\nS\n\nDOHUK (Agency) – P.\n\nQ.',
      { title: 'H', summary: 'S', body: 'DOHUK (Agency) – P.\n\nQ.' },
    ],
    ['no standfirst', 'H\nDOHUK (Agency): P.\nQ.', { title: 'H', summary: '', body: 'DOHUK (Agency): P.\nQ.' }],
    [
      'a standfirst of four lines',
      'H\n1\n2\n3\n4\nDOHUK (Agency) - P.',
      { title: 'H', summary: '1 2 3 4', body: 'DOHUK (Agency) - P.' },
    ],
    [
      'a dateline that comes too late is none',
      'H\nS\n1\n2\n3\n4\nDOHUK (Agency) - P.',
      { title: 'H', summary: 'S', body: '1\n2\n3\n4\nDOHUK (Agency) - P.' },
    ],
    ['no dateline', 'H\nS\nP.\nQ.', { title: 'H', summary: 'S', body: 'P.\nQ.' }],
    ['of two lines the second is the story', 'H\nP.', { title: 'H', summary: '', body: 'P.' }],
    [
      'a dateline in Sorani',
      'H\nS\nسلێمانی (چوار ڕووبار) - P.',
      { title: 'H', summary: 'S', body: 'سلێمانی (چوار ڕووبار) - P.' },
    ],
    [
      'a dateline not in capitals, without spaces',
      'H\nS\nNew York (AP)—P.',
      { title: 'H', summary: 'S', body: 'New York (AP)—P.' },
    ],
    [
      'brackets alone are no dateline',
      'H\nThe Board (old) met.\nP.',
      { title: 'H', summary: 'The Board (old) met.', body: 'P.' },
    ],
    ['line ends of Windows', 'H\r\nS\r\nP.', { title: 'H', summary: 'S', body: 'P.' }],
    ['a headline alone', 'H', { title: 'H', summary: '', body: '' }],
    ['nothing', '', { title: '', summary: '', body: '' }],
  ])('%s', (_, text, expected) => {
    expect(readPlainText(text, facts).record).toEqual({ ...defaults, ...expected });
  });
});

test.each([
  ['2026-11-19-bridge', '2026-11-19T00:00:00Z'],
  ['wire/2026-11-19T0930Z-bridge', '2026-11-19T09:30:00Z'],
  ['2026-11-19', '2026-11-19T00:00:00Z'],
])('the date of the file %s is %s', (id, publishedAt) => {
  expect(readPlainText('H\nP.', { id }).record).toMatchObject({ publishedAt });
});

test.each(['2026-11-19/bridge', 'bridge-2026-11-19'])(
  'the name of the file %s has no date, so that the time of its last write is its date',
  (id) => {
    const { record, dateIsOptional } = readPlainText('H\nP.', { id });
    expect(record).not.toHaveProperty('publishedAt');
    expect(dateIsOptional).toBe(true);
  },
);

test('front matter adds fields to the text', () => {
  const text =
    '---\nurl: https://news.example/x\npublishedAt: 2026-01-01T00:00:00Z\nsections: [World]\n---\nH\nS\nP.\n';
  expect(readPlainText(text, facts).record).toEqual({
    ...defaults,
    url: 'https://news.example/x',
    publishedAt: '2026-01-01T00:00:00Z',
    sections: ['World'],
    title: 'H',
    summary: 'S',
    body: 'P.\n',
  });
});

test('no line is lost if front matter has the headline and the standfirst', () => {
  const text = '---\ntitle: H\nsummary: S\n---\nP.\nQ.\nR.';
  expect(readPlainText(text, facts).record).toEqual({ ...defaults, title: 'H', summary: 'S', body: 'P.\nQ.\nR.' });
});

test('a field has its line, and its column in front matter', () => {
  const { locate } = readPlainText('---\nurl: x:y\n---\n\nH\nS\nDOHUK (Agency) - P.', facts);
  expect(locate('url')).toEqual({ line: 2, column: 6 });
  expect(locate('title')).toEqual({ line: 5 });
  expect(locate('summary')).toEqual({ line: 6 });
  expect(locate('body')).toEqual({ line: 7 });
});

const SEED = new URL('../../../../shared/seed-article.txt', import.meta.url);

test('the seed article', (context) => {
  if (!existsSync(SEED)) context.skip('shared/seed-article.txt is not beside this repository');
  const { record } = readPlainText(readFileSync(SEED, 'utf8'), { id: '2026-11-19-detainees' });
  const article = parseArticle(record, newsroom);
  const paragraphs = article.html.split('\n');
  expect(article.title).toBe('US Official Reveals Operation That Prevented Catastrophic ISIS Prison Break in Syria');
  expect(article.summary).toBe(
    'A senior US intelligence official told Fox News that nearly 6,000 ISIS detainees were moved from Syria to Iraq ' +
      'in a multi-agency operation that prevented a potential mass prison break.',
  );
  expect(paragraphs).toHaveLength(21);
  expect(paragraphs.filter((paragraph) => !/^<p>[^<]+<\/p>$/.test(paragraph))).toEqual([]);
  expect(paragraphs[0]?.slice(0, 53)).toBe('<p>ERBIL (Kurdistan24) - A prison break that official');
  expect(paragraphs[20]?.slice(-41)).toBe('over Syria’s fragile security landscape.</p>'.slice(-41));
});
