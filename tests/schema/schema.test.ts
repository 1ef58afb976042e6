import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseArticle } from '../../src/article/article.ts';
import { recordFileSchema } from '../../src/article/record-schema.ts';
import { partnerFileSchema } from '../../src/config/partner-schema.ts';
import { parsePartner } from '../../src/config/partners.ts';
import { parsePublication } from '../../src/config/publication.ts';
import { publicationFileSchema } from '../../src/config/publication-schema.ts';
import { PublisherError } from '../../src/errors.ts';
import type { JsonSchema } from '../../src/lib/json-schema.ts';
import { newsroom, record } from '../helpers.ts';
import { SCHEMA_FILES } from './files.ts';

const ROOT = join(import.meta.dirname, '../..');
const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, validateFormats: false });
ajv.addVocabulary(['patternErrorMessage']);
const isPublication = ajv.compile(publicationFileSchema());
const isRecord = ajv.compile(recordFileSchema());
const isPartner = ajv.compile(partnerFileSchema());

const REQUIRED = { title: 'T', url: 'https://news.example/', description: 'D', language: 'en' };

test.each([...SCHEMA_FILES])('schema/%s is what the service makes: npm run schema writes it', (name, text) => {
  expect(readFileSync(join(ROOT, 'schema', name), 'utf8')).toBe(text());
});

/** Whether a parser takes a value. */
function takes(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch (error) {
    if (error instanceof PublisherError) return false;
    throw error;
  }
}

/** Fields that have one of these values, or are missing. */
function fields(values: Readonly<Record<string, readonly unknown[]>>) {
  const arbitraries = Object.entries(values).map(([name, of]) => [name, fc.constantFrom(...of)]);
  return fc.record<Record<string, unknown>>(Object.fromEntries(arbitraries), { requiredKeys: [] });
}

const TEXTS = ['T', ' T ', 2026, 1.5, 'é', '😀'.repeat(150), '', null, ['T']];
const ADDRESSES = ['https://a.example/', ' HTTP://a.example', 'https:a.example', 'ftp://a.example', '/a', '', 7];
const NUMBERS = [0, 1, 50, 1000, 1.5, '50', 100_000, null];
const TAGS = ['en', 'EN-gb', 'ckb', 'pt-BR', 'e', 'de_DE', 7];
const USES = ['yes', 'no', 'ask', true, false, 'maybe'];
const LISTS = [[], ['latest'], ['Section/A', ' tag/b', 'language/ckb'], [2026], ['rivers'], 'latest'];

const feeds = fields({
  id: ['rivers', 2026, 'Rivers', 'ژینگە', 'latest', 1.5],
  title: TEXTS,
  language: TAGS,
  entries: NUMBERS,
  content: ['full', 'summary', 'all'],
  select: [{}, ...LISTS.map((any) => ({ any })), { some: [] }, []],
});
const terms = fields({
  license: ['https://a.example/l', { url: 'https://a.example/l', name: 1 }, 'x', {}],
  search: USES,
  aiTraining: USES,
  contact: [{ email: 'a@b.example' }, { url: 'https://a.example' }, { mail: 'x' }],
  payment: [
    { type: 'crawl', amount: 0.5, currency: 'eur' },
    { type: 'free' },
    { type: 'purchase', amount: '1', currency: 'E' },
  ],
  contentUsage: ['yes', 'off', true, 'perhaps'],
});
const publications = fc
  .tuple(
    fields({
      title: TEXTS,
      url: ADDRESSES,
      feedsUrl: ADDRESSES,
      copyright: TEXTS,
      language: TAGS,
      license: ADDRESSES,
      icon: ['/media/i.png', 'i.png', '', 7],
      accentColor: ['#1a5f7A', '1A5F7A', 123_456, '#123', 7.5],
      contact: [{ name: 'N' }, { name: 7, email: 'a@b.example' }, { email: 'a@b.example' }],
    }),
    fields({
      timeZone: ['UTC', 'asia/baghdad', 'Etc/GMT+3', '+03:00', 3],
      maxAge: NUMBERS,
      media: ['named', 'public', 'all'],
      entries: NUMBERS,
      retired: [[{ feed: 'section/a' }], [{ feed: 7, movedTo: 'latest' }], [{ feed: 'section/a', to: 'x' }], {}],
      redirects: [[{ from: '/a', to: 'latest' }], [{ from: ' https://a.example/x' }], [{ from: 'a' }], [{ from: 7 }]],
      builtInRedirects: ['off', 'on', true, false, [], ['ghost'], ['joomla']],
      pages: [
        'off',
        false,
        null,
        {},
        { mediaHosts: ['a.example'] },
        { texts: { en: { search: 'S' } } },
        { texts: { en: { x: 'S' } } },
        true,
      ],
      origins: [['https://a.example'], ['http://a.example:8080'], ['https://a.example/'], ['*']],
      unknown: [1],
    }),
    fc.option(terms, { nil: undefined }),
    fc.option(fc.array(feeds, { maxLength: 2 }), { nil: undefined }),
  )
  .map(([names, settings, ofTerms, ofFeeds]) => ({
    ...REQUIRED,
    ...names,
    ...settings,
    ...(ofTerms && { terms: ofTerms }),
    ...(ofFeeds && { feeds: ofFeeds }),
  }));

/** One to three fields of many: most publications with all of them are refused. */
const few = fc
  .tuple(
    publications,
    fc.infiniteStream(fc.nat(99)).map((stream) => [...stream.take(3)]),
  )
  .map(([all, picks]) => {
    const names = Object.keys(all);
    const chosen = new Set(picks.map((pick) => names[pick % names.length]));
    return { ...REQUIRED, ...Object.fromEntries(Object.entries(all).filter(([name]) => chosen.has(name))) };
  });

test('an editor takes every publication that the service takes', () => {
  let taken = 0;
  fc.assert(
    fc.property(few, (publication) => {
      const text = stringify(publication);
      if (!takes(() => parsePublication(text, 'publication.yaml'))) return;
      taken += 1;
      expect({ valid: isPublication(parse(text)), errors: isPublication.errors, text }).toMatchObject({ valid: true });
    }),
    { numRuns: 250, seed: 19 },
  );
  expect(taken).toBeGreaterThan(30);
});

const records = fields({
  id: ['a', 7, null],
  publicId: TEXTS,
  summary: TEXTS,
  bodyFormat: ['html', 'text', 'md', null],
  language: TAGS,
  authors: [[{ name: 'A' }], [{ name: 7, url: '/a', email: null }], [{ name: 'A', mail: 'x' }], null, 'A'],
  sections: [['World', 2026], [], null, 'World'],
  publishedAt: ['2026-11-20T10:00:00.5z', '2026-11-20t10:00:00+03:00', '2026-11-20', 7],
  embargoUntil: ['2026-11-20T10:00:00Z', null, 'soon'],
  withdrawn: [{ at: '2026-11-20T10:00:00Z', reason: 7 }, { reason: 'x' }, null],
  image: [
    { url: '/a.png', type: 'Image/PNG', width: 600, alt: null },
    { url: 'a.png', type: 'png' },
    { src: '/a' },
    null,
  ],
  media: [[{ url: 'https://a.example/a.mp3', type: 'audio/mpeg', duration: 1.5, title: 7 }], [{ url: 7 }], null],
  source: [{ name: 7, url: 'https://a.example' }, { name: 'S' }],
  license: ADDRESSES,
  translations: [[{ language: 'ku', url: '/ku' }], [{ lang: 'ku' }]],
  unknown: [1],
});

test('an editor takes every record that the service takes', () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.tuple(records, fc.array(fc.nat(99), { maxLength: 3 })), ([all, picks]) => {
      const names = Object.keys(all);
      const chosen = Object.fromEntries(
        picks.flatMap((pick) => {
          const name = names[pick % names.length];
          return name === undefined ? [] : [[name, all[name]]];
        }),
      );
      const one = { ...record(), ...chosen };
      const { id } = one;
      if (!takes(() => parseArticle({ ...one, id: typeof id === 'string' ? id : 'a' }, newsroom))) return;
      taken += 1;
      expect({ valid: isRecord(one), errors: isRecord.errors, one }).toMatchObject({ valid: true });
    }),
    { numRuns: 250, seed: 19 },
  );
  expect(taken).toBeGreaterThan(30);
});

const LENGTHS = [{ minutes: 30 }, { days: 2 }, { hours: 1, days: 1 }, {}, { days: 1.5 }, 30];
const partners = fields({
  name: TEXTS,
  dialect: ['plain', 'msn', 'MSN', 7],
  feeds: LISTS,
  contentType: ['article', 'slideshow', 'gallery'],
  language: TAGS,
  content: ['full', 'summary', 'all'],
  window: [{}, { entries: 20, days: 7 }, { offset: 5, minutes: 3 }, { entries: 0 }, { entrys: 3 }, 20],
  delay: LENGTHS,
  copyright: TEXTS,
  terms: TEXTS,
  media: [{ withoutCredits: ['A', 7] }, { onlySyndicated: true }, { onlySyndicated: 'yes' }, {}, []],
  campaign: [{ utm_source: 'a' }, { utm_id: 1.5, 'a.b': 7 }, { 'a b': 'c' }, { a: true }, {}, 'utm_source=a'],
  rate: NUMBERS,
  retention: LENGTHS,
  unknown: [1],
});
const selections = [
  {},
  { any: ['Section/A'], urgency: 4 },
  { none: ['language/ckb', 7] },
  { urgency: 10 },
  { some: [] },
];

test('an editor takes every partner that the service takes', () => {
  let taken = 0;
  fc.assert(
    fc.property(
      partners,
      fc.constantFrom(undefined, ...selections),
      fc.array(fc.nat(99), { maxLength: 3 }),
      (all, select, picks) => {
        const names = Object.keys(all);
        const chosen = Object.fromEntries(
          picks.flatMap((pick) => {
            const name = names[pick % names.length];
            return name === undefined ? [] : [[name, all[name]]];
          }),
        );
        const one = {
          name: 'P',
          dialect: 'plain',
          ...(select === undefined ? { feeds: ['latest'] } : { select }),
          ...chosen,
        };
        const text = stringify(one);
        if (!('id' in parsePartner({ id: 'p', text }))) return;
        taken += 1;
        expect({ valid: isPartner(parse(text)), errors: isPartner.errors, text }).toMatchObject({ valid: true });
      },
    ),
    { numRuns: 250, seed: 20 },
  );
  expect(taken).toBeGreaterThan(30);
});

test.each(['wimdow: {}', 'window: { entrys: 3 }', 'select: {}', 'delay: { days: 1, hours: 1 }', 'dialect: mns'])(
  'a mistake in a partner is refused by both: %s',
  (line) => {
    const text = `name: P\nfeeds: [latest]\n${line.startsWith('dialect') ? '' : 'dialect: plain\n'}${line}\n`;
    expect(['id' in parsePartner({ id: 'p', text }), isPartner(parse(text))]).toEqual([false, false]);
  },
);

/** Every object of a schema with the path of its fields. */
function objectsIn(schema: JsonSchema, path: readonly string[] = []): [path: readonly string[], part: JsonSchema][] {
  const forms = Array.isArray(schema.anyOf) ? (schema.anyOf as JsonSchema[]) : [];
  return [
    ...(schema.properties === undefined ? [] : ([[path, schema]] as [readonly string[], JsonSchema][])),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, field]) => objectsIn(field, [...path, name])),
    ...(schema.items === undefined ? [] : objectsIn(schema.items, path)),
    ...forms.flatMap((form) => objectsIn(form, path)),
  ];
}

describe.each([
  ['record', recordFileSchema()],
  ['publication', publicationFileSchema()],
  ['partner', partnerFileSchema()],
])('the schema of a %s', (_, schema) => {
  test('refuses unknown fields at every place', () => {
    const open = objectsIn(schema).filter(([, { additionalProperties }]) => additionalProperties !== false);
    expect(objectsIn(schema).length).toBeGreaterThan(5);
    expect(open).toEqual([]);
  });

  test('says what every field means', () => {
    const silent = objectsIn(schema).flatMap(([path, { properties = {} }]) =>
      Object.entries(properties).flatMap(([name, { description = '' }]) =>
        /^[A-Z`].*\.$/s.test(description) ? [] : [[...path, name].join('.')],
      ),
    );
    expect(silent).toEqual([]);
  });
});

/** The fields in the first column of a page's first table with a given head, with the rest of each row. */
function documented(page: string, head: string): Map<string, string> {
  const text = readFileSync(join(ROOT, 'docs', page), 'utf8');
  const rows = text.slice(text.indexOf(head)).split('\n\n', 1)[0]?.split('\n').slice(2) ?? [];
  return new Map(
    rows.flatMap((row) => {
      const [, names = '', ...rest] = row.split(' | ').join('|').split('|');
      return [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => [name, rest.join('|')] as const);
    }),
  );
}

test('docs/configure.md has every field of the schema, with its default', () => {
  const { properties = {}, required } = publicationFileSchema();
  const rows = documented('configure.md', '| field | meaning | default |');
  const wrong = Object.entries(properties).filter(([name, { default: value }]) => {
    const shown = rows.get(name) ?? '';
    if (required?.includes(name)) return !/\| ?required ?\|/.test(shown);
    return typeof value === 'string' || typeof value === 'number'
      ? !shown.replaceAll('`', '').includes(`|${value} |`)
      : false;
  });

  expect([...rows.keys()].sort()).toEqual(Object.keys(properties).sort());
  expect(wrong.map(([name]) => [name, rows.get(name)])).toEqual([]);
});

test('docs/partners.md has every field of the schema', () => {
  const rows = documented('partners.md', '| field | meaning | default |');
  expect([...rows.keys()].sort()).toEqual(Object.keys(partnerFileSchema().properties ?? {}).sort());
});

test('docs/records.md has every field of the schema', () => {
  const rows = documented('records.md', '| field | meaning | if it is missing |');
  expect([...rows.keys()].sort()).toEqual(Object.keys(recordFileSchema().properties ?? {}).sort());
});

test.each([
  'tilte: T',
  'contact: { name: N, mail: x }',
  'feeds: [{ id: a, title: A, entrys: 3 }]',
  'terms: { serch: yes }',
  'pages: { hosts: [] }',
])('an unknown field is refused by both: %s', (line) => {
  const text = `${stringify(REQUIRED)}${line}\n`;
  expect([takes(() => parsePublication(text, 'p')), isPublication(parse(text))]).toEqual([false, false]);
});
