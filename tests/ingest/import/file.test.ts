import { describe, expect, test } from 'vitest';
import { isArticleFile, readArticleFile } from '../../../src/ingest/import/file.ts';

test.each([
  ['a.json', true],
  ['a/b.md', true],
  ['a.markdown', true],
  ['a.TXT', true],
  ['a.html', false],
  ['json', false],
  ['.json', false],
  ['a.json~', false],
  ['a.toString', false],
])('%s is an article file: %s', (path, expected) => {
  expect(isArticleFile(path)).toBe(expected);
});

test.each([
  ['en/a.json', '{"title": "T"}', { id: 'en/a', title: 'T' }],
  ['a.b.MD', 'B', { id: 'a.b', bodyFormat: 'markdown', body: 'B' }],
  ['a.markdown', 'B', { id: 'a', bodyFormat: 'markdown', body: 'B' }],
  ['a.txt', 'H\nB', { id: 'a', title: 'H', bodyFormat: 'text', body: 'B' }],
  ['cafe\u0301.json', '\uFEFF{}', { id: 'caf\u00E9' }],
])('%s is read by its extension', (path, text, expected) => {
  expect(readArticleFile(Buffer.from(text), path).record).toMatchObject(expected);
});

describe('an unreadable file is refused', () => {
  test.each([
    ['no UTF-8', 'a.txt', Buffer.from([0x48, 0xff]), 'must be UTF-8 text'],
    ['a surrogate in UTF-8', 'a.md', Buffer.from([0xed, 0xa0, 0x80]), 'must be UTF-8 text'],
    ['UTF-16', 'a.json', Buffer.from('\uFEFF{}', 'utf16le'), 'must be UTF-8 text'],
    ['another extension', 'a.pdf', Buffer.from(''), 'must end in .json, .md, .markdown, .txt'],
  ])('%s', (_, path, bytes, rule) => {
    const problems = [{ field: '', rule }];
    expect(() => readArticleFile(bytes, path)).toThrow(expect.objectContaining({ name: 'UnreadableRecord', problems }));
  });
});
