import type { RequestHandler } from 'express';
import { PublisherError } from '../errors.ts';
import { nothingAt } from './respond.ts';

/** Serves the files that articles show. A drawing in SVG must not run what is written in it. */
export function mediaHandler(folder: string): RequestHandler<{ path: string[] }> {
  const headers = {
    'Access-Control-Allow-Origin': '*',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  };
  return (request, response, next) => {
    const path = request.params.path.join('/');
    response.sendFile(path, { root: folder, maxAge: '1 day', dotfiles: 'ignore', headers }, (error) => {
      // A client that went away before the end has seen enough.
      if (error !== undefined && !response.headersSent) next(mediaError(error, request.path));
    });
  };
}

function mediaError(error: Error, path: string): PublisherError {
  const status = 'status' in error ? error.status : undefined;
  if (status === 412)
    return new PublisherError('precondition_failed', 'The file is not the one that the request expects.');
  if (status === 416) return new PublisherError('range_not_satisfiable', 'The file has no such part.');
  return nothingAt(path);
}
