import { describe, expect, test } from 'vitest';
import { type CustomFeed, describeFeed, feedId, feedPath, type Masthead, ownKeys } from '../../src/feed/feeds.ts';
import { article } from '../helpers.ts';

test('an article is in the feeds of its sections, tags, authors and language', () => {
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

test('two authors with one name are one feed', () => {
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

describe('the head of a feed', () => {
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
