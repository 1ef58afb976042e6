import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { RUN } from './tests/soak/sizes.ts';

const ALL = 'tests/**/*.test.ts';
const SIZED = globSync(ALL).filter((file) => readFileSync(file, 'utf8').includes("/sizes.ts'"));
/** A hang is ended after that many milliseconds. No test decides anything by it: machines may be busy. */
const HANG = RUN === 'full' ? 3_600_000 : 300_000;
/** The same for one step of a test, so that the test can say which one hangs. */
const HANGING_STEP = 60_000;

/** The files that take longest. Begun last, as a fresh clone would, they leave all other cores idle until they are done. */
const LONG = ['soak/crash', 'peers/caches', 'service/supervisor', 'soak/readers'].map(
  (name) => `/tests/${name}.test.ts`,
);

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => [...LONG, moduleId].findIndex((name) => moduleId.endsWith(name));
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}

// biome-ignore lint/style/noDefaultExport: the form in which vitest reads its configuration
export default defineConfig({
  test: {
    include: RUN === 'short' ? [ALL] : SIZED,
    globalSetup: 'tests/global-setup.ts',
    testTimeout: HANG,
    hookTimeout: HANG,
    expect: { poll: { timeout: HANGING_STEP } },
    // Many tests wait for timers or for other processes.
    maxWorkers: Math.ceil(1.5 * availableParallelism()),
    sequence: { sequencer: LongFirst },
  },
});
