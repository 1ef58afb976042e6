import { expect, onTestFinished, test } from 'vitest';
import { PublisherError } from '../../src/errors.ts';
import { openParsePool } from '../../src/publish/parse-pool.ts';
import { parseRecord } from '../../src/publish/parse-record.ts';
import { newsroom, record } from '../helpers.ts';

const TOMBSTONE = {
  id: 'a',
  publicId: 'tag:news.example,2026:a',
  publishedAt: '2026-11-20T10:00:00Z',
  withdrawn: { at: '2026-11-21T10:00:00Z' },
  erased: { feeds: ['latest', 'section/world', 'language/pt-br'] },
};

function parsed(value: unknown) {
  return parseRecord({ json: JSON.stringify(value) }, newsroom);
}

test('the tombstone of an export is an article without a text, in this thread and in another', async () => {
  const pool = openParsePool(newsroom, { threads: 1 });
  onTestFinished(pool.close);
  const here = parsed(TOMBSTONE);
  const [there] = await pool.parse([{ json: JSON.stringify(TOMBSTONE) }]);

  expect(here).toMatchObject({
    isErased: true,
    article: {
      id: 'a',
      publishedAt: Date.parse('2026-11-20T10:00:00Z'),
      withdrawn: { at: Date.parse('2026-11-21T10:00:00Z') },
    },
    feeds: ['latest', 'section/world', 'language/pt-br'].map((key) => ({ key, name: '' })),
    record: JSON.stringify(TOMBSTONE),
  });
  expect(there).toMatchObject({ isErased: true, feeds: (here as { feeds: unknown }).feeds });
});

test('the tombstone says which partners had the story', () => {
  const erased = { ...TOMBSTONE.erased, urgency: 3, partners: ['wire'] };
  const { article } = parsed({ ...TOMBSTONE, erased }) as { article: { text: string } };
  expect(JSON.parse(String(article.text))).toMatchObject({ urgency: 3, rights: { partners: ['wire'] }, title: '' });
});

test.each<[string, object, string]>([
  ['a partner with a wrong id', { erased: { feeds: ['latest'], partners: ['A b'] } }, 'erased.partners[0]'],
  ['a text', { title: 'T' }, 'title'],
  ['a reason', { withdrawn: { at: '2026-11-21T10:00:00Z', reason: 'R' } }, 'withdrawn.reason'],
  ['no withdrawal', { withdrawn: undefined }, 'withdrawn'],
  ['no public id', { publicId: undefined }, 'publicId'],
  ['an empty public id', { publicId: '' }, 'publicId'],
  ['a wrong id', { id: 'a//b' }, 'id'],
  ['no date', { publishedAt: undefined }, 'publishedAt'],
  ['no feeds', { erased: {} }, 'erased.feeds'],
  ['true', { erased: true }, 'erased'],
  ["a feed of the operator's", { erased: { feeds: ['weekend'] } }, 'erased.feeds[0]'],
  ['a feed of no kind', { erased: { feeds: ['latest', 'kind/x'] } }, 'erased.feeds[1]'],
  ['a language that is none', { erased: { feeds: ['language/!'] } }, 'erased.feeds[0]'],
  ['a control character', { erased: { feeds: ['tag/\u0001'] } }, 'erased.feeds[0]'],
  ['a key without end', { erased: { feeds: [`tag/${'x'.repeat(400)}`] } }, 'erased.feeds[0]'],
  ['too many feeds', { erased: { feeds: Array(301).fill('latest') } }, 'erased.feeds'],
])('a tombstone with %s is refused', (_, fields, field) => {
  const result = parsed({ ...TOMBSTONE, ...fields });
  expect(result instanceof PublisherError ? result.problems.map((problem) => problem.field) : result).toEqual([field]);
});

test('a story with erased: null is a story', () => {
  expect(parsed(record({ erased: null }))).not.toHaveProperty('isErased');
});
