import mime from 'mime';
import { parseSrcset } from 'srcset';
import { escapeHtml, shorten } from '../../lib/text.ts';
import type { BodyRules } from './body-rules.ts';
import {
  elementsOf,
  findElement,
  type HtmlElement,
  type HtmlNode,
  isInline,
  nodesText,
  parseHtml,
  STRUCK_OUT,
  writeElement,
} from './html-tree.ts';
import { rowTexts } from './table-text.ts';

const WEB_AND_MAIL: ReadonlySet<string> = new Set(['https:', 'http:', 'mailto:']);
/** Levels of a table down to its cells. */
const TABLE_LEVELS = 4;

/** A part of the result. Parts that stand in a line become a paragraph where their block cannot stay. */
interface Part {
  readonly html: string;
  readonly isBlock: boolean;
  /** Without words, pictures and players. */
  readonly isBlank: boolean;
}

interface State {
  readonly rules: BodyRules;
  /** The links that may still stay. */
  links: number;
  readonly pictures: Set<string>;
  /** The last thing that was written is a line break. */
  isAfterBreak: boolean;
}

/** Where a part is written. */
interface Place {
  /** The levels of elements around a block. */
  readonly depth: number;
  /** The levels around what stands in a line: one more where a paragraph will hold it. */
  readonly lineDepth: number;
  /** The element that holds the part. */
  readonly parent?: string;
  readonly isInHeading?: boolean;
  readonly isInLink?: boolean;
  /** The caption of the pictures in this place. */
  readonly caption?: string;
}

/** Blocks that hold lines of text and no blocks. */
const HOLDS_LINES: ReadonlySet<string> = new Set('p h1 h2 h3 h4 h5 h6 pre caption dt summary'.split(' '));
/** Elements that hold certain elements only. */
const HOLDS_PARTS: ReadonlySet<string> = new Set('ul ol dl table thead tbody tfoot tr colgroup'.split(' '));
/** Where these elements stand. In another place, which an element around them had before it was removed, they are paragraphs. */
const HOLDERS: Readonly<Record<string, ReadonlySet<string>>> = {
  li: new Set(['ul', 'ol']),
  dt: new Set(['dl']),
  dd: new Set(['dl']),
  figcaption: new Set(['figure']),
};
const HEADING = /^h[1-6]$/;
/** Elements that mean something without content. */
const MAY_BE_EMPTY: ReadonlySet<string> = new Set('td th tr col hr wbr'.split(' '));
/** A link takes the place of those that cannot stay. */
const PLAYERS: ReadonlySet<string> = new Set(['iframe', 'audio', 'video']);
const SPACE: Part = { html: ' ', isBlock: false, isBlank: true };

/**
 * Reduces the body of an article to what a consumer takes. The result is well-formed HTML with only the elements and
 * attributes of the rules. Reducing it again changes nothing.
 *
 * @param withoutPictures addresses of pictures that the consumer gets in another place
 */
export function reduceBody(html: string, rules: BodyRules, withoutPictures: readonly string[] = []): string {
  const state: State = {
    rules,
    links: rules.links?.most ?? Number.POSITIVE_INFINITY,
    pictures: new Set(withoutPictures),
    isAfterBreak: false,
  };
  return htmlOf(reduceNodes(parseHtml(html), state, { depth: 0, lineDepth: 0 })).trim();
}

function htmlOf(parts: readonly Part[]): string {
  let html = '';
  for (const part of parts) html += part.html;
  return html;
}

function reduceNodes(nodes: readonly HtmlNode[], state: State, place: Place): Part[] {
  const parts: Part[] = [];
  for (const node of nodes) {
    if (typeof node === 'string') parts.push(textPart(node, state));
    else for (const part of reduceElement(node, state, place)) parts.push(part);
  }
  return parts;
}

function textPart(text: string, state: State): Part {
  const isBlank = text.trim() === '';
  if (!isBlank) state.isAfterBreak = false;
  return { html: escapeHtml(text), isBlock: false, isBlank };
}

function reduceElement(element: HtmlElement, state: State, place: Place): Part[] {
  const { rules } = state;
  const { name } = element;
  if (name === 'br') return lineBreak(state, place);
  if (name === 'img') return picture(element, state, place);
  if (PLAYERS.has(name)) return player(element, state, place);
  if (name === 'table' && !staysTable(rules, place)) return tableAsText(element, state, place);
  if (name === 'figure' && isWithoutPicture(element, state)) return [];
  if (name === 'figcaption' && place.caption !== undefined) return [];
  if (name === 'a' && !takesLink(element, state, place)) return reduceNodes(element.children, state, place);
  const written = rules.renamed?.[name] ?? name;
  if (isAllowed(written, rules, place)) return keepElement(element, written, state, place);
  if (STRUCK_OUT.has(name)) return [];
  return isInline(name) ? inlineContent(element, state, place) : blockContent(element, state, place);
}

function levelOf(name: string, place: Place): number {
  return isInline(name) ? place.lineDepth : place.depth;
}

function isAllowed(name: string, { elements, depth = Number.POSITIVE_INFINITY }: BodyRules, place: Place): boolean {
  if (!elements.has(name) || levelOf(name, place) >= depth) return false;
  if (HEADING.test(name)) return place.isInHeading !== true;
  return !Object.hasOwn(HOLDERS, name) || HOLDERS[name]?.has(place.parent ?? '') === true;
}

function keepElement(element: HtmlElement, name: string, state: State, place: Place): Part[] {
  const { isAfterBreak } = state;
  const isLine = isInline(name);
  if (!isLine) state.isAfterBreak = false;
  const depth = levelOf(name, place) + 1;
  const isInHeading = place.isInHeading === true || HEADING.test(name);
  const isInLink = place.isInLink === true || name === 'a';
  const inside = {
    ...within(element, state.rules, place),
    depth,
    lineDepth: depth,
    parent: name,
    isInHeading,
    isInLink,
  };
  const content = reduceNodes(element.children, state, inside);
  const isBlank = content.every((part) => part.isBlank);
  if (isBlank && !MAY_BE_EMPTY.has(name)) {
    if (isLine) return content;
    state.isAfterBreak = isAfterBreak;
    return [SPACE];
  }
  if (!isLine) state.isAfterBreak = false;
  const html = writeElement(name, attributesOf(element, name, state.rules), htmlOf(content));
  return [{ html, isBlock: !isLine || content.some((part) => part.isBlock), isBlank: isBlank && name !== 'hr' }];
}

/** The place of what an element holds, with the caption of a figure where pictures have it as an attribute. */
function within({ name, children }: HtmlElement, { pictures }: BodyRules, place: Place): Place {
  if (name !== 'figure' || pictures?.caption === undefined || !hasPicture(children)) return place;
  const caption = findElement(children, (child) => child.name === 'figcaption');
  return caption === undefined ? place : { ...place, caption: nodesText(caption.children) };
}

function attributesOf(element: HtmlElement, name: string, { attributes }: BodyRules): ReadonlyMap<string, string> {
  if (element.attributes.size === 0) return element.attributes;
  const allowed = [...(attributes['*'] ?? []), ...(Object.hasOwn(attributes, name) ? (attributes[name] ?? []) : [])];
  return new Map([...element.attributes].filter(([key]) => allowed.includes(key)));
}

/** The content of an inline element that cannot stay. */
function inlineContent(element: HtmlElement, state: State, place: Place): Part[] {
  const { name, children } = element;
  if (name === 'rp') return [];
  const content = reduceNodes(children, state, place);
  if (name === 'rt') return between('(', content, ')');
  if (name === 'q') return between('“', content, '”');
  return content;
}

function between(start: string, content: readonly Part[], end: string): Part[] {
  const mark = (html: string): Part => ({ html, isBlock: false, isBlank: false });
  return [mark(start), ...content, mark(end)];
}

function canHoldParagraphs(state: State, { parent, ...place }: Place): boolean {
  if (parent !== undefined && (isInline(parent) || HOLDS_LINES.has(parent) || HOLDS_PARTS.has(parent))) return false;
  return isAllowed('p', state.rules, place);
}

/** The content of a block that cannot stay: its lines become paragraphs, or are set apart by spaces. */
function blockContent(element: HtmlElement, state: State, place: Place): Part[] {
  const nodes = element.name === 'pre' ? withLineBreaks(element.children) : element.children;
  const inside = within(element, state.rules, place);
  if (!canHoldParagraphs(state, place)) return [SPACE, ...reduceNodes(nodes, state, inside), SPACE];
  const { isAfterBreak } = state;
  state.isAfterBreak = false;
  const parts = reduceNodes(nodes, state, { ...inside, lineDepth: place.depth + 1 });
  state.isAfterBreak = parts.every(({ isBlank }) => isBlank) && isAfterBreak;
  return paragraphsOf(parts);
}

/** The parts with a paragraph for each run of lines between blocks. */
function paragraphsOf(parts: readonly Part[]): Part[] {
  const result: Part[] = [];
  let lines: Part[] = [];
  const endLines = () => {
    const isBlank = lines.every((part) => part.isBlank);
    if (lines.length > 0)
      result.push(isBlank ? SPACE : { html: `<p>${htmlOf(lines).trim()}</p>`, isBlock: true, isBlank: false });
    lines = [];
  };
  for (const part of parts) {
    if (part.isBlock) {
      endLines();
      result.push(part);
    } else lines.push(part);
  }
  endLines();
  return result;
}

function withLineBreaks(nodes: readonly HtmlNode[]): readonly HtmlNode[] {
  const lineBreak: HtmlElement = { name: 'br', attributes: new Map(), children: [] };
  return nodes.flatMap((node): HtmlNode[] => {
    if (typeof node !== 'string') return [{ ...node, children: withLineBreaks(node.children) }];
    return node.split('\n').flatMap((line, index) => (index === 0 ? [line] : [lineBreak, line]));
  });
}

function lineBreak(state: State, place: Place): Part[] {
  if (!isAllowed('br', state.rules, place)) return [SPACE];
  if (state.rules.isOneBreak === true && state.isAfterBreak) return [];
  state.isAfterBreak = true;
  return [{ html: '<br />', isBlock: false, isBlank: true }];
}

/** Whether a link stays. If so, it counts. */
function takesLink(element: HtmlElement, state: State, place: Place): boolean {
  const href = element.attributes.get('href');
  if (href === undefined || !canLink(href, state, place)) return false;
  state.links -= 1;
  return true;
}

function canLink(address: string, { rules, links }: State, place: Place): boolean {
  const schemes = rules.links?.schemes ?? WEB_AND_MAIL;
  if (links <= 0 || place.isInLink === true) return false;
  return schemes.has(URL.parse(address)?.protocol ?? '') && isAllowed('a', rules, place);
}

function player(element: HtmlElement, state: State, place: Place): Part[] {
  const { rules } = state;
  const source = findElement([element], ({ attributes }) => attributes.has('src'));
  const address = source?.attributes.get('src') ?? '';
  const host = URL.parse(address)?.host;
  if (host === undefined) return [];
  const stays = element.name !== 'iframe' || rules.players === undefined || rules.players.has(host);
  if (stays && isAllowed(element.name, rules, place)) {
    state.isAfterBreak = false;
    const html = writeElement(element.name, attributesOf(element, element.name, rules), '');
    return [{ html, isBlock: false, isBlank: false }];
  }
  const isParagraph = canHoldParagraphs(state, place);
  if (!canLink(address, state, isParagraph ? { ...place, lineDepth: place.depth + 1 } : place)) return [];
  state.links -= 1;
  state.isAfterBreak = false;
  const link = writeElement(
    'a',
    new Map([['href', address]]),
    escapeHtml(element.attributes.get('title')?.trim() || host),
  );
  return [{ html: isParagraph ? `<p>${link}</p>` : link, isBlock: isParagraph, isBlank: false }];
}

function picture(element: HtmlElement, state: State, place: Place): Part[] {
  const { rules } = state;
  if (!isAllowed('img', rules, place) || !takesPicture(element, state)) return [];
  state.isAfterBreak = false;
  const src = rendition(element, rules);
  if (rules.pictures?.isOnce === true) state.pictures.add(src).add(element.attributes.get('src') ?? '');
  const attributes = new Map(attributesOf(element, 'img', rules)).set('src', src);
  if (src !== element.attributes.get('src')) for (const size of ['width', 'height']) attributes.delete(size);
  const caption = rules.pictures?.caption;
  if (caption !== undefined && place.caption) attributes.set(caption.attribute, shorten(place.caption, caption.limit));
  return [{ html: writeElement('img', attributes, ''), isBlock: false, isBlank: false }];
}

function takesPicture({ attributes }: HtmlElement, { rules, pictures }: State): boolean {
  const src = attributes.get('src');
  if (src === undefined || pictures.has(src)) return false;
  const type = mime.getType(URL.parse(src)?.pathname ?? '');
  return type === null || rules.pictures?.types === undefined || rules.pictures.types.has(type);
}

/** Whether a figure had pictures, and none of them stays: its caption would be without a meaning. */
function isWithoutPicture(figure: HtmlElement, state: State): boolean {
  const pictures = elementsOf(figure, 'img');
  if (pictures.length === 0) return false;
  return !state.rules.elements.has('img') || !pictures.some((element) => takesPicture(element, state));
}

function hasPicture(nodes: readonly HtmlNode[]): boolean {
  return findElement(nodes, ({ name }) => name === 'img') !== undefined;
}

/** The address of the picture in the size that the consumer asks for. */
function rendition({ attributes }: HtmlElement, { pictures }: BodyRules): string {
  const src = attributes.get('src') ?? '';
  const srcset = attributes.get('srcset');
  const width = pictures?.width;
  if (width === undefined || srcset === undefined || Number(attributes.get('width')) >= width) return src;
  const wide = parseSrcset(srcset).filter((candidate) => (candidate.width ?? 0) >= width);
  return wide.sort((one, other) => (one.width ?? 0) - (other.width ?? 0))[0]?.url ?? src;
}

function staysTable(rules: BodyRules, place: Place): boolean {
  return rules.tables !== 'text' && isAllowed('table', rules, { ...place, depth: place.depth + TABLE_LEVELS - 1 });
}

/** A paragraph for each row, and the pictures of the table after them. */
function tableAsText(table: HtmlElement, state: State, place: Place): Part[] {
  const isParagraph = canHoldParagraphs(state, place);
  const { isAfterBreak } = state;
  const rows = rowTexts(table).map((text): Part => {
    const html = escapeHtml(text);
    return { html: isParagraph ? `<p>${html}</p>` : ` ${html} `, isBlock: isParagraph, isBlank: false };
  });
  const pictures = elementsOf(table, 'img').flatMap((element) => picture(element, state, place));
  state.isAfterBreak = rows.length + pictures.length === 0 && isAfterBreak;
  return [...rows, ...(isParagraph ? paragraphsOf(pictures) : pictures)];
}
