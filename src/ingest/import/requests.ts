import { type LookupAddress, lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, fetch, type RequestInit, type Response } from 'undici';
import { isPublicAddress } from '../../lib/public-address.ts';

/**
 * Requests that follow redirects, and that a public server cannot lead into a private network: to a service of this machine,
 * to a router, or to the metadata of a cloud.
 */

/** From which servers a request may be answered. */
export interface Reach {
  /**
   * Whether the address itself may be in a private network: because an operator typed it, or because the document that names
   * it is from a private network as well.
   */
  readonly mayBePrivate: boolean;
  /** Whether everything may be in a private network, wherever a redirect comes from. */
  readonly allowPrivate: boolean;
}

export interface Answer {
  readonly response: Response;
  /** After redirects. */
  readonly url: string;
  /** Whether a server in a private network answered. */
  readonly isPrivate: boolean;
}

/** A public server leads to a server in a private network. */
export class PrivateNetworkError extends Error {
  readonly url: string;

  constructor(url: string) {
    super(`${url} is in a private network`);
    this.url = url;
  }
}

/** As `fetch` (Fetch Standard §4.4). */
const MAX_REDIRECTS = 20;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Sends a GET request and follows redirects. Each server that redirects to a private network must be in one.
 *
 * @throws PrivateNetworkError
 * @throws the errors of `fetch`
 */
export async function request(address: string, init: RequestInit, reach: Reach): Promise<Answer> {
  let url = new URL(address);
  let { mayBePrivate } = reach;
  for (let count = 0; count <= MAX_REDIRECTS; count += 1) {
    const { response, isPrivate } = await requestOnce(url, init, mayBePrivate || reach.allowPrivate);
    const location = REDIRECTS.has(response.status) ? response.headers.get('Location') : null;
    url.hash = '';
    if (location === null) return { response, url: url.href, isPrivate };
    await response.body?.cancel(); // else its connection stays open until the garbage collector finds it
    url = redirectTarget(location, url);
    mayBePrivate = isPrivate;
  }
  throw new Error('redirect count exceeded');
}

function redirectTarget(location: string, base: URL): URL {
  const url = new URL(Buffer.from(location, 'latin1').toString(), base); // headers are bytes, and addresses are UTF-8
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('URL scheme must be a HTTP(S) scheme');
  if (`${url.username}${url.password}` !== '') throw new Error('cross origin not allowed');
  return url;
}

type Once = Pick<Answer, 'response' | 'isPrivate'>;

async function requestOnce(url: URL, init: RequestInit, mayBePrivate: boolean): Promise<Once> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const send = async (isPrivate: boolean): Promise<Once> => {
    const response = await fetch(url, { ...init, redirect: 'manual', dispatcher: agentFor(isPrivate) });
    return { response, isPrivate };
  };
  if (isIP(host) !== 0) {
    const isPrivate = !isPublicAddress(host); // no name is looked up, so no agent checks it
    if (isPrivate && !mayBePrivate) throw new PrivateNetworkError(url.href);
    return send(isPrivate);
  }
  try {
    return await send(false);
  } catch (error) {
    if (mayBePrivate)
      return await send(true).catch((second: unknown) => Promise.reject(isOtherNetwork(error) ? second : error));
    throw isOtherNetwork(error) ? new PrivateNetworkError(url.href) : error;
  }
}

class OtherNetwork extends Error {}

function isOtherNetwork(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof OtherNetwork;
}

const agents = new Map<boolean, Agent>();

/**
 * Returns the agent that connects to servers in private networks, or to public ones. It looks a name up once for each
 * connection, and connects to an address that it has checked: a name server that changes its mind meanwhile changes nothing.
 * Of a name with addresses of both kinds, it takes its own kind.
 */
function agentFor(isPrivate: boolean): Agent {
  const agent = agents.get(isPrivate) ?? new Agent({ connect: { lookup: checkedLookup(isPrivate) } });
  agents.set(isPrivate, agent);
  return agent;
}

function checkedLookup(isPrivate: boolean): LookupFunction {
  return (host, options, done) => {
    lookup(host, { ...options, all: true }, (error, found: readonly LookupAddress[] = []) => {
      if (error !== null) return done(error, '');
      const [first, ...others] = found.filter(({ address }) => isPublicAddress(address) !== isPrivate);
      if (first === undefined) return done(new OtherNetwork(host), '');
      if (options.all === true) done(null, [first, ...others]);
      else done(null, first.address, first.family);
    });
  };
}
