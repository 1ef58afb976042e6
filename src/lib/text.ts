/** Text that is safe in every format, and that readers show in the right order. */

import { memo } from './memo.ts';

export type Direction = 'ltr' | 'rtl';

/** The characters that XML 1.0 §2.2 forbids, and the C1 controls that it discourages. Tab and line feed stay. */
const NOT_XML = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\uFFFE\uFFFF]/g;
/** The same, and other line ends. Few texts have any of these, so that one test replaces two replacements. */
const TO_CLEAN = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\uFFFE\uFFFF]/;

/** Characters that a terminal obeys: controls but tab, and those that change the direction of text. */
const CONTROLS = /[\u0000-\u0008\u000A-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/g;

/**
 * A line for a terminal or a log. Control characters are shown as escapes, such as `\\u001b`: titles, names of files and
 * ids of other people could otherwise clear the screen, change what stands there, or begin a line of their own. In JSON,
 * the escapes mean the same characters.
 */
export function visibleControls(line: string): string {
  return line.replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * The text without characters that XML forbids. A lone surrogate becomes U+FFFD, as in every UTF-8 encoder. Line ends
 * become line feeds, as in every XML parser (XML 1.0 §2.11).
 */
export function xmlText(text: string): string {
  const wellFormed = text.toWellFormed();
  return TO_CLEAN.test(wellFormed) ? wellFormed.replace(/\r\n?|\u0085/g, '\n').replace(NOT_XML, '') : wellFormed;
}

/** The characters that `xmlText` removes, in the order of the text. */
export function forbiddenCharacters(text: string): readonly string[] {
  return TO_CLEAN.test(text) ? (text.replace(/\r\n?|\u0085/g, '\n').match(NOT_XML) ?? []) : [];
}

/** The halves of characters that `xmlText` replaces: lone surrogates. */
export function brokenCharacters(text: string): readonly string[] {
  return text.isWellFormed() ? [] : (text.match(/\p{Surrogate}/gu) ?? []);
}

/** `xmlText` on one line, for titles and names. */
export function lineText(text: string): string {
  return oneSpaced(xmlText(text)).trim();
}

/** A character that `xmlText` removes or replaces. Line ends stay. */
const FORBIDDEN = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u0084\u0086-\u009F\uFFFE\uFFFF]|\p{Cs}/gu;

/** The characters of the text that XML forbids: their number, and the first one as `U+0001`. */
export function forbiddenIn(text: string): { readonly count: number; readonly first: string } {
  let count = 0;
  let first = '';
  for (const [character] of text.matchAll(FORBIDDEN)) {
    count += 1;
    first ||= `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
  }
  return { count, first };
}

/**
 * The text with one space in place of every run of white space, tab and line end. Other single spaces stay as they are:
 * in “10 000” and before “!”, French has a space that does not break.
 */
export function oneSpaced(text: string): string {
  // The pattern does not match a single space, so that most texts need no replacement.
  return text.replace(/\s{2,}|[\t-\r\u2028\u2029\uFEFF]/g, ' ');
}

/** The end of a sticky pattern's match at an offset; the offset itself without a match. */
export function endOf(pattern: RegExp, text: string, offset: number): number {
  pattern.lastIndex = offset;
  return pattern.test(text) ? pattern.lastIndex : offset;
}

/** The direction a language is written in (CLDR's script of the language), e.g. `ckb` → rtl, `ku` → ltr. */
export const directionOf = memo(
  (language): Direction => (new Intl.Locale(language).getTextInfo().direction === 'rtl' ? 'rtl' : 'ltr'),
  { max: 1000, maxLength: 100 },
);

/** A character that decides the direction of a line (UAX #9, P2: L, R or AL). Right-to-left scripts have blocks of their own. */
const STRONG =
  /(?<rtl>[\u061C\u200F\u0608\u060B\u060D\u061B\u061D-\u061F\u066D\u06D4\u05BE\u05C0\u05C3\u05C6\u05F3\u05F4\u07C0-\u07C9[[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFE\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]&&\p{L}]])|[\u200E\p{L}\p{Mc}\p{Nl}]/v;
/** Isolated text has no influence on the direction of a line. */
const ISOLATED = /[\u2066-\u2068][^\u2069]*\u2069?/g;
const MARKS: Readonly<Record<Direction, string>> = { ltr: '\u200E', rtl: '\u200F' };

/**
 * A title on one line. Readers take a line's direction from its first strong character (`dir="auto"`, UAX #9 P2). Where
 * that would be the wrong one for the language, a mark stands before the title, which every font has. All else stays as
 * it is: controls of the author's too, and a title without a strong character, such as “2026”.
 */
export function titleText(text: string, direction: Direction): string {
  const line = lineText(text);
  if (/^[\u202A-\u202E\u2066-\u2069]/.test(line)) return line;
  const first = STRONG.exec(line.replace(ISOLATED, ''));
  if (first === null || (first.groups?.rtl === undefined) === (direction === 'ltr')) return line;
  return MARKS[direction] + line;
}

/** Characters. Composing a run of marks takes time that grows with the square of its length. */
const MAX_COMPOSED = 4096;

/** An id or a name in Unicode's composed form (NFC). Text that is too long for either stays as it is. */
export function composed(text: string): string {
  return text.length <= MAX_COMPOSED ? text.normalize('NFC') : text;
}

/** Created at the first use, because it takes 10 ms. */
let graphemes: Intl.Segmenter | undefined;

/** At most `limit` UTF-16 units of the text, cut between words where possible, and never inside a grapheme cluster. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const room = text.slice(0, limit - 1);
  const space = text[limit - 1] === ' ' ? room.length : room.lastIndexOf(' ');
  const cut = space > limit / 2 ? room.slice(0, space) : withoutBrokenGrapheme(text, room.length);
  return `${cut.replace(/[\s\p{Pd}\p{Ps},;:،؛]+$/u, '')}…`;
}

function withoutBrokenGrapheme(text: string, limit: number): string {
  graphemes ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  // A cluster can cross the limit, so that the segmenter needs some text after it.
  let end = 0;
  for (const { index, segment } of graphemes.segment(text.slice(0, limit + 64))) {
    if (index + segment.length > limit) break;
    end = index + segment.length;
  }
  return text.slice(0, end);
}

/** Arabic vowel marks and tatweel: with and without them, the word is the same. */
const OPTIONAL_SIGNS = /[\u064B-\u0652\u0670\u0640]/g;

/** Signs that make another name of a word: C++ and C, Disney+ and Disney, A* and A. Addresses have them as words. */
const SPOKEN_SIGNS: ReadonlyMap<string, string> = new Map([
  ['+', 'plus'],
  ['-', 'minus'],
  ['\u2212', 'minus'],
  ['#', 'sharp'],
  ['♯', 'sharp'],
  ['♭', 'flat'],
  ['*', 'star'],
  ['%', 'percent'],
  ['٪', 'percent'],
  ['$', 'dollar'],
  ['€', 'euro'],
  ['£', 'pound'],
  ['¥', 'yen'],
  ['.', 'dot'],
]);

/** Where these signs count. Elsewhere they separate words, as in R-D, #MeToo, M*A*S*H and A$AP. */
const SPOKEN = new RegExp(
  [
    '\\+',
    '(?<=[\\p{L}\\p{M}\\p{N}+#])#',
    '(?<=[\\p{L}\\p{M}\\p{N}♯♭] ?)[♯♭%٪]',
    '(?<=[\\p{L}\\p{M}\\p{N}+#])(?:\\*+|[\u2212$€£¥])(?![*\\p{L}\\p{N}])', // at the end of a word
    '[$€£¥](?=\\p{N})',
    '(?<=^[\\p{L}\\p{N}]{1,2})-+$', // a grade or a blood type, as O-
    '^\\.(?=[\\p{L}\\p{N}]+$)', // the first character of a single word, as .NET
  ].join('|'),
  'gu',
);

/** The words of the signs in a match of `SPOKEN`, as a word of their own. */
function spoken(signs: string): string {
  return ` ${Array.from(signs, (sign) => SPOKEN_SIGNS.get(sign)).join(' ')} `;
}

/** A symbol that is a part of a name, such as ⚽, 🇫🇷 or ₺. The others are spoken, or separate words as punctuation does. */
const SYMBOL = '[[\\p{S}\\p{Emoji_Modifier}]--[\\p{ASCII}©®−♭♯€£¥\\uFFFD]--[\\p{Sk}--\\p{Emoji_Modifier}]]';
/**
 * The words of a name: letters and digits, or symbols side by side. A joiner makes one picture of two emoji (UTS #51
 * §1.4.9), tags make the flag of a region, and U+20E3 makes a keycap.
 */
const WORDS = new RegExp(
  `[\\p{L}\\p{M}\\p{N}]+|(?:${SYMBOL}|[#*]\\u20E3)(?:${SYMBOL}|\\u200D(?=${SYMBOL})|[\\u{E0020}-\\u{E007F}\\u20E3])*`,
  'gv',
);
/** They choose between the two pictures of a character, which is the same character (UTS #51 §1.4.3). */
const EMOJI_VARIATIONS = /[\uFE0E\uFE0F]/g;

/** The text without the characters that choose how emoji look: keyboards write them, and slugs have none. */
export function withoutVariations(text: string): string {
  return text.replace(EMOJI_VARIATIONS, '');
}

/**
 * A name in the form for addresses: in its own script and lower case, with hyphens between words. Spellings that are
 * equal by NFKC give the same slug. Only a name that shows nothing gives an empty string.
 */
export function slugOf(name: string): string {
  const text = withoutVariations(name).normalize('NFKC').toLowerCase().replace(OPTIONAL_SIGNS, '').trim();
  const words = text
    .replace(SPOKEN, spoken)
    .replace(/['’‘ʼ]/g, '')
    .match(WORDS);
  const slug = words === null ? slugOfSigns(text) : words.join('-');
  // i with a dot is the lower case of the Turkish İ. What stood between a letter and its mark is gone: they are one character
  // now, as in the address that readers request.
  return slug.replace(/i\u0307+/g, 'i').normalize('NFC');
}

/** Unicode's names of the signs on keyboards. Some have a meaning in addresses. */
const SIGN_NAMES: ReadonlyMap<string, string> = new Map([
  ['!', 'exclamation-mark'],
  ['"', 'quotation-mark'],
  ['#', 'number-sign'],
  ['$', 'dollar-sign'],
  ['%', 'percent-sign'],
  ['&', 'ampersand'],
  ["'", 'apostrophe'],
  ['(', 'left-parenthesis'],
  [')', 'right-parenthesis'],
  ['*', 'asterisk'],
  [',', 'comma'],
  ['.', 'full-stop'],
  ['/', 'solidus'],
  [':', 'colon'],
  [';', 'semicolon'],
  ['<', 'less-than-sign'],
  ['=', 'equals-sign'],
  ['>', 'greater-than-sign'],
  ['?', 'question-mark'],
  ['@', 'commercial-at'],
  ['[', 'left-square-bracket'],
  ['\\', 'reverse-solidus'],
  [']', 'right-square-bracket'],
  ['^', 'circumflex-accent'],
  ['`', 'grave-accent'],
  ['{', 'left-curly-bracket'],
  ['|', 'vertical-line'],
  ['}', 'right-curly-bracket'],
  ['~', 'tilde'],
]);

/** The slug of a name without words: the names of its signs, or the signs themselves if a keyboard does not have them all. */
function slugOfSigns(text: string): string {
  const signs = text.match(/[\p{P}\p{S}]/gu) ?? [];
  const names = signs.flatMap((sign) => SIGN_NAMES.get(sign) ?? []);
  if (names.length > 0 && signs.every((sign) => sign <= '~')) return names.join('-');
  return signs.filter((sign) => !['/', '\\', '.'].includes(sign)).join('');
}

/** The text as HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
