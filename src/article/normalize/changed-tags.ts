/** Counts what a start tag loses where it is normalized. */
import { countAdjustment, countAttribute, countForbidden, type SortKind } from '../change-counts.ts';
import { countLostAttribute } from '../lost-attributes.ts';
import { VOID } from '../sanitize-rules.ts';
import type { Attributes } from './addresses.ts';
import { isSameSandbox } from './players.ts';
import { ALLOWED, countElement, type Frame, type State, type WrittenTag } from './state.ts';

/** Elements of a form. */
const CONTROLS = new Set('textarea button select option optgroup datalist input keygen'.split(' '));
/** Elements without an end tag that the sanitizer does not know. */
const OTHER_VOID = new Set('area base basefont command embed frame isindex link meta param'.split(' '));

/** The kinds of elements whose removal has a reason of its own. */
const REMOVED: ReadonlyMap<string, SortKind> = new Map([
  ['script', 'script_removed'],
  ['style', 'style_removed'],
  ['svg', 'drawing_removed'],
  ...[...CONTROLS].map((name) => [name, 'control_removed'] as const),
]);
/** Characters of an element that can be in its excerpt. */
const EXCERPT = 400;

/** Counts an element that is removed with all that is in it. */
export function countRemoved({ counts, html }: State, { name, tagStart, tagEnd }: Frame): void {
  countAdjustment(counts, REMOVED.get(name) ?? 'element_removed', { noun: `${name} element` }, () => {
    const rest = html.slice(tagStart, tagEnd + EXCERPT);
    const end = rest.toLowerCase().indexOf(`</${name}`);
    return rest.slice(0, end < 0 ? tagEnd - tagStart : end);
  });
}

/**
 * Counts what the tag of the element that was opened lost.
 *
 * @param raw the attributes as the parser found them
 * @param attributes the same without characters that XML forbids
 */
export function countTag(state: State, frame: Frame, raw: Attributes, attributes: Attributes): void {
  const { written } = state;
  if (state.isCounted) return;
  if (written === undefined) {
    countUnwritten(state, frame);
    return;
  }
  // At its end, it is known whether a new div is needed.
  if (written.name !== frame.name && written.name !== 'div') countRenamed(state, frame, written.name);
  countAttributes(state, frame, raw, attributes, written);
}

export function countRenamed(state: State, frame: Frame, name: string): void {
  countElement(state, frame, 'element_renamed', `${frame.name} element`, name);
}

/** Counts an element that goes; its content may stay. */
function countUnwritten(state: State, frame: Frame): void {
  const { name } = frame;
  if (name === 'math') countElement(state, frame, 'formula_converted', 'formula');
  else if (VOID.includes(name) || OTHER_VOID.has(name) || CONTROLS.has(name)) countRemoved(state, frame);
  else if (!state.open.some((open) => open.name === 'math'))
    countElement(state, frame, 'element_unwrapped', `${name} element`);
}

function countAttributes(
  state: State,
  { tagStart, tagEnd, name: source }: Frame,
  raw: Attributes,
  attributes: Attributes,
  written: WrittenTag,
): void {
  const { counts, html } = state;
  const allowed = ALLOWED.get(written.name);
  const late = lateAttributes(attributes, written);
  for (const name of Object.keys(attributes)) {
    const value = attributes[name] ?? '';
    const found = raw[name] ?? '';
    if (late.includes(name)) {
      const noun = source === 'img' || source === 'amp-img' ? 'picture' : `${source} element`;
      countAdjustment(counts, 'late_address_used', { noun, detail: name }, () => html.slice(tagStart, tagEnd));
    } else if (allowed?.has(name) !== true) {
      countAttribute(counts, name);
      counts.firstValue ||= found;
    } else if (written.attributes[name] === value) {
      if (found !== value) countForbidden(counts, found, 'character reference');
    } else if (name === 'src' || name === 'srcset') {
      if (late.length === 0) countLostAttribute(counts, name, value);
    } else if (!isSamePolicy(name, written.attributes[name], value)) countLostAttribute(counts, name, value);
  }
}

const NONE: readonly string[] = [];

/** The attributes whose values became the addresses of the element, as `data-src`. */
function lateAttributes(attributes: Attributes, { attributes: { src, srcset } }: WrittenTag): readonly string[] {
  if (src === attributes.src && srcset === attributes.srcset) return NONE;
  const originOf = (value: string | undefined) =>
    Object.keys(attributes).find((name) => !NO_LATE_NAMES.has(name) && attributes[name] === value);
  return [
    src === attributes.src ? undefined : originOf(src),
    srcset === attributes.srcset ? undefined : originOf(srcset),
  ].filter((name) => name !== undefined);
}

const NO_LATE_NAMES = new Set(['src', 'srcset', 'alt']);

/** Whether `allow`, `referrerpolicy` or `sandbox` of a player says the same. */
function isSamePolicy(name: string, one: string | undefined, other: string): boolean {
  if (one === undefined) return false;
  if (name === 'sandbox') return isSameSandbox(one, other);
  const plain = (text: string) => text.replace(/[\s;]/g, '').toLowerCase();
  return plain(one) === plain(other);
}
