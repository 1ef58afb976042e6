import { decodeHTML, decodeHTMLAttribute } from 'entities/decode';
import { xmlText } from '../lib/text.ts';
import { LINK_SCHEMES } from '../lib/url.ts';
import { MAX_ATTRIBUTES, MAX_ELEMENTS } from './body-limits.ts';
import {
  type ChangeCounts,
  countAttribute,
  countComment,
  countFrequentAttribute,
  FREQUENT,
  indexOfName,
} from './change-counts.ts';
import { MAX_DEPTH } from './html.ts';
import { countLostAttribute, countLostCandidate } from './lost-attributes.ts';
import { mayMove, type Nesting, nestElements, nestingOf } from './nesting.ts';
import { isLazyName } from './normalize/addresses.ts';
import { mayMatter } from './normalize/styles.ts';
import { ATTRIBUTES, absoluteAttribute, type ResolveUrl, TAGS, VOID, WEB_ADDRESSES } from './sanitize-rules.ts';

/** An allowed element. Iframes are missing: their rules are left to the library. */
interface Element {
  readonly name: string;
  readonly isVoid: boolean;
  /** The allowed attributes. */
  readonly attributes: readonly string[];
  /** Open elements that this element's start tag closes. */
  readonly closes: ReadonlySet<string> | undefined;
  /** The element must have one of these attributes; undefined where it needs none. */
  readonly needs: readonly string[] | undefined;
  /** Whether pages load the element late, by a script. */
  readonly isMedia: boolean;
  readonly nesting: Nesting | undefined;
}

const NEEDS = new Map([
  ['img', ['src']],
  ['source', ['src', 'srcset']],
  ['track', ['src']],
]);
const MEDIA = new Set(['img', 'source', 'video', 'audio', 'picture']);

/** Open elements that a start tag closes (openImpliesClose of htmlparser2). */
const CLOSES = new Map<string, ReadonlySet<string>>(
  [
    ['a', 'a'],
    ['li', 'li'],
    ['dd dt', 'dd dt'],
    ['rt rp', 'rt rp'],
    ['tr', 'tr th td'],
    ['th', 'th'],
    ['td', 'thead th td'],
    ['tbody tfoot', 'thead tbody'],
    ['h1 h2 h3 h4 h5 h6', 'h1 h2 h3 h4 h5 h6 p'],
    [
      'p address article aside blockquote details div dl figcaption figure footer header hr ol pre section table ul',
      'p',
    ],
  ].flatMap(([names = '', closed = '']) => names.split(' ').map((name) => [name, new Set(closed.split(' '))] as const)),
);

const SLASH = 0x2f;
const EXCLAMATION = 0x21;
const EQUALS = 0x3d;
const END_OF_TAG = 0x3e;
/** The characters that may follow a name in a tag: white space, or the end of the tag. */
const AFTER_NAME = new Set([0x20, 0x0a, 0x09, SLASH, END_OF_TAG]);

/**
 * The allowed elements by their first letter, a = 0. For a look-up in a Map, V8 would copy and intern a part of the body,
 * which takes longer than a comparison with the few candidates.
 */
const ELEMENTS: readonly Element[][] = Array.from({ length: 26 }, () => []);
for (const name of TAGS) {
  if (name === 'iframe') continue;
  const attributes = [...(ATTRIBUTES[name] ?? []), ...(ATTRIBUTES['*'] ?? [])];
  ELEMENTS[name.charCodeAt(0) - 0x61]?.push({
    name,
    isVoid: VOID.includes(name),
    attributes,
    closes: CLOSES.get(name),
    needs: NEEDS.get(name),
    isMedia: MEDIA.has(name),
    nesting: nestingOf(name),
  });
}

/** The element whose whole name is at this offset. */
function elementAt(html: string, offset: number): Element | undefined {
  for (const element of ELEMENTS[html.charCodeAt(offset) - 0x61] ?? []) {
    if (html.startsWith(element.name, offset) && AFTER_NAME.has(html.charCodeAt(offset + element.name.length)))
      return element;
  }
  return undefined;
}

/** Attributes that count without a value. Other attributes without a value are removed, except `alt`. */
const BOOLEAN_ATTRIBUTES = new Set(['controls', 'loop', 'muted', 'playsinline', 'default', 'reversed', 'open']);
const ADDRESSES = new Set(['href', 'srcset', ...WEB_ADDRESSES]);
/** An address that sanitize-html keeps as it is. */
const PLAIN_ADDRESS = new RegExp(`^(?:${LINK_SCHEMES.join('|')}):[ -~]*$`);
/** An image candidate of `srcset` that it keeps as it is. */
const PLAIN_CANDIDATE = /^https?:[!-~]*[!-+\--~](?: [1-9]\d{0,4}w| [1-9](?:\.[1-9])?x)?$/;

/**
 * Sanitizes ordinary HTML in a fraction of the time that normalizing it and sanitize-html take, with the same bytes as the
 * result. The text must not have characters that XML forbids.
 *
 * The result consists of escaped text, of tags with an allowed name and attributes from `startTag`, and of unchanged parts
 * of the body. An unchanged part has only `<name>`, `</name>`, and text without `<`, `>` and `&`.
 *
 * @param counts counts what is removed; without a result, its counts mean nothing
 * @returns undefined at the first construct that is not ordinary: the body is then normalized, and sanitized from the start
 */
export function sanitizeFast(html: string, resolve: ResolveUrl, counts?: ChangeCounts): string | undefined {
  const open: string[] = [];
  let isNested = true; // whether a browser leaves each element where it is
  let elements = 0;
  let attributes = 0;
  let hasEmptyPicture = false; // whether a picture began, and no img yet
  let clean = '';
  let written = 0; // the offset up to which `clean` is complete
  let offset = 0;
  let reference = indexOf(html, '&', 0);
  for (;;) {
    const start = indexOf(html, '<', offset);
    let end = indexOf(html, '>', offset);
    if (end < start || reference < start) {
      const text = decoded(html.slice(offset, start), decodeHTML);
      if (text === undefined) return undefined;
      clean += html.slice(written, offset) + escaped(text);
      written = start;
      end = indexOf(html, '>', start);
      reference = indexOf(html, '&', start);
    }
    if (start === html.length) break;
    if (end === html.length) return undefined;
    offset = end + 1;
    let replacement: string | undefined; // undefined where the tag stays as it is
    const character = html.charCodeAt(start + 1);
    if (character === SLASH) {
      const name = elementAt(html, start + 2)?.name;
      if (name === undefined || start + 2 + name.length < end) return undefined;
      if (hasEmptyPicture) return undefined;
      if (name === open.at(-1)) open.pop();
      else {
        elements += 1; // this end tag may stand for an element
        replacement = unexpectedEndTag(name, open);
      }
    } else if (character === EXCLAMATION) {
      offset = endOfComment(html, start);
      if (offset < 0) return undefined;
      if (counts !== undefined) countComment(counts, html, start + 4, offset - 3);
      replacement = '';
    } else {
      const element = elementAt(html, start + 1);
      if (element === undefined) return undefined;
      if (element.isVoid || start + 1 + element.name.length < end) {
        const tag = startTag(html, start, element, resolve, counts);
        if (tag === undefined) return undefined;
        replacement = tag.text;
        offset = tag.end;
        attributes += tag.attributes;
      }
      elements += 1;
      if (element.isMedia) {
        if (hasEmptyPicture && !element.isVoid) return undefined;
        hasEmptyPicture = element.name === 'picture' || (hasEmptyPicture && element.name === 'source');
      }
      const closed = endTagsBefore(element, open);
      if (closed !== '') replacement = closed + (replacement ?? `<${element.name}>`);
      if (element.nesting !== undefined && isNested && mayMove(element.nesting, open)) isNested = false;
      if (!element.isVoid) open.push(element.name);
      if (open.length === MAX_DEPTH) return undefined;
    }
    if (replacement !== undefined) {
      clean += html.slice(written, start) + replacement;
      written = offset;
    }
    // The other way counts exactly, and reports the limit.
    if (elements > MAX_ELEMENTS || attributes > MAX_ATTRIBUTES) return undefined;
    if (reference < offset) reference = indexOf(html, '&', offset);
  }
  if (hasEmptyPicture) return undefined;
  clean += html.slice(written) + endTags(open, 0);
  return (isNested ? clean : nestElements(clean, counts))?.trim();
}

/** Closes the open elements from this index on, and returns their end tags. */
function endTags(open: string[], first: number): string {
  let tags = '';
  while (open.length > first) tags += `</${open.pop()}>`;
  return tags;
}

/** Closes the open elements that a start tag closes, and returns their end tags. */
function endTagsBefore({ closes }: Element, open: string[]): string {
  if (closes === undefined) return '';
  let first = open.length;
  while (closes.has(open[first - 1] ?? '')) first -= 1;
  return endTags(open, first);
}

/** The replacement of an end tag that does not close the innermost element, as htmlparser2 reads it. */
function unexpectedEndTag(name: string, open: string[]): string {
  if (open.includes(name)) return endTags(open, open.lastIndexOf(name));
  if (name === 'p') return '<p></p>';
  return name === 'br' ? '<br />' : '';
}

/** The offset of the character from `start` on, or the length of the text. */
function indexOf(text: string, character: string, start: number): number {
  const index = text.indexOf(character, start);
  return index < 0 ? text.length : index;
}

/** The offset after a comment; -1 where the comment is not ordinary. */
function endOfComment(html: string, start: number): number {
  if (!html.startsWith('<!--', start)) return -1;
  const end = html.indexOf('-->', start + 4);
  if (end < 0 || html.startsWith('>', start + 4) || html.startsWith('->', start + 4)) return -1;
  return html.slice(start + 4, end).includes('--!') ? -1 : end + 3;
}

/** The offset after white space. A loop is twice as fast here as a pattern, because most runs have one character. */
function endOfSpace(html: string, start: number): number {
  let end = start;
  for (let code = html.charCodeAt(end); code === 0x20 || code === 0x0a || code === 0x09; code = html.charCodeAt(end))
    end += 1;
  return end;
}

/** The offset after a name that an attribute can have: `[a-z][a-z0-9:_-]*`; the start without one. */
function endOfName(html: string, start: number): number {
  if (!isLetter(html.charCodeAt(start))) return start;
  let end = start + 1;
  while (isInName(html.charCodeAt(end))) end += 1;
  return end;
}

function isLetter(code: number): boolean {
  return code >= 0x61 && code <= 0x7a;
}

/** Whether the character is a letter, a hyphen, a digit, a colon or `_`. The digits and the colon are neighbours. */
function isInName(code: number): boolean {
  return isLetter(code) || code === 0x2d || (code >= 0x30 && code <= 0x3a) || code === 0x5f;
}

interface StartTag {
  readonly text: string;
  /** The offset after the tag. */
  readonly end: number;
  /** The number of attributes that it had. */
  readonly attributes: number;
}

/** The sanitized start tag; undefined where the tag is not ordinary. */
function startTag(
  html: string,
  start: number,
  element: Element,
  resolve: ResolveUrl,
  counts: ChangeCounts | undefined,
): StartTag | undefined {
  let offset = start + 1 + element.name.length;
  let text = `<${element.name}`;
  const { needs } = element;
  let hasAddress = needs === undefined;
  let seen = 0; // bits for the indexes of allowed attributes
  let seenFrequent = 0; // bits for the indexes of frequent ones
  let others: Set<string> | undefined; // the names of the other ones
  let attributes = 0;
  for (;;) {
    const nameStart = endOfSpace(html, offset);
    const nameEnd = endOfName(html, nameStart);
    if (nameEnd === nameStart) {
      offset = nameStart;
      break;
    }
    if (nameStart === offset) return undefined; // no white space between two attributes
    attributes += 1;
    const hasValue = html.charCodeAt(nameEnd) === EQUALS;
    const quote = html.charAt(nameEnd + 1);
    if (hasValue && quote !== '"' && quote !== "'") return undefined;
    const valueStart = hasValue ? nameEnd + 2 : nameEnd;
    const valueEnd = hasValue ? html.indexOf(quote, valueStart) : nameEnd;
    if (valueEnd < 0) return undefined;
    offset = hasValue ? valueEnd + 1 : nameEnd;
    const length = nameEnd - nameStart;
    const allowed = indexOfName(element.attributes, html, nameStart, length);
    const name = element.attributes[allowed];
    if (name === undefined) {
      if (isMeaningful(html, nameStart, nameEnd, valueStart, valueEnd, element)) return undefined;
      if (counts === undefined) continue;
      const frequent = indexOfName(FREQUENT, html, nameStart, length);
      if (frequent >= 0) {
        if ((seenFrequent & (1 << frequent)) !== 0) continue;
        seenFrequent |= 1 << frequent;
        countFrequentAttribute(counts, frequent);
      } else {
        const other = html.slice(nameStart, nameEnd);
        others ??= new Set();
        if (others.has(other)) continue;
        others.add(other);
        countAttribute(counts, other);
      }
      if (counts.firstValue === '') counts.firstValue = decodeHTMLAttribute(html.slice(valueStart, valueEnd));
      continue;
    }
    if ((seen & (1 << allowed)) !== 0) continue; // the first of two attributes with one name counts
    seen |= 1 << allowed;
    const written = decoded(html.slice(valueStart, valueEnd), decodeHTMLAttribute);
    if (written === undefined) return undefined;
    const onRemoved = counts === undefined || name !== 'srcset' ? undefined : lostCandidates(counts);
    const value = absoluteAttribute(name, written, resolve, onRemoved);
    if (value === undefined || value === '') {
      if (name === 'alt') text += ' alt=""';
      else if (BOOLEAN_ATTRIBUTES.has(name)) text += ` ${name}`;
      else if (counts !== undefined) countLostAttribute(counts, name, written);
      continue;
    }
    if (ADDRESSES.has(name)) {
      if (!isPlain(name, value)) return undefined;
      if (needs?.includes(name) === true) hasAddress = true;
    }
    text += ` ${name}="${escapedValue(value)}"`;
  }
  if (html.charCodeAt(offset) === SLASH) {
    if (element.isMedia && !element.isVoid) return undefined; // what follows is not in the film
    offset += 1;
  }
  if (html.charCodeAt(offset) !== END_OF_TAG || !hasAddress) return undefined;
  return { text: element.isVoid ? `${text} />` : `${text}>`, end: offset + 1, attributes };
}

function lostCandidates(counts: ChangeCounts): (address: string) => void {
  return (address) => countLostCandidate(counts, address);
}

const LETTER_D = 0x64;
const LETTER_H = 0x68;
const LETTER_L = 0x6c;
const LETTER_N = 0x6e;
const LETTER_S = 0x73;

/** Whether an attribute that is removed says something that must be kept, as `hidden`. */
function isMeaningful(
  html: string,
  nameStart: number,
  nameEnd: number,
  valueStart: number,
  valueEnd: number,
  { isVoid, isMedia }: Element,
): boolean {
  switch (html.charCodeAt(nameStart)) {
    case LETTER_H:
      return nameEnd - nameStart === 6 && html.startsWith('hidden', nameStart);
    case LETTER_S:
      return (
        nameEnd - nameStart === 5 &&
        html.startsWith('style', nameStart) &&
        mayMatter(html.slice(valueStart, valueEnd), isVoid)
      );
    case LETTER_D:
    case LETTER_L:
    case LETTER_N:
      return isMedia && isLazyName(html.slice(nameStart, nameEnd));
    default:
      return false;
  }
}

/** The text with its character references decoded; undefined where one stands for a character that XML forbids. */
function decoded(text: string, decode: (text: string) => string): string | undefined {
  if (!text.includes('&')) return text;
  const plain = decode(text);
  return text.includes('&#') && xmlText(plain) !== plain ? undefined : plain;
}

function isPlain(attribute: string, value: string): boolean {
  if (attribute !== 'srcset') return PLAIN_ADDRESS.test(value);
  return value.split(', ').every((candidate) => PLAIN_CANDIDATE.test(candidate));
}

/** Escapes text between tags. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Escapes the value of an attribute. Most values need no escapes. */
function escapedValue(text: string): string {
  return /[&<>"]/.test(text) ? escaped(text).replaceAll('"', '&quot;') : text;
}
