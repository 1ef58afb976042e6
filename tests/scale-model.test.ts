import { expect, test } from 'vitest';
import { answerTo, pollsOf, trafficOf, type Weights } from './bench/scale/model.ts';
import { clientsOf, READERS, type Reader } from './bench/scale/readers.ts';

const READER: Reader = {
  name: 'a reader',
  share: 1,
  interval: 10,
  validator: 'etag',
  coding: 'gzip',
  wantsDelta: false,
  subscribers: 1,
};
const WEIGHTS: Weights = {
  bytes: { '304': 1, '200 identity': 1000, '200 gzip': 300, '200 br': 200 },
  delta: { head: 5, entry: 10 },
  cpu: { '304': 1, '226': 2, '200 identity': 4, '200 gzip': 3, '200 br': 3 },
};

test.each([
  [{}, 0, '304'],
  [{}, 1, '200 gzip'],
  [{ validator: 'date' }, 0, '304'],
  [{ validator: 'none' }, 0, '200 gzip'],
  [{ wantsDelta: true }, 0, '304'],
  [{ wantsDelta: true }, 2, '226'],
  [{ wantsDelta: true, validator: 'date' }, 1, '200 gzip'],
  [{ coding: 'br' }, 1, '200 br'],
] as const)('a reader with %o is answered after %d changes with %s', (more, changes, kind) => {
  expect(answerTo({ ...READER, ...more }, changes)).toBe(kind);
});

test('a poll sees the changes since the poll before', () => {
  const client = { reader: READER, phase: 3 };
  const polls = [...pollsOf([client], [-8, -7, 3, 3.5, 13.1, 20], 30)];
  expect(polls.map(({ at, changes }) => [at, changes])).toEqual([
    [3, 1],
    [13, 1],
    [23, 2],
  ]);
});

test('traffic is the sum of its answers', () => {
  const client = { reader: { ...READER, wantsDelta: true }, phase: 0 };
  const other = { reader: READER, phase: 0 };
  const polls = [
    { at: 0, client, changes: 3 },
    { at: 0.9, client: other, changes: 1 },
    { at: 1, client: other, changes: 0 },
  ];
  const { cpu, ...counted } = trafficOf(polls, WEIGHTS);
  expect(cpu).toBeCloseTo(6e-6, 12);
  expect(counted).toEqual({
    answers: { '304': 1, '226': 1, '200 identity': 0, '200 gzip': 1, '200 br': 0 },
    total: 3,
    bytes: 35 + 300 + 1,
    peak: 2,
  });
});

test('all subscribers have a reader, and services poll for many of them', () => {
  expect(READERS.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 10);
  const clients = clientsOf(1_000_000, () => 0.5);
  expect(clients.filter(({ reader }) => reader.subscribers > 1)).toHaveLength(17);
  expect(clients).toHaveLength(550_017);
});
