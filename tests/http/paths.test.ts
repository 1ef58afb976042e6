// @module-tag soak
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { ask, PUBLICATION, record } from '../helpers.ts';
import { sized } from '../soak/sizes.ts';
import { NOW, startApi } from './api.ts';
import { READY_WAY, unmemorable, type Way, watchWays } from './ways.ts';

/** The fast path answers as Express does, to the byte (docs/decisions/0014-fast-path.md). */

const CODINGS = ['identity', 'br', 'zstd', 'gzip'] as const;

/** Every address of a document, in the spellings that readers make of it. */
const DOCUMENTS = [
  '/feeds/latest.rss',
  '/feeds/latest.atom',
  '/feeds/latest.json',
  '/feeds/short.rss',
  '/feeds/tag/%D8%A2%D8%A8.json',
  '/feeds/tag/caf%C3%A9.atom',
  '/feeds/latest',
  '/feeds/tag/caf%C3%A9',
] as const;
const SPELLINGS: readonly ((path: string) => string)[] = [
  (path) => path,
  (path) => `${path}?_=1764`,
  (path) => `${path}?`,
  (path) => `${path}?%zz=%&x`,
  (path) => `${path}?format=raw`,
  (path) => `${path}?_=1764&format=raw`,
  (path) => `${path}?format=rawer`,
  (path) => path.toLowerCase(),
  (path) => path.replace('feeds/l', 'feeds/%6C'),
  (path) => path.replace('caf%C3%A9', 'cafe%CC%81'),
  (path) => `http://news.example${path}`,
];
function isFeed(path: string): boolean {
  return /\.(?:rss|atom|json)$/.test(path);
}

/** Addresses that no document has. */
const OTHERS = [
  '/feeds/unknown.rss',
  '/feeds/section/sport.rss',
  '/feeds/section/gone.rss',
  '/feeds/100%.rss',
  '/feeds/unknown',
  '/',
  '/?q=caf%C3%A9',
];

const FILES = {
  'publication.yaml': `${PUBLICATION}retired:
  - { feed: section/sport, movedTo: latest }
  - { feed: section/gone }
feeds:
  - { id: short, title: Short, content: summary, entries: 4 }
`,
};

function story(number: number, title: string, sentences: number) {
  const body = `<p>${`The river ${number} rose in the night. `.repeat(sentences)}</p>`;
  return record({
    id: `s${number}`,
    title,
    body,
    tags: ['آب', 'Café'],
    publishedAt: `2026-11-20T1${number}:00:00Z`,
  });
}

/** Milliseconds after which a coding will not come any more. */
const HANG = 60_000;

/** Tags that a client may have of a document. */
interface Tags {
  readonly old: string;
  readonly current: string;
}

/** Sentences of a story with which `latest` is small enough for its codings to be waited for, and with which it is not. */
const FEW = 5;
const MANY = 120;

/** A service whose documents were others a moment ago, with every coding of them made, and the tags they had and have. */
async function serviceWithHistory(sentences: number) {
  const clock = { now: NOW };
  const api = await startApi(FILES, { now: () => clock.now });
  for (let number = 0; number < 10; number += 1)
    await api.put(`/s${number}`, { body: story(number, 'As it was', sentences) });
  const old = await tagsOf(api.port);
  await api.put('/s4', { body: story(4, 'As it is', sentences) });
  await api.remove('/s7');
  const current = await tagsOf(api.port);
  const tags = DOCUMENTS.map((path) => [path, { old: old.get(path) ?? '', current: current.get(path) ?? '' }] as const);
  return { api, clock, tags: new Map<string, Tags>(tags) };
}

async function tagsOf(port: number): Promise<ReadonlyMap<string, string>> {
  const tags = new Map<string, string>();
  for (const path of DOCUMENTS) {
    for (const coding of CODINGS) {
      // A large document is answered in what is made already until the coding is.
      const answer = await vi.waitFor(async () => {
        const made = await ask(port, path, { headers: { 'Accept-Encoding': `${coding}, identity;q=0.1` } });
        expect(made.headers['content-encoding'] ?? 'identity').toBe(coding);
        return made;
      }, HANG);
      tags.set(path, String(answer.headers.etag).replace(/-\w+"$/, '"'));
    }
  }
  return tags;
}

/** Everything of an answer that its client can see, but for the date on which it was given. */
interface Seen {
  readonly status: number | undefined;
  readonly headers: readonly string[];
  readonly body: string;
}

function see(port: number, path: string, method: string, headers: OutgoingHttpHeaders): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (response) => {
      const { statusCode: status } = response;
      buffer(response).then(
        (body) => resolve({ status, headers: linesOf(response), body: body.toString('latin1') }),
        reject,
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Header lines as they came, in their order and spelling. */
function linesOf({ rawHeaders }: IncomingMessage): string[] {
  const lines = rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${rawHeaders[index + 1]}`] : []));
  return lines.filter((line) => !line.startsWith('Date: '));
}

/** A tag of whoever asks: which document's, of which coding, and how it is written. */
const tag = fc.record({
  of: fc.constantFrom('current', 'old', 'old', 'foreign', 'half'),
  coding: fc.constantFrom('', '-br', '-zstd', '-gzip', '-gzip-gzip', '-deflate'),
  weak: fc.boolean(),
});

type Tag = typeof tag extends fc.Arbitrary<infer Value> ? Value : never;

function spelt({ of, coding, weak }: Tag, { current, old }: Tags): string {
  const opaque = {
    current: current.slice(1, -1),
    old: old.slice(1, -1),
    foreign: '5f8e-62b1a0c9d4e00',
    half: current.slice(1, 20),
  };
  return `${weak ? 'W/' : ''}"${opaque[of]}${coding}"`;
}

const weight = fc.constantFrom(
  '',
  ';q=1',
  ';q=0.5',
  '; q=0.25',
  ';q=0',
  ';q=0.000',
  ';q=2',
  ';q=',
  ';Q=0.3',
  ';level=1',
);
const coding = fc.constantFrom(...CODINGS, 'GZIP', 'x-gzip', 'deflate', '*', '');
const acceptEncoding = fc.oneof(
  fc.constantFrom('br', 'gzip, deflate, br, zstd', 'gzip', '', 'identity', 'gzip;q=1, br;q=0', '*', '*;q=0'),
  fc
    .array(
      fc.tuple(coding, weight).map(([name, q]) => name + q),
      { minLength: 1, maxLength: 4 },
    )
    .map((all) => all.join(', ')),
);
const date = fc.constantFrom(
  'Sun, 22 Nov 2026 12:00:00 GMT',
  'Sun, 22 Nov 2026 11:59:59 GMT',
  'Sunday, 22-Nov-26 12:00:00 GMT',
  'Sat, 01 Jan 2000 00:00:00 GMT',
  'Fri, 01 Jan 2100 00:00:00 GMT',
  '2026-11-22T12:00:00Z',
  'yesterday',
  '',
);
const tags = fc.oneof(
  { weight: 6, arbitrary: fc.array(tag, { minLength: 1, maxLength: 1 }) },
  { weight: 3, arbitrary: fc.array(tag, { minLength: 2, maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom('*' as const, ' * ' as const, '' as const) },
);
/** Not always, because a request that has everything is refused for something. */
const mostly = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined, freq: 4 });
const seldom = <Value>(value: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });

const question = fc.record({
  method: fc.constantFrom('GET', 'GET', 'HEAD'),
  document: fc.constantFrom(...DOCUMENTS),
  spelling: fc.constantFrom(...SPELLINGS),
  other: seldom(fc.constantFrom(...OTHERS)),
  acceptEncoding: mostly(acceptEncoding),
  acceptEncodingAgain: seldom(acceptEncoding),
  ifNoneMatch: mostly(tags),
  ifNoneMatchInLines: fc.boolean(),
  ifModifiedSince: seldom(date),
  ifMatch: seldom(tags),
  ifUnmodifiedSince: seldom(date),
  aIm: mostly(fc.constantFrom('feed', 'feed', 'FEED', 'vcdiff, feed;q=0.5', 'feed;q=0', 'vcdiff', '', 'feed, feed')),
  cacheControl: seldom(fc.constantFrom('no-cache', 'max-age=0', 'only-if-cached', 'no-store')),
  range: seldom(fc.constantFrom('bytes=0-9', 'bytes=-5', 'bytes=999999-', 'lines=1-2')),
  accept: seldom(fc.constantFrom('text/html', '*/*', 'application/json;q=0')),
  dest: seldom(
    fc.constantFrom<string | string[]>(
      'document',
      'document',
      'Document',
      'document;a=1',
      'iframe',
      'empty',
      '',
      ['document', 'document'],
      ['empty', 'document'],
    ),
  ),
  agent: seldom(fc.constantFrom('newsboat/2.21 (Linux x86_64)', 'x'.repeat(300))),
});

type Question = typeof question extends fc.Arbitrary<infer Value> ? Value : never;

function headersOf(asked: Question, known: Tags): OutgoingHttpHeaders {
  const list = (each: NonNullable<Question['ifMatch']>) =>
    typeof each === 'string' ? [each] : each.map((one) => spelt(one, known));
  const encodings = [asked.acceptEncoding, asked.acceptEncodingAgain].filter((each) => each !== undefined);
  const noneMatch = asked.ifNoneMatch === undefined ? undefined : list(asked.ifNoneMatch);
  const headers = {
    'Accept-Encoding': encodings.length === 0 ? undefined : encodings,
    'If-None-Match': asked.ifNoneMatchInLines ? noneMatch : noneMatch?.join(', '),
    'If-Modified-Since': asked.ifModifiedSince,
    'If-Match': asked.ifMatch === undefined ? undefined : list(asked.ifMatch).join(','),
    'If-Unmodified-Since': asked.ifUnmodifiedSince,
    'A-IM': asked.aIm,
    'Cache-Control': asked.cacheControl,
    Range: asked.range,
    Accept: asked.accept,
    'Sec-Fetch-Dest': asked.dest,
    'User-Agent': asked.agent,
  };
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
}

/** A short run makes always the same requests: others might miss one of the statuses that must be among them. */
const SEED = 20261129;

test('the fast path answers as Express does, whatever is requested', async () => {
  const { api, clock, tags: known } = await serviceWithHistory(MANY);
  const ways = watchWays();
  const documents = new Map<number, number>();
  const statuses = new Set<number>();
  await fc.assert(
    fc.asyncProperty(question, async (asked) => {
      const { method, document, spelling, other } = asked;
      const address = other ?? spelling(document);
      const headers = headersOf(asked, known.get(document) ?? { old: '', current: '' });
      ways();
      clock.now = Math.ceil(clock.now / 10) * 10 + 1;
      const first = await see(api.port, address, method, headers);
      clock.now += 1; // headers are made once a second, and say the same within it
      const slow = await see(api.port, unmemorable(address), method, headers);
      clock.now += 1;
      const fast = await see(api.port, address, method, headers);

      expect(fast).toEqual(slow);
      expect(first).toEqual(slow);
      const status = slow.status ?? 0;
      statuses.add(status);
      const isDocument = other === undefined && [200, 226, 304].includes(status);
      const isRawFeed = isFeed(document) && /[?&]format=raw(?:&|$)/.test(address);
      expect(ways().slice(1), `${method} ${address}`).toEqual<Way[]>([
        'Express',
        isDocument && !isRawFeed ? READY_WAY : 'Express',
      ]);
      if (other === undefined)
        expect(status === 303, address).toBe(isFeed(document) && !isRawFeed && asked.dest === 'document');
      if (isDocument) documents.set(status, (documents.get(status) ?? 0) + 1);
    }),
    sized({ short: { numRuns: 150, seed: SEED }, soak: { numRuns: 1000 }, full: { numRuns: 50_000 } }),
  );
  expect([...statuses].sort()).toEqual([200, 226, 303, 304, 308, 400, 404, 406, 410, 412]);
  for (const status of [200, 226, 304])
    expect(documents.get(status), String(status)).toBeGreaterThan(sized({ short: 1, soak: 10, full: 100 }));
});

test('the fast path answers as Express does after a change', async () => {
  const { api, tags: known } = await serviceWithHistory(FEW);
  let changes = 0;
  await fc.assert(
    fc.asyncProperty(question, fc.constantFrom('s5', 's6', 's8'), async (asked, id) => {
      const { method, document, spelling } = asked;
      const headers = headersOf(asked, known.get(document) ?? { old: '', current: '' });
      await see(api.port, spelling(document), 'GET', {});
      changes += 1;
      const { status } = await api.put(`/${id}`, { body: story(Number(id.slice(1)), `Change ${changes}`, FEW) });
      expect(status).toBe(200);
      const slow = await see(api.port, unmemorable(spelling(document)), method, headers);
      expect(await see(api.port, spelling(document), method, headers)).toEqual(slow);
      if (
        method === 'GET' &&
        slow.status === 200 &&
        !slow.headers.some((line) => line.startsWith('Content-Encoding'))
      ) {
        expect(Buffer.from(slow.body, 'latin1').toString()).toContain(`Change ${changes}`);
      }
    }),
    { numRuns: sized({ short: 12, soak: 100, full: 5000 }) },
  );
});
