import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { childEnvironment, dataFolder, put, record } from '../helpers.ts';
import { site } from './site.ts';
import { command, type Finished } from './terminal.ts';

const MAIN = join(import.meta.dirname, '../../src/start.js');

function imported(folder: string, ...args: readonly string[]): Promise<Finished> {
  return command(['import', '--data', folder, '--rejected', join(folder, 'rejected.ndjson'), ...args]);
}

async function storedIds(folder: string): Promise<string[]> {
  return (await storedRecords(folder)).map(({ id }) => String(id));
}

async function storedRecords(folder: string): Promise<Record<string, unknown>[]> {
  const { store } = openDataFolder(folder);
  try {
    return (await store.page(0, 10_000)).map((stored) => stored.record as Record<string, unknown>);
  } finally {
    await store.close();
  }
}

function did(created: number, updated: number, unchanged: number, refused: number): string {
  return `${created} created, ${updated} updated, ${unchanged} unchanged, ${refused} refused\n`;
}

const ndjson = (...ids: readonly string[]) => ids.map((id) => `${JSON.stringify(record({ id }))}\n`).join('');

function item(id: string, more = ''): string {
  return `<item><title>Story ${id}</title><link>https://harbour.example/${id}</link><guid isPermaLink="false">${id}</guid>
<pubDate>Wed, 02 Oct 2024 13:00:00 GMT</pubDate><description>&lt;p&gt;Text.&lt;/p&gt;${more}</description></item>`;
}

function rss(items: readonly string[], head = ''): string {
  return `<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>
<title>Harbour</title><link>https://harbour.example/</link>${head}${items.join('')}</channel></rss>`;
}

/** Answers by the path of a request, with its query. Any other path gets 404. */
function paths(routes: Readonly<Record<string, string | Buffer | RequestListener>>): RequestListener {
  return (request, response) => {
    const answer = routes[request.url ?? ''];
    if (answer === undefined) response.writeHead(404).end();
    else if (typeof answer === 'function') answer(request, response);
    else response.end(answer);
  };
}

describe('gzip', () => {
  test.each([
    ['feed.xml.gz', rss([item('f1')]), ['f1']],
    ['lines.NDJSON.GZ', ndjson('a', 'b'), ['a', 'b']],
    ['list.json.gz', JSON.stringify([record({ id: 'l' })]), ['l']],
    ['deep.md.gz', '---\nurl: /x\ntitle: X\npublishedAt: 2026-11-20T10:00:00Z\n---\nText\n', ['deep']],
  ])('%s is read, alone, in a folder, and from an address', async (name, content, ids) => {
    const folder = await dataFolder({ [`in/${name}`]: gzipSync(content) });
    const url = await site(paths({ [`/${name}`]: gzipSync(content) }), `/${name}`);
    const dry = await imported(folder, '--dry-run', join(folder, 'in', name));
    const { out, err } = await imported(folder, join(folder, 'in'));

    expect(dry.out).toBe(`Dry run, nothing was changed: ${did(ids.length, 0, 0, 0)}`);
    expect([out, err]).toEqual([did(ids.length, 0, 0, 0), '']);
    expect(await storedIds(folder)).toEqual(ids);
    if (!name.includes('.md')) expect((await imported(folder, url)).out).toBe(did(0, 0, ids.length, 0));
  });

  test('a file that is cut off gives its stories, and is reported', async () => {
    const whole = gzipSync(ndjson(...Array.from({ length: 2000 }, (_, number) => `n${(number * 7919) % 2003}`)));
    const folder = await dataFolder({ 'in.ndjson.gz': whole.subarray(0, whole.length - 200) });
    const { code, out, err } = await imported(folder, join(folder, 'in.ndjson.gz'));

    expect(code).toBe(1);
    expect(Number(/^\d+/.exec(out)?.[0])).toBeGreaterThan(0);
    expect(err).toContain('in.ndjson.gz: must be a whole gzip file: it is damaged or incomplete\n');
  });

  test('a file that is none is reported', async () => {
    const folder = await dataFolder({ 'in.xml.gz': rss([item('a')]) });
    const { code, out, err } = await imported(folder, join(folder, 'in.xml.gz'));

    expect([code, out]).toEqual([1, did(0, 0, 0, 1)]);
    expect(err).toContain('in.xml.gz: must be a whole gzip file: it is damaged or incomplete\n');
  });

  test('an address with a damaged file is reported', async () => {
    const url = await site(paths({ '/feed': gzipSync(rss([item('a')])).subarray(0, 100) }));
    const { code, err } = await imported(await dataFolder(), url);

    expect([code, err]).toEqual([
      1,
      `Nothing can be read from ${url}.\nThe gzip file there is damaged or incomplete.\n`,
    ]);
  });
});

describe('a web page', () => {
  const PAGE = `<!doctype html><html><head>
<link rel="alternate" type="application/rss+xml" title="All" href="/all.rss">
<link rel="alternate" type="application/atom+xml" href="/other.atom"></head></html>`;

  test('leads to its best feed, and the others are listed', async () => {
    const folder = await dataFolder();
    const url = await site(paths({ '/': PAGE, '/all.rss': rss([item('p1')]) }), '/');
    const { code, out, err } = await imported(folder, '--report', join(folder, 'report.json'), url);
    const note = `${url} is a web page. Its feed is imported: ${url}all.rss (All). Its other feeds: ${url}other.atom.`;

    expect([code, out, err]).toEqual([0, did(1, 0, 0, 0), `${note}\n`]);
    expect(JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'))).toMatchObject({ notes: [note] });
  });

  test('whose feed is a web page as well is reported', async () => {
    const url = await site(paths({ '/': PAGE, '/all.rss': PAGE }), '/');
    const { code, out, err } = await imported(await dataFolder(), url);

    expect([code, out]).toEqual([1, '']);
    expect(err.split('\n').slice(1)).toEqual([
      `${url} is a web page, not a feed.`,
      `Nor is the feed that it names, ${url}all.rss. Give the address of the feed itself, such as /feed/, /rss.xml or /atom.xml below the site.`,
      '',
    ]);
  });

  test('that is a feed with the media type of a page is read as the feed', async () => {
    const url = await site((_request, response) => {
      response.setHeader('Content-Type', 'text/html');
      response.end(rss([item('h')]));
    });
    expect((await imported(await dataFolder(), url)).out).toBe(did(1, 0, 0, 0));
  });
});

test.each([
  [401, /It refuses access: ask its operator, or import an export of the old system\.$/m],
  [403, /It refuses access/],
  [404, /Check the address\.$/m],
  [408, /Try again later\.$/m],
  [410, /Check the address\.$/m],
  [429, /Try again later\.$/m],
  [500, /Try again later\.$/m],
  [503, /Try again later\.$/m],
])('the answer %i is reported with what to do', async (status, advice) => {
  const url = await site((_request, response) => void response.writeHead(status).end());
  const { code, err } = await imported(await dataFolder(), url);

  expect(code).toBe(1);
  expect(err).toContain(`The server answered with status ${status}. `);
  expect(err).toMatch(advice);
});

describe('a feed with pages', () => {
  const next = (href: string) => `<atom:link rel="next" href="${href}"/>`;
  const THREE = {
    '/feed': rss([item('1')], next('/feed?page=2')),
    '/feed?page=2': rss([item('2')], next('?page=3')),
    '/feed?page=3': rss([item('3')]),
  };

  test('is read to its end with --all, and only its first page without', async () => {
    const folder = await dataFolder();
    const url = await site(paths(THREE));
    const first = await imported(folder, url);
    const all = await imported(folder, '--all', url);

    expect(first).toMatchObject({ code: 0, out: did(1, 0, 0, 0), err: '' });
    expect(all).toMatchObject({ code: 0, out: did(2, 0, 1, 0), err: '' });
    expect(await storedIds(folder)).toEqual(['1', '2', '3']);
  });

  test('in JSON is read to its end', async () => {
    const page = (id: string, next_url?: string) =>
      JSON.stringify({
        version: 'https://jsonfeed.org/version/1.1',
        title: 'H',
        next_url,
        items: [
          {
            id,
            url: `https://harbour.example/${id}`,
            title: id,
            content_text: 'Text',
            date_published: '2024-10-02T13:00:00Z',
          },
        ],
      });
    const url = await site(paths({ '/feed': page('a', '/feed/2'), '/feed/2': page('b') }));

    expect((await imported(await dataFolder(), '--all', url)).out).toBe(did(2, 0, 0, 0));
  });

  test('is read no further than --max-pages, which is reported', async () => {
    const endless: RequestListener = ({ url = '' }, response) => {
      const page = Number(new URL(url, 'http://x').searchParams.get('page') ?? 1);
      response.end(rss([item(String(page))], next(`/feed?page=${page + 1}`)));
    };
    const url = await site(endless);
    const { code, out, err } = await imported(await dataFolder(), '--all', '--max-pages', '5', url);

    expect([code, out]).toEqual([0, did(5, 0, 0, 0)]);
    expect(err).toBe(`${url} has more pages than 5: older stories were not read. Raise --max-pages to read them.\n`);
  });

  test.each([
    ['at itself', { '/feed': rss([item('1')], next('/feed')) }, 1],
    ['at its first page', { '/feed': THREE['/feed'], '/feed?page=2': rss([item('2')], next('/feed')) }, 2],
    ['at the same page under other addresses', { '/feed': THREE['/feed'], '/feed?page=2': THREE['/feed'] }, 1],
    [
      'by a redirect to its first page',
      {
        '/feed': THREE['/feed'],
        '/feed?page=2': ((_request: IncomingMessage, response: ServerResponse) =>
          void response.writeHead(302, { Location: '/feed' }).end()) as RequestListener,
      },
      1,
    ],
  ])('that goes on %s ends', async (_name, routes, created) => {
    const url = await site(paths(routes));
    expect(await imported(await dataFolder(), '--all', url)).toMatchObject({
      code: 0,
      out: did(created, 0, 0, 0),
      err: '',
    });
  });

  test('with a page that is missing is reported, and its other stories are kept', async () => {
    const folder = await dataFolder();
    const url = await site(paths({ '/feed': THREE['/feed'] }));
    const { code, out, err } = await imported(folder, '--all', url);

    expect([code, out]).toEqual([1, did(1, 0, 0, 1)]);
    expect(err.split('\n')[0]).toBe(
      `${url}?page=2: this page of the feed cannot be read, and older pages were not asked for: The server answered with status 404. Check the address.`,
    );
  });

  test.each([
    ['404', undefined],
    ['a page without stories', rss([], '<generator>https://wordpress.org/?v=6</generator>')],
    [
      'the page before, dated anew',
      rss([item('2')], '<generator>https://wordpress.org/?v=6</generator><lastBuildDate/>'),
    ],
    ['a web page', '<!doctype html><html><body>Nothing found</body></html>'],
  ])('of WordPress ends at %s', async (_name, last) => {
    const wordpress = (id: string) => rss([item(id)], '<generator>https://wordpress.org/?v=6.4</generator>');
    const url = await site(
      paths({
        '/feed': wordpress('1'),
        '/feed?paged=2': wordpress('2'),
        ...(last === undefined ? {} : { '/feed?paged=3': last }),
      }),
    );
    expect(await imported(await dataFolder(), '--all', url)).toMatchObject({ code: 0, out: did(2, 0, 0, 0), err: '' });
  });
});

/** The smallest PNG, of one pixel, with a chunk of text that makes it different. */
function png(text = ''): Buffer {
  const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
  return Buffer.concat([Buffer.from(pixel, 'base64'), Buffer.from(text)]);
}

const copies = (folder: string) => readdirSync(join(folder, 'media/imported')).sort();

describe('--media', () => {
  async function moved(
    body: string,
    routes: Parameters<typeof paths>[0],
    fields: Readonly<Record<string, unknown>> = {},
  ) {
    const asked: string[] = [];
    const serve = paths(routes);
    const base = await site((request, response) => {
      asked.push(request.url ?? '');
      serve(request, response);
    }, '');
    const folder = await dataFolder({
      'in.json': JSON.stringify(record({ url: `${base}/2024/story`, body: body.replaceAll('BASE', base), ...fields })),
    });
    const again = (...args: readonly string[]) =>
      imported(folder, '--media', '--allow-private', ...args, join(folder, 'in.json'));
    return { folder, base, asked, again };
  }

  test('copies pictures, and publishes the copies', async () => {
    const BODY = `<p>A &amp; b</p><img alt="x" src="BASE/a.png"><a href="/big.jpg"><img src='c.png' srcset="c.png 1x, /c2.png 2x"></a><a href="/2024/other">No picture</a>`;
    const { folder, again, asked } = await moved(BODY, {
      '/a.png': png('a'),
      '/2024/c.png': png('c'),
      '/c2.png': png('c2'),
      '/big.jpg': png('big'),
    });
    const { code, out, err } = await again();
    const names = copies(folder);
    const named = (start: string) => `/media/imported/${names.find((name) => name.startsWith(start))}`;
    const [stored] = await storedRecords(folder);

    expect([code, out, err]).toEqual([0, `${did(1, 0, 0, 0)}Pictures: 4 copied, 0 copied earlier, 0 not copied\n`, '']);
    expect(names.map((name) => name.replace(/[\da-f]{20}/, 'DIGEST'))).toEqual([
      'a-DIGEST.png',
      'big-DIGEST.png',
      'c-DIGEST.png',
      'c2-DIGEST.png',
    ]);
    expect(stored?.body).toBe(
      `<p>A &amp; b</p><img alt="x" src="${named('a-')}"><a href="${named('big-')}"><img src="${named('c-')}" srcset="${named('c-')} 1x, ${named('c2-')} 2x"></a><a href="/2024/other">No picture</a>`,
    );
    expect(asked.length).toBe(4);
    expect(await readFile(join(folder, named('a-')))).toEqual(png('a'));

    // The second import asks for nothing, and changes nothing.
    expect(await again()).toMatchObject({
      out: `${did(0, 0, 1, 0)}Pictures: 0 copied, 4 copied earlier, 0 not copied\n`,
    });
    expect(asked.length).toBe(4);
  });

  test('copies the picture of a story, which gets the size of the file', async () => {
    const { folder, base, again } = await moved('<p>x</p>', { '/p': png('p') }, {});
    await put(folder, 'in.json', JSON.stringify(record({ image: { url: `${base}/p`, alt: 'Ice', width: 9 } })));
    await again();
    const { store } = openDataFolder(folder);
    const [stored] = await store.page(0, 10);
    await store.close();

    expect(stored?.article.image).toEqual({
      url: `https://feeds.news.example/media/imported/${copies(folder)[0]}`,
      alt: 'Ice',
      type: 'image/png',
      length: png('p').length,
      width: 1,
      height: 1,
    });
  });

  test('copies the pictures among the media of a story, and no other file', async () => {
    const { folder, base, again } = await moved('<p>x</p>', { '/p': png('p'), '/s.mp3': 'sound' });
    const media = [
      { url: `${base}/s.mp3`, type: 'audio/mpeg' },
      { url: `${base}/p`, type: 'image/png', title: 'Ice' },
    ];
    await put(folder, 'in.json', JSON.stringify(record({ media })));
    await again();
    const { store } = openDataFolder(folder);
    const [stored] = await store.page(0, 10);
    await store.close();

    expect(copies(folder)).toHaveLength(1);
    expect(stored?.article.media.map(({ url }) => url)).toEqual([
      `${base}/s.mp3`,
      `https://feeds.news.example/media/imported/${copies(folder)[0]}`,
    ]);
  });

  test.each<[string, string | Buffer | RequestListener | undefined, RegExp]>([
    ['is missing', undefined, /\/a\.png was not copied: The server answered with status 404\./],
    ['is no picture', '<html>Not here</html>', /\/a\.png was not copied: its content is not a picture\.$/m],
    [
      'is a page with a drawing within',
      '<!doctype html><title>Gone</title><svg width="1" height="1"></svg>',
      /its content is not a picture\.$/m,
    ],
    ['is a script by the name of a picture', 'alert(1)', /its content is not a picture\.$/m],
    ['is too large', Buffer.concat([png(), Buffer.alloc(1024 * 1024)]), /was not copied: it is larger than 1 MB\.$/m],
  ])('a picture that %s keeps its address', async (_name, answer, note) => {
    const { folder, base, again } = await moved(
      '<p>Text <img src="BASE/a.png"></p>',
      answer === undefined ? {} : { '/a.png': answer },
    );
    const { code, out, err } = await again('--media-mb', '1');

    expect([code, out]).toEqual([0, `${did(1, 0, 0, 0)}Pictures: 0 copied, 0 copied earlier, 1 not copied\n`]);
    expect(err).toMatch(note);
    expect((await storedRecords(folder))[0]?.body).toBe(`<p>Text <img src="${base}/a.png"></p>`);
    expect(existsSync(join(folder, 'media/imported')) ? copies(folder) : []).toEqual([]);
  });

  test('downloads no more than --media-count, and the next import goes on', async () => {
    const pictures = Array.from({ length: 5 }, (_, number) => `/${number}.png`);
    const body = pictures.map((path) => `<img src="BASE${path}">`).join('');
    const { folder, again } = await moved(body, Object.fromEntries(pictures.map((path) => [path, png(path)])));
    const first = await again('--media-count', '3');
    const second = await again('--media-count', '3');

    expect(first.out).toBe(`${did(1, 0, 0, 0)}Pictures: 3 copied, 0 copied earlier, 2 not copied\n`);
    expect(first.err).toBe(
      '3 pictures were copied, the limit of one import: the others keep their addresses. Import again to go on.\n',
    );
    expect(second.out).toBe(`${did(0, 1, 0, 0)}Pictures: 2 copied, 3 copied earlier, 0 not copied\n`);
    expect(copies(folder)).toHaveLength(5);
  });

  test('is rehearsed with the copies that are there, and the others are counted', async () => {
    const { folder, asked, again } = await moved('<img src="BASE/a.png"><img src="BASE/gone.png">', {
      '/a.png': png(),
    });
    const before = await again('--dry-run');
    const downloads = asked.length;
    await again();
    const after = await again('--dry-run');

    expect([before.out, downloads]).toEqual([
      `Dry run, nothing was changed: ${did(1, 0, 0, 0)}Pictures: 2 to copy, 0 copied earlier\n`,
      0,
    ]);
    expect(after.out).toBe(`Dry run, nothing was changed: ${did(0, 0, 1, 0)}Pictures: 1 to copy, 1 copied earlier\n`);
    expect([asked.length, copies(folder).length]).toEqual([2, 1]);
  });

  test('overwrites no file', async () => {
    const { folder, again } = await moved('<img src="BASE/a.png"><p>x</p>', { '/a.png': png('new') });
    await again();
    const [name = ''] = copies(folder);
    await writeFile(join(folder, 'media/imported', name), png('edited'));
    await again();

    expect(await readFile(join(folder, 'media/imported', name))).toEqual(png('edited'));
    expect(copies(folder)).toEqual([name]);
  });

  test('asks a dead server no more after twenty failures', async () => {
    const body = Array.from({ length: 60 }, (_, number) => `<img src="BASE/${number}.png">`).join('');
    const hangUp: RequestListener = ({ socket }) => void socket.destroy();
    const routes = Object.fromEntries(Array.from({ length: 60 }, (_, number) => [`/${number}.png`, hangUp]));
    const { again, asked } = await moved(`${body}<p>x</p>`, routes);
    const { err } = await again();

    expect(asked.length).toBeLessThan(30);
    expect(err).toMatch(
      /20 downloads from 127\.0\.0\.1:\d+ failed in a row: no more pictures are copied from there\.$/m,
    );
  });
});

describe('--dry-run', () => {
  test('leaves a data folder with a store as it is, to the time of every file', async () => {
    const folder = await dataFolder({ 'in.ndjson': ndjson('a'), 'new.ndjson': `${ndjson('b')}{}\n` });
    await imported(folder, join(folder, 'in.ndjson'));
    const files = async () => {
      const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
      const states = await Promise.all(names.map((name) => stat(join(folder, name))));
      return names.map((name, index) => [name, states[index]?.mtimeMs, states[index]?.size]);
    };
    const before = await files();
    const url = await site(paths({ '/feed': rss([item('f', '&lt;img src="/x.png"&gt;')]) }));
    const { out } = await imported(folder, '--dry-run', '--media', join(folder, 'new.ndjson'), url);

    expect(out).toBe(`Dry run, nothing was changed: ${did(2, 0, 0, 1)}Pictures: 1 to copy, 0 copied earlier\n`);
    expect((await files()).filter(([name]) => name !== 'store')).toEqual(before.filter(([name]) => name !== 'store'));
  });
});

describe('--report', () => {
  test('writes everything as JSON: every refusal with its file, line, title and problems', async () => {
    const bad = Array.from({ length: 60 }, (_, number) => record({ id: `n${number}`, publishedAt: 'yesterday' }));
    const folder = await dataFolder({
      'in.ndjson': `${ndjson('good')}${bad.map((each) => `${JSON.stringify(each)}\n`).join('')}`,
      'report.json': 'an earlier report',
    });
    const file = join(folder, 'report.json');
    const { code } = await imported(folder, '--report', file, join(folder, 'in.ndjson'));
    const report = JSON.parse(await readFile(file, 'utf8'));

    expect(code).toBe(1);
    expect(report).toMatchObject({
      sources: [join(folder, 'in.ndjson')],
      dryRun: false,
      notes: [],
      skipped: {},
      created: 1,
      updated: 0,
      unchanged: 0,
      refused: 60,
      isInterrupted: false,
    });
    expect(Date.parse(report.finishedAt)).toBeGreaterThanOrEqual(Date.parse(report.startedAt));
    expect(report.refusals).toHaveLength(60);
    expect(report.refusals[59]).toEqual({
      file: join(folder, 'in.ndjson'),
      line: 61,
      title: 'A title',
      problems: [
        { field: 'publishedAt', value: 'yesterday', rule: expect.stringMatching(/^must be a date/), line: 61 },
      ],
    });
  });

  test('names the line of a second story with one guid', async () => {
    const folder = await dataFolder({ 'in.xml': rss(['\n', item('a'), '\n', item('a').replace('Story', 'Another')]) });
    await imported(folder, '--report', join(folder, 'report.json'), join(folder, 'in.xml'));
    const { refusals } = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'));

    expect(refusals).toMatchObject([{ line: 5, title: 'Another a', problems: [{ field: '<guid>', line: 5 }] }]);
  });

  test('counts adjustments by kind, with the first examples; the terminal has fewer of them', async () => {
    const hiding = (number: number) => record({ id: `n${number}`, body: '<p>a</p><p hidden>Ad</p><i hidden>b</i>' });
    const lines = Array.from({ length: 52 }, (_, number) => `${JSON.stringify(hiding(number))}\n`);
    const folder = await dataFolder({ 'in.ndjson': `${ndjson('good')}${lines.join('')}` });
    const [input, file] = [join(folder, 'in.ndjson'), join(folder, 'report.json')];
    const { code, out, err } = await imported(folder, '--report', file, input);
    const reason = 'its page does not show it';
    const change = { field: 'body', change: 'removed hidden text', value: 'Ad' };
    const example = (line: number) => ({ file: input, line, title: 'A title', ...change });
    const printed = (line: number) =>
      `${input}:${line}: body: removed hidden text: “Ad” (2 times): ${reason}, in “A title”\n`;
    const { adjustments } = JSON.parse(await readFile(file, 'utf8'));

    expect(code).toBe(0);
    expect(out).toContain('\nAdjustments: 52 hidden_text_removed\n');
    expect(adjustments).toEqual({
      hidden_text_removed: {
        reason,
        stories: 52,
        count: 104,
        examples: Array.from({ length: 10 }, (_, number) => example(number + 2)),
      },
    });
    expect(err).toBe([2, 3, 4].map(printed).join(''));
  });

  test('names hidden text of a feed with an xml:base', async () => {
    const item =
      '<item xml:base="https://mill.example/"><title>Ice</title><link>https://mill.example/1</link>' +
      '<pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>' +
      '<description>&lt;p>a&lt;/p>&lt;p hidden>Ad&lt;/p></description></item>';
    const folder = await dataFolder({ 'in.xml': `<rss version="2.0"><channel>${item}</channel></rss>` });
    const { err } = await imported(folder, join(folder, 'in.xml'));

    expect(err).toBe(
      `${join(folder, 'in.xml')}:1: body: removed hidden text: “Ad”: its page does not show it, in “Ice”\n`,
    );
  });

  test('of a dry run is written as well', async () => {
    const folder = await dataFolder({ 'in.ndjson': ndjson('a') });
    const file = join(folder, 'report.json');
    await imported(folder, '--dry-run', '--report', file, join(folder, 'in.ndjson'));

    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ dryRun: true, created: 1, refusals: [] });
    expect(readdirSync(folder).sort()).toEqual(['in.ndjson', 'publication.yaml', 'report.json']);
  });

  test('that cannot be written ends the import before it begins', async () => {
    const folder = await dataFolder({ 'in.ndjson': ndjson('a') });
    const file = join(folder, 'nowhere/report.json');
    const { code, err } = await imported(folder, '--report', file, join(folder, 'in.ndjson'));

    expect([code, err.split('\n')[0]]).toEqual([
      1,
      `${file} cannot be written: there is no such file or folder (ENOENT).`,
    ]);
    expect(await storedIds(folder)).toEqual([]);
  });
});

describe('--report to a folder', () => {
  const files = (folder: string) => readdirSync(folder).sort();

  test.each(['reports', 'reports/'])('named %s ends the import before it begins', async (name) => {
    const folder = await dataFolder({ 'in.ndjson': ndjson('a'), 'reports/kept': 'text' });
    const { code, out, err } = await imported(folder, '--report', `${folder}/${name}`, join(folder, 'in.ndjson'));

    expect([code, out, err.split('\n')[0]]).toEqual([
      1,
      '',
      `${folder}/${name} cannot be written: it is a folder, not a file (EISDIR).`,
    ]);
    expect([await storedIds(folder), files(join(folder, 'reports'))]).toEqual([[], ['kept']]);
    expect(files(folder).filter((file) => file.endsWith('.part'))).toEqual([]);
  });

  test('that comes during the import leaves no part of a report', async () => {
    const folder = await dataFolder({ 'in.ndjson': `${ndjson('a')}{}\n` });
    const report = join(folder, 'report.json');
    const args = ['--data', folder, '--rejected', join(folder, 'r.ndjson'), '--report', report];
    const { code, err } = await command(['import', ...args, join(folder, 'in.ndjson')], {
      onLine: () => mkdirSync(report, { recursive: true }),
    });

    expect(code).toBe(1);
    expect(err).toContain(`${report} cannot be written: `);
    expect(files(folder).filter((file) => file.endsWith('.part'))).toEqual([]);
  });
});

describe('an import that is interrupted', () => {
  test('saves what it has read, says so, and goes on when it is run again', async () => {
    const folder = await dataFolder();
    const stopping = new AbortController();
    let isSlow = true;
    const url = await site((request, response) => {
      if (request.url === '/feed') response.end(rss([item('1'), item('2')], '<atom:link rel="next" href="/p2"/>'));
      else if (isSlow)
        stopping.abort(); // the answer never comes
      else response.end(rss([item('3')]));
    });
    const args = ['import', '--data', folder, '--rejected', join(folder, 'r.ndjson'), '--all', url];
    const first = await command(args, { stop: stopping.signal });
    isSlow = false;
    const second = await command(args);

    expect([first.code, first.out]).toEqual([143, did(2, 0, 0, 0)]);
    expect(first.err).toBe(
      'Interrupted: what was read until then is saved. Run the same command again to go on: articles that are saved already count as unchanged.\n',
    );
    expect(second).toMatchObject({ code: 0, out: did(1, 0, 2, 0), err: '' });
  });

  test('saves the stories whose pictures are not copied yet', async () => {
    const folder = await dataFolder();
    const stopping = new AbortController();
    let isSlow = true;
    const url = await site(({ url: path, headers: { host } }, response) => {
      const story = (id: string) => item(id, `&lt;img src="http://${host}/${id}.png"&gt;`);
      if (path === '/feed') response.end(rss([story('1'), story('2')]));
      else if (path === '/2.png' && isSlow)
        stopping.abort(); // the answer never comes
      else response.end(png(path));
    });
    const args = ['import', '--data', folder, '--media', url];
    const first = await command(args, { stop: stopping.signal });
    const saved = await storedIds(folder);
    isSlow = false;
    const second = await command(args);

    expect([first.code, first.out.split('\n')[0], saved]).toEqual([143, did(2, 0, 0, 0).trim(), ['1', '2']]);
    expect(second.code).toBe(0);
    expect(copies(folder)).toHaveLength(2);
    expect((await storedRecords(folder)).every(({ body }) => /"\/media\/imported\/[12]-/.test(String(body)))).toBe(
      true,
    );
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('by %s has exit code %i', async (signal, code) => {
    const folder = await dataFolder({ 'in.ndjson': ndjson('a') });
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const url = await site((request, response) => {
      if (request.url === '/feed') response.end(rss([item('1')], '<atom:link rel="next" href="/p2"/>'));
      else resolve(); // the answer never comes
    });
    const args = [MAIN, 'import', '--data', folder, join(folder, 'in.ndjson'), '--all', url];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: childEnvironment() });
    const printed = Promise.all([text(child.stdout), text(child.stderr)]);
    const ended = once(child, 'close');
    await asked;
    child.kill(signal);
    const [out, err] = await printed;

    expect([await ended, out]).toEqual([[code, null], did(2, 0, 0, 0)]);
    expect(err).toMatch(/^Interrupted: what was read until then is saved\. /);
  });

  test('before its first answer has changed nothing, and says so', async () => {
    const folder = await dataFolder();
    const stopping = new AbortController();
    const url = await site(() => stopping.abort());
    const { code, out, err } = await command(['import', '--data', folder, url], { stop: stopping.signal });

    expect([code, out, err]).toEqual([143, '', 'Interrupted before anything was read. Nothing was changed.\n']);
    expect(readdirSync(folder)).toEqual(['publication.yaml']);
  });

  test('does not replace the file of refused records that it reads', async () => {
    const bad = (id: string) => `${JSON.stringify(record({ id, title: '' }))}\n`;
    const lines = Array.from({ length: 9000 }, (_, number) => bad(`n${number}`)).join('');
    const folder = await dataFolder({ 'rejected.ndjson': lines });
    const stopping = new AbortController();
    const file = join(folder, 'rejected.ndjson');
    const { code, err } = await command(['import', '--data', folder, '--rejected', file, file], {
      stop: stopping.signal,
      onLine: () => stopping.abort(),
    });

    expect(code).toBe(143);
    expect(err).toContain('rejected-2.ndjson: fix them there');
    expect(await readFile(file, 'utf8')).toBe(lines);
  });
});

describe('--every', () => {
  /** Runs the command until its output has a text. */
  async function until(wanted: RegExp, args: readonly string[]): Promise<Finished> {
    const stopping = new AbortController();
    let printed = '';
    return command(['import', '--every', '1s', ...args], {
      stop: stopping.signal,
      onLine: (line) => {
        printed += `${line}\n`;
        if (wanted.test(printed)) stopping.abort();
      },
    });
  }

  const lines = ({ out }: Finished) =>
    out
      .trim()
      .split('\n')
      .map((line) => line.replace(/^\S+ /, ''));

  test('brings a feed over until it is stopped, and downloads only what has changed', { timeout: 60_000 }, async () => {
    const folder = await dataFolder();
    const answers: [status: number, etag: string | undefined, since: string | undefined][] = [];
    const url = await site(({ headers }, response) => {
      const version = answers.length < 3 ? 1 : 2;
      const isKnown = headers['if-none-match'] === `"v${version}"`;
      answers.push([isKnown ? 304 : 200, headers['if-none-match'], headers['if-modified-since']]);
      response.setHeader('ETag', `"v${version}"`).setHeader('Last-Modified', 'Wed, 02 Oct 2024 13:00:00 GMT');
      if (isKnown) response.writeHead(304).end();
      else response.end(rss(version === 1 ? [item('1')] : [item('2'), item('1')]));
    });
    const finished = await until(/1 created.*\n.*1 created/, ['--data', folder, url]);

    expect([finished.code, finished.err]).toEqual([0, 'Stopped. What was imported until then is saved.\n']);
    expect(lines(finished)).toEqual([`${url}: ${did(1, 0, 0, 0)}`.trim(), `${url}: ${did(1, 0, 1, 0)}`.trim()]);
    expect(answers).toEqual([
      [200, undefined, undefined],
      [304, '"v1"', 'Wed, 02 Oct 2024 13:00:00 GMT'],
      [304, '"v1"', 'Wed, 02 Oct 2024 13:00:00 GMT'],
      [200, '"v1"', 'Wed, 02 Oct 2024 13:00:00 GMT'],
    ]);
    expect(await storedIds(folder)).toEqual(['1', '2']);
  });

  test('waits longer after each failure, and goes on when the server answers again', { timeout: 60_000 }, async () => {
    const folder = await dataFolder();
    let requests = 0;
    const url = await site((_request, response) => {
      requests += 1;
      if (requests <= 2) response.writeHead(503).end();
      else response.end(rss([item('1')]));
    });
    const { out, err } = await until(/1 created/, ['--data', folder, url]);
    const failures = err.split('\n').filter((line) => line.includes('503'));

    expect(failures.map((line) => line.replace(/^\S+ /, ''))).toEqual(
      [1, 2].map(
        (seconds) =>
          `Nothing can be read from ${url}. The server answered with status 503. Try again later. The next attempt is in ${seconds} s.`,
      ),
    );
    expect(out).toContain(did(1, 0, 0, 0));
  });

  test('reports a story that is refused once, as long as it does not change', { timeout: 60_000 }, async () => {
    const folder = await dataFolder();
    let requests = 0;
    const url = await site((_request, response) => {
      requests += 1;
      response.end(rss([item('1').replace(/<pubDate>[^<]*/, '<pubDate>soon'), ...(requests < 3 ? [] : [item('2')])]));
    });
    const rejected = join(folder, 'rejected.ndjson');
    const finished = await until(/1 created/, ['--data', folder, '--rejected', rejected, url]);

    expect(lines(finished)).toEqual([`${url}: ${did(0, 0, 0, 1)}`.trim(), `${url}: ${did(1, 0, 0, 1)}`.trim()]);
    expect(finished.err.match(/<pubDate>: /g)).toHaveLength(1);
    expect(readdirSync(folder).filter((name) => name.startsWith('rejected'))).toEqual(['rejected.ndjson']);
  });

  test('reads all pages at first, and then only as far as there is news', { timeout: 60_000 }, async () => {
    const asked: string[] = [];
    let rounds = 0;
    const next = (href: string) => `<atom:link rel="next" href="${href}"/>`;
    const url = await site(({ url: path = '' }, response) => {
      asked.push(path);
      if (path === '/feed') rounds += 1;
      if (path === '/feed')
        response.end(rss([item(rounds < 3 ? '1' : '0'), item('1')], `${next('/2')}<x>${rounds}</x>`));
      else if (path === '/2') response.end(rss([item('2')], next('/3')));
      else response.end(rss([item('3')]));
    });
    await until(/3 created.*\n.*1 created/, ['--data', await dataFolder(), '--all', url]);

    expect(asked).toEqual(['/feed', '/2', '/3', '/feed', '/feed', '/2']);
  });

  test('reads the pages after one that failed, and until then all of them', { timeout: 60_000 }, async () => {
    const folder = await dataFolder();
    const asked: string[] = [];
    const next = (href: string) => `<atom:link rel="next" href="${href}"/>`;
    const url = await site(({ url: path = '', headers }, response) => {
      asked.push(path);
      if (path === '/feed' && headers['if-none-match'] === '"v1"') response.writeHead(304).end();
      else if (path === '/feed') response.setHeader('ETag', '"v1"').end(rss([item('1')], next('/2')));
      else if (path === '/2' && asked.length < 5) response.writeHead(503).end();
      else if (path === '/2') response.end(rss([item('2')], next('/3')));
      else response.end(rss([item('3')]));
    });
    const { err, out } = await until(/2 created/, ['--data', folder, '--all', url]);

    expect(asked).toEqual(['/feed', '/2', '/feed', '/2', '/feed', '/2', '/3']);
    expect(out).toContain(did(2, 0, 1, 0));
    expect(err).toMatch(
      /503\. Try again later\. The next attempt is in 1 s\.(?:.*\n)+.*The next attempt is in 2 s\.$/m,
    );
    expect(await storedIds(folder)).toEqual(['1', '2', '3']);
  });

  test('reads all pages again when one with news fails later', { timeout: 60_000 }, async () => {
    const folder = await dataFolder();
    let visits = 0;
    const url = await site(({ url: path = '' }, response) => {
      if (path === '/feed') visits += 1;
      const next = '<atom:link rel="next" href="/2"/>';
      if (path === '/feed') response.end(rss([item(visits === 1 ? 'a' : 'b')], next));
      else if (visits === 2) response.writeHead(503).end();
      else response.end(rss([item(visits === 1 ? 'x' : 'y')]));
    });
    await until(/2 created(?:.*\n)+.*1 created(?:.*\n)+.*1 created/, ['--data', folder, '--all', url]);

    expect((await storedIds(folder)).sort()).toEqual(['a', 'b', 'x', 'y']);
  });

  test('asks WordPress again for a page after the answer that there are too many requests', async () => {
    const wordpress = (id: string) => rss([item(id)], '<generator>https://wordpress.org/?v=6.4</generator>');
    const tooMany: RequestListener = (_request, response) => void response.writeHead(429).end();
    const url = await site(paths({ '/feed': wordpress('1'), '/feed?paged=2': tooMany }));
    const { code, err } = await imported(await dataFolder(), '--all', url);

    expect(code).toBe(1);
    expect(err).toContain('The server answered with status 429. Try again later.\n');
  });

  test.each([
    ['on its only page', ''],
    ['on a later page', '<atom:link rel="next" href="/2"/>'],
  ])('copies a picture that failed for a moment, %s', { timeout: 60_000 }, async (_name, next) => {
    const folder = await dataFolder();
    let pictures = 0;
    const url = await site(({ url: path = '', headers, headers: { host } }, response) => {
      const withPicture = item('p', `&lt;img src="http://${host}/p.png"&gt;`);
      if (path === '/p.png') {
        pictures += 1;
        if (pictures === 1) response.writeHead(503).end();
        else response.end(png('p'));
      } else if (headers['if-none-match'] === '"v1"') response.writeHead(304).end();
      else if (path === '/2') response.end(rss([withPicture]));
      else response.setHeader('ETag', '"v1"').end(rss([next === '' ? withPicture : item('1')], next));
    });
    await until(/1 updated/, ['--data', folder, '--media', '--all', url]);

    expect(pictures).toBe(2);
    expect(copies(folder)).toHaveLength(1);
  });

  test('makes each note once, and one for each story and picture', { timeout: 60_000 }, async () => {
    const stopping = new AbortController();
    let visits = 0;
    const hidden = '&lt;p hidden&gt;Ad&lt;/p&gt;';
    const url = await site(({ url: path, headers: { host } }, response) => {
      if (path !== '/feed') return void response.writeHead(404).end();
      visits += 1;
      if (visits === 3) stopping.abort();
      const story = (id: string) => item(id, `${hidden}&lt;img src="http://${host}/${id}.png"&gt;`);
      response.end(rss(['\n'.repeat(visits), story('1'), story('2')]));
    });
    const args = ['import', '--every', '1s', '--media', '--data', await dataFolder(), url];
    const { err } = await command(args, { stop: stopping.signal });
    const notes = err
      .replaceAll(new URL(url).origin, '')
      .replace(/^\/feed:\d+:/gm, '/feed:LINE:')
      .split('\n');

    expect(notes.slice(0, -2).sort()).toEqual([
      '/1.png was not copied: The server answered with status 404. Check the address.',
      '/2.png was not copied: The server answered with status 404. Check the address.',
      '/feed:LINE: body: removed hidden text: “Ad”: its page does not show it, in “Story 1”',
      '/feed:LINE: body: removed hidden text: “Ad”: its page does not show it, in “Story 2”',
    ]);
  });

  test('keeps the report of the last import with news', { timeout: 60_000 }, async () => {
    const folder = await dataFolder();
    const file = join(folder, 'report.json');
    const stopping = new AbortController();
    let visits = 0;
    const feed = await site((_request, response) => {
      visits += 1;
      if (visits === 3) stopping.abort();
      response.end(rss([item('1')]));
    });
    const other = await site(paths({ '/feed': rss([item('2'), item('3')]) }));
    const args = ['import', '--every', '1s', '--data', folder, '--report', file, feed, other];
    await command(args, { stop: stopping.signal });

    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ sources: [other], created: 2 });
  });

  test('downloads a feed no more for a picture that is missing for good', { timeout: 60_000 }, async () => {
    const answers: number[] = [];
    const stopping = new AbortController();
    const url = await site(({ url: path = '', headers: { host, 'if-none-match': known } }, response) => {
      if (path === '/p.png') return void response.writeHead(404).end();
      answers.push(known === '"v1"' ? 304 : 200);
      if (answers.length === 3) stopping.abort();
      if (known === '"v1"') response.writeHead(304).end();
      else response.setHeader('ETag', '"v1"').end(rss([item('p', `&lt;img src="http://${host}/p.png"&gt;`)]));
    });
    const args = ['import', '--every', '1s', '--media', '--data', await dataFolder(), url];
    await command(args, { stop: stopping.signal });

    expect(answers).toEqual([200, 304, 304]);
  });

  test.each([
    [['--every', '5m', '/dev/null'], '--every needs addresses: the service watches its articles folder itself.'],
    [['--every', '5m', '--dry-run', 'https://a.example/'], '--every and --dry-run exclude each other: leave one out.'],
    [
      ['--max-pages', '5', 'https://a.example/'],
      '--max-pages does nothing without --all: add --all, or leave --max-pages out.',
    ],
    [
      ['--media-mb=5', 'https://a.example/'],
      '--media-mb does nothing without --media: add --media, or leave --media-mb out.',
    ],
    [
      ['--all', '--media-count', '5', 'https://a.example/'],
      '--media-count does nothing without --media: add --media, or leave --media-count out.',
    ],
    [['--every', '5', 'https://a.example/'], '--every must be a time from 1s to 24h, as 90s, 5m or 1h, not “5”.'],
    [['--every', '25h', 'https://a.example/'], '--every must be a time from 1s to 24h, as 90s, 5m or 1h, not “25h”.'],
  ])('%j is wrong usage', async (args, message) => {
    const { code, err } = await command(['import', '--data', await dataFolder(), ...args]);
    expect([code, err.split('\n')[0]]).toEqual([2, message]);
  });
});

test('a download that takes long is drawn without an estimate where its length is unknown', async () => {
  const url = await site(async (request, response) => {
    const page = Number(new URL(request.url ?? '', 'http://x').searchParams.get('page') ?? 1);
    if (page > 1) await new Promise((done) => setTimeout(done, 600));
    const items = Array.from({ length: 2100 }, (_, number) => item(`${page}-${number}`));
    response.end(rss(items, page < 3 ? `<atom:link rel="next" href="?page=${page + 1}"/>` : ''));
  });
  const { drawn } = await command(['import', '--data', await dataFolder(), '--all', url], { isTTY: true });

  expect(drawn).toMatch(/Importing \d+ records, \d+ a second/);
  expect(drawn).not.toMatch(/left|NaN|Infinity/);
});

test.each([
  ['pages', '/p', ['--all'], /Importing 2 records read/],
  ['pictures', '/x.png', ['--media'], /Importing .*1 record read, 1 picture copied/],
])('%s that take long are drawn before anything is saved', async (_name, slow, options, drawn) => {
  await import('cli-progress'); // the bar needs it when the slow answer is there
  const url = await site((request, response) => {
    const answer = () => response.end(request.url?.endsWith('.png') ? png() : rss([item(String(request.url))]));
    if (request.url === '/feed') {
      const next = '<atom:link rel="next" href="/p"/>';
      response.end(rss([item('1', `&lt;img src="http://${request.headers.host}/x.png"&gt;`)], next));
    } else if (request.url === slow) setTimeout(answer, 600);
    else answer();
  });
  const args = ['import', '--data', await dataFolder(), ...options, url];
  expect((await command(args, { isTTY: true })).drawn).toMatch(drawn);
});

test('a server that hangs up in the middle of its answer is reported', async () => {
  const url = await site((_request, response) => {
    response.writeHead(200, { 'Content-Length': '1000' });
    response.write('<rss>', () => response.destroy());
  });
  const { code, err } = await imported(await dataFolder(), url);

  expect([code, err]).toEqual([
    1,
    `Nothing can be read from ${url}.\nThe server closed the connection before its answer was complete (UND_ERR_SOCKET). Check the address.\n`,
  ]);
});

test.each(['file:///etc/hostname', 'data:text/xml,x', 'ftp://harbour.example/feed', 'javascript:1', 'about:blank'])(
  'a redirect to %s is reported in words',
  async (target) => {
    const url = await site((_request, response) => void response.writeHead(302, { Location: target }).end());
    const { code, err } = await imported(await dataFolder(), url);

    expect([code, err]).toEqual([
      1,
      `Nothing can be read from ${url}.\nThe server redirects to an address that is neither http nor https. Check the address.\n`,
    ]);
  },
);
