import type { Instant } from '../../lib/instant.ts';
import { nextAfter } from './feed-reader.ts';
import { type FeedRow, listOf } from './feed-rows.ts';
import type { List, Lists } from './lists.ts';

/** Where a walk through events stands: after the article with this number, at this moment. */
export interface Position {
  readonly at: Instant;
  readonly number: number;
}

/** A moment at which time alone changes an article. */
export interface TimedEvent extends Position {
  /** Missing where the list does not say it. */
  readonly revision: number | undefined;
}

export interface Events {
  readonly feed: FeedRow;
  /** Milliseconds from the publication of an article until it appears. */
  readonly delay: number;
  readonly from: Position;
  /** The last moment of the events. */
  readonly to: Instant;
}

/** Articles with one date beyond which they are kept sorted: an import may give one date to any number of them. */
const MANY = 250;

/** The articles of a feed that were published at one moment, in the order of their numbers. */
interface Together {
  readonly feed: number;
  /** That of the feed. */
  readonly revision: number;
  readonly published: Instant;
  /** Number and revision of each article. */
  readonly articles: readonly (readonly [number: number, revision: number])[];
}

export function isAfter(one: Position, other: Position): boolean {
  return one.at > other.at || (one.at === other.at && one.number > other.number);
}

export function compare(one: Position, other: Position): number {
  return one.at - other.at || one.number - other.number;
}

/** When articles left feeds: each once, however many feeds it left. Call it in a transaction. */
export function* departuresIn(
  lists: Lists,
  departures: List,
  { from, to }: Pick<Events, 'from' | 'to'>,
): Generator<TimedEvent> {
  let last = from;
  for (const [moment, article, , revision] of lists.up(departures, [from.at, from.number])) {
    const event = { at: Number(moment), number: Number(article), revision: Number(revision) };
    if (event.at > to) return;
    if (isAfter(event, last)) yield event;
    last = event;
  }
}

/** The moments at which time alone changes the articles of a feed. Call it in a transaction. */
export function createTimelines(lists: Lists) {
  let kept: Together | undefined;

  /** The articles of one moment, which have the order of their ties in the feed. */
  function sorted({ number: feed, revision }: FeedRow, published: Instant, articles: [number, number][]) {
    articles.sort(([one], [other]) => one - other);
    if (articles.length > MANY) kept = { feed, revision, published, articles };
    return articles;
  }

  function isKept({ number, revision }: FeedRow, published: Instant): boolean {
    return kept?.feed === number && kept.revision === revision && kept.published === published;
  }

  function* appearances({ feed, delay, from, to }: Events): Generator<TimedEvent> {
    const isAt = (published: Instant) => published + delay === from.at;
    const event = (published: Instant) => (article: readonly [number, number]) => {
      return { at: published + delay, number: article[0], revision: article[1] };
    };
    const isLeft = ([number]: readonly [number, number]) => number > from.number;
    const first = from.at - delay;
    const known = isKept(feed, first) ? kept?.articles : undefined;
    if (known !== undefined) yield* known.values().filter(isLeft).map(event(first));
    let published = Number.NEGATIVE_INFINITY;
    let together: [number, number][] = [];
    const rest = () => sorted(feed, published, together).filter((one) => !isAt(published) || isLeft(one));
    const start = known === undefined ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    for (const row of lists.up(listOf(feed, 'entries'), [first, start])) {
      if (Number(row[0]) + delay > to) break;
      if (row[0] !== published) {
        yield* rest().map(event(published));
        published = Number(row[0]);
        together = [];
      }
      together.push([Number(row[2]), Number(row[3])]);
    }
    yield* rest().map(event(published));
  }

  function* momentsIn(list: List, { from, to }: Events, hasRevision: boolean): Generator<TimedEvent> {
    for (const [moment, number, revision] of lists.up(list, [from.at, from.number])) {
      const at = Number(moment);
      if (at > to) return;
      yield { at, number: Number(number), revision: hasRevision ? Number(revision) : undefined };
    }
  }

  return {
    /** Each list of events, in the order of their moments and of the numbers of their articles. */
    all: (events: Events): readonly Generator<TimedEvent>[] => [
      appearances(events),
      momentsIn(listOf(events.feed, 'expiries'), events, false),
      momentsIn(listOf(events.feed, 'rights'), events, true),
      momentsIn(listOf(events.feed, 'tombstones'), events, true),
    ],
    /** The next moment of any event. */
    next(feed: FeedRow, delay: number, at: Instant): Instant | undefined {
      const [opens] = nextAfter(lists, listOf(feed, 'entries'), at - delay) ?? [];
      const others = (['expiries', 'rights', 'tombstones'] as const).map(
        (name) => nextAfter(lists, listOf(feed, name), at)?.[0],
      );
      const moments = [opens == null ? undefined : Number(opens) + delay, ...others];
      const known = moments.flatMap((moment) => (moment == null ? [] : [Number(moment)]));
      return known.length === 0 ? undefined : Math.min(...known);
    },
  };
}
