import { isIP } from 'node:net';

import ipaddr from 'ipaddr.js';
import { memo } from '../lib/memo.ts';

/** The list that proxies write into X-Forwarded-For or Forwarded: each appends the peer that it sees (RFC 7239 §5.2). */

/** Elements that are parsed once: parsing takes longer than the rest of the work. */
const MAX_ELEMENTS = 10_000;
/** Characters of the longest element that is read: IPv6 in full with a zone and a port, and what Forwarded has beside it. */
const LONGEST_ELEMENT = 512;
/** Characters of the longest element that is kept. */
const LONGEST_KEPT = 128;

/** Whether to believe what the peer at an address says of its own peer. `hop` 0 is the connection's own peer. */
export type Trust = (address: string, hop: number) => boolean;

/** An element of the list. */
export interface ForwardedElement {
  readonly text: string;
  /** Undefined where the service cannot read the element, or the proxy keeps the address to itself. */
  readonly address: string | undefined;
}

/**
 * The element that names the client: the last one whose address is not that of a trusted proxy, or the first of all.
 *
 * @returns undefined for a list without elements
 */
export function clientElement(
  list: string,
  addressIn: (element: string) => string | undefined,
  trust: Trust,
): ForwardedElement | undefined {
  let element: ForwardedElement | undefined;
  let hop = 1;
  for (let end = list.length; end > 0; ) {
    const start = startOfLast(list, end);
    const text = list.slice(start, end).trim();
    end = start - 1;
    if (text === '') continue;
    const address = text.length > LONGEST_ELEMENT ? undefined : addressIn(text);
    element = { text, address };
    if (!trust(address ?? text, hop)) return element;
    hop += 1;
  }
  return element;
}

/**
 * Where the last element of a list begins, before `end`: behind the last comma outside of quotation marks. Read from the
 * right, because the left of the list may be a client's, with a quotation mark that nothing closes.
 */
function startOfLast(list: string, end: number): number {
  let isQuoted = false;
  for (let index = end - 1; index >= 0; index -= 1) {
    const sign = list[index];
    if (sign === ',' && !isQuoted) return index + 1;
    if (sign === '"' && !(isQuoted && isEscaped(list, index))) isQuoted = !isQuoted;
  }
  return 0;
}

function isEscaped(list: string, index: number): boolean {
  let backslashes = 0;
  while (list[index - backslashes - 1] === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

/** The address in an element of X-Forwarded-For: `203.0.113.9`, `203.0.113.9:5678`, `[2001:db8::9]:443`, in quotation marks or not. */
export const addressInXForwardedFor = memo(addressIn, { max: MAX_ELEMENTS, maxLength: LONGEST_KEPT });

/** The address in an element of Forwarded: `for="[2001:db8::9]:443";proto=https` (RFC 7239 §4). */
export const addressInForwarded = memo(
  (element) => {
    const node = nodeOf(element);
    return node === undefined ? undefined : addressIn(node);
  },
  { max: MAX_ELEMENTS, maxLength: LONGEST_KEPT },
);

/** A parameter of an element, or nothing between two semicolons. */
const PARAMETER = /[ \t]*(?:([\w!#$%&'*+.^`|~-]+)[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^\s;"]*)[ \t]*)?(?:;|$)/y;

/** The one parameter `for` of an element; undefined without one, with two, or where the element is not of that form. */
function nodeOf(element: string): string | undefined {
  const nodes: string[] = [];
  for (let index = 0; index < element.length; index = PARAMETER.lastIndex) {
    PARAMETER.lastIndex = index;
    const parameter = PARAMETER.exec(element);
    if (parameter === null) return undefined;
    const [, name = '', value = ''] = parameter;
    if (name.toLowerCase() === 'for') nodes.push(value);
  }
  return nodes.length === 1 ? nodes[0] : undefined;
}

const IN_BRACKETS = /^\[([^[\]]*)\](?::[\w.-]*)?$/;
/** A port, or a word in its place (RFC 7239 §6). */
const PORT = /:(?:\d{1,5}|_[\w.-]+)$/;

function addressIn(node: string): string | undefined {
  const text = withoutQuotes(node);
  const candidates = [IN_BRACKETS.exec(text)?.[1], text, text.replace(PORT, '')];
  const address = candidates.find((candidate) => candidate !== undefined && isIP(candidate) !== 0);
  return address === undefined ? undefined : asIPv4(address);
}

function withoutQuotes(text: string): string {
  const isQuoted = text.length > 1 && text.startsWith('"') && text.endsWith('"');
  return isQuoted ? text.slice(1, -1).replace(/\\(.)/g, '$1').trim() : text;
}

/** An IPv4 address that is mapped into IPv6 has several spellings (RFC 4291 §2.5.5.2): `::ffff:cb00:7109`. Others stay. */
function asIPv4(address: string): string {
  const [withoutZone = ''] = address.split('%', 1);
  if (!ipaddr.IPv6.isValid(withoutZone)) return address;
  const parsed = ipaddr.IPv6.parse(withoutZone);
  return parsed.isIPv4MappedAddress() ? parsed.toIPv4Address().toString() : address;
}
