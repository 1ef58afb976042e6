import { escapeHtml } from '../lib/text.ts';
import { creativeCommons } from './creative-commons.ts';
import { type Addressed, isOneHost, ownPaths, type Stated } from './scope.ts';
import { isPaid, type Permission, type Terms, type Use } from './terms.ts';

/** Really Simple Licensing 1.0 (rslstandard.org/rsl). */

export const RSL_NAMESPACE = 'https://rslstandard.org/rsl';
export const RSL_TYPE = 'application/rsl+xml';
/** The path of the document below the service's address. */
export const RSL_PATH = 'license.xml';

/** Days after which clients have to look for the terms again (§3.2). */
const MAX_AGE = 1;

/** The words for a use (§3.4.1.1). There is none for text and data mining. */
const TOKENS: Readonly<Partial<Record<Use, string>>> = {
  search: 'search',
  aiAnswers: 'ai-input ai-index',
  aiTraining: 'ai-train',
};

/** An element with elements or a text in it; without any, it is empty. */
interface Element {
  readonly name: string;
  readonly attributes?: Readonly<Record<string, string | undefined>>;
  readonly content?: string | readonly Element[];
}

/** The address of the document, which links and robots.txt name. Undefined if the terms say nothing in this vocabulary. */
export function rslAddress(stated: Addressed): string | undefined {
  return hasRsl(stated.terms) ? `${stated.feedsUrl}${RSL_PATH}` : undefined;
}

function hasRsl(terms: Terms | undefined): terms is Terms {
  return terms !== undefined && ['yes', 'no', 'ask'].some((value) => tokensFor(terms, value as Permission) !== '');
}

/** @param paths what the document is about on its host, as a pattern of robots.txt */
export function rslDocument(stated: Stated, paths: string = ownPaths(stated)): string | undefined {
  if (!hasRsl(stated.terms)) return undefined;
  const root = { name: 'rsl', attributes: { xmlns: RSL_NAMESPACE, 'max-age': String(MAX_AGE) } };
  const content = contentElement(stated, stated.terms, paths);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${xml({ ...root, content: [content] }, '', 0)}\n`;
}

/** The value of a Link header (§4.5). */
export function rslLink(stated: Addressed): string | undefined {
  const address = rslAddress(stated);
  return address === undefined ? undefined : `<${address}>; rel="license"; type="${RSL_TYPE}"`;
}

/** The line of robots.txt (§4.4), outside of any group: it is for all crawlers. */
export function rslRobotsLine(stated: Addressed): string | undefined {
  const address = rslAddress(stated);
  return address === undefined ? undefined : `License: ${address}`;
}

/**
 * Returns a function that makes the element of an RSS item. A feed may license only what is on its own host (§4.7): the
 * result is undefined if the stories are elsewhere.
 */
export function rslItems(stated: Stated): ((url: string, depth: number) => string) | undefined {
  const { terms, feedsUrl } = stated;
  if (!hasRsl(terms) || !isOneHost(stated)) return undefined;
  const { origin } = new URL(feedsUrl);
  return (url, depth) =>
    URL.parse(url)?.origin === origin ? xml(contentElement(stated, terms, url), 'rsl:', depth) : '';
}

function contentElement({ title }: Stated, terms: Terms, url: string): Element {
  const { contact, license } = terms;
  const attributes = { contactEmail: contact?.email, contactUrl: contact?.url };
  return {
    name: 'content',
    attributes: { url },
    content: [
      ...licenses(terms),
      { name: 'copyright', attributes, content: title },
      ...(license === undefined ? [] : [{ name: 'terms', content: license.url }]),
    ],
  };
}

/** One licence for what is decided, and one for what machines have to ask for. */
function licenses(terms: Terms): Element[] {
  const [allowed, refused, asked] = [tokensFor(terms, 'yes'), tokensFor(terms, 'no'), tokensFor(terms, 'ask')];
  const decided = [...usage('permits', allowed), ...usage('prohibits', refused)];
  if (allowed !== '') decided.push(...paymentForAllowed(terms));
  return [
    ...(decided.length === 0 ? [] : [{ name: 'license', content: decided }]),
    ...(asked === '' ? [] : [{ name: 'license', content: [...usage('permits', asked), paymentForAsked(terms)] }]),
  ];
}

function tokensFor(terms: Terms, value: Permission): string {
  return Object.entries(TOKENS)
    .filter(([use]) => terms[use as Use] === value)
    .map(([, tokens]) => tokens)
    .join(' ');
}

function usage(name: 'permits' | 'prohibits', tokens: string): Element[] {
  return tokens === '' ? [] : [{ name, attributes: { type: 'usage' }, content: tokens }];
}

/** Without this element, a licence is free (§3.7). */
function paymentForAllowed({ payment, license }: Terms): Element[] {
  const common = license === undefined ? undefined : creativeCommons(license.url);
  const own = payment === undefined || isPaid(payment) ? undefined : payment;
  if (own === undefined && common === undefined) return [];
  const type = own?.type ?? (common?.needsCredit ? 'attribution' : 'free');
  const standard = own?.standard ?? (common === undefined ? undefined : license?.url);
  return [{ name: 'payment', attributes: { type }, content: optional('standard', standard) }];
}

function paymentForAsked({ payment, contact }: Terms): Element {
  const mail = contact?.email === undefined ? undefined : `mailto:${contact.email}`;
  const { amount, currency } = payment ?? {};
  return {
    name: 'payment',
    attributes: { type: payment?.type },
    content: [
      ...optional('standard', payment?.standard),
      ...optional('custom', contact?.url ?? mail),
      ...optional('amount', amount, { currency }),
    ],
  };
}

function optional(name: string, content: string | undefined, attributes: Element['attributes'] = {}): Element[] {
  return content === undefined ? [] : [{ name, attributes, content }];
}

function xml({ name, attributes = {}, content = [] }: Element, prefix: string, depth: number): string {
  const values = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${escapeHtml(value)}"`],
  );
  const start = `<${prefix}${name}${values.join('')}`;
  if (content.length === 0) return `${start}/>`;
  const end = `</${prefix}${name}>`;
  if (typeof content === 'string') return `${start}>${escapeHtml(content)}${end}`;
  const indent = '    '.repeat(depth);
  const children = content.map((child) => `${indent}    ${xml(child, prefix, depth + 1)}\n`);
  return `${start}>\n${children.join('')}${indent}${end}`;
}
