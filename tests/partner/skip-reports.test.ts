import { expect, test } from 'vitest';
import type { SkippedStory } from '../../src/partner/arranger.ts';
import { createFullReports } from '../../src/partner/full-reports.ts';
import { createSkipReports } from '../../src/partner/skip-reports.ts';
import { partner } from './room.ts';

const HOUR = 60 * 60 * 1000;

function reports() {
  const clock = { now: 0 };
  const lines: string[] = [];
  const report = createSkipReports(
    ({ id }, feed, { article, rule }, count) => lines.push(`${id} ${feed} ${rule} ${article} ${count}`),
    () => clock.now,
  );
  const skip = (own: string, ids: string, rule = 'no-episode', revision = 1) => {
    const stories = ids.split('').map((article) => ({ article, rule, revision }) as SkippedStory);
    report(partner(own), 'latest', stories);
    return lines.splice(0);
  };
  return { clock, skip };
}

test('a few stories have a report each, once for each revision', () => {
  const { skip } = reports();
  expect(skip('pod', 'ab')).toEqual(['pod latest no-episode a 1', 'pod latest no-episode b 1']);
  expect(skip('pod', 'ab')).toEqual([]);
  expect(skip('pod', 'a', 'no-episode', 2)).toEqual(['pod latest no-episode a 1']);
});

test('many stories have one report, and those that follow have the next one after an hour', () => {
  const { clock, skip } = reports();
  expect(skip('pod', 'abcdefgh')).toEqual(['pod latest no-episode a 8']);
  for (const id of 'ijklmn') expect(skip('pod', id)).toEqual([]);
  clock.now += HOUR;
  expect(skip('pod', 'o')).toEqual(['pod latest no-episode o 7']);
  expect(skip('pod', 'p')).toEqual([]);
  clock.now += 2 * HOUR;
  expect(skip('pod', 'o')).toEqual([]); // nothing new
  expect(skip('pod', 'q')).toEqual(['pod latest no-episode q 2']);
});

test('stories that come one by one have a report each until there are many', () => {
  const { clock, skip } = reports();
  expect([...'abcde'].flatMap((id) => skip('pod', id))).toHaveLength(3);
  clock.now += HOUR;
  expect(skip('pod', 'f')).toEqual(['pod latest no-episode f 3']);
  clock.now += HOUR;
  expect(skip('pod', 'g')).toEqual(['pod latest no-episode g 1']);
});

test('other rules and other partners are reported on their own', () => {
  const { skip } = reports();
  skip('pod', 'abcdefgh');
  expect(skip('pod', 'a', 'length-unknown')).toEqual(['pod latest length-unknown a 1']);
  expect(skip('msn', 'a')).toEqual(['msn latest no-episode a 1']);
});

test('a feed that is full of withdrawals is reported when it becomes full', () => {
  const lines: string[] = [];
  const report = createFullReports(({ id }, feed) => lines.push(`${id} ${feed}`));
  const reach = { storiesFrom: 0, storiesTo: 0, endsFrom: 0, endsFromNumber: 0 };
  for (const endsFromNumber of [0, 5, 6, 0, 7]) report({ id: 'wire' }, 'latest', { ...reach, endsFromNumber });
  report({ id: 'wire' }, 'tag/a', { ...reach, endsFromNumber: 5 });
  report({ id: 'wire' }, 'tag/b', undefined);
  expect(lines).toEqual(['wire latest', 'wire latest', 'wire tag/a']);
});
