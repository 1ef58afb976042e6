import { expect, test } from 'vitest';
import { createHeartbeat } from '../../src/service/heartbeat.ts';

const LIMITS = { interval: 10, patience: { reader: 30, writer: 50 } };
const reader = { role: 'reader' } as const;
const writer = { role: 'writer' } as const;

/** The number of the first check that finds each worker hanging, and its silence then. */
function firstHanging(checks: number, heardBefore: (check: number) => readonly (typeof reader | typeof writer)[]) {
  const heartbeat = createHeartbeat<typeof reader | typeof writer>(LIMITS);
  heartbeat.watch(reader);
  heartbeat.watch(writer);
  const found: [role: string, check: number, silence: number][] = [];
  for (let check = 1; check <= checks; check += 1) {
    for (const worker of heardBefore(check)) heartbeat.heard(worker);
    for (const { worker, silence } of heartbeat.tick().hanging) found.push([worker.role, check, silence]);
  }
  return found;
}

test.each<[string, (check: number) => readonly (typeof reader | typeof writer)[], unknown[]]>([
  [
    'without any message, each after its patience, and once',
    () => [],
    [
      ['reader', 4, 30],
      ['writer', 6, 50],
    ],
  ],
  ['never, with a message before every check', () => [reader, writer], []],
  ['never, with a message before every third check', (check) => (check % 3 === 0 ? [reader, writer] : []), []],
  [
    'counting from the last message',
    (check) => (check <= 2 ? [reader] : check <= 12 ? [writer] : []),
    [['reader', 5, 30]],
  ],
])('a worker hangs %s', (_, heardBefore, expected) => {
  expect(firstHanging(14, heardBefore)).toEqual(expected);
});

test('checks go to the workers that do not hang; a worker that has ended is not watched, whatever comes from it', () => {
  const heartbeat = createHeartbeat<typeof reader | typeof writer>(LIMITS);
  heartbeat.watch(reader);
  heartbeat.watch(writer);
  const first = heartbeat.tick();
  heartbeat.forget(reader);
  heartbeat.heard(reader);

  expect(first).toEqual({ hanging: [], others: [reader, writer] });
  expect(heartbeat.tick()).toEqual({ hanging: [], others: [writer] });
});
