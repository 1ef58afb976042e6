import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { httpDate } from '../lib/instant.ts';
import { ServerResponse } from './node-http.ts';

/** A head as Node made it, with what it was made of besides its headers. */
interface Head {
  readonly status: number;
  readonly firstLine: string;
  /** Its Date says so: seconds since 1970. */
  readonly second: number;
  readonly text: string;
}

const heads = new WeakMap<readonly string[], Head>();

/** What Node's documentation does not tell of its ServerResponse: see docs/decisions/0008-repeated-heads.md. */
interface Undocumented {
  _header: string | null;
  _headerSent: boolean;
  _storeHeader: (firstLine: string, headers: unknown) => void;
}

const { _storeHeader: storeHeader } = ServerResponse.prototype as unknown as Undocumented;

/**
 * Writes the head that Node made of the same list of headers earlier in this second, if there is nothing about the
 * connection to say: to make it, with every value looked through again, takes a tenth of the time of an answer.
 */
export class RepeatedHeadResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  /** Called by `writeHead` when status and headers are known. */
  _storeHeader(firstLine: string, headers: unknown): void {
    const response = this as unknown as Undocumented;
    const isOrdinary = this.shouldKeepAlive && this.useChunkedEncodingByDefault && !this.chunkedEncoding;
    const list = isOrdinary && Array.isArray(headers) ? headers : undefined;
    const second = thisSecond();
    const known = list && heads.get(list);
    if (known !== undefined && known.second === second && known.firstLine === firstLine) {
      response._header = known.text;
      response._headerSent = false;
      return;
    }
    storeHeader.call(this, firstLine, headers);
    if (response._header === null) return;
    const text = dated(response._header, second);
    response._header = text;
    if (list !== undefined && isAllThereIs(text, this.statusCode))
      heads.set(list, { status: this.statusCode, firstLine, second, text });
  }
}

/** A message whose headers are kept as one list. */
interface Message {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body?: Buffer;
}

/**
 * Writes a message without a response of Node's, where the head is known that Node made of the same list in this second,
 * and nothing else is to be said on the connection: to make a response and see it to its end takes a sixth of the time
 * of an answer. Otherwise nothing is written.
 *
 * @returns what writes it; undefined where only a response can
 */
export function repeatedMessage({ status, headers, body }: Message): ((socket: Socket) => void) | undefined {
  const known = heads.get(headers);
  if (known === undefined || known.status !== status || known.second !== thisSecond()) return undefined;
  return (socket) => {
    if (body === undefined) {
      socket.write(known.text, 'latin1');
      return;
    }
    socket.cork();
    socket.write(known.text, 'latin1');
    socket.write(body);
    socket.uncork();
  };
}

function thisSecond(): number {
  return Math.floor(Date.now() / 1000);
}

/**
 * The head with that second for its Date. Node's own is of when it last looked: after a long turn of the event loop it
 * may be of a second ago, and Last-Modified must not be later (RFC 9110 §8.8.2.1).
 */
function dated(head: string, second: number): string {
  return head.replace(/^Date: .*$/m, `Date: ${httpDate(second * 1000)}`);
}

/** Whether Node has noted nothing but the head: not that chunks follow, nor that the connection ends. */
function isAllThereIs(head: string, status: number): boolean {
  return /^Connection: keep-alive$/m.test(head) && (status === 304 || /^Content-Length: /m.test(head));
}
