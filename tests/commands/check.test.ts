import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAddresses } from '../../src/commands/old-address-list.ts';
import { dataFolder, makeFolder, record, start } from '../helpers.ts';
import { PUBLICATION_AFTER, wordpressExport } from '../wordpress-move.ts';
import { command } from './terminal.ts';

let folder: string;
beforeAll(async () => {
  const publication = `${PUBLICATION_AFTER}redirects:\n  - { from: /podcast.xml, to: tag/rivers }\nretired:\n  - { feed: tag/ended }\n  - { feed: tag/moved, movedTo: tag/rivers }\n`;
  folder = await makeFolder({ 'publication.yaml': publication, 'export.xml': wordpressExport() });
  const rejected = join(folder, 'r.ndjson');
  await command(['import', '--data', folder, '--rejected', rejected, join(folder, 'export.xml')]);
});
afterAll(() => rm(folder, { recursive: true }));

async function checked(list: string | Uint8Array, ...args: string[]) {
  const file = join(folder, 'list');
  await writeFile(file, list);
  return command(['check', '--data', folder, '--redirects', file, ...args]);
}

const LOST =
  'Readers of lost addresses get 404. Name their feeds under redirects in publication.yaml: docs/configure.md.\n';

test('each address of a list leads somewhere, is gone, or is lost', async () => {
  const list = `# the old feeds
https://kovar.example/feed/
/category/kultur-kurdi/feed/atom/\r
   /?feed=rss2&cat=5   a note
/podcast.xml
/feeds/latest.json
/feeds/tag/moved.rss
/feeds/tag/ended.rss
/feeds/tag/nothing.rss

/comments/feed/
/category/empty/feed/
/podcast/feed/
`;
  expect(await checked(list)).toEqual({
    code: 1,
    out: `→ /feeds/latest.rss
  https://kovar.example/feed/
→ /feeds/section/çand-û-huner.atom
  /category/kultur-kurdi/feed/atom/
→ /feeds/section/çand-û-huner.rss
  /?feed=rss2&cat=5
→ /feeds/tag/rivers.rss
  /podcast.xml
  /feeds/tag/moved.rss
→ /feeds/latest.json
  /feeds/latest.json
→ gone (410)
  /feeds/tag/ended.rss
  /comments/feed/
→ section/nothing-yet, without a visible story (404)
  /category/empty/feed/
→ lost (404)
  /feeds/tag/nothing.rss
  /podcast/feed/
addresses to feeds: 6, gone: 2, lost: 3
`.replace('  https://kovar.example/feed/', '  /feed/'),
    err: `${LOST}A feed without a visible story answers 404 until it has one. Wait for it, or name another feed.\n`,
    drawn: '',
  });
});

test('a list without lost addresses exits with 0', async () => {
  expect(await checked('/feed/\n/comments/feed/\n')).toMatchObject({ code: 0, err: '' });
});

test('what is neither an address nor a line of a log is counted', async () => {
  const { code, out, err } = await checked(`/feed/\nfeed\nfeed.example/feed/\nftp://a/feed\n${'/x'.repeat(40_000)}\n`);

  expect([code, out]).toEqual([0, '→ /feeds/latest.rss\n  /feed/\naddresses to feeds: 1, gone: 0, lost: 0\n']);
  expect(err).toBe(
    'Lines that cannot be read: 4, the first is line 2. A line is a path that begins with a slash, a whole address, or a line of an access log. An address has 2000 characters at most.\n',
  );
});

test('of a list with long lines, only the addresses are kept', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  const file = join(folder, 'long-lines');
  const rest = 'x'.repeat(60_000);
  const lines = (number: number) =>
    `/list-of-feeds/${number}/feed/ ${rest}\n/${rest}${number}\n192.0.2.7 - - [10/Oct/2026:13:55:36 +0000] "GET /log-of-requests/${number}/feed/ HTTP/1.1" 200 1 "-" "${rest}"\n`;
  await writeFile(file, Array.from({ length: 200 }, (_, number) => lines(number)).join(''));
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const list = await readAddresses(file, () => {});
  collectGarbage();
  const kept = process.memoryUsage().heapUsed - before;

  expect([list.addresses.length, list.unreadable]).toEqual([400, { count: 200, first: 2 }]);
  expect(kept).toBeLessThan(5_000_000);
});

describe('an access log', () => {
  const line = (request: string, status = 200, more = '') =>
    `192.0.2.7 - - [10/Oct/2026:13:55:36 +0000] "${request}" ${status} 2326${more}\n`;
  const COMBINED = ' "https://kovar.example/" "Feedly/1.0 (like \\"FeedFetcher\\"; 12 subscribers)"';
  const log = [
    line('GET /feed/ HTTP/1.1', 200, COMBINED),
    line('GET /feed/?utm_source=x&_=17 HTTP/2.0', 304, COMBINED),
    line('HEAD /FEED HTTP/1.0', 301),
    `kovar.example:443 ${line('GET http://kovar.example/tag/ziman/feed/ HTTP/1.1')}`,
    line('GET /podcast/feed/ HTTP/1.1'),
    line('GET /podcast/feed/ HTTP/1.1', 200, COMBINED),
    line('GET /atom.xml?x=1 HTTP/1.1'),
    line('GET /?feed=comments-rss2 HTTP/1.1'),
    line('GET /episodes.rss HTTP/1.1'),
    // Not readers of a feed.
    line('GET /nothing/feed/ HTTP/1.1', 404),
    line('GET /feed/ HTTP/1.1', 500),
    line('POST /xmlrpc.php HTTP/1.1'),
    line('POST /a/feed/ HTTP/1.1'),
    line('GET /2024/05/stran/ HTTP/1.1'),
    line('GET /wp-content/feeding.png HTTP/1.1'),
    line('GET /sitemap.xml HTTP/1.1'),
    line('-', 400),
    line('\\x16\\x03\\x01', 400),
  ].join('');
  const EXPECTED = {
    code: 1,
    out: `→ /feeds/latest.rss
  /feed/  (3 lines)
→ /feeds/tag/zimanê-kurdî.rss
  /tag/ziman/feed/  (1 line)
→ /feeds/latest.atom
  /atom.xml?x=1  (1 line)
→ gone (410)
  /?feed=comments-rss2  (1 line)
→ lost (404)
  /podcast/feed/  (2 lines)
  /episodes.rss  (1 line)
addresses to feeds: 3, gone: 1, lost: 2
`,
    err: `Lines of the log without a feed, or with an error as the answer: 9\n${LOST}`,
    drawn: '',
  };

  test('counts requests for feeds that the old site answered', async () => {
    expect(await checked(log)).toEqual(EXPECTED);
  });

  test('may be compressed, in several parts', async () => {
    const [first, rest] = [log.slice(0, 400), log.slice(400)];
    expect(await checked(Buffer.concat([gzipSync(first), gzipSync(rest)]))).toEqual(EXPECTED);
  });

  test('as JSON', async () => {
    const { code, out } = await checked(log, '--json');

    expect(code).toBe(1);
    expect(out.trimEnd()).not.toContain('\n');
    expect(JSON.parse(out)).toEqual({
      file: join(folder, 'list'),
      leading: [
        { address: '/feed/', count: 3, feed: 'latest', format: 'rss' },
        { address: '/tag/ziman/feed/', count: 1, feed: 'tag/zimanê-kurdî', format: 'rss' },
        { address: '/atom.xml?x=1', count: 1, feed: 'latest', format: 'atom' },
      ],
      gone: [{ address: '/?feed=comments-rss2', count: 1 }],
      lost: [
        { address: '/podcast/feed/', count: 2 },
        { address: '/episodes.rss', count: 1 },
      ],
      ignored: 9,
      unreadable: 0,
      isCut: false,
    });
  });

  test('of an attack has a bounded number of addresses', async () => {
    const file = join(folder, 'attack');
    await writeFile(
      file,
      Array.from({ length: 300 }, (_, index) => line(`GET /a-${index % 150}/feed/ HTTP/1.1`)).join(''),
    );
    const reads: number[] = [];
    const list = await readAddresses(file, (bytes) => reads.push(bytes), 100);

    expect([list.isCut, list.addresses.length, list.addresses.every(({ count }) => count === 2)]).toEqual([
      true,
      100,
      true,
    ]);
    expect(reads.reduce((sum, bytes) => sum + bytes, 0)).toBe((await stat(file)).size);
  });
});

test('the path of the service is left out of an address', async () => {
  const publication = PUBLICATION_AFTER.replace('feeds.kovar.example/', 'kovar.example/news/');
  const below = await dataFolder({ 'publication.yaml': publication, 'articles/a.json': JSON.stringify(record()) });
  await start(below);
  await writeFile(join(below, 'list'), '/news/feed/\n/news/feeds/latest.rss\n/feed/\n');

  expect(await command(['check', '--data', below, '--redirects', join(below, 'list')])).toMatchObject({
    code: 0,
    out: '→ /feeds/latest.rss\n  /news/feed/\n  /news/feeds/latest.rss\n  /feed/\naddresses to feeds: 3, gone: 0, lost: 0\n',
  });
});

test('pages of archives lead to their feeds, which have them', async () => {
  const publication = `${PUBLICATION_AFTER}entries: 1\nretired:\n  - { feed: section/old, movedTo: latest }\n`;
  const stories = Array.from({ length: 3 }, (_, index) => [
    `articles/${index}.json`,
    JSON.stringify(record({ id: `a${index}`, url: `/${index}` })),
  ]);
  const other = await dataFolder({ 'publication.yaml': publication, ...Object.fromEntries(stories) });
  await start(other);
  const addresses = ['latest/archive/1', 'latest/archive/3', 'section/old/archive/9'];
  const lost = ['latest/archive/4', 'latest/archive/01', 'section/none/archive/1'];
  await writeFile(join(other, 'list'), [...addresses, ...lost].map((path) => `/feeds/${path}.rss\n`).join(''));
  const { code, out } = await command(['check', '--data', other, '--redirects', join(other, 'list')]);

  expect(code).toBe(1);
  expect(out).toBe(`→ /feeds/latest.rss
  /feeds/latest/archive/1.rss
  /feeds/latest/archive/3.rss
  /feeds/section/old/archive/9.rss
→ lost (404)
  /feeds/latest/archive/4.rss
  /feeds/latest/archive/01.rss
  /feeds/section/none/archive/1.rss
addresses to feeds: 3, gone: 0, lost: 3
`);
});

test('mistakes in redirects.txt are printed', async () => {
  const other = await dataFolder({
    'publication.yaml': PUBLICATION_AFTER,
    'articles/a.json': JSON.stringify(record()),
    'redirects.txt': '/a latest\n/b\n',
  });
  await start(other);
  await writeFile(join(other, 'list'), '/a\n');
  const { code, err } = await command(['check', '--data', other, '--redirects', join(other, 'list')]);

  expect([code, err]).toEqual([
    0,
    `${join(other, 'redirects.txt')}:2: must be an address, a feed and perhaps a format, with spaces between (value: /b)\n`,
  ]);
});

describe('a check that cannot be made', () => {
  test.each([
    [
      ['check', '--redirects'],
      2,
      '--redirects needs a value: --redirects FILE.\nRun with --help to see commands and options.\n',
    ],
    [
      ['check', '--redirects', 'x', 'latest'],
      2,
      'Unexpected argument “latest”: --redirects checks no feeds.\nRun with --help to see commands and options.\n',
    ],
    [
      ['check', '--config', '--redirects', 'x'],
      2,
      '--config and --redirects are two checks: make one after the other.\nRun with --help to see commands and options.\n',
    ],
    [
      ['check', '--config', '--fail-on', 'warning'],
      2,
      '--fail-on does nothing with --config: leave it out.\nRun with --help to see commands and options.\n',
    ],
    [
      ['check', '--fail-on', 'warnings'],
      2,
      '--fail-on must be one of error, warning, not “warnings”: did you mean warning?\nRun with --help to see commands and options.\n',
    ],
  ])('%j', async (args, code, err) => {
    expect(await command(args)).toMatchObject({ code, err, out: '' });
  });

  test('because the list is missing, a folder, or a broken archive', async () => {
    const hint =
      'Check the path and its permissions. npm runs commands in the folder of the program: give absolute paths.\n';
    const missing = await command(['check', '--data', folder, '--redirects', join(folder, 'none')]);
    const isFolder = await command(['check', '--data', folder, '--redirects', folder]);
    const broken = await checked(gzipSync('/feed/\n'.repeat(1000)).subarray(0, 30));

    expect(missing).toMatchObject({
      code: 2,
      err: `No addresses can be read from ${join(folder, 'none')}: there is no such file or folder (ENOENT).\n${hint}`,
    });
    expect(isFolder).toMatchObject({
      code: 2,
      err: `No addresses can be read from ${folder}: it is a folder, not a file (EISDIR).\n${hint}`,
    });
    expect(broken).toMatchObject({
      code: 2,
      err: `No addresses can be read from ${join(folder, 'list')}: it is a damaged or incomplete gzip file.\n${hint}`,
    });
  });

  test('because there is no store, which is not made', async () => {
    const empty = await dataFolder();
    const { code, err } = await command(['check', '--data', empty, '--redirects', join(folder, 'redirects.txt')]);

    expect([code, err]).toEqual([
      1,
      `There is no store in ${empty}, so there are no feeds to lead to.\nCheck --data. The first start of the service and the first import create a store.\n`,
    ]);
  });
});
