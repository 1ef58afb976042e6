import { chmod, cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { COMMON_ADDRESSES } from '../../src/config/redirects/known-systems.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { folderTarget } from '../../src/service/site/folder-target.ts';
import { prepareSite } from '../../src/service/site/prepare-site.ts';
import { writeSite } from '../../src/service/site/write-site.ts';
import { ask, decoded, listen, makeFolder } from '../helpers.ts';
import { documentsIn } from '../service/site/site.ts';
import { feedparser } from './feedparser.ts';
import { newsboat } from './newsboat.ts';
import { startNginx } from './nginx.ts';
import { peerTest, requireProgram, run } from './programs.ts';

const ROOT = join(import.meta.dirname, '../..');
const NOW = Date.parse('2026-11-22T09:00:00Z');
const MODULE = 'nginx/modules/ngx_http_brotli_static_module.so';

/** The first block of nginx in the page: a whole server. */
async function documentedServer(): Promise<(port: number) => string> {
  const page = await readFile(join(ROOT, 'docs/static-site.md'), 'utf8');
  const [, lines = ''] = /```nginx\n(.*?)```/s.exec(page) ?? [];
  expect(lines).toContain('listen 80;');
  return (port) =>
    `include /etc/nginx/mime.types;\n${lines
      .replace('listen 80;', `listen 127.0.0.1:${port};`)
      .replace('root /srv/site;', `root ${site};`)
      .replace('/srv/site-redirects', `${site}-redirects`)}`;
}

let folder: string;
let site: string;
beforeAll(async () => {
  folder = await makeFolder({});
  site = join(folder, 'site');
  for (const part of ['publication.yaml', 'articles', 'media']) {
    await cp(join(ROOT, 'data', part), join(folder, part), { recursive: true });
  }
  const opened = openDataFolder(folder, { feedsUrl: 'https://feeds.rivervalley.example/' });
  const { log } = listen().log;
  const fail = (error: unknown) => {
    throw error;
  };
  await prepareSite(opened, { now: () => NOW, log, fail, progress: () => {} });
  await writeSite({ folder: opened, target: folderTarget(site), version: '1.0.0', now: () => NOW, log });
  await opened.store.close();
  await chmod(folder, 0o755); // nginx hands its workers to another user
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const read = (file: string) => readFile(join(site, file));

/** The site behind nginx, until the test is over. */
async function served() {
  const server = await startNginx(0, { site: await documentedServer(), modules: [await requireProgram(MODULE)] });
  return { port: server.port, get: (path: string, headers = {}) => ask(server.port, path, { headers }) };
}

const addressOf = (path: string) => {
  const page = path === 'index.html' ? '' : path.replace(/\.html$/, '');
  return `/${page.split('/').map(encodeURIComponent).join('/')}`;
};

peerTest(['nginx', MODULE], 'nginx serves every document of a site with its type and its codings', async () => {
  const { get } = await served();
  const documents = (await documentsIn(read)).filter(({ path }) => path !== '_redirects');
  for (const { path, type, codings } of documents) {
    const bytes = await read(path);
    for (const coding of ['identity', 'gzip', 'br'] as const) {
      const { status, headers, ...answer } = await get(addressOf(path), { 'accept-encoding': coding });
      const expected = coding === 'identity' || codings.includes(coding) ? coding : 'identity';
      expect([status, headers['content-encoding'] ?? 'identity'], path).toEqual([200, expected]);
      expect(decoded({ ...answer, status, headers }).equals(bytes), `${path} in ${coding}`).toBe(true);
      if (!path.startsWith('media/')) expect(headers['content-type'], path).toBe(type);
      if (codings.includes('gzip')) expect(headers.vary, path).toBe('Accept-Encoding');
    }
  }
  expect(documents.length).toBeGreaterThan(200);
});

peerTest(['nginx', MODULE], 'nginx answers conditions, the page after the newest one, and no hidden file', async () => {
  const { get } = await served();
  const { headers } = await get('/feeds/latest.rss', { 'accept-encoding': 'br' });
  const same = { 'accept-encoding': 'br', 'if-none-match': headers.etag };
  expect((await get('/feeds/latest.rss', same)).status).toBe(304);
  expect(headers['cache-control']).toBe('public, max-age=60, stale-while-revalidate=1, stale-if-error=86400');
  const page = await get('/feeds/latest');
  expect(page.headers['content-security-policy']).toContain("default-src 'none'");
  const documents = await documentsIn(read);
  const newest = documents.filter(({ path }) => /^feeds\/latest\/archive\/\d+\.rss$/.test(path)).length;
  const [, next = ''] =
    /rel="next-archive"[^>]*href="https:\/\/[^/]+([^"]+)"/.exec(
      (await get(`/feeds/latest/archive/${newest}.rss`)).text,
    ) ?? [];
  expect(next).toBe(`/feeds/latest/archive/${newest + 1}.rss`);
  const redirect = await get(next);
  expect([redirect.status, redirect.headers.location]).toEqual([307, '/feeds/latest.rss']);
  expect((await get('/feeds/nothing.rss')).status).toBe(404);
  expect((await get('/.feed-publisher/lock')).status).toBe(404);
  expect((await get('/.well-known/nothing')).status).toBe(404);
  expect((await get('/_redirects')).status).toBe(404);
});

peerTest(['nginx', MODULE], 'nginx redirects the old addresses that many systems share', async () => {
  const page = await readFile(join(ROOT, 'docs/static-site.md'), 'utf8');
  const [, line = ''] = /```sh\n(awk .*)\n```/.exec(page) ?? [];
  const local = line.replace('/srv/site/', `${site}/`).replace('/srv/site-redirects', `${site}-redirects`);
  await run('/bin/sh', ['-c', local]);
  const { get } = await served();
  const found: Record<string, string> = {};
  for (const address of COMMON_ADDRESSES) {
    const { status, headers } = await get(address);
    found[address] = `${status} ${headers.location}`;
  }
  expect(found).toEqual({
    '/rss.xml': '308 /feeds/latest.rss',
    '/atom.xml': '308 /feeds/latest.atom',
    '/feed.json': '308 /feeds/latest.json',
    '/feed': '308 /feeds/latest.rss',
    '/feed/rss': '308 /feeds/latest.rss',
    '/feed/rss2': '308 /feeds/latest.rss',
    '/feed/rdf': '308 /feeds/latest.rss',
    '/feed/atom': '308 /feeds/latest.atom',
    '/feed/json': '308 /feeds/latest.json',
  });
});

peerTest(['nginx', MODULE, 'newsboat', 'feedparser'], 'newsboat and feedparser read the feeds of a site', async () => {
  const { port, get } = await served();
  const ids = [...(await get('/feeds/latest.rss')).text.matchAll(/<guid[^>]*>([^<]+)<\/guid>/g)].map(([, id]) => id);
  expect(ids.length).toBeGreaterThan(10);
  const sorted = (readings: readonly { readonly id: string }[]) => readings.map(({ id }) => id).toSorted();
  for (const ending of ['rss', 'atom']) {
    const url = `http://127.0.0.1:${port}/feeds/latest.${ending}`;
    expect(sorted(await newsboat(url)), ending).toEqual(ids.toSorted());
    const [read = []] = await feedparser([url]);
    expect(sorted(read), ending).toEqual(ids.toSorted());
  }
});
