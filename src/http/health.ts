import type { IncomingMessage, ServerResponse } from 'node:http';
import { PublisherError } from '../errors.ts';
import { respondWithError, respondWithText } from './respond.ts';

export interface HealthParts {
  /** Rejects where nothing can be served: with `not_ready`, or with what the store says. */
  readonly check: () => Promise<unknown>;
  /** Whether requests are taken; not before the start is over, nor once the end has begun. */
  readonly phase: () => Phase;
}

export type Phase = 'starting' | 'serving' | 'stopping';

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Seconds after which it is worth looking again. */
const RETRY_AFTER = 5;

/** Whether the service lives, and whether requests should be sent to it. */
export function healthHandlers({ check, phase }: HealthParts): { readonly alive: Handler; readonly ready: Handler } {
  const say = (request: IncomingMessage, response: ServerResponse, text: string) =>
    respondWithText(request, response, { type: 'text/plain; charset=utf-8', text });

  return {
    /** That there is an answer is the answer: the event loop turns. */
    alive: async (request, response) => say(request, response, 'ok'),
    async ready(request, response) {
      const reason = phase() === 'serving' ? await whatFails(check) : `The service is ${phase()}.`;
      if (reason === undefined) return say(request, response, 'ready');
      const error = new PublisherError('not_ready', reason);
      respondWithError(request, response, error, { 'Retry-After': RETRY_AFTER });
    },
  };
}

async function whatFails(check: HealthParts['check']): Promise<string | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    if (error instanceof PublisherError && error.code === 'not_ready') return error.message;
    return `The store cannot be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}
