/**
 * `npm run test:soak [-- --full] [FILTER …]`: runs the tests that have sizes with their long ones, and prints what they did in
 * numbers. All other arguments are vitest's.
 */
import { parseCLI, startVitest } from 'vitest/node';
import { sumOf, tableOf } from './figures.ts';
import type { Run } from './sizes.ts';

const args = process.argv.slice(2);
process.env.SOAK = (args.includes('--full') ? 'full' : 'soak') satisfies Run;
const { filter, options } = parseCLI(['vitest', 'run', ...args.filter((arg) => arg !== '--full')]);
const vitest = await startVitest('test', filter, options);
const tests = vitest.state.getTestModules().flatMap(({ children }) => [...children.allTests()]);
await vitest.close();
process.stdout.write(tableOf(sumOf(tests.map((test) => test.meta().figures ?? {}))));
