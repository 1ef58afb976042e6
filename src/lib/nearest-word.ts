import { distance } from 'fastest-levenshtein';

/** One way to write a known word, ready for comparison: make it once for a list that is searched often. */
export interface Spelling {
  readonly text: string;
  /** A bit for each letter of the text; letters share the 32 bits. */
  readonly letters: number;
  /** Steps that count in addition if this spelling is the nearest. */
  readonly penalty: number;
}

/** The words that are compared letter by letter at most. Those that can be the nearest come first. */
const MAX_COMPARED = 300;

/** @param text in lower case, as `nearestIndex` compares it */
export function spelling(text: string, penalty = 0): Spelling {
  let letters = 0;
  for (let index = 0; index < text.length; index += 1) letters |= 1 << (text.charCodeAt(index) % 32);
  return { text, letters, penalty };
}

/**
 * Returns the known word that looks most like the one asked for, in any case of letters, or undefined if no word is
 * near enough to be meant: more than two letters differ, and more than a third of them. Of equally near words, returns
 * the first.
 */
export function nearestWord(asked: string, known: readonly string[]): string | undefined {
  const index = nearestIndex(
    asked,
    known.map((word) => [spelling(word.toLowerCase())]),
  );
  return index === undefined ? undefined : known[index];
}

/** Known words by the words that other systems and languages have for them, in lower case and without separators. */
export type Synonyms = ReadonlyMap<string, readonly string[]>;

/** @param words the other words of each known word, with spaces between them */
export function synonymsOf(words: Readonly<Record<string, string>>): Synonyms {
  const known = new Map<string, string[]>();
  for (const [word, others] of Object.entries(words)) {
    for (const other of others.split(' ')) known.set(other, [...(known.get(other) ?? []), word]);
  }
  return known;
}

/** Least letters of a word that counts as the beginning of another. */
const MIN_PREFIX = 3;
/** Characters. No typing mistake makes a word longer. */
const LONGEST_WORD = 200;

/**
 * Returns the known word that somebody probably means: the same word with other separators or in the other number, the
 * word of another system or language, the nearest word, or a word that begins like it.
 */
export function meantWord(asked: string, known: readonly string[], synonyms: Synonyms = new Map()): string | undefined {
  if (asked.length > LONGEST_WORD) return undefined;
  const word = joinedWord(asked);
  if (word === '') return undefined;
  const same =
    known.find((each) => joinedWord(each) === word) ??
    known.find((each) => singular(joinedWord(each)) === singular(word));
  if (same !== undefined) return same;
  const named = synonyms.get(word)?.find((each) => known.includes(each));
  if (named !== undefined) return named;
  return nearestWord(asked.trim(), known) ?? known.find((each) => beginsLike(joinedWord(each), word));
}

/** `published_at`, `published-at` and `Published At` are one word. */
function joinedWord(text: string): string {
  return text
    .normalize('NFC')
    .toLowerCase()
    .replace(/[\s_./-]+/g, '');
}

/** `entry` of `entries`, `tag` of `tags`. */
function singular(word: string): string {
  return word.replace(/ies$/, 'y').replace(/(?<=..)s$/, '');
}

function beginsLike(one: string, other: string): boolean {
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  return short.length >= MIN_PREFIX && long.startsWith(short);
}

/** `. Did you mean title?`, for the end of a message; empty without a word. */
export function didYouMean(word: string | undefined): string {
  return word === undefined ? '' : `. Did you mean ${word}?`;
}

/**
 * Returns the index of the known word that `nearestWord` would find, for words that have several spellings. If several
 * hundred words look alike, the result is near, but perhaps not the nearest: the time that a search takes is bounded.
 */
export function nearestIndex(asked: string, known: readonly (readonly Spelling[])[]): number | undefined {
  const wanted = spelling(asked.toLowerCase());
  const limit = Math.floor(Math.max(2, wanted.text.length / 3));
  let nearest: { readonly index: number; readonly steps: number } | undefined;
  let compared = 0;
  for (const [least, indexes] of byLeastSteps(wanted, known, limit).entries()) {
    for (const index of indexes) {
      const enough = nearest === undefined ? limit : nearest.steps - (index < nearest.index ? 0 : 1);
      if (least > enough) continue;
      if (compared === MAX_COMPARED) return nearest?.index;
      compared += 1;
      const steps = stepsWithin(enough, wanted, known[index] ?? []);
      if (steps <= enough) nearest = { index, steps };
    }
  }
  return nearest?.index;
}

/** The indexes of the words by their least steps, from 0 to `limit`: words that need more are left out. */
function byLeastSteps(wanted: Spelling, known: readonly (readonly Spelling[])[], limit: number): number[][] {
  const buckets: number[][] = Array.from({ length: limit + 1 }, () => []);
  for (const [index, spellings] of known.entries()) {
    let least = limit + 1;
    for (const each of spellings) least = Math.min(least, leastSteps(wanted, each));
    buckets[least]?.push(index);
  }
  return buckets;
}

/** The steps to the nearest spelling; infinite if they are certain to be more than `limit`. */
function stepsWithin(limit: number, wanted: Spelling, spellings: readonly Spelling[]): number {
  let nearest = Number.POSITIVE_INFINITY;
  for (const each of spellings) {
    if (leastSteps(wanted, each) > limit) continue;
    nearest = Math.min(nearest, each.penalty + distance(wanted.text, each.text));
  }
  return nearest;
}

/**
 * A lower bound of the steps to a spelling, which costs a fraction of counting them: one step changes the length by at
 * most one, and replaces at most one letter.
 */
function leastSteps({ text, letters }: Spelling, other: Spelling): number {
  const lengths = Math.abs(text.length - other.text.length);
  return other.penalty + Math.max(lengths, countBits(letters & ~other.letters), countBits(other.letters & ~letters));
}

/** The number of set bits, summed in pairs, then in groups of four and of eight. */
function countBits(bits: number): number {
  const pairs = bits - ((bits >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
