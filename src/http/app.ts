import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { PublisherError } from '../errors.ts';
import { type FeedParts, feedHandlers } from './feeds.ts';
import { mediaHandler } from './media.ts';
import { respondWithError, respondWithMethods } from './respond.ts';

interface AppParts extends FeedParts {
  readonly mediaFolder: string;
  /** Told of an error that is nobody's but ours. */
  readonly fail: (error: unknown) => void;
}

interface Route {
  readonly path: string;
  readonly get: RequestHandler<{ path: string[] }>;
}

/** The HTTP side: every address this service answers stands in the list below. */
export function createApp(parts: AppParts): Express {
  const { feed, alias } = feedHandlers(parts);
  const routes: readonly Route[] = [
    { path: '/feeds/*path', get: feed },
    { path: '/rss.xml', get: alias('feeds/latest.rss') },
    { path: '/feed', get: alias('feeds/latest.rss') },
    { path: '/atom.xml', get: alias('feeds/latest.atom') },
    { path: '/feed.json', get: alias('feeds/latest.json') },
    { path: '/media/*path', get: mediaHandler(parts.mediaFolder) },
  ];

  const app = express();
  app.disable('x-powered-by').set('etag', false).set('query parser', false).enable('strict routing');
  for (const { path, get } of routes) app.get(path, get).options(path, allowedMethods).all(path, methodNotAllowed);
  app.use(notFound);
  app.use(errorHandler(parts.fail));
  return app;
}

/** Every address is for reading; Express answers HEAD by GET. */
const METHODS = ['GET', 'HEAD', 'OPTIONS'];

const allowedMethods: RequestHandler = (_request, response) => respondWithMethods(response, METHODS);

const methodNotAllowed: RequestHandler = (request, response) => {
  const error = new PublisherError('method_not_allowed', `${request.method} is not a method of ${request.path}.`);
  respondWithError(request, response, error, { Allow: METHODS.join(', ') });
};

const notFound: RequestHandler = (request) => {
  throw new PublisherError('not_found', `There is nothing at ${request.path}.`, {
    hint: 'Feeds are at /feeds/latest.rss, /feeds/latest.atom and /feeds/latest.json.',
  });
};

function errorHandler(fail: (error: unknown) => void): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    if (response.headersSent) return response.destroy();
    respondWithError(request, response, publicError(error, fail));
  };
}

function publicError(error: unknown, fail: (error: unknown) => void): PublisherError {
  if (error instanceof PublisherError) return error;
  // Express's own: a percent sign in the path that encodes nothing.
  if (error instanceof URIError) return new PublisherError('invalid_path', 'The path is not percent-encoded UTF-8.');
  fail(error);
  return new PublisherError('internal', 'Internal error');
}
