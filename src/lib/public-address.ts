import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** For measurements between networks (RFC 2544), which ipaddr.js does not know. */
const BENCHMARKS = ipaddr.IPv4.parseCIDR('198.18.0.0/15');

/** IPv6 addresses that have an IPv4 address in their last 32 bits: mapped (RFC 4291), translated (RFC 6145), NAT64 (RFC 6052). */
const WITH_IPV4: ReadonlySet<string> = new Set(['ipv4Mapped', 'rfc6145', 'rfc6052']);

/**
 * Whether an IP address belongs to the public internet: it is no address of this machine, of a private or local network, or
 * for a special purpose. A text that is no IP address does not.
 */
export function isPublicAddress(address: string): boolean {
  const [withoutZone = ''] = address.split('%', 1); // the name of an interface (RFC 4007 §11)
  return isIPv4(withoutZone) ? isPublicIPv4(withoutZone) : isIPv6(withoutZone) && isPublicIPv6(withoutZone);
}

function isPublicIPv4(address: string): boolean {
  const parsed = ipaddr.IPv4.parse(address);
  return parsed.range() === 'unicast' && !parsed.match(BENCHMARKS);
}

function isPublicIPv6(address: string): boolean {
  const { hostname } = new URL(`http://[${address}]/`); // in the one form that ipaddr.js surely reads
  const { parts, range } = readIPv6(hostname.slice(1, -1));
  if (WITH_IPV4.has(range)) return isPublicIPv4(ipv4Of(parts.slice(6)));
  if (range === '6to4') return isPublicIPv4(ipv4Of(parts.slice(1, 3))); // RFC 3056 §2
  const [first = 0] = parts;
  return range === 'unicast' && first >> 13 === 1; // 2000::/3, RFC 4291 §2.4: no other prefix is assigned
}

function readIPv6(address: string): { readonly parts: readonly number[]; readonly range: string } {
  const parsed = ipaddr.IPv6.parse(address);
  return { parts: parsed.parts, range: parsed.range() };
}

function ipv4Of([high = 0, low = 0]: readonly number[]): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}
