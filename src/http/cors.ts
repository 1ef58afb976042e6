import type { IncomingMessage, ServerResponse } from 'node:http';
import { isApi } from './target.ts';

/** What a web page of a listed origin may send to the API and read of its answers (Fetch §3.3). */
const EXPOSED = 'ETag, Location';
const ALLOWED = 'Authorization, Content-Type, If-Match, If-None-Match';
/** Seconds for which a browser may keep the answer to a preflight: a removed origin is out after that time. */
const PREFLIGHT_LIFETIME = 3600;

/**
 * Lets web pages of these origins use the API. Every other page may read every public answer, and nothing of the API:
 * its answers carry no permission, errors included.
 *
 * @param origins as browsers send them; compared exactly
 * @returns a function that prepares the response to each request, before anything answers it
 */
export function createApiCors(
  origins: readonly string[],
): (request: IncomingMessage, response: ServerResponse) => void {
  const allowed = new Set(origins);
  return ({ url, method, headers: { origin, 'access-control-request-method': requested } }, response) => {
    if (allowed.size === 0 || !isApi(url)) return;
    response.setHeader('Vary', 'Origin'); // also without an Origin: the same address answers others differently
    if (origin === undefined || !allowed.has(origin)) return;
    response.setHeader('Access-Control-Allow-Origin', origin);
    if (method !== 'OPTIONS' || requested === undefined) response.setHeader('Access-Control-Expose-Headers', EXPOSED);
    else {
      response.setHeader('Access-Control-Allow-Headers', ALLOWED);
      response.setHeader('Access-Control-Max-Age', PREFLIGHT_LIFETIME);
    }
  };
}

/** Whether `createApiCors` has allowed a request. */
export function isAllowed(response: ServerResponse): boolean {
  return response.hasHeader('Access-Control-Allow-Origin');
}
