import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, zstdDecompress } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CODINGS } from '../../src/document/content-codings.ts';
import type { Document } from '../../src/document/document.ts';
import {
  cacheControl,
  holdsUntil,
  lastModifiedHeader,
  type Representations,
  represent,
} from '../../src/document/representation.ts';

const NOON = Date.UTC(2026, 10, 22, 12);

function document(text: string, changedAt = NOON): Document {
  const feed = { key: 'latest', title: 'T', description: 'D', language: 'en', entries: 50, content: 'full' as const };
  return { feed, format: 'rss', bytes: Buffer.from(text), entries: [], changedAt };
}

const decode = {
  identity: async (bytes: Buffer) => bytes,
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
  gzip: promisify(gunzip),
};

describe('a representation', () => {
  test.each(CODINGS)('in %s holds the document', async (coding) => {
    const text = 'هەواڵ '.repeat(1000);
    const { bytes } = represent(document(text)).body;
    expect((await decode[coding](await bytes(coding))).toString()).toBe(text);
    expect(await bytes(coding)).toBe(await bytes(coding));
  });

  test.each(CODINGS)('is the same bytes on two instances in %s', async (coding) => {
    const [one, other] = [represent(document('a'.repeat(5000))), represent(document('a'.repeat(5000)))];
    expect(await one.body.bytes(coding)).toEqual(await other.body.bytes(coding));
    expect(one.etag(coding)).toBe(other.etag(coding));
  });

  test('has a strong tag for each coding, all of one document', () => {
    const { etag, etags } = represent(document('text'));
    const digest = createHash('sha256').update('text').digest('base64url').slice(0, 16);
    expect(CODINGS.map(etag)).toEqual([`"${digest}-br"`, `"${digest}-zstd"`, `"${digest}-gzip"`, `"${digest}"`]);
    expect([...etags]).toEqual(CODINGS.map((coding) => [etag(coding), coding]));
  });

  test('has different tags if a byte differs', () => {
    const one = represent(document('text'));
    const other = represent(document('texts'));
    expect(CODINGS.filter((coding) => one.etags.has(other.etag(coding)))).toEqual([]);
  });

  test.each([
    [NOON, NOON],
    [NOON + 1, NOON + 1000],
    [NOON + 999, NOON + 1000],
    [0, 0],
  ])('changed at %d is of the second %d', (changedAt, expected) => {
    expect(represent(document('a', changedAt)).lastModified).toBe(expected);
  });
});

test.each([
  ['long ago', NOON + 60_000, 'Sun, 22 Nov 2026 12:00:00 GMT'],
  ['this second', NOON + 999, 'Sun, 22 Nov 2026 12:00:00 GMT'],
  ['never later than now', NOON - 1, 'Sun, 22 Nov 2026 11:59:59 GMT'],
])('Last-Modified %s', (_, now, expected) => {
  expect(lastModifiedHeader({ etags: new Set(), lastModified: NOON }, now)).toBe(expected);
});

describe('Cache-Control', () => {
  test.each([
    ['nothing is known to come', 300, undefined, 300, 60],
    ['nothing may be kept', 0, undefined, 0, 60],
    ['the change is far off', 300, NOON + 3_600_000, 300, 60],
    ['the change comes while it is stale', 300, NOON + 330_000, 300, 30],
    ['the change comes with the end', 300, NOON + 300_000, 300, 0],
    ['the change comes before', 300, NOON + 10_000, 10, 0],
    ['less than a second is none', 300, NOON + 999, 0, 0],
    ['the change is now', 300, NOON, 0, 0],
    ['the change is past', 300, NOON - 5000, 0, 0],
  ])('where %s', (_, maxAge, nextChangeAt, fresh, stale) => {
    expect(cacheControl(maxAge, NOON, nextChangeAt)).toBe(
      `public, max-age=${fresh}, stale-while-revalidate=${stale}, stale-if-error=86400`,
    );
  });
});

describe('headers with a max-age of 300 hold', () => {
  const FAR = NOON + 3_600_000;

  test.each([
    ['for good where nothing is known to come', NOON, NOON + 5000, undefined, Number.POSITIVE_INFINITY],
    ['until the change bounds them', NOON, NOON + 5000, FAR, FAR - 360_000 + 1],
    ['until the second of the last change', NOON + 200, NOON + 300, undefined, NOON + 1000],
    ['until that second where the change is far off', NOON + 200, NOON + 300, FAR, NOON + 1000],
    ['until the change bounds them where that is sooner', NOON + 200, NOON + 300, NOON + 360_500, NOON + 501],
    ['for a second where it bounds them already', NOON, NOON + 5000, NOON + 200_000, NOON + 5001],
    ['for the next second', NOON, NOON + 5001, NOON + 200_000, NOON + 6001],
    ['for the rest of a second', NOON + 200, NOON + 5000, NOON + 200_150, NOON + 5151],
    ['for the rest of one even before that second', NOON + 200, NOON + 300, NOON + 200_600, NOON + 601],
    ['until the change in its last second', NOON, NOON + 5000, NOON + 5900, NOON + 5901],
  ])('%s', (_, changedAt, now, nextChangeAt, expected) => {
    const next = nextChangeAt === undefined ? {} : { nextChangeAt };
    expect(holdsUntil(represent({ ...document('a', changedAt), ...next }), { maxAge: 300, now })).toBe(expected);
  });
});

/** The headers of a document, made at that moment. */
const headersAt = (of: Representations, maxAge: number, now: number) => [
  cacheControl(maxAge, now, of.document.nextChangeAt),
  lastModifiedHeader(of, now),
];

test('headers that are kept equal new ones in every millisecond, and are made at most twice a second', () => {
  const situation = fc.record({
    maxAge: fc.constantFrom(0, 1, 5, 300),
    /** Milliseconds from the last change to the first answer. */
    since: fc.oneof(fc.integer({ min: 0, max: 1500 }), fc.constant(100_000)),
    /** Milliseconds from the first answer to the next change, where one is known. */
    left: fc.option(
      fc.oneof(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 58_000, max: 68_000 }), fc.nat(400_000)),
      { nil: undefined },
    ),
    begin: fc.integer({ min: NOON, max: NOON + 999 }),
  });
  fc.assert(
    fc.property(situation, ({ maxAge, since, left = Number.POSITIVE_INFINITY, begin }) => {
      const next = Number.isFinite(left) ? { nextChangeAt: begin + left } : {};
      const of = represent({ ...document('a', begin - since), ...next });
      const made = (now: number) => ({ headers: headersAt(of, maxAge, now), until: holdsUntil(of, { maxAge, now }) });
      let held = made(begin);
      let count = 1;
      for (let now = begin; now < begin + Math.min(left, 3000); now += 1) {
        if (now >= held.until) {
          held = made(now);
          count += 1;
        }
        if (held.headers.join() !== headersAt(of, maxAge, now).join()) {
          expect([now, held.headers]).toEqual([now, headersAt(of, maxAge, now)]);
        }
      }
      expect(count).toBeLessThanOrEqual(7);
    }),
    { numRuns: 150 },
  );
});
