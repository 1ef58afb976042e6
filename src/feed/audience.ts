/** Which partners may have a story, as far as the story decides it. */
export interface StoryAudience {
  readonly urgency?: number | undefined;
  /** Missing where all partners may have it. */
  readonly partners?: readonly string[] | undefined;
}

/** How urgent a story without an urgency is. */
export const ORDINARY = 5;

/** Whether some partner may have a story with the audience before, and may not with the one after. */
export function isFewer(before: StoryAudience, after: StoryAudience): boolean {
  if ((after.urgency ?? ORDINARY) > (before.urgency ?? ORDINARY)) return true;
  if (after.partners === undefined) return false;
  const { partners } = after;
  return before.partners?.every((partner) => partners.includes(partner)) !== true;
}
