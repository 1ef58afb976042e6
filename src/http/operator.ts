import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { PublisherError } from '../errors.ts';
import type { ServiceStatus } from '../pages/service-status.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type HealthParts, healthHandlers } from './health.ts';
import { listen, METRICS_OPTIONS } from './listen.ts';
import { createServer } from './node-http.ts';
import { respondWithError, respondWithText } from './respond.ts';
import { pathOf } from './target.ts';

interface OperatorParts extends HealthParts {
  /** Called for a request of metrics. */
  readonly openMetrics: () => Promise<Pick<Metrics, 'contentType' | 'text'>>;
  /** Called for a request of the status. */
  readonly readStatus: () => Promise<ServiceStatus>;
  /** Reports an error that nobody expected. */
  readonly fail: (error: unknown) => void;
}

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
 * Serves metrics and health at a port of their own.
 *
 * @throws PublisherError `address_unavailable` where the port is required
 */
export async function serveOperator(
  parts: OperatorParts,
  address: MetricsAddress | undefined,
  log: Log,
): Promise<OperatorServer | undefined> {
  if (address === undefined) return undefined;
  const server = createServer({ headersTimeout: HEAD_DEADLINE }, createOperatorApp(parts));
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

/** Every address of the operator's port. Its requests are neither counted nor logged. */
function createOperatorApp({ openMetrics, fail, ...parts }: OperatorParts): RequestListener {
  const { alive, ready } = healthHandlers(parts);
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
  ]);

  return (request, response) => {
    const path = pathOf(request.url);
    const handle = routes.get(path.toLowerCase());
    if (handle === undefined) {
      const hint = `This port has ${[...routes.keys()].join(', ')}.`;
      return respondWithError(
        request,
        response,
        new PublisherError('not_found', `There is nothing at ${path}.`, { hint }),
      );
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      const error = new PublisherError('method_not_allowed', `${path} does not allow ${request.method}.`);
      return respondWithError(request, response, error, { Allow: 'GET, HEAD' });
    }
    handle(request, response).catch((error) => {
      fail(error);
      respondWithError(request, response, new PublisherError('internal', 'Internal error'));
    });
  };
}
