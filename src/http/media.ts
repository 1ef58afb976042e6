import type { RequestHandler } from 'express';

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
      // Whatever is wrong with the file, there is nothing to see; a client that went away has seen enough.
      if (error !== undefined && !response.headersSent) next();
    });
  };
}
