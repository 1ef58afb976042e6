import type { StoryAudience } from '../feed/audience.ts';
import type { FeedKey } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import type { EntryRef } from './entry-ref.ts';

/** Why partners lose a story. */
export const ENDINGS = ['withdrawn', 'expired', 'rights-ended'] as const;
export type Ending = (typeof ENDINGS)[number];

/** Why a partner loses a story that goes on for readers, or for other partners. */
export const PARTNER_ENDINGS = ['moved', 'rights-changed', 'rule'] as const;
export type PartnerEnding = (typeof PARTNER_ENDINGS)[number];

/** The most stories that ended in one snapshot: a folder that is emptied must not fill documents. */
export const MOST_TAKEN_BACK = 500;

/** Milliseconds by which a withdrawal may be dated later than the change that made it. */
export const DATED_AHEAD = 5000;

/** A story that partners had, and must remove. */
export interface TakenBack extends EntryRef {
  readonly at: Instant;
  /** `withdrawn` wherever the story is withdrawn or erased; otherwise what came first, its expiry or the end of its rights. */
  readonly ending: Ending;
}

export interface PartnerSnapshotOptions {
  /** The largest number of entries. */
  readonly limit: number;
  /** Milliseconds after its publication at which a story appears. */
  readonly delay: number;
  /** Milliseconds for which a story that ended is listed: at its end plus the retention, it is no longer. */
  readonly retention: number;
}

/** What a partner can see of a feed at one moment. */
export interface PartnerSnapshot {
  /** The newsroom's name for the feed; empty for `latest` and for custom feeds. An embargo and the delay count for it as well. */
  readonly name: string;
  /** Newest first. Published by `at - delay`, not withdrawn, not expired, rights not ended. */
  readonly entries: readonly EntryRef[];
  /**
   * What ended within the retention, the newest first, at most `MOST_TAKEN_BACK`; those of one moment by their numbers. Only stories that the partner could see before: a story
   * whose expiry, withdrawal or end of rights came before its delay was over is in no answer.
   */
  readonly takenBack: readonly TakenBack[];
  /**
   * When any of this last changed: a story appeared, was corrected, left the feed or ended, an end left the retention, or all
   * documents changed. Grows with each change (two changes of one second get different seconds), and never goes back. A story
   * that is under embargo or held back for this delay does not move it, whatever happens to the story.
   */
  readonly changedAt: Instant;
  /**
   * The next moment at which time alone changes any of this. It may come too early where the change is beyond `limit`. It tells
   * of stories that the partner cannot see yet: no answer may have it, nor anything made of it.
   */
  readonly nextChangeAt?: Instant;
}

/** How an article was in a feed, until a change took it from there or left it there for fewer partners. */
export interface Stay extends StoryAudience {
  readonly publishedAt: Instant;
  /** When it ended: with the change, or with an earlier withdrawal. */
  readonly until: Instant;
  /** Its expiry or the end of its rights, whichever came first. */
  readonly endsAt?: Instant;
  /** The moment and the revision of the change. */
  readonly leftAt: Instant;
  readonly leftRevision: number;
}

/** A feed that an article has left, or that it is in for fewer partners than before. */
export interface FormerMembership {
  readonly feed: FeedKey;
  /** When it left last, whoever had it there then, and with which revision. */
  readonly leftAt: Instant;
  readonly leftRevision: number;
  /** The last one of each audience. */
  readonly stays: readonly Stay[];
}

/** An article that has left a feed. */
export interface FormerMember extends FormerMembership {
  readonly number: number;
  /** The article's revision, and the moment of its last change. */
  readonly revision: number;
  readonly changedAt: Instant;
}

/** A change to an article, or by time alone, for partners with some delay. `articles` reads the text. */
export interface ArticleEvent {
  readonly number: number;
  readonly revision: number;
  /** The moment of the event for that partner. */
  readonly at: Instant;
}

/** A story that partners must remove or correct. */
export interface SyndicationEnd {
  readonly number: number;
  readonly id: string;
  readonly publicId: string;
  readonly revision: number;
  readonly publishedAt: Instant;
  readonly at: Instant;
  /** `moved` where it has left feeds, or is in them for fewer partners. */
  readonly ending: Ending | 'corrected' | 'moved';
}

export interface TimeSpan {
  /** Events at this moment are left out, unless `after` says otherwise. */
  readonly from: Instant;
  /** Continues within `from`: also events at that very moment, of articles with greater numbers. */
  readonly after?: number;
  /** Events at this moment are in the answer. */
  readonly to: Instant;
  /** That of the partner, in milliseconds. */
  readonly delay: number;
  /** Only articles with this revision or an earlier one. */
  readonly upTo: number;
  readonly limit: number;
}

/** What the store knows for partners. A part of `Store`. */
export interface PartnerStore {
  /**
   * A feed of the publication, or a partner's own selection (`partnerFeedKey`), which no other method shows. Undefined where
   * the store has no such feed, or the partner could never see a story of it. A feed whose first story has not appeared is
   * empty, has no name and never changed. Which partners `rights` names is up to the caller.
   *
   * @throws PublisherError `feed_filling`
   */
  partnerSnapshot(key: FeedKey, at: Instant, options: PartnerSnapshotOptions): Promise<PartnerSnapshot | undefined>;
  /**
   * The feeds that an article has left after readers could see it there, by a change of its own, for as long as
   * `pruneFormerMembers` leaves them. A feed that lost the article because its rule changed is not among them, and neither is
   * one that has the article again for all partners that had it there.
   */
  formerMemberships(number: number): Promise<readonly FormerMembership[]>;
  /** The articles that have left a feed, those that changed last first, wherever they are now. */
  formerMembers(key: FeedKey, limit: number): Promise<readonly FormerMember[]>;
  /** Forgets former members that have not changed since, as many as one transaction should bear. Returns how many. */
  pruneFormerMembers(before: Instant): Promise<number>;
  /**
   * Articles whose revision is greater, in the order of their revisions, whatever their status: visible or not, withdrawn,
   * erased. `at` is the moment of the change as far as the article says it: the latest of updatedAt, withdrawn.at and
   * publishedAt, which may be in the future.
   */
  changedAfter(revision: number, limit: number): Promise<readonly ArticleEvent[]>;
  /**
   * Articles that time alone changed in a span: publishedAt plus the delay, expiresAt, the end of the rights, or withdrawn.at,
   * which may be up to two seconds after the change that withdrew the article; and when an article left a feed last. In the
   * order of these moments, then of their numbers. An article may occur more than once, with its present revision, and whether
   * the partner could see it is up to the caller. To continue, pass the `at` and the `number` of the last event as `from` and
   * `after`.
   */
  changedByTime(span: TimeSpan): Promise<readonly ArticleEvent[]>;
  /** The next moment after `at` at which `changedByTime` would have something for any article that does not change. */
  nextChangeByTime(at: Instant, delay: number): Promise<Instant | undefined>;
  /**
   * What ended for readers, what left feeds, and what was corrected with a `correction`, after `after` until `at`, the newest
   * first. As in `takenBack`, for a partner without delay; with a delay, leave out what ended before `publishedAt` plus the delay.
   * Corrections of stories that are withdrawn, or were made before their publication, are left out.
   */
  syndicationEnds(after: Instant, at: Instant, limit: number): Promise<readonly SyndicationEnd[]>;
}
