import { expect, test } from 'vitest';
import { createDamageReport, grouped } from '../../src/commands/damage-report.ts';

test('lists the first hundred by kinds, and counts all', () => {
  const report = createDamageReport();
  for (let number = 0; number < 1500; number += 1)
    report.add({ kind: 'article', name: `a${number}`, problem: 'is bad' });
  report.add({ kind: 'article', name: 'a0', problem: 'is worse' });
  report.add({ kind: 'feed', name: 'latest', problem: 'is short' });
  report.add({ kind: 'file', name: '', problem: 'page 7' });
  report.add({ kind: 'table', name: 'key', problem: 'x' });

  const lines = report.lines();
  expect(lines.slice(0, 4)).toEqual(['file: page 7', 'table key: x', 'feed latest: is short', 'article a0: is bad']);
  expect([lines.length, lines.at(-1), report.count()]).toEqual([101, 'and 1,404 problems more', 1504]);
  expect(report.summary()).toBe('1,504 problems in the pages of the file, 1 table, 1 feed and 1,500 articles');
});

test('one problem is named without a list', () => {
  const report = createDamageReport();
  report.add({ kind: 'file', name: '', problem: 'page 7' });
  expect([report.lines(), report.summary()]).toEqual([['file: page 7'], '1 problem in the pages of the file']);
  expect(grouped(1234, 'article')).toBe('1,234 articles');
});
