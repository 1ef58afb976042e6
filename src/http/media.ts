import type { RequestHandler } from 'express';
import { mediaPath } from '../article/media-path.ts';
import { PublisherError } from '../errors.ts';
import { nothingAt } from './respond.ts';

/** Serves the media files of articles. The policy keeps scripts in SVG files from running. */
export function mediaHandler(folder: string): RequestHandler<{ path: string[] }> {
  const headers = {
    'Access-Control-Allow-Origin': '*',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  };
  return (request, response, next) => {
    const path = mediaPath(folder, request.params.path.join('/'));
    response.sendFile(path, { root: folder, maxAge: '1 day', dotfiles: 'ignore', headers }, (error) => {
      // After the head there is nothing to answer: the client left.
      if (error !== undefined && !response.headersSent) next(mediaError(error, request.path));
    });
  };
}

function mediaError(error: Error, path: string): PublisherError {
  const status = 'status' in error ? error.status : undefined;
  if (status === 412)
    return new PublisherError(
      'precondition_failed',
      'The file has changed: the request expects another version of it.',
    );
  if (status === 416) return new PublisherError('range_not_satisfiable', 'The file does not have the requested range.');
  return nothingAt(path);
}
