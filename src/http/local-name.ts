import { isIP } from 'node:net';

const LOCALHOST = /^(?:.+\.)?localhost\.?$/i;

/** Whether only this machine reaches a port at this host. */
export function isLoopback(host: string): boolean {
  return LOCALHOST.test(host) || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** A Host header: a name or an address, IPv6 in brackets, and a port. */
const HOST = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/;

/**
 * Whether a Host header names this machine itself: by an address, as `localhost`, or not at all. Any other name may have been
 * given this machine's address by its owner, whose web page then reads the answer in the browser of somebody who works here
 * (DNS rebinding).
 */
export function isLocalName(host: string | undefined): boolean {
  const [, inBrackets, name = inBrackets] = HOST.exec(host ?? '') ?? [];
  if (name === undefined) return false;
  return name === '' || isIP(name) !== 0 || LOCALHOST.test(name);
}
