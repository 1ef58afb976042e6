/**
 * How much a run of the tests does: `npm test` (`short`), `npm run test:soak` (`soak`), `npm run test:soak -- --full`
 * (`full`). Set by `tests/soak/run.ts`. A soak runs the tests with the tag `soak`, and no others.
 */
export type Run = 'short' | 'soak' | 'full';

export const RUN: Run = process.env.SOAK === 'soak' || process.env.SOAK === 'full' ? process.env.SOAK : 'short';

/**
 * How a test with a size, or a file of such tests, has the tag `soak` in its source. A soak runs no others: `npm test` has run them,
 * and they would do the same again.
 */
export const SOAK_MARK = /@module-tag soak\b|\btags: \['soak'\]/;

/** The size of a test in this run. `short` keeps each way through the code under test; `full` may take an hour. */
export function sized<Size>(sizes: Readonly<Record<Run, Size>>): Size {
  return sizes[RUN];
}
