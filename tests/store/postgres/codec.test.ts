import { expect, test } from 'vitest';
import { articleText } from '../../../src/article/stored.ts';
import { ownKeys } from '../../../src/feed/feeds.ts';
import { jsonString } from '../../../src/lib/json.ts';
import type { Operation } from '../../../src/store/operations.ts';
import { decodeOperation, encodeOperation } from '../../../src/store/postgres/codec.ts';
import { withoutPassword } from '../../../src/store/postgres/errors.ts';
import { article } from '../../helpers.ts';

const AT = Date.UTC(2026, 10, 22);

test.each([10, 10_000])('an operation with texts of %i characters is the same after it was in the log', (length) => {
  const made = article({ title: '“𝔘\u0000é', body: `<p>${'a'.repeat(length)}</p>` });
  const record = new TextEncoder().encode(JSON.stringify({ id: made.id, note: 'ü' }));
  const operation: Operation = {
    name: 'apply',
    at: AT,
    args: [
      [
        { kind: 'put', article: articleText(made), record, feeds: ownKeys(made), changedAt: 0 },
        { kind: 'withdraw', id: 'b', reason: 'wrong' },
      ],
    ],
  };
  const decoded = decodeOperation(encodeOperation(operation), 1);
  expect([decoded.name, decoded.at]).toEqual(['apply', AT]);
  const [changes] = decoded.name === 'apply' ? decoded.args : [[]];
  const [put, withdraw] = changes;
  if (put?.kind !== 'put') throw new Error('the put is missing');
  expect(jsonString(put.article.text)).toBe(jsonString(articleText(made).text));
  expect(jsonString(put.record)).toBe(jsonString(record));
  expect({ ...put.article, text: '' }).toEqual({ ...articleText(made), text: '' });
  expect([put.feeds, put.changedAt, withdraw]).toEqual([
    ownKeys(made),
    0,
    { kind: 'withdraw', id: 'b', reason: 'wrong' },
  ]);
});

test('the hash of a key is bytes again', () => {
  const key = { id: 'k', name: 'n', scope: 'write' as const, hash: new Uint8Array([0, 128, 255]), createdAt: AT };
  const decoded = decodeOperation(encodeOperation({ name: 'createKey', at: 0, args: [key] }), 1);
  expect(decoded).toEqual({ name: 'createKey', at: 0, args: [key] });
});

test('a body with another byte is refused', () => {
  const body = encodeOperation({ name: 'saveSetting', at: AT, args: ['name', 'value'] });
  body.writeUInt8(body.readUInt8(20) ^ 1, 20);
  expect(() => decodeOperation(body, 7)).toThrow('Operation 7 of the log does not match its checksum.');
});

test('a message has no password', () => {
  expect(withoutPassword('connect postgresql://feeds:s3cret@db/feeds?password=other&x=1 failed')).toBe(
    'connect postgresql://feeds:…@db/feeds?password=…&x=1 failed',
  );
});
