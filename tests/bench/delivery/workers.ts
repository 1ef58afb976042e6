import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../delivery.ts';
import { figure, median, print, printTable, ratio } from '../figures.ts';
import { type Contestant, inTurn, medianRate, openLoad, type Rounds, requestText } from '../rates.ts';
import { copySample, PATH } from '../sample.ts';
import { type Service, serveKnows, withService } from '../service.ts';

/** Milliseconds in which every worker is there. */
const STARTED = 1000;

/**
 * The system deals connections out by chance: of 32, one worker would have 18 or 19 and its core be what bounds the rate.
 */
const CONNECTIONS = 512;

/** What a second worker adds, with the load on the same cores counted out. */
export async function workers({ folder }: Bench): Promise<void> {
  if (!serveKnows('--workers')) return print('\nWorkers: – (serve has no --workers)');
  const load = openLoad({ isPinned: false, connections: CONNECTIONS });
  const work = async (services: readonly Service[]) => {
    await sleep(STARTED);
    print(`\nOne worker and two, all on the same cores as the load, ${CONNECTIONS} connections`);
    print('Capacity = answers ÷ CPU seconds of the busiest process of the service: no process has more than a core,');
    print('so that is what all of them answer in a second once the load runs elsewhere and the busiest has a core.');
    const rows = [['', 'one, capacity', 'two, capacity', 'two of one', 'asked', 'one, a second', 'two, a second']];
    for (const status of [200, 304]) {
      const contestants = await Promise.all(services.map((service, index) => contestant(`${index}`, service, status)));
      const measured = await inTurn(load, contestants, status);
      const [one, two] = ['0', '1'].map((name) => measured.get(name));
      rows.push([
        `${status}`,
        figure(capacity(one)),
        figure(capacity(two)),
        figure(ratio(one?.busiest, two?.busiest), 2),
        '1.7',
        figure(medianRate(one)),
        figure(medianRate(two)),
      ]);
    }
    printTable(rows);
  };
  try {
    const [first, second] = [await copySample(join(folder, 'one')), await copySample(join(folder, 'two'))];
    const args = (count: number) => ({ args: ['--workers', String(count)] });
    await withService(first, (one) => withService(second, (two) => work([one, two]), args(2)), args(1));
  } finally {
    await load.close();
  }
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
