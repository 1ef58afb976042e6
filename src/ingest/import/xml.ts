/** An element of a feed or an export, with its content. */
export interface XmlElement {
  /** The usual prefix of the namespace and the local name in lower case: `dc:creator`. Elements of RSS have no prefix. */
  readonly name: string;
  /** The name as the document writes it, with its prefix. */
  readonly tag: string;
  /** By names in the form of `name`. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Empty for the root and the channel: their children are the parts that `xmlParts` yields. */
  readonly children: readonly (XmlElement | string)[];
  readonly parent: XmlElement | undefined;
  /** The line of the start tag, from 1. */
  readonly line: number;
  /** The inherited xml:base, absolute; undefined without one. */
  readonly base: string | undefined;
  /** The inherited xml:lang. */
  readonly language: string | undefined;
}

/** The children with one of these names, in the order of the document; none for a missing element. */
export function childElements(element: XmlElement | undefined, ...names: readonly string[]): XmlElement[] {
  return (
    element?.children.filter((child) => typeof child !== 'string').filter(({ name }) => names.includes(name)) ?? []
  );
}

/** The first child with one of these names that has content or attributes, else the first. */
export function firstElement(element: XmlElement | undefined, ...names: readonly string[]): XmlElement | undefined {
  const found = childElements(element, ...names);
  return found.find((candidate) => candidate.children.length > 0 || candidate.attributes.size > 0) ?? found[0];
}

/** The text of an element and its descendants, without white space at both ends; empty for a missing element. */
export function textContent(element: XmlElement | undefined): string {
  return element === undefined ? '' : allText(element).trim();
}

function allText({ children }: XmlElement): string {
  return children.map((child) => (typeof child === 'string' ? child : allText(child))).join('');
}

export function hasChildElements({ children }: XmlElement): boolean {
  return children.some((child) => typeof child !== 'string');
}
