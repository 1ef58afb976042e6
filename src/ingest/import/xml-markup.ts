import type { OnAdjustment } from '../../article/adjustments.ts';
import { unlessBeyondLimit } from '../../article/body-limits.ts';
import { MAX_BODY } from '../../article/record.ts';
import { sanitizeBody } from '../../article/sanitize.ts';
import { limitGrowth } from '../../article/sanitize-rules.ts';
import { escapeHtml } from '../../lib/text.ts';
import { isUri, linkTarget } from '../../lib/url.ts';
import type { XmlElement } from './xml.ts';
import { localName } from './xml-names.ts';

/** The content of an element as HTML, without the div that wraps XHTML in Atom (RFC 4287 §3.1.1.3). */
export function innerHtml(element: XmlElement): string {
  const [only, ...others] = element.children.filter((child) => typeof child !== 'string' || child.trim() !== '');
  const wrapped = others.length === 0 && typeof only === 'object' && localName(only.tag).toLowerCase() === 'div';
  const resolve = resolver();
  return (wrapped ? only : element).children.map((child) => htmlOf(child, resolve)).join('');
}

/** Most characters that addresses gain. With more, the story is too long for any record, and is refused. */
const MAX_GROWTH = 16 * 1024 * 1024;

type Resolve = (address: string, base: string | undefined) => string;

/** Resolves addresses until they have become too long together. */
function resolver(): Resolve {
  let left = MAX_GROWTH;
  return (address, base) => {
    const resolved = left < 0 ? address : resolveAddress(address, base);
    left -= Math.max(0, resolved.length - address.length);
    return resolved;
  };
}

const VOID = new Set('area base br col embed hr img input link meta param source track wbr'.split(' '));
const ADDRESSES = ['href', 'src', 'cite', 'poster'];

function htmlOf(node: XmlElement | string, resolve: Resolve): string {
  if (typeof node === 'string') return escapeHtml(node);
  const name = localName(node.tag).toLowerCase();
  const attributes = [...node.attributes]
    .map(([key, value]) => [key === 'xml:lang' ? 'lang' : key, value] as const)
    .filter(([key]) => /^[a-z-]+$/.test(key))
    .map(([key, value]) => ` ${key}="${escapeHtml(ADDRESSES.includes(key) ? resolve(value, node.base) : value)}"`);
  const start = `<${name}${attributes.join('')}>`;
  return VOID.has(name) ? start : `${start}${node.children.map((child) => htmlOf(child, resolve)).join('')}</${name}>`;
}

/** Resolves an address against an xml:base. Without a base, or if that fails, the address stays as it is. */
export function resolveAddress(address: string, base: string | undefined): string {
  return base === undefined || isUri(address) ? address : (URL.parse(address, base)?.href ?? address);
}

/**
 * Resolves the addresses in HTML against an xml:base. Without a base they stay as they are, and parseArticle resolves them
 * against the story's address. HTML beyond a limit of bodies stays as it is, and parseArticle refuses it. So does HTML whose
 * addresses become too long together, which no newsroom writes.
 *
 * @param onAdjustment receives each change that is made for a base; without a base, parseArticle makes them
 */
export function resolveHtml(html: string, base: string | undefined, onAdjustment?: OnAdjustment): string {
  if (base === undefined || html.length > MAX_BODY) return html;
  const { resolve, isExceeded } = limitGrowth((reference) => linkTarget(reference, base));
  const resolved = unlessBeyondLimit(() => sanitizeBody(html, resolve, true, onAdjustment));
  return resolved === undefined || isExceeded() ? html : resolved;
}
