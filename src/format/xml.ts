import { SaxesParser } from 'saxes';

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
 * Reads elements with such a parser, each as if it were the only one within the root.
 *
 * @param root its start tag
 * @throws where one is not well-formed, is not one element from its first sign to its last, or has a prefix that is not
 * declared
 */
export function assertWellFormedEach(root: string, elements: readonly string[]): void {
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

function createParser() {
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', (error) => {
    throw error;
  });
  return parser;
}
