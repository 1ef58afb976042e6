import type { Dialect, DialectFeed, DialectItem } from '../../../src/format/dialect/dialect.ts';
import { publication } from './sample.ts';

/** A moment after the stories of the sample. */
const NOW = Date.UTC(2026, 10, 20, 12);

/** The ids of the rules that a story breaks. */
export function breaches(dialect: Dialect, item: DialectItem): string[] {
  return dialect.rules.filter((rule) => rule.breach(item, NOW) !== undefined).map((rule) => rule.id);
}

/** The ids of the rules that a feed breaks. */
export function feedBreaches(dialect: Dialect, feed: Partial<DialectFeed>): string[] {
  const whole: DialectFeed = { entries: dialect.defaults.entries, language: 'en', publication, ...feed };
  return (dialect.feedRules ?? []).filter((rule) => rule.breach(whole) !== undefined).map((rule) => rule.id);
}
