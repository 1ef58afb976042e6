/**
 * The kinds of change that cleaning or import makes to a story, each with its reason. A kind is a label of a metric and a
 * name in the API: the list is closed, and docs/records.md explains each.
 */
const REASONS = {
  embed_replaced: 'feed readers show no page of another host, except players at an address that the service knows',
  embed_removed: 'it has no valid address',
  counter_removed: 'it has no size: it counts readers',
  player_changed: 'this is the address of the player itself, with https',
  sandbox_replaced: 'each player has the sandbox that it plays with',
  fallback_removed: 'programs that show the element do not show it',
  picture_removed: 'it has no valid address',
  late_address_used: 'on its page, a script puts it there',
  repeated_content_removed: 'the body has it once more',
  hidden_text_removed: 'its page does not show it',
  blank_name_removed: 'a name must have a letter, a digit or a sign',
  repeated_name_removed: 'spellings of one name are one feed',
  surplus_name_removed: 'a record must not have more of them',
  invalid_name_removed: 'a name is text',
  long_name_cut: 'a name must not be longer',
  number_read_as_text: 'the field holds text',
  broken_characters_replaced: 'half a character has no form in UTF-8',
  early_update_ignored: 'readers could not see the story before its first publication',
  file_facts_used: 'the file itself says so',
  source_repaired: 'the source breaks a rule of its format',
  element_not_imported: 'a record has no place for it',
  hidden_element_removed: 'its page does not show it',
  script_removed: 'feed readers run no scripts',
  style_removed: 'feed readers have their own styles',
  control_removed: 'feed readers have no forms',
  drawing_removed: 'feed readers do not show SVG',
  formula_converted: 'feed readers do not show MathML',
  element_renamed: 'in this place, feed readers know the other element',
  element_unwrapped: 'feed readers do not know it',
  element_removed: 'feed readers do not show it',
  address_removed: 'it has no valid target',
  srcset_changed: 'an address or a size in it is not valid',
  declaration_removed: 'it is for whole documents',
  unfinished_tag_removed: 'a tag must end with >',
  characters_removed: 'XML forbids them',
  definition_removed: 'no link uses it',
  attributes_removed: 'feed readers do not use them',
  comment_removed: 'feed readers do not show it',
  further_changes_made: 'an article lists 50 sorts of changes',
} as const;

export type AdjustmentKind = keyof typeof REASONS;

/** The kinds in the order in which they are reported. */
export const ADJUSTMENT_KINDS = Object.keys(REASONS) as readonly AdjustmentKind[];

/** A change that cleaning or import made to a story: what, where and why. */
export interface Adjustment {
  readonly kind: AdjustmentKind;
  /** Path of the field, such as `body` or `tags[3]`. */
  readonly field: string;
  /** What was done, in words: `removed hidden text`. */
  readonly change: string;
  /** An excerpt of what was removed or changed. */
  readonly value?: string;
  readonly reason: string;
  /** How many elements, characters or entries it is about, from 1. */
  readonly count: number;
}

export type OnAdjustment = (adjustment: Adjustment) => void;

interface AdjustmentDetails {
  readonly value?: string;
  /** 1 by default. */
  readonly count?: number;
}

/** An adjustment with the reason of its kind. */
export function adjustment(
  kind: AdjustmentKind,
  field: string,
  change: string,
  { value, count = 1 }: AdjustmentDetails = {},
): Adjustment {
  const reason = REASONS[kind];
  return value === undefined ? { kind, field, change, reason, count } : { kind, field, change, value, reason, count };
}

/** `body: removed hidden text: “…” (2 times): its page does not show it`. Most changes name their count themselves. */
export function describeAdjustment({ field, change, value, reason, count }: Adjustment): string {
  const excerpt = value === undefined ? '' : `: “${value}”`;
  const times = count === 1 || change.includes(` ${count} `) ? '' : ` (${count} times)`;
  return `${field}: ${change}${excerpt}${times}: ${reason}`;
}
