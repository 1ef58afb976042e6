import type { Kind } from './option-values.ts';

/** The kinds of caches that the service can purge. */
export const PURGE_KINDS = ['varnish', 'fastly', 'cloudflare', 'url'] as const;
export type PurgeKind = (typeof PURGE_KINDS)[number];

/** A cache in front of the service. */
export interface PurgeTarget {
  /** As the operator wrote it, with the address in its normal form: `varnish:http://127.0.0.1:6081/`. */
  readonly id: string;
  readonly kind: PurgeKind;
  /** An address that ends in a slash, or the id of a service (Fastly) or a zone (Cloudflare). */
  readonly at: string;
}

/** How caches are purged. */
export interface PurgeSettings {
  readonly targets: readonly PurgeTarget[];
  /** Keeps expired copies in caches, for the time in which the service is down; not of feeds that a story has left. */
  readonly isSoft?: boolean;
  /** The secrets, by the kind of the caches that want them. */
  readonly tokens?: Partial<Readonly<Record<PurgeKind, string>>>;
  /** The addresses of the providers' APIs, each with a slash at its end; by default, the real ones. */
  readonly apis?: { readonly fastly: string; readonly cloudflare: string };
}

/** Targets by their tags: more of one service would share its rate limit anyway. */
const MOST_TARGETS = 20;

/** `varnish:URL fastly:SERVICE cloudflare:ZONE url:URL`, separated by spaces or commas. */
export const purgeTargets: Kind<readonly PurgeTarget[]> = {
  rule: 'varnish:URL, fastly:SERVICE, cloudflare:ZONE or url:URL, or several of them separated by spaces',
  read(value) {
    const words = value.split(/[\s,]+/).filter((word) => word !== '');
    const targets = words.map(purgeTarget).filter((target) => target !== undefined);
    const ids = new Set(targets.map(({ id }) => id));
    return targets.length < words.length || ids.size < words.length || ids.size > MOST_TARGETS ? undefined : targets;
  },
};

function purgeTarget(word: string): PurgeTarget | undefined {
  const [, name, rest = ''] = /^([a-z]+):(.+)$/.exec(word) ?? [];
  const kind = PURGE_KINDS.find((known) => known === name);
  if (kind === undefined) return undefined;
  const at = kind === 'varnish' || kind === 'url' ? addressOf(rest) : idOf(rest);
  return at === undefined ? undefined : { id: `${kind}:${at}`, kind, at };
}

/** An id is a part of a path of the provider's API. */
function idOf(text: string): string | undefined {
  return /^[A-Za-z0-9]{1,64}$/.test(text) ? text : undefined;
}

/** The log and /status show the address: it must not have a password. */
function addressOf(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined;
  return url.href.endsWith('/') ? url.href : `${url.href}/`;
}
