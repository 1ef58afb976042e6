import { SaxesParser } from 'saxes';
import { endOf } from '../lib/text.ts';

/**
 * Text as XML character data and attribute value alike. `&` and `<` are written as the RSS profile advises for titles,
 * because a reader that unescapes once too often still shows the right sign; a line feed would be a space in an
 * attribute (XML 1.0 §3.3.3).
 */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"\n]/g, (sign) => `&#x${sign.charCodeAt(0).toString(16).toUpperCase()};`);
}

type Attributes = Readonly<Record<string, string | number | undefined>>;

/** A start tag with those attributes that have a value. */
export function startTag(name: string, attributes: Attributes = {}): string {
  const list = Object.entries(attributes).map(([key, value]) =>
    value === undefined ? '' : ` ${key}="${escapeXml(String(value))}"`,
  );
  return `<${name}${list.join('')}>`;
}

/** An element with text in it, or an empty one. */
export function element(name: string, attributes: Attributes, text?: string): string {
  const start = startTag(name, attributes);
  return text === undefined ? `${start.slice(0, -1)}/>` : `${start}${escapeXml(text)}</${name}>`;
}

/** An element with elements in it, each on a line of its own, `depth` levels deep in a document as `feed` indents it. */
export function parent(name: string, attributes: Attributes, children: readonly string[], depth: number): string {
  const indent = indentation(depth);
  return [startTag(name, attributes), ...children.map((child) => `${indent}    ${child}`), `${indent}</${name}>`].join(
    '\n',
  );
}

export function indentation(depth: number): string {
  return '    '.repeat(depth);
}

/** Text on its way through `feed` to xml-js, which unescapes `&amp;` before it escapes: one `&` more comes out right. */
export function forXmlJs(text: string): string {
  return text.replaceAll('&', '&amp;');
}

/** HTML on its way through `feed` into CDATA, of which it can split only one `]]>`: the same HTML without any. */
export function forCdata(html: string): string {
  return html.replaceAll(']]>', ']]&gt;');
}

/**
 * What stands between the first start tag of `name` and the last end tag of it, without the white space around.
 *
 * @throws where the document has no such element
 */
export function innerOf(document: string, name: string): string {
  const start = document.indexOf('>', document.indexOf(`<${name}`)) + 1;
  const end = document.lastIndexOf(`</${name}>`);
  if (start === 0 || end < start) throw new Error(`no <${name}> in the document`);
  return document.slice(start, end).trim();
}

/**
 * The same of each of several elements in one document as `feed` writes it: `depth` levels deep, one after another.
 *
 * @throws where it cannot be told for certain where one ends
 */
export function innersOf(document: string, name: string, { count, depth }: { count: number; depth: number }): string[] {
  const all = innerOf(document, name);
  if (count === 1) return [all];
  // Each end is there, and no two can share a sign: where there are no more than there have to be, all are real.
  const inners = all.split(`</${name}>\n${indentation(depth)}<${name}>`);
  if (inners.length !== count) throw new Error(`${inners.length} <${name}> in a document of ${count}`);
  return inners.map((inner) => inner.trim());
}

/**
 * Reads an XML document with a parser that is not the writer's.
 *
 * @throws where it is not well-formed or a namespace prefix is not declared
 */
export function assertWellFormed(document: string): void {
  createParser().write(document).close();
}

/**
 * Asserts of elements that each is well-formed as if it were the only one within the root.
 *
 * @param root its start tag
 * @throws where one is not well-formed, is not one element from its first sign to its last, or has a prefix that is not
 * declared
 */
export function assertWellFormedEach(root: string, elements: readonly string[]): void {
  const prefixes = new Set([...root.matchAll(/ xmlns:([a-z]+)="/g)].map(([, prefix = '']) => prefix));
  const others = elements.filter((each) => !isPlainElement(each, prefixes));
  if (others.length > 0) assertByParser(root, others);
}

/** The same of any elements, by a parser that is not the writer's. */
function assertByParser(root: string, elements: readonly string[]): void {
  const parser = createParser();
  let depth = 0;
  let begun = 0;
  let closedAt = 0;
  parser.on('opentag', () => {
    depth += 1;
    if (depth === 2) begun += 1;
  });
  parser.on('closetag', () => {
    depth -= 1;
    if (depth === 1) closedAt = parser.position;
  });
  parser.write(root);
  let end = root.length;
  for (const each of elements) {
    begun = 0;
    end += each.length;
    parser.write(each);
    // With its last sign it has closed all that it opened, so the next begins as it did: in the root, in nothing else.
    const isOne = each.startsWith('<') && begun === 1 && depth === 1 && closedAt === end;
    if (!isOne) throw new Error('not one element');
  }
}

/** No XML at all, but for the return, which a parser shall judge: it reads it as a line feed (XML 1.0 §2.11). */
const NEVER_PLAIN = /[\u0000-\u0008\u000B-\u001F]/; // one class with these two takes three times as long
const NEVER_PLAIN_EITHER = ['\uFFFE', '\uFFFF'];
const CDATA = '<![CDATA[';
const END_OF_CDATA = ']]>';
const NAME = /(?:[a-z]+:)?[a-zA-Z][a-zA-Z-]*/y;
const ATTRIBUTES = /(?: (?:xml:)?[a-zA-Z]+="[^"<]*")*/y;
const ATTRIBUTE_NAMES = /(?<= )[a-zA-Z:]+(?==")/g;
/** Of the references none that would have to be looked up, nor any to what is no XML. */
const NOT_PLAIN_REFERENCE = /&(?!(?:amp|lt|gt|quot|apos|#x(?:22|26|3C|3E|A));)/;

/**
 * Whether a text is one element, of the plainest kind: of tags with few attributes, text and CDATA. It is well-formed then,
 * which is seen in a fraction of the time that a parser takes. Of what else there is a parser has to judge.
 *
 * @param prefixes those that are declared around it
 */
export function isPlainElement(xml: string, prefixes: ReadonlySet<string>): boolean {
  if (NEVER_PLAIN.test(xml) || NEVER_PLAIN_EITHER.some((sign) => xml.includes(sign)) || !xml.isWellFormed())
    return false;
  const open: string[] = [];
  for (let place = 0; ; ) {
    const innermost = open.at(-1);
    if (innermost !== undefined && xml.startsWith(innermost, place + 2) && xml.startsWith('</', place)) {
      place += 2 + innermost.length;
      if (!xml.startsWith('>', place)) return false;
      place += 1;
      open.pop();
    } else if (innermost !== undefined && xml.startsWith(CDATA, place)) {
      const end = xml.indexOf(END_OF_CDATA, place);
      if (end < 0) return false;
      place = end + END_OF_CDATA.length;
    } else {
      if (!xml.startsWith('<', place)) return false;
      const nameEnd = endOf(NAME, xml, place + 1);
      const name = xml.slice(place + 1, nameEnd);
      const attributesEnd = endOf(ATTRIBUTES, xml, nameEnd);
      if (!isPlainName(name, prefixes) || !arePlain(xml.slice(nameEnd, attributesEnd))) return false;
      const isEmpty = xml.startsWith('/>', attributesEnd);
      if (!isEmpty && !xml.startsWith('>', attributesEnd)) return false;
      place = attributesEnd + (isEmpty ? 2 : 1);
      if (!isEmpty) open.push(name);
    }
    if (open.length === 0) return place === xml.length;
    const next = xml.indexOf('<', place);
    if (next < 0) return false;
    const text = xml.slice(place, next);
    if (text.includes(END_OF_CDATA) || NOT_PLAIN_REFERENCE.test(text)) return false;
    place = next;
  }
}

function isPlainName(name: string, prefixes: ReadonlySet<string>): boolean {
  const colon = name.indexOf(':');
  return name !== '' && (colon < 0 || prefixes.has(name.slice(0, colon)));
}

/** Whether no name stands twice, none declares a prefix, and all values can be read. */
function arePlain(attributes: string): boolean {
  if (attributes === '') return true;
  const names: readonly string[] = attributes.match(ATTRIBUTE_NAMES) ?? [];
  return !names.includes('xmlns') && new Set(names).size === names.length && !NOT_PLAIN_REFERENCE.test(attributes);
}

function createParser() {
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', (error) => {
    throw error;
  });
  return parser;
}
