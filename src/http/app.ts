import type { IncomingMessage, RequestListener } from 'node:http';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import { type ErrorCode, PublisherError } from '../errors.ts';
import type { Admission } from './admission.ts';
import { type ArticleParts, articleHandlers, type ChangeHandlers } from './articles.ts';
import { type FeedParts, feedHandlers } from './feeds.ts';
import { type HealthParts, healthHandlers } from './health.ts';
import { mediaHandler } from './media.ts';
import type { Observer } from './observe.ts';
import { nothingAt, respondWithError, respondWithJson, respondWithMethods } from './respond.ts';

interface AppParts extends Omit<FeedParts, 'refuseSpent' | 'keepPlace'>, ArticleParts, HealthParts {
  readonly admission: Admission;
  readonly observer: Observer;
  readonly changes: ChangeHandlers;
  readonly mediaFolder: string;
  readonly version: string;
  /** Told of an error that is nobody's but ours. */
  readonly fail: (error: unknown) => void;
}

type Method = 'get' | 'put' | 'post' | 'delete';
type Handler = RequestHandler<{ path: string[] }>;
type Route = readonly [path: string, handlers: Partial<Record<Method, Handler>>];

interface App {
  /** Answers a request without a response, if it can. */
  readonly tryFastPath: (request: IncomingMessage) => boolean;
  readonly listener: RequestListener;
  /** For requests that expect of the service what it does not know. */
  readonly unmetExpectation: RequestListener;
  /** Answers requests that somebody else counts and logs. */
  readonly unobserved: RequestListener;
}

/** The HTTP side: every address this service answers stands in the list below. */
export function createApp(parts: AppParts): App {
  const { admission, observer, changes, fail } = parts;
  const { refuseSpent, keepPlace } = admission;
  const feeds = feedHandlers({ ...parts, refuseSpent, keepPlace });
  const articles = articleHandlers(parts);
  const health = healthHandlers(parts);
  const routes: readonly Route[] = [
    ['/feeds/*path', { get: feeds.feed }],
    ['/rss.xml', { get: feeds.alias('feeds/latest.rss') }],
    ['/feed', { get: feeds.alias('feeds/latest.rss') }],
    ['/atom.xml', { get: feeds.alias('feeds/latest.atom') }],
    ['/feed.json', { get: feeds.alias('feeds/latest.json') }],
    ['/media/*path', { get: mediaHandler(parts.mediaFolder) }],
    ['/api/openapi.json', { get: describeApi(parts) }],
    ['/api/articles', { get: articles.list, post: changes.bulk }],
    ['/api/articles/*path', { get: articles.read, put: changes.put, delete: changes.withdraw }],
    ['/healthz', { get: health.alive }],
    ['/readyz', { get: health.ready }],
  ];

  const app = express();
  app.disable('x-powered-by').set('etag', false).set('query parser', false).enable('strict routing');
  for (const [path, handlers] of routes) {
    if (handlers.get) app.get(path, ended(handlers.get));
    if (handlers.put) app.put(path, ended(handlers.put));
    if (handlers.post) app.post(path, ended(handlers.post));
    if (handlers.delete) app.delete(path, ended(handlers.delete));
    const methods = methodsOf(handlers);
    app.options(
      path,
      ended((_request, response) => respondWithMethods(response, methods)),
    );
    app.all(path, ended(methodNotAllowed(methods)));
  }
  app.use(notFound);
  app.use(errorHandler({ admission, fail }));

  /** Lets the next request in line begin when this one's work is done, not when its client has read the answer. */
  function ended(handler: Handler): Handler {
    return async (request, response, next) => {
      try {
        await handler(request, response, next);
      } finally {
        admission.end(request);
      }
    };
  }

  const { cachedResponse, pendingFileChanges, isKnownAddress } = feeds;
  return {
    tryFastPath: admission.tryFastPath({ getIfReady: cachedResponse, observer }),
    listener: admission.listener({
      getIfReady: cachedResponse,
      pendingFileChanges,
      isKnownAddress,
      fallback: app,
      observer,
      fail,
    }),
    unmetExpectation: admission.unmetExpectation(observer),
    unobserved: app,
  };
}

/** Loaded when somebody asks: it has all that records are read with. */
function describeApi({ version, publication }: Pick<AppParts, 'version' | 'publication'>): Handler {
  return async (request, response) => {
    const { openApi } = await import('./openapi.ts');
    respondWithJson(request, response, { body: openApi(version, publication.feedsUrl) });
  };
}

/** Express answers HEAD by GET. */
function methodsOf(handlers: Partial<Record<Method, Handler>>): string[] {
  const own = Object.keys(handlers).map((method) => method.toUpperCase());
  return [...(handlers.get ? ['GET', 'HEAD'] : []), ...own.filter((method) => method !== 'GET'), 'OPTIONS'];
}

function methodNotAllowed(methods: readonly string[]): Handler {
  return (request, response) => {
    const error = new PublisherError('method_not_allowed', `${request.method} is not a method of ${request.path}.`);
    respondWithError(request, response, error, { Allow: methods.join(', ') });
  };
}

const notFound: RequestHandler = (request) => {
  throw nothingAt(request.path);
};

function errorHandler({ admission, fail }: Pick<AppParts, 'admission' | 'fail'>): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    admission.end(request); // no handler may have had it
    if (request.socket.destroyed) return; // the client went away
    const known = publicError(error, fail);
    // A bulk request that ends early: its client must not take what came for all of it.
    if (response.headersSent) return response.destroy();
    respondWithError(request, response, known, HEADERS_FOR[known.code]);
  };
}

const HEADERS_FOR: Partial<Record<ErrorCode, Record<string, string>>> = {
  unauthorized: { 'WWW-Authenticate': 'Bearer' },
  request_timeout: { Connection: 'close' }, // what comes as slowly is not waited for
  store_unavailable: { 'Retry-After': '2' },
};

function publicError(error: unknown, fail: (error: unknown) => void): PublisherError {
  if (error instanceof PublisherError) {
    // Without a cause it is no failure here, and is told where it was seen.
    if (error.status >= 500 && error.cause !== undefined) fail(error.cause);
    return error;
  }
  // Express's own: a percent sign in the path that encodes nothing.
  if (error instanceof URIError) return new PublisherError('invalid_path', 'The path is not percent-encoded UTF-8.');
  fail(error);
  return new PublisherError('internal', 'Internal error');
}
