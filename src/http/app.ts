import type { RequestListener } from 'node:http';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import { type ErrorCode, isStoreDamage, PublisherError } from '../errors.ts';
import { FORMATS, feedPath, LATEST } from '../feed/feeds.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { ASSET_FOLDER } from '../pages/assets.ts';
import type { ChangeHandlers } from './article-changes.ts';
import { type ArticleParts, articleHandlers } from './articles.ts';
import { assetHandler } from './assets.ts';
import { errorPages } from './error-pages.ts';
import { type FeedParts, feedHandlers } from './feeds.ts';
import { type HealthParts, healthHandlers } from './health.ts';
import type { QueueSlots } from './load/queue-slots.ts';
import { mediaHandler } from './media.ts';
import { nearestAddress } from './nearest-address.ts';
import { feedListHandler } from './overviews.ts';
import { type IndexParts, indexHandler } from './pages.ts';
import { nothingAt, respondWithError, respondWithErrorPage, respondWithJson, respondWithMethods } from './respond.ts';
import { isApi, isWholeServer } from './target.ts';

export interface AppParts extends Omit<FeedParts, 'keepSlot'>, Omit<IndexParts, 'keepSlot'>, ArticleParts, HealthParts {
  readonly slots: Pick<QueueSlots, 'keep' | 'release'>;
  readonly changes: ChangeHandlers;
  readonly listProblems: Handler;
  readonly showStatus: Handler;
  readonly mediaFolder: string;
  readonly version: string;
  /** Reports an error that nobody expected. */
  readonly fail: (error: unknown) => void;
}

type Method = 'get' | 'put' | 'post' | 'delete';
type Handler = RequestHandler<{ path: string[] }>;
type Route = readonly [path: string, handlers: Partial<Record<Method, Handler>>];

/** The Express app: every address that the service answers stands in the list below. */
export function createApp(parts: AppParts): RequestListener {
  const { slots, changes, listProblems, showStatus, fail } = parts;
  const feeds = feedHandlers({ ...parts, keepSlot: slots.keep });
  const articles = articleHandlers(parts);
  const health = healthHandlers({ ...parts, check: () => parts.check().catch(throwWithoutNames) });
  const pages: readonly Route[] = [
    ['/', { get: indexHandler({ ...parts, keepSlot: slots.keep }) }],
    [`/${ASSET_FOLDER}/*path`, { get: assetHandler(parts.publication) }],
  ];
  const routes: readonly Route[] = [
    ...(parts.publication.pages === undefined ? [] : pages),
    ['/feeds/*path', { get: feeds.feed }],
    ['/rss.xml{/}', { get: feeds.latest('rss') }],
    ['/atom.xml{/}', { get: feeds.latest('atom') }],
    ['/feed.json{/}', { get: feeds.latest('json') }],
    // WordPress gives its feeds these addresses.
    ['/feed{/}', { get: feeds.latest('rss') }],
    ['/feed/rss{/}', { get: feeds.latest('rss') }],
    ['/feed/rss2{/}', { get: feeds.latest('rss') }],
    ['/feed/rdf{/}', { get: feeds.latest('rss') }],
    ['/feed/atom{/}', { get: feeds.latest('atom') }],
    ['/feed/json{/}', { get: feeds.latest('json') }],
    ['/media/*path', { get: mediaHandler({ ...parts, releaseSlot: slots.release }) }],
    ['/api/openapi.json', { get: describeApi(parts) }],
    ['/api/articles', { get: articles.list, post: changes.bulk }],
    // Below an article's address, `read` answers …/feeds and …/history as well: an id may end in these words.
    ['/api/articles/*path', { get: articles.read, put: changes.put, delete: changes.withdraw }],
    ['/api/feeds', { get: feedListHandler(parts) }],
    ['/api/problems', { get: listProblems }],
    ['/api/status', { get: showStatus }],
    ['/healthz', { get: health.alive }],
    ['/readyz', { get: health.ready }],
  ];

  const app = express();
  app.disable('x-powered-by').set('etag', false).set('query parser', false).enable('strict routing');
  app.use(wholeServer(routes)); // before the route of “/”, which Express finds in a target without a path
  for (const [path, handlers] of routes) {
    if (handlers.get) app.get(path, releasing(handlers.get));
    if (handlers.put) app.put(path, releasing(handlers.put));
    if (handlers.post) app.post(path, releasing(handlers.post));
    if (handlers.delete) app.delete(path, releasing(handlers.delete));
    const methods = methodsOf(handlers);
    app.options(
      path,
      releasing((request, response) => respondWithMethods(request, response, methods)),
    );
    app.all(path, releasing(methodNotAllowed(methods)));
  }
  app.use(notFound(routes));
  app.use(errorHandler({ slots, fail, publication: parts.publication }));
  return app;

  /** The next request may begin when the work on this one is done, not when its client has read the answer. */
  function releasing(handler: Handler): Handler {
    return async (request, response, next) => {
      try {
        await handler(request, response, next);
      } finally {
        slots.release(request);
      }
    };
  }
}

/** Loads the description with the first request: it imports the schema of records. A start does not need it. */
function describeApi({ version, publication }: Pick<AppParts, 'version' | 'publication'>): Handler {
  return async (request, response) => {
    const { openApi } = await import('./openapi.ts');
    respondWithJson(request, response, { body: openApi(version, publication) });
  };
}

/** Express answers HEAD with the GET handler. */
function methodsOf(handlers: Partial<Record<Method, Handler>>): string[] {
  const own = Object.keys(handlers).map((method) => method.toUpperCase());
  return [...(handlers.get ? ['GET', 'HEAD'] : []), ...own.filter((method) => method !== 'GET'), 'OPTIONS'];
}

function methodNotAllowed(methods: readonly string[]): Handler {
  return (request, response) => {
    const error = new PublisherError('method_not_allowed', `${request.path} does not allow ${request.method}.`);
    respondWithError(request, response, error, { Allow: methods.join(', ') });
  };
}

/** Answers OPTIONS of the server as a whole (RFC 9110 §9.3.7) with every method of every route. */
function wholeServer(routes: readonly Route[]): RequestHandler {
  const methods = [...new Set(routes.flatMap(([, handlers]) => methodsOf(handlers)))];
  return (request, response, next) => {
    if (request.method === 'OPTIONS' && isWholeServer(request.url)) respondWithMethods(request, response, methods);
    else next();
  };
}

function notFound(routes: readonly Route[]): RequestHandler {
  const fixed = routes.map(([path]) => path.replace('{/}', '')).filter((path) => !path.includes('*'));
  const addresses = [...fixed, ...FORMATS.map((format) => `/${feedPath(LATEST, format)}`)];
  return (request) => {
    throw nothingAt(request.path, nearestAddress(request.path, addresses));
  };
}

function errorHandler({
  slots,
  fail,
  publication,
}: Pick<AppParts, 'slots' | 'fail' | 'publication'>): ErrorRequestHandler {
  const choose = errorPages(publication);
  return (error: unknown, request, response, _next) => {
    slots.release(request); // no handler may have seen the request
    if (request.socket.destroyed) return; // the client left
    const known = publicError(error, fail);
    // A bulk answer that breaks: its client must not take these lines for all of it.
    if (response.headersSent) return response.destroy();
    const shown = isApi(request.url) ? known : withoutNames(known);
    const choice = choose(request, shown);
    if (choice?.page !== undefined)
      return choice.page.then((parts) => respondWithErrorPage(request, response, { error: shown, ...parts }));
    // A cache keeps a 410: browsers get another one.
    const vary = choice === undefined ? {} : { Vary: 'Accept' };
    respondWithError(request, response, shown, { ...HEADERS_FOR[shown.code], ...vary });
  };
}

const HEADERS_FOR: Partial<Record<ErrorCode, Record<string, string>>> = {
  unauthorized: { 'WWW-Authenticate': 'Bearer' },
  request_timeout: { Connection: 'close' }, // the service does not wait for the rest
  store_unavailable: { 'Retry-After': '2' },
  store_damaged: { 'Retry-After': '300' }, // somebody has to mend it
};

/** What is damaged may be an article under embargo: only the API, the log and the operator's port name it. */
function withoutNames(error: PublisherError): PublisherError {
  if (error.code !== 'store_damaged') return error;
  return new PublisherError('store_damaged', 'The store is damaged.', omitUndefined({ hint: error.hint }));
}

function throwWithoutNames(error: unknown): never {
  throw error instanceof PublisherError ? withoutNames(error) : error;
}

function publicError(error: unknown, fail: (error: unknown) => void): PublisherError {
  if (error instanceof PublisherError) {
    // The place that saw an error without a cause has reported it.
    if (error.status >= 500 && error.cause !== undefined && !isStoreDamage(error)) fail(error.cause);
    return error;
  }
  // Express throws it for a percent sign that encodes nothing.
  if (error instanceof URIError)
    return new PublisherError('invalid_path', 'The path is not valid percent-encoded UTF-8.');
  fail(error);
  return new PublisherError('internal', 'Internal error');
}
