import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../delivery.ts';
import { figure, median, print, printTable, ratio } from '../figures.ts';
import { CAN_PIN, LOAD_CORE, SERVER_CORE } from '../processes.ts';
import {
  type Contestant,
  inTurn,
  type Load,
  medianRate,
  openLoad,
  type Rounds,
  requestText,
  together,
} from '../rates.ts';
import { copySample, PATH } from '../sample.ts';
import { type Service, serveKnows, withService } from '../service.ts';

/** Milliseconds in which every worker is there. */
const STARTED = 1000;

/** The system deals connections out by chance: of 32, one worker would have 18 or 19, and its core bound the rate. */
const CONNECTIONS = 256;

/** What a second worker adds on a second core, with the load counted out. */
export async function workers({ folder }: Bench): Promise<void> {
  if (!serveKnows('--workers')) return print('\nWorkers: – (serve has no --workers)');
  const loads = [SERVER_CORE, LOAD_CORE].map((core) => openLoad({ core, connections: CONNECTIONS }));
  const [first, both] = [loads[0], together(loads)];
  if (first === undefined) return;
  const work = async (one: Service, two: Service) => {
    await sleep(STARTED);
    print(
      `\nOne worker with a load generator on one core; two with two on two. ${CONNECTIONS} connections for each generator`,
    );
    if (!CAN_PIN) print('(without taskset, wherever they run)');
    print(
      'Capacity = answers ÷ CPU seconds of the busiest worker: no process has more than a core, so that is what all of',
    );
    print(
      'them answer in a second once the load runs elsewhere. Each core has the same to do besides with one and with two.',
    );
    const rows = [['', 'one, capacity', 'two, capacity', 'two of one', 'asked', 'one, a second', 'two, a second']];
    for (const status of [200, 304]) {
      const contestants = [await contestant('one', one, status, first), await contestant('two', two, status, both)];
      const measured = await inTurn(both, contestants, status);
      const [of1, of2] = [measured.get('one'), measured.get('two')];
      rows.push([
        `${status}`,
        figure(capacity(of1)),
        figure(capacity(of2)),
        figure(ratio(of1?.busiest, of2?.busiest), 2),
        '1.7',
        figure(medianRate(of1)),
        figure(medianRate(of2)),
      ]);
    }
    printTable(rows);
  };
  try {
    const [alone, pair] = [await copySample(join(folder, 'one')), await copySample(join(folder, 'two'))];
    await withService(alone, (one) => withService(pair, (two) => work(one, two), { args: ['--workers', '2'] }), {
      args: ['--workers', '1'],
      core: SERVER_CORE,
    });
  } finally {
    await both.close();
  }
}

/** Answers a second of the busiest process's CPU. */
function capacity(rounds: Rounds | undefined): number {
  return 1e6 / median(rounds?.busiest ?? []);
}

async function contestant(name: string, { ask, port, pid }: Service, status: number, load: Load): Promise<Contestant> {
  const identity = { 'Accept-Encoding': 'identity' };
  const { headers } = await ask(PATH, { headers: identity });
  const condition = status === 304 ? { 'If-None-Match': headers.etag ?? '' } : {};
  return { name, port, pid, load, request: requestText(PATH, { ...identity, ...condition }) };
}
