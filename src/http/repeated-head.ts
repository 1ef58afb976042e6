import type { IncomingMessage } from 'node:http';
import { httpDate } from '../instant.ts';
import { ServerResponse } from '../node-http.ts';

/** A head as Node made it, with what it was made of besides its headers. */
interface Head {
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
  readonly maxRequestsOnConnectionReached?: boolean;
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
    const list = isOrdinary && !response.maxRequestsOnConnectionReached && Array.isArray(headers) ? headers : undefined;
    const second = Math.floor(Date.now() / 1000);
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
    if (list !== undefined && isAllThereIs(text, this.statusCode)) heads.set(list, { firstLine, second, text });
  }
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
