import { sanitizeBody } from '../../article/sanitize.ts';
import { escapeHtml } from '../../lib/text.ts';
import { isUri, linkTarget } from '../../lib/url.ts';
import type { XmlElement } from './xml.ts';

/** What stands within the element, as HTML; XHTML's wrapping div (RFC 4287 §3.1.1.3) is no part of it. */
export function innerHtml(element: XmlElement): string {
  const [only, ...others] = element.children.filter((child) => typeof child !== 'string' || child.trim() !== '');
  const wrapped = others.length === 0 && typeof only === 'object' && only.local.toLowerCase() === 'div';
  return (wrapped ? only : element).children.map(htmlOf).join('');
}

const VOID = new Set('area base br col embed hr img input link meta param source track wbr'.split(' '));
const ADDRESSES = ['href', 'src', 'cite', 'poster'];

function htmlOf(node: XmlElement | string): string {
  if (typeof node === 'string') return escapeHtml(node);
  const name = node.local.toLowerCase();
  const attributes = [...node.attributes]
    .map(([key, value]) => [key === 'xml:lang' ? 'lang' : key, value] as const)
    .filter(([key]) => /^[a-z-]+$/.test(key))
    .map(
      ([key, value]) => ` ${key}="${escapeHtml(ADDRESSES.includes(key) ? resolveAddress(value, node.base) : value)}"`,
    );
  const start = `<${name}${attributes.join('')}>`;
  return VOID.has(name) ? start : `${start}${node.children.map(htmlOf).join('')}</${name}>`;
}

/** The address against an xml:base; as it is where there is none. */
export function resolveAddress(address: string, base: string | undefined): string {
  return base === undefined || isUri(address) ? address : (URL.parse(address, base)?.href ?? address);
}

/**
 * The HTML with its addresses made absolute against an xml:base; without one they are the story's (parseArticle). What
 * nests too deep stays as it is, for parseArticle to refuse: to clean it could take minutes.
 */
export function against(base: string | undefined, html: string): string {
  if (base === undefined) return html;
  return sanitizeBody(html, (reference) => linkTarget(reference, base)) ?? html;
}
