import type { Article } from '../../src/article/article.ts';
import { erasedArticle, withdrawnArticle } from '../../src/article/stored.ts';
import { partnerFeedKey } from '../../src/feed/dialects.ts';
import { ownKeys } from '../../src/feed/feeds.ts';
import type { Instant } from '../../src/lib/instant.ts';
import { omitUndefined } from '../../src/lib/omit-undefined.ts';
import type { ChangeStore } from '../../src/partner/change-reads.ts';
import type { ArticleEvent, FormerMembership } from '../../src/store/partner-store.ts';
import { statusAt } from '../../src/store/status.ts';
import type { AuditEntry, AuditedChange } from '../../src/store/store.ts';

interface Row {
  readonly number: number;
  revision: number;
  article: Article;
  readonly history: AuditEntry[];
  /** By feed: how it was there until it left, or until fewer partners could have it. */
  readonly former: Map<string, FormerMembership>;
}

/** Partners' own selections, by the ids of the partners: a section each. */
type Selections = Readonly<Record<string, string>>;

type Writable<Type> = { -readonly [Name in keyof Type]: Type[Name] };

/** A store for the change feed, as simple as can be. */
export interface MemoryStore extends Writable<ChangeStore> {
  readonly put: (article: Article, at: Instant) => readonly string[];
  readonly withdraw: (id: string, at: Instant, reason?: string) => readonly string[];
  readonly erase: (id: string, at: Instant) => readonly string[];
  readonly all: () => readonly Readonly<Row>[];
}

export function memoryStore(selections: Selections = {}): MemoryStore {
  const rows = new Map<string, Row>();
  let last = 0;

  function keysOf({ article }: Row): string[] {
    const own = ownKeys(article).map(({ key }) => key);
    const selected = Object.entries(selections).filter(([, section]) => own.includes(`section/${section}`));
    return [...own, ...selected.map(([id]) => partnerFeedKey(id))];
  }

  function change(id: string, what: AuditedChange, article: Article, at: Instant): readonly string[] {
    const known = rows.get(id);
    const revision = ++last;
    const row: Row = known ?? { number: rows.size + 1, revision, article, history: [], former: new Map() };
    const seen = row.article;
    const before = known === undefined ? [] : keysOf(known);
    // An erased article stays in its feeds.
    const { sections, tags, authors, language } = row.article;
    row.article = what === 'erased' ? { ...article, sections, tags, authors, language } : article;
    row.revision = revision;
    const status = statusAt(article, at);
    row.history.push({ what, at, revision, status, ...(status === 'embargoed' ? { until: article.publishedAt } : {}) });
    rows.set(id, row);
    const after = keysOf(row);
    if (known !== undefined) noteStays(row, seen, { before, after, at });
    return [...new Set([...before, ...after])];
  }

  /** An article that comes back stays a former member: whoever has it again does not look at that. */
  function noteStays(
    { former, revision, article }: Row,
    { publishedAt, expiresAt, withdrawn, urgency, rights }: Article,
    { before, after, at }: { before: readonly string[]; after: readonly string[]; at: Instant },
  ): void {
    const until = Math.min(at, withdrawn?.at ?? at);
    if (publishedAt > until) return;
    const audience = ({ urgency, rights }: Pick<Article, 'urgency' | 'rights'>) => `${urgency} ${rights?.partners}`;
    const isSame = audience({ urgency, rights } as Article) === audience(article);
    const endsAt = Math.min(expiresAt ?? Number.POSITIVE_INFINITY, rights?.endsAt ?? Number.POSITIVE_INFINITY);
    const stay = omitUndefined({
      ...{ publishedAt, until, urgency, partners: rights?.partners },
      endsAt: Number.isFinite(endsAt) ? endsAt : undefined,
      ...{ leftAt: at, leftRevision: revision },
    });
    for (const feed of before.filter((key) => !isSame || !after.includes(key)))
      former.set(feed, { feed, leftAt: at, leftRevision: revision, stays: [...(former.get(feed)?.stays ?? []), stay] });
  }

  const byNumber = (number: number) => [...rows.values()].find((row) => row.number === number);

  function moments({ article, number, revision }: Row, delay: number): ArticleEvent[] {
    const { publishedAt, expiresAt, rights, withdrawn } = article;
    const dates = withdrawn === undefined ? [publishedAt + delay, expiresAt, rights?.endsAt] : [withdrawn.at];
    return [...new Set(dates)].flatMap((at) => (at === undefined ? [] : [{ number, revision, at }]));
  }

  return {
    put(article, at) {
      const known = rows.get(article.id);
      if (known !== undefined && JSON.stringify(known.article) === JSON.stringify(article)) return [];
      const wasWithdrawn = known?.article.withdrawn !== undefined;
      if (known === undefined) return change(article.id, 'published', article, at);
      return change(article.id, wasWithdrawn ? 'republished' : 'corrected', article, at);
    },
    withdraw(id, at, reason) {
      const known = rows.get(id);
      if (known === undefined || known.article.withdrawn !== undefined) return [];
      const second = Math.floor(at / 1000) * 1000;
      return change(id, 'withdrawn', withdrawnArticle(known.article, omitUndefined({ at: second, reason })), at);
    },
    erase(id, at) {
      const known = rows.get(id)?.article;
      if (known === undefined || known.url === '') return [];
      const withdrawn = { at: known.withdrawn?.at ?? Math.floor(at / 1000) * 1000 };
      const remains = omitUndefined({ ...known, withdrawn, partners: known.rights?.partners });
      return change(id, 'erased', erasedArticle(remains), at);
    },
    all: () => [...rows.values()],
    articles: async (numbers) =>
      numbers.flatMap((number) => {
        const row = byNumber(number);
        return row === undefined ? [] : [{ number, revision: row.revision, article: row.article }];
      }),
    memberships: async (number) => {
      const row = byNumber(number);
      return row === undefined ? [] : keysOf(row);
    },
    formerMemberships: async (number) => [...(byNumber(number)?.former.values() ?? [])],
    history: async (id) => [...(rows.get(id)?.history ?? [])],
    lastRevision: async () => last,
    changedAfter: async (revision, limit) =>
      [...rows.values()]
        .filter((row) => row.revision > revision)
        .sort((one, other) => one.revision - other.revision)
        .slice(0, limit)
        .map((row) => ({ number: row.number, revision: row.revision, at: row.history.at(-1)?.at ?? 0 })),
    changedByTime: async ({ from, after = Number.POSITIVE_INFINITY, to, delay, upTo, limit }) =>
      [...rows.values()]
        .filter((row) => row.revision <= upTo)
        .flatMap((row) => moments(row, delay))
        .filter(({ at, number }) => at <= to && (at > from || (at === from && number > after)))
        .sort((one, other) => one.at - other.at || one.number - other.number)
        .slice(0, limit),
    nextChangeByTime: async (at, delay) => {
      const later = [...rows.values()].flatMap((row) => moments(row, delay)).filter((event) => event.at > at);
      return later.length === 0 ? undefined : Math.min(...later.map((event) => event.at));
    },
    partnerSnapshot: async () => undefined,
  };
}
