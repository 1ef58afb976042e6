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

test.each([
  [
    'a key that all its articles have',
    (number: number) => ({ any: [], all: ['latest', `tag/${number}`, 'language/en'] }),
  ],
  [
    'keys that any of its articles has',
    (number: number) => ({ any: [`tag/${number}`, `author/${number}`], all: ['language/en'] }),
  ],
  [
    'keys of which few other feeds want one',
    (number: number) => ({ any: ['latest', 'tag/x'], all: [`tag/${number}`] }),
  ],
])('a feed is looked up by the rarest: %s', (_, selectOf) => {
  let looked = 0;
  const feeds = Array.from({ length: 1000 }, (_, number) => ({
    id: `f${number}`,
    get select() {
      looked += 1;
      return { none: [], ...selectOf(number) };
    },
  }));
  const choose = customFeedChooser(feeds);
  looked = 0;

  expect(choose(['latest', 'tag/7', 'language/en'])).toEqual(['f7']);
  expect(looked).toBe(1);
});
