/** Signs that a search does not tell apart: marks, tatweel, and the characters without width that join or part letters. */
const WITHOUT = /[\p{M}\u0640\u200B-\u200F\u061C\u2060\u2066-\u2069\u202A-\u202E\uFEFF'’‘ʼ]/gu;
/** Letters that are written in several ways: dotless and dotted i, and letters of Arabic script by their form. */
const SAME: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ı: 'i',
    ø: 'o',
    ł: 'l',
    đ: 'd',
    ß: 'ss',
    æ: 'ae',
    œ: 'oe',
    ي: 'ی',
    ى: 'ی',
    ئ: 'ی',
    ێ: 'ی',
    ك: 'ک',
    ە: 'ه',
    ة: 'ه',
    ۀ: 'ه',
    ھ: 'ه',
    ؤ: 'و',
    ۆ: 'و',
    ڕ: 'ر',
    ڵ: 'ل',
    أ: 'ا',
    إ: 'ا',
    آ: 'ا',
    ٱ: 'ا',
  }),
);
const FOLDED = new RegExp(`[${[...SAME.keys()].join('')}]`, 'gu');

/**
 * A text as searches compare it: without the difference between cases, accents, ways to write a letter, and digits of
 * scripts. Words are parted by single spaces.
 */
export function folded(text: string): string {
  return text
    .replace(FOLDED, (letter) => SAME.get(letter) ?? letter) // before letters are taken apart: some have a mark inside
    .normalize('NFKD')
    .replace(WITHOUT, '')
    .toLowerCase()
    .replace(FOLDED, (letter) => SAME.get(letter) ?? letter)
    .replace(/[٠-٩۰-۹]/g, (digit) => String(digit.charCodeAt(0) & 0xf))
    .replace(/[^\p{L}\p{N}\p{S}]+/gu, ' ')
    .trim();
}

/** A name that can be found. */
export interface Findable {
  /** Folded, each between spaces. */
  readonly words: string;
}

/** The words of some names, for `rank`. */
export function findable(...names: readonly string[]): Findable {
  return { words: ` ${names.map(folded).join('  ')} ` };
}

/**
 * How well a name answers a search: 0 for the name itself, 1 where it begins with the text, 2 where one of its words does,
 * 3 where the text is anywhere in it, 4 where only each of its words is. Undefined where it does not.
 *
 * @param wanted folded, not empty
 */
export function rank({ words }: Findable, wanted: string): number | undefined {
  if (!words.includes(wanted)) return hasWords(words, wanted) ? 4 : undefined;
  if (isWhole(words, wanted)) return 0;
  if (words.startsWith(` ${wanted}`)) return 1;
  return words.includes(` ${wanted}`) ? 2 : 3;
}

function hasWords(words: string, wanted: string): boolean {
  return wanted.includes(' ') && wanted.split(' ').every((word) => words.includes(word));
}

/** Whether the text is one of the names, which stand between two spaces. */
function isWhole(words: string, wanted: string): boolean {
  return `  ${words.trim()}  `.includes(`  ${wanted}  `);
}
