/** A key as `key create` shows it, or the beginning of one: its id is no secret. */
const KEY = /fp_([0-9a-f]{12})_[\w*-]*/gi;
/** Percent-encodings of characters that need none (RFC 3986 §2.3): `%66p_` is `fp_`. */
const UNRESERVED = /%(?:2[DE]|3\d|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])/gi;

/** Stands for what is left out. */
export const REDACTED = '***';

/** The text without the secrets of keys: `fp_0123456789ab_***`. */
export function withoutKeys(text: string): string {
  if (text.includes('%')) return withoutPlainKeys(text.replace(UNRESERVED, decodeURIComponent), text);
  return withoutPlainKeys(text, text);
}

/** @param as the text as it was, which stays if there is no key in it */
function withoutPlainKeys(text: string, as: string): string {
  if (!/fp_/i.test(text)) return as;
  const redacted = text.replace(KEY, (_, id: string) => `fp_${id}_${REDACTED}`);
  return redacted === text ? as : redacted;
}
