import type { Newsroom } from '../../article/newsroom.ts';
import type { Publication } from '../../config/publication.ts';
import type { FeedKey } from '../../feed/feeds.ts';
import type { Evidence } from '../../format/dialect/dialect.ts';
import type { Instant } from '../../lib/instant.ts';
import type { CheckedArticle, CheckedDocument } from './checked.ts';
import type { RecordedTargets } from './recorded-targets.ts';
import type { Survey } from './survey.ts';

/** An error is what every reader meets. What one consumer asks for, or what may be meant, is a warning. */
export type Level = 'error' | 'warning';

/** A rule as data: who has it, where it is written down, and when somebody read it there. */
export interface Rule {
  readonly id: string;
  readonly level: Level;
  /** What the rule finds, as the heading of a list. */
  readonly title: string;
  /** Who stumbles: `every reader`, or the name of an aggregator. */
  readonly consumer: string;
  /** The address of the page that states the rule. */
  readonly source: string;
  /** Whose word the rule is, where it is a rule of a partner's dialect: see `Evidence`. */
  readonly evidence?: Evidence;
  /** The day on which the page was read, as `2026-11-30`. */
  readonly read: string;
  /** The rules of dialects that ask the same, as `msn/title-too-short`: a story is named by one of them. */
  readonly sameAs?: readonly string[];
}

/** What a rule sees. */
export interface Sighting {
  /** The field of the record or of publication.yaml. */
  readonly field: string;
  /** An excerpt of the value. */
  readonly value?: string;
  /** What is wrong, and what to do. */
  readonly message: string;
  /** The id of the article, where the rule is not about one article alone. */
  readonly article?: string;
  /** The file below the data folder. */
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly feed?: FeedKey;
}

/** A sighting with its rule. */
export interface Finding extends Sighting {
  readonly rule: Rule;
}

export interface Context {
  readonly publication: Publication;
  readonly newsroom: Newsroom;
  readonly at: Instant;
  /** The address at which readers reach the service, ending in a slash; missing where nobody says it. */
  readonly servedAt?: string;
  readonly recorded: RecordedTargets;
}

export interface NewsroomContext extends Context {
  /** The feeds that the page of all feeds links to; undefined where the publication has no pages. */
  readonly linked: ReadonlySet<FeedKey> | undefined;
}

/** A rule about one article that readers see or will see. It looks at the article alone. */
export interface ArticleRule extends Rule {
  readonly look: (checked: CheckedArticle, context: Context) => Iterable<Sighting>;
}

/** A rule about the newsroom as a whole. It looks when all articles are read. */
export interface NewsroomRule extends Rule {
  readonly survey: (survey: Survey, context: NewsroomContext) => AsyncIterable<Sighting> | Iterable<Sighting>;
}

/** A rule about the document of a feed in one format. */
export interface DocumentRule extends Rule {
  readonly inspect: (document: CheckedDocument, context: Context) => Iterable<Sighting>;
}

/** The rule is older than that many days: its consumer may have another one by now. */
const RULE_AGE = 365;
const DAY = 24 * 60 * 60 * 1000;

/** The rules that somebody should read again at their sources. A page of ours is that of this version, and grows no older. */
export function outdatedRules(rules: readonly Rule[], at: Instant): readonly Rule[] {
  return rules.filter(({ source, read }) => !source.startsWith('docs/') && at - Date.parse(read) > RULE_AGE * DAY);
}
