import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createKey } from '../../src/publish/api-keys.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { dataFolder, PUBLICATION } from '../helpers.ts';
import { createLedger, type Ledger } from './crash/ledger.ts';
import { load } from './crash/load.ts';
import { type Program, startProgram } from './crash/program.ts';
import { seeded, whole } from './crash/random.ts';
import { inspect } from './crash/verify.ts';
import { sized } from './sizes.ts';

/** CRASH_SEED repeats the choices of an earlier run. Nothing repeats how the system schedules the processes. */
const SEED = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
/** CRASH_MAIN names another `start.js`: one that is broken on purpose shows that these tests can fail. */
const MAIN = process.env.CRASH_MAIN;
const ROUNDS = sized({ short: 1, soak: 4, full: 40 });
/** Kills of each of the two stores in a round. */
const KILLS = sized({ short: 3, soak: 25, full: 50 });
/** Changes that are acknowledged before a kill, at most. */
const LONGEST_LIFE = 200;
/** Milliseconds from the last of them to the kill, at most: a kill meets the service in any phase of its work. */
const LATEST_KILL = 10;

/** Kills the service of one store again and again. Each problem begins with the name of the store and the number of its life. */
async function livesOf(name: string, seed: number) {
  const folder = await dataFolder({ 'publication.yaml': `${PUBLICATION}entries: 1000\n` });
  const { store } = openDataFolder(folder);
  const { key } = await createKey(store, 'crash', 'write', Date.now());
  await store.close();

  const random = seeded(seed);
  const ledger = createLedger();
  let number = 0;
  const next = () => ++number;
  let killedAtWork = 0;
  let lastRevision = 0;
  let doubtful: readonly string[] = [];
  const wrong: string[] = [];
  for (let life = 0; life <= KILLS; life += 1) {
    const program = await startProgram({ dataFolder: folder, key, main: MAIN });
    const found = await inspect(program, (there) => [...new Set([...doubtful, ...[...there.keys()].slice(-20)])]);
    const last = Math.max(ledger.lastRevision(), lastRevision);
    if (found.lastRevision < last)
      wrong.push(`${name}, life ${life}: the last revision is ${found.lastRevision}, was ${last}`);
    wrong.push(...[...found.wrong, ...ledger.wrongWith(found.there)].map((line) => `${name}, life ${life}: ${line}`));
    if (wrong.length > 0) break;
    lastRevision = found.lastRevision;
    ledger.settle(found.there);
    if (life < KILLS) killedAtWork += await killAtWork(program, ledger, { random, next });
    doubtful = ledger.doubtful();
  }
  return { wrong, killedAtWork, acknowledged: ledger.counts().acknowledged };
}

/** Kills the service a moment after a random number of changes. Returns 1 if it had changes under way, and else 0. */
async function killAtWork(
  program: Program,
  ledger: Ledger,
  { random, next }: { readonly random: () => number; readonly next: () => number },
): Promise<number> {
  const acknowledged = ledger.counts().acknowledged + 1 + whole(random, LONGEST_LIFE);
  const work = load(program, { random, ledger, next });
  let isOver = false;
  const enough = async () => {
    while (!isOver && ledger.counts().acknowledged < acknowledged) await sleep(1);
    await sleep(whole(random, LATEST_KILL));
  };
  await Promise.race([work, enough()]).finally(() => {
    isOver = true;
  });
  const { open } = ledger.counts();
  await program.kill();
  await work;
  return open > 0 ? 1 : 0;
}

describe(`killed at random moments under PUTs, DELETEs and bulk imports (CRASH_SEED=${SEED})`, () => {
  test.each(Array.from({ length: ROUNDS }, (_, round) => round + 1))(
    `round %i of ${ROUNDS}: two stores, ${KILLS} kills each`,
    async (round) => {
      const stores = await Promise.all([
        livesOf('first store', SEED + round * 2),
        livesOf('second store', SEED + round * 2 + 1),
      ]);

      expect(stores.flatMap(({ wrong }) => wrong)).toEqual([]);
      // The test has tested something: changes were acknowledged, and others were under way at nearly every kill.
      for (const { killedAtWork, acknowledged } of stores) {
        expect(killedAtWork).toBeGreaterThan(KILLS / 2);
        expect(acknowledged).toBeGreaterThan(KILLS);
      }
    },
  );
});
