/** Nests the elements of sanitized HTML so that a browser's parser finds exactly these elements in it (HTML §13.2.6.4). */
import { type ChangeCounts, countAdjustment } from './change-counts.ts';
import { MAX_DEPTH } from './html.ts';
import { VOID } from './sanitize-rules.ts';

const setOf = (names: string): ReadonlySet<string> => new Set(names.split(' '));

const HEADINGS = setOf('h1 h2 h3 h4 h5 h6');
/** Start tags that end an open paragraph. */
const ENDS_PARAGRAPH = setOf(
  'address article aside blockquote dd details div dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header hr li ol p ' +
    'pre section summary table ul',
);
/** Elements of the standard's category “special”, in which a new item does not end the outer one. */
const HOLDS_ITEMS = setOf(
  'article aside blockquote caption colgroup details dd dl dt figcaption figure footer h1 h2 h3 h4 h5 h6 header li ol ' +
    'pre section summary table tbody td tfoot th thead tr ul',
);
/** The items that a new one ends. */
const ITEMS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['li', setOf('li')],
  ['dd', setOf('dd dt')],
  ['dt', setOf('dd dt')],
]);
const RUBY_PARTS = setOf('rp rt');
/** Elements that a new part of a ruby annotation ends. */
const ENDED_BY_RUBY = setOf('dd dt li p rp rt');
const CELLS = setOf('td th caption');
/** The frames of a table, and the parts that each may hold. What is left out between a table and a cell is implied. */
const PARTS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['table', setOf('caption colgroup col thead tbody tfoot tr td th')],
  ['thead', setOf('tr th')], // the parser of the step before ends it at a `td`
  ['tbody', setOf('tr td th')],
  ['tfoot', setOf('tr td th')],
  ['tr', setOf('td th')],
  ['colgroup', setOf('col')],
]);
const TABLE_PARTS = PARTS.get('table') ?? new Set();

/** Written HTML. What a table cannot hold is written before it, into a list of its own. */
type Written = (string | Written)[];

/** An element of the result that is open. */
interface Open {
  name: string;
  readonly hasAddress: boolean;
  /** Where its tags are written, and the index of the start tag. */
  readonly written: Written;
  readonly index: number;
  /** What stands before a table. */
  readonly before: Written;
}

interface State {
  readonly open: Open[];
  readonly counts: ChangeCounts | undefined;
  /** The line ends that may still be written, where the start tag of a `pre` was written last. */
  lineEnds: number;
}

const TAG = /<(\/?)([a-z0-9]+)([^>]*)>/g;

/** Why the position of an element must be looked at: its start tag can end others, or it has a fixed place. */
export type Nesting = 'placed' | 'link' | 'annotation' | 'item' | 'block';

export function nestingOf(name: string): Nesting | undefined {
  if (PARTS.has(name) || TABLE_PARTS.has(name) || name === 'pre') return 'placed';
  if (name === 'a') return 'link';
  if (RUBY_PARTS.has(name)) return 'annotation';
  if (ITEMS.has(name)) return 'item';
  return ENDS_PARAGRAPH.has(name) ? 'block' : undefined;
}

/** Whether a browser could move an element of this kind within the open ones, or end one of them early. */
export function mayMove(nesting: Nesting, open: readonly string[]): boolean {
  if (nesting === 'placed') return true;
  if (open.length === 0) return false;
  if (nesting === 'link') return open.includes('a');
  const parent = open.at(-1);
  if (nesting === 'annotation') return parent !== 'ruby';
  if (nesting === 'item' && parent !== 'ul' && parent !== 'ol' && parent !== 'dl') return true;
  return open.includes('p');
}

/**
 * The same HTML, nested so that a browser finds these elements where they are: paragraphs and items end where another
 * begins, links are not nested, and what is not part of a table does not stand between its parts.
 *
 * @param html sanitized HTML, in which every element is closed in the right order
 * @returns undefined where elements are nested deeper than `MAX_DEPTH`
 */
export function nestElements(html: string, counts: ChangeCounts | undefined): string | undefined {
  const root: Written = [];
  const state: State = { open: [], counts, lineEnds: Number.POSITIVE_INFINITY };
  const elements: (Open | undefined)[] = []; // of the source; undefined without a tag of their own
  let offset = 0;
  for (const { 0: tag, 1: slash, 2: name = '', 3: attributes = '', index } of html.matchAll(TAG)) {
    if (index > offset) writeText(state, root, html.slice(offset, index));
    offset = index + tag.length;
    if (slash === '/') {
      const element = elements.pop();
      while (element !== undefined && state.open.includes(element)) close(state, state.open.at(-1) !== element);
    } else {
      const element = openElement(state, root, tag, name, attributes);
      if (!VOID.includes(name)) elements.push(element);
      if (state.open.length > MAX_DEPTH - (VOID.includes(name) ? 1 : 0)) return undefined;
    }
  }
  if (offset < html.length) writeText(state, root, html.slice(offset));
  return joined(root);
}

function joined(written: Written): string {
  let html = '';
  for (const part of written) html += typeof part === 'string' ? part : joined(part);
  return html;
}

function writeText(state: State, root: Written, text: string): void {
  const { open } = state;
  const top = open.at(-1);
  const isFostered = top !== undefined && PARTS.has(top.name) && text.trim() !== '';
  const written = isFostered ? tableOf(open).before : (top?.written ?? root);
  // A browser skips the first line end of a `pre`, and writes none when it is asked for its HTML.
  const limit = isFostered && written.length === 0 ? 0 : state.lineEnds;
  const lineEnds = limit <= 1 ? (/^\n*/.exec(text)?.[0].length ?? 0) : 0;
  const shown = lineEnds > limit ? text.slice(lineEnds - limit) : text;
  if (shown === '') return;
  write(state, written, shown);
  if (lineEnds === text.length) state.lineEnds = limit - (shown.length - (text.length - lineEnds));
}

function write(state: State, written: Written, html: string): void {
  written.push(html);
  state.lineEnds = Number.POSITIVE_INFINITY;
}

/** Writes a start tag where a browser puts its element; undefined where its tags go, or it has no end tag. */
function openElement(state: State, root: Written, tag: string, name: string, attributes: string): Open | undefined {
  if (!endTableParts(state, name) || !hasRoom(state, name, attributes)) {
    const { counts } = state;
    if (counts !== undefined) countAdjustment(counts, 'element_unwrapped', { noun: `${name} element` }, () => tag);
    return undefined;
  }
  const { open } = state;
  const top = open.at(-1);
  const isFostered = top !== undefined && PARTS.get(top.name)?.has(name) === false;
  const written = isFostered ? tableOf(open).before : (top?.written ?? root);
  const before: Written = [];
  if (name === 'table') written.push(before);
  const element = { name, hasAddress: attributes.includes(' href="'), written, index: written.length, before };
  write(state, written, tag);
  if (name === 'pre') state.lineEnds = 1;
  if (VOID.includes(name)) return undefined;
  open.push(element);
  return element;
}

/** Ends what a part of a table, or another table, ends. Returns false for a part of no table. */
function endTableParts(state: State, name: string): boolean {
  const { open } = state;
  const isPart = TABLE_PARTS.has(name);
  for (let top = open.at(-1); top !== undefined && PARTS.has(top.name); top = open.at(-1)) {
    if (PARTS.get(top.name)?.has(name) === true || !(isPart || name === 'table')) return true;
    close(state);
  }
  if (!isPart) return true;
  const holder = open.findLast((element) => CELLS.has(element.name) || element.name === 'table');
  if (holder === undefined) return false;
  while (open.includes(holder) && !PARTS.has(open.at(-1)?.name ?? '')) close(state);
  return endTableParts(state, name);
}

/** The open elements around a new one, innermost first, as far as a table's cell; frames of tables do not count. */
function* around({ open }: State): Generator<{ element: Open; isBehindTable: boolean }> {
  let isBehindTable = false;
  for (let index = open.length - 1; index >= 0; index -= 1) {
    const element = open[index];
    if (element === undefined) return;
    if (PARTS.has(element.name)) isBehindTable = true;
    else yield { element, isBehindTable };
    if (CELLS.has(element.name)) return;
  }
}

/** Ends or changes the open elements that cannot be around the new one. Returns false where the new one goes instead. */
function hasRoom(state: State, name: string, attributes: string): boolean {
  if (name === 'a') return isOutsideLinks(state, attributes);
  if (name === 'rt' || name === 'rp') return endRubyParts(state);
  if (ITEMS.has(name) && !endItem(state, name)) return false;
  if (ENDS_PARAGRAPH.has(name)) endParagraphs(state);
  return !HEADINGS.has(name) || endHeading(state);
}

/** A link within a link goes, unless the outer one leads nowhere: then that becomes a `span`. */
function isOutsideLinks(state: State, attributes: string): boolean {
  for (const { element } of around(state)) {
    if (element.name !== 'a') continue;
    if (element.hasAddress || !attributes.includes(' href="')) return false;
    rename(state, element, 'span');
  }
  return true;
}

function endRubyParts(state: State): boolean {
  const isInRuby = [...around(state)].some(({ element }) => element.name === 'ruby');
  for (const { element, isBehindTable } of [...around(state)]) {
    if (!(isInRuby ? ENDED_BY_RUBY : RUBY_PARTS).has(element.name)) return true;
    if (isBehindTable) return false;
    close(state);
  }
  return true;
}

function endItem(state: State, name: string): boolean {
  const items = ITEMS.get(name);
  for (const { element, isBehindTable } of around(state)) {
    if (items?.has(element.name) === true) {
      if (isBehindTable) return false;
      closeThrough(state, element);
      return true;
    }
    if (HOLDS_ITEMS.has(element.name)) return true;
  }
  return true;
}

function endHeading(state: State): boolean {
  for (const { element, isBehindTable } of around(state)) {
    if (!HEADINGS.has(element.name)) return true;
    if (isBehindTable) return false;
    close(state);
    return true;
  }
  return true;
}

/** A paragraph ends before a block. With a block in one of its inline elements, it becomes a `div`. */
function endParagraphs(state: State): void {
  for (const { element, isBehindTable } of [...around(state)]) {
    if (element.name !== 'p') continue;
    if (element === state.open.at(-1) && !isBehindTable) close(state);
    else rename(state, element, 'div');
  }
}

/** Changes the tags of an open element. */
function rename({ counts }: State, element: Open, name: string): void {
  const { name: old, written, index } = element;
  const tag = String(written[index]);
  element.name = name;
  written[index] = `<${name}${tag.slice(old.length + 1)}`;
  if (counts === undefined) return;
  countAdjustment(counts, 'element_renamed', { noun: `${old} element`, detail: name }, () => tag);
}

/** Closes the innermost element. If it ends early, its picture may stand behind it: it then is no `picture`. */
function close(state: State, isEarly = true): void {
  const element = state.open.pop();
  if (element === undefined) return;
  if (isEarly && element.name === 'picture') rename(state, element, 'span');
  write(state, element.written, `</${element.name}>`);
}

/** Closes an open element with all that is in it. */
function closeThrough(state: State, element: Open): void {
  while (state.open.includes(element)) close(state);
}

/** The innermost open table. */
function tableOf(open: readonly Open[]): Open {
  const table = open.findLast(({ name }) => name === 'table');
  if (table === undefined) throw new Error('a frame without a table');
  return table;
}
