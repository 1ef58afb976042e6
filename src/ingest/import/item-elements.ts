import { type SourceDate, sourceDate } from './dates.ts';
import { looseText } from './loose-text.ts';
import { MAX_NAME, type Person, type ResolveUrl, terms, urlResolver } from './record-fields.ts';
import { childElements, firstElement, hasChildElements, textContent, type XmlElement } from './xml.ts';
import { resolveAddress } from './xml-markup.ts';

// Elements that both RSS items and Atom entries have, for each format borrows from the other.

/** The address of the story among its links (RFC 4287 §4.2.7.2). A link to HTML is preferred. */
export function alternate(links: readonly XmlElement[]): string | undefined {
  const alternates = links.filter(({ attributes }) => ['alternate', ''].includes(attributes.get('rel') ?? ''));
  const link = alternates.find(({ attributes }) => /^$|html/.test(attributes.get('type') ?? '')) ?? alternates[0];
  const href = link?.attributes.get('href')?.trim() ?? '';
  return href === '' ? undefined : resolveAddress(href, link?.base);
}

/** The first valid date among the elements, else the first text. */
export function date(element: XmlElement, names: readonly string[]): SourceDate | undefined {
  const found = names
    .flatMap((name) => childElements(element, name))
    .map((candidate) => sourceDate(textContent(candidate)))
    .filter(({ text }) => text !== '');
  return found.find(({ instant }) => instant !== undefined) ?? found[0];
}

/** The sections and tags of a story. */
export function categories(item: XmlElement): { sections: string[] | undefined; tags: string[] | undefined } {
  const named = childElements(item, 'category', 'atom:category');
  const subjects = childElements(item, 'dc:subject').map((subject) => looseText(textContent(subject)));
  return {
    sections: terms(named.filter(isSection).map(categoryName)),
    tags: terms([...named.filter((category) => !isSection(category)).map(categoryName), ...subjects]),
  };
}

/** Feeds of this program mark a section by its scheme. */
function isSection({ attributes }: XmlElement): boolean {
  return /\/section\/$/.test(attributes.get('domain') ?? attributes.get('scheme') ?? '');
}

function categoryName(category: XmlElement): string {
  const own = category.children.filter((child) => typeof child === 'string').join('');
  return looseText(category.attributes.get('label') ?? (own.trim() || (category.attributes.get('term') ?? '')));
}

/** Reads an author: `mail@example.com (Name)` in RSS 2.0, elsewhere `Name <mail@example.com>` or the name alone. */
export function personOf(text: string): Person {
  if (text.length > MAX_NAME) return { name: text };
  const [, mail, name] = /^(\S+@\S+)\s*\((.+)\)$/.exec(text) ?? [];
  if (mail !== undefined && name !== undefined) return { name, email: mail };
  const [, before, address] = /^(.+?)\s*[<(](\S+@\S+)[>)]$/.exec(text) ?? [];
  if (before !== undefined && address !== undefined) return { name: before, email: address };
  return { name: text, email: text };
}

/** The Atom authors of an element, which RSS items may have as well. */
export function atomPeople(element: XmlElement): Person[] {
  return childElements(element, 'atom:author').map(atomPerson);
}

export function atomPerson(author: XmlElement): Person {
  const email = textContent(firstElement(author, 'atom:email')) || undefined;
  return {
    // Some feeds write the name without its element.
    name: textContent(firstElement(author, 'atom:name')) || (hasChildElements(author) ? email : textContent(author)),
    email,
    url: urlResolver(author.base)(textContent(firstElement(author, 'atom:uri', 'atom:url'))),
  };
}

/** The address of the license of an item, else of its feed. */
export function license(item: XmlElement, head: readonly XmlElement[], resolve: ResolveUrl): string | undefined {
  const licenses = [...item.children.filter((child) => typeof child !== 'string'), ...head]
    .filter(({ name, attributes }) => name.endsWith(':license') || attributes.get('rel') === 'license')
    .map((element) => element.attributes.get('rdf:resource') ?? element.attributes.get('href') ?? textContent(element));
  return licenses.map(resolve).find((url) => url !== undefined);
}
