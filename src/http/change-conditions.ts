import type { IncomingHttpHeaders } from 'node:http';
import { excerpt, PublisherError } from '../errors.ts';
import type { Condition } from '../store/store.ts';

/** A strong entity tag of a revision (RFC 9110 §8.8.3). A weak one never matches (§13.1.1). */
const REVISION_TAG = /(?<!W\/)"(0|[1-9]\d*)"/g;

/**
 * The condition of a change, from If-Match and If-None-Match (RFC 9110 §13.1.1 and §13.1.2).
 *
 * @throws PublisherError `invalid_query` for an If-None-Match other than `*`
 */
export function conditionOf(headers: IncomingHttpHeaders): Condition | undefined {
  const ifMatch = headers['if-match']?.trim();
  const ifNoneMatch = headers['if-none-match']?.trim();
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new PublisherError('invalid_query', 'If-None-Match of a change must be *.', {
      hint: 'Send If-None-Match: * to create an article only where none exists, or If-Match to change a known revision.',
    });
  }
  if (ifMatch === undefined) return ifNoneMatch === undefined ? undefined : 'absent';
  if (ifNoneMatch !== undefined) return { revisions: [] }; // both headers together cannot hold
  if (ifMatch === '*') return 'present';
  return { revisions: [...ifMatch.matchAll(REVISION_TAG)].map(([, tag]) => Number(tag)) };
}

/**
 * The error for a change whose condition does not hold.
 *
 * @param revision the article's; 0 if there is no article with this id
 */
export function conditionFailed(id: string, revision: number, headers: IncomingHttpHeaders): PublisherError {
  const name = `The article “${excerpt(id)}”`;
  if (revision === 0) {
    return new PublisherError('precondition_failed', `${name} does not exist: If-Match requires an article.`, {
      hint: 'Check the id, or send the request without If-Match.',
    });
  }
  if (headers['if-none-match'] !== undefined) {
    return new PublisherError(
      'precondition_failed',
      `${name} exists already: If-None-Match: * requires that it does not.`,
      {
        hint: `Send If-Match: "${revision}" to change it, or use another id.`,
      },
    );
  }
  return new PublisherError('precondition_failed', `${name} does not meet the condition of the request.`, {
    hint:
      adviceOn(headers['if-match'] ?? '') ??
      'Get the article, look at what has changed, and send the change again with the new ETag.',
  });
}

/** What is wrong with an If-Match that can hold for no revision; undefined where nothing is. */
function adviceOn(ifMatch: string): string | undefined {
  if (/"/.test(ifMatch.replace(/W\/"[^"]*"/g, ''))) return undefined;
  if (ifMatch.includes('"')) return 'A weak ETag never matches. Send the ETag without W/, as in If-Match: "58".';
  return 'An ETag stands in double quotation marks. Send it as GET returned it, as in If-Match: "58".';
}
