import { composed } from '../../lib/text.ts';

/** An address of an earlier system, in the form in which addresses are compared. */
export interface OldAddress {
  /** The parts of the path: decoded, composed, in lower case, without empty ones. */
  readonly segments: readonly string[];
  /** The parameters of the query, in lower case; of a repeated one, the first. */
  readonly query: ReadonlyMap<string, string>;
}

/** Characters of a path with its query. No feed of an earlier system has a longer address. */
export const LONGEST_ADDRESS = 2000;
const MAX_SEGMENTS = 30;
const MAX_PARAMETERS = 30;
const NO_QUERY: OldAddress['query'] = new Map();

/**
 * Takes a path with its query apart. Cases of letters, slashes at the end, repeated slashes and ways to encode a letter make no
 * other address.
 *
 * @returns undefined for an address that no feed can have had, such as one that is not valid percent-encoded UTF-8
 */
export function oldAddress(pathAndQuery: string): OldAddress | undefined {
  if (pathAndQuery.length > LONGEST_ADDRESS) return undefined;
  const mark = pathAndQuery.indexOf('?');
  const path = mark < 0 ? pathAndQuery : pathAndQuery.slice(0, mark);
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.length > MAX_SEGMENTS) return undefined;
  const segments = parts.map(decodedSegment).filter((segment) => segment !== undefined);
  if (segments.length < parts.length) return undefined;
  return { segments, query: mark < 0 ? NO_QUERY : parametersIn(pathAndQuery.slice(mark + 1)) };
}

function decodedSegment(text: string): string | undefined {
  try {
    return composed(text.includes('%') ? decodeURIComponent(text) : text).toLowerCase();
  } catch {
    return undefined; // it is no UTF-8
  }
}

function parametersIn(query: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    const key = composed(name).toLowerCase();
    if (parameters.has(key)) continue;
    if (parameters.size === MAX_PARAMETERS) break;
    parameters.set(key, composed(value).toLowerCase());
  }
  return parameters;
}

/** The path and query of an address as somebody wrote it: a path, or a whole address. Undefined for any other text. */
export function pathAndQueryOf(text: string): string | undefined {
  if (text.startsWith('/')) return withoutFragment(text);
  const [, rest] = /^https?:\/\/[^/?#\s]+(.*)$/i.exec(text) ?? [];
  if (rest === undefined) return undefined;
  return withoutFragment(rest.startsWith('/') ? rest : `/${rest}`);
}

function withoutFragment(text: string): string {
  const end = text.indexOf('#');
  return end < 0 ? text : text.slice(0, end);
}
