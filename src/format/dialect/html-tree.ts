import { Parser } from 'htmlparser2';
import { escapeHtml } from '../../lib/text.ts';

/** A part of a body: text, or an element. */
export type HtmlNode = string | HtmlElement;

export interface HtmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly HtmlNode[];
}

/** Of most elements: a map for each would take as long as its parsing. */
const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map();
/** Elements without content. */
const VOID: ReadonlySet<string> = new Set('br hr img source track col wbr'.split(' '));

/** Elements that stand in lines of text. All others separate what is before them from what is after them. */
const INLINE: ReadonlySet<string> = new Set(
  (
    'a abbr audio b bdi bdo br cite code del em i iframe img ins kbd mark picture q rp rt ruby s samp small source span ' +
    'strong sub sup time track u var video wbr'
  ).split(' '),
);

export function isInline(name: string): boolean {
  return INLINE.has(name);
}

/** The body of an article as a tree. Its elements are closed in the right order, and at most a hundred levels deep. */
export function parseHtml(html: string): readonly HtmlNode[] {
  const root: HtmlNode[] = [];
  const open: HtmlNode[][] = [root];
  const parser = new Parser({
    onopentag(name, attributes) {
      const children: HtmlNode[] = [];
      const list = Object.entries(attributes);
      open.at(-1)?.push({ name, attributes: list.length === 0 ? NO_ATTRIBUTES : new Map(list), children });
      open.push(children);
    },
    ontext(text) {
      const siblings = open.at(-1) ?? root;
      const last = siblings.at(-1);
      if (typeof last === 'string') siblings[siblings.length - 1] = last + text;
      else siblings.push(text);
    },
    onclosetag() {
      if (open.length > 1) open.pop();
    },
  });
  parser.write(html);
  parser.end();
  return root;
}

export function writeElement(name: string, attributes: ReadonlyMap<string, string>, content: string): string {
  let list = '';
  for (const [key, value] of attributes) list += ` ${key}="${escapeHtml(value)}"`;
  return VOID.has(name) ? `<${name}${list} />` : `<${name}${list}>${content}</${name}>`;
}

/** The first element for which the test holds, in the order of the text. */
export function findElement(
  nodes: readonly HtmlNode[],
  isWanted: (element: HtmlElement) => boolean,
): HtmlElement | undefined {
  for (const node of nodes) {
    if (typeof node === 'string') continue;
    const found = isWanted(node) ? node : findElement(node.children, isWanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** What was struck out: without the element, its words would say the opposite. */
export const STRUCK_OUT: ReadonlySet<string> = new Set(['s', 'del']);

/** The words of a part of a body on one line, without those that were struck out, or without the content of other elements. */
export function nodesText(nodes: readonly HtmlNode[], leftOut: ReadonlySet<string> = STRUCK_OUT): string {
  return spacedText(nodes, leftOut).replace(/\s+/g, ' ').trim();
}

function spacedText(nodes: readonly HtmlNode[], leftOut: ReadonlySet<string>): string {
  const parts = nodes.map((node) => {
    if (typeof node === 'string') return node;
    if (leftOut.has(node.name)) return '';
    const words = spacedText(node.children, leftOut);
    return isInline(node.name) && node.name !== 'br' ? words : ` ${words} `;
  });
  return parts.join('');
}

/** All elements of a name in an element, in the order of the text. */
export function elementsOf(element: HtmlElement, name: string): HtmlElement[] {
  return element.children.flatMap((child) => {
    if (typeof child === 'string') return [];
    return child.name === name ? [child, ...elementsOf(child, name)] : elementsOf(child, name);
  });
}
