import { decodeXml, type OnFault } from './references.ts';

/** A start tag. */
export interface XmlTag {
  /** As the document writes it, with its prefix. */
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** Whether it ends its element as well: `<br/>`. */
  readonly isEmpty: boolean;
}

interface ReadTag extends XmlTag {
  /** The index behind the tag. */
  readonly end: number;
}

const NAME = /<([A-Za-z_:\u0080-\uFFFF][^\s<>/="'&]*)/y;
const END = /\s*(\/?)>/y;
const ATTRIBUTE = /\s+([^\s<>/="']+)\s*=\s*(?:"([^<"]*)"|'([^<']*)')/y;
/** An attribute that XML forbids, but HTML allows: without a value, without quotes, without space before it. */
const LOOSE_ATTRIBUTE = /[\s/]*([^\s<>/="']+)(?:\s*=\s*(?:([^\s<>"']+)|"([^<"]*)"|'([^<']*)'))?/y;
const STRAY = /[\s/=]+|["']/y;
const QUOTED_MARKUP = /[\s/]*([^\s<>/="']+)\s*=\s*(["'])/y;
/** Most attributes of a tag that are kept. */
const MAX_ATTRIBUTES = 10_000;
/** Most characters of a quoted value in which “<” is text. */
const MAX_QUOTED_MARKUP = 1000;

interface TagContext {
  readonly index: number;
  /** Whether no text follows the source. */
  readonly isEnd: boolean;
  /** The index of the next “>” from an index on; -1 if the source has none. */
  readonly bracketFrom: (index: number) => number;
  /** Whether a quoted value may have a “<” that is not escaped. */
  readonly mayQuoteMarkup: boolean;
  readonly onFault: OnFault;
}

/**
 * Reads the start tag at an index of XML. It reads tags of HTML as well, and reports them.
 *
 * @returns `incomplete` if the tag may go on behind the source. If “<” begins no tag here, the index up to which this was read
 */
export function readTag(
  source: string,
  { index, isEnd, bracketFrom, mayQuoteMarkup, onFault }: TagContext,
): ReadTag | 'incomplete' | number {
  const name = match(NAME, source, index)?.[1];
  if (name === undefined) return index;
  const attributes = new Map<string, string>();
  let count = 0;
  const add = ([, key = '', ...values]: RegExpExecArray, at: number) => {
    count += 1;
    if (count === MAX_ATTRIBUTES + 1)
      onFault(`<${name}> has more than ${MAX_ATTRIBUTES} attributes: the others are left out`, at);
    if (count > MAX_ATTRIBUTES) return;
    const written = values.find((candidate) => candidate !== undefined) ?? '';
    const value = /[\t\n]/.test(written) ? written.replace(/[\t\n]/g, ' ') : written; // XML 1.0 §3.3.3
    if (attributes.has(key)) onFault(`<${name}> has the attribute ${key} twice: the first one counts`, at);
    else attributes.set(key, value.includes('&') ? decodeXml(value, (rule) => onFault(rule, at)) : value);
  };
  let at = index + 1 + name.length;
  for (;;) {
    const end = match(END, source, at);
    if (end !== null) return { name, attributes, isEmpty: end[1] === '/', end: at + end[0].length };
    const attribute = match(ATTRIBUTE, source, at);
    if (attribute !== null) {
      add(attribute, at);
      at += attribute[0].length;
      continue;
    }
    if (!isEnd && bracketFrom(at) < 0) return 'incomplete';
    const quoted = mayQuoteMarkup ? quotedMarkup(source, at) : null;
    const loose = quoted ?? match(LOOSE_ATTRIBUTE, source, at);
    if (loose !== null) {
      if (count < MAX_ATTRIBUTES) onFault(looseRule(name, quoted !== null), at);
      add(loose, at);
      at += loose[0].length;
    } else {
      const stray = match(STRAY, source, at)?.[0].length ?? 0;
      if (stray === 0) return at; // another tag begins before this one ends, or the document ends
      at += stray;
    }
  }
}

function looseRule(name: string, hasMarkup: boolean): string {
  if (hasMarkup) return `“<” in an attribute of <${name}> is read as itself. Write &lt;`;
  return `<${name}> must have its attributes in the form name="value"`;
}

/** An attribute whose quoted value has a “<” that is not escaped. */
function quotedMarkup(source: string, at: number): RegExpExecArray | null {
  const opening = match(QUOTED_MARKUP, source, at);
  if (opening === null) return null;
  const [whole, key = '', quote = ''] = opening;
  const start = at + whole.length;
  const value = source.slice(start, start + MAX_QUOTED_MARKUP).split(quote, 1)[0] ?? '';
  const isClosed = source[start + value.length] === quote && /[\s/>]/.test(source[start + value.length + 1] ?? '');
  if (!isClosed) return null;
  opening.splice(0, 3, `${whole}${value}${quote}`, key, value);
  return opening;
}

function match(pattern: RegExp, source: string, index: number): RegExpExecArray | null {
  pattern.lastIndex = index;
  return pattern.exec(source);
}
