import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type CachedDocument, createCurrentDocuments, type Validity } from '../../src/document/current-documents.ts';
import type { Document } from '../../src/document/document.ts';
import { createPackedDocuments } from '../../src/document/packed-documents.ts';
import { represent } from '../../src/document/representation.ts';

const FOR_EVER: Validity = { from: 0, until: Number.POSITIVE_INFINITY };
const LENGTH = 20_000;
const NOTHING = () => {};

function documentOf(letter: string, length = LENGTH): Document {
  const feed = { key: letter, title: '', description: '', language: 'en', entries: 1, content: 'full' as const };
  const entries = [{ start: 0, end: length, tag: 'abcd' }];
  return { feed, format: 'rss', bytes: Buffer.alloc(length, letter), entries, changedAt: 1 };
}

function cached(letter: string, { length = LENGTH, validity = FOR_EVER } = {}): CachedDocument {
  return { ...validity, representations: represent(documentOf(letter, length)), requests: 3 };
}

test('a document that is unpacked is the one that was packed, with its tags and codings', async () => {
  const packed = createPackedDocuments(1e6);
  const before = cached('a', { validity: { from: 5, until: 50, edition: { isOver: false } } });
  const br = await before.representations.body.bytes('br');
  packed.add('a', before);
  const after = packed.unpack('a', NOTHING);
  expect(after?.representations.document).toEqual(before.representations.document);
  expect(after?.representations.etags).toEqual(before.representations.etags);
  expect(after?.representations.body.getIfReady('br')).toBe(br);
  expect(after?.representations.body.codings()).toEqual(['identity', 'br']);
  expect(after).toMatchObject({ from: 5, until: 50, requests: 0 });
  expect(after?.edition).toBe(before.edition);
});

test('a document has memory of its own, no larger than it is', () => {
  const packed = createPackedDocuments(1e6);
  packed.add('a', cached('a'));
  expect(packed.unpack('a', NOTHING)?.representations.document.bytes.buffer.byteLength).toBe(LENGTH);
});

test.each([
  [8 * 1024, 0],
  [8 * 1024 + 1, 1],
  [512 * 1024, 1],
  [512 * 1024 + 1, 0],
])('of documents of %d bytes, %d are packed', (length, count) => {
  const packed = createPackedDocuments(1e6);
  packed.add('a', cached('a', { length }));
  expect(packed.counts().count).toBe(count);
});

test('packed documents take no more memory than they may', () => {
  const packed = createPackedDocuments(60_000);
  for (let number = 0; number < 10; number += 1) {
    const document = { ...documentOf('a'), bytes: randomBytes(LENGTH) };
    packed.add(`${number}`, { ...FOR_EVER, representations: represent(document), requests: 0 });
  }
  expect(packed.counts()).toMatchObject({ count: 2, evicted: 8 });
  expect(packed.counts().bytes).toBeLessThanOrEqual(60_000);
});

describe('a cache with packed documents', () => {
  /** It holds one of them as it is. */
  function openCache() {
    const clock = { now: 10 };
    const documents = createCurrentDocuments(1.5 * LENGTH, () => clock.now, 1e6);
    return { clock, documents };
  }

  test('answers with a document that was evicted', () => {
    const { documents } = openCache();
    documents.set('a', cached('a'));
    documents.set('b', cached('b'));
    expect(documents.peek('a')).toBeUndefined();
    expect(documents.request('a')?.document.bytes.toString()).toBe('a'.repeat(LENGTH));
    expect([documents.peek('a')?.requests, documents.peek('b')]).toEqual([1, undefined]);
    expect(documents.request('b')?.document.bytes.toString()).toBe('b'.repeat(LENGTH));
    expect(documents.counts().count).toBe(2);
  });

  test('does not answer with one that time or a change has ended', () => {
    const { clock, documents } = openCache();
    documents.set('a', cached('a', { validity: { from: 0, until: 20 } }));
    documents.set('b', cached('b'));
    documents.set('c', cached('c'));
    documents.outdate('b');
    clock.now = 20;
    expect([documents.request('a'), documents.request('b')]).toEqual([undefined, undefined]);
  });

  test('recalls one that a change has ended, with its codings: it may be made again without a difference', async () => {
    const { documents } = openCache();
    const before = cached('a');
    const gzip = await before.representations.body.bytes('gzip');
    documents.set('a', before);
    documents.set('b', cached('b'));
    documents.outdate('a');
    expect(documents.recall('a')?.body.getIfReady('gzip')).toBe(gzip);
    documents.set('a', cached('c'));
    expect(documents.recall('a')?.document.feed.key).toBe('c');
  });

  test('removes what is no longer current, which may show an article that was erased', () => {
    const { documents } = openCache();
    documents.set('a', cached('a'));
    documents.set('b', cached('b'));
    documents.set('c', cached('c'));
    documents.outdate('a');
    documents.removeOutdated();
    expect([documents.recall('a'), documents.recall('b')?.document.feed.key]).toEqual([undefined, 'b']);
    expect(documents.counts().count).toBe(2);
  });

  test('measures a document that is compressed after it was unpacked', async () => {
    const { documents } = openCache();
    documents.set('a', cached('a'));
    documents.set('b', cached('b'));
    const unpacked = documents.request('a');
    const { bytes } = documents.counts();
    const gzip = await unpacked?.body.bytes('gzip');
    expect(documents.counts().bytes).toBe(bytes + (gzip?.length ?? 0));
  });
});
