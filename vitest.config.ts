import { defineConfig } from 'vitest/config';

const FAULTS = 'tests/faults/**/*.test.ts';

// biome-ignore lint/style/noDefaultExport: the form in which vitest reads its configuration
export default defineConfig({
  test: {
    testTimeout: 20_000,
    maxWorkers: '100%',
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
