// @module-tag soak
import fc from 'fast-check';
import { SaxesParser } from 'saxes';
import { describe, expect, test } from 'vitest';
import { type Article, parseArticle } from '../../src/article/article.ts';
import { articleText } from '../../src/article/stored.ts';
import { parsePublication } from '../../src/config/publication.ts';
import { createArranger } from '../../src/document/arranger.ts';
import { PublisherError } from '../../src/errors.ts';
import { FORMATS, type Format, ownKeys } from '../../src/feed/feeds.ts';
import { atom } from '../../src/format/atom.ts';
import { json } from '../../src/format/json.ts';
import type { EntryOptions } from '../../src/format/renderer.ts';
import { rss } from '../../src/format/rss.ts';
import { rfc3339 } from '../../src/lib/instant.ts';
import { shorten, slugOf, xmlText } from '../../src/lib/text.ts';
import { isUri, webUrl } from '../../src/lib/url.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { newsroom, PUBLICATION } from '../helpers.ts';
import { feedsmith } from '../peers/feedsmith.ts';
import { authorsShown, instant, type Reading } from '../peers/reading.ts';
import { sized } from '../soak/sizes.ts';

const ARTICLES = sized({ short: 100, soak: 3000, full: 300_000 });
const DOCUMENTS = sized({ short: 10, soak: 100, full: 3000 });
const ENTRIES = sized({ short: 60, soak: 1000, full: 10_000 });
const TEXTS = sized({ short: 500, soak: 10_000, full: 100_000 });
/** Articles of one document. */
const BATCH = 25;
const SEED = 20261122;
const RENDERERS = { rss, atom, json };

/** Characters that could break a format, in text of any script. */
const trap = fc.constantFrom(
  ']]>',
  ']]>]]>',
  '<![CDATA[',
  '<![CDATA[x]]>',
  '<',
  '>',
  '"',
  "'",
  '&',
  '&amp;',
  '&amp;amp;',
  '&lt;',
  '&#1;',
  '&#xFFFE;',
  '&#x;',
  '&nbsp;',
  '&bogus;',
  '<!--',
  '-->',
  '<?xml?>',
  '</item>',
  '</entry>',
  '<id>',
  '</title>',
  '$&',
  '$1',
  '$`',
  '\\',
  '\\u0000',
  '{"',
  '\u0000',
  '\u0001',
  '\u0008',
  '\u000B',
  '\u001F',
  '\u007F',
  '\u0085',
  '\u009F',
  '\uFFFE',
  '\uFFFF',
  '\uD800',
  '\uDFFF',
  '\uDC00\uD800',
  '\r',
  '\r\n',
  '\n',
  '\t',
  '\u2028',
  '\uFEFF',
  '\u200B',
  '\u200C',
  '\u202E',
  '\u2066',
  '\u00A0',
  ' ',
  '👨‍👩‍👧‍👦',
  'e\u0301',
  'کوردستان',
  'שלום',
  'हिन्दी',
  '<b>',
  '</b>',
  '<p>',
  '<script>',
  '</script>',
  '<a href="',
  '<img src=x onerror=',
  '<i\u0000>',
  '<a href="x?a=1&b=2">',
);
const grapheme = fc.string({ unit: 'binary', maxLength: 6 });
const text = fc
  .array(fc.oneof(trap, grapheme, fc.string({ unit: 'grapheme', maxLength: 8 })), { maxLength: 8 })
  .map((parts) => parts.join(''));
/** A text that is not blank, so that `parseArticle` accepts most records. */
const nonBlank = fc.tuple(text, fc.constantFrom('a', 'ب', 'Ж')).map(([before, after]) => before + after);
const address = fc
  .tuple(fc.constantFrom('https://news.example/', '/', '', 'https://bücher.example/?q='), text)
  .map(([base, rest]) => base + rest);
const moment = fc
  .integer({ min: Date.UTC(1000, 0, 1), max: Date.UTC(9999, 11, 31) })
  .map((time) => new Date(time).toISOString());
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const recordOf = fc.record({
  id: fc.oneof(
    nonBlank,
    fc.uuid(),
    fc.webUrl({ withQueryParameters: true }),
    fc.nat().map((number) => `http://Example.com/${number}?a=1&b=2&amp;c`),
  ),
  url: address,
  title: nonBlank,
  summary: maybe(text),
  body: nonBlank,
  bodyFormat: fc.constantFrom('html', 'markdown', 'text'),
  language: fc.constantFrom('en', 'ku', 'ckb', 'ar', 'tr', 'fa', 'pt-BR'),
  authors: fc.array(fc.record({ name: nonBlank, url: maybe(address), avatar: maybe(address) }), { maxLength: 3 }),
  sections: fc.array(nonBlank, { maxLength: 2 }),
  tags: fc.array(nonBlank, { maxLength: 3 }),
  publishedAt: moment,
  updatedAt: maybe(moment),
  image: maybe(fc.record({ url: address, alt: maybe(text), caption: maybe(text), credit: maybe(text) })),
  media: fc.array(
    fc.record({ url: address, type: fc.constantFrom('audio/mpeg', 'video/mp4'), title: maybe(text), length: fc.nat() }),
    { maxLength: 2 },
  ),
  source: maybe(fc.record({ name: nonBlank, url: address })),
  copyright: maybe(text),
  license: maybe(address),
});

/** The article. Undefined if the record was refused with its reasons. */
function accepted(record: unknown): Article | undefined {
  try {
    return parseArticle(record, newsroom);
  } catch (error) {
    if (error instanceof PublisherError && error.problems.length > 0) return undefined;
    throw error;
  }
}

const publication = parsePublication(`${PUBLICATION}entries: 1000\n`, 'publication.yaml');

/** The documents of these articles, from a store and an arranger of their own. */
async function documents(articles: readonly Article[]): Promise<Record<Format, string>> {
  const store = openSqliteStore(':memory:');
  const changes = articles.map((article) => ({
    kind: 'put' as const,
    article: articleText(article),
    record: '{}',
    feeds: ownKeys(article),
    changedAt: 0,
  }));
  await store.apply(changes, () => 0);
  const report = (id: string, format: Format, error: unknown) => {
    throw new Error(`${id} cannot be rendered in ${format}`, { cause: error });
  };
  const { arrange } = createArranger({ store, publication, report, entryBytes: 1 });
  const make = async (format: Format) =>
    (await arrange('latest', format, Number.MAX_SAFE_INTEGER))?.bytes.toString() ?? '';
  const made = { rss: await make('rss'), atom: await make('atom'), json: await make('json') };
  await store.close();
  return made;
}

/** The parts of an article that every reader finds in a document. */
function readings(articles: readonly Article[], format: Format): ReadonlyMap<string, Reading> {
  return new Map(
    articles.map((article) => [
      article.publicId,
      {
        id: article.publicId,
        title: article.title,
        link: article.url,
        published: rfc3339(article.publishedAt),
        ...(article.updatedAt === undefined ? {} : { updated: rfc3339(article.updatedAt) }),
        authors: authorsShown(article, publication.title, format),
        body: article.html,
        summary: article.summary,
      },
    ]),
  );
}

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

/** A document as saxes reads it. Throws if it is not well-formed. */
function parsed(document: string): Element {
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  const parser = new SaxesParser();
  const add = (characters: string) => {
    const element = open.at(-1);
    if (element !== undefined) element.text += characters;
  };
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    const element = { name, attributes, children: [], text: '' };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on('closetag', () => open.pop());
  parser.on('text', add);
  parser.on('cdata', add);
  parser.write(document).close();
  return root;
}

function all(element: Element, name: string): Element[] {
  return element.children.flatMap((child) => (child.name === name ? [child] : all(child, name)));
}

/** The text of an element's only child of that name. */
function only(element: Element, name: string): string {
  const [child, ...others] = element.children.filter((each) => each.name === name);
  if (child === undefined || others.length > 0) throw new Error(`not one <${name}>`);
  return child.text;
}

/** Reverses the escaping of text in an element whose content is HTML. */
function unescaped(html: string): string {
  return html.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&');
}

function fromRss(item: Element): Reading {
  const modified = item.children.find(({ name }) => name === 'dcterms:modified')?.text;
  return {
    id: only(item, 'guid'),
    title: only(item, 'title'),
    link: only(item, 'link'),
    published: instant(only(item, 'pubDate')),
    ...(modified === undefined ? {} : { updated: modified }),
    authors: all(item, 'dc:creator').map((creator) => creator.text),
    body: only(item, 'content:encoded'),
    summary: unescaped(only(item, 'description')),
  };
}

function fromAtom(entry: Element): Reading {
  const [published, updated] = [instant(only(entry, 'published')), instant(only(entry, 'updated'))];
  return {
    id: only(entry, 'id'),
    title: only(entry, 'title'),
    link:
      entry.children.find(({ name, attributes }) => name === 'link' && attributes.rel === 'alternate')?.attributes
        .href ?? '',
    published,
    ...(updated === published ? {} : { updated }),
    authors: all(entry, 'author').map((author) => only(author, 'name')),
    body: only(entry, 'content'),
    summary: only(entry, 'summary'),
  };
}

function fromJson(document: string): readonly Reading[] {
  return JSON.parse(document).items.map((item: Record<string, string> & { authors?: { name: string }[] }) => ({
    id: item.id,
    title: item.title,
    link: item.url,
    published: item.date_published,
    ...(item.date_modified === undefined ? {} : { updated: item.date_modified }),
    authors: (item.authors ?? []).map(({ name }) => name),
    body: item.content_html,
    summary: item.summary,
  }));
}

/** In Atom, every entry has `updated`: the last correction, else first publication. */
function withoutOwnUpdate(reading: Reading): Reading {
  if (reading.updated !== reading.published) return reading;
  const { updated: _, ...rest } = reading;
  return rest;
}

function byId(read: readonly Reading[]): ReadonlyMap<string, Reading> {
  return new Map(read.map((reading) => [reading.id, withoutOwnUpdate(reading)]));
}

async function expectReadBack(articles: readonly Article[]): Promise<void> {
  const made = await documents(articles);
  expect(byId(all(parsed(made.rss), 'item').map(fromRss))).toEqual(readings(articles, 'rss'));
  expect(byId(all(parsed(made.atom), 'entry').map(fromAtom))).toEqual(readings(articles, 'atom'));
  expect(byId(fromJson(made.json))).toEqual(readings(articles, 'json'));
  for (const format of FORMATS) expect(byId(feedsmith(made[format])), format).toEqual(readings(articles, format));
}

function distinct(articles: readonly Article[]): Article[] {
  return [
    ...new Map(
      [...new Map(articles.map((each) => [each.id, each])).values()].map((each) => [each.publicId, each]),
    ).values(),
  ];
}

test(`${ARTICLES} articles of any text are refused with a reason, or read back exactly from every format`, async () => {
  const records = fc.sample(recordOf, { numRuns: ARTICLES, seed: SEED });
  const articles = distinct(records.flatMap((record) => accepted(record) ?? []));
  expect(records).toHaveLength(ARTICLES);
  expect(articles.length).toBeGreaterThan(ARTICLES / 2);
  for (let start = 0; start < articles.length; start += BATCH)
    await expectReadBack(articles.slice(start, start + BATCH));
});

test('bodies of a megabyte are read back', async () => {
  const parts = fc.sample(nonBlank, { numRuns: 200, seed: SEED }).join('');
  const bodies = ['html', 'text'].map((bodyFormat) => ({
    bodyFormat,
    body: parts.repeat(Math.ceil(1_048_576 / parts.length)),
  }));
  const plain = { url: '/a', title: 'A', publishedAt: '2026-11-20T10:00:00Z' };
  const articles = bodies.flatMap((body, index) => accepted({ ...plain, ...body, id: `a${index}` }) ?? []);
  expect(articles).toHaveLength(2);
  await expectReadBack(articles);
});

const article = recordOf.map(accepted).filter((each) => each !== undefined);
const entryOptions: fc.Arbitrary<EntryOptions> = fc.record({
  content: fc.constantFrom('full', 'summary'),
  feedLanguage: fc.constantFrom('en', 'ckb'),
  feedsUrl: fc.constant(newsroom.feedsUrl),
  publisher: fc.constant(publication),
});

describe.each(FORMATS)('an entry in %s', (format) => {
  const { entry } = RENDERERS[format];

  test('is not changed by an earlier one, and changes nothing', () => {
    fc.assert(
      fc.property(article, article, entryOptions, (one, other, options) => {
        const before = structuredClone(one);
        const first = entry(one, options);
        entry(other, options);
        expect(entry(one, options)).toBe(first);
        expect(one).toEqual(before);
      }),
      { numRuns: ENTRIES, seed: SEED },
    );
  });
});

test('equal input gives equal bytes on two instances', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(article, { minLength: 1, maxLength: 8 }), async (articles) => {
      const some = distinct(articles);
      expect(await documents(some)).toEqual(await documents(structuredClone(some).toReversed()));
    }),
    { numRuns: DOCUMENTS, seed: SEED },
  );
});

test('the same record gives the same article', () => {
  fc.assert(
    fc.property(recordOf, (record) => {
      expect(accepted(record)).toEqual(accepted(structuredClone(record)));
    }),
    { numRuns: ENTRIES, seed: SEED },
  );
});

test('a document is head, entries and tail', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(article, { maxLength: 6 }), async (articles) => {
      const some = distinct(articles);
      if (some.length === 0) return;
      const made = await documents(some);
      const options: EntryOptions = {
        content: 'full',
        feedLanguage: 'en',
        feedsUrl: newsroom.feedsUrl,
        publisher: publication,
      };
      for (const format of FORMATS) {
        const { entry, separator, tail } = RENDERERS[format];
        const entries = some.map((each) => entry(each, options));
        const places = entries.map((each) => made[format].indexOf(each));
        const head = made[format].slice(0, Math.min(...places));
        const inOrder = entries.toSorted((one, other) => made[format].indexOf(one) - made[format].indexOf(other));
        expect(made[format]).toBe(head + inOrder.join(separator) + tail);
      }
    }),
    { numRuns: DOCUMENTS, seed: SEED },
  );
});

describe('texts', () => {
  const check = (value: fc.Arbitrary<string>, holds: (text: string) => void) =>
    fc.assert(fc.property(value, holds), { numRuns: TEXTS, seed: SEED });

  test('an XML-safe text stays the same', () => {
    check(text, (value) => {
      expect(xmlText(xmlText(value))).toBe(xmlText(value));
    });
  });

  test('a slug is the slug of itself and of every equal spelling', () => {
    check(text, (value) => {
      const slug = slugOf(value);
      expect(slugOf(slug)).toBe(slug);
      expect(slugOf(value.normalize('NFD'))).toBe(slug);
    });
  });

  test('a shortened text is within the limit, and begins like the long one', () => {
    check(nonBlank, (value) => {
      const short = shorten(xmlText(value), 12);
      expect(short.length).toBeLessThanOrEqual(12);
      expect(short.isWellFormed()).toBe(true);
      expect(xmlText(value).startsWith(short.replace(/…$/, ''))).toBe(true);
    });
  });

  test('a web address is a URI, and stays the same', () => {
    check(address, (value) => {
      const url = webUrl(value, newsroom.url);
      if (url === undefined) return;
      expect(isUri(url), url).toBe(true);
      expect(webUrl(url)).toBe(url);
    });
  });
});
