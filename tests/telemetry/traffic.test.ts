import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DURATIONS,
  HOUR,
  HOURS_KEPT,
  type HourCounts,
  MAX_DECLARATIONS,
  MAX_FEEDS,
} from '../../src/store/traffic-store.ts';
import { createSum, createTrafficCounts, percentile, type TrafficCounts } from '../../src/telemetry/traffic.ts';
import { reportTraffic } from '../../src/telemetry/traffic-report.ts';

const NOW = Date.UTC(2026, 10, 22, 12, 30);

interface Answered {
  readonly hour: number;
  readonly status: number;
  readonly milliseconds: number;
  readonly method: 'GET' | 'HEAD';
  readonly feed: string | undefined;
  readonly agent: string | undefined;
  readonly process: number;
}

const answered: fc.Arbitrary<Answered> = fc.record({
  hour: fc.nat(2),
  status: fc.constantFrom(200, 226, 304, 206, 201, 303, 404, 503),
  milliseconds: fc.double({ min: 0, max: 200_000, noNaN: true }),
  method: fc.constantFrom('GET', 'HEAD'),
  feed: fc.constantFrom(undefined, 'latest', 'tag/a', '__proto__', 'tag/ژینگە'),
  agent: fc.constantFrom(undefined, 'Feedly/1 (5 subscribers)', 'Feedly/1 (9 subscribers)', 'B (2 readers)', 'curl/8'),
  process: fc.nat(2),
});

function count(counts: TrafficCounts, { status, milliseconds, method, feed, agent }: Answered): void {
  if (status !== 200 && status !== 226 && status !== 304) {
    counts.answered(status, milliseconds);
    return;
  }
  const hasBody = method === 'GET' && status !== 304;
  const answer = {
    status,
    length: 100,
    uncoded: status === 226 ? 40 : 100,
    ...(hasBody ? { body: Buffer.alloc(30) } : {}),
  } as const;
  counts.documentAnswered(
    answer,
    { method, headers: agent === undefined ? {} : { 'user-agent': agent } },
    milliseconds,
    feed,
  );
}

function summed(counts: Iterable<HourCounts>): HourCounts {
  const { sum, add } = createSum();
  for (const each of counts) add(each);
  return sum;
}

const reportOf = (hours: readonly HourCounts[]) => reportTraffic({ hours, sum: summed(hours) });

/** In an order that depends on the content alone. */
function plain(counts: Iterable<HourCounts>): object {
  const { totals, feeds, subscribers } = summed(counts);
  const sorted = (map: Iterable<[string, unknown]>) => [...map].sort(([one], [other]) => (one < other ? -1 : 1));
  return {
    totals: [...totals],
    feeds: sorted([...feeds].map(([feed, numbers]) => [feed, [...numbers]])),
    subscribers: sorted([...subscribers].map(([feed, services]) => [feed, sorted(services)])),
  };
}

test('counts are the same however they are spread over processes, savings and hours', () => {
  fc.assert(
    fc.property(
      fc.array(answered, { maxLength: 60 }),
      fc.array(fc.constantFrom('save', 'fail', 'keep')),
      (answers, savings) => {
        let at = NOW;
        const whole = createTrafficCounts(() => NOW);
        const processes = [0, 1, 2].map(() => createTrafficCounts(() => at));
        const saved: HourCounts[] = [];
        for (const [index, one] of answers.entries()) {
          at = NOW + one.hour * HOUR; // the clock may be set back
          count(whole, one);
          const counts = processes[one.process];
          if (counts === undefined) throw new Error('no such process');
          count(counts, one);
          const saving = savings[index] ?? 'keep';
          if (saving === 'save') saved.push(...counts.take());
          else if (saving === 'fail') counts.giveBack(counts.take());
        }
        const all = [...saved, ...processes.flatMap((each) => each.pending())];
        expect(plain(all)).toEqual(plain(whole.pending()));
        for (const hour of [0, 1, 2]) {
          const hours = createTrafficCounts(() => NOW);
          for (const one of answers) if (one.hour === hour) count(hours, one);
          const ofHour = all.filter((each) => each.hour === Math.floor(NOW / HOUR) + hour);
          expect(plain(ofHour)).toEqual(plain(hours.pending()));
        }
      },
    ),
  );
});

test('nothing is counted twice: what was taken is gone', () => {
  const counts = createTrafficCounts(() => NOW);
  counts.answered(200, 1);
  expect(counts.take()).toHaveLength(1);
  expect([counts.take(), counts.pending()]).toEqual([[], []]);
});

test('no more feeds, declarations and hours are kept than the limits', () => {
  let at = NOW;
  const counts = createTrafficCounts(() => at);
  const answer = { status: 304, length: 1, uncoded: 1 } as const;
  for (let number = 0; number < MAX_FEEDS + 50; number += 1) {
    for (let service = 0; service < 3; service += 1) {
      const headers = { 'user-agent': `S${'abc'[service]} (1 subscribers)` };
      counts.documentAnswered(answer, { method: 'GET', headers }, 1, `tag/${number}`);
    }
  }
  const [hour] = counts.pending();
  expect(hour?.feeds.size).toBe(MAX_FEEDS + 1);
  expect([...(hour?.subscribers.values() ?? [])].reduce((sum, { size }) => sum + size, 0)).toBe(MAX_DECLARATIONS);
  const report = reportOf(counts.pending());
  expect(report.feeds).toHaveLength(20);
  expect(report.otherFeeds).toEqual({ feeds: MAX_FEEDS - 20, requests: (MAX_FEEDS - 20 + 50) * 3 });
  expect(report.bytes.unchanged).toBe((MAX_FEEDS + 50) * 3);

  for (let passed = 1; passed < 3 * HOURS_KEPT; passed += 1) {
    at = NOW + passed * HOUR;
    counts.answered(200, 1);
  }
  expect(counts.pending()).toHaveLength(HOURS_KEPT);
});

test('an answer counts after the clock was set back, however many hours wait to be saved', () => {
  let at = NOW;
  const counts = createTrafficCounts(() => at);
  for (let passed = 0; passed < HOURS_KEPT; passed += 1) {
    at = NOW + passed * HOUR;
    counts.answered(200, 1);
  }
  at = NOW - 5 * HOUR;
  counts.answered(404, 1);

  expect(counts.pending()).toHaveLength(HOURS_KEPT);
  expect(reportOf(counts.pending()).answers).toMatchObject({ whole: HOURS_KEPT - 1, clientErrors: 1 });
});

test('a limit of an hour does not limit the sum of several hours', () => {
  const hours = [0, 1].map((hour) => {
    const counts = createTrafficCounts(() => NOW + hour * HOUR);
    const answer = { status: 304, length: 1, uncoded: 1 } as const;
    for (let number = 0; number < MAX_FEEDS; number += 1) {
      counts.documentAnswered(answer, { method: 'GET', headers: {} }, 1, `tag/${hour}/${number}`);
    }
    return counts.pending();
  });
  expect(reportOf(hours.flat()).otherFeeds).toEqual({ feeds: 2 * MAX_FEEDS - 20, requests: 2 * MAX_FEEDS - 20 });
});

describe('durations', () => {
  test('have bounds that are no more than 40 % apart, from a tenth of a millisecond to a minute', () => {
    expect([DURATIONS.at(0), DURATIONS.at(-1)]).toEqual([0.1, 75_000]);
    expect(DURATIONS.every((bound, index) => index === 0 || bound / (DURATIONS[index - 1] ?? 0) < 1.4)).toBe(true);
  });

  test.each<[milliseconds: readonly number[], median: number | undefined, p99: number | undefined]>([
    [[], undefined, undefined],
    [[0], 0.1, 0.1],
    [[0.1], 0.1, 0.1],
    [[0.11], 0.13, 0.13],
    [[1, 1, 1, 5], 1, 5.6],
    [[...Array(99).fill(2), 1000], 2.4, 2.4],
    [[...Array(98).fill(2), 1000, 1000], 2.4, 1000],
    [[1e9], 75_000, 75_000],
  ])('of %j: half within %s, ninety-nine of a hundred within %s', (milliseconds, median, p99) => {
    const counts = createTrafficCounts(() => NOW);
    for (const each of milliseconds) counts.answered(200, each);
    const report = reportOf(counts.pending());
    expect([report.median, report.p99]).toEqual([median, p99]);
  });

  test('a percentile holds for that share of the answers', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 70_000, noNaN: true }), { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.5, 0.99),
        (milliseconds, share) => {
          const counts = createTrafficCounts(() => NOW);
          for (const each of milliseconds) counts.answered(200, each);
          const bound = percentile(counts.pending()[0]?.totals.subarray(10) ?? new Float64Array(), share) ?? 0;
          const within = milliseconds.filter((each) => each <= bound).length;
          expect(within / milliseconds.length).toBeGreaterThanOrEqual(share);
          const lower = DURATIONS[DURATIONS.indexOf(bound) - 1] ?? -1;
          expect(milliseconds.filter((each) => each <= lower).length / milliseconds.length).toBeLessThan(share);
        },
      ),
    );
  });
});
