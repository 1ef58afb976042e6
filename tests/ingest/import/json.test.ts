import { expect, test } from 'vitest';
import { readJson } from '../../../src/ingest/import/json.ts';
import { UnreadableRecord } from '../../../src/ingest/import/record.ts';

const facts = { id: 'en/a', modified: '2026-11-22T10:00:00Z' };

test.each([
  ['the path is the id', '{"title": "T"}', { id: 'en/a', title: 'T' }],
  ['unless the record names one', '{"id": "x", "title": "T"}', { id: 'x', title: 'T' }],
  ['null names none', '{"id": null, "title": "T"}', { id: 'en/a', title: 'T' }],
  ['a list stays a list, which parsing refuses', '[1]', [1]],
  ['a word stays a word', '"a"', 'a'],
])('%s', (_, text, record) => {
  expect(readJson(text, facts).record).toEqual(record);
});

test('a field has its line and column', () => {
  const { locate } = readJson('{\n  "title": "T",\n  "authors": [\n    { "name": "" }\n  ]\n}', facts);
  expect(locate('authors[0].name')).toEqual({ line: 4, column: 15 });
  expect(locate('authors[0].url')).toEqual({ line: 4, column: 5 });
  expect(locate('url')).toEqual({ line: 1, column: 1 });
});

test.each([
  ['cut off', '{\n  "title": "T",\n', 3],
  ['a comma too many, on a line of its own', '{\n  "a": 1,\n}', 3],
  ['a repeated key', '{\n  "a": 1,\n  "a": 2\n}', 3, 'a'],
  ['a comma too many', '{"a": 1,}', 1],
  ['nothing', '', 1],
])('%s is no record', (_, text, line, field = '') => {
  const problem = expect.objectContaining({
    field,
    rule: expect.stringMatching(/./),
    line,
    column: expect.any(Number),
  });
  const error = expect.objectContaining({ name: 'UnreadableRecord', problems: expect.arrayContaining([problem]) });
  expect(() => readJson(text, facts)).toThrow(UnreadableRecord);
  expect(() => readJson(text, facts)).toThrow(error);
});
