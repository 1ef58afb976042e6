import { describe, expect, test } from 'vitest';
import { DIALECTS_BY_NAME } from '../../../src/format/dialect/registry.ts';
import { NOW } from './fixtures.ts';
import { FEEDS, ITEMS } from './odd-stories.ts';

const dialects = Object.entries(DIALECTS_BY_NAME);

/** What the log and the skip log say: a sentence that begins with its noun, or that ends in an address. */
const SENTENCES = /^The .*(?:\.|: https?:\S+)$/;

describe.each(dialects)('%s', (name, dialect) => {
  const { rules, feedRules = [] } = dialect;

  test('has its own name, a format, and rules that say whose word they are', () => {
    expect(dialect.name).toBe(name);
    expect(Object.keys(dialect.formats).length).toBeGreaterThan(0);
    const all = [...rules, ...feedRules];
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    for (const { id, source, read, asks, evidence } of all) {
      expect(id).toMatch(/^[a-z]+(?:-[a-z0-9]+)*$/);
      expect(evidence).toMatch(/^[DCPTM]$/);
      expect(source).toMatch(/^https?:\/\/\S+$/);
      expect(read).toMatch(/^\d{4}-\d\d-\d\d$/);
      expect(asks).toMatch(/^[A-Z].*\.$/);
    }
  });

  test.each(rules)('a story breaks the rule $id, and another one keeps it', ({ breach }) => {
    const reasons = ITEMS.map((item) => breach(item, NOW));
    const broken = reasons.filter((reason) => reason !== undefined);
    expect([broken.length > 0, broken.length < reasons.length]).toEqual([true, true]);
    expect(broken.filter((reason) => !SENTENCES.test(reason))).toEqual([]);
  });

  test.each(feedRules)('a feed breaks the rule $id, and another one keeps it', ({ breach }) => {
    const reasons = FEEDS.map((feed) => breach(feed));
    const broken = reasons.filter((reason) => reason !== undefined);
    expect([broken.length > 0, broken.length < reasons.length]).toEqual([true, true]);
    expect(broken.filter((reason) => !SENTENCES.test(reason))).toEqual([]);
  });
});
