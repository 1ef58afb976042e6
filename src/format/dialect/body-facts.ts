import type { Article, Image } from '../../article/article.ts';
import { elementsOf, findElement, type HtmlElement, type HtmlNode, nodesText, parseHtml } from './html-tree.ts';
import { wordCount } from './text.ts';

/** A picture of a story: its own, one of its media files, or one of its body. */
export interface Picture extends Image {
  readonly title?: string;
}

/** What rules ask of a body. */
export interface BodyFacts {
  readonly words: number;
  readonly links: readonly string[];
  readonly pictures: readonly Picture[];
  /** The hosts of players. */
  readonly players: readonly string[];
  /** The names of its elements. */
  readonly elements: ReadonlySet<string>;
  /** Levels of elements within each other. */
  readonly depth: number;
}

/** Articles do not change, and several rules ask of the same one. */
const known = new WeakMap<Article, BodyFacts>();

export function bodyFacts(article: Article): BodyFacts {
  const kept = known.get(article);
  if (kept !== undefined) return kept;
  const facts = factsOf(article.html);
  known.set(article, facts);
  return facts;
}

function factsOf(html: string): BodyFacts {
  const nodes = parseHtml(html);
  const body: HtmlElement = { name: 'body', attributes: new Map(), children: nodes };
  const addresses = (name: string, attribute: string) =>
    elementsOf(body, name).flatMap(({ attributes }) => attributes.get(attribute) ?? []);
  return {
    words: wordCount(nodesText(nodes)),
    links: addresses('a', 'href'),
    pictures: picturesIn(nodes),
    players: addresses('iframe', 'src').flatMap((address) => URL.parse(address)?.host ?? []),
    elements: new Set(namesIn(nodes)),
    depth: depthOf(nodes),
  };
}

function picturesIn(nodes: readonly HtmlNode[], caption?: string): Picture[] {
  return nodes.flatMap((node) => {
    if (typeof node === 'string') return [];
    if (node.name === 'img') return pictureOf(node, caption);
    if (node.name !== 'figure') return picturesIn(node.children, caption);
    const own = findElement(node.children, ({ name }) => name === 'figcaption');
    return picturesIn(node.children, own === undefined ? caption : nodesText(own.children));
  });
}

function pictureOf({ attributes }: HtmlElement, caption: string | undefined): Picture[] {
  const url = attributes.get('src');
  if (url === undefined) return [];
  const size = (name: string) => {
    const text = attributes.get(name) ?? '';
    return /^\d{1,6}$/.test(text) ? { [name]: Number(text) } : {};
  };
  const alt = attributes.get('alt');
  return [{ url, ...size('width'), ...size('height'), ...(alt && { alt }), ...(caption && { caption }) }];
}

function namesIn(nodes: readonly HtmlNode[]): string[] {
  return nodes.flatMap((node) => (typeof node === 'string' ? [] : [node.name, ...namesIn(node.children)]));
}

function depthOf(nodes: readonly HtmlNode[]): number {
  return nodes.reduce(
    (most, node) => (typeof node === 'string' ? most : Math.max(most, 1 + depthOf(node.children))),
    0,
  );
}
