// @module-tag soak
import { describe, expect, test } from 'vitest';
import { createKey } from '../../src/publish/api-keys.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { dataFolder, PUBLICATION } from '../helpers.ts';
import { createLedger } from './crash/ledger.ts';
import { type Kills, LIVES, wrongWithStore } from './crash/lives.ts';
import { createLoad } from './crash/load.ts';
import { type Program, startProgram } from './crash/program.ts';
import { seeded } from './crash/random.ts';
import { createFeedMemory, filesRead, inspect } from './crash/verify.ts';
import { reportFigures, sumOf } from './figures.ts';
import { sized } from './sizes.ts';

/** CRASH_SEED repeats the choices of an earlier run. Nothing repeats how the system schedules the processes. */
const SEED = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
/** CRASH_MAIN names another `start.js`: one that is broken on purpose shows that these tests can fail. */
const MAIN = process.env.CRASH_MAIN;
const ROUNDS = sized({ short: 1, soak: 2, full: 20 });
/** Stores of a round, whose services run beside each other. */
const STORES = sized({
  short: ['only store'],
  soak: ['first store', 'second store'],
  full: ['first store', 'second store'],
});
/** Kills of each store in a round, at least. */
const KILLS = sized({ short: 2, soak: 6, full: 25 });
/** Articles with a high revision that are compared one by one. */
const RECENT = 20;

/** Kills the processes of one store again and again. Each problem begins with the name of the store and the number of its life. */
async function livesOf(name: string, seed: number) {
  const folder = await dataFolder({ 'publication.yaml': `${PUBLICATION}entries: 1000\n`, 'articles/.keep': '' });
  const { store } = openDataFolder(folder);
  const { key } = await createKey(store, 'crash', 'write', Date.now());
  await store.close();

  const random = seeded(seed);
  const ledger = createLedger();
  const feeds = createFeedMemory();
  let number = 0;
  const parts = createLoad({ folder, random, ledger, feeds, next: () => ++number });
  const wrong: string[] = [];
  let kills: Kills = {};
  let lastRevision = 0;

  async function expectAllThere(program: Program, life: number): Promise<void> {
    const doubtful = ledger.doubtful();
    const found = await inspect(program, {
      ledger,
      feeds,
      ids: (there) => [...new Set([...doubtful, ...[...there.keys()].slice(-RECENT)])],
    });
    const last = Math.max(ledger.lastRevision(), lastRevision);
    wrong.push(...found.wrong.map((line) => `${name}, life ${life}: ${line}`));
    if (found.lastRevision < last) {
      wrong.push(`${name}, life ${life}: the last revision is ${found.lastRevision}, was ${last}`);
    }
    lastRevision = found.lastRevision;
    ledger.settle(found.there);
  }

  for (let life = 0; ; life += 1) {
    const { args, live } = LIVES[(life + seed) % LIVES.length] ?? LIVES[0];
    const program = await startProgram({ dataFolder: folder, key, main: MAIN, args });
    await expectAllThere(program, life);
    if (wrong.length > 0 || countOf(kills) >= KILLS) {
      await program.stop();
      break;
    }
    const killed = await live(program, {
      ...parts,
      main: MAIN,
      async inspect(running) {
        await filesRead(running, ledger);
        await expectAllThere(running, life);
      },
    });
    kills = sumOf([kills, killed, { 'lives of stores': 1 }]);
    wrong.push(...(await wrongWithStore(parts)).map((line) => `${name}, life ${life}: ${line}`));
  }
  const { acknowledged } = ledger.counts();
  return { wrong, kills, acknowledged, erased: parts.erased.length };
}

function countOf(kills: Kills): number {
  return Object.entries(kills).reduce((sum, [name, count]) => (name.startsWith('kills of') ? sum + count : sum), 0);
}

describe(`killed at random moments under changes of every kind (CRASH_SEED=${SEED})`, () => {
  test.for(Array.from({ length: ROUNDS }, (_, round) => round + 1))(
    `round %i of ${ROUNDS}: ${KILLS} kills each of ${STORES.join(' and ')}`,
    async (round, context) => {
      const stores = await Promise.all(STORES.map((name, index) => livesOf(name, SEED + round * 2 + index)));

      expect(stores.flatMap(({ wrong }) => wrong)).toEqual([]);
      for (const { kills, acknowledged, erased } of stores) {
        reportFigures(context, {
          ...kills,
          'changes acknowledged, and found again after each kill': acknowledged,
          'texts erased, and found in no file of the store after each kill': erased,
        });
        // The test has tested something: changes were acknowledged, and others were under way.
        expect(kills['kills at work']).toBeGreaterThan(0);
        expect(acknowledged).toBeGreaterThan(0);
      }
    },
  );
});
