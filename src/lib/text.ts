/** Text that is safe in every format, and that readers show in the right order. */

import { memo } from './memo.ts';

export type Direction = 'ltr' | 'rtl';

/** The characters that XML 1.0 §2.2 forbids, and the C1 controls that it discourages. Tab and line feed stay. */
const NOT_XML = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\uFFFE\uFFFF]/g;
/** The same, and other line ends. Few texts have any of these, so that one test replaces two replacements. */
const TO_CLEAN = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\uFFFE\uFFFF]/;

/**
 * The text without characters that XML forbids. A lone surrogate becomes U+FFFD, as in every UTF-8 encoder. Line ends
 * become line feeds, as in every XML parser (XML 1.0 §2.11).
 */
export function xmlText(text: string): string {
  const wellFormed = text.toWellFormed();
  return TO_CLEAN.test(wellFormed) ? wellFormed.replace(/\r\n?|\u0085/g, '\n').replace(NOT_XML, '') : wellFormed;
}

/** The same on one line, for titles and names: every run of white space becomes one space. */
export function lineText(text: string): string {
  return oneSpaced(xmlText(text)).trim();
}

/** The text with one space in place of every run of white space. */
export function oneSpaced(text: string): string {
  // The pattern does not match a single space, so that most texts need no replacement.
  return text.replace(/[^\S ]\s*| \s+/g, ' ');
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

const RTL_LETTER =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]/u;
const LTR_LETTER =
  /[\p{L}--[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]]/v;
const BIDI_CONTROL = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/;

/** A number before the first letter. A list in the other direction would move it to the other end. */
const LEADING_NUMBER = /^[^\p{L}]*\p{Nd}/u;
/** Punctuation at an end, which has no direction. Such a list would move it as well. */
const LOOSE_END = /^[\p{P}\p{S}]|(?![؟،؛])[\p{P}\p{S}]$/u;

/**
 * A title on one line whose words stay in order wherever a reader shows it.
 *
 * - A title in one direction stays as it is.
 * - A title that mixes both directions, or begins with a number, is isolated (UAX #9 §2.4), so that a list in the other
 *   direction cannot reorder it. It begins with a mark of its own direction, because `dir="auto"` ignores an isolate.
 * - A right-to-left title with punctuation at an end is isolated as well: most lists show it among left-to-right titles.
 * - A title with bidirectional controls of its author stays as it is.
 */
export function titleText(text: string, direction: Direction): string {
  const line = lineText(text);
  if (BIDI_CONTROL.test(line)) return line;
  if (direction === 'rtl') {
    return LTR_LETTER.test(line) || LEADING_NUMBER.test(line) || LOOSE_END.test(line)
      ? `\u200F\u2067${line}\u2069`
      : line;
  }
  return RTL_LETTER.test(line) || LEADING_NUMBER.test(line) ? `\u200E\u2066${line}\u2069` : line;
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

/**
 * A name in the form for addresses: in its own script and lower case, with hyphens between words. Spellings that are
 * equal by NFKC give the same slug. A name without a letter or digit gives an empty string.
 */
export function slugOf(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll('i\u0307', 'i') // the lower case of the Turkish İ
    .replace(OPTIONAL_SIGNS, '')
    .replace(/['’‘ʼ]/g, '')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '');
}

/** The text as HTML. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
