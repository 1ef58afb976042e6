import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, setting } from './figures.ts';
import type { LoadFigures, LoadTask } from './load.ts';
import { cpuSecondsOf, LOAD_CORE, memoryOfTree, pinned, processTree } from './processes.ts';

/** Rounds that count; one before them warms up. */
export const ROUNDS = setting('BENCH_ROUNDS', 5);
/** Seconds of a round. */
export const SECONDS = 0.6;
export const CONNECTIONS = 32;
/** Milliseconds between rounds: the server before has the core until it is done with what it was asked. */
const PAUSE = 200;

export interface Load {
  /** Sends requests and tells how they were answered. */
  readonly run: (task: Omit<LoadTask, 'connections'>) => Promise<LoadFigures>;
  readonly close: () => Promise<void>;
}

/** Starts a load generator on a core. */
export function openLoad({ core = LOAD_CORE, connections = CONNECTIONS } = {}): Load {
  const [command, args] = pinned(core, process.execPath, [join(import.meta.dirname, 'load.ts')]);
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(child, 'exit');
  return {
    async run(task) {
      child.send({ ...task, connections });
      const [figures] = await Promise.race([once(child, 'message'), ended]);
      if (typeof figures !== 'object' || figures === null) throw new Error('the load generator has ended');
      return figures as LoadFigures;
    },
    async close() {
      child.disconnect();
      await ended;
    },
  };
}

/** Several load generators as one. Of their latencies the worst is told. */
export function together(loads: readonly Load[]): Load {
  return {
    async run(task) {
      const all = await Promise.all(loads.map((load) => load.run(task)));
      const sum = (figure: (figures: LoadFigures) => number) => all.reduce((total, each) => total + figure(each), 0);
      const most = (figure: (figures: LoadFigures) => number) => Math.max(...all.map(figure));
      const statuses: Record<string, number> = {};
      for (const each of all) {
        for (const [status, count] of Object.entries(each.statuses)) statuses[status] = (statuses[status] ?? 0) + count;
      }
      return {
        statuses,
        answers: sum(({ answers }) => answers),
        seconds: most(({ seconds }) => seconds),
        p50: most(({ p50 }) => p50),
        p99: most(({ p99 }) => p99),
        errors: sum(({ errors }) => errors),
        busy: most(({ busy }) => busy),
      };
    },
    async close() {
      for (const load of loads) await load.close();
    },
  };
}

/** A GET as it goes over the wire. */
export function requestText(path: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join('')}\r\n`;
}

/** A server that takes part, and what it is asked for. */
export interface Contestant {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly request: string;
}

/** What one server did, round by round. */
export interface Rounds {
  readonly rates: number[];
  /** Milliseconds. */
  readonly p50: number[];
  readonly p99: number[];
  /** CPU microseconds of all its processes for an answer; those of others do not count in it. */
  readonly cpu: number[];
  /** The same for the process that worked most. */
  readonly busiest: number[];
  /** Megabytes after the last round. */
  memory: number;
  /** Share of its core that the load generator used, at most. */
  loadBusy: number;
}

/**
 * Asks all of them in turn, round after round, so that whatever else the machine does meets them alike.
 *
 * @throws Error where one answers with another status, or not
 */
export async function inTurn(
  load: Load,
  contestants: readonly Contestant[],
  status: number,
): Promise<ReadonlyMap<string, Rounds>> {
  const measured = new Map<string, Rounds>(
    contestants.map(({ name }) => [
      name,
      { rates: [], p50: [], p99: [], cpu: [], busiest: [], memory: 0, loadBusy: 0 },
    ]),
  );
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const { name, port, pid, request } of contestants) {
      const rounds = measured.get(name);
      await sleep(PAUSE);
      const before = cpuOfTree(pid);
      const figures = await load.run({ port, requests: [request], seconds: SECONDS });
      const used = [...cpuOfTree(pid)].map(([process, after]) => after - (before.get(process) ?? 0));
      const answered = figures.statuses[status] ?? 0;
      if (answered === 0 || answered < figures.answers || figures.errors > 0) {
        throw new Error(`${name}: ${figures.errors} errors, not all ${status}: ${JSON.stringify(figures.statuses)}`);
      }
      if (round === 0 || rounds === undefined) continue;
      rounds.rates.push(answered / figures.seconds);
      rounds.p50.push(figures.p50);
      rounds.p99.push(figures.p99);
      rounds.cpu.push((used.reduce((sum, seconds) => sum + seconds, 0) / answered) * 1e6);
      rounds.busiest.push((Math.max(...used) / answered) * 1e6);
      rounds.memory = memoryOfTree(pid);
      rounds.loadBusy = Math.max(rounds.loadBusy, figures.busy);
    }
  }
  return measured;
}

function cpuOfTree(pid: number): ReadonlyMap<number, number> {
  return new Map(processTree(pid).map((process) => [process, cpuSecondsOf(process)]));
}

export function medianRate(rounds: Rounds | undefined): number {
  return median(rounds?.rates ?? []);
}
