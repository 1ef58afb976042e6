import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { figure, median, percentile, print, printTable, setting } from './figures.ts';
import { PUBLICATION, recordOf, writeRecords } from './newsroom.ts';
import { ENVIRONMENT, endWithThis, isInstalled, temporaryFolder } from './processes.ts';
import { ask, launch, type Service, withService, writerOf } from './service.ts';

const ARTICLES = setting('BENCH_ARTICLES', 2000);
/** Changes whose way to a reader is measured. */
const CHANGES = setting('BENCH_CHANGES', 100);
/** Polls of a day. */
const A_DAY = 1_000_000;
/** Changes of a day: dozens of stories, each corrected now and then. */
const DAILY = setting('BENCH_DAILY', 100);
/** Changes of the day whose polls are counted. */
const COUNTED = setting('BENCH_COUNTED', 8);
/** Other days whose hit rate follows from the misses of a change. */
const OTHER_DAYS = [50, 200];
const VARNISH = 'varnishd';
const FORMATS = ['rss', 'atom', 'json'];
/** Connections of readers. */
const READERS = 8;
/** Milliseconds after which a cache is purged once more, and a little time. */
const REPEATED = 10_500;
const MAX_TRIES = 10_000;

/** Varnish in front of a service that purges it, as docs/cdn.md configures both. */
export async function purge(): Promise<void> {
  if (!isInstalled(VARNISH, '-V')) return print(`${VARNISH} is not installed.`);
  const folder = temporaryFolder('bench-purge');
  const data = folder.path;
  try {
    await writeFile(join(data, 'publication.yaml'), PUBLICATION);
    const file = join(data, 'records.ndjson');
    await writeRecords(file, ARTICLES);
    await once(
      launch(['import', '--data', data, '--rejected', join(data, 'rejected'), file], { log: join(data, 'log') }),
      'exit',
    );
    const headers = await writerOf(data);
    const port = await freePort();
    const args = ['--purge', `varnish:http://127.0.0.1:${port}/`];
    await withService(
      data,
      async (service) => {
        const varnish = await startVarnish(data, port, service.port);
        try {
          await measure(service, port, headers);
        } finally {
          varnish.kill('SIGTERM');
          await once(varnish, 'exit');
        }
      },
      { args },
    );
  } finally {
    folder.remove();
  }
}

async function startVarnish(folder: string, port: number, originPort: number) {
  const page = readFileSync(join(import.meta.dirname, '../../docs/cdn.md'), 'utf8');
  const [, vcl = ''] = /```vcl\n([\s\S]*?)```/.exec(page) ?? [];
  const file = join(folder, 'feeds.vcl');
  await writeFile(file, vcl.replace('"8080"', `"${originPort}"`));
  const args = ['-j', 'none', '-F', '-n', join(folder, 'varnish'), '-a', `127.0.0.1:${port}`, '-f', file];
  const child = endWithThis(spawn(VARNISH, [...args, '-s', 'malloc,256m'], { env: ENVIRONMENT, stdio: 'ignore' }));
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    if (
      await ask({ port, path: '/feeds/latest.rss' }).then(
        ({ status }) => status === 200,
        () => false,
      )
    )
      return child;
    await sleep(20);
  }
  throw new Error('Varnish does not answer.');
}

async function measure(service: Service, port: number, headers: Readonly<Record<string, string>>): Promise<void> {
  await sleep(REPEATED); // the purge of everything at the start, and its repetition
  // The newest story, so that every feed of it has it in its current document.
  const { updatedAt: _, ...fields }: Readonly<Record<string, unknown>> = recordOf(ARTICLES);
  const story = { ...fields, id: 'changed', publishedAt: new Date(Date.now() - 60_000).toISOString() };
  let title = 0;
  const change = async () => {
    title += 1;
    const body = JSON.stringify({ ...story, title: `Changed ${title}` });
    const { status } = await service.ask(`/api/articles/${story.id}`, { method: 'PUT', headers, body });
    if (status > 201) throw new Error(`a change is answered ${status}`);
    return `Changed ${title}`;
  };
  const agent = new Agent({ keepAlive: true });
  const delays: number[] = [];
  for (let count = 0; count < CHANGES; count += 1) {
    const wanted = await change();
    const begun = performance.now();
    while (!(await ask({ port, path: '/feeds/latest.json', agent })).body.includes(wanted));
    delays.push(performance.now() - begun);
  }
  print(`\n${CHANGES} changes: from the answer to the change until a reader behind Varnish gets it, milliseconds`);
  printTable([
    ['p50', 'p99', 'most'],
    [median(delays), percentile(delays, 0.99), Math.max(...delays)].map((one) => figure(one, 1)),
  ]);

  const paths = await pathsOf(service);
  await sleep(REPEATED);
  const counts = { hits: 0, all: 0 };
  const polls = A_DAY / DAILY;
  await poll(paths, port, polls, { hits: 0, all: 0 }); // so that Varnish has the feeds, as from the day before
  for (let count = 0; count < COUNTED; count += 1) {
    await change();
    await poll(paths, port, polls / 2, counts);
    await sleep(REPEATED);
    await poll(paths, port, polls / 2, counts);
  }
  const missesOf = (counts.all - counts.hits) / COUNTED;
  print(`A day of ${DAILY} changes and a million polls of ${paths.length} documents, from ${COUNTED} of its changes`);
  printTable([
    ['hit rate', 'polls', 'misses of a change', ...OTHER_DAYS.map((changes) => `with ${changes} changes`)],
    [
      percentage(missesOf * DAILY),
      String(counts.all),
      figure(missesOf, 1),
      ...OTHER_DAYS.map((changes) => percentage(missesOf * changes)),
    ],
  ]);
  agent.destroy();
}

/** The hit rate of a day with so many misses. */
function percentage(misses: number): string {
  return `${figure(100 * (1 - misses / A_DAY), 2)} %`;
}

/** The documents of every feed, the most read ones first. */
async function pathsOf(service: Service): Promise<string[]> {
  const list = (await service.ask('/feeds.opml')).body.toString();
  const keys = [...new Set([...list.matchAll(/\/feeds\/([^"]+)\.rss"/g)].map(([, key = '']) => key))];
  return keys.flatMap((key) => FORMATS.map((format) => `/feeds/${key}.${format}`));
}

/** Reads documents, the first ones most often (Zipf). X-Varnish names a second request where it had the answer. */
async function poll(paths: readonly string[], port: number, polls: number, counts: { hits: number; all: number }) {
  const agent = new Agent({ keepAlive: true, maxSockets: READERS });
  let left = polls;
  const readers = Array.from({ length: READERS }, async () => {
    while (left > 0) {
      left -= 1;
      const path = paths[Math.floor(paths.length ** Math.random()) - 1] ?? '/feeds/latest.rss';
      const { headers } = await ask({ port, path, agent });
      counts.all += 1;
      if (String(headers['x-varnish']).includes(' ')) counts.hits += 1;
    }
  });
  await Promise.all(readers);
  agent.destroy();
}
