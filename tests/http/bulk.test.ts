import { once } from 'node:events';
import { type ClientRequest, request } from 'node:http';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { ask, record } from '../helpers.ts';
import { type Api, startApi } from './api.ts';

const MiB = 1024 * 1024;

/** A bulk request that is sent piece by piece, and its answer's lines as they come. */
interface Conversation {
  readonly send: (bytes: string | Uint8Array) => Promise<void>;
  readonly end: () => void;
  /** The answer's next line; undefined behind the last. */
  readonly next: () => Promise<unknown>;
  readonly asked: ClientRequest;
}

function converse({ port, key }: Api): Conversation {
  const asked = request({
    host: '127.0.0.1',
    port,
    path: '/api/articles',
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/x-ndjson' },
    agent: false,
  });
  const lines = (async function* () {
    const [response] = await once(asked, 'response');
    for await (const line of createInterface({ input: response })) yield JSON.parse(line);
  })();
  return {
    async send(bytes) {
      if (!asked.write(bytes)) await once(asked, 'drain');
    },
    end: () => void asked.end(),
    next: async () => (await lines.next()).value,
    asked,
  };
}

const NO_TOTALS = { created: 0, updated: 0, unchanged: 0, refused: 0, adjusted: 0, warned: 0 };

/** Each record has an address of its own. */
const lineOf = ({ id = 'a', ...fields }: Readonly<Record<string, unknown>>) =>
  JSON.stringify(record({ id, url: `/${id}`, ...fields }));

async function resultsOf({ post }: Api, body: string | Uint8Array): Promise<Record<string, unknown>[]> {
  const { status, headers, text } = await post('', { body });
  expect([status, headers['content-type'], headers['cache-control']]).toEqual([
    200,
    'application/x-ndjson; charset=utf-8',
    'no-store',
  ]);
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

test('2,000 lines that come slowly are answered in order, while they still come', async () => {
  const api = await startApi();
  const { send, end, next } = converse(api);
  const lines = Array.from({ length: 2000 }, (_, index) => `${lineOf({ id: `کورد/${index + 1}` })}\n`);
  const bytes = Buffer.from(lines.join(''));
  // Pieces end anywhere: within a line, within a character.
  const pieces = Array.from({ length: 40 }, (_, index) =>
    bytes.subarray(Math.ceil((bytes.length * index) / 40), Math.ceil((bytes.length * (index + 1)) / 40)),
  );
  let answered = 0;
  let sent = 0;
  for (const piece of pieces) {
    await send(piece);
    sent += piece.length;
    const whole = bytes.subarray(0, sent).toString().split('\n').length - 1;
    // Nothing more is sent before what is whole has its answer.
    while (answered < whole) {
      answered += 1;
      expect(await next()).toMatchObject({
        line: answered,
        id: `کورد/${answered}`,
        result: 'created',
        revision: answered,
      });
    }
  }
  end();

  expect([answered, await next(), await next()]).toEqual([
    2000,
    { totals: { ...NO_TOTALS, created: 2000 } },
    undefined,
  ]);
  expect(JSON.parse((await api.get('?cursor=1999')).text).articles).toMatchObject([{ id: 'کورد/2000' }]);
  expect((await ask(api.port, '/feeds/latest.rss')).text.match(/<item/g)).toHaveLength(50);
}, 30_000);

test('a line is visible in the next GET after its answer, before the request is over', async () => {
  const api = await startApi();
  const { send, end, next } = converse(api);
  for (const id of ['a', 'b', 'c']) {
    await send(`${lineOf({ id, title: `Title ${id}` })}\n`);
    await next();
    expect((await ask(api.port, '/feeds/latest.json')).text).toContain(`"title":"Title ${id}"`);
  }
  end();
  await next();
});

test('invalid lines are reported and do not stop the others; blank lines are skipped', async () => {
  const api = await startApi();
  const body = Buffer.concat([
    Buffer.from(`${lineOf({ id: 'first' })}\n`),
    Buffer.from('\n  \t \r\n'), // 2, 3
    Buffer.from(`{"id":"half",\n`), // 4
    Buffer.from(`${lineOf({ id: 'refused', title: '', colour: 'red' })}\n`), // 5
    Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d, 0x0a]), // 6
    Buffer.from(`{"id":"twice","id":"twice"}\n`), // 7
    Buffer.from(`${lineOf({ id: 'long', body: 'x'.repeat(8 * MiB) })}\n`), // 8
    Buffer.from('[]\n'), // 9
    Buffer.from(`${lineOf({ id: 'first', publishedAt: '2026-11-01T00:00:00Z' })}\n`), // 10
    Buffer.from(`${lineOf({ id: 'windows' })}\r\n`), // 11
    Buffer.from(`${lineOf({ id: 'first' })}\n`), // 12
    Buffer.from(`${lineOf({ id: 'first', title: 'Corrected' })}\n`), // 13
    Buffer.from(lineOf({ id: 'last' })), // 14
  ]);

  expect(await resultsOf(api, body)).toMatchObject([
    { line: 1, id: 'first', result: 'created', revision: 1 },
    {
      line: 4,
      result: 'refused',
      code: 'invalid_json',
      title: 'This is not JSON that can be read.',
      problems: [{ field: '', rule: 'is not JSON here', line: 4, column: 14 }],
    },
    {
      line: 5,
      result: 'refused',
      code: 'invalid_article',
      title: 'The article "refused" cannot be published.',
      problems: [
        { field: 'title', value: '', rule: 'must not be empty', line: 5 },
        { field: 'colour', rule: 'is not a known field', line: 5 },
      ],
    },
    {
      line: 6,
      result: 'refused',
      code: 'invalid_json',
      title: 'This is not JSON that can be read.',
      problems: [{ field: '', rule: 'must be UTF-8 (RFC 8259 §8.1)', line: 6, column: 3 }],
    },
    {
      line: 7,
      result: 'refused',
      code: 'invalid_json',
      title: 'This is not JSON that can be read.',
      problems: [{ field: 'id', rule: 'stands twice in one object', line: 7, column: 15 }],
    },
    {
      line: 8,
      result: 'refused',
      code: 'too_large',
      title: 'The line is longer than a record may be.',
      problems: [],
    },
    {
      line: 9,
      result: 'refused',
      code: 'invalid_article',
      title: 'The article cannot be published.',
      problems: [{ field: '', value: '[]', rule: 'must be an object', line: 9 }],
    },
    {
      line: 10,
      result: 'refused',
      code: 'identity_conflict',
      title: 'The article “first” would change its identity.',
      problems: [{ field: 'publishedAt', line: 10 }],
    },
    { line: 11, id: 'windows', result: 'created', revision: 2 },
    { line: 12, id: 'first', result: 'unchanged', revision: 1 },
    { line: 13, id: 'first', result: 'updated', revision: 3 },
    { line: 14, id: 'last', result: 'created', revision: 4 },
    { totals: { ...NO_TOTALS, created: 3, updated: 1, unchanged: 1, refused: 7 } },
  ]);
});

test.each([
  ['nothing', ''],
  ['an empty line', '\n'],
  ['blank lines', ' \n\r\n\t'],
])('%s is answered by totals alone', async (_, body) => {
  expect(await resultsOf(await startApi(), body)).toEqual([{ totals: NO_TOTALS }]);
});

test.each([
  ['one byte less than the most', -1, 'created'],
  ['the most', 0, 'created'],
  ['one byte more', 1, 'refused'],
])('a line of 8 MiB, %s', async (_, more, result) => {
  const api = await startApi();
  const line = lineOf({ body: '<p>x</p>' });
  const padded = `${line.slice(0, -1)}${' '.repeat(8 * MiB + more - line.length)}}`;

  expect(await resultsOf(api, `${padded}\n${lineOf({ id: 'next' })}`)).toEqual([
    expect.objectContaining({ line: 1, result }),
    expect.objectContaining({ line: 2, id: 'next', result: 'created' }),
    { totals: expect.anything() },
  ]);
});

test('a line that is too long costs no memory, however long it is', async () => {
  const api = await startApi();
  const { send, end, next } = converse(api);
  const piece = Buffer.alloc(MiB, 'x');
  global.gc?.();
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let sent = 0; sent < 200; sent += 1) {
    await send(piece);
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  await send(`\n${lineOf({ id: 'after' })}\n`);
  end();

  expect(await next()).toMatchObject({ line: 1, result: 'refused', code: 'too_large' });
  expect(await next()).toMatchObject({ line: 2, id: 'after', result: 'created', revision: 1 });
  expect(most).toBeLessThan(100 * MiB);
});

test('a body in a coding is refused as that of a PUT is', async () => {
  const { post } = await startApi();
  const { status, text } = await post('', { body: 'x', headers: { 'Content-Encoding': 'gzip' } });

  expect([status, JSON.parse(text).code]).toEqual([415, 'unsupported_media_type']);
});

test('what was answered before the client went away is kept, and the service lives on', async () => {
  const api = await startApi();
  const { send, next, asked } = converse(api);
  await send(`${lineOf({ id: 'kept' })}\n{"id":"half`);
  await next();
  asked.on('error', () => {});
  asked.destroy();
  await once(asked, 'close');

  expect(JSON.parse((await api.get('')).text).articles.map(({ id }: { id: string }) => id)).toEqual(['kept']);
  expect((await ask(api.port, '/feeds/latest.json')).text).toContain('"id":"tag:news.example,2026:kept"');
});

test('two bulk requests at once keep their own order and lose nothing', async () => {
  const api = await startApi();
  const bodies = ['x', 'y'].map((name) =>
    Array.from({ length: 300 }, (_, index) => lineOf({ id: `${name}${index}` })).join('\n'),
  );
  const results = await Promise.all(bodies.map((body) => resultsOf(api, body)));

  for (const [index, name] of ['x', 'y'].entries()) {
    expect(results[index]?.pop()).toEqual({ totals: { ...NO_TOTALS, created: 300 } });
    expect(results[index]?.map(({ id }) => id)).toEqual(Array.from({ length: 300 }, (_, line) => `${name}${line}`));
  }
  const revisions = results.flat().map(({ revision }) => Number(revision));
  expect(revisions.sort((a, b) => a - b)).toEqual(Array.from({ length: 600 }, (_, index) => index + 1));
});
