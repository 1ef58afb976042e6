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
 * Reads an XML document with a parser that is not the writer's.
 *
 * @throws where it is not well-formed or a namespace prefix is not declared
 */
export function assertWellFormed(document: string): void {
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', (error) => {
    throw error;
  });
  parser.write(document).close();
}
