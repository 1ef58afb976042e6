import type { RequestHandler } from 'express';
import { PublisherError } from '../errors.ts';
import { httpDate } from '../lib/instant.ts';
import { otherForm } from '../lib/name-forms.ts';
import { nothingAt } from './respond.ts';

/** Serves the media files of articles, by any form of their names. The policy keeps scripts in SVG files from running. */
export function mediaHandler(folder: string): RequestHandler<{ path: string[] }> {
  const headers = {
    'Access-Control-Allow-Origin': '*',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
  };
  const options = { root: folder, maxAge: '1 day', dotfiles: 'ignore', headers } as const;

  return (request, response, next) => {
    const path = request.params.path.join('/');
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
