import type { Publication } from '../config/publication.ts';
import { type Problem, PublisherError } from '../errors.ts';
import { restartProblems } from '../publish/refresh.ts';
import type { Counters } from '../telemetry/counters.ts';
import type { Log } from '../telemetry/log.ts';
import type { Generations } from './generations.ts';
import { measuredFeeds } from './process-metrics.ts';
import type { Writer } from './writer.ts';

interface ReloadingParts {
  readonly generations: Generations;
  readonly writer: Pick<Writer, 'replacePublication' | 'problems'>;
  readonly counters: Pick<Counters, 'reloads' | 'feedRequests'>;
  readonly log: Log;
}

export type Reloading = ReturnType<typeof createReloading>;

/** Puts other publications in force while this process serves. */
export function createReloading({ generations, writer, counters, log }: ReloadingParts) {
  /** Feeds that are measured no more are labels no more. */
  function measureFeeds(): void {
    const measured = new Set(measuredFeeds(generations.current().publication));
    for (const feed of counters.feedRequests.keys()) if (!measured.has(feed)) counters.feedRequests.delete(feed);
    for (const feed of measured) if (!counters.feedRequests.has(feed)) counters.feedRequests.set(feed, 0);
  }

  function refuseOther(problems: readonly Problem[]): void {
    const message = 'Another replica has put a publication in force that this one cannot serve without a restart.';
    writer.problems?.refusedPublication(new PublisherError('restart_required', message, { problems }));
  }

  return {
    async reload(publication: Publication): Promise<void> {
      const began = performance.now();
      await generations.prepare(publication);
      if (writer.replacePublication === undefined) return generations.replaceIfInForce();
      await writer.replacePublication(publication, generations.replace);
      counters.reloads.applied += 1;
      const { title, feeds, partners = [] } = publication;
      log.info(
        { title, feeds: feeds.length, partners: partners.length, ms: Math.round(performance.now() - began) },
        'publication.yaml was read again, and is in force now.',
      );
    },
    /** Serves a publication that another machine has put in force. Resolves with whether it can be served without a restart. */
    async follow(publication: Publication): Promise<boolean> {
      const problems = restartProblems(generations.current().publication, publication);
      if (problems.length > 0) {
        refuseOther(problems);
        return false;
      }
      await generations.prepare(publication);
      await generations.replaceIfInForce();
      log.info({ title: publication.title }, 'Another replica has put another publication in force.');
      return true;
    },
    /** Call this when another publication serves. */
    replaced: measureFeeds,
    refusePublication(error: PublisherError): void {
      counters.reloads.refused += 1;
      writer.problems?.refusedPublication(error);
    },
    acceptPublication: (): void => writer.problems?.acceptedPublication(),
  };
}
