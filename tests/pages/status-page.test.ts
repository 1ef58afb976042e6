import { DomUtils, parseDocument } from 'htmlparser2';
import { describe, expect, test } from 'vitest';
import { parsePublication } from '../../src/config/publication.ts';
import type { Needs, ServiceStatus, StatusProblem } from '../../src/pages/service-status.ts';
import { siteOf } from '../../src/pages/site.ts';
import { scaleFor } from '../../src/pages/status/plots.ts';
import { verdictOf } from '../../src/pages/status/verdict.ts';
import { counted, countedInWords, duration, number, share, size, span, tick } from '../../src/pages/status/wording.ts';
import { statusPage } from '../../src/pages/status-page.ts';
import { PUBLICATION } from '../helpers.ts';
import { busyDay, hoursUntil, NO_ANSWERS, newService, refusedFile, TWO_FILES } from './status-data.ts';

function pageOf(status: ServiceStatus, more = 'timeZone: Asia/Baghdad\n', title = 'The Test Post') {
  const publication = { ...parsePublication(PUBLICATION + more, 'publication.yaml'), title };
  const text = statusPage(status, siteOf(publication));
  const document = parseDocument(text);
  const all = (name: string, isWanted: (element: Element) => boolean = () => true) =>
    DomUtils.getElementsByTagName(name, document).filter(isWanted);
  const withClass = (name: string, each: string) => all(name, ({ attribs }) => classesOf(attribs.class).includes(each));
  return { text, all, withClass, words: wordsIn(document.children) };
}

type Element = ReturnType<typeof DomUtils.getElementsByTagName>[number];

function classesOf(names = ''): string[] {
  return names.split(' ');
}

/** The text of elements, with one space for each run of white space. */
function wordsIn(nodes: Parameters<typeof DomUtils.textContent>[0]): string {
  return DomUtils.textContent(nodes).replace(/\s+/g, ' ').trim();
}

function cellsOf(table: Element | undefined): string[][] {
  const rows = table === undefined ? [] : DomUtils.getElementsByTagName('tr', table);
  return rows.map((row) =>
    DomUtils.getElementsByTagName((name) => /^t[hd]$/.test(name), row).map((cell) => wordsIn(cell)),
  );
}

const FILE = refusedFile('articles/a.json', [{ field: 'title', rule: 'is required' }]);
const RECORD: StatusProblem = { ...FILE, kind: 'key', key: 'cms', article: 'a' };
const RENDERING: StatusProblem = { ...FILE, kind: 'rendering', format: 'atom', article: 'b' };

function needs(some: Partial<Needs> = {}): Needs {
  return { problems: [], problemCount: some.problems?.length ?? 0, ...some };
}

describe('the verdict', () => {
  const damage = 'The store is damaged.';
  const disk = 'The disk is full.';
  const database = 'The database cannot be reached.';
  const outage = 'The store cannot be read.';
  const S = 'Readers are served.';
  const W = 'Readers are served what is whole.';
  const N = 'Readers are not served.';

  test.each<[Partial<Needs>, string | undefined, string, string]>([
    [{}, undefined, `${S} Nothing needs you.`, 'All is well'],
    [{ disk }, undefined, `${S} The disk needs you.`, 'The disk needs you'],
    [{ damage }, undefined, `${W} The store needs you.`, 'The store needs you'],
    [{ damage, disk }, undefined, `${W} The store and the disk need you.`, 'The store and the disk need you'],
    [{ database }, undefined, `${S} The database needs you.`, 'The database needs you'],
    [{ disk, database }, undefined, `${S} The disk and the database need you.`, 'The disk and the database need you'],
    [{ problems: [FILE] }, undefined, `${S} One file needs you.`, '1 file needs you'],
    [{ problems: TWO_FILES }, undefined, `${S} Two files need you.`, '2 files need you'],
    [{ problems: [{ ...FILE, kind: 'other_file' }, FILE] }, undefined, `${S} Two files need you.`, '2 files need you'],
    [{ problems: [RECORD] }, undefined, `${S} One record needs you.`, '1 record needs you'],
    [{ problems: [RENDERING] }, undefined, `${S} One article needs you.`, '1 article needs you'],
    [
      { problems: [{ ...RECORD, kind: 'stored_record' }] },
      undefined,
      `${S} One record needs you.`,
      '1 record needs you',
    ],
    [{ problems: [FILE, RECORD] }, undefined, `${S} Two problems need you.`, '2 problems need you'],
    [{ problems: [FILE], problemCount: 1234 }, undefined, `${S} 1,234 problems need you.`, '1,234 problems need you'],
    [{ problemCount: 1 }, undefined, `${S} One problem needs you.`, '1 problem needs you'],
    [{ damage, problems: [FILE] }, undefined, `${W} The store and one file need you.`, 'The store and 1 file need you'],
    [
      { disk, problems: TWO_FILES },
      undefined,
      `${S} The disk and two files need you.`,
      'The disk and 2 files need you',
    ],
    [
      { damage, disk, problems: [FILE] },
      undefined,
      `${W} The store, the disk and one file need you.`,
      'The store, the disk and 1 file need you',
    ],
    [{}, outage, N, 'Readers are not served'],
    [{ disk }, outage, `${N} The disk needs you.`, `${N} The disk needs you`],
    [{ damage }, outage, `${N} The store needs you.`, `${N} The store needs you`],
    [{ damage, disk }, outage, `${N} The store and the disk need you.`, `${N} The store and the disk need you`],
    [{ problems: TWO_FILES }, outage, `${N} Two files need you.`, `${N} 2 files need you`],
    [{ disk, problems: [FILE] }, outage, `${N} The disk and one file need you.`, `${N} The disk and 1 file need you`],
    [
      { damage, problems: [FILE] },
      outage,
      `${N} The store and one file need you.`,
      `${N} The store and 1 file need you`,
    ],
    [
      { damage, disk, problems: [FILE] },
      outage,
      `${N} The store, the disk and one file need you.`,
      `${N} The store, the disk and 1 file need you`,
    ],
  ])('of %j without readers because of %j', (some, why, sentence, title) => {
    const status = { ...newService(), needs: needs(some), ...(why === undefined ? {} : { outage: why }) };
    const { all, text } = pageOf(status);

    expect(verdictOf(status)).toEqual({ sentence, title });
    expect(all('h1').map((each) => wordsIn(each))).toEqual([sentence]);
    expect(all('title').map((each) => wordsIn(each))).toEqual([`${title} · Status · The Test Post`]);
    const shown = ['outage', 'damage', 'disk', 'database', 'refused'].filter((id) => text.includes(`id="${id}"`));
    expect(shown).toEqual([
      ...(why === undefined ? [] : ['outage']),
      ...(some.damage === undefined ? [] : ['damage']),
      ...(some.disk === undefined ? [] : ['disk']),
      ...(some.database === undefined ? [] : ['database']),
      ...(needs(some).problemCount === 0 ? [] : ['refused']),
    ]);
  });
});

test.each([
  [number(1_234_567), '1,234,567'],
  [counted(0, 'file'), '0 files'],
  [counted(1, 'file'), '1 file'],
  [counted(1000, 'process', 'processes'), '1,000 processes'],
  [countedInWords(0, 'file'), 'no files'],
  [countedInWords(12, 'file'), 'twelve files'],
  [countedInWords(13, 'file'), '13 files'],
  [size(0), '0 bytes'],
  [size(1), '1 byte'],
  [size(999), '999 bytes'],
  [size(1000), '1 kB'],
  [size(999_499), '999 kB'],
  [size(999_500), '1 MB'],
  [size(14_240_000), '14.2 MB'],
  [size(25_165_824, 1024), '24 MB'],
  [size(1023, 1024), '1,023 bytes'],
  [size(103_400_000_000), '103 GB'],
  [size(5e18), '5,000 PB'],
  [duration(0), '0 ms'],
  [duration(0.04), 'under 0.1 ms'],
  [duration(2.94), '2.9 ms'],
  [duration(9.96), '10 ms'],
  [duration(999.4), '999 ms'],
  [duration(999.6), '1.0 s'],
  [duration(61_000), '61.0 s'],
  [tick(0), '0'],
  [tick(0.1), '0.1 ms'],
  [tick(2000), '2 s'],
  [share(0, 0), '0%'],
  [share(0, 5), '0%'],
  [share(5, 5), '100%'],
  [share(1, 100_000), 'under 0.1%'],
  [share(99_999, 100_000), 'over 99%'],
  [share(79, 1000), '7.9%'],
  [share(3, 100), '3.0%'],
  [share(999, 10_000), '10%'],
  [share(823, 1000), '82%'],
  [span(0), 'less than a minute'],
  [span(60_000), '1 minute'],
  [span(3_600_000), '1 hour'],
  [span(3_900_000), '1 hour and 5 minutes'],
  [span(86_460_000), '1 day'],
  [span((8 * 24 + 4) * 3_600_000 + 59_000), '8 days and 4 hours'],
])('a number is written as %s', (written, expected) => {
  expect(written).toBe(expected);
});

test.each<[most: number, steps: number, least: number, ticks: number[]]>([
  [0, 3, 1, [3, 2, 1, 0]],
  [1, 3, 1, [3, 2, 1, 0]],
  [3, 3, 1, [3, 2, 1, 0]],
  [4, 3, 1, [6, 4, 2, 0]],
  [11_500, 3, 1, [12_000, 8000, 4000, 0]],
  [13_000, 3, 1, [15_000, 10_000, 5000, 0]],
  [29_999_999, 3, 1, [30_000_000, 20_000_000, 10_000_000, 0]],
  [0, 2, 0.05, [0.1, 0.05, 0]],
  [0.3, 2, 0.05, [0.4, 0.2, 0]],
  [3.9, 2, 0.05, [4, 2, 0]],
  [60_000, 2, 0.05, [60_000, 30_000, 0]],
])('a scale up to %d in %i steps is round', (most, steps, least, ticks) => {
  expect(scaleFor(most, steps, least)).toEqual({ most: ticks[0], ticks });
});

test('a new service says that there is nothing yet, and draws no empty plot', () => {
  const { withClass, words, all } = pageOf(newService());
  expect(withClass('svg', 'plot')).toEqual([]);
  expect(all('table')).toHaveLength(1);
  for (const sentence of [
    'Requests0 in 24 hours',
    'Slowest in a hundredNone no answer yet',
    'Declared subscribers0 in 0 services',
    'Sent0 bytes nothing yet',
    'Newest storyNone nothing is visible',
    'No article yet. Put one into the folder articles, or send one to the API.',
    'Version 0.1.0, one process, up for less than a minute',
    'No answer yet in these 24 hours.',
    'No request for a feed yet in these 24 hours.',
    'No service has declared subscribers yet in these 24 hours.',
    'Nothing was sent yet in these 24 hours.',
  ]) {
    expect(words).toContain(sentence);
  }
  expect(words).not.toMatch(/NaN|Infinity|undefined|null|Invalid/);
});

test('a busy day has its numbers', () => {
  const { words, all, withClass } = pageOf(busyDay());
  const facts = DomUtils.getElementsByTagName('div', all('dl')).map((each) => wordsIn(each));
  expect(facts).toEqual([
    'Requests180,489 82% unchanged (304)',
    'Slowest in a hundred2.9 ms half within 1.2 ms',
    'Declared subscribers10,870 in 6 services',
    'Sent900 MB instead of 30.2 GB',
    'Newest story21 Nov 22:10 GMT+3',
  ]);
  expect(words).toContain('As of 29 November 2026, 20:00:04 GMT+3.');
  expect(words).toContain('Version 0.1.0, one process, up for 8 days and 4 hours');
  const [articles, load, hours, feeds, subscribers, saved] = all('table').map(cellsOf);
  expect(articles).toEqual([
    ['State', 'What comes next', 'Count'],
    ['Visible', 'none expires', '53'],
    ['Embargoed', 'en/sealed-letters appears on 21 March 2036, 06:00', '2'],
    ['Expired', 'left the feeds when their time was over', '1'],
    ['Withdrawn', 'taken out of the feeds by the newsroom', '1'],
  ]);
  expect(load).toEqual([
    ['Part', 'Now', 'Of'],
    ['Newsroom’s queue', '0 waiting', '256'],
    ['Readers’ queue, known feeds', '3 waiting', '1,000'],
    ['Readers’ queue, others', '0 waiting', '250'],
    ['Connections', '412', '10,000'],
    ['Rendered in memory', '14.2 MB, nothing evicted', '24 MB'],
    ['Store', 'revision 61, 1.1 MB and 200 kB of log', '24 GB free'],
    ['Event loop', 'blocked for 4.0 ms at most', ''],
  ]);
  expect(hours).toHaveLength(25);
  expect(hours?.[1]).toEqual(['21:00 28 November', '5,400', '540', '600', '12', '36', '0', '1.3 ms', '3.0 ms']);
  expect(feeds?.slice(0, 3)).toEqual([
    ['Feed', 'Requests', '304', 'Deltas', '99 of 100', 'Subscribers'],
    ['Latest', '', '96,400', '82%', '7.9%', '3.1 ms', '5,356'],
    ['کوردیی ناوەندی', '', '21,300', '82%', '7.9%', '2.2 ms', '1,183'],
  ]);
  expect(words).toContain(
    'Seven feeds, in all formats and with the page. The other 36 feeds had 9,730 requests together.',
  );
  expect(subscribers?.[1]).toEqual(['Feedly', '', '6,120', '31']);
  expect(words).toContain('And 3 more services.');
  expect(saved?.slice(1)).toEqual([
    ['Unchanged', '25 GB', '83%'],
    ['Deltas', '2.4 GB', '7.9%'],
    ['Compression', '1.9 GB', '6.3%'],
    ['Sent after all', '900 MB', '3.0%'],
  ]);
  expect(withClass('svg', 'plot').map(({ attribs }) => attribs['aria-label'])).toEqual([
    '53 visible, 2 embargoed, 1 expired and 1 withdrawn',
    'Answers in each of the last 24 hours: at least 1,327, from 02:00 on, and at most 13,164, from 18:00 on',
    'Of 30.2 GB: 25 GB not sent because nothing had changed, 2.4 GB left out by deltas, 1.9 GB taken away by compression, 900 MB sent',
    'Half of all answers took 1.1 ms to 1.5 ms; ninety-nine of a hundred took 2.2 ms to 4.0 ms',
  ]);
});

test.each([
  ['one', newService()],
  ['many', { ...busyDay(), outage: 'x', needs: needs({ damage: 'x', disk: 'x', problems: TWO_FILES }) }],
])('every table, plot and section of %s is named, and every row is as long as its head', (_, status) => {
  const { all } = pageOf(status);
  const ids = all('*').flatMap(({ attribs }) => attribs.id ?? []);
  expect(new Set(ids).size).toBe(ids.length);
  for (const element of [...all('section'), ...all('div', ({ attribs }) => attribs.class === 'scroll')]) {
    expect(ids).toContain(element.attribs['aria-labelledby']);
  }
  for (const { attribs } of all('svg')) expect(attribs['aria-hidden'] === 'true' || attribs.role === 'img').toBe(true);
  for (const { attribs } of all('svg', (each) => each.attribs.role === 'img'))
    expect(attribs['aria-label']).toMatch(/\d/);
  for (const { attribs } of all('th')) expect(attribs.scope).toMatch(/^(?:row|col)$/);
  for (const table of all('table')) {
    const lengths = DomUtils.getElementsByTagName('tr', table).map((row) =>
      DomUtils.getElementsByTagName((name) => /^t[hd]$/.test(name), row).reduce(
        (sum, { attribs }) => sum + Number(attribs.colspan ?? 1),
        0,
      ),
    );
    expect(new Set(lengths).size).toBe(1);
  }
});

const EVIL = '</title><script>alert(1)</script>"\'&amp; \u202Egnp.exe نان';

/** The same status with a text of somebody in every place that can have one. */
function statusWith(text: string): ServiceStatus {
  const busy = busyDay();
  const defects = [{ field: text, value: text, rule: text, line: 1, column: 2 }, { rule: text }];
  const kinds = ['file', 'other_file', 'key', 'stored_record', 'rendering'] as const;
  const problems = kinds.flatMap((kind): StatusProblem[] => {
    const problem = { kind, code: text, since: '2026-11-28T16:37:24Z' };
    const place = kind === 'file' || kind === 'other_file' ? { path: text } : { key: text, format: text };
    return [
      { ...problem, ...place, article: text, problems: defects },
      { ...problem, ...place, problems: [] },
    ];
  });
  return {
    ...busy,
    outage: text,
    needs: { damage: text, disk: text, problems, problemCount: 99 },
    articles: {
      ...busy.articles,
      nextAppears: { article: text, at: busy.at },
      nextExpires: { article: text, at: busy.at },
    },
    traffic: {
      ...busy.traffic,
      feeds: busy.traffic.feeds.map((feed, index) => ({
        ...feed,
        name: text,
        ...(index === 0 ? { language: 'ckb' } : {}),
      })),
      services: [{ service: text, subscribers: 1, feeds: 1 }],
    },
  };
}

test('texts of others are texts: no markup, and nothing that turns the line around them', () => {
  const plain = pageOf(statusWith('plain نان'), undefined, 'plain نان');
  const evil = pageOf(statusWith(EVIL), undefined, EVIL);
  const shape = ({ all }: typeof plain) => all('*').map(({ name, attribs }) => [name, Object.keys(attribs)]);

  expect(shape(evil)).toEqual(shape(plain));
  const turned = pageOf(statusWith('\u202Ea\u2066b\u2069c\u2067نان'), undefined, '\u202Ea\u2066b\u2069c\u2067نان').text;
  for (const text of [evil.text, turned]) expect(text).not.toMatch(/[\u202A-\u202E\u2066-\u2069]/);
  expect(evil.words.match(/<script>alert\(1\)<\/script>/g)?.length).toBeGreaterThan(40);
});

test('long texts are cut where a table would be too wide', () => {
  const cells = pageOf(statusWith('a'.repeat(500)))
    .all('table')
    .flatMap(cellsOf)
    .flat();
  expect(Math.max(...cells.map((cell) => cell.length))).toBeLessThan(150);
});

describe('what is refused', () => {
  const itemsOf = (problems: readonly StatusProblem[], count = problems.length) => {
    const page = pageOf({ ...newService(), needs: { problems, problemCount: count } });
    return { ...page, items: page.withClass('li', 'file').map((each) => wordsIn(each)) };
  };

  test('a file has each thing that is wrong, and where', () => {
    expect(itemsOf(TWO_FILES).items).toEqual([
      'articles/ckb/berhem.json' +
        'since 19:37 image.url is ftp://x/olives.jpg; it must be an http or https address of at most 4096 characters. Line 7, column 21 ' +
        'imgae is not a known field. Did you mean image? Line 6, column 12',
      'articles/en/market-day.md' +
        'since 19:37 publishedAt is 2026-11-21 9:30; it must be a date that exists, with time and zone. Line 4',
    ]);
  });

  test.each<[Partial<StatusProblem>, string, string]>([
    [{ kind: 'file', path: 'articles/a.json' }, 'Refused files', 'articles/a.jsonsince 19:37 The file is required.'],
    [
      { kind: 'other_file', path: 'articles/a.doc' },
      'Refused files',
      'articles/a.docsince 19:37 The file is required.',
    ],
    [
      { kind: 'key', key: 'cms', article: 'a' },
      'Refused records',
      'asince 19:37, sent with the key cms The record is required.',
    ],
    [{ kind: 'key' }, 'Refused records', 'A record without an idsince 19:37, sent to the API The record is required.'],
    [
      { kind: 'stored_record', article: 'a' },
      'Refused records',
      'asince 19:37, in the store: the article keeps its earlier version The record is required.',
    ],
    [
      { kind: 'rendering', article: 'a', format: 'atom' },
      'Refused articles',
      'asince 19:37, left out of feeds in atom The article is required.',
    ],
  ])('%j', (source, title, item) => {
    const { path: _, ...rest } = FILE;
    const { items, words } = itemsOf([{ ...rest, kind: 'file', ...source, problems: [{ rule: 'is required' }] }]);
    expect(items).toEqual([item]);
    expect(words).toContain(title);
  });

  test('of many, ten are there, and the address of the others', () => {
    const many = Array.from({ length: 25 }, () => FILE);
    const { items, words } = itemsOf(many, 12_345);
    expect(items).toHaveLength(10);
    expect(words).toContain('And 12,335 more problems. GET /api/problems on the service’s port lists all of them.');
    expect(itemsOf(many).words).toContain('And 15 more files. GET /api/problems');
    expect(itemsOf([], 7).words).toContain('7 problems. GET /api/problems');
    expect(itemsOf(many.slice(0, 10)).words).not.toContain('/api/problems');
  });

  test('everything else is published, unless something else is wrong', () => {
    const isSaid = (more: Partial<ServiceStatus>, some: Partial<Needs> = {}) =>
      pageOf({ ...newService(), ...more, needs: needs({ problems: [FILE], ...some }) }).words.includes(
        'Everything else',
      );
    expect(isSaid({})).toBe(true);
    expect(isSaid({ outage: 'x' })).toBe(false);
    for (const need of ['damage', 'disk', 'database']) expect(isSaid({}, { [need]: 'x' })).toBe(false);
  });

  test('of many defects, five are there', () => {
    const defects = Array.from({ length: 7 }, (_, index) => ({ field: `f${index}`, rule: 'is required' }));
    const [item] = itemsOf([refusedFile('a', [...defects, { field: '', rule: 'and 3 problems more' }])]).items;
    expect(item).toMatch(/f4 is required\. And 3 more problems\.$/);
    const [type] = itemsOf([refusedFile('a', [{ field: '', value: '.doc', rule: 'is no article: move it.' }])]).items;
    expect(type).toBe('asince 19:37 The file (.doc) is no article: move it.');
    const [short] = itemsOf([refusedFile('a', [{ field: '', rule: 'and 3 problems more' }])]).items;
    expect(short).toBe('asince 19:37 And 3 problems more.');
  });

  test('a problem of another day has its date', () => {
    const [item] = itemsOf([{ ...FILE, since: '2026-11-28T20:59:00Z' }]).items;
    expect(item).toContain('since 28 November 2026, 23:59');
    expect(itemsOf([{ ...FILE, since: '2026-11-28T21:00:00Z' }]).items[0]).toContain('since 00:00 ');
  });
});

describe('the hours are those of the time zone', () => {
  /** The names of the hours in the table, and the times below the plot. */
  function timesOf(at: string, timeZone: string) {
    const hours = hoursUntil(at, () => ({ answers: { ...NO_ANSWERS, whole: 1 }, median: 1, p99: 2 }));
    const quiet = newService(at);
    const traffic = { ...quiet.traffic, hours, answers: { ...NO_ANSWERS, whole: 24 }, median: 1, p99: 2 };
    const page = pageOf({ ...quiet, traffic }, `timeZone: ${timeZone}\n`);
    const rows = cellsOf(page.all('details')[0]).slice(1);
    const ends = page
      .withClass('p', 'ends')
      .map((each) => DomUtils.getElementsByTagName('span', each).map((span) => wordsIn(span)));
    return { names: rows.map(([name]) => name), ends, words: page.words };
  }

  test('across midnight', () => {
    const { names, ends, words } = timesOf('2026-11-29T17:00:04Z', 'Asia/Baghdad');
    expect(names.slice(0, 5)).toEqual(['21:00 28 November', '22:00', '23:00', '00:00 29 November', '01:00']);
    expect(ends).toEqual([
      ['21:00', '03:00', '09:00', '15:00', '21:00'],
      ['21:00', '09:00', '21:00'],
    ]);
    expect(words).toContain('From 21:00 on 28 November. The last hour began at 20:00, and is not over.');
  });

  test('where clocks go forward, an hour is missing', () => {
    const { names } = timesOf('2026-03-29T10:30:00Z', 'Europe/Berlin');
    expect(names.slice(11, 16)).toEqual(['23:00', '00:00 29 March', '01:00', '03:00', '04:00']);
  });

  test('where clocks go back, the hour that comes twice has its zone', () => {
    const { names } = timesOf('2026-10-25T10:30:00Z', 'Europe/Berlin');
    expect(names.slice(12, 17)).toEqual(['01:00', '02:00 CEST', '02:00 CET', '03:00', '04:00']);
  });

  test('where clocks differ by parts of an hour', () => {
    const { names } = timesOf('2026-11-29T17:00:04Z', 'Asia/Kathmandu');
    expect(names.slice(0, 3)).toEqual(['23:45 28 November', '00:45 29 November', '01:45']);
  });
});

test('hours without answers are gaps in the lines, and an hour between two of them is a dash', () => {
  const hours = hoursUntil('2026-11-29T17:00:04Z', (index) =>
    [3, 4, 9].includes(index) ? { answers: { ...NO_ANSWERS, whole: 1 }, median: 1, p99: 2 } : {},
  );
  const quiet = newService();
  const traffic = { ...quiet.traffic, hours, answers: { ...NO_ANSWERS, whole: 3 }, median: 1, p99: 2 };
  const lines = pageOf({ ...quiet, traffic })
    .withClass('path', 'line')
    .map(({ attribs }) => attribs.d);
  expect(lines.slice(0, 2)).toEqual(['M52.5 40.5L67.5 40.5M135 40.5h15', 'M52.5 0.5L67.5 0.5M135 0.5h15']);
});

test('the smallest part of a plot can be seen, and no bar is higher than its scale', () => {
  const answers = { ...NO_ANSWERS, unchanged: 3_000_000, delta: 1, whole: 1, other: 1, clientErrors: 1 };
  const hours = hoursUntil('2026-11-29T17:00:04Z', (index) => (index === 5 ? { answers, median: 1, p99: 2 } : {}));
  const quiet = newService();
  const { withClass } = pageOf({ ...quiet, traffic: { ...quiet.traffic, hours, answers, median: 1, p99: 2 } });
  const [plot] = withClass('svg', 'plot');
  const bars = DomUtils.getElementsByTagName('rect', plot ? [plot] : []).map(({ attribs }) => ({
    kind: attribs.class,
    top: Number(attribs.y),
    height: Number(attribs.height),
  }));
  expect(bars.map(({ kind }) => kind)).toEqual(['k1', 'k2', 'k3', 'k5', 'k4']);
  for (const { top, height } of bars) {
    expect(height).toBeGreaterThanOrEqual(1);
    expect(top).toBeGreaterThanOrEqual(0);
  }
});

test('names of feeds lead to the public pages, where there are any', () => {
  const links = (more: string) => {
    const { all } = pageOf(busyDay(), more);
    return all('a', ({ attribs }) => !/^(?:#|status$|metrics$|readyz$)/.test(attribs.href ?? '')).map(
      ({ attribs }) => attribs.href,
    );
  };
  expect(links('')).toEqual([
    'https://feeds.news.example/',
    ...[
      'latest',
      'language/ckb',
      'language/en',
      'rivers',
      'section/culture',
      'language/ar',
      `tag/${encodeURIComponent('ژینگە')}`,
    ].map((key) => `https://feeds.news.example/feeds/${key}`),
  ]);
  expect(links('pages: off\n')).toEqual([]);
});

test('parts that are nearly full, and long blocks, are named', () => {
  const { load, ...rest } = busyDay();
  const full = {
    queues: load.queues.map((queue) => ({ ...queue, waiting: queue.limit })),
    connections: { open: 8000, limit: 10_000 },
    cache: { ...load.cache, evicted: 1234 },
    eventLoopDelay: 2300,
  };
  const { words, withClass } = pageOf({ ...rest, load: full });
  for (const text of [
    '256 waiting, nearly full',
    '8,000, nearly full',
    '1,234 evicted',
    'blocked for 2.3 s at most: requests wait',
  ]) {
    expect(words).toContain(text);
  }
  expect([withClass('svg', 'warn').length, withClass('svg', 'good').length]).toEqual([1, 0]);
});
