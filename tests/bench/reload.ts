import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, percentile, print, printTable, setting } from './figures.ts';
import { operatorFeeds, PUBLICATION, recordOf, writeRecords } from './newsroom.ts';
import { launch, putNew, type Service, withService, writerOf } from './service.ts';

const ARTICLES = setting('BENCH_ARTICLES', 100_000);
const RULES = setting('BENCH_RULES', 10_000);
/** Milliseconds between two requests of one client, and between two new articles. */
const PAUSE = 5;
const BETWEEN_PUTS = 200;
/** Records that are not among the articles. */
const UNUSED = 2_000_000;

/** A publication.yaml with many new rules is saved while readers ask for a feed and the newsroom publishes. */
export async function reload(): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'bench-reload-'));
  try {
    await writeFile(join(data, 'publication.yaml'), PUBLICATION);
    const file = join(data, 'records.ndjson');
    await writeRecords(file, ARTICLES);
    await once(
      launch(['import', '--data', data, '--rejected', join(data, 'rejected'), file], { log: join(data, 'import.log') }),
      'exit',
    );
    rmSync(file);
    const headers = await writerOf(data);
    print(`\n${RULES} new rules over ${ARTICLES} articles, milliseconds`);
    const idle = await withService(data, (service) => measure(service, headers, () => sleep(5000), 0));
    const loaded = await withService(data, (service) => measure(service, headers, () => reloaded(data), 1));
    const row = (name: string, { latest, puts }: Figures) => [
      name,
      ...[latest, puts].flatMap((all) =>
        [median(all), percentile(all, 0.99), Math.max(...all)].map((one) => one.toFixed(1)),
      ),
    ];
    printTable([
      ['', 'GET latest p50', 'p99', 'most', 'PUT p50', 'p99', 'most'],
      row('before', idle),
      row('from the save until all feeds are filled', loaded),
    ]);
    print(`${loaded.latest.length} requests in ${(loaded.took / 1000).toFixed(1)} s`);
    const { startedAfter } = await withService(data, async (service) => service);
    print(`The next start takes ${startedAfter.toFixed(0)} ms`);
  } finally {
    rmSync(data, { recursive: true });
  }
}

interface Figures {
  readonly latest: readonly number[];
  readonly puts: readonly number[];
  readonly took: number;
}

async function measure(
  service: Service,
  headers: Readonly<Record<string, string>>,
  work: () => Promise<void>,
  round: number,
): Promise<Figures> {
  const latest: number[] = [];
  const puts: number[] = [];
  let isOver = false;
  const timed = async (figures: number[], one: () => Promise<void>) => {
    const start = performance.now();
    await one();
    figures.push(performance.now() - start);
  };
  const read = async () => {
    const { status } = await service.ask('/feeds/latest.rss');
    if (status !== 200) throw new Error(`latest answered ${status}`);
  };
  const readers = Array.from({ length: 2 }, async () => {
    while (!isOver) {
      await timed(latest, read);
      await sleep(PAUSE);
    }
  });
  const newsroom = async () => {
    for (let number = 0; !isOver; number += 1) {
      const id = `new-${round}-${number}`;
      await timed(puts, () => putNew(service, headers, { ...recordOf(UNUSED + number), id }));
      await sleep(BETWEEN_PUTS);
    }
  };
  const start = performance.now();
  const changing = newsroom();
  await work();
  const took = performance.now() - start;
  isOver = true;
  await Promise.all([...readers, changing]);
  return { latest, puts, took };
}

/** Saves the rules, and waits until every feed is filled, as the log says: to ask the store would hold up this process. */
async function reloaded(data: string): Promise<void> {
  await writeFile(join(data, 'publication.yaml'), PUBLICATION + operatorFeeds(RULES));
  const begun = performance.now();
  const logged = async (text: string) => {
    while (!(await readFile(join(data, 'bench.log'), 'utf8')).includes(text)) await sleep(100);
  };
  await logged('is in force now');
  print(`The new publication is in force after ${(performance.now() - begun).toFixed(0)} ms`);
  await logged('All feeds are filled');
}
