import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../delivery.ts';
import { figure, median, print, printTable, ratio } from '../figures.ts';
import { CAN_PIN, LOAD_CORE, SERVER_CORE } from '../processes.ts';
import { type Contestant, inTurn, type Load, openLoad, type Rounds, requestText, together } from '../rates.ts';
import { copySample, PATH } from '../sample.ts';
import { type Service, serveKnows, withService } from '../service.ts';

/** Milliseconds in which every worker is there. */
const STARTED = 1000;

/**
 * Of each generator. The system deals connections out by chance: of 32, one worker would have 18 or 19, and its core bound
 * the rate.
 */
const CONNECTIONS = 128;

/** What a second worker adds on a second core, with the load counted out. */
export async function workers({ folder }: Bench): Promise<void> {
  if (!serveKnows('--workers')) return print('\nWorkers: – (serve has no --workers)');
  const [first, second] = [1, 2].map(() =>
    together([SERVER_CORE, LOAD_CORE].map((core) => openLoad({ core, connections: CONNECTIONS }))),
  );
  if (first === undefined || second === undefined) return;
  const [alone, other, pair] = [
    await copySample(join(folder, 'one')),
    await copySample(join(folder, 'other')),
    await copySample(join(folder, 'two')),
  ];
  const onCore = (core: number) => ({ args: ['--workers', '1'], core });
  try {
    await withService(
      alone,
      (one) =>
        withService(
          other,
          (neighbour) =>
            withService(pair, (two) => compare({ one, neighbour, two }, first, second), { args: ['--workers', '2'] }),
          onCore(LOAD_CORE),
        ),
      onCore(SERVER_CORE),
    );
  } finally {
    await together([first, second]).close();
  }
}

interface Services {
  readonly one: Service;
  /** Another like it, on the other core. */
  readonly neighbour: Service;
  readonly two: Service;
}

async function compare({ one, neighbour, two }: Services, first: Load, second: Load): Promise<void> {
  await sleep(STARTED);
  print(`\nFor each worker two load generators with ${CONNECTIONS} connections, one on its core and one on the other.`);
  if (!CAN_PIN) print('(without taskset, wherever they run)');
  print('Capacity = answers ÷ CPU seconds of the busiest worker: no process has more than a core, so that is what all');
  print(
    'of them answer in a second once the load runs elsewhere. Two cores share memory and caches, and each is slower',
  );
  print(
    'while the other works. So one is also measured beside another service like it, on the other core with as much',
  );
  print('to do: twice that is what the machine has to give.');
  const rows = [['', 'one, capacity', 'beside another', 'two workers', 'two of one', 'of one beside another', 'asked']];
  for (const status of [200, 304]) {
    const contestants = [
      await contestant('one', one, status, first),
      await contestant('beside', one, status, beside(first, second, neighbour)),
      await contestant('two', two, status, together([first, second])),
    ];
    const measured = await inTurn(first, contestants, status);
    const [alone, besideAnother, both] = ['one', 'beside', 'two'].map((name) => measured.get(name));
    rows.push([
      `${status}`,
      ...[alone, besideAnother, both].map((rounds) => figure(capacity(rounds))),
      ...[alone, besideAnother].map((rounds) => figure(ratio(rounds?.busiest, both?.busiest), 2)),
      '1.7',
    ]);
  }
  printTable(rows);
}

/** The first load while the second asks another service for the same; only what the first hears is told. */
function beside(first: Load, second: Load, { port }: Service): Load {
  return {
    async run(task) {
      const [figures] = await Promise.all([first.run(task), second.run({ ...task, port })]);
      return figures;
    },
    close: first.close,
  };
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
