/**
 * How much a run of the tests does: `npm test` (`short`), `npm run test:soak` (`soak`), `npm run test:soak -- --full`
 * (`full`). Set by `tests/soak/run.ts`. A soak runs the test files that import this module, and no others.
 */
export type Run = 'short' | 'soak' | 'full';

export const RUN: Run = process.env.SOAK === 'soak' || process.env.SOAK === 'full' ? process.env.SOAK : 'short';

/** The size of a test in this run. `short` keeps each way through the code under test; `full` may take an hour. */
export function sized<Size>(sizes: Readonly<Record<Run, Size>>): Size {
  return sizes[RUN];
}
