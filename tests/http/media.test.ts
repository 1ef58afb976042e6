import { once } from 'node:events';
import { globSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ask, dataFolder, put, record, start } from '../helpers.ts';

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

test('If-Modified-Since with its own date brings 304', async () => {
  const folder = await dataFolder({ 'articles/a.json': JSON.stringify(record()), 'media/a.txt': 'water' });
  const { port } = await start(folder);
  const { headers } = await ask(port, '/media/a.txt');
  const again = await ask(port, '/media/a.txt', {
    headers: { 'If-Modified-Since': String(headers['last-modified']) },
  });

  expect([again.status, again.body.length]).toEqual([304, 0]);
});

test('a condition that fails is told as such', async () => {
  const folder = await dataFolder({ 'articles/a.json': JSON.stringify(record()), 'media/a.txt': 'water' });
  const { port } = await start(folder);
  const { status } = await ask(port, '/media/a.txt', {
    headers: { 'If-Unmodified-Since': 'Sat, 01 Jan 2000 00:00:00 GMT' },
  });

  expect(status).toBe(412);
});

test('a file that came after the start is there at once', async () => {
  const folder = await dataFolder({ 'articles/a.json': JSON.stringify(record()) });
  const { port } = await start(folder);
  const before = await ask(port, '/media/new/a.txt');
  await put(folder, 'media/new/a.txt', 'water');
  const after = await ask(port, '/media/new/a.txt');

  expect([before.status, after.status, after.text]).toEqual([404, 200, 'water']);
});

test.each(['/media/caf%C3%A9.txt', '/media/cafe%CC%81.txt'])(
  'a file whose name has another form in Unicode is found as %s',
  async (path) => {
    const folder = await dataFolder({ 'articles/a.json': JSON.stringify(record()), 'media/cafe\u0301.txt': 'coffee' });
    const { port } = await start(folder);
    const { status, text } = await ask(port, path);

    expect([status, text]).toEqual([200, 'coffee']);
  },
);

test('a newsroom without media has none to show', async () => {
  const { port } = await start(await dataFolder({ 'articles/a.json': JSON.stringify(record()) }));

  expect((await ask(port, '/media/a.png')).status).toBe(404);
});

test('a symbolic link is followed inside of the folder only', async () => {
  const folder = await dataFolder({
    'articles/a.json': JSON.stringify(record()),
    'media/a.txt': 'water',
    'secret.txt': 'secret',
    'secret/s.txt': 'secret',
  });
  const links = { inside: 'a.txt', out: '../secret.txt', chain: 'out', folder: '../secret', name: 'cafe\u0301' };
  for (const [name, target] of Object.entries(links)) await symlink(target, join(folder, 'media', name));
  await symlink('../secret.txt', join(folder, 'media/cafe\u0301'));
  const { port } = await start(folder);
  const paths = ['inside', 'out', 'chain', 'folder/s.txt', 'name', 'caf%C3%A9', 'cafe%CC%81'];
  const answers = await Promise.all(
    paths.flatMap((path) => ['GET', 'HEAD'].map((method) => ask(port, `/media/${path}`, { method }))),
  );

  expect(answers.map(({ status }) => status)).toEqual([200, 200, ...Array.from({ length: 12 }, () => 404)]);
  expect(answers.map(({ text }) => text).filter((text) => text.includes('secret'))).toEqual([]);
});

test('a file that is sent is closed, also if the client leaves before the end', async () => {
  const folder = await dataFolder({
    'articles/a.json': JSON.stringify(record()),
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

test('a file is closed if its client leaves while answers wait behind others', async () => {
  const folder = await dataFolder({ 'media/large.mp3': Buffer.alloc(16 * 1024 * 1024) });
  const { port } = await start(folder);
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
  const folder = await dataFolder({ 'media/large.mp3': Buffer.alloc(16 * 1024 * 1024), 'media/a.txt': 'water' });
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
  const folder = await dataFolder({ 'media/large.mp3': Buffer.alloc(16 * 1024 * 1024), 'media/a.txt': 'water' });
  const { port } = await start(folder);
  for (let count = 0; count < 20; count += 1) {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write('GET /media/large.mp3 HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'readable'); // and reads no more
  }

  expect((await ask(port, '/media/a.txt')).text).toBe('water');
});
