/**
 * The kinds of change that cleaning or import makes to a story, each with its reason. A kind is a label of a metric and a
 * name in the API: the list is closed, and docs/records.md explains each.
 */
const REASONS = {
  hidden_text_removed: 'its page does not show it',
  blank_name_removed: 'a name must have a letter, a digit or a sign',
  repeated_name_removed: 'spellings of one name are one feed',
  surplus_name_removed: 'a record must not have more of them',
  invalid_name_removed: 'a name is text',
  long_name_cut: 'a name must not be longer',
  number_read_as_text: 'the field holds text',
  control_characters_removed: 'XML forbids them',
  broken_characters_replaced: 'half a character has no form in UTF-8',
  early_update_ignored: 'readers could not see the story before its first publication',
  file_facts_used: 'the file itself says so',
} as const;

export type AdjustmentKind = keyof typeof REASONS;

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
  return { kind, field, change, ...(value === undefined ? {} : { value }), reason: REASONS[kind], count };
}

/** `body: removed hidden text: “…” (2 times): its page does not show it` */
export function describeAdjustment({ field, change, value, reason, count }: Adjustment): string {
  const excerpt = value === undefined ? '' : `: “${value}”`;
  const times = count === 1 ? '' : ` (${count} times)`;
  return `${field}: ${change}${excerpt}${times}: ${reason}`;
}
