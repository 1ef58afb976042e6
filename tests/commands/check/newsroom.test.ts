import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, rmSync, utimesSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { RULES } from '../../../src/commands/check/rules.ts';
import { openDataFolder, storeFile } from '../../../src/service/data-folder.ts';
import { ask, childEnvironment, dataFolder, makeFolder, PUBLICATION, put, serving, start } from '../../helpers.ts';
import { command } from '../terminal.ts';

const SAMPLE = join(import.meta.dirname, '../../../data');

interface Found {
  readonly rule: string;
  readonly level: string;
  readonly article?: string;
  readonly file?: string;
  readonly feed?: string;
  readonly field: string;
  readonly value?: string;
  readonly message: string;
}

interface Result {
  readonly findings: readonly Found[];
  readonly errors: number;
  readonly warnings: number;
  readonly outdatedRules: readonly unknown[];
}

/** A copy of the sample newsroom, without the store that a service may have made. The caller removes it. */
async function sample(): Promise<string> {
  const folder = await makeFolder({});
  cpSync(SAMPLE, folder, { recursive: true, filter: (path) => path !== join(SAMPLE, 'store') });
  return folder;
}

async function found(folder: string, ...args: string[]): Promise<Result & { readonly code: number }> {
  const { code, out } = await command(['check', '--data', folder, '--json', ...args]);
  return { code, ...(JSON.parse(out) as Result) };
}

/** The files below a folder with their sizes and times. */
async function stateOf(folder: string): Promise<readonly string[]> {
  const paths = (await readdir(folder, { recursive: true })).sort();
  return Promise.all(
    paths.map(async (path) => {
      const status = await stat(join(folder, path));
      // SQLite puts files beside an open store, and removes them: the folder of the store has another time afterwards.
      return status.isDirectory() ? path : `${path} ${status.size} ${status.mtimeMs} ${status.ino}`;
    }),
  );
}

const SUMMARY = 'A sentence that says what the story is about, and why it matters here. '.repeat(5);

/** A record without a mistake. */
function story(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({
    url: `https://fourrivers.example/plant/${crypto.randomUUID()}`,
    title: 'A title that is long enough for everybody',
    summary: SUMMARY,
    body: '<p>A body.</p>',
    publishedAt: '2026-11-20T10:00:00Z',
    ...fields,
  });
}

/** Not urgent: MSN's feed of the partner `all` does not have it, so that the rules for all readers name it. */
const picture = (fields: Readonly<Record<string, unknown>>) =>
  story({ image: { url: '/media/railway.jpg', alt: 'A train', ...fields }, urgency: 9 });

/** Feeds list a withdrawal for some weeks only. */
const YESTERDAY = new Date(Date.now() - 24 * 60 * 60 * 1000).toISOString();
const MOVED = 'https://fourrivers.example/plant/moved';
const MANY_FEEDS = Array.from({ length: 95 }, (_, index) => `  - { id: feed-${index}, title: Feed, entries: 1 }\n`);

/** One mistake of each rule: the file that has it. */
const PLANTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'refused-record': { 'articles/refused.json': story({ publishedAt: 'yesterday' }) },
  'ignored-file': { 'articles/notes.docx': 'Notes' },
  'picture-missing': { 'articles/missing.json': picture({ url: '/media/none.jpg' }) },
  'picture-without-alt': { 'articles/alt.json': picture({ alt: undefined }) },
  'flipboard-picture': { 'articles/small.json': picture({ url: '/media/river-hills-800.jpg' }) },
  'msn-picture-size': { 'articles/tiny.json': picture({ url: '/media/icon.png' }) },
  'msn-picture-shape': {
    'articles/wide.json': picture({ url: 'https://cdn.fourrivers.example/a.jpg', width: 2000, height: 1000 }),
  },
  'msn-title-long': { 'articles/long.json': story({ title: 'A title without an end '.repeat(7), urgency: 9 }) },
  'msn-title-short': { 'articles/short.json': story({ title: 'Bridge reopens', urgency: 9 }) },
  'flipboard-summary': { 'articles/summary.json': story({ summary: 'Short.' }) },
  'google-body-size': {
    'articles/large.json': story({ embargoUntil: '2099-01-01T00:00:00Z', body: `<p>${'x'.repeat(1_100_000)}</p>` }),
  },
  'date-ahead': { 'articles/ahead.json': story({ updatedAt: '2099-01-01T00:00:00Z' }) },
  'language-unknown': { 'articles/language.json': story({ language: 'kurdish' }) },
  'language-without-feed': {
    'articles/translated.json': story({ translations: [{ language: 'fr', url: 'https://fourrivers.example/fr' }] }),
  },
  'link-removed': { 'articles/script.json': story({ body: '<p><a href="javascript:x()">A link</a></p>' }) },
  'link-nowhere': { 'articles/link.json': story({ body: '<p><a href="/en/2026/11/none">A story</a></p>' }) },
  'id-changed': {
    'articles/moved.json': story({ url: MOVED }),
    'articles/before.json': story({ url: MOVED, withdrawn: { at: YESTERDAY } }),
  },
  'address-twice': { 'articles/twice.json': story({ url: 'https://fourrivers.example/en/2026/11/andes-school' }) },
  'sitemap-host': { 'articles/host.json': story({ url: 'https://shop.fourrivers.example/a' }) },
  'partner-unknown': { 'articles/rights.json': story({ rights: { partners: ['valley-radoi'] } }) },
  'partner-dialect': { 'partners/portal.yaml': 'name: Portal\ndialect: yahoo\nfeeds: [language/en]\n' },
  'partner-feed-unknown': { 'partners/wire.yaml': 'name: Wire\ndialect: plain\nfeeds: [tag/none]\n' },
  'partner-content-type': {
    'partners/films.yaml': 'name: Films\ndialect: smartnews\ncontentType: video\nfeeds: [language/en]\n',
  },
  'partner-languages': { 'partners/all.yaml': 'name: All\ndialect: msn\nselect: { urgency: 8 }\n' },
  // Of a year from which latest shows nothing, in a language of its own.
  'smartnews-feed-size': {
    'articles/feed.json': story({
      publishedAt: '2001-01-01T00:00:00Z',
      language: 'de',
      body: `<p>${'x'.repeat(1_048_000)}</p>`,
    }),
  },
};

const PLANTED_SETTINGS = `redirects:
  - { from: /old.xml, to: tag/nothing }
pages: {}
`;

/** Plants one mistake of each rule into publication.yaml. */
function withMistakes(publication: string): string {
  const feeds = `feeds:\n  - { id: nothing, title: Nothing, select: { any: [tag/wather] } }\n${MANY_FEEDS.join('')}  - { id: hidden, title: Hidden, entries: 1 }\n`;
  const retired = 'retired:\n  - { feed: tag/ended, movedTo: tag/nowhere }\n  - { feed: rivers, movedTo: latest }\n';
  return `${publication.replace('retired:\n', retired)}${PLANTED_SETTINGS}`.replace(
    / {2}- id: right-to-left[\s\S]*?language\/fa]\n/,
    (last) => `${last}${feeds.replace('feeds:\n', '')}`,
  );
}

describe('the sample newsroom', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await sample();
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('has no problems, and stays as it is', async () => {
    const before = await stateOf(folder);

    expect(await command(['check', '--data', folder, '--fail-on', 'warning'])).toMatchObject({
      code: 0,
      out: 'no problems\n',
    });
    expect(await stateOf(folder)).toEqual(before);
  });

  test('shows a mistake of each rule once', async () => {
    for (const files of Object.values(PLANTED))
      for (const [path, content] of Object.entries(files)) await put(folder, path, content);
    const publication = await readFile(join(folder, 'publication.yaml'), 'utf8');
    await put(folder, 'publication.yaml', withMistakes(publication));
    const { code, findings, errors, warnings } = await found(folder, '--public-url', 'https://news.fourrivers.example');

    const ours = findings.filter(({ rule }) => !rule.includes('/')); // not of dialects
    const places = Object.fromEntries(ours.map(({ rule, file, feed }) => [rule, file ?? feed]));
    expect(places).toEqual({
      ...Object.fromEntries(Object.entries(PLANTED).map(([rule, files]) => [rule, Object.keys(files)[0]])),
      'smartnews-feed-size': 'language/de',
      'retired-target': 'publication.yaml',
      'redirect-target': 'publication.yaml',
      'rule-matches-nothing': 'publication.yaml',
      'self-link': 'publication.yaml',
      'self-link-option': 'publication.yaml',
      'feed-without-link': 'hidden',
    });
    expect(ours.map(({ rule }) => rule).sort()).toEqual(
      RULES.map(({ id }) => id)
        .filter((id) => id !== 'unrenderable-article') // no record makes one
        .sort(),
    );
    expect([code, errors + warnings]).toEqual([1, findings.length]);
  });
});

describe('what readers know already', () => {
  const A = story({ url: 'https://news.example/a' });
  const B = story({ url: 'https://news.example/b' });
  const SETTINGS = PUBLICATION.replace('https://feeds.news.example/', 'https://feeds.fourrivers.example/');

  let original: string;
  beforeAll(async () => {
    original = await makeFolder({ 'publication.yaml': SETTINGS, 'articles/a.json': A, 'articles/b.json': B });
    await (await serving(original, {})).close();
  });
  afterAll(() => rmSync(original, { recursive: true }));

  /** A newsroom that a service has served, and that has changed since. */
  async function served(change: (folder: string) => Promise<void>): Promise<string> {
    const folder = await dataFolder();
    cpSync(original, folder, { recursive: true });
    await change(folder);
    return folder;
  }

  test('stays as it is: nothing is found, and nothing changes', async () => {
    const folder = await served(async () => {});
    const before = await stateOf(folder);

    expect(await found(folder)).toMatchObject({ code: 0, findings: [] });
    expect(await stateOf(folder)).toEqual(before);
  });

  test.each<[string, (folder: string) => Promise<void>, Partial<Found>]>([
    [
      'a file that was renamed',
      (folder) => rename(join(folder, 'articles/a.json'), join(folder, 'articles/c.json')),
      {
        rule: 'id-changed',
        article: 'c',
        file: 'articles/c.json',
        message:
          'has the address of the article a, whose file is gone: readers get the story again. Publish it under the id a',
      },
    ],
    [
      'another id in a file',
      (folder) => put(folder, 'articles/a.json', A.replace('{', '{"id":"other",')),
      {
        rule: 'id-changed',
        article: 'other',
        file: 'articles/a.json',
        message: 'was a in this file: readers get the story again. Write id: a',
      },
    ],
    [
      'another public id',
      (folder) => put(folder, 'articles/a.json', A.replace('{', '{"publicId":"urn:x:1",')),
      {
        rule: 'id-changed',
        article: 'a',
        field: 'publicId',
        message: 'must stay tag:news.example,2026:a',
      },
    ],
    [
      'another date of publication',
      (folder) => put(folder, 'articles/a.json', A.replace('2026-11-20', '2026-11-19')),
      {
        rule: 'refused-record',
        article: 'a',
        field: 'publishedAt',
        message: 'must stay 2026-11-20T10:00:00Z, the date of first publication (an embargo counts as its end)',
      },
    ],
    [
      'the public id of another article',
      (folder) =>
        put(folder, 'articles/c.json', B.replace('{', '{"publicId":"tag:news.example,2026:a",').replace('/b', '/c')),
      { rule: 'refused-record', article: 'c', field: 'publicId', message: 'is the identity of the article a' },
    ],
    [
      'the id of another file',
      (folder) => put(folder, 'articles/0.json', B.replace('{', '{"id":"a",').replace('/b', '/c')),
      {
        rule: 'refused-record',
        file: 'articles/0.json',
        field: 'id',
        message: 'is already the id of articles/a.json: each file needs an id of its own',
      },
    ],
  ])('%s', async (_what, change, expected) => {
    const { code, findings } = await found(await served(change));

    expect([code, findings]).toEqual([1, [expect.objectContaining(expected)]]);
  });

  test('a file that was renamed while the service was running', async () => {
    const folder = await dataFolder({ 'publication.yaml': SETTINGS, 'articles/a.json': A });
    const { port } = await start(folder);
    await rename(join(folder, 'articles/a.json'), join(folder, 'articles/c.json'));
    await expect.poll(async () => (await ask(port, '/feeds/latest.json')).text).toContain('tag:news.example,2026:c');

    await expect
      .poll(async () => (await found(folder)).findings)
      .toEqual([
        expect.objectContaining({
          rule: 'id-changed',
          article: 'c',
          message: expect.stringMatching(
            /^has the address of the article a, which was withdrawn at \S+Z: readers get the story again\. Publish it under the id a$/,
          ),
        }),
      ]);
  });

  test('an article that the API has withdrawn, until its file changes', async () => {
    const short = A.replace('A title that is long enough for everybody', 'Short');
    const folder = await dataFolder({ 'publication.yaml': SETTINGS, 'articles/a.json': short });
    await (await start(folder)).close();
    const { store } = openDataFolder(folder);
    await store.apply([{ kind: 'withdraw', id: 'a' }], Date.now);
    await store.close();

    expect((await found(folder)).findings).toEqual([]);
    await put(folder, 'articles/a.json', short.replace('A body', 'Another body'));
    expect((await found(folder)).findings).toEqual([
      expect.objectContaining({ rule: 'msn-title-short', article: 'a' }),
    ]);
  });

  test('an article that leaves is no mistake', async () => {
    expect(await found(await served((folder) => rm(join(folder, 'articles/a.json'))))).toMatchObject({ findings: [] });
  });

  test('another feedsUrl than at the last start', async () => {
    const folder = await served(async (path) => {
      await put(path, 'publication.yaml', SETTINGS.replace('feeds.fourrivers', 'rss.fourrivers'));
    });

    expect((await found(folder)).findings).toEqual([
      expect.objectContaining({
        rule: 'self-link-option',
        field: 'feedsUrl',
        message:
          'is not https://feeds.fourrivers.example/, where readers reach the service: a start without --public-url gives all feeds other self links',
      }),
    ]);
  });

  test('while a service runs, which goes on', async () => {
    const folder = await dataFolder({ 'publication.yaml': SETTINGS, 'articles/a.json': A, 'articles/b.json': B });
    const { port } = await start(folder);
    const { findings } = await found(folder);

    expect(findings).toEqual([]);
    expect((await ask(port, '/feeds/latest.rss')).status).toBe(200);
  });

  test('in a store that is damaged: it is named, with what to do', async () => {
    const folder = await served(async (path) => {
      changeStore(path, "UPDATE article SET article = replace(article, 'A body', 'A lady') WHERE id = 'a'");
    });
    const before = await stateOf(folder);
    const { code, out, err } = await command(['check', '--data', folder]);

    expect([code, out, err]).toEqual([
      1,
      '',
      'The store is damaged: the text of the article “a” does not match its checksum.\nStop the service and run the command verify. Then run the command repair, or restore a backup: docs/back-up-and-upgrade.md has the steps.\n',
    ]);
    expect(await stateOf(folder)).toEqual(before);
  });

  test('in a store of an earlier version: it is named, with what to do', async () => {
    const folder = await served(async (path) => changeStore(path, 'PRAGMA user_version = 3'));
    const { code, out, err } = await command(['check', '--data', folder]);

    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(
      /has schema 3, but this program needs schema \d+\.\nRun the command migrate: it makes a copy of the store first\.\n$/,
    );
  });
});

function changeStore(folder: string, sql: string): void {
  const db = new DatabaseSync(storeFile(folder));
  db.exec(sql);
  db.close();
}

describe('the report', () => {
  test('lists the first findings of a rule, and counts the others', async () => {
    const titles = Object.fromEntries(
      Array.from({ length: 7 }, (_, index) => [`articles/${index}.json`, story({ title: `Bridge ${index}` })]),
    );
    const folder = await dataFolder({ ...titles, 'articles/9.json': story({ publishedAt: 'yesterday' }) });

    expect(await command(['check', '--data', folder])).toMatchObject({
      code: 1,
      out: `error: Records that are refused (refused-record)
  articles/9.json:1:538: publishedAt: must be a date that exists, with time and zone, as 2026-11-22T10:46:00+03:00 (RFC 3339 §5.6) (value: yesterday)
  Consumer: every reader. Source: docs/records.md, read on 2026-11-30.

warning: Titles too short for MSN (msn-title-short)
${[0, 1, 2, 3, 4]
  .map(
    (index) =>
      `  articles/${index}.json: title: has 8 characters: MSN refuses titles with fewer than 21 (value: Bridge ${index})\n`,
  )
  .join('')}  and 2 more; --json lists all
  Consumer: MSN. Source: https://support.microsoft.com/en-us/msn/partner-hub/feed-content-specifications-in-msn-partner-hub, read on 2026-11-29.

warning: Addresses on hosts whose sitemaps do not count (sitemap-host)
  articles/0.json: url: 7 stories on fourrivers.example, and url names news.example: search engines skip them in the sitemap unless the robots.txt of fourrivers.example names it (value: URL)
  Consumer: search engines. Source: https://developers.google.com/search/blog/2008/02/cross-submissions-via-robotstxt-on, read on 2026-11-30.

1 error, 8 warnings
`.replace('URL', JSON.parse(titles['articles/0.json'] ?? '').url),
    });
  });

  test('as JSON has all, one a line', async () => {
    const url = 'https://news.example/a';
    const folder = await dataFolder({ 'articles/a.json': story({ url, title: 'Bridge reopens' }) });
    const { code, out } = await command(['check', '--data', folder, '--json', '--fail-on', 'warning']);

    expect(code).toBe(1);
    expect(out.split('\n').length).toBe(4);
    expect(JSON.parse(out)).toEqual({
      findings: [
        {
          rule: 'msn-title-short',
          level: 'warning',
          consumer: 'MSN',
          source: 'https://support.microsoft.com/en-us/msn/partner-hub/feed-content-specifications-in-msn-partner-hub',
          read: '2026-11-29',
          article: 'a',
          file: 'articles/a.json',
          field: 'title',
          value: 'Bridge reopens',
          message: 'has 14 characters: MSN refuses titles with fewer than 21',
        },
      ],
      errors: 0,
      warnings: 1,
      outdatedRules: expect.any(Array), // they depend on the day
    });
  });

  test('of warnings alone has exit code 0', async () => {
    const folder = await dataFolder({ 'articles/a.json': story({ url: 'https://news.example/a', title: 'Short' }) });

    expect(await found(folder)).toMatchObject({ code: 0, errors: 0, warnings: 1 });
  });

  test('of a newsroom without articles is about its settings', async () => {
    expect(await command(['check', '--data', await dataFolder()])).toMatchObject({ code: 0, out: 'no problems\n' });
  });
});

test('a terminal shows the progress of long work', async () => {
  await import('cli-progress'); // so that it is there when the work begins
  const articles = Object.fromEntries(
    Array.from({ length: 150 }, (_, index) => [
      `articles/${index}.json`,
      story({ url: `https://news.example/${index}` }),
    ]),
  );
  const folder = await dataFolder(articles);
  let now = Date.now();
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => {
    now += 1000;
    return now;
  });
  onTestFinished(() => clock.mockRestore());
  const { code, out, drawn } = await command(['check', '--data', folder], { isTTY: true });

  expect([code, out]).toEqual([0, 'no problems\n']);
  expect(drawn).toContain('Checking articles');
});

test('articles without a file are checked as the store has them', async () => {
  const folder = await dataFolder({
    'all.ndjson': `${JSON.stringify({ ...JSON.parse(story({ url: 'https://news.example/a', title: 'Short' })), id: 'a/1' })}\n`,
  });
  await command(['import', '--data', folder, '--rejected', join(folder, 'r.ndjson'), join(folder, 'all.ndjson')]);
  const { out } = await command(['check', '--data', folder]);

  expect(out).toContain(
    '  article a/1: title: has 5 characters: MSN refuses titles with fewer than 21 (value: Short)\n',
  );
  expect(out).toMatch(/\n0 errors, 1 warning\n$/);
});

test('a reader of the output that has seen enough ends the command, which does not report success', async () => {
  const folder = await dataFolder({ 'articles/a.json': story({ title: 'Short' }) });
  const program = join(SAMPLE, '../src/start.js');
  const child = spawn(process.execPath, [program, 'check', '--json', '--data', folder], { env: childEnvironment() });
  child.stdout.destroy();
  let err = '';
  child.stderr.on('data', (chunk) => {
    err += chunk;
  });
  const [code] = await once(child, 'close');

  expect([code, err]).toEqual([141, '']);
});

describe('some feeds', () => {
  const MISTAKES = {
    'articles/a.json': story({ url: 'https://news.example/a', title: 'Short', sections: ['World'] }),
    'articles/b.json': story({ url: 'https://news.example/b', title: 'Short', sections: ['Harbour'] }),
  };

  test.each([
    'section/world',
    'Section/World',
    '/feeds/section/world.rss',
    'https://feeds.news.example/feeds/section/world',
  ])('by the name %s: only their articles are listed', async (name) => {
    const { findings } = await found(await dataFolder(MISTAKES), name);
    expect(findings.map(({ article }) => article)).toEqual(['a']);
  });

  test.each([
    ['section/wrold', 'There is no feed “section/wrold”: the nearest is section/world.'],
    ['section/xxxld', 'There is no feed “section/xxxld”.'],
    ['sectoin/world', 'There is no feed “sectoin/world”: the nearest is section/world.'],
    ['categories/world', 'There is no feed “categories/world”: the nearest is section/world.'],
    ['zzz', 'There is no feed “zzz”.'],
  ])('%s is none of them', async (name, message) => {
    expect(await command(['check', '--data', await dataFolder(MISTAKES), name])).toMatchObject({
      code: 2,
      out: '',
      err: `${message}\nRun with --help to see commands and options.\n`,
    });
  });
});

test.each<[string, Partial<Found>]>([
  [
    PUBLICATION.replace('https://feeds.news.example/', 'http://localhost:8080'),
    {
      rule: 'self-link',
      field: 'feedsUrl',
      message: 'is the base of all self links, and only this machine or network can open it: name the public address',
    },
  ],
  [
    PUBLICATION.replace('https://feeds.news.example/', 'http://192.168.7.7/feeds'),
    { rule: 'self-link', field: 'feedsUrl' },
  ],
  [
    `${PUBLICATION}pages: off\n`,
    {
      rule: 'feed-without-link',
      field: 'pages',
      message: 'is off: no page of this service links to a feed. Put the lines of docs/be-found.md into your own site',
    },
  ],
  [
    `${PUBLICATION}logo: /media/none.png\n`,
    {
      rule: 'picture-missing',
      field: 'logo',
      message: 'names a file that the folder media/ does not have: put it there, or correct its name',
    },
  ],
  [
    `${PUBLICATION}retired:\n  - { feed: language/en }\n`,
    {
      rule: 'language-without-feed',
      field: 'language',
      message: 'language/en is retired: articles in this language have no feed of their own. Remove it from retired',
    },
  ],
  [
    PUBLICATION.replace('language: en', 'language: fr'),
    {
      rule: 'language-without-feed',
      field: 'language',
      message:
        'is the language of every feed without one of its own, and no article has it. Set it to the language of most articles',
    },
  ],
])('a setting that readers stumble over: %#', async (publication, expected) => {
  const article = story({ url: 'https://news.example/a', language: 'en' });
  const folder = await dataFolder({ 'publication.yaml': publication, 'articles/a.json': article });

  expect((await found(folder)).findings).toEqual([expect.objectContaining(expected)]);
});

test('languages of publication.yaml that nobody has registered', async () => {
  const folder = await dataFolder({
    'publication.yaml': `${PUBLICATION.replace('language: en', 'language: english')}feeds:\n  - { id: all, title: All, language: xx }\n`,
    'articles/a.json': story({ url: 'https://news.example/a', language: 'english-GB' }),
  });

  const { findings } = await found(folder);
  expect(findings.map(({ rule, field, value }) => [rule, field, value])).toEqual([
    ['language-unknown', 'language', 'english-GB'],
    ['language-unknown', 'language', 'english'],
    ['language-unknown', 'feeds[0].language', 'xx'],
  ]);
});

test('what is no mistake, or is one', async () => {
  const img = '<img src="https://cdn.example/a.jpg" alt="">';
  const folder = await dataFolder({
    'articles/variant.json': story({ url: 'https://news.example/a', language: 'en-US' }),
    'articles/pixel.json': story({
      url: 'https://news.example/b',
      language: 'en-US',
      body: '<p>A story.<img src="https://count.example/b.gif" alt="" width="1" height="1"></p>',
    }),
    'articles/twice.json': story({
      url: 'https://news.example/c',
      language: 'en-US',
      body: `<p>One ${img}</p><p>Two ${img}</p><p><a href="">A link</a></p>`,
    }),
  });

  const { findings } = await found(folder);
  expect(findings.map(({ file, message }) => [file, message])).toEqual([
    ['articles/twice.json', 'has no alternative text: say in a sentence what the picture shows'],
    ['articles/twice.json', 'removed the href attribute: it is empty. Write the address'],
  ]);
});

test('a public address that the publication leaves to the option is no mistake', async () => {
  const publication = PUBLICATION.replace(/feedsUrl.*\n/, '');
  const folder = await dataFolder({ 'publication.yaml': publication });

  expect((await found(folder, '--public-url', 'https://feeds.news.example')).findings).toEqual([]);
});

test('a feed is meant if its name is near: the kind that both have makes it no nearer', async () => {
  const redirects = ['section/wrold', 'tag/chattels'].map((to) => `  - { from: /${to}.xml, to: ${to} }\n`);
  const folder = await dataFolder({
    'publication.yaml': `${PUBLICATION}redirects:\n${redirects.join('')}`,
    'articles/a.json': story({ url: 'https://news.example/a', sections: ['World'], tags: ['Chat'] }),
  });

  const message = 'has no story: readers of the old address get 404 until it has one';
  expect((await found(folder)).findings.map((finding) => finding.message)).toEqual([
    `${message}. Did you mean section/world?`,
    message,
  ]);
});

test('a line of redirects.txt that leads nowhere', async () => {
  const folder = await dataFolder({
    'articles/a.json': story({ url: 'https://news.example/a' }),
    'redirects.txt': '/feed/ latest\n/world/feed/ section/wrold\n/b\n',
  });

  expect((await found(folder)).findings.map(({ rule, file, message, ...rest }) => [rule, file, rest])).toEqual([
    ['redirect-target', 'redirects.txt', expect.objectContaining({ line: 2, value: 'section/wrold' })],
    ['redirect-target', 'redirects.txt', expect.objectContaining({ line: 3, value: '/b' })],
  ]);
});

test('a summary that the record does not have', async () => {
  const article = story({ url: 'https://news.example/a', summary: undefined });

  expect((await found(await dataFolder({ 'articles/a.json': article }))).findings).toEqual([
    expect.objectContaining({
      rule: 'flipboard-summary',
      message:
        'is missing, and the feeds show an excerpt of the body: 7 characters, and Flipboard asks for 300 or more. Write a summary',
    }),
  ]);
});

test('a record in Markdown and one in text are checked as JSON is', async () => {
  const folder = await dataFolder({
    'articles/a.md': `---\ntitle: Short\nurl: /a\npublishedAt: 2026-11-20T10:00:00Z\nsummary: ${SUMMARY}\n---\nA [link](/none).`,
    'articles/b.txt': `Short\n${SUMMARY}\nERBIL (Agency) - A body of text.\n`,
  });
  const written = Date.now() / 1000 - 100;
  utimesSync(join(folder, 'articles/b.txt'), written, written);

  expect((await found(folder)).findings.map(({ rule, file }) => `${rule} ${file}`)).toEqual([
    'msn-title-short articles/a.md',
    'msn-title-short articles/b.txt',
    'link-nowhere articles/a.md',
  ]);
});
