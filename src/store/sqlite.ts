import { hash } from 'node:crypto';
import { type Article, type ArticleText, articleText, withdrawnArticle } from '../article.ts';
import { compact } from '../compact.ts';
import type { Problem } from '../errors.ts';
import { customFeedChooser, type FeedKey, type FeedRule, LATEST, type NamedKey, type Selection } from '../feeds.ts';
import { type Instant, rfc3339 } from '../instant.ts';
import { type JsonText, textOf } from '../json.ts';
import type {
  Change,
  Condition,
  FeedSnapshot,
  FeedToPlace,
  ListedRecord,
  ListOptions,
  Outcome,
  Put,
  Scope,
  SnapshotOptions,
  Store,
  StoredKey,
  StoredRecord,
  Tombstone,
  Withdraw,
} from '../store.ts';
import { inOurWords, openDatabase } from './database.ts';
import { type Articles, articlesWithout, type NumberedRule, selectArticles } from './placing.ts';
import { prepareStatements, type Statements } from './statements.ts';

interface KnownArticle {
  readonly number: number;
  readonly revision: number;
  readonly public_id: string;
  readonly published: number;
  readonly withdrawn: number | null;
  readonly article: string;
}

interface NumberedKey extends NamedKey {
  readonly number: number;
}

interface RecordRow {
  readonly number: number;
  readonly revision: number;
  readonly article: string;
  readonly record: string;
}

interface FeedRow {
  readonly number: number;
  readonly name: string;
  readonly changed: number;
  readonly seen: number;
  readonly opens: number | null;
  readonly expires: number | null;
  readonly withdraws: number | null;
  readonly withdrawn: number | null;
  readonly expired: number | null;
  readonly forgotten: number | null;
}

interface EntryRow {
  readonly number: number;
  readonly revision: number;
  readonly published: number;
  readonly updated: number;
  readonly expires: number | null;
}

interface ListRow {
  readonly id: string;
  readonly public_id: string;
  readonly revision: number;
  readonly published: number;
  readonly expires: number | null;
  readonly withdrawal: string | null;
  readonly record: string;
}

/** Characters of articles and records after which a page ends: five hundred can be gigabytes otherwise. */
const PAGE_TEXT = 8 * 1024 * 1024;

/** Entries of a feed up to which a list of its articles begins with them, rather than with all articles there are. */
const FEW = 5000;

/** Entries that come or leave after which a transaction that fills feeds ends: they take seconds, and others wait. */
const MOST_MOVED = 100_000;

/**
 * A turn of the event loop. The loop may ask the system several times in one round, and counts the events of each time
 * once it is done with them: where both counts are the same, it has not asked again.
 */
interface Turn {
  readonly loopCount: number;
  readonly events: number;
}

/** Tombstones a document holds at most, so that a folder that was emptied does not fill it. */
const MOST_TOMBSTONES = 500;

/**
 * The store on SQLite.
 *
 * @param file the database's path, or `:memory:` for one that ends with the process
 * @param cache megabytes of it that are kept in memory
 * @throws PublisherError `store_outdated`, `store_too_new`, `store_unavailable`
 */
export function openSqliteStore(file: string, cache?: number): Store {
  const store = inOurWords(openStore)(file, cache);
  const methods = Object.entries(store).map(([name, method]) => [name, inOurWords(method)]);
  return Object.fromEntries(methods) as Store;
}

function openStore(file: string, cache?: number): Store {
  const db = openDatabase(file, cache);
  const sql = prepareStatements(db);
  /** Numbers of feeds by key and name. They never change. */
  const feedNumbers = new Map<FeedKey, Map<string, number>>();
  /** Which of the operator's feeds take an article, by the version of the rules they are chosen by. */
  let choosing: { readonly version: number; readonly choose: (own: readonly FeedKey[]) => FeedKey[] } | undefined;
  /** `data_version` moves when another connection commits. */
  let seenVersion = dataVersion();
  /** The last change that is no news, whoever made it. */
  let seenRevision = lastRevision();
  /** The turn of the event loop in which it was looked at last. */
  let lookedIn: Turn | undefined;
  let hasNews = false;

  function transaction<Result>(work: () => Result): Result {
    try {
      db.exec('BEGIN IMMEDIATE');
      const hasForeign = dataVersion() !== seenVersion;
      const result = work();
      const revision = lastRevision();
      db.exec('COMMIT');
      if (!hasForeign) seenRevision = revision; // what this process does itself is no news to it
      return result;
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK'); // a full disk has rolled back already
      feedNumbers.clear();
      throw error;
    }
  }

  function rehearse(changes: readonly Change[], at: Instant): Outcome[] {
    try {
      db.exec('BEGIN IMMEDIATE');
      return apply(changes, at);
    } finally {
      if (db.isTransaction) db.exec('ROLLBACK');
      feedNumbers.clear();
    }
  }

  function apply(changes: readonly Change[], at: Instant): Outcome[] {
    const touched = new Map<FeedKey, Instant>();
    const before = lastRevision();
    let revision = before;
    const next = () => ++revision;
    const outcomes = changes.map((change) => {
      const outcome = change.kind === 'put' ? put(change, at, next) : withdraw(change, next);
      if (outcome.result !== 'refused' && outcome.result !== 'condition-failed') keepSource(change);
      for (const key of outcome.touched) touched.set(key, Math.max(touched.get(key) ?? 0, change.changedAt));
      return outcome;
    });
    if (revision > before) sql.saveRevision.run(revision);
    for (const [key, changedAt] of touched) sql.touchFeed.run(changedAt, revision, key);
    return outcomes;
  }

  function put(change: Put, at: Instant, next: () => number): Outcome {
    const { record, condition, leaveWithdrawn, byNewPublication } = change;
    const known = sql.articleById.get(change.article.id) as KnownArticle | undefined;
    const article = withKnownIdentity(change, known);
    const failed = conditionFailed(article.id, condition, known) ?? identityRefused(article, known, at);
    if (failed !== undefined) return failed;
    if (leaveWithdrawn === true && known !== undefined && isWithdrawnRecord(known, record))
      return { id: article.id, result: 'unchanged', revision: known.revision, touched: [] };
    const before = known === undefined ? [] : feedsOf(known.number);
    const feeds = withOperators(change.feeds);
    if (known !== undefined && byNewPublication !== true && wasSeen(known, at))
      keepVisible(without(before, feeds), known);
    if (known !== undefined && known.article === textOf(article.text)) {
      sql.keepRecord.run({ id: article.id, record }); // it may say in words what it left to a default before
      const touched = move(known.number, article, { from: before, to: isInFeeds(article) ? feeds : [] });
      if (touched.length === 0) return { id: article.id, result: 'unchanged', revision: known.revision, touched };
      const revision = next();
      sql.saveArticleRevision.run(revision, known.number);
      return { id: article.id, result: 'updated', revision, touched };
    }
    const { number, revision } = save(article, next(), known, record);
    if (known !== undefined) takeOut(number);
    place(number, article, feeds);
    const result = known === undefined ? 'created' : 'updated';
    const touched = [...new Set([...before, ...feeds].map(({ key }) => key))];
    return { id: article.id, result, revision, touched };
  }

  function keepSource(change: Change): void {
    if (change.kind === 'withdraw') {
      if (change.forgetSource === true) sql.removeSource.run(change.id);
    } else if (change.source !== undefined) {
      const { path, signature, media } = change.source;
      sql.loseSource.run(path, change.article.id);
      sql.saveSource.run(change.article.id, path, signature, JSON.stringify(media));
    }
  }

  function isWithdrawnRecord({ withdrawn, number }: KnownArticle, record: JsonText): boolean {
    return withdrawn !== null && isSameJson(String(sql.recordByNumber.get(number)?.record), textOf(record));
  }

  /** Takes an article that is as it was out of feeds and puts it into others. Returns those that changed. */
  function move(
    number: number,
    article: ArticleText,
    { from, to }: { readonly from: readonly NumberedKey[]; readonly to: readonly NamedKey[] },
  ): FeedKey[] {
    const left = without(from, to);
    const entered = without(to, from);
    for (const feed of left) {
      sql.deleteEntry.run(feed.number, article.publishedAt, tieOf(article.publicId), number);
      sql.deleteTombstone.run(feed.number, number);
    }
    place(number, article, entered);
    return [...left, ...entered].map(({ key }) => key);
  }

  /** Who subscribed to a feed for its only article finds it empty when the article leaves, not missing. */
  function keepVisible(feeds: readonly NumberedKey[], { published }: KnownArticle): void {
    for (const { number } of feeds) sql.keepVisible.run({ number, from: published });
  }

  function withdraw({ id, reason, changedAt, condition }: Withdraw, next: () => number): Outcome {
    const known = sql.articleById.get(id) as KnownArticle | undefined;
    const failed = conditionFailed(id, condition, known);
    if (failed !== undefined) return failed;
    if (known === undefined) return { id, result: 'absent', revision: 0, touched: [] };
    if (known.withdrawn !== null) return { id, result: 'unchanged', revision: known.revision, touched: [] };
    const live = JSON.parse(known.article) as Article;
    const at = Math.floor(changedAt / 1000) * 1000; // as every date of an article
    const article = articleText(withdrawnArticle(live, compact({ at, reason })));
    const feeds = feedsOf(known.number);
    const { number, revision } = save(article, next(), known);
    takeOut(number);
    place(number, article, feeds);
    return { id, result: 'withdrawn', revision, touched: feeds.map(({ key }) => key) };
  }

  /** The identity ledger: what a reader may have seen of an article's identity stays. */
  function identityRefused(article: ArticleText, known: KnownArticle | undefined, at: Instant): Outcome | undefined {
    const refused = (problem: Problem): Outcome => ({
      id: article.id,
      result: 'refused',
      revision: known?.revision ?? 0,
      touched: [],
      problem,
    });
    if (known !== undefined && wasSeen(known, at)) {
      if (known.published !== article.publishedAt) {
        return refused({
          field: 'publishedAt',
          value: rfc3339(article.publishedAt),
          rule: `must stay ${rfc3339(known.published)}, the date of first publication (an embargo counts as its end)`,
        });
      }
      if (known.public_id !== article.publicId) {
        return refused({ field: 'publicId', value: article.publicId, rule: `must stay ${known.public_id}` });
      }
      if (article.withdrawn !== undefined && !wasVisible(article)) {
        return refused({
          field: 'withdrawn.at',
          value: rfc3339(article.withdrawn.at),
          rule: `must not be before ${rfc3339(known.published)}, the date of first publication`,
        });
      }
    }
    if (known?.public_id === article.publicId) return undefined;
    const owner = sql.ownerOfPublicId.get(article.publicId) as { id: string } | undefined;
    if (owner === undefined) return undefined;
    return refused({ field: 'publicId', value: article.publicId, rule: `is the identity of the article ${owner.id}` });
  }

  function save(
    { id, publicId, publishedAt, updatedAt, expiresAt, withdrawn, text }: ArticleText,
    revision: number,
    known: KnownArticle | undefined,
    record?: JsonText,
  ): { number: number; revision: number } {
    const dates = [publishedAt, updatedAt ?? publishedAt, expiresAt ?? null, withdrawn?.at ?? null] as const;
    const columns = [publicId, revision, ...dates, text, record ?? null] as const;
    if (known === undefined) return { number: Number(sql.insertArticle.run(id, ...columns).lastInsertRowid), revision };
    sql.updateArticle.run(...columns, known.number);
    return { number: known.number, revision };
  }

  function takeOut(number: number): void {
    sql.deleteEntries.run(number);
    sql.deleteTombstones.run(number);
  }

  /** Puts an article into its feeds, or its tombstone where it was visible before it was taken back. */
  function place(number: number, article: ArticleText, feeds: readonly NamedKey[]): void {
    const tie = tieOf(article.publicId);
    for (const feed of feeds) {
      if (article.withdrawn === undefined) {
        sql.insertEntry.run(feedNumber(feed), article.publishedAt, tie, number, article.expiresAt ?? null);
      } else if (wasVisible(article)) {
        sql.insertTombstone.run(feedNumber(feed), article.withdrawn.at, number);
      }
    }
  }

  function feedNumber({ key, name }: NamedKey): number {
    const numbers = feedNumbers.get(key) ?? new Map<string, number>();
    const known = numbers.get(name);
    if (known !== undefined) return known;
    const { number } = sql.feedNumber.get(key, name) as { number: number };
    feedNumbers.set(key, numbers.set(name, number));
    return number;
  }

  function feedsOf(number: number): NumberedKey[] {
    return sql.feedsOfArticle.all({ number }) as unknown as NumberedKey[];
  }

  /** The feeds an article is in by itself, and those of the operator's that take it. */
  function withOperators(own: readonly NamedKey[]): readonly NamedKey[] {
    const version = Number(sql.rulesVersion.get()?.rules);
    if (choosing?.version !== version) choosing = { version, choose: customFeedChooser(rules()) };
    const custom = choosing.choose(own.map(({ key }) => key));
    return [...own, ...custom.map((key) => ({ key, name: '' }))];
  }

  function rules(): FeedRule[] {
    return sql.rules.all().map(({ id, rule }) => ({ id: String(id), select: JSON.parse(String(rule)) as Selection }));
  }

  function placeFeeds(feeds: readonly FeedToPlace[], changedAt: Instant): number {
    const fillings = sql.placing.map(createFilling);
    const revision = lastRevision() + 1;
    const touched: FeedKey[] = [];
    let moved = 0;
    let done = 0;
    for (const { id, select } of feeds) {
      const feed = select === undefined ? sql.forgetFeed.get(id) : sql.setRule.get(id, JSON.stringify(select));
      if (feed !== undefined) {
        const before = moved;
        const rule = select === undefined ? NOTHING : numberedRule(select);
        for (const fill of fillings) moved += fill(Number(feed.number), rule);
        if (moved > before || select === undefined) touched.push(id);
      }
      done += 1;
      if (moved >= MOST_MOVED) break;
    }
    if (done > 0) sql.raiseRulesVersion.run();
    if (touched.length > 0) sql.saveRevision.run(revision);
    for (const key of touched) sql.touchFeed.run(changedAt, revision, key);
    return done;
  }

  function numberedRule({ any, all, none }: Selection): NumberedRule {
    const groups = [...all.map((key) => [key]), ...(any.length > 0 ? [any] : [])];
    return { groups: (groups.length > 0 ? groups : [[LATEST]]).map(numbersOf), none: numbersOf(none) };
  }

  function numbersOf(keys: readonly FeedKey[]): number[] {
    return keys.flatMap((key) => {
      const feed = sql.numberOfFeed.get(key);
      return feed === undefined ? [] : [Number(feed.number)];
    });
  }

  function snapshot(key: FeedKey, at: Instant, { limit, tombstonesFor }: SnapshotOptions): FeedSnapshot | undefined {
    const since = at - tombstonesFor;
    const feed = sql.feed.get({ key, at, since }) as FeedRow | undefined;
    if (feed === undefined || feed.seen === 0) return undefined;
    const rows = sql.newest.all({ feed: feed.number, at, limit }) as unknown as EntryRow[];
    const tombstones = sql.tombstones.all({ feed: feed.number, at, since, limit: MOST_TOMBSTONES }) as unknown as {
      public_id: string;
      at: number;
      reason: string | null;
    }[];
    return compact({
      name: feed.name,
      entries: rows.map(({ number, revision, published, updated }) => ({
        number,
        revision,
        publishedAt: published,
        updatedAt: updated,
      })),
      tombstones: tombstones.map(
        (row): Tombstone => compact({ publicId: row.public_id, at: row.at, reason: row.reason ?? undefined }),
      ),
      changedAt: latest(feed.changed, feed.forgotten === null ? null : feed.forgotten + tombstonesFor) ?? 0,
      removedAt: latest(feed.withdrawn, feed.expired),
      nextChangeAt: earliest(
        feed.opens,
        feed.expires,
        feed.withdraws,
        ...tombstones.slice(-1).map((oldest) => oldest.at + tombstonesFor),
      ),
    });
  }

  /** The revisions of a list's articles, in their order. */
  function listed({ after, limit, feed, status, at }: ListOptions): number[] {
    const asked = { after, limit, at, feed: feed ?? null };
    if (status === 'embargoed') return revisionsOf(sql.listed.ahead.all({ ...asked, feed: feed ?? LATEST }));
    const isOfFew = feed !== undefined && !sql.isLarger.get({ feed, size: FEW })?.answer;
    return revisionsOf(sql.listed[isOfFew ? 'ofFeed' : 'byRevision'][status ?? 'any'].all(asked));
  }

  function dataVersion(): number {
    const [version] = sql.dataVersion.get() as unknown as [number];
    return version;
  }

  /**
   * Looks once for all that the system tells the event loop of at a time: those requests had come before it was asked, so
   * that no change which was acknowledged before one of them is missed. To look costs as much as a third of an answer.
   */
  function mayHaveNews(): boolean {
    const turn = performance.nodeTiming.uvMetricsInfo;
    if (turn.loopCount === lookedIn?.loopCount && turn.events === lookedIn.events) return hasNews;
    hasNews = dataVersion() !== seenVersion;
    lookedIn = turn;
    return hasNews;
  }

  function lastRevision(): number {
    return Number(sql.lastRevision.get()?.last);
  }

  function touchedElsewhere(): FeedKey[] {
    const [version, revision] = [dataVersion(), lastRevision()]; // before the rest: what is committed between is news again
    const touched = sql.touchedSince.all(seenRevision).map((row) => String(row.key));
    [seenVersion, seenRevision] = [version, revision]; // after it: where it fails, there is still news
    lookedIn = undefined;
    return touched;
  }

  return {
    placeFeeds: async (feeds, changedAt) => transaction(() => placeFeeds(feeds, changedAt)),
    rules: async () => rules(),
    apply: async (changes, at) => transaction(() => apply(changes, at)),
    rehearse: async (changes, at) => rehearse(changes, at),
    touchAllFeeds: async (changedAt) => {
      transaction(() => {
        const revision = lastRevision() + 1;
        sql.saveRevision.run(revision);
        sql.touchAllFeeds.run(changedAt, revision);
      });
    },
    snapshot: async (key, at, options) => snapshot(key, at, options),
    articles: async (numbers) =>
      numbers.flatMap((number) => {
        const row = sql.articleByNumber.get(number) as { revision: number; article: string } | undefined;
        return row === undefined
          ? []
          : [{ number, revision: row.revision, article: JSON.parse(row.article) as Article }];
      }),
    feeds: async (at) => sql.feeds.all({ at }) as unknown as NamedKey[],
    lastRevision: async () => lastRevision(),
    mayHaveNews,
    touchedElsewhere: async () => touchedElsewhere(),

    find: async (id) => storedRecord(sql.recordById.get(id) as RecordRow | undefined),
    identities: async (ids) =>
      new Map(
        ids.flatMap((id) => {
          const row = sql.identityById.get(id) as Pick<KnownArticle, 'public_id' | 'published'> | undefined;
          return row === undefined ? [] : [[id, { publicId: row.public_id, publishedAt: row.published }]];
        }),
      ),
    list: async (options) => {
      const revisions = listed(options);
      // Where another process has changed one since, it has another revision, and comes when that is asked for.
      const rows = revisions.values().flatMap((revision) => sql.listedArticle.all(revision) as unknown as ListRow[]);
      const page = pageOf(rows, ({ record }) => record.length);
      const mayGoOn = page.isCut || revisions.length === options.limit;
      const last = page.isCut ? page.rows.at(-1)?.revision : revisions.at(-1);
      return compact({ articles: page.rows.map(listedRecord), next: mayGoOn ? last : undefined });
    },
    page: async (after, limit) => {
      const rows = sql.page.iterate(after, limit) as Iterable<unknown> as Iterable<RecordRow>;
      const page = pageOf(rows, ({ article, record }) => article.length + record.length);
      return page.rows.flatMap((row) => storedRecord(row) ?? []);
    },
    newerThan: async (key, number, at, limit) => Number(sql.newerThan.get({ key, number, at, limit })?.newer),
    memberships: async (number) => feedsOf(number).map(({ key }) => key),
    count: async () => Number(sql.count.get()?.count),

    sources: async () =>
      sql.sources.all().map((row) => ({
        id: String(row.id),
        path: String(row.path ?? ''),
        signature: String(row.signature),
        media: JSON.parse(String(row.media)) as string[],
      })),
    setting: async (name) => (sql.setting.get(name) as { value: string } | undefined)?.value,
    saveSetting: async (name, value) => {
      transaction(() => sql.saveSetting.run(name, value));
    },

    createKey: async ({ id, name, scope, hash, createdAt }) => {
      transaction(() => sql.createKey.run(id, name, scope, hash, createdAt));
    },
    key: async (id) => storedKey(sql.key.get(id)),
    keys: async () => sql.keys.all().flatMap((row) => storedKey(row) ?? []),
    revokeKey: async (id, at) => transaction(() => sql.revokeKey.run(at, id).changes > 0),

    close: async () => db.close(),
  };
}

/** No article is in one of no feeds. */
const NOTHING: NumberedRule = { groups: [[]], none: [] };

/** Fills feeds with what rules select. What the feeds of rules hold is read once: it must not change meanwhile. */
function createFilling({ read, insert, remove }: Statements['placing'][number]) {
  const known = new Map<number, Articles>();

  function articlesIn(feed: number): Articles {
    const articles = known.get(feed) ?? readArticles(feed);
    known.set(feed, articles);
    return articles;
  }

  function readArticles(feed: number): Articles {
    return Float64Array.from(JSON.parse(String(read.get(feed)?.articles)) as number[]).sort();
  }

  /** Returns how many came or left. */
  return (feed: number, rule: NumberedRule): number => {
    const before = readArticles(feed);
    const after = selectArticles(rule, articlesIn);
    const left = articlesWithout(before, after);
    const came = articlesWithout(after, before);
    if (left.length > 0) remove.run({ feed, articles: `[${left.join()}]` });
    if (came.length > 0) insert.run({ feed, articles: `[${came.join()}]` });
    return left.length + came.length;
  };
}

function conditionFailed(
  id: string,
  condition: Condition | undefined,
  known: KnownArticle | undefined,
): Outcome | undefined {
  if (condition === undefined || holds(condition, known)) return undefined;
  return { id, result: 'condition-failed', revision: known?.revision ?? 0, touched: [] };
}

function holds(condition: Condition, known: KnownArticle | undefined): boolean {
  if (condition === 'absent') return known === undefined;
  if (condition === 'present') return known !== undefined;
  return known !== undefined && condition.revisions.includes(known.revision);
}

/** The public id an article has once holds, whatever it would be made of today. */
function withKnownIdentity(
  { article, madePublicId }: Pick<Put, 'article' | 'madePublicId'>,
  known: KnownArticle | undefined,
): ArticleText {
  if (known === undefined || madePublicId !== true || known.public_id === article.publicId) return article;
  return articleText({ ...(JSON.parse(textOf(article.text)) as Article), publicId: known.public_id });
}

/** Whether two texts say the same, however they are spaced. */
function isSameJson(text: string, other: string): boolean {
  return text === other || JSON.stringify(JSON.parse(text)) === JSON.stringify(JSON.parse(other));
}

/** What readers may have seen by then. */
function wasSeen({ published, withdrawn }: KnownArticle, at: Instant): boolean {
  return published <= Math.min(at, withdrawn ?? at);
}

/** Those of the feeds that are not among others. */
function without<Key extends NamedKey>(feeds: readonly Key[], others: readonly NamedKey[]): Key[] {
  const keys = new Set(others.map(({ key }) => key));
  return feeds.filter(({ key }) => !keys.has(key));
}

function wasVisible({ withdrawn, publishedAt }: ArticleText): boolean {
  return withdrawn !== undefined && publishedAt <= withdrawn.at;
}

/** Taken back before anybody saw it, an article is in no feed at all. */
function isInFeeds(article: ArticleText): boolean {
  return article.withdrawn === undefined || wasVisible(article);
}

function storedRecord(row: RecordRow | undefined): StoredRecord | undefined {
  if (row === undefined) return undefined;
  const { number, revision, article, record } = row;
  return { number, revision, article: JSON.parse(article) as Article, record: JSON.parse(record) as unknown };
}

/** Rows until they are a page's worth of text. */
function pageOf<Row>(found: Iterable<Row>, size: (row: Row) => number): { rows: readonly Row[]; isCut: boolean } {
  const rows: Row[] = [];
  let text = 0;
  for (const row of found) {
    rows.push(row);
    text += size(row);
    if (text >= PAGE_TEXT) return { rows, isCut: true };
  }
  return { rows, isCut: false };
}

function revisionsOf(rows: readonly Record<string, unknown>[]): number[] {
  return rows.map(({ revision }) => Number(revision));
}

function listedRecord(row: ListRow): ListedRecord {
  const { id, public_id: publicId, published: publishedAt, withdrawal, revision, record } = row;
  const withdrawn = withdrawal === null ? undefined : (JSON.parse(withdrawal) as Article['withdrawn']);
  const article = compact({ id, publicId, publishedAt, expiresAt: row.expires ?? undefined, withdrawn });
  return { revision, article, record: JSON.parse(record) as unknown };
}

function storedKey(row: Record<string, unknown> | undefined): StoredKey | undefined {
  if (row === undefined) return undefined;
  return compact({
    id: String(row.id),
    name: String(row.name),
    scope: row.scope as Scope,
    hash: row.hash as Uint8Array,
    createdAt: Number(row.created),
    revokedAt: row.revoked === null ? undefined : Number(row.revoked),
  });
}

/** 48 bits of the public id: an order among articles of one second that is the same in every store. */
function tieOf(publicId: string): number {
  return hash('sha256', publicId, 'buffer').readUIntBE(0, 6);
}

function latest(...moments: readonly (Instant | null)[]): Instant | undefined {
  const known = moments.filter((moment) => moment !== null);
  return known.length === 0 ? undefined : Math.max(...known);
}

function earliest(...moments: readonly (Instant | null)[]): Instant | undefined {
  const known = moments.filter((moment) => moment !== null);
  return known.length === 0 ? undefined : Math.min(...known);
}
