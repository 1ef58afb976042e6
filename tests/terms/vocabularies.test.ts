import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Publication, parsePublication } from '../../src/config/publication.ts';
import { joinDocument } from '../../src/document/document.ts';
import { describeFeed, FORMATS, type Format } from '../../src/feed/feeds.ts';
import type { Head } from '../../src/format/renderer.ts';
import { RENDERERS } from '../../src/format/renderers.ts';
import { assertWellFormed } from '../../src/format/xml.ts';
import { omitUndefined } from '../../src/lib/omit-undefined.ts';
import { archivePage } from '../../src/pages/archive-page.ts';
import { errorPage } from '../../src/pages/error-page.ts';
import { indexPage } from '../../src/pages/index-page.ts';
import { siteOf } from '../../src/pages/site.ts';
import { contentUsageHeader } from '../../src/terms/aipref.ts';
import { robotsTerms, termsByHost, termsFiles, termsLink } from '../../src/terms/statements.ts';
import { tdmHeaders } from '../../src/terms/tdmrep.ts';
import { article } from '../helpers.ts';

/**
 * Each folder of `cases` has a publication, and beside it everything that is said in each vocabulary: a file that is missing
 * there must not be said.
 */
const CASES = join(import.meta.dirname, 'cases');
const INPUT = 'publication.yaml';

const STORIES = [
  { id: 'own', url: 'https://news.example/own' },
  { id: 'elsewhere', url: 'https://agency.example/b' },
  { id: 'licensed', url: 'https://news.example/c', license: 'https://other.example/licence' },
];

/** @param history what the document is in the history of its feed */
function feedDocument(publication: Publication, format: Format, history?: Head['history']): string {
  const feed = describeFeed('latest', '', publication);
  const options = { content: feed.content, feedLanguage: 'en', feedsUrl: publication.feedsUrl, publisher: publication };
  const entries = RENDERERS[format].entries(STORIES.map(article), options);
  const head = { feed, publication, updatedAt: 0, tombstones: [], ...omitUndefined({ history }) };
  const parts = entries.map((text) => ({ bytes: Buffer.from(text), tag: 'abcd' }));
  return joinDocument(format, { head, entries: parts }).bytes.toString();
}

/** What a document says of licences and rights. */
function statementsIn(document: string): string[] {
  return (
    document.match(/<(?:rsl|creativeCommons):.*|<[^>]*rel="license".*|<(?:copyright|rights)>.*|"_terms":.*/g) ?? []
  );
}

/** The lines of the page of all feeds that name a licence. */
function pageLines(publication: Publication): string {
  const empty = { calendar: undefined, latest: undefined, languages: 0, groups: [], search: undefined };
  return licenceLines(indexPage(empty, siteOf(publication)));
}

function licenceLines(page: string): string {
  return page
    .split('\n')
    .filter((line) => line.includes('rel="license"'))
    .join('\n');
}

function headerLines(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
}

/** Everything that a publication says, by the name of its file. JSON has another ending, so that no program formats it. */
function said(publication: Publication): Map<string, string> {
  const { global, group } = robotsTerms(publication);
  const byName: readonly (readonly [string, string])[] = [
    ...termsFiles(publication).map(({ path, text }): [string, string] => [basename(path), text]),
    ['tdmrep-headers.txt', headerLines(tdmHeaders(publication))],
    ['content-usage-header.txt', headerLines(contentUsageHeader(publication))],
    ['rsl-link-header.txt', termsLink(publication) ?? ''],
    ['robots-global.txt', global.join('\n')],
    ['robots-group.txt', group.join('\n')],
    ['page.html', pageLines(publication)],
    ['hosts.json', JSON.stringify(termsByHost(publication), null, 2)],
    ...FORMATS.map((format): [string, string] => [`feed.${format}`, feedDocument(publication, format)]),
  ];
  return new Map(
    byName
      .filter(([, text]) => text !== '')
      .map(([name, text]) => [name.replace(/json$/, 'json.txt'), text.endsWith('\n') ? text : `${text}\n`]),
  );
}

const names = readdirSync(CASES);

test('there are cases', () => {
  expect(names.length).toBeGreaterThan(5);
});

describe.each(names)('%s', (name) => {
  const folder = join(CASES, name);
  const publication = parsePublication(readFileSync(join(folder, INPUT), 'utf8'), INPUT);
  const all = said(publication);

  test('says this and nothing else', () => {
    expect([...all.keys()].sort()).toEqual(
      readdirSync(folder)
        .filter((file) => file !== INPUT)
        .sort(),
    );
  });

  test.each([...all])('%s', (file, text) => {
    expect(text).toBe(readFileSync(join(folder, file), 'utf8'));
  });

  test.each(FORMATS)('a page of an archive says the same in %s', (format) => {
    const page = feedDocument(publication, format, { page: 2, older: 1 });
    expect(page).toContain('archive');
    expect(statementsIn(page)).toEqual(statementsIn(feedDocument(publication, format)));
  });

  test('the pages for people of an archive say the same', () => {
    const feed = describeFeed('latest', '', publication);
    const data = { feed, page: 2, title: '', articles: STORIES.slice(0, 1).map(article), report: () => {} };
    expect(licenceLines(archivePage(data, siteOf(publication)))).toBe(pageLines(publication));
  });

  test('its RSL is well-formed', () => {
    for (const file of ['license.xml', 'feed.rss']) assertWellFormed(all.get(file) ?? '<none/>');
  });

  test('the page of an error states no terms for machines', () => {
    expect(errorPage('notFound', '', siteOf(publication))).not.toMatch(/rsl|tdm/);
  });
});
