import { SaxesParser } from 'saxes';
import { endOf } from '../lib/text.ts';

/**
 * Text for XML, as character data and as attribute value. `&` and `<` become character references, as the RSS profile
 * advises for titles: a reader that unescapes once too often still shows the right character. So does a line feed,
 * which would become a space in an attribute (XML 1.0 §3.3.3).
 */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"\n]/g, (character) => `&#x${character.charCodeAt(0).toString(16).toUpperCase()};`);
}

type Attributes = Readonly<Record<string, string | number | undefined>>;

/** A start tag. Attributes without a value are left out. */
export function startTag(name: string, attributes: Attributes = {}): string {
  const list = Object.entries(attributes).map(([key, value]) =>
    value === undefined ? '' : ` ${key}="${escapeXml(String(value))}"`,
  );
  return `<${name}${list.join('')}>`;
}

/** An element with text, or an empty element if there is no text. */
export function element(name: string, attributes: Attributes, text?: string): string {
  const start = startTag(name, attributes);
  return text === undefined ? `${start.slice(0, -1)}/>` : `${start}${escapeXml(text)}</${name}>`;
}

/**
 * An element with child elements, each on its own line.
 *
 * @param depth levels of the element below the root: it is indented as `feed` would indent it
 */
export function parent(name: string, attributes: Attributes, children: readonly string[], depth: number): string {
  const indent = indentation(depth);
  return [startTag(name, attributes), ...children.map((child) => `${indent}    ${child}`), `${indent}</${name}>`].join(
    '\n',
  );
}

export function indentation(depth: number): string {
  return '    '.repeat(depth);
}

/**
 * Prepares text that `feed` passes to xml-js: that unescapes `&amp;` before it escapes, and so would lose one level.
 */
export function forXmlJs(text: string): string {
  return text.replaceAll('&', '&amp;');
}

/** The same HTML without `]]>`, for `feed` to write as CDATA: `feed` would split only the first `]]>`. */
export function forCdata(html: string): string {
  return html.replaceAll(']]>', ']]&gt;');
}

/**
 * The text between the first start tag and the last end tag of an element, without white space at its ends.
 *
 * @throws Error if the document has no such element
 */
export function contentOf(document: string, name: string): string {
  const start = document.indexOf('>', document.indexOf(`<${name}`)) + 1;
  const end = document.lastIndexOf(`</${name}>`);
  if (start === 0 || end < start) throw new Error(`The document has no <${name}>.`);
  return document.slice(start, end).trim();
}

/**
 * The content of each of `count` elements in a document that `feed` wrote: `depth` levels below the root, one after
 * another.
 *
 * @throws Error if it is uncertain where an element ends
 */
export function contentsOf(
  document: string,
  name: string,
  { count, depth }: { count: number; depth: number },
): string[] {
  const all = contentOf(document, name);
  if (count === 1) return [all];
  // Every real boundary is found, and boundaries cannot overlap: if their number is right, none is part of an article.
  const contents = all.split(`</${name}>\n${indentation(depth)}<${name}>`);
  if (contents.length !== count) throw new Error(`The document has ${contents.length} <${name}> instead of ${count}.`);
  return contents.map((content) => content.trim());
}

/**
 * Reads an XML document with an independent parser.
 *
 * @throws Error if the document is not well-formed, or a namespace prefix is not declared
 */
export function assertWellFormed(document: string): void {
  createParser().write(document).close();
}

/**
 * Asserts that each text is one well-formed element, as if it were alone within the root.
 *
 * @param root the start tag of the root
 * @throws Error if a text is not well-formed, is more or less than one element, or has a namespace prefix that is not
 *   declared
 */
export function assertWellFormedEach(root: string, elements: readonly string[]): void {
  const prefixes = new Set([...root.matchAll(/ xmlns:([a-z]+)="/g)].map(([, prefix = '']) => prefix));
  const others = elements.filter((each) => !isPlainElement(each, prefixes));
  if (others.length > 0) assertByParser(root, others);
}

/** The same, with an independent parser, for elements of any kind. */
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
    // Its last character ended it: so the next text begins in the root as well, and in no other element.
    const isOne = each.startsWith('<') && begun === 1 && depth === 1 && closedAt === end;
    if (!isOne) throw new Error('The text is not exactly one XML element.');
  }
}

/** Not XML (XML 1.0 §2.2), except for the carriage return, which a parser has to read as a line feed (§2.11). */
const NOT_PLAIN = /[\u0000-\u0008\u000B-\u001F]/;
/** Not XML either. Searched apart, because one character class with both takes three times as long. */
const NONCHARACTERS = ['\uFFFE', '\uFFFF'];
const CDATA = '<![CDATA[';
const END_OF_CDATA = ']]>';
const NAME = /(?:[a-z]+:)?[a-zA-Z][a-zA-Z-]*/y;
const ATTRIBUTES = /(?: (?:xml:)?[a-zA-Z]+="[^"<]*")*/y;
const ATTRIBUTE_NAMES = /(?<= )[a-zA-Z:]+(?==")/g;
/** Any reference but the predefined entities and the characters that `escapeXml` writes. */
const NOT_PLAIN_REFERENCE = /&(?!(?:amp|lt|gt|quot|apos|#x(?:22|26|3C|3E|A));)/;

/**
 * Whether a text is one element of a plain kind: only tags with plain attributes, text and CDATA. Then it is
 * well-formed, and that is known in a fraction of the time of a parser. If false, a parser has to decide.
 *
 * @param prefixes the namespace prefixes that are declared around the element
 */
export function isPlainElement(xml: string, prefixes: ReadonlySet<string>): boolean {
  if (NOT_PLAIN.test(xml) || NONCHARACTERS.some((character) => xml.includes(character)) || !xml.isWellFormed())
    return false;
  const open: string[] = [];
  for (let position = 0; ; ) {
    const innermost = open.at(-1);
    if (innermost !== undefined && xml.startsWith(innermost, position + 2) && xml.startsWith('</', position)) {
      position += 2 + innermost.length;
      if (!xml.startsWith('>', position)) return false;
      position += 1;
      open.pop();
    } else if (innermost !== undefined && xml.startsWith(CDATA, position)) {
      const end = xml.indexOf(END_OF_CDATA, position);
      if (end < 0) return false;
      position = end + END_OF_CDATA.length;
    } else {
      if (!xml.startsWith('<', position)) return false;
      const nameEnd = endOf(NAME, xml, position + 1);
      const name = xml.slice(position + 1, nameEnd);
      const attributesEnd = endOf(ATTRIBUTES, xml, nameEnd);
      if (!isPlainName(name, prefixes) || !arePlain(xml.slice(nameEnd, attributesEnd))) return false;
      const isEmpty = xml.startsWith('/>', attributesEnd);
      if (!isEmpty && !xml.startsWith('>', attributesEnd)) return false;
      position = attributesEnd + (isEmpty ? 2 : 1);
      if (!isEmpty) open.push(name);
    }
    if (open.length === 0) return position === xml.length;
    const next = xml.indexOf('<', position);
    if (next < 0) return false;
    const text = xml.slice(position, next);
    if (text.includes(END_OF_CDATA) || NOT_PLAIN_REFERENCE.test(text)) return false;
    position = next;
  }
}

function isPlainName(name: string, prefixes: ReadonlySet<string>): boolean {
  const colon = name.indexOf(':');
  return name !== '' && (colon < 0 || prefixes.has(name.slice(0, colon)));
}

/** Whether no attribute is repeated or declares a namespace, and all references in values are plain. */
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
