import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import proxyAddr from 'proxy-addr';
import { memo } from '../lib/memo.ts';
import { addressInForwarded, addressInXForwardedFor, clientElement, type Trust } from './forwarded.ts';

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

/** Stands for all clients whose trusted proxy does not name them in a form that the service can read. */
export const UNKNOWN_CLIENT = 'unknown';

/**
 * Finds a request's client: the connection's peer, or the address that trusted proxies give in X-Forwarded-For or else in
 * Forwarded. Call the result while the connection is open.
 *
 * @param onUnknown called once, for the first client that is named in a form that the service cannot read
 */
export function createClientOf(
  trust?: Trust,
  onUnknown: (element: string) => void = () => {},
): (request: IncomingMessage) => string {
  const peerOf = (request: IncomingMessage) => withoutMapping(request.socket.remoteAddress ?? '');
  if (trust === undefined) return peerOf;
  let isReported = false;
  return (request) => {
    const peer = peerOf(request);
    const { 'x-forwarded-for': xForwardedFor, forwarded } = request.headers;
    if ((xForwardedFor === undefined && forwarded === undefined) || !trust(peer, 0)) return peer;
    const element =
      clientElement(String(xForwardedFor ?? ''), addressInXForwardedFor, trust) ??
      clientElement(forwarded ?? '', addressInForwarded, trust);
    if (element === undefined) return peer;
    if (element.address !== undefined) return element.address;
    if (!isReported) onUnknown(element.text);
    isReported = true;
    return UNKNOWN_CLIENT;
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
  const parsed = ipaddr.process(withoutZone);
  const isPrivate = PRIVATE_RANGES.has(parsed.range());
  if (parsed instanceof ipaddr.IPv4) return { isPrivate, network: parsed.toString() };
  const subscriber = parsed.parts.slice(0, 4).map((part) => part.toString(16));
  return { isPrivate, network: subscriber.join(':') };
}
