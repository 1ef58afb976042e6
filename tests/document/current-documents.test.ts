import { expect, test } from 'vitest';
import { type CachedDocument, createCurrentDocuments } from '../../src/document/current-documents.ts';
import { represent } from '../../src/document/representation.ts';

const OVERHEAD = 4096;

function cached(length: number, times: Partial<Pick<CachedDocument, 'from' | 'until'>> = {}): CachedDocument {
  const feed = { key: 'latest', title: '', description: '', language: 'en', entries: 1, content: 'full' as const };
  const document = { feed, format: 'rss' as const, bytes: Buffer.alloc(length, 'a'), entries: [], changedAt: 0 };
  return { representations: represent(document), from: 0, until: Number.POSITIVE_INFINITY, requests: 0, ...times };
}

test.each([
  [99, false],
  [100, true],
  [199, true],
  [200, false],
])('a document that holds from 100 until 200 is current at %d: %s', (now, expected) => {
  const documents = createCurrentDocuments(1e6, () => now);
  const document = cached(1, { from: 100, until: 200 });
  documents.set('a', document);
  expect(documents.isCurrent(document)).toBe(expected);
  expect(documents.request('a')).toBe(expected ? document.representations : undefined);
  expect(documents.peek('a')).toBe(document);
  expect(document.requests).toBe(expected ? 1 : 0);
});

test('a document that is not there is not counted', () => {
  const documents = createCurrentDocuments(1e6, () => 0);
  documents.outdate('a');
  expect([documents.request('a'), documents.peek('a')]).toEqual([undefined, undefined]);
  expect(documents.counts()).toEqual({ count: 0, bytes: 0, evicted: 0 });
});

test('an outdated document is not answered with, and stays until another replaces it', () => {
  const documents = createCurrentDocuments(1e6, () => 0);
  const [first, second] = [cached(1), cached(1)];
  documents.set('a', first);
  documents.request('a');
  documents.outdate('a');
  expect([documents.request('a'), documents.peek('a'), documents.isCurrent(first)]).toEqual([undefined, first, false]);
  expect(first.requests).toBe(0);
  documents.set('a', second);
  expect(documents.request('a')).toBe(second.representations);
  expect(documents.counts().count).toBe(1);
});

test('the least recently requested document makes room', () => {
  const documents = createCurrentDocuments(2 * (1000 + OVERHEAD), () => 0);
  documents.set('a', cached(1000));
  documents.set('b', cached(1000));
  documents.request('a');
  documents.peek('b');
  documents.set('c', cached(1000));
  expect(['a', 'b', 'c'].map((name) => documents.peek(name) !== undefined)).toEqual([true, false, true]);
  expect(documents.counts()).toEqual({ count: 2, bytes: 2 * (1000 + OVERHEAD), evicted: 1 });
});

test('a document that has grown is measured again, unless another has taken its place', async () => {
  const documents = createCurrentDocuments(1e6, () => 0);
  const [first, second] = [cached(1000), cached(1000)];
  documents.set('a', first);
  const gzip = await first.representations.body.bytes('gzip');
  documents.measure('a', first.representations);
  expect(documents.counts().bytes).toBe(1000 + OVERHEAD + gzip.length);
  documents.set('a', second);
  documents.measure('a', first.representations);
  expect(documents.peek('a')).toBe(second);
});
