/** Text that is safe in every format: what XML 1.0 forbids is gone, and what readers misplace is held in place. */

import { memo } from './memo.ts';

export type Direction = 'ltr' | 'rtl';

/** What XML 1.0 §2.2 forbids, and the C1 controls it discourages; tab and line feed stay. */
const NOT_XML = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\uFFFE\uFFFF]/g;
/** The same and what stands for a line feed. Few texts have any of it, and the others are gone through once. */
const TO_CLEAN = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\uFFFE\uFFFF]/;

/**
 * The text without characters that XML cannot carry. A lone surrogate becomes U+FFFD, as every encoder to UTF-8 makes
 * it; line ends become line feeds, as every XML parser makes them (XML 1.0 §2.11).
 */
export function xmlText(text: string): string {
  const wellFormed = text.toWellFormed();
  return TO_CLEAN.test(wellFormed) ? wellFormed.replace(/\r\n?|\u0085/g, '\n').replace(NOT_XML, '') : wellFormed;
}

/** The same on one line, for titles and names: white space of any kind is one space. */
export function lineText(text: string): string {
  return oneSpaced(xmlText(text)).trim();
}

/** The text with one space for white space of any kind and length. What is one space already is passed over. */
export function oneSpaced(text: string): string {
  return text.replace(/[^\S ]\s*| \s+/g, ' ');
}

/** The place behind what a pattern finds at this one, where it is sticky; the same place where it finds nothing. */
export function endOf(pattern: RegExp, text: string, place: number): number {
  pattern.lastIndex = place;
  return pattern.test(text) ? pattern.lastIndex : place;
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

/** A number before the first letter, which a list in the other direction would put at the other end. */
const LEADING_NUMBER = /^[^\p{L}]*\p{Nd}/u;
/** A sign without a direction of its own at an end, which such a list would move as well. */
const LOOSE_END = /^[\p{P}\p{S}]|(?![؟،؛])[\p{P}\p{S}]$/u;

/**
 * A title in one line whose words stay in order wherever a reader shows it. A title of one direction needs nothing.
 * One that mixes both, or begins with a number, is isolated (UAX #9 §2.4), so that a list in the other direction cannot
 * reorder it, and begins with a mark of its own direction, because `dir="auto"` looks past an isolate. Right-to-left
 * titles, which most lists show among left-to-right ones, keep their outer punctuation by the same means. A title
 * whose author placed controls already is left alone.
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

/** Made when it is first needed: it takes 10 ms of a start. */
let graphemes: Intl.Segmenter | undefined;

/** At most `limit` UTF-16 units of the text, cut between words where there are words, and never inside a character. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const room = text.slice(0, limit - 1);
  const space = text[limit - 1] === ' ' ? room.length : room.lastIndexOf(' ');
  const cut = space > limit / 2 ? room.slice(0, space) : withoutBrokenGrapheme(text, room.length);
  return `${cut.replace(/[\s\p{Pd}\p{Ps},;:،؛]+$/u, '')}…`;
}

function withoutBrokenGrapheme(text: string, limit: number): string {
  graphemes ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  // A cluster can reach past the limit, so the segmenter sees some of what follows as well.
  let end = 0;
  for (const { index, segment } of graphemes.segment(text.slice(0, limit + 64))) {
    if (index + segment.length > limit) break;
    end = index + segment.length;
  }
  return text.slice(0, end);
}

/** Signs a writer may or may not set without changing the word: Arabic vowel marks and tatweel. */
const OPTIONAL_SIGNS = /[\u064B-\u0652\u0670\u0640]/g;

/**
 * A name as it stands in an address: in its own script, lower case, words joined by hyphens. The same for every
 * spelling that Unicode holds equal (NFKC). Returns an empty string for a name without any letter or digit.
 */
export function slugOf(name: string): string {
  return name
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll('i\u0307', 'i') // what lower case makes of the Turkish İ
    .replace(OPTIONAL_SIGNS, '')
    .replace(/['’‘ʼ]/g, '')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '');
}

/** Text as HTML that shows exactly it. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
