import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { excerpt, PublisherError } from '../errors.ts';

/** Bytes of a request's head. */
export const HEAD_BYTES = 16 * 1024;
/** Fields of a request's head. */
const MOST_FIELDS = 100;

/** Why Node's parser refused a request, by the code of its error. */
export function reasonOf({ code }: { readonly code?: string }): PublisherError {
  if (code === 'HPE_HEADER_OVERFLOW') return headTooLarge(`more than ${HEAD_BYTES} bytes`);
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new PublisherError('request_timeout', 'The request did not arrive in time.');
  return malformed('This is not a valid HTTP/1.1 request.');
}

/** What is wrong with the head of a request that Node's parser accepts; undefined where nothing is. Runs for every request. */
export function wrongHead({ rawHeaders, headers, httpVersion }: IncomingMessage): PublisherError | undefined {
  if (rawHeaders.length > MOST_FIELDS * 2) return headTooLarge(`more than ${MOST_FIELDS} fields`);
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  // RFC 9112 §3.2. HTTP/1.0 needs no Host.
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) {
    return malformed(`A request has exactly one Host header; this one has ${hosts === 0 ? 'none' : hosts}.`);
  }
  const { connection, 'transfer-encoding': coding } = headers;
  if (coding !== undefined) {
    const wrong = wrongCoding(coding, httpVersion);
    if (wrong !== undefined) return wrong;
  }
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return undefined;
  return wrongConnection(headers);
}

/** Node reads the chunks of a body whose chunks hold compressed bytes, and of HTTP/1.0 (RFC 9112 §6.1). */
function wrongCoding(coding: string, httpVersion: string): PublisherError | undefined {
  if (httpVersion !== '1.1') return malformed(`HTTP/${httpVersion} has no Transfer-Encoding: send Content-Length.`);
  if (coding.toLowerCase() === 'chunked') return undefined;
  return malformed(`The service does not know the Transfer-Encoding “${excerpt(coding)}”: send chunked alone.`);
}

/**
 * A proxy drops the fields that Connection names (RFC 9110 §7.6.1). If it drops one of these, it and the next server read
 * two different requests in one message.
 */
function wrongConnection(headers: IncomingHttpHeaders): PublisherError | undefined {
  const wrong = connectionOptions(headers).find(isOfMessage);
  if (wrong === undefined) return undefined;
  return malformed(`Connection must not name “${excerpt(wrong)}”: this field is for every recipient.`, {
    hint: 'Send the request with Connection: keep-alive or close, or without Connection.',
  });
}

/** The names in Connection, in small letters (RFC 9110 §7.6.1). */
export function connectionOptions({ connection = '' }: IncomingHttpHeaders): string[] {
  return connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
}

const OF_MESSAGE: ReadonlySet<string> = new Set(['authorization', 'host', 'transfer-encoding']);

/** Whether a field decides what a request means: its framing, its content, a condition, its host or its key. */
function isOfMessage(name: string): boolean {
  return OF_MESSAGE.has(name) || name.startsWith('content-') || name.startsWith('if-');
}

/** The error for CONNECT (RFC 9110 §9.3.6). */
export function noProxy(): PublisherError {
  return malformed('This service is no proxy: it does not allow CONNECT.', {
    hint: 'Send the request without a proxy, or to a proxy.',
  });
}

/** The error for an expectation that the service does not know (RFC 9110 §10.1.1). */
export function unknownExpectation({ headers }: IncomingMessage): PublisherError {
  return new PublisherError(
    'expectation_failed',
    `The service does not know the expectation “${excerpt(headers.expect)}”.`,
    {
      hint: 'Send the request without Expect, or with 100-continue.',
    },
  );
}

function headTooLarge(what: string): PublisherError {
  return new PublisherError('headers_too_large', `The request’s head has ${what}.`);
}

function malformed(message: string, details: { readonly hint?: string } = {}): PublisherError {
  return new PublisherError('malformed_request', message, details);
}
