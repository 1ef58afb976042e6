/** Top-level domains and domains for examples, tests and this machine (RFC 2606 §2 and §3, RFC 6761 §6). Nobody can own a name below them. */
const RESERVED = /(?:^|\.)(?:test|example|invalid|localhost|example\.(?:com|net|org))\.?$/i;

/** Whether a host is a reserved name: no address with it leads to a service of the public internet. */
export function isReservedName(host: string): boolean {
  return RESERVED.test(host);
}
