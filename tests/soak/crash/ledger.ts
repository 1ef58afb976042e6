/** Names one change. The record or the withdrawal that makes the change carries it. */
export type Stamp = string;

/** The stamp of an article whose file was removed. */
export const GONE: Stamp = 'gone';
/** The stamp of an erased article, which has no text. */
export const ERASED: Stamp = 'erased';

interface Known {
  /** The highest acknowledged revision. */
  revision: number;
  /** The change that made it. Undefined if the answer does not say. */
  stamp: Stamp | undefined;
  /** The highest revision that a client has seen, acknowledged or not. */
  seen: number;
  /** What the article must be, if a file or a complete import decides it. */
  must: Stamp | undefined;
  /** Changes that were sent and not acknowledged: each may have happened or not. */
  readonly open: Set<Stamp>;
  /** Acknowledged revisions since the last crash. */
  revisions: number[];
}

/** An article as the service lists it. */
export interface ListedState {
  readonly revision: number;
  readonly stamp: Stamp;
}

/** Records what clients sent and what was acknowledged, to compare it with the store after a crash. */
export interface Ledger {
  readonly sent: (id: string, stamp: Stamp) => void;
  readonly acknowledged: (id: string, stamp: Stamp, revision: number, result: string) => void;
  /** From now on until the next change is sent, the article is what this change made it. */
  readonly mustBe: (id: string, stamp: Stamp) => void;
  readonly saw: (id: string, revision: number) => void;
  /** The number of acknowledged changes, and of changes under way. */
  readonly counts: () => { readonly acknowledged: number; readonly open: number };
  readonly lastRevision: () => number;
  /** Every article that is not as acknowledged, in words. `there` has the articles of the store by id. */
  readonly wrongWith: (there: ReadonlyMap<string, ListedState>) => string[];
  /** Ids of articles with changes that were sent and not acknowledged. */
  readonly doubtful: () => string[];
  /** Acknowledged revisions of an article since the last crash. */
  readonly revisionsOf: (id: string) => readonly number[];
  /** Takes the articles of the store as acknowledged: no change is under way any more. */
  readonly settle: (there: ReadonlyMap<string, ListedState>) => void;
}

export function createLedger(): Ledger {
  const articles = new Map<string, Known>();
  let acknowledged = 0;

  const known = (id: string): Known => {
    const unknown = { revision: 0, stamp: undefined, seen: 0, must: undefined, open: new Set<Stamp>(), revisions: [] };
    const article = articles.get(id) ?? unknown;
    articles.set(id, article);
    return article;
  };

  return {
    sent(id, stamp) {
      const article = known(id);
      article.open.add(stamp);
      article.must = undefined;
    },
    acknowledged(id, stamp, revision, result) {
      acknowledged += 1;
      const article = known(id);
      article.open.delete(stamp);
      // “unchanged” comes with the revision of an earlier change, which it does not name.
      const isNew = result !== 'unchanged';
      if (isNew) article.revisions.push(revision);
      if (revision <= article.revision) return;
      article.revision = revision;
      article.stamp = isNew ? stamp : undefined;
    },
    mustBe(id, stamp) {
      known(id).must = stamp;
    },
    saw(id, revision) {
      const article = known(id);
      article.seen = Math.max(article.seen, revision);
    },
    counts: () => ({
      acknowledged,
      open: [...articles.values()].reduce((sum, { open }) => sum + open.size, 0),
    }),
    lastRevision: () => Math.max(0, ...[...articles.values()].map(({ revision, seen }) => Math.max(revision, seen))),
    wrongWith: (there) => [
      ...[...there.keys()].filter((id) => !articles.has(id)).map((id) => `${id}: nobody sent it`),
      ...[...articles].flatMap(([id, article]) => wrongWithArticle(id, article, there.get(id))),
    ],
    doubtful: () => [...articles].filter(([, { open }]) => open.size > 0).map(([id]) => id),
    revisionsOf: (id) => articles.get(id)?.revisions ?? [],
    settle(there) {
      for (const [id, { revision, stamp }] of there) Object.assign(known(id), { revision, stamp, seen: revision });
      for (const article of articles.values()) {
        article.open.clear();
        article.revisions = [];
      }
    },
  };
}

function wrongWithArticle(id: string, known: Known, listed: ListedState | undefined): string[] {
  const { revision, stamp, seen, must, open } = known;
  if (listed === undefined) {
    if (seen > 0 || revision > 0) return [`${id}: lost, it was at revision ${Math.max(revision, seen)}`];
    return must === undefined || must === GONE ? [] : [`${id}: lost, must be ${must}`];
  }
  const is = `${id}: is ${listed.stamp} at revision ${listed.revision}`;
  if (listed.revision < seen) return [`${is}, a client had seen revision ${seen}`];
  if (listed.revision < revision) return [`${is}, acknowledged was ${stamp} at ${revision}`];
  if (must !== undefined) return listed.stamp === must ? [] : [`${is}, must be ${must}`];
  if (listed.revision === revision && stamp !== undefined) {
    return listed.stamp === stamp ? [] : [`${is}, acknowledged was ${stamp} at the same`];
  }
  return open.has(listed.stamp) ? [] : [`${is}, which was not under way: ${[...open].join(', ')}`];
}
