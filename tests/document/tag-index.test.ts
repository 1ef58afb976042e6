import { expect, test } from 'vitest';
import type { CachedDocument, Validity } from '../../src/document/current-documents.ts';
import { represent } from '../../src/document/representation.ts';
import { createTagIndex } from '../../src/document/tag-index.ts';

const FOR_EVER = { from: 0, until: Number.POSITIVE_INFINITY };

function cached(key: string, validity: Validity = FOR_EVER): CachedDocument {
  const feed = { key, title: '', description: '', language: 'en', entries: 1, content: 'full' as const };
  const document = { feed, format: 'atom' as const, bytes: Buffer.from(key), entries: [], changedAt: 1500 };
  return { ...validity, representations: represent(document), requests: 0 };
}

test('the tags of a document are those of its representations', () => {
  const index = createTagIndex(1e6, () => true);
  const { representations } = cached('tag/a');
  index.set('tag/a.atom', cached('tag/a'));
  const tags = index.get('tag/a.atom');
  expect(tags?.etags).toEqual(representations.etags);
  expect(tags?.etag('br')).toBe(representations.etag('br'));
  expect(tags).toMatchObject({ lastModified: 2000, length: 5, document: { feed: { key: 'tag/a' }, format: 'atom' } });
  expect(index.get('tag/b.atom')).toBeUndefined();
});

test('tags are known no more when they are deleted, or their document is no longer current', () => {
  let isOver = false;
  const index = createTagIndex(1e6, () => !isOver);
  index.set('a', cached('a'));
  index.set('b', cached('b'));
  index.delete('a');
  expect([index.get('a'), index.get('b')?.length]).toEqual([undefined, 1]);
  isOver = true;
  expect(index.get('b')).toBeUndefined();
  expect(index.counts().count).toBe(1);
  index.removeOutdated();
  expect(index.counts()).toEqual({ count: 0, bytes: 0, evicted: 0 });
});

test('the tags take no more memory than they may: the least recently requested ones make room', () => {
  const one = createTagIndex(1e6, () => true);
  one.set('a', cached('a'));
  const { bytes } = one.counts();
  const index = createTagIndex(2 * bytes, () => true);
  for (const name of ['a', 'b']) index.set(name, cached(name));
  index.get('a');
  index.set('c', cached('c'));
  expect(['a', 'b', 'c'].map((name) => index.get(name) !== undefined)).toEqual([true, false, true]);
  expect(index.counts()).toEqual({ count: 2, bytes: 2 * bytes, evicted: 1 });
});
