import { expect, test } from 'vitest';
import { PublisherError } from '../../src/errors.ts';
import { jsonString } from '../../src/lib/json.ts';
import { parseRecord } from '../../src/publish/parse-record.ts';
import { type UnparsedRecord, unparsedRecord } from '../../src/publish/unparsed-record.ts';
import { newsroom, record } from '../helpers.ts';

const { id: _, ...unnamed } = record();
const SPACED = JSON.stringify(record(), null, 1);

/** The text that the store keeps, or the refusal. */
function kept(unparsed: UnparsedRecord): unknown {
  const parsed = parseRecord(unparsed, newsroom);
  if (!(parsed instanceof PublisherError)) return jsonString(parsed.record);
  return [parsed.code, parsed.problems];
}

test.each<[string, UnparsedRecord, string]>([
  ['bytes, as they came', { json: Buffer.from(SPACED) }, SPACED],
  ['bytes, without their byte order mark', { json: Buffer.from(`\uFEFF${SPACED}`) }, SPACED],
  ['a string, as it came', { json: SPACED }, SPACED],
  ['compacted', { json: Buffer.from(SPACED), isCompacted: true }, JSON.stringify(record())],
  [
    'with the id of the address at the end',
    { json: SPACED.replace('"id": "a",', ''), id: 'a' },
    `${JSON.stringify(unnamed).slice(0, -1)},"id":"a"}`,
  ],
  ['with its number as text', { json: JSON.stringify(record({ id: 2026 })) }, JSON.stringify(record({ id: '2026' }))],
  [
    'with the id of the address in place of its number',
    { json: JSON.stringify(record({ id: 2026 })), id: '2026' },
    JSON.stringify(record({ id: '2026' })),
  ],
  ['with its own id where it was', { json: SPACED, id: 'a' }, JSON.stringify(record())],
  [
    'with an id in place of null',
    { json: JSON.stringify({ ...record(), id: null }), id: 'a' },
    JSON.stringify(record()),
  ],
  [
    'with the normalised id',
    { json: JSON.stringify(record({ id: 'e\u0301' })), id: 'é' },
    JSON.stringify(record({ id: 'é' })),
  ],
  [
    'with its own date first',
    { json: SPACED, publishedAt: '2026-01-01T00:00:00Z' },
    JSON.stringify({ publishedAt: '', ...record() }),
  ],
])('the store keeps a record %s', (_, unparsed, expected) => {
  expect(kept(unparsed)).toBe(expected);
});

test.each([1.5, 1e20, true, ['a']])('%s is no id: its digits are not certain', (id) => {
  expect(kept({ json: JSON.stringify(record({ id })) })).toMatchObject(['invalid_article', [{ field: 'id' }]]);
});

test('an id of a million marks is refused at once, and such a tag is cut', () => {
  const id = `a${'\u0301\u0316'.repeat(1_000_000)}`;
  const rule = 'must have 1 to 512 characters';

  expect(kept({ json: JSON.stringify(record({ id })) })).toMatchObject(['invalid_article', [{ field: 'id', rule }]]);
  expect(kept({ json: JSON.stringify(record({ id })), id: 'b' })).toMatchObject(['invalid_article', [{ field: 'id' }]]);
  const parsed = parseRecord({ json: JSON.stringify(record({ tags: [id] })) }, newsroom);
  expect(parsed).toMatchObject({ adjustments: [{ kind: 'long_name_cut', field: 'tags[0]' }] });
});

test('a record of another id is refused, and so is a text that is not JSON, with its line and column', () => {
  expect(kept({ json: SPACED, id: 'b' })).toEqual([
    'invalid_article',
    [{ field: 'id', value: 'a', rule: 'must be b, as in the address, or left out' }],
  ]);
  expect(kept({ json: '{\n  oops\n}', id: 'b' })).toEqual([
    'invalid_json',
    [{ field: '', rule: 'is not JSON here', line: 2, column: 3 }],
  ]);
});

const cyclic: Record<string, unknown> = { ...record() };
cyclic.tags = [cyclic];

test('a value that contains itself is no record', () => {
  const read = () => unparsedRecord(cyclic);
  const problems = [{ field: '', rule: 'must not contain itself' }];
  expect(read).toThrow(expect.objectContaining({ code: 'invalid_article', problems }));
});

test('an infinity, which JSON would turn into null, is refused in its own field', () => {
  const media = [{ url: '/a.mp3', type: 'audio/mpeg', duration: Number.POSITIVE_INFINITY }];
  const refused = parseRecord(unparsedRecord(record({ media })), newsroom);

  expect(refused).toMatchObject({
    code: 'invalid_article',
    problems: [{ field: 'media[0].duration', value: 'Infinity' }],
  });
});
