import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import autocannon from 'autocannon';
import { median, print, printTable } from './figures.ts';
import { SAMPLE } from './sample.ts';

const ROUNDS = 5;
const SECONDS = 2;
const CONNECTIONS = 32;
const PATH = '/feeds/latest.rss';

interface Opponent {
  readonly name: string;
  readonly port: number;
  readonly child: ChildProcess;
}

interface Rounds {
  readonly rate: number[];
  readonly p99: number[];
}

/** Requests a second for 200 and 304: ours, bare node:http with the same bytes, and rendering at every request. */
export async function answering(): Promise<void> {
  const ours = await launch('feed-publisher', [
    join(import.meta.dirname, '../../src/main.ts'),
    '--port',
    '0',
    '--host',
    '127.0.0.1',
    '--data',
    SAMPLE,
  ]);
  const opponent = join(import.meta.dirname, 'opponent.ts');
  const opponents = [ours];
  try {
    opponents.push(await launch('bare node:http', [opponent, 'bare', address(ours)]));
    opponents.push(await launch('feed at every request', [opponent, 'naive']));
    const etag = (await fetch(address(ours), { headers: { 'Accept-Encoding': 'identity' } })).headers.get('etag') ?? '';
    const full = await measure(opponents, {}, 200);
    const unchanged = await measure(opponents.slice(0, 2), { 'If-None-Match': etag }, 304);
    print(`\nAnswering ${PATH}, ${CONNECTIONS} connections, ${ROUNDS} rounds of ${SECONDS} s in turn (medians)`);
    printTable([
      ['', '200/s', 'of bare', 'p99 ms', '304/s', 'of bare', 'p99 ms'],
      ...opponents.map(({ name }) => [name, ...columns(name, full), ...columns(name, unchanged)]),
    ]);
  } finally {
    for (const { child } of opponents) child.kill('SIGTERM');
  }
}

function address({ port }: Opponent): string {
  return `http://127.0.0.1:${port}${PATH}`;
}

async function launch(name: string, args: readonly string[]): Promise<Opponent> {
  const env = { ...process.env, METRICS_PORT: 'off', LOG_LEVEL: 'warn' };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, 'line')) as [string];
  const port = /(\d+)(?:\/|$)/.exec(line)?.[1];
  if (port === undefined) throw new Error(`${name} did not say its port: ${line}`);
  return { name, port: Number(port), child };
}

async function measure(
  opponents: readonly Opponent[],
  headers: Record<string, string>,
  status: number,
): Promise<Map<string, Rounds>> {
  const rounds = new Map<string, Rounds>(opponents.map(({ name }) => [name, { rate: [], p99: [] }]));
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const opponent of opponents) {
      const result = await autocannon({ url: address(opponent), connections: CONNECTIONS, duration: SECONDS, headers });
      const answered = new Map(Object.entries(result.statusCodeStats ?? {})).get(String(status))?.count ?? 0;
      if (result.errors > 0 || answered === 0) throw new Error(`${opponent.name} did not answer ${status}`);
      if (round === 0) continue; // the first round warms up
      rounds.get(opponent.name)?.rate.push(answered / result.duration);
      rounds.get(opponent.name)?.p99.push(result.latency.p99);
    }
  }
  return rounds;
}

/** Rate, ratio to bare node:http round by round, p99. */
function columns(name: string, measured: ReadonlyMap<string, Rounds>): string[] {
  const mine = measured.get(name);
  const bare = measured.get('bare node:http');
  if (mine === undefined || bare === undefined) return ['', '', ''];
  const ratios = mine.rate.map((rate, round) => rate / (bare.rate[round] ?? Number.NaN));
  return [Math.round(median(mine.rate)).toString(), median(ratios).toFixed(2), median(mine.p99).toFixed(1)];
}
