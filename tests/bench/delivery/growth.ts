import { appendFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from '../delivery.ts';
import { figure, print, printTable, ratio, setting } from '../figures.ts';
import { PUBLICATION, recordOf, writeRecords } from '../newsroom.ts';
import { SERVER_CORE } from '../processes.ts';
import { type Contestant, inTurn, medianRate, requestText } from '../rates.ts';
import { PATH } from '../sample.ts';
import { type Service, withService } from '../service.ts';
import { measureImport } from '../store-import.ts';

const FEW = 1000;
const MANY = setting('BENCH_ARTICLES', 100_000);
/** Records from this number on are in no archive. */
const UNUSED = 10_000_000;
/** Later than every record of an archive. */
const NEWEST = Date.parse('2026-11-01T00:00:00Z');
const ENTRIES = 50;

/** The rate of the same feed with few and with many articles in the store. */
export async function growth({ folder, load }: Bench): Promise<void> {
  const few = await newsroom(join(folder, 'few'), FEW);
  const many = await newsroom(join(folder, 'many'), MANY);
  const work = async (services: readonly Service[]) => {
    print(`\nThe newest ${ENTRIES}, the same ones, with ${FEW} and with ${MANY} articles in the store, a second`);
    const rows = [['', `${FEW}`, `${MANY}`, 'many of few', 'CPU of few']];
    for (const status of [200, 304]) {
      const contestants = await Promise.all(services.map((service, index) => contestant(`${index}`, service, status)));
      const measured = await inTurn(load, contestants, status);
      const [less, more] = ['0', '1'].map((name) => measured.get(name));
      rows.push([
        `${status}`,
        figure(medianRate(less)),
        figure(medianRate(more)),
        figure(ratio(more?.rates, less?.rates), 2),
        figure(ratio(more?.cpu, less?.cpu), 2),
      ]);
    }
    printTable(rows);
  };
  const options = { core: SERVER_CORE };
  await withService(few, (one) => withService(many, (other) => work([one, other]), options), options);
}

/** A data folder with that many articles, the newest of which are the same in each. */
async function newsroom(data: string, count: number): Promise<string> {
  await mkdir(data, { recursive: true });
  await writeFile(join(data, 'publication.yaml'), PUBLICATION);
  const file = join(data, 'records.ndjson');
  await writeRecords(file, count - ENTRIES);
  const newest = Array.from({ length: ENTRIES }, (_, number) => {
    const publishedAt = new Date(NEWEST + number * 60_000).toISOString();
    return `${JSON.stringify({ ...recordOf(UNUSED + number), publishedAt, updatedAt: undefined })}\n`;
  });
  await appendFile(file, newest.join(''));
  await measureImport(file, data);
  await rm(file);
  return data;
}

async function contestant(name: string, { ask, port, pid }: Service, status: number): Promise<Contestant> {
  const identity = { 'Accept-Encoding': 'identity' };
  const { headers } = await ask(PATH, { headers: identity });
  const condition = status === 304 ? { 'If-None-Match': headers.etag ?? '' } : {};
  return { name, port, pid, request: requestText(PATH, { ...identity, ...condition }) };
}
