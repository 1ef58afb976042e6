import { defineConfig } from 'vitest/config';

// biome-ignore lint/style/noDefaultExport: the form in which vitest reads its configuration
export default defineConfig({
  test: { include: ['tests/**/*.test.ts'], testTimeout: 20_000, maxWorkers: '100%' },
});
