import type { PurgeSettings, PurgeTarget } from '../../config/purge-targets.ts';
import type { Instant } from '../../lib/instant.ts';
import { PROVIDER_APIS, type ProviderApis, PURGE_RULES, purgeRequests } from './purge-requests.ts';
import type { Receiver } from './receiver.ts';
import { send } from './send.ts';
import { TokenBucket } from './token-bucket.ts';

/**
 * Milliseconds after which a cache is purged once more. A request that reached the service before the change may be answered after
 * it with the document as it was, and the cache may keep that answer after the purge. The second purge ends it.
 */
const PURGE_AGAIN_AFTER = 10_000;

/** Milliseconds in which the requests that were being answered at the change get their answers. */
const DEBOUNCE = 50;

interface PurgeParts {
  readonly now: () => Instant;
  readonly apis?: ProviderApis | undefined;
}

/** The caches in front of the service. */
export function purgeReceivers(settings: PurgeSettings, parts: PurgeParts): Receiver[] {
  return settings.targets.map((target) => purgeReceiver(target, settings, parts));
}

function purgeReceiver(
  target: PurgeTarget,
  settings: PurgeSettings,
  { now, apis = PROVIDER_APIS }: PurgeParts,
): Receiver {
  const { most, rate } = PURGE_RULES[target.kind];
  const bucket = new TokenBucket(rate, now());
  const options = { isSoft: settings.isSoft ?? false, token: settings.tokens?.[target.kind], apis };
  return {
    target: { id: target.id, kind: 'purge' },
    most,
    debounce: DEBOUNCE,
    repeatAfter: PURGE_AGAIN_AFTER,
    readyAt: (at) => bucket.readyAt(at),
    async tell(message, signal) {
      const wanted = purgeRequests(target, message, options);
      // One request about everything instead of more than there are tokens for.
      const isTooMuch = wanted.length > Math.max(1, bucket.available(now()));
      const requests = isTooMuch ? purgeRequests(target, { ...message, feeds: undefined }, options) : wanted;
      bucket.take(now(), requests.length);
      for (const request of requests) await send(request, { signal, now });
      return {};
    },
  };
}
