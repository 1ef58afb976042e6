import { excerpt, MAX_PROBLEMS, type Problem } from '../errors.ts';
import { didYouMean, nearestWord } from '../lib/nearest-word.ts';
import { brokenKeyRule, meantKey } from './feed-keys.ts';

/** A feed that has ended: the service redirects readers to another feed, or answers 410. The keys are normal. */
export interface RetiredFeed {
  readonly feed: string;
  readonly movedTo?: string;
}

/**
 * The problems of a list of retired feeds. Every feed that readers are redirected to must be able to exist and must not be
 * retired itself: readers would be redirected without end, or to an error.
 *
 * @param ids the operator's feeds
 */
export function retiredFeedProblems(retired: readonly RetiredFeed[], ids: readonly string[]): Problem[] {
  const problems: Problem[] = [];
  const known = new Set(ids);
  const moves = new Map(retired.map(({ feed, movedTo }) => [feed, movedTo]));
  const endOf = createEndOf(moves);
  const seen = new Set<string>();
  for (const [index, { feed, movedTo }] of retired.entries()) {
    if (seen.has(feed))
      problems.push(problem(index, 'feed', feed, 'is retired more than once: keep one of the entries'));
    seen.add(feed);
    if (movedTo === undefined) continue;
    const nearest = problems.length < MAX_PROBLEMS ? nearestKey : () => undefined; // a search takes time
    const rule = moves.has(movedTo)
      ? retiredRule(feed, movedTo, endOf(movedTo))
      : unknownFeedRule(movedTo, known, nearest);
    if (rule !== undefined) problems.push(problem(index, 'movedTo', movedTo, rule));
  }
  return problems;
}

function problem(index: number, field: keyof RetiredFeed, value: string, rule: string): Problem {
  return { field: `retired[${index}].${field}`, value: excerpt(value), rule };
}

/** Where the redirects from a retired feed end: at a feed, at an answer 410 or never. */
type End = { readonly feed: string } | 'gone' | 'circle';

/** Returns a function that follows redirects. It follows each of them once, however often it is called. */
function createEndOf(moves: ReadonlyMap<string, string | undefined>): (feed: string) => End {
  const ends = new Map<string, End>();
  return (feed) => {
    const way = new Set<string>();
    let next: string | undefined = feed;
    while (next !== undefined && moves.has(next) && !ends.has(next) && !way.has(next)) {
      way.add(next);
      next = moves.get(next);
    }
    const end = next === undefined ? 'gone' : way.has(next) ? 'circle' : (ends.get(next) ?? { feed: next });
    for (const each of way) ends.set(each, end);
    return end;
  };
}

function retiredRule(feed: string, movedTo: string, end: End): string {
  if (movedTo === feed) return 'must not be the retired feed itself: name another feed, or leave movedTo out';
  if (end === 'circle') return 'is retired and leads in a circle: name a feed that is not retired';
  if (end === 'gone') return 'is retired and has no feed to move to: name another feed, or leave movedTo out';
  return `is retired: name ${end.feed}, to which it moved`;
}

/** The rule that a feed breaks if it can never exist. */
export function unknownFeedRule(
  key: string,
  ids: ReadonlySet<string>,
  nearestOf: typeof nearestKey | (() => undefined),
): string | undefined {
  const broken = ids.has(key) ? undefined : brokenKeyRule(key);
  if (broken === undefined) return undefined;
  const nearest = nearestOf(key, ids);
  const question = didYouMean(nearest);
  if (key.startsWith('language/')) return broken + question;
  return `is not a feed: write latest, section/…, tag/…, author/… or language/…, or an id under feeds in publication.yaml${question}`;
}

export function nearestKey(key: string, ids: ReadonlySet<string>): string | undefined {
  return meantKey(key) ?? nearestWord(key, [...ids]);
}
