import fc from 'fast-check';
import { distance } from 'fastest-levenshtein';
import { expect, onTestFinished, test, vi } from 'vitest';
import { nearestFeed } from '../../src/http/nearest-feed.ts';

vi.mock('fastest-levenshtein', { spy: true });

test.each([
  ['latst', 'latest'],
  ['Latest', 'latest'],
  ['section/wrld', 'section/world'],
  ['world', 'section/world'],
  ['tag/worlds', undefined],
  ['section/football', undefined],
  ['', undefined],
])('the nearest feed to %j is %s', (asked, expected) => {
  expect(nearestFeed(asked, ['latest', 'section/world', 'tag/water'])).toBe(expected);
});

test('without known feeds there is no nearest one', () => {
  expect(nearestFeed('latest', [])).toBeUndefined();
});

/** The definition: of the feeds that are near enough, the first with the fewest steps. */
function nearestOfAll(asked: string, known: readonly string[]): string | undefined {
  const wanted = asked.toLowerCase();
  const steps = (key: string) => Math.min(distance(wanted, key), 1 + distance(wanted, key.slice(key.indexOf('/') + 1)));
  const least = Math.min(...known.map(steps));
  return least <= Math.max(2, wanted.length / 3) ? known.find((key) => steps(key) === least) : undefined;
}

test('the nearest feed follows the definition, whatever the names', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd', '/'), maxLength: 12 });
  fc.assert(
    fc.property(word, fc.array(word, { maxLength: 12 }), (asked, known) => {
      expect(nearestFeed(asked, known)).toBe(nearestOfAll(asked, known));
    }),
    { numRuns: 1000 },
  );
});

test('a feed is not compared letter by letter if its length alone rules it out', () => {
  const compared = vi.mocked(distance).mockClear();
  onTestFinished(() => void compared.mockClear());
  const longer = Array.from({ length: 1000 }, (_, number) => `tag/watercourse-${1000 + number}`);

  expect(nearestFeed('tag/watercourses', ['tag/watercourse', ...longer])).toBe('tag/watercourse');
  expect(compared.mock.calls).toEqual([['tag/watercourses', 'tag/watercourse']]);
});

test('of thousands of feeds that look alike, a few hundred are compared letter by letter, the likeliest first', () => {
  const compared = vi.mocked(distance).mockClear();
  onTestFinished(() => void compared.mockClear());
  const alike = Array.from({ length: 10_000 }, (_, number) => `tag/a-tag-whose-name-is-long-${number}`);
  const others = Array.from({ length: 10_000 }, (_, number) => `tag/kuş-${number.toString(5)}`);

  expect(nearestFeed('tag/a-tag-whose-name-is-longer', alike)).toMatch(/^tag\/a-tag-/);
  expect(nearestFeed('tag/watercours', [...others, 'tag/watercourse'])).toBe('tag/watercourse');
  expect(compared.mock.calls.length).toBeLessThan(1000);
});
