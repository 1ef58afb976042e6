import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import proxyAddr from 'proxy-addr';
import { memo } from '../lib/memo.ts';

/** Whether to believe whom the peer at an address says it speaks for. `hop` 0 is the connection's own peer. */
export type Trust = (address: string, hop: number) => boolean;

/** Addresses whose trust is kept: to read an address costs more than the rest of the decision. */
const MAX_ADDRESSES = 10_000;
/** Characters of the longest address whose trust is kept: IPv6 in full, with a zone (RFC 4007 §11). */
const LONGEST_ADDRESS = 64;

/**
 * Reads which proxies are trusted, in Express's words: their number (`1`), or a list of addresses, of networks
 * (`10.0.0.0/8`) and of `loopback`, `linklocal`, `uniquelocal`.
 *
 * @throws TypeError where it is none of those; `true`, which would let anybody name any address, is none
 */
export function parseTrust(text: string): Trust {
  if (/^\d{1,2}$/.test(text)) return (_address, hop) => hop < Number(text);
  const proxies = text.split(',').map((proxy) => proxy.trim());
  if (proxies.some((proxy) => /^\d+$/.test(proxy))) throw new TypeError('a number stands among the addresses');
  const isListed = proxyAddr.compile(proxies);
  return memo((address) => isListed(address, 0), { max: MAX_ADDRESSES, maxLength: LONGEST_ADDRESS });
}

/**
 * Who is asking: the connection's peer, or the address that trusted proxies tell of in X-Forwarded-For. What is no
 * address there is not believed. Ask while the connection is open.
 */
export function createClientOf(trust?: Trust): (request: IncomingMessage) => string {
  const peerOf = (request: IncomingMessage) => withoutMapping(request.socket.remoteAddress ?? '');
  if (trust === undefined) return peerOf;
  return (request) => {
    if (request.headers['x-forwarded-for'] === undefined) return peerOf(request);
    const told = proxyAddr(request, trust);
    return isIP(told) === 0 ? peerOf(request) : withoutMapping(told);
  };
}

/** A service on all addresses sees clients of IPv4 as `::ffff:192.0.2.1` (RFC 4291 §2.5.5.2). */
export function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}

/** This machine, private networks and those of one link (RFC 1122 §3.2.1.3, 1918, 3927, 4193, 4291 §2.5.6). */
const OURS =
  /^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|::1$|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:)/i;

/**
 * Whether an address is of this machine or of a private network. Such a peer may be a proxy that nobody told us of, and
 * what all its clients do must not count as one's.
 */
export function isOurs(address: string): boolean {
  return OURS.test(address);
}

/** What counts as one client: an address of IPv4, and of IPv6 the /64 that one subscriber is given (RFC 6177). */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const left = groupsOf(head);
  if (left.length >= 4) return left.slice(0, 4).join(':');
  const right = groupsOf(tail ?? '');
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':');
}
