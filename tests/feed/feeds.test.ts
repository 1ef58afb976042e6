import fc from 'fast-check';
import { distance } from 'fastest-levenshtein';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  type CustomFeed,
  customFeedChooser,
  describeFeed,
  feedId,
  feedPath,
  type Masthead,
  nearestKey,
  ownKeys,
} from '../../src/feed/feeds.ts';
import { article } from '../helpers.ts';

vi.mock('fastest-levenshtein', { spy: true });

test('an article is in a feed for each of its words', () => {
  const fields = {
    language: 'ckb',
    authors: [{ name: 'Hêvî Ülker' }],
    sections: ['Middle East', 'World'],
    tags: ['Water'],
  };
  expect(ownKeys(article(fields))).toEqual([
    { key: 'latest', name: '' },
    { key: 'section/middle-east', name: 'Middle East' },
    { key: 'section/world', name: 'World' },
    { key: 'tag/water', name: 'Water' },
    { key: 'author/hêvî-ülker', name: 'Hêvî Ülker' },
    { key: 'language/ckb', name: 'کوردیی ناوەندی' },
  ]);
});

test('two authors of one name are one feed', () => {
  const authors = [{ name: 'Ann Lee' }, { name: 'ANN LEE' }];
  expect(ownKeys(article({ authors })).map(({ key }) => key)).toEqual(['latest', 'author/ann-lee', 'language/en']);
});

test.each([
  ['en', 'language/en', 'English'],
  ['pt-BR', 'language/pt-br', 'português (Brasil)'],
  ['qaa', 'language/qaa', 'qaa'],
  ['de-u-nu-latn', 'language/de-u-nu-latn', 'Deutsch'],
  ['en-x-house', 'language/en-x-house', 'English'],
])('a story in %s is in %s', (language, key, name) => {
  expect(ownKeys(article({ language })).at(-1)).toEqual({ key, name });
});

test.each([
  ['no select takes all', {}, true],
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

test('feeds are looked up by the rarest of the keys they require, whichever stands first', () => {
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

describe('a feed presents itself', () => {
  const none = { any: [], all: [], none: [] };
  const feeds: readonly CustomFeed[] = [
    { id: 'plain', title: 'Plain', select: none },
    {
      id: 'rich',
      title: 'Rich',
      description: 'R.',
      language: 'tr',
      entries: 5,
      content: 'summary',
      select: { ...none, all: ['language/ar'] },
    },
    { id: 'one', title: 'One', select: { ...none, any: ['language/ckb'] } },
    { id: 'both', title: 'Both', select: { ...none, any: ['language/ckb', 'language/ku'] } },
    { id: 'mixed', title: 'Mixed', select: { ...none, any: ['tag/a'], all: ['language/en-gb', 'tag/b'] } },
    { id: 'tagged', title: 'Tagged', select: { ...none, any: ['tag/a'] } },
  ];
  const masthead: Masthead = { title: 'Post', description: 'News.', language: 'en', entries: 50, feeds };
  const plain = { description: 'News.', language: 'en', entries: 50, content: 'full' };

  test.each([
    ['latest', '', { ...plain, title: 'Post' }],
    ['section/world', 'World', { ...plain, title: 'Post: World', description: 'World. News.' }],
    [
      'language/pt-br',
      'português',
      { ...plain, title: 'Post: português', description: 'português. News.', language: 'pt-BR' },
    ],
    ['plain', '', { ...plain, title: 'Plain' }],
    ['rich', '', { title: 'Rich', description: 'R.', language: 'tr', entries: 5, content: 'summary' }],
    ['one', '', { ...plain, title: 'One', language: 'ckb' }],
    ['both', '', { ...plain, title: 'Both' }],
    ['mixed', '', { ...plain, title: 'Mixed', language: 'en-GB' }],
    ['tagged', '', { ...plain, title: 'Tagged' }],
  ])('%s', (key, name, expected) => {
    expect(describeFeed(key, name, masthead)).toEqual({ key, ...expected });
  });
});

test.each([
  ['latest', 'feeds/latest.atom', 'https://news.example/feeds/latest'],
  ['section/şırnak', 'feeds/section/%C5%9F%C4%B1rnak.atom', 'https://news.example/feeds/section/%C5%9F%C4%B1rnak'],
])('the address and identity of %s', (key, path, id) => {
  expect(feedPath(key, 'atom')).toBe(path);
  expect(feedId(key, 'https://news.example/site/')).toBe(id);
});

test.each([
  ['latst', 'latest'],
  ['Latest', 'latest'],
  ['section/wrld', 'section/world'],
  ['world', 'section/world'],
  ['tag/worlds', undefined],
  ['section/football', undefined],
  ['', undefined],
])('who asks for %j means %s', (asked, expected) => {
  expect(nearestKey(asked, ['latest', 'section/world', 'tag/water'])).toBe(expected);
});

test('nothing is near where nothing is known', () => {
  expect(nearestKey('latest', [])).toBeUndefined();
});

/** The same by its definition: of all that are near enough the first that no other is nearer than. */
function nearestOfAll(asked: string, known: readonly string[]): string | undefined {
  const wanted = asked.toLowerCase();
  const steps = (key: string) => Math.min(distance(wanted, key), 1 + distance(wanted, key.slice(key.indexOf('/') + 1)));
  const least = Math.min(...known.map(steps));
  return least <= Math.max(2, wanted.length / 3) ? known.find((key) => steps(key) === least) : undefined;
}

test('the nearest feed is the first of those in fewest steps, whatever the names', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd', '/'), maxLength: 12 });
  fc.assert(
    fc.property(word, fc.array(word, { maxLength: 12 }), (asked, known) => {
      expect(nearestKey(asked, known)).toBe(nearestOfAll(asked, known));
    }),
    { numRuns: 1000 },
  );
});

test('no feed is compared letter by letter whose length alone says that another is nearer', () => {
  const compared = vi.mocked(distance).mockClear();
  onTestFinished(() => void compared.mockClear());
  const longer = Array.from({ length: 1000 }, (_, number) => `tag/watercourse-${1000 + number}`);

  expect(nearestKey('tag/watercourses', ['tag/watercourse', ...longer])).toBe('tag/watercourse');
  expect(compared.mock.calls).toEqual([['tag/watercourses', 'tag/watercourse']]);
});

test('of very many that look alike a few hundred are compared letter by letter, those that may be nearest first', () => {
  const compared = vi.mocked(distance).mockClear();
  onTestFinished(() => void compared.mockClear());
  const alike = Array.from({ length: 10_000 }, (_, number) => `tag/a-tag-whose-name-is-long-${number}`);
  const others = Array.from({ length: 10_000 }, (_, number) => `tag/kuş-${number.toString(5)}`);

  expect(nearestKey('tag/a-tag-whose-name-is-longer', alike)).toMatch(/^tag\/a-tag-/);
  expect(nearestKey('tag/watercours', [...others, 'tag/watercourse'])).toBe('tag/watercourse');
  expect(compared.mock.calls.length).toBeLessThan(1000);
});
