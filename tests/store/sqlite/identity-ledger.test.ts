import { describe, expect, test } from 'vitest';
import { articleText } from '../../../src/article/stored.ts';
import { identityProblem, wasSeen, wasVisible, withKnownPublicId } from '../../../src/store/sqlite/identity-ledger.ts';
import { article } from '../../helpers.ts';

const PUBLISHED = Date.UTC(2026, 10, 20, 10);
const AFTER = PUBLISHED + 60_000;
const KNOWN = { public_id: 'tag:a', published: PUBLISHED, withdrawn: null };
const SAME = { publicId: 'tag:a', publishedAt: PUBLISHED };

test.each([
  ['before its publication', { published: 10, withdrawn: null }, 9, false],
  ['at its publication', { published: 10, withdrawn: null }, 10, true],
  ['withdrawn at its publication', { published: 10, withdrawn: 10 }, 20, true],
  ['withdrawn before its publication', { published: 10, withdrawn: 9 }, 20, false],
])('whether readers may have seen an article, %s', (_, known, at, expected) => {
  expect(wasSeen(known, at)).toBe(expected);
});

test.each([
  ['not withdrawn', { publishedAt: 10 }, false],
  ['withdrawn before its publication', { publishedAt: 10, withdrawn: { at: 9 } }, false],
  ['withdrawn at its publication', { publishedAt: 10, withdrawn: { at: 10 } }, true],
])('whether an article was visible before its withdrawal: %s', (_, dates, expected) => {
  expect(wasVisible(dates)).toBe(expected);
});

describe('an update', () => {
  test.each([
    ['that keeps the identity', SAME],
    ['that withdraws at the date of publication', { ...SAME, withdrawn: { at: PUBLISHED } }],
  ])('%s breaks no rule', (_, update) => {
    expect(identityProblem(update, KNOWN, AFTER)).toBeUndefined();
  });

  test.each([
    [
      'another date',
      { ...SAME, publishedAt: PUBLISHED + 1000, publicId: 'tag:b' },
      {
        field: 'publishedAt',
        value: '2026-11-20T10:00:01Z',
        rule: 'must stay 2026-11-20T10:00:00Z, the date of first publication (an embargo counts as its end)',
      },
    ],
    [
      'another public id',
      { ...SAME, publicId: 'tag:b' },
      { field: 'publicId', value: 'tag:b', rule: 'must stay tag:a' },
    ],
    [
      'a withdrawal before its publication',
      { ...SAME, withdrawn: { at: PUBLISHED - 1000 } },
      {
        field: 'withdrawn.at',
        value: '2026-11-20T09:59:59Z',
        rule: 'must not be before 2026-11-20T10:00:00Z, the date of first publication',
      },
    ],
  ])('of a visible article with %s breaks a rule; of an invisible one it breaks none', (_, update, problem) => {
    expect(identityProblem(update, KNOWN, PUBLISHED)).toEqual(problem);
    expect(identityProblem(update, KNOWN, PUBLISHED - 1)).toBeUndefined();
    expect(identityProblem(update, { ...KNOWN, withdrawn: PUBLISHED - 1 }, AFTER)).toBeUndefined();
  });
});

test('a derived public id gives way to the known one, in the text as well; a named one does not', () => {
  const made = articleText(article());
  const kept = withKnownPublicId({ article: made, hasDerivedPublicId: true }, KNOWN);
  expect([kept.publicId, JSON.parse(String(kept.text))]).toEqual(['tag:a', { ...article(), publicId: 'tag:a' }]);
  expect(withKnownPublicId({ article: made }, KNOWN)).toBe(made);
  expect(withKnownPublicId({ article: made, hasDerivedPublicId: true }, { public_id: made.publicId })).toBe(made);
});
