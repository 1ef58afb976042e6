import type { Condition } from '../store.ts';

/**
 * Whether a change may be made to the article.
 *
 * @param revision the article's revision; undefined where there is no such article
 */
export function conditionHolds(condition: Condition | undefined, revision: number | undefined): boolean {
  if (condition === undefined) return true;
  if (condition === 'absent') return revision === undefined;
  if (condition === 'present') return revision !== undefined;
  return revision !== undefined && condition.revisions.includes(revision);
}
