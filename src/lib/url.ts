const WEB = ['http:', 'https:'];
/** What a link in a body may lead to besides the web. */
const CONTACT = ['mailto:', 'tel:'];

/**
 * The address in the form every consumer can use: absolute, http or https, an international host in ASCII, spaces and
 * letters beyond ASCII percent-encoded (WHATWG URL). Undefined where it is no such address.
 */
export function webUrl(address: string, base?: string): string | undefined {
  const url = parse(address, base);
  return url !== undefined && WEB.includes(url.protocol) ? uri(url) : undefined;
}

/** What a link in a body refers to: an address of the web, or one to write or to call to. */
export function linkTarget(reference: string, base: string): string | undefined {
  const url = parse(reference, base);
  return url !== undefined && (WEB.includes(url.protocol) || CONTACT.includes(url.protocol)) ? uri(url) : undefined;
}

export function isWebUrl(address: string): boolean {
  return /^https?:/.test(address);
}

/** An address that says something, with a host that RFC 3986 §3.2.2 knows, or none where the scheme has none. */
function parse(address: string, base: string | undefined): URL | undefined {
  const url = address.trim() === '' ? null : URL.parse(address, base);
  return url !== null && /^(\[[\da-f:.]+\]|[\w.~!$&'()*+,;=-]*)$/i.test(url.hostname) ? url : undefined;
}

/** A URL that is a URI as well: WHATWG leaves a few characters as they are that RFC 3986 does not know. */
function uri({ href }: URL): string {
  if (!/[\\^`{|}%]/.test(href)) return href;
  return href.replace(/[\\^`{|}]/g, encodeURIComponent).replace(/%(?![0-9a-f]{2})/gi, '%25');
}

/** An absolute URI of any scheme (RFC 3986 §4.3), as it stands: an identity is compared character by character. */
export function isUri(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:(?:[a-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9a-f]{2})+$/i.test(text);
}
