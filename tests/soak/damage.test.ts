// @module-tag soak
import { copyFile, cp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { storeFile } from '../../src/service/data-folder.ts';
import { dataFolder, put } from '../helpers.ts';
import { NotStarted, type Program, startProgram } from './crash/program.ts';
import { seeded } from './crash/random.ts';
import {
  changeArticle,
  compareAnswers,
  NEW,
  shuffled,
  wrongWithLog,
  wrongWithProcess,
  wrongWithRefusal,
  wrongWithWrites,
} from './damage/examine.ts';
import { KIND_NAMES, KINDS, type KindName, type StoreFiles } from './damage/kinds.ts';
import { repairStore } from './damage/repaired.ts';
import { makeStores, type Stores } from './damage/stores.ts';
import { reportFigures } from './figures.ts';
import { sized } from './sizes.ts';

/** DAMAGE_SEED repeats the choices of an earlier run. `-t` with the name of a test repeats that damage alone. */
const SEED = Number(process.env.DAMAGE_SEED ?? Date.now() % 1_000_000);
/** Damaged stores of each kind. */
const EACH = sized({ short: 1, soak: 1, full: 10 });
const ALL = Array.from({ length: EACH }, (_, round) =>
  KIND_NAMES.map((kind, index) => caseOf(kind, round, index)),
).flat();
const CASES = ALL.filter((_, index) => (index + 2) % sized({ short: 3, soak: 1, full: 1 }) === 0);

type Moment = 'before a start' | 'under a running service' | 'under two processes';

function caseOf(kind: KindName, round: number, index: number) {
  const running = (round + index) % 4 < 2 ? 'under a running service' : 'under two processes';
  const moment: Moment = (round + (EACH === 1 ? index : 0)) % 2 === 0 ? 'before a start' : running;
  return { kind, moment, round: round + 1, seed: SEED + 100 * round + index } as const;
}

/** Addresses that are asked before a running service meets damage. */
const FEW = 20;
/** Addresses that are asked again afterwards. */
const MANY = 80;
/** Of what is wrong with a store, so much is printed. */
const MOST_PRINTED = 8;

let stores: Stores;
beforeAll(async () => {
  stores = await makeStores(SEED);
});
afterAll(() => rm(stores.folder, { recursive: true, force: true }));

/** A data folder of its own with a copy of the store. */
async function copied(needsLog: boolean): Promise<{ readonly folder: string; readonly file: string }> {
  const folder = await dataFolder();
  const file = storeFile(folder);
  await copyFile(join(stores.folder, 'publication.yaml'), join(folder, 'publication.yaml'));
  await cp(join(stores.folder, 'media'), join(folder, 'media'), { recursive: true });
  await put(folder, 'store/publisher.sqlite', await readFile(needsLog ? stores.logged : stores.whole));
  if (needsLog) await copyFile(`${stores.logged}-wal`, `${file}-wal`);
  return { folder, file };
}

async function readStore(file: string): Promise<StoreFiles> {
  return { database: await readFile(file), log: await readFile(`${file}-wal`).catch(() => Buffer.alloc(0)) };
}

/** Overwrites files in place, so that a process that has them open reads the damage. */
async function overwrite(file: string, { database, log }: Partial<StoreFiles>): Promise<void> {
  for (const [path, content] of [[file, database] as const, [`${file}-wal`, log] as const]) {
    if (content === undefined) continue;
    await writeFile(path, content, { flag: 'r+' });
    await truncate(path, content.length);
  }
}

/** Starts the service with few documents in memory. */
function start(folder: string, moment: Moment): Promise<Program | NotStarted> {
  const args = ['--cache-mb', '1', ...(moment === 'under two processes' ? ['--workers', '2'] : [])];
  return startProgram({ dataFolder: folder, key: stores.key, args }).catch((error: Error) => {
    if (error instanceof NotStarted) return error;
    throw error;
  });
}

test.each(['whole', 'logged'] as const)('an undamaged store (%s) gives its last answers', async (name) => {
  const { folder } = await copied(name === 'logged');
  const program = await startProgram({ dataFolder: folder, key: stores.key });
  const { last } = stores.history;
  const given = new Map([...last].map(([address, digest]) => [address, new Set([digest])]));
  const { wrong, compared, unavailable } = await compareAnswers(program.ask, last.keys(), { ...stores.history, given });

  expect(wrong).toEqual([]);
  expect(compared).toBeGreaterThan(100);
  expect(unavailable).toBe(0);
  expect(await wrongWithProcess(program)).toEqual([]);
});

describe(`damaged stores (DAMAGE_SEED=${SEED})`, () => {
  test.for(CASES)('$kind, $moment, $round', async ({ kind, moment, seed }, context) => {
    const { needsLog, damage } = KINDS[kind];
    const random = seeded(seed);
    const { folder, file } = await copied(needsLog);
    const { history, hidden } = stores;
    const addresses = [...history.given.keys()];
    const wrong: string[] = [];
    let [compared, unavailable, isChanged] = [0, 0, false];
    const breakStore = async () =>
      overwrite(file, damage({ ...(await readStore(file)), random, earlier: await readFile(stores.half) }));
    const compare = async (some: Iterable<string>, { ask }: Program) => {
      const verdict = await compareAnswers(ask, some, history);
      wrong.push(...verdict.wrong);
      compared += verdict.compared;
      unavailable += verdict.unavailable;
    };

    if (moment === 'before a start') await breakStore();
    const program = await start(folder, moment);
    const isRefused = program instanceof NotStarted;
    if (isRefused) {
      wrong.push(...wrongWithRefusal(program.ended, program.said));
      if (moment !== 'before a start') wrong.push('an undamaged store is refused');
    } else {
      await compare(moment === 'before a start' ? [] : shuffled(addresses, random).slice(0, FEW), program);
      if (moment !== 'before a start') await breakStore();
      await compare(shuffled(addresses, random), program);
      // Now the service has seen the damage.
      await compare(shuffled(addresses, random).slice(0, MANY), program);
      if (unavailable === 0) {
        const changed = await changeArticle(program.ask, NEW, [503]);
        isChanged = changed.isAcknowledged;
        wrong.push(...changed.wrong);
      } else
        wrong.push(
          ...(await wrongWithWrites(program.ask)),
          ...wrongWithLog(program, moment === 'under two processes' ? 2 : 1),
        );
      wrong.push(...(await wrongWithProcess(program)));
      await program.stop();
    }
    const repaired = await repairStore(folder, {
      history,
      hidden: needsLog ? hidden.throughout : hidden.atEnd,
      isChanged,
    });
    wrong.push(...repaired.wrong);
    // What is left of a log is the log of an earlier state.
    if ((isRefused || unavailable > 0) && !repaired.isDamaged && !needsLog) wrong.push('repair finds no damage');

    reportFigures(context, {
      [`damaged stores, ${kind}`]: 1,
      'damaged stores that a start refused': isRefused ? 1 : 0,
      'damaged stores that were served': isRefused ? 0 : 1,
      'damaged stores that gave 503': unavailable > 0 ? 1 : 0,
      'damaged stores that were repaired': repaired.isRepaired ? 1 : 0,
      'answers with 200 of damaged stores, compared': compared,
      'answers with 503 of damaged stores': unavailable,
    });
    expect([...wrong.slice(0, MOST_PRINTED), `${wrong.length} in all`]).toEqual(['0 in all']);
  });
});
