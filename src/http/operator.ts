import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { PublisherError } from '../errors.ts';
import type { Metrics } from '../metrics.ts';
import { type HealthParts, healthHandlers } from './health.ts';
import { respondWithError, respondWithText } from './respond.ts';

interface OperatorParts extends HealthParts {
  /** Called when metrics are asked for first. */
  readonly openMetrics: () => Promise<Metrics>;
  /** Told of an error that is nobody's but ours. */
  readonly fail: (error: unknown) => void;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The operator's own port: every address it answers. What is asked there is neither counted nor logged. */
export function createOperatorApp({ openMetrics, fail, ...parts }: OperatorParts): RequestListener {
  let metrics: Promise<Metrics> | undefined;
  const { alive, ready } = healthHandlers(parts);
  const routes: Readonly<Record<string, Handler>> = {
    '/healthz': alive,
    '/readyz': ready,
    '/metrics': async (request, response) => {
      metrics ??= openMetrics();
      const { contentType, text } = await metrics;
      respondWithText(request, response, { type: contentType, text: await text() });
    },
  };

  return (request, response) => {
    const [path = ''] = request.url?.split('?', 1) ?? [];
    const handle = Object.hasOwn(routes, path) ? routes[path] : undefined;
    if (handle === undefined) {
      const hint = `Here are ${Object.keys(routes).join(', ')}.`;
      return respondWithError(
        request,
        response,
        new PublisherError('not_found', `There is nothing at ${path}.`, { hint }),
      );
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      const error = new PublisherError('method_not_allowed', `${request.method} is not a method of ${path}.`);
      return respondWithError(request, response, error, { Allow: 'GET, HEAD' });
    }
    handle(request, response).catch((error) => {
      fail(error);
      respondWithError(request, response, new PublisherError('internal', 'Internal error'));
    });
  };
}
