import { type Adjustment, type AdjustmentKind, describeAdjustment } from '../article/adjustments.ts';
import { describeProblem } from '../errors.ts';
import type { AdjustedPlace } from '../ingest/import/item.ts';

/** The adjustments of one kind, with the first of them. */
export interface KindCounts {
  /** Why adjustments of this kind are made. */
  readonly reason: string;
  readonly stories: number;
  /** Elements, characters or entries. */
  readonly count: number;
  readonly examples: readonly (AdjustedPlace & Pick<Adjustment, 'field' | 'change' | 'value'>)[];
}

/** The adjustments of an import by kind. */
export type AdjustmentCounts = Map<AdjustmentKind, KindCounts>;

/** Examples of each kind in a report. */
const MAX_EXAMPLES = 10;
/** Examples of each kind that are printed while the import goes on. */
const MAX_PRINTED = 3;

/**
 * Adds the adjustments of one story.
 *
 * @param placeOf called for examples only: to find a place takes as long as to parse the record
 * @returns the lines to print: the first examples of each kind
 */
export function addAdjustments(
  counts: AdjustmentCounts,
  adjustments: readonly Adjustment[],
  placeOf: (field: string) => AdjustedPlace,
): string[] {
  const lines: string[] = [];
  const seen = new Set<AdjustmentKind>();
  for (const adjustment of adjustments) {
    const { kind, reason, field, change, value, count } = adjustment;
    const before = counts.get(kind) ?? { reason, stories: 0, count: 0, examples: [] };
    const place = before.examples.length < MAX_EXAMPLES ? placeOf(field) : undefined;
    const example = { field, change, ...(value === undefined ? {} : { value }) };
    counts.set(kind, {
      reason,
      stories: before.stories + (seen.has(kind) ? 0 : 1),
      count: before.count + count,
      examples: place === undefined ? before.examples : [...before.examples, { ...place, ...example }],
    });
    if (place !== undefined && before.examples.length < MAX_PRINTED) lines.push(describePlace(adjustment, place));
    seen.add(kind);
  }
  return lines;
}

function describePlace(adjustment: Adjustment, { file, line, title }: AdjustedPlace): string {
  const problem = { field: '', rule: describeAdjustment(adjustment), ...(line === undefined ? {} : { line }) };
  return `${describeProblem(problem, file)}${title === undefined ? '' : `, in “${title}”`}`;
}

/** Adds the counts of one page of a feed to those of the pages before. */
export function mergeAdjustments(total: AdjustmentCounts, page: AdjustmentCounts): void {
  for (const [kind, { reason, stories, count, examples }] of page) {
    const before = total.get(kind);
    total.set(kind, {
      reason,
      stories: (before?.stories ?? 0) + stories,
      count: (before?.count ?? 0) + count,
      examples: [...(before?.examples ?? []), ...examples].slice(0, MAX_EXAMPLES),
    });
  }
}

/** `Adjustments: 12 hidden_text_removed, 3 long_name_cut`; undefined where nothing was adjusted. */
export function adjustmentSummary(counts: AdjustmentCounts): string | undefined {
  if (counts.size === 0) return undefined;
  const kinds = [...counts].map(([kind, { stories }]) => `${stories} ${kind}`);
  return `Adjustments: ${kinds.join(', ')}`;
}
