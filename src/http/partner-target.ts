import { KINDS } from '../config/feed-keys.ts';
import { REDACTED, withoutKeys } from '../lib/redaction.ts';
import { composed, withoutVariations } from '../lib/text.ts';
import { pathOf } from './target.ts';

const PARTNERS = '/partners/';
const FIRST_PARTS: ReadonlySet<string> = new Set(KINDS);

/** Whether a target is below the addresses of partners. */
export function isPartner(target: string | undefined): boolean {
  return pathOf(target).slice(0, PARTNERS.length).toLowerCase() === PARTNERS;
}

/** What a target below `/partners/` names. */
export interface PartnerTarget {
  /** The id of the partner. */
  readonly partner: string;
  /** What stands in the place of the key: `/partners/{partner}/{key}/…`. Missing in addresses without that place. */
  readonly key?: string;
  /** `section/world.rss`, or `changes`. */
  readonly rest: string;
}

/** Reads a target below `/partners/`. Undefined for any other, and where a part of it is not valid percent-encoded UTF-8. */
export function partnerTarget(target: string | undefined): PartnerTarget | undefined {
  if (!isPartner(target)) return undefined;
  const parts = decodedParts(rawParts(target));
  if (parts === undefined) return undefined;
  const [partner = '', ...others] = parts;
  const hasKey = hasPlaceForKey(others);
  const rest = withoutVariations(composed((hasKey ? others.slice(1) : others).join('/')));
  return hasKey ? { partner, key: others[0] ?? '', rest } : { partner, rest };
}

/** The parts below `/partners/`, without the slash at the end. */
function rawParts(target: string | undefined): string[] {
  const path = pathOf(target).slice(PARTNERS.length);
  return path.slice(0, endWithoutSlashes(path)).split('/');
}

/** A pattern such as `/\/+$/` would take time in the square of the slashes: a second for the longest head. */
function endWithoutSlashes(path: string): number {
  let end = path.length;
  while (path[end - 1] === '/') end -= 1;
  return end;
}

function decodedParts(parts: readonly string[]): string[] | undefined {
  try {
    return parts.map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** A feed has one part, or two whose first is a kind. What stands before a feed is a key, right or wrong. */
function hasPlaceForKey([first, ...others]: readonly string[]): boolean {
  if (first === undefined || FIRST_PARTS.has(first)) return false;
  return others.length > 0 || first.startsWith('fp_');
}

/**
 * A path for the log and for messages: without keys, and without whatever stands in the place of one. A mistyped key is
 * nearly the key.
 */
export function redactedPath(target: string | undefined): string {
  const path = pathOf(target);
  if (!isPartner(path)) return withoutKeys(path);
  const [, ...others] = rawParts(path);
  const hasKey = hasPlaceForKey(decodedParts(others) ?? [REDACTED, REDACTED]);
  const shown = rawParts(path).map((part, index) => redactedPart(part, hasKey && index === 1));
  return [PARTNERS.slice(0, -1), ...shown].join('/');
}

/** As long as the secret of a key, or nearly so. Names of feeds have endings. */
const LIKE_A_SECRET = /^[\w-]{40,}$/;

/** @param isKey whether the part is in the place of a key */
function redactedPart(part: string, isKey: boolean): string {
  const shown = withoutKeys(part);
  if (shown !== part) return shown.endsWith(REDACTED) ? shown : REDACTED;
  return isKey || LIKE_A_SECRET.test(part) ? REDACTED : part;
}
