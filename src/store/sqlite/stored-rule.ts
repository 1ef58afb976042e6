import type { Selection } from '../../feed/feeds.ts';
import { LATEST } from '../../feed/feeds.ts';

/** The rule of a custom feed as its row has it. */
export interface StoredRule {
  readonly select: Selection;
  /**
   * The earlier rules by which the feed may still hold articles; it may also lack some. Missing where the feed holds exactly
   * what its rule selects.
   */
  readonly filling?: readonly Selection[];
  /** The feed is no more: its articles are being removed. */
  readonly isRemoved: boolean;
}

/** Selects no article: every article is in this feed. */
export const NOTHING: Selection = { any: [], all: [], none: [LATEST] };

/** A name of a field: no text within a rule has such quotation marks. */
const FILLING = ',"filling":[';

export function ruleText({ select: { any, all, none }, filling, isRemoved }: StoredRule): string {
  return JSON.stringify({
    any,
    all,
    none,
    ...(filling === undefined ? {} : { filling }),
    ...(isRemoved ? { isRemoved } : {}),
  });
}

export function readRule(text: string): StoredRule {
  const { any, all, none, filling, isRemoved = false } = JSON.parse(text);
  return { select: { any, all, none }, ...(filling === undefined ? {} : { filling }), isRemoved };
}

/** Whether a feed may hold other articles than its rule selects. */
export function isFilling({ rule }: { readonly rule: string | null }): boolean {
  return rule?.includes(FILLING) === true;
}

/** The rule of a feed that is changed: it is to be filled, and may hold what it held. */
export function changedRule(before: string | null, select: Selection | undefined): StoredRule {
  const known = before === null ? undefined : readRule(before);
  const earlier = known === undefined ? [] : [...(known.filling ?? []), ...(known.isRemoved ? [] : [known.select])];
  return { select: select ?? NOTHING, filling: earlier, isRemoved: select === undefined };
}
