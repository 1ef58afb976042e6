import { type Adjustment, describeAdjustment } from '../article/adjustments.ts';
import type { Publication } from '../config/publication.ts';
import type { DocumentCache } from '../document/cache.ts';
import { PublisherError } from '../errors.ts';
import { type ChangeHandlers, changeHandlers } from '../http/article-changes.ts';
import { guard } from '../http/articles.ts';
import { forward } from '../http/forward.ts';
import { problemListHandler } from '../http/overviews.ts';
import { type ArticleFolder, openArticleFolder } from '../ingest/folder/articles-folder.ts';
import { createYieldToLoop } from '../lib/yield-to-loop.ts';
import { openCursorSeal } from '../partner/change-cursor.ts';
import { openParser } from '../publish/parser.ts';
import { type Accepted, createPublisher, isChange, type Publisher } from '../publish/publish.ts';
import { configurationOf, refreshStore, rememberFiles, replacePublication } from '../publish/refresh.ts';
import type { Store } from '../store/store.ts';
import { type Counters, countChanges } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import { logChanges, logRefusal, openAuditLog } from './audit-log.ts';
import type { DataFolder } from './data-folder.ts';
import { completeErasures, createEraser, type Erase } from './erasure.ts';
import { createFeedFilling } from './feed-filling.ts';
import { startHistoryDivision } from './history-division.ts';
import { otherFiles } from './other-files.ts';
import { createOverwriteRetries } from './overwrite-retries.ts';
import { createOwnedFolder } from './owned-folder.ts';
import { createPartnerWarnings } from './partner-warnings.ts';
import { createProblemReports, type ProblemReports } from './problem-reports.ts';
import { formerMemberDays, startPruning } from './pruning.ts';
import { unlessAway, unlessDamaged } from './unless-damaged.ts';

/** Takes changes from the API and from files, or leaves them to another process. */
export interface Writer {
  readonly changes: ChangeHandlers;
  /** Answers with what is refused now. */
  readonly listProblems: ChangeHandlers['put'];
  /** Answers with the state of the service. Missing where this process can tell it. */
  readonly showStatus?: ChangeHandlers['put'];
  /** Missing where another process knows the problems. */
  readonly problems?: ProblemReports;
  /** Whether files have changed that are not published yet. */
  readonly hasPending: () => boolean;
  /** Resolves when the files that changed before the call are published. */
  readonly whenIdle: () => Promise<void>;
  readonly start: () => Promise<void>;
  /** Puts a publication in force. Missing where another process does. See `replacePublication`. */
  readonly replacePublication?: (publication: Publication, onReplaced: () => void) => Promise<void>;
  /** Called after other processes have changed the store: the log names the changes, and they may have erased articles. */
  readonly onExternalChanges: () => void;
  readonly close: () => Promise<void>;
}

interface WriterParts {
  readonly log: Log;
  readonly counters: Counters;
  readonly now: () => number;
  readonly announce: DocumentCache['forget'];
  /** The one in force. */
  readonly publication: () => Publication;
  /** Called after articles were erased. */
  readonly onErased: () => void;
  readonly fail: (error: unknown) => void;
  readonly progress?: (work: string, done: number, total: number) => void;
  readonly bodyDeadline?: number;
}

/** Records in one transaction, and characters of their articles: about 20 ms, in which nothing else happens. */
const TRANSACTION = { count: 100, size: 512 * 1024 };

/** Milliseconds in which a record, or one record of a bulk request, must arrive. */
const BODY_DEADLINE = 30_000;

/** Applies the rules of the publication to the store. After `start`, it watches the article files. */
export async function openWriter(folder: DataFolder, parts: WriterParts): Promise<Writer> {
  const { path, publication, newsroom, store, replica } = folder;
  const isShared = replica !== undefined;
  const { log, counters, now, announce, onErased, fail, progress = () => {}, bodyDeadline = BODY_DEADLINE } = parts;
  const yieldToLoop = createYieldToLoop();
  const parser = openParser(newsroom, yieldToLoop);
  const { parse } = parser;
  const auditLog = await openAuditLog({ store, log, fail });
  const problems = createProblemReports({ store, log, counters, now, fail });
  try {
    const refresh = async () => {
      await refreshStore({ store, publication, isShared, parse, now, progress, onInvalid: problems.invalidRecord });
      if (folder.files !== undefined) await rememberFiles(store, folder.files);
      if (isShared) await openCursorSeal(store); // readers cannot make it
    };
    await unlessDamaged(unlessAway(replica === undefined ? refresh() : replica.alone(refresh)));
  } catch (error) {
    await parser.close(); // its thread would keep the process alive
    throw error;
  }
  if (folder.files !== undefined && configurationOf(folder.files) !== configurationOf(publication))
    problems.refusedPublication(otherFiles());
  const warnOfPartners = createPartnerWarnings({ store, now, log });
  await auditLog.catchUp();
  const division = startHistoryDivision({ store, now, announce, fail });
  const announceChange: typeof announce = (keys) => {
    division.noteChange();
    announce(keys);
  };
  const logged = logChanges(
    createPublisher({ store, parse, now, announce: announceChange, yieldToLoop, transaction: TRANSACTION }),
    auditLog,
  );
  const counted = countChanges(logged, counters);
  const publisher = problems.follow(logAdjustments(counted, log));
  const { publish: rehearse } = createPublisher({
    store: { ...store, apply: store.rehearse },
    parse,
    now,
    announce: () => {},
    yieldToLoop,
  });
  const openFolder = (): ArticleFolder =>
    openArticleFolder({
      dataFolder: path,
      store,
      publisher,
      reports: problems.folder,
      progress: (done, total) => progress('Publishing changed files', done, total),
    });
  const articles =
    replica === undefined
      ? openFolder()
      : createOwnedFolder({ replica, store, dataFolder: path, open: openFolder, log, fail });
  const pruning = startPruning({ prune: store.pruneAudit, days: () => parts.publication().auditDays }, { now, fail });
  const formerMembers = { prune: store.pruneFormerMembers, days: () => formerMemberDays(parts.publication()) };
  const formerPruning = startPruning(formerMembers, { now, fail });
  const filling = createFeedFilling({ store, now, announce, log, fail });
  const retries = createOverwriteRetries({ complete: () => completeErasures(folder), log, fail });
  retries.schedule(); // the service may have been stopped before an erasure was complete
  const erase = eraserOf({ path, store, publisher, log, onErased, onRemains: retries.schedule });
  return {
    changes: changeHandlers({
      store,
      publisher,
      erase,
      rehearse,
      feedsUrl: publication.feedsUrl,
      now,
      bodyDeadline,
      onRefused: problems.refusedRecord,
    }),
    listProblems: problemListHandler({ store, now, problems }),
    problems,
    hasPending: articles.hasPending,
    whenIdle: articles.whenIdle,
    async start() {
      if (store.damage() !== undefined) return; // it takes no change
      await unlessDamaged(articles.start());
      await unlessDamaged(unlessAway(store.markServed())); // before any process answers from the store
      division.start();
      filling.start();
      await unlessDamaged(warnOfPartners(parts.publication()));
    },
    async replacePublication(wanted, onReplaced) {
      await replacePublication({ store, publication: wanted, now, isShared }, onReplaced);
      if (isShared) await rememberFiles(store, wanted);
      filling.start();
      division.start();
      await unlessDamaged(warnOfPartners(wanted));
    },
    onExternalChanges() {
      retries.schedule();
      void auditLog.catchUp(); // no answer waits for the log
    },
    async close() {
      await filling.close();
      await division.close();
      await pruning.close();
      await formerPruning.close();
      await articles.close();
      await retries.close();
      await auditLog.catchUp();
      await parser.close();
    },
  };
}

interface EraserParts extends Pick<DataFolder, 'path' | 'store'> {
  readonly publisher: Publisher;
  readonly log: Log;
  readonly onErased: () => void;
  /** Called where text of erased articles may be left. */
  readonly onRemains: () => void;
}

/** Returns a function that erases articles, and that has the caches and the log of the service learn of it. */
function eraserOf({ onErased, onRemains, log, ...parts }: EraserParts): Erase {
  const erase = createEraser(parts);
  return async (erasures) => {
    try {
      const erased = await erase(erasures);
      for (const reason of erased.remains) log.warn({ reason }, `Text of an erased article may still be in ${reason}.`);
      return erased;
    } catch (error) {
      const [{ id, actor } = { id: '' }] = erasures;
      if (error instanceof PublisherError && actor?.kind === 'key') logRefusal(log, actor, id, error);
      throw error;
    } finally {
      onErased();
      onRemains(); // also after an error: the articles may be erased and the files of the store not
    }
  };
}

/** Adjustments that one log line names. The fields of the line have all. */
const MAX_NAMED_ADJUSTMENTS = 3;

/** Wraps a publisher so that the log has a line for each changed article that was adjusted, and for each that has warnings. */
function logAdjustments(publisher: Publisher, log: Log): Publisher {
  return {
    ...publisher,
    async publish(submissions) {
      const published = await publisher.publish(submissions);
      for (const one of published) {
        if ('outcome' in one && isChange(one.outcome)) logOne(one, log);
      }
      return published;
    },
  };
}

function logOne({ outcome: { id: article }, adjustments, warnings }: Accepted, log: Log): void {
  if (adjustments.length > 0) log.info({ article, adjustments }, `${article}: ${inWords(adjustments)}`);
  if (warnings.length > 0) log.warn({ article, problems: warnings }, `${article} is published with warnings.`);
}

function inWords(adjustments: readonly Adjustment[]): string {
  const named = adjustments.slice(0, MAX_NAMED_ADJUSTMENTS).map(describeAdjustment);
  const others = adjustments.length - named.length;
  return [...named, ...(others === 0 ? [] : [`${others} more adjustments`])].join('; ');
}

/** Forwards changes to the writer, which runs in another process. */
interface ForwardingWriter extends Writer {
  readonly showStatus: ChangeHandlers['put'];
}

/**
 * Forwards changes to the writer process. A request without a valid key is refused here, so that only the newsroom can
 * keep the writer busy. Files are the writer's own: none is ever pending here.
 */
export function createForwardingWriter(
  socket: string,
  { store, log, now }: { readonly store: Store; readonly log: Log; readonly now: () => number },
): ForwardingWriter {
  const nothing = async () => {};
  const logWriterAway = ({ message }: Error) => {
    log.warn({ reason: message }, 'The writer process does not answer. Changes are refused until it does.');
  };
  const forwarded = forward(socket, logWriterAway);
  const change = guard({ store, now })('write', forwarded);
  return {
    changes: { put: change, withdraw: change, bulk: change },
    listProblems: guard({ store, now })('read', forwarded),
    showStatus: guard({ store, now })('read', forwarded),
    hasPending: () => false,
    whenIdle: nothing,
    start: nothing,
    onExternalChanges: () => {},
    close: nothing,
  };
}
