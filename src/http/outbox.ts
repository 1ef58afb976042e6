import type { RequestHandler } from 'express';
import type { Instant } from '../lib/instant.ts';
import { outboxStatus } from '../push/status.ts';
import type { Store } from '../store/store.ts';
import { guard } from './articles.ts';
import { query } from './query.ts';
import { respondWithJson } from './respond.ts';

interface OutboxParts {
  readonly store: Store;
  readonly now: () => Instant;
}

/** Lists the systems that are told of changes, and what each knows. */
export function outboxHandler({ store, now }: OutboxParts): RequestHandler<{ path: string[] }> {
  return guard({ store, now })('read', async (request, response) => {
    query(request, []);
    const at = now();
    const targets = (await store.outbox()).map((row) => outboxStatus(row, at));
    respondWithJson(request, response, { body: { targets } });
  });
}
