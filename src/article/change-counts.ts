/** Counts what cleaning changes in a body, so that each sort of change becomes one adjustment. */
import { forbiddenIn, lineText, shorten } from '../lib/text.ts';
import {
  ADJUSTMENT_KINDS,
  type Adjustment,
  type AdjustmentKind,
  adjustment,
  type OnAdjustment,
} from './adjustments.ts';
import { ATTRIBUTES } from './sanitize-rules.ts';

/** Changes of one kind to things of one name. */
interface Sort {
  readonly kind: SortKind;
  readonly noun: string;
  /** A host, an attribute or an element that the change names as well. */
  readonly detail: string;
  count: number;
  readonly value: string;
}

export interface ChangeCounts {
  /** By kind, noun and detail. */
  sorts: Map<string, Sort> | undefined;
  /** Changes of further sorts. */
  further: number;
  comments: number;
  /** The text of the first comment. */
  firstComment: string;
  /** Removed attributes by their index in `FREQUENT`. */
  frequent: number[] | undefined;
  /** Other removed attributes by name. */
  rare: Map<string, number> | undefined;
  /** The names in `rare` that can stand any number of times. */
  unknownNames: number;
  /** Removed attributes with further names. */
  furtherNames: number;
  /** The first value, not empty, of a removed attribute. */
  firstValue: string;
}

export function createCounts(): ChangeCounts {
  return {
    sorts: undefined,
    further: 0,
    comments: 0,
    firstComment: '',
    frequent: undefined,
    rare: undefined,
    unknownNames: 0,
    furtherNames: 0,
    firstValue: '',
  };
}

/** Sorts of changes that a hostile body can make many of: those that name an element or a host. */
const MAX_SORTS = 50;
/** Names of removed attributes that are counted one by one. */
const MAX_NAMES = 100;
/** Those that one adjustment lists, besides frequent ones. */
const MAX_RARE_NAMES = 20;
/** Characters of a name in a change. */
const MAX_NAME = 60;
const MAX_EXCERPT = 120;

type Phrase = (things: string, detail: string, isOne: boolean) => string;

const removed: Phrase = (things) => `removed ${things}`;

/** What each kind does, in words. */
const PHRASES = {
  embed_replaced: (things, detail, isOne) => `replaced ${things} of ${detail}${isOne ? '' : ' each'}`,
  embed_removed: (things) => `removed ${things} without an address`,
  counter_removed: removed,
  player_changed: (things, host) => `changed the address of ${things} of ${host}`,
  sandbox_replaced: (things) => `replaced ${things}`,
  fallback_removed: (things) => `removed the content of ${things}`,
  picture_removed: (things) => `removed ${things} without an address`,
  late_address_used: (things, attribute) => `took the address of ${things} from ${attribute}`,
  repeated_content_removed: removed,
  hidden_text_removed: () => 'removed hidden text',
  hidden_element_removed: removed,
  script_removed: removed,
  style_removed: removed,
  control_removed: removed,
  drawing_removed: removed,
  formula_converted: (things) => `turned ${things} into text`,
  element_renamed: (things, name) => `changed ${things} to ${name}`,
  element_unwrapped: (things) => `removed ${things} around content that stays`,
  element_removed: removed,
  address_removed: removed,
  srcset_changed: removed,
  declaration_removed: removed,
  unfinished_tag_removed: (things) => `removed ${things} at the end`,
  characters_removed: (things) => `removed or replaced ${things}`,
  definition_removed: removed,
} satisfies Partial<Record<AdjustmentKind, Phrase>>;

export type SortKind = keyof typeof PHRASES;

/** Kinds with a bounded number of sorts. They are listed whatever else a body has. */
const BOUNDED: ReadonlySet<SortKind> = new Set<SortKind>([
  ...(['hidden_text_removed', 'address_removed', 'srcset_changed', 'declaration_removed'] as const),
  ...(['unfinished_tag_removed', 'characters_removed', 'definition_removed', 'formula_converted'] as const),
  'sandbox_replaced',
]);

/** The words of a count that are not its kind: see `Sort`. */
interface Words {
  readonly noun: string;
  readonly detail?: string;
}

/** Counts a change. Only the first one of its sort needs a value, which is the beginning of what was changed. */
export function countAdjustment(
  counts: ChangeCounts,
  kind: SortKind,
  { noun, detail = '' }: Words,
  value: () => string,
  count = 1,
): void {
  counts.sorts ??= new Map();
  const names = { noun: shortNoun(noun), detail };
  const key = `${kind} ${names.noun} ${names.detail}`;
  const sort = counts.sorts.get(key);
  if (sort !== undefined) sort.count += count;
  else if (counts.sorts.size >= MAX_SORTS && !BOUNDED.has(kind)) counts.further += count;
  else counts.sorts.set(key, { kind, ...names, count, value: excerptOf(value()) });
}

/** Counts a comment that is removed: the text from `start` to `end`. */
export function countComment(counts: ChangeCounts, html: string, start: number, end: number): void {
  if (counts.comments === 0) counts.firstComment = html.slice(start, end);
  counts.comments += 1;
}

/** Counts the characters of a text that XML forbids; a reference can stand for one. */
export function countForbidden(counts: ChangeCounts, text: string, noun: 'character' | 'character reference'): void {
  const { count, first } = forbiddenIn(text);
  if (count > 0) countAdjustment(counts, 'characters_removed', { noun }, () => first, count);
}

/** A name in the words of a change. */
export function shortName(name: string): string {
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME - 1).toWellFormed()}…`;
}

/** A noun without the middle of a name that is too long, as that of an element. */
function shortNoun(noun: string): string {
  return noun.length <= MAX_NAME ? noun : `${noun.slice(0, 39)}…${noun.slice(-20)}`.toWellFormed();
}

/** A short line of ASCII, which needs no change. */
const PLAIN_LINE = /^[!-~]+(?: [!-~]+)*$/;

function excerptOf(text: string): string {
  const trimmed = text.trim();
  if (trimmed.length <= MAX_EXCERPT && PLAIN_LINE.test(trimmed)) return trimmed;
  return shorten(lineText(trimmed), MAX_EXCERPT);
}

/** Attributes that programs write and readers do not use, frequent ones first. */
export const FREQUENT: readonly string[] =
  'class style id target align loading decoding name border valign role color face size clear hspace vspace tabindex'.split(
    ' ',
  );
/** The number of attributes with one of these names is bounded already. */
const KNOWN_NAMES = new Set([...FREQUENT, ...Object.values(ATTRIBUTES).flat()]);

/** The index of the name at this offset; -1 where it is none of these. A look-up in a Map would copy the name. */
export function indexOfName(names: readonly string[], html: string, offset: number, length: number): number {
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index] ?? '';
    if (name.length === length && html.startsWith(name, offset)) return index;
  }
  return -1;
}

const NO_COUNTS: readonly number[] = FREQUENT.map(() => 0);

/** Counts a removed attribute by its index in `FREQUENT`. */
export function countFrequentAttribute(counts: ChangeCounts, index: number, count = 1): void {
  counts.frequent ??= NO_COUNTS.slice();
  counts.frequent[index] = (counts.frequent[index] ?? 0) + count;
}

/** Counts a removed attribute. */
export function countAttribute(counts: ChangeCounts, name: string, count = 1): void {
  const index = FREQUENT.indexOf(name);
  if (index >= 0) {
    countFrequentAttribute(counts, index, count);
    return;
  }
  counts.rare ??= new Map();
  const key = shortName(name);
  const before = counts.rare.get(key);
  if (before === undefined && !KNOWN_NAMES.has(key)) {
    if (counts.unknownNames === MAX_NAMES) {
      counts.furtherNames += count;
      return;
    }
    counts.unknownNames += 1;
  }
  counts.rare.set(key, (before ?? 0) + count);
}

/** Adds the counts of a later step. */
export function addCounts(counts: ChangeCounts, later: ChangeCounts): void {
  for (const { kind, count, value, ...words } of later.sorts?.values() ?? [])
    countAdjustment(counts, kind, words, () => value, count);
  for (const [index, count] of later.frequent?.entries() ?? []) countFrequentAttribute(counts, index, count);
  for (const [name, count] of later.rare ?? []) countAttribute(counts, name, count);
  counts.comments += later.comments;
  counts.firstComment ||= later.firstComment;
  counts.further += later.further;
  counts.furtherNames += later.furtherNames;
  counts.firstValue ||= later.firstValue;
}

/** Reports the counts, one adjustment for each sort, in an order that does not depend on the way a body was cleaned. */
export function reportCounts(counts: ChangeCounts, onAdjustment: OnAdjustment): void {
  const { sorts, comments, firstComment, further } = counts;
  if (sorts !== undefined) for (const one of [...sorts.values()].map(adjustmentOf).sort(inOrder)) onAdjustment(one);
  const attributes = attributesRemoved(counts);
  if (attributes !== undefined) onAdjustment(attributes);
  if (comments > 0) {
    const change = comments === 1 ? 'removed the comment' : `removed ${comments} comments`;
    onAdjustment(adjustmentTo('comment_removed', change, firstComment, comments));
  }
  if (further > 0) onAdjustment(adjustmentTo('further_changes_made', `made ${further} further changes`, '', further));
}

function inOrder(one: Adjustment, other: Adjustment): number {
  const byKind = ADJUSTMENT_KINDS.indexOf(one.kind) - ADJUSTMENT_KINDS.indexOf(other.kind);
  return byKind !== 0 ? byKind : one.change < other.change ? -1 : 1;
}

function adjustmentOf({ kind, noun, detail, count, value }: Sort): Adjustment {
  const things = count === 1 ? `the ${noun}` : `${count} ${noun}s`;
  return adjustmentTo(kind, PHRASES[kind](things, detail, count === 1), value, count);
}

/** An adjustment to the body, with the beginning of a text as its value. */
function adjustmentTo(kind: AdjustmentKind, change: string, text: string, count: number): Adjustment {
  const value = excerptOf(text);
  return adjustment(kind, 'body', change, value === '' ? { count } : { value, count });
}

/** `removed 4 attributes: class (3), style (1)` */
function attributesRemoved({ frequent, rare, furtherNames, firstValue }: ChangeCounts): Adjustment | undefined {
  if (frequent === undefined && rare === undefined) return undefined;
  let list = '';
  let all = 0;
  for (let index = 0; frequent !== undefined && index < frequent.length; index += 1) {
    const count = frequent[index] ?? 0;
    if (count === 0) continue;
    list += `${list === '' ? '' : ', '}${FREQUENT[index]} (${count})`;
    all += count;
  }
  let others = furtherNames;
  if (rare !== undefined) {
    const names = [...rare].sort(([one], [other]) => (one < other ? -1 : 1));
    for (const [index, [name, count]] of names.entries()) {
      if (index < MAX_RARE_NAMES) {
        list += `${list === '' ? '' : ', '}${name} (${count})`;
        all += count;
      } else others += count;
    }
  }
  if (others > 0) list += `, others (${others})`;
  all += others;
  const change = all === 1 ? `removed 1 attribute: ${list}` : `removed ${all} attributes: ${list}`;
  return adjustmentTo('attributes_removed', change, firstValue, all);
}
