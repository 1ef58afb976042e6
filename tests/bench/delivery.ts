import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { change } from './delivery/change.ts';
import { codings } from './delivery/codings.ts';
import { day } from './delivery/day.ts';
import { growth } from './delivery/growth.ts';
import { opponents } from './delivery/opponents.ts';
import { warm } from './delivery/warm.ts';
import { workers } from './delivery/workers.ts';
import { print } from './figures.ts';
import { CAN_PIN, LOAD_CORE, SERVER_CORE, temporaryFolder } from './processes.ts';
import { CONNECTIONS, type Load, openLoad, ROUNDS, SECONDS } from './rates.ts';

export interface Bench {
  /** An empty folder of the section's own. */
  readonly folder: string;
  readonly load: Load;
}

const SECTIONS: ReadonlyMap<string, (bench: Bench) => Promise<void>> = new Map([
  ['opponents', opponents],
  ['growth', growth],
  ['day', day],
  ['change', change],
  ['warm', warm],
  ['workers', workers],
  ['codings', codings],
]);

/** What it costs to serve a feed: all sections of it, or those that are named. */
export async function delivery(wanted: readonly string[] = []): Promise<void> {
  const unknown = wanted.find((name) => !SECTIONS.has(name));
  if (unknown !== undefined) throw new Error(`there is no ${unknown}, there are ${[...SECTIONS.keys()].join(', ')}`);
  const start = performance.now();
  print(`\n${availableParallelism()} cores (${cpus()[0]?.model}), Node ${process.versions.node}`);
  print(
    CAN_PIN ? `Servers on core ${SERVER_CORE}, the load on core ${LOAD_CORE}` : 'Servers and load wherever they run',
  );
  print(`${CONNECTIONS} connections; medians of ${ROUNDS} rounds of ${SECONDS} s in turn, after one that warms up`);
  const load = openLoad();
  const folder = temporaryFolder('bench');
  try {
    for (const [name, section] of SECTIONS) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      const began = performance.now();
      await section({ folder: join(folder.path, name), load });
      print(`(${name}: ${((performance.now() - began) / 1000).toFixed(0)} s)`);
    }
  } finally {
    await load.close();
    folder.remove();
  }
  print(`\nAll of it took ${((performance.now() - start) / 1000).toFixed(0)} s`);
}
