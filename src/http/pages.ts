import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import type { Publication } from '../config/publication.ts';
import { type DocumentCache, INDEX } from '../document/cache.ts';
import { chooseCoding } from '../document/content-codings.ts';
import type { Pages } from '../document/pages.ts';
import { type Representations, represent } from '../document/representation.ts';
import type { Instant } from '../lib/instant.ts';
import { LONGEST_SEARCH } from '../pages/listed-feed.ts';
import { answerTo } from './answer.ts';
import type { CdnParts } from './cdn-headers.ts';
import { noteAnswer, respondWithDocument } from './respond.ts';

export interface IndexParts extends CdnParts {
  readonly publication: Publication;
  readonly documentCache: Pick<DocumentCache, 'get'>;
  /** Missing where the publication has no pages. */
  readonly pages?: Pages;
  readonly now: () => Instant;
  /** @throws PublisherError `too_many_requests` for a request that may have nothing but a 304 */
  readonly refuseOverdrawn: (request: IncomingMessage) => void;
  readonly keepSlot: (request: IncomingMessage) => void;
}

/** Answers with the page of all feeds, or of those that a search finds: it is made for this request alone. */
export function indexHandler(parts: IndexParts): RequestHandler<{ path: string[] }> {
  const { publication, documentCache, pages, now, refuseOverdrawn, keepSlot } = parts;

  async function found(request: IncomingMessage): Promise<Representations | undefined> {
    const text = searchIn(request.url);
    if (text === undefined || pages === undefined) return documentCache.get(INDEX, 'html');
    refuseOverdrawn(request);
    const representations = represent(await pages.search(text, now()));
    const coding = chooseCoding([request.headers['accept-encoding']].flat().join(', ') || undefined);
    if (coding !== undefined) await representations.body.bytes(coding); // no later request would find it
    return representations;
  }

  return async (request, response, next) => {
    keepSlot(request); // a compression that has begun goes on
    const representations = await found(request);
    if (representations === undefined) return next();
    const { maxAge, feedsUrl, terms } = publication;
    const ready = answerTo(request, representations, { now: now(), maxAge, feedsUrl, terms, cdn: parts.cdn });
    const answer = 'pending' in ready ? await ready.pending() : ready;
    if (answer.status !== 304) refuseOverdrawn(request);
    noteAnswer(response, answer);
    respondWithDocument(response, answer);
  };
}

/** The text of a search in a target, in its first characters; undefined where it is empty. */
function searchIn(target = ''): string | undefined {
  const [, ...query] = target.split('?');
  const text = new URLSearchParams(query.join('?')).get('q')?.toWellFormed().trim().slice(0, LONGEST_SEARCH);
  return text?.toWellFormed() || undefined;
}
