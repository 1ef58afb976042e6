import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';

import ipaddr from 'ipaddr.js';
import proxyAddr from 'proxy-addr';
import { memo } from '../lib/memo.ts';

/** Whether to believe the X-Forwarded-For of the peer at an address. `hop` 0 is the connection's own peer. */
export type Trust = (address: string, hop: number) => boolean;

/** Addresses that are parsed once: parsing takes longer than the rest of the work. */
const MAX_ADDRESSES = 10_000;
/** Characters of the longest address whose facts are kept: IPv6 in full, with a zone (RFC 4007 §11). */
const LONGEST_ADDRESS = 64;

/**
 * Parses the list of trusted proxies, in Express's words: their number (`1`), or addresses, networks (`10.0.0.0/8`) and
 * the names `loopback`, `linklocal`, `uniquelocal`.
 *
 * @throws TypeError for anything else. `true` is not allowed: any client could then claim any address.
 */
export function parseTrust(text: string): Trust {
  if (/^\d{1,2}$/.test(text)) return (_address, hop) => hop < Number(text);
  const proxies = text.split(',').map((proxy) => proxy.trim());
  if (proxies.some((proxy) => /^\d+$/.test(proxy))) throw new TypeError('a number among the addresses');
  const isListed = proxyAddr.compile(proxies);
  return memo((address) => isListed(address, 0), { max: MAX_ADDRESSES, maxLength: LONGEST_ADDRESS });
}

/**
 * Finds a request's client: the connection's peer, or the address that trusted proxies give in X-Forwarded-For if it is
 * one. Call the result while the connection is open.
 */
export function createClientOf(trust?: Trust): (request: IncomingMessage) => string {
  const peerOf = (request: IncomingMessage) => withoutMapping(request.socket.remoteAddress ?? '');
  if (trust === undefined) return peerOf;
  return (request) => {
    if (request.headers['x-forwarded-for'] === undefined) return peerOf(request);
    const forwarded = proxyAddr(request, trust);
    return isIP(forwarded) === 0 ? peerOf(request) : withoutMapping(forwarded);
  };
}

/** A service that listens on `::` sees IPv4 clients as `::ffff:192.0.2.1` (RFC 4291 §2.5.5.2). */
export function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice('::ffff:'.length) : address;
}

/** Networks that the internet does not route (RFC 1122 §3.2.1.3, 1918, 3927, 4193, 4291 §2.5.6). */
const PRIVATE_RANGES: ReadonlySet<string> = new Set(['loopback', 'private', 'linkLocal', 'uniqueLocal']);

/**
 * Whether an address belongs to this machine or a private network. Such a peer may be a proxy that is not configured as
 * one: its clients must not count as a single client.
 */
export function isPrivate(address: string): boolean {
  return factsOf(address).isPrivate;
}

/** What counts as one client: an IPv4 address, or the /64 that one IPv6 subscriber is given (RFC 6177). */
export function networkOf(address: string): string {
  return factsOf(address).network;
}

interface AddressFacts {
  readonly isPrivate: boolean;
  readonly network: string;
}

const factsOf = memo(readAddress, { max: MAX_ADDRESSES, maxLength: LONGEST_ADDRESS });

function readAddress(address: string): AddressFacts {
  const [withoutZone = ''] = address.split('%', 1); // zones are names of interfaces, such as eth0.100 (RFC 4007 §11)
  if (!ipaddr.isValid(withoutZone)) return { isPrivate: false, network: address };
  const parsed = ipaddr.parse(withoutZone);
  const isPrivate = PRIVATE_RANGES.has(parsed.range());
  if (parsed instanceof ipaddr.IPv4) return { isPrivate, network: address };
  const subscriber = parsed.parts.slice(0, 4).map((part) => part.toString(16));
  return { isPrivate, network: subscriber.join(':') };
}
