import type { IncomingMessage } from 'node:http';
import type { Partner } from '../config/partners.ts';
import type { Publication } from '../config/publication.ts';
import { PublisherError } from '../errors.ts';
import { partnerWithId } from '../partner/addresses.ts';
import { verifyKey } from '../publish/api-keys.ts';
import type { StoredKey } from '../store/store.ts';
import { bearerToken, type KeyCheck } from './authorization.ts';
import { type PartnerTarget, partnerTarget } from './partner-target.ts';

export interface PartnerCheck extends KeyCheck {
  readonly publication: Pick<Publication, 'partners'>;
}

/** A request of a partner. */
export interface AuthorizedPartner {
  readonly partner: Partner;
  readonly key: StoredKey;
  /** What the address names after the partner, and the key if it has one: `section/world.rss`, or `changes`. */
  readonly rest: string;
}

/** The challenge to clients below `/partners/` without a key (RFC 7617, RFC 6750). */
export const PARTNER_CHALLENGE = 'Basic realm="Feeds of partners", charset="UTF-8", Bearer';

/** The result for each request, so that the request queue and the handler share one check. */
const verified = new WeakMap<IncomingMessage, Promise<StoredKey | undefined>>();

/**
 * Who sends a request below `/partners/`. The address decides where the key is: a key in the path counts alone, otherwise
 * that of the header `Authorization`, because what stands in the place of a key may be a mistyped feed. Each request costs one
 * look-up in the store, with a key or without, and whether or not there is such a partner: the time of the answer does not tell.
 *
 * @returns undefined without a valid key of the partner whom the address names
 * @throws PublisherError `store_unavailable`
 */
export async function authenticatePartner(
  check: PartnerCheck,
  request: IncomingMessage,
): Promise<AuthorizedPartner | undefined> {
  const target = partnerTarget(request.url);
  const partner = partnerWithId(check.publication, target?.partner ?? '');
  const key = await verifiedKey(check, request, target);
  const isOwn = key?.scope === 'partner' && key.partner === target?.partner;
  if (target === undefined || partner === undefined || key === undefined || !isOwn) return undefined;
  const { key: part, rest } = target;
  return { partner, key, rest: part === undefined || isLikeKey(part) ? rest : `${part}/${rest}` };
}

/** Has a request that has waited show its key again: the key may be revoked, or have expired, meanwhile. */
export function forgetKey(request: IncomingMessage): void {
  verified.delete(request);
}

/**
 * The same, for a handler. The errors are alike whether or not there is such a partner, feed or key: an address without a
 * place for a key asks for one, an address with a wrong key is none.
 *
 * @throws PublisherError `unauthorized`, `not_found`
 */
export async function authorizePartner(check: PartnerCheck, request: IncomingMessage): Promise<AuthorizedPartner> {
  const authorized = await authenticatePartner(check, request);
  if (authorized !== undefined) return authorized;
  if (partnerTarget(request.url)?.key !== undefined)
    throw new PublisherError('not_found', 'There is nothing at this address.', {
      hint: 'Check the address and the key in it.',
    });
  throw new PublisherError('unauthorized', 'This address needs the key of a partner.', {
    hint: 'Send the key as “Authorization: Bearer KEY”, or with Basic as the password of any user. If you did, the key is wrong, revoked or expired: ask the publisher for a new one.',
  });
}

function verifiedKey(
  { store, now }: PartnerCheck,
  request: IncomingMessage,
  target: PartnerTarget | undefined,
): Promise<StoredKey | undefined> {
  const known = verified.get(request);
  if (known !== undefined) return known;
  const inHeader = keyInHeader(request.headers.authorization);
  const key = verifyKey(store, isLikeKey(target?.key) ? target?.key : inHeader, now());
  verified.set(request, key);
  return key;
}

/** Whether a part of the path is a key, right or wrong. */
function isLikeKey(part: string | undefined): boolean {
  return part?.startsWith('fp_') === true;
}

function keyInHeader(authorization: string | undefined): string | undefined {
  return bearerToken(authorization) ?? basicKey(authorization);
}

/** The password of Basic credentials; the user where the password is empty, as `curl -u KEY:` sends it. */
function basicKey(authorization = ''): string | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/_-]+=*)$/i.exec(authorization) ?? [];
  if (encoded === undefined) return undefined;
  const [user = '', ...password] = Buffer.from(encoded, 'base64').toString().split(':');
  return password.join(':') || user;
}
