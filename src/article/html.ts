import { decodeHTML } from 'entities/decode';
import { Parser } from 'htmlparser2';
import MarkdownIt from 'markdown-it';
import { type Direction, escapeHtml, oneSpaced, xmlText } from '../lib/text.ts';

/** Deeper nesting comes from machines, and overflows the stack of some reader. */
export const MAX_DEPTH = 100;

/** Whether elements stand in one another deeper than `MAX_DEPTH`. Cleaning such a body could take minutes. */
export function isNestedTooDeep(html: string): boolean {
  if (!hasMoreTags(html, MAX_DEPTH)) return false;
  let depth = 0;
  let tooDeep = false;
  const parser = new Parser({
    onopentagname() {
      depth += 1;
      if (depth <= MAX_DEPTH) return;
      tooDeep = true;
      parser.pause();
    },
    onclosetag() {
      depth -= 1;
    },
  });
  parser.write(html);
  return tooDeep;
}

/** Whether there are more signs that could begin a tag. */
function hasMoreTags(html: string, count: number): boolean {
  let place = -1;
  for (let found = 0; found <= count; found += 1) {
    place = html.indexOf('<', place + 1);
    if (place < 0) return false;
  }
  return true;
}

// Nested deeper than this its parser drops text without a word; such a body is refused for its depth.
const commonMark = new MarkdownIt({ html: true, maxNesting: 2 * MAX_DEPTH });

/** Markdown (CommonMark with tables and strikethrough) as HTML, still to be cleaned. */
export function markdownToHtml(markdown: string): string {
  return commonMark.render(markdown);
}

/** Plain text as HTML: a paragraph for each block between blank lines, or for each line where there are none. */
export function plainTextToHtml(text: string): string {
  const trimmed = xmlText(text).trim();
  const separator = /\n[ \t]*\n/.test(trimmed) ? /\n(?:[ \t]*\n)+/ : /\n/;
  return trimmed
    .split(separator)
    .map((paragraph) => paragraph.trim())
    .filter((paragraph) => paragraph !== '')
    .map((paragraph) => `<p>${escapeHtml(paragraph).replaceAll('\n', '<br />\n')}</p>`)
    .join('\n');
}

/** The body within an element that says how it is written, which a reader of another direction must be told. */
export function withDirection(html: string, language: string, direction: Direction): string {
  return direction === 'rtl' ? `<div dir="rtl" lang="${escapeHtml(language)}">${html}</div>` : html;
}

/** Elements within a line: their edges do not part words. */
const INLINE = new Set(
  'a abbr b bdi bdo cite code del em i ins kbd mark q rp rt ruby s samp small span strong sub sup time u var wbr'.split(
    ' ',
  ),
);
/** What stands beside the story rather than in it. */
const ASIDE = new Set(['figcaption', 'table', 'aside', 'rt', 'rp']);

/** The words of clean HTML on one line, without captions and tables, up to about `limit` characters. */
export function htmlToText(html: string, limit: number): string {
  const tags = /<(\/?)([a-z0-9]+)[^>]*>/g; // no sign that ends a tag stands in a value of clean HTML
  let text = '';
  let aside = 0;
  let isRaw = false;
  for (let place = 0; ; place = tags.lastIndex) {
    const tag = tags.exec(html);
    const words = html.slice(place, tag?.index);
    if (aside === 0) text += isRaw ? words : decodeHTML(words);
    const isLong = text.length > limit * 4;
    if (tag === null || isLong) text = oneSpaced(text);
    if (tag === null || (isLong && text.length > limit * 2)) return text.trim();
    const [, slash, name = ''] = tag;
    if (ASIDE.has(name)) aside += slash === '' ? 1 : -1;
    if (!INLINE.has(name)) text += ' ';
    isRaw = name === 'iframe' && slash === ''; // references in it are none
  }
}
