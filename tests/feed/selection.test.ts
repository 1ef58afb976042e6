import { expect, test } from 'vitest';
import { customFeedChooser } from '../../src/feed/selection.ts';

test.each([
  ['an empty one selects all', {}, true],
  ['one of any', { any: ['tag/a', 'tag/x'] }, true],
  ['none of any', { any: ['tag/x', 'tag/y'] }, false],
  ['all', { all: ['tag/a', 'tag/b'] }, true],
  ['not all', { all: ['tag/a', 'tag/x'] }, false],
  ['one of none', { none: ['tag/x', 'tag/a'] }, false],
  ['none of none', { none: ['tag/x'] }, true],
  ['any and all', { any: ['tag/a'], all: ['tag/b'], none: ['tag/x'] }, true],
  ['any and none', { any: ['tag/a'], none: ['tag/b'] }, false],
])('a selection: %s', (_, select, expected) => {
  const feed = { id: 'own', title: 'Own', select: { any: [], all: [], none: [], ...select } };
  expect(customFeedChooser([feed])(['latest', 'tag/a', 'tag/b'])).toEqual(expected ? ['own'] : []);
});

test('a feed is looked up by the rarest key it requires, whichever comes first', () => {
  let looked = 0;
  const feeds = Array.from({ length: 1000 }, (_, number) => ({
    id: `f${number}`,
    get select() {
      looked += 1;
      return { any: [], all: ['latest', `tag/${number}`, 'language/en'], none: [] };
    },
  }));
  const choose = customFeedChooser(feeds);
  looked = 0;

  expect(choose(['latest', 'tag/7', 'language/en'])).toEqual(['f7']);
  expect(looked).toBe(1);
});
