import { expect, test } from 'vitest';
import { rhythmOf, spreadKeys } from '../../src/partner/activity.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const MINUTE = 60_000;

/** Deliveries so many minutes ago. */
const ago = (...minutes: readonly number[]) => minutes.map((each) => ({ at: NOW - each * MINUTE }));

test.each<
  [
    string,
    readonly number[],
    { usual: number; limit: number; pauses: readonly (readonly [number, number])[] } | undefined,
  ]
>([
  ['too seldom to say', [1, 2, 3, 4], undefined],
  ['nothing', [], undefined],
  ['regular', [5, 20, 35, 50, 65], { usual: 15, limit: 60, pauses: [] }],
  ['a pause that is not over', [90, 105, 120, 135, 150], { usual: 15, limit: 60, pauses: [[90, 0]] }],
  ['a pause that is over', [5, 20, 100, 115, 130, 145], { usual: 15, limit: 60, pauses: [[100, 20]] }],
  ['four times the usual is not longer', [1, 31, 61, 181, 211], { usual: 30, limit: 120, pauses: [] }],
  ['an hour at least', [1, 6, 66, 71, 76, 81], { usual: 5, limit: 60, pauses: [] }],
  [
    'all feeds one after the other are one visit',
    [10, 10.2, 10.4, 370, 370.2, 370.4, 730, 730.3, 1090, 1090.1, 1450],
    { usual: 359.7, limit: 1438.8, pauses: [] },
  ],
])('the rhythm of a partner: %s', (_name, minutes, expected) => {
  const rhythm = rhythmOf(ago(...minutes), NOW);
  const inMinutes = rhythm && {
    usual: Math.round(rhythm.usual / 6000) / 10,
    limit: Math.round(rhythm.limit / 6000) / 10,
    pauses: rhythm.pauses.map(({ from, to }) => [(NOW - from) / MINUTE, (NOW - to) / MINUTE]),
  };
  expect(inMinutes).toEqual(expected);
  expect(rhythm?.pauses.map(({ isOver }) => isOver)).toEqual(expected?.pauses.map(([, to]) => to > 0));
});

test.each<[string, readonly (readonly [minutes: number, network: string])[], readonly string[] | undefined]>([
  [
    'three networks',
    [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
      [4, 'a'],
    ],
    undefined,
  ],
  [
    'four networks within an hour',
    [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
      [60, 'd'],
    ],
    ['a', 'b', 'c', 'd'],
  ],
  [
    'four networks, not within an hour',
    [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
      [61, 'd'],
    ],
    undefined,
  ],
  [
    'the last such hour',
    [
      [1, 'x'],
      [70, 'a'],
      [71, 'b'],
      [72, 'c'],
      [73, 'd'],
      [74, 'e'],
    ],
    ['a', 'b', 'c', 'd', 'e'],
  ],
])('a key in many networks: %s', (_name, uses, networks) => {
  const deliveries = uses.map(([minutes, network]) => ({ at: NOW - minutes * MINUTE, key: 'k', network }));
  const others = uses.map(([minutes]) => ({ at: NOW - minutes * MINUTE, key: 'other', network: 'one' }));
  const found = spreadKeys([...deliveries, ...others]);
  expect(found.map((each) => [each.key, each.networks])).toEqual(networks === undefined ? [] : [['k', networks]]);
});
