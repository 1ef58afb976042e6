import { indentation } from '../xml.ts';

/** The plain feed with more elements. */

/**
 * A text of elements with more of them at its end.
 *
 * @param depth levels of the element around them below the root
 * @param name the element that ends with the text; a text without one is the beginning of a document
 */
export function withElements(text: string, depth: number, elements: readonly string[], name?: string): string {
  const end = name === undefined ? '' : `${indentation(depth)}</${name}>\n`;
  if (!text.endsWith(end)) throw new Error(`The text does not end with </${name}>.`);
  const inner = name === undefined ? depth : depth + 1;
  const lines = elements.map((each) => `${indentation(inner)}${each}\n`);
  return `${text.slice(0, text.length - end.length)}${lines.join('')}${end}`;
}

/** The beginning of an RSS document with more namespaces at its root. */
export function withNamespaces(head: string, namespaces: Readonly<Record<string, string>>): string {
  const root = '<rss version="2.0"';
  if (!head.includes(root)) throw new Error('The document has no root of RSS 2.0.');
  const declarations = Object.entries(namespaces).map(([prefix, address]) => ` xmlns:${prefix}="${address}"`);
  return head.replace(root, () => `${root}${declarations.join('')}`);
}
