import { constants, isUtf8 } from 'node:buffer';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Response } from 'undici';
import { excerpt, PublisherError } from '../../errors.ts';
import { parseHttpDate } from '../../lib/instant.ts';
import { PrivateNetworkError, type Reach, request } from './requests.ts';

/** Sent with the next request for the same address, so that the server can answer that nothing has changed. */
export interface Validators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

/** The answer to a request for an address. */
export interface Download {
  /** After redirects. */
  readonly url: string;
  /** Whether it came from a private network: what it names may be there as well. */
  readonly isPrivate?: boolean;
  /** Without gzip. */
  readonly bytes: Buffer;
  /** The media type of `Content-Type` in lower case, without parameters; empty without one. */
  readonly type: string;
  /** The encoding of an XML document; undefined if the document itself decides. */
  readonly charset: string | undefined;
  /** The `Link` header; empty without one. */
  readonly link: string;
  readonly validators: Validators;
}

interface DownloadOptions extends Partial<Reach> {
  /** Media types for the `Accept` header. */
  readonly accept?: string;
  /** Most bytes. */
  readonly limit?: number;
  readonly validators?: Validators;
  /** Ends the download. */
  readonly signal?: AbortSignal | undefined;
}

export const MiB = 1024 * 1024;
/** Most bytes of a feed or a list of records: 512 MiB, less the few bytes that a string cannot have. */
const MAX_BYTES = Math.min(512 * MiB, constants.MAX_STRING_LENGTH);
/** Milliseconds for everything to arrive. */
const TIMEOUT = 60_000;
const FEEDS =
  'application/feed+json, application/atom+xml, application/rss+xml, application/xml;q=0.9, text/html;q=0.8, */*;q=0.7';
const USER_AGENT = 'feed-publisher-import';

/**
 * Downloads an address. Returns undefined if nothing has changed since the validators. Without options, neither the address
 * nor a redirect may lead into a private network.
 *
 * @throws PublisherError `unreachable_source`, `too_large`
 * @throws the reason of the signal
 */
export async function download(address: string, options: DownloadOptions = {}): Promise<Download | undefined> {
  const { limit = MAX_BYTES, signal, mayBePrivate = false, allowPrivate = false } = options;
  refuseCredentials(address);
  try {
    const init = {
      headers: headersFor(options),
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT), ...(signal === undefined ? [] : [signal])]),
    };
    const { response, url, isPrivate } = await request(address, init, { mayBePrivate, allowPrivate });
    if (response.status === 304 && isConditional(options)) return undefined;
    if (!response.ok || response.body === null) {
      await response.body?.cancel(); // else its connection stays open until the garbage collector finds it
      throw refusedBy(address, response);
    }
    const bytes = await unzipped(await readAll(response.body, limit, address), limit, address);
    return {
      url,
      isPrivate,
      bytes,
      ...contentType(response.headers.get('Content-Type') ?? '', bytes),
      link: response.headers.get('Link') ?? '',
      validators: {
        etag: response.headers.get('ETag') ?? undefined,
        lastModified: response.headers.get('Last-Modified') ?? undefined,
      },
    };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof PublisherError) throw error;
    if (error instanceof PrivateNetworkError) throw unreachable(address, privateNetworkHint(error, address));
    throw unreachable(address, `${networkReason(error)}. Check the address.`, { cause: error });
  }
}

function headersFor({ accept = FEEDS, validators = {} }: DownloadOptions): Record<string, string> {
  const { etag, lastModified } = validators;
  return {
    Accept: accept,
    'User-Agent': USER_AGENT,
    ...(etag === undefined ? {} : { 'If-None-Match': etag }),
    ...(lastModified === undefined ? {} : { 'If-Modified-Since': lastModified }),
  };
}

function isConditional({ validators: { etag, lastModified } = {} }: DownloadOptions): boolean {
  return etag !== undefined || lastModified !== undefined;
}

function refuseCredentials(address: string): void {
  const url = URL.parse(address);
  if (url === null || `${url.username}${url.password}` === '') return;
  url.username = '';
  url.password = '';
  const hint = 'The address has a user name or a password, which import does not send';
  throw unreachable(url.href, `${hint}: import an export of the old system.`);
}

function privateNetworkHint({ url }: PrivateNetworkError, address: string): string {
  const place = url === new URL(address).href ? 'The address is' : `The server redirects to ${url}, which is`;
  return `${place} in a private network, and the source is not. Add --allow-private if you trust the source.`;
}

function unreachable(
  address: string,
  hint: string,
  details: { readonly cause?: unknown; readonly retryAfter?: number } = {},
): PublisherError {
  return new PublisherError('unreachable_source', `Nothing can be read from ${address}.`, { hint, ...details });
}

function refusedBy(address: string, { status, headers }: Response): PublisherError {
  const retryAfter = secondsIn(headers.get('Retry-After') ?? '');
  const hint = `The server answered with status ${status}. ${adviceFor(status)}`;
  return unreachable(address, hint, retryAfter > 0 ? { retryAfter } : {});
}

/** The seconds of `Retry-After`, which may be a date (RFC 9110 §10.2.3); 0 for any other text. */
function secondsIn(retryAfter: string): number {
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter);
  const date = parseHttpDate(retryAfter);
  return date === undefined ? 0 : Math.ceil((date - Date.now()) / 1000);
}

function adviceFor(status: number): string {
  if (PASSING_STATUS.test(`status ${status}`)) return 'Try again later.';
  if (status === 401 || status === 403)
    return 'It refuses access: ask its operator, or import an export of the old system.';
  return 'Check the address.';
}

/** In the hint of a failure: the server was busy or broken. */
const PASSING_STATUS = /status (?:408|425|429|5\d\d)\b/;

/** Whether a download that failed may succeed later: the network failed, or the server was busy or broken. */
export function mayPass({ code, cause, hint = '' }: PublisherError): boolean {
  return code === 'unreachable_source' && (cause !== undefined || PASSING_STATUS.test(hint));
}

const NETWORK_REASONS: ReadonlyMap<string, string> = new Map([
  ['ENOTFOUND', 'No server has this name'],
  ['EAI_AGAIN', 'The name server does not answer'],
  ['ECONNREFUSED', 'No server listens at this address'],
  ['ECONNRESET', 'The server closed the connection'],
  ['EPIPE', 'The server closed the connection'],
  ['UND_ERR_SOCKET', 'The server closed the connection before its answer was complete'],
  ['ETIMEDOUT', 'The server does not answer'],
  ['EHOSTUNREACH', 'No way leads to the server'],
  ['ENETUNREACH', 'No way leads to the server'],
  ['UND_ERR_CONNECT_TIMEOUT', 'The server does not answer'],
  ['UND_ERR_HEADERS_TIMEOUT', 'The server does not answer'],
  ['UND_ERR_BODY_TIMEOUT', 'The server stopped in the middle of its answer'],
  ['UND_ERR_HEADERS_OVERFLOW', 'The headers of the answer are longer than 16 kB'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'The answer has another length than its header Content-Length says'],
  ['ERR_ASSERTION', 'The answer breaks the rules of HTTP'],
  ['ERR_INVALID_URL', 'The address is not valid'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'The server speaks no TLS on this port: try http: instead of https:'],
  ['CERT_HAS_EXPIRED', 'The certificate of the server has expired'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'The certificate of the server is for another name'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'The certificate of the server comes from no known authority'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'The certificate of the server comes from no known authority'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'The certificate of the server comes from no known authority'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'The certificate of the server comes from no known authority'],
]);

/** The failures of `fetch` that have no code, by the beginning of their text. */
const FETCH_REASONS: readonly (readonly [beginning: string, reason: string])[] = [
  ['bad port', 'This port belongs to another service than the web, and fetch sends no requests to it'],
  ['redirect count exceeded', 'The server redirects from address to address without an end'],
  ['URL scheme must be a HTTP(S) scheme', 'The server redirects to an address that is neither http nor https'],
  ['unknown scheme', 'The server redirects to an address that is neither http nor https'],
  ['cross origin not allowed', 'The server redirects to an address with a user name or a password'],
  ['too many content-encodings', 'The answer is compressed too often'],
];

/** Describes why a request got no answer. `fetch` hides the reason in the cause of its error. */
function networkReason(error: unknown): string {
  if (!(error instanceof Error)) return `The request failed: ${String(error)}`;
  if (error.name === 'TimeoutError') return `The server did not send everything within ${TIMEOUT / 1000} s`;
  const cause = error.cause instanceof AggregateError ? error.cause.errors[0] : (error.cause ?? error);
  const code = cause instanceof Error && 'code' in cause ? String(cause.code ?? '') : '';
  const reason = NETWORK_REASONS.get(code);
  if (reason !== undefined) return `${reason} (${code})`;
  const text = excerpt(cause instanceof Error ? cause.message : String(cause));
  if (cause instanceof Error && cause.name === 'HTTPParserError')
    return `The answer breaks the rules of HTTP (${/\(([^()]+)\)/.exec(text)?.[1] ?? text})`;
  if (isOfDecompression(cause)) return `The answer is not compressed as its header Content-Encoding says (${code})`;
  const [, known] = FETCH_REASONS.find(([beginning]) => text.startsWith(beginning)) ?? [];
  return known ?? `The request failed (${code === '' ? text : `${code}: ${text}`})`;
}

/** Whether `node:zlib` failed: its errors have a number, as those of the system, but no system call. */
function isOfDecompression(error: unknown): boolean {
  return error instanceof Error && 'errno' in error && !('syscall' in error);
}

async function readAll(chunks: AsyncIterable<Uint8Array>, limit: number, address: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > limit) throw tooLarge(limit, address);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

function tooLarge(limit: number, address: string): PublisherError {
  return new PublisherError('too_large', `The download is longer than ${Math.round(limit / MiB)} MB: ${address}`, {
    hint: 'Save it to a file, and import the file.',
  });
}

const gunzipped = promisify(gunzip);

function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** `fetch` decodes what the server compressed for the transfer. An address may also be that of a compressed file. */
async function unzipped(bytes: Buffer, limit: number, address: string): Promise<Buffer> {
  if (!isGzip(bytes)) return bytes;
  try {
    return await gunzipped(bytes, { maxOutputLength: limit });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE')
      throw tooLarge(limit, address);
    throw unreachable(address, 'The gzip file there is damaged or incomplete.', { cause });
  }
}

function contentType(header: string, bytes: Buffer): Pick<Download, 'type' | 'charset'> {
  const type = header.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const declared = /;\s*charset\s*=\s*["']?([^\s;"']+)/i.exec(header)?.[1];
  return { type, charset: declared === undefined ? undefined : charsetOf(declared, bytes) };
}

/**
 * The `charset` of Content-Type comes before the declaration of the document (RFC 7303 §3). It does not count if it is
 * unknown or cannot be true: many servers call everything ISO-8859-1 or UTF-8. Text beyond ASCII in another encoding is
 * practically never valid UTF-8.
 */
function charsetOf(declared: string, bytes: Buffer): string | undefined {
  const charset = encodingName(declared);
  if (charset === 'utf-8' && !isUtf8(bytes)) return undefined;
  if (charset === 'windows-1252' && isUtf8(bytes)) return undefined;
  return charset;
}

/** Returns the name of an encoding for a label (WHATWG Encoding Standard): that of `latin1` is windows-1252. */
function encodingName(label: string): string | undefined {
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return undefined;
  }
}
