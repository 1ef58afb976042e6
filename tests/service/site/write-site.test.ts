import { cp, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDataFolder } from '../../../src/service/data-folder.ts';
import { folderTarget } from '../../../src/service/site/folder-target.ts';
import { writeSite } from '../../../src/service/site/write-site.ts';
import { ask, dataFolder, linking, listen, makeFolder, PUBLICATION, put, record, serving } from '../../helpers.ts';
import { documentsIn, exporter, filesIn, folderExporter, memoryTarget, NOW, textsIn } from './site.ts';

const SAMPLE = join(import.meta.dirname, '../../../data');
/** The sample has stories under embargo at this moment. */
const SAMPLE_NOW = Date.parse('2026-11-22T09:00:00Z');

/** Documents of five entries, so that few stories make an archive. */
const SMALL = `${PUBLICATION}entries: 5\n`;

const story = (number: number, fields: Readonly<Record<string, unknown>> = {}) =>
  JSON.stringify(
    record({
      id: `s${number}`,
      url: `https://news.example/s${number}`,
      title: `Story number ${number}.`,
      sections: [number % 2 === 0 ? 'Even' : 'Odd'],
      publishedAt: new Date(NOW - (100 - number) * 3_600_000).toISOString(),
      ...fields,
    }),
  );

const stories = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`articles/s${index + 1}.json`, story(index + 1)]));

/** A newsroom of these files beside a folder for its site. */
async function newsroom(files: Readonly<Record<string, string>>) {
  const folder = await dataFolder({ 'publication.yaml': SMALL, ...files });
  const site = join(folder, 'public');
  return { site, ...folderExporter(folder, site) };
}

/** The files of the pages of archives to which a document leads. */
function olderPagesIn(content: Buffer | undefined): string[] {
  const links = String(content).match(/<(?:atom:)?link [^>]*rel="prev-archive"[^>]*>/g) ?? [];
  return links.map((link) => decodeURIComponent(/href="https:\/\/[^/]+\/([^"]+)"/.exec(link)?.[1] ?? ''));
}

describe('a site and the service', () => {
  let folder: string;
  let service: Awaited<ReturnType<typeof serving>>;
  beforeAll(async () => {
    folder = await makeFolder({});
    for (const part of ['publication.yaml', 'articles', 'media']) {
      await cp(join(SAMPLE, part), join(folder, part), { recursive: true });
    }
    service = await serving(folder, { now: () => SAMPLE_NOW, feedsUrl: 'https://feeds.rivervalley.example/' });
    const opened = openDataFolder(folder, { feedsUrl: 'https://feeds.rivervalley.example/' });
    const target = folderTarget(join(folder, 'public'));
    const { log } = listen().log;
    await writeSite({ folder: opened, target, version: '1.0.0', now: () => SAMPLE_NOW, log });
    await opened.store.close();
  });
  afterAll(async () => {
    await service.close();
    await rm(folder, { recursive: true, force: true });
  });

  const read = (file: string) => readFile(join(folder, 'public', file));
  const addressOf = (path: string) => {
    const page = path === 'index.html' ? '' : path.replace(/\.html$/, '');
    return `/${page.split('/').map(encodeURIComponent).join('/')}`;
  };

  test('have the same bytes, types, tags and dates in every coding', async () => {
    const documents = (await documentsIn(read)).filter(({ path }) => path !== '_redirects'); // for hosts of static sites
    expect(documents.length).toBeGreaterThan(200);
    for (const [index, { path, type, bytes, etag, lastModified, codings }] of documents.entries()) {
      const isMedia = path.startsWith('media/');
      const isAsset = path.startsWith('pages/');
      // The service compresses each document for this test alone: of the feeds, every sixth.
      const hasAll = !path.startsWith('feeds/') || index % 6 === 0;
      for (const coding of ['identity', ...(hasAll ? codings : [])]) {
        const ending = { identity: '', br: '.br', zstd: '.zst', gzip: '.gz' }[coding];
        const accept = coding === 'identity' ? 'identity' : `${coding}, identity;q=0`;
        const { status, headers, body } = await ask(service.port, addressOf(path), {
          headers: { 'accept-encoding': accept },
        });
        expect([status, headers['content-encoding'] ?? 'identity'], path).toEqual([200, coding]);
        expect(body.equals(await read(path + ending)), `${path} in ${coding}`).toBe(true);
        expect(headers['content-type']).toBe(type);
        if (coding === 'identity') expect(Number(headers['content-length'])).toBe(bytes);
        if (coding === 'identity' && !isMedia && !isAsset) expect(headers.etag).toBe(etag);
        if (lastModified === undefined || isMedia) continue;
        expect(Date.parse(headers['last-modified'] ?? '')).toBe(Date.parse(lastModified));
        expect((await stat(join(folder, 'public', path + ending))).mtimeMs).toBe(Date.parse(lastModified));
      }
    }
  });

  test('have the same feeds, pages, archives and files', async () => {
    const paths = new Set((await documentsIn(read)).map(({ path }) => path));
    const asked = ['/feeds.opml', '/sitemap.xml', '/feeds/latest.rss', '/feeds/latest.atom', '/feeds/latest'];
    const queue = [...asked, '/', '/robots.txt', '/license.xml', '/.well-known/tdmrep.json', '/schema/record.json'];
    const seen = new Set(queue);
    const missing: string[] = [];
    for (let address = queue.shift(); address !== undefined; address = queue.shift()) {
      const { status, text } = await ask(service.port, address);
      if (status !== 200) continue; // the page of an archive that is open, old addresses
      const path = decodeURIComponent(address.slice(1));
      if (![path, `${path}.html`, 'index.html'].some((file) => paths.has(file))) missing.push(address);
      if (/\.(?:json|xml|css|js)$/.test(address) && !address.includes('sitemap')) continue;
      for (const [, , found = ''] of text.matchAll(/(href|xmlUrl|url|src|loc)="?>?([^"<\s]+)/g)) {
        const url = URL.parse(found.replaceAll('&amp;', '&'), `https://feeds.rivervalley.example${address}`);
        if (url?.host !== 'feeds.rivervalley.example' || url.search !== '' || seen.has(url.pathname)) continue;
        seen.add(url.pathname);
        queue.push(url.pathname);
      }
    }
    expect(seen.size).toBeGreaterThan(150);
    expect(missing).toEqual([]);
  });

  test('agree that stories under embargo do not exist', async () => {
    const texts = Object.entries(await textsIn(join(folder, 'public')));
    const { store } = openDataFolder(folder, { feedsUrl: 'https://feeds.rivervalley.example/' });
    const { articles } = await store.list({ after: 0, limit: 1000, status: 'embargoed', at: SAMPLE_NOW });
    await store.close();
    expect(articles.length).toBeGreaterThan(0);
    for (const { article } of articles)
      expect(texts.filter(([, text]) => text.includes(article.publicId)).map(([file]) => file)).toEqual([]);
  });
});

test('a second export without a change writes nothing', async () => {
  const { write, site } = await newsroom(stories(12));
  const first = await write();
  const files = await filesIn(site);
  expect(first).toMatchObject({ unchanged: 0, removed: 0, filling: 0 });
  expect(await write()).toEqual({ ...first, written: 0, bytes: 0, unchanged: first.written });
  expect(await filesIn(site)).toEqual(files);
});

test('a correction of an old story writes its pages alone, and the feeds that it is in', async () => {
  const { write, folder, site } = await newsroom(stories(25));
  await write();
  const before = await textsIn(site);
  await put(folder, 'articles/s12.json', story(12, { title: 'Corrected: a story.' }));
  const { written, removed } = await write({ now: () => NOW + 60_000 });
  const after = await textsIn(site);
  const changed = Object.keys(after).filter((file) => after[file] !== before[file] && !/\.(gz|br|zst)$/.test(file));
  const documents = changed.filter((file) => !file.startsWith('manifest'));
  expect(documents).toHaveLength(written);
  expect(removed).toBe(0);
  // The page of latest with story 12, the page of section/even with it, and nothing of section/odd.
  expect(documents.filter((file) => file.includes('/archive/')).map((file) => file.replace(/\d+\./, 'N.'))).toEqual(
    [
      ...['atom', 'html', 'json', 'rss'].map((format) => `feeds/latest/archive/N.${format}`),
      ...['atom', 'html', 'json', 'rss'].map((format) => `feeds/language/en/archive/N.${format}`),
      ...['atom', 'html', 'json', 'rss'].map((format) => `feeds/section/even/archive/N.${format}`),
    ].toSorted(),
  );
  expect(documents.filter((file) => file.includes('odd'))).toEqual([]);
});

test('a withdrawn story is gone from every file and coding, with its picture', async () => {
  const withdrawn = story(3, { body: '<p>A secret word: zanzibar. <img src="/media/secret.png" alt="x"></p>' });
  const files = { ...stories(16), 'articles/s3.json': withdrawn, 'media/secret.png': 'the picture' };
  const { write, folder, site } = await newsroom(files);
  await write();
  expect(Object.values(await textsIn(site)).filter((text) => text.includes('zanzibar')).length).toBeGreaterThan(10);
  expect(await filesIn(site)).toContain('media/secret.png');
  await rm(join(folder, 'articles/s3.json'));
  const { removed } = await write({ now: () => NOW + 60_000 });
  expect(removed).toBeGreaterThan(0);
  const left = Object.entries(await textsIn(site)).filter(
    ([file, text]) => /zanzibar|Story number 3\./.test(text) || file.includes('secret'),
  );
  expect(left.map(([file]) => file)).toEqual([]);
});

test('nothing tells of a story under embargo, and the export says when it will appear', async () => {
  const opens = NOW + 3_600_000;
  const embargoed = story(99, {
    title: 'An embargoed headline',
    publishedAt: new Date(opens).toISOString(),
    tags: ['Tomorrow'],
    image: { url: '/media/later.png' },
  });
  const { write, folder, site } = await newsroom({ ...stories(6), 'media/later.png': 'later' });
  await write();
  const before = await textsIn(site);
  await put(folder, 'articles/s99.json', embargoed);
  const kept = await write({ now: () => NOW + 1000 });
  expect(kept).toMatchObject({ written: 0, removed: 0, nextChangeAt: opens });
  expect(await textsIn(site)).toEqual(before);
  const opened = await write({ now: () => opens });
  expect(opened.written).toBeGreaterThan(10);
  const files = await filesIn(site);
  expect(files).toContain('feeds/tag/tomorrow.rss.gz');
  expect(files).toContain('media/later.png');
  expect((await textsIn(site))['feeds/latest.rss']).toContain('An embargoed headline');
});

test('a story that expires leaves the pages of the archive as well', async () => {
  const expires = NOW + 3_600_000;
  const { write, site } = await newsroom({
    ...stories(20),
    'articles/s4.json': story(4, { title: 'It expires.', expiresAt: new Date(expires).toISOString() }),
  });
  expect(await write()).toMatchObject({ nextChangeAt: expires });
  expect(Object.values(await textsIn(site)).some((text) => text.includes('It expires.'))).toBe(true);
  expect((await write({ now: () => expires })).written).toBeGreaterThan(0);
  expect(Object.entries(await textsIn(site)).filter(([, text]) => text.includes('It expires.'))).toEqual([]);
});

test('a feed that has no story any more is removed with its folder', async () => {
  const { write, folder, site } = await newsroom({ ...stories(4), 'articles/s5.json': story(5, { tags: ['Once'] }) });
  await write();
  expect(await filesIn(site)).toContain('feeds/tag/once.rss');
  await writeFile(join(folder, 'publication.yaml'), `${SMALL}retired: [{ feed: tag/once, movedTo: latest }]\n`);
  await write({ now: () => NOW + 60_000 });
  expect((await filesIn(site)).filter((file) => file.includes('once'))).toEqual([]);
  await expect(stat(join(site, 'feeds/tag'))).rejects.toThrow('ENOENT');
});

test('documents come after what they lead to, removals after all documents, and the manifest last', async () => {
  const picture = story(30, { image: { url: '/media/old.png' } });
  const files = { ...stories(30), 'articles/s30.json': picture, 'media/old.png': 'old' };
  const folder = await dataFolder({ 'publication.yaml': SMALL, ...files });
  const target = memoryTarget();
  const { write } = exporter(folder, () => target);
  await write();
  expect(target.done.filter((path) => /archive.*\.atom$/.test(path)).length).toBeGreaterThan(8);
  let links = 0;
  for (const [position, path] of target.done.entries()) {
    if (!/^feeds\/.*\.(rss|atom)$/.test(path)) continue;
    for (const linked of olderPagesIn(target.files.get(path))) {
      links += 1;
      const before = target.done.indexOf(linked);
      expect(before >= 0 && before < position, `${path} leads to ${linked}`).toBe(true);
    }
  }
  expect(links).toBeGreaterThan(20);
  expect(target.done.at(-1)).toBe('manifest.json');
  target.done.length = 0;
  await rm(join(folder, 'articles/s30.json'));
  await put(folder, 'articles/s31.json', story(31, { sections: ['New'] }));
  await write({ now: () => NOW + 60_000 });
  const removals = target.done.filter((path) => path.startsWith('-'));
  expect(removals).toContain('-media/old.png');
  expect(target.done.slice(-removals.length - 1)).toEqual([...removals, 'manifest.json']);
});

test('a feed that changes while it is exported leads to pages that are there', async () => {
  const folder = await dataFolder({ 'publication.yaml': SMALL, ...stories(12) });
  let changes = 0;
  let published = Promise.resolve();
  const target = memoryTarget((path) => {
    if (!/^feeds\/latest\/archive\/\d+\.rss|^feeds\/language/.test(path) || changes === 3) return published;
    changes += 1;
    const first = 12 + changes * 6;
    published = published.then(() => publishSix(first));
    return published;
  });
  const { publish, write } = exporter(folder, () => target);
  async function publishSix(first: number): Promise<void> {
    for (let number = first; number < first + 6; number += 1) {
      const publishedAt = new Date(NOW - 60_000 + first * 1000).toISOString();
      await put(folder, `articles/new${number}.json`, story(number, { publishedAt }));
    }
    await publish();
  }
  await write();
  expect(changes).toBe(3);
  for (const [path, content] of target.files) {
    if (!/^feeds\/.*\.(rss|atom)$/.test(path)) continue;
    for (const linked of olderPagesIn(content))
      expect(target.files.has(linked), `${path} leads to ${linked}`).toBe(true);
  }
  await write();
  const whole = { ...memoryTarget(), name: 'whole' };
  await exporter(folder, () => whole).write();
  const documentsOf = (files: ReadonlyMap<string, Buffer>) =>
    [...files].flatMap(([file, bytes]) => (file.startsWith('manifest') ? [] : `${file} ${bytes.toString('base64')}`));
  expect(documentsOf(target.files).toSorted()).toEqual(documentsOf(whole.files).toSorted());
});

test('an interrupted export goes on, and leaves nothing of what was withdrawn meanwhile', async () => {
  const { folder, site, write } = await newsroom({
    ...stories(30),
    'articles/s31.json': story(31, { tags: ['Zanzibar'], image: { url: '/media/gone.png' } }),
    'media/gone.png': 'gone',
  });
  const controller = new AbortController();
  const stopped = write({
    signal: controller.signal,
    onProgress: (done) => done === 3 && controller.abort(new Error('enough')),
  });
  await expect(stopped).rejects.toThrow('enough');
  const halfway = await filesIn(site);
  expect(halfway).toContain('feeds/latest.rss');
  expect(halfway).toContain('media/gone.png');
  expect(halfway).not.toContain('index.html');
  await rm(join(folder, 'articles/s31.json'));
  const rest = await write({ now: () => NOW + 60_000 });
  expect(rest.written).toBeGreaterThan(0);
  expect(rest.unchanged).toBeGreaterThan(12);
  const whole = join(folder, 'whole');
  await folderExporter(folder, whole).write({ now: () => NOW + 60_000 });
  // The manifest has the dates at which documents were looked at.
  const documents = async (path: string) =>
    Object.entries(await textsIn(path)).filter(([file]) => !file.startsWith('manifest'));
  expect(await documents(site)).toEqual(await documents(whole));
  expect(await filesIn(site)).not.toContain('media/gone.png');
});

test('what a killed export has written and no later one lists is removed', async () => {
  const { folder, site, write } = await newsroom({
    ...stories(8),
    'articles/s9.json': story(9, { tags: ['Zanzibar'] }),
  });
  await write();
  const files = await filesIn(site);
  // As after a kill between the first files of a new feed and the list of its part.
  await mkdir(join(site, 'feeds/tag'), { recursive: true });
  for (const name of ['lost.rss', 'lost.rss.gz', 'lost.rss.br'])
    await writeFile(join(site, 'feeds/tag', name), 'withdrawn');
  const [state = ''] = (await readdir(join(folder, 'store/site'))).filter((name) => name.endsWith('.json'));
  await writeFile(
    join(folder, 'store/site', state.replace('.json', '.journal')),
    '\n{"part":"feeds/tag/lost","path":"feeds/tag/lost.rss"}\n{"part":"feeds/la',
  );
  await write();
  expect(await filesIn(site)).toEqual(files);
});

test('a target that was written by somebody else meanwhile is written again', async () => {
  const { site, write } = await newsroom(stories(3));
  const first = await write();
  const manifest = await readFile(join(site, 'manifest.json'), 'utf8');
  await writeFile(join(site, 'manifest.json'), manifest.replace('1.0.0', '0.9.0'));
  await writeFile(join(site, 'feeds/latest.rss'), 'damaged');
  expect(await write()).toMatchObject({ written: first.written, unchanged: 0 });
  expect(await readFile(join(site, 'feeds/latest.rss'), 'utf8')).toContain('Story number 3.');
});

test('one export at a time writes into a folder, and none into a folder of others', async () => {
  const { site, folder, write } = await newsroom(stories(3));
  const other = folderTarget(site);
  await other.open();
  await expect(write()).rejects.toThrow(`Another export writes into ${site}: one at a time.`);
  await other.close();
  await write();
  const foreign = join(folder, 'foreign');
  await put(folder, 'foreign/index.html', 'Mine');
  await expect(folderExporter(folder, foreign).write()).rejects.toThrow(
    `${foreign} has files that no export has written, such as index.html.`,
  );
});

test('a lock whose owner was killed ends', async () => {
  const { site, write } = await newsroom(stories(1));
  await mkdir(join(site, '.feed-publisher'), { recursive: true });
  const lock = join(site, '.feed-publisher/lock');
  await writeFile(lock, '1 1 elsewhere x');
  await expect(write()).rejects.toThrow('Another export writes');
  await utimes(lock, new Date(Date.now() - 31_000), new Date(Date.now() - 31_000));
  expect((await write()).written).toBeGreaterThan(0);
});

test.skipIf(process.platform !== 'linux')('a lock whose owner was killed on this machine ends at once', async () => {
  const { site, write } = await newsroom(stories(1));
  await mkdir(join(site, '.feed-publisher'), { recursive: true });
  // This process has another start: the number of the owner was given again.
  await writeFile(join(site, '.feed-publisher/lock'), `${process.pid} 1 ${hostname()} x`);
  expect((await write()).written).toBeGreaterThan(0);
  expect(await filesIn(join(site, '.feed-publisher'))).toEqual([]);
});

test('another publication makes all documents, and writes those that differ', async () => {
  const { folder, site, write } = await newsroom(stories(12));
  await write();
  const before = await textsIn(site);
  await writeFile(join(folder, 'publication.yaml'), `${SMALL}tombstoneDays: 29\n`);
  const { written, unchanged } = await write({ now: () => NOW + 60_000 });
  const after = await textsIn(site);
  const changed = Object.keys(after).filter((file) => after[file] !== before[file] && !/\.(gz|br|zst)$/.test(file));
  expect(changed.filter((file) => !file.startsWith('manifest'))).toHaveLength(written);
  expect(unchanged).toBeGreaterThan(20);
});

test('old addresses lead to the feeds that readers can see', async () => {
  const { folder, site, write } = await newsroom({
    ...stories(3),
    'articles/s9.json': story(9, { tags: ['Later'], publishedAt: new Date(NOW + 3_600_000).toISOString() }),
    'publication.yaml': `${SMALL}builtInRedirects: []
retired:
  - { feed: section/old, movedTo: section/odd }
  - { feed: section/gone }
redirects:
  - { from: /nachrichten/rss, to: section/odd }
  - { from: "/topics/{name}", to: "tag/{name}" }
`,
    'redirects.txt':
      '/category/Später/feed/ tag/later\n/a%20b/feed language/en atom\n/closed 410\n/?cat=3 section/odd\n',
  });
  const redirects = async () => (await readFile(join(site, '_redirects'), 'utf8')).split('\n').slice(0, -1);
  await write();
  const always = [
    '/nachrichten/rss /feeds/section/odd.rss 308',
    '/a%20b/feed /feeds/language/en.atom 308',
    '/feeds/section/old.rss /feeds/section/odd.rss 308',
    '/feeds/section/old.atom /feeds/section/odd.atom 308',
    '/feeds/section/old.json /feeds/section/odd.json 308',
    '/feeds/section/old /feeds/section/odd 308',
  ];
  expect(await redirects()).toEqual(always);
  await write({ now: () => NOW + 3_600_000 });
  expect(await redirects()).toEqual(always.toSpliced(1, 0, '/category/sp%C3%A4ter/feed /feeds/tag/later.rss 308'));
  await put(folder, 'redirects.txt', '/neu tag/later\n');
  await write({ now: () => NOW + 3_600_000 });
  expect(await redirects()).toEqual([always[0], '/neu /feeds/tag/later.rss 308', ...always.slice(2)]);
});

test('a feed that is being filled stays as it was until it is filled', async () => {
  const paper = `${SMALL}feeds: [{ id: own, title: Own, select: { any: [section/odd] } }]\n`;
  const { folder, site, write } = await newsroom({ ...stories(9), 'publication.yaml': paper });
  await write();
  const before = await textsIn(site);
  const opened = openDataFolder(folder);
  const now = () => NOW + 60_000;
  const select = { any: ['section/even'], all: [], none: [] };
  await opened.store.backfillFeeds([{ id: 'own', select }], now, 0);
  const { log } = listen().log;
  const parts = { folder: opened, target: folderTarget(site), version: '1.0.0', now, log };
  expect(await opened.store.fillingFeeds()).toBe(1);
  expect(await writeSite(parts)).toMatchObject({ removed: 0, filling: 1 });
  expect((await textsIn(site))['feeds/own.rss']).toBe(before['feeds/own.rss']);
  while ((await opened.store.fillFeeds(now)).left > 0);
  expect(await writeSite(parts)).toMatchObject({ filling: 0 });
  expect((await textsIn(site))['feeds/own.rss']).toContain('Story number 8.');
  await opened.store.close();
});

test('only files that visible stories name are copied', async () => {
  const { site, write } = await newsroom({
    'articles/files.json': linking('a.png', 'deep/b c.txt'),
    'media/a.png': 'a',
    'media/deep/b c.txt': 'b',
    'media/unused.png': 'c',
    'media/.hidden': 'd',
  });
  await write();
  expect((await filesIn(site)).filter((file) => file.startsWith('media/'))).toEqual([
    'media/a.png',
    'media/deep/b c.txt',
  ]);
});
