/** What one change makes of an article: the stamp that its record or its withdrawal carries. */
export type Stamp = string;

interface Known {
  /** The highest revision that was acknowledged, and what the article was then, where the answer tells. */
  revision: number;
  stamp: Stamp | undefined;
  /** Changes that were sent and not acknowledged: each may have happened or not. */
  readonly open: Set<Stamp>;
}

/** An article as the service tells it. */
export interface Told {
  readonly revision: number;
  readonly stamp: Stamp;
}

/** A client's memory of what it sent and what was acknowledged, to hold against what is there after a crash. */
export interface Ledger {
  readonly sent: (id: string, stamp: Stamp) => void;
  readonly acknowledged: (id: string, stamp: Stamp, revision: number, result: string) => void;
  /** How many changes were acknowledged, and how many are under way. */
  readonly counts: () => { readonly acknowledged: number; readonly open: number };
  readonly lastRevision: () => number;
  /** Everything that is wrong with what is there. */
  readonly wrongWith: (there: ReadonlyMap<string, Told>) => string[];
  /** Articles of which changes were sent and not acknowledged. */
  readonly doubtful: () => string[];
  /** Takes what is there for what was acknowledged: nothing is under way any more. */
  readonly settle: (there: ReadonlyMap<string, Told>) => void;
}

export function createLedger(): Ledger {
  const articles = new Map<string, Known>();
  let acknowledged = 0;

  const known = (id: string): Known => {
    const article = articles.get(id) ?? { revision: 0, stamp: undefined, open: new Set() };
    articles.set(id, article);
    return article;
  };

  function wrongWithArticle(id: string, { revision, stamp, open }: Known, told: Told | undefined): string[] {
    if (told === undefined) return revision === 0 ? [] : [`${id}: lost, acknowledged was revision ${revision}`];
    const is = `${id}: is ${told.stamp} at revision ${told.revision}`;
    if (told.revision < revision) return [`${is}, acknowledged was ${stamp} at ${revision}`];
    if (told.revision === revision && stamp !== undefined) {
      return told.stamp === stamp ? [] : [`${is}, acknowledged was ${stamp} at the same`];
    }
    return open.has(told.stamp) ? [] : [`${is}, which is none of what was under way: ${[...open].join(', ')}`];
  }

  return {
    sent: (id, stamp) => void known(id).open.add(stamp),
    acknowledged(id, stamp, revision, result) {
      acknowledged += 1;
      const article = known(id);
      article.open.delete(stamp);
      if (revision <= article.revision) return;
      article.revision = revision;
      // “unchanged” tells the revision of an earlier change; whose, it does not say.
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
      for (const [id, told] of there) Object.assign(known(id), told);
      for (const { open } of articles.values()) open.clear();
    },
  };
}
