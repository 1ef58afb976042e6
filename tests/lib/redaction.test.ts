import { expect, test } from 'vitest';
import { withoutKeys } from '../../src/lib/redaction.ts';

const SECRET = 'Abc_-'.repeat(8).concat('xyz');
const KEY = `fp_0123456789ab_${SECRET}`;

/** Every character as a percent-encoding. */
function encoded(text: string): string {
  return Buffer.from(text).toString('hex').replace(/../g, '%$&');
}

test.each<[string, string, string]>([
  ['a key', KEY, 'fp_0123456789ab_***'],
  ['a key among words', `no key ${KEY}, sir`, 'no key fp_0123456789ab_***, sir'],
  ['two keys', `${KEY} ${KEY}`, 'fp_0123456789ab_*** fp_0123456789ab_***'],
  ['a key in JSON', JSON.stringify({ key: KEY }), '{"key":"fp_0123456789ab_***"}'],
  ['the beginning of a key', KEY.slice(0, 30), 'fp_0123456789ab_***'],
  ['a key with a prefix in capitals', KEY.replace('fp_', 'FP_'), 'fp_0123456789ab_***'],
  ['an encoded prefix', KEY.replace('fp_', '%66p_'), 'fp_0123456789ab_***'],
  ['an encoded key', encoded(KEY), 'fp_0123456789ab_***'],
  ['an encoded key in a path', `/partners/msn/${encoded(KEY)}/a%20b`, '/partners/msn/fp_0123456789ab_***/a%20b'],
  ['no key', 'fp_x 100%', 'fp_x 100%'],
  ['a path without a key', '/feeds/section/%77orld.rss', '/feeds/section/%77orld.rss'],
])('%s', (_, text, expected) => {
  expect(withoutKeys(text)).toBe(expected);
});
