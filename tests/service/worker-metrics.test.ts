import { expect, test } from 'vitest';
import { createWorkerMetrics } from '../../src/service/worker-metrics.ts';
import type { MetricValues } from '../../src/telemetry/metrics.ts';

/** What prom-client returns for a process: the names of types, against its own declaration. */
function values(answers: number, kept: number): MetricValues {
  const metrics = [
    {
      name: 'answers',
      help: 'h',
      type: 'counter',
      aggregator: 'sum',
      values: [{ labels: { status: 200 }, value: answers }],
    },
    { name: 'kept', help: 'h', type: 'gauge', aggregator: 'sum', values: [{ labels: {}, value: kept }] },
  ];
  return JSON.parse(JSON.stringify(metrics));
}

type Step = readonly ['record', worker: string, answers: number, kept: number] | readonly ['end', worker: string];

test.each<[string, readonly Step[], answers: number | undefined, kept: number | undefined]>([
  ['nothing before a worker answers', [], undefined, undefined],
  [
    'the sums of all workers',
    [
      ['record', 'a', 3, 10],
      ['record', 'b', 4, 20],
    ],
    7,
    30,
  ],
  [
    'the newest values of a worker',
    [
      ['record', 'a', 3, 10],
      ['record', 'a', 5, 8],
    ],
    5,
    8,
  ],
  [
    'the counters of a worker that has ended, but not its gauges',
    [
      ['record', 'a', 3, 10],
      ['record', 'b', 4, 20],
      ['end', 'a'],
    ],
    7,
    20,
  ],
  [
    'the counters of all that have ended, beside their successors',
    [
      ['record', 'a', 3, 10],
      ['end', 'a'],
      ['record', 'b', 4, 20],
      ['end', 'b'],
      ['record', 'c', 1, 1],
    ],
    8,
    1,
  ],
  [
    'nothing of a worker that ended before it answered',
    [
      ['end', 'a'],
      ['record', 'b', 4, 20],
    ],
    4,
    20,
  ],
])('the total has %s', async (_, steps, answers, kept) => {
  const metrics = createWorkerMetrics<string>();
  for (const [kind, worker, ...counts] of steps) {
    if (kind === 'end') metrics.end(worker);
    else metrics.record(worker, values(counts[0] ?? 0, counts[1] ?? 0));
  }
  const texts = [await (await metrics.total()).text(), await (await metrics.total()).text()];
  const sample = (name: string) => {
    const found = texts.map((text) => new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'm').exec(text)?.[1]);
    return found.map((value) => (value === undefined ? undefined : Number(value)));
  };

  expect([sample('answers'), sample('kept')]).toEqual([
    [answers, answers],
    [kept, kept],
  ]);
});
