import type { IncomingMessage, RequestListener } from 'node:http';
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import type { Publication } from '../config/publication.ts';
import { COMMON_ADDRESSES } from '../config/redirects/known-systems.ts';
import { type ErrorCode, isStoreDamage, PublisherError } from '../errors.ts';
import { FORMATS, feedPath, LATEST } from '../feed/feeds.ts';
import { omitUndefined } from '../lib/omit-undefined.ts';
import { ASSET_FOLDER } from '../pages/assets.ts';
import type { DeliveryRecorder } from '../partner/deliveries.ts';
import type { ChangeHandlers } from './article-changes.ts';
import { articleHandlers } from './articles.ts';
import { assetHandler } from './assets.ts';
import { type CdnHeaders, tagOther } from './cdn-headers.ts';
import { type DeliveryOverviewParts, deliveryListHandler, withdrawalListHandler } from './delivery-overviews.ts';
import { errorPages } from './error-pages.ts';
import { faviconHandler } from './favicon.ts';
import { type FeedParts, feedHandlers } from './feeds.ts';
import { type HealthParts, healthHandlers } from './health.ts';
import type { QueueSlots } from './load/queue-slots.ts';
import { mediaHandler } from './media.ts';
import { nearestAddress } from './nearest-address.ts';
import { type OldAddressParts, oldAddressHandlers } from './old-addresses.ts';
import { outboxHandler } from './outbox.ts';
import { feedListHandler } from './overviews.ts';
import { type IndexParts, indexHandler } from './pages.ts';
import { PARTNER_CHALLENGE } from './partner-authorization.ts';
import { type PartnerParts, partnerHandler } from './partner-feeds.ts';
import { partnerListHandler, skippedListHandler } from './partner-overviews.ts';
import { isPartner, redactedPath } from './partner-target.ts';
import { nothingAt, respondWithError, respondWithErrorPage, respondWithJson, respondWithMethods } from './respond.ts';
import { schemaHandler } from './schemas.ts';
import { type SiteFileParts, siteFileRoutes } from './site-files.ts';
import { isApi, isProbe, isWholeServer } from './target.ts';
import { termsRoutes } from './terms.ts';

export interface AppParts
  extends Omit<FeedParts, 'keepSlot' | 'answerOldAddress'>,
    Omit<IndexParts, 'keepSlot'>,
    Omit<SiteFileParts, 'keepSlot'>,
    OldAddressParts,
    Omit<PartnerParts, 'keepSlot' | 'answerAgain' | 'answerError' | 'answerOldAddress' | 'store' | 'recorder'>,
    DeliveryOverviewParts,
    HealthParts {
  readonly slots: Pick<QueueSlots, 'keep' | 'release'>;
  readonly recorder: Pick<DeliveryRecorder, 'begin' | 'save'>;
  readonly changes: ChangeHandlers;
  readonly listProblems: Handler;
  readonly showStatus: Handler;
  readonly mediaFolder: string;
  readonly version: string;
  /** Reports an error that nobody expected. */
  readonly fail: (error: unknown) => void;
  /** The app that takes requests instead, with another publication; undefined while this one does. */
  readonly successor?: () => RequestListener | undefined;
}

type Method = 'get' | 'put' | 'post' | 'delete';
type Handler = RequestHandler<{ path: string[] }>;
type Route = readonly [path: string, handlers: Partial<Record<Method, Handler>>];

/** The Express app: every address that the service answers stands in the list below. */
export function createApp(parts: AppParts): RequestListener {
  const { slots, changes, listProblems, showStatus } = parts;
  const oldAddresses = oldAddressHandlers(parts);
  const handleError = errorHandler(parts);
  const feeds = feedHandlers({ ...parts, keepSlot: slots.keep, answerOldAddress: oldAddresses.answer });
  const articles = articleHandlers(parts);
  const health = healthHandlers({ ...parts, check: () => parts.check().catch(throwWithoutNames) });
  const pages: readonly Route[] = [
    ['/', { get: oldAddresses.before(indexHandler({ ...parts, keepSlot: slots.keep })) }],
    [`/${ASSET_FOLDER}/*path`, { get: assetHandler(parts.publication) }],
  ];
  const routes: readonly Route[] = [
    ...(parts.publication.pages === undefined ? [] : pages),
    ['/feeds/*path', { get: feeds.feed }],
    [
      '/partners/*path',
      {
        get: partnerHandler({
          ...parts,
          ...{ keepSlot: slots.keep, answerAgain, answerError, answerOldAddress: oldAddresses.answer },
        }),
      },
    ],
    ...siteFileRoutes({ ...parts, keepSlot: slots.keep }).map(([path, get]): Route => [path, { get }]),
    ...termsRoutes(parts).map(([path, get]): Route => [path, { get }]),
    ['/favicon.ico', { get: faviconHandler(parts) }],
    ['/media/*path', { get: mediaHandler({ ...parts, releaseSlot: slots.release }) }],
    ['/schema/record.json', { get: schemaHandler('record', parts) }],
    ['/schema/publication.json', { get: schemaHandler('publication', parts) }],
    ['/schema/partner.json', { get: schemaHandler('partner', parts) }],
    ['/api/openapi.json', { get: describeApi(parts) }],
    ['/api/articles', { get: articles.list, post: changes.bulk }],
    // Below an article's address, `read` answers …/feeds and …/history as well: an id may end in these words.
    ['/api/articles/*path', { get: articles.read, put: changes.put, delete: changes.withdraw }],
    ['/api/feeds', { get: feedListHandler(parts) }],
    ['/api/problems', { get: listProblems }],
    ['/api/status', { get: showStatus }],
    ['/api/outbox', { get: outboxHandler(parts) }],
    ['/api/partners', { get: partnerListHandler(parts) }],
    ['/api/partners/:partner/skipped', { get: skippedListHandler(parts) }],
    ['/api/partners/:partner/deliveries', { get: deliveryListHandler(parts) }],
    ['/api/withdrawals', { get: withdrawalListHandler(parts) }],
    ['/healthz', { get: health.alive }],
    ['/readyz', { get: health.ready }],
  ];

  const app = express();
  app.disable('x-powered-by').set('etag', false).set('query parser', false).enable('strict routing');
  if (parts.cdn !== undefined) app.use(tagging(parts.cdn));
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
  app.use(releasing(oldAddresses.handle));
  app.use(notFound(routes, parts.publication));
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) =>
    handleError(error, request, response),
  );
  return app;

  /** Answers a request that has waited while another publication may have come into force. */
  function answerAgain(request: IncomingMessage, response: Response): void {
    (parts.successor?.() ?? app)(request, response);
  }

  /** Answers a request that Express has forgotten. */
  function answerError(error: unknown, request: Request, response: Response): void {
    Promise.resolve(handleError(error, request, response)).catch((failure: unknown) => {
      parts.fail(failure);
      response.destroy();
    });
  }

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
    const error = new PublisherError(
      'method_not_allowed',
      `${redactedPath(request.url)} does not allow ${request.method}.`,
    );
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

/** Tags what everybody may have. */
function tagging(cdn: CdnHeaders): RequestHandler {
  return (request, response, next) => {
    if (!isApi(request.url) && !isPartner(request.url) && !isProbe(request.url)) tagOther(cdn, request, response);
    next();
  };
}

function notFound(routes: readonly Route[], { builtInRedirects }: Publication): RequestHandler {
  const fixed = routes.map(([path]) => path).filter((path) => !/[*:]/.test(path));
  const common = builtInRedirects.includes('common') ? COMMON_ADDRESSES : [];
  const addresses = [...common, ...fixed, ...FORMATS.map((format) => `/${feedPath(LATEST, format)}`)];
  return (request) => {
    throw nothingAt(request.path, nearestAddress(request.path, addresses));
  };
}

type AnswerError = (error: unknown, request: Request, response: Response) => unknown;

function errorHandler({
  slots,
  fail,
  publication,
  successor,
}: Pick<AppParts, 'slots' | 'fail' | 'publication' | 'successor'>): AnswerError {
  const choose = errorPages(publication);
  return (error, request, response) => {
    slots.release(request); // no handler may have seen the request
    if (request.socket.destroyed) return; // the client left
    const next = successor?.();
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (next !== undefined && isRead && !response.headersSent) return next(request, response);
    const known = publicError(error, fail);
    // A bulk answer that breaks: its client must not take these lines for all of it.
    if (response.headersSent) return response.destroy();
    const shown = isApi(request.url) ? known : withoutNames(known);
    const choice = choose(request, shown);
    if (choice?.page !== undefined)
      return choice.page.then((parts) => respondWithErrorPage(request, response, { error: shown, ...parts }));
    // A cache keeps a 410: browsers get another one.
    const vary = choice === undefined ? {} : { Vary: 'Accept' };
    respondWithError(request, response, shown, { ...headersFor(request, shown), ...vary });
  };
}

function headersFor({ url }: Pick<Request, 'url'>, { code }: PublisherError): Record<string, string> {
  if (code === 'unauthorized' && isPartner(url)) return { 'WWW-Authenticate': PARTNER_CHALLENGE };
  return HEADERS_FOR[code] ?? {};
}

const HEADERS_FOR: Partial<Record<ErrorCode, Record<string, string>>> = {
  unauthorized: { 'WWW-Authenticate': 'Bearer' },
  request_timeout: { Connection: 'close' }, // the service does not wait for the rest
  store_unavailable: { 'Retry-After': '2' },
  store_damaged: { 'Retry-After': '300' }, // somebody has to mend it
  database_unavailable: { 'Retry-After': '5' },
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
