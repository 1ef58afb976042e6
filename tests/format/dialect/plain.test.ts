import { describe, expect, test } from 'vitest';
import { FORMATS } from '../../../src/feed/feeds.ts';
import { licensedPull } from '../../../src/format/dialect/licensed-pull.ts';
import { plain } from '../../../src/format/dialect/plain.ts';
import { summary } from '../../../src/format/dialect/summary.ts';
import { RENDERERS } from '../../../src/format/renderers.ts';
import { breaches, feedBreaches } from './rules.ts';
import { dam, erased, head, item, options, pomegranates, publication, radio, withdrawn } from './sample.ts';

describe.each(FORMATS)('as %s', (format) => {
  test.each([dam, radio, pomegranates])('an entry is that of the readers’ feed: $id', (article) => {
    const { feedsUrl } = publication;
    for (const dialect of [plain, summary]) {
      const { content } = dialect.defaults;
      const own = dialect.formats[format]?.entry(item(article, { content }), options({ content }));
      const readers = { content, feedLanguage: 'en', feedsUrl, publisher: publication };
      expect(own).toBe(RENDERERS[format].entry(article, readers));
    }
  });

  test('the head names the partner’s own address, and no archive', () => {
    const text = plain.formats[format]?.head(head(format)) ?? '';
    expect(text).toContain(`https://feeds.fourrivers.example/partners/example/section/world.${format}`);
    expect(text).not.toMatch(/archive|next_url|feeds\/section/);
  });

  test.each([
    ['a sentence', 'Only for members of the agency.'],
    ['an address', 'https://fourrivers.example/contracts/7'],
  ])('terms of a contract take the place of those of the publication: %s', (_kind, terms) => {
    const stated = { ...publication, terms: { contentUsage: false, aiTraining: 'no' as const } };
    const text = plain.formats[format]?.head(head(format, { terms, publication: stated })) ?? '';
    expect(text).toContain(terms);
    expect(text).not.toMatch(/creativecommons|ai_training|rsl/);

    // On the host of the feeds, readers' RSS states terms in each item.
    const onHost = { ...dam, url: `${publication.feedsUrl}dam` };
    const publisher = { ...stated, url: publication.feedsUrl };
    const entry = (own: object) => plain.formats[format]?.entry(item(onHost), options({ publisher, ...own })) ?? '';
    expect(entry({}).includes('rsl:content')).toBe(format === 'rss');
    expect(entry({ terms })).not.toContain('rsl:');
  });
});

describe('licensed-pull', () => {
  const rss = licensedPull.formats.rss;

  test('an entry says how long it is valid, how urgent it is, and what was corrected', () => {
    const entry = rss?.entry(item(dam), options()) ?? '';
    expect(entry.split('\n').slice(-5)).toEqual([
      '            <dcterms:valid>start=2026-11-18T06:30:00Z; end=2027-11-18T00:00:00Z; scheme=W3C-DTF</dcterms:valid>',
      '            <nar:urgency xmlns:nar="http://iptc.org/std/nar/2006-10-01/">3</nar:urgency>',
      '            <nar:edNote xmlns:nar="http://iptc.org/std/nar/2006-10-01/">The storage is 41 per cent, not 61.</nar:edNote>',
      '        </item>',
      '',
    ]);
  });

  test.each([
    [{}, 'start=2026-11-14T17:00:00Z; scheme=W3C-DTF'],
    [{ expiresAt: 2e12 }, 'start=2026-11-14T17:00:00Z; end=2033-05-18T03:33:20Z; scheme=W3C-DTF'],
    [
      { expiresAt: 2e12, rights: { endsAt: 1.9e12 } },
      'start=2026-11-14T17:00:00Z; end=2030-03-17T17:46:40Z; scheme=W3C-DTF',
    ],
    [{ rights: { partners: ['a'] } }, 'start=2026-11-14T17:00:00Z; scheme=W3C-DTF'],
  ])('the end of the story or of its rights, whichever is first: %o', (fields, period) => {
    for (const format of ['rss', 'atom'] as const) {
      const entry = licensedPull.formats[format]?.entry(item({ ...radio, ...fields }), options());
      expect(entry).toContain(`>${period}</dcterms:valid>`);
    }
  });

  test('a story that was taken back stays as an entry without text, whose validity has ended', () => {
    expect(rss?.takenBack?.(withdrawn, options())).toBe(`        <item>
            <title>The bees went up the mountain a month early, and came down with darker honey</title>
            <link>https://fourrivers.example/en/2026/11/beekeepers</link>
            <guid isPermaLink="false">tag:fourrivers.example,2026:en/beekeepers</guid>
            <pubDate>Mon, 09 Nov 2026 06:00:00 GMT</pubDate>
            <dcterms:modified>2026-11-20T12:00:00Z</dcterms:modified>
            <dcterms:valid>start=2026-11-09T06:00:00Z; end=2026-11-20T12:00:00Z; scheme=W3C-DTF</dcterms:valid>
            <nar:pubStatus xmlns:nar="http://iptc.org/std/nar/2006-10-01/" qcode="stat:canceled"/>
            <nar:edNote xmlns:nar="http://iptc.org/std/nar/2006-10-01/">The figures were wrong.</nar:edNote>
        </item>
`);
  });

  test('of an erased story, no text is left', () => {
    expect(rss?.takenBack?.(erased, options())).toBe(`        <item>
            <title>This story was withdrawn</title>
            <guid isPermaLink="false">tag:fourrivers.example,2026:en/erased</guid>
            <pubDate>Sun, 01 Nov 2026 08:00:00 GMT</pubDate>
            <dcterms:modified>2026-11-20T11:00:00Z</dcterms:modified>
            <dcterms:valid>start=2026-11-01T08:00:00Z; end=2026-11-20T11:00:00Z; scheme=W3C-DTF</dcterms:valid>
            <nar:pubStatus xmlns:nar="http://iptc.org/std/nar/2006-10-01/" qcode="stat:canceled"/>
        </item>
`);
  });

  test.each([
    ['full', []],
    ['summary', ['summary-only']],
  ] as const)('the text is %s: rules broken %j', (content, expected) => {
    expect(breaches(licensedPull, item(dam, { content }))).toEqual(expected);
  });

  test.each([
    [30, []],
    [29, ['less-than-thirty-minutes']],
  ])('the stories of %i minutes: rules broken %j', (minutes, expected) => {
    expect(feedBreaches(licensedPull, { age: minutes * 60_000 })).toEqual(expected);
    expect(feedBreaches(licensedPull, {})).toEqual([]);
  });

  test('JSON Feed has the same in an object of its own', () => {
    const { _syndication } = JSON.parse(licensedPull.formats.json?.entry(item(dam), options()) ?? '');
    expect(_syndication).toEqual({
      valid_from: '2026-11-18T06:30:00Z',
      valid_until: '2027-11-18T00:00:00Z',
      urgency: 3,
      correction: { note: 'The storage is 41 per cent, not 61.', at: '2026-11-18T13:05:00Z' },
    });
  });
});
