import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { PublisherError } from '../../../src/errors.ts';
import { download, mayPass } from '../../../src/ingest/import/download.ts';
import { site } from '../../commands/site.ts';

/** Answers every request with these bytes. Returns the address of a path. */
async function rawSite(answer: string | ((socket: Socket) => void)): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}); // the client may hang up while we write
    socket.once('data', () => (typeof answer === 'string' ? socket.end(answer, 'latin1') : answer(socket)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/feed`;
}

async function failureOf(address: string, options: Parameters<typeof download>[1] = {}): Promise<PublisherError> {
  const failure = await download(address, { mayBePrivate: true, ...options }).catch((error: unknown) => error);
  if (failure instanceof PublisherError) return failure;
  throw new Error(`the download did not fail as it should: ${JSON.stringify(failure)}`, { cause: failure });
}

const OK = 'HTTP/1.1 200 OK\r\n';

test.each([
  ['a negative length', `${OK}Content-Length: -5\r\n\r\nxxxx`, /^The answer breaks the rules of HTTP /],
  [
    'a chunk without a length',
    `${OK}Transfer-Encoding: chunked\r\n\r\nZZ\r\nxx`,
    /^The answer breaks the rules of HTTP /,
  ],
  [
    'a chunk of any length',
    `${OK}Transfer-Encoding: chunked\r\n\r\n${'f'.repeat(19)}\r\nx`,
    /^The answer breaks the rules/,
  ],
  ['another protocol', 'SSH-2.0-OpenSSH\r\n', /^The answer breaks the rules of HTTP /],
  ['a header without a name', `${OK}: x\r\n\r\n`, /^The answer breaks the rules of HTTP /],
  ['a status below 100', 'HTTP/1.1 000 OK\r\n\r\nx', /^The answer breaks the rules of HTTP /],
  ['headers without an end', `${OK}${'X: y\r\n'.repeat(10_000)}`, /^The headers of the answer are longer than /],
  ['two lengths', `${OK}Content-Length: 4\r\nContent-Length: 5\r\n\r\nxxxx`, /^The answer has another length than /],
  ['a wrong length', `${OK}Content-Length: ${'9'.repeat(22)}\r\n\r\nxxxx`, /^The answer has another length than /],
  [
    'no gzip in spite of its header',
    `${OK}Content-Encoding: gzip\r\n\r\nnope nope`,
    /^The answer is not compressed as /,
  ],
  ['no deflate', `${OK}Content-Encoding: deflate\r\n\r\nnope nope`, /^The answer is not compressed as /],
  ['no Brotli', `${OK}Content-Encoding: br\r\n\r\nnope nope nope nope`, /^The answer is not compressed as /],
  ['no zstd', `${OK}Content-Encoding: zstd\r\n\r\nnope nope nope nope`, /^The answer is not compressed as /],
  ['many codings', `${OK}Content-Encoding: ${'gzip, '.repeat(50)}gzip\r\n\r\nx`, /^The answer is compressed too often/],
])('an answer with %s is reported in words, on one line', async (_name, answer, reason) => {
  const { hint = '', message } = await failureOf(await rawSite(answer));

  expect(hint).toMatch(reason);
  expect(hint).not.toContain('undefined');
  expect(message + hint).not.toContain('\n');
});

test('an address with a password is not asked, and the password is not printed', async () => {
  const { hint, message } = await failureOf('http://user:secret@127.0.0.1:1/feed');

  expect(message).toBe('Nothing can be read from http://127.0.0.1:1/feed.');
  expect(hint).toBe(
    'The address has a user name or a password, which import does not send: import an export of the old system.',
  );
});

test('a redirect to an address with a password is reported', async () => {
  const { hint } = await failureOf(
    await rawSite('HTTP/1.1 302 Found\r\nLocation: http://user:secret@127.0.0.1:1/feed\r\nContent-Length: 0\r\n\r\n'),
  );
  expect(hint).toMatch(/^The server redirects to an address with a user name or a password\./);
});

test.each([
  ['nothing to compare with', {}],
  ['no validators', undefined],
])('304 to a request with %s is a failure', async (_name, validators) => {
  const address = await rawSite('HTTP/1.1 304 Not Modified\r\n\r\n');
  const failure = await failureOf(address, validators === undefined ? {} : { validators });

  expect(failure.hint).toMatch(/^The server answered with status 304\./);
  expect(await download(address, { mayBePrivate: true, validators: { etag: '"1"' } })).toBeUndefined();
});

test('the connection of a refused request is closed, though the answer has no end', { timeout: 15_000 }, async () => {
  const closing = Promise.withResolvers<void>();
  const address = await rawSite((socket) => {
    socket.once('close', closing.resolve);
    socket.write('HTTP/1.1 404 Not Found\r\n\r\nand more to come');
  });

  expect((await failureOf(address)).hint).toMatch(/status 404/);
  await closing.promise;
});

test.each([
  ['3600', 3600, 3600],
  [new Date(Date.now() + 48 * 3600_000).toUTCString(), 3600, 48 * 3600],
  [new Date(Date.now() - 48 * 3600_000).toUTCString(), undefined, undefined],
  ['soon', undefined, undefined],
  ['-1', undefined, undefined],
])('Retry-After: %s', async (value, least, most) => {
  const failure = await failureOf(
    await site((_request, response) => void response.writeHead(429, { 'Retry-After': value }).end()),
  );

  expect(mayPass(failure)).toBe(true);
  if (least === undefined || most === undefined) expect(failure.retryAfter).toBeUndefined();
  else {
    expect(failure.retryAfter).toBeGreaterThanOrEqual(least);
    expect(failure.retryAfter).toBeLessThanOrEqual(most);
  }
});

test('a file that unpacks to more than the limit is refused', async () => {
  const address = await site((_request, response) => void response.end(gzipSync(Buffer.alloc(3_000_000))));
  expect(await failureOf(address, { limit: 2_000_000 })).toMatchObject({ code: 'too_large' });
});
