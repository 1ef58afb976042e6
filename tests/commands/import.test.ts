import { constants } from 'node:buffer';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { findSources } from '../../src/ingest/import/source.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import type { StoredRecord } from '../../src/store/store.ts';
import { ask, dataFolder, PUBLICATION, put, record, start } from '../helpers.ts';
import { startApi } from '../http/api.ts';
import { site } from './site.ts';
import { command, type Finished } from './terminal.ts';

/** Imports into a data folder, which also gets the file of refused records. */
function imported(folder: string, ...args: readonly string[]): Promise<Finished> {
  return command(['import', '--data', folder, '--rejected', join(folder, 'rejected.ndjson'), ...args]);
}

/** What was printed before the list of old addresses, which old-addresses.test.ts checks. */
function beforeOldAddresses(finished: Finished): Finished {
  return { ...finished, out: finished.out.split(/^Old addresses/m, 1).join('') };
}

async function stored(folder: string): Promise<readonly StoredRecord[]> {
  const { store } = openDataFolder(folder);
  try {
    return await store.page(0, 100_000);
  } finally {
    await store.close();
  }
}

/** Returns the articles and dates of every feed. */
async function snapshots(folder: string): Promise<unknown> {
  const { store } = openDataFolder(folder);
  try {
    const [now, options] = [Date.now(), { limit: 100_000, tombstonesFor: 0 }];
    const feeds = await store.feeds(now);
    return await Promise.all(feeds.map(async ({ key }) => [key, await store.snapshot(key, now, options)]));
  } finally {
    await store.close();
  }
}

async function titles(folder: string): Promise<Record<string, string>> {
  return Object.fromEntries((await stored(folder)).map(({ article }) => [article.id, article.title]));
}

function ndjson(records: readonly unknown[]): string {
  return records.map((item) => `${JSON.stringify(item)}\n`).join('');
}

function did(created: number, updated: number, unchanged: number, refused: number): string {
  return `${created} created, ${updated} updated, ${unchanged} unchanged, ${refused} refused\n`;
}

const ALL_WELL = { code: 0, err: '', drawn: '' };

const MARKDOWN = `---
url: /bridge
publishedAt: 2026-11-20T10:00:00Z
---
# The bridge is open

The first lorry crossed at dawn.
`;

const WIRE = `Ferry sold
The ferryman has no more to do.
DOHUK (Agency) - He sold the boat on Thursday.
`;

const RSS = `<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>The Mill</title><link>https://mill.example/</link><description>Flour.</description>
<item><title>The wheel turns</title><link>https://mill.example/wheel</link>
<guid isPermaLink="false">mill-7</guid><pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>
<dc:creator>Nadia Miller</dc:creator><description>Water is back.</description>
<content:encoded><![CDATA[<p>Water is back in the <em>race</em>.</p>]]></content:encoded></item>
<item><title>The stone is dressed</title><link>https://mill.example/stone</link>
<guid>https://mill.example/?p=8</guid><pubDate>Thu, 19 Nov 2026 10:00:00 GMT</pubDate>
<description>Two days of chiselling.</description></item>
</channel></rss>`;

const ATOM = `<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>The Kiln</title><id>tag:kiln.example,2026:feed</id>
<updated>2026-11-20T10:00:00Z</updated><author><name>Omar Potter</name></author>
<entry><title>Fired</title><id>tag:kiln.example,2026:1</id><link href="https://kiln.example/1"/>
<published>2026-11-20T10:00:00Z</published><updated>2026-11-20T12:00:00Z</updated>
<content type="html">&lt;p&gt;Forty bowls.&lt;/p&gt;</content></entry></feed>`;

const JSON_FEED = JSON.stringify({
  version: 'https://jsonfeed.org/version/1.1',
  title: 'The Loom',
  items: [
    {
      id: 'urn:loom:1',
      url: 'https://loom.example/1',
      title: 'A carpet',
      content_html: '<p>Knot by knot.</p>',
      date_published: '2026-11-20T10:00:00Z',
    },
  ],
});

const WXR = `<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"
 xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:wp="http://wordpress.org/export/1.2/">
<channel><title>Orchard</title><link>https://orchard.example</link><language>en</language>
<wp:wxr_version>1.2</wp:wxr_version>
<wp:author><wp:author_login>leyla</wp:author_login><wp:author_display_name>Leyla Baran</wp:author_display_name></wp:author>
<item><title>Quinces</title><link>https://orchard.example/quinces/</link><dc:creator>leyla</dc:creator>
<guid isPermaLink="false">https://orchard.example/?p=12</guid>
<content:encoded><![CDATA[A good year.

Two lorries a day.]]></content:encoded><excerpt:encoded><![CDATA[]]></excerpt:encoded>
<wp:post_id>12</wp:post_id><wp:post_date_gmt>2026-11-20 10:00:00</wp:post_date_gmt>
<wp:post_type>post</wp:post_type><wp:status>publish</wp:status>
<category domain="category" nicename="fruit"><![CDATA[Fruit]]></category></item>
<item><title>A draft</title><link>https://orchard.example/?p=13</link><dc:creator>leyla</dc:creator>
<guid isPermaLink="false">https://orchard.example/?p=13</guid><content:encoded><![CDATA[Not yet.]]></content:encoded>
<wp:post_id>13</wp:post_id><wp:post_date_gmt>2026-11-20 11:00:00</wp:post_date_gmt>
<wp:post_type>post</wp:post_type><wp:status>draft</wp:status></item>
</channel></rss>`;

/** The last line of output for that export. */
const DRAFT = 'Skipped: 1 draft\n';

const TWO_LINES = ndjson([record({ id: 'a', title: 'First' }), record({ id: 'b', title: 'Second' })]);

/** An article that a file gives. */
type Given = readonly [id: string, publicId: string, title: string, authors: readonly string[]];

const SOURCES: readonly (readonly [name: string, content: string, given: readonly Given[]])[] = [
  [
    'lines.ndjson',
    TWO_LINES,
    [
      ['a', 'tag:news.example,2026:a', 'First', []],
      ['b', 'tag:news.example,2026:b', 'Second', []],
    ],
  ],
  ['one.json', JSON.stringify(record({ id: 'own' })), [['own', 'tag:news.example,2026:own', 'A title', []]]],
  [
    'unnamed.json',
    JSON.stringify(record({ id: undefined })),
    [['unnamed', 'tag:news.example,2026:unnamed', 'A title', []]],
  ],
  [
    'many.json',
    JSON.stringify([record({ id: 'x', title: 'X' }), record({ id: 'y', title: 'Y', authors: [{ name: 'Rojin' }] })]),
    [
      ['x', 'tag:news.example,2026:x', 'X', []],
      ['y', 'tag:news.example,2026:y', 'Y', ['Rojin']],
    ],
  ],
  ['bridge.md', MARKDOWN, [['bridge', 'tag:news.example,2026:bridge', 'The bridge is open', []]]],
  ['2026-11-19-ferry.txt', WIRE, [['2026-11-19-ferry', 'tag:news.example,2026:2026-11-19-ferry', 'Ferry sold', []]]],
  [
    'mill.rss',
    RSS,
    [
      ['mill-7', 'mill-7', 'The wheel turns', ['Nadia Miller']],
      ['https://mill.example/?p=8', 'https://mill.example/?p=8', 'The stone is dressed', []],
    ],
  ],
  ['kiln.atom', ATOM, [['tag:kiln.example,2026:1', 'tag:kiln.example,2026:1', 'Fired', ['Omar Potter']]]],
  ['loom.json', JSON_FEED, [['urn:loom:1', 'urn:loom:1', 'A carpet', []]]],
  [
    'orchard.xml',
    WXR,
    [['https://orchard.example/?p=12', 'https://orchard.example/?p=12', 'Quinces', ['Leyla Baran']]],
  ],
];

async function given(folder: string): Promise<Given[]> {
  const found = await stored(folder);
  return found.map(({ article }) => [
    article.id,
    article.publicId,
    article.title,
    article.authors.map(({ name }) => name),
  ]);
}

test.each(SOURCES)('%s is imported, and a second import changes nothing', async (name, content, expected) => {
  const folder = await dataFolder({ [`in/${name}`]: content });
  const file = join(folder, 'in', name);
  const first = await imported(folder, file);
  const kept = await stored(folder);
  const second = await imported(folder, file);

  const passedOver = name === 'orchard.xml' ? DRAFT : '';

  expect(beforeOldAddresses(first)).toEqual({ ...ALL_WELL, out: `${did(expected.length, 0, 0, 0)}${passedOver}` });
  expect(await given(folder)).toEqual(expected);
  expect(beforeOldAddresses(second)).toEqual({ ...ALL_WELL, out: `${did(0, 0, expected.length, 0)}${passedOver}` });
  expect(await stored(folder)).toEqual(kept);
});

test.each(SOURCES)('the progress of %s counts as many bytes as it has', async (name, content) => {
  const folder = await dataFolder({ [`in/${name}`]: content });
  const [source] = await findSources(join(folder, 'in'));
  let read = 0;
  const progress: number[] = [];
  const advance = (bytes: number): void => {
    read += bytes;
  };
  const items = source?.items(advance, () => {});
  for await (const _ of items ?? []) progress.push(read);

  expect(source?.size).toBe(Buffer.byteLength(content));
  expect(Math.max(...progress)).toBeLessThanOrEqual(Buffer.byteLength(content));
  expect(read).toBe(source?.size);
});

/** A record with a usual number of names: a thousand of them together exceed the limit of one record. */
function ordinary(number: number): Readonly<Record<string, unknown>> {
  const authors = [{ name: 'Rojin', url: 'https://news.example/rojin', email: 'rojin@news.example' }];
  return record({ id: `n${number}`, title: `Story ${number}`, summary: 'S', language: 'en', authors });
}

function feedItem(number: number): Readonly<Record<string, unknown>> {
  return {
    id: `urn:n:${number}`,
    url: `https://loom.example/${number}`,
    title: `Carpet ${number}`,
    content_html: '<p>Knot by knot.</p>',
    summary: 'S',
    date_published: '2026-11-20T10:00:00Z',
    authors: [{ name: 'Rojin', url: 'https://news.example/rojin', avatar: 'https://news.example/rojin.jpg' }],
  };
}

function numbered<Made>(count: number, made: (number: number) => Made): Made[] {
  return Array.from({ length: count }, (_, number) => made(number));
}

describe('limits on JSON apply to each record alone', () => {
  const VERSION = 'https://jsonfeed.org/version/1.1';

  test.each([
    ['a list', JSON.stringify(numbered(1200, ordinary))],
    ['a list over many lines', JSON.stringify(numbered(1200, ordinary), null, 2)],
    ['a JSON Feed', JSON.stringify({ version: VERSION, items: numbered(1200, feedItem) })],
    ['a JSON Feed whose version comes last', JSON.stringify({ items: numbered(1200, feedItem), version: VERSION })],
  ])('%s of 1,200 ordinary records is imported', async (_, content) => {
    const folder = await dataFolder({ 'in/many.json': content });

    expect(await imported(folder, join(folder, 'in'))).toEqual({ ...ALL_WELL, out: did(1200, 0, 0, 0) });
  });

  test.each([
    ['a list', (items: string) => `[\n${items}\n]`, JSON.stringify(ordinary(0)), JSON.stringify(ordinary(2))],
    [
      'a JSON Feed',
      (items: string) => `{"version": "${VERSION}", "title": "T", "items": [\n${items}\n]}`,
      JSON.stringify(feedItem(0)),
      JSON.stringify(feedItem(2)),
    ],
  ])('of %s one bad record is refused alone, with its position', async (_, whole, first, last) => {
    const twice = first.replaceAll('n0', 'n1').replaceAll(':0', ':1').replace('"title"', '"title": "Other", "title"');
    const names = numbered(10_001, (number) => `"x${number}": 1`).join(', ');
    const many = `\n  {${names}}`;
    const folder = await dataFolder({ 'in/a.json': whole([first, twice, many, last].join(',\n')) });
    const file = join(folder, 'in/a.json');
    const { out, err } = await imported(folder, file);

    expect(out).toBe(did(2, 0, 0, 2));
    expect(err.split('\n').slice(0, 2)).toEqual([
      `${file}:3:${twice.lastIndexOf('"title"') + 1}: title: stands twice in one object, in “${JSON.parse(twice).title}”`,
      expect.stringMatching(/a\.json:5:\d+: must not have more than 10000 names$/),
    ]);
  });

  test('an incomplete list gives its complete records', async () => {
    const [first, second] = numbered(2, (number) => JSON.stringify(ordinary(number)));
    const folder = await dataFolder({ 'in/a.json': `[\n${first},\n${second?.slice(0, 50)}` });
    const { out, err } = await imported(folder, join(folder, 'in'));

    expect(out).toBe(did(1, 0, 0, 1));
    expect(err).toContain('a.json:3:51: must end with the list’s closing bracket');
  });

  test.each([
    ['[]', did(0, 0, 0, 0)],
    [' [ ] ', did(0, 0, 0, 0)],
    [`[${JSON.stringify(record())},]`, did(1, 0, 0, 1)],
    [`[${JSON.stringify(record())}] x`, did(1, 0, 0, 1)],
    [`[${JSON.stringify(record({ title: ']"[,\\' }))}]`, did(1, 0, 0, 0)],
  ])('the list %j', async (content, expected) => {
    const folder = await dataFolder({ 'in/a.json': content });
    expect((await imported(folder, join(folder, 'in'))).out).toBe(expected);
  });

  test('the fields of a feed itself have the same limits', async () => {
    const folder = await dataFolder({ 'in/a.json': JSON_FEED.replace('"items"', '"items": [],\n"items"') });
    const { out, err } = await imported(folder, join(folder, 'in'));

    expect(out).toBe(did(0, 0, 0, 1));
    expect(err).toContain('a.json:2:1: items: stands twice in one object');
  });

  test('a record after a byte order mark, and one with spaces, are imported', async () => {
    const folder = await dataFolder();
    const file = join(folder, 'marked.ndjson');
    await writeFile(
      file,
      `\uFEFF${JSON.stringify(record({ id: 'a' }))}\n { "id" : "b", ${JSON.stringify(record({ id: undefined })).slice(1)} \n`,
    );
    expect(await imported(folder, file)).toMatchObject({ out: did(2, 0, 0, 0) });
    expect((await stored(folder)).map((each) => each.record)).toEqual([record({ id: 'a' }), record({ id: 'b' })]);
    expect(await imported(folder, file)).toMatchObject({ out: did(0, 0, 2, 0) });
  });

  test('a file that is too long for a string is refused before it is read, with NDJSON as the way out', async () => {
    const folder = await dataFolder({ 'in/a.json': '' });
    await truncate(join(folder, 'in/a.json'), constants.MAX_STRING_LENGTH + 1);
    const { out, err } = await imported(folder, join(folder, 'in'));

    expect(out).toBe(did(0, 0, 0, 1));
    expect(err).toContain('a.json: must not be longer than 536870888 bytes: convert it to NDJSON, one record a line,');
  });
});

test('a folder of all kinds of files is imported at once, with ids from paths', async () => {
  const folder = await dataFolder(Object.fromEntries(SOURCES.map(([name, content]) => [`in/deep/${name}`, content])));
  const { code, out } = beforeOldAddresses(await imported(folder, join(folder, 'in')));
  const expected = SOURCES.flatMap(([, , articles]) => articles.map(([id]) => id));
  const fromPaths = ['unnamed', 'bridge', '2026-11-19-ferry'];

  expect([code, out]).toEqual([0, `${did(expected.length, 0, 0, 0)}${DRAFT}`]);
  expect((await stored(folder)).map(({ article }) => article.id).sort()).toEqual(
    expected.map((id) => (fromPaths.includes(id) ? `deep/${id}` : id)).sort(),
  );
});

test('one number that JSON cannot hold costs its own record of a list, with its line', async () => {
  const list = ['a', 'b', 'c'].map((id) => JSON.stringify(record({ id })));
  const broken = JSON.stringify(record({ id: 'x', image: { url: '/a.png', length: 1 } })).replace(
    '"length":1',
    '"length":1e999',
  );
  const folder = await dataFolder({ 'in/list.json': `[\n${[list[0], broken, list[1], list[2]].join(',\n')}\n]` });
  const { code, out, err } = await imported(folder, join(folder, 'in/list.json'));

  expect([code, out]).toEqual([1, did(3, 0, 0, 1)]);
  expect(err).toContain('list.json:3: image.length: ');
});

describe('files whose paths make the same id', () => {
  const story = (title: string) => MARKDOWN.replace('The bridge is open', title);
  const named = (title: string) => story(title).replace('---', '---\nid: story');
  const A = { 'a/story.md': story('A'), 'b/story.md': story('B') };

  test.each<[string, Readonly<Record<string, string>>, readonly [string, string]]>([
    ['in two folders', A, ['a', 'b']],
    ['in two formats', { 'a/story.md': story('A'), 'b/story.txt': WIRE }, ['a/story.md', 'b/story.txt']],
    [
      'in one folder',
      { 'a/story.json': JSON.stringify(record({ id: undefined, title: 'A' })), 'a/story.md': story('B') },
      ['a/story.json', 'a/story.md'],
    ],
  ])('%s: the first is imported, the other refused, and a second import changes nothing', async (_, files, paths) => {
    const folder = await dataFolder(files);
    const [first, other] = paths.map((path) => join(folder, path)) as [string, string];
    const dry = await imported(folder, '--dry-run', first, other);
    const runs = [await imported(folder, first, other), await imported(folder, first, other)];
    const [owner, refused] = [first, other].map((path) => (path.includes('story') ? path : join(path, 'story.md')));
    const rule = `is the id of ${owner} already, made of its path as well: name one in the record`;

    expect(dry.out).toBe(`Dry run, nothing was changed: ${did(1, 0, 0, 1)}`);
    expect(runs.map(({ out }) => out)).toEqual([did(1, 0, 0, 1), did(0, 0, 1, 1)]);
    const [line = ''] = runs[0]?.err.split('\n') ?? [];
    expect(line.startsWith(`${refused}: id: ${rule} (value: story), in “`), line).toBe(true);
    expect(await titles(folder)).toEqual({ story: 'A' });
  });

  test('stay refused from the file of refused records until they have an id', async () => {
    const folder = await dataFolder(A);
    const rejected = join(folder, 'rejected.ndjson');
    await imported(folder, join(folder, 'a'), join(folder, 'b'));
    const unmended = await imported(folder, rejected);
    await writeFile(rejected, ndjson([{ ...JSON.parse(await readFile(rejected, 'utf8')), id: 'other' }]));
    const mended = await imported(folder, rejected);

    expect([unmended.out, unmended.err.split('\n')[0]]).toEqual([
      did(0, 0, 0, 1),
      `${rejected}:1: id: is required, in “B”`,
    ]);
    expect(mended.out).toBe(did(1, 0, 0, 0));
    expect(await titles(folder)).toEqual({ story: 'A', other: 'B' });
  });

  test('are the same file if it is named twice', async () => {
    const folder = await dataFolder(A);
    const { out } = await imported(folder, join(folder, 'a'), `${folder}/./a/story.md`);

    expect(out).toBe(did(1, 0, 1, 0));
  });

  test.each([
    ['the first', [named('A'), story('B')], (owner: string) => `is the id of ${owner} already: name one in the record`],
    [
      'the other',
      [story('A'), named('B')],
      (owner: string) => `is the id of ${owner} already, made of its path: name another in the record`,
    ],
  ])('do not replace one another if %s record names the id', async (_, [first = '', other = ''], rule) => {
    const folder = await dataFolder({ 'a/story.md': first, 'b/story.md': other });
    const runs = [await imported(folder, join(folder, 'a'), join(folder, 'b'))];
    runs.push(await imported(folder, join(folder, 'a'), join(folder, 'b')));
    const [owner, refused] = ['a', 'b'].map((name) => join(folder, name, 'story.md')) as [string, string];

    expect(runs.map(({ out }) => out)).toEqual([did(1, 0, 0, 1), did(0, 0, 1, 1)]);
    expect(runs[0]?.err.split('\n')[0]).toBe(`${refused}: id: ${rule(owner)} (value: story), in “B”`);
    expect(await titles(folder)).toEqual({ story: 'A' });
  });

  test('may both name the id: the last one wins', async () => {
    const folder = await dataFolder({ 'a/story.md': named('A'), 'b/other.md': named('B') });
    const { out } = await imported(folder, join(folder, 'a'), join(folder, 'b'));

    expect([out, await titles(folder)]).toEqual([did(1, 1, 0, 0), { story: 'B' }]);
  });

  test('are refused for their own reason if the id is not valid', async () => {
    const none = story('A').replace('---', '---\nid: [7]');
    const folder = await dataFolder({ 'in/a.md': none, 'in/b.md': none });
    const { out, err } = await imported(folder, join(folder, 'in'));

    expect(out).toBe(did(0, 0, 0, 2));
    expect(err).not.toContain('is the id of');
  });
});

test('a text without a date gets the date of its file, and keeps it when the file is written again', async () => {
  const folder = await dataFolder({ 'in/ferry.txt': WIRE });
  await imported(folder, join(folder, 'in'));
  const [before] = await stored(folder);
  await new Promise((done) => setTimeout(done, 1100));
  await put(folder, 'in/ferry.txt', WIRE.replace('Thursday', 'Friday'));
  const { out } = await imported(folder, join(folder, 'in'));
  const [after] = await stored(folder);

  expect(out).toBe(did(0, 1, 0, 0));
  expect(after?.article.publishedAt).toBe(before?.article.publishedAt);
});

test('a story with a date of change alone can be corrected', async () => {
  const first = ATOM.replace(/<published>.*?<\/published>/, '');
  const folder = await dataFolder({ 'in/kiln.atom': first });
  const outs = [(await imported(folder, join(folder, 'in'))).out, (await imported(folder, join(folder, 'in'))).out];
  const [before] = await stored(folder);
  await put(folder, 'in/kiln.atom', first.replace('T12:', 'T13:').replace('Fired', 'Mended'));
  outs.push((await imported(folder, join(folder, 'in'))).out);
  const [after] = await stored(folder);

  expect(outs).toEqual([did(1, 0, 0, 0), did(0, 0, 1, 0), did(0, 1, 0, 0)]);
  expect(before?.article.publishedAt).toBe(Date.parse('2026-11-20T12:00:00Z'));
  expect([after?.article.title, after?.article.publishedAt, after?.article.updatedAt]).toEqual([
    'Mended',
    Date.parse('2026-11-20T12:00:00Z'),
    Date.parse('2026-11-20T13:00:00Z'),
  ]);
});

describe('--dry-run', () => {
  test('prints the same counts, and changes nothing', async () => {
    const folder = await dataFolder();
    await put(folder, 'in/first.ndjson', TWO_LINES);
    await imported(folder, join(folder, 'in'));
    const kept = await stored(folder);
    const records = [
      record({ id: 'a', title: 'Mended' }),
      record({ id: 'b', title: 'Second' }),
      record({ id: 'c' }),
      record({ id: 'd', url: 'nowhere:', title: '' }),
      record({ id: 'a', publishedAt: '2025-01-01T00:00:00Z' }),
    ];
    await put(folder, 'in/first.ndjson', ndjson(records));
    const dry = await imported(folder, '--dry-run', join(folder, 'in'));

    expect(dry.out).toBe(`Dry run, nothing was changed: ${did(1, 1, 1, 2)}`);
    expect(await stored(folder)).toEqual(kept);
    const wet = await imported(folder, join(folder, 'in'));
    expect(wet.out).toBe(did(1, 1, 1, 2));
    const place = `Refused records are in ${join(folder, 'rejected.ndjson')}: fix them there and import that file.`;
    expect([wet.code, wet.err]).toEqual([dry.code, `${dry.err}${place}\n`]);
  });

  test('counts a repeated id as the import would, over several batches', async () => {
    const many = Array.from({ length: 1200 }, (_, number) => record({ id: `n${number % 700}`, title: `T${number}` }));
    const folder = await dataFolder({ 'in/many.ndjson': ndjson(many) });
    const dry = await imported(folder, '--dry-run', join(folder, 'in'));
    expect(await stored(folder)).toEqual([]);
    const wet = await imported(folder, join(folder, 'in'));

    expect(wet.out).toBe(did(700, 500, 0, 0));
    expect(dry.out).toBe(`Dry run, nothing was changed: ${wet.out}`);
  });

  test('leaves no feeds behind', async () => {
    const folder = await dataFolder({ 'in/a.ndjson': ndjson([record({ sections: ['World'] })]) });
    await imported(folder, '--dry-run', join(folder, 'in'));
    const { store } = openDataFolder(folder);
    const feeds = await store.feeds(Date.now());
    await store.close();

    expect(feeds).toEqual([{ key: 'latest', name: '' }]);
  });
});

/** A record that is accepted, and two that are refused. */
const BAD = [
  record({ id: 'good' }),
  record({ id: 'no-date', publishedAt: '2026-02-30T10:00:00Z' }),
  record({ id: 'no-title', title: '' }),
];

describe('the file of refused records', () => {
  test('has records that can be fixed and imported; they are printed with file, line, field and rule', async () => {
    const folder = await dataFolder({ 'in/a.ndjson': `${ndjson(BAD)}\n{"id": "broken",\n` });
    const { code, out, err } = await imported(folder, join(folder, 'in'));
    const file = join(folder, 'in/a.ndjson');
    const rejected = join(folder, 'rejected.ndjson');

    expect([code, out]).toEqual([1, did(1, 0, 0, 3)]);
    expect(err.split('\n')).toEqual([
      `${file}:2: publishedAt: must be a date that exists, with time and zone, as 2026-11-22T10:46:00+03:00 (RFC 3339 §5.6) (value: 2026-02-30T10:00:00Z), in “A title”`,
      `${file}:3: title: must not be empty (value: )`,
      expect.stringMatching(/a\.ndjson:5:\d+: is not JSON here$/),
      `Refused records are in ${rejected}: fix them there and import that file.`,
      '',
    ]);
    expect(await readFile(rejected, 'utf8')).toBe(`${ndjson(BAD.slice(1))}{"id": "broken",\n`);

    const mended = BAD.slice(1).map((bad) => ({ ...bad, title: 'Mended', publishedAt: '2026-11-20T10:00:00Z' }));
    await writeFile(rejected, ndjson([...mended, record({ id: 'broken' })]));
    const again = await command(['import', '--data', folder, '--rejected', join(folder, 'again.ndjson'), rejected]);
    expect(again).toEqual({ ...ALL_WELL, out: did(3, 0, 0, 0) });
    expect(await titles(folder)).toEqual({
      good: 'A title',
      'no-date': 'Mended',
      'no-title': 'Mended',
      broken: 'A title',
    });
  });

  test('can be imported itself: records that are still refused stay in it', async () => {
    const folder = await dataFolder({ 'in/a.ndjson': ndjson(BAD) });
    const rejected = join(folder, 'rejected.ndjson');
    await imported(folder, join(folder, 'in'));
    await writeFile(rejected, ndjson([{ ...BAD[1], publishedAt: '2026-11-20T10:00:00Z' }, BAD[2]]));
    const { out } = await imported(folder, rejected);

    expect(out).toBe(did(1, 0, 0, 1));
    expect(await readFile(rejected, 'utf8')).toBe(ndjson([BAD[2]]));
  });

  test('does not replace that of another import, in which somebody may be fixing records', async () => {
    const folder = await dataFolder({ 'in/a.ndjson': ndjson(BAD.slice(1, 2)), 'in/b.ndjson': ndjson(BAD.slice(2)) });
    const rejected = join(folder, 'rejected.ndjson');
    const where = (name: string) =>
      `Refused records are in ${join(folder, name)}: fix them there and import that file.\n`;
    const first = await imported(folder, join(folder, 'in/a.ndjson'));
    const second = await imported(folder, join(folder, 'in/b.ndjson'));
    const third = await imported(folder, join(folder, 'in/b.ndjson'));
    const again = await imported(folder, join(folder, 'in/a.ndjson'), relative('.', rejected));

    expect(first.err).toContain(where('rejected.ndjson'));
    expect(second.err).toContain(where('rejected-2.ndjson'));
    expect(third.err).toContain(where('rejected-3.ndjson'));
    expect(again.err).toContain(where('rejected.ndjson'));
    expect(await readFile(join(folder, 'rejected-2.ndjson'), 'utf8')).toBe(ndjson(BAD.slice(2)));
    expect(await readFile(rejected, 'utf8')).toBe(ndjson([BAD[1], BAD[1]]));
    expect((await readdir(folder)).filter((name) => name.includes('part'))).toEqual([]);
  });

  test('does not replace one with a record that is too long to be copied', async () => {
    const long = JSON.stringify(record({ id: 'long', body: 'x'.repeat(9 * 1024 * 1024) }));
    const folder = await dataFolder({ 'rejected.ndjson': `${long}\n${ndjson(BAD.slice(1))}` });
    const { out, err } = await imported(folder, join(folder, 'rejected.ndjson'));

    expect(out).toBe(did(0, 0, 0, 3));
    expect(err).toContain(`2 of 3 refused records are in ${join(folder, 'rejected-2.ndjson')}: `);
    expect(await readFile(join(folder, 'rejected.ndjson'), 'utf8')).toBe(`${long}\n${ndjson(BAD.slice(1))}`);
  });

  test('is read to its end while it is written, if it is large', async () => {
    const bad = Array.from({ length: 7000 }, (_, number) =>
      JSON.stringify({ id: `n${number}`, body: 'x'.repeat(700) }),
    );
    const folder = await dataFolder({ 'rejected.ndjson': `${bad.join('\n')}\n` });
    const { out } = await imported(folder, join(folder, 'rejected.ndjson'));
    const kept = await readFile(join(folder, 'rejected.ndjson'), 'utf8');

    expect(out).toBe(did(0, 0, 0, 7000));
    expect(kept.trim().split('\n').length).toBe(7000);
    expect(new Set(kept.trim().split('\n'))).toEqual(new Set(bad));
  });
});

describe('records that are refused', () => {
  test('in a file that is not JSON are reported with the file, and other files are imported', async () => {
    const folder = await dataFolder({ 'in/a.json': '{"id": ', 'in/b.json': JSON.stringify(record({ id: 'b' })) });
    const { code, out, err } = await imported(folder, join(folder, 'in'));

    expect([code, out]).toEqual([1, did(1, 0, 0, 1)]);
    expect(err).toContain(`${join(folder, 'in/a.json')}:`);
  });

  test.each([
    ['rss', RSS.replace('</channel></rss>', '<item><title>Half')],
    ['xml', '<html><body>404</body></html>'],
    ['md', '---\n: :\n  - [\n---\nText'],
    ['txt', Buffer.from([0xff, 0xfe, 0x41])],
    ['png', 'not an article'],
    ['json', '"a text"'],
    ['ndjson', '[]\n'],
  ])('in a .%s that cannot be read: exit code 1, and a reason with the file', async (ending, content) => {
    const folder = await dataFolder({ [`in/a.${ending}`]: content });
    const { code, out, err } = await imported(folder, join(folder, `in/a.${ending}`));

    expect([code, out.split(', ').at(-1)]).toEqual([1, '1 refused\n']);
    expect(err).toContain(`${join(folder, `in/a.${ending}`)}:`);
    expect(err).not.toContain('    at ');
  });

  test.each([
    [
      'md',
      '---\ntitle: A\nurl: /a\npublishedAt: soon\nsection: [x]\n---\nText',
      ['4:14: publishedAt', '5:10: section'],
    ],
    [
      'md',
      '---\ntitle: A\nurl: /a\npublishedAt: 2026-11-20T10:00:00Z\nimage:\n  url: ftp://x\n---\nText',
      ['6:8: image.url'],
    ],
    ['txt', '---\nurl: ftp://x\n---\nHeadline\nStandfirst\nCITY (Agency) - Text', ['2:6: url']],
    ['json', JSON.stringify(record({ publishedAt: 'soon' }), null, 1), [/^\d+:\d+: publishedAt/]],
  ])('in a file of its own (.%s) are reported with line and column', async (ending, content, places) => {
    const folder = await dataFolder({ [`a.${ending}`]: content });
    const file = join(folder, `a.${ending}`);
    const { err } = await imported(folder, '--report', join(folder, 'report.json'), file);
    const found = err.split('\n').filter((line) => line.startsWith(`${file}:`));
    const { refusals } = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'));

    expect(found.map((line) => line.slice(file.length + 1))).toEqual(
      places.map((place) => expect.stringMatching(place)),
    );
    expect(refusals[0].problems).toHaveLength(places.length);
    for (const { line, column } of refusals[0].problems) expect([line > 0, column > 0]).toEqual([true, true]);
  });

  test('that cannot be copied must be fixed in the source', async () => {
    const folder = await dataFolder({ 'in/a.md': '---\n: :\n  - [\n---\nText' });
    const none = await imported(folder, join(folder, 'in'));
    await put(folder, 'in/b.ndjson', ndjson(BAD));
    const some = await imported(folder, join(folder, 'in'));
    const rejected = join(folder, 'rejected.ndjson');

    expect([none.out, some.out]).toEqual([did(0, 0, 0, 1), did(1, 0, 0, 3)]);
    expect(none.err.split('\n').at(-2)).toBe('Fix the source, or wait until it can be read, and import again.');
    expect(some.err.split('\n').at(-2)).toBe(
      `2 of 3 refused records are in ${rejected}: fix them there and import that file. Fix the others in the source.`,
    );
    expect(await readFile(rejected, 'utf8')).toBe(ndjson(BAD.slice(1)));
  });

  test('beyond fifty are counted, not printed one by one', async () => {
    const bad = Array.from({ length: 70 }, (_, number) => record({ id: `n${number}`, title: '' }));
    const folder = await dataFolder({ 'in/a.ndjson': ndjson(bad) });
    const { code, out, err } = await imported(folder, join(folder, 'in'));
    const lines = err.trim().split('\n');

    expect([code, out]).toEqual([1, did(0, 0, 0, 70)]);
    expect(lines.length).toBe(52);
    expect(lines.at(-1)).toBe('20 more refused records are not shown here.');
    expect(await readFile(join(folder, 'rejected.ndjson'), 'utf8')).toBe(ndjson(bad));
  });

  test('are printed and saved in the order of their lines', async () => {
    const bad = Array.from({ length: 2000 }, (_, number) => record({ id: `n${number}`, title: '' }));
    const folder = await dataFolder({ 'in/a.ndjson': ndjson(bad) });
    const { err } = await imported(folder, join(folder, 'in'));
    const lines = [...err.matchAll(/a\.ndjson:(\d+):/g)].map(([, line]) => Number(line));

    const kept = (await readFile(join(folder, 'rejected.ndjson'), 'utf8')).trim().split('\n');

    expect(lines).toEqual(Array.from({ length: 50 }, (_, number) => number + 1));
    // The first record that is out of order.
    expect(kept.findIndex((line, number) => line !== JSON.stringify(bad[number]))).toBe(-1);
  });

  test('include an article whose identity would change', async () => {
    const folder = await dataFolder({ 'in/a.ndjson': ndjson([record()]) });
    await imported(folder, join(folder, 'in'));
    await put(folder, 'in/a.ndjson', ndjson([record({ publishedAt: '2026-11-19T10:00:00Z' })]));
    const { code, out, err } = await imported(folder, join(folder, 'in'));

    expect([code, out]).toEqual([1, did(0, 0, 0, 1)]);
    expect(err).toContain('a.ndjson:1: publishedAt: must stay 2026-11-20T10:00:00Z');
  });
});

test('everything in a WordPress export but published posts is skipped and counted by reason', async () => {
  const items = ['article/publish', 'article/publish', 'post/private', 'page/publish', 'post/'].map((kind, number) => {
    const [type, status] = kind.split('/');
    return `<item><title>${number}</title><guid>g${number}</guid><wp:post_type>${type}</wp:post_type><wp:status>${status}</wp:status></item>`;
  });
  const folder = await dataFolder({
    'in/a.xml': WXR.replace(/<item>.*<\/item>/s, items.join('')),
    'in/b.xml': WXR.replace(/<item>.*<\/item>/s, items.slice(2, 3).join('')),
  });
  const skipped = 'Skipped: 2 of type article, 2 private, 1 of type page, 1 without a status\n';
  const dry = await imported(folder, '--dry-run', join(folder, 'in'));
  const wet = await imported(folder, join(folder, 'in'));

  const planned = `Dry run, nothing was changed: ${did(0, 0, 0, 0)}${skipped}`;
  expect(beforeOldAddresses(dry)).toEqual({ ...ALL_WELL, out: planned });
  expect(beforeOldAddresses(wet)).toEqual({ ...ALL_WELL, out: `${did(0, 0, 0, 0)}${skipped}` });
});

test('files that stories show and that a WordPress export lacks are counted', async () => {
  const post = (id: number, content: string, thumbnail: string) =>
    `<item><title>${id}</title><link>https://old.example/${id}</link><guid>g${id}</guid><wp:post_id>${id}</wp:post_id>
<wp:post_date_gmt>2024-10-02 13:00:00</wp:post_date_gmt><wp:post_type>post</wp:post_type><wp:status>publish</wp:status>
<content:encoded>Text ${content}</content:encoded>
<wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key><wp:meta_value>${thumbnail}</wp:meta_value></wp:postmeta></item>`;
  const items = [post(1, '[gallery ids="7, 8"]', '9'), post(2, '[playlist ids="7"][gallery ids=""]', '0')];
  const folder = await dataFolder({ 'in.xml': WXR.replace(/<item>.*<\/item>/s, items.join('')) });
  const { out, err } = beforeOldAddresses(await imported(folder, join(folder, 'in.xml')));

  expect(out).toBe(`${did(2, 0, 0, 0)}Adjustments: 3 element_not_imported\n`);
  expect(err).toBe(
    `${join(folder, 'in.xml')}: not imported: 2 of the [gallery] files (absent from the export), 1 of the featured images (absent from the export), 1 of the [playlist] files (absent from the export)\n`,
  );
});

test.each([
  [
    'names none',
    '<rss version="2.0">',
    'is not UTF-8, and the document names no encoding: it is read as Windows-1252.',
  ],
  ['is not what is named', '<?xml version="1.0" encoding="utf-8"?><rss version="2.0">', 'must be utf-8, as it says'],
])('a document whose encoding %s is reported once for each story', async (_name, head, rule) => {
  const story = (id: string) =>
    `<item><title>Caf\u00e9 ${id}</title><link>https://old.example/${id}</link><guid>${id}</guid>
<pubDate>Wed, 02 Oct 2024 13:00:00 GMT</pubDate><description>D\u00e9j\u00e0</description><author>Ren\u00e9</author></item>`;
  const text = `${head}<channel><title>x</title>\n${story('a')}\n${story('b')}</channel></rss>`;
  const folder = await dataFolder({ 'in.rss': Buffer.from(text, 'latin1') });
  const { out, err } = await imported(folder, join(folder, 'in.rss'));

  expect(out).toBe(`${did(2, 0, 0, 0)}Adjustments: 2 source_repaired\n`);
  expect(err.split(rule)).toHaveLength(3);
});

describe('a file that cannot be read', () => {
  /** A folder with a path of 4,000 characters: most paths below it are too long for the system. */
  async function deepFolder(top: string): Promise<string> {
    let path = top;
    const names: string[] = [];
    while (path.length < 4000) {
      const left = 4000 - path.length - 1;
      names.push('d'.repeat(left > 400 ? 200 : Math.min(left, 200)));
      path = join(path, names.at(-1) ?? '');
    }
    const below = 'b'.repeat(150);
    // Step by step, because the whole path is too long for mkdir as well.
    const steps = [...names.map((name) => `mkdir -p ${name} && cd ${name}`), `echo > ${below}.md`, `mkdir ${below}`];
    execFileSync('sh', ['-ec', steps.join('\n')], { cwd: top });
    onTestFinished(() => void execFileSync('rm', ['-rf', join(top, names[0] ?? '')]));
    return join(path, below);
  }

  test('in a folder is refused with its name, as is a folder, and the others are imported', async () => {
    const folder = await dataFolder({ 'in/a.ndjson': TWO_LINES, 'in/z.json': JSON.stringify(record({ id: 'z' })) });
    const below = await deepFolder(join(folder, 'in'));
    const { code, out, err } = await imported(folder, join(folder, 'in'));

    expect([code, out]).toEqual([1, did(3, 0, 0, 2)]);
    expect(err.split('\n')).toEqual([
      expect.stringMatching(
        `^${below}.md: cannot be read: its path is longer than the system allows \\(ENAMETOOLONG\\)$`,
      ),
      expect.stringMatching(`^${below}: cannot be read: its path is longer than the system allows \\(ENAMETOOLONG\\)$`),
      'Fix the source, or wait until it can be read, and import again.',
      '',
    ]);
  });

  test.each(['a.ndjson', 'a.json', 'a.md', 'a.txt', 'a.rss'])(
    '%s is refused if it is removed during the import',
    async (name) => {
      const folder = await dataFolder({ [`in/${name}`]: TWO_LINES });
      const [source] = await findSources(join(folder, 'in'));
      await rm(join(folder, 'in', name));
      const items: unknown[] = [];
      for await (const item of source?.items(
        () => {},
        () => {},
      ) ?? [])
        items.push(item);

      expect(items).toEqual([
        {
          file: join(folder, 'in', name),
          content: {
            problems: [
              {
                field: '',
                rule: expect.stringMatching(/^cannot be read: there is no such file or folder \(ENOENT\)$/),
              },
            ],
          },
        },
      ]);
    },
  );
});

test('an import that fails has saved the records it has read, and prints their counts', async () => {
  const folder = await dataFolder({ 'in.ndjson': `${ndjson(numbered(1500, ordinary))}{}\n${ndjson([record()])}` });
  const rejected = join(folder, 'nowhere/rejected.ndjson');
  const { code, out, err } = await command([
    'import',
    '--data',
    folder,
    '--rejected',
    rejected,
    join(folder, 'in.ndjson'),
  ]);

  expect([code, out]).toEqual([1, did(1500, 0, 0, 1)]);
  expect(err).toContain(`${rejected} cannot be written: there is no such file or folder (ENOENT).`);
  expect(await stored(folder)).toHaveLength(1501);
});

test('an import that is killed and run again gives the same store as one without a kill', async () => {
  const records = numbered(8000, (number) =>
    record({ id: `n${number}`, title: `T${number}`, tags: [`t${number % 5}`] }),
  );
  const other = await dataFolder();
  const MAIN = join(import.meta.dirname, '../../src/start.js');
  const killed = async () => {
    const folder = await dataFolder({ 'in.ndjson': ndjson(records) });
    const file = join(folder, 'in.ndjson');
    const { store } = openDataFolder(folder);
    const child = spawn(process.execPath, [MAIN, 'import', '--data', folder, file], { stdio: 'ignore' });
    const gone = once(child, 'exit');
    while ((await store.count()) === 0 && child.exitCode === null) await sleep(5);
    child.kill('SIGKILL');
    await gone;
    const left = await store.count();
    await store.close();
    return { folder, file, left };
  };
  let { folder, file, left } = await killed();
  // On a busy machine, an import may be done before it is killed.
  while (left === records.length) ({ folder, file, left } = await killed());
  const again = await imported(folder, file);
  await imported(other, file);

  expect(left).toBeGreaterThan(0);
  expect(left).toBeLessThan(records.length);
  expect(again.out).toBe(did(records.length - left, 0, left, 0));
  expect(await stored(folder)).toEqual(await stored(other));
  expect(await snapshots(folder)).toEqual(await snapshots(other));
});

test('of a repeated id the later line wins, within a batch and across batches', async () => {
  const near = [record({ id: 'near', title: 'Earlier' }), record({ id: 'near', title: 'Later' })];
  const between = Array.from({ length: 1300 }, (_, number) => record({ id: `n${number}` }));
  const folder = await dataFolder();
  await put(
    folder,
    'in/a.ndjson',
    ndjson([record({ id: 'far', title: 'Earlier' }), ...between, ...near, record({ id: 'far', title: 'Later' })]),
  );
  const { out } = await imported(folder, join(folder, 'in'));
  const { near: nearTitle, far } = await titles(folder);

  expect(out).toBe(did(1302, 2, 0, 0));
  expect([nearTitle, far]).toEqual(['Later', 'Later']);
});

/** Records of about 3 kB, enough for threads; one in a hundred is refused, and some ids are repeated. */
function largeRecords(count: number): readonly unknown[] {
  const paragraph = '<p>The river <em>rose</em> by <a href="/levels">two metres</a> overnight.</p>';
  return Array.from({ length: count }, (_, number) =>
    record({
      id: `n${number % (count - 40)}`,
      title: number % 100 === 99 ? '' : `Story ${number}`,
      body: `<script>no()</script>${paragraph.repeat(35)}`,
      sections: [`S${number % 5}`],
    }),
  );
}

describe('an import of more than two megabytes', () => {
  test('gives the same store with threads and without', async () => {
    const records = largeRecords(1000);
    const parts = [0, 1, 2].map((part) => ndjson(records.slice(part * 340, (part + 1) * 340)));
    const whole = parts.join('');
    expect(Buffer.byteLength(whole)).toBeGreaterThan(2_500_000);
    for (const part of parts) expect(Buffer.byteLength(part)).toBeLessThan(2_000_000);
    const inThreads = await dataFolder({ 'in/whole.ndjson': whole });
    const alone = await dataFolder();
    const large = await imported(inThreads, join(inThreads, 'in'));
    const small: Finished[] = [];
    for (const part of parts) {
      await put(alone, 'in/part.ndjson', part);
      small.push(await imported(alone, join(alone, 'in')));
    }

    expect(large.out).toBe(`${did(951, 39, 0, 10)}Adjustments: 990 script_removed\n`);
    expect(small.map(({ code }) => code)).toEqual([1, 1, 1]);
    expect(await stored(inThreads)).toEqual(await stored(alone));
  });

  test('draws its progress on a terminal alone, with rate and time left', async () => {
    const folder = await dataFolder({ 'in/whole.ndjson': ndjson(largeRecords(900)) });
    const args = ['import', '--data', folder, '--rejected', join(folder, 'rejected.ndjson'), join(folder, 'in')];
    const watched = await command([...args, '--dry-run'], { isTTY: true });
    const unwatched = await command([...args, '--dry-run']);

    expect(watched.drawn).toMatch(/Importing .*\d+ % \d+ records, \d+ a second, \d+s left/);
    expect(unwatched.drawn).toBe('');
    expect(unwatched.out).toBe(watched.out);
  });
});

describe('an address', () => {
  test.each([
    ['RSS', RSS, ['mill-7', 'https://mill.example/?p=8']],
    ['Atom', ATOM, ['tag:kiln.example,2026:1']],
    ['JSON Feed', JSON_FEED, ['urn:loom:1']],
    ['WXR', WXR, ['https://orchard.example/?p=12']],
  ])('serves %s', async (_name, content, publicIds) => {
    const passedOver = content === WXR ? DRAFT : '';
    const folder = await dataFolder();
    const url = await site((_request, response) => void response.end(content));
    const first = await imported(folder, url);
    const second = await imported(folder, url);

    expect(beforeOldAddresses(first)).toEqual({ ...ALL_WELL, out: `${did(publicIds.length, 0, 0, 0)}${passedOver}` });
    expect((await stored(folder)).map(({ article }) => article.publicId)).toEqual(publicIds);
    expect(beforeOldAddresses(second)).toEqual({ ...ALL_WELL, out: `${did(0, 0, publicIds.length, 0)}${passedOver}` });
  });

  const PRETTY = JSON.stringify([record({ id: 'x' }), record({ id: 'y' })], null, 2);
  const BROKEN_OFF = JSON.stringify({ ...JSON.parse(JSON_FEED), next: 'x' }).slice(0, -3);

  test.each([
    ['NDJSON by its name', '/n.ndjson?page=1', 'text/plain', `oops\n${TWO_LINES}`, ['a', 'b'], 1],
    ['NDJSON by its type', '/n', 'application/x-ndjson', `oops\n${TWO_LINES}`, ['a', 'b'], 1],
    ['NDJSON by its first line', '/n', 'text/plain', TWO_LINES, ['a', 'b'], 0],
    ['a list', '/list', 'application/json', PRETTY, ['x', 'y'], 0],
    ['one record', '/one', 'application/json', `\uFEFF${JSON.stringify(record(), null, 1)}\n`, ['a'], 0],
    ['a record on one line', '/one', 'application/json', `${JSON.stringify(record())}\n`, ['a'], 0],
    ['a record that names no id', '/one.json', 'application/json', JSON.stringify(record({ id: undefined })), [], 1],
    ['a JSON Feed that is cut off', '/feed', 'application/feed+json', BROKEN_OFF, ['urn:loom:1'], 1],
    ['a JSON Feed without a version', '/f', '', JSON_FEED.replace('"version"', '"_v"'), ['urn:loom:1'], 0],
  ])('serves %s', async (_name, path, type, content, ids, refused) => {
    const folder = await dataFolder();
    const url = await site((_request, response) => {
      response.setHeader('Content-Type', type);
      response.end(content);
    }, path);
    const { out } = await imported(folder, url);

    expect(out).toBe(did(ids.length, 0, 0, refused));
    expect((await stored(folder)).map(({ article }) => article.id)).toEqual(ids);
  });

  test.each<[string, RequestListener, RegExp]>([
    [
      'that answers 404',
      (_request, response) => void response.writeHead(404).end(),
      /The server answered with status 404\. Check the address\./,
    ],
    [
      'that hangs up',
      (_request, response) => void response.destroy(),
      /^The server closed the connection.* Check the address\.$/,
    ],
  ])('%s: exit code 1, and a message with the address', async (_name, listener, reason) => {
    const folder = await dataFolder();
    const url = await site(listener);
    const { code, out, err } = await imported(folder, url);

    expect([code, out]).toEqual([1, '']);
    expect(err.split('\n')).toEqual([`Nothing can be read from ${url}.`, expect.stringMatching(reason), '']);
  });

  test('where no server listens', async () => {
    const { code, err } = await imported(await dataFolder(), 'http://127.0.0.1:1/feed');

    expect(code).toBe(1);
    expect(err).toBe(
      'Nothing can be read from http://127.0.0.1:1/feed.\nThis port belongs to another service than the web, and fetch sends no requests to it. Check the address.\n',
    );
  });

  test('that is too slow is reported', async () => {
    vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
      const controller = new AbortController();
      setTimeout(
        () => controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
        200,
      );
      return controller.signal;
    });
    onTestFinished(() => {
      vi.restoreAllMocks();
    });
    const url = await site((_request, response) => void response.write('<?xml version="1.0"?>'));
    const { code, out, err } = await imported(await dataFolder(), url);

    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(
      /^Nothing can be read from http.*\.\nThe server did not send everything within 60 s\. Check the address\.\n$/,
    );
  });

  test('that is not a feed', async () => {
    const folder = await dataFolder();
    const url = await site((_request, response) => void response.end('<!doctype html><p>Welcome'));
    const { code, out, err } = await imported(folder, url);

    expect([code, out]).toEqual([1, '']);
    expect(err).toBe(
      `${url} is a web page, not a feed.\nIt names no feed either. Give the address of the feed itself, such as /feed/, /rss.xml or /atom.xml below the site.\n`,
    );
  });
});

test('while the service runs, the very next GET shows the imported articles', async () => {
  const folder = await dataFolder({ 'articles/own.json': JSON.stringify(record({ id: 'own', sections: ['World'] })) });
  const { port } = await start(folder);
  const before = [await ask(port, '/feeds/latest.json'), await ask(port, '/feeds/section/world.rss')];
  await put(folder, 'in/a.ndjson', ndjson([record({ id: 'new', title: 'News', sections: ['World', 'Other'] })]));
  const { out } = await imported(folder, join(folder, 'in'));
  const latest = await ask(port, '/feeds/latest.json', { headers: { 'If-None-Match': before[0]?.headers.etag ?? '' } });
  const world = await ask(port, '/feeds/section/world.rss');
  const other = await ask(port, '/feeds/section/other.atom');

  expect(out).toBe(did(1, 0, 0, 0));
  expect([
    latest.status,
    JSON.parse(latest.text)
      .items.map(({ title }: { title: string }) => title)
      .sort(),
  ]).toEqual([200, ['A title', 'News']]);
  expect(world.text).toContain('<title>News</title>');
  expect(world.headers.etag).not.toBe(before[1]?.headers.etag);
  expect(other.status).toBe(200);
});

test('an import into the empty store of a running service dates feeds by the clock: readers may have them half filled', async () => {
  const began = Date.now();
  const service = await startApi();
  await put(service.dataFolder, 'old.json', JSON.stringify(record({ publishedAt: '2020-01-01T00:00:00Z' })));
  expect((await imported(service.dataFolder, join(service.dataFolder, 'old.json'))).out).toBe(did(1, 0, 0, 0));
  const before = openDataFolder(service.dataFolder);
  const options = { limit: 50, tombstonesFor: 0 };
  const snapshot = await before.store.snapshot('latest', Date.now(), options);
  await before.store.close();

  expect(snapshot?.changedAt).toBeGreaterThanOrEqual(began);
});

test('imported articles stay when the service starts, although they have no files', async () => {
  const folder = await dataFolder({ 'in/a.ndjson': TWO_LINES });
  await imported(folder, join(folder, 'in'));
  await rm(join(folder, 'in'), { recursive: true });
  const { port, lines } = await start(folder);
  const { text } = await ask(port, '/feeds/latest.json');

  expect(
    JSON.parse(text)
      .items.map(({ title }: { title: string }) => title)
      .sort(),
  ).toEqual(['First', 'Second']);
  expect(lines).toEqual([]);
});

test('withdrawn articles stay withdrawn unless the imported record differs', async () => {
  const api = await startApi();
  const lines = (title: string) => ndjson([record({ id: 'a', title }), record({ id: 'b' })]);
  await put(api.dataFolder, 'in/a.ndjson', lines('First'));
  await put(api.dataFolder, 'in/ferry.txt', WIRE);
  const again = async () => (await imported(api.dataFolder, join(api.dataFolder, 'in'))).out;
  const status = async (id: string) => JSON.parse((await api.get(`/${id}`)).text).status;
  const first = await again();
  for (const id of ['a', 'b', 'ferry']) await api.remove(`/${id}`);
  const same = await again();
  const statuses = [await status('a'), await status('b')];
  await put(api.dataFolder, 'in/a.ndjson', lines('Mended'));

  expect([first, same, await again()]).toEqual([did(3, 0, 0, 0), did(0, 0, 3, 0), did(0, 1, 2, 0)]);
  expect(statuses).toEqual(['withdrawn', 'withdrawn']);
  expect([await status('a'), await status('b')]).toEqual(['visible', 'withdrawn']);
});

test('an export from before a withdrawal does not undo it', async () => {
  const api = await startApi();
  await api.put('/a', { body: record({ id: 'a', tags: ['x'] }) });
  await api.put('/b', { body: record({ id: 'b' }) });
  const file = join(api.dataFolder, 'export.ndjson');
  await command(['export', '--data', api.dataFolder, file]);
  await api.remove('/a?reason=legal');
  const older = await imported(api.dataFolder, file);
  const lines = (await readFile(file, 'utf8')).trim().split('\n');
  const reordered = lines.map((line) => Object.fromEntries(Object.entries(JSON.parse(line)).reverse()));
  await put(api.dataFolder, 'reordered.ndjson', ndjson(reordered));
  const { out } = await imported(api.dataFolder, join(api.dataFolder, 'reordered.ndjson'));

  expect([older.out, out]).toEqual([did(0, 0, 2, 0), did(0, 0, 2, 0)]);
  expect(JSON.parse((await api.get('/a')).text)).toMatchObject({ status: 'withdrawn' });
});

describe('a store that a service uses', () => {
  const FEEDS = (...ids: readonly string[]) =>
    `${PUBLICATION}feeds: [${ids.map((id) => `{ id: ${id}, title: T, select: { any: [tag/${id}] } }`)}]\n`;
  const WITHOUT_ADDRESS = PUBLICATION.replace(/feedsUrl: .*\n/, '');
  const feedsUrl = 'https://feeds.example.com/';
  const pictured = (id: string) => record({ id, image: { url: '/media/p.txt' } });
  const pictures = async (port: number) => {
    const { items }: { items: { id: string; image: string }[] } = JSON.parse(
      (await ask(port, '/feeds/latest.json')).text,
    );
    return items.map(({ id, image }) => `${id.slice(-1)} ${image}`).sort();
  };
  const idsIn = async (port: number, feed: string) => {
    const { status, text } = await ask(port, `/feeds/${feed}.json`);
    if (status !== 200) return status;
    const { items }: { items: { id: string }[] } = JSON.parse(text);
    return items.map(({ id }) => id.slice(-1)).sort();
  };

  test('gets imported articles with the address of the running service', async () => {
    const folder = await dataFolder({
      'publication.yaml': WITHOUT_ADDRESS,
      'media/p.txt': 'x',
      'articles/a.json': JSON.stringify(pictured('a')),
      'in/b.json': JSON.stringify(pictured('b')),
    });
    const { port } = await start(folder, { feedsUrl });
    const { out } = await imported(folder, join(folder, 'in'));

    expect(out).toBe(did(1, 0, 0, 0));
    expect(await pictures(port)).toEqual([`a ${feedsUrl}media/p.txt`, `b ${feedsUrl}media/p.txt`]);
    expect((await stored(folder)).map(({ revision }) => revision)).toEqual([1, 2]);
  });

  test('is read again by the next start if the import had another address', async () => {
    const folder = await dataFolder({ 'media/p.txt': 'x', 'articles/a.json': JSON.stringify(pictured('a')) });
    await put(folder, 'in/b.json', JSON.stringify(pictured('b')));
    const service = await start(folder, { feedsUrl });
    await imported(folder, '--public-url', 'https://other.example/', join(folder, 'in'));
    const before = await pictures(service.port);
    await service.close();

    expect(before).toEqual([`a ${feedsUrl}media/p.txt`, 'b https://other.example/media/p.txt']);
    expect(await pictures((await start(folder, { feedsUrl })).port)).toEqual([
      `a ${feedsUrl}media/p.txt`,
      `b ${feedsUrl}media/p.txt`,
    ]);
  });

  test('gets imported articles in feeds by the rules of the running service; the next start applies changed rules', async () => {
    const folder = await dataFolder({ 'publication.yaml': FEEDS('old', 'kept') });
    const tags = ['old', 'kept', 'new'];
    await put(folder, 'articles/a.json', JSON.stringify(record({ id: 'a', tags })));
    const service = await start(folder);
    await put(folder, 'publication.yaml', FEEDS('kept', 'new'));
    await put(folder, 'in/b.json', JSON.stringify(record({ id: 'b', tags })));
    await imported(folder, join(folder, 'in'));
    await put(folder, 'articles/c.json', JSON.stringify(record({ id: 'c', tags })));
    await vi.waitFor(async () => expect(await idsIn(service.port, 'latest')).toEqual(['a', 'b', 'c']), 60_000);
    const feeds = async (port: number) => [
      await idsIn(port, 'old'),
      await idsIn(port, 'kept'),
      await idsIn(port, 'new'),
    ];
    const before = await feeds(service.port);
    await service.close();

    expect(before).toEqual([['a', 'b', 'c'], ['a', 'b', 'c'], 404]);
    expect(await feeds((await start(folder)).port)).toEqual([404, ['a', 'b', 'c'], ['a', 'b', 'c']]);
  });
});
