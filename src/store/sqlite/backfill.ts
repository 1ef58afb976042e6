import type { Statements } from './statements.ts';

/** Articles by their numbers, ascending. */
type Articles = Float64Array;

/** A rule for a feed by the numbers of others: what it takes is in one feed of each group, and in none of `none`. */
export interface NumberedRule {
  readonly groups: readonly (readonly number[])[];
  readonly none: readonly number[];
}

/** Fills feeds with what rules select. What the feeds of rules hold is read once: it must not change meanwhile. */
export function createBackfill({ read, insert, remove }: Statements['placing'][number]) {
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

/**
 * The articles that a rule selects, of the smallest of its groups. They are told apart in memory: to ask the database
 * about each takes twenty times as long, and most rules are about the same few feeds.
 */
function selectArticles({ groups, none }: NumberedRule, articlesIn: (feed: number) => Articles): Articles {
  const [smallest = [], ...others] = groups
    .map((group) => group.map(articlesIn))
    .toSorted((one, other) => sizeOf(one) - sizeOf(other));
  const unwanted = none.map(articlesIn);
  return united(smallest).filter(
    (article) => others.every((group) => isInOne(group, article)) && !isInOne(unwanted, article),
  );
}

/** Those of the articles that are not among others. */
function articlesWithout(articles: Articles, others: Articles): Articles {
  return articles.filter((article) => !has(others, article));
}

function sizeOf(group: readonly Articles[]): number {
  return group.reduce((sum, { length }) => sum + length, 0);
}

function united(group: readonly Articles[]): Articles {
  const all = new Float64Array(sizeOf(group));
  let end = 0;
  for (const articles of group) {
    all.set(articles, end);
    end += articles.length;
  }
  return all.sort().filter((article, index) => article !== all[index - 1]);
}

function isInOne(group: readonly Articles[], article: number): boolean {
  return group.some((articles) => has(articles, article));
}

function has(articles: Articles, article: number): boolean {
  let from = 0;
  let to = articles.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    const found = articles[middle] ?? article;
    if (found === article) return true;
    if (found < article) from = middle + 1;
    else to = middle;
  }
  return false;
}
