import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliDecompressSync, gunzipSync, gzip, zstdDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createEncodedBody, FEW } from '../../src/document/encoded-body.ts';

const DECODE = { br: brotliDecompressSync, zstd: zstdDecompressSync, gzip: gunzipSync };

test.each(['br', 'zstd', 'gzip'] as const)(
  'few bytes are ready in %s, and more are not before they are made',
  async (coding) => {
    const text = randomBytes(FEW).toString('base64');
    const few = createEncodedBody(Buffer.from(text.slice(0, FEW)));
    const more = createEncodedBody(Buffer.from(text.slice(0, FEW + 1)));
    const ready = few.getIfReady(coding);
    expect(DECODE[coding](ready ?? Buffer.alloc(0)).toString()).toBe(text.slice(0, FEW));
    expect([await few.bytes(coding), few.codings()]).toEqual([ready, ['identity', coding]]);
    expect(more.getIfReady(coding)).toBeUndefined();
    const made = await more.bytes(coding);
    expect([more.getIfReady(coding), more.codings()]).toEqual([made, ['identity', coding]]);
  },
);

/** A thread gives them as well: a document that grows by a word must not be compressed in another way. */
test('few bytes are compressed as a thread would compress them', async () => {
  const bytes = Buffer.from('The council met the river at the bridge. '.repeat(100));
  const inThread = await promisify(gzip)(bytes, { level: 6, windowBits: 13, memLevel: 7 });
  expect(createEncodedBody(bytes).getIfReady('gzip')).toEqual(inThread);
});

test('the growth is reported once for each coding', () => {
  let growths = 0;
  const body = createEncodedBody(Buffer.from('few'), () => {
    growths += 1;
  });
  for (const coding of ['identity', 'br', 'br', 'gzip'] as const) body.getIfReady(coding);
  const bytes = (['identity', 'br', 'gzip'] as const).map((coding) => body.getIfReady(coding)?.length ?? 0);
  expect([growths, body.size()]).toEqual([2, bytes.reduce((sum, length) => sum + length)]);
});

test('a coding was wanted from the second time on', () => {
  const { wasWanted } = createEncodedBody(Buffer.from(''));
  expect([wasWanted('br'), wasWanted('gzip'), wasWanted('br')]).toEqual([false, false, true]);
});
