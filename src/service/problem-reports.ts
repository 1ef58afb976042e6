import { PARTNERS_FOLDER, pathOfPartner } from '../config/partner-files.ts';
import { PUBLICATION_FILE } from '../config/publication.ts';
import type { Problem, PublisherError } from '../errors.ts';
import type { FolderReports } from '../ingest/folder/articles-folder.ts';
import { otherFileProblem } from '../ingest/folder/other-files.ts';
import type { Instant } from '../lib/instant.ts';
import { createOpenProblems, type OpenProblem, type OpenProblems, type ProblemEnd } from '../publish/open-problems.ts';
import type { Publisher } from '../publish/publish.ts';
import type { Actor, Outcome, Store } from '../store/store.ts';
import type { Counters } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import { logRefusal } from './audit-log.ts';

interface ReportParts {
  readonly store: Pick<Store, 'lastRevision' | 'revisions'>;
  readonly log: Log;
  readonly counters: Pick<Counters, 'refusedFiles'>;
  readonly now: () => Instant;
  readonly fail: (error: unknown) => void;
}

/** An article that the feeds of a format omit, in a form that passes between processes. */
export interface Unrenderable {
  readonly article: string;
  readonly revision: number;
  readonly format: string;
  readonly reason: string;
}

/** What the newsroom has to put right: it is logged when it comes and when it is gone, and kept in between. */
export interface ProblemReports extends Pick<OpenProblems, 'list' | 'counts'> {
  readonly folder: FolderReports;
  /** The API has refused a record that the publisher has not seen. */
  readonly refusedRecord: (actor: Actor | undefined, id: string | undefined, error: PublisherError) => Promise<void>;
  /** The record of a stored article is not valid any more. */
  readonly invalidRecord: (id: string, error: PublisherError, revision: number) => void;
  readonly unrenderable: (article: Unrenderable) => void;
  /** The publication.yaml, or a partner's file, cannot be put in force. */
  readonly refusedPublication: (error: PublisherError) => void;
  /** The files of the publication are those in force. */
  readonly acceptedPublication: () => void;
  /** Wraps a publisher so that refused records of the API are reported, and a new version ends an article's problems. */
  readonly follow: (publisher: Publisher) => Publisher;
  /** Ends the problems of articles that another process has changed. */
  readonly catchUp: () => Promise<void>;
}

const STAYS = 'The service goes on with the publication that it has.';

/** Articles that the store is asked about together. */
const ASKED_TOGETHER = 500;
/** Files that one log line names. */
const MAX_NAMED_FILES = 20;

export function createProblemReports({ store, log, counters, now, fail }: ReportParts): ProblemReports {
  const problems = createOpenProblems({
    now,
    onEnd: (problem, how) => log.info(endFields(problem), `${subjectOf(problem)} ${HOW[how]}: the problem is gone.`),
  });
  /** The store's revision when the problems were last compared with it. */
  let seenRevision = 0;
  /** publication.yaml and the partners' files that the last reload refused. */
  let refusedFiles: readonly string[] = [];

  const folder: FolderReports = {
    refused({ code, message, file = '', problems: defects }, article) {
      counters.refusedFiles += 1;
      log.warn({ code, file, problems: defects }, message);
      problems.report({
        source: { kind: 'file', path: file },
        code,
        problems: defects,
        ...(article === undefined ? {} : { article }),
      });
    },
    settled: (file, how) => problems.endOfFile('file', file, how),
    otherFilesFound(files) {
      log.warn({ files: files.slice(0, MAX_NAMED_FILES), count: files.length }, otherFilesMessage(files));
      for (const path of files) {
        problems.report({
          source: { kind: 'other_file', path },
          code: 'not_an_article',
          problems: [otherFileProblem(path)],
        });
      }
    },
    otherFileRemoved: (file) => problems.endOfFile('other_file', file, 'removed'),
    warn: (message) => log.warn({}, message),
    fail,
  };

  async function refusedRecord(
    actor: Actor | undefined,
    article: string | undefined,
    error: PublisherError,
  ): Promise<void> {
    if (actor?.kind !== 'key') return; // files have reports of their own
    logRefusal(log, actor, article, error);
    const { code, problems: defects } = error;
    if (article === undefined) return void problems.report({ source: actor, code, problems: defects });
    const revision = (await store.revisions([article])).get(article) ?? 0;
    problems.report({ source: actor, article, revision, code, problems: defects });
  }

  /** @param isErasure whether the change erases: an article that was erased before is unchanged */
  function endOf({ id, result, kept }: Outcome, isErasure = false): void {
    if (result === 'refused' || result === 'condition-failed') return;
    if (result === 'absent') problems.endOfArticle(id, 'given_up');
    else if (isErasure) problems.endOfArticle(id, 'erased');
    else problems.endOfArticle(id, kept?.withdrawn === undefined ? 'published' : 'withdrawn');
  }

  return {
    folder,
    list: problems.list,
    counts: problems.counts,
    refusedRecord,
    invalidRecord(article, { code, problems: defects }, revision) {
      const message = `Article ${article} keeps its earlier version: its record is not valid now.`;
      log.warn({ code, article, problems: defects }, message);
      problems.report({ source: { kind: 'stored_record' }, article, revision, code, problems: defects });
    },
    unrenderable({ article, revision, format, reason }) {
      const defects = [{ field: '', rule: `cannot be rendered as ${format}: ${reason}` }];
      const source = { kind: 'rendering', format } as const;
      problems.report({ source, article, revision, code: 'unrenderable_article', problems: defects });
    },
    refusedPublication(error) {
      const byFile = problemsByFile(error);
      for (const path of refusedFiles) if (!byFile.has(path)) problems.endOfFile('file', path, 'accepted');
      refusedFiles = [...byFile.keys()];
      for (const [path, defects] of byFile) {
        log.error({ code: error.code, file: path, problems: defects }, `${error.message} ${STAYS}`);
        problems.report({ source: { kind: 'file', path }, code: error.code, problems: defects });
      }
    },
    acceptedPublication() {
      for (const path of refusedFiles) problems.endOfFile('file', path, 'accepted');
      refusedFiles = [];
    },
    follow: (publisher) => ({
      ...publisher,
      async publish(submissions) {
        const published = await publisher.publish(submissions);
        for (const [index, one] of published.entries()) {
          if ('outcome' in one) endOf(one.outcome);
          else {
            const id = submissions[index]?.id ?? one.refused.article;
            await refusedRecord(submissions[index]?.actor, id, one.refused).catch(fail); // the others are committed
          }
        }
        return published;
      },
      async withdraw(withdrawals) {
        const outcomes = await publisher.withdraw(withdrawals);
        for (const outcome of outcomes) endOf(outcome);
        return outcomes;
      },
      async erase(erasures) {
        const outcomes = await publisher.erase(erasures);
        for (const outcome of outcomes) endOf(outcome, true);
        return outcomes;
      },
    }),
    async catchUp() {
      const revision = await store.lastRevision();
      if (revision === seenRevision) return;
      const ids = problems.articles();
      for (let start = 0; start < ids.length; start += ASKED_TOGETHER) {
        const group = ids.slice(start, start + ASKED_TOGETHER);
        problems.endOfChanged(group, await store.revisions(group));
      }
      seenRevision = revision; // only now: a failure is tried again
    },
  };
}

const HOW: Readonly<Record<ProblemEnd, string>> = {
  published: 'is published now',
  withdrawn: 'is withdrawn now',
  erased: 'is erased now',
  removed: 'was removed',
  accepted: 'was corrected or removed',
  given_up: 'is not to be published any more',
  changed: 'was changed by another process',
};

function subjectOf({ source, article = '' }: OpenProblem): string {
  return source.kind === 'file' || source.kind === 'other_file' ? source.path : `The article “${article}”`;
}

function endFields({ source, article, code }: OpenProblem): Readonly<Record<string, unknown>> {
  return { code, file: 'path' in source ? source.path : undefined, article };
}

function otherFilesMessage(files: readonly string[]): string {
  const [first = ''] = files;
  if (files.length === 1) return `${first} is not published: it ${otherFileProblem(first).rule}.`;
  const named = files.slice(0, MAX_NAMED_FILES);
  const others = files.length - named.length;
  const names = others === 0 ? named.join(', ') : `${named.join(', ')} and ${others} more`;
  return (
    `${files.length} files in articles/ are not published, because they are no articles: ${names}. Save texts as Markdown ` +
    '(.md) or plain text (.txt), move pictures and sound to media/, and move other files out of articles/.'
  );
}

/** The problems of publication.yaml and of partners' files, by their paths in the data folder. */
function problemsByFile({ problems, message, hint, file }: PublisherError): ReadonlyMap<string, readonly Problem[]> {
  const all =
    problems.length > 0 ? problems : [{ field: '', rule: hint === undefined ? message : `${message} ${hint}` }];
  const isOfPartners = file === undefined && all.some((problem) => problem.file !== undefined);
  const others = isOfPartners ? PARTNERS_FOLDER : PUBLICATION_FILE;
  const byFile = new Map<string, Problem[]>();
  for (const { file: own, ...problem } of all) {
    const path = own === undefined ? others : pathOfPartner(own);
    const known = byFile.get(path);
    if (known === undefined) byFile.set(path, [problem]);
    else known.push(problem);
  }
  return byFile;
}
