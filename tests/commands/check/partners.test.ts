import { describe, expect, test } from 'vitest';
import type { Rule } from '../../../src/commands/check/rule.ts';
import { DIALECT_RULES } from '../../../src/commands/check/rules/partners.ts';
import { createSaidOnce } from '../../../src/commands/check/said-once.ts';
import type { Partner } from '../../../src/config/partners.ts';
import { DIALECTS } from '../../../src/feed/dialects.ts';
import { dataFolder, PUBLICATION, record } from '../../helpers.ts';
import { command } from '../terminal.ts';

interface Found {
  readonly rule: string;
  readonly file?: string;
  readonly field: string;
  readonly value?: string;
  readonly message: string;
  readonly evidence?: string;
}

const SHORT = 'Bridge reopens';
const LONG_ENOUGH = 'The bridge over the harbour is open';

const HOUR = 60 * 60 * 1000;
const ago = (hours: number) => new Date(Date.now() - hours * HOUR).toISOString();

const story = (fields: Readonly<Record<string, unknown>>) =>
  JSON.stringify(record({ title: SHORT, publishedAt: ago(3), ...fields }));

/** `rule file` of each finding of a partner's dialect, and the findings themselves. */
async function found(files: Readonly<Record<string, string>>) {
  const folder = await dataFolder({ 'publication.yaml': `${PUBLICATION}pages: off\n`, ...files });
  const { out } = await command(['check', '--data', folder, '--json']);
  const findings = (JSON.parse(out) as { findings: Found[] }).findings.filter(({ rule }) => rule.includes('/'));
  return { findings, names: findings.map(({ rule, file }) => `${rule} ${file}`).sort() };
}

const partner = (lines: string) => `name: The Portal\ndialect: msn\nlanguage: en-GB\n${lines}\n`;
const NO_PICTURE = 'msn/no-picture articles/a.json';
const TOO_SHORT = 'msn/title-too-short articles/a.json';

test('a story that a dialect refuses or warns of is found, with whose word the rule is', async () => {
  const { findings } = await found({ 'partners/p.yaml': partner('feeds: [latest]'), 'articles/a.json': story({}) });
  expect(findings.find(({ rule }) => rule === 'msn/title-too-short')).toEqual({
    rule: 'msn/title-too-short',
    level: 'warning',
    consumer: 'MSN',
    evidence: 'D',
    source: expect.stringMatching(/^https:/),
    read: '2026-11-29',
    article: 'a',
    file: 'articles/a.json',
    field: 'title',
    message: expect.stringMatching(
      /^The title has 14 characters, fewer than 21\. The partner p does not get the story$/,
    ),
  });
  expect(findings.map(({ rule }) => rule).sort()).toEqual(['msn/no-picture', 'msn/title-too-short']);
});

describe('the stories that are looked at', () => {
  test.each([
    ['no others than those of the feed', 'feeds: [section/sport]', {}, []],
    ['those of a selection', 'select: { any: [tag/a], none: [tag/b] }', { tags: ['a'] }, [NO_PICTURE, TOO_SHORT]],
    ['none that a selection leaves out', 'select: { any: [tag/a], none: [tag/b] }', { tags: ['a', 'b'] }, []],
    ['those that are urgent enough', 'select: { urgency: 4 }', { urgency: 4 }, [NO_PICTURE, TOO_SHORT]],
    ['none that is less urgent', 'select: { urgency: 4 }', {}, []],
    [
      'those whose rights name the partner',
      'feeds: [latest]',
      { rights: { partners: ['p'] } },
      [NO_PICTURE, TOO_SHORT],
    ],
    ['none whose rights name others', 'feeds: [latest]', { rights: { partners: ['q'] } }, []],
    ['none under embargo', 'feeds: [latest]', { embargoUntil: '2099-01-01T00:00:00Z' }, []],
    ['none that is too old for the document', 'feeds: [latest]\nwindow: { days: 1 }', { publishedAt: ago(25) }, []],
    [
      'those without the pictures of others',
      'feeds: [latest]\nmedia: { withoutCredits: [afp] }',
      {
        title: LONG_ENOUGH,
        image: { url: 'https://a.example/i.jpg', width: 1600, height: 900, type: 'image/jpeg', credit: 'AFP' },
      },
      [NO_PICTURE],
    ],
  ])('%s', async (_, lines, fields, names) => {
    const files = { 'partners/p.yaml': partner(lines), 'partners/q.yaml': partner('feeds: [tag/none]') };
    expect((await found({ ...files, 'articles/a.json': story(fields) })).names).toEqual(names);
  });

  test('those of the window alone', async () => {
    const files = { 'partners/p.yaml': partner('feeds: [latest]\nwindow: { entries: 1 }') };
    const { names } = await found({
      ...files,
      'articles/a.json': story({ id: 'a', url: '/a' }),
      'articles/b.json': story({ id: 'b', url: '/b', publishedAt: ago(2) }),
    });
    expect(names).toEqual(['msn/no-picture articles/b.json', 'msn/title-too-short articles/b.json']);
  });

  test('once for all partners that get the same copy', async () => {
    const partners = ['feeds: [latest]', 'select: {}', 'feeds: [latest]\nwindow: { entries: 3 }'].map(partner);
    const files = Object.fromEntries(partners.map((text, index) => [`partners/p${index}.yaml`, text]));
    expect((await found({ ...files, 'articles/a.json': story({}) })).names).toEqual([NO_PICTURE, TOO_SHORT]);
  });
});

describe('a rule for all readers and a rule of a dialect that ask the same', () => {
  const picture = { url: 'https://a.example/i.jpg', type: 'image/jpeg' };
  const MEGABYTE = 1024 * 1024;

  /** The rules that name each story. */
  async function rulesOf(dialect: string, fields: Readonly<Record<string, unknown>>, feed = 'latest') {
    const folder = await dataFolder({
      'publication.yaml': `${PUBLICATION}pages: off\n`,
      'partners/p.yaml': `name: P\ndialect: ${dialect}\nfeeds: [${feed}]\n`,
      'articles/a.json': story({ title: LONG_ENOUGH, ...fields }),
    });
    const { out } = await command(['check', '--data', folder, '--json']);
    return (JSON.parse(out) as { findings: Found[] }).findings.map(({ rule }) => rule);
  }

  test.each<[string, string, string, Readonly<Record<string, unknown>>]>([
    ['msn', 'msn-title-short', 'msn/title-too-short', { title: SHORT }],
    ['msn', 'msn-title-long', 'msn/title-too-long', { title: 'x'.repeat(151) }],
    ['msn', 'msn-picture-size', 'msn/picture-too-small', { image: { ...picture, width: 700, height: 700 } }],
    ['msn', 'msn-picture-shape', 'msn/picture-ratio', { image: { ...picture, width: 2000, height: 900 } }],
    ['msn', 'msn-picture-shape', 'msn/picture-not-taken', { image: { ...picture, length: 16 * MEGABYTE } }],
    ['flipboard', 'flipboard-picture', 'flipboard/no-picture', { image: { ...picture, width: 900, height: 400 } }],
    ['flipboard', 'flipboard-summary', 'flipboard/description-too-short', { summary: 'Short.' }],
    ['google-news', 'google-body-size', 'google-news/article-too-large', { body: `<p>${'x'.repeat(MEGABYTE)}</p>` }],
  ])('name a story once: %s, %s', async (dialect, ofAll, ofDialect, fields) => {
    const rules = await rulesOf(dialect, fields);
    expect(rules).toContain(ofDialect);
    expect(rules).not.toContain(ofAll);
    // A story that the partner does not get, and a partner with another dialect.
    expect(await rulesOf(dialect, fields, 'section/sport')).toContain(ofAll);
    expect(await rulesOf('plain', fields)).toContain(ofAll);
  });

  test('name each picture of a story once', () => {
    const passed: string[] = [];
    const partners = [{ dialect: 'msn' }] as unknown as readonly Partner[];
    const once = createSaidOnce({
      ...{ partners, inPartnerFeeds: () => new Set<number>() },
      pass: ({ id }, { message }) => passed.push(`${id} ${message}`),
    });
    const ofAll = { id: 'msn-picture-size', sameAs: ['msn/picture-too-small'] } as unknown as Rule;
    const ofDialect = { id: 'msn/picture-too-small' } as unknown as Rule;
    for (const [field, value] of Object.entries({ 'image.url': 'a.jpg', body: 'b.jpg', 'media[0].url': 'c.jpg' }))
      once.add(ofAll, { article: 'a', field, value, message: value }, 1);
    once.add(ofAll, { article: 'b', field: 'image.url', value: 'a.jpg', message: 'that of b' }, 2);
    once.addOfPartner(ofDialect, { article: 'a', field: 'image', message: 'The picture c.jpg is small.' });
    once.end();
    expect(passed).toEqual([
      'msn/picture-too-small The picture c.jpg is small.',
      'msn-picture-size b.jpg',
      'msn-picture-size that of b',
    ]);
  });
});

test('of a million stories, findings wait only for those that partners may get', () => {
  const newest: number[] = [];
  let mostWaiting = 0;
  const passed: string[] = [];
  const partners = [{ dialect: 'msn' }] as unknown as readonly Partner[];
  const parts = { partners, inPartnerFeeds: () => new Set(newest) };
  const once = createSaidOnce({ ...parts, pass: ({ id }, { article }) => passed.push(`${id} ${article}`) });
  const ofAll = { id: 'short', sameAs: ['msn/short'] } as unknown as Rule;
  const ofDialect = { id: 'msn/short' } as unknown as Rule;
  const sighting = { field: 'title', message: 'is short' };
  for (let ref = 1; ref <= 50_000; ref += 1) {
    newest.push(ref);
    if (newest.length > 3) newest.shift();
    once.add(ofAll, { article: `${ref}`, ...sighting }, ref);
    mostWaiting = Math.max(mostWaiting, ref - passed.length);
  }
  for (const ref of newest) once.addOfPartner(ofDialect, { article: `${ref}`, ...sighting });
  once.end();
  expect(mostWaiting).toBeLessThan(10_000);
  const ofReaders = Array.from({ length: 49_997 }, (_, index) => `short ${index + 1}`);
  expect(passed.toSorted()).toEqual([...ofReaders, ...newest.map((ref) => `msn/short ${ref}`)].toSorted());
});

test.each([
  ['a feed', undefined],
  ['a story', 'a'],
])('as many findings of %s as there are partners take time for each, not for each two of them', (_name, article) => {
  const partners = [{ dialect: 'msn' }] as unknown as readonly Partner[];
  let passed = 0;
  const once = createSaidOnce({ partners, inPartnerFeeds: () => new Set(), pass: () => (passed += 1) });
  const rule = { id: 'msn/picture-too-small' } as unknown as Rule;
  const sighting = { field: '', message: 'is small', ...(article === undefined ? {} : { article }) };
  for (let partner = 0; partner < 200_000; partner += 1) once.addOfPartner(rule, sighting);
  once.end();
  expect(passed).toBe(200_000);
});

test('a feed that its consumer would not take is found', async () => {
  const { findings } = await found({
    'partners/pull.yaml': 'name: Pull\ndialect: licensed-pull\nfeeds: [latest]\nwindow: { minutes: 5 }\n',
  });
  expect(findings).toMatchObject([
    {
      rule: 'licensed-pull/less-than-thirty-minutes',
      file: 'partners/pull.yaml',
      feed: 'latest',
      message: 'The feed latest: The feed has the stories of the last 5 minutes.',
    },
  ]);
});

test('a feed of a partner that no story has is found, with the nearest one', async () => {
  const folder = await dataFolder({
    'publication.yaml': `${PUBLICATION}pages: off\n`,
    'partners/own.yaml': 'name: A\ndialect: plain\nselect: { any: [section/harbor], none: [tag/none], urgency: 4 }\n',
    'partners/named.yaml': 'name: B\ndialect: plain\nfeeds: [latest, section/harbour, section/harbor]\n',
    'articles/a.json': story({ sections: ['Harbour'] }),
  });
  const { out } = await command(['check', '--data', folder, '--json']);
  const findings = (JSON.parse(out) as { findings: Found[] }).findings;
  const unknown = findings.filter(({ rule }) => rule === 'partner-feed-unknown');
  const message = 'has no story: correct the feed, or wait for its first story';
  expect(unknown.map(({ file, field, value, message: said }) => [file, field, value, said])).toEqual([
    ['partners/named.yaml', 'feeds[2]', 'section/harbor', `${message}. Did you mean section/harbour?`],
    ['partners/own.yaml', 'select.any[0]', 'section/harbor', `${message}. Did you mean section/harbour?`],
    ['partners/own.yaml', 'select.none[0]', 'tag/none', message],
  ]);
});

test('each rule of a dialect has a name of its own, a source and a day', () => {
  expect(new Set(DIALECT_RULES.map(({ id }) => id)).size).toBe(DIALECT_RULES.length);
  expect(DIALECT_RULES.length).toBeGreaterThan(30);
  for (const { id, level, source, read, evidence } of DIALECT_RULES) {
    expect(DIALECTS as readonly string[]).toContain(id.split('/')[0]);
    expect({ id, level, evidence, source, read }).toMatchObject({
      level: 'warning',
      evidence: expect.stringMatching(/^[DCPTM]$/),
      source: expect.stringMatching(/^https?:|^docs\//),
      read: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    });
  }
});
