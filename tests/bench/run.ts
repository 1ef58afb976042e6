/**
 * `npm run bench`: what rendering, answering and storing cost. `npm run bench -- store` is one of them;
 * `BENCH_ARTICLES=1000000` fills a store of that size.
 */
import { answering } from './answering.ts';
import { rendering } from './rendering.ts';
import { storing } from './store.ts';

const BENCHES: ReadonlyMap<string, () => Promise<void>> = new Map([
  ['rendering', rendering],
  ['answering', answering],
  ['store', storing],
]);

const [wanted] = process.argv.slice(2);
if (wanted !== undefined && !BENCHES.has(wanted)) throw new Error(`there are ${[...BENCHES.keys()].join(', ')}`);
for (const [name, bench] of BENCHES) if (wanted === undefined || wanted === name) await bench();
