import { once } from 'node:events';
import { type ClientRequest, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import express from 'express';
import { describe, expect, onTestFinished, test } from 'vitest';
import { forward, serveForwarded } from '../../src/http/forward.ts';
import { type Answer, ask, dataFolder, put, record, start } from '../helpers.ts';
import { FORMATS, keyFor, NOW } from './api.ts';

interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
}

/** A service that writes and one that reads, on one folder and each on a port of its own, so that it is known who answers. */
async function pair(options: Parameters<typeof start>[1] = {}) {
  const folder = await dataFolder({ 'articles/.keep': '', 'media/.keep': '' });
  const { key } = await keyFor(folder);
  const socket = join(folder, 'writer');
  const readersEnded = Promise.withResolvers<void>();
  const common = { now: () => NOW, ...options };
  const writer = await start(folder, {
    ...common,
    part: { role: 'writer', socket, readersEnded: readersEnded.promise },
  });
  const reader = await start(folder, { ...common, part: { role: 'reader', socket } });
  const close = async () => {
    await reader.close();
    readersEnded.resolve();
    await writer.close();
  };
  onTestFinished(close);
  const asking =
    (port: number) =>
    (path: string, { headers = {}, ...asked }: Asked = {}) =>
      ask(port, path, { ...asked, headers: { Authorization: `Bearer ${key}`, ...headers } });
  return { folder, key, writer, reader, close, byWriter: asking(writer.port), byReader: asking(reader.port) };
}

/** All that an answer says but when. */
function sayings({ status, headers, text }: Answer) {
  const { date: _, ...rest } = headers;
  return { status, headers: rest, text };
}

const A = '/api/articles/a';
const body = JSON.stringify(record());

describe('a change that comes to a reader is answered as by the writer', () => {
  test.each<[string, number, string, Asked]>([
    ['one article', 201, A, { method: 'PUT', body }],
    ['one that comes in pieces', 201, A, { method: 'PUT', body, headers: { 'Transfer-Encoding': 'chunked' } }],
    [
      'an id that is not ASCII',
      201,
      `/api/articles/${encodeURIComponent('کورد')}/1`,
      { method: 'PUT', body: body.replace('"a"', 'null') },
    ],
    ['a condition that fails', 412, A, { method: 'PUT', body, headers: { 'If-Match': '"7"' } }],
    ['a record that is refused', 422, A, { method: 'PUT', body: '{"title":5}' }],
    ['no JSON', 400, A, { method: 'PUT', body: '{' }],
    ['no body', 400, A, { method: 'PUT' }],
    ['a coding', 415, A, { method: 'PUT', body, headers: { 'Content-Encoding': 'gzip' } }],
    ['too large a record', 413, A, { method: 'PUT', body: Buffer.alloc(9_000_000, ' ') }],
    ['no key', 401, A, { method: 'PUT', body, headers: { Authorization: '' } }],
    ['no key, many', 401, '/api/articles', { method: 'POST', body, headers: { Authorization: '' } }],
    ['a withdrawal of nothing', 404, `${A}?reason=Wrong`, { method: 'DELETE' }],
    ['a query that is not known', 400, `${A}?colour=red`, { method: 'DELETE' }],
    ['many', 200, '/api/articles', { method: 'POST', body: `${body}\n{\n` }],
    ['a method that is none', 405, A, { method: 'PATCH' }],
    ['a path that is none', 400, '/api/articles/%ff', { method: 'PUT', body }],
  ])('%s: %i', async (_, status, path, asked) => {
    const [one, other] = await Promise.all([pair(), pair()]);
    const answers = [await one.byReader(path, asked), await other.byWriter(path, asked)];

    expect(answers.map((answer) => answer.status)).toEqual([status, status]);
    expect(sayings(answers[0] as Answer)).toEqual(sayings(answers[1] as Answer));
  });

  test('in HTTP/1.0, which need not name a host: 201', async () => {
    const { reader, key } = await pair();
    const socket = connect(reader.port, '127.0.0.1');
    socket.write(`PUT ${A} HTTP/1.0\r\nAuthorization: Bearer ${key}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);

    expect(await text(socket)).toMatch(/^HTTP\/1\.1 201 /);
  });

  test('too late: 408, and the connection ends', async () => {
    const { reader, key } = await pair({ bodyDeadline: 200 });
    const socket = connect(reader.port, '127.0.0.1');
    socket.write(
      `PUT ${A} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Length: 1000\r\n\r\n{"title":`,
    );
    const answer = await text(socket);

    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer.match(/^connection: .*$/gim)).toEqual(['Connection: close']);
    expect(answer).toContain('"code":"request_timeout"');
  });
});

describe('many that come to a reader', () => {
  function converse(port: number, key: string) {
    const asked = request({
      host: '127.0.0.1',
      port,
      path: '/api/articles',
      method: 'POST',
      headers: { Authorization: `Bearer ${key}` },
      agent: false,
    });
    const said = (async function* () {
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      let rest = '';
      try {
        for await (const chunk of answer.setEncoding('utf8')) {
          const lines = `${rest}${chunk}`.split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) yield JSON.parse(line);
        }
        yield 'the end';
      } catch (error) {
        yield error instanceof Error ? error.message : error;
      }
    })();
    return { asked, next: async () => (await said.next()).value };
  }

  test('are answered while they come', async () => {
    const { reader, key } = await pair();
    const { asked, next } = converse(reader.port, key);
    for (const id of ['a', 'b', 'c']) {
      asked.write(`${JSON.stringify(record({ id }))}\n`);
      expect(await next()).toMatchObject({ id, result: 'created' });
    }
    asked.end();

    expect(await next()).toMatchObject({ totals: { created: 3 } });
    expect(await next()).toBe('the end');
  });

  test.each(['reader', 'writer'] as const)(
    'are cut off with the reason where one comes too late: %s',
    async (which) => {
      const { key, ...services } = await pair({ bodyDeadline: 200 });
      const { asked, next } = converse(services[which].port, key);
      asked.on('error', () => {}); // the connection ends under it
      asked.write(`${body}\n{"id":`);

      expect(await next()).toMatchObject({ id: 'a', result: 'created' });
      expect(await next()).toMatchObject({ result: 'refused', code: 'request_timeout' });
      expect(await next()).toBe('aborted');
    },
  );

  test('are taken to their end by a writer that is about to end', async () => {
    const { reader, writer, key, close } = await pair();
    const { asked, next } = converse(reader.port, key);
    asked.write(`${body}\n`);
    expect(await next()).toMatchObject({ id: 'a', result: 'created' });
    const ended = writer.close();
    await expect.poll(() => ask(writer.port, '/feeds/latest.rss').catch(String)).toContain('ECONNREFUSED');
    asked.end(`${JSON.stringify(record({ id: 'b' }))}\n`);

    expect(await next()).toMatchObject({ id: 'b', result: 'created' });
    expect(await next()).toMatchObject({ totals: { created: 2 } });
    expect(await next()).toBe('the end');
    await close();
    await ended;
  });

  test('and whose client goes away let go of the writer; what was answered is kept', async () => {
    const { reader, writer, key, byWriter } = await pair();
    const { asked, next } = converse(reader.port, key);
    asked.on('error', () => {});
    asked.write(`${body}\n{"id":"half`);
    expect(await next()).toMatchObject({ id: 'a', result: 'created' });
    asked.destroy();
    await once(asked, 'close');

    expect((await byWriter(A)).status).toBe(200);
    await reader.close();
    expect([...writer.lines, ...reader.lines]).toEqual([]);
  });
});

test('while nobody writes a change is answered 503 with a whole number of seconds, and feeds are answered', async () => {
  const folder = await dataFolder({ 'articles/a.json': body });
  const { key } = await keyFor(folder);
  await (await start(folder)).close();
  const { port, lines, told } = await start(folder, { part: { role: 'reader', socket: join(folder, 'writer') } });
  const headers = { Authorization: `Bearer ${key}` };
  const answer = await ask(port, A, { method: 'PUT', body, headers });
  const large = await ask(port, '/api/articles', { method: 'POST', body: Buffer.alloc(20_000_000, '\n'), headers });
  const conditions = [{ 'If-Match': '"1"' }, { 'If-None-Match': '*' }];
  const conditional = await Promise.all(
    conditions.map((condition) => ask(port, A, { method: 'PUT', body, headers: { ...headers, ...condition } })),
  );

  expect([answer.status, large.status]).toEqual([503, 503]);
  expect([answer.headers['retry-after'], large.headers['retry-after']]).toEqual(['2', '2']);
  expect(JSON.parse(answer.text)).toEqual({
    title: 'The process that writes changes is restarting.',
    status: 503,
    code: 'store_unavailable',
    detail: 'Send the change again. If the first attempt succeeded, nothing changes twice.',
  });
  for (const { status, text } of conditional) {
    expect([status, JSON.parse(text).detail]).toEqual([
      503,
      'Send the change again. A 412 then means that the first attempt may have succeeded: GET the article to see.',
    ]);
  }
  expect((await ask(port, '/feeds/latest.rss')).status).toBe(200);
  expect(lines).toEqual(['The writer process does not answer. Changes are refused until it does.']);
  expect(told.some((line) => 'err' in line)).toBe(false);
});

test('a writer that is away is told of again when it was there between', async () => {
  const folder = await dataFolder();
  const { key } = await keyFor(folder);
  const socket = join(folder, 'writer');
  await (await start(folder)).close();
  const { port, lines } = await start(folder, { part: { role: 'reader', socket } });
  const change = async () =>
    (await ask(port, A, { method: 'PUT', body, headers: { Authorization: `Bearer ${key}` } })).status;
  const statuses = [await change()];
  const taken = await serveForwarded(socket, (_request, response) => response.writeHead(201).end());
  statuses.push(await change());
  await taken.close();
  statuses.push(await change(), await change());

  expect(statuses).toEqual([503, 201, 503, 503]);
  expect(lines).toHaveLength(2);
});

test.each([
  ['no key', '', 401],
  ['a key that is none', `Bearer fp_${'0'.repeat(12)}_${'x'.repeat(43)}`, 401],
  ['a key that may read', 'read', 403],
])('the writer hears nothing of who has %s', async (_, authorization, status) => {
  const folder = await dataFolder();
  const { key } = await keyFor(folder, 'read');
  const socket = join(folder, 'writer');
  await (await start(folder)).close();
  const heard: unknown[] = [];
  const taken = await serveForwarded(socket, ({ url }, response) => {
    heard.push(url);
    response.end();
  });
  onTestFinished(taken.close);
  const { port } = await start(folder, { part: { role: 'reader', socket } });
  const headers = { Authorization: authorization === 'read' ? `Bearer ${key}` : authorization };
  const asked: [string, Asked][] = [
    [A, { method: 'PUT', body }],
    [A, { method: 'DELETE' }],
    ['/api/articles', { method: 'POST', body: Buffer.alloc(1_000_000, '\n') }],
  ];
  const answers = await Promise.all(asked.map(([path, question]) => ask(port, path, { ...question, headers })));

  expect(answers.map((answer) => answer.status)).toEqual([status, status, status]);
  expect(heard).toEqual([]);
});

describe('a change is visible in the next answer of each', () => {
  const documents = FORMATS.map((format) => `/feeds/latest.${format}`);

  test.each(['identity', 'br', 'gzip', 'zstd'])('in %s, with the same bytes, tags and dates', async (coding) => {
    const { byReader, byWriter } = await pair();
    const headers = { 'Accept-Encoding': coding };
    const changes: [string, Asked][] = [
      [A, { method: 'PUT', body }],
      ['/api/articles/b', { method: 'PUT', body: JSON.stringify(record({ id: 'b', title: 'Second' })) }],
      [A, { method: 'PUT', body: JSON.stringify(record({ title: 'Corrected' })) }],
      ['/api/articles/b?reason=Wrong', { method: 'DELETE' }],
    ];
    let before: string | undefined;
    for (const [index, [path, change]] of changes.entries()) {
      const by = index % 2 === 0 ? [byReader, byWriter] : [byWriter, byReader];
      expect((await by[0]?.(path, change))?.status).toBeLessThan(300);
      for (const document of documents) {
        const answers = [await byReader(document, { headers }), await byWriter(document, { headers })];
        // Once more: now it is at hand.
        answers.push(await byReader(document, { headers }), await byWriter(document, { headers }));
        const conditional = { ...headers, 'If-None-Match': answers[0]?.headers.etag ?? '' };
        const unchanged = [
          await byReader(document, { headers: conditional }),
          await byWriter(document, { headers: conditional }),
        ];

        const said = answers.map((answer) => ({ ...sayings(answer), text: answer.body.toString('base64') }));
        expect(said).toEqual([said[0], said[0], said[0], said[0]]);
        expect(answers[0]?.headers.etag).not.toBe(before);
        expect(unchanged.map((answer) => answer.status)).toEqual([304, 304]);
        expect(sayings(unchanged[0] as Answer)).toEqual(sayings(unchanged[1] as Answer));
        if (document.endsWith('rss')) before = answers[0]?.headers.etag;
      }
    }
  });

  test('also of the second of two requests in one packet', async () => {
    const { byWriter, reader } = await pair();
    const get = `GET /feeds/latest.json HTTP/1.1\r\nHost: x\r\n\r\n`;
    const last = get.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n');
    const both = async () => {
      const socket = connect(reader.port, '127.0.0.1');
      socket.write(get + last);
      return (await text(socket)).match(/"title":"(?:Before|After)"/g);
    };
    await byWriter(A, { method: 'PUT', body: JSON.stringify(record({ title: 'Before' })) });
    expect(await both()).toEqual(['"title":"Before"', '"title":"Before"']);
    await byWriter(A, { method: 'PUT', body: JSON.stringify(record({ title: 'After' })) });

    expect(await both()).toEqual(['"title":"After"', '"title":"After"']);
  });

  test('and a file is, once the writer answers with it', async () => {
    const { folder, byReader, byWriter } = await pair();
    expect((await byReader('/feeds/latest.json')).text).not.toContain('"id"');
    await put(folder, 'articles/f.json', JSON.stringify(record({ id: 'f' })));
    const [first, then] = [await byWriter('/feeds/latest.json'), await byReader('/feeds/latest.json')];

    expect(first.text).toContain(':f"');
    expect(sayings(then)).toEqual(sayings(first));
  });
});

describe('on the way to the writer', () => {
  /** What the writer is told of a request that a client sent as these lines, and the client the answer. */
  async function told(
    lines: readonly string[],
    listener: (request: IncomingMessage, response: ServerResponse) => void,
  ) {
    const socket = join(await dataFolder(), 'writer');
    const taken = await serveForwarded(socket, listener);
    const app = express()
      .disable('x-powered-by')
      .put(
        '/*path',
        forward(socket, () => {}),
      );
    const server = createServer(app).listen(0, '127.0.0.1');
    onTestFinished(async () => {
      server.close();
      await taken.close();
    });
    await once(server, 'listening');
    const address = server.address();
    const client = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
    client.write(lines.join('\r\n'));
    return await text(client);
  }

  interface Seen {
    readonly url: string | undefined;
    readonly rawHeaders: readonly string[];
    readonly body: string;
  }

  async function seen(lines: readonly string[]): Promise<Seen> {
    const seen = Promise.withResolvers<Seen>();
    await told(lines, (request, response) => {
      const { url, rawHeaders } = request;
      text(request).then((body) => seen.resolve({ url, rawHeaders, body }), seen.reject);
      request.once('end', () => response.end());
    });
    return seen.promise;
  }

  test('a request stays as it was, without what is about the connection', async () => {
    const request = await seen([
      'PUT /api/articles/a%2Fb?c=%C3%A9 HTTP/1.1',
      'Host: news.example',
      'X-Twice: one',
      'X-Twice: two',
      'Connection: close, X-Hop',
      'X-Hop: x',
      'Keep-Alive: timeout=5',
      'TE: trailers',
      'Upgrade: websocket',
      'X-Forwarded-For: 192.0.2.2',
      'X-Client-Connection: of another client',
      'Content-Length: 3',
      '',
      'abc',
    ]);

    expect(request).toEqual({
      url: '/api/articles/a%2Fb?c=%C3%A9',
      rawHeaders: [
        ...['Host', 'news.example', 'X-Twice', 'one', 'X-Twice', 'two', 'X-Forwarded-For', '192.0.2.2'],
        ...['Content-Length', '3', 'X-Client-Connection', expect.stringMatching(/^\d+-\d+$/)],
        ...['Connection', 'keep-alive'],
      ],
      body: 'abc',
    });
  });

  test('a body in chunks, which the client waited to be asked for, comes whole', async () => {
    const lines = ['PUT /a HTTP/1.1', 'Host: x', 'Connection: close', 'Expect: 100-continue'];
    const { rawHeaders, body } = await seen([
      ...lines,
      'Transfer-Encoding: chunked',
      '',
      '2',
      'ab',
      '1',
      'c',
      '0',
      '',
      '',
    ]);

    expect(body).toBe('abc');
    expect(rawHeaders).not.toContain('Expect');
  });

  test('a head as long as a client may send is not too long with what is said of the connection', async () => {
    // Node counts addresses, names and values.
    const rest = ['/a', 'Host', 'x', 'Connection', 'close', 'X-Long'].join('').length;
    const { rawHeaders } = await seen([
      'PUT /a HTTP/1.1',
      'Host: x',
      'Connection: close',
      `X-Long: ${'x'.repeat(16 * 1024 - 1 - rest)}`,
      '',
      '',
    ]);

    expect(rawHeaders).toContain('X-Long');
  });

  test('an answer comes back as it was, without what is about the connection', async () => {
    const lines = ['PUT /a HTTP/1.1', 'Host: x', 'Connection: close', 'Content-Length: 0', '', ''];
    const answer = await told(lines, (_request, response) => {
      const headers = [
        'ETag',
        '"1"',
        'Set-Thing',
        '1',
        'Set-Thing',
        '2',
        'Connection',
        'keep-alive, Set-Hop',
        'Set-Hop',
        'x',
      ];
      response.writeHead(207, [...headers, 'Date', 'Sun, 22 Nov 2026 10:00:00 GMT', 'Content-Length', '3']);
      response.end('abc');
    });

    expect(answer.split('\r\n')).toEqual([
      'HTTP/1.1 207 Multi-Status',
      'ETag: "1"',
      'Set-Thing: 1',
      'Set-Thing: 2',
      'Date: Sun, 22 Nov 2026 10:00:00 GMT',
      'Content-Length: 3',
      'Connection: close',
      '',
      'abc',
    ]);
  });

  test('a body waits where the writer does not read it', async () => {
    const socket = join(await dataFolder(), 'writer');
    const reading = Promise.withResolvers<IncomingMessage>();
    const taken = await serveForwarded(socket, (request) => reading.resolve(request.pause()));
    const server = createServer(
      express().put(
        '/*path',
        forward(socket, () => {}),
      ),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const asked: ClientRequest = request({
      port: typeof address === 'object' ? (address?.port ?? 0) : 0,
      host: '127.0.0.1',
      path: '/a',
      method: 'PUT',
      agent: false,
    });
    asked.on('error', () => {});
    onTestFinished(async () => {
      asked.destroy();
      server.close();
      await taken.close();
    });
    const piece = Buffer.alloc(1024 * 1024);
    let sent = 0;
    const pump = () => {
      while (sent < 100 && asked.write(piece)) sent += 1;
    };
    asked.on('drain', pump);
    pump();
    await reading.promise;
    // The kernel's buffers of two connections and Node's own are full after some of it; nothing moves from then on.
    for (let before = -1; before !== sent; ) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }

    expect(sent).toBeLessThan(30);
  });
});
