import { once } from 'node:events';
import { globSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { rm, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ask, dataFolder, linking, PUBLICATION, put, record, start } from '../helpers.ts';
import { clientOf, NOW, SECOND } from './api.ts';

const SAMPLE = join(import.meta.dirname, '../../data');

test.each([
  ['river-hills.jpg', 'image/jpeg'],
  ['logo.png', 'image/png'],
  ['ferry.webp', 'image/webp'],
  ['audio/river-at-dawn.mp3', 'audio/mpeg'],
])("the sample newsroom's %s is %s, whole and in parts", async (name, type) => {
  const { port } = await start(SAMPLE, { storeFile: ':memory:' });
  const path = `/media/${name}`;
  const size = statSync(join(SAMPLE, 'media', name)).size;
  const whole = await ask(port, path);
  const half = Math.floor(size / 2);
  const [first, second] = await Promise.all(
    [`bytes=0-${half - 1}`, `bytes=${half}-`].map((Range) => ask(port, path, { headers: { Range } })),
  );

  expect([whole.status, whole.headers['content-type'], whole.body.length]).toEqual([200, type, size]);
  expect(whole.headers['cache-control']).toBe('public, max-age=86400');
  expect([first?.status, first?.headers['content-range']]).toEqual([206, `bytes 0-${half - 1}/${size}`]);
  expect([second?.status, second?.headers['content-range']]).toEqual([206, `bytes ${half}-${size - 1}/${size}`]);
  expect(Buffer.concat([first?.body ?? Buffer.of(), second?.body ?? Buffer.of()]).equals(whole.body)).toBe(true);
});

test('every media address in the sample feeds is answered with the type and length that the feed says', async () => {
  const { port } = await start(SAMPLE, { storeFile: ':memory:' });
  const { text } = await ask(port, '/feeds/latest.atom');
  const links = [...text.matchAll(/<link [^>]*rel="enclosure"[^>]*>/g)].map(([link]) => ({
    type: /type="([^"]+)"/.exec(link)?.[1],
    length: /length="([^"]+)"/.exec(link)?.[1],
    path: /href="https:\/\/feeds\.fourrivers\.example([^"]+)"/.exec(link)?.[1] ?? '',
  }));

  expect(links.length).toBeGreaterThan(5);
  for (const { type, length, path } of links) {
    const { status, headers } = await ask(port, path, { method: 'HEAD' });
    expect([status, headers['content-type'], headers['content-length']], path).toEqual([200, type, length]);
  }
});

/** The answers to every kind of request for a file. */
async function allAnswers(port: number, path: string) {
  const asked: readonly [string, Record<string, string>][] = [
    ['GET', {}],
    ['HEAD', {}],
    ['GET', { Range: 'bytes=0-1' }],
    ['GET', { Range: 'bytes=1000-' }],
    ['GET', { 'If-Modified-Since': 'Fri, 01 Jan 2100 00:00:00 GMT' }],
    ['GET', { 'If-Unmodified-Since': 'Sat, 01 Jan 2000 00:00:00 GMT' }],
    ['GET', { 'If-None-Match': '*' }],
    ['OPTIONS', {}],
    ['PUT', {}],
  ];
  const answers = await Promise.all(asked.map(([method, headers]) => ask(port, path, { method, headers })));
  return answers.map(({ status, headers, text }) => ({ status, headers: { ...headers, date: '' }, text }));
}

test('If-Modified-Since with its own date brings 304', async () => {
  const folder = await dataFolder({ 'articles/a.json': linking('a.txt'), 'media/a.txt': 'water' });
  const { port } = await start(folder);
  const { headers } = await ask(port, '/media/a.txt');
  const again = await ask(port, '/media/a.txt', {
    headers: { 'If-Modified-Since': String(headers['last-modified']) },
  });

  expect([again.status, again.body.length]).toEqual([304, 0]);
});

test('a condition that fails is told as such', async () => {
  const folder = await dataFolder({ 'articles/a.json': linking('a.txt'), 'media/a.txt': 'water' });
  const { port } = await start(folder);
  const { status } = await ask(port, '/media/a.txt', {
    headers: { 'If-Unmodified-Since': 'Sat, 01 Jan 2000 00:00:00 GMT' },
  });

  expect(status).toBe(412);
});

test('a file that came after the start is there at once', async () => {
  const folder = await dataFolder({ 'articles/a.json': linking('new/a.txt') });
  const { port } = await start(folder);
  const before = await ask(port, '/media/new/a.txt');
  await put(folder, 'media/new/a.txt', 'water');
  const after = await ask(port, '/media/new/a.txt');

  expect([before.status, after.status, after.text]).toEqual([404, 200, 'water']);
});

test.each([
  ['cafe\u0301.txt', 'caf\u00e9.txt', '/media/caf%C3%A9.txt'],
  ['cafe\u0301.txt', 'caf\u00e9.txt', '/media/cafe%CC%81.txt'],
  ['caf\u00e9.txt', 'cafe\u0301.txt', '/media/caf%C3%A9.txt'],
  ['caf\u00e9.txt', 'cafe\u0301.txt', '/media/cafe%CC%81.txt'],
])('a file %s that is named as %s is found as %s', async (stored, named, path) => {
  const { port } = await start(await dataFolder({ 'articles/a.json': linking(named), [`media/${stored}`]: 'coffee' }));
  const { status, text } = await ask(port, path);

  expect([status, text]).toEqual([200, 'coffee']);
});

test('a newsroom without media has none to show', async () => {
  const { port } = await start(await dataFolder({ 'articles/a.json': linking('a.png') }));

  expect((await ask(port, '/media/a.png')).status).toBe(404);
});

test('a file that nothing names is answered as a file that is not there, whatever the request', async () => {
  const folder = await dataFolder({ 'articles/a.json': linking('a.txt'), 'media/b.txt': 'water' });
  const { port } = await start(folder);
  const there = await allAnswers(port, '/media/b.txt');
  const missing = await allAnswers(port, '/media/c.txt');

  expect(there.slice(0, 7).map(({ status }) => status)).toEqual(Array(7).fill(404));
  expect(there).toEqual(JSON.parse(JSON.stringify(missing).replaceAll('/media/c.txt', '/media/b.txt')));
});

test('media: public serves every file', async () => {
  const folder = await dataFolder({
    'publication.yaml': `${PUBLICATION}media: public\n`,
    'articles/a.json': JSON.stringify(record()),
    'media/b.txt': 'water',
  });
  const { port } = await start(folder);

  expect((await ask(port, '/media/b.txt')).text).toBe('water');
});

test('the files that publication.yaml names are served', async () => {
  const names = ['icon', 'logo', 'favicon'];
  const folder = await dataFolder({
    'publication.yaml': PUBLICATION + names.map((name) => `${name}: /media/${name}.png\n`).join(''),
    'articles/.keep': '',
    ...Object.fromEntries(names.map((name) => [`media/${name}.png`, name])),
  });
  const { port } = await start(folder);

  for (const name of names) expect((await ask(port, `/media/${name}.png`)).text).toBe(name);
});

/** Every field that can name a file. */
const WAYS_TO_NAME: readonly [string, Readonly<Record<string, unknown>>][] = [
  ['its picture', { image: { url: '/media/a b.png' } }],
  ['a medium', { media: [{ url: '/media/a b.png', type: 'image/png' }] }],
  ['an avatar', { authors: [{ name: 'A', avatar: '/media/a b.png' }] }],
  ['a picture in the body', { body: '<p>A</p><img src="/media/a%20b.png">' }],
  ['a picture that a script loads', { body: '<p>A</p><img data-src="/media/a%20b.png">' }],
  ['srcset', { body: '<p>A</p><img src="https://x.example/a.png" srcset="/media/x.png 1x, /media/a%20b.png 2x">' }],
  ['a poster', { body: '<p>A</p><video src="https://x.example/a.mp4" poster="/media/a%20b.png"></video>' }],
  ['a source', { body: '<p>A</p><audio controls><source src="/media/a%20b.png"></audio>' }],
  ['a link', { body: '<p><a href="/media/a%20b.png?download=1&amp;x#page">A</a></p>' }],
  ['Markdown', { body: '![A](</media/a b.png>)', bodyFormat: 'markdown' }],
  ['its own address', { url: '/media/a b.png' }],
];

test.each(WAYS_TO_NAME)('a file is served while its story is visible that names it in %s', async (_, fields) => {
  const clock = { now: NOW };
  const {
    port,
    put: publish,
    remove,
  } = await clientOf(await dataFolder({ 'articles/.keep': '', 'media/a b.png': 'picture' }), { now: () => clock.now });
  const times = {
    embargoUntil: new Date(NOW + 60 * SECOND).toISOString(),
    expiresAt: new Date(NOW + 120 * SECOND).toISOString(),
  };
  const statusAt = async (seconds: number) => {
    clock.now = NOW + seconds * SECOND;
    return (await ask(port, '/media/a%20b.png')).status;
  };
  const missing = await allAnswers(port, '/media/a%20b.png');
  await publish('/a', { body: record({ ...fields, ...times }) });

  expect(await allAnswers(port, '/media/a%20b.png')).toEqual(missing);
  expect(await Promise.all([await statusAt(0), await statusAt(59.999), await statusAt(60)])).toEqual([404, 404, 200]);
  expect([await statusAt(119.999), await statusAt(120)]).toEqual([200, 404]);
  await publish('/b', { body: record({ ...fields, id: 'b', url: '/media/a b.png' }) });
  expect(await statusAt(120)).toBe(200);
  await remove('/b');
  expect(await allAnswers(port, '/media/a%20b.png')).toEqual(missing);
});

test.each(['/media//a.png', '/media/./a.png', '/MEDIA/a.png', '/media/%61.png', '/media/a.png?x=1'])(
  '%s is the file that is named',
  async (path) => {
    const { port } = await start(await dataFolder({ 'articles/a.json': linking('a.png'), 'media/a.png': 'picture' }));

    expect((await ask(port, path)).text).toBe('picture');
  },
);

test('a file of a story whose file is removed is gone with the next answer', async () => {
  const folder = await dataFolder({ 'articles/a.json': linking('a.txt'), 'media/a.txt': 'water' });
  const { port } = await start(folder);
  expect((await ask(port, '/media/a.txt')).status).toBe(200);
  await rm(join(folder, 'articles/a.json'));

  expect((await ask(port, '/media/a.txt')).status).toBe(404);
});

test('a symbolic link is followed inside of the folder only', async () => {
  const paths = ['inside', 'out', 'chain', 'folder/s.txt', 'name', 'caf\u00e9', 'cafe\u0301'];
  const folder = await dataFolder({
    'articles/a.json': linking(...paths),
    'media/a.txt': 'water',
    'secret.txt': 'secret',
    'secret/s.txt': 'secret',
  });
  const links = { inside: 'a.txt', out: '../secret.txt', chain: 'out', folder: '../secret', name: 'cafe\u0301' };
  for (const [name, target] of Object.entries(links)) await symlink(target, join(folder, 'media', name));
  await symlink('../secret.txt', join(folder, 'media/cafe\u0301'));
  const { port } = await start(folder);
  const answers = await Promise.all(
    paths.flatMap((path) => ['GET', 'HEAD'].map((method) => ask(port, `/media/${encodeURI(path)}`, { method }))),
  );

  expect(answers.map(({ status }) => status)).toEqual([200, 200, ...Array.from({ length: 12 }, () => 404)]);
  expect(answers.map(({ text }) => text).filter((text) => text.includes('secret'))).toEqual([]);
});

test('a file that is sent is closed, also if the client leaves before the end', async () => {
  const folder = await dataFolder({
    'articles/a.json': linking('large.bin', 'a.txt'),
    'media/large.bin': Buffer.alloc(8_000_000),
    'media/a.txt': 'water',
  });
  const { port } = await start(folder);
  await ask(port, '/media/a.txt');
  for (let count = 0; count < 5; count += 1) {
    await ask(port, '/media/a.txt', { method: 'HEAD' });
    await ask(port, '/media/a.txt', { headers: { 'If-None-Match': '*' } });
    const client = connect(port, '127.0.0.1', () => client.write('GET /media/large.bin HTTP/1.1\r\nHost: x\r\n\r\n'));
    await once(client, 'data');
    client.destroy();
    await once(client, 'close');
  }
  const open = () =>
    globSync('/proc/self/fd/*').filter((path) => {
      try {
        return readlinkSync(path).startsWith(realpathSync(join(folder, 'media')));
      } catch {
        return false; // closed meanwhile
      }
    });

  await expect.poll(open).toEqual([]);
});

const TWO_FILES = {
  'media/large.mp3': Buffer.alloc(16 * 1024 * 1024),
  'media/a.txt': 'water',
  'articles/files.json': linking('large.mp3', 'a.txt'),
};

test('a file is closed if its client leaves while answers wait behind others', async () => {
  const { port } = await start(await dataFolder(TWO_FILES));
  const files = () =>
    globSync('/proc/self/fd/*').filter((link) => {
      try {
        return readlinkSync(link).endsWith('/media/large.mp3');
      } catch {
        return false; // it is closed by now
      }
    });
  const socket = connect(port, '127.0.0.1');
  socket.pause();
  socket.write('GET /media/large.mp3 HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(5));
  await expect.poll(() => files().length).toBeGreaterThan(0);
  socket.destroy();

  await expect.poll(() => files().length).toBe(0);
});

const MEDIA = 'GET /media/a.txt HTTP/1.1\r\nHost: a\r\n\r\n';

test.each([
  ['behind a file that nobody reads', 'GET /media/large.mp3 HTTP/1.1\r\nHost: a\r\n\r\n'],
  [
    'behind a request that comes into the queue after them',
    'GET /a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\n\r\n',
  ],
])('requests for files that wait %s hold up no other client', async (_, first) => {
  const folder = await dataFolder(TWO_FILES);
  const { port } = await start(folder);
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.pause();
  socket.write(first + MEDIA.repeat(20));
  const { body } = await ask(port, '/api/openapi.json');

  expect(body.length).toBeGreaterThan(0);
  expect((await ask(port, '/media/a.txt')).text).toBe('water');
});

test('clients that do not read their files hold up no other client', async () => {
  const folder = await dataFolder(TWO_FILES);
  const { port } = await start(folder);
  for (let count = 0; count < 20; count += 1) {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write('GET /media/large.mp3 HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'readable'); // and reads no more
  }

  expect((await ask(port, '/media/a.txt')).text).toBe('water');
});
