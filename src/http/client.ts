import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { LRUCache } from 'lru-cache';
import proxyAddr from 'proxy-addr';

/** Whether to believe whom the peer at an address says it speaks for. `hop` 0 is the connection's own peer. */
export type Trust = (address: string, hop: number) => boolean;

/** Addresses of which it is remembered whether they are listed: to read one costs more than all the rest. */
const REMEMBERED = 10_000;

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
  const known = new LRUCache<string, boolean>({ max: REMEMBERED });
  return (address, hop) => {
    const before = known.get(address);
    if (before !== undefined) return before;
    const now = isListed(address, hop);
    known.set(address, now);
    return now;
  };
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

/** The kinds of networks whose addresses are nobody's on the internet (RFC 1122 §3.2.1.3, 1918, 3927, 4193, 4291 §2.5.6). */
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

const facts = new LRUCache<string, AddressFacts>({ max: REMEMBERED });

/** Parsing an address takes longer than the rest of the limiter's work. */
function factsOf(address: string): AddressFacts {
  const known = facts.get(address);
  if (known !== undefined) return known;
  const made = readAddress(address);
  facts.set(address, made);
  return made;
}

function readAddress(address: string): AddressFacts {
  if (!ipaddr.isValid(address)) return { isPrivate: false, network: address };
  const parsed = ipaddr.parse(address);
  const isPrivate = PRIVATE_RANGES.has(parsed.range());
  if (parsed instanceof ipaddr.IPv4) return { isPrivate, network: address };
  const subscriber = parsed.parts.slice(0, 4).map((part) => part.toString(16));
  return { isPrivate, network: subscriber.join(':') };
}
