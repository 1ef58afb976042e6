import { expect, test } from 'vitest';
import { PublisherError } from '../../src/errors.ts';
import { freshnessOf } from '../../src/store/replica.ts';

const CURRENT = {
  isConnected: true,
  isOwner: false,
  applied: 7,
  last: 7,
  lag: 0,
  silence: 0.2,
  clockOffset: 0,
  problem: undefined,
};
const problem = new PublisherError('not_ready', 'The log is another one.');

test.each([
  ['current', {}],
  ['current', { lag: 1.9, silence: 1.9, last: 8 }],
  ['behind', { lag: 2, last: 8 }],
  ['behind', { problem }],
  ['unknown', { silence: 2 }],
  ['unknown', { isConnected: false }],
  ['unknown', { isConnected: false, lag: 5, problem }],
])('a replica is %s with %j', (freshness, state) => {
  expect(freshnessOf({ ...CURRENT, ...state })).toBe(freshness);
});
