import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../delivery.ts';
import { figure, median, percentile, print, printTable } from '../figures.ts';
import { recordOf } from '../newsroom.ts';
import { mainThreadMilliseconds, SERVER_CORE } from '../processes.ts';
import { copySample, PATH } from '../sample.ts';
import { putNew, type Service, withService, writerOf } from '../service.ts';

const CHANGES = 100;
/** Changes before those that count: the first of a process run code that V8 has not seen before. */
const FIRST = 10;
/** Milliseconds after the answer in which the event loop ends what the change has begun. */
const AFTERWARDS = 25;

interface Answers {
  /** Milliseconds from the question to the answer's end. */
  readonly latency: number[];
  /** Milliseconds that the main thread ran in that time, and until the change was done with. */
  readonly loop: number[];
  readonly loopWithRest: number[];
  readonly codings: Map<string, number>;
}

/** What the first answer after a change costs, when the other 49 entries of the feed are known. */
export async function change({ folder }: Bench): Promise<void> {
  const data = await copySample(folder);
  await withService(
    data,
    async (service) => {
      const writer = await writerOf(data);
      const rows: string[][] = [];
      let first: number | undefined;
      for (const coding of ['identity', 'br']) {
        const began = Date.now() - (FIRST + CHANGES) * 1000;
        const change = (number: number) => {
          const publishedAt = new Date(began + number * 1000).toISOString();
          const id = `${coding}-${number}`;
          return putNew(service, writer, { ...recordOf(number), id, publishedAt, updatedAt: undefined });
        };
        const { loop } = await measure(service, coding, change, [0, FIRST]);
        first ??= loop[0];
        const changed = await measure(service, coding, change, [FIRST, FIRST + CHANGES]);
        rows.push([`${coding}, after a change`, ...columns(changed)]);
        rows.push([`${coding}, unchanged`, ...columns(await measure(service, coding, async () => {}, [0, CHANGES]))]);
      }
      print(`\nThe first answer after PUT of a new article in a feed of 50, milliseconds, ${CHANGES} changes each`);
      printTable([['', 'p50', 'p99', 'main thread p50', 'p99', 'with the rest p50', 'p99', 'came as'], ...rows]);
      print('Asked: under 5 ms of the main thread, whose event loop answers; with the rest: what it did until');
      print(`${AFTERWARDS} ms after the answer. The unchanged ones show what a question costs by itself.`);
      print(
        `${FIRST} changes before do not count; the first of all took ${figure(first ?? Number.NaN, 2)} ms of the main thread.`,
      );
    },
    { core: SERVER_CORE },
  );
}

async function measure(
  { ask, pid }: Service,
  coding: string,
  before: (number: number) => Promise<void>,
  [from, to]: readonly [number, number],
): Promise<Answers> {
  const measured: Answers = { latency: [], loop: [], loopWithRest: [], codings: new Map() };
  const question = { headers: { 'Accept-Encoding': coding } };
  await ask(PATH, question);
  for (let number = from; number < to; number += 1) {
    await before(number);
    const ranBefore = mainThreadMilliseconds(pid);
    const start = performance.now();
    const { status, headers } = await ask(PATH, question);
    measured.latency.push(performance.now() - start);
    measured.loop.push(mainThreadMilliseconds(pid) - ranBefore);
    if (status !== 200) throw new Error(`${PATH} answered ${status}`);
    await sleep(AFTERWARDS);
    measured.loopWithRest.push(mainThreadMilliseconds(pid) - ranBefore);
    const came = headers['content-encoding'] ?? 'identity';
    measured.codings.set(came, (measured.codings.get(came) ?? 0) + 1);
  }
  return measured;
}

function columns({ latency, loop, loopWithRest, codings }: Answers): string[] {
  const figures = [latency, loop, loopWithRest].flatMap((all) => [median(all), percentile(all, 0.99)]);
  const came = [...codings].map(([coding, times]) => `${coding} ${times}`).join(', ');
  return [...figures.map((value) => figure(value, 2)), came];
}
