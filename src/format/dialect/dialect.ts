import type { Article } from '../../article/article.ts';
import type { MediaFacts } from '../../article/media-facts.ts';
import type { Publication } from '../../config/publication.ts';
import type { ContentType, DialectName } from '../../feed/dialects.ts';
import type { Content, Format } from '../../feed/feeds.ts';
import type { PodcastSettings } from '../../feed/podcasts.ts';
import type { Instant } from '../../lib/instant.ts';
import type { Tombstone } from '../../store/store.ts';

/**
 * How one consumer wants its feeds, as data: its formats, its window, its rules. A dialect is one file in
 * `format/dialect/` beside the pieces that dialects share; `npm run dialects` finds it there by its `export const NAME: Dialect`.
 */
export interface Dialect {
  readonly name: DialectName;
  /** The consumer's name, for people. */
  readonly title: string;
  /** `legacy`: the consumer reads such feeds no more. `private`: the consumer does not publish its rules. */
  readonly status: 'live' | 'legacy' | 'private';
  /** What the operator must know before using the dialect; printed by `check` and at the start. */
  readonly warning?: string;
  readonly formats: Readonly<Partial<Record<Format, DialectRenderer>>>;
  readonly contentTypes: readonly ContentType[];
  /** What a partner has that sets nothing else. */
  readonly defaults: {
    readonly entries: number;
    readonly content: Content /** Milliseconds. */;
    readonly age?: number;
  };
  /** How a feed says that a story is gone, in Markdown for docs/dialects.md. */
  readonly withdrawal: string;
  /** The consumer takes one language a feed. */
  readonly isOneLanguage?: boolean;
  readonly rules: readonly DialectRule[];
  /** What the consumer asks of a feed as a whole. A feed that breaks such a rule is served, with a warning. */
  readonly feedRules?: readonly DialectFeedRule[];
}

/**
 * Whose word a rule is. D: the consumer's own page. C: code that implements the consumer's rules. P: the press or a third
 * party. T: tried by us. M: memory.
 */
export type Evidence = 'D' | 'C' | 'P' | 'T' | 'M';

/** What a consumer asks of an entry. */
export interface DialectRule {
  /** Unique in the dialect, as `title-too-short`. */
  readonly id: string;
  /** A story that breaks a rule of level `refuse` is left out of the feed. */
  readonly level: 'refuse' | 'warn';
  readonly evidence: Evidence;
  /** The address of the consumer's page, or of the code. */
  readonly source: string;
  /** The day on which the source was read, as 2026-11-29. */
  readonly read: string;
  /** What the consumer asks, in one sentence. */
  readonly asks: string;
  /** The field of the record that breaks the rule. */
  readonly field: string;
  /**
   * What is wrong with the story; undefined where it keeps the rule. Depends on no clock but `at`. A function that has this
   * parameter is called again every hour.
   */
  readonly breach: (item: DialectItem, at: Instant) => string | undefined;
}

export interface DialectFeedRule extends Omit<DialectRule, 'level' | 'field' | 'breach'> {
  /** What is wrong with the feed; undefined where it keeps the rule. */
  readonly breach: (feed: DialectFeed) => string | undefined;
}

/** A partner's feed as a whole. */
export interface DialectFeed {
  /** The most stories of the document. */
  readonly entries: number;
  /** Milliseconds for which a story is in the document; missing where its age does not matter. */
  readonly age?: number;
  readonly language: string;
  readonly publication: Publication;
  readonly podcast?: PodcastSettings;
  /** Bytes of the document, where it is made already. */
  readonly bytes?: number;
  /** Facts of the picture of the feed, that of the podcast or the publication's icon, where it is a file of the service. */
  readonly picture?: Partial<MediaFacts>;
}

/** A story as a partner gets it: without pictures that may not be passed on, with the partner's links and copyright line. */
export interface DialectItem {
  readonly article: Article;
  readonly contentType: ContentType;
  readonly content: Content;
  /** The last correction, or when it was published again after a withdrawal, else first publication. */
  readonly updatedAt: Instant;
  /** When anything of it changed last after it was first published, also what the newsroom calls no correction. */
  readonly changedAt?: Instant;
  /** The revision of the article. Not for documents: its growth tells of changes to stories that a partner cannot see. */
  readonly revision: number;
}

/** A story that partners lose: by a withdrawal, at its `expiresAt`, or at the end of its rights. */
export interface TakenBackItem {
  /** As above. Of an erased story, all texts and the url are empty. */
  readonly article: Article;
  /** When partners lost it. Never in the future of the document. */
  readonly at: Instant;
  /** When anything of it changed last before that, as above. */
  readonly changedAt?: Instant;
  readonly revision: number;
  readonly contentType: ContentType;
}

/** All that the entries of a document depend on besides the stories. Equal options give equal entries. */
export interface DialectOptions {
  readonly content: Content;
  readonly contentType: ContentType;
  /** The language of the feed. */
  readonly feedLanguage: string;
  readonly feedsUrl: string;
  readonly publisher: Publication;
  /** The terms of the partner's contract. */
  readonly terms?: string;
  readonly podcast?: PodcastSettings;
}

/** What the head of a partner's document depends on. None comes from a clock. */
export interface DialectHead {
  readonly title: string;
  readonly description: string;
  readonly language: string;
  /** The address of the document, without a key. */
  readonly self: string;
  /** The permanent id of the feed. */
  readonly id: string;
  readonly publication: Publication;
  readonly contentType: ContentType;
  readonly content: Content;
  /** When an article in the feed was last published, corrected or withdrawn; 0 if never. */
  readonly updatedAt: Instant;
  /** First publication of the newest entry. */
  readonly publishedAt?: Instant;
  /** For formats that list withdrawals in their head, as Atom does. */
  readonly tombstones: readonly Tombstone[];
  readonly terms?: string;
  readonly podcast?: PodcastSettings;
}

/** A format of a dialect as pure functions. A document is the head, the entries with separators between them, and the tail. */
export interface DialectRenderer {
  /** Without parameters: the charset is UTF-8. */
  readonly mediaType: string;
  readonly head: (head: DialectHead) => string;
  /** @throws Error if the article cannot be rendered */
  readonly entry: (item: DialectItem, options: DialectOptions) => string;
  /** The entry of a story that partners lost. Missing where the consumer knows none: the story leaves the document. */
  readonly takenBack?: (item: TakenBackItem, options: DialectOptions) => string;
  readonly separator: string;
  readonly tail: string;
}
