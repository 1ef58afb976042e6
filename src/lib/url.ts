const WEB = ['http:', 'https:'];

/** The schemes that a link in a body may have: those of the web, and the safelisted schemes of HTML (§8.7.1). */
export const LINK_SCHEMES: readonly string[] = (
  'http https bitcoin ftp ftps geo im irc ircs magnet mailto matrix mms news nntp openpgp4fpr sftp sip sms smsto ssh ' +
  'tel urn webcal wtai xmpp'
).split(' ');
const LINK_PROTOCOLS = new Set(LINK_SCHEMES.map((scheme) => `${scheme}:`));

/**
 * An http or https address in the form that every consumer can use: absolute, with an international host in ASCII, and
 * with spaces and non-ASCII letters percent-encoded (WHATWG URL). Undefined for any other address.
 */
export function webUrl(address: string, base?: string): string | undefined {
  const url = parse(address, base);
  return url !== undefined && WEB.includes(url.protocol) ? uri(url) : undefined;
}

/** The target of a link in a body, with one of `LINK_SCHEMES`: a web address, an e-mail address … Undefined for any other. */
export function linkTarget(reference: string, base: string): string | undefined {
  const url = parse(reference, base);
  // The comparison with the frequent ones is faster than a look-up in the set.
  return url !== undefined && (WEB.includes(url.protocol) || LINK_PROTOCOLS.has(url.protocol)) ? uri(url) : undefined;
}

/** Most characters of an address in a record, and of a base that others are resolved against. */
export const MAX_ADDRESS = 4096;

/**
 * The base of addresses in an element with an xml:base, which may be relative to the outer base. Undefined if it is no
 * address, or is longer than `MAX_ADDRESS`: each element and each address in it would have a copy.
 */
export function innerBase(reference = '', outer?: string): string | undefined {
  if (reference.length > MAX_ADDRESS) return undefined;
  const base = URL.parse(reference.trim(), outer)?.href;
  return base !== undefined && base.length <= MAX_ADDRESS ? base : undefined;
}

/** Whether other addresses may be made by adding a path to this one: it has no user name, password, query or fragment. */
export function isBaseAddress(address: string): boolean {
  return !hasCredentials(address) && !/[?#]/.test(address);
}

/** Whether an address has a user name or a password, which nobody may show. */
export function hasCredentials(address: string): boolean {
  const { username, password } = new URL(address);
  return username !== '' || password !== '';
}

/** Whether an absolute address begins with http: or https:. */
export function isWebUrl(address: string): boolean {
  return /^https?:/.test(address);
}

/** The URL of an address that is not blank and whose host is valid by RFC 3986 §3.2.2, or empty. */
function parse(address: string, base: string | undefined): URL | undefined {
  const url = address.trim() === '' ? null : URL.parse(address, base);
  return url !== null && /^(\[[\da-f:.]+\]|[\w.~!$&'()*+,;=-]*)$/i.test(url.hostname) ? url : undefined;
}

/** The scheme and the host of an address. Only a host may have square brackets (RFC 3986 §3.2.2). */
const ORIGIN = /^[a-z][a-z0-9+.-]*:(?:\/\/[^/?#]*)?/;
/** A character that RFC 3986 §3.3 to §3.5 forbids behind the host, of those that WHATWG URL leaves unencoded. */
const FORBIDDEN = /[[\]\\^`{|}]|%(?![0-9a-f]{2})/i;
const EACH_FORBIDDEN = /[[\]\\^`{|}]|%(?![0-9a-f]{2})/gi;

/** The URL as a URI. Reserved characters stay as they are: encoded, they would make another address (RFC 3986 §2.2). */
function uri({ href, hash }: URL): string {
  const hasSecondHash = hash.lastIndexOf('#') > 0;
  if (!hasSecondHash && !FORBIDDEN.test(href)) return href;
  const origin = ORIGIN.exec(href)?.[0] ?? '';
  const fragment = hash === '' ? '' : `#${hash.slice(1).replaceAll('#', '%23')}`;
  const path = href.slice(origin.length, href.length - hash.length);
  return origin + `${path}${fragment}`.replace(EACH_FORBIDDEN, encodeURIComponent);
}

/** Whether the text is an absolute URI of any scheme (RFC 3986 §4.3), without changes to any character. */
export function isUri(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:(?:[a-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9a-f]{2})+$/i.test(text);
}
