import { expect, test } from 'vitest';
import { type PatienceLimits, watchClient } from '../../../src/http/load/slow-clients.ts';

const LIMITS: PatienceLimits = { head: 1000, idle: 500, answer: 2000, stall: 300 };
const KIB = 1024;

/** What a sweep sees at a moment: bytes written, read and waiting, and whether a request is unanswered. */
interface Sweep {
  readonly at: number;
  readonly written?: number;
  readonly read?: number;
  readonly waiting?: number;
  readonly isBusy?: boolean;
}

/** The moment of the sweep that destroys the connection, and the stall timers that Node was given. */
function sweeps(seen: readonly Sweep[]): { destroyedAt: number | undefined; timers: number[] } {
  const timers: number[] = [];
  let now = 0;
  let destroyedAt: number | undefined;
  const socket = {
    writableLength: 0,
    bytesWritten: 0,
    bytesRead: 0,
    destroy() {
      destroyedAt ??= now;
      return this as never;
    },
    setTimeout(milliseconds: number) {
      timers.push(milliseconds);
      return this as never;
    },
  };
  const watch = watchClient(socket, LIMITS, 0);
  for (const { at, written = 0, read = 0, waiting = 0, isBusy = false } of seen) {
    now = at;
    Object.assign(socket, { bytesWritten: written, bytesRead: read, writableLength: waiting });
    watch.sweep(at, isBusy);
  }
  return { destroyedAt, timers };
}

test.each<[string, readonly Sweep[], number | undefined]>([
  ['is new and silent within all limits', [{ at: 3500 }], undefined],
  ['never begins a request', [{ at: 3500 }, { at: 3501 }], 3501],
  [
    'is idle after its answer',
    [
      { at: 100, written: 9 },
      { at: 600, written: 9 },
      { at: 601, written: 9 },
    ],
    601,
  ],
  [
    'reads on',
    [
      { at: 100, written: 9 },
      { at: 600, written: 9, read: 1 },
      { at: 1100, written: 9, read: 1 },
    ],
    undefined,
  ],
  [
    'waits for its answer',
    [
      { at: 100, written: 9, isBusy: true },
      { at: 60_000, written: 9, isBusy: true },
    ],
    undefined,
  ],
  [
    'takes a small answer in time',
    [
      { at: 100, written: 9, waiting: 1 },
      { at: 2100, written: 9, waiting: 1 },
    ],
    undefined,
  ],
  [
    'takes a small answer too slowly',
    [
      { at: 100, written: 9, waiting: 1 },
      { at: 2101, written: 9, waiting: 1 },
    ],
    2101,
  ],
  [
    'has eight seconds more for 64 KiB',
    [
      { at: 100, written: 9, waiting: 64 * KIB },
      { at: 10_100, written: 9, waiting: 64 * KIB },
      { at: 10_101, written: 9, waiting: 64 * KIB },
    ],
    10_101,
  ],
])('a client that %s', (_, seen, destroyedAt) => {
  expect(sweeps(seen).destroyedAt).toBe(destroyedAt);
});

test('Node watches a connection for as long as bytes wait on it', () => {
  const seen = [
    { at: 100, written: 9, waiting: 5 },
    { at: 200, written: 12, waiting: 2 },
    { at: 300, written: 14 },
    { at: 400, written: 14 },
  ];

  expect(sweeps(seen).timers).toEqual([300, 0]);
});
