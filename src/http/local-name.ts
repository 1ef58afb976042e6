import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

const LOCALHOST = /^(?:.+\.)?localhost\.?$/i;

/** Whether only this machine reaches a port at this address, which may be an IPv4 address in IPv6. */
export function isLoopback(address: string): boolean {
  return ipaddr.isValid(address) && ipaddr.process(address).range() === 'loopback';
}

/** A Host header: a name or an address, IPv6 in brackets, and a port. */
const HOST = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/;

/**
 * Whether a Host header names this machine itself: by an address, as `localhost`, by the name that the operator has given, or not
 * at all. Any other name may have been given this machine's address by its owner, whose web page then reads the answer in the
 * browser of somebody who works here (DNS rebinding).
 */
export function isLocalName(host: string | undefined, given: string): boolean {
  const [, inBrackets, name = inBrackets] = HOST.exec(host ?? '') ?? [];
  if (name === undefined) return false;
  return name === '' || isIP(name) !== 0 || LOCALHOST.test(name) || name.toLowerCase() === given.toLowerCase();
}
