/**
 * `npm run bench`: what cleaning, rendering, delivering and storing cost. `npm run bench -- store` is one of them,
 * `npm run bench -- delivery opponents day` two sections of one. `BENCH_ARTICLES=1000000` fills a store of that size,
 * `BENCH_REQUESTS=1000000` asks as often for the warm feeds, `BENCH_ROUNDS=9` measures rates in more rounds.
 */
import { archives } from './archives.ts';
import { cleaning } from './cleaning.ts';
import { delivery } from './delivery.ts';
import { pages } from './pages.ts';
import { partners } from './partners.ts';
import { purge } from './purge.ts';
import { reload } from './reload.ts';
import { rendering } from './rendering.ts';
import { replicas } from './replicas.ts';
import { scale } from './scale.ts';
import { staticSite } from './site.ts';
import { siteFiles } from './site-files.ts';
import { storing } from './store.ts';

const BENCHES: ReadonlyMap<string, (sections: readonly string[]) => Promise<void>> = new Map([
  ['cleaning', cleaning],
  ['rendering', rendering],
  ['pages', pages],
  ['sitemaps', siteFiles],
  ['archives', archives],
  ['site', staticSite],
  ['reload', reload],
  ['purge', purge],
  ['partners', partners],
  ['delivery', delivery],
  ['scale', scale],
  ['store', storing],
  ['replicas', replicas],
]);

// So that those it has started end as well.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

const [wanted, ...sections] = process.argv.slice(2);
if (wanted !== undefined && !BENCHES.has(wanted)) throw new Error(`there are ${[...BENCHES.keys()].join(', ')}`);
for (const [name, bench] of BENCHES) if (wanted === undefined || wanted === name) await bench(sections);
