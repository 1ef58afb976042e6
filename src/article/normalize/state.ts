import { escapeHtml } from '../../lib/text.ts';
import { type ChangeCounts, countAdjustment, type SortKind } from '../change-counts.ts';
import { ATTRIBUTES, type ResolveUrl, TAGS } from '../sanitize-rules.ts';
import type { Attributes } from './addresses.ts';
import type { Source } from './raw-elements.ts';
import { createRepeats, type Repeats } from './repeats.ts';

/** A `picture`: until its end it is not known whether it has an `img`. */
export interface Picture {
  /** The address of a `source`, for a picture without `img`. */
  candidate?: string | undefined;
  isLazy: boolean;
  hasImage: boolean;
  isRepeated: boolean;
}

/** A start tag in the result. Attributes that are not allowed are in it, too. */
export interface WrittenTag {
  readonly name: string;
  readonly attributes: Attributes;
}

/** An open element of the source. */
export interface Frame {
  readonly name: string;
  /** Where its start tag begins and ends in the source. */
  readonly tagStart: number;
  readonly tagEnd: number;
  /** The number of pieces, and of texts, pictures and players, before the element. */
  readonly start: number;
  readonly shown: number;
  readonly targets: number;
  /** The element in the result; empty where only its content stays. */
  kept: string;
  /** Written where the element ends. */
  end: string;
  /** Child elements so far. */
  children: number;
  isStruckOut: boolean;
  /** What its style puts before and after it. */
  edge: State['edge'];
  /** The address of an object: in `data`, or in a parameter. */
  address: string;
  picture?: Picture;
  /** Whether the content is only for programs that cannot show the element, and was not counted as removed yet. */
  isFallback: boolean;
  /** Called where the element ends, before `end` is written. */
  readonly atEnd: (() => void)[];
}

/** What is known while a body is normalized. */
export interface State {
  readonly resolve: ResolveUrl;
  /** The HTML that is normalized. */
  readonly html: string;
  /** Whether the tag that is read ends the element, too. */
  readonly endsInItsTag: Source['endsInItsTag'];
  readonly eventStart: Source['eventStart'];
  readonly eventEnd: Source['eventEnd'];
  readonly counts: ChangeCounts;
  /** The start tag of the element that is opened, once it is written. */
  written: WrittenTag | undefined;
  /** Whether the change of the element that is opened is counted, or will be at its end. */
  isCounted: boolean;
  /** The result so far. */
  readonly pieces: string[];
  readonly open: Frame[];
  /** The index of the open element that goes with all its content; -1 where none does. */
  dropped: number;
  /** The text so far of the element that is dropped because the page hides it; undefined where none is. */
  hiding: string | undefined;
  /** The text since the last tag, which the parser reports in parts. */
  text: string;
  /** Whether the line has something in it; what must stand before the next text or picture of the same line. */
  isInLine: boolean;
  edge: 'line' | 'space' | undefined;
  /** Texts, pictures and players so far. */
  shown: number;
  /** Links, pictures and players so far. */
  targets: number;
  /** Open elements whose style strikes them out. */
  struckOut: number;
  /** Open `s` and `del`. */
  strikes: number;
  /** `shown` after the last formula. */
  formulaAt: number;
  readonly repeats: Repeats;
}

export function createState(
  html: string,
  resolve: ResolveUrl,
  { endsInItsTag, eventStart, eventEnd }: Source,
  counts: ChangeCounts,
): State {
  return {
    resolve,
    html,
    endsInItsTag,
    eventStart,
    eventEnd,
    counts,
    written: undefined,
    isCounted: false,
    pieces: [],
    open: [],
    dropped: -1,
    hiding: undefined,
    text: '',
    isInLine: false,
    edge: undefined,
    shown: 0,
    targets: 0,
    struckOut: 0,
    strikes: 0,
    formulaAt: -1,
    repeats: createRepeats(),
  };
}

/** Counts a change of an element, with its start tag as the value. */
export function countElement(
  state: State,
  { tagStart, tagEnd }: Frame,
  kind: SortKind,
  noun: string,
  detail = '',
): void {
  state.isCounted = true;
  countAdjustment(state.counts, kind, { noun, detail }, () => state.html.slice(tagStart, tagEnd));
}

/** Drops the rest of the innermost open element. */
export function dropContent(state: State): void {
  state.dropped = state.open.length - 1;
}

/** The allowed attributes of each allowed element. */
export const ALLOWED: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  TAGS.map((name) => [name, new Set([...(ATTRIBUTES[name] ?? []), ...(ATTRIBUTES['*'] ?? [])])]),
);

/** The start tag of the element that is opened, with the allowed attributes. */
export function startTag(state: State, name: string, attributes: Attributes): string {
  state.written = { name, attributes };
  let tag = `<${name}`;
  for (const [attribute, value] of Object.entries(attributes)) {
    if (ALLOWED.get(name)?.has(attribute)) tag += ` ${attribute}="${escapeHtml(value)}"`;
  }
  return `${tag}>`;
}

/** The attributes with other values for some of them. Those without a value go; new ones come first. */
export function withValues(attributes: Attributes, values: Readonly<Record<string, string | undefined>>): Attributes {
  const added = Object.entries(values).filter(([name]) => !Object.hasOwn(attributes, name));
  const all = [
    ...added,
    ...Object.entries(attributes).map(([name, value]) => [name, Object.hasOwn(values, name) ? values[name] : value]),
  ];
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}

/** Elements that contain paragraphs. */
const BLOCKS = new Set(
  'div section article aside header footer blockquote li td th dd figure figcaption details address'.split(' '),
);
/** Elements that begin a new line before and after them, or within. */
export const LINES: ReadonlySet<string> = new Set([
  ...BLOCKS,
  ...'p h1 h2 h3 h4 h5 h6 ul ol dl dt hr br pre table caption thead tbody tfoot tr summary'.split(' '),
]);

/** Writes a tag. That of a block ends the line; before another start tag comes the edge that was asked for. */
export function writeTag(state: State, name: string, tag: string): void {
  if (LINES.has(name)) {
    state.isInLine = false;
    state.edge = undefined;
  } else if (!tag.startsWith('</')) writeEdge(state);
  state.pieces.push(tag);
}

/** Writes a picture, a player or text, with the edge that was asked for. */
export function writeContent(state: State, html: string): void {
  writeEdge(state);
  state.pieces.push(html);
  state.isInLine = true;
  state.shown += 1;
}

/** Writes a picture or a player. */
export function writeTarget(state: State, html: string): void {
  writeContent(state, html);
  state.targets += 1;
}

/** Requests an edge before the next content, because a block by its style begins or ends. */
export function askForEdge(state: State, edge: State['edge']): void {
  if (state.edge !== 'line') state.edge = edge ?? state.edge;
}

function writeEdge(state: State): void {
  if (state.edge !== undefined && state.isInLine) {
    state.pieces.push(state.edge === 'line' ? '<br />' : ' ');
    state.isInLine = state.edge !== 'line';
  }
  state.edge = undefined;
}

/** Writes a link in the place of something that cannot stay; within a link, only its words. Returns what it has written. */
export function writeLink(state: State, address: string, words: string): 'a link' | 'its title' {
  state.targets += 1;
  const text = escapeHtml(words);
  const link = `<a href="${escapeHtml(address)}">${text}</a>`;
  const parent = state.open.findLast(({ kept }) => kept !== '')?.kept;
  const isLinked = state.open.some(({ kept }) => kept === 'a');
  if (!isLinked && (parent === undefined || BLOCKS.has(parent))) {
    writeTag(state, 'p', `<p>${link}</p>`);
    state.shown += 1;
    return 'a link';
  }
  askForEdge(state, 'space');
  writeContent(state, isLinked ? text : link);
  askForEdge(state, 'space');
  return isLinked ? 'its title' : 'a link';
}
