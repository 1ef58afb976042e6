import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { Publication } from '../config/publication.ts';
import { excerpt, PublisherError } from '../errors.ts';
import { withoutKeys } from '../lib/redaction.ts';
import type { PartnersStatus } from '../pages/partner-status.ts';
import type { ServiceStatus } from '../pages/service-status.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { FOR_NEWSROOM } from './headers.ts';
import { type HealthParts, healthHandlers } from './health.ts';
import { listen, METRICS_OPTIONS } from './listen.ts';
import { isLocalName, isLoopback } from './local-name.ts';
import { createServer } from './node-http.ts';
import { respondWithBytes, respondWithError, respondWithText } from './respond.ts';
import { pathOf } from './target.ts';

interface OperatorParts extends HealthParts {
  /** Called for a request of metrics. */
  readonly openMetrics: () => Promise<Pick<Metrics, 'contentType' | 'text'>>;
  /** What `/status` shows, and with which icons. */
  readonly status: StatusParts;
  /** Reports an error that nobody expected. */
  readonly fail: (error: unknown) => void;
}

interface StatusParts {
  /** The one in force. */
  readonly publication: () => Publication;
  /** Has the icons of the publication. */
  readonly mediaFolder: string;
  /** Called for each request of the page. */
  readonly readStatus: () => Promise<ServiceStatus>;
  /** Called for each request of a page of partners. Resolves with undefined for a partner that there is not. */
  readonly readPartners: (question: PartnersQuestion) => Promise<PartnersStatus | undefined>;
}

/** Which partner, or where a list begins: behind that id. */
export type PartnersQuestion = { readonly partner: string } | { readonly after: string };

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

export interface MetricsAddress {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Whether the service refuses to start if the port is taken. Without it, the service starts without metrics. */
  readonly isRequired: boolean;
}

interface OperatorServer {
  readonly port: number;
  readonly close: () => void;
}

/** Milliseconds for a request's head to arrive. */
const HEAD_DEADLINE = 15_000;

/**
 * Serves metrics, health and the page of the status at a port of their own.
 *
 * @throws PublisherError `address_unavailable` where the port is required
 */
export async function serveOperator(
  parts: OperatorParts,
  address: MetricsAddress | undefined,
  log: Log,
): Promise<OperatorServer | undefined> {
  if (address === undefined) return undefined;
  const server = createServer({ headersTimeout: HEAD_DEADLINE });
  const isAllowed = (host: string | undefined) => !isOnLoopback(server) || isLocalName(host, address.host);
  server.on('request', createOperatorApp(parts, isAllowed));
  try {
    const port = await listen(server, { ...address, options: METRICS_OPTIONS });
    return {
      port,
      close() {
        server.close();
        server.closeAllConnections();
      },
    };
  } catch (error) {
    if (address.isRequired || !(error instanceof PublisherError)) throw error;
    log.warn({ reason: error.hint }, `The service starts without metrics. ${error.message}`);
    return undefined;
  }
}

/** Whether only this machine reaches a server: by the address at which it listens, to which any name may have led. */
function isOnLoopback(server: Server): boolean {
  const bound = server.address();
  return typeof bound !== 'object' || bound === null || isLoopback(bound.address);
}

/**
 * Every address of the operator's port. Its requests are neither counted nor logged.
 *
 * @param isAllowed whether the status may be read under the name in a Host header
 */
function createOperatorApp(
  { openMetrics, status, fail, ...parts }: OperatorParts,
  isAllowed: (host: string | undefined) => boolean,
): RequestListener {
  const { alive, ready } = healthHandlers(parts);
  const partners = partnerPages(status, { ...parts, fail });
  const routes: ReadonlyMap<string, Handler> = new Map([
    ['/healthz', alive],
    ['/readyz', ready],
    [
      '/metrics',
      async (request, response) => {
        const { contentType, text } = await openMetrics();
        respondWithText(request, response, { type: contentType, text: await text() });
      },
    ],
    ...statusRoutes(status, { ...parts, fail }),
    ['/partners', partners.list],
  ]);
  const shown = [...routes.keys()].filter((path) => path !== '/').join(', ');
  const handlerFor = (path: string) =>
    routes.get(path.toLowerCase()) ??
    (FILES.test(path) ? fileHandler(path, status) : undefined) ??
    (PARTNER.test(path) ? partners.one(path) : undefined);

  return (request, response) => {
    const path = pathOf(request.url);
    const handle = handlerFor(path);
    if (handle === undefined) return respondWithError(request, response, nothingHere(path, `This port has ${shown}.`));
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      const error = new PublisherError('method_not_allowed', `${path} does not allow ${request.method}.`);
      return respondWithError(request, response, error, { Allow: 'GET, HEAD' });
    }
    if (STATUS.test(path) && !isAllowed(request.headers.host))
      return respondWithError(request, response, foreignName(request.headers.host));
    handle(request, response).catch((error) => {
      if (error instanceof PublisherError) return respondWithError(request, response, error);
      fail(error);
      respondWithError(request, response, new PublisherError('internal', 'Internal error'));
    });
  };
}

/** What names articles under embargo, and what belongs to it. */
const STATUS = /^\/(?:$|status$|partners(?:\/|$)|pages\/|media\/|favicon\.ico$)/i;
/** The page of one partner. */
const PARTNER = /^\/partners\/([^/]+)$/i;

/** Where the files of the page are. */
const FILES = /^\/(?:(?:pages|media)\/.|favicon\.ico$)/;

function statusRoutes(
  { publication, readStatus }: StatusParts,
  { phase, fail }: Pick<OperatorParts, 'phase' | 'fail'>,
): [string, Handler][] {
  const reasonOf = reasonWith({ phase, fail });
  return [
    [
      '/status',
      async (request, response) => {
        const [{ respondWithStatus }, status] = await Promise.all([
          import('./operator-status.ts'),
          readStatus().catch(reasonOf),
        ]);
        respondWithStatus(request, response, { publication: publication(), status });
      },
    ],
    [
      '/',
      async (request, response) => {
        // Relative: a proxy may have this port below a path.
        respondWithBytes(request, response, {
          status: 303,
          headers: { ...FOR_NEWSROOM, Location: 'status', 'Content-Length': 0 },
        });
      },
    ],
  ];
}

type Failing = Pick<OperatorParts, 'phase' | 'fail'>;

/** Why a page cannot be made, in words for the operator. */
function reasonWith({ phase, fail }: Failing): (error: unknown) => PublisherError {
  return (error) => {
    if (!(error instanceof PublisherError)) {
      fail(error);
      return new PublisherError('internal', 'Internal error', { hint: 'The log has the reason.' });
    }
    if (error.code !== 'not_ready' || phase() === 'serving') return error;
    return new PublisherError('not_ready', `The service is ${phase()}.`, {
      hint: 'Reload this page in a few seconds.',
    });
  };
}

/** The pages of partners: the list, and one for each. */
function partnerPages({ publication, readPartners }: StatusParts, failing: Failing) {
  const reasonOf = reasonWith(failing);

  function handler(question: (url: string) => PartnersQuestion, root: string): Handler {
    return async (request, response) => {
      const asked = question(request.url ?? '');
      const [{ respondWithPartners }, found] = await Promise.all([
        import('./operator-status.ts'),
        readPartners(asked).catch(reasonOf),
      ]);
      const partners = found ?? noPartner(asked);
      respondWithPartners(request, response, { publication: publication(), partners, root });
    };
  }

  return {
    list: handler((url) => ({ after: new URLSearchParams(url.split('?')[1] ?? '').get('after') ?? '' }), ''),
    one(path: string): Handler {
      const id = decoded(PARTNER.exec(path)?.[1] ?? '');
      return handler(() => ({ partner: id }), '../');
    },
  };
}

function noPartner(asked: PartnersQuestion): PublisherError {
  const id = 'partner' in asked ? asked.partner : '';
  return new PublisherError('not_found', `There is no partner “${excerpt(withoutKeys(id))}”.`, {
    hint: 'The page of partners lists all of them.',
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function fileHandler(path: string, parts: StatusParts): Handler {
  return async (request, response) => {
    const { statusFile, respondWithFile } = await import('./operator-status.ts');
    const file = await statusFile(path, { ...parts, publication: parts.publication() });
    if (file === undefined) throw nothingHere(path, 'This port has the files of /status alone.');
    respondWithFile(request, response, file);
  };
}

function foreignName(host = ''): PublisherError {
  return new PublisherError('misdirected', `The name ${excerpt(host)} is not that of this machine.`, {
    hint: 'Open the status at the address of the metrics port, or as localhost. A proxy must send such a Host.',
  });
}

function nothingHere(path: string, hint: string): PublisherError {
  return new PublisherError('not_found', `There is nothing at ${path}.`, { hint });
}
