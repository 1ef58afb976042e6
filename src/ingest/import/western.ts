/** Languages whose letters Windows-1252 has. */
const LANGUAGES = new Set(
  'af br ca cy da de en es eu fi fo fr fy ga gd gl gv is it kw lb nb nl nn no oc pt rm sq sv sw wa'.split(' '),
);
/** Letters that no Western language but Icelandic has: in Turkish text they stand for ğ, ş and ı. */
const ICELANDIC = /[\u00D0\u00DD\u00DE\u00F0\u00FD\u00FE]/;
/** Three letters beyond ASCII in a row, as texts in other scripts have. */
const OTHER_SCRIPT = /[\u00C0-\u00FF]{3}/;

/**
 * Whether a text that was read as Windows-1252 by guess can be right: Turkish, Arabic or Cyrillic text would give other
 * letters, which nobody should publish.
 */
export function isWestern(text: string, language: string): boolean {
  const [code = ''] = language.trim().toLowerCase().split(/[-_]/, 1);
  if (code !== '' && !LANGUAGES.has(code)) return false;
  return !OTHER_SCRIPT.test(text) && (code === 'is' || code === 'fo' || !ICELANDIC.test(text));
}
