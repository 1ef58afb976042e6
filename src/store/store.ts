import type { Article } from '../article/article.ts';
import type { ArticleText } from '../article/stored.ts';
import type { Problem } from '../errors.ts';
import type { FeedKey, FeedRule, NamedKey, Selection } from '../feed/feeds.ts';
import type { Instant } from '../lib/instant.ts';
import type { JsonText } from '../lib/json.ts';
import type { EntryRef } from './entry-ref.ts';
import type { OutboxStore } from './outbox-store.ts';
import type { PartnerStore } from './partner-store.ts';

export type { EntryRef };

/** A change to one article. */
export type Change = Put | Withdraw | Erase;

/** Creates an article, or replaces it. */
export interface Put {
  readonly kind: 'put';
  readonly article: ArticleText;
  /** The record names no public id, so that the parser built one. A known article keeps the public id that it has. */
  readonly hasDerivedPublicId?: boolean;
  /**
   * The publication has changed, not the article. A feed that the article leaves for this reason does not stay visible
   * because of it.
   */
  readonly isReparsed?: boolean;
  /**
   * Leaves a withdrawn article withdrawn unless its record differs: to import a record again does not publish it again.
   * A put from a file that the store already knows behaves the same way without this flag.
   */
  readonly keepWithdrawn?: boolean;
  /** The record before it was parsed. */
  readonly record: JsonText;
  /** CRC-32 of the texts of article and record, as UTF-8, where a thread has them already. */
  readonly textChecksums?: TextChecksums;
  /** The record is the tombstone of an article that was erased, perhaps in another store: the store has no text of it. */
  readonly isErased?: boolean;
  /**
   * Every feed that the article's own fields name, whether or not the article is visible yet. Custom feeds are not
   * listed: the store derives them from its rules.
   */
  readonly feeds: readonly NamedKey[];
  /**
   * The moment at which this changed the article's feeds, apart from the dates in the article. The store uses it only
   * until it has served a reader. From then on, and where it is missing, feeds change at the end of the transaction.
   */
  readonly changedAt?: Instant;
  readonly condition?: Condition;
  readonly actor?: Actor;
  /**
   * The file that holds the article. The store keeps it even where the article stays the same. An article that the file
   * held before loses its file.
   */
  readonly source?: Omit<SourceFile, 'id'>;
}

export interface TextChecksums {
  readonly article: number;
  readonly record: number;
}

/** Withdraws an article. On an unknown or withdrawn article, nothing changes. */
export interface Withdraw {
  readonly kind: 'withdraw';
  readonly id: string;
  readonly reason?: string;
  readonly condition?: Condition;
  readonly actor?: Actor;
  /** No file holds the article any more: the store forgets its file, even where nothing else changes. */
  readonly forgetSource?: boolean;
}

/**
 * Erases an article for good: its text, its record, its file and what the store knows of its history. The tombstone stays:
 * the ids, the date of first publication, the date of the withdrawal, and the feeds that list it.
 */
export interface Erase {
  readonly kind: 'erase';
  readonly id: string;
  readonly condition?: Condition;
  readonly actor?: Actor;
}

/** Who or what made a change. */
export type Actor =
  | { readonly kind: 'key'; readonly id: string; readonly name: string }
  /** A file in articles/, by its path below the data folder. */
  | { readonly kind: 'file'; readonly path: string }
  /** The file, folder or address that was imported. */
  | { readonly kind: 'import'; readonly source: string }
  | { readonly kind: 'command'; readonly name: string }
  /** A start with another publication.yaml or another version, which parsed the stored records again. */
  | { readonly kind: 'start' };

/** What must be true of the article before a change is made. `revisions` lists the accepted revisions. */
export type Condition = 'absent' | 'present' | { readonly revisions: readonly number[] };

/** The result of one change. */
export interface Outcome {
  readonly id: string;
  readonly result:
    | 'created'
    | 'updated'
    | 'unchanged'
    | 'withdrawn'
    | 'erased'
    | 'absent'
    | 'condition-failed'
    | 'refused';
  /** The article's revision after the change; 0 where the article does not exist. */
  readonly revision: number;
  /** The feeds that held the article before the change or hold it now, partners' own selections included; empty where nothing changed. */
  readonly touched: readonly FeedKey[];
  /** Another article that has the same address and is not withdrawn. */
  readonly sameAddress?: string;
  /** The article as the store has it after the change; missing where it has none, or where the change was not made. */
  readonly kept?: KeptArticle;
  /** The rule of the identity ledger that the change breaks. Present where the result is `refused`. */
  readonly problem?: Problem;
  /** Whether the broken rule is that nothing is published again under the ids of an erased article. */
  readonly isErased?: boolean;
}

/** What the store decided about an article. */
export interface KeptArticle extends Pick<Article, 'publicId' | 'publishedAt' | 'expiresAt' | 'withdrawn'> {
  /** The feeds that the article belongs to, whether or not it is visible yet; no partner's own selection. */
  readonly feeds: readonly FeedKey[];
}

/** What a change did to an article. */
export type AuditedChange = 'published' | 'corrected' | 'withdrawn' | 'republished' | 'erased';

/** A change in the history of an article. */
export interface AuditEntry {
  readonly what: AuditedChange;
  readonly at: Instant;
  readonly revision: number;
  /** Missing where the change named no actor. */
  readonly by?: Actor;
  /** The status that the change gave the article. */
  readonly status: Status;
  /** The end of the embargo, where the status is `embargoed`. */
  readonly until?: Instant;
  /** The reason of a withdrawal. */
  readonly reason?: string;
}

/** A row of the audit: one change, or all consecutive changes of a batch. The entry is that of the first change. */
export interface AuditRow extends AuditEntry {
  /** The article of the first change, and of the last one. */
  readonly id: string;
  readonly lastId: string;
  readonly lastRevision: number;
  /** How many changes of each kind the row has. */
  readonly counts: ReadonlyMap<AuditedChange, number>;
}

/** A custom feed that is to be filled by its rule; without a rule, the store empties and forgets it. */
export interface FeedToBackfill extends Pick<FeedRule, 'id'> {
  readonly select?: Selection;
}

/** How much work on feeds with new rules is done at once. */
export interface FillingPace {
  /** Milliseconds of reading and comparing. */
  readonly slice: number;
  /** Entries that one transaction adds or removes. */
  readonly moved: number;
}

/** What a piece of the work on feeds with new rules has done. */
export interface FillingStep {
  /** The feeds that are being filled still. */
  readonly left: number;
  /** The feeds that hold what their rules select from now on. */
  readonly filled: readonly FeedKey[];
}

/** An article as the store returns it. */
export interface StoredArticle {
  readonly number: number;
  readonly revision: number;
  readonly article: Article;
}

/** An article with the record that it was parsed from. */
export interface StoredRecord extends StoredArticle {
  readonly record: unknown;
  /** The article was erased: its texts are empty, and the record has what is left. */
  readonly isErased?: boolean;
}

/** The remains of an article that was withdrawn after readers could see it. */
export interface Tombstone {
  readonly publicId: string;
  readonly at: Instant;
  readonly reason?: string;
}

/** The content of a feed at one moment. */
export interface FeedSnapshot {
  /** The newsroom's name for the feed; empty for `latest` and for custom feeds. */
  readonly name: string;
  /** Newest first. */
  readonly entries: readonly EntryRef[];
  /** Withdrawals within `tombstonesFor`, newest first. */
  readonly tombstones: readonly Tombstone[];
  /**
   * The last moment at which an article was added, changed or removed, or a tombstone expired. A second change within
   * one second is dated to the next second: readers may already know that second from the feed before the change.
   */
  readonly changedAt: Instant;
  /** The last moment at which an article left by withdrawal or expiry. */
  readonly removedAt?: Instant;
  /** The next moment at which time alone changes the entries or the tombstones. */
  readonly nextChangeAt?: Instant;
  /** Missing where the store does not know the sizes of documents, or has not divided the history of the feed yet. */
  readonly archive?: Archive;
}

/** The pages of the history of a feed (RFC 5005 §4), by their numbers. */
export interface Archive {
  /** The newest page. Missing where the archive has none: the current document has the whole feed. */
  readonly newest?: number;
  /** The page that will be next: its entries are in the current document. */
  readonly open: number;
}

/** A page of the history of a feed at one moment. */
export interface ArchivePage extends Pick<FeedSnapshot, 'name' | 'entries' | 'nextChangeAt'> {
  readonly page: number;
  /** Whether this is the page that will be next. */
  readonly isOpen: boolean;
  /** The last moment at which an entry came to the page, changed or left it, or the name of the feed changed. */
  readonly changedAt: Instant;
  /** A date that the page always has, even if it has no entry: of one of its entries, or of the oldest one after it. */
  readonly date: Instant;
  /** The number of the next older page. */
  readonly older?: number;
  /** The number of the next newer page, which may be open. */
  readonly newer?: number;
}

/** A page of the history of a feed that is not open, as a list of pages has it. */
export interface ListedPage {
  readonly page: number;
  /** `ArchivePage.changedAt` without the moments at which entries expired. */
  readonly changedAt: Instant;
}

/** How many entries the current documents of feeds have. */
export interface DocumentSizes {
  readonly entries: number;
  /** The feeds with other sizes. */
  readonly feeds: readonly (readonly [FeedKey, number])[];
}

/** What the store keeps of a publication. */
export interface Configuration {
  /** Feeds with other rules; none has to wait for more work than `most` of `backfillFeeds`. */
  readonly rules: readonly FeedToBackfill[];
  readonly most: number;
  readonly sizes: DocumentSizes;
  /** Whether every document changes. */
  readonly isVisible: boolean;
  readonly settings: Readonly<Record<string, string>>;
}

/** What a part of the work on archives has done. */
export interface DividedHistory {
  /** Pass this key to continue; missing where all is done. */
  readonly next?: FeedKey;
  /** The feeds whose documents are other ones now. */
  readonly changed: readonly FeedKey[];
}

export interface SnapshotOptions {
  /** The largest number of entries. */
  readonly limit: number;
  /** Milliseconds for which a feed lists a withdrawal. */
  readonly tombstonesFor: number;
}

/** An article that was erased. */
export interface ErasedArticle {
  readonly number: number;
  /** That of the erasure. */
  readonly revision: number;
}

/** The part of an article that never changes once readers could see it. */
export interface Identity {
  readonly publicId: string;
  readonly publishedAt: Instant;
}

/** An article in a list, without its body, which can be large. */
export interface ListedRecord extends Pick<StoredRecord, 'revision' | 'record' | 'isErased'> {
  readonly article: Pick<Article, 'id' | 'publicId' | 'publishedAt' | 'expiresAt' | 'withdrawn'>;
}

export interface Listed {
  readonly articles: readonly ListedRecord[];
  /** Pass this revision as `after` to continue; undefined at the end of the list. */
  readonly next?: number;
}

export interface ListOptions {
  /** Only articles that changed after this revision. */
  readonly after: number;
  readonly limit: number;
  /** Only articles of this feed. */
  readonly feed?: FeedKey;
  readonly status?: Status;
  /** The moment that decides the status. */
  readonly at: Instant;
}

export const STATUSES = ['visible', 'embargoed', 'expired', 'withdrawn'] as const;
export type Status = (typeof STATUSES)[number];

/** An article, and when something happens to it or did. */
export interface DatedArticle {
  readonly id: string;
  readonly at: Instant;
}

/** The articles of a store by their status. */
export interface StatusCounts extends Readonly<Record<Status, number>> {
  /** The embargoed article that becomes visible next. */
  readonly nextAppears?: DatedArticle;
  /** The article that expires next. */
  readonly nextExpires?: DatedArticle;
  /** The visible article that was published last. */
  readonly newest?: DatedArticle;
}

/** The setting that names the last erasure, as long as the files of the store may still have text of erased articles. */
export const ERASED = 'erased';

/**
 * The setting with the moment at which another publication was put in force, partners included: every document of a partner
 * may have changed then.
 */
export const CONFIGURED_AT = 'configured-at';

/** The setting with the `DocumentSizes`, as JSON. As long as it is `null`, the store divides no history into pages. */
export const DOCUMENT_SIZES = 'documents';

/** The settings about files of one machine. Machines that share a store do not share these. */
export const LOCAL_SETTINGS = [
  'erased-files-remain',
  'rejected-files',
  'deliveries-since',
  'publication-seen',
  'clock-offset',
  'freshness',
] as const;
export type LocalSetting = (typeof LOCAL_SETTINGS)[number];

/** The names of settings about static sites that this machine exports begin with it. They are local as well. */
export const SITE_SETTINGS = 'site ';

/** The kinds of feeds in a list: those that articles name, `latest`, and the feeds that the operator defines. */
export const FEED_KINDS = ['latest', 'custom', 'section', 'tag', 'author', 'language'] as const;
export type FeedKind = (typeof FEED_KINDS)[number];
/** The kinds of feeds that articles name. */
export type OwnKind = Exclude<FeedKind, 'latest' | 'custom'>;

export interface FeedListOptions {
  /** Only feeds whose keys come after this one; empty for the first page. */
  readonly after: FeedKey;
  readonly limit: number;
  readonly kind?: FeedKind;
  readonly at: Instant;
}

/** What readers can see in a feed: in the whole feed, not only in its current document. */
export interface FeedTotal {
  readonly articles: number;
  /** The date of the newest article. */
  readonly newest?: Instant;
}

export interface ListedFeed extends NamedKey, FeedTotal {}

export interface FeedList {
  readonly feeds: readonly ListedFeed[];
  /** Pass this key as `after` to continue; undefined at the end of the list. */
  readonly next?: FeedKey;
}

/** A feed, and how many of the newest articles it holds. */
export interface UsedFeed extends NamedKey {
  readonly used: number;
}

export interface UseOptions {
  /** How many of the newest articles count. */
  readonly articles: number;
  /** The largest number of feeds. */
  readonly limit: number;
}

/** Where an article stands in the order of publication: its date, and the store's number for articles of one date. */
export type EntryKey = readonly [published: Instant, tie: number];

/** Articles that follow one another in the order of publication, of one month in UTC. Only articles count that readers can see. */
export interface ArticleBlock {
  /** `2026-11` */
  readonly month: string;
  /** The number of the block within its month, from 1. */
  readonly number: number;
  readonly articles: number;
  /** When one of its articles was last published, corrected, or expired. */
  readonly updatedAt: Instant;
  readonly first: EntryKey;
  readonly last: EntryKey;
  /** Other articles, or other revisions of them, have another version. */
  readonly version: string;
}

/** The articles with keys from `first` to `last`. */
export interface EntrySpan {
  readonly first: EntryKey;
  readonly last: EntryKey;
  readonly limit: number;
}

/** An article in the order of publication. */
export interface PlacedEntry {
  /** The store's own number of the article. */
  readonly number: number;
  readonly key: EntryKey;
}

export interface GlanceOptions {
  /** Times in which the articles are counted apart: each from its first moment up to its second one. */
  readonly days: readonly (readonly [from: Instant, to: Instant])[];
}

/** What a list of feeds shows of one of them. Only articles count that readers can see. */
export interface FeedGlance {
  /** Of the whole feed. */
  readonly articles: number;
  readonly newest?: EntryRef;
  /** How many articles appeared on each of the days. */
  readonly perDay: readonly number[];
}

/** A file as it was when the store last kept its article. An article has at most one file, and a file at most one article. */
export interface SourceFile {
  readonly id: string;
  /** Empty where the file holds another article by now. This article is still to be withdrawn. */
  readonly path: string;
  /** Changes whenever the file, or a media file that it shows, changes. */
  readonly signature: string;
  /** The files in the media folder that the article shows. */
  readonly media: readonly string[];
}

/** An API key as the store keeps it: never the key itself. */
export interface StoredKey {
  readonly id: string;
  readonly name: string;
  readonly scope: Scope;
  /** SHA-256 of the secret part. */
  readonly hash: Uint8Array;
  readonly createdAt: Instant;
  readonly revokedAt?: Instant;
  /** The key is not valid from this moment on. */
  readonly expiresAt?: Instant;
  /** The id of the partner whose feeds the key opens. Present where the scope is `partner`, and nowhere else. */
  readonly partner?: string;
}

/** What a key may do: read or change articles with the API, or fetch the feeds of a partner and nothing else. */
export const SCOPES = ['read', 'write', 'partner'] as const;
export type Scope = (typeof SCOPES)[number];
/** The scopes of keys for the API. */
export type ApiScope = Exclude<Scope, 'partner'>;

/**
 * The articles and everything else that must survive a restart. Feeds of partners (`isPartnerFeed`) are custom feeds that readers
 * do not have: only `partnerSnapshot`, `memberships`, `rules` and the methods that fill feeds or name changed ones know them. All methods are asynchronous, because a store may be on
 * another machine. A fulfilled promise means that the change is on disk. Every method may reject with
 * `insufficient_storage` (no room on the disk), `store_unavailable` or `store_damaged`. A method that changes something takes the clock,
 * not the time, because it may have to wait for other writers.
 */
export interface Store extends PartnerStore, OutboxStore {
  /**
   * Fills custom feeds with the articles that their rules select, and empties those without a rule. Handles the first
   * feeds, at least one and as many as one transaction should bear, and returns how many. The feeds change at that
   * moment; their articles keep their revisions.
   *
   * @param most how many entries may be read for it; to add one counts as ten. Feeds that take more are marked as being
   *   filled: `fillFeeds` fills them. By default, all are filled at once
   */
  backfillFeeds(feeds: readonly FeedToBackfill[], now: () => Instant, most?: number): Promise<number>;
  /**
   * Goes on with the feeds that are being filled: by default, a few milliseconds' work. Until a feed is filled, no list has it, and what
   * reads it alone rejects with `feed_filling`. Articles that are published meanwhile are in it as well.
   */
  fillFeeds(now: () => Instant, pace?: FillingPace): Promise<FillingStep>;
  /** How many feeds are being filled. */
  fillingFeeds(): Promise<number>;
  /** The rules of the custom feeds, by which the store assigns articles to them. */
  rules(): Promise<readonly FeedRule[]>;
  /**
   * Applies all changes in one transaction or, where it rejects, none. Each changed article gets the next revision. The
   * store skips a change, with its file, where the condition fails, where it would alter the identity of an article that
   * readers could see, or where it has the id of an erased article. Its outcome says so.
   */
  apply(changes: readonly Change[], now: () => Instant): Promise<readonly Outcome[]>;
  /** Returns the outcomes that `apply` would have, and changes nothing. */
  rehearse(changes: readonly Change[], now: () => Instant): Promise<readonly Outcome[]>;
  /** The articles that were erased after that revision, in the order of the erasures. */
  erasedAfter(revision: number): Promise<readonly ErasedArticle[]>;
  /**
   * Overwrites what the files of the store still have of erased articles: in the log of changes, in free pages and in the
   * free parts of pages. Changes wait meanwhile. Does nothing where no article was erased since the last time.
   *
   * @returns why text may still be there; undefined where none is left
   */
  overwriteErased(): Promise<string | undefined>;
  /** Those of the texts that stand in an article, as it is in the store. */
  textsInUse(texts: readonly string[]): Promise<ReadonlySet<string>>;
  /** Puts a publication in force, in one transaction. */
  configure(configuration: Configuration, now: () => Instant): Promise<void>;
  /** Marks every feed as changed, without a change to an article. */
  touchAllFeeds(now: () => Instant): Promise<void>;
  /** Call this before the first reader is served. From then on, a feed is dated by the moment of the change. */
  markServed(): Promise<void>;
  /** The feed's newest visible articles at that moment; undefined where readers could never see such a feed. */
  snapshot(key: FeedKey, at: Instant, options: SnapshotOptions): Promise<FeedSnapshot | undefined>;
  /** A page of a feed's history at that moment; undefined where there is none, or readers could never see such a feed. */
  archivePage(key: FeedKey, page: number, at: Instant): Promise<ArchivePage | undefined>;
  /**
   * The pages of a feed's history at that moment that are not open, oldest first, without a look at their entries. Empty where
   * readers could never see such a feed.
   *
   * @throws PublisherError `feed_filling`
   */
  archivePages(key: FeedKey, at: Instant): Promise<readonly ListedPage[]>;
  /** Sets the sizes by which histories are divided into pages. Call this before readers get documents of other sizes. */
  setDocumentSizes(sizes: DocumentSizes, now: () => Instant): Promise<void>;
  /**
   * Divides the history of feeds into pages, as much as one transaction should bear. Where none of the next fifty feeds has
   * something to divide, the call ends without a transaction. A change keeps archives up to date by
   * itself, but leaves a history that is too long for one transaction to this.
   *
   * @param after the key that the last call returned; empty for the first call
   */
  divideHistory(after: FeedKey, now: () => Instant): Promise<DividedHistory>;
  /** The articles with these numbers, in the same order. Unknown numbers are skipped. */
  articles(numbers: readonly number[]): Promise<readonly StoredArticle[]>;
  /** `latest`, the custom feeds, and every feed with an article that was visible by that moment. */
  feeds(at: Instant): Promise<readonly NamedKey[]>;
  /**
   * The keys of all feeds, also of those that readers cannot see yet: show none before `seenFeeds` has it. The list is the
   * same until there is another feed.
   */
  feedKeys(): Promise<readonly FeedKey[]>;
  /** Those of these feeds that `feeds` has at that moment. */
  seenFeeds(keys: readonly FeedKey[], at: Instant): Promise<readonly NamedKey[]>;
  /** The same feeds in the order of their keys, with their totals. It counts in pieces, so that no other work waits. */
  listFeeds(options: FeedListOptions): Promise<FeedList>;
  /** The totals of one feed; undefined where readers could never see it. */
  feedTotal(key: FeedKey, at: Instant): Promise<FeedTotal | undefined>;
  /**
   * The feeds of a kind that the newest visible articles name themselves, the most used first. Takes the same time whatever
   * the store holds.
   */
  usedFeeds(kind: OwnKind, at: Instant, options: UseOptions): Promise<readonly UsedFeed[]>;
  /** The feeds of a kind with a visible article, in the order of their keys, up to a limit. It reads in pieces. */
  feedsOfKind(kind: OwnKind, at: Instant, limit: number): Promise<readonly NamedKey[]>;
  /** What a list of feeds shows of this one; of an unknown feed, that it holds nothing. */
  glance(key: FeedKey, at: Instant, options: GlanceOptions): Promise<FeedGlance>;
  /**
   * All visible articles in blocks of at most that size, in the order of publication. What readers see decides the blocks, and
   * nothing else: two stores with the same articles have the same ones. It reads in pieces, and after a change only what has
   * changed.
   */
  articleBlocks(at: Instant, size: number): Promise<readonly ArticleBlock[]>;
  /** The visible articles in a span of keys, in the order of publication. */
  entriesIn(span: EntrySpan, at: Instant): Promise<readonly PlacedEntry[]>;
  /** The revision of the last change. */
  lastRevision(): Promise<number>;
  /** Rejects with `store_damaged` where this or another process has found damage, or with the error of a read. */
  check(): Promise<void>;
  /**
   * What is damaged, as this or another process has found it; undefined where nothing is known to be. From then on, every
   * method that changes something rejects with `store_damaged`. A method that reads rejects with it where the damage is.
   */
  damage(): string | undefined;
  /** Resolves with the damage when this process is the first to find some. */
  whenDamaged(): Promise<string>;
  /**
   * The feeds that a change touched after that revision, also those that readers cannot see yet: show none of them before
   * `seenFeeds` has it. Time alone changes feeds as well, without a revision.
   */
  feedsChangedAfter(revision: number): Promise<readonly FeedKey[]>;
  /**
   * Whether another process may have changed something since the last `takeExternallyChangedFeeds`. Returns at once. The
   * result may stay the same until the event loop polls the system for more requests.
   */
  mayHaveExternalChanges(): boolean;
  /**
   * The feeds that other processes changed since the last call. A feed that only this process changed is missing, unless
   * another process wrote in between.
   */
  takeExternallyChangedFeeds(): Promise<readonly FeedKey[]>;

  /**
   * The changes to an article, oldest first: the newest thousand of those that `pruneAudit` has left. The transaction of a
   * change writes its row. A put that changes nothing has none. Empty for an unknown article.
   */
  history(id: string): Promise<readonly AuditEntry[]>;
  /**
   * The rows of the audit after that revision, in the order of the changes. Consecutive changes of one `apply` by imports
   * are one row, and so are those by a start. Pass the last row's `lastRevision` to continue.
   */
  auditAfter(revision: number, limit: number): Promise<readonly AuditRow[]>;
  /** Removes rows of the audit that are older, as many as one transaction should bear. Returns how many. */
  pruneAudit(before: Instant): Promise<number>;

  find(id: string): Promise<StoredRecord | undefined>;
  /** The identities of the known articles among these. */
  identities(ids: readonly string[]): Promise<ReadonlyMap<string, Identity>>;
  /** The revisions of the known articles among these. */
  revisions(ids: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Articles in the order of their last change; fewer than the limit where their records are large. */
  list(options: ListOptions): Promise<Listed>;
  /**
   * Articles after that number, in the order of their creation; fewer than the limit where they are large. Empty only
   * after the last article.
   */
  page(after: number, limit: number): Promise<readonly StoredRecord[]>;
  /** How many articles a feed shows before this one at that moment, counted up to a limit. */
  newerThan(key: FeedKey, number: number, at: Instant, limit: number): Promise<number>;
  /** The feeds that an article belongs to, partners' own selections included: show them to nobody else. */
  memberships(number: number): Promise<readonly FeedKey[]>;
  count(): Promise<number>;
  /** How many articles have each status, and which change theirs next. Takes the same time whatever the store holds. */
  statusCounts(at: Instant): Promise<StatusCounts>;

  /** Whether readers can see an article at that moment that names this file below `media/`, in the form of `mediaName`. */
  isMediaVisible(path: string, at: Instant): Promise<boolean>;
  /** The file of every article that came from one. */
  sources(): Promise<readonly SourceFile[]>;
  /** A value that the service keeps between starts. */
  setting(name: string): Promise<string | undefined>;
  saveSetting(name: string, value: string): Promise<void>;
  /** Saves a value unless there is one. Returns the value that the store has from then on, whichever process saved it. */
  keepSetting(name: string, value: string): Promise<string>;

  createKey(key: StoredKey): Promise<void>;
  key(id: string): Promise<StoredKey | undefined>;
  keys(): Promise<readonly StoredKey[]>;
  /** Returns whether a key with this id existed and was active. */
  revokeKey(id: string, at: Instant): Promise<boolean>;

  close(): Promise<void>;
}
