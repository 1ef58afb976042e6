import type { RequestHandler } from 'express';
import { mediaName, mediaNamesIn } from '../article/media-names.ts';
import type { Publication } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import { httpDate, type Instant } from '../lib/instant.ts';
import { otherForm } from '../lib/name-forms.ts';
import type { Store } from '../store/store.ts';
import { nothingAt } from './respond.ts';

interface MediaParts {
  readonly mediaFolder: string;
  readonly publication: Publication;
  readonly store: Pick<Store, 'isMediaVisible'>;
  readonly now: () => Instant;
}

/**
 * Serves the media files of visible articles and of the publication, by any form of their names. Nobody learns whether
 * there is another file: the folder is not even asked. The policy keeps scripts in SVG files from running.
 */
export function mediaHandler({ mediaFolder: folder, publication, store, now }: MediaParts): RequestHandler<{
  path: string[];
}> {
  const own = new Set(mediaNamesIn(JSON.stringify(publication)));
  const headers = {
    'Access-Control-Allow-Origin': '*',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  };
  const options = { root: folder, maxAge: '1 day', dotfiles: 'ignore', headers } as const;

  async function isPublic(path: string): Promise<boolean> {
    if (publication.media === 'public') return true;
    const name = mediaName(path);
    return name !== undefined && (own.has(name) || (await store.isMediaVisible(name, now())));
  }

  return async (request, response, next) => {
    const path = request.params.path.join('/');
    if (!(await isPublic(path))) throw nothingAt(request.path);
    // Node's own Date may be a second old, and Last-Modified must not be later (RFC 9110 §8.8.2.1).
    response.setHeader('Date', httpDate(Date.now()));
    const refuse = (error: Error | undefined) => {
      // After the head there is nothing to answer: the client left.
      if (error !== undefined && !response.headersSent) next(mediaError(error, request.path));
    };
    response.sendFile(path, options, (error) => {
      if (error === undefined || statusOf(error) !== 404 || response.headersSent) return refuse(error);
      otherForm(folder, path).then((other) => {
        if (other === undefined) refuse(error);
        else response.sendFile(other, options, refuse);
      }, next);
    });
  };
}

function statusOf(error: Error): unknown {
  return 'status' in error ? error.status : undefined;
}

function mediaError(error: Error, path: string): PublisherError {
  const status = statusOf(error);
  if (status === 412)
    return new PublisherError(
      'precondition_failed',
      'The file has changed: the request expects another version of it.',
    );
  if (status === 416) return new PublisherError('range_not_satisfiable', 'The file does not have the requested range.');
  return nothingAt(path);
}
