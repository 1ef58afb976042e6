import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const FAULTS = 'tests/soak/**/*.test.ts';

/** A minute or more each. Begun last, as a fresh clone would, they leave all other cores idle until they are done. */
const LONG = ['soak/crash', 'peers/caches', 'peers/readers', 'service/supervisor'].map((name) => `/tests/${name}.test.ts`);

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => [...LONG, moduleId].findIndex((name) => moduleId.endsWith(name));
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other));
  }
}

// biome-ignore lint/style/noDefaultExport: the form in which vitest reads its configuration
export default defineConfig({
  test: {
    testTimeout: 20_000,
    maxWorkers: '100%',
    sequence: { sequencer: LongFirst },
    projects: [
      {
        extends: true,
        test: { name: 'all', include: ['tests/**/*.test.ts'], exclude: [FAULTS], sequence: { groupOrder: 0 } },
      },
      // How soon polite clients are answered under a siege says nothing where other tests take the cores as well.
      {
        extends: true,
        test: { name: 'faults', include: [FAULTS], maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
