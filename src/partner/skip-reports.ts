import type { Partner } from '../config/partners.ts';
import type { Instant } from '../lib/instant.ts';
import { createLru } from '../lib/lru.ts';
import type { SkippedStory } from './arranger.ts';

/** Takes a story that a rule leaves out, one of so many that are reported together. */
export type OnSkipped = (
  partner: Pick<Partner, 'id' | 'dialect'>,
  feed: string,
  story: SkippedStory,
  count: number,
) => void;

/** Skipped stories that are remembered. The one that was met last is forgotten last, and then reported again. */
const MAX_REMEMBERED = 20_000;
/** Partners and rules that are remembered. */
const MAX_RULES = 10_000;
const HOUR = 60 * 60 * 1000;
/** Reports of one rule and partner in an hour that name a single story. */
const SINGLE_REPORTS = 3;

/** What a partner and a rule have had since the hour began. */
interface Recent {
  readonly since: Instant;
  readonly reports: number;
  /** Stories that wait for a report. */
  readonly waiting: number;
}

/**
 * Reports each story that a rule leaves out once for each of its revisions, partners and rules, however often documents are made. Of
 * many stories, such as those without a sound for a podcast, one report says how many there are; the next one comes after an hour.
 */
export function createSkipReports(onSkipped: OnSkipped, now: () => Instant) {
  const reported = createLru<string, string>(MAX_REMEMBERED);
  const recent = createLru<string, Recent>(MAX_RULES);

  function isNew(partner: Partner, feed: string, { rule, revision, article }: SkippedStory): boolean {
    const name = `${partner.id} ${rule} ${revision} ${article}`;
    if (reported.get(name) !== undefined) return false;
    reported.set(name, feed);
    return true;
  }

  function report(partner: Partner, feed: string, rule: string, stories: readonly SkippedStory[]): void {
    const name = `${partner.id} ${rule}`;
    const known = recent.get(name) ?? { since: now(), reports: 0, waiting: 0 };
    const current = now() - known.since < HOUR ? known : { ...known, since: now(), reports: 0 };
    const count = current.waiting + stories.length;
    const singles = SINGLE_REPORTS - current.reports;
    const [first] = stories;
    if (first === undefined) return;
    if (singles <= 0) {
      recent.set(name, { ...current, waiting: count });
      return;
    }
    const isFew = count <= singles && current.waiting === 0;
    if (isFew) for (const story of stories) onSkipped(partner, feed, story, 1);
    else onSkipped(partner, feed, first, count);
    recent.set(name, { ...current, reports: isFew ? current.reports + count : SINGLE_REPORTS, waiting: 0 });
  }

  return (partner: Partner, feed: string, stories: readonly SkippedStory[]): void => {
    const fresh = Map.groupBy(
      stories.filter((story) => isNew(partner, feed, story)),
      ({ rule }) => rule,
    );
    for (const [rule, some] of fresh) report(partner, feed, rule, some);
  };
}
