import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parsePublication } from '../../../src/config/publication.ts';
import { SYSTEMS, type System } from '../../../src/config/redirects/known-systems.ts';
import { PublisherError } from '../../../src/errors.ts';
import { PUBLICATION } from '../../helpers.ts';

function problemsOf(yaml: string): string[] {
  try {
    parsePublication(`${PUBLICATION}feeds: [{ id: rivers, title: Rivers }]\n${yaml}`, 'publication.yaml');
  } catch (error) {
    if (!(error instanceof PublisherError)) throw error;
    return error.problems.map(({ field, rule }) => `${field} ${rule}`);
  }
  return [];
}

const redirect = (entry: string) => problemsOf(`redirects:\n  - { ${entry} }\n`);

describe('a redirect', () => {
  test.each([
    'from: /a, to: latest',
    'from: /a',
    'from: https://old.example, to: latest',
    'from: "https://old.example/?feed=rss2", to: rivers, format: json',
    'from: "/index.php?option=com_content&format=feed", to: section/World News',
    'from: "/rubrik/{slug}/feed", to: "section/{slug}"',
    'from: "/rubrik/{slug+}/feed", to: "Tag/{slug}"',
    'from: "/rss/{name}.xml", to: "{name}"',
    'from: "/rss.php?rubrik={slug}", to: "tag/{slug}"',
    'from: "/{lang}/rss-neu", to: "language/{lang}"',
    'from: /feeds/all, to: latest',
    'from: 2026.xml',
  ])('{ %s }', (entry) => {
    const [problem] = redirect(entry);
    const isRefused = !/from: (?:\/a|"|\/feeds)/.test(entry);
    expect(problem !== undefined, problem).toBe(isRefused);
  });

  test.each([
    ['to: latest', 'redirects[0].from is required'],
    [
      'from: feed, to: latest',
      'redirects[0].from must be a path that begins with a slash, as /feed/, or a whole address',
    ],
    [
      'from: [a], to: latest',
      'redirects[0].from must be a path that begins with a slash, as /feed/, or a whole address',
    ],
    ['from: /, to: latest', 'redirects[0].from is the page of all feeds: name a path, or a query such as /?feed=rss2'],
    [
      'from: /api/articles, to: latest',
      'redirects[0].from begins with /api, where the service answers itself: it cannot lead elsewhere',
    ],
    [
      'from: /schema/x, to: latest',
      'redirects[0].from begins with /schema, where the service answers itself: it cannot lead elsewhere',
    ],
    ...['feeds.opml', 'sitemap.xml', 'news-sitemap.xml', 'robots.txt', 'favicon.ico'].map((name): [string, string] => [
      `from: /${name}, to: latest`,
      `redirects[0].from begins with /${name}, where the service answers itself: it cannot lead elsewhere`,
    ]),
    ['from: /a, too: latest', 'redirects[0].too is not a known field. Did you mean to?'],
    ['from: /a, target: latest', 'redirects[0].target is not a known field. Did you mean to?'],
    ['old: /a, to: latest', 'redirects[0].from is required'],
    [
      'from: /a, to: sections/world',
      'redirects[0].to is not a feed: write latest, section/…, tag/…, author/… or language/…, or an id under feeds in publication.yaml. Did you mean section/world?',
    ],
    [
      'from: /a, to: rivres',
      'redirects[0].to is not a feed: write latest, section/…, tag/…, author/… or language/…, or an id under feeds in publication.yaml. Did you mean rivers?',
    ],
    ['from: /a, format: atom', 'redirects[0].format has no use without to: name a feed, or leave it out'],
    ['from: /a, to: latest, format: xml', 'redirects[0].format must be one of rss, atom, json'],
    [
      'from: "/{slug}", to: "tag/{slug}"',
      'redirects[0].from must have a part besides its parameters: it would match every address',
    ],
    [
      'from: "/{a}/{a}/x", to: "tag/{a}"',
      'redirects[0].from has two parameters of one name: give each a name of its own',
    ],
    ['from: "/x/{slug}", to: "tag/{slag}"', 'redirects[0].to has {slag}, which from does not have. Did you mean slug?'],
    ['from: /x, to: "tag/{slug}"', 'redirects[0].to has {slug}, but from has no parameter'],
    [
      'from: "/x/{slug}", to: "{slug}/x"',
      'redirects[0].to must be section/{…}, tag/{…}, author/{…}, language/{…}, or {…} alone',
    ],
    [
      'from: "/x/{slug", to: latest',
      'redirects[0].from has a brace without a parameter: write {slug}, or {slug+} for several parts of a path, and one parameter a part at most',
    ],
    ['from: "/x/{a+}/{b+}", to: latest', 'redirects[0].from must not have more than one parameter with a plus'],
    [
      'from: /%E7, to: latest',
      'redirects[0].from must have at most 2000 characters and 30 parts, percent-encoded as UTF-8',
    ],
  ])('{ %s } has a problem', (entry, problem) => {
    expect(redirect(entry)).toContain(problem);
  });

  test('of an address that another redirect has is refused, in whatever form it is written', () => {
    expect(
      problemsOf(
        'redirects: [{ from: /a/Ş, to: latest }, { from: //A/%C5%9F/, to: rivers }, { from: "/a/{x}" }, { from: "/a/{y}" }]\n',
      ),
    ).toEqual([
      'redirects[1].from is the address of another redirect: keep one of them',
      'redirects[3].from is the address of another redirect: keep one of them',
    ]);
  });

  test('is one of a thousand patterns at most', () => {
    const patterns = Array.from({ length: 1002 }, (_, index) => `  - { from: "/${index}/{slug}", to: "tag/{slug}" }\n`);
    expect(problemsOf(`redirects:\n${patterns.join('')}`)).toEqual([
      'redirects[1000].from is one pattern too many: there may be 1000',
    ]);
  });

  test('is one of twenty that differ in their parameters alone', () => {
    const queries = Array.from({ length: 21 }, (_, index) => `  - { from: "/x?p${index}=1", to: latest }\n`);
    expect(problemsOf(`redirects:\n${queries.join('')}`)).toEqual([
      'redirects[20].from is a path with too many different queries: there may be 20 sets of parameters for a path',
    ]);
  });
});

test.each<[string, readonly System[]]>([
  ['', SYSTEMS],
  ['builtInRedirects: on', SYSTEMS],
  ['builtInRedirects: off', []],
  ['builtInRedirects: false', []],
  ['builtInRedirects: []', []],
  ['builtInRedirects: [ghost, drupal]', ['ghost', 'drupal']],
])('“%s” switches systems on', (yaml, systems) => {
  expect(parsePublication(`${PUBLICATION}${yaml}\n`, 'publication.yaml').builtInRedirects).toEqual(systems);
});

test('an unknown system is refused with the nearest one', () => {
  expect(problemsOf('builtInRedirects: [wordpres]\n')).toEqual([
    'builtInRedirects[0] must be one of common, wordpress, ghost, hugo, jekyll, drupal, blogger. Did you mean wordpress?',
  ]);
});

test('the example in docs/configure.md is valid', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/configure.md'), 'utf8');
  const [, example = ''] = /```yaml\n(redirects:[^`]+)```/.exec(page) ?? [];

  expect(parsePublication(PUBLICATION + example, 'publication.yaml').redirects).toHaveLength(4);
});
