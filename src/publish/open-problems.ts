import type { ErrorCode, Problem } from '../errors.ts';
import type { Instant } from '../lib/instant.ts';

/**
 * What is wrong, and where.
 *
 * - `file`: a file in articles/ that is refused, publication.yaml, or a file in partners/.
 * - `other_file`: a file in articles/ that is no article.
 * - `key`: a record that the API refused.
 * - `stored_record`: a record in the store that is not valid any more. Its article keeps its earlier version.
 * - `rendering`: an article that the feeds of a format omit, because it cannot be rendered.
 */
export type ProblemSource =
  | { readonly kind: 'file' | 'other_file'; readonly path: string }
  | { readonly kind: 'key'; readonly id: string; readonly name: string }
  | { readonly kind: 'stored_record' }
  | { readonly kind: 'rendering'; readonly format: string };

export type FileProblem = 'file' | 'other_file';

export const PROBLEM_KINDS = ['file', 'other_file', 'key', 'stored_record', 'rendering'] as const;
export type ProblemKind = (typeof PROBLEM_KINDS)[number];

/** Something that the newsroom has to put right. */
export interface NewProblem {
  readonly source: ProblemSource;
  /** The id of the article; missing where the record names none. */
  readonly article?: string;
  /** The article's revision in the store; 0 where the store does not have it. Missing for files. */
  readonly revision?: number;
  readonly code: ErrorCode;
  readonly problems: readonly Problem[];
}

export interface OpenProblem extends NewProblem {
  /** The first report of it. */
  readonly since: Instant;
  /** Grows with each report. */
  readonly sequence: number;
}

/**
 * How a problem ended. `given_up`: the API withdrew an article that was never published. `changed`: another process has
 * changed the article in a way that this one does not know.
 */
export type ProblemEnd = 'published' | 'withdrawn' | 'erased' | 'removed' | 'accepted' | 'given_up' | 'changed';

/** The problems that are not gone yet. They are kept in memory: a start finds those of files and stored records again. */
export interface OpenProblems {
  /** Adds a problem, or replaces the last report of the same problem. Returns whether the problem is new. */
  readonly report: (problem: NewProblem) => boolean;
  readonly endOfFile: (kind: FileProblem, path: string, how: ProblemEnd) => void;
  /** Ends every problem of an article, except those of files: a file stays refused until the file changes. */
  readonly endOfArticle: (id: string, how: ProblemEnd) => void;
  /** The files with a problem of that kind, by their paths. */
  readonly files: (kind: FileProblem) => Iterable<string>;
  /** The articles whose problems end with a new version. */
  readonly articles: () => readonly string[];
  /** Ends the problems of these articles where the store has another revision now. */
  readonly endOfChanged: (ids: readonly string[], revisions: ReadonlyMap<string, number>) => void;
  /** Problems whose last report has a smaller sequence number, newest first. */
  readonly list: (options: { readonly before: number; readonly limit: number }) => readonly OpenProblem[];
  readonly counts: () => Readonly<Record<ProblemKind, number>>;
}

interface OpenProblemsParts {
  readonly now: () => Instant;
  /** Receives each problem that is gone. */
  readonly onEnd: (problem: OpenProblem, how: ProblemEnd) => void;
}

/** Problems of a kind that are kept. Of more, the newest are. */
const MAX_KEPT: Readonly<Record<ProblemKind, number>> = {
  file: 10_000,
  other_file: 10_000,
  key: 500,
  stored_record: 10_000,
  rendering: 500,
};
/** Defects that are kept of one problem. */
const MAX_DEFECTS = 20;
/** Characters of an id that are kept. No longer id can be published. */
const MAX_ID = 600;
/** Milliseconds for which a refused record without an id is kept: no later record can be known as its correction. */
const WITHOUT_ID_KEPT = 24 * 60 * 60 * 1000;

export function createOpenProblems({ now, onEnd }: OpenProblemsParts): OpenProblems {
  const byKind = kindsOf(() => new Map<string, OpenProblem>());
  /** By article id, the problems that end with a new version of the article. */
  const byArticle = new Map<string, Set<OpenProblem>>();
  let sequence = 0;

  function report(reported: NewProblem): boolean {
    const problem = limited(reported);
    const known = byKind[problem.source.kind];
    const before = known.get(nameOf(problem));
    if (before !== undefined) remove(before);
    const since = before === undefined || endsByTime(before) ? now() : before.since;
    add({ ...problem, since, sequence: ++sequence });
    const [oldest] = known.size > MAX_KEPT[problem.source.kind] ? known.values() : [];
    if (oldest !== undefined) remove(oldest);
    return before === undefined;
  }

  function add(problem: OpenProblem): void {
    byKind[problem.source.kind].set(nameOf(problem), problem);
    const { article } = problem;
    if (article === undefined || isOfFile(problem)) return;
    const others = byArticle.get(article);
    if (others === undefined) byArticle.set(article, new Set([problem]));
    else others.add(problem);
  }

  function remove(problem: OpenProblem): void {
    byKind[problem.source.kind].delete(nameOf(problem));
    const { article = '' } = problem;
    const others = byArticle.get(article);
    others?.delete(problem);
    if (others?.size === 0) byArticle.delete(article);
  }

  function end(problem: OpenProblem | undefined, how: ProblemEnd): void {
    if (problem === undefined) return;
    remove(problem);
    onEnd(problem, how);
  }

  function removeOld(): void {
    for (const problem of byKind.key.values()) {
      if (endsByTime(problem) && problem.since <= now() - WITHOUT_ID_KEPT) remove(problem);
    }
  }

  return {
    report,
    endOfFile: (kind, path, how) => end(byKind[kind].get(path), how),
    endOfArticle(id, how) {
      for (const problem of byArticle.get(id) ?? []) end(problem, how);
    },
    files: (kind) => byKind[kind].keys(),
    articles: () => [...byArticle.keys()],
    endOfChanged(ids, revisions) {
      for (const id of ids) {
        for (const problem of byArticle.get(id) ?? []) {
          if (problem.revision !== (revisions.get(id) ?? 0)) end(problem, 'changed');
        }
      }
    },
    list({ before, limit }) {
      removeOld();
      return PROBLEM_KINDS.flatMap((kind) => [...byKind[kind].values()])
        .filter((problem) => problem.sequence < before)
        .sort((one, other) => other.sequence - one.sequence)
        .slice(0, limit);
    },
    counts() {
      removeOld();
      return kindsOf((kind) => byKind[kind].size);
    },
  };
}

function kindsOf<Value>(make: (kind: ProblemKind) => Value): Record<ProblemKind, Value> {
  return Object.fromEntries(PROBLEM_KINDS.map((kind) => [kind, make(kind)])) as Record<ProblemKind, Value>;
}

/** Two reports with the same kind and name are of one problem. */
function nameOf({ source, article = '' }: NewProblem): string {
  switch (source.kind) {
    case 'file':
    case 'other_file':
      return source.path;
    case 'key':
      return `${source.id} ${article}`;
    case 'rendering':
      return `${source.format} ${article}`;
    case 'stored_record':
      return article;
  }
}

function isOfFile({ source }: NewProblem): boolean {
  return source.kind === 'file' || source.kind === 'other_file';
}

/** A refused record without an id. */
function endsByTime({ source, article }: NewProblem): boolean {
  return source.kind === 'key' && article === undefined;
}

function limited(problem: NewProblem): NewProblem {
  const { article, problems } = problem;
  const others = problems.length - MAX_DEFECTS;
  return {
    ...problem,
    ...(article === undefined ? {} : { article: article.slice(0, MAX_ID) }),
    problems:
      others <= 0 ? problems : [...problems.slice(0, MAX_DEFECTS), { field: '', rule: `and ${others} problems more` }],
  };
}
