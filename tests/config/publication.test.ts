import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { webAddress } from '../../src/config/option-values.ts';
import { loadPublication, parsePublication } from '../../src/config/publication.ts';
import { SYSTEMS } from '../../src/config/redirects/known-systems.ts';
import { type Problem, PublisherError } from '../../src/errors.ts';
import { dataFolder, PUBLICATION } from '../helpers.ts';

function problems(text: string): readonly Problem[] {
  try {
    parsePublication(text, 'publication.yaml');
  } catch (error) {
    if (error instanceof PublisherError && error.code === 'invalid_publication') return error.problems;
    throw error;
  }
  return [];
}

const SMALLEST = 'title: T\nurl: https://news.example/site\ndescription: D.\nlanguage: en\n';

test('the smallest publication, whole', () => {
  expect(parsePublication(SMALLEST, 'p')).toEqual({
    title: 'T',
    url: 'https://news.example/site',
    feedsUrl: 'https://news.example/',
    description: 'D.',
    language: 'en',
    timeZone: 'UTC',
    maxAge: 60,
    media: 'named',
    entries: 50,
    tombstoneDays: 30,
    auditDays: 400,
    deliveryDays: 400,
    feeds: [],
    retired: [],
    redirects: [],
    builtInRedirects: SYSTEMS,
    pages: { mediaHosts: [], texts: {} },
    origins: [],
  });
});

test('every field, whole', () => {
  const text = `${SMALLEST}feedsUrl: https://feeds.example/news
copyright: © T
license: https://creativecommons.org/licenses/by/4.0/
icon: /media/icon.png
logo: media/logo.png
favicon: https://cdn.example/f.png
accentColor: "#1A5F7A"
contact: { name: Desk, email: desk@news.example }
maxAge: 0
media: public
tombstoneDays: 0
auditDays: 36500
deliveryDays: 1
entries: 1000
feeds:
  - id: kurdî-çand
    title: Çand
    description: C.
    language: KU
    entries: 5
    content: summary
    select: { any: [Language/ckb, tag/Art & Life], all: [section/Middle East], none: [author/Ann Lee, latest] }
  - { id: all, title: All }
retired:
  - { feed: Section/Old News, movedTo: Latest }
  - { feed: gone }
origins: [https://cms.example]
redirects:
  - { from: https://old.example/News.xml, to: Kurdî-Çand, format: json }
  - { from: "/rubrik/{slug}/atom/", to: "Section/{slug}" }
  - { from: /?feed=x }
builtInRedirects: [hugo]
timeZone: Asia/Baghdad
pages:
  mediaHosts: [Media.example, "cdn.example:8443"]
  texts: { ku: { subscribe: Abone bibe }, ar: { stories: { one: "{n} مادة", other: "{n} مواد" } } }
`;
  expect(parsePublication(text, 'p')).toEqual({
    title: 'T',
    url: 'https://news.example/site',
    feedsUrl: 'https://feeds.example/news/',
    description: 'D.',
    language: 'en',
    copyright: '© T',
    license: 'https://creativecommons.org/licenses/by/4.0/',
    icon: 'https://feeds.example/news/media/icon.png',
    logo: 'https://feeds.example/news/media/logo.png',
    favicon: 'https://cdn.example/f.png',
    accentColor: '1a5f7a',
    timeZone: 'Asia/Baghdad',
    pages: {
      mediaHosts: ['media.example', 'cdn.example:8443'],
      texts: { ku: { subscribe: 'Abone bibe' }, ar: { stories: { one: '{n} مادة', other: '{n} مواد' } } },
    },
    contact: { name: 'Desk', email: 'desk@news.example' },
    maxAge: 0,
    media: 'public',
    entries: 1000,
    tombstoneDays: 0,
    auditDays: 36_500,
    deliveryDays: 1,
    feeds: [
      {
        id: 'kurdî-çand',
        title: 'Çand',
        description: 'C.',
        language: 'ku',
        entries: 5,
        content: 'summary',
        select: {
          any: ['language/ckb', 'tag/art-life'],
          all: ['section/middle-east'],
          none: ['author/ann-lee', 'latest'],
        },
      },
      { id: 'all', title: 'All', select: { any: [], all: [], none: [] } },
    ],
    retired: [{ feed: 'section/old-news', movedTo: 'latest' }, { feed: 'gone' }],
    redirects: [
      { address: { segments: ['news.xml'], query: new Map() }, target: { key: 'kurdî-çand', format: 'json' } },
      {
        pattern: {
          segments: [{ text: 'rubrik' }, { parameter: 'slug', before: '', after: '', isMany: false }, { text: 'atom' }],
          query: new Map(),
        },
        to: 'section/{slug}',
        format: 'atom',
      },
      { address: { segments: [], query: new Map([['feed', 'x']]) }, target: 'gone' },
    ],
    builtInRedirects: ['hugo'],
    origins: ['https://cms.example'],
  });
});

test.each([
  ['the option', 'https://option.example', 'https://option.example/'],
  ['else the file', undefined, 'https://feeds.news.example/'],
])('the service’s address: %s', (_, option, expected) => {
  expect(parsePublication(PUBLICATION, 'p', option).feedsUrl).toBe(expected);
});

test.each([
  'https://user@feeds.example/',
  'https://:secret@feeds.example/',
  'https://feeds.example/?x=1',
  'https://feeds.example/?',
  'https://feeds.example/news#feeds',
])('the service’s address is one to which paths can be added, not %s', (address) => {
  const text = PUBLICATION.replace(/feedsUrl:.*/, `feedsUrl: "${address}"`);
  const rule = 'must have no user name, password, query or fragment: every address of the service begins with it';
  expect(() => parsePublication(text, 'p')).toThrow(
    expect.objectContaining({ problems: [expect.objectContaining({ field: 'feedsUrl', rule })] }),
  );
  expect(webAddress.read(address)).toBeUndefined();
});

test('the address of the site has no password, which every feed would show', () => {
  const text = PUBLICATION.replace(/^url:.*/m, 'url: https://user:secret@news.example/?lang=ku');
  const rule = 'must have no user name and password: every feed shows it';
  expect(() => parsePublication(text, 'p')).toThrow(
    expect.objectContaining({ problems: [{ field: 'url', rule, line: 2, column: 6 }] }),
  );
});

const FEED_KEY = 'must be latest, section/…, tag/…, author/… or language/…';
const ASSET = 'must be an address';

describe('a problem has its place', () => {
  test.each([
    [
      'maxAge: 86401',
      { field: 'maxAge', value: '86401', rule: 'must be a whole number from 0 to 86400', line: 5, column: 9 },
    ],
    [
      'entries: 0',
      { field: 'entries', value: '0', rule: 'must be a whole number from 1 to 1000', line: 5, column: 10 },
    ],
    [
      'entries: many',
      { field: 'entries', value: 'many', rule: 'must be a whole number from 1 to 1000', line: 5, column: 10 },
    ],
    [
      'accentColor: blue',
      { field: 'accentColor', value: 'blue', rule: 'must be a colour, as "#1a5f7a"', line: 5, column: 14 },
    ],
    [
      'feedsUrl: ftp://x',
      {
        field: 'feedsUrl',
        value: 'ftp://x',
        rule: 'must be an http or https address of at most 4096 characters',
        line: 5,
        column: 11,
      },
    ],
    ['contact:\n  email: x', undefined],
    ['colour: red', { field: 'colour', rule: 'is not a known field. Did you mean accentColor?', line: 5, column: 9 }],
    ['icon: 5', { field: 'icon', value: '5', rule: ASSET, line: 5, column: 7 }],
    [
      'icon: javascript:x',
      { field: 'icon', value: 'javascript:x', rule: 'must be an http or https address', line: 5, column: 7 },
    ],
    [
      'feeds:\n  - { id: latest, title: A }',
      { field: 'feeds[0].id', value: 'latest', rule: 'is taken: latest holds every article', line: 6, column: 11 },
    ],
    [
      'feeds:\n  - { id: A B, title: A }',
      {
        field: 'feeds[0].id',
        value: 'A B',
        rule: 'must be lower-case words joined by hyphens, because it is part of addresses',
        line: 6,
        column: 11,
      },
    ],
    [
      'feeds:\n  - { id: a/b, title: A }',
      {
        field: 'feeds[0].id',
        value: 'a/b',
        rule: 'must be lower-case words joined by hyphens, because it is part of addresses',
        line: 6,
        column: 11,
      },
    ],
    ['feeds:\n  - { title: A }', { field: 'feeds[0].id', rule: 'is required', line: 6, column: 5 }],
    [
      'feeds:\n  - { id: a, title: A, content: all }',
      {
        field: 'feeds[0].content',
        value: 'all',
        rule: 'must be one of full, summary. Did you mean full?',
        line: 6,
        column: 33,
      },
    ],
    [
      'feeds:\n  - { id: a, title: A, select: { any: [world] } }',
      { field: 'feeds[0].select.any[0]', value: 'world', rule: FEED_KEY, line: 6, column: 40 },
    ],
    [
      'feeds:\n  - { id: a, title: A, select: { all: ["section/ "] } }',
      { field: 'feeds[0].select.all[0]', value: 'section/', rule: FEED_KEY, line: 6, column: 40 },
    ],
    [
      'feeds:\n  - { id: a, title: A }\n  - { id: a, title: B }',
      { field: 'feeds[1].id', value: 'a', rule: 'is the id of another feed', line: 7, column: 11 },
    ],
    [
      'feeds:\n  - { id: a, title: A, select: { any: [language/کوردی] } }',
      {
        field: 'feeds[0].select.any[0]',
        value: 'language/کوردی',
        rule: 'must name a language by its tag, as language/ckb (BCP 47)',
        line: 6,
        column: 40,
      },
    ],
    [
      'tombstoneDays: 3651',
      { field: 'tombstoneDays', value: '3651', rule: 'must be a whole number from 0 to 3650', line: 5, column: 16 },
    ],
    [
      'auditDays: 0',
      { field: 'auditDays', value: '0', rule: 'must be a whole number from 1 to 36500', line: 5, column: 12 },
    ],
    [
      'feeds:\n  - { id: 20.26, title: A }',
      { field: 'feeds[0].id', value: '20.26', rule: 'must be text', line: 6, column: 11 },
    ],
    [
      'feeds:\n  - { id: true, title: A }',
      { field: 'feeds[0].id', value: 'true', rule: 'must be text', line: 6, column: 11 },
    ],
    ['retired:\n  - { movedTo: latest }', { field: 'retired[0].feed', rule: 'is required', line: 6, column: 5 }],
  ])('%s', (line, expected) => {
    const found = problems(`${SMALLEST}${line}\n`);
    if (expected === undefined) expect(found.map(({ field }) => field)).toEqual(['contact.name', 'contact.email']);
    else expect(found).toEqual([expected]);
  });

  const EXISTING = 'latest, section/…, tag/…, author/… or language/…, or an id under feeds in publication.yaml';

  test.each([
    ['river', `is not a feed: write ${EXISTING}. Did you mean rivers?`],
    ['lates', `is not a feed: write ${EXISTING}. Did you mean latest?`],
    ['sections/Sport', `is not a feed: write ${EXISTING}. Did you mean section/sport?`],
    ['nothing-like-it', `is not a feed: write ${EXISTING}`],
    ['section/', `is not a feed: write ${EXISTING}`],
    ['section', `is not a feed: write ${EXISTING}`],
    ['constructor', `is not a feed: write ${EXISTING}`],
    ['toString/x', `is not a feed: write ${EXISTING}`],
    ['language/کوردی', 'must name a language by its tag, as language/ckb (BCP 47)'],
    ['Section/Old', 'must not be the retired feed itself: name another feed, or leave movedTo out'],
    ['tag/gone', 'is retired and has no feed to move to: name another feed, or leave movedTo out'],
    ['tag/moved', 'is retired: name rivers, to which it moved'],
    ['tag/moved-twice', 'is retired: name rivers, to which it moved'],
    ['tag/round', 'is retired and leads in a circle: name a feed that is not retired'],
    ['tag/to-itself', 'is retired and leads in a circle: name a feed that is not retired'],
    ['tag/back', 'is retired and leads in a circle: name a feed that is not retired'],
  ])('a retired feed that moves to %s', (movedTo, rule) => {
    const text = `${SMALLEST}feeds:
  - { id: rivers, title: R }
retired:
  - feed: section/old
    movedTo: ${JSON.stringify(movedTo)}
  - { feed: tag/gone }
  - { feed: tag/moved, movedTo: rivers }
  - { feed: tag/moved-twice, movedTo: tag/moved }
  - { feed: tag/round, movedTo: tag/robin }
  - { feed: tag/robin, movedTo: tag/round }
  - { feed: tag/to-itself, movedTo: tag/to-itself }
  - { feed: tag/back, movedTo: section/old }
`;
    const value = movedTo === 'Section/Old' ? 'section/old' : movedTo === 'sections/Sport' ? 'sections/sport' : movedTo;
    expect(problems(text).find(({ line }) => line === 9)).toEqual({
      field: 'retired[0].movedTo',
      value: value === 'toString/x' ? 'tostring/x' : value,
      rule,
      line: 9,
      column: 14,
    });
  });

  test('a feed that is retired twice', () => {
    expect(problems(`${SMALLEST}retired:\n  - feed: ticker\n  - { feed: Ticker, movedTo: latest }\n`)).toEqual([
      {
        field: 'retired[1].feed',
        value: 'ticker',
        rule: 'is retired more than once: keep one of the entries',
        line: 7,
        column: 13,
      },
    ]);
  });

  test('ten thousand feeds that are retired one after the other', () => {
    const retired = Array.from(
      { length: 10_000 },
      (_, number) => `  - { feed: tag/${number}, movedTo: tag/${number + 1} }\n`,
    );
    const found = problems(`${SMALLEST}retired:\n${retired.join('')}`);

    expect(found[0]?.rule).toBe('is retired: name tag/10000, to which it moved');
    expect(found.at(-1)?.rule).toBe('and 9899 problems more');
  });

  test('all problems are reported at once', () => {
    expect(problems('title: ""\nlanguage: "?"\nurl: x\n').map(({ field, line }) => [field, line])).toEqual([
      ['title', 1],
      ['url', 3],
      ['description', 1],
      ['language', 2],
    ]);
  });

  test('so are ids that stand twice', () => {
    const feeds = ['a', 'b', 'a', 'b'].map((id) => `  - { id: ${id}, title: T }\n`).join('');
    expect(problems(`${SMALLEST}feeds:\n${feeds}`).map(({ field }) => field)).toEqual(['feeds[2].id', 'feeds[3].id']);
  });

  test.each([
    ['an empty file', '', 'title'],
    ['a list', '- a\n', ''],
    ['a word', 'a\n', ''],
  ])('%s', (_, text, field) => {
    expect(problems(text)[0]?.field).toBe(field);
  });

  test.each([
    ['a tab', `${SMALLEST}contact:\n\tname: x\n`, 6],
    ['an open quotation', `${SMALLEST}copyright: "a\n`, 6],
    ['a key that stands twice', `${SMALLEST}title: B\n`, 5],
  ])('YAML with %s', (_, text, line) => {
    expect(problems(text)[0]).toMatchObject({ field: '', line });
  });

  test('YAML whose aliases would fill the memory', () => {
    const list = (name: string) => `[${Array(20).fill(name).join(', ')}]`;
    expect(problems(`a: &a [x]\nb: &b ${list('*a')}\nc: &c ${list('*b')}\nd: ${list('*c')}\n`)).not.toEqual([]);
  });
});

test('origins are taken as browsers send them', () => {
  const origins = [
    'https://cms.example',
    'http://localhost:3000',
    'http://127.0.0.1',
    'http://[::1]:8080',
    'https://xn--bcher-kva.example',
  ];
  const parsed = parsePublication(`${SMALLEST}origins: ${JSON.stringify(origins)}\n`, 'publication.yaml');

  expect(parsed.origins).toEqual(origins);
  expect(parsePublication(SMALLEST, 'publication.yaml').origins).toEqual([]);
});

test.each([
  ['https://cms.example/', 'must be written as browsers send it: https://cms.example'],
  ['https://CMS.example', 'must be written as browsers send it: https://cms.example'],
  ['https://cms.example:443', 'must be written as browsers send it: https://cms.example'],
  ['https://cms.example/edit?x', 'must be written as browsers send it: https://cms.example'],
  ['https://user:secret@cms.example', 'must be written as browsers send it: https://cms.example'],
  ['https://bücher.example', 'must be written as browsers send it: https://xn--bcher-kva.example'],
  ['*', 'must be an origin'],
  ['null', 'must be an origin'],
  ['cms.example', 'must be an origin'],
  ['https://', 'must be an origin'],
  ['https://*.example', 'there are no wildcards'],
  ['ftp://cms.example', 'must be an origin'],
  ['chrome-extension://abc', 'must be an origin'],
])('an origin that no browser sends: %s', (origin, rule) => {
  const found = problems(`${SMALLEST}origins: ["${origin}"]\n`);
  expect(found).toEqual([
    { field: 'origins[0]', value: origin, rule: expect.stringContaining(rule), line: 5, column: 11 },
  ]);
});

test('the id of a feed may be a whole number', () => {
  const feeds = 'feeds:\n  - { id: 2026, title: This year }\n  - { id: 007, title: Agents }\n';
  const { feeds: parsed } = parsePublication(SMALLEST + feeds, 'publication.yaml');

  expect(parsed.map(({ id }) => id)).toEqual(['2026', '007']);
});

test('a number where text belongs is text, as it is written', () => {
  const text = `title: 2026
url: https://news.example/
description: 1.10
language: en
copyright: 1e3
accentColor: 012345
contact: { name: 24 }
feeds:
  - { id: 7, title: 7.0, description: 0x1F }
`;
  const parsed = parsePublication(text, 'publication.yaml');

  expect(parsed).toMatchObject({ title: '2026', description: '1.10', copyright: '1e3', accentColor: '012345' });
  expect(parsed).toMatchObject({ contact: { name: '24' }, feeds: [{ id: '7', title: '7.0', description: '0x1F' }] });
});

test('a data folder’s publication', async () => {
  expect(loadPublication(await dataFolder()).title).toBe('The Test Post');
});

test('a data folder without one', async () => {
  const folder = join(await dataFolder(), 'none');
  expect(() => loadPublication(folder)).toThrow(
    `The publication cannot be read from ${join(folder, 'publication.yaml')}.`,
  );
});

test.each(['off', 'false'])('there are no pages with pages: %s', (value) => {
  expect(parsePublication(`${SMALLEST}pages: ${value}\n`, 'p')).not.toHaveProperty('pages');
});

test.each([
  ['timeZone: Baghdad', 'timeZone', 'must be a time zone, as Asia/Baghdad. Did you mean Asia/Baghdad?'],
  ['timeZone: Europe/Istambul', 'timeZone', 'must be a time zone, as Asia/Baghdad. Did you mean Europe/Istanbul?'],
  ['timeZone: "+03:00"', 'timeZone', 'must be a time zone, as Asia/Baghdad'],
  ['timezone: UTC', 'timezone', 'is not a known field. Did you mean timeZone?'],
  ['pages: { hosts: [] }', 'pages.hosts', 'is not a known field. Did you mean mediaHosts?'],
  [
    'pages: { texts: { en: { susbcribe: x } } }',
    'pages.texts.en.susbcribe',
    'is not the name of a text. Did you mean subscribe?',
  ],
  ['pages: { texts: { en: { constructor: x } } }', 'pages.texts.en.constructor', 'is not the name of a text'],
  ['pages: { texts: { en: { by: "By {name}" } } }', 'pages.texts.en.by', 'has {name}: use {names}'],
  [
    'pages: { texts: { en: { full: "All {n}" } } }',
    'pages.texts.en.full',
    'has {n}: this text has no place for a value',
  ],
  [
    'pages: { texts: { Klingonisch!: { full: x } } }',
    'pages.texts.Klingonisch!',
    'is not the tag of a language, as en, ckb or pt-BR (BCP 47)',
  ],
])('the mistake in %s has a rule and advice', (line, field, rule) => {
  expect(problems(SMALLEST + line)).toMatchObject([{ field, rule, line: 5 }]);
});

test.each(['https://cdn.example', 'cdn.example/', '*.example', 'a b', 'cdn.example?x', "'self'", 'u@cdn.example', ''])(
  '%j is no host that pages may load media from',
  (host) => {
    expect(problems(`${SMALLEST}pages: { mediaHosts: [${JSON.stringify(host)}] }`)).toMatchObject([
      { field: 'pages.mediaHosts[0]', line: 5 },
    ]);
  },
);
