/**
 * Limits on the work that a body takes. They count what a body contains, never time, so that every machine refuses the same
 * bodies. The largest stories in public feeds have a few thousand elements.
 */

/** Elements of a body, as the parser opens them. */
export const MAX_ELEMENTS = 100_000;
/** Attributes in all start tags of a body, repeated ones included. */
export const MAX_ATTRIBUTES = 200_000;
/** Characters of a cleaned body: escapes, absolute addresses and titles of Markdown references can make it longer. */
export const MAX_CLEAN_LENGTH = 8 * 1024 * 1024;

/** A body that is more work than any story. */
export class BodyLimitError extends Error {
  /** What a body must not have, and what to do. */
  readonly rule: string;

  constructor(rule: string) {
    super(`A body ${rule}.`);
    this.rule = rule;
  }
}

/** @throws BodyLimitError for more than `MAX_ELEMENTS` */
export function checkElements(count: number): void {
  if (count <= MAX_ELEMENTS) return;
  throw new BodyLimitError(
    `must not have more than ${inWords(MAX_ELEMENTS)} elements. Publish the story in parts, or remove markup that says nothing`,
  );
}

/** @throws BodyLimitError for more than `MAX_ATTRIBUTES` */
export function checkAttributes(count: number): void {
  if (count <= MAX_ATTRIBUTES) return;
  throw new BodyLimitError(
    `must not have more than ${inWords(MAX_ATTRIBUTES)} attributes. Publish the story in parts, or remove attributes that readers do not use`,
  );
}

/** @throws BodyLimitError for more than `MAX_CLEAN_LENGTH` */
export function checkCleanLength(length: number): void {
  if (length <= MAX_CLEAN_LENGTH) return;
  throw new BodyLimitError(
    `must not be longer than ${inWords(MAX_CLEAN_LENGTH)} characters after cleaning. Publish the story in parts`,
  );
}

/** The result of work on a body; undefined if the body exceeds a limit. */
export function unlessBeyondLimit<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof BodyLimitError) return undefined;
    throw error;
  }
}

/** `100,000` */
function inWords(limit: number): string {
  return limit.toLocaleString('en');
}
