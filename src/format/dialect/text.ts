import { shorten } from '../../lib/text.ts';
import { nodesText, parseHtml, STRUCK_OUT } from './html-tree.ts';

/** What is no part of the story that somebody reads aloud: captions, what stands for a player, how a word is spoken. */
const LEFT_OUT: ReadonlySet<string> = new Set([...STRUCK_OUT, 'figcaption', 'audio', 'video', 'iframe', 'rt', 'rp']);

/** The text of a body on one line. */
export function textOf(html: string): string {
  return nodesText(parseHtml(html), LEFT_OUT);
}

/** The characters of a text: those that people count, not the halves of UTF-16. */
export function characterCount(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** Scripts without spaces between words. */
const UNSPACED = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;
const HAS_LETTER = /[\p{L}\p{N}]/u;
/** Created at the first use, because it takes 10 ms. */
let words: Intl.Segmenter | undefined;

/** The words of a text on one line. */
export function wordCount(text: string): number {
  if (!UNSPACED.test(text)) return text.split(' ').filter((word) => HAS_LETTER.test(word)).length;
  words ??= new Intl.Segmenter(undefined, { granularity: 'word' });
  let count = 0;
  for (const { isWordLike } of words.segment(text)) if (isWordLike) count += 1;
  return count;
}

/** The first sentences of a text that together have at most `limit` UTF-16 units. */
export function firstSentences(text: string, limit: number, language: string): string {
  if (text.length <= limit) return text;
  let end = 0;
  for (const { index, segment } of new Intl.Segmenter(language, { granularity: 'sentence' }).segment(text)) {
    if (index + segment.trimEnd().length > limit) break;
    end = index + segment.length;
  }
  return end === 0 ? shorten(text, limit) : text.slice(0, end).trimEnd();
}

/** `1 picture`, `2 pictures` */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
