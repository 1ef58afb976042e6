import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { manifestOf, partFile } from '../../../src/document/site-manifest.ts';
import { s3Target } from '../../../src/service/site/s3-target.ts';
import { dataFolder, PUBLICATION, record } from '../../helpers.ts';
import { CREDENTIALS } from './s3-server.ts';
import { documentsIn, exporter, filesIn, folderExporter, memoryTarget, NOW } from './site.ts';

const story = (id: string, fields: Readonly<Record<string, unknown>> = {}) =>
  JSON.stringify(record({ id, url: `https://news.example/${id}`, ...fields }));

async function newsroom(files: Readonly<Record<string, string>> = { 'articles/a.json': story('a') }) {
  const folder = await dataFolder(files);
  const site = join(folder, 'public');
  return { site, ...folderExporter(folder, site) };
}

/** The files of a site that its manifest does not name. */
async function unlistedIn(site: string): Promise<string[]> {
  const documents = await documentsIn((file) => readFile(join(site, file)));
  const endings = { br: '.br', zstd: '.zst', gzip: '.gz' };
  const listed = new Set(
    documents.flatMap(({ path, codings }) => [path, ...codings.map((each) => path + endings[each])]),
  );
  return (await filesIn(site)).filter((file) => !listed.has(file) && !file.startsWith('manifest'));
}

async function journalOf(folder: string): Promise<string> {
  const [state = ''] = (await readdir(join(folder, 'store/site'))).filter((name) => name.endsWith('.json'));
  return join(folder, 'store/site', state.replace('.json', '.journal'));
}

test.each([
  ['a document', '"path":"feeds/tag/zanzibar.rss"', '"path":"../mine"'],
  ['a document', '"path":"feeds/tag/zanzibar.rss"', '"path":"feeds/../../mine"'],
])('a list of files with %s out of the site removes nothing there', async (_name, from, to) => {
  const { site, folder, write } = await newsroom({
    'articles/a.json': story('a'),
    'articles/b.json': story('b', { tags: ['Zanzibar'] }),
  });
  await write();
  await writeFile(join(folder, 'mine'), 'mine');
  const list = join(site, partFile('feeds/tag/zanzibar'));
  await writeFile(list, (await readFile(list, 'utf8')).replace(from, to));
  await rm(join(folder, 'articles/b.json'));
  const exported = write({ now: () => NOW + 60_000 });

  await expect(exported).rejects.toMatchObject({
    code: 'unwritable_output',
    message: `${site} has lost a list of its files: manifest/feeds/tag/zanzibar.json.`,
  });
  expect(await readFile(join(folder, 'mine'), 'utf8')).toBe('mine');
});

test('a manifest with a part out of the site is none', async () => {
  const { site, write } = await newsroom();
  await write();
  const text = await readFile(join(site, 'manifest.json'), 'utf8');
  expect(manifestOf(text)).toBeDefined();
  expect(manifestOf(text.replace('"name":"fixed"', '"name":"../../fixed"'))).toBeUndefined();
});

test('a target that has lost a list of its files is refused: the text of a withdrawn story could stay there', async () => {
  const { site, folder, write } = await newsroom({
    'articles/a.json': story('a'),
    'articles/b.json': story('b', { tags: ['Zanzibar'] }),
  });
  await write();
  await rm(join(site, partFile('feeds/tag/zanzibar')));
  await rm(join(folder, 'articles/b.json'));

  await expect(write({ now: () => NOW + 60_000 })).rejects.toThrow('has lost a list of its files');
});

// Of 247 bytes: the name with .rss.br fits into a folder, and that with .rss.zst does not.
test('a feed whose name is too long for one coding leaves nothing in another', async () => {
  const { site, write } = await newsroom({ 'articles/a.json': story('a', { tags: ['x'.repeat(248)] }) });
  await write();

  expect(await unlistedIn(site)).toEqual([]);
});

test('an export that cannot write leaves no text where a server may serve it', async () => {
  const { site, write } = await newsroom();
  await mkdir(join(site, 'feeds/latest.rss/mine'), { recursive: true });
  await writeFile(
    join(site, 'manifest.json'),
    '{"format":1,"generator":"x","address":"x","documents":0,"bytes":0,"headers":{},"parts":[]}',
  );

  await expect(write()).rejects.toMatchObject({ syscall: 'rename' });
  const own = join(site, '.feed-publisher');
  expect(await readdir(own)).toEqual(['journal']); // the names of documents, for the next export
  expect((await stat(join(own, 'journal'))).mode & 0o777).toBe(0o600);
});

test('a coding that an interrupted export wrote, and the document has no more, is removed', async () => {
  const { folder, site, write } = await newsroom();
  await write();
  await writeFile(join(site, 'robots.txt.zst'), 'withdrawn');
  await writeFile(await journalOf(folder), '{"part":"fixed","path":"robots.txt"}\n');
  const before = (await documentsIn((file) => readFile(join(site, file)))).find(({ path }) => path === 'robots.txt');
  expect(before?.codings).not.toContain('zstd');
  await write();

  expect(await unlistedIn(site)).toEqual([]);
});

test('a file of media/ whose name has line breaks is noted as one file', async () => {
  const name = 'a\nmedia\t..';
  const { folder, site, write } = await newsroom({
    'publication.yaml': `${PUBLICATION}media: public\n`,
    'articles/a.json': story('a'),
    [`media/${name}/mine`]: 'a picture',
  });
  await writeFile(join(folder, 'mine'), 'mine');
  await write();
  expect(await readFile(join(site, 'media', name, 'mine'), 'utf8')).toBe('a picture');
  await rm(join(folder, 'media', name), { recursive: true });
  await writeFile(join(folder, 'articles/b.json'), story('b'));
  const controller = new AbortController();
  const onProgress = () => controller.abort(new Error('enough'));
  await expect(write({ now: () => NOW + 60_000, signal: controller.signal, onProgress })).rejects.toThrow('enough');
  await write({ now: () => NOW + 120_000 });

  expect(await readFile(join(folder, 'mine'), 'utf8')).toBe('mine');
  expect(await unlistedIn(site)).toEqual([]);
  expect((await filesIn(site)).filter((file) => file.startsWith('media'))).toEqual([]);
});

/** A server that gives one answer to everything. */
async function answering(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.headers['x-amz-security-token'] ?? 'no token'}`);
    request.resume().on('end', () => answer(request, response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests };
}

async function storage(endpoint: string, options: { readonly token?: string; readonly keyId?: string } = {}) {
  const folder = await dataFolder({ 'articles/a.json': story('a') });
  const all = { ...CREDENTIALS, endpoint, lockFolder: join(folder, 'store/site'), ...options };
  return exporter(folder, () => s3Target('s3://paper/x', all));
}

test('a redirect of storage is not followed: it would take the token along', async () => {
  const other = await answering((_request, response) => response.end());
  const first = await answering((_request, response) =>
    response.writeHead(307, { Location: other.endpoint }).end('<Error><Code>TemporaryRedirect</Code></Error>'),
  );

  await expect((await storage(first.endpoint, { token: 'secret' })).write()).rejects.toMatchObject({
    code: 'unreachable_target',
    message: 's3://paper/x/ cannot be used: GET of manifest.json was refused: TemporaryRedirect.',
  });
  expect([first.requests, other.requests]).toEqual([['GET secret'], []]);
});

test('a redirect that makes a PUT a GET does not count as written', async () => {
  const { endpoint } = await answering(({ method, url = '' }, response) => {
    if (method === 'PUT') response.writeHead(303, { Location: '/elsewhere' }).end();
    else if (url.includes('list-type')) response.end('<ListBucketResult xmlns="x"></ListBucketResult>');
    else response.writeHead(url === '/elsewhere' ? 200 : 404).end();
  });

  await expect((await storage(endpoint)).write()).rejects.toThrow('PUT of manifest.json was refused: status 303');
});

test('a server that is no storage is not written to', async () => {
  const { endpoint, requests } = await answering(({ url = '' }, response) => {
    if (url.includes('list-type')) response.end('<html>Welcome to the hotel</html>');
    else response.writeHead(404).end();
  });

  await expect((await storage(endpoint)).write()).rejects.toThrow(
    's3://paper/x/ cannot be used: it answers with no list of objects.',
  );
  expect(requests).toEqual(['GET no token', 'GET no token']);
});

test('storage that is not there is named with the reason', async () => {
  const { endpoint } = await answering((_request, response) => response.destroy());
  const { host } = new URL(endpoint);

  await expect((await storage(endpoint)).write()).rejects.toThrow(
    `s3://paper/x/ cannot be used: ${host} does not answer: other side closed.`,
  );
});

test.each([
  ['AWS_ACCESS_KEY_ID', { keyId: 'AKIA\nX' }],
  ['AWS_SESSION_TOKEN', { token: 'ü-secret' }],
])('%s that no header can have is refused without its text', async (variable, options) => {
  const { write } = await storage('http://127.0.0.1:1/', options);

  await expect(write()).rejects.toThrow(`${variable} has a space, a line break or a letter outside ASCII.`);
});

test('a feed whose page is listed again in one export keeps it', async () => {
  const { openSiteWriter } = await import('../../../src/service/site/site-writer.ts');
  const { createEncodedBody } = await import('../../../src/document/encoded-body.ts');
  const target = memoryTarget();
  const writer = await openSiteWriter({
    target,
    state: { touch: async () => {}, touched: async () => undefined },
    manifest: { parts: [] },
    isTrusted: true,
    now: () => NOW,
    onTooLong: () => {},
  });
  const page = (path: string) => ({
    path,
    type: 'text/plain',
    caching: '',
    body: createEncodedBody(Buffer.from(path)),
  });
  for (const paths of [['1', '2'], ['1'], ['1', '2']]) {
    const part = await writer.open('archives/latest/0');
    for (const path of paths) await part.put(page(path));
    await part.finish();
  }
  await writer.end({ generator: '', address: '', headers: {} });

  expect([...target.files.keys()].filter((file) => !file.startsWith('manifest'))).toEqual(['1', '2']);
});

test('a link that waits under the name of a file in work leads nowhere', async () => {
  const { folder, site, write } = await newsroom();
  await writeFile(join(folder, 'mine'), 'mine');
  await mkdir(join(site, '.feed-publisher'), { recursive: true });
  await symlink(join(folder, 'mine'), join(site, '.feed-publisher/1.part'));
  await write();

  expect(await readFile(join(folder, 'mine'), 'utf8')).toBe('mine');
});

test('an asterisk in an old address stands for itself', async () => {
  const { site, write } = await newsroom({ 'articles/a.json': story('a'), 'redirects.txt': '/x/* latest\n' });
  await write();
  const lines = (await readFile(join(site, '_redirects'), 'utf8')).split('\n');

  expect(lines).toContain('/x/%2A /feeds/latest.rss 308');
  expect(lines.filter((line) => line.includes('*'))).toEqual([]);
});
