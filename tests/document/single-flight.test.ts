import { expect, test } from 'vitest';
import { createSingleFlight } from '../../src/document/single-flight.ts';

/** A single flight whose values a test hands out: a value is usable unless it starts with `old`. */
function airport() {
  const kept: string[] = [];
  const flights = createSingleFlight<string, string>({
    isUsable: (value) => !value.startsWith('old'),
    keep: (name, value) => kept.push(`${name}: ${value}`),
  });
  const made: {
    name: string;
    isAwaited: () => boolean;
    land: (value: string) => void;
    crash: (error: Error) => void;
  }[] = [];
  const run = (name: string, background?: string) =>
    flights.run(
      name,
      (isAwaited) =>
        new Promise((land, crash) => {
          made.push({ name, isAwaited, land, crash });
        }),
      background,
    );
  return { ...flights, run, made, kept };
}

test('everybody who asks for a name gets the value of one flight', async () => {
  const { run, made, kept } = airport();
  const values = [run('a'), run('b'), run('a')];
  made[0]?.land('A');
  made[1]?.land('B');

  expect(await Promise.all(values)).toEqual(['A', 'B', 'A']);
  expect(made.map(({ name }) => name)).toEqual(['a', 'b']);
  expect(kept).toEqual(['a: A', 'b: B']);
});

test('a caller that joined a flight whose value is outdated begins another', async () => {
  const { run, made } = airport();
  const [first, joined] = [run('a'), run('a')];
  made[0]?.land('old');
  expect(await first).toBe('old');
  await new Promise(setImmediate);
  made[1]?.land('new');

  expect(await joined).toBe('new');
});

test('an abandoned flight answers those who joined it before, and is not kept', async () => {
  const { run, abandon, made, kept } = airport();
  const before = run('a');
  abandon('a');
  const after = run('a');
  made[1]?.land('second');
  made[0]?.land('first');

  expect(await Promise.all([before, after])).toEqual(['first', 'second']);
  expect(kept).toEqual(['a: second']);
});

test('an error reaches everybody who joined, and the next caller begins anew', async () => {
  const { run, made, kept } = airport();
  const values = Promise.allSettled([run('a'), run('a')]);
  made[0]?.crash(new Error('disk'));
  expect((await values).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const next = run('a');
  made[1]?.land('A');

  expect(await next).toBe('A');
  expect(kept).toEqual(['a: A']);
});

test.each([
  ['a caller that waits', undefined, () => {}, true],
  ['the background', 'why', () => {}, false],
  ['the background, and joined by the background', 'why', ({ run }: Airport) => void run('a', 'why'), false],
  ['the background, and joined by a caller that waits', 'why', ({ run }: Airport) => void run('a'), true],
  ['the background while the service stops', 'why', ({ raisePriorities }: Airport) => raisePriorities(), true],
  [
    'the background, and abandoned while the service stops',
    'why',
    ({ abandon, raisePriorities }: Airport) => {
      abandon('a');
      raisePriorities();
    },
    true,
  ],
])('a flight begun by %s (%s) is awaited: %4$s', (_, background, then, expected) => {
  const all = airport();
  void all.run('a', background);
  then(all);
  expect(all.made[0]?.isAwaited()).toBe(expected);
});

type Airport = ReturnType<typeof airport>;

test.each([
  ['a flight in the background', 'why', 'why'],
  ['a flight that somebody waits for', undefined, undefined],
])('abandoning %s returns its background', (_, background, expected) => {
  const { run, abandon } = airport();
  void run('a', background);
  expect(abandon('a')).toBe(expected);
  expect(abandon('a')).toBeUndefined();
});
