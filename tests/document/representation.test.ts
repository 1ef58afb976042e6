import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, zstdDecompress } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CODINGS } from '../../src/document/content-codings.ts';
import type { Document } from '../../src/document/document.ts';
import { cacheControl, lastModifiedHeader, represent } from '../../src/document/representation.ts';

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

const cacheControlFor = (fresh: number) => `public, max-age=${fresh}, stale-while-revalidate=1, stale-if-error=86400`;

describe('Cache-Control', () => {
  test.each([
    ['at a multiple of maxAge', 60, 0, 60],
    ['within its first second', 60, 999, 60],
    ['a second later', 60, 1000, 59],
    ['within the last second', 60, 59_001, 1],
    ['at the end of it', 60, 59_999, 1],
    ['at the next multiple', 60, 60_000, 60],
    ['where an hour is no multiple of maxAge', 7, 0, 7 - ((NOON / 1000) % 7)],
    ['where a copy lasts a second', 1, 500, 1],
    ['where no copy may be kept', 0, 500, 0],
    ['where a copy lasts a day', 86_400, 0, 43_200],
  ])('%s', (_, maxAge, since, fresh) => {
    expect(cacheControl(maxAge, NOON + since)).toBe(cacheControlFor(fresh));
  });

  test('lets every copy expire less than a second after a multiple of maxAge, and not before it', () => {
    const moment = fc.integer({ min: NOON, max: NOON + 86_400_000 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 86_400 }), moment, (maxAge, now) => {
        const fresh = Number(/max-age=(\d+),/.exec(cacheControl(maxAge, now))?.[1]);
        expect(fresh).toBeGreaterThanOrEqual(1);
        expect(fresh).toBeLessThanOrEqual(maxAge);
        expect((now + fresh * 1000) % (maxAge * 1000)).toBeLessThan(1000);
      }),
    );
  });
});
