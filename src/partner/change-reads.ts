import type { Instant } from '../lib/instant.ts';
import type { ArticleEvent, PartnerStore, TimeSpan } from '../store/partner-store.ts';
import type { Store, StoredArticle } from '../store/store.ts';

/** What the change feed reads of the store. */
export type ChangeStore = Pick<Store, 'articles' | 'memberships' | 'history' | 'lastRevision'> &
  Pick<PartnerStore, 'changedAfter' | 'changedByTime' | 'nextChangeByTime' | 'partnerSnapshot' | 'formerMemberships'>;

/** Results of one kind that are kept: those of more are read again. */
const MOST_RESULTS = 10_000;
/** Articles that are kept, with all their text. */
const MOST_ARTICLES = 500;

/**
 * Reads of the store that several partners share: each is done once, as long as they are not too many. They are of the moments at
 * which they were done, so that a set of them must not live longer than the work on one change.
 */
export interface ChangeReads
  extends Pick<ChangeStore, 'memberships' | 'formerMemberships' | 'history' | 'partnerSnapshot'> {
  readonly changedAfter: PartnerStore['changedAfter'];
  readonly changedByTime: PartnerStore['changedByTime'];
  readonly nextChangeByTime: (at: Instant, delay: number) => Promise<Instant | undefined>;
  /** The articles of these events, as far as they still have these revisions. */
  readonly articles: (events: readonly Pick<ArticleEvent, 'number' | 'revision'>[]) => Promise<StoredArticle[]>;
}

export function createChangeReads(store: ChangeStore): ChangeReads {
  const kept = new Map<number, StoredArticle>();

  async function articles(events: Parameters<ChangeReads['articles']>[0]): Promise<StoredArticle[]> {
    const own = new Map(events.map(({ number }) => [number, kept.get(number)]));
    const missing = events.filter(({ number, revision }) => own.get(number)?.revision !== revision);
    const read = missing.length === 0 ? [] : await store.articles(missing.map(({ number }) => number));
    for (const stored of read) {
      own.set(stored.number, stored);
      keep(kept, stored.number, stored, MOST_ARTICLES);
    }
    return events.flatMap(({ number, revision }) => {
      const stored = own.get(number);
      return stored?.revision === revision ? [stored] : [];
    });
  }

  return {
    changedAfter: once((revision, limit) => store.changedAfter(revision, limit)),
    changedByTime: onceForSpans((span) => store.changedByTime(span)),
    nextChangeByTime: once((at, delay) => store.nextChangeByTime(at, delay)),
    memberships: once((number) => store.memberships(number)),
    formerMemberships: once((number) => store.formerMemberships(number)),
    history: once((id) => store.history(id)),
    partnerSnapshot: once((key, at, options) => store.partnerSnapshot(key, at, options)),
    articles,
  };
}

/** Milliseconds of a short span, such as the one since a poll began to wait. */
const SHORT = 120_000;
/** Events of a read that answers several spans. */
const MOST_TOGETHER = 50;

/** What time changed, in articles of any revision. */
interface ReadSpan {
  /** Events at this moment are not among these. */
  readonly from: Instant;
  /** Events at this moment are. */
  readonly to: Instant;
  /** Undefined where there are too many. */
  readonly events: Promise<readonly ArticleEvent[] | undefined>;
}

/**
 * Reads what time changed. One read answers all short spans around the same moment: thousands of polls have begun to wait at
 * different moments, and are looked at one after the other.
 */
function onceForSpans(read: PartnerStore['changedByTime']): PartnerStore['changedByTime'] {
  const known = new Map<number, ReadSpan>();
  const readOnce = once(read);

  function around({ from, to, delay }: TimeSpan): ReadSpan {
    const around = known.get(delay);
    if (around !== undefined && around.from < from && to <= around.to) return around;
    const wide = { from: from - SHORT, to: to + SHORT };
    const upTo = Number.MAX_SAFE_INTEGER;
    const events = read({ ...wide, delay, upTo, limit: MOST_TOGETHER }).then((found) =>
      found.length < MOST_TOGETHER ? found : undefined,
    );
    const made = { ...wide, events };
    known.set(delay, made);
    return made;
  }

  return async (span) => {
    const { from, after = Number.POSITIVE_INFINITY, to, upTo, limit } = span;
    const events = to - from > SHORT ? undefined : await around(span).events;
    if (events === undefined) return readOnce(span);
    const isWithin = ({ at, number }: ArticleEvent) => at <= to && (at > from || (at === from && number > after));
    return events.filter((event) => event.revision <= upTo && isWithin(event)).slice(0, limit);
  };
}

/** Calls a function once for equal arguments. */
function once<Args extends readonly unknown[], Result>(
  read: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  const known = new Map<string, Promise<Result>>();
  return (...args) => {
    const name = JSON.stringify(args);
    const result = known.get(name) ?? read(...args);
    keep(known, name, result, MOST_RESULTS);
    return result;
  };
}

/** Keeps a value. Where there are too many, all others are forgotten. */
function keep<Name, Value>(known: Map<Name, Value>, name: Name, value: Value, most: number): void {
  if (known.size >= most && !known.has(name)) known.clear();
  known.set(name, value);
}
