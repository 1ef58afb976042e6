import { connect } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assertWellFormed } from '../../src/format/xml.ts';
import { command } from '../commands/terminal.ts';
import { type Answer, ask, dataFolder, decoded, PUBLICATION, record, start } from '../helpers.ts';
import { feedsmith } from '../peers/feedsmith.ts';
import { sized } from '../soak/sizes.ts';
import { type Api, FORMATS, NOW, SECOND, startApi } from './api.ts';

/** RFC 3229 with the instance manipulation `feed`: readers that say which entries they have are sent the others. */

type Format = (typeof FORMATS)[number];

const MINUTE = 60 * SECOND;
const PRIVATE = 'private, max-age=60, stale-while-revalidate=1, stale-if-error=86400';
const PUBLIC = 'public, max-age=60, stale-while-revalidate=1, stale-if-error=86400';
const CODINGS = ['identity', 'br', 'zstd', 'gzip'] as const;

const ID = (id: string) => `tag:news.example,2026:${id}`;

/** A story, the later in the alphabet the newer. */
function story(id: string, fields: Readonly<Record<string, unknown>> = {}) {
  const publishedAt = new Date(Date.UTC(2026, 10, 20, 10, id.charCodeAt(0) - 97)).toISOString();
  return record({ id, url: `https://news.example/${id}`, title: `Story ${id}`, publishedAt, ...fields });
}

function files(...stories: readonly Readonly<Record<string, unknown>>[]): Record<string, string> {
  return Object.fromEntries(stories.map((each) => [`articles/${each.id}.json`, JSON.stringify(each)]));
}

const NEWSROOM = {
  'publication.yaml': `${PUBLICATION}entries: 56
feeds:
  - { id: water, title: Water, content: summary, entries: 3, select: { any: [tag/water] } }
`,
  ...files(
    story('a', { tags: ['Water'] }),
    story('b', { tags: ['Water'] }),
    story('c', { tags: ['Water'] }),
    story('d', { embargoUntil: '2026-11-22T12:10:00Z' }),
    story('e', { expiresAt: '2026-11-22T12:20:00Z' }),
  ),
};

type Clocked = Api & { readonly clock: { now: number } };

/** The service with a clock that stands where a test puts it. */
async function clocked(extra: Readonly<Record<string, string>> = NEWSROOM): Promise<Clocked> {
  const clock = { now: NOW };
  return { ...(await startApi(extra, { now: () => clock.now })), clock };
}

/** Asks as a reader that takes deltas and has the document of that tag. */
function poll(port: number, path: string, tag?: string, headers: Readonly<Record<string, string>> = {}) {
  const condition = tag === undefined ? {} : { 'If-None-Match': tag };
  return ask(port, path, { headers: { 'A-IM': 'feed', ...condition, ...headers } });
}

function tagOf({ headers }: Answer): string {
  return String(headers.etag);
}

const ENTRY: Record<Format, RegExp> = {
  rss: /^ {8}<item.*?<\/item>\n/gms,
  atom: /^ {4}<entry.*?<\/entry>\n/gms,
  json: /^\{"id":.*\}(?=,?$)/gm,
};

/** A document taken apart: its head, its entries, its tail. */
function parts(format: Format, text: string) {
  const entries = [...text.matchAll(ENTRY[format])];
  const last = entries.at(-1);
  return {
    head: text.slice(0, entries[0]?.index),
    entries: entries.map(([entry]) => entry),
    tail: last === undefined ? '' : text.slice(last.index + last[0].length),
  };
}

/** What the reader of one document is to be sent of another: its head, the entries the reader lacks, its tail. */
function expectedDelta(format: Format, before: string, now: string): string {
  const had = parts(format, before).entries;
  const { head, entries, tail } = parts(format, now);
  const lacking = entries.filter((entry) => !had.includes(entry));
  return head + lacking.join(format === 'json' ? ',\n' : '') + tail;
}

/** The ids of a document's entries, by a parser that is not ours, of a document that is well-formed. */
function idsIn(format: Format, text: string): string[] {
  if (format === 'json') JSON.parse(text);
  else assertWellFormed(text);
  return feedsmith(text).map(({ id }) => id);
}

/** The ids of what a document says was taken back. */
function withdrawnIn(format: Format, text: string): string[] {
  if (format === 'rss') return [];
  if (format === 'atom') return [...text.matchAll(/<at:deleted-entry [^>]*ref="([^"]+)"/g)].map(([, id = '']) => id);
  const items: readonly { id: string }[] = JSON.parse(text)._tombstones?.items ?? [];
  return items.map(({ id }) => id);
}

describe.each(FORMATS)('latest.%s', (format) => {
  const path = `/feeds/latest.${format}`;

  test.each<[string, (service: Clocked) => Promise<unknown>, string[], string[]]>([
    ['a story is new', ({ put }) => put('/f', { body: story('f') }), ['f'], []],
    ['a story is corrected', ({ put }) => put('/b', { body: story('b', { title: 'Corrected' }) }), ['b'], []],
    ['a story is withdrawn', ({ remove }) => remove('/b'), [], ['b']],
    [
      'all of that',
      async ({ put, remove }) => {
        await put('/a', { body: story('a', { title: 'Corrected' }) });
        await remove('/b');
        await put('/f', { body: story('f') });
      },
      ['f', 'a'],
      ['b'],
    ],
    [
      'an embargo ends',
      async ({ clock }) => {
        clock.now = NOW + 10 * MINUTE;
      },
      ['d'],
      [],
    ],
    [
      'a story expires after another one came out of its embargo',
      async ({ clock }) => {
        clock.now = NOW + 20 * MINUTE;
      },
      ['d'],
      [],
    ],
  ])('%s, and its reader is sent that alone', async (_, change, sent, withdrawn) => {
    const service = await clocked();
    const before = await poll(service.port, path);
    service.clock.now += SECOND;
    await change(service);
    const delta = await poll(service.port, path, tagOf(before));
    const whole = await ask(service.port, path);

    expect([delta.status, delta.headers.im]).toEqual([226, 'feed']);
    expect(idsIn(format, delta.text)).toEqual(sent.map(ID));
    expect(withdrawnIn(format, delta.text)).toEqual(format === 'rss' ? [] : withdrawn.map(ID));
    expect(delta.text).toBe(expectedDelta(format, before.text, whole.text));
    expect(tagOf(delta)).toBe(tagOf(whole));
    expect((await poll(service.port, path, tagOf(delta))).status).toBe(304);
  });

  test('a story expires, and its reader is sent a document without entries', async () => {
    const { port, clock } = await clocked();
    clock.now = NOW + 10 * MINUTE;
    const before = await poll(port, path);
    clock.now = NOW + 20 * MINUTE;
    const delta = await poll(port, path, tagOf(before));

    expect([delta.status, idsIn(format, delta.text)]).toEqual([226, []]);
    expect(delta.text).toBe(expectedDelta(format, before.text, (await ask(port, path)).text));
  });

  test('the last story is withdrawn, and its reader is sent a document without entries', async () => {
    const { port, remove } = await clocked(files(story('a')));
    const before = await poll(port, path);
    await remove('/a');
    const delta = await poll(port, path, tagOf(before));

    expect([delta.status, idsIn(format, delta.text)]).toEqual([226, []]);
    expect(delta.body.equals((await ask(port, path)).body)).toBe(true);
    const after = await poll(port, path, tagOf(delta));
    expect(after.status).toBe(304);
  });

  test('the first story after none is sent as the whole that it is', async () => {
    const { port, put } = await clocked({});
    const before = await poll(port, path);
    await put('/a', { body: story('a') });
    const after = await poll(port, path, tagOf(before));

    expect([before.status, after.status, idsIn(format, after.text)]).toEqual([200, 200, [ID('a')]]);
  });

  test('a delta has these headers and no others', async () => {
    const { port, put, clock } = await clocked();
    const before = await poll(port, path);
    clock.now += SECOND;
    await put('/f', { body: story('f') });
    const { headers, body } = await poll(port, path, tagOf(before));
    const whole = await ask(port, path);
    const { date, connection, ...said } = headers;

    expect(said).toEqual({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': 'ETag, IM, Last-Modified, Link, Retry-After, Content-Length',
      'cache-control': 'no-store',
      'content-length': String(body.length),
      'content-type': whole.headers['content-type'],
      etag: whole.headers.etag,
      im: 'feed',
      link: whole.headers.link,
      vary: 'Accept-Encoding, A-IM',
      'x-content-type-options': 'nosniff',
    });
    expect(body.length).toBeLessThan(whole.body.length);
  });

  test('a 304 is for the one who takes deltas alone, and says else what any 304 says', async () => {
    const { port } = await clocked();
    const tag = tagOf(await ask(port, path));
    const anybody = await ask(port, path, { headers: { 'If-None-Match': tag } });
    const reader = await poll(port, path, tag);

    expect([anybody.status, reader.status, reader.body.length]).toEqual([304, 304, 0]);
    expect([anybody.headers['cache-control'], reader.headers['cache-control']]).toEqual([PUBLIC, PRIVATE]);
    expect({ ...reader.headers, date: '' }).toEqual({ ...anybody.headers, date: '', 'cache-control': PRIVATE });
  });

  test.each(CODINGS)('a delta in %s is the same text, with the tag of that coding', async (coding) => {
    const { port, put } = await clocked();
    const headers = { 'Accept-Encoding': coding };
    const before = await poll(port, path, undefined, headers);
    await put('/f', { body: story('f', { body: `<p>${'The river rose in the night. '.repeat(20)}</p>` }) });
    const plain = await poll(port, path, tagOf(before));
    const delta = await poll(port, path, tagOf(before), headers);
    const whole = await ask(port, path, { headers });

    expect([before.status, plain.status, delta.status]).toEqual([200, 226, 226]);
    expect(delta.headers['content-encoding'] ?? 'identity').toBe(coding);
    expect(decoded(delta).equals(plain.body)).toBe(true);
    expect(delta.headers['content-length']).toBe(String(delta.body.length));
    expect(tagOf(delta)).toBe(tagOf(whole));
    expect((await poll(port, path, tagOf(delta), headers)).status).toBe(304);
    expect((await poll(port, path, tagOf(delta))).status).toBe(304);
  });

  test.each<[string, (tag: string) => Record<string, string>, number, string]>([
    ['nothing', () => ({}), 200, PUBLIC],
    ['its tag alone', (tag) => ({ 'If-None-Match': tag }), 200, PUBLIC],
    ['that it takes no deltas', (tag) => ({ 'If-None-Match': tag, 'A-IM': 'feed;q=0' }), 200, PUBLIC],
    ['that it takes others', (tag) => ({ 'If-None-Match': tag, 'A-IM': 'vcdiff, gzip' }), 200, PUBLIC],
    ['that it takes deltas, and no tag', () => ({ 'A-IM': 'feed' }), 200, PRIVATE],
    ['a date', () => ({ 'A-IM': 'feed', 'If-Modified-Since': 'Fri, 20 Nov 2026 10:00:00 GMT' }), 200, PRIVATE],
    ['a date of now', () => ({ 'A-IM': 'feed', 'If-Modified-Since': 'Sun, 22 Nov 2026 12:01:00 GMT' }), 304, PRIVATE],
    ['any tag', () => ({ 'A-IM': 'feed', 'If-None-Match': '*' }), 304, PRIVATE],
    ['a tag of nothing we know', () => ({ 'A-IM': 'feed', 'If-None-Match': '"5f8e-62b1a0c9d4e00"' }), 200, PRIVATE],
    ['half its tag', (tag) => ({ 'A-IM': 'feed', 'If-None-Match': `${tag.slice(0, 12)}"` }), 200, PRIVATE],
    ['several tags', (tag) => ({ 'A-IM': 'feed', 'If-None-Match': `${tag}, "other"` }), 200, PRIVATE],
  ])('who sends %s gets no delta', async (_, headersOf, status, caching) => {
    const { port, put, clock } = await clocked();
    const tag = tagOf(await ask(port, path));
    clock.now += MINUTE;
    await put('/f', { body: story('f') });
    const whole = await ask(port, path);
    const answer = await ask(port, path, { headers: headersOf(tag) });

    expect([answer.status, answer.headers['cache-control'], answer.headers.im]).toEqual([status, caching, undefined]);
    expect(answer.headers.vary).toBe('Accept-Encoding, A-IM');
    expect(tagOf(answer)).toBe(tagOf(whole));
    expect(answer.text).toBe(status === 200 ? whole.text : '');
  });

  test.each<[string, (tag: string) => Record<string, string>]>([
    ['a weak tag', (tag) => ({ 'If-None-Match': `W/${tag}` })],
    ['a tag of another coding', (tag) => ({ 'If-None-Match': tag.replace(/"$/, '-gzip"') })],
    ['other manipulations it takes', (tag) => ({ 'If-None-Match': tag, 'A-IM': 'vcdiff;q=0.5, Feed;q=0.4' })],
    ['a date besides', (tag) => ({ 'If-None-Match': tag, 'If-Modified-Since': 'Sun, 22 Nov 2026 12:00:00 GMT' })],
    ['that it wants it fresh', (tag) => ({ 'If-None-Match': tag, 'Cache-Control': 'no-cache', Pragma: 'no-cache' })],
  ])('who sends %s gets its delta', async (_, headersOf) => {
    const { port, put, clock } = await clocked();
    const before = await ask(port, path);
    clock.now += SECOND;
    await put('/f', { body: story('f') });
    const whole = await ask(port, path);
    const delta = await ask(port, path, { headers: { 'A-IM': 'feed', ...headersOf(tagOf(before)) } });

    expect(delta.status).toBe(226);
    expect(delta.text).toBe(expectedDelta(format, before.text, whole.text));
  });

  test('HEAD is answered for the whole, and for who asks alone', async () => {
    const { port, put } = await clocked();
    const tag = tagOf(await ask(port, path));
    await put('/f', { body: story('f') });
    const whole = await ask(port, path);
    const headers = { 'A-IM': 'feed', 'If-None-Match': tag };
    const head = await ask(port, path, { method: 'HEAD', headers });

    expect([head.status, head.body.length]).toEqual([200, 0]);
    expect({ ...head.headers, date: '' }).toEqual({ ...whole.headers, date: '', 'cache-control': PRIVATE });
  });

  test('a condition that fails comes before any delta', async () => {
    const { port, put } = await clocked();
    const tag = tagOf(await ask(port, path));
    await put('/f', { body: story('f') });
    const answer = await poll(port, path, tag, { 'If-Match': tag });

    expect([answer.status, answer.headers['cache-control'], answer.headers.im]).toEqual([412, 'no-store', undefined]);
  });

  test("another format's tag says nothing of this one", async () => {
    const { port } = await clocked();
    for (const other of FORMATS.filter((each) => each !== format)) {
      const tag = tagOf(await ask(port, `/feeds/latest.${other}`));
      const answer = await poll(port, path, tag);
      expect([answer.status, idsIn(format, answer.text)], other).toEqual([200, ['e', 'c', 'b', 'a'].map(ID)]);
    }
  });

  test('a reader who was away for many changes is sent what is left of them', async () => {
    const { port, put, remove } = await clocked();
    const before = await poll(port, path);
    for (const title of ['Once', 'Twice', 'Thrice']) await put('/a', { body: story('a', { title }) });
    await put('/f', { body: story('f') });
    await put('/g', { body: story('g') });
    await remove('/f');
    const delta = await poll(port, path, tagOf(before));

    expect([delta.status, idsIn(format, delta.text)]).toEqual([226, ['g', 'a'].map(ID)]);
    expect(delta.text).toContain('Thrice');
    expect(delta.text).toBe(expectedDelta(format, before.text, (await ask(port, path)).text));
  });

  test('a correction that is taken back is none: its reader has what there is', async () => {
    const { port, put } = await clocked();
    const before = await poll(port, path);
    await put('/a', { body: story('a', { title: 'Wrong', tags: ['Water'] }) });
    const delta = await poll(port, path, tagOf(before));
    await put('/a', { body: story('a', { tags: ['Water'] }) });
    const back = await poll(port, path, tagOf(delta));

    expect([delta.status, back.status]).toEqual([226, 226]);
    expect(idsIn(format, back.text)).toEqual([ID('a')]);
  });

  test('a feed of the operator is sent as its own deltas, of summaries and of as many entries as it has', async () => {
    const { port, put } = await clocked();
    const water = `/feeds/water.${format}`;
    const before = await poll(port, water);
    await put('/f', { body: story('f', { tags: ['Water'], body: '<p>Deep water.</p>', summary: 'Deep.' }) });
    const delta = await poll(port, water, tagOf(before));
    const whole = await ask(port, water);

    expect([delta.status, idsIn(format, delta.text)]).toEqual([226, [ID('f')]]);
    expect(idsIn(format, whole.text)).toEqual(['f', 'c', 'b'].map(ID));
    expect(delta.text).toBe(expectedDelta(format, before.text, whole.text));
    expect(delta.text).toContain('Deep.');
    expect(delta.text).not.toContain('Deep water.');
  });

  test('a delta of a feed of 57 entries has the one that the tag could not name as well', async () => {
    const numbered = Array.from({ length: 55 }, (_, index) => story('a', { id: `n${index}` }));
    const { port, put, remove } = await clocked({
      'publication.yaml': `${PUBLICATION}entries: 57\n`,
      ...files(...numbered),
    });
    const asked: [number, number][] = [];
    let tag = tagOf(await poll(port, path));
    const next = async () => {
      const answer = await poll(port, path, tag);
      tag = tagOf(answer);
      expect(tag.length).toBeLessThanOrEqual(255);
      asked.push([answer.status, idsIn(format, answer.text).length]);
    };
    for (const id of ['x', 'y', 'z']) {
      await put(`/${id}`, { body: story(id) });
      await next();
    }
    await remove('/z');
    await next();
    await remove('/x');
    await next();
    await put('/y', { body: story('y', { title: 'Corrected' }) });
    await next();

    expect(asked).toEqual([
      [226, 1],
      [226, 1],
      [226, 1],
      [226, 2], // one comes back from beyond the 57
      [226, 1],
      [226, 1],
    ]);
  });

  test('a tag that another instance gave is as good as its own', async () => {
    const one = await clocked();
    const before = await poll(one.port, path, undefined, { 'Accept-Encoding': 'gzip' });
    one.clock.now += SECOND;
    await one.put('/f', { body: story('f') });
    await one.remove('/b');
    const exported = join(one.dataFolder, 'exported.ndjson');
    expect((await command(['export', '--data', one.dataFolder, exported])).code).toBe(0);
    const folder = await dataFolder({ 'publication.yaml': NEWSROOM['publication.yaml'] });
    expect((await command(['import', '--data', folder, exported])).code).toBe(0);
    const other = await start(folder, { now: () => one.clock.now });

    const [delta, same] = await Promise.all([one.port, other.port].map((port) => poll(port, path, tagOf(before))));
    expect([delta?.status, idsIn(format, delta?.text ?? '')]).toEqual([226, [ID('f')]]);
    expect([same?.status, same?.text, same?.headers.etag]).toEqual([226, delta?.text, delta?.headers.etag]);
    expect((await poll(other.port, path, delta && tagOf(delta))).status).toBe(304);
  });

  test('readers who each lack something else, all at once, are each sent what they lack', async () => {
    const ids = [...'abcdefghij'];
    const { port } = await clocked(files(...ids.map((id) => story(id, { body: `<p>${id.repeat(900)}</p>` }))));
    const lacking = ids.flatMap((_, first) => ids.slice(first + 1).map((_, more) => [first, first + 1 + more]));
    const tags = tagsWithout(lacking, tagOf(await ask(port, path)));
    const answers = await Promise.all(tags.map((tag) => poll(port, path, tag, { 'Accept-Encoding': 'gzip' })));

    const newestFirst = ids.toReversed();
    expect(answers.map(({ status }) => status)).toEqual(lacking.map(() => 226));
    expect(answers.map((answer) => idsIn(format, decoded(answer).toString()))).toEqual(
      lacking.map((places) => places.map((place) => ID(newestFirst[place] ?? ''))),
    );
  });

  test('more deltas asked for in one breath than are kept are all sent', async () => {
    const ids = [...'abcdefghij'];
    const { port } = await clocked(files(...ids.map((id) => story(id))));
    const lacking = ids.flatMap((_, first) => ids.slice(first + 1).map((_, more) => [first, first + 1 + more]));
    const tags = tagsWithout(lacking, tagOf(await ask(port, path)));
    const socket = connect(port, '127.0.0.1');
    const last = tags.length - 1;
    socket.write(
      tags
        .map(
          (tag, index) =>
            `GET ${path} HTTP/1.1\r\nHost: news.example\r\nA-IM: feed\r\nAccept-Encoding: gzip\r\n` +
            `If-None-Match: ${tag}\r\n${index === last ? 'Connection: close\r\n' : ''}\r\n`,
        )
        .join(''),
    );
    const answered = (await buffer(socket)).toString('latin1');

    expect(answered.match(/HTTP\/1\.1 \d+/g)).toEqual(tags.map(() => 'HTTP/1.1 226'));
  });
});

/** The tags of documents that are alike but for the entries in these places. */
function tagsWithout(lacking: readonly (readonly number[])[], tag: string): string[] {
  const names = /^"[\w-]{16}\.(.+)"$/.exec(tag)?.[1]?.match(/.{4}/g) ?? [];
  return lacking.map((places) => `"0123456789abcdef.${names.filter((_, place) => !places.includes(place)).join('')}"`);
}

interface Reader {
  /** Asks, and takes in what comes. */
  readonly poll: () => Promise<number>;
  /** Every entry it has: those it was ever sent, without what it was told was taken back. */
  readonly entries: ReadonlyMap<string, string>;
}

/** A reader as they are: it adds what comes to what it has, the same id in the place of the one before. */
function reader(format: Format, asked: (tag: string | undefined) => Promise<Answer>): Reader {
  const entries = new Map<string, string>();
  let tag: string | undefined;
  return {
    entries,
    async poll() {
      const answer = await asked(tag);
      tag = tagOf(answer);
      if (answer.status === 304) return 304;
      const text = decoded(answer).toString();
      const ids = idsIn(format, text);
      const texts = parts(format, text).entries;
      expect(texts).toHaveLength(ids.length);
      for (const [index, id] of ids.entries()) entries.set(id, texts[index] ?? '');
      for (const id of withdrawnIn(format, text)) entries.delete(id);
      return answer.status;
    },
  };
}

const CORRECTED = [
  { what: 'correct', id: 'a' },
  { what: 'poll', coding: 'identity' },
  { what: 'poll', coding: 'identity' },
] as const;
/** What brings every status to every reader, whatever the other runs do: nothing new, a correction, nothing new. */
const EVERY_STATUS = [
  { what: 'poll', coding: 'identity' },
  ...Array.from({ length: 4 }, () => CORRECTED).flat(),
] as const;

test.each([
  ['6 entries, which tags name all', { entries: 6, newer: 0, numRuns: sized({ short: 3, soak: 20, full: 1000 }) }],
  ['60 entries, of which tags name 56', { entries: 60, newer: 52, numRuns: sized({ short: 2, soak: 8, full: 300 }) }],
])(
  'readers of deltas have what readers of the whole have, whatever happens: %s',
  { tags: ['soak'] },
  async (_, { entries, newer, numRuns }) => {
    const others = Array.from({ length: newer }, (_, index) =>
      record({ id: `n${index}`, url: `https://news.example/n${index}`, publishedAt: '2026-11-20T12:00:00Z' }),
    );
    const id = fc.constantFrom(...'abcdefghij');
    const happening = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ what: fc.constantFrom('publish', 'correct', 'withdraw', 'hold', 'lend'), id }),
      },
      { weight: 2, arbitrary: fc.record({ what: fc.constant('wait'), minutes: fc.integer({ min: 1, max: 30 }) }) },
      { weight: 3, arbitrary: fc.record({ what: fc.constant('poll'), coding: fc.constantFrom(...CODINGS) }) },
    );
    const statuses = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 30 }), async (happenings) => {
        const { port, put, remove, clock, close } = await clocked({
          'publication.yaml': `${PUBLICATION}entries: ${entries}\n`,
          ...files(story('a'), story('b'), ...others),
        });
        const iso = (at: number) => new Date(at).toISOString();
        let coding = 'identity';
        const readers = FORMATS.map((format) => {
          const path = `/feeds/latest.${format}`;
          const headers = () => ({ 'Accept-Encoding': coding });
          return {
            format,
            path,
            ofDeltas: reader(format, (tag) => poll(port, path, tag, headers())),
            ofTheWhole: reader(format, () => ask(port, path, { headers: headers() })),
          };
        });
        const pollAll = async () => {
          for (const { format, path, ofDeltas, ofTheWhole } of readers) {
            const status = await ofDeltas.poll();
            statuses.set(status, (statuses.get(status) ?? 0) + 1);
            await ofTheWhole.poll();
            expect(ofDeltas.entries).toEqual(ofTheWhole.entries);
            const { text } = await ask(port, path);
            const current = parts(format, text).entries;
            expect(idsIn(format, text).map((each) => ofDeltas.entries.get(each))).toEqual(current);
          }
        };
        await pollAll();
        for (const each of happenings) {
          clock.now += SECOND;
          if ('coding' in each) {
            coding = each.coding;
            await pollAll();
          } else if ('minutes' in each) {
            clock.now += each.minutes * MINUTE;
          } else if (each.what === 'withdraw') {
            await remove(`/${each.id}`);
          } else {
            // Every correction is another text; refused where it would move a date that readers know.
            const title = `Story ${each.id} of ${iso(clock.now)}`;
            const dates = {
              publish: {},
              correct: { updatedAt: iso(clock.now) },
              hold: { embargoUntil: iso(clock.now + 20 * MINUTE) },
              lend: { expiresAt: iso(clock.now + 25 * MINUTE) },
            }[each.what];
            await put(`/${each.id}`, { body: story(each.id, { title, ...dates }) });
          }
        }
        await pollAll();
        await close();
      }),
      { numRuns, examples: [[[...EVERY_STATUS]]] },
    );
    for (const status of [200, 226, 304]) expect(statuses.get(status), String(status)).toBeGreaterThan(numRuns);
  },
);
