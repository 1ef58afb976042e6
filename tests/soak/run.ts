/**
 * `npm run test:soak [-- --full] [FILTER …]`: runs the tests that have sizes with their long ones. All other arguments are
 * vitest's.
 */
import { parseCLI, startVitest } from 'vitest/node';
import type { Run } from './sizes.ts';

const args = process.argv.slice(2);
process.env.SOAK = (args.includes('--full') ? 'full' : 'soak') satisfies Run;
const { filter, options } = parseCLI(['vitest', 'run', ...args.filter((arg) => arg !== '--full')]);
const vitest = await startVitest('test', filter, options);
await vitest.close();
