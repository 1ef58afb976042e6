import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../delivery.ts';
import { figure, median, print, printTable, ratio } from '../figures.ts';
import { CAN_PIN, LOAD_CORE, pinToCore, processTree, SERVER_CORE } from '../processes.ts';
import { type Contestant, inTurn, openLoad, type Rounds, requestText, together } from '../rates.ts';
import { copySample, PATH } from '../sample.ts';
import { type Service, serveKnows, withService } from '../service.ts';

/** Milliseconds in which every worker is there. */
const STARTED = 1000;

/**
 * Of each generator. The system deals connections out by chance: of 32, one worker would have 18 or 19, and its core bound
 * the rate.
 */
const CONNECTIONS = 64;

/** What a second worker adds on a second core, with the load counted out. */
export async function workers({ folder }: Bench): Promise<void> {
  if (!serveKnows('--workers')) return print('\nWorkers: – (serve has no --workers)');
  const alone = await copySample(join(folder, 'one'));
  const pair = await copySample(join(folder, 'two'));
  await withService(alone, (one) => withService(pair, (two) => compare(one, two), { args: ['--workers', '2'] }), {
    args: ['--workers', '1'],
    core: SERVER_CORE,
  });
}

async function compare(one: Service, two: Service): Promise<void> {
  await sleep(STARTED);
  const [, ...processes] = processTree(two.pid);
  for (const [place, pid] of processes.entries()) pinToCore(place % 2 === 0 ? SERVER_CORE : LOAD_CORE, pid);
  print(
    `\nTwo load generators with ${CONNECTIONS} connections each, one on each core, ask one worker and two in turn. One runs`,
  );
  print('on one of the cores, two on one each.');
  if (!CAN_PIN) print('(without taskset, wherever they run)');
  print('Capacity = answers ÷ CPU seconds of the busiest worker: no process has more than a core, so that is what all');
  print('of them answer in a second once the load runs elsewhere.');
  const load = together([SERVER_CORE, LOAD_CORE].map((core) => openLoad({ core, connections: CONNECTIONS })));
  const rows = [['', 'one, capacity', 'two', 'two of one', 'asked']];
  try {
    for (const status of [200, 304]) {
      const contestants = [await contestant('one', one, status), await contestant('two', two, status)];
      const measured = await inTurn(load, contestants, status);
      const [alone, both] = [measured.get('one'), measured.get('two')];
      const capacities = [alone, both].map((rounds) => figure(capacity(rounds)));
      rows.push([`${status}`, ...capacities, figure(ratio(alone?.busiest, both?.busiest), 2), '1.7']);
    }
  } finally {
    await load.close();
  }
  printTable(rows);
}

/** Answers a second of the busiest process's CPU. */
function capacity(rounds: Rounds | undefined): number {
  return 1e6 / median(rounds?.busiest ?? []);
}

async function contestant(name: string, { ask, port, pid }: Service, status: number): Promise<Contestant> {
  const identity = { 'Accept-Encoding': 'identity' };
  const { headers } = await ask(PATH, { headers: identity });
  const condition = status === 304 ? { 'If-None-Match': headers.etag ?? '' } : {};
  return { name, port, pid, request: requestText(PATH, { ...identity, ...condition }) };
}
