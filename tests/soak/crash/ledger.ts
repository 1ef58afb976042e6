/** Names one change. The record or the withdrawal that makes the change carries it. */
export type Stamp = string;

interface Known {
  /** The highest acknowledged revision. */
  revision: number;
  /** The change that made it. Undefined if the answer does not say. */
  stamp: Stamp | undefined;
  /** Changes that were sent and not acknowledged: each may have happened or not. */
  readonly open: Set<Stamp>;
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
  /** The number of acknowledged changes, and of changes under way. */
  readonly counts: () => { readonly acknowledged: number; readonly open: number };
  readonly lastRevision: () => number;
  /** Every article that is not as acknowledged, in words. `there` has the articles of the store by id. */
  readonly wrongWith: (there: ReadonlyMap<string, ListedState>) => string[];
  /** Ids of articles with changes that were sent and not acknowledged. */
  readonly doubtful: () => string[];
  /** Takes the articles of the store as acknowledged: no change is under way any more. */
  readonly settle: (there: ReadonlyMap<string, ListedState>) => void;
}

export function createLedger(): Ledger {
  const articles = new Map<string, Known>();
  let acknowledged = 0;

  const known = (id: string): Known => {
    const article = articles.get(id) ?? { revision: 0, stamp: undefined, open: new Set() };
    articles.set(id, article);
    return article;
  };

  function wrongWithArticle(id: string, { revision, stamp, open }: Known, listed: ListedState | undefined): string[] {
    if (listed === undefined) return revision === 0 ? [] : [`${id}: lost, acknowledged was revision ${revision}`];
    const is = `${id}: is ${listed.stamp} at revision ${listed.revision}`;
    if (listed.revision < revision) return [`${is}, acknowledged was ${stamp} at ${revision}`];
    if (listed.revision === revision && stamp !== undefined) {
      return listed.stamp === stamp ? [] : [`${is}, acknowledged was ${stamp} at the same`];
    }
    return open.has(listed.stamp) ? [] : [`${is}, which was not under way: ${[...open].join(', ')}`];
  }

  return {
    sent: (id, stamp) => void known(id).open.add(stamp),
    acknowledged(id, stamp, revision, result) {
      acknowledged += 1;
      const article = known(id);
      article.open.delete(stamp);
      if (revision <= article.revision) return;
      article.revision = revision;
      // “unchanged” comes with the revision of an earlier change, which it does not name.
      article.stamp = result === 'unchanged' ? undefined : stamp;
    },
    counts: () => ({
      acknowledged,
      open: [...articles.values()].reduce((sum, { open }) => sum + open.size, 0),
    }),
    lastRevision: () => Math.max(0, ...[...articles.values()].map(({ revision }) => revision)),
    wrongWith: (there) => [
      ...[...there.keys()].filter((id) => !articles.has(id)).map((id) => `${id}: nobody sent it`),
      ...[...articles].flatMap(([id, article]) => wrongWithArticle(id, article, there.get(id))),
    ],
    doubtful: () => [...articles].filter(([, { open }]) => open.size > 0).map(([id]) => id),
    settle(there) {
      for (const [id, listed] of there) Object.assign(known(id), listed);
      for (const { open } of articles.values()) open.clear();
    },
  };
}
