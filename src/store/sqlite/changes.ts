import { isDeepStrictEqual } from 'node:util';
import type { Article } from '../../article/article.ts';
import { type ArticleText, articleText, withdrawnArticle } from '../../article/stored.ts';
import type { Problem } from '../../errors.ts';
import type { FeedKey, NamedKey } from '../../feed/feeds.ts';
import { type Instant, rfc3339 } from '../../lib/instant.ts';
import { type JsonText, jsonString } from '../../lib/json.ts';
import { omitUndefined } from '../../lib/omit-undefined.ts';
import type { Change, Condition, Outcome, Put, Withdraw } from '../store.ts';
import { type Entries, type Feeds, wasVisible, without } from './entries.ts';
import type { Rules } from './rules.ts';
import { hasReaders, lastRevision, type Statements } from './statements.ts';

interface KnownArticle {
  readonly number: number;
  readonly revision: number;
  readonly public_id: string;
  readonly published: number;
  readonly withdrawn: number | null;
  readonly article: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** An outcome, and from when on readers can see the article, as it was or is. */
type Applied = Outcome & { readonly seenFrom?: Instant };

/** Feeds that a change touches, and when it says that they changed. */
interface Touch {
  readonly keys: readonly FeedKey[];
  readonly seenFrom: Instant;
  readonly changedAt: Instant;
}

/** The revision that was given last. */
interface Revisions {
  last: number;
}

/** Later than anything that is told: the change is dated by the clock. */
const NOW = Number.POSITIVE_INFINITY;

interface ApplyParts {
  readonly sql: Statements;
  readonly entries: Entries;
  readonly rules: Rules;
}

/** Applies changes, in a transaction that its caller opens. */
export function createApply({
  sql,
  entries,
  rules,
}: ApplyParts): (changes: readonly Change[], now: () => Instant) => Outcome[] {
  /** Whether anybody may have been answered from the store. */
  let isRead = false;

  function apply(changes: readonly Change[], now: () => Instant): Outcome[] {
    const at = now();
    rules.catchUp();
    const touches: Touch[] = [];
    const before = lastRevision(sql);
    const revisions = { last: before };
    const outcomes = changes.map((change) => {
      const isPut = change.kind === 'put';
      const { seenFrom = 0, ...outcome } = isPut ? put(change, at, revisions) : withdraw(change, at, revisions);
      if (outcome.result !== 'refused' && outcome.result !== 'condition-failed') keepSource(change);
      touches.push({ keys: outcome.touched, seenFrom, changedAt: (isPut ? change.changedAt : undefined) ?? NOW });
      return outcome;
    });
    if (revisions.last > before) sql.saveRevision.run(revisions.last);
    touch(touches, revisions.last, now());
    return outcomes;
  }

  /** Feeds change at the end of the transaction: until then readers may be told what they were. */
  function touch(touches: readonly Touch[], revision: number, at: Instant): void {
    // Not asked again: they do not go, and the settings beside that one can be megabytes, which SQLite reads to pass them.
    isRead ||= hasReaders(sql);
    const touched = new Map<FeedKey, Instant>();
    for (const { keys, seenFrom, changedAt } of touches) {
      // That something is coming is not for readers to know.
      const moment = seenFrom > at ? 0 : isRead ? NOW : changedAt;
      for (const key of keys) touched.set(key, Math.max(touched.get(key) ?? 0, moment));
    }
    for (const [key, moment] of touched) {
      if (moment > at) sql.touchFeed.run({ at, revision, key });
      else sql.dateFeed.run(moment, revision, key);
    }
  }

  function put(change: Put, at: Instant, revisions: Revisions): Applied {
    const { article, condition } = change;
    const known = sql.articleById.get(article.id) as KnownArticle | undefined;
    const failed = conditionFailed(article.id, condition, known);
    if (failed !== undefined) return failed;
    return known === undefined ? create(change, at, revisions) : update(change, known, at, revisions);
  }

  function create({ article, record, feeds: own }: Put, at: Instant, revisions: Revisions): Applied {
    const feeds = entries.feedsBy(own);
    const seenFrom = seenFromOn(article.publishedAt, feeds, at);
    const revision = revisions.last + 1;
    const { changes, lastInsertRowid } = sql.insertArticle.run(article.id, ...columnsOf(article, revision, record));
    if (changes === 0) return refusedAsOwned(article, 0);
    revisions.last = revision;
    entries.place(Number(lastInsertRowid), article, feeds);
    return { id: article.id, result: 'created', revision, touched: feeds.all.map(({ key }) => key), seenFrom };
  }

  function update(change: Put, known: KnownArticle, at: Instant, revisions: Revisions): Applied {
    const { record, byNewPublication } = change;
    const { number } = known;
    const article = withKnownIdentity(change, known);
    const refused = identityRefused(article, known, at);
    if (refused !== undefined) return refused;
    if (leavesWithdrawn(change) && isSaidAgain(known, article, record))
      return { id: article.id, result: 'unchanged', revision: known.revision, touched: [] };
    const before = entries.feedsOf(number);
    const feeds = entries.feedsBy(change.feeds);
    const seenFrom = seenFromOn(Math.min(known.published, article.publishedAt), feeds, at);
    if (byNewPublication !== true && wasSeen(known, at))
      entries.keepVisible(without(before.all, feeds.all), known.published);
    if (known.article === jsonString(article.text)) {
      sql.keepRecord.run({ id: article.id, record }); // it may say in words what it left to a default before
      const touched = entries.move(number, article, { from: before, to: feeds });
      if (touched.length === 0) return { id: article.id, result: 'unchanged', revision: known.revision, touched };
      const revision = ++revisions.last;
      sql.saveArticleRevision.run(revision, number);
      return { id: article.id, result: 'updated', revision, touched, seenFrom };
    }
    const revision = ++revisions.last;
    sql.updateArticle.run(...columnsOf(article, revision, record), number);
    entries.takeOut(number, before);
    entries.place(number, article, feeds);
    const touched = [...new Set([...before.all, ...feeds.all].map(({ key }) => key))];
    return { id: article.id, result: 'updated', revision, touched, seenFrom };
  }

  /** From when on readers can see it: at once where a feed's name changes with an article that is still to come. */
  function seenFromOn(published: Instant, { own }: Feeds, at: Instant): Instant {
    return published > at && own.some(isRenamed) ? at : published;
  }

  /** Of several spellings of a feed's name the least one holds, be it of an article that is still to come. */
  function isRenamed({ key, name }: NamedKey): boolean {
    return sql.isRenamed.get(key, name) !== undefined;
  }

  /** A file that is there still was only touched, or shows another picture: that is no reason to publish it again. */
  function leavesWithdrawn({ article: { id }, leaveWithdrawn, source }: Put): boolean {
    return leaveWithdrawn === true || (source !== undefined && sql.hasSource.get(id) !== undefined);
  }

  /**
   * Whether an article that was taken back is only said again. Where its own record took it back, one that does not is
   * another.
   */
  function isSaidAgain(known: KnownArticle, article: ArticleText, record: JsonText): boolean {
    if (known.withdrawn === null) return false;
    const before = JSON.parse(String(sql.recordByNumber.get(known.number)?.record)) as Fields;
    if (before.withdrawn != null) return false;
    const told = { publicId: known.public_id }; // an export adds it
    const isSame = isDeepStrictEqual(
      { ...told, ...before },
      { ...told, ...(JSON.parse(jsonString(record)) as Fields) },
    );
    return isSame || textAsTakenBack(article, known) === known.article;
  }

  function withdraw({ id, reason, condition }: Withdraw, now: Instant, revisions: Revisions): Applied {
    const known = sql.articleById.get(id) as KnownArticle | undefined;
    const failed = conditionFailed(id, condition, known);
    if (failed !== undefined) return failed;
    if (known === undefined) return { id, result: 'absent', revision: 0, touched: [] };
    if (known.withdrawn !== null) return { id, result: 'unchanged', revision: known.revision, touched: [] };
    const live = JSON.parse(known.article) as Article;
    const at = Math.floor(now / 1000) * 1000; // as every date of an article
    const article = articleText(withdrawnArticle(live, omitUndefined({ at, reason })));
    const feeds = entries.feedsOf(known.number);
    const revision = ++revisions.last;
    sql.updateArticle.run(...columnsOf(article, revision), known.number);
    entries.takeOut(known.number, feeds);
    entries.place(known.number, article, feeds);
    return { id, result: 'withdrawn', revision, touched: feeds.all.map(({ key }) => key), seenFrom: known.published };
  }

  /** The identity ledger: what a reader may have seen of an article's identity stays. */
  function identityRefused(article: ArticleText, known: KnownArticle, at: Instant): Outcome | undefined {
    const { revision } = known;
    if (wasSeen(known, at)) {
      if (known.published !== article.publishedAt) {
        return refused(article, revision, {
          field: 'publishedAt',
          value: rfc3339(article.publishedAt),
          rule: `must stay ${rfc3339(known.published)}, the date of first publication (an embargo counts as its end)`,
        });
      }
      if (known.public_id !== article.publicId) {
        const rule = `must stay ${known.public_id}`;
        return refused(article, revision, { field: 'publicId', value: article.publicId, rule });
      }
      if (article.withdrawn !== undefined && !wasVisible(article)) {
        return refused(article, revision, {
          field: 'withdrawn.at',
          value: rfc3339(article.withdrawn.at),
          rule: `must not be before ${rfc3339(known.published)}, the date of first publication`,
        });
      }
    }
    if (known.public_id === article.publicId) return undefined;
    return sql.ownerOfPublicId.get(article.publicId) === undefined ? undefined : refusedAsOwned(article, revision);
  }

  /** Another article has its public id already. */
  function refusedAsOwned(article: ArticleText, revision: number): Outcome {
    const rule = `is the identity of the article ${sql.ownerOfPublicId.get(article.publicId)?.id}`;
    return refused(article, revision, { field: 'publicId', value: article.publicId, rule });
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

  return apply;
}

function refused({ id }: ArticleText, revision: number, problem: Problem): Outcome {
  return { id, result: 'refused', revision, touched: [], problem };
}

/** What is kept of an article besides its id, in the order of the statements that keep it. */
function columnsOf(
  { publicId, publishedAt, updatedAt, expiresAt, withdrawn, text }: ArticleText,
  revision: number,
  record?: JsonText,
) {
  const dates = [publishedAt, updatedAt ?? publishedAt, expiresAt ?? null, withdrawn?.at ?? null] as const;
  return [publicId, revision, ...dates, text, record ?? null] as const;
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
  known: KnownArticle,
): ArticleText {
  if (madePublicId !== true || known.public_id === article.publicId) return article;
  return articleText({ ...(JSON.parse(jsonString(article.text)) as Article), publicId: known.public_id });
}

/** What the article would say, had it been taken back as the known one was. */
function textAsTakenBack({ text }: ArticleText, known: KnownArticle): JsonText {
  const article = JSON.parse(jsonString(text)) as Article;
  const withdrawal = article.withdrawn ?? (JSON.parse(known.article) as Article).withdrawn;
  return withdrawal === undefined ? text : articleText(withdrawnArticle(article, withdrawal)).text;
}

/** What readers may have seen by then. */
function wasSeen({ published, withdrawn }: KnownArticle, at: Instant): boolean {
  return published <= Math.min(at, withdrawn ?? at);
}
