import type { XmlElement } from './xml.ts';

const HTML_VOID = new Set('br hr img wbr input area col embed param'.split(' '));

/** Whether an element of HTML has no end tag. `<link>` and `<source>` may have one in feeds. */
export function isHtmlVoid(name: string): boolean {
  return HTML_VOID.has(name.replace(/^(?:xhtml|atom):/, ''));
}

/** The elements of stories, which stand beside each other. */
const STORIES = new Set(['item', 'atom:entry']);
/** Elements whose content may hold another feed. */
const MAY_HOLD_STORIES = new Set(['atom:content', 'content:encoded', 'description']);

/** Elements of a story with nothing but text. */
const TEXTS = new Set(
  (
    'title link guid pubdate comments category enclosure dc:date dc:title dc:subject atom:id ' +
    'atom:published atom:updated wp:post_id wp:post_date wp:post_date_gmt wp:status wp:post_type wp:post_name'
  ).split(' '),
);
/** Elements that only stand in a story itself: within a text of it, they show that the text has no end tag. */
const BESIDE_TEXTS = new Set([
  ...TEXTS,
  ...'author dc:creator description content:encoded excerpt:encoded atom:title atom:link atom:summary atom:content atom:author'.split(
    ' ',
  ),
]);

/**
 * The index of the open element that an element of this name ends, because its end tag is missing; -1 if there is none.
 *
 * @param isPart whether an element is a child of the root or the channel
 */
export function impliedEnd(
  name: string,
  open: readonly XmlElement[],
  isPart: (element: XmlElement) => boolean,
): number {
  if (STORIES.has(name)) {
    const part = open.findIndex(isPart);
    return part >= 0 && !open.slice(part).some((element) => MAY_HOLD_STORIES.has(element.name)) ? part : -1;
  }
  const last = open.at(-1);
  const isText = last?.parent !== undefined && TEXTS.has(last.name) && isPart(last.parent) && BESIDE_TEXTS.has(name);
  return isText ? open.length - 1 : -1;
}
