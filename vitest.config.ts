import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { RUN, SOAK_MARK, sized } from './tests/soak/sizes.ts';

const ALL = globSync('tests/**/*.test.ts').map((path) => ({ path, source: readFileSync(path, 'utf8') }));
/** `npm test` leaves out what takes longest of the soak. */
const SOAK_ONLY: ReadonlySet<string> = new Set([
  ...['damage', 'flood', 'proxy', 'readers', 'replicas'].map((name) => `tests/soak/${name}.test.ts`),
  'tests/store/postgres/contract.test.ts',
]);
/** These take minutes at the sizes of a soak, for which .ci/run has no time left: `--full` runs them. */
const FULL_ONLY: ReadonlySet<string> = new Set([
  'tests/store/postgres/contract.test.ts',
  'tests/store/sqlite/outbox.test.ts',
  'tests/document/long-tail.test.ts',
  'tests/service/site/incremental.property.test.ts',
  'tests/service/site/killed.test.ts',
]);
const FILES = ALL.filter(({ path, source }) => {
  if (RUN === 'short') return !SOAK_ONLY.has(path);
  return SOAK_MARK.test(source) && (RUN === 'full' || !FULL_ONLY.has(path));
});
/** These need a process of their own: they replace modules that other files have loaded, or they measure its memory. */
const isAlone = ({ source }: { readonly source: string }) => /\bvi\.mock\(|\bmemoryUsage\(/.test(source);
const pathsOf = (files: typeof ALL) => files.map(({ path }) => path);
/**
 * A hang is ended after that many milliseconds. No test decides anything by it: machines may be busy. The longest property of a
 * soak has four minutes of work.
 */
const HANG = sized({ short: 300_000, soak: 1_800_000, full: 3_600_000 });
/** The same for one step of a test, so that the test can say which one hangs. */
const HANGING_STEP = 60_000;

/**
 * Tests make much garbage: with more room for it, V8 collects it less often. Only where no test measures the memory of its
 * process.
 */
const ROOM_FOR_GARBAGE = ['--min-semi-space-size=16', '--max-semi-space-size=32'];

const LIMITS = { testTimeout: HANG, hookTimeout: HANG, expect: { poll: { timeout: HANGING_STEP } } };

/** The files that take longest. Begun last, as a fresh clone would, they leave all other cores idle until they are done. */
const LONG = ['soak/crash', 'soak/damage', 'http/embargo', 'peers/caches', 'service/supervisor', 'soak/readers'].map(
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
    globalSetup: 'tests/global-setup.ts',
    // Many tests wait for timers or for other processes.
    maxWorkers: Math.ceil(1.5 * availableParallelism()),
    sequence: { sequencer: LongFirst },
    tags: [{ name: 'soak', description: 'tests that have sizes' }],
    ...(RUN === 'short' ? {} : { tagsFilter: ['soak'] }),
    // A process that runs one file after the other loads the program and its packages once.
    projects: [
      {
        test: {
          name: 'together',
          include: pathsOf(FILES.filter((file) => !isAlone(file))),
          isolate: false,
          execArgv: ROOM_FOR_GARBAGE,
          ...LIMITS,
        },
      },
      { test: { name: 'alone', include: pathsOf(FILES.filter(isAlone)), ...LIMITS } },
    ],
  },
});
