import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { storeFile } from '../../src/service/data-folder.ts';
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts';
import { ask, PUBLICATION, record } from '../helpers.ts';
import { feedsmith } from '../peers/feedsmith.ts';
import { nextHead } from '../raw.ts';
import { type Api, differing, etagsOf, FORMATS, keyFor, NOW, startApi } from './api.ts';

/** The record of `record`, without the id, which is in the address. */
function story(fields: Readonly<Record<string, unknown>> = {}) {
  const { id: _, ...rest } = record(fields);
  return rest;
}

const FOR_NEWSROOM = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

const PROBLEM = { 'content-type': 'application/problem+json; charset=utf-8', 'cache-control': 'no-store' };

/** The answer to a change of the article that `story` makes, but for its result. */
const ANSWER = {
  id: 'a',
  status: 'visible',
  publicId: 'tag:news.example,2026:a',
  publishedAt: '2026-11-20T10:00:00Z',
  feeds: ['latest', 'language/en'],
  adjustments: [],
  warnings: [],
};

describe('PUT', () => {
  test('creates, leaves alone, corrects', async () => {
    const { put } = await startApi();
    const created = await put('/a', { body: story() });
    const same = await put('/a', { body: story() });
    const reordered = await put('/a', { body: Object.fromEntries(Object.entries(record()).reverse()) });
    const corrected = await put('/a', { body: story({ title: 'Corrected' }) });

    expect([created.status, JSON.parse(created.text)]).toEqual([201, { ...ANSWER, result: 'created', revision: 1 }]);
    expect(created.headers).toMatchObject({
      ...FOR_NEWSROOM,
      etag: '"1"',
      'content-length': String(created.body.length),
      location: 'https://feeds.news.example/api/articles/a',
    });
    expect([same.headers.location, corrected.headers.location]).toEqual([undefined, undefined]);
    expect([same.status, same.headers.etag, JSON.parse(same.text)]).toEqual([
      200,
      '"1"',
      { ...ANSWER, result: 'unchanged', revision: 1 },
    ]);
    expect(reordered.text).toBe(same.text);
    expect([corrected.status, corrected.headers.etag, JSON.parse(corrected.text)]).toEqual([
      200,
      '"2"',
      { ...ANSWER, result: 'updated', revision: 2 },
    ]);
  });

  test('of the same record again changes no header and no byte of any feed', async () => {
    const clock = { now: NOW };
    const { port, put } = await startApi({}, { now: () => clock.now });
    await put('/a', { body: story({ tags: ['rivers'] }) });
    const responses = async () =>
      Promise.all(
        FORMATS.map(async (format) => {
          const { headers, text } = await ask(port, `/feeds/tag/rivers.${format}`);
          return [headers.etag, headers['last-modified'], text];
        }),
      );
    clock.now += 60_000;
    const before = await responses();
    clock.now += 60_000;
    await put('/a', { body: story({ tags: ['rivers'] }) });

    expect(await responses()).toEqual(before);
  });

  const UNMET = 'The article “a” does not meet the condition of the request.';
  const CHANGED = [UNMET, 'Get the article, look at what has changed, and send the change again with the new ETag.'];
  const UNQUOTED = [
    UNMET,
    'An ETag stands in double quotation marks. Send it as GET returned it, as in If-Match: "58".',
  ];
  const WEAK = [UNMET, 'A weak ETag never matches. Send the ETag without W/, as in If-Match: "58".'];
  const EXISTS = [
    'The article “a” exists already: If-None-Match: * requires that it does not.',
    'Send If-Match: "2" to change it, or use another id.',
  ];
  const ABSENT = [
    'The article “a” does not exist: If-Match requires an article.',
    'Check the id, or send the request without If-Match.',
  ];

  // The article is at its second revision: "2".
  test.each<[string, Record<string, string>, readonly string[] | undefined]>([
    ['the current tag', { 'If-Match': '"2"' }, undefined],
    ['the current tag in a list', { 'If-Match': '"7", "2"' }, undefined],
    ['the current tag behind a weak one', { 'If-Match': 'W/"7", "2"' }, undefined],
    ['any tag', { 'If-Match': '*' }, undefined],
    ['the tag before', { 'If-Match': '"1"' }, CHANGED],
    ['a tag to come', { 'If-Match': '"3"' }, CHANGED],
    ['a weak tag: strong comparison never matches it (RFC 9110 §13.1.1)', { 'If-Match': 'W/"2"' }, WEAK],
    ['a weak tag and an old one', { 'If-Match': 'W/"2", "1"' }, CHANGED],
    ['no tag at all', { 'If-Match': '2' }, UNQUOTED],
    ['a number in other quotation marks', { 'If-Match': "'2'" }, UNQUOTED],
    ['a tag of other characters for the same number', { 'If-Match': '"02"' }, CHANGED],
    ['nothing', { 'If-Match': '' }, UNQUOTED],
    ['that there is none', { 'If-None-Match': '*' }, EXISTS],
    ['both, of which one fails (RFC 9110 §13.2.2)', { 'If-Match': '"2"', 'If-None-Match': '*' }, EXISTS],
  ])('to an article that is there, expecting %s', async (_, headers, refusal) => {
    const status = refusal === undefined ? 200 : 412;
    const { port, put, get } = await startApi();
    await put('/a', { body: story() });
    await put('/a', { body: story({ title: 'Second' }) });
    const before = await etagsOf(port, ['latest']);
    const answer = await put('/a', { body: story({ title: 'Third' }), headers });

    expect(answer.status).toBe(status);
    if (refusal !== undefined) {
      const [title, detail] = refusal;
      expect(JSON.parse(answer.text)).toEqual({ title, status, code: 'precondition_failed', detail });
    }
    expect((await get('/a')).headers.etag).toBe(status === 200 ? '"3"' : '"2"');
    expect(differing(before, await etagsOf(port, ['latest']))).toHaveLength(status === 200 ? 3 : 0);
  });

  test.each<[string, Record<string, string>, number]>([
    ['that there is none', { 'If-None-Match': '*' }, 201],
    ['any', { 'If-Match': '*' }, 412],
    ['a revision', { 'If-Match': '"1"' }, 412],
  ])('to an article that is not there, expecting %s', async (_, headers, status) => {
    const { put, get } = await startApi();
    const answer = await put('/a', { body: story(), headers });

    expect(answer.status).toBe(status);
    if (status === 412)
      expect(Object.values(JSON.parse(answer.text))).toEqual([ABSENT[0], 412, 'precondition_failed', ABSENT[1]]);
    expect((await get('/a')).status).toBe(status === 201 ? 200 : 404);
  });

  test.each([
    { 'If-None-Match': '"1"' },
    { 'If-None-Match': '*, "1"' },
    { 'If-Match': '"1"', 'If-None-Match': '"x"' },
    { 'If-Match': '*', 'If-None-Match': '"x"' },
  ])('with %o is refused: If-None-Match of a tag would guard nothing', async (headers) => {
    const { put } = await startApi();
    const { status, text } = await put('/a', { body: story(), headers });

    expect([status, JSON.parse(text)]).toEqual([
      400,
      {
        title: 'If-None-Match of a change must be *.',
        status: 400,
        code: 'invalid_query',
        detail:
          'Send If-None-Match: * to create an article only where none exists, or If-Match to change a known revision.',
      },
    ]);
  });

  test.each([
    [
      'another date of first publication',
      { publishedAt: '2026-11-21T10:00:00Z' },
      {
        field: 'publishedAt',
        value: '2026-11-21T10:00:00Z',
        rule: 'must stay 2026-11-20T10:00:00Z, the date of first publication (an embargo counts as its end)',
      },
    ],
    [
      'an embargo after the fact',
      { embargoUntil: '2026-11-30T10:00:00Z' },
      {
        field: 'publishedAt',
        value: '2026-11-30T10:00:00Z',
        rule: 'must stay 2026-11-20T10:00:00Z, the date of first publication (an embargo counts as its end)',
      },
    ],
    [
      'another public id',
      { publicId: 'urn:other' },
      { field: 'publicId', value: 'urn:other', rule: 'must stay tag:news.example,2026:a' },
    ],
  ])('of a visible article with %s is a conflict', async (_, fields, problem) => {
    const { put, get } = await startApi();
    await put('/a', { body: story() });
    const { status, headers, text } = await put('/a', { body: story(fields) });

    expect(status).toBe(409);
    expect(headers).toMatchObject(PROBLEM);
    expect(JSON.parse(text)).toEqual({
      title: 'The article “a” would change its identity.',
      status: 409,
      code: 'identity_conflict',
      problems: [problem],
    });
    expect((await get('/a')).headers.etag).toBe('"1"');
  });

  test('with another article’s public id is a conflict', async () => {
    const { put } = await startApi();
    await put('/a', { body: story() });
    const { status, text } = await put('/b', { body: story({ publicId: 'tag:news.example,2026:a' }) });

    expect([status, JSON.parse(text).problems]).toEqual([
      409,
      [{ field: 'publicId', value: 'tag:news.example,2026:a', rule: 'is the identity of the article a' }],
    ]);
  });

  test('reports every problem of a record at once', async () => {
    const { put, get } = await startApi();
    const { status, headers, text } = await put('/a', {
      body: {
        url: 'javascript:alert(1)',
        title: ' ',
        publishedAt: 'yesterday',
        colour: 'red',
        authors: [{ name: 'A', email: 'nobody' }],
        image: { url: '/i.png', width: 0 },
        sections: 'World',
      },
    });

    expect(status).toBe(422);
    expect(headers).toMatchObject(PROBLEM);
    const { problems, ...rest } = JSON.parse(text);
    expect(rest).toEqual({ title: 'The article “a” cannot be published.', status: 422, code: 'invalid_article' });
    expect(new Set(problems)).toEqual(
      new Set([
        {
          field: 'url',
          value: 'javascript:alert(1)',
          rule: 'must be an http or https address of at most 4096 characters',
        },
        { field: 'title', value: '', rule: 'must not be empty' },
        { field: 'body', rule: 'is required' },
        {
          field: 'publishedAt',
          value: 'yesterday',
          rule: 'must be a date that exists, with time and zone, as 2026-11-22T10:46:00+03:00 (RFC 3339 §5.6)',
        },
        { field: 'colour', rule: 'is not a known field' },
        { field: 'authors[0].email', value: 'nobody', rule: 'must be an e-mail address' },
        { field: 'image.width', value: '0', rule: 'must be a whole number from 1 to 100000' },
        { field: 'sections', value: 'World', rule: 'must be a list: put square brackets around it' },
      ]),
    );
    expect((await get('/a')).status).toBe(404);
  });

  test.each([
    ['a list', '[]'],
    ['a text', '"a"'],
    ['null', 'null'],
    ['a number', '1'],
  ])('of %s is refused', async (_, body) => {
    const { put } = await startApi();
    const { status, text } = await put('/a', { body });

    expect([status, JSON.parse(text).problems]).toEqual([422, [expect.objectContaining({ field: '' })]]);
  });

  test('of a record that names another id is refused', async () => {
    const { put } = await startApi();
    const { status, text } = await put('/b', { body: record() });

    expect([status, JSON.parse(text).code, JSON.parse(text).problems]).toEqual([
      422,
      'invalid_article',
      [{ field: 'id', value: 'a', rule: 'must be b, as in the address, or left out' }],
    ]);
  });

  test.each([
    ['a word', '{\n  "title": "x",\n  oops\n}', { rule: 'is not JSON here', line: 3, column: 3 }],
    ['a comment', '{\n  // why\n}', { rule: 'is not JSON here', line: 2, column: 3 }],
    ['nothing', '', { rule: 'is not JSON here', line: 1, column: 1 }],
    ['half of it', '{"title":', { rule: 'is not JSON here', line: 1, column: 10 }],
  ])('of %s is not JSON, with line and column', async (_, body, problem) => {
    const { put } = await startApi();
    const { status, text } = await put('/a', { body });

    expect([status, JSON.parse(text)]).toEqual([
      400,
      {
        title: 'This is not JSON that can be read.',
        status: 400,
        code: 'invalid_json',
        problems: [{ field: '', ...problem }],
      },
    ]);
  });

  test('of a record that is parsed in a thread is the same as of a small one', async () => {
    const { put, get } = await startApi();
    const body = '<p>پردەکە کرایەوە</p>\n'.repeat(10_000);
    const created = await put('/a', { body: JSON.stringify(story({ body, colour: undefined }), null, 2) });
    const stored = JSON.parse((await get('/a')).text);
    const invalid = await put('/a', { body: `{\n  "body": ${JSON.stringify(body)},\n  oops\n}` });
    const other = await put('/b', { body: record({ body }) });

    expect([created.status, JSON.parse(created.text)]).toEqual([201, { ...ANSWER, result: 'created', revision: 1 }]);
    expect(stored.record).toEqual({ ...story({ body }), id: 'a' });
    expect([invalid.status, JSON.parse(invalid.text).problems]).toEqual([
      400,
      [{ field: '', rule: 'is not JSON here', line: 3, column: 3 }],
    ]);
    expect([other.status, JSON.parse(other.text).problems]).toEqual([
      422,
      [{ field: 'id', value: 'a', rule: 'must be b, as in the address, or left out' }],
    ]);
  });

  test('of more than 8 MiB is 413, of anything in a coding 415', async () => {
    const { port, put, key } = await startApi();
    const large = await ask(port, '/api/articles/a', {
      method: 'PUT',
      headers: { Authorization: `Bearer ${key}`, 'Content-Length': 8 * 1024 * 1024 + 1 },
    }).catch((error: Error) => error);
    const packed = await put('/a', { body: 'x', headers: { 'Content-Encoding': 'gzip' } });

    // The client may find the connection closed before its body is through; that is what hostile.test.ts is for.
    if (!(large instanceof Error)) expect([large.status, JSON.parse(large.text).code]).toEqual([413, 'too_large']);
    expect([packed.status, JSON.parse(packed.text)]).toEqual([
      415,
      {
        title: 'A body with Content-Encoding gzip is not supported.',
        status: 415,
        code: 'unsupported_media_type',
        detail: 'Send the body without Content-Encoding.',
      },
    ]);
  });
});

describe('keys', () => {
  const EVERY: readonly [method: string, address: string][] = [
    ['GET', '/api/articles'],
    ['POST', '/api/articles'],
    ['GET', '/api/articles/a'],
    ['PUT', '/api/articles/a'],
    ['DELETE', '/api/articles/a'],
    ['GET', '/api/articles/a/feeds'],
  ];

  test.each(EVERY)(
    '%s %s without a valid key is 401, and the detail explains how to send one',
    async (method, path) => {
      const { port, dataFolder, key } = await startApi();
      const other = await keyFor(dataFolder);
      const revoked = await keyFor(dataFolder);
      const store = openSqliteStore(storeFile(dataFolder));
      expect(await store.revokeKey(revoked.id, NOW)).toBe(true);
      await store.close();
      const body = method === 'PUT' || method === 'POST' ? { body: JSON.stringify(record()) } : {};
      const asked = (authorization?: string) =>
        ask(port, path, {
          method,
          headers: authorization === undefined ? {} : { Authorization: authorization },
          ...body,
        });

      for (const authorization of [
        undefined,
        '',
        'Bearer',
        `Basic ${key}`,
        key,
        `Bearer ${key.slice(0, -1)}`,
        `Bearer ${key}A`,
        `Bearer ${key} `.replace('fp_', 'fp-'),
        `Bearer ${other.key.slice(0, 16)}${key.slice(16)}`,
        `Bearer ${revoked.key}`,
        `Bearer fp_000000000000_${'A'.repeat(43)}`,
      ]) {
        const { status, headers, text } = await asked(authorization);
        expect([status, headers['www-authenticate'], JSON.parse(text)], authorization).toEqual([
          401,
          'Bearer',
          {
            title: 'This address needs an API key.',
            status: 401,
            code: 'unauthorized',
            detail: 'Send the header “Authorization: Bearer KEY” with a key that the command “key create” made.',
          },
        ]);
      }
      expect((await asked(`Bearer ${key}`)).status).not.toBe(401);
      expect((await asked(`bearer ${key}`)).status, 'a scheme’s name has no case (RFC 9110 §11.1)').not.toBe(401);
    },
  );

  test('a key with scope read cannot write', async () => {
    const { dataFolder, get, put, post, remove } = await startApi();
    const reading = await keyFor(dataFolder, 'read');
    const { key } = reading;
    await put('/a', { body: story() });
    const refused = [
      await put('/b', { key, body: story() }),
      await post('', { key, body: record({ id: 'b' }) }),
      await remove('/a', { key }),
    ];

    for (const { status, headers, text } of refused) {
      expect([status, headers['www-authenticate'], JSON.parse(text)]).toEqual([
        403,
        undefined,
        {
          title: `The key ${reading.id} may only read.`,
          status: 403,
          code: 'forbidden',
          detail: 'Create a key that may write with the command “key create --scope write”.',
        },
      ]);
    }
    expect([(await get('/a', { key })).headers.etag, (await get('/b', { key })).status]).toEqual(['"1"', 404]);
    expect([(await get('', { key })).status, (await get('/a/feeds', { key })).status]).toEqual([200, 200]);
  });

  test('a key is valid from its creation until it is revoked, while the service runs', async () => {
    const { dataFolder, get } = await startApi();
    const { id, key } = await keyFor(dataFolder, 'read');
    const before = await get('', { key });
    const store = openSqliteStore(storeFile(dataFolder));
    await store.revokeKey(id, NOW);
    await store.close();

    expect([before.status, (await get('', { key })).status]).toEqual([200, 401]);
  });
});

describe('an address', () => {
  test.each([
    ['PATCH', '/api/articles/a', 'GET, HEAD, PUT, DELETE, OPTIONS'],
    ['POST', '/api/articles/a', 'GET, HEAD, PUT, DELETE, OPTIONS'],
    ['PUT', '/api/articles', 'GET, HEAD, POST, OPTIONS'],
    ['DELETE', '/api/articles', 'GET, HEAD, POST, OPTIONS'],
    ['PUT', '/api/openapi.json', 'GET, HEAD, OPTIONS'],
  ])('does not know %s %s', async (method, path, allow) => {
    const { port, key } = await startApi();
    const { status, headers, text } = await ask(port, path, { method, headers: { Authorization: `Bearer ${key}` } });

    expect([status, headers.allow, JSON.parse(text)]).toEqual([
      405,
      allow,
      { title: `${path} does not allow ${method}.`, status: 405, code: 'method_not_allowed' },
    ]);
  });

  test.each([
    ['GET', '/nothing'],
    ['DELETE', '/nothing'],
    ['GET', '/nothing/feeds'],
    ['GET', '/x/feeds'],
  ])('of no article is 404: %s %s', async (method, address) => {
    const { port, key } = await startApi();
    const { status, headers, text } = await ask(port, `/api/articles${address}`, {
      method,
      headers: { Authorization: `Bearer ${key}` },
    });

    expect(headers).toMatchObject(PROBLEM);
    expect([status, JSON.parse(text)]).toEqual([
      404,
      {
        title: `There is no article “${address.split('/')[1]}”.`,
        status: 404,
        code: 'article_not_found',
        detail: 'GET /api/articles lists all articles with their ids.',
      },
    ]);
  });

  // In the address as it is sent, and the id that it means.
  test.each([
    ['en/2026/dam-levels', 'en/2026/dam-levels'],
    ['en%2F2026%2Fdam-levels', 'en/2026/dam-levels'],
    ['a%20story%20of%202026', 'a story of 2026'],
    [encodeURIComponent('ئاو/١'), 'ئاو/١'],
    [encodeURIComponent('Gu\u0308l'), 'G\u00fcl'],
    ['x%2Ffeeds', 'x/feeds'],
    ['feeds', 'feeds'],
    ['100%25', '100%'],
    ['a%3Fb%23c', 'a?b#c'],
    ['a+b&c=d;e,f', 'a+b&c=d;e,f'],
    ['%252e%252e', '%2e%2e'],
    [encodeURIComponent('https://news.example/?p=1'), 'https://news.example/?p=1'],
    ['.hidden/a..b', '.hidden/a..b'],
    ['constructor', 'constructor'],
    ['__proto__', '__proto__'],
  ])('%s is of the article %s', async (address, id) => {
    const { port, put, get, remove } = await startApi();
    const created = await put(`/${address}`, { body: story() });
    const read = await get(`/${address}`);
    const feeds = await get(`/${address}/feeds`);
    const [entry] = JSON.parse((await ask(port, '/feeds/latest.json')).text).items;
    const withdrawn = await remove(`/${address}`);

    expect([created.status, JSON.parse(created.text).id]).toEqual([201, id]);
    expect([read.status, JSON.parse(read.text).id, JSON.parse(read.text).record.id]).toEqual([200, id, id]);
    expect(JSON.parse(read.text).publicId).toBe(entry.id);
    expect([feeds.status, JSON.parse(feeds.text).id, JSON.parse(feeds.text).feeds.length]).toEqual([200, id, 2]);
    expect(JSON.parse(withdrawn.text)).toMatchObject({ id, result: 'withdrawn', revision: 2 });
    expect(created.headers.location).toMatch('https://feeds.news.example/api/articles/');
    expect(
      (await get(created.headers.location?.slice('https://feeds.news.example/api/articles'.length) ?? '')).status,
    ).toBe(200);
  });

  test.each(['feeds', 'history'])('that ends in /%s is read as it is written', async (view) => {
    const { put, get } = await startApi();
    const keysAt = async (address: string) => {
      const { status, text } = await get(address);
      const { id, feeds, history } = JSON.parse(text);
      return [status, id, { feeds, history }[view] === undefined ? 'article' : view];
    };
    const missing = [404, undefined, 'article'];

    expect([await keysAt(`/x/${view}`), await keysAt(`/${view}`)]).toEqual([missing, missing]);
    await put('/x', { body: story() });
    expect(await keysAt(`/x/${view}`)).toEqual([200, 'x', view]);
    await put(`/x/${view}`, { body: story() });
    await put(`/${view}`, { body: story() });
    expect(await keysAt(`/x/${view}`)).toEqual([200, `x/${view}`, 'article']);
    expect(await keysAt(`/x%2F${view}`)).toEqual([200, `x/${view}`, 'article']);
    expect(await keysAt(`/${view}`)).toEqual([200, view, 'article']);
    expect(await keysAt(`/x/${view}/${view}`)).toEqual([200, `x/${view}`, view]);
    expect(await keysAt(`/x/${view}?view=${view}`)).toEqual([200, `x/${view}`, view]);
    expect(await keysAt(`/x?view=${view}`)).toEqual([200, 'x', view]);
    expect(await keysAt(`/y/${view}?view=${view}`)).toEqual(missing);
  });

  test.each([
    [
      '?view=histroy',
      { field: 'view', value: 'histroy', rule: 'must be one of feeds, history. Did you mean history?' },
    ],
    ['?views=feeds', { field: 'views', rule: 'is not a parameter: use view' }],
  ])('with %s is refused', async (query, problem) => {
    const { put, get } = await startApi();
    await put('/x', { body: story() });
    const { status, text } = await get(`/x${query}`);

    expect([status, JSON.parse(text).code, JSON.parse(text).problems]).toEqual([400, 'invalid_query', [problem]]);
  });
});

const STATES = {
  visible: {},
  embargoed: { embargoUntil: '2026-11-22T12:00:01Z' },
  expired: { expiresAt: '2026-11-22T12:00:00Z' },
  withdrawn: { withdrawn: { at: '2026-11-21T00:00:00Z', reason: 'Wrong.' } },
};

describe('GET of one', () => {
  test('returns the record as it was received, with the state of its article', async () => {
    const { put, get } = await startApi();
    const received = story({ title: ' A  title ', sections: ['World'], summary: null });
    await put('/a', { body: received });
    const { status, headers, text } = await get('/a');

    expect([status, headers.etag]).toEqual([200, '"1"']);
    expect(headers).toMatchObject(FOR_NEWSROOM);
    expect(JSON.parse(text)).toEqual({
      id: 'a',
      publicId: 'tag:news.example,2026:a',
      revision: 1,
      status: 'visible',
      publishedAt: '2026-11-20T10:00:00Z',
      record: { ...received, id: 'a' },
    });
  });

  test.each(Object.entries(STATES))('returns the status %s', async (state, fields) => {
    const { put, get } = await startApi();
    await put('/a', { body: story(fields) });
    const { status, withdrawn } = JSON.parse((await get('/a')).text);

    expect(status).toBe(state);
    expect(withdrawn).toEqual('withdrawn' in fields ? fields.withdrawn : undefined);
  });

  test('by HEAD has the same head and no body', async () => {
    const { port, key, put, get } = await startApi();
    await put('/a', { body: story() });
    const { headers } = await get('/a');
    const head = await ask(port, '/api/articles/a', { method: 'HEAD', headers: { Authorization: `Bearer ${key}` } });

    expect([head.status, head.text, head.headers.etag, head.headers['content-length']]).toEqual([
      200,
      '',
      '"1"',
      headers['content-length'],
    ]);
  });
});

const CURSOR =
  'must be the cursor of the page before, a whole number: take it from “cursor” in that answer, or leave it out for the first page';

describe('GET of the list', () => {
  interface Page {
    readonly articles: readonly { readonly id: string; readonly revision: number; readonly status: string }[];
    readonly cursor?: string;
  }

  async function pageOf({ get }: Api, query: string): Promise<Page> {
    const { status, text } = await get(query);
    expect(status, text).toBe(200);
    return JSON.parse(text);
  }

  async function walk(api: Api, query: string, between: (page: number) => Promise<unknown>): Promise<Page[]> {
    const pages = [await pageOf(api, query)];
    for (let cursor = pages[0]?.cursor; cursor !== undefined; cursor = pages.at(-1)?.cursor) {
      await between(pages.length);
      pages.push(await pageOf(api, `${query}&cursor=${cursor}`));
    }
    return pages;
  }

  /** `n000` … in one request, which gives them the revisions from 1. */
  async function filled(count: number): Promise<Api> {
    const api = await startApi();
    const ids = Array.from({ length: count }, (_, index) => `n${String(index).padStart(3, '0')}`);
    const { text } = await api.post('', { body: ids.map((id) => JSON.stringify(record({ id }))).join('\n') });
    expect(text.trimEnd().split('\n')).toHaveLength(count + 1);
    return api;
  }

  const idsOf = (pages: readonly Page[]) => pages.flatMap(({ articles }) => articles.map(({ id }) => id));

  test('walks over 120 articles by the cursor, each once', async () => {
    const api = await filled(120);
    const pages = await walk(api, '?limit=50', async () => {});
    const standard = await pageOf(api, '');

    expect(pages.map(({ articles }) => articles.length)).toEqual([50, 50, 20]);
    expect(pages.map(({ cursor }) => cursor)).toEqual(['50', '100', undefined]);
    expect(idsOf(pages)).toEqual(Array.from({ length: 120 }, (_, index) => `n${String(index).padStart(3, '0')}`));
    expect(standard.articles).toHaveLength(50);
  });

  test('ends with an empty page where the last one was full', async () => {
    const pages = await walk(await filled(6), '?limit=3', async () => {});

    expect(pages.map(({ articles }) => articles.length)).toEqual([3, 3, 0]);
  });

  test.each([
    // Not listed yet: once, as it is now. Listed already: again, because it has another revision.
    ['ahead of the cursor', 'n110', 120],
    ['behind the cursor', 'n010', 121],
  ])('loses nothing and doubles nothing while an article %s changes', async (_, changing, total) => {
    const api = await filled(120);
    const pages = await walk(api, '?limit=50', async (page) => {
      if (page === 1) await api.put(`/${changing}`, { body: story({ title: 'Changed' }) });
    });
    const seen = pages.flatMap(({ articles }) => articles);

    expect(new Set(seen.map(({ id }) => id)).size).toBe(120);
    expect(new Set(seen.map(({ revision }) => revision)).size).toBe(seen.length);
    expect(seen).toHaveLength(total);
    expect(seen.at(-1)).toMatchObject({ id: changing, revision: 121, record: { title: 'Changed' } });
  });

  test('can be limited to a feed, a status, or both', async () => {
    const api = await startApi();
    for (const [id, fields] of Object.entries(STATES)) {
      await api.put(`/${id}`, { body: story({ ...fields, sections: ['World'] }) });
      await api.put(`/${id}-2`, { body: story({ ...fields, url: 'https://news.example/2', tags: ['ئاو'] }) });
    }
    const ids = async (query: string) => idsOf([await pageOf(api, query)]).sort();

    for (const state of Object.keys(STATES)) {
      expect(await ids(`?status=${state}`), state).toEqual([state, `${state}-2`]);
      expect(await ids(`?status=${state}&feed=section/world`), `${state} in world`).toEqual([state]);
    }
    expect(await ids('?feed=section/world')).toEqual(Object.keys(STATES).sort());
    expect(await ids(`?feed=${encodeURIComponent('tag/ئاو')}&status=visible`)).toEqual(['visible-2']);
    expect(await ids('?feed=section/nowhere')).toEqual([]);
  });

  test('shows each article as GET of one does', async () => {
    const { get, put } = await startApi();
    await put('/a', { body: story() });

    expect(JSON.parse((await get('')).text)).toEqual({ articles: [JSON.parse((await get('/a')).text)] });
  });

  test.each([
    ['colour=red', { field: 'colour', rule: 'is not a parameter: use cursor, limit, feed, status' }],
    ['limit=0', { field: 'limit', value: '0', rule: 'must be a whole number from 1 to 500' }],
    ['limit=501', { field: 'limit', value: '501', rule: 'must be a whole number from 1 to 500' }],
    ['limit=1e2', { field: 'limit', value: '1e2', rule: 'must be a whole number from 1 to 500' }],
    ['limit=', { field: 'limit', value: '', rule: 'must be a whole number from 1 to 500' }],
    ['limit=5&limit=7', { field: 'limit', value: '5, 7', rule: 'must be given once' }],
    [
      'status=visible&limit=5&status=visible',
      { field: 'status', value: 'visible, visible', rule: 'must be given once' },
    ],
    ['cursor=-1', { field: 'cursor', value: '-1', rule: CURSOR }],
    ['cursor=abc', { field: 'cursor', value: 'abc', rule: CURSOR }],
    ['status=lost', { field: 'status', value: 'lost', rule: 'must be one of visible, embargoed, expired, withdrawn' }],
  ])('with ?%s is refused', async (query, problem) => {
    const { get } = await startApi();
    const { status, text } = await get(`?${query}`);

    expect([status, JSON.parse(text)]).toEqual([
      400,
      { title: 'The query is not valid.', status: 400, code: 'invalid_query', problems: [problem] },
    ]);
  });
});

describe('DELETE', () => {
  test('withdraws with a reason, once, and again after the article came back', async () => {
    const { port, put, get, remove } = await startApi();
    const entries = async () => JSON.parse((await ask(port, '/feeds/latest.json')).text);
    await put('/a', { body: story() });

    const first = await remove(`/a?reason=${encodeURIComponent('Wrong & <unfair>')}`);
    expect([first.status, first.headers.etag, JSON.parse(first.text)]).toEqual([
      200,
      '"2"',
      { ...ANSWER, status: 'withdrawn', result: 'withdrawn', revision: 2 },
    ]);
    expect(first.headers).toMatchObject(FOR_NEWSROOM);
    expect(JSON.parse((await get('/a')).text)).toMatchObject({
      status: 'withdrawn',
      revision: 2,
      withdrawn: { at: '2026-11-22T12:00:00Z', reason: 'Wrong & <unfair>' },
    });
    expect(await entries()).toMatchObject({
      items: [],
      _tombstones: {
        items: [{ id: 'tag:news.example,2026:a', date_withdrawn: '2026-11-22T12:00:00Z', reason: 'Wrong & <unfair>' }],
      },
    });
    expect((await ask(port, '/feeds/latest.atom')).text).toContain(
      '<at:comment>Wrong &#x26; &#x3C;unfair&#x3E;</at:comment>',
    );

    const again = await remove('/a?reason=another');
    expect([again.status, again.headers.etag, JSON.parse(again.text)]).toEqual([
      200,
      '"2"',
      { ...ANSWER, status: 'withdrawn', result: 'unchanged', revision: 2 },
    ]);

    const back = await put('/a', { body: story() });
    expect([back.status, JSON.parse(back.text)]).toEqual([200, { ...ANSWER, result: 'updated', revision: 3 }]);
    const { items, _tombstones } = await entries();
    expect([items.length, _tombstones]).toEqual([1, undefined]);

    expect(JSON.parse((await remove('/a')).text)).toMatchObject({ result: 'withdrawn', revision: 4 });
    expect((await entries())._tombstones).toEqual({
      items: [{ id: 'tag:news.example,2026:a', date_withdrawn: '2026-11-22T12:00:00Z' }],
    });
  });

  test('of an article that readers could not see leaves no tombstone', async () => {
    const { port, put, get, remove } = await startApi();
    await put('/a', { body: story({ embargoUntil: '2026-12-01T00:00:00Z', sections: ['Secret'] }) });
    await remove('/a');

    expect(JSON.parse((await get('/a')).text).status).toBe('withdrawn');
    expect(JSON.parse((await ask(port, '/feeds/latest.json')).text)).not.toHaveProperty('_tombstones');
    expect((await ask(port, '/feeds/section/secret.atom')).status).toBe(404);
  });

  test.each<[Record<string, string>, number]>([
    [{ 'If-Match': '"1"' }, 200],
    [{ 'If-Match': '*' }, 200],
    [{ 'If-Match': '"2"' }, 412],
    [{ 'If-None-Match': '*' }, 412],
  ])('expecting %o is %i', async (headers, status) => {
    const { put, get, remove } = await startApi();
    await put('/a', { body: story() });

    expect((await remove('/a', { headers })).status).toBe(status);
    expect((await get('/a')).headers.etag).toBe(status === 200 ? '"2"' : '"1"');
  });

  test.each([
    ['why=wrong', { field: 'why', rule: 'is not a parameter: use reason, erase. Did you mean reason?' }],
    ['reason=a&reason=b', { field: 'reason', value: 'a, b', rule: 'must be given once' }],
  ])('with ?%s is refused', async (query, problem) => {
    const { put, get, remove } = await startApi();
    await put('/a', { body: story() });
    const { status, text } = await remove(`/a?${query}`);

    expect([status, JSON.parse(text).problems]).toEqual([400, [problem]]);
    expect((await get('/a')).headers.etag).toBe('"1"');
  });

  test('keeps at most 1,000 characters of a reason, and no half character at its end', async () => {
    const { put, get, remove } = await startApi();
    await put('/a', { body: story() });
    await remove(`/a?reason=${'x'.repeat(999)}${encodeURIComponent('🌊')}`);

    expect(JSON.parse((await get('/a')).text).withdrawn.reason.slice(990)).toBe(`${'x'.repeat(9)}…`);
  });
});

describe('GET of the feeds', () => {
  const NEWSROOM = {
    'publication.yaml': `${PUBLICATION}feeds:
  - id: one
    title: The newest
    entries: 1
  - id: rivers
    title: Rivers
    select: { any: [tag/tigris, tag/euphrates], all: [language/en], none: [section/sport] }
`,
  };

  interface Placed {
    readonly feed: string;
    readonly included: boolean;
    readonly position?: number;
    readonly rule?: string;
    readonly reason?: string;
  }

  async function placed({ get }: Api, id: string): Promise<Placed[]> {
    const { status, text } = await get(`/${id}/feeds`);
    expect(status, text).toBe(200);
    return JSON.parse(text).feeds;
  }

  const at = (position: number) => ({ included: true, position });
  const out = (rule: string, reason: string) => ({ included: false, rule, reason });

  test('returns the position in each feed, and the rule that excludes the article from the others', async () => {
    const api = await startApi(NEWSROOM);
    await api.put('/new', { body: story({ publishedAt: '2026-11-21T10:00:00Z', sections: ['World'] }) });
    await api.put('/a', { body: story({ tags: ['Tigris'], sections: ['World'], authors: [{ name: 'A B' }] }) });

    expect(await placed(api, 'a')).toEqual([
      { feed: 'author/a-b', ...at(1) },
      { feed: 'language/en', ...at(2) },
      { feed: 'latest', ...at(2) },
      { feed: 'one', ...out('beyond', 'beyond the newest 1') },
      { feed: 'rivers', ...at(1) },
      { feed: 'section/world', ...at(2) },
      { feed: 'tag/tigris', ...at(1) },
    ]);
    expect(await placed(api, 'new')).toEqual([
      { feed: 'author/a-b', ...out('selection', 'author is not a-b') },
      { feed: 'language/en', ...at(1) },
      { feed: 'latest', ...at(1) },
      { feed: 'one', ...at(1) },
      { feed: 'rivers', ...out('selection', 'any of: in none of tag/tigris, tag/euphrates') },
      { feed: 'section/world', ...at(1) },
      { feed: 'tag/tigris', ...out('selection', 'tag is not tigris') },
    ]);
  });

  test.each([
    ['all', { tags: ['Tigris'], language: 'ku' }, 'all of: not in language/en'],
    ['none', { tags: ['Tigris'], sections: ['Sport'] }, 'none of: in section/sport'],
    ['any', { tags: ['Rhine'] }, 'any of: in none of tag/tigris, tag/euphrates'],
  ])('names the part “%s” of a feed’s rule that is not met', async (_, fields, reason) => {
    const api = await startApi(NEWSROOM);
    await api.put('/a', { body: story(fields) });

    expect((await placed(api, 'a')).find(({ feed }) => feed === 'rivers')).toEqual({
      feed: 'rivers',
      ...out('selection', reason),
    });
  });

  test.each([
    ['under embargo', STATES.embargoed, out('embargo', 'embargo until 2026-11-22T12:00:01Z')],
    [
      'not published yet',
      { publishedAt: '2026-11-22T12:00:01Z' },
      out('embargo', 'not published before 2026-11-22T12:00:01Z'),
    ],
    ['expired', STATES.expired, out('expired', 'expired at 2026-11-22T12:00:00Z')],
    ['withdrawn', STATES.withdrawn, out('withdrawn', 'withdrawn at 2026-11-21T00:00:00Z')],
  ])('of an article that is %s says so for every feed it would be in', async (_, fields, expected) => {
    const api = await startApi(NEWSROOM);
    await api.put('/a', { body: story({ ...fields, tags: ['Tigris'] }) });

    expect(await placed(api, 'a')).toEqual(
      ['language/en', 'latest', 'one', 'rivers', 'tag/tigris'].map((feed) => ({ feed, ...expected })),
    );
  });

  test('says of every feed what its document shows', async () => {
    const api = await startApi(NEWSROOM);
    for (let index = 0; index < 12; index += 1) {
      await api.put(`/n${index}`, {
        body: story({
          publishedAt: `2026-11-2${index % 3}T1${index % 4}:00:00Z`,
          tags: [['Tigris', 'Euphrates', 'Rhine'][index % 3]],
          sections: [index % 4 === 0 ? 'Sport' : 'World'],
          ...(index === 5 ? STATES.expired : {}),
        }),
      });
    }
    await api.remove('/n7');
    const documents = new Map<string, string[]>();
    for (let index = 0; index < 12; index += 1) {
      for (const { feed, included, position } of await placed(api, `n${index}`)) {
        if (!documents.has(feed)) {
          const items: { id: string }[] = JSON.parse((await ask(api.port, `/feeds/${feed}.json`)).text).items;
          documents.set(
            feed,
            items.map(({ id }) => id),
          );
        }
        const place = documents.get(feed)?.indexOf(`tag:news.example,2026:n${index}`) ?? -1;
        expect([included, position], `n${index} in ${feed}`).toEqual(
          place < 0 ? [false, undefined] : [true, place + 1],
        );
      }
    }
    expect([...documents.keys()].sort()).toEqual([
      ...['language/en', 'latest', 'one', 'rivers', 'section/sport', 'section/world'],
      ...['tag/euphrates', 'tag/rhine', 'tag/tigris'],
    ]);
  });
});

describe('a change is in the very next GET', () => {
  const ALL = [
    'latest',
    'language/en',
    'section/world',
    'section/sport',
    'tag/dams',
    'tag/other',
    'author/x',
    'rivers',
  ];
  const NEWSROOM = {
    'publication.yaml': `${PUBLICATION}feeds: [{ id: rivers, title: Rivers, select: { any: [tag/dams], none: [section/sport] } }]\n`,
  };

  async function startWithArticles(): Promise<Api> {
    const api = await startApi(NEWSROOM);
    await api.put('/other', { body: story({ tags: ['Other'], authors: [{ name: 'X' }], sections: ['Sport'] }) });
    await api.put('/dam', { body: story({ tags: ['Dams'], sections: ['World'] }) });
    return api;
  }

  async function idsIn(port: number, feed: string): Promise<string[][]> {
    const answers = await Promise.all(FORMATS.map((format) => ask(port, `/feeds/${feed}.${format}`)));
    return answers.map(({ text }) => feedsmith(text).map(({ id }) => id));
  }

  const inAll = (feeds: readonly string[]) => feeds.flatMap((feed) => FORMATS.map((format) => `${feed}.${format}`));

  test.each<[string, (api: Api) => Promise<unknown>, string[], Record<string, string[]>]>([
    [
      'a new article',
      ({ put }) => put('/new', { body: story({ publishedAt: '2026-11-21T10:00:00Z', tags: ['Dams'] }) }),
      ['latest', 'language/en', 'tag/dams', 'rivers'],
      { latest: ['new', 'dam', 'other'], rivers: ['new', 'dam'] },
    ],
    [
      'a correction',
      ({ put }) => put('/dam', { body: story({ tags: ['Dams'], sections: ['World'], title: 'Corrected' }) }),
      ['latest', 'language/en', 'section/world', 'tag/dams', 'rivers'],
      { rivers: ['dam'] },
    ],
    [
      'another section',
      ({ put }) => put('/dam', { body: story({ tags: ['Dams'], sections: ['Sport'] }) }),
      ['latest', 'language/en', 'section/world', 'section/sport', 'tag/dams', 'rivers'],
      { 'section/sport': ['dam', 'other'], 'tag/dams': ['dam'], rivers: [] },
    ],
    [
      'a withdrawal',
      ({ remove }) => remove('/dam'),
      ['latest', 'language/en', 'section/world', 'tag/dams', 'rivers'],
      { latest: ['other'], 'section/world': [], rivers: [] },
    ],
    [
      'many lines',
      ({ post }) =>
        post('', { body: ['p', 'q'].map((id) => JSON.stringify(record({ id, authors: [{ name: 'x' }] }))).join('\n') }),
      ['latest', 'language/en', 'author/x'],
      {},
    ],
    ['the same record', ({ put }) => put('/dam', { body: story({ tags: ['Dams'], sections: ['World'] }) }), [], {}],
    ['a refused record', ({ put }) => put('/dam', { body: story({ title: '' }) }), [], {}],
  ])('%s', async (_, change, touched, articles) => {
    const api = await startWithArticles();
    const before = await etagsOf(api.port, ALL);
    await change(api);
    const after = await etagsOf(api.port, ALL);

    expect(differing(before, after).sort()).toEqual(
      inAll(touched)
        .filter((address) => !(before[address]?.startsWith('status') && after[address]?.startsWith('status')))
        .sort(),
    );
    for (const [feed, ids] of Object.entries(articles)) {
      const expected = ids.map((id) => `tag:news.example,2026:${id}`).sort();
      for (const found of await idsIn(api.port, feed)) expect([...found].sort(), feed).toEqual(expected);
    }
  });

  test('each of a hundred in a row', async () => {
    const { port, put } = await startApi();
    for (let index = 0; index < 100; index += 1) {
      await put('/a', { body: story({ title: `Title ${index}` }) });
      const { text } = await ask(port, `/feeds/latest.${FORMATS[index % 3]}`);
      expect(feedsmith(text).map(({ title }) => title)).toEqual([`Title ${index}`]);
    }
  });
});

test('a client that goes away in the middle of its body is no failure of the service', async () => {
  const { port, key, lines, get } = await startApi();
  const heard = nextHead();
  await new Promise<void>((done) => {
    const asked = request({
      port,
      host: '127.0.0.1',
      method: 'PUT',
      path: '/api/articles/a',
      headers: { Authorization: `Bearer ${key}`, 'Content-Length': 1000 },
    });
    asked.on('error', () => done());
    asked.on('close', () => done());
    asked.write('{"title":');
    void heard.then(() => asked.destroy());
  });
  await new Promise((done) => setTimeout(done, 100));

  expect((await get('')).status).toBe(200);
  expect(lines).toEqual([]);
});

test('the list answers a request in absolute form, whatever its host', async () => {
  const { port, key } = await startApi();
  const headers = { Authorization: `Bearer ${key}` };
  const asked = (query: string) => ask(port, `http://x:999999/api/articles${query}`, { headers });

  expect([(await asked('')).status, (await asked('?limit=1')).status, (await asked('?limit=x?')).status]).toEqual([
    200, 200, 400,
  ]);
});
