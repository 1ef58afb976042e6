import { decodeHTML } from 'entities/decode';
import { Parser } from 'htmlparser2';
import MarkdownIt, { type Env, type Token } from 'markdown-it';
import { type Direction, escapeHtml, oneSpaced, xmlText } from '../lib/text.ts';
import { checkCleanLength } from './body-limits.ts';

/** Levels of nesting. Only programs nest deeper, and a deeper body overflows the stack of some feed readers. */
export const MAX_DEPTH = 100;

/** Whether elements are nested deeper than `MAX_DEPTH`. Sanitizing such a body could take minutes. */
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

/** Whether the text has more than `count` characters that could begin a tag. */
function hasMoreTags(html: string, count: number): boolean {
  let offset = -1;
  for (let found = 0; found <= count; found += 1) {
    offset = html.indexOf('<', offset + 1);
    if (offset < 0) return false;
  }
  return true;
}

// Beyond its limit the parser drops text silently. With a higher limit, the body is refused for its depth instead.
const commonMark = new MarkdownIt({ html: true, maxNesting: 2 * MAX_DEPTH });

/**
 * Markdown (CommonMark with tables and strikethrough) as HTML. The result is not sanitized.
 *
 * @param onUnused receives the label of each definition that no link and no picture uses: it is not in the result
 * @throws BodyLimitError where a definition is so long, and used so often, that the result would be
 */
export function markdownToHtml(markdown: string, onUnused?: (label: string) => void): string {
  const environment: Env = {};
  const tokens = commonMark.parse(markdown, environment);
  checkCleanLength(attributesLength(tokens));
  if (onUnused !== undefined && environment.references !== undefined) {
    const used = targetsIn(tokens);
    for (const [label, { href, title }] of Object.entries(environment.references))
      if (!used.has(`${href} ${title}`)) onUnused(label);
  }
  return commonMark.renderer.render(tokens, commonMark.options, environment);
}

/** The characters in the attributes of all tokens. Each use of a definition repeats its address and its title. */
function attributesLength(tokens: readonly Token[]): number {
  let length = 0;
  for (const { attrs, children } of tokens) {
    for (const [, value] of attrs ?? []) length += String(value).length;
    if (children !== null) length += attributesLength(children);
  }
  return length;
}

/** The addresses of the links and pictures in a document, with their titles. */
function targetsIn(tokens: readonly Token[], targets = new Set<string>()): ReadonlySet<string> {
  for (const token of tokens) {
    const address = token.attrGet('href') ?? token.attrGet('src');
    if (address !== null) targets.add(`${address} ${token.attrGet('title') ?? ''}`);
    if (token.children !== null) targetsIn(token.children, targets);
  }
  return targets;
}

/** Plain text as HTML: a paragraph for each block between blank lines; without blank lines, for each line. */
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

/**
 * The body, within an element that declares its direction and language where it is written from right to left. A body that
 * has this element, as one from a feed of ours, gets no second one.
 */
export function withDirection(html: string, language: string, direction: Direction): string {
  if (direction !== 'rtl') return html;
  const tag = `<div dir="rtl" lang="${escapeHtml(language)}">`;
  return html.startsWith(tag) && isOneDiv(html) ? html : `${tag}${html}</div>`;
}

/** Whether the first `div` of clean HTML ends where the HTML ends. */
function isOneDiv(html: string): boolean {
  let depth = 0;
  for (const { 0: tag, index } of html.matchAll(/<div[ >]|<\/div>/g)) {
    depth += tag === '</div>' ? -1 : 1;
    if (depth === 0) return index + tag.length === html.length;
  }
  return false;
}

/** Inline elements: they do not separate words. */
const INLINE = new Set(
  'a abbr b bdi bdo cite code del em i ins kbd mark q rp rt ruby s samp small span strong sub sup time u var wbr'.split(
    ' ',
  ),
);
/** Elements whose text is no part of a summary: it is beside the story, or was struck out, which plain text cannot show. */
const LEFT_OUT = new Set(['figcaption', 'table', 'aside', 'rt', 'rp', 's', 'del']);

/** The text of sanitized HTML on one line, without captions, tables and struck-out words, up to about `limit` characters. */
export function htmlToText(html: string, limit: number): string {
  const tags = /<(\/?)([a-z0-9]+)[^>]*>/g; // sanitized HTML has no > in an attribute
  let text = '';
  let leftOut = 0;
  let host: string | undefined;
  for (let offset = 0; ; offset = tags.lastIndex) {
    const tag = tags.exec(html);
    const words = html.slice(offset, tag?.index);
    // A link in the place of a page that has no title shows its host, and has a paragraph for itself.
    const isReplacement = words === host && html.startsWith('</a></p>', tag?.index);
    if (leftOut === 0 && !isReplacement) text += decodeHTML(words);
    const isLong = text.length > limit * 4;
    if (tag === null || isLong) text = oneSpaced(text);
    if (tag === null || (isLong && text.length > limit * 2)) return text.trim();
    const [all, slash, name = ''] = tag;
    if (LEFT_OUT.has(name)) leftOut += slash === '' ? 1 : -1;
    if (!INLINE.has(name)) text += ' ';
    const opensParagraph = name === 'a' && html.startsWith('<p>', tag.index - '<p>'.length);
    host = opensParagraph ? /^<a href="https?:\/\/(?:www\.)?([^/"?#:]+)/.exec(all)?.[1] : undefined;
  }
}
