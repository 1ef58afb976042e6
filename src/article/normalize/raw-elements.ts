/** Elements that end in their own start tag. XHTML allows that for every element, HTML for none. */
import type { Parser } from 'htmlparser2';

/** Elements whose content the parser takes for text. */
export const RAW: ReadonlySet<string> = new Set('iframe script style textarea title xmp noembed noframes'.split(' '));
const RAW_START = new RegExp(`<(?:${[...RAW].join('|')})(?=[\\s/>])`, 'gi');
/** Of the others, a start tag without an end tag takes the rest of the body with it, as browsers read it. */
const HIDES_ITS_CONTENT = new Set(['script', 'style']);

/** So many tags in comments and attributes are no story's: the parser then gets the rest at once. */
const MOST_MISSES = 1000;

export interface Source {
  /** Tells the source that the parser reads a start tag. */
  readonly onStartTag: (name: string) => void;
  /** Whether the start tag that the parser reads ends in `/>`, and no end tag belongs to it. */
  readonly endsInItsTag: (name: string) => boolean;
  /** Where in the HTML the tag or text begins that the parser reports; after an event, where it reads on. */
  readonly eventStart: () => number;
  /** Where that tag or text ends. */
  readonly eventEnd: () => number;
  /** Gives the HTML to the parser until the end, or until `isDone`. */
  readonly feed: (isDone: () => boolean) => void;
}

/**
 * HTML for a parser. Where an element of raw text begins and no end tag belongs to it, the source adds one: what follows
 * would otherwise be the text of an iframe.
 */
export function createSource(html: string, parser: () => Parser): Source {
  const next = tagFinder(html);
  const starts = new RegExp(RAW_START);
  let raw: string | undefined; // the element of raw text that began at the end of what was fed
  let added = 0;

  const isSelfClosing = (end: number) => html.charAt(end - 2) === '/';
  const hasEnd = (name: string, offset: number): boolean => {
    const end = next(`</${name}`, offset);
    return end < html.length && !(isSelfClosing(offset) && next(`<${name}`, offset) < end);
  };

  return {
    onStartTag(name) {
      if (RAW.has(name)) raw = name;
    },
    endsInItsTag(name) {
      const end = parser().endIndex - added + 1;
      return isSelfClosing(end) && !hasEnd(name, end);
    },
    eventStart: () => parser().startIndex - added,
    eventEnd: () => parser().endIndex - added + 1,
    feed(isDone) {
      let written = 0;
      for (let misses = 0; misses < MOST_MISSES && !isDone(); ) {
        starts.lastIndex = written;
        const end = endOfTag(html, starts.exec(html)?.index ?? html.length);
        if (end === html.length) break;
        raw = undefined;
        parser().write(html.slice(written, end));
        written = end;
        if (raw === undefined)
          misses += 1; // the tag stands in a comment, or in an attribute
        else if (!hasEnd(raw, end) && (isSelfClosing(end) || !HIDES_ITS_CONTENT.has(raw))) {
          const endTag = `</${raw}>`;
          added += endTag.length;
          parser().write(endTag);
        }
      }
      if (!isDone()) parser().end(html.slice(written));
    },
  };
}

/** The offset after the start tag that begins here. A `>` in a quoted value does not end it. */
function endOfTag(html: string, start: number): number {
  const delimiter = /=\s*["']|>/g;
  delimiter.lastIndex = start;
  for (;;) {
    const [found] = delimiter.exec(html) ?? [];
    if (found === undefined) return html.length;
    if (found === '>') return delimiter.lastIndex;
    const close = html.indexOf(found.at(-1) ?? '', delimiter.lastIndex);
    if (close < 0) return html.length;
    delimiter.lastIndex = close + 1;
  }
}

/**
 * Finds the next tag of a kind, as `</iframe`; the length of the text if there is none. Offsets of one kind must not go
 * back. A name may be anything, even a pattern, and each tag may have another: the tags are listed once for all names.
 */
function tagFinder(html: string): (tag: string, offset: number) => number {
  let found: ReadonlyMap<string, readonly number[]> | undefined;
  const positions = new Map<string, number>();
  return (tag, offset) => {
    found ??= tagOffsets(html);
    const offsets = found.get(tag) ?? [];
    let position = positions.get(tag) ?? 0;
    while ((offsets[position] ?? html.length) < offset) position += 1;
    positions.set(tag, position);
    return offsets[position] ?? html.length;
  };
}

const TAG = /<\/?[a-z][^ \n\t\f\r/>]*/gi;

/** The offsets of all tags by their kind in lower case. */
function tagOffsets(html: string): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const { 0: tag, index } of html.matchAll(TAG)) {
    if (index + tag.length === html.length) break; // a tag that is cut off
    const name = tag.toLowerCase();
    const offsets = found.get(name);
    if (offsets === undefined) found.set(name, [index]);
    else offsets.push(index);
  }
  return found;
}
