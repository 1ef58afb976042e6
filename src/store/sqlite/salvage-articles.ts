import type { DatabaseSync } from 'node:sqlite';
import type { Instant } from '../../lib/instant.ts';
import { createRemains, type Evidence, keysOf } from './article-remains.ts';
import { type CheckedArticle, checkArticle } from './check-article.ts';
import { jsonOf } from './check-rows.ts';
import { type AnyRow, type Gap, ifReadable, rowsByNumber } from './readable-rows.ts';
import { erasedAs, type ParseAgain, rebuilt, type SalvagedArticle } from './rebuilt-article.ts';
import { createRest } from './rest.ts';
import type { FeedWriter } from './salvage-feeds.ts';
import type { SalvagedFeeds, Sources } from './salvage-tables.ts';
import type { SalvageWriter } from './salvage-writer.ts';

export interface SalvageParts {
  readonly parse: ParseAgain;
  /** Whether SQLite's own check found nothing: otherwise, rows may be missing without a trace. */
  readonly arePagesWhole: boolean;
  readonly at: Instant;
  readonly progress: (done: number, total: number) => void;
}

/** An article that is not as it was. */
export interface LostArticle {
  readonly number: number;
  /** Missing where it cannot be read anywhere. */
  readonly id?: string;
  /**
   * `listed`: it was neither withdrawn nor erased. `gone`: it was; it is kept as an erased article if its ids are known.
   * `uncertain`: nobody can tell.
   */
  readonly state: 'listed' | 'gone' | 'uncertain';
  /** The file in articles/ that held it. */
  readonly file?: string;
  readonly isSealed: boolean;
}

export interface ArticleParts extends SalvageParts {
  readonly evidence: Evidence;
  readonly last: number;
  readonly sources: Sources;
  readonly feeds: SalvagedFeeds;
  readonly feedWriter: FeedWriter;
}

export interface SalvagedArticles {
  readonly count: number;
  /** The ids of kept articles that are withdrawn. */
  readonly withdrawn: ReadonlySet<string>;
  readonly rebuilt: readonly string[];
  /** The ids of withdrawn articles that may have had a reason. */
  readonly lostReasons: readonly string[];
  readonly lost: readonly LostArticle[];
  /** Any feed may have lost an article. */
  readonly isAnyFeedTouched: boolean;
}

export async function copyArticles(
  from: DatabaseSync,
  writer: SalvageWriter,
  parts: ArticleParts,
): Promise<SalvagedArticles> {
  const { evidence, last, progress, parse } = parts;
  const withdrawn = new Set<string>();
  let count = 0;
  const rebuiltIds: string[] = [];
  const lostReasons: string[] = [];
  const damaged = new Map<number, CheckedArticle | undefined>();
  const rest = createRest();
  const keep = (salvaged: SalvagedArticle) => {
    if (!writer.add(salvaged)) return false;
    if (salvaged.head.withdrawn !== null) withdrawn.add(salvaged.head.id);
    count += 1;
    return true;
  };
  let next = 1;
  const skipTo = (number: number) => {
    for (; next < number; next += 1) damaged.set(next, undefined);
    next = number + 1;
  };
  const gaps: Gap[] = [];
  const placeOf = ifReadable(() => from.prepare('SELECT * FROM place WHERE article = ?')); // early schemas have none
  const placeAt = (number: number) => ifReadable(() => placeOf?.get(number));
  const feedsOf = (number: number) => {
    const numbers = jsonOf(placeAt(number)?.feeds);
    return Array.isArray(numbers) ? keysOf(numbers.map(Number), parts.feeds.keys) : [];
  };
  const rows = rowsByNumber(from, { table: 'article', key: 'number', columns: '*', last }, (gap) => gaps.push(gap));
  for (const row of rows) {
    if (Number(row.number) > last) break;
    const checked = checkArticle(row);
    skipTo(checked.number);
    const salvaged = isLatest(checked, evidence, placeAt)
      ? await rebuilt(checked, { feeds: feedsOf(checked.number), reason: evidence.reasonOf(checked) }, parse)
      : undefined;
    if (salvaged === undefined || !keep(salvaged)) damaged.set(checked.number, checked);
    else if (checked.problems.length > 0) rebuiltIds.push(salvaged.head.id);
    if (salvaged?.mayLackReason === true) lostReasons.push(salvaged.head.id);
    progress(checked.number, last);
    await rest();
  }
  skipTo(last + 1);
  const others = sealOrLose(from, { ...parts, damaged, gaps, keep });
  return { count, withdrawn, rebuilt: rebuiltIds, lostReasons, ...others };
}

/** Whether nothing else knows a later state of the article: an old page may have come back. */
function isLatest(
  { number, head }: CheckedArticle,
  { lastRevision, isGone, isConfirmed }: Evidence,
  placeAt: (number: number) => AnyRow | undefined,
): boolean {
  if (head === undefined || lastRevision(number) > head.revision) return false;
  if (head.withdrawn !== null || isConfirmed(number, head.revision)) return true;
  return !isGone(number, head.revision) && placeAt(number)?.url_hash !== null; // only withdrawn articles have none there
}

interface Damaged extends ArticleParts {
  readonly damaged: ReadonlyMap<number, CheckedArticle | undefined>;
  readonly gaps: readonly Gap[];
  readonly keep: (salvaged: SalvagedArticle) => boolean;
}

/** Keeps what was withdrawn or erased as erased, so that it cannot come back, and lists the others. */
function sealOrLose(
  from: DatabaseSync,
  { damaged, gaps, keep, evidence, sources, feeds, feedWriter, at }: Damaged,
): Pick<SalvagedArticles, 'lost' | 'isAnyFeedTouched'> {
  const lost: LostArticle[] = [];
  if (damaged.size === 0) return { lost, isAnyFeedTouched: false };
  let isAnyFeedTouched = false;
  const now = Math.floor(at / 1000) * 1000;
  const isGone = (number: number) => evidence.isGone(number, evidence.lastRevision(number));
  const remainsOf = createRemains(from, new Set(damaged.keys()), isGone);
  for (const [number, checked] of damaged) {
    const remains = remainsOf(number);
    const { head } = checked ?? {};
    const [id, publicId] = [head?.id ?? remains.id, head?.public_id ?? remains.publicId];
    const isKnown = checked !== undefined || id !== undefined || evidence.lastRevision(number) > 0;
    if (!isKnown && !gaps.some(({ from: first, to }) => first <= number && number <= to)) continue; // it was never given
    const own = keysOf(remains.feeds ?? [], feeds.keys);
    const isHeadGone = head?.withdrawn != null && evidence.lastRevision(number) <= head.revision;
    const state = isHeadGone ? 'gone' : remains.state;
    const withdrawnAt = (isHeadGone ? head?.withdrawn : undefined) ?? remains.withdrawnAt;
    let isSealed = false;
    if (state === 'gone' && id !== undefined && publicId !== undefined) {
      const publishedAt = head?.published ?? remains.publishedAt ?? withdrawnAt ?? now + 1000;
      isSealed = keep(erasedAs(number, { id, publicId, publishedAt, at: withdrawnAt ?? now }, own));
    }
    if (remains.feeds === undefined) isAnyFeedTouched ||= state !== 'gone';
    else feedWriter.touch(own);
    const path = id === undefined ? undefined : sources.byId.get(id)?.path;
    lost.push({
      number,
      ...(id === undefined ? {} : { id }),
      state,
      ...(typeof path === 'string' ? { file: path } : {}),
      isSealed,
    });
  }
  return { lost, isAnyFeedTouched };
}
