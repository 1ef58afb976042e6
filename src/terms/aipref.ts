import type { Addressed } from './scope.ts';
import type { Use } from './terms.ts';

/**
 * AI Preferences of the IETF: draft-ietf-aipref-attach-05, and the words of draft-ietf-aipref-vocab-08. They have changed
 * with nearly every draft. A client ignores those that it does not know (§6.4).
 */
const LABELS: readonly (readonly [label: string, use: Use])[] = [
  ['train-ai', 'aiTraining'],
  ['ai-use', 'aiAnswers'],
  ['search', 'search'],
];

/** The preferences as a dictionary of RFC 9651. A use that machines have to ask for is refused. */
function preferences({ terms }: Addressed): string | undefined {
  if (terms?.contentUsage !== true) return undefined;
  const stated = LABELS.flatMap(([label, use]) => {
    const value = terms[use];
    return value === undefined ? [] : [`${label}=${value === 'yes' ? 'y' : 'n'}`];
  });
  return stated.length === 0 ? undefined : stated.join(', ');
}

/** The header of an answer. */
export function contentUsageHeader(stated: Addressed): Readonly<Record<string, string>> {
  const value = preferences(stated);
  return value === undefined ? {} : { 'Content-Usage': value };
}

/** The rule in a group of robots.txt. */
export function contentUsageLine(stated: Addressed): string | undefined {
  const value = preferences(stated);
  return value === undefined ? undefined : `Content-Usage: ${value}`;
}
