import type { IncomingMessage, ServerResponse } from 'node:http';
import { PublisherError } from '../errors.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { respondWithError, respondWithText } from './respond.ts';

export interface HealthParts {
  /** Rejects where the service cannot answer readers: with `not_ready`, or with the store's error. */
  readonly check: () => Promise<unknown>;
  readonly phase: () => Phase;
  /** Whether the service answers readers and can take no change now; never by default. */
  readonly isDegraded?: () => boolean;
}

export type Phase = 'starting' | 'serving' | 'stopping';

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Seconds after which a probe may ask again. */
const RETRY_AFTER = 5;

/** `/healthz`: the process is alive. `/readyz`: a load balancer may send requests to it. */
export function healthHandlers({ check, phase, isDegraded = () => false }: HealthParts): {
  readonly alive: Handler;
  readonly ready: Handler;
} {
  const answer = (request: IncomingMessage, response: ServerResponse, text: string) =>
    respondWithText(request, response, { type: 'text/plain; charset=utf-8', text });

  return {
    /** Any answer at all shows that the event loop runs. */
    alive: async (request, response) => answer(request, response, 'ok'),
    async ready(request, response) {
      const error = phase() === 'serving' ? await whatFails(check) : notReady(`The service is ${phase()}.`);
      if (error === undefined) return answer(request, response, isDegraded() ? 'degraded' : 'ready');
      respondWithError(request, response, error, { 'Retry-After': RETRY_AFTER });
    },
  };
}

async function whatFails(check: HealthParts['check']): Promise<PublisherError | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    if (!(error instanceof PublisherError)) {
      const reason = error instanceof Error ? error.message : String(error);
      return notReady('The store cannot be read.', `Check the disk and restart the service. The cause: ${reason}.`);
    }
    return error.code === 'not_ready' ? error : notReady(error.message, error.hint);
  }
}

function notReady(message: string, hint?: string): PublisherError {
  return new PublisherError('not_ready', message, omitUndefined({ hint }));
}
