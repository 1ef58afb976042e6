import { channel } from 'node:diagnostics_channel';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Publication } from '../config/publication.ts';
import { type DocumentCache, isFeed } from '../document/cache.ts';
import { httpDate, type Instant } from '../lib/instant.ts';
import { type Answer, answerIfReady } from './answer.ts';
import type { CdnParts } from './cdn-headers.ts';
import { wrongHead } from './head.ts';
import type { KnownAddresses } from './known-addresses.ts';
import type { ClientQuota } from './load/client-quota.ts';
import type { Connections } from './load/connections.ts';
import { isNavigation } from './navigation.ts';
import * as http from './node-http.ts';
import type { Observer } from './observe.ts';
import { respondWithDocument, respondWithError } from './respond.ts';
import { isRaw } from './target.ts';

/**
 * Answers requests for cached documents without Express and, on a free connection, without a Node response:
 * docs/decisions/0014-fast-path.md has the figures. Express gives the same bytes more slowly. To remove the fast path,
 * delete this file and its use in server.ts.
 */

interface FastPathParts extends CdnParts {
  /** What answers at the moment of a request. */
  readonly current: () => {
    readonly publication: Pick<Publication, 'maxAge' | 'feedsUrl' | 'terms'>;
    readonly documentCache: Pick<DocumentCache, 'getIfReady' | 'tagsIfReady'>;
  };
  readonly knownAddresses: Pick<KnownAddresses, 'documentAt'>;
  /** Whether files have changed that are not published yet: an answer must show them. */
  readonly hasPending: () => boolean;
  readonly quota: Pick<ClientQuota, 'charge' | 'tooManyRequests'>;
  readonly connections: Pick<Connections, 'staysOpen' | 'count'>;
  readonly observer: Pick<Observer, 'cachedAnswerSent' | 'follow'>;
  /** Called for every request that comes. */
  readonly onRequest: () => void;
  readonly now: () => Instant;
}

/** A diagnostics channel for requests without a Node response. Node's own channels do not report them. */
const ANSWERED = channel('feed-publisher.fast-path.answered');

/** Members of a connection that Node does not document. */
interface Undocumented {
  /** The response that is being written. */
  readonly _httpMessage?: object | null;
  readonly parser?: {
    /** The request whose head came last. */
    incoming: IncomingMessage | null;
    /** Receives each request once its head is complete. The number it returns tells the parser to go on as usual. */
    onIncoming: ((request: IncomingMessage, keepAlive: boolean) => number) | null;
  } | null;
}

/**
 * Lets the server answer requests for cached documents before anything else sees them.
 *
 * @returns a function that answers a request with a Node response. It returns whether it answered.
 */
export function installFastPath(
  server: Server,
  parts: FastPathParts,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const { quota, connections, observer, onRequest } = parts;

  /** Between Node's parser and its making of a response. */
  function answerOnSocket(request: IncomingMessage): boolean {
    const began = performance.now();
    onRequest();
    const answer = cachedAnswer(request, parts);
    const head = answer && headOf(answer);
    if (answer === undefined || head === undefined || !quota.charge(request, answer)) return false;
    write(request.socket, head, answer.body);
    observer.cachedAnswerSent(request, answer, began);
    if (ANSWERED.hasSubscribers) ANSWERED.publish({ request });
    return true;
  }

  function answerWithResponse(request: IncomingMessage, response: ServerResponse): boolean {
    const began = performance.now();
    const answer = cachedAnswer(request, parts);
    if (answer === undefined) return false;
    if (quota.charge(request, answer)) {
      respondWithDocument(response, answer);
      observer.cachedAnswerSent(request, answer, began);
    } else {
      observer.follow(request, response, began);
      respondWithError(request, response, quota.tooManyRequests(request));
    }
    return true;
  }

  if (canSeeWhatIsWritten()) server.on('connection', (socket) => hookParser(socket, connections, answerOnSocket));
  return answerWithResponse;
}

/** Whether a socket still names the response that is being written to it. Otherwise answers could be mixed. */
function canSeeWhatIsWritten(): boolean {
  const socket: Socket & Undocumented = new Socket();
  const response = new http.ServerResponse(new http.IncomingMessage(socket));
  response.assignSocket(socket);
  return socket._httpMessage === response;
}

/** Does nothing where the parser lacks the members that it needs: then every request gets a response of Node's. */
function hookParser(
  socket: Socket & Undocumented,
  { staysOpen, count }: FastPathParts['connections'],
  answerOnSocket: (request: IncomingMessage) => boolean,
): void {
  const { parser } = socket;
  const respond = parser?.onIncoming;
  if (!parser || typeof respond !== 'function' || !('incoming' in parser)) return;
  parser.onIncoming = (request, keepAlive) => {
    // While an earlier answer waits for the client, only a Node response can queue the next one.
    const isFree = keepAlive && !socket._httpMessage && socket.writable && socket.writableLength === 0;
    if (!isFree || !staysOpen(socket) || !isBare(request) || !answerOnSocket(request))
      return respond(request, keepAlive);
    count(socket);
    parser.incoming = null; // no body follows
    return 0;
  };
}

/** Whether a request has no body, no upgrade and no Expect. */
function isBare({ upgrade, headers, httpVersion }: IncomingMessage & { upgrade?: boolean }): boolean {
  return (
    httpVersion === '1.1' &&
    upgrade !== true &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    headers.expect === undefined
  );
}

/**
 * The answer to a request for a document that is ready in the cache, at an address that Express has answered before.
 *
 * @returns undefined where Express has something to do first, even if only to throw an error
 */
function cachedAnswer(
  request: IncomingMessage,
  { current, knownAddresses, hasPending, now, cdn }: FastPathParts,
): Answer | undefined {
  if ((request.method !== 'GET' && request.method !== 'HEAD') || wrongHead(request) !== undefined) return undefined;
  const documentName = knownAddresses.documentAt(request.url);
  if (documentName === undefined || hasPending()) return undefined;
  if ((isNavigation(request) || isRaw(request.url)) && isFeed(documentName)) return undefined;
  const { publication, documentCache } = current();
  const { maxAge, feedsUrl, terms } = publication;
  try {
    const context = { now: now(), maxAge, feedsUrl, terms, cdn };
    const answer = answerIfReady(request, documentCache, documentName, context);
    return answer === undefined || 'pending' in answer ? undefined : answer;
  } catch {
    return undefined; // Express meets the error again, and reports it
  }
}

function write(socket: Socket, head: string, body: Buffer | undefined): void {
  if (body === undefined) {
    socket.write(head, 'latin1');
    return;
  }
  socket.cork();
  socket.write(head, 'latin1');
  socket.write(body);
  socket.uncork();
}

/** A head, and the second since 1970 in its Date. */
interface Head {
  readonly second: number;
  readonly text: string;
}

/** Keyed by the list of headers. `answerTo` returns the same list until a header changes. */
const heads = new WeakMap<readonly string[], Head>();

/**
 * The head that Node would write, made once a second for each list of headers: to make it takes a tenth of the time of an
 * answer.
 *
 * @returns undefined where Node would refuse a header
 */
function headOf({ status, headers }: Answer): string | undefined {
  const second = Math.floor(Date.now() / 1000);
  const known = heads.get(headers);
  if (known?.second === second) return known.text;
  const fields = fieldLines(headers);
  if (fields === undefined) return undefined;
  const date = httpDate(second * 1000);
  const text = `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\n${fields}Date: ${date}\r\nConnection: keep-alive\r\n\r\n`;
  heads.set(headers, { second, text });
  return text;
}

function fieldLines(headers: readonly string[]): string | undefined {
  let lines = '';
  try {
    for (let index = 0; index < headers.length; index += 2) {
      const [name = '', value = ''] = headers.slice(index, index + 2);
      http.validateHeaderValue(name, value);
      lines += `${name}: ${value}\r\n`;
    }
  } catch {
    return undefined;
  }
  return lines;
}
