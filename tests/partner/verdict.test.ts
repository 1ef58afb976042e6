import { describe, expect, test } from 'vitest';
import type { DialectItem } from '../../src/format/dialect/dialect.ts';
import { DIALECTS_BY_NAME } from '../../src/format/dialect/registry.ts';
import { dependsOnTime, isFor, refusalsOf } from '../../src/partner/verdict.ts';
import { article } from '../helpers.ts';
import { listing, NOW } from './room.ts';

const item: DialectItem = { article: article(), contentType: 'article', content: 'full', updatedAt: NOW, revision: 1 };
const YEARS = 20 * 365 * 24 * 60 * 60 * 1000;

describe('a rule of a dialect whose verdict depends on the moment', () => {
  const dialects = Object.values(DIALECTS_BY_NAME);

  test.each(dialects.map((dialect) => [dialect.name, dialect] as const))(
    'has a parameter for it: %s',
    (_, { rules }) => {
      const changing = rules.filter(({ breach }) => {
        const verdicts = [NOW - YEARS, NOW, NOW + YEARS].map((at) => breach(item, at) !== undefined);
        return new Set(verdicts).size > 1;
      });
      expect(changing.filter(({ breach }) => breach.length < 2).map(({ id }) => id)).toEqual([]);
    },
  );

  test('is known', () => {
    expect(dialects.filter(dependsOnTime).map(({ name }) => name)).toContain('msn');
    expect(dependsOnTime(listing())).toBe(false);
  });
});

test('only rules that refuse leave a story out', () => {
  const { rules } = listing();
  const bad = { ...item, article: article({ title: 'bad' }) };
  expect(refusalsOf(item, { rules }, NOW)).toEqual([]);
  expect(refusalsOf(bad, { rules }, NOW)).toEqual([
    {
      ...{ rule: 'no-bad-titles', reason: 'has a bad title', asks: 'Titles are good.', field: 'title' },
      ...{ evidence: 'T', source: 'https://consumer.example/rules', read: '2026-11-29' },
    },
  ]);
});

test.each<[object, number | undefined, boolean]>([
  [{}, undefined, true],
  [{}, 5, true],
  [{}, 4, false],
  [{ urgency: 1 }, 1, true],
  [{ urgency: 2 }, 1, false],
  [{ rights: { partners: ['wire'] } }, undefined, true],
  [{ rights: { partners: ['other'] } }, undefined, false],
  [{ rights: { partners: [] } }, undefined, false],
  [{ rights: { endsAt: NOW } }, undefined, true],
])('a story with %j for a partner that wants %s: %s', (story, urgency, expected) => {
  expect(isFor(story, { id: 'wire', ...(urgency === undefined ? {} : { urgency }) })).toBe(expected);
});
