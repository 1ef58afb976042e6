import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKey } from '../../src/publish/api-keys.ts';
import { openDataFolder } from '../../src/service/data-folder.ts';
import { createLedger } from './crash/ledger.ts';
import { load } from './crash/load.ts';
import { startProgram } from './crash/program.ts';
import { seeded, whole } from './crash/random.ts';
import { inspect } from './crash/verify.ts';
import { dataFolder, PUBLICATION } from '../helpers.ts';

/** CRASH_SEED repeats the choices of an earlier run; when the system schedules what, nobody can repeat. */
const SEED = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
/** CRASH_MAIN is a service that is broken on purpose, to see that these tests can fail. */
const MAIN = process.env.CRASH_MAIN;
const ROUNDS = 4;
/** Kills of each of the two stores in a round: 200 in all. */
const KILLS = 25;
/** Milliseconds of load before a kill, at most. */
const LONGEST_LIFE = 150;

let compileCache: string;
beforeAll(async () => {
  compileCache = await mkdtemp(join(tmpdir(), 'feed-publisher-compiled-'));
});
afterAll(() => rm(compileCache, { recursive: true, force: true }));

/** A store goes through its lives; the names of what is wrong begin with the life it was seen in. */
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
    const program = await startProgram({ dataFolder: folder, key, main: MAIN, compileCache });
    const found = await inspect(program, (there) => [...new Set([...doubtful, ...[...there.keys()].slice(-20)])]);
    const last = Math.max(ledger.lastRevision(), lastRevision);
    if (found.lastRevision < last)
      wrong.push(`${name}, life ${life}: the last revision is ${found.lastRevision}, was ${last}`);
    wrong.push(...[...found.wrong, ...ledger.wrongWith(found.there)].map((line) => `${name}, life ${life}: ${line}`));
    if (wrong.length > 0) break;
    lastRevision = found.lastRevision;
    ledger.settle(found.there);
    await program.ask('/api/articles/none', { method: 'PUT', body: '{}' }); // the first record of a life takes as long as all of it
    const work = life < KILLS ? load(program, { random, ledger, next }) : undefined;
    await sleep(life < KILLS ? 5 + whole(random, LONGEST_LIFE) : 0);
    killedAtWork += ledger.counts().open > 0 ? 1 : 0;
    await program.kill();
    await work;
    doubtful = ledger.doubtful();
  }
  return { wrong, killedAtWork, acknowledged: ledger.counts().acknowledged };
}

describe(`killed at random moments under PUTs, DELETEs and bulk imports (CRASH_SEED=${SEED})`, () => {
  test.each(Array.from({ length: ROUNDS }, (_, round) => round + 1))(
    `round %i of ${ROUNDS}: two stores, ${KILLS} kills each`,
    { timeout: 300_000 },
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
