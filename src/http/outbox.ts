import type { RequestHandler } from 'express';
import { type Instant, rfc3339 } from '../lib/instant.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import type { OutboxStatus } from '../pages/service-status.ts';
import type { OutboxRow } from '../store/outbox-store.ts';
import type { Store } from '../store/store.ts';
import { guard } from './articles.ts';
import { query } from './query.ts';
import { respondWithJson } from './respond.ts';

interface OutboxParts {
  readonly store: Store;
  readonly now: () => Instant;
}

/** Lists the systems that learn of changes from the service, and what each knows. */
export function outboxHandler({ store, now }: OutboxParts): RequestHandler<{ path: string[] }> {
  return guard({ store, now })('read', async (request, response) => {
    query(request, []);
    const at = now();
    const targets = (await store.outbox()).map((row) => outboxStatus(row, at));
    respondWithJson(request, response, { body: { targets } });
  });
}

/** A row of the outbox for people and scripts. */
export function outboxStatus(row: OutboxRow, at: Instant): OutboxStatus {
  const { id, kind, due, notBefore, isEverything, failures, failingSince, lastError } = row;
  const date = (moment: Instant | undefined) => (moment === undefined ? undefined : rfc3339(moment));
  const isPending = due !== undefined && due <= at;
  const state: OutboxStatus['state'] = failures > 0 ? 'failing' : isPending ? 'pending' : 'up to date';
  return omitUndefined({
    target: id,
    kind,
    state,
    due: date(due),
    nextAttempt: failures > 0 ? date(notBefore) : undefined,
    isEverything: isEverything && isPending ? true : undefined,
    failures,
    failingSince: date(failingSince),
    lastError,
  });
}
