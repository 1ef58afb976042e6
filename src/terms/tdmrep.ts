import { omitUndefined } from '../lib/omit-undefined.ts';
import { type Addressed, ownPaths, type Stated } from './scope.ts';
import { isPaid } from './terms.ts';

/** The TDM Reservation Protocol, a report of a W3C community group (w3.org/community/tdmrep). */

/** At the root of a host. */
export const TDM_FILE_PATH = '.well-known/tdmrep.json';
/** The path of the policy below the service's address. */
export const TDM_POLICY_PATH = 'tdm-policy.json';

const ODRL_CONTEXT = ['http://www.w3.org/ns/odrl.jsonld', 'http://www.w3.org/ns/tdmrep.jsonld'];

interface Reservation {
  readonly 'tdm-reservation': 0 | 1;
  readonly 'tdm-policy'?: string;
}

/** Undefined if the terms do not say whether machines may mine the text. */
function reservation({ feedsUrl, terms }: Addressed): Reservation | undefined {
  switch (terms?.dataMining) {
    case undefined:
      return undefined;
    case 'yes':
      return { 'tdm-reservation': 0 };
    case 'no':
      return { 'tdm-reservation': 1 };
    case 'ask':
      return { 'tdm-reservation': 1, 'tdm-policy': `${feedsUrl}${TDM_POLICY_PATH}` };
  }
}

/** The headers of an answer. */
export function tdmHeaders(stated: Addressed): Readonly<Record<string, string>> {
  const headers = Object.entries(reservation(stated) ?? {});
  return Object.fromEntries(headers.map(([name, value]) => [name, String(value)]));
}

/** @param paths what the file is about on its host, as a pattern of robots.txt */
export function tdmFile(stated: Stated, paths: string = ownPaths(stated)): string | undefined {
  const reserved = reservation(stated);
  return reserved === undefined ? undefined : `${JSON.stringify([{ location: paths, ...reserved }], null, 2)}\n`;
}

/** Whom to ask for a licence, as an offer in ODRL. Undefined if there is nothing to ask for. */
export function tdmPolicy({ title, url, feedsUrl, terms }: Stated): string | undefined {
  if (terms?.dataMining !== 'ask') return undefined;
  const { contact, payment } = terms;
  const isFor = payment !== undefined && isPaid(payment);
  const policy = {
    '@context': ODRL_CONTEXT,
    '@type': 'Offer',
    profile: 'http://www.w3.org/ns/tdmrep',
    uid: `${feedsUrl}${TDM_POLICY_PATH}`,
    assigner: omitUndefined({
      uid: url,
      'vcard:fn': contact?.name ?? title,
      'vcard:hasEmail': contact?.email === undefined ? undefined : `mailto:${contact.email}`,
      'vcard:hasURL': contact?.url,
    }),
    permission: [
      {
        action: 'tdm:mine',
        duty: [{ action: 'obtainConsent' }, ...(isFor ? [{ action: 'compensate' }] : [])],
      },
    ],
  };
  return `${JSON.stringify(policy, null, 2)}\n`;
}
